"""Firing efficiency: the share of pulses that make a spike, by their amplitude.

The share rises with amplitude as an integrated Gaussian (Verveen & Derksen 1968,
doi:10.1109/PROC.1968.6443). Its mean is the threshold, its standard deviation over
its mean the relative spread (Rubinstein 1995, doi:10.1016/S0006-3495(95)80252-3).
Amplitudes may be in any unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.spikes import CONFIDENCE, Estimate, mean_estimate
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_FARTHEST = 1e4  # standard errors at which a search for the end of an interval gives up


@dataclass(frozen=True)
class FiringEfficiency:
    """An integrated Gaussian fitted to the share of pulses that make a spike.

    Attributes
    ----------
    threshold : amplitude at which every other pulse makes a spike, I50.
    relative_spread : σ / I50.
    deviance : twice the log likelihood that the fit falls short of a share of its own
        for each amplitude; chi-squared with `degrees` degrees of freedom when the
        Gaussian is right and trials are many.
    degrees : number of amplitudes less 2.
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

    A probit regression (Finney 1971, Probit Analysis). In P = Φ(c + b I) the
    threshold is -c / b and the relative spread -1 / c. An interval that the data
    leave open ends at infinity.

    Parameters
    ----------
    amplitude : (K,) of each group of trials, above zero
    fired : (K,) trials with a spike
    trials : (K,) trials

    Raises
    ------
    InputError
        Data without an overlap of amplitudes that fired and that did not (no finite
        fit exists, Silvapulle 1981), or firing that does not grow with amplitude.
    """
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import log_ndtr, xlogy

    x, yes, n = counted(amplitude, fired, trials)
    no = n - yes
    if (x <= 0.0).any():
        raise InputError(f"amplitude: {x.min():g}; need strengths above zero, as in 21.5")
    _check_overlap(x, yes, no)

    def loss(eta: Floats) -> float:
        return -float(yes @ log_ndtr(eta) + no @ log_ndtr(-eta))

    centre = float(n @ x / n.sum())
    scale = float(np.sqrt(n @ (x - centre) ** 2 / n.sum()))
    z = (x - centre) / scale
    found = minimize(lambda beta: loss(beta[0] + beta[1] * z), [0.0, 1.0], options={"gtol": 1e-6})
    slope = found.x[1] / scale
    constant = found.x[0] - slope * centre
    if slope <= 0.0 or constant >= 0.0:
        raise InputError(
            "fired: firing does not grow with amplitude from none at zero, "
            "so it has no threshold above zero"
        )
    threshold, spread = -constant / slope, -1.0 / constant

    def at_threshold(value: float) -> float:
        best = minimize_scalar(
            lambda log: loss((x - value) * np.exp(log)),
            bounds=np.log(slope) + np.array([-12.0, 12.0]),
            method="bounded",
        )
        return float(best.fun)

    def at_spread(log_spread: float) -> float:
        best = minimize_scalar(
            lambda log: loss((x / threshold * np.exp(log) - 1.0) / np.exp(log_spread)),
            bounds=(-4.0, 4.0),
            method="bounded",
        )
        return float(best.fun)

    least = loss(found.x[0] + found.x[1] * z)
    error = spread * threshold / np.sqrt(n.sum())
    logs = profile_interval(at_spread, np.log(spread), least, 1.0 / np.sqrt(n.sum()))
    saturated = -float(np.sum(xlogy(yes, yes / n) + xlogy(no, no / n)))
    return FiringEfficiency(
        threshold=Estimate(threshold, profile_interval(at_threshold, threshold, least, error)),
        relative_spread=Estimate(spread, (float(np.exp(logs[0])), float(np.exp(logs[1])))),
        deviance=max(0.0, 2.0 * (least - saturated)),
        degrees=len(x) - 2,
    )


def fraction_estimate(count: int, total: int) -> Estimate:
    """Share of trials with Wilson's interval (1927, doi:10.1080/01621459.1927.10502953)."""
    from scipy.special import ndtri

    if total == 0:
        return Estimate(None)
    z2 = float(ndtri(0.5 + CONFIDENCE / 2)) ** 2
    share = count / total
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    reach = np.sqrt(z2 * share * (1 - share) / total + (z2 / (2 * total)) ** 2) / (1 + z2 / total)
    return Estimate(share, (max(0.0, float(centre - reach)), min(1.0, float(centre + reach))))


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

    The interval of the jitter is that of the logarithm of a standard deviation,
    whose error follows from the kurtosis of the sample (Cramér 1946, section 27.7).

    Parameters
    ----------
    latencies_ms : (trials,)
    """
    every = np.atleast_1d(np.asarray(latencies_ms, dtype=np.float64))
    given = every[np.isfinite(every)]
    share = fraction_estimate(len(given), len(every))
    return LatencyPoint(share, mean_estimate(given), spread_estimate(given))


def spread_estimate(values: Floats) -> Estimate:
    """Standard deviation of a sample with its interval; none for fewer than 10 values."""
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return Estimate(None)
    spread = float(np.std(values, ddof=1))
    if n < 10 or spread == 0.0:
        return Estimate(spread)
    away = values - values.mean()
    kurtosis = float(np.mean(away**4) / np.mean(away**2) ** 2)
    error = np.sqrt((kurtosis - 1.0 + 2.0 / (n - 1)) / (4.0 * n))
    reach = float(np.exp(stdtrit(n - 1, 0.5 + CONFIDENCE / 2) * error))
    return Estimate(spread, (spread / reach, spread * reach))


def counted(
    amplitude: ArrayLike, fired: ArrayLike, trials: ArrayLike, name: str = "amplitude"
) -> tuple[Floats, Floats, Floats]:
    """Counts of trials checked: amplitudes, trials with a spike, and all trials, (K,) each.

    Groups without trials are left out, those of one amplitude stay as they are.

    Raises
    ------
    InputError
        Arrays that do not match, numbers that are not finite, or more spikes than trials.
    """
    x = np.atleast_1d(np.asarray(amplitude, dtype=np.float64))
    yes = np.atleast_1d(np.asarray(fired, dtype=np.float64))
    n = np.atleast_1d(np.asarray(trials, dtype=np.float64))
    if not (x.ndim == 1 and x.shape == yes.shape == n.shape):
        raise InputError(
            f"{name}, fired, trials: shapes {x.shape}, {yes.shape} and {n.shape}; "
            "need three of one length"
        )
    if not (np.isfinite(x).all() and np.isfinite(yes).all() and np.isfinite(n).all()):
        raise InputError(f"{name}, fired, trials: need finite numbers")
    if ((yes < 0) | (yes > n)).any():
        k = int(np.argmax((yes < 0) | (yes > n)))
        raise InputError(f"fired: {yes[k]:g} of {n[k]:g} trials; need 0 to as many as trials")
    keep = n > 0
    return x[keep], yes[keep], n[keep]


def profile_interval(
    profile: Callable[[float], float], best: float, least: float, step: float
) -> tuple[float, float]:
    """95 % interval where a negative log likelihood has not risen by half of chi-squared.

    Parameters
    ----------
    profile : the least negative log likelihood with the parameter held
    best : the parameter's estimate
    least : the negative log likelihood there
    step : first step of the search, of the order of a standard error
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    rise = 0.5 * float(ndtri(0.5 + CONFIDENCE / 2)) ** 2

    def above(value: float) -> float:
        return profile(value) - least - rise

    ends = []
    for sign in (-1.0, 1.0):
        inner, reach = 0.0, step
        while above(best + sign * reach) < 0.0:
            inner, reach = reach, 2.0 * reach
            if reach > _FARTHEST * step:
                ends.append(sign * np.inf)
                break
        else:
            low, high = best + sign * inner, best + sign * reach
            ends.append(brentq(above, low, high, xtol=1e-6 * step) if above(low) < 0 else low)
    return float(ends[0]), float(ends[1])


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
