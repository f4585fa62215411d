"""The table that the command line shows after the run of a circuit."""

from __future__ import annotations

from itertools import islice
from typing import Any

from rich.table import Table

from stochhh import units
from stochhh.result import limit_label

_CELL_ROWS = (
    ("spikes at the start, a trial", "spikes_at_start", "{:.3g}"),
    ("spikes at the end, a trial", "spikes_at_end", "{:.3g}"),
    ("first spike at the end (ms)", "first_at_end_ms", "{:.4g}"),
    ("  its SD over trials (ms)", "first_at_end_sd_ms", "{:.3g}"),
    ("conduction velocity (m/s)", "velocity_m_per_s", "{:.4g}"),
)
_SYNAPSE_ROWS = (
    ("vesicles released by spikes, a trial", "evoked_vesicles", "{:.3g}"),
    ("vesicles released spontaneously, a trial", "spontaneous_vesicles", "{:.3g}"),
    ("trials without an evoked release", "trials_without_evoked", "{:d}"),
    ("most receptors open at once", "most_receptors_open", "{:.0f}"),
)
_PATCH_ROWS = (
    ("spikes a trial", "spikes_at_end", "{:.3g}"),
    ("first spike (ms)", "first_at_end_ms", "{:.4g}"),
    ("  its SD over trials (ms)", "first_at_end_sd_ms", "{:.3g}"),
)
_TIP_ROWS = (
    ("spikes at the tip of {}, a trial", "spikes_at_end", "{:.3g}"),
    ("  the first of them (ms)", "first_at_end_ms", "{:.4g}"),
)
_MOST_CELLS, _MOST_SYNAPSES = 20, 20  # shown; all are in summary.json
_MOST_TIPS = 12  # of a cell, likewise


def circuit_table(summary: dict[str, Any], took: str = "") -> Table:
    """Lay out the summary of a circuit's run, cell by cell and synapse by synapse."""
    table = Table(title=summary["title"], title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column(f"{summary['method']}", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column(limit_label(summary), justify="right")
    points = summary.get("points", [summary])
    for point in points:
        if "place" in point:
            place = ", ".join(f"{axis} = {value}" for axis, value in point["place"].items())
            place = units.pretty(place)
            table.add_row(place, style="bold")
        for name, cell in islice(point["cells"].items(), _MOST_CELLS):
            tips = cell.get("tips", {})
            rows = _CELL_ROWS if cell["compartments"] > 1 else _PATCH_ROWS
            _add_rows(table, _heading(name, cell), rows, cell)
            for tip, found in islice(tips.items(), 1, _MOST_TIPS):
                _add_rows(table, None, _TIP_ROWS, found, tip)
            if len(tips) > _MOST_TIPS:
                table.add_row(f"  {len(tips) - _MOST_TIPS:,d} more tips in summary.json")
        for name, synapse in islice(point["synapses"].items(), _MOST_SYNAPSES):
            _add_rows(table, name, _SYNAPSE_ROWS, synapse)
        table.add_section()
    flips = summary["transitions"]
    drawn = f"{flips:,d} channel transitions drawn one by one, " if flips else ""
    trials = f"{summary['trials']:,d} trial{'s' if summary['trials'] != 1 else ''}"
    left = _left_out(len(points[0]["cells"]), len(points[0]["synapses"]), "summary.json")
    table.caption = f"{drawn}{trials} of {summary['duration_ms']:g} ms{took}{left}"
    return table


def _heading(name: str, cell: dict[str, Any]) -> str:
    """Name of a cell, into how many compartments it is cut, and at which tip its end is."""
    n, tips = cell["compartments"], list(cell.get("tips", {}))
    ends = f", {len(tips)} tips; its end is that of {tips[0]}" if tips else ""
    return f"{name} ({n:,d} compartment{'s' if n != 1 else ''}{ends})"


def _left_out(n_cells: int, n_synapses: int, there: str = "") -> str:
    """What a table of a large circuit does not show, and where that is."""
    more = [
        f"{n - most:,d} more {what}"
        for n, most, what in (
            (n_cells, _MOST_CELLS, "cells"),
            (n_synapses, _MOST_SYNAPSES, "synapses"),
        )
        if n > most
    ]
    if not more:
        return ""
    return f"; {' and '.join(more)} {f'in {there}' if there else 'are left out'}"


def _add_rows(
    table: Table,
    heading: str | None,
    rows: tuple[tuple[str, str, str], ...],
    numbers: dict[str, Any],
    tip: str = "",
) -> None:
    """Rows of numbers beside those of their deterministic limit; of a tip, if one is named."""
    limit = numbers.get("deterministic", {})
    if heading is not None:
        table.add_row(heading, style="bold")
    for label, key, form in rows:
        if key not in numbers:
            continue
        value, interval = numbers[key], numbers.get(f"{key}_ci")
        spread = ""
        if interval is not None:
            spread = " to ".join(form.format(bound) for bound in interval)
        beside = limit.get(key)
        table.add_row(
            f"  {label.format(tip)}",
            "–" if value is None else form.format(value),
            spread,
            "" if beside is None else form.format(beside),
        )


def cell_tables(description: dict[str, Any]) -> list[Table]:
    """Lay out resolved cells and synapses."""
    cells = Table(title="cells", title_justify="left", title_style="bold")
    cells.add_column("")
    entries = description["cells"][:_MOST_CELLS]
    for entry in entries:
        cells.add_column(entry["name"], justify="right")
    for name, key, form in (
        ("sections", "sections", ",d"),
        ("tips", "tips", ",d"),
        ("compartments", "compartments", ",d"),
        ("longest compartment (µm)", "longest_um", ".4g"),
        ("from start to farthest tip (µm)", "reach_um", ".6g"),
        ("membrane area (µm²)", "area_um2", ".4g"),
        ("capacitance (pF)", "capacitance_pF", ".4g"),
    ):
        values = [entry[key] for entry in entries]
        cells.add_row(name, *("–" if one is None else format(one, form) for one in values))
    for what in dict.fromkeys(what for entry in entries for what in entry["resolved"]):
        cells.add_row(
            f"longest for the {what}", *(entry["resolved"].get(what, "–") for entry in entries)
        )
    rests = [
        f"{low:.2f}" if high - low < 0.01 else f"{low:.2f} to {high:.2f}"
        for low, high in (entry["rest_mV"] for entry in entries)
    ]
    cells.add_row("resting voltage (mV)", *rests)
    cells.add_row("left to settle first (ms)", *[f"{description['settle_ms']:g}"] * len(entries))
    for name in dict.fromkeys(name for entry in entries for name in entry["channels"]):
        counts = [f"{entry['channels'].get(name, 0):,d}" for entry in entries]
        cells.add_row(f"{name} channels", *counts)
    left = _left_out(len(description["cells"]), len(description["synapses"]))
    if left:
        cells.caption = left.lstrip("; ")
    if not description["synapses"]:
        return [cells]
    synapses = Table(title="synapses", title_justify="left", title_style="bold")
    for heading in ("synapse", "from where to where", "sites", "vesicles a spike", "receptors"):
        synapses.add_column(heading, justify="left" if heading != "sites" else "right")
    for one in description["synapses"][:_MOST_SYNAPSES]:
        synapses.add_row(
            one["name"],
            one["way"],
            f"{one['sites']}",
            f"{one['content']:g} of {one['sites']}, on average",
            f"{one['receptors']} of {one['conductance_pS']:g} pS",
        )
    return [cells, synapses]


def convergence_table(title: str, changes: list[Any]) -> Table:
    """Lay out what halving step and compartments changes; of `stochhh.circuit.converge`."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("deterministic limit", "as it is", "both halved", "change"):
        table.add_column(heading, justify="left" if heading == "deterministic limit" else "right")
    for cell in dict.fromkeys(change.cell for change in changes):
        table.add_row(cell, style="bold")
        for change in changes:
            if change.cell != cell:
                continue
            numbers = (change.as_is, change.halved)
            said = ["–" if value != value else f"{value:.5g}" for value in numbers]
            percent = "–" if change.percent != change.percent else f"{change.percent:+.2g} %"
            table.add_row(f"  {change.what}", *said, percent)
    table.caption = (
        "step and compartments halved once; both errors are of second order, so that "
        "4/3 of a change is what it was off, and 1/3 what is left"
    )
    return table
