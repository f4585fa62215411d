"""Picture of thresholds by duration of a pulse: strength, charge, and relative spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from stochhh import units
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.excitability import StrengthDuration
from stochhh.analysis.pulse_thresholds import PulseThreshold
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, shades
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_HEIGHT = 4.4  # inches
_POINTS = 300  # of a law
_ROOM = 1.25  # times the outermost duration, on either side
_POINTS_ONLY: dict[str, Any] = {"fmt": "o", "markersize": 3.6, "elinewidth": 0.9, "capsize": 0}
#: What an amplitude times a millisecond is called.
_CHARGES = {"pA": "fC", "nA": "pC", "µA/cm²": "nC/cm²"}


class ThresholdCurve(NamedTuple):
    """Thresholds of one membrane by duration, with their law and that of the deterministic one."""

    label: str
    thresholds: Sequence[PulseThreshold]
    law: StrengthDuration | None
    limit: StrengthDuration | None


@style.as_written
def strength_duration_figure(
    curves: Sequence[ThresholdCurve], label: str, unit: str, title: str = ""
) -> Figure:
    """Draw thresholds of pulses against their duration, and the relative spread.

    Beside them the ratio to the deterministic threshold, where that is known, and
    otherwise the threshold charge.

    Parameters
    ----------
    curves : one a membrane
    label, unit : of the amplitude
    """
    compared = all(one.deterministic for curve in curves for one in curve.thresholds)
    durations = [one.at for curve in curves for one in curve.thresholds]
    ends = (min(durations) / _ROOM, max(durations) * _ROOM)
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        panels = figure.subplot_mosaic(
            [["strength", "second"], ["strength", "spread"]],
            width_ratios=(1.25, 1.0),
        )
        strength, second, spread = panels["strength"], panels["second"], panels["spread"]
        for curve, color in zip(curves, shades(len(curves)), strict=True):
            _strengths(strength, curve, color, ends)
            (_ratios if compared else _charges)(second, curve, color)
            spreads = [one.relative_spread for one in curve.thresholds]
            at = [one.at for one in curve.thresholds]
            draw_estimates(spread, at, spreads, color, capsize=0, markersize=3.6)
        _limits(strength, curves, ends)
        strength.set(xscale="log", yscale="log", xlim=ends)
        strength.set_ylabel(f"threshold {label}")
        strength.legend(loc="upper right", borderaxespad=0.2, handlelength=2.2)
        if compared:
            second.axhline(1.0, **style.LIMIT)
            second.set(xscale="log", xlim=ends, ylabel="threshold / deterministic")
        else:
            written = units.pretty(unit)
            second.set_ylabel(f"threshold charge ({_CHARGES.get(written, f'{written} ms')})")
            second.set_xlim(left=0.0)
            second.set_ylim(bottom=0.0)
        spread.set(xscale="log", xlim=ends, ylabel="relative spread")
        spread.set_ylim(bottom=0.0)
        for axes in panels.values():
            axes.set_xlabel("pulse duration (ms)")
            for side in (axes.xaxis, axes.yaxis):
                if side.get_scale() == "log":
                    _plain_ticks(side)
        figure.align_ylabels([second, spread])
        headline(figure, title)
    return figure


def _strengths(axes: Axes, curve: ThresholdCurve, color: Any, ends: tuple[float, float]) -> None:
    at = [one.at for one in curve.thresholds]
    thresholds = [one.threshold for one in curve.thresholds]
    draw_estimates(axes, at, thresholds, color, curve.label or "trials (95 %)", **_POINTS_ONLY)
    if curve.law is None:
        return
    grid = np.geomspace(*ends, _POINTS)
    law = "Lapicque's law" if curve.law.law == "lapicque" else "Weiss's law"
    name, other = (None, None) if curve.label else (law, "chronaxie")
    axes.plot(grid, curve.law.at(grid), color=color, linewidth=1.1, label=name, zorder=1.8)
    rheobase, chronaxie = curve.law.rheobase.value, curve.law.chronaxie_ms.value
    assert rheobase is not None
    assert chronaxie is not None
    look: dict[str, Any] = {"color": color, "markersize": 5.0, "markerfacecolor": "white"}
    axes.plot([chronaxie], [2.0 * rheobase], "D", label=other, **look)


def _ratios(axes: Axes, curve: ThresholdCurve, color: Any) -> None:
    at = [one.at for one in curve.thresholds]
    ratios = [_scaled(one.threshold, 1.0 / (one.deterministic or 1.0)) for one in curve.thresholds]
    draw_estimates(axes, at, ratios, color, capsize=0, markersize=3.6)


def _charges(axes: Axes, curve: ThresholdCurve, color: Any) -> None:
    at = np.array([one.at for one in curve.thresholds])
    charges = [_scaled(one.threshold, one.at) for one in curve.thresholds]
    draw_estimates(axes, at, charges, color, **_POINTS_ONLY)
    if curve.law is not None:
        grid = np.linspace(at.min() / 20.0, at.max() * 1.05, _POINTS)
        axes.plot(grid, curve.law.at(grid) * grid, color=color, linewidth=1.1, zorder=1.8)


def _limits(axes: Axes, curves: Sequence[ThresholdCurve], ends: tuple[float, float]) -> None:
    """Deterministic thresholds on their law, those of several curves once where they agree."""
    drawn: list[list[tuple[float, float]]] = []
    look = {**style.LIMIT, "linewidth": 1.0, "zorder": 1.6}
    dots: dict[str, Any] = {"color": style.DETERMINISTIC, "markersize": 2.5, "zorder": 1.7}
    for curve in curves:
        points = [(one.at, one.deterministic) for one in curve.thresholds]
        known = [(at, value) for at, value in points if value is not None]
        if not known or any(len(one) == len(known) and np.allclose(known, one) for one in drawn):
            continue
        drawn.append(known)
        at, threshold = np.array(known).T
        grid = np.geomspace(*ends, _POINTS) if curve.limit is not None else at
        line = threshold if curve.limit is None else curve.limit.at(grid)
        axes.plot(grid, line, label="deterministic" if len(drawn) == 1 else None, **look)
        axes.plot(at, threshold, "s", **dots)


def _plain_ticks(side: Axis) -> None:
    """Write the ticks of a logarithmic axis as plain numbers."""
    side.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    side.set_minor_locator(LogLocator(subs=range(1, 10)))
    side.set_minor_formatter(NullFormatter())


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    if estimate.value is None:
        return estimate
    interval = estimate.interval
    ends = None if interval is None else (interval[0] * factor, interval[1] * factor)
    return Estimate(estimate.value * factor, ends)
