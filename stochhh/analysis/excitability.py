"""Excitability: threshold by duration of a pulse, and by time since the last spike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.firing_efficiency import counted, profile_interval
from stochhh.analysis.spikes import CONFIDENCE, Estimate
from stochhh.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Law = Literal["weiss", "lapicque"]


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
    residual : root mean square relative deviation of the thresholds from the law.
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
    membrane a leaky capacitor (1907, translated in Brunel & van Rossum 2007,
    doi:10.1007/s00422-007-0189-6; compared in Geddes 2004,
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
        An unknown law, arrays that do not match, or numbers not above zero.
    """
    from scipy.optimize import curve_fit
    from scipy.special import ndtri, stdtrit

    if law not in _LAWS:
        raise InputError(f"law: no '{law}'; {did_you_mean(law, _LAWS)}")
    duration = _positive(duration_ms, "duration_ms")
    strength = _positive(threshold, "threshold", len(duration))
    error = None
    if relative_error is not None:
        error = _positive(relative_error, "relative_error", len(duration))
    if len(np.unique(duration)) < 3:
        raise InputError(
            f"duration_ms: {len(np.unique(duration))} different durations; need 3 or more"
        )

    def log_threshold(d: Floats, log_rheobase: float, log_chronaxie: float) -> Floats:
        return np.log(_LAWS[law](d, np.exp(log_rheobase), np.exp(log_chronaxie)))

    longest = int(np.argmax(duration))
    start = [np.log(strength[longest]), np.log(np.sqrt(duration.min() * duration.max()))]
    logs, covariance = curve_fit(
        log_threshold,
        duration,
        np.log(strength),
        p0=start,
        sigma=error,
        absolute_sigma=error is not None,
        maxfev=10_000,
    )
    tail = 0.5 + CONFIDENCE / 2
    quantile = stdtrit(len(duration) - 2, tail) if error is None else ndtri(tail)
    reach = float(quantile) * np.sqrt(np.diag(covariance))
    found = [
        Estimate(float(np.exp(x)), (float(np.exp(x - r)), float(np.exp(x + r))))
        for x, r in zip(logs, reach, strict=True)
    ]
    residual = np.sqrt(np.mean((np.log(strength) - log_threshold(duration, *logs)) ** 2))
    return StrengthDuration(law, found[0], found[1], float(residual))


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
    likelihood with profile-likelihood intervals. Membranes with a supernormal phase,
    such as squid axon's, follow this law until their threshold is back for the first
    time: leave out later intervals.

    Parameters
    ----------
    interval_ms : (K,) from the first spike (or pulse) to the second pulse
    amplitude : (K,) of the second pulse, or one for all
    fired, trials : (K,) counts of second spikes, and of trials
    threshold, relative_spread : of a single pulse, from `fit_firing_efficiency`

    Raises
    ------
    InputError
        Counts without both spikes and failures, intervals of one length only, or a
        threshold or spread not above zero.
    """
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import log_ndtr

    if not (threshold > 0.0 and relative_spread > 0.0):
        raise InputError(
            f"threshold, relative_spread: {threshold:g}, {relative_spread:g}; need above zero"
        )
    every = np.atleast_1d(np.asarray(interval_ms, dtype=np.float64))
    used = np.atleast_1d(np.asarray(trials, dtype=np.float64)) > 0
    time, yes, n = counted(every, fired, trials, "interval_ms")
    strength = np.broadcast_to(np.asarray(amplitude, dtype=np.float64), every.shape)[used]
    strength, no = strength / threshold, n - yes
    if not (yes.any() and no.any()):
        raise InputError(
            f"fired: {yes.sum():g} second spikes in {n.sum():g} trials; need both spikes and "
            "failures, at shorter and longer intervals"
        )
    if np.ptp(time) == 0.0:
        raise InputError(f"interval_ms: {time[0]:g} only; need intervals of several lengths")

    def loss(absolute: float, log_relative: float) -> float:
        recovered = _recovered(time, absolute, float(np.exp(log_relative)))
        eta = (strength * recovered - 1.0) / relative_spread
        return -float(yes @ log_ndtr(eta) + no @ log_ndtr(-eta))

    longest, width = float(time.max()), float(np.ptp(time))
    absolutes = np.linspace(0.0, longest, 41)[:-1]
    logs = np.log(width) + np.linspace(-5.0, 3.0, 33)
    grid = np.array([[loss(a, b) for b in logs] for a in absolutes])
    row, column = np.unravel_index(int(grid.argmin()), grid.shape)
    options = {"xatol": 1e-7 * longest, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000}
    best = minimize(
        lambda p: loss(*p), [absolutes[row], logs[column]], method="Nelder-Mead", options=options
    )

    def least_near(profile: Callable[[float], float], centre: float, reach: float) -> float:
        found = minimize_scalar(profile, bounds=(centre - reach, centre + reach), method="bounded")
        return float(found.fun)

    absolute, log_relative = (float(value) for value in best.x)
    step = 1.0 / np.sqrt(n.sum())
    of_absolute = profile_interval(
        lambda a: least_near(lambda b: loss(a, b), log_relative, 6.0),
        absolute,
        float(best.fun),
        width * step,
    )
    of_log = profile_interval(
        lambda b: least_near(lambda a: loss(a, b), absolute, longest),
        log_relative,
        float(best.fun),
        step,
    )
    return Refractoriness(
        Estimate(absolute, of_absolute),
        Estimate(float(np.exp(log_relative)), (float(np.exp(of_log[0])), float(np.exp(of_log[1])))),
        threshold,
        relative_spread,
    )


def _recovered(time: Floats, absolute_ms: float, relative_ms: float) -> Floats:
    """Resting threshold over threshold, 0 while refractory."""
    return -np.expm1(-np.maximum(time - absolute_ms, 0.0) / relative_ms)


def _positive(values: ArrayLike, name: str, length: int | None = None) -> Floats:
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if given.ndim != 1 or (length is not None and len(given) != length):
        raise InputError(f"{name}: shape {given.shape}; need ({length or 'K'},), as the others")
    if not (np.isfinite(given).all() and (given > 0.0).all()):
        raise InputError(f"{name}: need finite numbers above zero")
    return given
