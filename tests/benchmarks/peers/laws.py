"""What firing and open counts are, with standard errors, and whether two laws differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from peers import squid
from peers.work import Floats, Held, Ints

#: Left out at the beginning of each trial (ms), while the patch leaves its resting state.
SETTLING_MS = 200.0
#: A law is called off below this p-value.
LEVEL = 1e-3
_FEWEST_INTERVALS = 10
_RESAMPLES = 400


@dataclass(frozen=True)
class Firing:
    """Rate and regularity of some trials.

    Attributes
    ----------
    rate_hz, rate_error : spikes a second; its standard error CV √N / T, that of a
        renewal process with these intervals, or √N / T where intervals are few.
    cv, cv_error : SD over mean of the intervals and its bootstrap error; None where
        intervals are few.
    spikes : counted.
    """

    rate_hz: float
    rate_error: float
    cv: float | None
    cv_error: float | None
    spikes: int


class Verdict(NamedTuple):
    """A difference relative to the reference, its standard error, and its p-value."""

    difference: float
    error: float
    p_value: float

    @property
    def off(self) -> bool:
        """Whether chance does not explain the difference."""
        return self.p_value < LEVEL


def firing(trains: Sequence[Floats], trial_ms: float) -> Firing | None:
    """Rate and regularity after the trials have settled; None of trials too short for it."""
    seen_s = len(trains) * (trial_ms - SETTLING_MS) / 1e3
    if trial_ms < 2.0 * SETTLING_MS:
        return None
    settled = [train[train >= SETTLING_MS] for train in trains]
    spikes = sum(len(train) for train in settled)
    intervals = np.concatenate([np.diff(train) for train in settled])
    rate = spikes / seen_s
    if len(intervals) < _FEWEST_INTERVALS:
        return Firing(rate, np.sqrt(max(spikes, 1)) / seen_s, None, None, spikes)
    cv = float(intervals.std(ddof=1) / intervals.mean())
    drawn = np.random.default_rng(0).choice(intervals, (_RESAMPLES, min(len(intervals), 5000)))
    spread = (drawn.std(axis=1, ddof=1) / drawn.mean(axis=1)).std()
    cv_error = float(spread * np.sqrt(drawn.shape[1] / len(intervals)))
    return Firing(rate, float(cv * np.sqrt(spikes) / seen_s), cv, cv_error, spikes)


def compare(one: Firing, reference: Firing) -> Verdict | None:
    """Relative difference of two rates by both standard errors; None where neither fired much."""
    if min(one.spikes, reference.spikes) < _FEWEST_INTERVALS:
        return None
    difference = one.rate_hz / reference.rate_hz - 1.0
    error = np.hypot(one.rate_error, reference.rate_error) / reference.rate_hz
    return Verdict(difference, float(error), float(2.0 * stats.norm.sf(abs(difference) / error)))


def moments(counts: Ints) -> dict[str, Any]:
    """Mean and variance of open counts (sweeps, times)."""
    return {
        "sweeps": len(counts),
        "mean": counts.mean(axis=0).tolist(),
        "variance": counts.var(axis=0, ddof=1).tolist(),
    }


def open_count(held: Held, times_ms: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the number of open K+ channels after a step, each (times,).

    n relaxes exponentially, and channels are independent: the count is binomial
    with p = n⁴ (Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764).
    """
    before, after = (
        (squid.rate("an", v), squid.rate("bn", v)) for v in (held.before_mV, held.voltage_mV)
    )
    start, end = before[0] / sum(before), after[0] / sum(after)
    p = (end + (start - end) * np.exp(-sum(after) * times_ms)) ** 4
    return held.count * p, held.count * p * (1.0 - p)


def compare_moments(found: dict[str, Any], held: Held, times_ms: Floats) -> list[Verdict]:
    """Each mean, then each variance, against the binomial law, relative to it."""
    mean, variance = open_count(held, times_ms)
    n, p = found["sweeps"], mean / held.count
    excess = (1.0 - 6.0 * p * (1.0 - p)) / variance
    return [
        Verdict(
            float(value / law - 1.0),
            float(error / law),
            float(2.0 * stats.norm.sf(abs(value - law) / error)),
        )
        for values, laws, errors in (
            (found["mean"], mean, np.sqrt(variance / n)),
            (found["variance"], variance, variance * np.sqrt(2.0 / (n - 1) + excess / n)),
        )
        for value, law, error in zip(values, laws, errors, strict=True)
    ]
