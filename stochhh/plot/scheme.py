"""The state graph of a channel scheme: states as boxes, rates at one voltage on the arrows."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.kinetics.scheme import ChannelScheme
from stochhh.plot import style

Floats = NDArray[np.float64]

_SPACING = 1.5  # inches between states
_OPEN, _SHUT = "#F5C7A9", "#FFFFFF"
_APART = 0.07  # between an arrow and the one back


@style.as_written
def state_graph(scheme: ChannelScheme, voltage_mV: float) -> Figure:
    """Draw a scheme with its rates (1/ms) and equilibrium occupancies at one voltage.

    Gate products are laid out on a grid, one direction a gate, other schemes on a
    circle. Conducting states are shaded.

    Parameters
    ----------
    scheme : at the temperature and ligand concentrations wanted.
    voltage_mV : where the rates are taken.
    """
    from stochhh.theory import stationary_law

    places = _places(scheme)
    try:
        law: Floats | None = stationary_law(scheme.generator(voltage_mV))
    except ValueError:
        law = None
    extent = places.max(axis=0) - places.min(axis=0)
    size = (max(4.0, 1.6 + _SPACING * extent[0]), max(2.2, 1.4 + _SPACING * extent[1]))
    with style.style():
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        rates = scheme.rates_at(voltage_mV)
        for arrow in scheme.transitions:
            rate = arrow.multiplicity * rates[arrow.rate]
            name = scheme.rate_names[arrow.rate]
            label = f"{arrow.multiplicity} {name}" if arrow.multiplicity > 1 else name
            _arrow(axes, places[arrow.source], places[arrow.target], f"{label}\n{rate:.3g}")
        for state, name in enumerate(scheme.states):
            text = name if law is None else f"{name}\n{law[state]:.2g}"
            box = {
                "boxstyle": "round,pad=0.35",
                "facecolor": _OPEN if scheme.is_open[state] else _SHUT,
                "edgecolor": "0.2",
                "linewidth": 0.8,
            }
            x, y = places[state]
            axes.text(x, y, text, ha="center", va="center", fontsize=7, bbox=box)
        axes.set_xlim(places[:, 0].min() - 0.5, places[:, 0].max() + 0.5)
        axes.set_ylim(places[:, 1].min() - 0.45, places[:, 1].max() + 0.45)
        axes.set_aspect("equal")
        axes.set_axis_off()
        axes.set_title(
            f"{scheme.title}\nrates (1/ms) and equilibrium at {voltage_mV:g} mV; conducting shaded",
            loc="left",
            fontsize=8,
        )
    return figure


def _arrow(axes: Axes, start: Floats, end: Floats, label: str) -> None:
    """An arrow beside the straight line between two states, its label on the same side."""
    along = (end - start) / np.hypot(*(end - start))
    aside = _APART * np.array([along[1], -along[0]])
    style_of_arrow = {"arrowstyle": "-|>", "color": "0.35", "linewidth": 0.7}
    axes.annotate(
        "",
        end + aside - 0.24 * along,
        start + aside + 0.24 * along,
        arrowprops={**style_of_arrow, "shrinkA": 0, "shrinkB": 0},
    )
    x, y = 0.5 * (start + end) + 1.6 * aside
    across, up = aside / _APART
    sides: tuple[Literal["left", "right", "center"], Literal["bottom", "top", "center"]] = (
        "center" if abs(across) < 0.3 else "left" if across > 0 else "right",
        "center" if abs(up) < 0.3 else "bottom" if up > 0 else "top",
    )
    axes.text(x, y, label, ha=sides[0], va=sides[1], fontsize=5.5, color="0.25")


def _places(scheme: ChannelScheme) -> Floats:
    """Coordinates of the states, shape (S, 2), in units of the spacing."""
    n_states = len(scheme.states)
    if scheme.gates:
        counts = np.array(list(product(*(range(gate.power + 1) for gate in scheme.gates))), float)
        rows = [gate.power + 1 for gate in scheme.gates[1:]]
        stride = np.cumprod([1, *rows])[: len(rows)]  # further gates stack their rows
        return np.stack([counts[:, 0], counts[:, 1:] @ stride], axis=1)
    if n_states <= 3:
        return np.stack([np.arange(n_states), np.zeros(n_states)], axis=1).astype(float)
    angle = np.pi / 2 - 2 * np.pi * np.arange(n_states) / n_states
    radius = 0.5 / np.sin(np.pi / n_states)
    return np.asarray(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
