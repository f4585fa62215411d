"""Counting quanta: how many vesicles a spike releases, found in several ways.

After del Castillo & Katz 1954, doi:10.1113/jphysiol.1954.sp005129. Each estimate comes
with its 95 % interval; with Poisson numbers all of them estimate the same mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import chi2

from stochhh.analysis.estimates import Estimate, poisson_limits, share_limits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_Z = 1.96  # of a 95 % interval
_TAIL = 0.025


def by_count(released: Floats, trial: Ints) -> Estimate:
    """Mean of the numbers released, (n,), of spikes of the given trials, (n,).

    Spikes of one trial share their sites, so the error is that of trials. The interval is
    that of a Poisson count with the same relative error: Garwood's where all vesicles are
    independent and few, never below zero.
    """
    n, mean = len(released), float(released.mean())
    if mean == 0.0:
        return Estimate(0.0, (0.0, float(poisson_limits(0.0)[1]) / n))
    off = np.bincount(np.unique(trial, return_inverse=True)[1], weights=released - mean)
    trials = len(off)
    error = np.sqrt((off @ off) * trials / (trials - 1)) / n if trials > 1 else 0.0
    count = float((mean / error) ** 2) if error > 0.0 else mean * n
    low, high = poisson_limits(count)
    return Estimate(mean, (mean * float(low) / count, mean * float(high) / count))


def by_failures(n_trials: int, n_failures: int) -> Estimate | None:
    """``ln(N / N0)``: the mean of a Poisson law with that share of zeros.

    None where no spike failed, which tells of no largest mean. The interval is Wilson's of
    the share, so never below zero.
    """
    if n_failures == 0 or n_trials == 0:
        return None
    low, high = (float(share) for share in share_limits(n_failures, n_trials))
    value = float(np.log(n_trials / n_failures))
    return Estimate(value, (float(np.log(1.0 / high)), float(np.log(1.0 / low))))


def by_amplitude(responses_mV: Floats, quanta_mV: Floats) -> Estimate | None:
    """Mean response over mean quantum, with Fieller's interval; None with fewer than two quanta.

    None too where the mean quantum is not told from zero (Fieller 1954,
    doi:10.1111/j.2517-6161.1954.tb00159.x).
    """
    if len(quanta_mV) < 2 or len(responses_mV) < 2:
        return None
    response, quantum = float(responses_mV.mean()), float(quanta_mV.mean())
    of_response = float(responses_mV.var(ddof=1)) / len(responses_mV)
    of_quantum = float(quanta_mV.var(ddof=1)) / len(quanta_mV)
    t = float(stdtrit(len(quanta_mV) - 1, 1 - _TAIL))
    g = t**2 * of_quantum / quantum**2 if quantum else np.inf
    if g >= 1.0:
        return None
    ratio = response / quantum
    reach = t / abs(quantum) * np.sqrt(max(of_response * (1 - g) + ratio**2 * of_quantum, 0.0))
    low, high = ((ratio + k * float(reach)) / (1 - g) for k in (-1, 1))
    return Estimate(ratio, (max(low, 0.0), max(high, 0.0)))


def by_variance(
    responses_mV: Floats, quantum_cv: float, noise_variance: float = 0.0
) -> Estimate | None:
    """``(1 + cv²) / CV²``, from the relative variance of responses; interval by the jackknife.

    It supposes numbers that follow one Poisson law: those that vary less tell of more
    vesicles. None where responses vary no more than noise does. The jackknife is that of
    the logarithm, so that the interval stays above zero.

    Parameters
    ----------
    responses_mV : (n,)
    quantum_cv : coefficient of variation of single quanta
    noise_variance : mV², of the same measure where there is no response
    """
    n = len(responses_mV)
    if n < 3 or responses_mV.std() == 0.0:
        return None

    def estimate(sample: Floats) -> float:
        left = sample.var(ddof=1) - noise_variance
        return float((1 + quantum_cv**2) * sample.mean() ** 2 / left) if left > 0.0 else np.nan

    value = estimate(responses_mV)
    with np.errstate(divide="ignore"):
        left_out = np.log([estimate(np.delete(responses_mV, k)) for k in range(n)])
    if not np.isfinite(value) or not np.isfinite(left_out).all():
        return None
    error = float(np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)))
    low, high = (value * float(np.exp(k * _Z * error)) for k in (-1, 1))
    return Estimate(value, (low, high))


def without_saturation(response_mV: Floats, driving_force_mV: float) -> Floats:
    """Responses as they would be if quanta added up: ``v / (1 - v / force)``.

    Martin 1955, Journal of Physiology 130:114. The driving force is the distance of rest
    from the reversal potential.
    """
    return np.asarray(response_mV / (1.0 - response_mV / driving_force_mV))


def dispersion(released: Floats) -> tuple[float, float]:
    """Variance over mean of numbers released, and the p-value of a Poisson law.

    Index-of-dispersion test, two-sided (Fisher 1950, Biometrics 6:17).
    """
    mean = float(released.mean())
    if mean == 0.0 or len(released) < 2:
        return float("nan"), float("nan")
    ratio = float(released.var(ddof=1)) / mean
    below = float(chi2.cdf((len(released) - 1) * ratio, len(released) - 1))
    return ratio, 2 * min(below, 1 - below)
