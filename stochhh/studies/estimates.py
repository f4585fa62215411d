"""Estimates with 95 % intervals that several studies share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.spikes import CONFIDENCE, Estimate

Floats = NDArray[np.float64]


def share_estimate(successes: int, trials: int) -> Estimate:
    """Share of successes with the exact interval of Clopper & Pearson (1934).

    doi:10.1093/biomet/26.4.404
    """
    from scipy import stats

    if trials == 0:
        return Estimate(None)
    found = stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(successes / trials, (float(found.low), float(found.high)))


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
