"""From the tables of a cell to its compartments and the membrane of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stochhh.circuit import frusta
from stochhh.circuit.geometry import (
    Floats,
    Geometry,
    Ints,
    ball,
    by_section,
    half_conductance_nS,
    main_path,
    tips,
)
from stochhh.circuit.mesh import MOST_COMPARTMENTS, Resolution, coarsest, mesh_of
from stochhh.errors import InputError, did_you_mean
from stochhh.scenario.cells import Cell, CellMembrane, Section, Sheath

_BATH_NS = 1e12  # where there is no sheath, the space outside the membrane is the bath


@dataclass(frozen=True)
class Shape:
    """A cell cut into C compartments.

    Attributes
    ----------
    name : of the cell.
    sections : their names.
    membranes : for each section the name of its membrane.
    geometry : the compartments.
    sheath_pF, sheath_nS : capacitance and conductance of the myelin, (C,); where
        there is none, nothing and a short circuit.
    sheath_axial_nS : along the periaxonal space to the parent, (C,).
    under_myelin : whether a compartment lies under myelin with a space beneath, (C,).
    resolved : what the compartments resolve worst.
    """

    name: str
    sections: tuple[str, ...]
    membranes: tuple[str, ...]
    geometry: Geometry
    sheath_pF: Floats
    sheath_nS: Floats
    sheath_axial_nS: Floats
    under_myelin: NDArray[np.bool_]
    resolved: tuple[Resolution, ...] = ()

    @property
    def sheathed(self) -> bool:
        """Whether there is any myelin with a space beneath."""
        return bool(self.under_myelin.any())

    @cached_property
    def number_of_section(self) -> dict[str, int]:
        """Number of each section by its name."""
        return {name: index for index, name in reversed(list(enumerate(self.sections)))}

    @cached_property
    def main_path(self) -> Ints:
        """Compartments from the start to the farthest tip."""
        return main_path(self.geometry)


def shape(cell: Cell, membranes: dict[str, CellMembrane], where: str, parts: int = 1) -> Shape:
    """Cut a cell into compartments, and each of them into `parts`.

    Raises
    ------
    InputError
        A morphology that cannot be read, or far too many compartments.
    """
    where = f"{where}: cell '{cell.name}'"
    if cell.morphology is not None:
        from stochhh.circuit.swc import read_swc  # MorphIO takes a while to load

        try:
            stretches = read_swc(Path(cell.morphology.file))
        except InputError as error:
            raise InputError(f"{where}: morphology.file: {error}") from None
        lacking = sorted({s.domain for s in stretches} - set(cell.morphology.membranes))
        if lacking:
            raise InputError(
                f"{where}: morphology.membranes.{lacking[0]}: missing, and the file has such "
                f'sections; write for example {lacking[0]} = "{next(iter(membranes))}"'
            )
        names = [cell.morphology.membranes[s.domain] for s in stretches]  # type: ignore[index]
        sections: Sequence[Section | None] = [None] * len(stretches)
    else:
        tables = _repeated(cell)
        if tables[0].area_um2 is not None:
            return _single(cell.name, tables[0])
        stretches = _stretches(tables)
        names = [section.membrane for section in tables]
        sections = tables
    assert cell.axial_resistivity_ohm_cm is not None
    resistivity = float(cell.axial_resistivity_ohm_cm)
    meshes, resolved = zip(
        *(
            mesh_of(stretch, section, membranes[name], cell)
            for stretch, section, name in zip(stretches, sections, names, strict=True)
        ),
        strict=True,
    )
    n = parts * sum(mesh.number for mesh in meshes)
    if n > MOST_COMPARTMENTS:
        raise InputError(
            f"{where}: {n:,d} compartments; at most {MOST_COMPARTMENTS:,d} are "
            "allowed; make compartment (a fraction of the length constant) larger"
        )
    geometry = frusta.cut(stretches, [mesh.edge_um(parts) for mesh in meshes], resistivity)
    section_names = [stretch.name for stretch in stretches]
    geometry, cuts = _cut_open(geometry, section_names, cell.killed, resistivity, where)
    sheaths = [section.sheath if section is not None else None for section in sections]
    return Shape(
        cell.name,
        tuple(section_names),
        tuple(names),
        geometry,
        *_sheath(geometry, sheaths, cuts),
        np.array([sheath is not None for sheath in sheaths])[geometry.section],
        coarsest(chain.from_iterable(resolved)),
    )


def _single(name: str, section: Section) -> Shape:
    assert section.area_um2 is not None
    geometry = ball(float(section.area_um2))
    none, bath = np.zeros(1), np.array([_BATH_NS])
    return Shape(name, (section.name,), (section.membrane,), geometry, none, bath, none, none > 0)


def _repeated(cell: Cell) -> list[Section]:
    """Sections of a cell, copies numbered from 1 behind each other."""
    if cell.repeat == 1 and not cell.closed:
        return list(cell.section)
    copies = [
        section.model_copy(update={"name": f"{section.name}-{k}"})
        for k in range(1, cell.repeat + 1)
        for section in cell.section
    ]
    if cell.closed:
        first = cell.section[0]
        copies.append(first.model_copy(update={"name": f"{first.name}-{cell.repeat + 1}"}))
    return copies


def _stretches(sections: Sequence[Section]) -> list[frusta.Shape]:
    number = {section.name: index for index, section in enumerate(sections)}
    stretches = []
    for index, section in enumerate(sections):
        diameter = section.diameter_um
        assert diameter is not None
        assert section.length_um is not None
        ends = diameter if isinstance(diameter, tuple) else (diameter, diameter)
        stretches.append(
            frusta.Shape(
                name=section.name,
                domain=section.membrane,
                parent=index - 1 if section.parent is None else number[section.parent],
                parent_fraction=section.parent_fraction,
                distance_um=np.array([0.0, float(section.length_um)]),
                diameter_um=np.array([float(end) for end in ends]),
            )
        )
    return stretches


def _cut_open(
    geometry: Geometry,
    sections: Sequence[str],
    killed: Sequence[str],
    resistivity_ohm_cm: float,
    where: str,
) -> tuple[Geometry, list[int]]:
    """Give cut ends their conductance to the bath; returns also the compartments cut."""
    end = np.zeros(len(geometry.parent))
    half = half_conductance_nS(geometry, resistivity_ohm_cm)
    leaves = tips(geometry)
    ends = {sections[geometry.section[leaf]]: int(leaf) for leaf in leaves}
    ends |= {"start": 0, "end": int(leaves[np.argmax(geometry.position_um[leaves])])}
    cuts: list[int] = []
    for name in killed:
        if name not in ends:
            raise InputError(f"{where}: killed: '{name}' is no end; {did_you_mean(name, ends)}")
        if ends[name] not in cuts:
            end[ends[name]] += half[ends[name]]
            cuts.append(ends[name])
    return geometry._replace(end_nS=end), cuts


def _sheath(
    geometry: Geometry, sheaths: Sequence[Sheath | None], cuts: Sequence[int]
) -> tuple[Floats, Floats, Floats]:
    """Capacitance and conductance of the myelin, and conductance along the space beneath.

    Where a sheath is cut or ends, at a compartment without one, the space opens to the bath.
    """
    n = len(geometry.parent)
    capacitance, conductance, along = np.zeros(n), np.full(n, _BATH_NS), np.full(n, np.inf)
    half: dict[float, Floats] = {}
    for own, sheath in zip(by_section(geometry, len(sheaths)), sheaths, strict=True):
        if sheath is None:
            continue
        area = geometry.area_um2[own]
        capacitance[own] = [sheath.capacitance.absolute(a) for a in area]
        conductance[own] = [sheath.conductance.absolute(a) for a in area]
        inner = geometry.diameter_um[own]
        outer = inner + 2 * float(sheath.space_um)
        resistivity = float(sheath.resistivity_ohm_cm)
        if resistivity not in half:
            half[resistivity] = half_conductance_nS(geometry, resistivity)
        axon = half[resistivity][own]
        along[own] = axon * (outer**2 - inner**2) / inner**2
    bare = np.array([sheath is None for sheath in sheaths])[geometry.section]
    child = np.nonzero(geometry.parent >= 0)[0]
    above = geometry.parent[child]
    one, other = np.concatenate([child, above]), np.concatenate([above, child])
    conductance[one[bare[other] & (geometry.length_um[one] == 0.0)]] = _BATH_NS
    conductance[cuts] += np.where(np.isinf(along[cuts]), 0.0, along[cuts])
    parent = np.maximum(geometry.parent, 0)
    open_both = np.isinf(along) & np.isinf(along[parent])
    with np.errstate(divide="ignore", invalid="ignore"):
        joined = 1.0 / (1.0 / along + 1.0 / along[parent])
    joined[open_both | (geometry.parent < 0)] = 0.0
    return capacitance, conductance, joined
