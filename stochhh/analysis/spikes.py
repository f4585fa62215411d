"""Firing rate, first spikes and intervals of spike trains. Times in ms, rates in Hz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate, count_estimate

Floats = NDArray[np.float64]


def firing_rate_hz(trains: Sequence[Floats], duration_ms: float) -> Estimate:
    """Mean firing rate over trials, with the interval of their counts (`count_estimate`).

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    found = count_estimate([len(train) for train in trains])
    if found.value is None or found.interval is None:
        return found
    hz = 1e3 / duration_ms
    return Estimate(hz * found.value, (hz * found.interval[0], hz * found.interval[1]))


def interspike_intervals_ms(trains: Sequence[Floats]) -> Floats:
    """All intervals between successive spikes, trial after trial, shape (n,)."""
    return np.concatenate([np.diff(train) for train in trains] or [np.zeros(0)])


def first_spike_ms(trains: Sequence[Floats]) -> Floats:
    """First spike time of each trial, NaN where there is none, shape (trials,)."""
    return np.array([train[0] if len(train) else np.nan for train in trains])
