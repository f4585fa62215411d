"""Numbers with their intervals as points and curves."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike

from stochhh.analysis.estimates import Estimate
from stochhh.plot import style

_LOG_RATIO = 20.0
_PALEST = 0.75  # of viridis from 0 to 1: beyond it lines are weak on white paper
_LONGEST_LINE = 78  # letters of a title in bold


def draw_estimates(
    axes: Axes,
    x: ArrayLike,
    estimates: Sequence[Estimate],
    color: str = style.VOLTAGE,
    label: str | None = None,
    **options: Any,
) -> None:
    """Draw values with their 95 % intervals as bars; what is missing is left out.

    Parameters
    ----------
    x : (K,)
    estimates : K
    options : of matplotlib's ``errorbar``; by default points joined by a line
    """
    values = np.array([np.nan if e.value is None else e.value for e in estimates])
    ends = np.array(
        [
            (v, v) if e.interval is None else np.where(np.isfinite(e.interval), e.interval, v)
            for e, v in zip(estimates, values, strict=True)
        ]
    ).reshape(-1, 2)
    reach = np.maximum(np.nan_to_num([values - ends[:, 0], ends[:, 1] - values]), 0.0)
    look: dict[str, Any] = {"fmt": "o-", "markersize": 3.5, "linewidth": 1.0, "capsize": 2}
    axes.errorbar(np.asarray(x), values, yerr=reach, color=color, label=label, **(look | options))


def shades(n: int) -> list[Any]:
    """Colours of n curves in their order, told apart in grey and by the colour-blind too."""
    import matplotlib as mpl

    if n == 1:
        return [style.VOLTAGE]
    low, high = (1.0 - _PALEST, 1.0) if style.on_dark() else (0.0, _PALEST)
    return [mpl.colormaps["viridis"](x) for x in np.linspace(low, high, n)]


def spread_axis(axes: Axes, x: ArrayLike) -> None:
    """Make the horizontal axis logarithmic where its values spread over more than a decade.

    Over less than three its ticks are plain numbers, not powers of ten alone.
    """
    values = np.asarray(x, dtype=np.float64)
    if np.all(values > 0.0) and values.max() / values.min() >= _LOG_RATIO:
        axes.set_xscale("log")
        if values.max() / values.min() < 1000.0:
            few = values.max() / values.min() < 100.0
            plain_log_axis(axes.xaxis, (1.0, 2.0, 5.0) if few else (1.0,))
        axes.xaxis.set_minor_formatter(NullFormatter())  # they would run into each other


def plain_log_axis(axis: Axis, marks: Sequence[float] = (1.0, 2.0, 5.0)) -> None:
    """Write the ticks of a logarithmic axis as plain numbers, in each decade at the marks."""
    axis.set_major_locator(LogLocator(subs=tuple(marks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(LogLocator(subs=range(1, 10)))
    axis.set_minor_formatter(NullFormatter())


def headline(figure: Figure, title: str) -> None:
    """Put a title at the top left of a page-wide figure, on several lines if it is long."""
    if title:
        lines = "\n".join(wrap(title, _LONGEST_LINE))
        figure.suptitle(lines, x=0.01, ha="left", fontsize=10, fontweight="bold")


def legend_in_order(axes: Axes, last: Sequence[str], **options: Any) -> None:
    """Draw a legend in which the labels of `last` come last, in their order."""
    handles, labels = axes.get_legend_handles_labels()
    rank = {label: 1 + place for place, label in enumerate(last)}
    order = sorted(range(len(labels)), key=lambda k: rank.get(labels[k], 0))
    axes.legend([handles[k] for k in order], [labels[k] for k in order], **options)
