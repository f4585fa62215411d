"""Thresholds of pulses under many conditions: by their duration, or by the time since a spike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.efficiency_curves import Bracket, EfficiencyCurve
from stochhh.analysis.estimates import CONFIDENCE, Estimate, share_estimate
from stochhh.analysis.excitability import Law, StrengthDuration, fit_strength_duration

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PulseThreshold:
    """Threshold of a pulse under one condition.

    Attributes
    ----------
    at : the condition, such as the duration of the pulse (ms).
    curve : shares of trials that fired, by amplitude.
    bracket : amplitudes between which the deterministic membrane begins to fire.
    """

    at: float
    curve: EfficiencyCurve
    bracket: Bracket | None = None

    @cached_property
    def threshold(self) -> Estimate:
        """Amplitude at which half of the trials fire.

        That of the integrated Gaussian, or, where firing begins between two amplitudes
        that were tried, their geometric mean, with both as interval.
        """
        if self.curve.fit is not None:
            return self.curve.fit.threshold
        return _between(self.curve)

    @property
    def relative_spread(self) -> Estimate:
        """Relative spread of the threshold; none without a fit."""
        return Estimate(None) if self.curve.fit is None else self.curve.fit.relative_spread

    @property
    def deterministic(self) -> float | None:
        """Threshold of the deterministic membrane, the middle of its bracket."""
        if self.bracket is None or None in self.bracket:
            return None
        low, high = self.bracket
        return float(np.sqrt(low * high)) if low else high  # type: ignore[operator]


def relative_error(estimate: Estimate) -> float | None:
    """Standard error of an estimate's logarithm, from its interval; None where that is open."""
    from scipy.special import ndtri

    if estimate.value is None or estimate.interval is None:
        return None
    low, high = estimate.interval
    if not 0.0 < low < high < np.inf:
        return None
    return float(np.log(high / low) / (2.0 * ndtri(0.5 + CONFIDENCE / 2)))


def law_of_durations(thresholds: Sequence[PulseThreshold], law: Law) -> StrengthDuration:
    """Rheobase and chronaxie of thresholds by duration (ms), weighted by their errors.

    Where thresholds scatter about the law by more than their errors, intervals are as
    much wider: no membrane follows either law exactly.

    Raises
    ------
    InputError
        Thresholds of fewer than 3 durations, or that no chronaxie goes with.
    """
    known = [(one.at, one.threshold.value, relative_error(one.threshold)) for one in thresholds]
    usable = [(at, value, error) for at, value, error in known if value and error]
    duration, threshold, error = np.array(usable, dtype=np.float64).reshape(-1, 3).T
    found = fit_strength_duration(duration, threshold, error, law)
    degrees = max(len(duration) - 2, 1)
    misfit = np.sum((np.log(threshold / found.at(duration)) / error) ** 2) / degrees
    if misfit > 1.0:
        found = fit_strength_duration(duration, threshold, error * np.sqrt(misfit), law)
    return found


def half_recovery(interval_ms: ArrayLike, fired: ArrayLike, trials: ArrayLike) -> Estimate:
    """Interval after which every other trial fires again, whatever the law of recovery.

    Where the share of trials first rises through a half, on straight lines between the
    intervals that were tried. The ends of its interval are two of those: the last
    before, of which Wilson's interval says that fewer than half fire, and the first
    after, of which it says that more do; zero or infinity where none does.

    Parameters
    ----------
    interval_ms : (K,) rising
    fired, trials : (K,) counts; intervals without trials are left out

    Returns
    -------
    Estimate
        Without a value where the first share is a half or more, or none is.
    """
    n = np.asarray(trials, dtype=np.int64)
    x = np.asarray(interval_ms, dtype=np.float64)[n > 0]
    counts = np.asarray(fired, dtype=np.int64)[n > 0]
    shares = [share_estimate(int(k), int(m)) for k, m in zip(counts, n[n > 0], strict=True)]
    share = np.array([one.value for one in shares], dtype=np.float64)
    ends = np.array([one.interval for one in shares], dtype=np.float64).reshape(-1, 2)
    above = np.flatnonzero(share >= 0.5)
    if not len(above):
        return Estimate(None)
    first = int(above[0])
    before = np.flatnonzero(ends[:first, 1] < 0.5)
    after = np.flatnonzero(ends[first:, 0] > 0.5)
    interval = (
        float(x[before[-1]]) if len(before) else 0.0,
        float(x[first + after[0]]) if len(after) else np.inf,
    )
    if first == 0:
        return Estimate(None)
    slope = (x[first] - x[first - 1]) / (share[first] - share[first - 1])
    return Estimate(float(x[first - 1] + (0.5 - share[first - 1]) * slope), interval)


def _between(curve: EfficiencyCurve) -> Estimate:
    """Threshold between the highest amplitude that never fired and the lowest that always did."""
    tried = (curve.trials > 0) & (curve.amplitude > 0.0)
    x, fired, trials = curve.amplitude[tried], curve.fired[tried], curve.trials[tried]
    never, always = x[fired == 0], x[fired == trials]
    if not (len(never) and len(always)) or never.max() >= always.min():
        return Estimate(None)
    if ((x > never.max()) & (x < always.min())).sum() > 1:
        return Estimate(None)
    low, high = float(never.max()), float(always.min())
    return Estimate(float(np.sqrt(low * high)), (low, high))
