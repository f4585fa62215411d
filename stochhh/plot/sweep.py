"""The picture of a sweep: voltages point by point, and the number of spikes along the axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.axes import axis_numbers, value_label
from stochhh.analysis.estimates import count_estimate
from stochhh.plot import style
from stochhh.plot.estimates import shades
from stochhh.plot.panels import View, raster, voltage
from stochhh.result import Result, limit_label

_MOST_ROWS = 8
_MOST_TRAINS = 20  # a point, so that the ticks stay visible
_MOST_RASTERS = 16  # points; of more only those whose voltages are drawn
_MOST_CURVES = 6  # of spike counts
_LOG_RATIO = 20.0


@style.as_written
def draw_sweep(result: Result) -> Figure:
    """Draw the points of a sweep above each other, and spikes a trial along the first axis."""
    layout = result.scenario.figure
    n_points = result.n_points
    shown = _spread(n_points, _MOST_ROWS)
    figure = Figure(figsize=(style.WIDTH, max(3.0, 0.9 + 0.85 * len(shown))), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=(1.9, 1.0))
    left, right = halves
    rows = left.subplots(len(shown), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    key, *others = list(result.scenario.sweep)
    for axes, index in zip(rows, shown, strict=True):
        _voltages(axes, result, index, layout.traces, [key, *others])
    rows[0].legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.02), ncols=2, borderaxespad=0.0, handlelength=2.2
    )
    for axes in rows[:-1]:
        axes.tick_params(axis="x", bottom=False)
        axes.spines["bottom"].set_visible(False)
    rows[-1].set_xlabel("time (ms)")
    start = 0.0 if layout.start_ms is None else float(layout.start_ms)
    end = result.duration_ms if layout.end_ms is None else float(layout.end_ms)
    rows[-1].set_xlim(start, end)
    left.supylabel("voltage (mV)", fontsize=8)
    counts, trains = right.subplots(2, 1, gridspec_kw={"height_ratios": (1.0, 1.1)})
    _spike_counts(counts, result, key, others)
    rastered = shown if n_points > _MOST_RASTERS else list(range(n_points))
    _rasters(trains, result, [key, *others], rastered)
    trains.set_xlim(start, end)
    return figure


def _voltages(axes: Axes, result: Result, index: int, n_traces: int, keys: list[str]) -> None:
    data, layout = result.point(index), result.scenario.figure
    start = None if layout.start_ms is None else float(layout.start_ms)
    end = None if layout.end_ms is None else float(layout.end_ms)
    voltage(axes, View(data, n_traces, start, end))
    legend = axes.get_legend()
    if legend is not None:
        legend.remove()
    axes.set_ylabel("")
    place = ", ".join(value_label(data.coords[key].item()) for key in keys)
    axes.text(1.01, 0.5, place, transform=axes.transAxes, ha="left", va="center", fontsize=7)


def _spike_counts(axes: Axes, result: Result, key: str, others: list[str]) -> None:
    """Spikes a trial with their interval, beside the deterministic number."""
    places = [
        {name: result.point(j).coords[name].item() for name in (key, *others)}
        for j in range(result.n_points)
    ]
    x, label = axis_numbers([place[key] for place in places], key)
    layout = result.scenario.figure
    every = list(dict.fromkeys(tuple(str(place[name]) for name in others) for place in places))
    groups = [every[k] for k in _spread(len(every), _MOST_CURVES)]
    colors = shades(len(groups))
    for shade, group in enumerate(groups):
        members = [
            j
            for j, place in enumerate(places)
            if tuple(str(place[name]) for name in others) == group
        ]
        estimates = [
            count_estimate([len(train) for train in result.spike_trains(j)]) for j in members
        ]
        means = np.array([np.nan if e.value is None else e.value for e in estimates])
        low = np.array([e.interval[0] if e.interval else np.nan for e in estimates])
        high = np.array([e.interval[1] if e.interval else np.nan for e in estimates])
        axes.errorbar(
            x[members],
            means,
            yerr=np.nan_to_num([means - low, high - means]),
            fmt="o-",
            color=colors[shade],
            markersize=3.5,
            linewidth=1.0,
            capsize=2,
            label=", ".join(value_label(value) for value in group) or "trials (mean, 95 %)",
        )
        if result.has_deterministic:
            limit = [len(result.spike_trains(j, deterministic=True)[0]) for j in members]
            axes.plot(
                x[members],
                limit,
                marker="s",
                markersize=3,
                label=limit_label(result.dataset.attrs) if shade == 0 else None,
                **style.LIMIT,
            )
    if np.all(x > 0) and x.max() / x.min() >= _LOG_RATIO:
        axes.set_xscale("log")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(layout.axis or label)
    axes.set_ylabel("spikes a trial")
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.01),
        borderaxespad=0.0,
        ncols=1 + (len(groups) > _MOST_CURVES // 2),
        handlelength=1.6,
        columnspacing=1.0,
    )


def _spread(n: int, most: int) -> list[int]:
    """Places of up to so many of n things, evenly spread from the first to the last."""
    return [int(k) for k in np.unique(np.linspace(0, n - 1, min(n, most)).round())]


def _rasters(axes: Axes, result: Result, keys: list[str], shown: list[int]) -> None:
    """Spikes of every trial, point above point from the top, the deterministic ones in black."""
    base, ticks, labels = 0.0, [], []
    for index in reversed(shown):
        rows = result.spike_trains(index)[:_MOST_TRAINS]
        raster(axes, rows, base + 1.0, style.VOLTAGE, width=1.3)
        if result.has_deterministic:
            limit = result.spike_trains(index, deterministic=True)[0]
            top = base + len(rows) + 0.5
            axes.vlines(limit, base + 0.5, top, color=style.DETERMINISTIC, linewidth=1.0)
        ticks.append(base + 0.5 * (len(rows) + 1))
        coordinates = result.point(index).coords
        labels.append(", ".join(value_label(coordinates[key].item()) for key in keys))
        base += len(rows) + 0.12 * len(rows) + 1.0
        axes.axhline(base, color="0.85", linewidth=0.5, zorder=0)
    axes.set_ylim(0.0, base)
    axes.set_yticks(ticks, labels)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time (ms)")
