"""Pictures of single channels and noise analysis: records, dwell times, mean against variance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.complete import complete_law
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.noise import ChannelNumbers, mean_variance
from stochhh.analysis.records import Trace
from stochhh.analysis.single_channel import log_histogram
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture
from stochhh.theory import PhaseType, mean_ms, mean_variance_parabola, survivor

Floats = NDArray[np.float64]

_OPEN, _SHUT = "#009E73", "#0072B2"
_FEW_SWEEPS = 8
_STEPS = 100  # of a record that is drawn, so that they are told apart
_CURVE = 300  # points
_NICE_COUNTS = (1, 2, 5)


@style.as_written
def record_figure(
    traces: Sequence[Trace], labels: Sequence[str] = (), title: str = "", scale_pA: float = 0.0
) -> Figure:
    """Draw recorded traces, each in its own row, with the current as it was on top.

    Of records with many steps the beginning is drawn, and the axis says so.

    Parameters
    ----------
    traces : all of the same stretch of time
    labels : one a row
    scale_pA : the unitary current, drawn as a dotted line at one open channel; none if zero
    """
    with style.style():
        figure = Picture(figsize=(style.WIDTH, 0.8 + 1.0 * len(traces)), layout="constrained")
        rows = figure.subplots(len(traces), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for row, (axes, trace) in enumerate(zip(rows, traces, strict=True)):
            _record(axes, trace, scale_pA)
            if row < len(labels):
                axes.text(1.005, 0.5, labels[row], transform=axes.transAxes, va="center")
            if axes is not rows[-1]:
                axes.tick_params(axis="x", bottom=False)
                axes.spines["bottom"].set_visible(False)
        _legend_above(rows[0])
        begin, end = traces[0].piece_start_ms[0], traces[0].end_ms
        shown = min([end, *(t.piece_start_ms[_STEPS] for t in traces if len(t.piece_pA) > _STEPS)])
        rows[-1].set_xlim(begin, shown)
        part = "" if shown == end else f", the first {shown - begin:.3g} of {end - begin:.4g} ms"
        rows[-1].set_xlabel(f"time (ms){part}")
        figure.supylabel("current (pA, outward up)", fontsize=8)
        headline(figure, title)
    return figure


@style.as_written
def dwell_figure(
    open_ms: ArrayLike,
    shut_ms: ArrayLike,
    open_law: PhaseType | None = None,
    shut_law: PhaseType | None = None,
    bins_per_decade: int = 10,
    title: str = "",
    below: Sequence[Callable[[Axes], None]] = (),
    record_ms: float | None = None,
) -> Figure:
    """Draw open and shut times on logarithmic bins with a square-root ordinate, and their laws.

    The ordinate of Sigworth & Sine (1987, doi:10.1016/S0006-3495(87)83298-8): a
    component of a law is a peak at its time constant, and the scatter is the same
    at every height. The laws are drawn as the counts they expect.

    Parameters
    ----------
    open_ms, shut_ms : complete sojourns, ms
    open_law, shut_law : what theory expects
    below : up to two more panels, each drawn by a function of its axes
    record_ms : length of the records, whose complete sojourns are the shorter ones; by
        default theory is drawn as for records without end
    """
    with style.style():
        height = 2.9 if not below else 5.4
        figure = Picture(figsize=(style.WIDTH, height), layout="constrained")
        grid = figure.add_gridspec(2 if below else 1, 2)
        left = figure.add_subplot(grid[0, 0])
        right = figure.add_subplot(grid[0, 1], sharey=left)
        right.tick_params(labelleft=False)
        panels = ((left, "open", open_ms, open_law), (right, "shut", shut_ms, shut_law))
        most = 1.0
        for (axes, name, times, law), color in zip(panels, (_OPEN, _SHUT), strict=True):
            curve, mean = _theory(law, record_ms)
            most = max(
                most, draw_times(axes, f"{name} time", times, curve, mean, color, bins_per_decade)
            )
        root_ordinate(left, most)
        left.set_ylabel("count per bin (square-root scale)")
        for column, draw in enumerate(below):
            draw(figure.add_subplot(grid[1, column] if len(below) > 1 else grid[1, :]))
        headline(figure, title)
    return figure


def _theory(
    law: PhaseType | None, record_ms: float | None
) -> tuple[Callable[[Floats], Floats] | None, float | None]:
    """Survivor function and mean (ms) that a law gives sojourns in records of a length."""
    if law is None:
        return None, None
    if record_ms is None:
        return partial(survivor, law), mean_ms(law)
    complete = complete_law(law, record_ms)
    return complete.lasts, complete.mean_ms


def draw_times(
    axes: Axes,
    name: str,
    times_ms: ArrayLike,
    survivor_of: Callable[[Floats], Floats] | None,
    expected_mean_ms: float | None,
    color: str,
    bins_per_decade: int = 10,
) -> float:
    """Draw a histogram of times on logarithmic bins and the counts a law expects.

    Returns
    -------
    float
        The largest count of both, which `root_ordinate` scales the axis by.
    """
    times = np.asarray(times_ms, dtype=np.float64)
    most = 1.0
    label = f"{len(times)} {name}s"
    if len(times):
        histogram = log_histogram(times, bins_per_decade=bins_per_decade)
        edges = histogram.edges_ms
        axes.stairs(histogram.counts, edges, fill=True, color=color, alpha=0.35)
        label += f", mean {_digits(float(times.mean()))} ms"
        axes.stairs(histogram.counts, edges, color=color, linewidth=0.8, label=label)
        most = float(histogram.counts.max())
        if survivor_of is not None:
            half = 10.0 ** (0.5 / bins_per_decade)
            grid = np.geomspace(edges[0] / half, edges[-1] * half, _CURVE)
            expected = len(times) * (survivor_of(grid / half) - survivor_of(grid * half))
            theory = "theory"
            if expected_mean_ms is not None:
                theory += f", mean {_digits(expected_mean_ms)} ms"
            axes.plot(grid, expected, label=theory, **style.LIMIT)
            most = max(most, float(expected.max()))
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.99), borderaxespad=0.0)
    axes.set_xscale("log")
    axes.set_xlabel(f"{name} (ms)")
    return most


def root_ordinate(axes: Axes, most: float) -> None:
    """Scale the ordinate as the square root of a count that reaches `most`."""
    axes.set_yscale("function", functions=(_root, np.square))
    axes.set_ylim(0.0, 1.12 * most)
    axes.set_yticks(_root_ticks(most))


@style.as_written
def noise_figure(
    time_ms: ArrayLike,
    sweeps_pA: ArrayLike,
    found: ChannelNumbers,
    theory: tuple[float, int] | None = None,
    differences: bool = False,
    title: str = "",
) -> Figure:
    """Draw sweeps, their mean and variance, and variance against mean with the parabolas.

    Parameters
    ----------
    time_ms : (T,)
    sweeps_pA : (trials, T)
    found : from `stochhh.analysis.noise.count_channels` of the same sweeps
    theory : true unitary current (pA) and number of channels, if known
    differences : show the variance from differences of successive sweeps
    """
    time, sweeps = np.asarray(time_ms), np.asarray(sweeps_pA, dtype=np.float64)
    mean, variance = mean_variance(sweeps, differences)
    with style.style():
        figure = Picture(figsize=(style.WIDTH, 3.9), layout="constrained")
        grid = figure.add_gridspec(3, 2, width_ratios=(1.0, 1.15))
        left = [figure.add_subplot(grid[0, 0])]
        left += [figure.add_subplot(grid[row, 0], sharex=left[0]) for row in (1, 2)]
        shown = sweeps[:_FEW_SWEEPS].T
        left[0].plot(time, shown, color=style.VOLTAGE, alpha=0.5, linewidth=0.6)
        left[0].set_ylabel("current (pA)")
        left[0].text(
            0.98,
            0.06,
            f"{shown.shape[1]} of {len(sweeps)}",
            transform=left[0].transAxes,
            ha="right",
        )
        left[1].plot(time, mean, color=style.MEAN, linewidth=1.2)
        left[1].set_ylabel("mean (pA)")
        left[2].plot(time, variance, color=style.VOLTAGE, linewidth=0.8)
        left[2].set_ylabel("variance (pA²)")
        left[2].set_ylim(bottom=0.0)
        left[2].set_xlabel("time (ms)")
        left[0].set_xlim(time[0], time[-1])
        for axes in left[:2]:
            axes.tick_params(labelbottom=False)
        figure.align_ylabels(left)
        _parabolas(figure.add_subplot(grid[:, 1]), mean, variance, found, theory)
        headline(figure, title)
    return figure


def _record(axes: Axes, trace: Trace, scale_pA: float) -> None:
    """One trace, shifted back by the filter's delay so that it lies under its own steps."""
    label = "recorded (filter's delay removed)"
    time = trace.time_ms - trace.delay_ms
    axes.plot(time, trace.current_pA, color="0.4", linewidth=0.5, label=label)
    steps = np.append(trace.piece_start_ms, trace.end_ms)
    axes.stairs(
        trace.piece_pA, steps, baseline=None, color=style.MEAN, linewidth=0.9, label="idealised"
    )
    if scale_pA != 0.0:
        axes.axhline(
            scale_pA, color="0.6", linewidth=0.6, linestyle=":", zorder=0, label="one open channel"
        )
    axes.axhline(0.0, color="0.8", linewidth=0.6, zorder=0)


def _parabolas(
    axes: Axes,
    mean: Floats,
    variance: Floats,
    found: ChannelNumbers,
    theory: tuple[float, int] | None,
) -> None:
    axes.plot(mean, variance, ".", color=style.VOLTAGE, markersize=3.0, label="each time")
    far = float(mean[np.abs(mean).argmax()])
    grid = np.linspace(0.0, 1.05 * far, _CURVE)
    unitary, n_channels = found.unitary_current_pA, found.n_channels
    bend = 0.0 if n_channels.value is None else 1.0 / n_channels.value
    fitted = (
        float(unitary.value or 0.0) * grid - bend * grid**2 + float(found.offset_pA2.value or 0)
    )
    numbers = f"fit (95 %): i = {_said(unitary, ' pA')},\nN = {_said(n_channels, '')}"
    axes.plot(grid, fitted, color=style.MEAN, linewidth=1.4, label=numbers)
    if theory is not None:
        curve = mean_variance_parabola(grid, *theory)
        expected = f"theory: i = {_digits(theory[0])} pA, N = {theory[1]}"
        axes.plot(grid, curve, label=expected, **style.LIMIT)
    axes.set_ylim(0.0, 1.08 * max(float(variance.max()), float(fitted.max())))
    axes.set_xlabel("mean current (pA)")
    axes.set_ylabel("variance (pA²)")
    axes.legend(frameon=True, framealpha=0.85, edgecolor="none")


def _said(estimate: Estimate, unit: str) -> str:
    if estimate.value is None:
        return "not bounded"
    text = f"{_digits(estimate.value)}{unit}"
    if estimate.interval is not None:
        low, high = (_digits(x).replace("inf", "∞") for x in estimate.interval)
        text += f" ({low} to {high})"
    return text


def _digits(value: float) -> str:
    """Three digits, zeros among them."""
    return f"{value:#.3g}".rstrip(".")


def _root(count: Any) -> Any:
    return np.sqrt(np.maximum(count, 0.0))


def _root_ticks(most: float) -> list[float]:
    """Round counts that stand well apart on a square-root axis."""
    nice = [float(n * 10**k) for k in range(9) for n in _NICE_COUNTS]
    ticks, apart = [0.0], np.sqrt(most) / 7.0
    for count in nice:
        if count <= 1.12 * most and np.sqrt(count) - np.sqrt(ticks[-1]) >= apart:
            ticks.append(count)
    return ticks


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=3, borderaxespad=0.0)
