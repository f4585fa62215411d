"""The picture of a sweep of which only numbers were kept: each against the first axis."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.axes import axis_numbers, place_label
from stochhh.analysis.spikes import mean_estimate
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, shades
from stochhh.scenario import Scenario, axes_of
from stochhh.scenario.sweep_tables import REPEATS

_SPIKING = (
    ("firing_rate", "firing rate (Hz)"),
    ("isi_cv", "CV of intervals"),
    ("first_spike", "first spike (ms)"),
    ("voltage_sd", "SD of voltage (mV)"),
)
_CLAMPED = (
    ("current_mean", "mean current (pA)"),
    ("current_max", "highest current (pA)"),
    ("current_min", "lowest current (pA)"),
    ("transitions", "transitions in a trial"),
)
_MOST_CURVES = 6
_LOG_RATIO = 20.0


def draw_metrics(dataset: xr.Dataset, scenario: Scenario) -> Figure:
    """Draw four numbers with their 95 % intervals along the first axis that is no repeat.

    Repeats are pooled with trials; values on the other axes are a curve each, up to six of
    them. The deterministic limit is dashed and black.
    """
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
        figure.suptitle(scenario.title, x=0.01, ha="left", fontsize=10, fontweight="bold")
        panels: Any = figure.subplots(2, 2, sharex=True)
        shown = _CLAMPED if "current_mean" in dataset else _SPIKING
        for axes, (name, label) in zip(panels.flat, shown, strict=True):
            if name in dataset:
                _draw(axes, dataset, scenario, name)
            axes.set_ylabel(label)
            if shown is _SPIKING:  # none of these is below zero, though an interval may be
                axes.set_ylim(bottom=0.0)
        for axes in panels[0]:
            axes.set_xlabel("")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _draw(axes: Axes, dataset: xr.Dataset, scenario: Scenario, name: str) -> None:
    swept = [axis for axis in axes_of(scenario) if axis.name != REPEATS]
    pooled = [dim for dim in (REPEATS, "trial") if dim in dataset[name].dims]
    values = dataset[name].transpose(*(axis.name for axis in swept), *pooled)
    limit = dataset.get(f"deterministic_{name}")
    if limit is not None and REPEATS in limit.dims:
        limit = limit.isel({REPEATS: 0})
    if not swept:
        x, label = np.zeros(1), ""
        table = values.values.reshape(1, 1, -1)
        others = [""]
        limits = None if limit is None else limit.values.reshape(1, 1)
    else:
        first, *rest = swept
        x, label = axis_numbers([step[0] for step in first.steps], first.name)
        table = values.values.reshape(len(x), -1, int(np.prod([values.sizes[d] for d in pooled])))
        places = product(*(axis.steps for axis in rest))
        others = [
            place_label({axis.name: step[0] for axis, step in zip(rest, place, strict=True)})
            for place in places
        ]
        limits = None
        if limit is not None:
            ordered = limit.transpose(*(axis.name for axis in swept))
            limits = ordered.values.reshape(len(x), -1)
    chosen = np.unique(np.linspace(0, len(others) - 1, min(len(others), _MOST_CURVES)).round())
    order = np.argsort(x, kind="stable")
    for color, k in zip(shades(len(chosen)), chosen.astype(int), strict=True):
        estimates = [mean_estimate(table[i, k]) for i in order]
        draw_estimates(axes, x[order], estimates, color, others[k] or "trials (mean, 95 %)")
        if limits is not None:
            axes.plot(
                x[order],
                limits[order, k],
                marker="s",
                markersize=2.5,
                label="deterministic" if k == 0 else None,
                **style.LIMIT,
            )
    if np.all(x > 0) and x.max() / x.min() >= _LOG_RATIO:
        axes.set_xscale("log")
    if not swept:
        axes.set_xticks([])
    axes.set_xlabel(scenario.figure.axis or label)
