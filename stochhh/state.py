"""The arrays a trial lives in: its state, which kernels change, and the buffers they fill."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stochhh.kinetics.tables import Bands, Graph
from stochhh.membrane import Membrane, Patch
from stochhh.stimulus import Breakpoints

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Scalars of a running trial; what kernels carry in registers between calls.
CLOCK = np.dtype(
    [
        ("time", "f8"),  # ms
        ("voltage", "f8"),  # mV
        ("hazard", "f8"),  # what is left of the unit exponential drawn for the next candidate
        ("bound", "f8"),  # bounding propensity (1/ms), negative where it must be summed anew
        ("conductance", "f8"),  # nS, of the whole membrane
        ("drive", "f8"),  # pA, sum of conductance times reversal potential
        ("settled_time", "f8"),  # ms, up to which charges are booked
        ("settled_voltage", "f8"),  # mV, then
        ("settled_slope", "f8"),  # mV/ms, then
        ("highest", "f8"),  # mV, so far
        ("lowest", "f8"),
        ("band", "i8"),  # of the voltage
        ("segment", "i8"),  # of the stimulus
        ("armed", "i8"),  # 1 if the next upward crossing of the threshold is a spike
        ("spikes", "i8"),  # numbers of entries in buffers
        ("flips", "i8"),
        ("recorded", "i8"),
        ("transitions", "i8"),  # counters
        ("rejected", "i8"),
        ("crossings", "i8"),
        ("held", "f8"),  # mV, voltage of the beginning of a step, for methods that have one
        ("steps", "i8"),  # taken
    ]
)


_MOST_HYPERGEOMETRIC = 10**9  # channels, from which numpy does not draw it any more


class PatchState(NamedTuple):
    """State of a membrane patch. S states, R rate classes, P populations and then the leak."""

    occupancy: NDArray[Any]  # (S,) channels in each state
    weight: Floats  # (R,) multiplicity-weighted occupancy of each rate class
    open_conductance: Floats  # (P + 1,) nS
    charge: Floats  # (P + 1,) fC moved outward
    clock: NDArray[np.void]  # (1,) of CLOCK


class SteppedState(NamedTuple):
    """State of a membrane patch. S states, R rate classes, G gates, P populations, the leak."""

    occupancy: Floats  # (S,) channels in each state
    weight: Floats  # (R,) multiplicity-weighted occupancy of each rate class
    hidden: Floats  # (S,) occupancy before truncation, for diffusions
    gates: Floats  # (G,) open fraction of each gate, for diffusions of gates
    open_conductance: Floats  # (P + 1,) nS
    charge: Floats  # (P + 1,) fC moved outward
    clock: NDArray[np.void]  # (1,) of CLOCK


class Records(NamedTuple):
    """Buffer of what is written at each record time. Empty arrays are not written.

    `time` has one entry more than there are rows: the first time of the next
    buffer, at which a kernel stops, or infinity in the last one.
    """

    time: Floats  # (n + 1,) ms
    voltage: Floats  # (n,) mV
    open: NDArray[Any]  # (n, P) channels that conduct
    conductance: Floats  # (n, P) nS
    charge: Floats  # (n or 0, P + 1) fC
    occupancy: NDArray[Any]  # (n or 0, S)


class Tags(NamedTuple):
    """Which channels are followed one by one. K tagged channels."""

    channel_state: Ints  # (K,) state of each
    in_state: Ints  # (S,) how many of them each state holds
    member: Ints  # (S, K) their numbers, the first `in_state` of a row


class Flips(NamedTuple):
    """Buffer of the transitions of tagged channels."""

    time: Floats  # (n,) ms
    channel: Ints  # (n,)
    state: Ints  # (n,) entered


def begin(
    membrane: Membrane,
    patch: Patch,
    graph: Graph,
    bands: Bands,
    occupancy: Ints,
    voltage_mV: float,
    hazard: float,
    stimulus: Breakpoints,
) -> PatchState:
    """State of a patch at time zero, for the exact method."""
    open_conductance = _open_conductance(membrane, patch, occupancy)
    clock = np.zeros(1, dtype=CLOCK)
    _start(clock, patch, open_conductance, voltage_mV, stimulus)
    clock["hazard"] = hazard
    clock["bound"] = -1.0
    clock["band"] = np.searchsorted(bands.edge, voltage_mV, side="right") - 1
    return PatchState(
        occupancy=occupancy.astype(np.int64),
        weight=graph.weights(occupancy),
        open_conductance=open_conductance,
        charge=np.zeros(len(open_conductance)),
        clock=clock,
    )


def begin_stepped(
    membrane: Membrane,
    patch: Patch,
    graph: Graph,
    occupancy: Floats,
    gates: Floats,
    voltage_mV: float,
    stimulus: Breakpoints,
) -> SteppedState:
    """State of a patch at time zero, for methods with a step."""
    open_conductance = _open_conductance(membrane, patch, occupancy)
    clock = np.zeros(1, dtype=CLOCK)
    _start(clock, patch, open_conductance, voltage_mV, stimulus)
    clock["held"] = voltage_mV
    return SteppedState(
        occupancy=occupancy.astype(np.float64),
        weight=graph.weights(occupancy),
        hidden=occupancy.astype(np.float64),
        gates=gates,
        open_conductance=open_conductance,
        charge=np.zeros(len(open_conductance)),
        clock=clock,
    )


def _open_conductance(membrane: Membrane, patch: Patch, occupancy: NDArray[Any]) -> Floats:
    """Conductance of each population, and then of the leak, (P + 1,) nS."""
    per_state = patch.state_conductance * occupancy
    channels = np.bincount(patch.population, weights=per_state, minlength=len(membrane.populations))
    return np.append(channels, membrane.leak_nS)


def _start(
    clock: NDArray[np.void],
    patch: Patch,
    open_conductance: Floats,
    voltage_mV: float,
    stimulus: Breakpoints,
) -> None:
    """Set what clocks of all methods have in common to time zero."""
    clock["voltage"] = clock["settled_voltage"] = voltage_mV
    clock["highest"] = clock["lowest"] = voltage_mV
    clock["conductance"] = open_conductance.sum()
    clock["drive"] = open_conductance @ patch.reversal
    if len(stimulus.command):
        clock["settled_slope"] = stimulus.slope[0]
    else:
        inward = clock["drive"] + stimulus.current[0] - clock["conductance"] * voltage_mV
        clock["settled_slope"] = inward / patch.capacitance
        clock["armed"] = voltage_mV < patch.spike_threshold


def make_records(
    time_ms: Floats,
    n_states: int,
    n_populations: int,
    wanted: Sequence[str],
    dtype: DTypeLike = np.int64,
) -> Records:
    """Allocate the last, or only, buffer of records; charge and occupancy only if wanted.

    `dtype` is that of numbers of channels.
    """
    n = len(time_ms)
    return Records(
        time=np.append(time_ms, np.inf),
        voltage=np.zeros(n),
        open=np.zeros((n, n_populations), dtype=dtype),
        conductance=np.zeros((n, n_populations)),
        charge=np.zeros((n if "charge" in wanted else 0, n_populations + 1)),
        occupancy=np.zeros((n if "occupancy" in wanted else 0, n_states), dtype=dtype),
    )


def tag_channels(
    rng: np.random.Generator, occupancy: Ints, state_start: Ints, wanted: int | None
) -> Tags:
    """Choose channels to follow: `wanted` of each population, or all of them with None.

    The chosen ones are a uniform sample, so their states follow the multivariate
    hypergeometric law. Channels are numbered population by population.
    """
    states = []
    for first, last in pairwise(state_start):
        counts = occupancy[first:last]
        population = int(counts.sum())
        size = population if wanted is None else min(wanted, population)
        sample = _sample(rng, counts, size)
        states.append(rng.permutation(np.repeat(np.arange(first, last), sample)))
    channel_state = np.concatenate([*states, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    count = np.bincount(channel_state, minlength=len(occupancy)).astype(np.int64)
    member = np.zeros((len(occupancy), len(channel_state)), dtype=np.int64)
    for state in range(len(occupancy)):
        member[state, : count[state]] = np.nonzero(channel_state == state)[0]
    return Tags(channel_state, count, member)


def _sample(rng: np.random.Generator, counts: Ints, size: int) -> Ints:
    """Numbers of each kind among `size` of all, drawn without replacement."""
    population = int(counts.sum())
    if size == 0:
        return np.zeros_like(counts)
    if population < _MOST_HYPERGEOMETRIC:
        return rng.multivariate_hypergeometric(counts, size, method="marginals")
    chosen = np.zeros(0, dtype=np.int64)
    while len(chosen) < size:  # one drawn again is no new one, so every set is as likely
        more = rng.integers(population, size=size - len(chosen))
        chosen = np.unique(np.concatenate([chosen, more]))
    kinds = np.searchsorted(np.cumsum(counts), chosen, side="right")
    return np.bincount(kinds, minlength=len(counts)).astype(np.int64)


def make_flips(n: int) -> Flips:
    """Allocate a buffer for the transitions of tagged channels."""
    return Flips(np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))


def copy_flips(flips: Flips, n: int) -> Flips:
    """Copy the first n entries of a buffer."""
    return Flips(flips.time[:n].copy(), flips.channel[:n].copy(), flips.state[:n].copy())


def join_flips(parts: Sequence[Flips]) -> Flips:
    """Put buffers behind each other."""
    return Flips(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.channel for part in parts]),
        np.concatenate([part.state for part in parts]),
    )
