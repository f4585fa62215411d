"""How alike spike trains are: correlation and distances of all pairs of trials.

Each measure is an (n, n) matrix over trials. `pair_mean` makes one number of it, with an
interval: the jackknife over trials takes in that a trial has a part in many pairs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.jackknife import jackknifed
from stochhh.analysis.neo_trains import neo_trains, pyspike_trains
from stochhh.analysis.trains import checked_positive, checked_trains

Floats = NDArray[np.float64]

SIGMA_MS = 3.0
TAU_MS = 5.0
COST_PER_MS = 0.2

_FARTHEST = 13.0  # standard deviations, where a Gaussian of twice the variance is 4e-19
_ROUNDING = 1e-12  # of van Rossum's distance squared, for each spike


def schreiber_matrix(
    trains: Sequence[ArrayLike], duration_ms: float, sigma_ms: float = SIGMA_MS
) -> Floats:
    """Cosine between Gaussian-filtered spike trains (n, n), from 0 to 1.

    Schreiber et al. 2003, doi:10.1016/S0925-2312(02)00838-X. The inner product of two
    filtered trains is the sum of exp(-(t - t')² / 4σ²) over all pairs of spikes, here
    without sampling and without a cut at the ends of the trial. A trial without spikes
    counts as unlike all others (0), its like too.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    sigma_ms : standard deviation of the Gaussian: spikes within it count as alike
    """
    checked_positive("sigma_ms", sigma_ms, SIGMA_MS)
    arrays = checked_trains(trains, duration_ms)
    n = len(arrays)
    times = np.concatenate([*arrays, np.zeros(0)])
    owner = np.repeat(np.arange(n), [len(a) for a in arrays])
    order = np.argsort(times, kind="stable")
    times, owner = times[order], owner[order]
    product = np.diag(np.bincount(owner, minlength=n).astype(np.float64))
    for apart in range(1, len(times)):  # in rank; ends once all are too far apart in time
        gap = times[apart:] - times[:-apart]
        near = gap < _FARTHEST * sigma_ms
        if not near.any():
            break
        weight = np.exp(-((gap[near] / (2.0 * sigma_ms)) ** 2))
        pair = owner[apart:][near] * n + owner[:-apart][near]
        found = np.bincount(pair, weight, minlength=n * n).reshape(n, n)
        product += found + found.T
    norm = np.sqrt(np.diag(product))
    both = np.outer(norm, norm)
    return np.asarray(np.divide(product, both, out=np.zeros((n, n)), where=both > 0.0))


def victor_purpura_matrix(
    trains: Sequence[ArrayLike], duration_ms: float, cost_per_ms: float = COST_PER_MS
) -> Floats:
    """Victor & Purpura's distance (n, n), by Elephant.

    Least cost of turning one train into the other, 1 for a spike put in or taken out and
    `cost_per_ms` for each ms a spike is moved (1996, doi:10.1152/jn.1996.76.2.1310).

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    cost_per_ms : spikes within 2 / cost of one another are moved, others replaced
    """
    import quantities as pq
    from elephant.spike_train_dissimilarity import victor_purpura_distance

    checked_positive("cost_per_ms", cost_per_ms, COST_PER_MS)
    neo = neo_trains(trains, duration_ms)
    if not neo:
        return np.zeros((0, 0))
    found = victor_purpura_distance(neo, cost_factor=cost_per_ms / pq.ms, sort=False)
    return np.asarray(found, dtype=np.float64)


def van_rossum_matrix(
    trains: Sequence[ArrayLike], duration_ms: float, tau_ms: float = TAU_MS
) -> Floats:
    """Van Rossum's distance (n, n), by Elephant and in its scale.

    Distance of the trains filtered by a falling exponential, so scaled that it is 1
    between one spike and none: √2 of what van Rossum wrote (2001,
    doi:10.1162/089976601300014321).

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    tau_ms : time constant of the exponential
    """
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance

    checked_positive("tau_ms", tau_ms, TAU_MS)
    neo = neo_trains(trains, duration_ms)
    if not neo:
        return np.zeros((0, 0))
    with warnings.catch_warnings():
        # of rounding in the square of a distance that is zero
        warnings.filterwarnings("ignore", "van_rossum_distance: very small negative values")
        found = np.asarray(van_rossum_distance(neo, time_constant=tau_ms * pq.ms), np.float64)
    return np.where(found**2 <= _ROUNDING * (spikes_of_pairs(trains) + 1.0), 0.0, found)


def isi_distance_matrix(trains: Sequence[ArrayLike], duration_ms: float) -> Floats:
    """ISI-distance (n, n), 0 to 1, by PySpike (doi:10.1016/j.softx.2016.07.006).

    The mean over time of the relative difference of the present intervals (Kreuz et al.
    2007, doi:10.1016/j.jneumeth.2007.05.031). A trial without spikes counts as one
    interval.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from pyspike import isi_distance_matrix as measure

    return _by_pyspike(measure, trains, duration_ms)


def spike_distance_matrix(trains: Sequence[ArrayLike], duration_ms: float) -> Floats:
    """SPIKE-distance (n, n), 0 to 1, by PySpike.

    The mean over time of how far each train's present spikes are from the other's, in
    local intervals (Kreuz et al. 2013, doi:10.1152/jn.00873.2012).

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from pyspike import spike_distance_matrix as measure

    return _by_pyspike(measure, trains, duration_ms)


def spike_synchronization_matrix(trains: Sequence[ArrayLike], duration_ms: float) -> Floats:
    """SPIKE-synchronization (n, n), 0 to 1, by PySpike: share of spikes that coincide.

    Two spikes coincide that are nearer than half of every interval beside them (Kreuz,
    Mulansky & Bozanic 2015, doi:10.1152/jn.00848.2014). 1 between two trials without
    spikes.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from pyspike import spike_sync_matrix as measure

    return _by_pyspike(measure, trains, duration_ms)


def spikes_of_pairs(trains: Sequence[ArrayLike]) -> Floats:
    """Number of spikes of both trials of each pair, (n, n)."""
    counts = np.array([np.size(train) for train in trains], dtype=np.float64)
    return counts[:, None] + counts


def per_spike(matrix: Floats, trains: Sequence[ArrayLike]) -> Floats:
    """Matrix over the spikes of both trials of each pair; 0 where both have none."""
    spikes = spikes_of_pairs(trains)
    return np.asarray(np.divide(matrix, spikes, out=np.zeros(matrix.shape), where=spikes > 0.0))


def pair_mean(
    matrix: Floats,
    weights: Floats | None = None,
    lowest: float = 0.0,
    highest: float = np.inf,
) -> Estimate:
    """Mean over pairs of different trials, with a jackknife interval over trials.

    None of fewer than two trials, or where no pair has a weight.

    Parameters
    ----------
    matrix : (n, n) symmetric
    weights : (n, n) of each pair; by default all the same
    lowest, highest : what the measure can be
    """
    n = len(matrix)
    weight = np.ones((n, n)) if weights is None else np.array(weights, dtype=np.float64)
    np.fill_diagonal(weight, 0.0)
    terms = weight * matrix
    total, mass = terms.sum(), weight.sum()
    if not mass > 0.0:
        return Estimate(None)
    with np.errstate(invalid="ignore", divide="ignore"):
        left_out = (total - 2.0 * terms.sum(axis=0)) / (mass - 2.0 * weight.sum(axis=0))
    return jackknifed(float(total / mass), left_out, lowest=lowest, highest=highest)


def _by_pyspike(
    measure: Callable[[list[Any]], Floats], trains: Sequence[ArrayLike], duration_ms: float
) -> Floats:
    if not trains:
        return np.zeros((0, 0))
    return np.asarray(measure(pyspike_trains(trains, duration_ms)), dtype=np.float64)
