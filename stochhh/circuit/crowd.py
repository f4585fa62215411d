"""The channels of a circuit, gathered cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stochhh.circuit.cell import Shape
from stochhh.circuit.network import Cable, Floats, Ints
from stochhh.errors import InputError
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.membrane import Membrane, build_membrane
from stochhh.scenario.circuits import Circuit


class Kind(NamedTuple):
    """Channels of one name and one scheme, wherever they are."""

    name: str
    scheme: ChannelScheme


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
        for index, name in enumerate(cell.membranes):
            own = np.nonzero(geometry.section == index)[0]
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
        """Kind of the receptors of a synapse, bound by transmitter of 1 mM.

        Raises
        ------
        InputError
            No such scheme, or one that binds nothing.
        """
        synapse = self._circuit.synapse[index]
        where = f"{self._circuit.name}: synapse[{index}].receptors.scheme"
        receptors = synapse.receptors
        try:
            scheme = load_scheme(receptors.scheme)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if len(scheme.ligands) != 1:
            raise InputError(
                f"{where}: '{scheme.name}' binds {len(scheme.ligands) or 'no'} ligands; a receptor "
                'needs a scheme that binds one, such as "ampa" or "nachr"'
            )
        temperature = receptors.temperature_degC
        at = scheme.at(
            None if temperature is None else float(temperature), dict.fromkeys(scheme.ligands, 1.0)
        )
        return self._number(Kind(f"{synapse.name} receptors", at))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds found so far; a number tells apart those of one name."""
        names = [kind.name for kind in self._kinds]
        return tuple(
            kind._replace(name=f"{kind.name} {names[: index + 1].count(kind.name)}")
            if names.count(kind.name) > 1
            else kind
            for index, kind in enumerate(self._kinds)
        )

    def _pools_of(
        self, name: str, membrane: Membrane, compartments: Ints, share: Floats
    ) -> list[Pool]:
        pools = []
        tables = self._circuit.membranes[name].channels
        for population, table in zip(membrane.populations, tables, strict=True):
            kind = self._number(Kind(population.name, population.scheme))
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

    def _number(self, kind: Kind) -> int:
        return self._kinds.setdefault(kind, len(self._kinds))

    def _membrane(self, name: str, area_um2: float) -> Membrane:
        area = float(f"{area_um2:.12g}")
        if (name, area) not in self.membranes:
            tables = self._circuit.membranes[name].patch(area)
            where = f"{self._circuit.name}: membranes.{name}"
            self.membranes[name, area] = build_membrane(tables, where)
        return self.membranes[name, area]


def spread(count: int, share: Floats) -> Ints:
    """Whole numbers that add up to `count` in the given shares, (C,), each as near as can be."""
    upto = np.concatenate([[0.0], np.cumsum(share)])
    whole: Ints = np.diff(np.rint(count * upto)).astype(np.int64)
    return whole
