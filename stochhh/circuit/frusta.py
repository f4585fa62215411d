"""Cutting sections, chains of frusta, into compartments.

Areas and axial resistances are integrals over the frusta, without approximation.
Where several sections hang on one point, that point becomes a compartment without
membrane, so that voltages stay of second order in the compartments' length (Hines
1984, doi:10.1016/0020-7101(84)90008-4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochhh.circuit.geometry import Floats, Geometry

_OHM_UM = 1e4  # in an ohm cm
_NS = 1e9  # in a siemens
_FREQUENCY_HZ = 100.0


class Shape(NamedTuple):
    """A section as points along its path; between them the diameter changes linearly."""

    name: str
    domain: str  # kind of membrane: "soma", "axon", … of a morphology, or a section's own
    parent: int  # index of the section it hangs on, -1 for the first
    parent_fraction: float  # where along the parent: 1 its end, 0 its start
    distance_um: Floats  # (n,) along the path from the start, twice where the diameter steps
    diameter_um: Floats  # (n,)

    @property
    def length_um(self) -> float:
        """Length of the path."""
        return float(self.distance_um[-1])


class _Integrals:
    """Membrane area, axial resistance and volume of a section from its start to any place."""

    def __init__(self, shape: Shape, resistivity_ohm_cm: float) -> None:
        self._x, self._d = shape.distance_um, shape.diameter_um
        self._per_length = 4 / np.pi * resistivity_ohm_cm * _OHM_UM
        length, rise = np.diff(self._x), np.diff(self._d)
        sums = (self._d[:-1] + self._d[1:]) * length
        slants = np.pi / 2 * np.hypot(length, rise / 2)  # where it steps, a ring
        areas = slants * (self._d[:-1] + self._d[1:])
        self._slant = np.divide(slants, length, out=np.zeros_like(length), where=length > 0)
        self._area = np.concatenate([[0], np.cumsum(areas)])
        ratios = length / (self._d[:-1] * self._d[1:])
        self._resistance = np.concatenate([[0], np.cumsum(self._per_length * ratios)])
        self._width = np.concatenate([[0], np.cumsum(sums / 2)])

    def _in(self, x: Floats) -> tuple[np.ndarray, Floats, Floats]:
        piece = np.clip(np.searchsorted(self._x, x, side="right") - 1, 0, len(self._x) - 2)
        return piece, x - self._x[piece], np.interp(x, self._x, self._d)

    def area_um2(self, x: Floats) -> Floats:
        """Lateral area up to x, rings at either end with it."""
        piece, beyond, d = self._in(x)
        area = self._area[piece] + self._slant[piece] * (self._d[piece] + d) * beyond
        area = np.where(x >= self._x[-1], self._area[-1], area)
        return np.asarray(np.where(x <= 0.0, 0.0, area))

    def resistance_ohm(self, x: Floats) -> Floats:
        """Axial resistance up to x."""
        piece, beyond, d = self._in(x)
        more = self._per_length * beyond / (self._d[piece] * d)
        return np.asarray(self._resistance[piece] + more)

    def width_um2(self, x: Floats) -> Floats:
        """Integral of the diameter up to x."""
        piece, beyond, d = self._in(x)
        return np.asarray(self._width[piece] + (self._d[piece] + d) / 2 * beyond)


def cut(
    shapes: Sequence[Shape], n_compartments: Sequence[int], resistivity_ohm_cm: float
) -> Geometry:
    """Cut sections into compartments of equal length and join them.

    Parameters
    ----------
    shapes : parents before their children
    n_compartments : of each section, at least 1
    resistivity_ohm_cm : of the axoplasm

    Returns
    -------
    Geometry
        Without cut ends. A branching point adds a compartment of no length and area,
        which belongs to the section that it is on.
    """
    shared = Counter((shape.parent, shape.parent_fraction) for shape in shapes)
    rows = _Rows()
    first: list[int] = []
    begins: list[float] = []
    integrals = [_Integrals(shape, resistivity_ohm_cm) for shape in shapes]
    nodes: dict[tuple[int, float], int] = {}
    for index, shape in enumerate(shapes):
        n = n_compartments[index]
        edge = np.linspace(0.0, shape.length_um, n + 1)
        middle = 0.5 * (edge[:-1] + edge[1:])
        own = integrals[index]
        parent, resistance, begin = -1, 0.0, 0.0
        if shape.parent >= 0:
            above, fraction = shapes[shape.parent], shape.parent_fraction
            begin = begins[shape.parent] + fraction * above.length_um
            n_above = n_compartments[shape.parent]
            k = min(int(fraction * n_above), n_above - 1)
            parent = first[shape.parent] + k
            centre = (k + 0.5) / n_above * above.length_um
            path = integrals[shape.parent].resistance_ohm(
                np.array([centre, fraction * above.length_um])
            )
            resistance = abs(float(path[1] - path[0]))
            key = shape.parent, fraction
            if shared[key] > 1 and resistance > 0.0:
                if key not in nodes:
                    d = float(np.interp(fraction * above.length_um, *above[4:6]))
                    nodes[key] = rows.add(parent, shape.parent, 0.0, d, 0.0, begin, resistance)
                parent, resistance = nodes[key], 0.0
        first.append(len(rows))
        begins.append(begin)
        at_edge, at_middle = own.resistance_ohm(edge), own.resistance_ohm(middle)
        area, width = np.diff(own.area_um2(edge)), np.diff(own.width_um2(edge))
        length = np.diff(edge)
        for k in range(n):
            resistance += float(at_middle[k] - at_edge[k])
            rows.add(
                parent, index, length[k], width[k] / length[k], area[k], begin + middle[k],
                resistance,
            )  # fmt: skip
            parent = len(rows) - 1
            resistance = float(at_edge[k + 1] - at_middle[k])
    return rows.geometry()


class _Rows:
    """Compartments found so far."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, *row: float) -> int:
        """Add a compartment; returns its index."""
        self._rows.append(row)
        return len(self._rows) - 1

    def geometry(self) -> Geometry:
        columns = np.array(self._rows, dtype=np.float64).T.copy()
        parent, section, length, diameter, area, position, resistance = columns
        axial = np.zeros(len(parent))
        joined = parent >= 0
        axial[joined] = _NS / resistance[joined]
        return Geometry(
            parent=parent.astype(np.int64),
            section=section.astype(np.int64),
            length_um=length,
            diameter_um=diameter,
            area_um2=area,
            position_um=position,
            axial_nS=axial,
            end_nS=np.zeros(len(parent)),
        )


def length_constant_um(
    diameter_um: float,
    resistivity_ohm_cm: float,
    capacitance_uF_cm2: float,
    frequency_hz: float = _FREQUENCY_HZ,
) -> float:
    """Length constant of a cable at a frequency at which its membrane is all capacitance.

    ``½ √(d / (π f R C))`` (Carnevale & Hines, The NEURON Book, 2006, section 5.2,
    doi:10.1017/CBO9780511541612).
    """
    d_cm, farad_per_cm2 = diameter_um * 1e-4, capacitance_uF_cm2 * 1e-6
    square = d_cm / (np.pi * frequency_hz * resistivity_ohm_cm * farad_per_cm2)
    return float(0.5 * np.sqrt(square) * 1e4)


def n_compartments(
    shape: Shape, resistivity_ohm_cm: float, capacitance_uF_cm2: float, fraction: float
) -> int:
    """Fewest compartments of a section none of which is longer than a fraction of that constant."""
    _, width = shape.distance_um, np.trapezoid(shape.diameter_um, shape.distance_um)
    mean = float(width) / shape.length_um
    longest = fraction * length_constant_um(mean, resistivity_ohm_cm, capacitance_uF_cm2)
    return max(int(np.ceil(shape.length_um / longest * (1 - 1e-9))), 1)
