"""The picture of a comparison: each quantity beside exact, and speed against error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from stochhh.analysis.comparison import Compared, Quantity
from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.picture import Picture

_COLUMNS = 3  # at most
_EXACT = style.DETERMINISTIC


class MethodPoint(NamedTuple):
    """A method and the wall time (s) of a simulated second."""

    label: str
    wall_s_per_s: float


@style.as_written
def draw_comparison(
    quantities: Sequence[Quantity],
    methods: Sequence[MethodPoint],
    found: Mapping[str, Sequence[Compared]],
    title: str,
) -> Figure:
    """Draw a panel a quantity, its interval for each method, then speed against error.

    Parameters
    ----------
    quantities : that have a panel
    methods : the reference first
    found : of each method its quantities
    """
    by_name = {label: {one.quantity: one for one in row} for label, row in found.items()}
    shown = [
        quantity
        for quantity in quantities
        if any(_value(by_name[method.label].get(quantity.name)) for method in methods)
    ]
    n_rows = -(-(len(shown) + 1) // _COLUMNS)
    n_columns = -(-(len(shown) + 1) // n_rows)
    height = 0.7 + n_rows * (1.0 + 0.17 * len(methods))
    with style.style():
        figure = Picture(figsize=(style.WIDTH, height), layout="constrained")
        colors = [_EXACT, *sns.color_palette("colorblind", len(methods) - 1).as_hex()]
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for place, (one, quantity) in enumerate(zip(axes, shown, strict=False)):
            _quantity_panel(one, quantity, methods, by_name, colors)
            if place % n_columns:
                one.set_yticklabels([])
        _speed_panel(axes[len(shown)], quantities, methods, by_name, colors)
        for one in axes[len(shown) + 1 :]:
            one.set_visible(False)
        _legend(figure, methods[0].label)
        headline(figure, title)
    return figure


def _legend(figure: Figure, reference: str) -> None:
    """What the marks of all panels mean."""
    dot: dict[str, Any] = {"marker": "o", "markersize": 4, "color": "0.3"}
    figure.legend(
        handles=[
            Patch(color="0.88", linewidth=0, label=f"of {reference} (95 %)"),
            Line2D([], [], **dot, label="not told apart from it"),
            Line2D([], [], **dot, markerfacecolor="white", label="told apart"),
            Line2D([], [], linestyle="none", marker="|", color="0.5", markersize=9,
                   label="distance by chance"),
        ],
        loc="outside lower center",
        ncols=4,
        handlelength=1.6,
    )  # fmt: skip


def _value(one: Compared | None) -> float | None:
    return None if one is None else one.estimate.value


def _quantity_panel(
    axes: Axes,
    quantity: Quantity,
    methods: Sequence[MethodPoint],
    by_name: Mapping[str, Mapping[str, Compared]],
    colors: Sequence[Any],
) -> None:
    reference = by_name[methods[0].label].get(quantity.name)
    if reference is not None and reference.estimate.interval is not None:
        axes.axvspan(*reference.estimate.interval, color="0.88", linewidth=0, zorder=0)
    for place, (method, color) in enumerate(zip(methods, colors, strict=True)):
        one = by_name[method.label].get(quantity.name)
        if one is None or one.estimate.value is None:
            continue
        if one.chance is not None:
            axes.plot(one.chance, place, "|", color="0.5", markersize=9)
        low, high = one.estimate.interval or (one.estimate.value,) * 2
        axes.plot([low, high], [place, place], color=color, linewidth=1.5)
        filled = "white" if one.distinguishable else color
        axes.plot(one.estimate.value, place, "o", color=color, markerfacecolor=filled, markersize=4)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_yticks(range(len(methods)), [method.label for method in methods])
    axes.locator_params(axis="x", nbins=4)
    axes.margins(x=0.08)
    first, _, rest = quantity.title.partition(", ")
    unit = f" ({quantity.unit})" if quantity.unit else ""
    axes.set_xlabel(f"{first},\n{rest}{unit}" if rest else f"{first}{unit}")
    if quantity.value is None:
        axes.set_xlim(left=0.0)


def _speed_panel(
    axes: Axes,
    quantities: Sequence[Quantity],
    methods: Sequence[MethodPoint],
    by_name: Mapping[str, Mapping[str, Compared]],
    colors: Sequence[Any],
) -> None:
    """Wall time against the distance from exact; without one, the difference of the first."""
    chosen = _measure_of_error(quantities, by_name, methods)
    x = [method.wall_s_per_s for method in methods]
    axes.axvline(x[0], color=_EXACT, linewidth=0.8, linestyle=style.DASHES)
    if chosen is not None:
        chances = []
        for method, color in zip(methods[1:], colors[1:], strict=True):
            one = by_name[method.label].get(chosen.name)
            if one is None or one.estimate.value is None:
                continue
            error = one.estimate if chosen.value is None else one.difference
            if error is None or error.value is None:
                continue
            low, high = error.interval or (error.value,) * 2
            wall, size, reach = method.wall_s_per_s, abs(error.value), 0.5 * (high - low)
            axes.plot([wall, wall], [max(size - reach, 0.0), size + reach], color=color)
            filled = "white" if one.distinguishable else color
            axes.plot(wall, size, "o", color=color, markerfacecolor=filled, markersize=4)
            if one.chance is not None:
                chances.append(one.chance)
        if chances:
            axes.axhspan(0.0, min(chances), color="0.88", linewidth=0, zorder=0)
        unit = f" ({chosen.unit})" if chosen.unit else ""
        axes.set_ylabel(f"error: {chosen.title.replace(', ', ',' + chr(10))}{unit}", fontsize=7)
        axes.set_ylim(bottom=0.0)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(10.0 ** np.floor(np.log10(min(x) / 1.2)), 10.0 ** np.ceil(np.log10(max(x) * 1.2)))
    axes.set_xlabel("wall time\n(s a simulated s)")


def _measure_of_error(
    quantities: Sequence[Quantity],
    by_name: Mapping[str, Mapping[str, Compared]],
    methods: Sequence[MethodPoint],
) -> Quantity | None:
    """A distance if there is one, or else the first quantity that has a difference."""

    def known(quantity: Quantity) -> bool:
        every = [by_name[method.label].get(quantity.name) for method in methods[1:]]
        return any(
            one is not None and (one.p is not None or one.difference is not None) for one in every
        )

    candidates = [quantity for quantity in quantities if known(quantity)]
    distances = [quantity for quantity in candidates if quantity.value is None]
    return next(iter([*distances, *candidates]), None)
