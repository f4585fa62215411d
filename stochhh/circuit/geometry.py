"""The shape of a cell as compartments: how large each is, and on which it hangs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Geometry(NamedTuple):
    """C compartments of one cell, every parent before its children."""

    parent: Ints  # (C,) compartment it hangs on, -1 for the first
    section: Ints  # (C,) index into the cell's sections
    length_um: Floats  # (C,)
    diameter_um: Floats  # (C,) mean
    area_um2: Floats  # (C,) of membrane
    position_um: Floats  # (C,) path distance from the start of the cell to its middle
    axial_nS: Floats  # (C,) between the middles of it and its parent; 0 for the first
    end_nS: Floats  # (C,) to the bath where an end is cut; 0 elsewhere


def ball(area_um2: float) -> Geometry:
    """A single compartment, drawn as the sphere of its area."""
    diameter = float(np.sqrt(area_um2 / np.pi))

    def one(value: float) -> Floats:
        return np.array([value])

    return Geometry(
        parent=np.array([-1]),
        section=np.array([0]),
        length_um=one(diameter),
        diameter_um=one(diameter),
        area_um2=one(area_um2),
        position_um=one(0.0),
        axial_nS=one(0.0),
        end_nS=one(0.0),
    )


def by_section(geometry: Geometry, n_sections: int) -> list[Ints]:
    """Compartments of each section, in order."""
    order = np.argsort(geometry.section, kind="stable")
    ends = np.searchsorted(geometry.section[order], np.arange(1, n_sections))
    return [np.asarray(own) for own in np.split(order, ends)]


def tips(geometry: Geometry) -> Ints:
    """Compartments that nothing hangs on."""
    childless = np.ones(len(geometry.parent), dtype=bool)
    childless[geometry.parent[geometry.parent >= 0]] = False
    return np.nonzero(childless)[0]


def main_path(geometry: Geometry) -> Ints:
    """Compartments from the start to the farthest tip."""
    ends = tips(geometry)
    here = int(ends[np.argmax(geometry.position_um[ends])])
    path = []
    while here >= 0:
        path.append(here)
        here = int(geometry.parent[here])
    return np.array(path[::-1])


def half_conductance_nS(geometry: Geometry, resistivity_ohm_cm: float) -> Floats:
    """Axial conductance from each compartment's middle to its end, as of a cylinder, (C,).

    Infinite for a branching point, which has no length.
    """
    cross_section = np.pi / 4 * geometry.diameter_um**2
    half = 0.5 * geometry.length_um
    with np.errstate(divide="ignore"):
        return np.asarray(1e5 * cross_section / (resistivity_ohm_cm * half))
