"""How fine a cell is cut: compartments resolve the shortest length constant there is.

Along the axoplasm that is the one at 100 Hz, or of the leak if that is shorter. The space
under myelin has one of its own, of microns, over which the potential beneath falls to that
of the bath at either end of a sheath: there compartments begin short and grow inwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from stochhh.circuit.frusta import Shape
from stochhh.circuit.geometry import Floats
from stochhh.scenario.cells import Cell, CellMembrane, Section, Sheath

MOST_COMPARTMENTS = 100_000  # of a cell
SPACE = "space under myelin"

_FREQUENCY_HZ = 100.0  # of a passive membrane's potentials
_SPACE_HZ = 1000.0  # of the potential under myelin, which follows the upstroke at the nodes
_GROWTH = 0.2  # of a compartment's length with the distance from the end of a sheath
_USUAL = 1.0  # uF/cm^2, where a capacitance is not per area
_COARSEST = 0.25  # of a length constant: velocities are some per cent off


class Resolution(NamedTuple):
    """What compartments are held against."""

    what: str  # "axoplasm" or "space under myelin"
    section: str
    constant_um: float  # its length constant
    longest_um: float  # the longest compartment that must resolve it

    @property
    def part(self) -> float:
        """Length of that compartment in length constants."""
        return self.longest_um / self.constant_um

    @property
    def is_fine(self) -> bool:
        """Whether velocities can be trusted to some per cent."""
        return self.part <= _COARSEST * (1 + 1e-9)

    def __str__(self) -> str:
        return (
            f"{self.longest_um:.3g} µm in {self.section}, {self.part:.2g} of its length "
            f"constant of {self.constant_um:.3g} µm"
        )


def length_constant_um(
    diameter_um: float,
    resistivity_ohm_cm: float,
    capacitance_uF_cm2: float,
    conductance_mS_cm2: float = 0.0,
    frequency_hz: float = _FREQUENCY_HZ,
) -> float:
    """Length constant of a cable at a frequency at which its membrane is all capacitance.

    ``½ √(d / (π f R C))`` (Carnevale & Hines, The NEURON Book, 2006, section 5.2,
    doi:10.1017/CBO9780511541612), or ``½ √(d / (R g))`` of its conductance, if that is
    shorter.
    """
    return _constant_um(
        0.25 * diameter_um, resistivity_ohm_cm, capacitance_uF_cm2, conductance_mS_cm2, frequency_hz
    )


def space_constant_um(
    sheath: Sheath, diameter_um: float, capacitance_uF_cm2: float, conductance_mS_cm2: float
) -> float:
    """Length constant of the space under myelin at 1 kHz, where axoplasm and bath are held.

    As of a cable whose cross section is that of the space and whose membrane is axolemma and
    myelin side by side.

    Parameters
    ----------
    diameter_um : of the axon
    capacitance_uF_cm2, conductance_mS_cm2 : of the axolemma
    """
    space = float(sheath.space_um)
    area = space * (1 + space / diameter_um)  # cross section per circumference of the axon
    c, g = _per_area(sheath.capacitance, 100.0), _per_area(sheath.conductance, 100.0)
    return _constant_um(
        area, float(sheath.resistivity_ohm_cm), capacitance_uF_cm2 + c, conductance_mS_cm2 + g,
        _SPACE_HZ,
    )  # fmt: skip


def _constant_um(
    area_um: float, resistivity: float, capacitance: float, conductance: float, frequency_hz: float
) -> float:
    """The shorter of both, of a cable of that cross section per circumference (µm)."""
    siemens = max(np.pi * frequency_hz * capacitance * 1e-6, conductance * 1e-3, 1e-30)
    return float(np.sqrt(area_um * 1e-4 / (resistivity * siemens)) * 1e4)


def membrane_per_area(membrane: CellMembrane) -> tuple[float, float]:
    """Capacitance (µF/cm²) and leak (mS/cm²) of a membrane; usual ones where not per area."""
    leak = membrane.leak
    capacitance = _per_area(membrane.capacitance, 100.0) or _USUAL
    return capacitance, 0.0 if leak is None else _per_area(leak.conductance, 100.0)


def _per_area(amount: object, scale: float) -> float:
    return scale * float(amount) if getattr(amount, "per_area", False) else 0.0  # type: ignore[arg-type]


class Mesh(NamedTuple):
    """Where a section is cut.

    Attributes
    ----------
    length_um : of the section
    longest_um : of a compartment
    first_um : of one at either end; further inside they may be longer by a fifth of the
        distance from the nearer end. Not less than the longest: all are of one length.
    """

    length_um: float
    longest_um: float
    first_um: float = np.inf

    @property
    def number(self) -> int:
        """Number of compartments."""
        if self.first_um >= self.longest_um:
            return max(int(np.ceil(self.length_um / self.longest_um * (1 - 1e-9))), 1)
        return max(int(np.ceil(2 * self._number(0.5 * self.length_um) * (1 - 1e-9))), 2)

    def edge_um(self, parts: int = 1) -> Floats:
        """Edges of compartments, each cut into `parts`, from 0 to the length."""
        n = parts * self.number
        if self.first_um >= self.longest_um:
            return np.linspace(0.0, self.length_um, n + 1)
        whole = 2 * self._number(0.5 * self.length_um)
        upto = np.linspace(0.0, whole, n + 1)
        nearer = np.minimum(upto, whole - upto)
        graded = self._number(self._graded_um)
        edge = self.first_um / _GROWTH * np.expm1(_GROWTH * np.minimum(nearer, graded))
        edge += self.longest_um * np.maximum(nearer - graded, 0.0)
        edge = np.where(2 * upto <= whole, edge, self.length_um - edge)
        edge[[0, -1]] = 0.0, self.length_um
        return np.asarray(edge)

    @property
    def _graded_um(self) -> float:
        return (self.longest_um - self.first_um) / _GROWTH  # beyond, all are the longest

    def _number(self, x_um: float) -> float:
        """Compartments up to a place: the integral of one over their length."""
        inside = min(x_um, self._graded_um)
        number = np.log1p(_GROWTH * inside / self.first_um) / _GROWTH
        return float(number + (x_um - inside) / self.longest_um)


def mesh_of(
    shape: Shape, section: Section | None, membrane: CellMembrane, cell: Cell
) -> tuple[Mesh, list[Resolution]]:
    """Cut a section as its cell wants it; returns also what its compartments resolve."""
    assert cell.axial_resistivity_ohm_cm is not None
    diameter = float(np.trapezoid(shape.diameter_um, shape.distance_um)) / shape.length_um
    own = membrane_per_area(membrane)
    along = length_constant_um(diameter, float(cell.axial_resistivity_ohm_cm), *own)
    beneath = np.inf
    if section is not None and section.sheath is not None:
        beneath = space_constant_um(section.sheath, diameter, *own)
    if section is not None and section.compartments is not None:
        mesh = Mesh(shape.length_um, shape.length_um / section.compartments)
    else:
        longest = cell.compartment * along
        if cell.compartment_length_um is not None:
            longest = float(cell.compartment_length_um)
        mesh = Mesh(shape.length_um, longest, cell.compartment * beneath)
    if mesh.number > MOST_COMPARTMENTS:
        return mesh, []
    length = np.diff(mesh.edge_um())
    found = [Resolution("axoplasm", shape.name, along, float(length.max()))]
    if np.isfinite(beneath):
        ends = float(max(length[0], length[-1]))
        found.append(Resolution(SPACE, shape.name, beneath, ends))
    return mesh, found


def coarsest(found: Iterable[Resolution]) -> tuple[Resolution, ...]:
    """Of each thing that is resolved the section where it is resolved worst."""
    worst: dict[str, Resolution] = {}
    for one in found:
        if one.what not in worst or one.part > worst[one.what].part:
            worst[one.what] = one
    return tuple(worst.values())
