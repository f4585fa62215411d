"""Picture of recovery after a spike: second spikes, thresholds and their spread by interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from stochhh.analysis.axes import value_label
from stochhh.analysis.efficiency_curves import Bracket
from stochhh.analysis.refractory_recovery import Recovery, RecoveryPoints, ratio_to
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, shades
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_POINTS = 400  # of a law
_MOST = 6  # amplitudes that are drawn
_LOG_RATIO = 5.0  # of intervals, from which the axis is logarithmic
_LEAST = 0.2  # change of the share with the interval at an amplitude that is drawn
_LOOK: dict[str, Any] = {"markersize": 3.4, "elinewidth": 0.9, "capsize": 0, "linewidth": 0.9}


@style.as_written
def refractoriness_figure(
    curves: Sequence[Recovery], label: str, unit: str, title: str = ""
) -> Figure:
    """Draw the probability of a second spike, and its threshold and spread, by interval.

    Parameters
    ----------
    curves : one a membrane; where amplitudes were swept, second spikes are drawn of the
        first, at up to six of them
    label, unit : of the amplitude
    """
    swept = any(len(curve.amplitudes) > 1 for curve in curves)
    layout = [["share", "ratio"], ["share", "spread"]] if swept else [["share"]]
    with style.style():
        figure = Picture(figsize=(style.WIDTH, 4.6 if swept else 3.2), layout="constrained")
        panels = figure.subplot_mosaic(layout)  # type: ignore[arg-type]
        if swept:
            _by_amplitude(panels["share"], curves[0], unit)
            _ratios(panels["ratio"], curves, label)
            _spreads(panels["spread"], curves)
            figure.align_ylabels([panels["ratio"], panels["spread"]])
        else:
            _by_membrane(panels["share"], curves, unit)
        panels["share"].set_ylabel("probability of a second spike")
        panels["share"].set_ylim(-0.03, 1.03)
        every = np.array([one.at for curve in curves for one in curve.thresholds])
        for axes in panels.values():
            _interval_axis(axes, every)
        headline(figure, title)
    return figure


def _by_amplitude(axes: Axes, curve: Recovery, unit: str) -> None:
    """Second spikes at some of the amplitudes."""
    every = {float(amplitude): curve.at_amplitude(amplitude) for amplitude in curve.amplitudes}
    telling = [a for a, points in every.items() if _moves(points)] or list(every)
    places = np.linspace(0, len(telling) - 1, min(len(telling), _MOST)).round()
    shown = [telling[int(k)] for k in np.unique(places)]
    for amplitude, color in zip(shown, shades(len(shown)), strict=True):
        points, name = every[amplitude], value_label(f"{amplitude:g} {unit}")
        draw_estimates(axes, points.interval_ms, points.shares, color, name, **_LOOK)
    if curve.label:
        axes.set_title(curve.label, loc="left")
    above = 1.07 if curve.label else 1.01
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, above),
        ncols=3,
        borderaxespad=0.0,
        handlelength=1.6,
        columnspacing=1.2,
    )


def _moves(points: RecoveryPoints) -> bool:
    """Whether the share of second spikes changes with the interval."""
    shares = [share.value for share in points.shares if share.value is not None]
    return max(shares, default=0.0) - min(shares, default=0.0) > _LEAST


def _by_membrane(axes: Axes, curves: Sequence[Recovery], unit: str) -> None:
    """Second spikes at the only amplitude, one curve a membrane, over the deterministic ones."""
    drawn: list[Any] = []
    for curve, color in zip(curves, shades(len(curves)), strict=True):
        (amplitude,) = curve.amplitudes
        points = curve.at_amplitude(float(amplitude))
        name = curve.label or value_label(f"trials at {amplitude:g} {unit} (95 %)")
        look = {**_LOOK, "fmt": "o" if curve.law is not None else "o-"}
        draw_estimates(axes, points.interval_ms, points.shares, color, name, **look)
        if curve.law is not None:
            grid = np.linspace(points.interval_ms.min(), curve.longest_ms, _POINTS)
            law = None if curve.label else "law of recovery"
            axes.plot(grid, curve.law.at(grid, amplitude), color=color, linewidth=1.0, label=law)
        step = _step(points, curve.limit)
        if step is not None and not any(step == one for one in drawn):
            own = None if drawn else "deterministic"
            axes.plot(*step, zorder=1.5, label=own, **style.LIMIT)
            drawn.append(step)
    axes.axhline(0.5, color="0.85", linewidth=0.6, zorder=0)
    axes.legend(loc="best", borderaxespad=0.4, handlelength=2.2)


def _step(points: RecoveryPoints, limit: Bracket | None) -> tuple[list[float], list[float]] | None:
    """Whether the deterministic membrane fires again, by interval, with a narrow first step."""
    if points.deterministic is None:
        return None
    x, y = points.interval_ms.tolist(), points.deterministic.astype(float).tolist()
    if limit is not None and limit.silent_at is not None and limit.fires_at is not None:
        first = y.index(1.0)
        x[first:first] = [limit.silent_at, limit.fires_at]
        y[first:first] = [0.0, 1.0]
    return x, y


def _ratios(axes: Axes, curves: Sequence[Recovery], label: str) -> None:
    """Thresholds over that of a single pulse, their law, and the deterministic ones."""
    axes.axhline(1.0, color="0.8", linewidth=0.8, zorder=0)
    drawn: list[Any] = []
    for curve, color in zip(curves, shades(len(curves)), strict=True):
        single, limit = curve.single.threshold, curve.single_limit
        at = np.array([one.at for one in curve.thresholds])
        if single is not None:
            ratios = [ratio_to(one.threshold, single) for one in curve.thresholds]
            name = curve.label or "trials (95 %)"
            draw_estimates(axes, at, ratios, color, name, **{**_LOOK, "fmt": "o"})
        if curve.law is not None and curve.law.absolute_ms.value is not None:
            grid = np.geomspace(at.min(), curve.longest_ms, _POINTS)
            since = grid - curve.law.absolute_ms.value
            tau = float(curve.law.relative_ms.value or np.inf)
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                law = np.where(since > 0.0, 1.0 / -np.expm1(-since / tau), np.nan)
            known = [one.threshold.value for one in curve.thresholds if one.threshold.value]
            law[law > 1.5 * max(known, default=1.0) / (single or 1.0)] = np.nan
            axes.plot(grid, law, color=color, linewidth=1.0,
                      label=None if curve.label else "law of recovery")  # fmt: skip
        known_at = [one.at for one in curve.thresholds if one.deterministic]
        alone = [one.deterministic / limit for one in curve.thresholds
                 if one.deterministic and limit]  # fmt: skip
        if alone and not any(len(one) == len(alone) and np.allclose(alone, one) for one in drawn):
            look = {**style.LIMIT, "linewidth": 1.0}
            axes.plot(known_at, alone, marker="s", markersize=2.5, zorder=1.5,
                      label=None if drawn else "deterministic", **look)  # fmt: skip
            drawn.append(alone)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 8.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("threshold / single pulse's")
    axes.legend(loc="upper right", borderaxespad=0.2, handlelength=2.2)


def _spreads(axes: Axes, curves: Sequence[Recovery]) -> None:
    for curve, color in zip(curves, shades(len(curves)), strict=True):
        at = [one.at for one in curve.thresholds]
        spreads = [one.relative_spread for one in curve.thresholds]
        draw_estimates(axes, at, spreads, color, **{**_LOOK, "fmt": "o-"})
    axes.set_ylim(bottom=0.0)
    axes.set_ylabel("relative spread")


def _interval_axis(axes: Axes, every: Floats) -> None:
    """Intervals, on a logarithmic axis with plain numbers where they spread widely."""
    axes.set_xlabel("interval (ms)")
    low, high = float(every.min()), float(every.max())
    if high / low < _LOG_RATIO:
        margin = 0.03 * (high - low)
        axes.set_xlim(low - margin, high + margin)
        return
    axes.set_xscale("log")
    axes.set_xlim(low / 1.08, high * 1.08)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axes.xaxis.set_minor_formatter(NullFormatter())
