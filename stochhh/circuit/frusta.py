"""Cutting sections, chains of frusta, into compartments.

Areas and axial resistances are integrals over the frusta, without approximation.
Where sections branch, the branching point becomes a compartment without membrane, so
that voltages stay of second order in the compartments' length (Hines 1984,
doi:10.1016/0020-7101(84)90008-4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochhh.circuit.geometry import Floats, Geometry

_OHM_UM = 1e4  # in an ohm cm
_NS = 1e9  # in a siemens
_SAME = 1e-9  # of a compartment's length: nearer to its middle is on it


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
    shapes: Sequence[Shape], cuts: Sequence[int | Floats], resistivity_ohm_cm: float
) -> Geometry:
    """Cut sections into compartments and join them.

    Parameters
    ----------
    shapes : parents before their children
    cuts : of each section the number of compartments of equal length, at least 1, or their
        edges (µm), from 0 to its length
    resistivity_ohm_cm : of the axoplasm

    Returns
    -------
    Geometry
        Without cut ends. A branching point, unless it is the middle of a compartment, adds
        a compartment of no length and area, which belongs to the section that it is on.
    """
    hang = Counter((shape.parent, shape.parent_fraction) for shape in shapes)
    rows = _Rows()
    joints: dict[tuple[int, float], _Joint] = {}
    begins: list[float] = []
    for index, shape in enumerate(shapes):
        above = shape.parent
        begin, joint = 0.0, _Joint(-1, 0.0)
        if above >= 0:
            begin = begins[above] + shape.parent_fraction * shapes[above].length_um
            joint = joints[above, shape.parent_fraction]
        begins.append(begin)
        cut_at = cuts[index]
        if isinstance(cut_at, int):
            cut_at = np.linspace(0.0, shape.length_um, cut_at + 1)
        branches = {part: n for (one, part), n in hang.items() if one == index}
        section = _Section(index, shape, cut_at, begin, resistivity_ohm_cm)
        joints |= {(index, part): at for part, at in section.add(rows, joint, branches).items()}
    return rows.geometry()


class _Joint(NamedTuple):
    """A compartment to hang on, and the resistance from its middle to where (ohm)."""

    row: int
    resistance: float


class _Section:
    """Compartments of one section, and the points on it that others hang on."""

    def __init__(
        self, index: int, shape: Shape, edge: Floats, begin_um: float, resistivity_ohm_cm: float
    ) -> None:
        own = _Integrals(shape, resistivity_ohm_cm)
        self._index, self._shape, self._begin, self._own = index, shape, begin_um, own
        self._middle = 0.5 * (edge[:-1] + edge[1:])
        length = np.diff(edge)
        width, area = np.diff(own.width_um2(edge)), np.diff(own.area_um2(edge))
        self._of_each = np.stack([length, width / length, area])

    def add(self, rows: _Rows, joint: _Joint, branches: dict[float, int]) -> dict[float, _Joint]:
        """Add them, from the start to the end; `branches` counts what hangs on each part.

        Where a branch hangs between two middles, a point without membrane parts what is
        between them, so that it draws its current where it is.
        """
        total = self._shape.length_um
        inside = {part * total: part for part in branches if self._parts(part, branches, joint)}
        on_middle = {x: self._on_middle(x) for x in inside}
        places = [(float(x), k) for k, x in enumerate(self._middle)]
        places += [(x, -1) for x in inside if on_middle[x] < 0]
        found: dict[float, _Joint] = {}
        here, upto = joint, 0.0
        first_row = -1
        for x, k in sorted(places):
            resistance = here.resistance + self._between(upto, x)
            if k < 0 and resistance == 0.0:  # a point on a point
                found[inside[x]] = here
                continue
            if k < 0:
                row = self._point(rows, x, here.row, resistance)
                found[inside[x]] = _Joint(row, 0.0)
            else:
                row = rows.add(
                    here.row, self._index, *self._of_each[:, k], self._begin + x, resistance
                )
                first_row = row if k == 0 else first_row
                found |= {inside[y]: _Joint(row, 0.0) for y, at in on_middle.items() if at == k}
            here, upto = _Joint(row, 0.0), x
        for part in branches:
            if part not in found:  # a free start, or an end with one section behind it
                row, x = (here.row, upto) if part > 0.5 else (first_row, float(self._middle[0]))
                resistance = self._between(*sorted((x, part * total)))
                if branches[part] > 1:
                    row, resistance = self._point(rows, part * total, row, resistance), 0.0
                found[part] = _Joint(row, resistance)
        return found

    def _parts(self, part: float, branches: dict[float, int], joint: _Joint) -> bool:
        """Whether what hangs there parts two stretches."""
        if part == 1.0:
            return branches[part] > 1
        return part > 0.0 or joint.row >= 0

    def _on_middle(self, x: float) -> int:
        k = int(np.argmin(np.abs(self._middle - x)))
        return k if abs(self._middle[k] - x) <= _SAME * self._of_each[0, k] else -1

    def _point(self, rows: _Rows, x: float, above: int, resistance: float) -> int:
        d = float(np.interp(x, self._shape.distance_um, self._shape.diameter_um))
        return rows.add(above, self._index, 0.0, d, 0.0, self._begin + x, resistance)

    def _between(self, a: float, b: float) -> float:
        low, high = self._own.resistance_ohm(np.array([a, b]))
        return float(high - low)


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
