"""How the time of the k-th spike scatters over trials, and how that scatter grows with k.

Under a constant current nothing but the membrane tells the time: the variances of
successive intervals add up, and spikes drift apart from trial to trial (Mainen &
Sejnowski 1995, doi:10.1126/science.7770778; Schneidman, Freedman & Segev 1998,
doi:10.1162/089976698300017089). A stimulus that fluctuates sets the clock again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.jackknife import jackknife, jackknifed
from stochhh.analysis.trains import checked_trains

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FEWEST_TRIALS = 3  # two of which are left when one is left out
_FEWEST_SPIKES = 2  # whose variances have a slope


@dataclass(frozen=True)
class SpikeJitter:
    """Scatter of the k-th spike of a trial over trials, for the K spikes that every trial has.

    A k-th spike that came in some trials only would be seen where it came early, and its
    scatter would look too small.

    Attributes
    ----------
    k : (K,) from 1.
    mean_ms : (K,) mean time.
    sd_ms : (K,) standard deviation over trials; NaN of fewer than 2.
    low_ms, high_ms : (K,) its 95 % interval, a jackknife over trials.
    growth_ms2 : what the variance gains with each spike, by least squares over all of
        them: for intervals that do not depend on one another the variance of one. None of
        fewer than 2 spikes. The interval is again a jackknife over trials, as all spikes
        of a trial share its past: approximate, it holds the truth in 88 % with 8 trials and
        in 92 % with 40.
    ratio : standard deviation of the last of these spikes over that of the first, its
        interval by the logarithm. None of fewer than 2 spikes, or where the first has none.
    """

    k: Ints
    mean_ms: Floats
    sd_ms: Floats
    low_ms: Floats
    high_ms: Floats
    growth_ms2: Estimate
    ratio: Estimate


def spike_jitter(trains: Sequence[ArrayLike], duration_ms: float) -> SpikeJitter:
    """Standard deviation over trials of the time of the k-th spike.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial

    Raises
    ------
    InputError
        Spike times that do not increase or lie outside the trial.
    """
    arrays = checked_trains(trains, duration_ms)
    n, shared = len(arrays), min((len(a) for a in arrays), default=0)
    times = np.array([a[:shared] for a in arrays]).reshape(n, shared)
    k = np.arange(1, shared + 1)
    nothing = np.full(shared, np.nan)
    if n < _FEWEST_TRIALS:
        mean = times.mean(axis=0) if n else nothing
        sd = times.std(axis=0, ddof=1) if n > 1 else nothing
        return SpikeJitter(k, mean, sd, nothing, nothing, Estimate(None), Estimate(None))
    variance, left_out = _variances(times)
    low, high = jackknife(np.sqrt(variance), np.sqrt(left_out), logarithmic=True)
    growth = ratio = Estimate(None)
    if shared >= _FEWEST_SPIKES:
        growth = jackknifed(float(_slope(k, variance)), _slope(k, left_out))
        whole, others = _ratios(variance), _ratios(left_out)
        ratio = jackknifed(float(whole), others, logarithmic=True)
    return SpikeJitter(k, times.mean(axis=0), np.sqrt(variance), low, high, growth, ratio)


def _variances(times: Floats) -> tuple[Floats, Floats]:
    """Unbiased variances over trials (K,), and with each trial left out (trials, K)."""
    n = len(times)
    since = times - times[:1]  # zero, not nearly, where all are the same
    away = since - since.mean(axis=0)
    squares = (away**2).sum(axis=0)
    # without a trial the mean moves by away / (n - 1)
    remaining = np.maximum(squares - away**2 * n / (n - 1), 0.0)
    return squares / (n - 1), remaining / (n - 2)


def _ratios(variance: Floats) -> Floats:
    """Last standard deviation over the first, along the last axis; NaN over none."""
    first, last = variance[..., 0], variance[..., -1]
    return np.asarray(np.sqrt(last / np.where(first > 0.0, first, np.nan)))


def _slope(k: Ints, values: Floats) -> Floats:
    """Slope of a straight line through values along the last axis."""
    away = k - k.mean()
    return np.asarray(values @ away / (away @ away))
