"""A sweep as a table on the screen."""

from __future__ import annotations

from rich import box
from rich.table import Table

from stochhh.analysis.axes import value_label
from stochhh.plot.sweep_metrics import last_part
from stochhh.result import limit_label
from stochhh.sweeping.running import Sweep

_MOST_ROWS = 30
#: Headings of some numbers; beside the first stands that of the deterministic limit.
_SPIKING = {"firing_rate": "rate (Hz)", "isi_cv": "ISI CV", "voltage_sd": "V SD (mV)"}
_CLAMPED = {"current_peak": "peak (pA)", "current_mean": "mean (pA)"}
_IMPULSES = {
    "spikes_at_end": "impulses",
    "velocity": "velocity (m/s)",
    "evoked_vesicles": "vesicles",
}


def sweep_table(sweep: Sweep) -> Table:
    """Lay out points and some of their numbers, with 95 % intervals and the deterministic limit."""
    data, points = sweep.dataset, sweep.summary["points"]
    headings = _CLAMPED if "current_mean" in data else _SPIKING
    if "spikes_at_end" in data:
        headings = _IMPULSES
    table = Table(
        title=sweep.scenario.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
    )
    for key in points[0]["place"]:
        table.add_column(key.rsplit(".", 1)[-1], no_wrap=True)
    columns = []
    for name in (name for name in headings if name in data):
        part, whose = last_part(data, name)
        table.add_column(f"{whose} {headings[name]}".strip(), justify="right", no_wrap=True)
        ends = (f"{name}{end}" for end in ("", "_low", "_high"))
        columns.append([part[end].values.ravel() for end in ends if end in part])
        limit = f"deterministic_{name}"
        if name == next(iter(headings)) and limit in part:
            table.add_column("det.", justify="right", no_wrap=True)
            columns.append([part[limit].values.ravel()])
    left_out = range(_MOST_ROWS // 2, len(points) - _MOST_ROWS // 2)
    for index, point in enumerate(points):
        if index not in left_out:
            cells = [_cell(*(float(numbers[index]) for numbers in column)) for column in columns]
            table.add_row(*(value_label(value) for value in point["place"].values()), *cells)
        elif index + 1 not in left_out:
            table.add_row(f"… {len(left_out)} more", end_section=True)
    if "deterministic_given" in sweep.summary:
        table.caption = f"det.: {limit_label(sweep.summary)}"
    return table


def _cell(value: float, low: float = float("nan"), high: float = float("nan")) -> str:
    if value != value:
        return "–"
    to = "–" if low >= 0.0 else " to "
    return f"{value:.4g}" if low != low else f"{value:.4g} ({low:.3g}{to}{high:.3g})"
