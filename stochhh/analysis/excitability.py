"""Excitability: threshold by duration of a pulse, and by time since the last spike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.fits import fired_and_not, positive, profile_interval
from stochhh.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Law = Literal["weiss", "lapicque"]

_WIDEST = 10.0  # in logarithms, from the times given to a chronaxie or a time constant


def weiss_threshold(duration_ms: ArrayLike, rheobase: float, chronaxie_ms: float) -> Floats:
    """Weiss's law, ``I = rheobase (1 + chronaxie / d)``: a charge linear in duration."""
    return np.asarray(rheobase * (1.0 + chronaxie_ms / np.asarray(duration_ms)))


def lapicque_threshold(duration_ms: ArrayLike, rheobase: float, chronaxie_ms: float) -> Floats:
    """Lapicque's law of a leaky capacitor, ``I = rheobase / (1 - 2^(-d / chronaxie))``."""
    halvings = np.asarray(duration_ms, dtype=np.float64) / chronaxie_ms
    return np.asarray(rheobase / -np.expm1(-np.log(2.0) * halvings))


_LAWS: dict[str, Callable[[ArrayLike, float, float], Floats]] = {
    "weiss": weiss_threshold,
    "lapicque": lapicque_threshold,
}


@dataclass(frozen=True)
class StrengthDuration:
    """A law fitted to the thresholds of pulses of several durations.

    Attributes
    ----------
    law : "weiss" or "lapicque"
    rheobase : threshold of an endless pulse.
    chronaxie_ms : duration of a pulse whose threshold is twice the rheobase.
    residual : root mean square deviation of the thresholds' logarithms from the law,
        so about their relative deviation.
    """

    law: str
    rheobase: Estimate
    chronaxie_ms: Estimate
    residual: float

    def at(self, duration_ms: ArrayLike) -> Floats:
        """Fitted threshold of pulses of durations of any shape."""
        assert self.rheobase.value is not None
        assert self.chronaxie_ms.value is not None
        return _LAWS[self.law](duration_ms, self.rheobase.value, self.chronaxie_ms.value)


def fit_strength_duration(
    duration_ms: ArrayLike,
    threshold: ArrayLike,
    relative_error: ArrayLike | None = None,
    law: Law = "lapicque",
) -> StrengthDuration:
    """Rheobase and chronaxie by least squares of the thresholds' logarithms.

    Weiss's law (1901) makes the threshold charge linear in duration, Lapicque's the
    membrane a leaky capacitor (1907, translated 2007, doi:10.1007/s00422-007-0189-6;
    Weiss's and what makes chronaxies differ: Geddes 2004,
    doi:10.1109/TBME.2003.820340). Intervals are those of the linearised fit: from the
    errors given, or, without them, Student's from the scatter about the law.

    Parameters
    ----------
    duration_ms : (K,) of the pulses, 3 or more different ones
    threshold : (K,) in any unit
    relative_error : (K,) standard error of each threshold over the threshold
    law : "lapicque" or "weiss"

    Raises
    ------
    InputError
        An unknown law, arrays that do not match, numbers not above zero, or thresholds
        that do not fall with duration or fall as steeply as its inverse, so that they
        tell nothing of a chronaxie or of a rheobase.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import ndtri, stdtrit

    if law not in _LAWS:
        raise InputError(f"law: no '{law}'; {did_you_mean(law, _LAWS)}")
    duration = positive(duration_ms, "duration_ms")
    log_strength = np.log(positive(threshold, "threshold", len(duration)))
    error = np.ones(len(duration))
    if relative_error is not None:
        error = positive(relative_error, "relative_error", len(duration))
    if len(np.unique(duration)) < 3:
        raise InputError(
            f"duration_ms: {len(np.unique(duration))} different durations; need 3 or more"
        )

    def log_shape(log_chronaxie: float) -> Floats:
        return np.log(_LAWS[law](duration, 1.0, float(np.exp(log_chronaxie))))

    def about(log_chronaxie: float) -> tuple[float, Floats]:
        """Best logarithm of the rheobase, and residuals, in errors."""
        away = log_strength - log_shape(log_chronaxie)
        mean = float(np.average(away, weights=error**-2))
        return mean, (away - mean) / error

    def loss(log_chronaxie: float) -> float:
        return float(np.sum(about(log_chronaxie)[1] ** 2))

    lowest, highest = np.log(duration.min()) - _WIDEST, np.log(duration.max()) + _WIDEST
    grid = np.linspace(lowest, highest, 101)
    best = int(np.argmin([loss(point) for point in grid]))
    if best in (0, len(grid) - 1):
        what = "do not fall" if best == 0 else "fall as steeply as the inverse of duration"
        raise InputError(
            f"threshold: they {what}, so they tell no chronaxie; need "
            f"{'shorter' if best == 0 else 'longer'} pulses"
        )
    log_chronaxie = float(
        minimize_scalar(
            loss, bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-9}
        ).x
    )
    log_rheobase, residuals = about(log_chronaxie)
    slope = (log_shape(log_chronaxie + 1e-4) - log_shape(log_chronaxie - 1e-4)) / 2e-4
    weight = error**-2
    middle = float(np.average(slope, weights=weight))
    variance = 1.0 / float(weight @ (slope - middle) ** 2)
    errors = np.sqrt([1.0 / weight.sum() + middle**2 * variance, variance])
    tail = 0.5 + CONFIDENCE / 2
    if relative_error is None:
        degrees = len(duration) - 2
        errors *= np.sqrt(np.sum(residuals**2) / degrees)
        reach = float(stdtrit(degrees, tail)) * errors
    else:
        reach = float(ndtri(tail)) * errors
    logs = np.array([log_rheobase, log_chronaxie])
    with np.errstate(over="ignore"):  # thresholds that tell next to nothing: up to infinity
        low, value, high = np.exp([logs - reach, logs, logs + reach]).tolist()
    found = [Estimate(v, (lo, hi)) for lo, v, hi in zip(low, value, high, strict=True)]
    residual = float(np.sqrt(np.mean((residuals * error) ** 2)))
    return StrengthDuration(law, found[0], found[1], residual)


@dataclass(frozen=True)
class Refractoriness:
    """Recovery of the threshold after a spike, from the probability of a second one.

    Attributes
    ----------
    absolute_ms : time without any second spike.
    relative_ms : time constant with which the threshold then falls back.
    threshold, relative_spread : of the recovered membrane, as given.
    """

    absolute_ms: Estimate
    relative_ms: Estimate
    threshold: float
    relative_spread: float

    def at(self, interval_ms: ArrayLike, amplitude: ArrayLike) -> Floats:
        """Fitted probability of a second spike, by interval and amplitude (broadcast)."""
        from scipy.special import ndtr

        assert self.absolute_ms.value is not None
        assert self.relative_ms.value is not None
        recovered = _recovered(
            np.asarray(interval_ms, dtype=np.float64),
            self.absolute_ms.value,
            self.relative_ms.value,
        )
        strength = np.asarray(amplitude, dtype=np.float64) / self.threshold
        return np.asarray(ndtr((strength * recovered - 1.0) / self.relative_spread))


def fit_refractoriness(
    interval_ms: ArrayLike,
    amplitude: ArrayLike,
    fired: ArrayLike,
    trials: ArrayLike,
    threshold: float,
    relative_spread: float,
) -> Refractoriness:
    """Absolute and relative refractory period from counts of second spikes.

    After a spike the threshold is infinite for the absolute refractory period ta, and
    then falls as ``threshold / (1 - exp(-(t - ta) / τ))`` (Miller, Abbas & Robinson
    2001, doi:10.1007/s101620010083); its relative spread stays. Fitted by maximum
    likelihood with profile-likelihood intervals, which take the threshold and the
    spread as known. Membranes with a supernormal phase, such as squid axon's, follow
    this law until their threshold is back for the first time: leave out later
    intervals.

    Parameters
    ----------
    interval_ms : (K,) from the first spike (or pulse) to the second pulse
    amplitude : (K,) of the second pulse, or one for all
    fired, trials : (K,) counts of second spikes, and of trials
    threshold, relative_spread : of a single pulse, from `fit_firing_efficiency`

    Raises
    ------
    InputError
        Counts without both spikes and failures, intervals of one length only, numbers
        not above zero, or arrays that do not match.
    """
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import log_ndtr

    if not (0.0 < threshold < np.inf and 0.0 < relative_spread < np.inf):
        raise InputError(
            f"threshold, relative_spread: {threshold:g}, {relative_spread:g}; need above zero"
        )
    time = positive(interval_ms, "interval_ms")
    strength = positive(amplitude, "amplitude") / threshold
    if len(strength) not in (1, len(time)):
        raise InputError(
            f"amplitude: {len(strength)} for {len(time)} intervals; need one for all or one each"
        )
    yes, no = fired_and_not(fired, trials, len(time))
    if not (yes.any() and no.any()):
        raise InputError(
            f"fired: {yes.sum():g} second spikes in {(yes + no).sum():g} trials; need both "
            "spikes and failures, at shorter and longer intervals"
        )
    tried = np.unique(time[yes + no > 0])
    if len(tried) == 1:
        raise InputError(f"interval_ms: {tried[0]:g} only; need intervals of several lengths")

    def losses(absolute: ArrayLike, log_relative: ArrayLike) -> Floats:
        """Negative log likelihoods, of the shape of both."""
        recovered = _recovered(
            time, np.expand_dims(absolute, -1), np.exp(np.expand_dims(log_relative, -1))
        )
        eta = (strength * recovered - 1.0) / relative_spread
        return np.asarray(-(log_ndtr(eta) @ yes + log_ndtr(-eta) @ no))

    longest = float(tried[-1])
    absolutes = np.linspace(0.0, longest, 41)
    logs = np.log(np.ptp(tried)) + np.linspace(-_WIDEST, _WIDEST / 2.0, 61)
    ends = [(0.0, longest), (float(logs[0]), float(logs[-1]))]
    grid = losses(absolutes[:, None], logs)
    row, column = np.unravel_index(int(grid.argmin()), grid.shape)
    best = minimize(
        lambda p: float(losses(p[0], p[1])),
        [absolutes[row], logs[column]],
        method="Nelder-Mead",
        bounds=ends,
        options={"xatol": 1e-7 * longest, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000},
    )
    absolute, log_relative = (float(value) for value in best.x)

    def least(profile: Callable[[Floats], Floats], points: Floats) -> float:
        """Of a profile that may have several minima: next to the least of its points."""
        k = int(profile(points).argmin())
        near = (points[max(k - 1, 0)], points[min(k + 1, len(points) - 1)])
        return float(minimize_scalar(profile, bounds=near, method="bounded").fun)

    step = 1.0 / np.sqrt(yes.sum() + no.sum())
    of_absolute = profile_interval(
        lambda a: least(lambda b: losses(a, b), logs),
        absolute,
        float(best.fun),
        longest * step,
        longest,
    )
    of_log = profile_interval(
        lambda b: least(lambda a: losses(a, b), absolutes),
        log_relative,
        float(best.fun),
        step,
        2.0 * _WIDEST,
    )
    return Refractoriness(
        Estimate(absolute, (max(of_absolute[0], 0.0), of_absolute[1])),
        Estimate(float(np.exp(log_relative)), (float(np.exp(of_log[0])), float(np.exp(of_log[1])))),
        threshold,
        relative_spread,
    )


def _recovered(time: Floats, absolute_ms: Floats | float, relative_ms: Floats | float) -> Floats:
    """Resting threshold over threshold, 0 while refractory."""
    return np.asarray(-np.expm1(-np.maximum(time - absolute_ms, 0.0) / relative_ms))
