"""Firing efficiency: the share of pulses that make a spike, by their amplitude.

The share rises with amplitude as an integrated Gaussian (Verveen 1962, Acta
Morphologica Neerlando-Scandinavica 5:79). Its mean is the threshold, its standard
deviation over its mean the relative spread (Rubinstein 1995,
doi:10.1016/S0006-3495(95)80252-3). Amplitudes may be in any unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate, mean_estimate, share_estimate
from stochhh.analysis.fits import fired_and_not, positive, profile_interval
from stochhh.errors import InputError

Floats = NDArray[np.float64]

UNPROVOKED = 0.02  # share of trials firing without a pulse; the spread then gains a 28th

_WIDEST = 20.0  # in logarithms, from an estimate to the farthest end of its interval
_FEWEST_LATENCIES = 10  # for an interval of the jitter


@dataclass(frozen=True)
class FiringEfficiency:
    """An integrated Gaussian fitted to the share of pulses that make a spike.

    Attributes
    ----------
    threshold : amplitude at which every other pulse makes a spike, I50.
    relative_spread : σ / I50.
    deviance : twice the log likelihood that the fit falls short of a share of its own
        for each amplitude; chi-squared with `degrees` degrees of freedom when the
        Gaussian is right and each amplitude was given often.
    degrees : number of different amplitudes less 2.
    """

    threshold: Estimate
    relative_spread: Estimate
    deviance: float
    degrees: int

    def at(self, amplitude: ArrayLike) -> Floats:
        """Fitted firing efficiency at amplitudes of any shape."""
        from scipy.special import ndtr

        assert self.threshold.value is not None
        assert self.relative_spread.value is not None
        relative = np.asarray(amplitude, dtype=np.float64) / self.threshold.value
        return np.asarray(ndtr((relative - 1.0) / self.relative_spread.value))


@dataclass(frozen=True)
class LatencyPoint:
    """First-spike latencies of many trials.

    Attributes
    ----------
    responding : share of trials with a spike.
    mean_ms : mean latency of those.
    jitter_ms : its standard deviation.
    """

    responding: Estimate
    mean_ms: Estimate
    jitter_ms: Estimate


def fit_firing_efficiency(
    amplitude: ArrayLike, fired: ArrayLike, trials: ArrayLike
) -> FiringEfficiency:
    """Threshold and relative spread by maximum likelihood, with profile-likelihood intervals.

    A probit regression (Finney 1971, Probit Analysis). In P = Φ(b I - a) the threshold
    is a / b and the relative spread 1 / a. An end of an interval that the data leave
    open is zero or infinity.

    Parameters
    ----------
    amplitude : (K,) of each group of trials, above zero; one may come twice
    fired : (K,) trials with a spike
    trials : (K,) trials

    Raises
    ------
    InputError
        Numbers that make no sense; data without an overlap of amplitudes that fired
        and that did not, to which no finite curve fits best (Silvapulle 1981,
        doi:10.1111/j.2517-6161.1981.tb01676.x); or firing that does not grow with
        amplitude.
    """
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import log_ndtr, xlogy

    x, yes, no = pooled(amplitude, fired, trials)
    _check_overlap(x, yes, no)

    def loss(eta: Floats) -> float:
        return -float(yes @ log_ndtr(eta) + no @ log_ndtr(-eta))

    z = (x - x.mean()) / x.std()

    def score(beta: Floats) -> Floats:
        eta = beta[0] + beta[1] * z
        pull = no * _hazard(-eta) - yes * _hazard(eta)
        return np.array([pull.sum(), pull @ z])

    found = minimize(lambda beta: loss(beta[0] + beta[1] * z), [0.0, 1.0], jac=score)
    least = float(found.fun)
    slope = float(found.x[1] / x.std())
    offset = slope * float(x.mean()) - float(found.x[0])
    if slope <= 0.0 or offset <= 0.0:
        raise InputError(
            "fired: firing does not grow with amplitude from under a half at zero, "
            "so it has no threshold above zero"
        )

    def least_over(eta: Callable[[float], Floats], near: float) -> float:
        """Of the losses for all steepnesses; the loss is a convex function of them."""
        best = minimize_scalar(
            lambda log: loss(eta(np.exp(log))),
            bounds=np.log(near) + np.array([-1.5, 0.5]) * _WIDEST,
            method="bounded",
        )
        return float(best.fun)

    def at_threshold(log_threshold: float) -> float:
        return least_over(lambda a: a * (x * np.exp(-log_threshold) - 1.0), offset)

    def at_spread(log_spread: float) -> float:
        return least_over(lambda b: b * x - np.exp(-log_spread), slope)

    step = 1.0 / np.sqrt(yes.sum() + no.sum())
    saturated = -float(np.sum(xlogy(yes, yes / (yes + no)) + xlogy(no, no / (yes + no))))
    return FiringEfficiency(
        threshold=_from_logarithm(at_threshold, offset / slope, least, step / offset),
        relative_spread=_from_logarithm(at_spread, 1.0 / offset, least, step),
        deviance=max(0.0, 2.0 * (least - saturated)),
        degrees=len(x) - 2,
    )


def response_latencies_ms(trains: Sequence[Floats], onset_ms: float, window_ms: float) -> Floats:
    """Time from a stimulus to the first spike within a window, NaN where none, (trials,).

    Parameters
    ----------
    trains : spike times (ms) of each trial, in order
    onset_ms, window_ms : spikes in [onset, onset + window) count
    """
    first = np.full(len(trains), np.nan)
    for k, train in enumerate(trains):
        since = np.asarray(train, dtype=np.float64) - onset_ms
        inside = since[(since >= 0.0) & (since < window_ms)]
        if len(inside):
            first[k] = inside[0]
    return first


def latency_point(latencies_ms: ArrayLike) -> LatencyPoint:
    """Mean and jitter of first-spike latencies, NaN where a trial had none.

    Parameters
    ----------
    latencies_ms : (trials,)
    """
    every = np.atleast_1d(np.asarray(latencies_ms, dtype=np.float64))
    given = every[np.isfinite(every)]
    share = share_estimate(len(given), len(every))
    return LatencyPoint(share, mean_estimate(given, lowest=0.0), spread_estimate(given))


def spread_estimate(values: Floats) -> Estimate:
    """Standard deviation of a sample with Bonett's interval; none for fewer than 10 values.

    The interval (2006, doi:10.1016/j.csda.2004.10.003) allows for a law that is not
    Gaussian. Few values of a skewed one still get it somewhat too narrow: 20 from a
    gamma law of shape 4, such as latencies may follow, hold the truth in 92 %.
    """
    from scipy.special import ndtri

    n = len(values)
    if n < 2:
        return Estimate(None)
    spread = float(np.std(values, ddof=1))
    if n < _FEWEST_LATENCIES or spread == 0.0:
        return Estimate(spread)
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    cut = int(n / (2.0 * np.sqrt(n - 4.0)))  # from both ends, for a centre that resists tails
    away = values - np.sort(values)[cut : n - cut].mean()
    kurtosis = float(np.mean(away**4) / np.var(values) ** 2)
    small = n / (n - z)
    reach = z * small * np.sqrt((kurtosis - (n - 3.0) / n) / (n - 1.0))
    low, high = spread * np.sqrt(small * np.exp([-reach, reach]))
    return Estimate(spread, (float(low), float(high)))


def pooled(
    amplitude: ArrayLike, fired: ArrayLike, trials: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Counts checked and put together by amplitude; amplitudes never tried are left out.

    Returns
    -------
    amplitudes, rising, trials with a spike, and trials without, (K,) each

    Raises
    ------
    InputError
        Amplitudes not above zero, arrays that do not match, or counts that make no sense.
    """
    x = positive(amplitude, "amplitude")
    yes, no = fired_and_not(fired, trials, len(x))
    tried = yes + no > 0
    x, where = np.unique(x[tried], return_inverse=True)
    yes, no = (
        np.bincount(where, one[tried], minlength=len(x)).astype(np.float64) for one in (yes, no)
    )
    return x, yes, no


def _hazard(eta: Floats) -> Floats:
    """Derivative of the logarithm of Φ."""
    from scipy.special import log_ndtr

    return np.asarray(np.exp(-0.5 * eta**2 - log_ndtr(eta)) / np.sqrt(2.0 * np.pi))


def _from_logarithm(
    profile: Callable[[float], float], value: float, least: float, step: float
) -> Estimate:
    low, high = profile_interval(profile, float(np.log(value)), least, step, _WIDEST)
    return Estimate(value, (float(np.exp(low)), float(np.exp(high))))


def _check_overlap(x: Floats, yes: Floats, no: Floats) -> None:
    if not (yes.any() and no.any()):
        what = "every" if yes.any() else "no"
        raise InputError(f"fired: {what} trial fired; need amplitudes on both sides of threshold")
    silent, firing = x[no > 0], x[yes > 0]
    if firing.min() >= silent.max():
        raise InputError(
            f"fired: no trial below {firing.min():g} fired and every one above "
            f"{silent.max():g} did; need two amplitudes at which some trials fire, "
            "so add some in between"
        )
    if firing.max() <= silent.min():
        raise InputError("fired: firing falls with amplitude, so it has no threshold")
