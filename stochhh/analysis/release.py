"""What release sites are expected to do at given spikes: how many are full, and release.

Sites are alike and independent, so with the times of the spikes given the number of
vesicles of a spike is binomial, of all sites with the chance to be full times that to
release. Chances follow from how long a site stays empty (del Castillo & Katz 1954,
doi:10.1113/jphysiol.1954.sp005129, for release; its depletion as renewal).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

Floats = NDArray[np.float64]

_SHAPE = 2  # of the gamma law of the delay
_PARTS = 100  # of the law of the delay
_GRID = 200  # points between spikes


class Sites(NamedTuple):
    """Release sites of a synapse."""

    number: int
    probability: float  # that a full one releases at a spike
    delay_ms: float
    spread_ms: float  # mean of what comes on top
    refill_ms: float  # mean, from when the vesicle is out
    spontaneous: float  # 1/ms of a full site


def full_share(sites: Sites, spike_ms: Floats) -> Floats:
    """Share of sites expected to hold a vesicle at each of the spikes of one trial, (n,).

    All are full at time zero. A site that released at an earlier spike is empty until its
    vesicle is out and another has come; what it does once it is full again counts anew.
    """
    share = (np.arange(_PARTS) + 0.5) / _PARTS
    out = sites.delay_ms + 0.5 * sites.spread_ms * gammaincinv(_SHAPE, share)

    def still_empty(since: Floats) -> Floats:
        waited = np.maximum(since[..., None] - out, 0.0)
        return np.asarray(np.exp(-waited / sites.refill_ms).mean(axis=-1))

    rate = sites.spontaneous + 1.0 / sites.refill_ms
    full = np.ones(len(spike_ms))
    by_themselves, before = 0.0, 0.0
    for k, now in enumerate(spike_ms):
        used = sites.probability * full[:k]

        def evoked(times: Floats, k: int = k, used: Floats = used) -> Floats:
            return still_empty(times[:, None] - spike_ms[:k]) @ used

        if sites.spontaneous > 0.0:
            grid = np.linspace(before, now, _GRID)
            emptied = (1.0 - evoked(grid)) * np.exp(-rate * (now - grid))
            by_themselves *= np.exp(-rate * (now - before))
            by_themselves += sites.spontaneous * float(np.trapezoid(emptied, grid))
        full[k] = 1.0 - by_themselves - float(evoked(np.array([now]))[0])
        before = float(now)
    return full


class Expected(NamedTuple):
    """What counting the vesicles of many spikes is expected to give."""

    mean: float
    variance: float  # over spikes, of which each may find other sites full
    failures: float  # share of spikes that release nothing


def expected_counts(sites: Sites, full: Floats) -> Expected:
    """Mean, variance and failures of the vesicles of spikes that find shares `full`, (n,)."""
    chance = sites.probability * full
    mean = sites.number * chance
    within = sites.number * chance * (1.0 - chance)
    return Expected(
        float(mean.mean()),
        float(within.mean() + mean.var()),
        float(((1.0 - chance) ** sites.number).mean()),
    )


def count_law(sites: Sites, full: Floats, numbers: NDArray[Any]) -> Floats:
    """Probability of each of some numbers of vesicles, over all spikes."""
    from scipy.stats import binom

    chance = sites.probability * full
    return np.asarray(binom.pmf(numbers[:, None], sites.number, chance[None, :]).mean(axis=1))


def vesicles_of_spikes(spike_ms: Floats, released_ms: Floats, window_ms: float) -> Floats:
    """Number of vesicles of each spike of one trial, (n,), and last of none of them.

    A terminal releases when it passes the threshold of release, which need not be that of
    spikes. So each vesicle goes to the spike nearest to the moment its terminal passed, if
    that lies within `window_ms`.

    Parameters
    ----------
    spike_ms : (n,) in order
    released_ms : of each vesicle the moment its terminal passed the threshold of release

    Returns
    -------
    float64 (n + 1,)
    """
    n = len(spike_ms)
    if n == 0:
        return np.array([float(len(released_ms))])
    after = np.clip(np.searchsorted(spike_ms, released_ms), 1, n - 1) if n > 1 else 0
    before = np.maximum(np.asarray(after) - 1, 0)
    nearer = np.abs(spike_ms[after] - released_ms) < np.abs(spike_ms[before] - released_ms)
    owner = np.where(nearer, after, before)
    owner = np.where(np.abs(spike_ms[owner] - released_ms) <= window_ms, owner, n)
    return np.bincount(owner, minlength=n + 1).astype(float)
