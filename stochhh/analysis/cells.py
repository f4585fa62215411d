"""Where the compartments of a circuit's result lie, when spikes passed them, and its vesicles.

What is asked of every cell or synapse is sorted once for all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FREE = (0.55, 0.85)  # of the way from a start at an end
_INSIDE = (0.45, 0.65)  # of the rest of the way from a start further in
_NODES = (0.4, 0.85)  # of the way, of nodes whose passages make a slope
_AT_END = 0.1  # of the way: a start as near to an end is at it
_LEAST_PART = 0.1  # of the way between two places of a velocity
_SHORTEST_REST = 0.25  # of the way, to the end that an impulse travels to
_FEWEST_INTERNODES = 3  # without channels, of a chain of nodes
_NEAR = 0.05  # of the way: so much may an impulse leave out before such a place


class Path(NamedTuple):
    """The way from the start of a cell to its farthest tip. P compartments."""

    cell: str
    compartment: Ints  # (P,)
    position_um: Floats  # (P,) from the start
    nodes: Ints  # of them those between myelin, where there is any; else all

    def only(self, kept: Ints) -> Path:
        """The same way at some of its places, given by their indices."""
        return Path(self.cell, self.compartment[kept], self.position_um[kept], np.arange(len(kept)))

    @property
    def is_cable(self) -> bool:
        """Whether there is anything to travel along."""
        return len(self.compartment) > 1


def cell_names(data: xr.Dataset) -> list[str]:
    """Names of the cells, in order."""
    return list(dict.fromkeys(str(name) for name in data["cell"].values))


def main_path(data: xr.Dataset, cell: str) -> Path:
    """Path from the start of a cell to its farthest tip."""
    return _path(data, cell, np.nonzero(data["cell"].values == cell)[0])


def branches(data: xr.Dataset, main: Path, own: Ints | None = None) -> list[Path]:
    """The way to every tip of a cell, the farthest tip first; there is no other way without a fork.

    Each but the first, which is the cell's main path, begins at the fork where it leaves
    those before it.

    Parameters
    ----------
    data : of one point of a circuit's result
    main : of `main_path`
    own : compartments of the cell, where they are known
    """
    own = np.nonzero(data["cell"].values == main.cell)[0] if own is None else own
    if len(own) == len(main.compartment):
        return [main]
    parent, position = data["parent"].values, data["position"].values
    tips = own[~np.isin(own, parent[own])]
    seen, found = set(main.compartment.tolist()), [main]
    for tip in tips[np.argsort(-position[tips], kind="stable")]:
        way = [int(tip)]
        while way[-1] not in seen:
            seen.add(way[-1])
            way.append(int(parent[way[-1]]))
        if len(way) > 1:
            compartment = np.array(way[::-1])
            nodes = _nodes(data, compartment)
            found.append(Path(main.cell, compartment, position[compartment], nodes))
    return found


def tip_of(data: xr.Dataset, path: Path) -> str:
    """Name of the section at whose end a path ends."""
    return str(data["section"].values[path.compartment[-1]])


def compartments_of(data: xr.Dataset) -> dict[str, Ints]:
    """Compartments of each cell, by its name and in order."""
    cells = data["cell"].values.astype(str)
    _, first, index = np.unique(cells, return_index=True, return_inverse=True)
    order = np.argsort(first[index], kind="stable")
    ends = np.flatnonzero(np.diff(first[index][order])) + 1
    return {str(cells[own[0]]): own for own in np.split(order, ends) if len(own)}


def main_paths(data: xr.Dataset) -> dict[str, Path]:
    """Path of each cell, by its name and in order."""
    return {cell: _path(data, cell, own) for cell, own in compartments_of(data).items()}


def _path(data: xr.Dataset, cell: str, own: Ints) -> Path:
    parent, position = data["parent"].values, data["position"].values
    here = int(own[np.argmax(position[own])])
    way = []
    while here >= 0:
        way.append(here)
        here = int(parent[here])
    compartment = np.array(way[::-1])
    return Path(cell, compartment, position[compartment], _nodes(data, compartment))


def _nodes(data: xr.Dataset, way: Ints) -> Ints:
    """Indices along a way of what is not under myelin, or else of what has channels; or all."""
    everywhere = np.arange(len(way))
    if "sheathed" in data and data["sheathed"].values[way].any():
        return np.nonzero(data["sheathed"].values[way] == 0)[0]
    if "count" not in data:
        return everywhere
    bears = data["count"].values[way].sum(axis=1) > 0
    bare = ~bears & (data["length"].values[way] > 0.0)  # and no branching point
    n_bare = int(np.sum(np.diff(bare.astype(int), prepend=0) == 1))
    return np.nonzero(bears)[0] if n_bare >= _FEWEST_INTERNODES else everywhere


def is_uniform(data: xr.Dataset, path: Path) -> bool:
    """Whether diameter and density of channels are the same all along a path (to 1 %)."""
    way = path.compartment[data["area"].values[path.compartment] > 0.0]
    diameter, area = data["diameter"].values[way], data["area"].values[way]
    count = data["count"].values[way]
    expected = area[:, None] / area.sum() * count.sum(axis=0)
    close = np.abs(count - expected) <= 1.5 + 0.01 * expected  # whole numbers
    return bool(diameter.max() <= 1.01 * diameter.min() and close.all())


def places_of(data: xr.Dataset, path: Path) -> Ints:
    """Indices along dim ``place`` of those compartments of a path that were recorded, in order."""
    recorded = {int(c): index for index, c in enumerate(data["place_compartment"].values)}
    return np.array([recorded[int(c)] for c in path.compartment if int(c) in recorded], dtype=int)


class Passages:
    """Times (ms) at which spikes passed the compartments of a circuit.

    Parameters
    ----------
    data : of one point
    deterministic : those of the deterministic limit, as of one trial
    """

    def __init__(self, data: xr.Dataset, deterministic: bool = False) -> None:
        prefix = "deterministic_" if deterministic else ""
        times = data[f"{prefix}spike_time"].values
        compartment = data[f"{prefix}spike_compartment"].values
        trials = np.zeros(1) if deterministic else data["trial"].values
        owner = np.zeros(len(times)) if deterministic else data["spike_trial"].values
        order = np.lexsort((owner, compartment))
        self._times, self._owner = times[order], owner[order]
        self._compartment, self._trials = compartment[order], trials

    def at(self, compartment: int) -> list[Floats]:
        """Those at one compartment, for each trial."""
        first, last = np.searchsorted(self._compartment, [compartment, compartment + 1])
        owner, times = self._owner[first:last], self._times[first:last]
        begin = np.searchsorted(owner, self._trials, side="left")
        end = np.searchsorted(owner, self._trials, side="right")
        return [times[a:b] for a, b in zip(begin, end, strict=True)]


def passages(data: xr.Dataset, compartment: int, deterministic: bool = False) -> list[Floats]:
    """Times (ms) at which spikes passed a compartment, for each trial; of many use `Passages`."""
    return Passages(data, deterministic).at(compartment)


def vesicles(data: xr.Dataset) -> tuple[Floats, Floats]:
    """Vesicles released by spikes and without one, of each trial and synapse, (trials, Y)."""
    trials, owner = data["trial"].values, data["release_trial"].values
    n_synapses = data.sizes["synapse"]
    row, synapse = np.searchsorted(trials, owner), data["release_synapse"].values
    kind = np.where(np.isfinite(data["release_spike"].values), 0, 1)
    counts = np.zeros((2, len(trials), n_synapses))
    there = np.isin(owner, trials) & (synapse >= 0) & (synapse < n_synapses)
    np.add.at(counts, (kind[there], row[there], synapse[there]), 1.0)
    return counts[0], counts[1]


def first_passages(data: xr.Dataset, path: Path, deterministic: bool = False) -> Floats:
    """Time (ms) at which the first spike passed each compartment of a path.

    Shape (trials, P), or (P,) for the deterministic limit; NaN where none did.
    """
    prefix = "deterministic_" if deterministic else ""
    times = data[f"{prefix}spike_time"].values
    compartment = data[f"{prefix}spike_compartment"].values
    trials = data["trial"].values
    place = np.full(data.sizes["compartment"], -1)
    place[path.compartment] = np.arange(len(path.compartment))
    along = place[compartment]
    row = np.zeros(len(times), dtype=int)
    if not deterministic:
        row = np.searchsorted(trials, data["spike_trial"].values)
    first = np.full((1 if deterministic else len(trials), len(path.compartment)), np.inf)
    mine = along >= 0
    np.minimum.at(first, (row[mine], along[mine]), times[mine])
    first[np.isinf(first)] = np.nan
    return first[0] if deterministic else first


def velocity_m_per_s(path: Path, first_ms: Floats) -> Floats:
    """Conduction velocity of the first spike, where it travels freely.

    Between 55 and 85 % of the way, away from the end; where it began further in, between
    45 and 65 % of what lies before it. Of a myelinated axon the slope of the passages of its
    nodes from 40 to 85 %: between them, under myelin, there is no place of an impulse.

    Parameters
    ----------
    path : a cable
    first_ms : of `first_passages`, (..., P)

    Returns
    -------
    float64 (...), NaN where the spike did not pass both; negative for a spike that travels
    towards the start
    """
    rows = np.atleast_2d(first_ms)[:, path.nodes]
    part = path.position_um[path.nodes] / path.position_um[-1]
    between = len(path.nodes) < len(path.compartment)
    speeds = np.array([_velocity(part, row, between) for row in rows])
    speeds *= 1e-3 * path.position_um[-1]
    return np.asarray(speeds if first_ms.ndim > 1 else speeds[0])


def _velocity(part: Floats, first_ms: Floats, between_nodes: bool) -> float:
    """Velocity in ways a millisecond, from when it passed parts of the way."""
    passed = np.nonzero(np.isfinite(first_ms))[0]
    if len(passed) < 2:
        return np.nan
    begin = part[passed[np.argmin(first_ms[passed])]]
    if begin > 1.0 - _SHORTEST_REST:  # it travels the other way
        return -_velocity(1.0 - part[::-1], first_ms[::-1], between_nodes)
    window = np.array(_NODES if between_nodes else _FREE)
    if begin - part[0] > _AT_END:
        window = begin + (1.0 - begin) * np.array(_INSIDE)
    low, high = (part[np.argmin(np.abs(part - one))] for one in window)
    if part[passed[0]] > low + _NEAR or part[passed[-1]] < high - _NEAR:
        return np.nan  # it died on the way
    used = passed[(part[passed] >= window[0]) & (part[passed] <= window[1])]
    if not between_nodes or len(used) < 2:
        used = passed[[np.argmin(np.abs(part[passed] - one)) for one in window]]
    if part[used[-1]] - part[used[0]] <= _LEAST_PART * (1.0 - begin):
        return np.nan
    slope = (
        np.polyfit(part[used], first_ms[used], 1)[0]
        if len(used) > 2
        else ((first_ms[used[1]] - first_ms[used[0]]) / (part[used[1]] - part[used[0]]))
    )
    return float(1.0 / slope) if slope != 0.0 else np.nan
