"""Picture of a search for a threshold: what was found, and how the pulses closed in on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from stochhh.analysis.efficiency_curves import EfficiencyCurve
from stochhh.analysis.power_law import PowerLaw
from stochhh.plot import style
from stochhh.plot.estimates import headline, shades
from stochhh.plot.firing_efficiency import amplitude_range, draw_shares, draw_spreads
from stochhh.plot.picture import Picture

_HEIGHTS = (3.0, 5.0)  # inches, without the spread by channels and with it
_FEW = 0.15  # of the most trials at one amplitude: fewer are faint
_DOT: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.4}


class Course(NamedTuple):
    """Pulses of one membrane in the order in which they were given, n trials.

    Attributes
    ----------
    amplitude : (n,)
    fired : (n,) whether each made a spike
    """

    amplitude: NDArray[np.float64]
    fired: NDArray[np.bool_]


@style.as_written
def search_figure(
    curves: Sequence[EfficiencyCurve],
    courses: Sequence[Course],
    scaling: PowerLaw | None,
    label: str,
    title: str = "",
) -> Figure:
    """Draw firing efficiency, the pulses trial by trial, and relative spread by channels.

    Parameters
    ----------
    curves : of each membrane the shares and their fit
    courses : of each membrane its pulses
    scaling : fit of relative spread by number of channels; its panel is left out without
    label : of the amplitude, with its unit
    """
    layout = [["share", "course"]]
    if scaling is not None:
        layout = [["share", "spread"], ["course", "course"]]
    colors = shades(len(curves))
    with style.style():
        size = (style.WIDTH, _HEIGHTS[scaling is not None])
        figure = Picture(figsize=size, layout="constrained")
        panels = figure.subplot_mosaic(layout)  # type: ignore[arg-type]
        draw_shares(panels["share"], curves, colors, _FEW)
        panels["share"].set_xlim(*amplitude_range(curves))
        panels["share"].set_xlabel(label)
        _courses(panels["course"], curves, courses, colors)
        panels["course"].set_ylabel(label)
        if scaling is not None:
            draw_spreads(panels["spread"], curves, scaling, colors)
        figure.align_ylabels([panels["share"], panels["course"]])
        headline(figure, title)
    return figure


def _courses(
    axes: Axes, curves: Sequence[EfficiencyCurve], courses: Sequence[Course], colors: Sequence[Any]
) -> None:
    """Pulse by pulse, full where it made a spike, over the thresholds that were found."""
    last = max(len(course.amplitude) for course in courses)
    for curve, course, color in zip(curves, courses, colors, strict=True):
        number = np.arange(1, len(course.amplitude) + 1)
        for fired, face in ((False, "white"), (True, color)):
            shown = course.fired == fired
            look = {"markerfacecolor": face, "markeredgecolor": color, "markeredgewidth": 0.6}
            axes.plot(number[shown], course.amplitude[shown], **_DOT, **look)
        if curve.fit is not None and curve.fit.threshold.value is not None:
            axes.axhline(curve.fit.threshold.value, color=color, linewidth=0.8, zorder=0.5)
    grey: dict[str, Any] = {"markeredgecolor": "0.3", "markeredgewidth": 0.6}
    axes.legend(
        handles=[
            Line2D([], [], **_DOT, **grey, markerfacecolor="0.3", label="made a spike"),
            Line2D([], [], **_DOT, **grey, markerfacecolor="white", label="made none"),
            Line2D([], [], color="0.3", linewidth=0.8, label="threshold"),
        ],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=3,
        borderaxespad=0.1,
        handletextpad=0.3,
        columnspacing=1.0,
    )
    axes.set_xlim(-0.02 * last, 1.02 * last)
    axes.set_xlabel("trial")
