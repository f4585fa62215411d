"""From the tables of a circuit to its compartments, channels and synapses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stochhh.circuit.cell import Shape, shape
from stochhh.circuit.crowd import Crowd, Kind, Pool
from stochhh.circuit.network import Cable, Ints
from stochhh.circuit.places import find_place
from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.membrane import Membrane
from stochhh.scenario.circuits import Circuit

_MOST_COMPARTMENTS = 500_000  # of all cells


@dataclass(frozen=True)
class Network:
    """A circuit of C compartments.

    Attributes
    ----------
    shapes : of the cells, in order.
    first : first compartment of each cell, and C.
    membranes : at the area of each section that has one, by name and area (µm²).
    kinds : of channels, those of receptors last.
    n_channel_kinds : how many of them are channels of membranes.
    pools : channels of one kind in one compartment, in order of compartments.
    cable : of all cells.
    receptor_kind : for each synapse its kind of receptors.
    synapse_source, synapse_target : compartments.
    """

    shapes: tuple[Shape, ...]
    first: Ints
    membranes: dict[tuple[str, float], Membrane]
    kinds: tuple[Kind, ...]
    n_channel_kinds: int
    pools: tuple[Pool, ...]
    cable: Cable
    receptor_kind: Ints
    synapse_source: Ints
    synapse_target: Ints

    @property
    def n_compartments(self) -> int:
        """Number of compartments of all cells."""
        return int(self.first[-1])

    @property
    def schemes(self) -> tuple[ChannelScheme, ...]:
        """Scheme of each kind."""
        return tuple(kind.scheme for kind in self.kinds)

    @property
    def reversals_mV(self) -> list[float]:
        """All reversal potentials of channels and leaks."""
        return [r for membrane in self.membranes.values() for r in membrane.reversals_mV]


def build_network(circuit: Circuit, parts: int = 1) -> Network:
    """Work out the compartments, channels and synapses that a circuit describes.

    Compartments are cut into equal `parts` of what they would be.

    Raises
    ------
    InputError
        A shape, a membrane, a place or a receptor that cannot be.
    """
    shapes = _shapes(circuit, parts)
    first = np.cumsum([0, *(len(one.geometry.parent) for one in shapes)]).astype(np.int64)
    crowd = Crowd(circuit)
    cables = [crowd.settle(one, int(first[index])) for index, one in enumerate(shapes)]
    receptors = [crowd.receptors(index) for index in range(len(circuit.synapse))]
    number = {one.name: index for index, one in enumerate(shapes)}
    ends = np.zeros((2, len(circuit.synapse)), dtype=np.int64)
    for index, synapse in enumerate(circuit.synapse):
        where = f"{circuit.name}: synapse[{index}]"
        for end, cell, at, key in (
            (0, synapse.source, synapse.source_at, "from_at"),
            (1, synapse.target, synapse.target_at, "to_at"),
        ):
            ends[end, index] = locate(shapes, first, number[cell], at, f"{where}.{key}")[0]
    return Network(
        shapes=shapes,
        first=first,
        membranes=crowd.membranes,
        kinds=(*crowd.kinds, *crowd.receptor_kinds),
        n_channel_kinds=len(crowd.kinds),
        pools=tuple(crowd.pools),
        cable=_joined(cables, any(one.sheathed for one in shapes)),
        receptor_kind=len(crowd.kinds) + np.array(receptors, dtype=np.int64),
        synapse_source=ends[0],
        synapse_target=ends[1],
    )


def _shapes(circuit: Circuit, parts: int) -> tuple[Shape, ...]:
    shapes: list[Shape] = []
    n = 0
    for cell in circuit.cell:
        shapes.append(shape(cell, circuit.membranes, circuit.name, parts))
        n += len(shapes[-1].geometry.parent)
        if n > _MOST_COMPARTMENTS:
            raise InputError(
                f"{circuit.name}: {n:,d} compartments in the first {len(shapes):,d} of "
                f"{len(circuit.cell):,d} cells; at most {_MOST_COMPARTMENTS:,d} are allowed; make "
                "compartment (a fraction of the length constant) larger"
            )
    return tuple(shapes)


def doubts_of_mesh(network: Network, name: str) -> list[str]:
    """Say of the first cell whose compartments are too long what they do not resolve."""
    for one in network.shapes:
        for found in one.resolved:
            if not found.is_fine:
                return [
                    f"{name}: cell '{one.name}': compartments do not resolve the {found.what}: "
                    f"{found}; leave compartments and compartment_length out, or make none longer "
                    "than a quarter of it"
                ]
    return []


def locate(shapes: Sequence[Shape], first: Ints, cell: int, text: str, where: str) -> Ints:
    """Compartments of a circuit that a place on a cell of a given number means.

    Raises
    ------
    InputError
        There is no such place.
    """
    try:
        return np.asarray(first[cell] + find_place(shapes[cell], text))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _joined(parts: Sequence[Cable], sheathed: bool) -> Cable:
    """Put the compartments of cells behind each other."""
    fields = {
        name: np.ascontiguousarray(np.concatenate([getattr(part, name) for part in parts]))
        for name in Cable._fields
        if name not in ("spike_threshold", "spike_rearm")
    }
    if not sheathed:
        none = np.zeros(0)
        fields |= {"sheath_capacitance": none, "sheath_conductance": none, "sheath_axial": none}
    return Cable(
        **fields, spike_threshold=parts[0].spike_threshold, spike_rearm=parts[0].spike_rearm
    )
