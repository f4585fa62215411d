"""Picture of firing efficiency: shares with their fits, latencies, and spread by channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.efficiency_curves import Bracket, EfficiencyCurve
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.firing_efficiency import LatencyPoint
from stochhh.analysis.power_law import PowerLaw
from stochhh.plot import style
from stochhh.plot.estimates import (
    draw_estimates,
    headline,
    legend_in_order,
    plain_log_axis,
    shades,
)
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_HEIGHT = 4.8  # inches
_POINTS = 400  # of a fitted curve
_ROOM = 1.35  # times the outermost number of channels, on either side
_NARROW = 0.02  # of the axis: a bracket that is drawn as a step
_DETERMINISTIC = "deterministic"
_POINTS_ONLY: dict[str, Any] = {"fmt": "o", "markersize": 3.2, "elinewidth": 0.9, "capsize": 0}
_FAINT: dict[str, Any] = {"markersize": 2.4, "alpha": 0.5, "markeredgewidth": 0.0}


@style.as_written
def efficiency_figure(
    curves: Sequence[EfficiencyCurve], scaling: PowerLaw | None, label: str, title: str = ""
) -> Figure:
    """Draw firing efficiency, mean latency and jitter against amplitude, and spread by channels.

    Latencies of fewer than 10 spikes are left out.

    Parameters
    ----------
    curves : one for each place on the other axes of a sweep
    scaling : fit of relative spread by number of channels; its panel is left out without
    label : of the amplitude, with its unit
    """
    layout = [["share", "latency"], ["share", "jitter"]]
    if scaling is not None:
        layout = [["share", "spread"], ["latency", "jitter"]]
    colors = shades(len(curves))
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        panels = figure.subplot_mosaic(layout)  # type: ignore[arg-type]
        draw_shares(panels["share"], curves, colors)
        _latencies(panels["latency"], curves, colors)
        _jitters(panels["jitter"], curves, colors)
        if scaling is not None:
            draw_spreads(panels["spread"], curves, scaling, colors)
        for name in ("share", "latency", "jitter"):
            panels[name].set_xlim(*amplitude_range(curves))
            panels[name].set_xlabel(label)
        if scaling is None:
            panels["latency"].set_xlabel("")
            panels["latency"].tick_params(labelbottom=False)
        figure.align_ylabels(list(panels.values()))
        headline(figure, title)
    return figure


def draw_shares(
    axes: Axes, curves: Sequence[EfficiencyCurve], colors: Sequence[Any], least_share: float = 0.0
) -> None:
    """Draw shares of trials that fire with their fits, and the deterministic step.

    Where membranes differ in it, each step is in the colour of its curve.

    Parameters
    ----------
    least_share : amplitudes with fewer trials, as a share of the most at one, are faint
        points without intervals
    """
    low, high = amplitude_range(curves)
    grid = np.linspace(low, high, _POINTS)
    for curve, color in zip(curves, colors, strict=True):
        shares = [point.responding for point in curve.points]
        many = curve.trials >= least_share * curve.trials.max()
        kept = [shares[k] if many[k] else Estimate(None) for k in range(len(shares))]
        draw_estimates(
            axes, curve.amplitude, kept, color, curve.label or "trials (95 %)", **_POINTS_ONLY
        )
        faint = (curve.fired / curve.trials)[~many]
        axes.plot(curve.amplitude[~many], faint, "o", color=color, **_FAINT)
        if curve.fit is not None:
            name = None if curve.label else "integrated Gaussian"
            axes.plot(grid, curve.fit.at(grid), color=color, linewidth=1.1, label=name)
    if least_share > 0.0:
        axes.plot([], [], "o", color="0.3", label="few trials", **_FAINT)
    brackets: dict[Bracket, Any] = {}
    for curve, color in zip(curves, colors, strict=True):
        if curve.bracket is not None:
            brackets.setdefault(curve.bracket, color)
    for bracket, color in brackets.items():
        look = {**style.LIMIT, "color": color} if len(brackets) > 1 else style.LIMIT
        name = None if len(brackets) > 1 else _DETERMINISTIC
        axes.plot(*_step(bracket, low, high), zorder=1.5, label=name, **look)
    if len(brackets) > 1:
        axes.plot([], [], label=_DETERMINISTIC, **{**style.LIMIT, "color": "0.4"})
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("firing efficiency")
    legend_in_order(
        axes,
        [_DETERMINISTIC],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        ncols=2,
        columnspacing=1.0,
        borderaxespad=0.0,
        handlelength=2.0,
    )


def _step(bracket: Bracket, low: float, high: float) -> tuple[list[float], list[float]]:
    """Step of a deterministic membrane, with a gap where it is not known to fire or not."""
    silent, fires = bracket
    if fires is None:
        return [low, high], [0.0, 0.0]
    if silent is None:
        return [low, high], [1.0, 1.0]
    if fires - silent > _NARROW * (high - low):
        return [low, silent, silent, fires, high], [0.0, 0.0, np.nan, 1.0, 1.0]
    return [low, silent, fires, high], [0.0, 0.0, 1.0, 1.0]


def _latencies(axes: Axes, curves: Sequence[EfficiencyCurve], colors: Sequence[Any]) -> None:
    shown: list[float] = []
    for curve, color in zip(curves, colors, strict=True):
        means = [_known(point.mean_ms, point) for point in curve.points]
        draw_estimates(axes, curve.amplitude, means, color, markersize=3.2, capsize=0)
        shown += [end for mean in means for end in _ends(mean)]
    different: list[tuple[EfficiencyCurve, Floats, Any]] = []
    for curve, color in zip(curves, colors, strict=True):
        alone = curve.deterministic_ms
        if alone is not None and not any(
            np.array_equal(alone, one, equal_nan=True) for _, one, _ in different
        ):
            different.append((curve, alone, color))
    for curve, alone, color in different:
        look = dict(style.LIMIT) if len(different) == 1 else {**style.LIMIT, "color": color}
        axes.plot(curve.amplitude, alone, marker="s", markersize=2.5, zorder=1.5, **look)
        shown += [float(value) for value in alone[np.isfinite(alone)]]
    _around(axes, shown)
    axes.set_ylabel("mean latency (ms)")


def _jitters(axes: Axes, curves: Sequence[EfficiencyCurve], colors: Sequence[Any]) -> None:
    shown = [0.0]
    for curve, color in zip(curves, colors, strict=True):
        jitters = [_known(point.jitter_ms, point) for point in curve.points]
        draw_estimates(axes, curve.amplitude, jitters, color, markersize=3.2, capsize=0)
        shown += [end for jitter in jitters for end in _ends(jitter)]
    _around(axes, shown)
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("jitter of the latency (ms)")


def draw_spreads(
    axes: Axes, curves: Sequence[EfficiencyCurve], scaling: PowerLaw, colors: Sequence[Any]
) -> None:
    """Draw relative spread by number of channels, its fit, and the slope of independent ones."""
    exponent = scaling.exponent
    assert exponent.value is not None
    for curve, color in zip(curves, colors, strict=True):
        if curve.fit is not None:
            spread = curve.fit.relative_spread
            draw_estimates(axes, [curve.n_channels], [spread], color, **_POINTS_ONLY)
    numbers = [curve.n_channels for curve in curves if curve.fit is not None]
    ends = np.array([min(numbers) / _ROOM, max(numbers) * _ROOM])
    reach = "" if exponent.interval is None else f" ± {np.ptp(exponent.interval) / 2:.2f}"
    axes.plot(
        ends,
        scaling.at(ends),
        color=style.MEAN,
        linewidth=1.1,
        zorder=1.5,
        label=f"fit, slope {exponent.value:.2f}{reach}".replace("-", "−"),
    )
    middle = float(np.exp(np.mean(np.log(numbers))))
    line = scaling.at(middle) * (ends / middle) ** -0.5
    axes.plot(ends, line, label="slope −1/2", zorder=1.4, **style.LIMIT)
    axes.set(xscale="log", yscale="log", xlim=tuple(ends))
    plain_log_axis(axes.xaxis)
    plain_log_axis(axes.yaxis)
    axes.set_xlabel("number of channels")
    axes.set_ylabel("relative spread")
    axes.legend(loc="upper right", borderaxespad=0.2)


def _known(estimate: Estimate, point: LatencyPoint) -> Estimate:
    """What a few spikes alone tell is left out."""
    return estimate if point.jitter_ms.interval is not None else Estimate(None)


def amplitude_range(curves: Sequence[EfficiencyCurve]) -> tuple[float, float]:
    """Ends of an axis of the amplitudes of all curves."""
    low = min(float(curve.amplitude.min()) for curve in curves)
    high = max(float(curve.amplitude.max()) for curve in curves)
    margin = 0.04 * (high - low) or 0.04 * abs(high) or 1.0
    return low - margin, high + margin


def _around(axes: Axes, shown: Sequence[float]) -> None:
    """Show what is given with some room, whatever else reaches."""
    finite = [value for value in shown if np.isfinite(value)]
    if finite:
        margin = 0.08 * (max(finite) - min(finite)) or 0.1 * abs(finite[0]) or 1.0
        axes.set_ylim(min(finite) - margin, max(finite) + margin)


def _ends(estimate: Estimate) -> list[float]:
    if estimate.value is None:
        return []
    return [estimate.value, *(estimate.interval or ())]
