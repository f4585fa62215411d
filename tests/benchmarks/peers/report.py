"""Tables of the benchmark, for the terminal and for the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from peers import laws, measure
from peers.rows import REFERENCE, Row
from peers.schedule import Cell, Clamped
from peers.work import Patch


@dataclass(frozen=True)
class Sheet:
    """A table of texts.

    Attributes
    ----------
    title, columns, rows, notes : of the table; the first column is of words, others of numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def speeds(cells: Sequence[Cell], current: float) -> Sheet:
    """Processor and wall seconds for a simulated second, and how far exact is ahead."""
    table = _table(cells, current)
    rows = [
        [_label(row), row.frozen, *(_speed(one, table[REFERENCE][p]) for p, one in found.items())]
        for row, found in table.items()
    ]
    return Sheet(
        f"CPU s (wall s) for a simulated second, {current:g} µA/cm², "
        "and how many times the CPU time of the exact method that is",
        ["simulator", "holds still", *(f"{p.area_um2:g} µm²" for p in table[REFERENCE])],
        rows,
        ["~: from less than one simulated second"],
    )


def firings(cells: Sequence[Cell], current: float) -> Sheet:
    """Firing rates and CV beside those of the exact method."""
    table = _table(cells, current)
    rows = [
        [_label(row), *(_firing(one, table[REFERENCE][p]) for p, one in found.items())]
        for row, found in table.items()
    ]
    return Sheet(
        f"Firing rate (Hz) ± SE, CV of intervals ± SE, and difference in rate from the exact "
        f"method, {current:g} µA/cm²",
        ["simulator", *(f"{p.area_um2:g} µm²" for p in table[REFERENCE])],
        rows,
        [f"bold: rate differs from that of the exact method at p < {laws.LEVEL:g}"],
    )


def clamps(outcomes: Mapping[Row, Clamped | None]) -> Sheet:
    """Open counts after a step against theory, and the time for a transition."""
    held, times = measure.STEPPED, measure.STEP_TIMES_MS
    mean, variance = laws.open_count(held, times)
    rows = [["theory", *(f"{m:.2f}" for m in mean), *(f"{v:.2f}" for v in variance), "", "", ""]]
    exact = outcomes[REFERENCE]
    for row, found in outcomes.items():
        if found is None:
            rows.append([_label(row), *["missing"] * 4, "", "", ""])
            continue
        verdicts = laws.compare_moments(found.moments, held, times)
        values = [*found.moments["mean"], *found.moments["variance"]]
        cells = [
            _marked(f"{v:.2f} ± {abs(t.error * v / (1 + t.difference)):.2f}", t)
            for v, t in zip(values, verdicts, strict=True)
        ]
        worst = min(verdicts, key=lambda t: t.p_value)
        verdict = f"off, p = {worst.p_value:.1g}" if worst.off else "agrees"
        ahead = f", {_times(found.ns / exact.ns)}" if exact and row != REFERENCE else ""
        sweeps = str(found.moments["sweeps"])
        rows.append([_label(row), *cells, sweeps, f"{found.ns:,.0f}{ahead}", verdict])
    timed = measure.TIMED
    return Sheet(
        f"{held.count} K+ channels stepped {held.before_mV:g} → {held.voltage_mV:g} mV: "
        f"open count; CPU time a transition of {timed.count} channels at {timed.voltage_mV:g} mV",
        [
            "simulator",
            *(f"mean, {t:g} ms" for t in times),
            *(f"variance, {t:g} ms" for t in times),
            "sweeps",
            "ns a transition",
            "law",
        ],
        rows,
        [f"bold: differs from the binomial law at p < {laws.LEVEL:g}"],
    )


def show(sheets: Sequence[Sheet], console: Console) -> None:
    """Print tables on a terminal."""
    for sheet in sheets:
        table = Table(title=sheet.title, caption="\n".join(sheet.notes), title_justify="left")
        for index, column in enumerate(sheet.columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in sheet.rows:
            table.add_row(*(_rich(cell) for cell in row))
        console.print(table)


def markdown(sheets: Sequence[Sheet], preface: str) -> str:
    """Tables as Markdown."""
    lines = [preface, ""]
    for sheet in sheets:
        lines += [f"{sheet.title}:", "", "| " + " | ".join(sheet.columns) + " |"]
        lines.append("|---|" + "---:|" * (len(sheet.columns) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in sheet.rows]
        lines += ["", *(f"{note}." for note in sheet.notes), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(cells: Sequence[Cell], current: float) -> dict[Row, dict[Patch, Cell]]:
    table: dict[Row, dict[Patch, Cell]] = {}
    for cell in cells:
        if cell.patch.current_uA_cm2 == current:
            table.setdefault(cell.row, {})[cell.patch] = cell
    return table


def _label(row: Row) -> str:
    version = row.installed()
    return f"{row.label} ({version})" if version else row.label


def _speed(cell: Cell, exact: Cell) -> str:
    if not cell.trials:
        return cell.missing
    mark = "~" if cell.simulated_s < 1.0 else ""
    text = f"{mark}{_three(cell.cpu_s)} ({_three(cell.wall_s)})"
    ahead = exact.trials and cell.row != REFERENCE
    return f"{text}, {_times(cell.cpu_s / exact.cpu_s)}" if ahead else text


def _firing(cell: Cell, exact: Cell) -> str:
    if not cell.trials:
        return cell.missing
    one, reference = cell.firing(), exact.firing()
    if one is None:
        return "too short"
    text = f"{one.rate_hz:.2f} ± {one.rate_error:.2f}"
    if one.cv is not None:
        text += f", {one.cv:.3f} ± {one.cv_error:.3f}"
    verdict = laws.compare(one, reference) if reference and cell is not exact else None
    return _marked(f"{text} ({verdict.difference:+.1%})", verdict) if verdict else text


def _times(ratio: float) -> str:
    return f"{ratio:.0f}×" if ratio >= 10.0 else f"{ratio:.2g}×"


def _marked(text: str, verdict: laws.Verdict) -> str:
    return f"**{text}**" if verdict.off else text


def _rich(cell: str) -> str:
    return f"[bold red]{cell[2:-2]}[/]" if cell.startswith("**") else cell


def _three(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 100.0 else f"{seconds:.2g}"
