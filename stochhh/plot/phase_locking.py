"""Picture of phase locking: spikes a period, vector strength, and period histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.axes import value_label
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.locked_periods import LockedPoint
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, shades, spread_axis
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_MOST_PANELS = 5  # curves whose histograms are drawn
_MOST_ROWS = 8  # points of each
_LOOK: dict[str, Any] = {"markersize": 3.4, "elinewidth": 0.9, "capsize": 0, "linewidth": 1.0}


class LockedCurve(NamedTuple):
    """Points along the axis, all else the same. K points.

    Attributes
    ----------
    label, place : what tells it from others.
    x : (K,) rising; not a number where nothing is swept.
    points : K.
    """

    label: str
    place: Mapping[str, Any]
    x: Floats
    points: tuple[LockedPoint, ...]


@style.as_written
def phase_locking_figure(
    curves: Sequence[LockedCurve], label: str, unit: str, title: str = ""
) -> Figure:
    """Draw spikes a period and vector strength along an axis, and period histograms.

    Histograms are of up to eight points of up to five curves, each as high as its
    highest bin. Without an axis only the histogram of each curve is drawn. Points with
    few spikes show no vector strength and no histogram.

    Parameters
    ----------
    curves : one for each place on the other axes
    label, unit : of the axis; empty without one
    """
    with style.style():
        if not label:
            figure = _alone(curves)
        else:
            figure = Picture(figsize=(style.WIDTH, 5.4), layout="constrained")
            halves: Any = figure.subfigures(2, 1, height_ratios=(1.15, 1.0))
            upper, lower = halves
            _along(upper, curves, label)
            _histograms(lower, curves, label, unit)
        headline(figure, title)
    return figure


def _along(figure: Any, curves: Sequence[LockedCurve], label: str) -> None:
    counts, strengths = figure.subplots(1, 2)
    every = np.concatenate([curve.x for curve in curves])
    for curve, color in zip(curves, shades(len(curves)), strict=True):
        name = curve.label or "trials (95 %)"
        per_period = [point.spikes_per_period for point in curve.points]
        draw_estimates(counts, curve.x, per_period, color, name, **_LOOK)
        firm = [p.locking.vector_strength if p.tells else Estimate(None) for p in curve.points]
        draw_estimates(strengths, curve.x, firm, color, **_LOOK)
    _limits(counts, curves, [[p.limit_spikes for p in curve.points] for curve in curves])
    _limits(strengths, curves, [[p.limit_strength for p in curve.points] for curve in curves])
    for axes in (counts, strengths):
        spread_axis(axes, every)
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0.0)
    counts.set_ylabel("spikes a period")
    strengths.set_ylabel("vector strength")
    strengths.set_ylim(-0.02, 1.03)
    handles, names = counts.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper center", ncols=min(len(names), 6), handlelength=2.0,
        columnspacing=1.4,
    )  # fmt: skip


def _limits(axes: Axes, curves: Sequence[LockedCurve], limits: Sequence[Sequence[Any]]) -> None:
    """Draw the deterministic membrane of each curve, dashed."""
    named = False
    for curve, values in zip(curves, limits, strict=True):
        known = np.array([np.nan if value is None else value for value in values], dtype=float)
        if not np.isfinite(known).any():
            continue
        look = {**style.LIMIT, "linewidth": 0.9, "zorder": 1.6}
        axes.plot(curve.x, known, label=None if named else "deterministic", **look)
        named = True


def _histograms(figure: Any, curves: Sequence[LockedCurve], label: str, unit: str) -> None:
    """Period histograms, point above point, one panel a curve."""
    shown = [curves[k] for k in _spread(len(curves), _MOST_PANELS)]
    panels = figure.subplots(1, len(shown), sharex=True, squeeze=False)[0]
    colors = dict(zip([curve.label for curve in curves], shades(len(curves)), strict=True))
    for axes, curve in zip(panels, shown, strict=True):
        places = _spread(len(curve.points), _MOST_ROWS)
        for row, k in enumerate(places):
            _histogram(axes, curve.points[k], float(row), colors[curve.label])
        texts = [f"{curve.x[k]:g}" for k in places]
        axes.set_yticks(np.arange(len(places)) + 0.4, texts)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(-0.05, len(places))
        axes.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
        if curve.label:
            axes.set_title(curve.label, fontsize=8)
    panels[0].set_ylabel(label)
    figure.supxlabel("phase (cycles)", fontsize=8)


def _histogram(axes: Axes, point: LockedPoint, base: float, color: Any) -> None:
    counts = point.histogram
    axes.axhline(base, color="0.85", linewidth=0.5, zorder=0)
    if not point.tells:
        return
    heights = 0.85 * counts / counts.max()
    edges = np.linspace(0.0, 1.0, len(counts) + 1)
    axes.stairs(
        base + heights, edges, baseline=base, fill=True, color=color, alpha=0.75, linewidth=0
    )


def _alone(curves: Sequence[LockedCurve]) -> Figure:
    """Period histogram of each curve's only point, as spikes a period and cycle."""
    figure = Picture(figsize=(style.WIDTH, 2.8), layout="constrained")
    panels: Any = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
    for axes, curve, color in zip(panels, curves, shades(len(curves)), strict=True):
        (point,) = curve.points
        edges = np.linspace(0.0, 1.0, len(point.histogram) + 1)
        share = point.histogram / max(point.n_periods * point.n_trials, 1) * len(point.histogram)
        axes.stairs(share, edges, fill=True, color=color, alpha=0.75)
        strength, phase = point.locking.vector_strength.value, point.locking.phase_cycles
        if strength is not None and phase is not None:
            text = f"vector strength {strength:.3g}"
            axes.axvline(phase, color=style.MEAN, linewidth=1.2, label=f"mean phase, {text}")
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.01), borderaxespad=0.0)
        axes.set_xlim(0.0, 1.0)
        axes.set_xlabel(f"phase (cycles of {point.period_ms:.3g} ms)")
        if curve.label:
            axes.set_title(value_label(curve.label), fontsize=8, pad=18)
    panels[0].set_ylabel("spikes a period, per cycle")
    return figure


def _spread(n: int, most: int) -> list[int]:
    """Places of up to so many of n things, evenly spread from the first to the last."""
    return [int(k) for k in np.unique(np.linspace(0, n - 1, min(n, most)).round())]
