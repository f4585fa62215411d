"""The picture of impulses along an axon: their ways, and the scatter of their arrival."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from stochhh.analysis.waves import Wave
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture

_MOST_WAVES = 400
_COLORS = {"evoked": style.VOLTAGE, "spontaneous": style.MEAN, "split": "#CC79A7"}


@style.as_written
def draw_propagation(findings: Any, heading: str) -> Figure:
    """Draw the ways of waves in time and place, and the SD of arrival against distance."""
    study = findings.data
    with style.style():
        columns = 1 if study.jitter is None else 2
        figure = Picture(figsize=(style.WIDTH, 3.0), layout="constrained")
        axes = figure.subplots(1, columns, squeeze=False, width_ratios=[2, 1.3][:columns])[0]
        _ways(axes[0], study)
        if study.jitter is not None:
            _jitter(axes[1], study)
        headline(figure, heading)
    return figure


def _ways(axes: Axes, study: Any) -> None:
    evoked = {id(wave) for wave in study.fates.evoked if wave is not None}
    split = {id(wave) for wave in study.fates.split}
    scale, unit = (1e3, "mm") if study.path.position_um[-1] >= 1e3 else (1.0, "µm")
    position = study.path.position_um / scale

    def kind(wave: Wave) -> str:
        return "evoked" if id(wave) in evoked else "split" if id(wave) in split else "spontaneous"

    shown: set[str] = set()
    for wave in study.waves[:_MOST_WAVES]:
        which = kind(wave)
        axes.plot(
            wave.passage_ms,
            position[wave.first : wave.last + 1],
            color=_COLORS[which],
            linewidth=0.6,
            alpha=0.6,
            marker="." if len(wave.passage_ms) == 1 else None,
            markersize=2,
            label=None if which in shown else which,
        )
        shown.add(which)
    for number, wave in enumerate(study.deterministic):
        passed = np.nonzero(np.isfinite(wave.passage_ms))[0]
        axes.plot(
            wave.passage_ms[passed],
            position[wave.first + passed],
            label=study.limit_name if number == 0 else None,
            **style.LIMIT,
        )
    if study.bridged_um is not None:
        low, high = (one / scale for one in study.bridged_um)
        axes.axhspan(low, high, color="0.9", zorder=0, label="below threshold")
    axes.set_xlabel("time (ms)")
    axes.set_ylabel(f"place ({unit})")
    axes.set_ylim(position[-1], 0.0)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, borderaxespad=0.1)
    n_more = len(study.waves) - _MOST_WAVES
    if n_more > 0:
        axes.text(0.99, 0.02, f"{n_more} more", transform=axes.transAxes, ha="right")


def _jitter(axes: Axes, study: Any) -> None:
    jitter = study.jitter
    scale, unit = (1e3, "mm") if study.path.position_um[-1] >= 1e3 else (1.0, "µm")
    x = jitter.distance_um / scale
    axes.errorbar(
        x,
        jitter.sd_ms,
        yerr=[jitter.sd_ms - jitter.low_ms, jitter.high_ms - jitter.sd_ms],
        color=style.VOLTAGE,
        linestyle="none",
        marker="o",
        markersize=3,
        linewidth=0.8,
        label="trials, 95 %",
    )
    if study.is_uniform:  # in others delays differ from place to place
        middle = len(x) // 2
        root = jitter.sd_ms[middle] * np.sqrt(x / x[middle])
        axes.plot(x, root, color=style.MEAN, linewidth=1.2, label="∝ √distance")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(f"distance ({unit})")
    axes.set_ylabel("SD of arrival time (ms)")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.1)
