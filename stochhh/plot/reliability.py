"""Picture of reliability: trials with their events, measures along the axis, jitter by spike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from stochhh.analysis.axes import value_label
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.reliability_curves import ReliabilityCurve, ReliabilityPoint, shown_points
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, shades, spread_axis
from stochhh.plot.picture import Picture
from stochhh.plot.rasters import trials_raster

Floats = NDArray[np.float64]
Measure = Callable[[ReliabilityPoint], Estimate]

_MOST_SHOWN = 3  # points in full
_RASTER, _RATE, _PANEL = 0.85, 0.45, 1.55  # inches
_ROOM = 2.5  # times the largest value, for intervals
_EVENT = "#F5D9A8"

_ALIKE: list[tuple[str, str, Measure]] = [
    ("correlation", "o-", lambda point: point.found.schreiber),
    ("synchronization", "^--", lambda point: point.found.spike_synchronization),
]
_UNLIKE: list[tuple[str, str, Measure]] = [
    ("Victor-Purpura, a spike", "D-", lambda point: point.found.victor_purpura_per_spike),
    ("van Rossum², a spike", "s:", lambda point: point.found.van_rossum_per_spike),
    ("SPIKE distance", "v--", lambda point: point.found.spike_distance),
]


class ReliabilityDrawn(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    curves : one for each place on the other axes.
    label, unit : of the axis.
    start_ms, length_ms : of the part of each trial looked at.
    """

    curves: Sequence[ReliabilityCurve]
    label: str
    unit: str
    start_ms: float
    length_ms: float


@style.as_written
def reliability_figure(drawn: ReliabilityDrawn, title: str = "") -> Figure:
    """Draw rasters, rates and events of a few points, measures of all, and jitter by spike.

    Events are shaded. Of several curves the middle of each is drawn in full, of a single
    one up to three points along it.
    """
    shown = shown_points(drawn.curves, _MOST_SHOWN)
    colors = shades(len(shown))
    swept = any(len(curve.points) > 1 for curve in drawn.curves)
    heights = [_RASTER, _RATE] * len(shown)
    below = 2 if swept else 1
    with style.style():
        tall = sum(heights) + 0.32 * len(shown) + _PANEL * below + 0.75
        figure = Picture(figsize=(style.WIDTH, tall), layout="constrained")
        halves: Any = figure.subfigures(
            2, 1, height_ratios=(sum(heights) + 0.32 * len(shown) + 0.2, _PANEL * below + 0.3)
        )
        above, under = halves
        _trials(above, drawn, shown, colors, heights)
        if swept:
            _measures(under, drawn, shown, colors)
        else:
            _single(under, drawn, shown, colors)
        headline(figure, title)
    return figure


def _trials(
    figure: Any,
    drawn: ReliabilityDrawn,
    shown: Sequence[tuple[int, int]],
    colors: Sequence[Any],
    heights: Sequence[float],
) -> None:
    panels = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for row, ((c, k), color) in enumerate(zip(shown, colors, strict=True)):
        curve, point = drawn.curves[c], drawn.curves[c].points[k]
        spikes, rate = panels[2 * row], panels[2 * row + 1]
        trials_raster(spikes, point.trains, point.alone, drawn.start_ms, color)
        _rate(rate, point, drawn.start_ms, color)
        for axes in (spikes, rate):
            for begin, end in zip(
                point.found.events.start_ms, point.found.events.stop_ms, strict=True
            ):
                axes.axvspan(
                    drawn.start_ms + begin,
                    drawn.start_ms + end,
                    color=_EVENT,
                    linewidth=0,
                    zorder=0,
                )
        spikes.tick_params(axis="x", bottom=False)
        spikes.spines["bottom"].set_visible(False)
        spikes.set_title(_caption(curve, k, drawn), loc="left", fontsize=7, pad=2)
    event = Patch(color=_EVENT, linewidth=0, label="event: rate above twice its mean")
    twice = Line2D([], [], color="0.45", linewidth=0.6, linestyle=":", label="twice the mean rate")
    panels[-1].legend(
        handles=[event, twice],
        loc="upper right",
        bbox_to_anchor=(1.0, -0.95),
        ncols=2,
        borderaxespad=0.0,
    )
    panels[-1].set_xlabel("time (ms)")
    panels[-1].set_xlim(drawn.start_ms, drawn.start_ms + drawn.length_ms)
    figure.align_ylabels(panels)


def _rate(axes: Axes, point: ReliabilityPoint, start_ms: float, color: Any) -> None:
    events = point.found.events
    axes.plot(start_ms + events.time_ms, events.rate_hz, color=color, linewidth=0.8)
    mean = point.rate_hz.value
    if mean:
        axes.axhline(2.0 * mean, color="0.45", linewidth=0.6, linestyle=":")
    axes.set_ylim(bottom=0.0)
    axes.yaxis.set_major_locator(MaxNLocator(2))
    axes.set_ylabel("rate (Hz)")


def _caption(curve: ReliabilityCurve, k: int, drawn: ReliabilityDrawn) -> str:
    point, x = curve.points[k], float(curve.x[k])
    parts = [curve.label]
    if np.isfinite(x):
        value = f"{x:,.0f}" if drawn.unit == "channels" else f"{x:g}"
        name = "" if drawn.unit else f"{drawn.label} "
        parts.append(f"{name}{value} {value_label(drawn.unit)}".strip())
    reliability, precision = point.found.events.reliability, point.found.events.precision_ms
    if reliability.value is not None:
        parts.append(f"reliability {reliability.value:.2f}")
    if precision.value is not None:
        parts.append(f"precision {precision.value:.2g} ms")
    return ", ".join(part for part in parts if part)


def _measures(
    figure: Any,
    drawn: ReliabilityDrawn,
    shown: Sequence[tuple[int, int]],
    colors: Sequence[Any],
) -> None:
    (reliable, precise, jitter), (alike, unlike, legend) = figure.subplots(2, 3)
    of_curves = colors if len(drawn.curves) == len(shown) else shades(len(drawn.curves))
    curves = list(zip(drawn.curves, of_curves if len(drawn.curves) > 1 else ["0.35"], strict=True))
    for curve, color in curves:
        draw_estimates(reliable, curve.x, _all(curve, lambda p: p.found.events.reliability), color)
        chance = [np.nan if p.by_chance is None else p.by_chance for p in curve.points]
        reliable.plot(curve.x, chance, ":", color=color, linewidth=0.9)
        draw_estimates(precise, curve.x, _all(curve, lambda p: p.found.events.precision_ms), color)
        for axes, measures in ((alike, _ALIKE), (unlike, _UNLIKE)):
            for _, look, measure in measures:
                draw_estimates(axes, curve.x, _all(curve, measure), color, fmt=look, capsize=0)
    if len(drawn.curves) == 1:
        (curve,) = drawn.curves
        for (_, k), color in zip(shown, colors, strict=True):
            for axes, name in ((reliable, "reliability"), (precise, "precision_ms")):
                value = getattr(curve.points[k].found.events, name).value
                if value is not None:
                    axes.plot(curve.x[k], value, "o", color=color, markersize=4.5, zorder=5)
    for axes in (reliable, precise, alike, unlike):
        for curve, _ in curves:
            spread_axis(axes, curve.x)
        axes.set_xlabel(drawn.label)
    _limit(reliable, 1.0)
    reliable.set_ylim(0.0, 1.08)
    reliable.set_ylabel("reliability")
    precise.set_ylim(0.0, _ROOM * max(_values(drawn, "precision_ms"), default=1.0))
    precise.set_ylabel("precision (ms)")
    _limit(alike, 1.0)
    alike.set_ylim(None, 1.08)
    alike.set_ylabel("alikeness of trials")
    _limit(unlike, 0.0)
    unlike.set_ylabel("distance of trials")
    _jitters(jitter, drawn, shown, colors)
    _legend(legend, curves if len(curves) > 1 else [])
    figure.align_ylabels([reliable, alike])


def _single(
    figure: Any,
    drawn: ReliabilityDrawn,
    shown: Sequence[tuple[int, int]],
    colors: Sequence[Any],
) -> None:
    """Of points that make no curve: all measures beside each other, and jitter."""
    measures, jitter = figure.subplots(1, 2, width_ratios=(1.6, 1.0))
    ones: list[tuple[str, Measure]] = [
        ("reliability", lambda point: point.found.events.reliability),
        ("participation", lambda point: point.found.events.participation),
        *((name, measure) for name, _, measure in _ALIKE),
    ]
    listed = [*ones, *((name, measure) for name, _, measure in _UNLIKE)]
    heights = np.arange(len(listed))[::-1]
    for (c, k), color in zip(shown, colors, strict=True):
        point = drawn.curves[c].points[k]
        for height, (_, measure) in zip(heights, listed, strict=True):
            found = measure(point)
            if found.value is None:
                continue
            low, high = found.interval or (found.value, found.value)
            measures.plot([low, high], [height, height], color=color, linewidth=1.0)
            measures.plot(found.value, height, "o", color=color, markersize=4)
    turn = heights[len(ones)] + 0.5
    measures.plot([1.0, 1.0], [turn, len(listed) - 0.5], **style.LIMIT)
    measures.plot([0.0, 0.0], [-0.5, turn], **style.LIMIT)
    measures.set_yticks(heights, [name for name, _ in listed])
    measures.set_xlabel("value (95 %); dashed: every trial the same")
    _jitters(jitter, drawn, shown, colors)


def _jitters(
    axes: Axes,
    drawn: ReliabilityDrawn,
    shown: Sequence[tuple[int, int]],
    colors: Sequence[Any],
) -> None:
    """Scatter of the k-th spike against k, both on logarithmic axes, at the points shown."""
    seen: list[float] = []
    for (c, k), color in zip(shown, colors, strict=True):
        jitter = drawn.curves[c].points[k].jitter
        known = np.isfinite(jitter.sd_ms) & (jitter.sd_ms > 0.0)
        low, high = (
            np.where(np.isfinite(e), e, jitter.sd_ms) for e in (jitter.low_ms, jitter.high_ms)
        )
        axes.fill_between(
            jitter.k[known], low[known], high[known], color=color, alpha=0.25, linewidth=0
        )
        axes.plot(jitter.k[known], jitter.sd_ms[known], color=color, linewidth=1.0)
        seen += [float(sd) for sd in jitter.sd_ms[known]]
    axes.set(xscale="log", yscale="log")
    if seen:  # wider bands are cut
        axes.set_ylim(min(seen) / _ROOM, max(seen) * _ROOM)
    axes.set_xlabel("spike k")
    axes.set_ylabel("jitter of spike k (ms)")


def _legend(axes: Axes, curves: Sequence[tuple[ReliabilityCurve, Any]]) -> None:
    """What colours and looks of lines mean, in a place of its own."""
    axes.set_axis_off()
    for curve, color in curves:
        axes.plot([], [], "-", color=color, linewidth=1.5, label=curve.label)
    axes.plot([], [], ":", color="0.35", linewidth=0.9, label="reliability by chance")
    for name, look, _ in (*_ALIKE, *_UNLIKE):
        axes.plot([], [], look, color="0.35", markersize=3.5, linewidth=1.0, label=name)
    axes.plot([], [], label="deterministic", **style.LIMIT)
    axes.legend(loc="center left", borderaxespad=0.0, handlelength=2.4, labelspacing=0.35)


def _limit(axes: Axes, value: float) -> None:
    """What the deterministic membrane has: every trial the same."""
    axes.axhline(value, zorder=1.5, **{**style.LIMIT, "linewidth": 1.0})


def _values(drawn: ReliabilityDrawn, name: str) -> list[float]:
    """All there are of a measure by events, above zero."""
    points = [point for curve in drawn.curves for point in curve.points]
    found = [getattr(point.found.events, name).value for point in points]
    return [value for value in found if value]


def _all(curve: ReliabilityCurve, measure: Measure) -> list[Estimate]:
    return [measure(point) for point in curve.points]
