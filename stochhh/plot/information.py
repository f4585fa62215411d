"""Picture of what spike trains tell about a stimulus: entropies of words, and their rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.information import InformationRate
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, shades, spread_axis
from stochhh.plot.picture import Picture

_HEIGHT = 3.3  # inches
_CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "os^Dv<"
_TOTAL, _NOISE, _BOUND = "0.35", "#D55E00", "#E69F00"


class InformationPoint(NamedTuple):
    """What spike trains tell at one point of a sweep.

    Attributes
    ----------
    x : place on the axis, NaN without one.
    n_channels, trials : of the membrane, and how many were made.
    rate_hz : of firing.
    found : by the direct method; None without a spike.
    bound : by coherence with the input, of None where it is not asked for.
    limit_bits_per_s : total entropy rate of the deterministic train; None without one.
    """

    x: float
    n_channels: int
    trials: int
    rate_hz: float
    found: InformationRate | None
    bound: Estimate
    limit_bits_per_s: float | None

    @property
    def bits_per_s(self) -> Estimate:
        """Information rate."""
        return Estimate(None) if self.found is None else self.found.bits_per_s

    @property
    def bits_per_spike(self) -> Estimate:
        """Information a spike."""
        bits = self.bits_per_s
        if bits.value is None or bits.interval is None:
            return Estimate(None)
        low, high = (end / self.rate_hz for end in bits.interval)
        return Estimate(bits.value / self.rate_hz, (low, high))


class InformationCurve(NamedTuple):
    """Points that differ on one axis only, with the values of all other swept keys."""

    place: Mapping[str, Any]
    label: str
    points: tuple[InformationPoint, ...]


@style.as_written
def information_figure(
    curves: Sequence[InformationCurve], axis_label: str, bin_ms: float, title: str = ""
) -> Figure:
    """Draw entropies by length of words, rates of entropy and information, and bits a spike.

    Parameters
    ----------
    curves : with their points; without an axis of one point each
    axis_label : of the axis with its unit; empty without one
    bin_ms : length of a letter
    """
    points = [point for curve in curves for point in curve.points]
    if axis_label:
        points = list(curves[0].points)
        labels = [f"{point.x:,.12g}".replace(",", " ").replace("-", "−") for point in points]
        shown = curves
    else:  # one after another on an axis of names
        labels = [curve.label or "trials" for curve in curves]
        numbered = tuple(point._replace(x=float(k)) for k, point in enumerate(points))
        shown = [InformationCurve({}, "", numbered)]
    colors = shades(len(points))
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        axes: Any = figure.subplots(1, 3, width_ratios=(1.0, 1.3, 0.75))
        words, rates, spikes = axes
        _words(words, points, labels, colors, bin_ms, axis_label)
        _rates(rates, shown)
        _per_spike(spikes, shown, colors)
        for panel in (rates, spikes):
            if axis_label:
                spread_axis(panel, [point.x for curve in curves for point in curve.points])
                panel.set_xlabel(axis_label)
            else:
                panel.set_xlim(-0.5, len(points) - 0.5)
                panel.set_xticks(range(len(points)), [one.replace(", ", "\n") for one in labels])
            panel.set_ylim(bottom=0.0)
        headline(figure, title)
    return figure


def _words(
    axes: Axes,
    points: Sequence[InformationPoint],
    labels: Sequence[str],
    colors: Sequence[Any],
    bin_ms: float,
    heading: str,
) -> None:
    """Entropy a second against one over the length of words, with the lines to endless ones."""
    for point, label, color in zip(points, labels, colors, strict=True):
        if point.found is None:
            continue
        lengths = np.array([word.word_bins * bin_ms for word in point.found.words])
        ends = (
            ([word.total_bits for word in point.found.words], point.found.total_bits_per_s, "full"),
            ([word.noise_bits for word in point.found.words], point.found.noise_bits_per_s, "none"),
        )
        for bits, endless, fill in ends:
            y = np.array(bits) / lengths * 1e3
            x = 1.0 / lengths
            axes.plot(
                x, y, "o", color=color, fillstyle=fill, markersize=3.2, markeredgewidth=0.8,
                label=label if fill == "full" else None,
            )  # fmt: skip
            if len(x) > 1:
                slope = np.polyfit(x, y, 1)[0]
                line = np.array([0.0, x.max()])
                axes.plot(line, endless + slope * line, color=color, linewidth=0.7)
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("1 / length of words (1/ms)")
    axes.set_ylabel("entropy rate (bits/s)\n● total    ○ noise")
    if len(points) > 1:
        axes.legend(
            title=heading or None, title_fontsize=7, alignment="left", loc="lower left",
            bbox_to_anchor=(0.0, 1.01), borderaxespad=0.0, ncols=3, columnspacing=0.9,
            handletextpad=0.3, handlelength=1.0,
        )  # fmt: skip


def _rates(axes: Axes, curves: Sequence[InformationCurve]) -> None:
    """Total and noise entropy and information of one curve; of several the information."""
    several = len(curves) > 1
    for k, curve in enumerate(curves):
        x = [point.x for point in curve.points]
        color = _CURVES[k % len(_CURVES)]
        name = curve.label if several else "information"
        information = [point.bits_per_s for point in curve.points]
        draw_estimates(axes, x, information, color, name, fmt=f"{_MARKERS[k % 6]}-")
        if not several:
            total = _value(curve, lambda found: found.total_bits_per_s)
            noise = _value(curve, lambda found: found.noise_bits_per_s)
            axes.plot(x, total, "s-", color=_TOTAL, markersize=2.8, label="total entropy")
            axes.plot(x, noise, "v-", color=_NOISE, markersize=2.8, label="noise entropy")
            bounds = [point.bound for point in curve.points]
            if any(bound.value is not None for bound in bounds):
                draw_estimates(axes, x, bounds, _BOUND, "coherence bound", fmt="D-", markersize=2.8)
        limits = [point.limit_bits_per_s for point in curve.points]
        if any(limit is not None for limit in limits):
            y = [np.nan if limit is None else limit for limit in limits]
            last = k == len(curves) - 1
            ends = [x[0] - 0.3, x[0] + 0.3] if len(x) == 1 else x
            axes.plot(
                ends,
                y * 2 if len(x) == 1 else y,
                label="deterministic" if last else None,
                zorder=1.5,
                **style.LIMIT,
            )
    axes.set_ylabel("rate (bits/s)" if not several else "information (bits/s)")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.01), borderaxespad=0.0, ncols=2,
        columnspacing=0.9, handlelength=1.8,
    )  # fmt: skip


def _per_spike(axes: Axes, curves: Sequence[InformationCurve], colors: Sequence[Any]) -> None:
    several = len(curves) > 1
    for k, curve in enumerate(curves):
        x = [point.x for point in curve.points]
        bits = [point.bits_per_spike for point in curve.points]
        color = _CURVES[k % len(_CURVES)] if several else "0.6"
        values = [np.nan if one.value is None else one.value for one in bits]
        axes.plot(x, values, color=color, linewidth=1.0, zorder=1.4)
        for at, one, shade in zip(x, bits, [color] * len(x) if several else colors, strict=True):
            draw_estimates(axes, [at], [one], shade, fmt=_MARKERS[k % 6])
    axes.set_ylabel("information a spike (bits)")


def _value(curve: InformationCurve, rate: Any) -> list[float]:
    return [np.nan if point.found is None else rate(point.found) for point in curve.points]
