"""Numbers with 95 % confidence intervals that can be true: means, counts, shares.

An interval of what has bounds stays within them. How often each holds the truth is counted
in ``tests/statistical/test_coverage.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

CONFIDENCE = 0.95
#: Statistics whose 95 % interval is approximate: it holds the truth in 80 to 92 % of some cases,
#: which the docstrings of their functions and the table of coverage name.
APPROXIMATE = frozenset(
    {
        "cv",
        "isi_cv",
        "least_cv",
        "isi_variance_ms2",
        "hazard_hz",
        "precision_ms",
        "straightness",
        "jitter_growth_ms2",
    }
)
_FEW_TRIALS = 10  # whose counts may all have been near one another by chance


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % confidence interval; None where the data cannot give it."""

    value: float | None
    interval: Interval | None = None

    def __float__(self) -> float:
        """The number, NaN where there is none: for arrays, as `low` and `high` are."""
        return np.nan if self.value is None else float(self.value)

    @property
    def low(self) -> float:
        """Lower end of the interval, NaN without one."""
        return np.nan if self.interval is None else float(self.interval[0])

    @property
    def high(self) -> float:
        """Upper end of the interval, NaN without one."""
        return np.nan if self.interval is None else float(self.interval[1])


def mean_estimate(values: ArrayLike, lowest: float = -np.inf, highest: float = np.inf) -> Estimate:
    """Mean of a sample with Student's interval.

    It is Student's of the logarithm of the distance to a bound where one is given, and of the
    log odds between two (delta method), so that its ends are within them. Of values from an
    exponential law it holds the truth in 93 to 95 %, where Student's own has 88 to 92 %.

    Parameters
    ----------
    values : the sample; those that are not finite are left out. One alone has no interval.
    lowest, highest : what no value can be beyond
    """
    from scipy.special import stdtrit

    sample = np.asarray(values, dtype=np.float64)
    sample = sample[np.isfinite(sample)]
    if len(sample) == 0:
        return Estimate(None)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Estimate(mean)
    reach = stdtrit(len(sample) - 1, 0.5 + CONFIDENCE / 2) * sample.std(ddof=1)
    return Estimate(mean, _within(mean, float(reach / np.sqrt(len(sample))), lowest, highest))


def _within(mean: float, reach: float, lowest: float, highest: float) -> Interval:
    """Ends at mean ± reach, bent so that they stay between two bounds."""
    above, below = mean - lowest, highest - mean
    if reach == 0.0 or min(above, below) <= 0.0:  # no scatter, or all values at a bound
        return mean, mean
    if not np.isfinite(below) and not np.isfinite(above):
        return mean - reach, mean + reach
    with np.errstate(over="ignore"):
        if not np.isfinite(below):
            bend = np.exp(reach / above)
            return float(lowest + above / bend), float(lowest + above * bend)
        if not np.isfinite(above):
            bend = np.exp(reach / below)
            return float(highest - below * bend), float(highest - below / bend)
        bend = np.exp(reach * (1.0 / above + 1.0 / below))
        odds = above / below
        low, high = (x / (1.0 + x) if np.isfinite(x) else 1.0 for x in (odds / bend, odds * bend))
    return float(lowest + low * (highest - lowest)), float(lowest + high * (highest - lowest))


def count_estimate(counts: ArrayLike) -> Estimate:
    """Mean over trials of a number of events in each, such as spikes or vesicles.

    The interval is Student's of the logarithm where counts scatter. Where they do not, that
    would be a point: one trial, or nothing but zeros, have Garwood's of a Poisson count; counts
    that are all k, or k and k + 1, are taken as a share of trials with one more (Wilson).
    Checked to hold the truth in 92 % of cases or more, from 2 trials on, of counts between
    Bernoulli's and twice as scattered as Poisson's.

    Parameters
    ----------
    counts : (trials,) whole numbers, none below zero
    """
    count = np.asarray(counts, dtype=np.float64)
    n, total = len(count), float(count.sum())
    if n == 0:
        return Estimate(None)
    mean = total / n
    low, high = (float(end) / n for end in poisson_limits(total))
    if n == 1 or total == 0.0:
        return Estimate(mean, (low, high))
    student = mean_estimate(count, lowest=0.0).interval
    assert student is not None
    least, most = float(count.min()), float(count.max())
    if most - least > 1.0:
        return Estimate(mean, student)
    if most == least:
        reach = float(share_limits(0, n)[1])
        ends = [(least - reach, least + reach)]
    else:
        share = share_limits(int((count == most).sum()), n)
        ends = [(least + float(share[0]), least + float(share[1]))]
        if least >= 1.0 or n < _FEW_TRIALS:
            ends.append(student)
    if n == 2:  # which may agree by chance, however much they scatter
        ends.append((low, high))
    return Estimate(mean, (min(end[0] for end in ends), max(end[1] for end in ends)))


def share_estimate(count: int, total: int) -> Estimate:
    """Share of trials, with Wilson's interval; None of no trials."""
    if total == 0:
        return Estimate(None)
    low, high = share_limits(count, total)
    return Estimate(count / total, (float(low), float(high)))


def share_limits(count: ArrayLike, total: int) -> tuple[Floats, Floats]:
    """Wilson's 95 % interval (doi:10.1080/01621459.1927.10502953) of shares; NaN of none."""
    from scipy.special import ndtri

    share = np.asarray(count, dtype=np.float64) / (total or np.nan)
    z2 = float(ndtri(0.5 + CONFIDENCE / 2)) ** 2 / (total or np.nan)
    reach = np.sqrt(z2 * share * (1.0 - share) + (z2 / 2.0) ** 2)
    low = (share + z2 / 2.0 - reach) / (1.0 + z2)
    return np.maximum(low, 0.0), np.minimum((share + z2 / 2.0 + reach) / (1.0 + z2), 1.0)


def poisson_limits(count: ArrayLike) -> tuple[Floats, Floats]:
    """Exact 95 % limits of the mean of a Poisson count, of any shape.

    Garwood 1936, doi:10.1093/biomet/28.3-4.437.
    """
    from scipy.special import gammaincinv

    n = np.asarray(count, dtype=np.float64)
    tail = (1 - CONFIDENCE) / 2
    low = np.where(n > 0, gammaincinv(np.maximum(n, 1.0), tail), 0.0)
    return low, np.asarray(gammaincinv(n + 1.0, 1 - tail))


def median_estimate(sample: Floats) -> Estimate:
    """Median of independent values with the exact interval between two order statistics.

    Values may be infinite, as for what never came: then so may the median and its
    upper limit be. Fewer than 6 values have no interval of 95 %.
    """
    from scipy import stats

    ordered = np.sort(np.asarray(sample, dtype=np.float64))
    n = len(ordered)
    if n == 0:
        return Estimate(None)
    middle = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0)
    below = int(stats.binom.ppf((1.0 - CONFIDENCE) / 2.0, n, 0.5))
    if below == 0:
        return Estimate(middle)
    return Estimate(middle, (float(ordered[below - 1]), float(ordered[n - below])))


def approximate_names(numbers: Any) -> list[str]:
    """Names of approximate statistics in tables and lists of numbers that have an interval."""
    if isinstance(numbers, dict):
        own = {name for name in APPROXIMATE if numbers.get(f"{name}_ci") is not None}
        return sorted(own.union(*(approximate_names(entry) for entry in numbers.values())))
    if isinstance(numbers, list):
        return sorted({name for entry in numbers for name in approximate_names(entry)})
    return []


def named(name: str, estimate: Estimate) -> dict[str, float | list[float] | None]:
    """Entries of a number in a file: its value, and its interval as ``name_ci``."""
    interval = None if estimate.interval is None else list(estimate.interval)
    return {name: estimate.value, f"{name}_ci": interval}
