"""The picture of a family of clamp steps: commands, currents, and current against voltage."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from stochhh.analysis.axes import axis_numbers, value_label
from stochhh.analysis.clamp_current import clamp_peaks
from stochhh.plot import style
from stochhh.plot.estimates import shades
from stochhh.plot.panels import View
from stochhh.plot.picture import Picture
from stochhh.result import Result

_MOST_LABELS = 6


@style.as_written
def draw_family(result: Result) -> Figure:
    """Draw the sweeps of a clamp family over each other, and the peak current along its axis."""
    figure = Picture(figsize=(style.WIDTH, 4.2), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.9, 1.0), height_ratios=(1.0, 2.2))
    command = figure.add_subplot(grid[0, 0])
    current = figure.add_subplot(grid[1, 0], sharex=command)
    peaks = figure.add_subplot(grid[:, 1])
    colors = np.array([to_rgba(color) for color in shades(result.n_points)])
    _sweeps(command, current, result, colors)
    _peaks(peaks, result, colors)
    layout = result.scenario.figure
    start = 0.0 if layout.start_ms is None else float(layout.start_ms)
    end = result.duration_ms if layout.end_ms is None else float(layout.end_ms)
    current.set_xlim(start, end)
    return figure


def _sweeps(command: Axes, current: Axes, result: Result, colors: np.ndarray) -> None:
    key = next(iter(result.scenario.sweep))
    labelled = np.linspace(0, result.n_points - 1, min(result.n_points, _MOST_LABELS)).astype(int)
    layout = result.scenario.figure
    start = None if layout.start_ms is None else float(layout.start_ms)
    end = None if layout.end_ms is None else float(layout.end_ms)
    for j in range(result.n_points):
        view = View(result.point(j), 1, start, end)
        command.plot(view.time, view.curve("voltage")[0], color=colors[j], linewidth=0.9)
        label = value_label(view.data.coords[key].item()) if j in labelled else None
        sweep = view.curve("total_current")[0]
        current.plot(view.time, sweep, color=colors[j], alpha=0.4, linewidth=0.5)
        current.plot(view.time, view.mean_curve, color=colors[j], linewidth=0.9, label=label)
        if result.has_deterministic:
            limit = view.curve("deterministic_total_current")
            current.plot(view.time, limit, **{**style.LIMIT, "linewidth": 0.8})
    command.set_ylabel("command (mV)")
    command.tick_params(labelbottom=False)
    current.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    current.set_ylabel("current (pA, outward up)")
    current.set_xlabel("time (ms)")
    current.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2)


def _peaks(axes: Axes, result: Result, colors: np.ndarray) -> None:
    """Largest inward and outward current at each point, beside the deterministic ones."""
    key, clamp = next(iter(result.scenario.sweep)), result.scenario.clamp
    assert clamp is not None
    points = [result.point(j) for j in range(result.n_points)]
    numbers, label = axis_numbers([data.coords[key].item() for data in points], key)
    x = np.arange(len(points), dtype=float) if numbers is None else numbers
    kinds = (False, True) if result.has_deterministic else (False,)
    of_trials, *of_limit = (
        [clamp_peaks(data, float(clamp.holding_mV), kind) for data in points] for kind in kinds
    )
    for name, marker in (("outward", "^"), ("inward", "v")):
        found = [getattr(one, f"{name}_pA") for one in of_trials]
        values = [np.nan if one.value is None else one.value for one in found]
        ends = np.array([one.interval or (np.nan, np.nan) for one in found])
        axes.vlines(x, ends[:, 0], ends[:, 1], colors=list(colors), linewidth=0.9)
        axes.scatter(x, values, marker=marker, s=18, c=colors, label=f"peak {name}", zorder=3)
        for limits in of_limit:
            courses = [getattr(one, f"{name}_pA").value for one in limits]
            limit = [np.nan if value is None else value for value in courses]
            axes.plot(x, limit, **{**style.LIMIT, "linewidth": 0.9})
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axes.set_xlabel(result.scenario.figure.axis or label)
    axes.set_ylabel("peak of the mean current (pA)")
    axes.legend(loc="upper left")
