"""Comparisons of a simulation with a law, or of two simulations: each gives a p-value.

A `Comparison` holds the p-value with what theory says and what the simulation gave,
both in words for a table or a message. Under the law each p-value is uniform
between 0 and 1, at least where counts are as large as the functions ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

#: Cells are pooled up to this many expected counts; with fewer, the chi-square
#: law's far tail no longer holds for the multinomial.
FEWEST_EXPECTED = 20.0


class Comparison(NamedTuple):
    """A p-value, and what was compared with what."""

    p_value: float
    theory: str
    simulation: str


def counts_follow(counts: ArrayLike, law: ArrayLike) -> Comparison:
    """Pearson's chi-square test of counts (K,) of independent draws against a law (K,).

    Cells are pooled, the rarest first, until each expects enough. Counts where
    the law has none at all refuse it outright.

    Raises
    ------
    ValueError
        So few counts that all of them make one cell; `comparable` tells before.
    """
    counts, law = np.asarray(counts, dtype=float), np.asarray(law, dtype=float)
    n = counts.sum()
    simulation = np.array2string(counts / n, precision=5, threshold=10)
    theory = np.array2string(law, precision=5, threshold=10)
    if counts[law == 0.0].any():
        return Comparison(0.0, theory, simulation)
    pooled_counts, pooled_expected = [0.0], [0.0]
    for cell in np.argsort(law):
        if pooled_expected[-1] >= FEWEST_EXPECTED:
            pooled_counts.append(0.0)
            pooled_expected.append(0.0)
        pooled_counts[-1] += counts[cell]
        pooled_expected[-1] += n * law[cell]
    seen, expected = np.array(pooled_counts), np.array(pooled_expected)
    if len(seen) < 2:
        raise ValueError("too few counts to compare: all of them make one cell")
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return Comparison(float(stats.chi2.sf(statistic, len(seen) - 1)), theory, simulation)


def states_follow(counts: ArrayLike, law: ArrayLike, names: Sequence[str]) -> Comparison:
    """Compare by `counts_follow`, and say in words which state lies farthest from its share.

    Parameters
    ----------
    counts, law : (S,)
    names : of the states
    """
    seen, shares = np.asarray(counts, dtype=float), np.asarray(law, dtype=float)
    n = seen.sum()
    error = np.sqrt(shares * (1.0 - shares) / n)
    worst = int(np.argmax(np.abs(seen / n - shares) / np.maximum(error, 1.0 / n)))
    return counts_follow(seen, shares)._replace(
        theory=f"{names[worst]} {shares[worst]:.5g}",
        simulation=f"{names[worst]} {seen[worst] / n:.5g} ± {error[worst]:.2g}",
    )


def comparable(n_draws: float, law: ArrayLike) -> bool:
    """Whether so many draws are enough for `counts_follow` to tell two cells of a law apart."""
    probabilities = np.asarray(law, dtype=float)
    return bool(n_draws * (probabilities.sum() - probabilities.max()) >= FEWEST_EXPECTED)


def binomial_counts(sample: ArrayLike, n_channels: int, p: float) -> Comparison:
    """Chi-square test of a sample of counts of independent channels against binomial(N, p).

    It sees the whole law: the mean, the variance and the shape.
    """
    counts = np.bincount(np.asarray(sample, dtype=int), minlength=n_channels + 1)
    tested = counts_follow(counts, stats.binom.pmf(np.arange(n_channels + 1), n_channels, p))
    values = np.asarray(sample, dtype=float)
    return tested._replace(
        theory=f"mean {n_channels * p:.6g}, variance {n_channels * p * (1 - p):.6g}",
        simulation=f"mean {values.mean():.6g}, variance {values.var():.6g}",
    )


def mean_is(
    sample: ArrayLike, mean: float, sd: float | None = None, slack: float = 0.0
) -> Comparison:
    """Test the mean of a sample against a known one, by z; by t without a known SD.

    Parameters
    ----------
    sample : (n,)
    mean : as theory has it
    sd : of one value, if theory knows it
    slack : how far from theory the law itself may lie, as that of a method whose
        error is of the order of its step. p is then at least what it is at the
        nearest mean allowed, so no longer uniform but never too small.
    """
    values = np.asarray(sample, dtype=float)
    n = len(values)
    known = sd is not None
    spread = float(values.std(ddof=1)) if sd is None else sd
    error = spread / np.sqrt(n)
    away = max(abs(float(values.mean()) - mean) - slack, 0.0)
    z = away / error if error > 0.0 else (np.inf if away > 0.0 else 0.0)
    p = 2 * float(stats.norm.sf(z) if known else stats.t.sf(z, n - 1))
    return Comparison(p, f"mean {mean:.6g}", f"mean {values.mean():.6g} ± {error:.2g}")


def variance_is(
    sample: ArrayLike, variance: float, excess_kurtosis: float = 0.0, slack: float = 0.0
) -> Comparison:
    """Test the variance of a sample against a known one, by z.

    The variance of a sample variance is σ⁴ (2/(n-1) + excess/n); `slack` as in `mean_is`.
    """
    values = np.asarray(sample, dtype=float)
    n, found = len(values), float(values.var(ddof=1))
    error = variance * np.sqrt(2 / (n - 1) + excess_kurtosis / n)
    p = float(2 * stats.norm.sf(max(abs(found - variance) - slack, 0.0) / error))
    return Comparison(p, f"variance {variance:.6g}", f"variance {found:.6g} ± {error:.2g}")


def binomial_variance(
    sample: ArrayLike, n_channels: int, p: float, slack: float = 0.0
) -> Comparison:
    """Test the variance of counts of N independent channels, N p (1 - p), by z."""
    spread = n_channels * p * (1.0 - p)
    return variance_is(sample, spread, (1.0 - 6.0 * p * (1.0 - p)) / spread, slack)


def counts_are(counts: ArrayLike, expected: ArrayLike) -> Comparison:
    """Likelihood-ratio test of uncorrelated counts (K,) whose variances are their means.

    ``2 sum(n log(n/m) - n + m)`` follows the chi-square law of K degrees, and for
    Poisson counts far into its tail. Kinds that expect too few are pooled, the
    rarest first.

    Raises
    ------
    ValueError
        Fewer than enough are expected of all kinds together.
    """
    seen, mean = np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    order = np.argsort(mean)
    first = int(np.searchsorted(np.cumsum(mean[order]), FEWEST_EXPECTED))  # the last rare one
    if first == len(mean):
        raise ValueError("too few counts to compare: fewer are expected than make one cell")
    rare, rest = order[: first + 1], order[first + 1 :]
    seen = np.append(seen[rest], seen[rare].sum())
    mean = np.append(mean[rest], mean[rare].sum())
    statistic = float(2 * (special.xlogy(seen, seen / mean) - seen + mean).sum())
    return Comparison(
        float(stats.chi2.sf(statistic, len(mean))),
        f"{mean.sum():.6g} in {len(mean)} kinds",
        f"{seen.sum():.6g}, chi-square {statistic:.4g}",
    )


def means_are(samples: ArrayLike, means: ArrayLike) -> Comparison:
    """Hotelling's T² test of the means of several quantities, measured together n times.

    Their correlations are those of the sample, so they may be of any kind
    (Hotelling 1931, doi:10.1214/aoms/1177732979). Quantities that never vary are
    compared by themselves.

    Parameters
    ----------
    samples : (n, K), independent rows, many more than K
    means : (K,) as theory has them
    """
    values, expected = np.asarray(samples, dtype=float), np.asarray(means, dtype=float)
    found = values.mean(axis=0)
    n = len(values)
    varies = values.std(axis=0) > 1e-12 * np.abs(expected)
    theory = f"means {np.array2string(expected, precision=5, threshold=10)}"
    simulation = f"means {np.array2string(found, precision=5, threshold=10)}"
    if not np.allclose(found[~varies], expected[~varies], rtol=1e-9, atol=0.0):
        return Comparison(0.0, theory, simulation)
    k = int(varies.sum())
    if k == 0:
        return Comparison(1.0, theory, simulation)
    if n <= k:
        raise ValueError(f"{n} samples of {k} quantities; need more samples than quantities")
    scale = values[:, varies].std(axis=0)
    away = (found - expected)[varies] / scale
    covariance = np.atleast_2d(np.cov(values[:, varies] / scale, rowvar=False))
    statistic = n * float(away @ np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ away)
    p = float(stats.f.sf(statistic * (n - k) / (k * (n - 1)), k, n - k))
    return Comparison(p, theory, f"{simulation}, T² {statistic:.3g} of {k}")


def multinomial_spread(counts: ArrayLike, n_channels: int, law: ArrayLike) -> Comparison:
    """Test by z how far multinomial counts scatter around their means, all states together.

    The mean of Pearson's statistic over trials is K - 1 whatever the law is, and its
    variance ``2 (K - 1) + (sum(1/p) - K² - 2 K + 2) / N`` (Haldane 1937,
    doi:10.1093/biomet/29.1-2.133): it sees the variances of all states, and
    correlations between channels, and hardly the means.

    Parameters
    ----------
    counts : (trials, S), each row N channels
    n_channels : N
    law : (S,)

    Raises
    ------
    ValueError
        All states but one are so rare that they make one cell with it.
    """
    values, p = np.asarray(counts, dtype=float), np.asarray(law, dtype=float)
    order = np.argsort(p)
    enough = FEWEST_EXPECTED / (4.0 * n_channels)
    first = int(np.searchsorted(np.cumsum(p[order]), enough))
    if first >= len(p) - 1:
        raise ValueError("too few counts to compare: all of them make one cell")
    rare, rest = order[: first + 1], order[first + 1 :]
    values = np.column_stack([values[:, rest], values[:, rare].sum(axis=1)])
    p = np.append(p[rest], p[rare].sum())
    mean, k = n_channels * p, len(p)
    each = ((values - mean) ** 2 / mean).sum(axis=1)
    one = 2.0 * (k - 1) + ((1.0 / p).sum() - k**2 - 2 * k + 2) / n_channels
    error = np.sqrt(one / len(values))
    z = (each.mean() - (k - 1)) / error
    return Comparison(
        float(2 * stats.norm.sf(abs(z))),
        f"{k - 1} in {k} cells",
        f"{each.mean():.5g} ± {error:.2g}",
    )


def follows_exponential(sample: ArrayLike, mean: float) -> Comparison:
    """Kolmogorov-Smirnov test of a sample against the exponential law of a known mean."""
    values = np.asarray(sample, dtype=float)
    p = float(stats.kstest(values, stats.expon(scale=mean).cdf, method="asymp").pvalue)
    return Comparison(p, f"exponential, mean {mean:.6g}", f"mean {values.mean():.6g}")


def same_law(first: ArrayLike, second: ArrayLike) -> Comparison:
    """Two-sample Kolmogorov-Smirnov test."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    p = float(stats.ks_2samp(one, other, method="asymp").pvalue)
    return Comparison(p, _described(one), _described(other))


def same_mean(first: ArrayLike, second: ArrayLike) -> Comparison:
    """Welch's two-sample t test."""
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    p = float(stats.ttest_ind(one, other, equal_var=False).pvalue)
    return Comparison(p, _described(one), _described(other))


def power_is(x: ArrayLike, y: ArrayLike, relative_error: ArrayLike, power: float) -> Comparison:
    """Test b in y = a xᵇ by z, by weighted least squares on the logarithms.

    Parameters
    ----------
    x, y : (n,) positive
    relative_error : (n,) standard error of each y over y
    power : b as theory has it
    """
    log_x, log_y = np.log(x), np.log(y)
    weight = 1.0 / np.square(np.asarray(relative_error, dtype=float))
    centred = log_x - np.average(log_x, weights=weight)
    information = float((weight * centred**2).sum())
    found = float((weight * centred * log_y).sum()) / information
    error = information**-0.5
    p = float(2 * stats.norm.sf(abs(found - power) / error))
    return Comparison(p, f"power {power:g}", f"power {found:.4g} ± {error:.2g}")


def _described(sample: Floats) -> str:
    error = sample.std() / np.sqrt(len(sample))
    return f"mean {sample.mean():.6g} ± {error:.2g}, SD {sample.std():.6g}, n {len(sample)}"
