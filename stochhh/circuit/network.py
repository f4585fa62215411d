"""A circuit as the flat arrays that kernels run on.

C compartments of all cells, K kinds of channels (receptors last), S states of all
kinds, Y synapses, N release sites.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Cable(NamedTuple):
    """Compartments of all cells, each cell's parents before their children."""

    parent: Ints  # (C,) -1 where a cell starts
    axial: Floats  # (C,) nS to the parent
    capacitance: Floats  # (C,) pF
    leak: Floats  # (C,) nS
    leak_drive: Floats  # (C,) pA, leak times its reversal potential
    end: Floats  # (C,) nS to the bath through cut ends
    sheath_capacitance: Floats  # (C,) pF of the myelin; empty where no cell has any
    sheath_conductance: Floats  # (C,) nS of the myelin; likewise
    sheath_axial: Floats  # (C,) nS to the parent through the periaxonal space; likewise
    spike_threshold: float  # mV
    spike_rearm: float  # mV


class Pools(NamedTuple):
    """Channels of one kind in one compartment each; those of compartment c lie in a row."""

    start: Ints  # (C + 1,)
    kind: Ints  # (pools,)
    how: Ints  # (pools,) codes of `stochhh.kernels.stepped`
    conductance: Floats  # (pools,) nS of one channel
    reversal: Floats  # (pools,) mV


class Synapses(NamedTuple):
    """Terminals, their sites, and the receptors that face each site."""

    source: Ints  # (Y,) compartment of the terminal
    target: Ints  # (Y,) compartment of the receptors
    threshold: Floats  # (Y,) mV
    rearm: Floats  # (Y,) mV
    site_start: Ints  # (Y + 1,)
    probability: Floats  # (Y,)
    delay: Floats  # (Y,) ms
    spread: Floats  # (Y,) ms
    refill: Floats  # (Y,) ms
    spontaneous: Floats  # (Y,) 1/ms of the whole synapse
    amplitude: Floats  # (Y,) mM of each of the two exponentials of a vesicle
    decay: Floats  # (Y,) ms
    rise: Floats  # (Y,) ms, 0 for none
    kind: Ints  # (Y,) of the receptors
    how: Ints  # (Y,)
    conductance: Floats  # (Y,) nS of one receptor
    reversal: Floats  # (Y,) mV
    binds: NDArray[np.bool_]  # (R,) rate classes that are proportional to the concentration
    rests: NDArray[np.bool_]  # (S,) states a receptor leaves by binding only
    averaged: bool  # mean field: no sites, but these
    sites: Floats  # (Y,) how many there are
    portion: Floats  # (Y, P) ms, delays of equal portions of the vesicles of a spike


class Injection(NamedTuple):
    """Currents of one trial: each is held between breakpoints and spread over compartments."""

    piece_start: Ints  # (J + 1,) pieces of current j
    end: Floats  # (pieces,) ms
    current: Floats  # (pieces,) pA
    share_start: Ints  # (J + 1,) compartments of current j
    compartment: Ints  # where
    share: Floats  # of the current that each takes


class Inputs(NamedTuple):
    """Conductances that open at the times of one trial's events."""

    compartment: Ints  # (Q,)
    amplitude: Floats  # (Q,) nS of each of the two exponentials
    decay: Floats  # (Q,) ms
    rise: Floats  # (Q,) ms, 0 for none
    reversal: Floats  # (Q,) mV
    event_start: Ints  # (Q + 1,)
    event: Floats  # ms, increasing for each input


class Sites(NamedTuple):
    """State of release sites and the receptors that face them."""

    full: Floats  # (N,) 1 with a vesicle, 0 without
    arrival: Floats  # (N,) ms when it is out, infinity for none
    spike: Floats  # (N,) ms of the spike that released it; NaN: none did
    refilled: Floats  # (N,) ms when an empty site is full again
    slow: Floats  # (N,) mM, exponentials of the transmitter
    fast: Floats  # (N,)
    active: NDArray[np.bool_]  # (N,) whether receptors may move
    occupancy: Floats  # (N, S)
    class_weight: Floats  # (N, R)
    hidden: Floats  # (N, S)
    open: Floats  # (N,) receptors that conduct


class Cohorts(NamedTuple):
    """Sites that released together, in the mean field: at most M cohorts a synapse.

    Those of synapse y are ``y * M`` to ``y * M + n[y] - 1``. Numbers are shares of all sites of
    the synapse, or multiplied by that of the cohort.
    """

    n: Ints  # (Y,)
    mass: Floats  # (Y * M,) sites
    full: Floats  # (Y * M,) sites that hold a vesicle
    first: Floats  # (Y * M,) ms of their first release, minus infinity for none
    last: Floats  # (Y * M,) ms of the last
    sent: Ints  # (Y * M,) portions of the delay that are over
    slow: Floats  # (Y * M,) mM, exponentials of the transmitter
    fast: Floats  # (Y * M,)
    occupancy: Floats  # (Y * M, most states of a receptor) receptors of a site


class MeanSynapses(NamedTuple):
    """State of synapses in the mean field."""

    settled: Cohorts  # since their last vesicle was out; first those that never released
    waiting: Cohorts  # whose vesicles are on their way, since the spike
    open: Floats  # (Y,) receptors that conduct
    transmitter: Floats  # (Y,) mM, mean over sites
    released: Floats  # (Y, 2) vesicles so far: by spikes, spontaneously


#: Scalars of a running trial.
CLOCK = np.dtype(
    [
        ("step", "i8"),  # next to take, counted from the origin
        ("origin", "f8"),  # ms
        ("spikes", "i8"),  # numbers of entries in buffers
        ("releases", "i8"),
        ("transitions", "i8"),
        ("injected", "f8"),  # fC
        ("ionic", "f8"),  # fC moved outward through channels, leak, cut ends and inputs
        ("off_table", "f8"),  # mV, the voltage that left the tables
    ]
)


class State(NamedTuple):
    """State of a running trial."""

    voltage: Floats  # (C,) mV, of the membrane
    space: Floats  # (C or 0,) mV, of the periaxonal space
    occupancy: Floats  # (C, S) channels in each state
    class_weight: Floats  # (C, R) multiplicity-weighted occupancy of each rate class
    hidden: Floats  # (C, S) occupancy before truncation, for diffusions
    armed: NDArray[np.bool_]  # (C,)
    terminal_armed: NDArray[np.bool_]  # (Y,)
    next_spontaneous: Floats  # (Y,) ms
    sites: Sites
    mean: MeanSynapses
    piece: Ints  # (J,) of each current
    next_event: Ints  # (Q,) of each input
    input_slow: Floats  # (Q,) nS
    input_fast: Floats  # (Q,)
    charge: Floats  # (K,) fC moved outward by each kind of channel
    clock: NDArray[np.void]  # (1,) of CLOCK


class CircuitRecords(NamedTuple):
    """What is written at each record time, of W compartments. Empty arrays are not written."""

    every: int  # steps
    where: Ints  # (W,)
    voltage: Floats  # (n, W) mV
    open: Floats  # (n, W, channel kinds) channels that conduct
    receptor_open: Floats  # (n, Y)
    transmitter: Floats  # (n, Y) mM, mean over sites


class SpikeBuffer(NamedTuple):
    """Upward crossings of the threshold."""

    time: Floats
    compartment: Ints


class ReleaseBuffer(NamedTuple):
    """Vesicles released."""

    time: Floats
    site: Ints
    spike: Floats


def spike_buffer(n: int) -> SpikeBuffer:
    """Allocate room for n crossings."""
    return SpikeBuffer(np.zeros(n), np.zeros(n, dtype=np.int64))


def release_buffer(n: int) -> ReleaseBuffer:
    """Allocate room for n vesicles."""
    return ReleaseBuffer(np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n))


def starts(lengths: Any) -> Ints:
    """Offsets of groups of the given lengths that lie behind each other."""
    return np.concatenate([[0], np.cumsum(np.asarray(lengths, dtype=np.int64))]).astype(np.int64)
