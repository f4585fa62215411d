"""Picture of the noise of a voltage: spectra over linear theory, and its size along a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.membrane_noise import ExpectedNoise, RecordedNoise
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

_HEIGHT = 3.1  # inches
_THEORY = "linear theory"
_BAND = 0.22  # opacity of intervals of spectra
_DECADES = 3.7  # of power, shown at most
_CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "os^Dv<"
_LOG_RATIO = 4.0  # of the largest to the smallest SD, from which on its axis is logarithmic


class NoisePoint(NamedTuple):
    """Noise at one point of a sweep.

    Attributes
    ----------
    x : place on the axis, NaN without one.
    trials, quiet : all, and those without spikes.
    n_channels : of the membrane.
    found : from the quiet trials; None if there are none.
    theory : None where the steady state is not stable.
    """

    x: float
    trials: int
    quiet: int
    n_channels: int
    found: RecordedNoise | None
    theory: ExpectedNoise | None

    @property
    def sd(self) -> Estimate:
        """Standard deviation of the signal."""
        variance = Estimate(None) if self.found is None else self.found.variance
        if variance.value is None:
            return Estimate(None)
        ends = variance.interval
        within = None if ends is None else (max(ends[0], 0.0) ** 0.5, ends[1] ** 0.5)
        return Estimate(variance.value**0.5, within)

    @property
    def expected_sd(self) -> float | None:
        """That of theory."""
        return None if self.theory is None else float(self.theory.variance.sum()) ** 0.5


class NoiseCurve(NamedTuple):
    """Points that differ on one axis only, with the values of all other swept keys."""

    place: Mapping[str, Any]
    label: str
    points: tuple[NoisePoint, ...]


@style.as_written
def voltage_spectrum_figure(
    curves: Sequence[NoiseCurve],
    axis_label: str,
    populations: Sequence[tuple[str, str]],
    signal: tuple[str, str],
    title: str = "",
) -> Figure:
    """Draw spectra of the first curve, or of all points, and SD along it or variances.

    Parameters
    ----------
    curves : with their points; without an axis of one point each
    axis_label : of the axis with its unit; empty without one
    populations : name and ion of each, in the order of the parts of theory
    signal : what it is and its unit, as in ("voltage", "mV")
    """
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        axes: Any = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
        left, right = axes
        points = [point for curve in curves for point in curve.points]
        if axis_label:
            points = list(curves[0].points)
            colors = shades(len(points))
            labels = [f"{point.x:g}".replace("-", "−") for point in points]
            _spectra(left, points, labels, colors, signal)
            _legend(left, "; ".join(filter(None, [axis_label, curves[0].label])))
            _along(right, curves, axis_label, signal, colors)
        elif len(curves) > 1:
            few = len(curves) <= len(_CURVES)
            colors = list(_CURVES[: len(curves)]) if few else shades(len(curves))
            labels = [curve.label for curve in curves]
            _spectra(left, points, labels, colors, signal)
            _legend(left)
            _variances(right, points, labels, colors, signal)
        else:
            _spectra(left, points, ["simulated (95 %)"], [style.VOLTAGE], signal)
            _parts(left, right, points[0], populations, signal)
            _legend(left)
        headline(figure, title)
    return figure


def _legend(axes: Axes, heading: str = "") -> None:
    """Above the curves and their bands, theory after what was simulated."""
    legend_in_order(
        axes,
        [_THEORY],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        borderaxespad=0.0,
        ncols=4 if heading else 2,
        columnspacing=1.0,
        handlelength=1.8,
        title=heading or None,
        title_fontsize=7,
        alignment="left",
    )


def _spectra(
    axes: Axes,
    points: Sequence[NoisePoint],
    labels: Sequence[str],
    colors: Sequence[Any],
    signal: tuple[str, str],
) -> None:
    named, top = False, 0.0
    for point, label, color in zip(points, labels, colors, strict=True):
        spectrum = None if point.found is None else point.found.spectrum
        if spectrum is not None:
            f = spectrum.frequency_hz
            axes.fill_between(f, spectrum.low, spectrum.high, color=color, alpha=_BAND, linewidth=0)
            axes.plot(f, spectrum.density, color=color, linewidth=1.1, label=label)
            top = max(top, float(spectrum.density.max()))
        if point.theory is not None and point.theory.density.any():
            total = point.theory.density.sum(axis=0)
            name = None if named else _THEORY
            look = {**style.LIMIT, "linewidth": 0.9}
            axes.plot(point.theory.frequency_hz, total, label=name, **look)
            named, top = True, max(top, float(total.max()))
    axes.set(xscale="log", yscale="log")
    plain_log_axis(axes.xaxis)
    if top > 0.0:
        bottom = max(axes.get_ylim()[0], top * 10**-_DECADES)
        axes.set_ylim(bottom, 2.0 * top)
    axes.set_xlabel("frequency (Hz)")
    quantity, unit = signal
    axes.set_ylabel(f"power of the {quantity} ({unit}²/Hz)")


def _along(
    axes: Axes,
    curves: Sequence[NoiseCurve],
    axis_label: str,
    signal: tuple[str, str],
    colors: Sequence[Any],
) -> None:
    """SD against the axis, with that of theory."""
    shown: list[float] = []
    for k, curve in enumerate(curves):
        x = np.array([point.x for point in curve.points])
        color = _CURVES[k % len(_CURVES)] if len(curves) > 1 else "0.6"
        look: dict[str, Any] = {
            "fmt": _MARKERS[k % len(_MARKERS)],
            "linewidth": 0.0,
            "elinewidth": 0.9,
        }
        expected = [point.expected_sd for point in curve.points]
        y = np.array([np.nan if sd is None else sd for sd in expected])
        axes.plot(x, y, label=_THEORY if k == len(curves) - 1 else None, zorder=1.5, **style.LIMIT)
        sds = [point.sd for point in curve.points]
        if len(curves) > 1:
            draw_estimates(axes, x, sds, color, curve.label, **look)
        else:
            for at, sd, shade in zip(x, sds, colors, strict=True):
                draw_estimates(axes, [at], [sd], shade, **look)
        shown += [
            value for value in (*y, *(sd.value or np.nan for sd in sds)) if np.isfinite(value)
        ]
    spread_axis(axes, np.array([point.x for curve in curves for point in curve.points]))
    if shown and max(shown) / min(shown) > _LOG_RATIO:
        axes.set_yscale("log")
        plain_log_axis(axes.yaxis)
    else:
        axes.set_ylim(bottom=0.0)
    axes.set_xlabel(axis_label)
    axes.set_ylabel(f"SD of the {signal[0]} ({signal[1]})")
    axes.legend(loc="best", handlelength=1.8)


def _variances(
    axes: Axes,
    points: Sequence[NoisePoint],
    labels: Sequence[str],
    colors: Sequence[Any],
    signal: tuple[str, str],
) -> None:
    """Variance of each point, from the top, over that of theory."""
    rows = [
        (
            label,
            Estimate(None) if point.found is None else point.found.variance,
            point.theory,
            color,
        )
        for point, label, color in zip(points, labels, colors, strict=True)
    ]
    for k, (_, variance, theory, color) in enumerate(rows):
        _bar(axes, k, variance, color)
        if theory is not None:
            name = _THEORY if k == 0 else None
            _mark(axes, k, float(theory.variance.sum()), name)
    _finish_bars(axes, [label.replace(", ", "\n") for label, *_ in rows], signal)
    axes.legend(loc="lower right", handlelength=1.0)


def _parts(
    left: Axes,
    right: Axes,
    point: NoisePoint,
    populations: Sequence[tuple[str, str]],
    signal: tuple[str, str],
) -> None:
    """Spectra and variances that theory says are due to each population."""
    names = [name for name, _ in populations]
    tints = style.population_colors([ion for _, ion in populations])
    found = Estimate(None) if point.found is None else point.found.variance
    labels, bars = ["simulated"], [(found, style.VOLTAGE)]
    theory = point.theory
    if theory is not None:
        total = float(theory.variance.sum())
        labels.append(_THEORY)
        bars.append((Estimate(total), style.DETERMINISTIC))
        for name, tint, part, density in zip(
            names, tints, theory.variance, theory.density, strict=True
        ):
            if part <= 0.0:
                continue
            left.plot(
                theory.frequency_hz, density, color=tint, linewidth=0.9, linestyle="-.",
                label=f"noise of {name}", zorder=1.4,
            )  # fmt: skip
            labels.append(f"noise of {name}\n({100 * part / total:.0f} %)")
            bars.append((Estimate(float(part)), tint))
    for k, (variance, color) in enumerate(bars):
        _bar(right, k, variance, color)
    _finish_bars(right, labels, signal)


def _bar(axes: Axes, row: int, variance: Estimate, color: Any) -> None:
    if variance.value is None:
        return
    axes.barh(row, variance.value, height=0.55, color=color, alpha=0.75, linewidth=0)
    if variance.interval is not None:
        reach = np.abs(np.array(variance.interval) - variance.value)[:, None]
        axes.errorbar(
            variance.value, row, xerr=reach, fmt="none", ecolor="0.15", elinewidth=1.0, capsize=2
        )


def _mark(axes: Axes, row: int, value: float, name: str | None) -> None:
    ends = [row - 0.38, row + 0.38]
    axes.plot([value, value], ends, label=name, **{**style.LIMIT, "linestyle": (0, (2.5, 1))})


def _finish_bars(axes: Axes, labels: Sequence[str], signal: tuple[str, str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(left=0.0)
    axes.set_xlabel(f"variance of the\n{signal[0]} ({signal[1]}²)")
