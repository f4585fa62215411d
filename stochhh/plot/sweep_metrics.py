"""The picture of a sweep of which only numbers were kept: each along the swept axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.axes import place_label
from stochhh.analysis.estimates import Estimate
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture
from stochhh.plot.sweep_grid import Grid, draw_grid, grid_of, legend_of
from stochhh.plot.sweep_points import choose_points
from stochhh.result import limit_label
from stochhh.scenario import Experiment, axes_of
from stochhh.scenario.sweep_tables import REPEATS
from stochhh.scenario.sweeps import places_of

_SPIKING = (
    ("firing_rate", "firing rate (Hz)"),
    ("isi_cv", "CV of intervals"),
    ("first_spike", "first spike (ms)"),
    ("voltage_sd", "SD of voltage (mV)"),
)
_CLAMPED = (
    ("current_outward", "largest outward (pA)"),
    ("current_inward", "largest inward (pA)"),
    ("current_mean", "mean current (pA)"),
    ("transitions", "transitions, all trials"),
)
_IMPULSES = (
    ("spikes_at_end", "impulses at the end, a trial"),
    ("velocity", "velocity (m/s)"),
    ("first_at_end", "first arrival (ms)"),
    ("evoked_vesicles", "vesicles in a trial"),
)
_PARTS = ("cell", "synapse")


@style.as_written
def draw_metrics(dataset: xr.Dataset, scenario: Experiment) -> Figure:
    """Draw up to four numbers with their 95 % intervals along the first axis that is no repeat.

    Values on a second axis are a curve each, or rows of a heat map; on a third one the middle
    value is drawn, or that of ``figure.rows``. The deterministic limit is dashed.
    """
    places = [place for place in places_of(scenario) if not place.get(REPEATS)]  # are pooled
    further = [axis.name for axis in axes_of(scenario) if axis.name != REPEATS][2:]
    chosen = choose_points(scenario, places, 1).fixed if further else {}
    fixed = {key: chosen[key] for key in further if key in chosen}
    shown = _CLAMPED if "current_mean" in dataset else _SPIKING
    if "spikes_at_end" in dataset:
        shown = _IMPULSES
    there = [(name, label) for name, label in shown if _is_known(dataset, name)]
    with style.style():
        n_rows = max(-(-len(there) // 2), 1)
        figure = Picture(figsize=(style.WIDTH, 0.6 + 2.1 * n_rows), layout="constrained")
        headline(figure, scenario.title)
        panels: Any = figure.subplots(n_rows, 2, squeeze=False)
        for axes in panels.flat[len(there) :]:
            axes.set_axis_off()
        drawn: Grid | None = None
        for axes, (name, label) in zip(panels.flat, there, strict=False):
            part, among = last_part(dataset, name)
            grid = _grid(part, scenario, places, fixed, name)
            whole = f"{label}\n{among}" if among else label
            draw_grid(axes, grid, whole, scenario.figure.axis, limit_label(dataset.attrs))
            drawn = drawn or grid
            if shown is not _CLAMPED and not grid.is_map:  # none is below zero
                axes.set_ylim(bottom=0.0)
        if drawn is not None:
            _legend(figure, panels.flat[0], drawn, fixed)
    return figure


def last_part(dataset: xr.Dataset, name: str) -> tuple[xr.Dataset, str]:
    """Dataset of the last cell or synapse that has such a number, and its name.

    What a whole is told by: the end of the chain. Of numbers of no part the dataset stays.
    """
    part = next((one for one in _PARTS if one in dataset[name].dims), None)
    if part is None:
        return dataset, ""
    others = [dim for dim in dataset[name].dims if dim != part]
    there = np.flatnonzero(dataset[name].notnull().any(others).values)
    chosen = dataset.isel({part: int(there[-1]) if len(there) else -1})
    return chosen, str(chosen[part].item())


def _is_known(dataset: xr.Dataset, name: str) -> bool:
    """Whether a number was found at any point."""
    return name in dataset and bool(dataset[name].notnull().any())


def _grid(
    dataset: xr.Dataset,
    scenario: Experiment,
    places: list[dict[str, Any]],
    fixed: dict[str, Any],
    name: str,
) -> Grid:
    def values(form: str) -> Any:
        found = dataset.get(form.format(name))
        return np.full(len(places), np.nan) if found is None else found.values.ravel()

    value, low, high = (values(form) for form in ("{}", "{}_low", "{}_high"))
    limits = values("deterministic_{}")

    def estimate(of: list[int]) -> Estimate:
        (here,) = of
        if np.isnan(value[here]):
            return Estimate(None)
        ends = None if np.isnan(low[here]) else (float(low[here]), float(high[here]))
        return Estimate(float(value[here]), ends)

    limit = limits.__getitem__ if np.isfinite(limits).any() else None
    return grid_of(scenario, places, fixed, estimate, limit)


def _legend(figure: Figure, axes: Axes, grid: Grid, fixed: dict[str, Any]) -> None:
    """Say below the picture what its curves are, and what is the same in all of it."""
    handles, labels = axes.get_legend_handles_labels()
    said = [legend_of(grid), f"all at {place_label(fixed)}" if fixed else ""]
    if handles or fixed:
        figure.legend(
            handles,
            labels,
            title="; ".join(filter(None, said)),
            loc="outside lower center",
            ncols=max(len(handles), 1) if len(handles) < 5 else 3,
        )
