"""The channels of a circuit, gathered cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stochhh.circuit.cell import Shape
from stochhh.circuit.geometry import by_section
from stochhh.circuit.network import Cable, Floats, Ints
from stochhh.errors import InputError
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.membrane import Membrane, build_membrane
from stochhh.scenario.circuits import Circuit


class Kind(NamedTuple):
    """Channels of one name and one scheme, wherever they are, that begin alike."""

    name: str
    scheme: ChannelScheme
    initial_state: str | None = None


@dataclass(frozen=True)
class Pool:
    """Channels of one kind in one compartment."""

    compartment: int
    kind: int
    count: int
    conductance_nS: float
    reversal_mV: float
    method: str  # what the scenario asks for, or "auto"


class Crowd:
    """Collects kinds and pools of channels while the cells of a circuit are gone through.

    Kinds of the receptors of its synapses are numbered for themselves.

    Attributes
    ----------
    membranes : by name and area (µm²).
    pools : in order of compartments.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.membranes: dict[tuple[str, float], Membrane] = {}
        self.pools: list[Pool] = []
        self._circuit = circuit
        self._kinds: dict[Kind, int] = {}
        self._receptor_kinds: dict[Kind, int] = {}
        self._receptors: dict[tuple[str, float | None], int] = {}

    def settle(self, cell: Shape, first: int) -> Cable:
        """Give each compartment of a cell its channels; returns its passive properties.

        Raises
        ------
        InputError
            A membrane that cannot be.
        """
        geometry = cell.geometry
        n = len(geometry.parent)
        capacitance, leak, leak_drive = np.zeros(n), np.zeros(n), np.zeros(n)
        pools: list[Pool] = []
        of_sections = by_section(geometry, len(cell.membranes))
        for name, own in zip(cell.membranes, of_sections, strict=True):
            area = float(geometry.area_um2[own].sum())
            membrane = self._membrane(name, area)
            share = geometry.area_um2[own] / area
            capacitance[own] = membrane.capacitance_pF * share
            leak[own] = membrane.leak_nS * share
            leak_drive[own] = leak[own] * membrane.leak_reversal_mV
            pools.extend(self._pools_of(name, membrane, first + own, share))
        self.pools.extend(sorted(pools, key=lambda pool: pool.compartment))
        parent = np.where(geometry.parent >= 0, geometry.parent + first, -1)
        return Cable(
            parent=parent.astype(np.int64),
            axial=geometry.axial_nS,
            capacitance=capacitance,
            leak=leak,
            leak_drive=leak_drive,
            end=geometry.end_nS,
            sheath_capacitance=cell.sheath_pF,
            sheath_conductance=cell.sheath_nS,
            sheath_axial=cell.sheath_axial_nS,
            spike_threshold=float(self._circuit.analysis.spikes.threshold_mV),
            spike_rearm=float(self._circuit.analysis.spikes.rearm_mV),
        )

    def receptors(self, index: int) -> int:
        """Number, among kinds of receptors, of those of a synapse; transmitter of 1 mM binds.

        Synapses whose receptors have one scheme and one temperature share it.

        Raises
        ------
        InputError
            No such scheme, or one that binds nothing.
        """
        receptors = self._circuit.synapse[index].receptors
        degC = receptors.temperature_degC
        known = receptors.scheme, None if degC is None else float(degC)
        if known not in self._receptors:
            where = f"{self._circuit.name}: synapse[{index}].receptors.scheme"
            try:
                scheme = load_scheme(receptors.scheme)
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
            if len(scheme.ligands) != 1:
                raise InputError(
                    f"{where}: '{scheme.name}' binds {len(scheme.ligands) or 'no'} ligands; a "
                    'receptor needs a scheme that binds one, such as "ampa" or "nachr"'
                )
            at = scheme.at(known[1], dict.fromkeys(scheme.ligands, 1.0))
            kind = Kind(f"{scheme.name} receptors", at)
            self._receptors[known] = _number(self._receptor_kinds, kind)
        return self._receptors[known]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of channels of membranes found so far."""
        return _told_apart(self._kinds)

    @property
    def receptor_kinds(self) -> tuple[Kind, ...]:
        """Kinds of receptors found so far."""
        return _told_apart(self._receptor_kinds)

    def _pools_of(
        self, name: str, membrane: Membrane, compartments: Ints, share: Floats
    ) -> list[Pool]:
        pools = []
        tables = self._circuit.membranes[name].channels
        for population, table in zip(membrane.populations, tables, strict=True):
            kind = _number(
                self._kinds, Kind(population.name, population.scheme, population.initial_state)
            )
            method = table.method or self._circuit.run.method
            if not population.noise:
                method = "deterministic"
            for compartment, count in zip(
                compartments, spread(population.count, share), strict=True
            ):
                if count:
                    pools.append(
                        Pool(
                            int(compartment),
                            kind,
                            int(count),
                            population.conductance_nS,
                            population.reversal_mV,
                            method,
                        )
                    )
        return pools

    def _membrane(self, name: str, area_um2: float) -> Membrane:
        area = float(f"{area_um2:.12g}")
        if (name, area) not in self.membranes:
            tables = self._circuit.membranes[name].patch(area)
            where = f"{self._circuit.name}: membranes.{name}"
            self.membranes[name, area] = build_membrane(tables, where)
        return self.membranes[name, area]


def _number(kinds: dict[Kind, int], kind: Kind) -> int:
    return kinds.setdefault(kind, len(kinds))


def _told_apart(kinds: Collection[Kind]) -> tuple[Kind, ...]:
    """Give those of one name a number each."""
    of_name = Counter(kind.name for kind in kinds)
    so_far: Counter[str] = Counter()
    named = []
    for kind in kinds:
        so_far[kind.name] += 1
        number = f" {so_far[kind.name]}" if of_name[kind.name] > 1 else ""
        named.append(kind._replace(name=f"{kind.name}{number}"))
    return tuple(named)


def spread(count: int, share: Floats) -> Ints:
    """Whole numbers that add up to `count` in the given shares, (C,), each as near as can be."""
    upto = np.concatenate([[0.0], np.cumsum(share)])
    whole: Ints = np.diff(np.rint(count * upto)).astype(np.int64)
    return whole
