"""Picture of spike trains: spikes and rate, law of intervals, counts, order of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from stochhh.analysis.count_statistics import FanoCurve
from stochhh.analysis.exponential_tail import ExponentialTail
from stochhh.analysis.interval_statistics import IntervalDensity
from stochhh.analysis.spike_statistics import SpikeStatistics
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture
from stochhh.plot.rasters import trials_raster

Floats = NDArray[np.float64]

_HEIGHT = 7.0  # inches
_INTERVALS_SHOWN = 40  # mean ones, in raster and rate
_SHARE_SHOWN = 0.99  # of intervals, on the linear axis
_ROOM = 1.05  # times the longest interval
_EQUAL = 1e-3  # CV below which the order of intervals means nothing
_FEWEST_IN_BIN = 5  # intervals, in bins whose hazard is drawn
_WIDEST = 3.0  # times the highest value: what is shown of an interval
_BAND: dict[str, Any] = {"alpha": 0.3, "linewidth": 0}


class TrainsDrawn(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    trains : spike times (ms) of each trial, told from the start of the part looked at.
    alone : those of the deterministic membrane, None without it.
    start_ms, length_ms : of the part looked at.
    found : statistics.
    tail : exponential one of the intervals, if there is one.
    mean_ms : mean interval.
    """

    trains: Sequence[Floats]
    alone: Floats | None
    start_ms: float
    length_ms: float
    found: SpikeStatistics
    tail: ExponentialTail | None
    mean_ms: float | None


def shown_ms(length_ms: float, mean_ms: float | None) -> float:
    """Time (ms) that the raster shows: all of it, or about 40 intervals."""
    if mean_ms is None:
        return length_ms
    wanted = _INTERVALS_SHOWN * mean_ms
    if wanted >= 0.7 * length_ms:
        return length_ms
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(power * next(m for m in (1.0, 2.0, 5.0, 10.0) if m * power >= wanted))


@style.as_written
def spike_train_figure(drawn: TrainsDrawn, title: str = "") -> Figure:
    """Draw raster and PSTH, density of intervals twice, their hazard, Fano factor, correlations."""
    layout = [["raster"] * 6, ["rate"] * 6]
    layout.append(["density"] * 2 + ["tail"] * 2 + ["hazard"] * 2)
    layout.append(["fano"] * 3 + ["serial"] * 3)
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        panels = figure.subplot_mosaic(
            layout,  # type: ignore[arg-type]
            gridspec_kw={"height_ratios": (1.1, 0.7, 1.2, 1.2)},
        )
        trials_raster(panels["raster"], drawn.trains, drawn.alone, drawn.start_ms)
        _rate(panels["rate"], drawn)
        for name in ("raster", "rate"):
            shown = shown_ms(drawn.length_ms, drawn.mean_ms)
            panels[name].set_xlim(drawn.start_ms, drawn.start_ms + shown)
        panels["raster"].tick_params(labelbottom=False)
        _density(panels["density"], drawn)
        _tail(panels["tail"], drawn)
        _hazard(panels["hazard"], drawn)
        _fano(panels["fano"], drawn.found)
        _serial(panels["serial"], drawn.found)
        figure.align_ylabels([panels[name] for name in ("raster", "rate", "density", "fano")])
        headline(figure, title)
    return figure


def _rate(axes: Axes, drawn: TrainsDrawn) -> None:
    course = drawn.found.psth
    time = course.time_ms + drawn.start_ms
    edges = np.append(time - course.time_ms[0], time[-1] + course.time_ms[0])
    _stairs(axes, edges, course.rate_hz, course.low_hz, course.high_hz)
    seen = time <= drawn.start_ms + shown_ms(drawn.length_ms, drawn.mean_ms)
    _show_whole(axes, course.rate_hz[seen], course.high_hz[seen])
    axes.set_ylabel("rate (Hz)")
    axes.set_xlabel("time (ms)")


def _density(axes: Axes, drawn: TrainsDrawn) -> None:
    law = drawn.found.intervals
    if not law.count.any():
        return _nothing(axes, "interspike interval (ms)", "density (1/ms)")
    value, high = law.density_per_ms, law.density_high
    _stairs(axes, law.edges_ms, value, law.density_low, high, "trials (95 %)")
    _deterministic(axes, drawn)
    axes.set_xlim(0.0, _reach(law))
    _show_whole(axes, value, high)
    axes.set_xlabel("interspike interval (ms)")
    axes.set_ylabel("density (1/ms)")
    _legend_above(axes)
    return None


def _tail(axes: Axes, drawn: TrainsDrawn) -> None:
    law, tail = drawn.found.intervals, drawn.tail
    if not law.count.any():
        return _nothing(axes, "interspike interval (ms)", "density (1/ms)")
    full = law.count > 0
    middle, value = _middles(law)[full], law.density_per_ms[full]
    low, high = law.density_low[full], law.density_high[full]
    axes.vlines(middle, low, high, color=style.VOLTAGE, linewidth=0.6, alpha=0.5)
    axes.plot(middle, value, ".", color=style.VOLTAGE, markersize=3.0)
    if tail is not None:
        assert tail.hazard_hz.value is not None
        grid = np.linspace(tail.start_ms, float(law.edges_ms[-1]), 100)
        fall = np.exp(-1e-3 * tail.hazard_hz.value * (grid - tail.start_ms))
        axes.plot(
            grid,
            1e-3 * tail.share * tail.hazard_hz.value * fall,
            color=style.MEAN,
            linewidth=1.1,
            label="exponential tail",
        )
        _legend_above(axes)
    _deterministic(axes, drawn)
    axes.set_yscale("log")
    axes.set_ylim(0.5 * float(value.min()), 3.0 * float(value.max()))
    axes.set_xlim(0.0, _ROOM * float(law.edges_ms[-1]))
    axes.set_xlabel("interspike interval (ms)")
    axes.set_ylabel("density (1/ms)")
    return None


def _hazard(axes: Axes, drawn: TrainsDrawn) -> None:
    law, tail = drawn.found.intervals, drawn.tail
    if not law.count.any():
        return _nothing(axes, "time since a spike (ms)", "hazard (Hz)")
    end = _reach(law)
    sure = (law.count >= min(_FEWEST_IN_BIN, int(law.count.max()))) & (_middles(law) <= end)
    hazard, low, high = (
        np.where(sure, 1e3 * course, np.nan)
        for course in (law.hazard_per_ms, law.hazard_low, law.hazard_high)
    )
    _stairs(axes, law.edges_ms, hazard, low, high)
    if tail is not None:
        level = tail.hazard_hz.value
        assert level is not None
        axes.plot([tail.start_ms, end], [level, level], color=style.MEAN, linewidth=1.1)
    _show_whole(axes, hazard, high)
    axes.set_xlim(0.0, end)
    axes.set_xlabel("time since a spike (ms)")
    axes.set_ylabel("hazard (Hz)")
    return None


def _show_whole(axes: Axes, value: Floats, high: Floats) -> None:
    """Show values from zero with their intervals; those of hardly any spikes may go on."""
    most = float(np.nanmax(value, initial=0.0))
    reach = float(np.nanmax(high[np.isfinite(high)], initial=most))
    axes.set_ylim(0.0, min(1.05 * reach, _WIDEST * most) or None)


def _fano(axes: Axes, found: SpikeStatistics) -> None:
    """Fano factors over time and trials, and over trials alone; 1 of a Poisson process."""
    axes.axhline(1.0, color="0.55", linewidth=0.9, linestyle=":", label="Poisson")
    top = 1.0
    curves: list[tuple[FanoCurve, str, str, str]] = [
        (found.fano, style.VOLTAGE, "o-", "over time and trials"),
        (found.fano_locked, style.MEAN, "o--", "over trials"),
    ]
    for curve, color, look, label in curves:
        known = np.isfinite(curve.fano)
        if not known.any():
            continue
        window, fano = curve.window_ms[known], curve.fano[known]
        axes.fill_between(window, curve.low[known], curve.high[known], color=color, **_BAND)
        axes.plot(window, fano, look, color=color, markersize=2.5, linewidth=0.9, label=label)
        top = max(top, float(fano.max()))
    axes.set_xscale("log")
    axes.set_ylim(0.0, 1.25 * top)
    axes.set_xlabel("window of counting (ms)")
    axes.set_ylabel("Fano factor")
    _legend_above(axes)


def _serial(axes: Axes, found: SpikeStatistics) -> None:
    serial, cv = found.serial, found.isi.cv.value
    if cv is None or cv < _EQUAL or not np.isfinite(serial.coefficient).any():
        why = "too few intervals" if cv is None or cv >= _EQUAL else "all intervals are alike"
        return _nothing(axes, "lag (intervals)", "serial correlation", why)
    step = 0.5
    for k, lag in enumerate(serial.lag):
        axes.fill_between(
            [lag - step, lag + step],
            serial.shuffled_low[k],
            serial.shuffled_high[k],
            color="0.85",
            linewidth=0,
            label="shuffled (95 %)" if k == 0 else None,
        )
    axes.axhline(0.0, color="0.55", linewidth=0.6)
    value = serial.coefficient
    reach = np.nan_to_num([value - serial.low, serial.high - value])
    axes.errorbar(
        serial.lag,
        value,
        yerr=np.maximum(reach, 0.0),
        fmt="o",
        color=style.VOLTAGE,
        markersize=3.5,
        capsize=2,
        label="trials (95 %)",
    )
    ends = [np.abs(x) for x in (value, serial.low, serial.high, serial.shuffled_high)]
    finite = np.concatenate(ends)[np.isfinite(np.concatenate(ends))]
    largest = 1.25 * float(finite.max(initial=0.05))
    axes.set_ylim(-largest, largest)
    axes.set_xlim(1 - step, len(serial.lag) + step)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("lag (intervals)")
    axes.set_ylabel("serial correlation")
    _legend_above(axes)
    return None


def _legend_above(axes: Axes) -> None:
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=3,
        borderaxespad=0.0,
        handlelength=1.6,
        columnspacing=1.0,
    )


def _stairs(
    axes: Axes, edges: Floats, value: Floats, low: Floats, high: Floats, label: str | None = None
) -> None:
    """Values in bins with their intervals."""
    below, above = (np.append(end, end[-1]) for end in (low, high))
    axes.fill_between(edges, below, above, step="post", color=style.VOLTAGE, **_BAND)
    axes.stairs(value, edges, baseline=None, color=style.VOLTAGE, linewidth=0.9, label=label)


def _deterministic(axes: Axes, drawn: TrainsDrawn) -> None:
    """The deterministic membrane's mean interval, where it has one."""
    if drawn.alone is not None and len(drawn.alone) > 1:
        mean = float(np.diff(drawn.alone).mean())
        axes.axvline(mean, zorder=1.5, label="deterministic", **style.LIMIT)


def _middles(law: IntervalDensity) -> Floats:
    return np.asarray(0.5 * (law.edges_ms[1:] + law.edges_ms[:-1]), dtype=np.float64)


def _reach(law: IntervalDensity) -> float:
    """End of nearly all intervals."""
    share = np.cumsum(law.count) / law.count.sum()
    return _ROOM * float(law.edges_ms[1 + int(np.argmax(share >= _SHARE_SHOWN))])


def _nothing(axes: Axes, across: str, up: str, why: str = "no interval") -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes)
    axes.set(xlabel=across, ylabel=up, xticks=[], yticks=[])
