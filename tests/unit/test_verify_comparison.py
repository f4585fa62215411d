"""Comparisons give the p-values that scipy gives, and refuse what they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from stochhh.verify import comparison
from stochhh.verify.comparison import (
    binomial_counts,
    binomial_variance,
    comparable,
    counts_are,
    counts_follow,
    follows_exponential,
    mean_is,
    means_are,
    multinomial_spread,
    power_is,
    same_law,
    same_mean,
    states_follow,
    variance_is,
)

LAW = np.array([0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def is_uniform(p_values):
    """Whether p-values are spread evenly between 0 and 1."""
    return stats.kstest(p_values, "uniform").pvalue > 1e-6


def test_counts_follow_is_pearsons_test():
    counts = [90, 210, 310, 390]
    assert counts_follow(counts, LAW).p_value == pytest.approx(
        stats.chisquare(counts, 1000 * LAW).pvalue
    )


def test_counts_follow_pools_rare_cells():
    law = np.array([0.005, 0.01, 0.485, 0.5])
    counts = [3, 12, 480, 505]  # 5, 10, 485 and 500 are expected: the first three make one cell
    pooled = stats.chisquare([495, 505], [500, 500]).pvalue
    assert counts_follow(counts, law).p_value == pytest.approx(pooled)


def test_counts_where_the_law_has_none_are_refused():
    assert counts_follow([500, 500, 1], [0.5, 0.5, 0.0]).p_value == 0.0


@pytest.mark.parametrize("n", [40, 60])
def test_comparable_tells_when_counts_follow_has_two_cells(n):
    law = [0.4, 0.6]
    assert comparable(n, law) == (n * 0.4 >= comparison.FEWEST_EXPECTED)
    assert not comparable(10, law)
    with pytest.raises(ValueError, match="one cell"):
        counts_follow([4, 6], law)


def test_states_follow_names_the_farthest_state():
    compared = states_follow([100, 200, 260, 440], LAW, ["a", "b", "c", "d"])
    assert compared.p_value == counts_follow([100, 200, 260, 440], LAW).p_value
    assert (compared.theory, compared.simulation) == ("c 0.3", "c 0.26 ± 0.014")


def test_binomial_counts_sees_mean_and_shape(rng):
    sample = rng.binomial(20, 0.3, 2000)
    assert binomial_counts(sample, 20, 0.3).p_value > 1e-3
    assert binomial_counts(sample, 20, 0.33).p_value < 1e-6
    assert binomial_counts(np.full(2000, 6), 20, 0.3).p_value < 1e-6


def test_mean_is_the_t_test_and_the_z_test(rng):
    sample = rng.normal(1.0, 2.0, 30)
    assert mean_is(sample, 1.3).p_value == pytest.approx(stats.ttest_1samp(sample, 1.3).pvalue)
    z = (sample.mean() - 1.3) / (2.0 / np.sqrt(30))
    assert mean_is(sample, 1.3, 2.0).p_value == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_slack_forgives_just_so_much():
    sample = np.array([9.9, 10.1] * 500)
    assert mean_is(sample, 10.5, slack=0.5).p_value == 1.0
    assert mean_is(sample, 10.5, slack=0.4).p_value < 1e-6
    variance = sample.var(ddof=1)
    assert variance_is(sample, 2.0 * variance, slack=variance).p_value == pytest.approx(1.0)
    assert variance_is(sample, 2.0 * variance).p_value < 1e-6


def test_constant_sample_is_its_own_mean():
    assert mean_is(np.full(5, 3.0), 3.0).p_value == 1.0
    assert mean_is(np.full(5, 3.0), 3.1).p_value == 0.0


def test_variance_p_values_are_uniform_under_the_law(rng):
    normal = rng.normal(0.0, 3.0, (400, 500))
    assert is_uniform([variance_is(row, 9.0).p_value for row in normal])
    counts = rng.binomial(8, 0.2, (400, 500))  # far from normal: its kurtosis counts
    assert is_uniform([binomial_variance(row, 8, 0.2).p_value for row in counts])
    assert not is_uniform([binomial_variance(row, 8, 0.23).p_value for row in counts])


def test_counts_are_is_the_g_test_of_poisson_counts():
    seen, mean = np.array([90.0, 210.0]), np.array([100.0, 200.0])
    g = 2 * (seen * np.log(seen / mean) - seen + mean).sum()
    assert counts_are(seen, mean).p_value == pytest.approx(stats.chi2.sf(g, 2))
    with pytest.raises(ValueError, match="too few"):
        counts_are([3.0, 4.0], [3.0, 4.0])


def test_counts_are_uniform_under_the_law_with_rare_kinds(rng):
    mean = np.array([0.01, 3.0, 18.0, 50.0, 400.0])
    found = rng.poisson(mean, (600, 5))
    assert is_uniform([counts_are(row, mean).p_value for row in found])
    assert counts_are(1.2 * mean, mean).p_value < 0.01


def test_means_are_is_the_t_test_of_one_quantity(rng):
    sample = rng.normal(size=(40, 1))
    assert means_are(sample, [0.2]).p_value == pytest.approx(
        stats.ttest_1samp(sample[:, 0], 0.2).pvalue
    )


def test_means_are_takes_correlations_and_constants_into_account(rng):
    mix = np.array([[1.0, 0.9, 0.0], [0.0, 0.2, 0.3], [0.0, 0.0, 1.0]])
    found = [
        means_are(rng.normal(size=(60, 3)) @ mix + [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).p_value
        for _ in range(400)
    ]
    assert is_uniform(found)
    sample = np.column_stack([rng.normal(size=50), np.full(50, 2.0)])
    assert means_are(sample, [0.0, 2.0]).p_value > 1e-3
    assert means_are(sample, [0.0, 2.1]).p_value == 0.0
    with pytest.raises(ValueError, match="more samples"):
        means_are(rng.normal(size=(3, 4)), np.zeros(4))


def test_multinomial_spread_is_uniform_and_sees_correlated_channels(rng):
    single = rng.multinomial(100, LAW, (400, 300))
    assert is_uniform([multinomial_spread(row, 100, LAW).p_value for row in single])
    pairs = 2 * rng.multinomial(50, LAW, 300)  # channels that go in pairs
    assert multinomial_spread(pairs, 100, LAW).p_value < 1e-6
    with pytest.raises(ValueError, match="one cell"):
        multinomial_spread([[1, 9]], 10, [0.1, 0.9])


def test_follows_exponential(rng):
    sample = rng.exponential(2.0, 5000)
    assert follows_exponential(sample, 2.0).p_value > 1e-3
    assert follows_exponential(sample, 2.3).p_value < 1e-6


def test_two_samples_are_compared_as_scipy_does(rng):
    one, other = rng.normal(size=80), rng.normal(0.3, 2.0, 60)
    expected = stats.ttest_ind(one, other, equal_var=False).pvalue
    assert same_mean(one, other).p_value == pytest.approx(expected)
    expected = stats.ks_2samp(one, other, method="asymp").pvalue
    assert same_law(one, other).p_value == pytest.approx(expected)


def test_power_is_found_on_logarithms(rng):
    x = np.array([1.0, 2.0, 4.0, 8.0])
    error = np.full(4, 0.02)
    found = [
        power_is(x, 3.0 * x**-0.5 * np.exp(0.02 * rng.normal(size=4)), error, -0.5).p_value
        for _ in range(400)
    ]
    assert is_uniform(found)
    assert power_is(x, 3.0 * x**-0.5, error, -0.7).p_value < 1e-6
