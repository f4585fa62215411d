"""A sweep as a table on the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from stochhh.analysis.axes import value_label
from stochhh.analysis.estimates import mean_estimate
from stochhh.plot.sweep_metrics import has_rates, last_part
from stochhh.scenario import places_of
from stochhh.sweeping.running import Sweep

_MOST_ROWS = 30
_SPIKING = {"firing_rate": "rate (Hz)", "isi_cv": "ISI CV", "voltage_sd": "V SD (mV)"}
_IMPULSES = {
    "rate_at_end": "rate (Hz)",
    "velocity": "velocity (m/s)",
    "evoked_vesicles": "vesicles",
}
_FEW = {"spikes_at_end": "impulses", "velocity": "velocity (m/s)", "evoked_vesicles": "vesicles"}
_CLAMPED = {"current_mean": "mean (pA)", "current_min": "lowest", "current_max": "highest"}


def sweep_table(sweep: Sweep) -> Table:
    """Lay out points and the means of some numbers over trials, with 95 % intervals."""
    data = sweep.dataset
    places = list(places_of(sweep.scenario))
    headings = _CLAMPED if "current_mean" in data else _SPIKING
    if "rate_at_end" in data:
        headings = _IMPULSES if has_rates(data) else _FEW
    names = [name for name in headings if name in data]
    table = Table(
        title=sweep.scenario.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
    )
    for key in places[0]:
        table.add_column(key.rsplit(".", 1)[-1], no_wrap=True)
    parts = {name: last_part(data, name) for name in names}
    for name in names:
        heading = " ".join([parts[name][1], headings[name]]).strip()
        table.add_column(heading, justify="right", no_wrap=True)
    columns = {name: parts[name][0][name].values.reshape(len(places), -1) for name in names}
    left_out = range(_MOST_ROWS // 2, len(places) - _MOST_ROWS // 2)
    for index, place in enumerate(places):
        if index not in left_out:
            cells = [_cell(columns[name][index]) for name in names]
            table.add_row(*(value_label(value) for value in place.values()), *cells)
        elif index + 1 not in left_out:
            table.add_row(f"… {len(left_out)} more", end_section=True)
    return table


def _cell(values: Any) -> str:
    estimate = mean_estimate(np.asarray(values))
    if estimate.value is None:
        return "–"
    if estimate.interval is None:
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g} ± {(estimate.interval[1] - estimate.interval[0]) / 2:.2g}"
