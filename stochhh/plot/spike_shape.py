"""Picture of action potentials, one over the other, and of how their measures are spread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from stochhh.analysis.spike_shapes import SpikeShapes
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture

Floats = NDArray[np.float64]

_HEIGHT = 5.8  # inches
_MOST_DRAWN = 60  # spikes
_MOST_LIMITS = 6  # of the deterministic membrane: the first differs from those that follow
_MOST_BINS, _FEWEST_BINS = 25, 5

_MEASURES = {
    "peak_mV": "peak (mV)",
    "onset_mV": "onset (mV)",
    "half_width_ms": "half-width (ms)",
    "amplitude_mV": "amplitude (mV)",
    "upstroke_mV_per_ms": "steepest rise (mV/ms)",
    "afterhyperpolarisation_mV": "afterhyperpolarisation (mV)",
}


class ShapesDrawn(NamedTuple):
    """What the picture and the files are made of: n spikes, m of the deterministic membrane.

    Attributes
    ----------
    shapes, alone : measures of the n, and of the m; None without that membrane.
    time_ms : (T,) since the peak.
    pieces : (n, T) voltage (mV) about each spike, NaN where it was not recorded.
    limit : (m, T) likewise.
    """

    shapes: SpikeShapes
    alone: SpikeShapes | None
    time_ms: Floats
    pieces: Floats
    limit: Floats


@style.as_written
def spike_shape_figure(drawn: ShapesDrawn, title: str = "") -> Figure:
    """Draw spikes aligned at their peaks, slope against voltage, a histogram of each measure."""
    names = list(_MEASURES)
    layout = [["course"] * 4 + ["phase"] * 2]
    layout += [[name for name in names[k : k + 3] for _ in range(2)] for k in (0, 3)]
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        panels = figure.subplot_mosaic(
            layout,  # type: ignore[arg-type]
            gridspec_kw={"height_ratios": (2.0, 1.0, 1.0)},
        )
        _courses(panels["course"], drawn)
        _phases(panels["phase"], drawn)
        for name in names:
            _histogram(panels[name], drawn, name)
        for first in (names[0], names[3]):
            panels[first].set_ylabel("spikes")
        figure.align_ylabels([panels["course"], panels[names[0]], panels[names[3]]])
        headline(figure, title)
    return figure


def _courses(axes: Axes, drawn: ShapesDrawn) -> None:
    shown = drawn.pieces[:_MOST_DRAWN]
    several = len(drawn.pieces) > len(shown)
    label = f"{len(shown)} of {len(drawn.pieces):,d} spikes" if several else _spikes(len(shown))
    for k, piece in enumerate(shown):
        axes.plot(
            drawn.time_ms,
            piece,
            color=style.VOLTAGE,
            alpha=_faint(len(shown)),
            linewidth=0.6,
            label=label if k == 0 else None,
        )
    if len(drawn.pieces) > 1:
        axes.plot(drawn.time_ms, _mean(drawn.pieces), color=style.MEAN, label="mean of all")
    for k, piece in enumerate(drawn.limit[:_MOST_LIMITS]):
        axes.plot(drawn.time_ms, piece, label="deterministic" if k == 0 else None, **style.LIMIT)
    axes.set_xlim(drawn.time_ms[0], drawn.time_ms[-1])
    axes.set_xlabel("time since the peak (ms)")
    axes.set_ylabel("voltage (mV)")
    legend = axes.legend(loc="upper right", borderaxespad=0.2)
    legend.legend_handles[0].set_alpha(0.8)  # type: ignore[union-attr]


def _phases(axes: Axes, drawn: ShapesDrawn) -> None:
    step = float(drawn.time_ms[1] - drawn.time_ms[0])
    for piece in drawn.pieces[:_MOST_DRAWN]:
        axes.plot(
            piece,
            np.gradient(piece, step),
            color=style.VOLTAGE,
            alpha=_faint(len(drawn.pieces)),
            linewidth=0.6,
        )
    for piece in drawn.limit[:_MOST_LIMITS]:
        axes.plot(piece, np.gradient(piece, step), **style.LIMIT)
    axes.set_xlabel("voltage (mV)")
    axes.set_ylabel("slope (mV/ms)")


def _histogram(axes: Axes, drawn: ShapesDrawn, name: str) -> None:
    values = getattr(drawn.shapes, name)
    values = values[np.isfinite(values)]
    if len(values):
        bins = int(np.clip(np.sqrt(len(values)), _FEWEST_BINS, _MOST_BINS))
        axes.hist(values, bins, color=style.VOLTAGE, alpha=0.45, edgecolor="white", linewidth=0.4)
        axes.axvline(float(values.mean()), color=style.MEAN, linewidth=1.2)
    limit = () if drawn.alone is None else getattr(drawn.alone, name)
    for value in limit[:_MOST_LIMITS]:
        if np.isfinite(value):
            axes.axvline(float(value), **style.LIMIT)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(_MEASURES[name])


def _mean(pieces: Floats) -> Floats:
    """Mean of what was recorded at each time; NaN where nothing was."""
    known = np.isfinite(pieces)
    count = known.sum(axis=0)
    total = np.where(known, pieces, 0.0).sum(axis=0)
    nothing = np.full(len(count), np.nan)
    return np.asarray(np.divide(total, count, out=nothing, where=count > 0), dtype=np.float64)


def _faint(n: int) -> float:
    return float(np.clip(4.0 / n, 0.15, 0.7))


def _spikes(n: int) -> str:
    return f"{n} spike{'s' if n != 1 else ''}"
