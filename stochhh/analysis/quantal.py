"""Counting quanta: how many vesicles a spike releases, found in several ways.

After del Castillo & Katz 1954, doi:10.1113/jphysiol.1954.sp005129. Each estimate comes
with its standard error; with Poisson numbers all of them estimate the same mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Floats = NDArray[np.float64]

_BASELINE_MS = 0.5  # before the event


class Content(NamedTuple):
    """An estimate of the mean number of vesicles a spike releases."""

    value: float
    error: float  # standard error

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval, normal."""
        return self.value - 1.96 * self.error, self.value + 1.96 * self.error


def by_count(released: Floats) -> Content:
    """Mean of the numbers released, (n,)."""
    return Content(float(released.mean()), float(released.std(ddof=1) / np.sqrt(len(released))))


def by_failures(n_trials: int, n_failures: int) -> Content | None:
    """``ln(N / N0)``: the mean of a Poisson law with that share of zeros.

    None where no or every spike failed. Error to first order, from binomial failures.
    """
    if not 0 < n_failures < n_trials:
        return None
    share = n_failures / n_trials
    return Content(-float(np.log(share)), float(np.sqrt((1 - share) / (share * n_trials))))


def by_amplitude(responses_mV: Floats, quanta_mV: Floats) -> Content | None:
    """Mean response over mean quantum; None with fewer than two quanta."""
    if len(quanta_mV) < 2 or len(responses_mV) < 2:
        return None
    response, quantum = float(responses_mV.mean()), float(quanta_mV.mean())
    relative = responses_mV.var(ddof=1) / len(responses_mV) / response**2 if response else 0.0
    relative += quanta_mV.var(ddof=1) / len(quanta_mV) / quantum**2
    return Content(response / quantum, abs(response / quantum) * float(np.sqrt(relative)))


def by_variance(responses_mV: Floats, quantum_cv: float) -> Content | None:
    """``(1 + cv²) / CV²``, from the relative variance of responses; error by the jackknife.

    `quantum_cv` is the coefficient of variation of single quanta.
    """
    if len(responses_mV) < 3 or responses_mV.std() == 0.0:
        return None

    def estimate(sample: Floats) -> float:
        return float((1 + quantum_cv**2) * sample.mean() ** 2 / sample.var(ddof=1))

    n = len(responses_mV)
    left_out = np.array([estimate(np.delete(responses_mV, k)) for k in range(n)])
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    return Content(estimate(responses_mV), float(error))


def without_saturation(response_mV: Floats, driving_force_mV: float) -> Floats:
    """Responses as they would be if quanta added up: ``v / (1 - v / force)``.

    Martin 1955, Journal of Physiology 130:114. The driving force is the distance of rest
    from the reversal potential.
    """
    return np.asarray(response_mV / (1.0 - response_mV / driving_force_mV))


def response_mV(time_ms: Floats, voltage_mV: Floats, begin_ms: float, window_ms: float) -> float:
    """Largest voltage within a window above the mean just before it."""
    before = (time_ms >= begin_ms - _BASELINE_MS) & (time_ms <= begin_ms)
    within = (time_ms >= begin_ms) & (time_ms <= begin_ms + window_ms)
    if not before.any() or not within.any():
        return float("nan")
    return float(voltage_mV[within].max() - voltage_mV[before].mean())


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
