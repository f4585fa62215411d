"""Picture of a power spectrum over its theory, and of the ratio of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_POINTS_PER_DECADE = 20
_TOLERANCE = 0.05  # band of the ratio that is shaded
_MARGIN = 1.2
_ROOM = 1.4  # times the tolerance, shown on either side at least


class SpectrumCurves(NamedTuple):
    """One signal's spectrum, F frequencies.

    Attributes
    ----------
    name : of the signal.
    what, unit : its power density, as an axis says it.
    frequency_hz, density : (F,) measured.
    theory : (F,) of the signal itself.
    expected : (F,) of a sampled record of it, cut into segments.
    corners_hz : of the Lorentzians, the strongest first.
    ratios : for each band its two ends, measured over expected power and its interval.
    """

    name: str
    what: str
    unit: str
    frequency_hz: Floats
    density: Floats
    theory: Floats
    expected: Floats
    corners_hz: Sequence[float]
    ratios: Sequence[tuple[float, float, float, Sequence[float] | None]]


@style.as_written
def spectrum_figure(signals: Sequence[SpectrumCurves], title: str = "") -> Figure:
    """Draw power against frequency on logarithmic axes, with theory, and their ratio below.

    Measured power is averaged in narrow bins of equal width on the logarithmic axis;
    ticks at the bottom of the upper panels mark the corners of the Lorentzians.
    """
    n = len(signals)
    with style.style():
        figure = Picture(figsize=(style.WIDTH, 4.2), layout="constrained")
        axes: Any = figure.subplots(
            2,
            n,
            squeeze=False,
            sharex="col",
            sharey="row" if n > 1 else False,
            gridspec_kw={"height_ratios": (2.2, 1.0)},
        )
        for column, curves in enumerate(signals):
            _power(axes[0, column], curves)
            _ratio(axes[1, column], curves)
            axes[0, column].set_title(curves.name, loc="left")
        axes[0, 0].set_ylabel(f"{signals[0].what} ({signals[0].unit})")
        axes[1, 0].set_ylabel("measured / theory")
        figure.align_ylabels(axes[:, 0])
        headline(figure, title)
    return figure


def _power(axes: Axes, curves: SpectrumCurves) -> None:
    low, high = _range(curves)
    inside = (curves.frequency_hz >= low * (1 - 1e-9)) & (curves.frequency_hz <= high * (1 + 1e-9))
    frequency = curves.frequency_hz[inside]
    centre, power = _binned(frequency, curves.density[inside])
    axes.plot(centre, power, ".", color=style.VOLTAGE, markersize=4.0, label="simulated")
    axes.plot(frequency, curves.theory[inside], label="theory", **style.LIMIT)
    axes.plot(
        frequency,
        curves.expected[inside],
        color=style.MEAN,
        linewidth=0.9,
        label="theory, sampled",
        zorder=1.5,
    )
    corners = [corner for corner in curves.corners_hz if low <= corner <= high]
    axes.plot(
        corners,
        np.full(len(corners), 0.025),
        "|",
        color="0.3",
        markersize=8,
        transform=axes.get_xaxis_transform(),
        label="corners",
    )
    axes.set(xscale="log", yscale="log")
    axes.tick_params(labelbottom=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.05), borderaxespad=0.3)


def _ratio(axes: Axes, curves: SpectrumCurves) -> None:
    axes.axhspan(1 - _TOLERANCE, 1 + _TOLERANCE, color="0.9", linewidth=0, label="± 5 %")
    axes.axhline(1.0, **{**style.LIMIT, "linewidth": 0.8})
    for low, high, ratio, interval in curves.ratios:
        axes.plot([low, high], [ratio, ratio], color=style.VOLTAGE, linewidth=1.4)
        if interval is not None:
            middle = float(np.sqrt(low * high))
            axes.plot([middle, middle], list(interval), color=style.VOLTAGE, linewidth=0.8)
    bottom, top = axes.get_ylim()
    least = _ROOM * _TOLERANCE
    axes.set_ylim(min(bottom, 1 - least), max(top, 1 + least))
    axes.set_xscale("log")
    low, high = _range(curves)
    axes.set_xlim(low / _MARGIN, high * _MARGIN)
    axes.xaxis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("frequency (Hz)")
    axes.legend(loc="upper right", borderaxespad=0.1)


def _range(curves: SpectrumCurves) -> tuple[float, float]:
    """Lowest and highest frequency that is compared."""
    ends = [end for band in curves.ratios for end in band[:2]] or list(curves.frequency_hz)
    return min(ends), max(ends)


def _binned(frequency: Floats, density: Floats) -> tuple[Floats, Floats]:
    """Mean of each logarithmic bin that holds anything: frequency and power, (B,)."""
    place = np.floor(np.log10(frequency) * _POINTS_PER_DECADE + 1e-9).astype(np.int64)
    place -= place[0]
    count = np.bincount(place)
    full = count > 0
    return (
        np.bincount(place, frequency)[full] / count[full],
        np.bincount(place, density)[full] / count[full],
    )
