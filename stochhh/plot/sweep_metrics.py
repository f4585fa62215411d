"""The picture of a sweep of which only numbers were kept: each against the first axis."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.axes import axis_numbers, place_label
from stochhh.analysis.estimates import mean_estimate
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, shades
from stochhh.scenario import Experiment, axes_of
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
_IMPULSES = (
    ("rate_at_end", "impulses at the end (Hz)"),
    ("velocity", "velocity (m/s)"),
    ("first_at_end", "first arrival (ms)"),
    ("evoked_vesicles", "vesicles in a trial"),
)
_SINGLE = ("spikes_at_end", "impulses at the end")
_PARTS = ("cell", "synapse")
_MOST_CURVES = 6
_LOG_RATIO = 20.0


@style.as_written
def draw_metrics(dataset: xr.Dataset, scenario: Experiment) -> Figure:
    """Draw up to four numbers with their 95 % intervals along the first axis that is no repeat.

    Repeats are pooled with trials; values on the other axes are a curve each, up to six of
    them. The deterministic limit is dashed and black.
    """
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
        figure.suptitle(scenario.title, x=0.01, ha="left", fontsize=10, fontweight="bold")
        panels: Any = figure.subplots(2, 2, sharex=True)
        shown = _CLAMPED if "current_mean" in dataset else _SPIKING
        if "rate_at_end" in dataset:
            shown = _IMPULSES if has_rates(dataset) else (_SINGLE, *_IMPULSES[1:])
        for axes, (name, label) in zip(panels.flat, shown, strict=True):
            if name not in dataset:
                axes.set_axis_off()
                continue
            part, among = last_part(dataset, name)
            _draw(axes, part, scenario, name)
            axes.set_ylabel(f"{label}\n{among}" if among else label)
            if shown is not _CLAMPED:  # none of these is below zero, though an interval may be
                axes.set_ylim(bottom=0.0)
        for upper, lower in panels.T:
            if lower.axison:
                upper.set_xlabel("")
            else:
                upper.tick_params(labelbottom=True)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def has_rates(dataset: xr.Dataset) -> bool:
    """Whether any trial has two impulses at the end of a cell, as a rate needs."""
    return bool((dataset["spikes_at_end"] > 1).any())


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


def _draw(axes: Axes, dataset: xr.Dataset, scenario: Experiment, name: str) -> None:
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
