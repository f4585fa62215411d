"""Recovery after a spike: second spikes by interval and amplitude, thresholds, and their law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.efficiency_curves import Bracket, first_firing
from stochhh.analysis.estimates import Estimate, share_estimate
from stochhh.analysis.excitability import Refractoriness, fit_refractoriness
from stochhh.analysis.pulse_thresholds import PulseThreshold, half_recovery
from stochhh.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class SinglePulse(NamedTuple):
    """Threshold of a pulse on its own, and its relative spread; None where it is not known."""

    threshold: float | None
    relative_spread: float | None


class RecoveryPoints(NamedTuple):
    """Second spikes after K intervals, at one amplitude.

    Attributes
    ----------
    interval_ms, fired, trials : (K,) by rising interval; trials whose first pulse fired.
    deterministic : (K,) whether the deterministic membrane fires again; None if not known.
    """

    interval_ms: Floats
    fired: Ints
    trials: Ints
    deterministic: NDArray[np.bool_] | None

    @property
    def shares(self) -> list[Estimate]:
        """Share of trials that fire again, with Wilson's interval."""
        pairs = zip(self.fired, self.trials, strict=True)
        return [share_estimate(int(fired), int(trials)) for fired, trials in pairs]

    @property
    def half_ms(self) -> Estimate:
        """Interval after which every other trial fires again."""
        return half_recovery(self.interval_ms, self.fired, self.trials)

    @property
    def bracket(self) -> Bracket | None:
        """Intervals between which the deterministic membrane begins to fire again."""
        if self.deterministic is None:
            return None
        return first_firing(self.interval_ms, self.deterministic)


@dataclass(frozen=True)
class Recovery:
    """One membrane under second pulses at several intervals.

    Attributes
    ----------
    label, place, n_channels : what tells it from others.
    thresholds : of the second pulse, by interval (ms).
    given : threshold and spread of a single pulse; without, those at the longest interval.
    longest_ms : the law is fitted to intervals up to this one.
    single_limit : threshold of a single pulse of the deterministic membrane.
    limit : where only one amplitude was tried, intervals between which the deterministic
        membrane begins to fire again.
    """

    label: str
    place: Mapping[str, Any]
    n_channels: int
    thresholds: tuple[PulseThreshold, ...]
    given: SinglePulse
    longest_ms: float
    single_limit: float | None = None
    limit: Bracket | None = None

    @property
    def single(self) -> SinglePulse:
        """Threshold and spread of a single pulse, as given, or of the longest interval."""
        if self.given.threshold is not None:
            return self.given
        last = self.thresholds[-1]
        return SinglePulse(last.threshold.value, last.relative_spread.value)

    @property
    def amplitudes(self) -> Floats:
        """All amplitudes of the second pulse, rising, (A,)."""
        return np.unique(np.concatenate([one.curve.amplitude for one in self.thresholds]))

    def at_amplitude(self, amplitude: float) -> RecoveryPoints:
        """Second spikes by interval, at one amplitude."""
        rows = []
        for one in self.thresholds:
            for k in np.flatnonzero(one.curve.amplitude == amplitude):
                alone = one.curve.deterministic_ms
                again = None if alone is None else bool(np.isfinite(alone[k]))
                rows.append((one.at, one.curve.fired[k], one.curve.trials[k], again))
        interval, fired, trials, known = zip(*rows, strict=True)
        return RecoveryPoints(
            np.array(interval, dtype=np.float64),
            np.array(fired, dtype=np.int64),
            np.array(trials, dtype=np.int64),
            None if None in known else np.array(known, dtype=np.bool_),
        )

    @property
    def law(self) -> Refractoriness | None:
        """Absolute refractory period and time constant; None where none can be fitted."""
        return self._fitted[0]

    @property
    def problem(self) -> str:
        """Why there is no law; empty where there is one."""
        return self._fitted[1]

    @property
    def law_p(self) -> float | None:
        """Probability that shares stray so far from the law by chance; None without a law.

        From the deviance, chi-squared where trials are many; the threshold and the
        spread are taken for known.
        """
        from scipy.special import gammaincc, xlog1py, xlogy

        if self.law is None:
            return None
        interval, amplitude, fired, trials = self._early
        used = trials > 0
        k, n = fired[used], trials[used]
        p = np.clip(self.law.at(interval[used], amplitude[used]), 1e-12, 1.0 - 1e-12)
        apart = xlogy(k, k / n) + xlogy(n - k, (n - k) / n)
        deviance = 2.0 * float(np.sum(apart - xlogy(k, p) - xlog1py(n - k, -p)))
        return float(gammaincc(max(len(k) - 2, 1) / 2.0, deviance / 2.0))

    @cached_property
    def _early(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Interval, amplitude, spikes and trials of every point that the law is fitted to."""
        rows = [
            (one.at, amplitude, fired, trials)
            for one in self.thresholds
            if one.at <= self.longest_ms * (1 + 1e-9)
            for amplitude, fired, trials in zip(
                one.curve.amplitude, one.curve.fired, one.curve.trials, strict=True
            )
            if amplitude > 0.0
        ]
        interval, amplitude, fired, trials = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        return interval, amplitude, fired, trials

    @cached_property
    def _fitted(self) -> tuple[Refractoriness | None, str]:
        threshold, spread = self.single
        if threshold is None or spread is None:
            return None, (
                "the threshold of a single pulse is not known; sweep the second pulse's "
                "amplitude too, up to long intervals, or give threshold and relative_spread"
            )
        try:
            law = fit_refractoriness(*self._early, threshold, spread)
        except InputError as error:
            return None, str(error).partition(": ")[2]
        return law, ""


def ratio_to(estimate: Estimate, reference: float) -> Estimate:
    """Estimate over a number that is taken for known."""
    if estimate.value is None:
        return estimate
    ends = estimate.interval
    interval = None if ends is None else (ends[0] / reference, ends[1] / reference)
    return Estimate(estimate.value / reference, interval)
