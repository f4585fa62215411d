"""One number at the points of a sweep: curves along an axis, or a heat map over two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from numpy.typing import NDArray

from stochhh.analysis.axes import axis_numbers, key_words, swept_label, value_label
from stochhh.analysis.estimates import Estimate
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, shades, spread_axis
from stochhh.plot.sweep_points import spread
from stochhh.scenario import Experiment, axes_of
from stochhh.scenario.sweep_tables import REPEATS

Floats = NDArray[np.float64]

MOST_CURVES = 5  # of more a heat map shows each
_MOST_TICKS = 5
_LETTERS = 14  # in a line of a text below an axis
_NONE = Estimate(None, None)


class Grid(NamedTuple):
    """One number at the points of one axis of a sweep or of two.

    Attributes
    ----------
    x_key, x : swept key and its n values, as written.
    y_key, y : of the second axis, m values; empty without one.
    estimates : m (or one) rows of n.
    limit : (m or 1, n) deterministic numbers, nan where there are none; None without any.
    """

    x_key: str
    x: tuple[Any, ...]
    y_key: str
    y: tuple[Any, ...]
    estimates: list[list[Estimate]]
    limit: Floats | None

    @property
    def is_map(self) -> bool:
        """Whether there are more curves than can be told apart."""
        return len(self.y) > MOST_CURVES


def grid_of(
    scenario: Experiment,
    places: Sequence[Mapping[str, Any]],
    fixed: Mapping[str, Any],
    estimate: Callable[[list[int]], Estimate],
    limit: Callable[[int], float] | None,
) -> Grid:
    """Arrange the points of a sweep along its first two axes that are no repeats.

    Parameters
    ----------
    scenario : whose sweep it is
    places : of each point its values, as written
    fixed : values that points have on further axes; others are left out
    estimate : from the points of one place, which differ in repeats only, to the number
    limit : from a point to the deterministic one; None without it
    """
    keys = [axis.name for axis in axes_of(scenario) if axis.name != REPEATS]
    x_key, y_key = [*keys, "", ""][:2]
    members: dict[tuple[Any, Any], list[int]] = {}
    for number, place in enumerate(places):
        if all(place[key] == value for key, value in fixed.items() if key in keys[2:]):
            here = place.get(x_key, ""), place.get(y_key, "")
            members.setdefault(here, []).append(number)
    x = tuple(dict.fromkeys(at for at, _ in members))
    rows = tuple(dict.fromkeys(at for _, at in members))
    x, rows = _sorted(x, x_key), _sorted(rows, y_key)
    estimates = [
        [estimate(members[at, row]) if (at, row) in members else _NONE for at in x] for row in rows
    ]
    limits = None
    if limit is not None:
        limits = np.array(
            [[limit(members[at, row][0]) if (at, row) in members else np.nan for at in x]
             for row in rows]
        )  # fmt: skip
    return Grid(x_key, x, y_key, rows if y_key else (), estimates, limits)


def draw_grid(axes: Axes, grid: Grid, name: str, label: str = "", limit: str = "") -> None:
    """Draw a number with its 95 % intervals as a curve for each value of the second axis.

    The deterministic one is dashed: black of one curve, of several each in its colour. More
    than five become a heat map. A legend, if there is any, is the caller's.

    Parameters
    ----------
    name : of the number, with its unit
    label : of the first axis; its key and unit by default
    limit : what the deterministic number is called
    """
    if grid.is_map:
        _heat_map(axes, grid, name, label)
        return
    x, joined = _place(axes, grid.x, grid.x_key, label)
    several = len(grid.estimates) > 1
    colors = shades(len(grid.estimates))
    for number, (row, color) in enumerate(zip(grid.estimates, colors, strict=True)):
        aside = 0.0 if joined else 0.12 * (number - 0.5 * (len(colors) - 1))
        mark = "o-" if joined else "o"
        text = value_label(grid.y[number]) if several else "trials (mean, 95 %)"
        draw_estimates(axes, x + aside, row, color, text, fmt=mark, zorder=3)
        if grid.limit is not None:
            look = dict(style.LIMIT)
            if several:
                look |= {"color": color, "linewidth": 1.0, "zorder": 2}
            if not joined:
                look |= {"linestyle": "none", "marker": "_", "markersize": 14}
                look |= {"markeredgewidth": 1.3}
            axes.plot(x + aside, grid.limit[number], label=None if several else limit, **look)
    if several and grid.limit is not None:
        look = {**style.LIMIT, "color": "0.4"}
        if not joined:
            look |= {"linestyle": "none", "marker": "_", "markersize": 8}
        axes.plot([], [], label=limit, **look)
    axes.set_ylabel(name)
    axes.margins(y=0.08)


def _sorted(values: tuple[Any, ...], key: str) -> tuple[Any, ...]:
    """Numbers rising, texts as they stand."""
    numbers, _ = axis_numbers(values, key)
    if numbers is None:
        return values
    return tuple(values[k] for k in np.argsort(numbers, kind="stable"))


def _place(axes: Axes, values: Sequence[Any], key: str, label: str) -> tuple[Floats, bool]:
    """Places of values along the horizontal axis, and whether curves may join them."""
    if not key:
        axes.set_xticks([])
        return np.zeros(len(values)), False
    numbers, _ = axis_numbers(values, key)
    axes.set_xlabel(swept_label(values, key, label))
    if numbers is not None:
        spread_axis(axes, numbers)
        return numbers, True
    _name_ticks(axes.xaxis, values)
    axes.set_xlim(-0.6, len(values) - 0.4)
    return np.arange(len(values), dtype=float), False


def _name_ticks(axis: Axis, values: Sequence[Any]) -> None:
    """Write texts, or some of many numbers, at 0, 1, 2 and so on."""
    numbers, _ = axis_numbers(values, "")
    shown = list(range(len(values))) if numbers is None else spread(len(values), _MOST_TICKS)
    texts = [value_label(values[k]) if numbers is None else f"{numbers[k]:g}" for k in shown]
    axis.set_ticks(shown, [fill(text, _LETTERS) for text in texts])


def _heat_map(axes: Axes, grid: Grid, name: str, label: str) -> None:
    values = np.array(
        [[np.nan if one.value is None else one.value for one in row] for row in grid.estimates]
    )
    columns, rows = np.arange(len(grid.x)), np.arange(len(grid.y))
    image = axes.pcolormesh(columns, rows, values, cmap="viridis", shading="nearest")
    axes.set_facecolor("0.85")
    for axis, swept, key, text in (
        (axes.xaxis, grid.x, grid.x_key, label),
        (axes.yaxis, grid.y, grid.y_key, ""),
    ):
        _name_ticks(axis, swept)
        axis.set_label_text(swept_label(swept, key, text))
    figure = axes.get_figure()
    assert figure is not None
    missing = "; grey: none" if np.isnan(values).any() else ""
    figure.colorbar(image, ax=axes, label=f"{name}, mean{missing}")


def legend_of(grid: Grid) -> str:
    """Title of the legend of a grid's curves; empty of a single one."""
    return key_words(grid.y_key) if len(grid.estimates) > 1 else ""
