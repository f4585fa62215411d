"""Spikes under a periodic stimulus: how many a period, and at what phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.phase_locking import PhaseLocking, phase_locking
from stochhh.analysis.spikes import firing_rate_hz

Floats = NDArray[np.float64]

FEWEST = 20  # spikes of which anything is said about their phase


class LockedPoint(NamedTuple):
    """Spikes under one periodic stimulus.

    Attributes
    ----------
    period_ms, n_periods, n_trials : what was counted.
    spikes_per_period : with the interval of a firing rate.
    locking : vector strength, phase and Rayleigh's test.
    histogram : (B,) spikes by phase, in bins from 0 to 1 cycle.
    limit_spikes, limit_strength : spikes a period and vector strength of the
        deterministic membrane; None where they are not known, or there are no spikes.
    """

    period_ms: float
    n_periods: int
    n_trials: int
    spikes_per_period: Estimate
    locking: PhaseLocking
    histogram: NDArray[np.int64]
    limit_spikes: float | None
    limit_strength: float | None

    @property
    def tells(self) -> bool:
        """Whether there are enough spikes to say anything about their phase."""
        return self.locking.n_spikes >= FEWEST


def locked_point(
    trains: Sequence[Floats],
    period_ms: float,
    window_ms: tuple[float, float],
    n_bins: int = 20,
    deterministic: Sequence[Floats] | None = None,
) -> LockedPoint:
    """Spikes a period, vector strength and period histogram of many trials.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    period_ms : of the stimulus
    window_ms : start, at phase 0, and end of whole periods that count
    n_bins : of the histogram
    deterministic : the train of the deterministic membrane, one alone
    """
    start, stop = window_ms
    inside = [train[(train >= start) & (train < stop)] for train in trains]
    every = np.concatenate([*inside, np.zeros(0)])
    bins = np.floor(((every - start) / period_ms % 1.0) * n_bins).astype(np.int64)
    histogram = np.bincount(np.minimum(bins, n_bins - 1), minlength=n_bins)
    rate = firing_rate_hz(inside, stop - start)
    limit = None if deterministic is None else phase_locking(deterministic, period_ms, start, stop)
    n_periods = round((stop - start) / period_ms)
    return LockedPoint(
        period_ms=period_ms,
        n_periods=n_periods,
        n_trials=len(trains),
        spikes_per_period=_scaled(rate, 1e-3 * period_ms),
        locking=phase_locking(trains, period_ms, start, stop),
        histogram=histogram,
        limit_spikes=None if limit is None else limit.n_spikes / n_periods,
        limit_strength=None if limit is None else limit.vector_strength.value,
    )


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    if estimate.value is None:
        return estimate
    ends = estimate.interval
    interval = None if ends is None else (ends[0] * factor, ends[1] * factor)
    return Estimate(estimate.value * factor, interval)
