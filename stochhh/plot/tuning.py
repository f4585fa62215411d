"""Picture of firing against current: rate, intervals, latency and jitter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.tuning_curves import CurrentPoint, DeterministicPoint, TuningCurve
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, plain_log_axis, shades
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_HEIGHT = 4.6  # inches
_POINT: dict[str, Any] = {"markersize": 3.0, "capsize": 0, "elinewidth": 0.8}
_WIDE = 3.0  # ratio of largest to smallest time from which on its axis is logarithmic
_LONG = 100.0  # the same from which on only the decades have their number

_FARTHEST = 2.0  # times below a value that the end of its interval is shown on such an axis
_LIMIT = "deterministic"

Part = Callable[[CurrentPoint], Estimate]
Limit = Callable[[DeterministicPoint], float]


@style.as_written
def tuning_figure(curves: Sequence[TuningCurve], label: str, title: str = "") -> Figure:
    """Draw rate, interval, its CV, latency and jitter against current.

    Parameters
    ----------
    curves : one for each place on the other axes of a sweep
    label : of the current, with its unit
    """
    colors = shades(len(curves))
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        panels: Any = figure.subplot_mosaic(
            [["rate", "interval", "cv"], ["rate", "latency", "jitter"]],
            width_ratios=(1.5, 1.0, 1.0),
        )
        _rates(panels["rate"], curves, colors)
        _times(
            panels["interval"],
            curves,
            colors,
            lambda point: point.isi_mean_ms,
            lambda point: point.isi_mean_ms,
        )
        _cvs(panels["cv"], curves, colors)
        _times(
            panels["latency"],
            curves,
            colors,
            lambda point: point.latency.mean_ms,
            lambda point: point.latency_ms,
        )
        _times(panels["jitter"], curves, colors, lambda point: point.latency.jitter_ms, None)
        for name, what in (
            ("interval", "mean interval (ms)"),
            ("latency", "first spike (ms)"),
            ("jitter", "jitter of first spike (ms)"),
        ):
            panels[name].set_ylabel(what)
        for name in ("interval", "cv"):
            panels[name].tick_params(labelbottom=False)
        for panel in panels.values():
            panel.set_xlim(*_reach(curves))
        for name in ("rate", "latency", "jitter"):
            panels[name].set_xlabel(label)
        figure.align_ylabels([panels["interval"], panels["latency"]])
        figure.align_ylabels([panels["cv"], panels["jitter"]])
        handles, names = panels["rate"].get_legend_handles_labels()
        limit_last = sorted(range(len(names)), key=lambda k: names[k] == _LIMIT)
        figure.legend(
            [handles[k] for k in limit_last],
            [names[k] for k in limit_last],
            loc="outside lower center",
            ncols=2 if len(names) == 4 else min(len(names), 3),
            handlelength=2.6,
        )
        headline(figure, title)
    return figure


def _rates(axes: Axes, curves: Sequence[TuningCurve], colors: Sequence[Any]) -> None:
    for curve, color in zip(curves, colors, strict=True):
        channels = f"{curve.n_channels:,d} channels"
        name = f"{curve.label} ({channels})" if curve.label else f"{channels} (95 %)"
        rates = [point.rate_hz for point in curve.points]
        draw_estimates(axes, curve.current, rates, color, name, **_POINT)
    _limits(axes, curves, lambda point: point.rate_hz, _LIMIT)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("firing rate (Hz)")


def _cvs(axes: Axes, curves: Sequence[TuningCurve], colors: Sequence[Any]) -> None:
    for curve, color in zip(curves, colors, strict=True):
        cvs = [point.isi_cv for point in curve.points]
        draw_estimates(axes, curve.current, cvs, color, **_POINT)
    _limits(axes, curves, lambda point: point.isi_cv)
    axes.axhline(1.0, color="0.75", linewidth=0.8, zorder=0)
    axes.set_ylim(bottom=min(0.0, -0.03 * axes.get_ylim()[1]))
    axes.set_ylabel("CV of intervals")


def _times(
    axes: Axes, curves: Sequence[TuningCurve], colors: Sequence[Any], part: Part, of: Limit | None
) -> None:
    """Draw times of every curve and of the limit, on a logarithmic axis where they spread."""
    known: list[float] = []
    for curve, color in zip(curves, colors, strict=True):
        estimates = [part(point) for point in curve.points]
        draw_estimates(axes, curve.current, estimates, color, **_POINT)
        known += [end for one in estimates for end in _shown(one)]
    if of is not None:
        _limits(axes, curves, of)
        known += [of(p) for curve in curves for p in curve.deterministic or () if of(p) > 0.0]
    if known and max(known) > _WIDE * min(known):
        axes.set_yscale("log")
        axes.set_ylim(min(known) / 1.2, max(known) * 1.2)
        long = max(known) > _LONG * min(known)
        plain_log_axis(axes.yaxis, (1.0,) if long else (1.0, 2.0, 5.0))


def _shown(estimate: Estimate) -> list[float]:
    """A value and its interval, as far as a logarithmic axis shall reach for them."""
    if not estimate.value:
        return []
    low, high = estimate.interval or (estimate.value, estimate.value)
    return [max(low, estimate.value / _FARTHEST), estimate.value, high]


def _limits(axes: Axes, curves: Sequence[TuningCurve], of: Limit, label: str | None = None) -> None:
    """Draw the deterministic membranes, each different one once."""
    drawn: list[Floats] = []
    for curve in curves:
        if curve.deterministic is None:
            continue
        values = np.array([of(point) for point in curve.deterministic])
        if any(_alike(values, other) for other in drawn):
            continue
        axes.plot(
            curve.current,
            values,
            marker="s",
            markersize=2.2,
            zorder=1.5,
            label=None if drawn else label,
            **style.LIMIT,
        )
        drawn.append(values)


def _alike(one: Floats, other: Floats) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-3, equal_nan=True)


def _reach(curves: Sequence[TuningCurve]) -> tuple[float, float]:
    """Ends of the axis of currents."""
    low = min(float(curve.current.min()) for curve in curves)
    high = max(float(curve.current.max()) for curve in curves)
    margin = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    return low - margin, high + margin
