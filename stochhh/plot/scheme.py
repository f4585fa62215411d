"""The state graph of a channel scheme: states as boxes, rates at one voltage on the arrows."""

from __future__ import annotations

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.kinetics.scheme import ChannelScheme
from stochhh.plot import style
from stochhh.plot.picture import Picture
from stochhh.plot.scheme_layout import Box, label_place, state_places

Floats = NDArray[np.float64]

_UP = 1.25  # inches between states, one above the other
_OPEN, _SHUT = "#F5C7A9", "#FFFFFF"
_APART = 0.06  # inches, of an arrow and the one back from the line between states
_STATE, _LABEL, _TITLE = 7.0, 6.0, 8.0  # points
_WIDE, _HIGH = 0.64, 1.25  # of a letter and a line, by the size of letters
_PAD = 0.42  # around the text of a state, by the size of its letters


@style.as_written
def state_graph(scheme: ChannelScheme, voltage_mV: float) -> Figure:
    """Draw a scheme with its rates (1/ms) and equilibrium occupancies at one voltage.

    Gate products are laid out on a grid, one direction a gate; other schemes as nearly so
    as their transitions allow. Conducting states are shaded.

    Parameters
    ----------
    scheme : at the temperature and ligand concentrations wanted.
    voltage_mV : where the rates are taken.
    """
    from stochhh.theory import stationary_law

    try:
        law: Floats | None = stationary_law(scheme.generator(voltage_mV))
    except ValueError:
        law = None
    texts = [
        name if law is None else f"{name}\n{law[state]:.2g}"
        for state, name in enumerate(scheme.states)
    ]
    labels = _rate_labels(scheme, voltage_mV)
    widest = max(2 * _half_size(text, _LABEL)[0] for text in labels)
    half_states = [_half_size(text, _STATE, _PAD) for text in texts]
    across = max(0.45 + 2 * max(half for half, _ in half_states) + widest, 1.35)
    places = state_places(scheme) * np.array([across, _UP])
    boxes = [Box(x, y, *half) for (x, y), half in zip(places, half_states, strict=True)]
    margin = np.array([0.2 + max(widest, *(half for half, _ in half_states)), 0.5])
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin
    width = max(high[0] - low[0], 3.5)
    high[0] = low[0] + width
    heading = fill(scheme.title, int(width * 72 / (_TITLE * _WIDE)))
    heading += f"\nrates (1/ms) and equilibrium at {voltage_mV:g} mV;\nconducting states shaded"
    above = 0.1 + (1 + heading.count("\n")) * _TITLE * _HIGH / 72
    height = high[1] - low[1] + above
    with style.style():
        figure = Picture(figsize=(width, height))
        axes = figure.add_axes((0.0, 0.0, 1.0, (height - above) / height))
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axes.set_axis_off()
        _draw_arrows(axes, scheme, boxes, labels)
        for text, box, is_open in zip(texts, boxes, scheme.is_open, strict=True):
            look = {
                "boxstyle": f"round,pad={_PAD - 0.07}",
                "facecolor": _OPEN if is_open else _SHUT,
                "edgecolor": "0.2",
                "linewidth": 0.8,
            }
            axes.text(box.x, box.y, text, ha="center", va="center", fontsize=_STATE, bbox=look)
        figure.text(0.1 / width, 1.0 - 0.08 / height, heading, ha="left", va="top", fontsize=_TITLE)
    return figure


def _rate_labels(scheme: ChannelScheme, voltage_mV: float) -> list[str]:
    """Of each transition its rate's name and value, times how many gates can make it."""
    rates = scheme.rates_at(voltage_mV)
    labels = []
    for arrow in scheme.transitions:
        name = scheme.rate_names[arrow.rate]
        times = f"{arrow.multiplicity} " if arrow.multiplicity > 1 else ""
        labels.append(f"{times}{name}\n{arrow.multiplicity * rates[arrow.rate]:.3g}")
    return labels


def _draw_arrows(axes: Axes, scheme: ChannelScheme, boxes: list[Box], labels: list[str]) -> None:
    """Arrows beside the lines between states, each with its label on its own side."""
    arrows, sides = [], []
    for one in scheme.transitions:
        source, target = boxes[one.source], boxes[one.target]
        line = np.array([target.x - source.x, target.y - source.y])
        along = line / np.hypot(*line)
        aside = np.array([along[1], -along[0]])
        shift = _APART * aside
        start = np.array([source.x, source.y]) + shift + _way_out(source, along) * along
        end = np.array([target.x, target.y]) + shift - _way_out(target, along) * along
        arrows.append((start, end))
        sides.append(aside)
    taken = list(boxes)
    for (start, end), aside, label in zip(arrows, sides, labels, strict=True):
        axes.annotate(
            "",
            end,
            start,
            arrowprops={
                "arrowstyle": "-|>",
                "color": "0.35",
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 7,
            },
        )
        box = label_place(start, end, aside, _half_size(label, _LABEL), taken, arrows)
        taken.append(box)
        axes.text(
            box.x, box.y, label, ha="center", va="center", fontsize=_LABEL, color="0.25",
            linespacing=1.0,
        )  # fmt: skip


def _way_out(box: Box, along: Floats) -> float:
    """Way from the middle of a box to just outside it."""
    ways = [
        half / abs(step)
        for half, step in zip((box.half_width, box.half_height), along, strict=True)
        if abs(step) > 1e-9
    ]
    return float(min(ways)) + 0.04


def _half_size(text: str, points: float, pad: float = 0.0) -> tuple[float, float]:
    """Half of the width and height of a text, inches."""
    lines = text.split("\n")
    widest = max(len(line) for line in lines)
    width, height = widest * _WIDE + 2 * pad, len(lines) * _HIGH + 2 * pad
    return 0.5 * width * points / 72, 0.5 * height * points / 72
