"""Release sites of synapses as the arrays that kernels run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv

from stochhh.circuit.build import Network
from stochhh.circuit.network import Cohorts, Floats, MeanSynapses, Sites, Synapses, starts
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.kinetics.tables import Graph
from stochhh.scenario.synapses import Synapse, Transmitter

_SHAPE = 2  # of the gamma law of the delay
_REARM_BELOW_MV = 20.0
_PORTIONS = 32  # of the vesicles of a spike in the mean field
#: Cohorts of a synapse that there is room for at first.
_SETTLED, _WAITING = 16, 4
COHORTS = _SETTLED + _WAITING


def build_synapses(
    network: Network, synapses: Sequence[Synapse], mean_field: bool, how: Mapping[str, int]
) -> Synapses:
    """Flatten synapses for kernels; in the mean field none of their sites is simulated."""
    sites = [synapse.release.sites for synapse in synapses]
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
        site_start=starts([0] * len(sites) if mean_field else sites),
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
        averaged=mean_field,
        sites=of(sites),
        portion=_portions(synapses),
    )


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


def begin_sites(occupancy: Floats, graph: Graph, share: Floats, rests: NDArray[np.bool_]) -> Sites:
    """State of all release sites at time zero: full, and no transmitter about.

    Receptors that open or change without transmitter move from the start.

    Parameters
    ----------
    occupancy : float64 (N, S), receptors of each site
    graph : of their schemes
    share : float64 (S,) conductance of a state relative to the receptor's
    rests : (S,) states a receptor leaves by binding only
    """
    n = len(occupancy)
    return Sites(
        full=np.ones(n),
        arrival=np.full(n, np.inf),
        spike=np.full(n, np.nan),
        refilled=np.zeros(n),
        slow=np.zeros(n),
        fast=np.zeros(n),
        active=(occupancy @ ~rests) > 0.0,
        occupancy=occupancy,
        class_weight=graph.weights(occupancy),
        hidden=occupancy.copy(),
        open=occupancy @ share,
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


def begin_mean(occupancy: Floats, opened: Floats) -> MeanSynapses:
    """State of all synapses of the mean field at time zero: full, and no transmitter about.

    Parameters
    ----------
    occupancy : float64 (Y, most states of a receptor), expected receptors of a site
    opened : float64 (Y,), of all sites
    """
    n = len(occupancy)
    settled = _no_cohorts(n, _SETTLED, occupancy.shape[1])
    first = np.arange(n) * _SETTLED
    settled.n[:] = 1
    settled.mass[first] = settled.full[first] = 1.0
    settled.first[first] = settled.last[first] = -np.inf
    settled.occupancy[first] = occupancy
    return MeanSynapses(
        settled=settled,
        waiting=_no_cohorts(n, _WAITING, occupancy.shape[1]),
        open=opened,
        transmitter=np.zeros(n),
        released=np.zeros((n, 2)),
    )


def with_more_room(mean: MeanSynapses) -> MeanSynapses:
    """The same with room for twice as many cohorts."""
    return mean._replace(settled=_widened(mean.settled), waiting=_widened(mean.waiting))


def _no_cohorts(n_synapses: int, room: int, n_states: int) -> Cohorts:
    n = n_synapses * room
    return Cohorts(
        n=np.zeros(n_synapses, dtype=np.int64),
        mass=np.zeros(n),
        full=np.zeros(n),
        first=np.zeros(n),
        last=np.zeros(n),
        sent=np.zeros(n, dtype=np.int64),
        slow=np.zeros(n),
        fast=np.zeros(n),
        occupancy=np.zeros((n, n_states)),
    )


def _widened(cohorts: Cohorts) -> Cohorts:
    n = len(cohorts.n)
    wide = {}
    for name, values in cohorts._asdict().items():
        if name != "n":
            by_synapse = values.reshape(n, -1, *values.shape[1:])
            doubled = np.concatenate([by_synapse, np.zeros_like(by_synapse)], axis=1)
            wide[name] = doubled.reshape(-1, *values.shape[1:])
    return cohorts._replace(**wide)


def _portions(synapses: Sequence[Synapse]) -> Floats:
    """Mean delay (ms) of each of equal parts of the law of the delay, (Y, P)."""
    least = np.array([float(s.release.delay_ms) for s in synapses])
    scale = np.array([float(s.release.delay_spread_ms) / _SHAPE for s in synapses])
    return np.asarray(least[:, None] + scale[:, None] * _standard_portions())


@cache
def _standard_portions() -> Floats:
    """Means of equal parts of a gamma law of scale 1: it times x is the law of one shape more."""
    edge = gammaincinv(_SHAPE, np.linspace(0.0, 1.0, _PORTIONS + 1))
    return np.asarray(_PORTIONS * _SHAPE * np.diff(gammainc(_SHAPE + 1, edge)))
