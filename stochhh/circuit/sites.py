"""Release sites of synapses as the arrays that kernels run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from scipy.stats import gamma

from stochhh.circuit.build import Network
from stochhh.circuit.network import Floats, Sites, Synapses, starts
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.kinetics.tables import Graph
from stochhh.scenario.synapses import Synapse, Transmitter

_SHAPE = 2  # of the gamma law of the delay
_REARM_BELOW_MV = 20.0
#: Sites of a synapse in the mean field at most; each then stands for several.
_MOST_AVERAGED = 32


def build_synapses(
    network: Network, synapses: Sequence[Synapse], mean_field: bool, how: Mapping[str, int]
) -> Synapses:
    """Flatten synapses for kernels.

    In the mean field a site stands for as many as it takes to make at most 32 of them.
    """
    sites = [n_sites(synapse, mean_field) for synapse in synapses]
    stands_for = [s.release.sites / n for s, n in zip(synapses, sites, strict=True)]
    amplitude = [pulse_amplitude(s.transmitter) for s in synapses]

    def of(values: Sequence[float]) -> Floats:
        return np.array([float(value) for value in values], dtype=np.float64)

    rises = [s.transmitter.rise_ms for s in synapses]
    methods = ["deterministic" if mean_field else s.receptors.method for s in synapses]
    return Synapses(
        source=network.synapse_source,
        target=network.synapse_target,
        threshold=of([s.release.threshold_mV for s in synapses]),
        rearm=of([float(s.release.threshold_mV) - _REARM_BELOW_MV for s in synapses]),
        site_start=starts(sites),
        probability=of([s.release.probability for s in synapses]),
        delay=of([s.release.delay_ms for s in synapses]),
        spread=of([s.release.delay_spread_ms for s in synapses]),
        refill=of([s.release.refill_ms for s in synapses]),
        spontaneous=of([s.release.spontaneous for s in synapses]),
        amplitude=of(amplitude),
        decay=of([s.transmitter.decay_ms for s in synapses]),
        rise=of([0.0 if rise is None else float(rise) for rise in rises]),
        kind=network.receptor_kind,
        how=np.array([how[method] for method in methods], dtype=np.int64),
        conductance=of([s.receptors.conductance_nS for s in synapses]),
        reversal=of([s.receptors.reversal_mV for s in synapses]),
        binds=np.array(
            [rate.law == "binding" for scheme in network.schemes for rate in scheme.rates],
            dtype=np.bool_,
        ),
        rests=np.array(
            [rests for scheme in network.schemes for rests in _rests(scheme)], dtype=np.bool_
        ),
        copies=of(stands_for),
        quantile=np.concatenate(
            [
                *(_delays(s, n) for s, n in zip(synapses, sites, strict=True) if mean_field),
                np.zeros(0),
            ]
        ),
        averaged=mean_field,
    )


def n_sites(synapse: Synapse, mean_field: bool) -> int:
    """How many sites of a synapse are simulated."""
    return min(synapse.release.sites, _MOST_AVERAGED) if mean_field else synapse.release.sites


def pulse_amplitude(transmitter: Transmitter) -> float:
    """Amplitude (mM) of each of the two exponentials whose difference has the given peak."""
    peak, decay = float(transmitter.peak_mM), float(transmitter.decay_ms)
    if transmitter.rise_ms is None:
        return peak
    return peak / peak_of_difference(decay, float(transmitter.rise_ms))


def peak_of_difference(decay_ms: float, rise_ms: float) -> float:
    """Largest value of exp(-t/decay) - exp(-t/rise)."""
    when = np.log(decay_ms / rise_ms) * decay_ms * rise_ms / (decay_ms - rise_ms)
    return float(np.exp(-when / decay_ms) - np.exp(-when / rise_ms))


def begin_sites(occupancy: Floats, graph: Graph) -> Sites:
    """State of all release sites at time zero: full, and no transmitter about.

    Parameters
    ----------
    occupancy : float64 (N, S), receptors of each site
    graph : of their schemes
    """
    n = len(occupancy)
    return Sites(
        full=np.ones(n),
        pending=np.zeros(n),
        arrival=np.full(n, np.inf),
        spike=np.full(n, np.nan),
        refilled=np.zeros(n),
        slow=np.zeros(n),
        fast=np.zeros(n),
        weight=np.ones(n),
        active=np.zeros(n, dtype=np.bool_),
        occupancy=occupancy,
        class_weight=graph.weights(occupancy),
        hidden=occupancy.copy(),
        open=np.zeros(n),
    )


def _rests(scheme: ChannelScheme) -> list[bool]:
    """For each state whether a channel leaves it by binding only."""
    return [
        all(
            scheme.rates[arrow.rate].law == "binding"
            for arrow in scheme.transitions
            if arrow.source == state
        )
        for state in range(len(scheme.states))
    ]


def _delays(synapse: Synapse, n: int) -> Floats:
    """Quantiles of the delay, one a site."""
    spread = float(synapse.release.delay_spread_ms) / _SHAPE
    return np.asarray(float(synapse.release.delay_ms) + spread * _quantiles(n))


@cache
def _quantiles(n: int) -> Floats:
    """Of the gamma law of scale 1, in the middle of n equal shares."""
    return np.asarray(gamma.ppf((np.arange(n) + 0.5) / n, _SHAPE))
