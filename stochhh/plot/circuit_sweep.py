"""The picture of a circuit's sweep: one cell at every point, and all of them along the axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from stochhh.analysis.axes import axis_label, numbers_of_one_unit, place_label, value_label
from stochhh.analysis.cells import (
    branches,
    cell_names,
    first_passages,
    main_path,
    passages,
    tip_of,
    velocity_m_per_s,
)
from stochhh.analysis.estimates import Estimate, count_estimate, mean_estimate
from stochhh.plot import style
from stochhh.plot.estimates import shades
from stochhh.plot.maps import (
    TITLE,
    View,
    color_bar,
    deterministic_ways,
    draw_map,
    map_name,
    mapped_places,
)
from stochhh.plot.picture import Picture
from stochhh.plot.sweep_points import choose_points, places_in
from stochhh.result import Result, limit_label
from stochhh.scenario import Circuit

_MOST_ROWS = 8
_MOST_CURVES = 6
_ROW_INCHES, _LEAST_INCHES = 0.85, 3.4
_TITLE_INCHES = 0.17  # of a row, above which the legend is
_LOG_RATIO = 20.0
_FAR = 3.0  # times the largest mean: so far intervals are shown


@style.as_written
def draw_circuit_sweep(result: Result, circuit: Circuit, window: tuple[float, float]) -> Figure:
    """Draw points of a sweep above each other, and what came to the tips along the first axis.

    The points are all, or differ on one axis (`stochhh.plot.sweep_points`). Drawn is the cell
    that a study is of, else the last.
    """
    studies = circuit.analysis
    asked = [one.cell for one in (studies.propagation, studies.twitch) if one is not None]
    cell = next((name for name in asked if name), cell_names(result.point(0))[-1])
    chosen = choose_points(circuit, places_in(result), _MOST_ROWS)
    shown = chosen.points
    height = max(_LEAST_INCHES, 0.9 + _ROW_INCHES * len(shown))
    figure = Picture(figsize=(style.WIDTH, height), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=(1.7, 1.0))
    left, right = halves
    rows = left.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    _points(rows, result, circuit, cell, shown)
    rows[-1].set_xlabel("time (ms)" + (f"\nrows: {chosen.said}" if chosen.said else ""))
    rows[-1].set_xlim(*window)
    _along(right, result, circuit, cell)
    return figure


def _points(rows: Any, result: Result, circuit: Circuit, cell: str, shown: Any) -> None:
    """A map of the cell's voltage at each of some points; of a cell without length its voltage."""
    keys = list(circuit.sweep)
    trials = result.dataset.sizes["trial"]
    views = [View(result.point(j), min(circuit.figure.trial, trials - 1), circuit.figure.traces)
             for j in shown]  # fmt: skip
    images, low, high = [], np.inf, -np.inf
    for axes, view in zip(rows, views, strict=True):
        data = view.data
        place = place_label({key: data.coords[key].item() for key in keys})
        axes.set_title(place, **TITLE)
        if axes is not rows[-1]:
            axes.tick_params(axis="x", bottom=False)
        if "voltage" not in data:
            continue
        way = main_path(data, cell)
        places = mapped_places(data, way)
        if len(places) > 2:
            values = data["voltage"].values[view.trial][:, places]
            low, high = min(low, np.nanmin(values)), max(high, np.nanmax(values))
            images.append(draw_map(view, way, values, axes, "viridis"))
            deterministic_ways(view, way, axes)
        elif len(places):
            _traces(axes, view, int(places[0]))
    told = f"{map_name(cell, main_path(views[0].data, cell))}: voltage, {views[0].trial_name}"
    if images:
        for image in images:
            image.set_clim(low, high)
        color_bar(images[0], list(rows), f"{told} (mV)", aspect=40)
    else:
        rows[len(rows) // 2].set_ylabel(f"{cell} (mV)")
    if rows[0].get_legend_handles_labels()[1]:
        above = ScaledTranslation(0.0, _TITLE_INCHES, rows[0].figure.dpi_scale_trans)
        rows[0].legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            bbox_transform=rows[0].transAxes + above,
            borderaxespad=0.0,
        )


def _traces(axes: Axes, view: View, place: int) -> None:
    data = view.data
    if "deterministic_voltage" in data:
        limit = data["deterministic_voltage"].values[:, place]
        named = limit_label(data.attrs)
        axes.plot(data["time"].values, limit, zorder=1.9, label=named, **style.LIMIT)
    for trial in range(min(view.n_traces, data.sizes["trial"])):
        values = data["voltage"].values[trial, :, place]
        axes.plot(data["time"].values, values, color=style.VOLTAGE, alpha=0.7, **style.TRIAL)


def _along(right: Any, result: Result, circuit: Circuit, cell: str) -> None:
    """Spikes at the tips, and the velocity in the cell that is drawn, along the first axis."""
    key, *others = list(circuit.sweep)
    points = [result.point(j) for j in range(result.n_points)]
    values = [data.coords[key].item() for data in points]
    groups: dict[str, list[int]] = {}
    for j, data in enumerate(points):
        place = place_label({name: data.coords[name].item() for name in others})
        groups.setdefault(place, []).append(j)
    first = points[0]
    tips = [
        (f"{name} to {tip_of(first, way)}" if len(ways) > 1 else name, int(way.compartment[-1]))
        for name, ways in ((name, branches(first, main_path(first, name)))
                           for name in (cell_names(first) if len(groups) == 1 else [cell]))
        for way in (ways if len(groups) == 1 else ways[:1])
    ]  # fmt: skip
    curves = [
        (", ".join(filter(None, (place, tip if len(tips) > 1 else ""))), members, end)
        for place, members in groups.items()
        for tip, end in tips
    ]
    velocities = [_velocities(data, cell) for data in points]
    any_travels = any(one.value is not None for one, _ in velocities)
    counts, *speeds = np.atleast_1d(right.subplots(1 + any_travels, 1, sharex=True))
    x, labels = _axis(values)
    colors = shades(min(len(curves), _MOST_CURVES))
    for color, (name, members, end) in zip(colors, curves[:_MOST_CURVES], strict=True):
        found = [count_estimate([len(t) for t in passages(points[j], end)]) for j in members]
        _curve(counts, x[members], found, color, name or "trials (mean, 95 %)")
        if result.has_deterministic:
            limit = [len(passages(points[j], end, deterministic=True)[0]) for j in members]
            counts.plot(x[members], limit, marker="s", markersize=3, **style.LIMIT)
    if result.has_deterministic:
        named = limit_label(first.attrs)
        counts.plot([], [], marker="s", markersize=3, label=named, **style.LIMIT)
    _from_zero(counts)
    over = f" ({_MOST_CURVES} of {len(curves)} curves)" if len(curves) > _MOST_CURVES else ""
    counts.set_ylabel(f"spikes at the end,\na trial{over}")
    counts.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), borderaxespad=0.0)
    for axes in speeds:
        for color, members in zip(colors, groups.values(), strict=False):
            _curve(axes, x[members], [velocities[j][0] for j in members], color, None)
            speed = [velocities[j][1] for j in members]
            axes.plot(x[members], speed, marker="s", markersize=3, **style.LIMIT)
        _from_zero(axes)
        axes.set_ylabel(f"velocity in\n{cell} (m/s)")
    last = speeds[-1] if speeds else counts
    if labels:
        last.set_xticks(x, labels, rotation=30, ha="right")
    elif np.all(x > 0) and x.max() / x.min() >= _LOG_RATIO:
        last.set_xscale("log")
    last.set_xlabel(circuit.figure.axis or axis_label(key, "" if labels else _unit(values)))


def _velocities(data: Any, cell: str) -> tuple[Estimate, float]:
    """Velocity of first impulses that travel towards the end, and of the deterministic one."""
    path = main_path(data, cell)
    if not path.is_cable:
        return Estimate(None), np.nan
    speeds = velocity_m_per_s(path, first_passages(data, path))
    found = mean_estimate(speeds[speeds > 0.0], lowest=0.0)
    limit = np.nan
    if "deterministic_spike_time" in data:
        limit = float(velocity_m_per_s(path, first_passages(data, path, deterministic=True)))
    return found, limit if limit > 0.0 else np.nan


def _curve(axes: Axes, x: Any, found: list[Any], color: Any, label: str | None) -> None:
    """Estimates with their intervals."""
    means = np.array([np.nan if one.value is None else one.value for one in found], dtype=float)
    ends = np.array([one.interval or (np.nan, np.nan) for one in found], dtype=float)
    axes.errorbar(
        x,
        means,
        yerr=np.nan_to_num([means - ends[:, 0], ends[:, 1] - means]),
        fmt="o-",
        color=color,
        markersize=3.5,
        linewidth=1.0,
        capsize=2,
        label=label,
    )


def _from_zero(axes: Axes) -> None:
    """Show all means; intervals of very few trials, which reach far beyond, leave the axes."""
    means = [float(y) for line in axes.get_lines() for y in np.ravel(line.get_ydata())
             if line.get_marker() in ("o", "s") and np.isfinite(y)]  # fmt: skip
    top = axes.get_ylim()[1]
    axes.set_ylim(-0.03 * top, top)
    if means and max(means) > 0.0 and top > _FAR * max(means):
        axes.set_ylim(-0.03 * _FAR * max(means), _FAR * max(means))


def _axis(values: list[Any]) -> tuple[Any, list[str]]:
    """Where values lie along an axis, and what they are called if they are no numbers."""
    try:
        return numbers_of_one_unit(values)[0], []
    except ValueError:
        names = list(dict.fromkeys(value_label(value) for value in values))
        return np.array([float(names.index(value_label(value))) for value in values]), names


def _unit(values: list[Any]) -> str:
    return numbers_of_one_unit(values)[1]
