"""One harness for every test in which chance plays a part.

Each test of a hypothesis returns a `Comparison`: a p-value with what theory says
and what the simulation gave. `agrees` asserts that it is above `LEVEL`, `refuses`
that it is below. Every claim comes with a negative control, the same test given a
law that is wrong by a few per cent: a test that cannot refuse it claims nothing.

Seeds are fixed, so a test that passes passes always. At a level of 1e-6 a change
of the draws (another seed, another order of draws) makes one of a thousand
comparisons fail once in a thousand times.

At the end stand the membranes that several of these tests are made on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 1e-6
#: Cells are pooled up to this many expected counts; with fewer, the chi-square
#: law's far tail no longer holds for the multinomial.
_FEWEST_EXPECTED = 20.0


class Comparison(NamedTuple):
    """A p-value, and what was compared with what."""

    p_value: float
    theory: str
    simulation: str


def agrees(comparison: Comparison, what: str) -> None:
    """Assert that a simulation is as likely as not to follow the law it was compared with."""
    assert comparison.p_value > LEVEL, (
        f"{what}: theory {comparison.theory}, simulation {comparison.simulation} "
        f"(p = {comparison.p_value:.2g}, level {LEVEL:g})"
    )


def refuses(comparison: Comparison, what: str) -> None:
    """Assert a negative control: this wrong law would not have got past `agrees`."""
    assert comparison.p_value < LEVEL, (
        f"negative control {what}: a wrong law passed: theory {comparison.theory}, "
        f"simulation {comparison.simulation} (p = {comparison.p_value:.2g})"
    )


def counts_follow(counts: ArrayLike, law: ArrayLike) -> Comparison:
    """Pearson's chi-square test of counts (K,) of independent draws against a law (K,).

    Cells are pooled, the rarest first, until each expects enough. Counts where
    the law has none at all refuse it outright.
    """
    counts, law = np.asarray(counts, dtype=float), np.asarray(law, dtype=float)
    n = counts.sum()
    simulation = np.array2string(counts / n, precision=5, threshold=10)
    theory = np.array2string(law, precision=5, threshold=10)
    if counts[law == 0.0].any():
        return Comparison(0.0, theory, simulation)
    pooled_counts, pooled_expected = [0.0], [0.0]
    for cell in np.argsort(law):
        if pooled_expected[-1] >= _FEWEST_EXPECTED:
            pooled_counts.append(0.0)
            pooled_expected.append(0.0)
        pooled_counts[-1] += counts[cell]
        pooled_expected[-1] += n * law[cell]
    seen, expected = np.array(pooled_counts), np.array(pooled_expected)
    assert len(seen) > 1, "too few counts to compare: all of them make one cell"
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return Comparison(float(stats.chi2.sf(statistic, len(seen) - 1)), theory, simulation)


def binomial_counts(sample: ArrayLike, n_channels: int, p: float) -> Comparison:
    """Chi-square test of a sample of counts of independent channels against binomial(N, p).

    It sees the whole law: the mean, the variance and the shape.
    """
    counts = np.bincount(np.asarray(sample, dtype=int), minlength=n_channels + 1)
    tested = counts_follow(counts, stats.binom.pmf(np.arange(n_channels + 1), n_channels, p))
    values = np.asarray(sample, dtype=float)
    return tested._replace(
        theory=f"binomial, mean {n_channels * p:.6g}, variance {n_channels * p * (1 - p):.6g}",
        simulation=f"mean {values.mean():.6g}, variance {values.var():.6g}",
    )


def mean_is(sample: ArrayLike, mean: float, sd: float | None = None) -> Comparison:
    """z test of the mean of a sample against a known one; t test without a known SD."""
    values = np.asarray(sample, dtype=float)
    if sd is None:
        p = float(stats.ttest_1samp(values, mean).pvalue)
        sd = float(values.std(ddof=1))
    else:
        z = (values.mean() - mean) / (sd / np.sqrt(len(values)))
        p = float(2 * stats.norm.sf(abs(z)))
    error = sd / np.sqrt(len(values))
    return Comparison(p, f"mean {mean:.6g}", f"mean {values.mean():.6g} ± {error:.2g}")


def variance_is(sample: ArrayLike, variance: float, excess_kurtosis: float = 0.0) -> Comparison:
    """z test of the variance of a sample against a known one.

    The variance of a sample variance is σ⁴ (2/(n-1) + excess/n).
    """
    values = np.asarray(sample, dtype=float)
    n, found = len(values), float(values.var(ddof=1))
    error = variance * np.sqrt(2 / (n - 1) + excess_kurtosis / n)
    p = float(2 * stats.norm.sf(abs(found - variance) / error))
    return Comparison(p, f"variance {variance:.6g}", f"variance {found:.6g} ± {error:.2g}")


def binomial_variance(sample: ArrayLike, n_channels: int, p: float) -> Comparison:
    """z test of the variance of counts of N independent channels, N p (1 - p)."""
    spread = n_channels * p * (1.0 - p)
    return variance_is(sample, spread, (1.0 - 6.0 * p * (1.0 - p)) / spread)


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
    """z test of b in y = a xᵇ, by weighted least squares on the logarithms.

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


def _described(sample: np.ndarray) -> str:
    error = sample.std() / np.sqrt(len(sample))
    return f"mean {sample.mean():.6g} ± {error:.2g}, SD {sample.std():.6g}, n {len(sample)}"


def held(schemes: dict[str, int], voltage_mV: float, **run: Any) -> dict[str, Any]:
    """Tables of a membrane whose leak holds it at a voltage, with a time constant of 1 µs.

    Its channels, `schemes` gives how many of each, conduct too little to move it.
    """
    channels = [
        {"scheme": name, "count": count, "conductance": "1e-9 pS", "reversal": "0 mV"}
        for name, count in schemes.items()
    ]
    membrane = {
        "area": "1 um^2",
        "temperature": "6.3 degC",
        "capacitance": "1 pF",
        "leak": {"conductance": "1000 nS", "reversal": f"{voltage_mV} mV"},
        "channels": channels,
    }
    initial = {"voltage": f"{voltage_mV} mV"}
    return {
        "format": 1,
        "title": "held",
        "membrane": membrane,
        "run": {"seed": 1, "deterministic": False, "initial": initial, **run},
    }


def squid_patch(area_um2: float, **run: Any) -> dict[str, Any]:
    """Tables of a patch of squid axon (Chow & White 1996, doi:10.1016/S0006-3495(96)79494-8)."""
    channels = [
        {"scheme": "squid-na", "density": "60 / um^2", "reversal": "50 mV"},
        {"scheme": "squid-k", "density": "18 / um^2", "reversal": "-77 mV"},
    ]
    membrane = {
        "area": f"{area_um2} um^2",
        "temperature": "6.3 degC",
        "capacitance": "1 uF/cm^2",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.4 mV"},
        "channels": [{**table, "conductance": "20 pS"} for table in channels],
    }
    return {
        "format": 1,
        "title": "squid patch",
        "membrane": membrane,
        "run": {"seed": 1, "deterministic": False, **run},
    }
