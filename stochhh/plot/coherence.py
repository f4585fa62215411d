"""Picture of the coherence of a response with its input, and of the information it bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.voltage_spectra import Coherence
from stochhh.plot import style
from stochhh.plot.estimates import (
    draw_estimates,
    headline,
    legend_in_order,
    plain_log_axis,
    shades,
    spread_axis,
)
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_THEORY, _LIMIT, _LEVEL = "linear theory", "deterministic", "5 % level"
_HEIGHT = 3.1  # inches
_BAND = 0.18  # opacity of intervals
_CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "os^Dv<"


class CoherencePoint(NamedTuple):
    """Coherence at one point of a sweep.

    Attributes
    ----------
    x : place on the axis, NaN without one.
    n_channels : of the membrane.
    trials, spikes, rate_hz : in the stretch that is looked at.
    found, limit : of the trials and of the deterministic membrane; None where there is none.
    theory : coherence and gain (mV/pA) of linear theory; None where it does not hold.
    bound, limit_bound, expected_bound : on the information rate (bits/s), of each of these.
    """

    x: float
    n_channels: int
    trials: int
    spikes: int
    rate_hz: float
    found: Coherence | None
    limit: Coherence | None
    theory: tuple[Floats, Floats] | None
    bound: Estimate
    limit_bound: float | None
    expected_bound: float | None


class CoherenceCurve(NamedTuple):
    """Points that differ on one axis only, with the values of all other swept keys."""

    place: Mapping[str, Any]
    label: str
    points: tuple[CoherencePoint, ...]


@style.as_written
def coherence_figure(
    curves: Sequence[CoherenceCurve],
    axis_label: str,
    response: str,
    highest_hz: float,
    title: str = "",
) -> Figure:
    """Draw coherence against frequency, and the bound along the axis, or the gain of one point.

    Parameters
    ----------
    curves : with their points; without an axis of one point each
    axis_label : of the axis with its unit; empty without one
    response : "voltage" or "spikes"
    highest_hz : of frequencies shown, and of the bound
    """
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        axes: Any = figure.subplots(1, 2, width_ratios=(1.3, 1.0))
        left, right = axes
        points = [point for curve in curves for point in curve.points]
        labels, heading = [curve.label for curve in curves], None
        if axis_label:
            points, heading = list(curves[0].points), axis_label
            labels = [f"{point.x:,.12g}".replace(",", " ").replace("-", "−") for point in points]
            left.set_title(curves[0].label, loc="left", fontsize=8)
        colors = shades(len(points))
        alone = len(points) == 1
        _coherences(left, points, ["trials (95 %)"] if alone else labels, colors, highest_hz)
        legend_in_order(
            left,
            [_THEORY, _LIMIT, _LEVEL],
            loc="lower left",
            bbox_to_anchor=(0.0, 1.05 if axis_label and curves[0].label else 1.0),
            ncols=3 if len(points) > 2 else 2,
            title=heading,
            title_fontsize=7,
            alignment="left",
            borderaxespad=0.0,
            handlelength=1.6,
            columnspacing=1.0,
        )
        if axis_label:
            _along(right, curves, axis_label, colors)
        elif alone:
            _gain(right, points[0], response, highest_hz)
        else:
            _bounds(right, points, labels, colors)
        headline(figure, title)
    return figure


def _coherences(
    axes: Axes,
    points: Sequence[CoherencePoint],
    labels: Sequence[str],
    colors: Sequence[Any],
    highest_hz: float,
) -> None:
    levels: list[float] = []
    theory_named = False
    for point, label, color in zip(points, labels, colors, strict=True):
        found = point.found
        if found is None:
            continue
        inside = found.frequency_hz <= highest_hz * (1 + 1e-9)
        f = found.frequency_hz[inside]
        if len(points) <= 3:
            axes.fill_between(
                f, found.low[inside], found.high[inside], color=color, alpha=_BAND, linewidth=0
            )
        axes.plot(f, found.corrected[inside], color=color, linewidth=1.1, label=label)
        levels.append(found.significant - (1.0 - found.significant) ** 2 / found.averages)
        if point.theory is not None:
            name = None if theory_named else _THEORY
            look = {**style.LIMIT, "linewidth": 0.9}
            axes.plot(f, point.theory[0][inside], label=name, **look)
            theory_named = True
    limit = next((point.limit for point in reversed(points) if point.limit is not None), None)
    if limit is not None and not theory_named:
        inside = limit.frequency_hz <= highest_hz * (1 + 1e-9)
        axes.plot(
            limit.frequency_hz[inside],
            limit.corrected[inside],
            label=_LIMIT,
            zorder=1.5,
            **{**style.LIMIT, "linewidth": 0.9},
        )
    if levels:
        axes.axhline(max(levels), color="0.45", linewidth=0.8, linestyle=":", label=_LEVEL)
    axes.set_xscale("log")
    plain_log_axis(axes.xaxis)
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), min(1.02, max(axes.get_ylim()[1], 0.1)))
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("coherence with the input")


def _along(
    axes: Axes,
    curves: Sequence[CoherenceCurve],
    axis_label: str,
    colors: Sequence[Any],
) -> None:
    """Bound of the information rate against the axis."""
    several = len(curves) > 1
    for k, curve in enumerate(curves):
        x = np.array([point.x for point in curve.points])
        bounds = [point.bound for point in curve.points]
        color = _CURVES[k % len(_CURVES)] if several else "0.6"
        marker = _MARKERS[k % len(_MARKERS)]
        values = [np.nan if bound.value is None else bound.value for bound in bounds]
        axes.plot(x, values, color=color, linewidth=1.0, zorder=1.4)
        for at, bound, shade in zip(
            x, bounds, [color] * len(x) if several else colors, strict=True
        ):
            draw_estimates(axes, [at], [bound], shade, fmt=marker, elinewidth=0.9)
        if several:
            axes.plot([], [], marker=marker, color=color, markersize=3.5, label=curve.label)
        last = k == len(curves) - 1
        for name, others in (
            (_THEORY, [point.expected_bound for point in curve.points]),
            (_LIMIT, [point.limit_bound for point in curve.points]),
        ):
            if any(other is not None for other in others):
                y = [np.nan if other is None else other for other in others]
                axes.plot(x, y, label=name if last else None, zorder=1.5, **style.LIMIT)
    spread_axis(axes, np.array([point.x for curve in curves for point in curve.points]))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel(axis_label)
    axes.set_ylabel("bound on information (bits/s)")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower right", handlelength=1.8)


def _bounds(
    axes: Axes,
    points: Sequence[CoherencePoint],
    labels: Sequence[str],
    colors: Sequence[Any],
) -> None:
    """Bound of each point, from the top."""
    for row, (point, color) in enumerate(zip(points, colors, strict=True)):
        bound = point.bound
        if bound.value is None:
            continue
        axes.barh(row, bound.value, height=0.55, color=color, alpha=0.75, linewidth=0)
        if bound.interval is not None:
            reach = np.abs(np.array(bound.interval) - bound.value)[:, None]
            axes.errorbar(bound.value, row, xerr=reach, fmt="none", ecolor="0.15", capsize=2)
    axes.set_yticks(range(len(labels)), [label.replace(", ", "\n") for label in labels])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("bound on information (bits/s)")


def _gain(axes: Axes, point: CoherencePoint, response: str, highest_hz: float) -> None:
    """Size of the transfer function where the response is coherent, with that of theory."""
    found = point.found
    assert found is not None
    inside = found.frequency_hz <= highest_hz * (1 + 1e-9)
    f, scale = found.frequency_hz[inside], 1e3 if response == "voltage" else 1.0
    sure = found.raw[inside] > found.significant
    gain = np.where(sure, np.abs(found.gain[inside]), np.nan) * scale
    axes.plot(f, gain, "o", color=style.VOLTAGE, markersize=2.5, label="trials")
    if point.theory is not None:
        axes.plot(f, point.theory[1][inside] * scale, label=_THEORY, **style.LIMIT)
    elif point.limit is not None:
        alone = np.abs(point.limit.gain[inside]) * scale
        axes.plot(f, alone, label=_LIMIT, zorder=1.5, **style.LIMIT)
    axes.set_xscale("log")
    plain_log_axis(axes.xaxis)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("frequency (Hz)")
    unit = "MΩ" if response == "voltage" else "spikes/s/pA"
    axes.set_ylabel(f"gain, where coherent ({unit})")
    axes.legend(loc="best", handlelength=1.8)
