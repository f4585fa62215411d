"""The picture of a sweep: voltages point by point, and the number of spikes along its axes."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.axes import key_words, swept_label
from stochhh.analysis.estimates import Estimate, count_estimate
from stochhh.plot import style
from stochhh.plot.estimates import legend_in_order
from stochhh.plot.panels import View, raster, voltage
from stochhh.plot.picture import Picture
from stochhh.plot.sweep_grid import Grid, draw_grid, grid_of, legend_of
from stochhh.plot.sweep_points import Chosen, choose_points, places_in
from stochhh.result import Result, limit_label

_MOST_ROWS = 8
_MOST_TRAINS = 20  # a point
_LETTERS = 16  # in a line of the heading of rows
_NEAR_ZERO = 0.4  # lowest number of spikes over the highest, below which the axis shows zero
_MOST_TICKS = 110  # rows of ticks in all, so that they stay visible


@style.as_written
def draw_sweep(result: Result) -> Figure:
    """Draw points of a sweep above each other, and spikes a trial along its axes.

    The points differ on one axis (`stochhh.plot.sweep_points`). Where no trial has a spike
    there is no more than their voltages.
    """
    places = places_in(result)
    rows = choose_points(result.scenario, places, _MOST_ROWS)
    spiking = any(result.dataset.sizes.get(f"{kind}spike", 0) for kind in ("", "deterministic_"))
    height = max(3.0, 1.0 + 0.85 * len(rows.points))
    figure = Picture(figsize=(style.WIDTH, height), layout="constrained")
    if not spiking:
        _rows(figure, result, rows)
        return figure
    halves: Any = figure.subfigures(1, 2, width_ratios=(1.75, 1.0))
    left, right = halves
    _rows(left, result, rows)
    counts, trains = right.subplots(2, 1, gridspec_kw={"height_ratios": (1.0, 1.25)})
    _spike_counts(counts, result, places, rows)
    _rasters(trains, result, rows)
    trains.set_xlim(*_shown_ms(result))
    return figure


def _shown_ms(result: Result) -> tuple[float, float]:
    layout = result.scenario.figure
    start = 0.0 if layout.start_ms is None else float(layout.start_ms)
    return start, result.duration_ms if layout.end_ms is None else float(layout.end_ms)


def _rows(figure: Any, result: Result, chosen: Chosen) -> None:
    """Voltages of the points, one above the other, each with its label beside it."""
    rows = figure.subplots(len(chosen.points), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    layout, span = result.scenario.figure, _shown_ms(result)
    counts = [_channels(result, point) for point in chosen.points]
    for axes, index, label, n in zip(rows, chosen.points, chosen.labels, counts, strict=True):
        voltage(axes, View(result.point(index), layout.traces, *span), legend=axes is rows[0])
        axes.set_ylabel("")
        if len(set(counts)) > 1:
            label += f"\n{n:,d} channels".replace(",", "\N{THIN SPACE}")
        axes.text(1.02, 0.5, label, transform=axes.transAxes, va="center", fontsize=7)
    rows[0].text(
        1.02,
        1.02,
        fill(_heading(result, chosen), _LETTERS),
        transform=rows[0].transAxes,
        va="bottom",
        fontsize=7,
        color="0.4",
    )
    for axes in rows[:-1]:
        axes.tick_params(axis="x", bottom=False)
        axes.spines["bottom"].set_visible(False)
    rows[-1].set_xlabel("time (ms)" + (f"\nrows: {chosen.said}" if chosen.said else ""))
    rows[-1].set_xlim(*span)
    figure.supylabel(layout.voltage, fontsize=8)


def _heading(result: Result, chosen: Chosen) -> str:
    """Of the labels of rows; the first axis may have a name of its own."""
    key, values = next(iter(result.scenario.sweep.items()))
    if chosen.heading != key_words(key):
        return chosen.heading
    return swept_label(values, key, result.scenario.figure.axis).partition(" (")[0]


def _channels(result: Result, point: int) -> int:
    return int(result.point(point)["count"].values.sum())


def _spike_counts(axes: Axes, result: Result, places: list[dict[str, Any]], rows: Chosen) -> None:
    """Spikes a trial with their interval, beside the deterministic number."""

    def spikes(points: list[int]) -> Estimate:
        return count_estimate([len(train) for k in points for train in result.spike_trains(k)])

    def limit(point: int) -> float:
        return float(len(result.spike_trains(point, deterministic=True)[0]))

    expected = limit if result.has_deterministic else None
    grid = grid_of(result.scenario, places, rows.fixed, spikes, expected)
    name = limit_label(result.dataset.attrs)
    draw_grid(axes, grid, "spikes a trial", result.scenario.figure.axis, name)
    if grid.is_map:
        return
    _limit_counts(axes, grid)
    legend_in_order(
        axes,
        [name],
        title=legend_of(grid),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.01),
        borderaxespad=0.0,
        ncols=1 + (len(grid.estimates) > 2),
        handlelength=1.8,
        columnspacing=1.0,
    )


def _limit_counts(axes: Axes, grid: Grid) -> None:
    """Show all numbers, and zero if it is near; intervals of very few trials may go on."""
    known = [one.value for row in grid.estimates for one in row if one.value is not None]
    every = [*known, *([] if grid.limit is None else grid.limit.ravel().tolist())]
    if every:
        bottom, top = axes.get_ylim()
        top = min(top, max(2.0 * max(every), 1.0))
        axes.set_ylim(min(0.0, bottom) if min(every) < _NEAR_ZERO * max(every) else bottom, top)


def _rasters(axes: Axes, result: Result, chosen: Chosen) -> None:
    """Spikes of trials, point above point from the top, the deterministic ones black below them."""
    n_trials = result.dataset.sizes["trial"]
    n_shown = min(n_trials, _MOST_TRAINS, max(_MOST_TICKS // len(chosen.points) - 3, 3))
    base, ticks = 0.0, []
    for index in reversed(chosen.points):
        first = base + 1.0
        if result.has_deterministic:
            limit = result.spike_trains(index, deterministic=True)[0]
            axes.vlines(limit, base + 0.3, base + 1.7, color=style.DETERMINISTIC, linewidth=0.9)
            first = base + 2.4
        raster(axes, result.spike_trains(index)[:n_shown], first, style.VOLTAGE, width=1.0)
        top = first + n_shown
        ticks.append(0.5 * (base + top))
        base = top + 0.6
        axes.axhline(base - 0.3, color="0.85", linewidth=0.5, zorder=0)
    axes.set_ylim(-0.2, base)
    axes.set_yticks(ticks, list(reversed(chosen.labels)))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time (ms)")
    of = f"of {n_shown} of {n_trials} trials" if n_shown < n_trials else "of all trials"
    also = "\n(below: deterministic)" if result.has_deterministic else ""
    axes.set_title(f"spikes {of}{also}", fontsize=7, loc="left")
