"""Vector strength: how firmly spikes keep to a phase of a periodic stimulus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.spikes import CONFIDENCE, Estimate
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_FEWEST_TRIALS = 5  # whose scatter gives an interval


@dataclass(frozen=True)
class PhaseLocking:
    """Phase locking of spikes.

    Attributes
    ----------
    vector_strength : length of the mean of unit vectors at the spikes' phases, 0 to 1.
    phase_cycles : direction of that mean, in cycles from 0 to 1.
    n_spikes : number of spikes.
    p_value : Rayleigh's, of so large a strength from independent spikes at any phase.
    """

    vector_strength: Estimate
    phase_cycles: float | None
    n_spikes: int
    p_value: float | None


def phase_locking(
    trains: Sequence[Floats], period_ms: float, start_ms: float = 0.0, stop_ms: float = np.inf
) -> PhaseLocking:
    """Vector strength (Goldberg & Brown 1969, doi:10.1152/jn.1969.32.4.613).

    Its interval is from a jackknife over trials, on the scale of the inverse
    hyperbolic tangent; with fewer than 5 trials that fired there is none. Rayleigh's
    p-value is Wilkie's approximation (1983, doi:10.2307/2347954), right to a few per
    cent from 10 spikes on.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    period_ms : of the stimulus
    start_ms, stop_ms : spikes in [start, stop) count; phase 0 is at the start

    Raises
    ------
    InputError
        A period not above zero.
    """
    from scipy.special import stdtrit

    if not 0.0 < period_ms < np.inf:
        raise InputError(f"period_ms: {period_ms:g}; need a time above zero, as in 10")
    sums, counts = [], []
    for train in trains:
        times = np.asarray(train, dtype=np.float64)
        times = times[(times >= start_ms) & (times < stop_ms)] - start_ms
        if len(times):
            sums.append(np.exp(2j * np.pi * times / period_ms).sum())
            counts.append(len(times))
    n = sum(counts)
    if n == 0:
        return PhaseLocking(Estimate(None), None, 0, None)
    vectors, spikes = np.array(sums), np.array(counts)
    total = vectors.sum()
    strength = min(float(abs(total)) / n, 1.0)
    phase = float(np.angle(total) / (2.0 * np.pi) % 1.0)
    interval = None
    if len(spikes) >= _FEWEST_TRIALS and strength < 1.0:
        left_out = np.arctanh(np.minimum(np.abs(total - vectors) / (n - spikes), 1.0 - 1e-12))
        m = len(spikes)
        error = np.sqrt((m - 1) / m * np.sum((left_out - left_out.mean()) ** 2))
        reach = float(stdtrit(m - 1, 0.5 + CONFIDENCE / 2)) * error
        centre = np.arctanh(min(strength, 1.0 - 1e-12))
        interval = (max(0.0, float(np.tanh(centre - reach))), float(np.tanh(centre + reach)))
    unexplained = 4.0 * n**2 * (1.0 - strength**2)
    p_value = min(1.0, float(np.exp(np.sqrt(1.0 + 4.0 * n + unexplained) - (1.0 + 2.0 * n))))
    return PhaseLocking(Estimate(strength, interval), phase, n, p_value)
