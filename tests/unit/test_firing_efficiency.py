"""Firing efficiency against another optimiser, closed forms, and by law on simulated counts."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Comparison, agrees, counts_follow, refuses
from scipy import optimize, stats

from stochhh.analysis.estimates import Estimate, share_estimate
from stochhh.analysis.firing_efficiency import (
    FiringEfficiency,
    fit_firing_efficiency,
    latency_point,
    pooled,
    response_latencies_ms,
    spread_estimate,
)
from stochhh.errors import InputError

RISE = 0.5 * stats.chi2.ppf(0.95, 1)
# Bliss 1935, beetles in carbon disulphide: log10 dose, killed, beetles
DOSE = [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839]
KILLED = [6, 13, 18, 28, 52, 53, 61, 60]
BEETLES = [59, 60, 62, 56, 63, 59, 62, 60]


def minus_log_likelihood(x, fired, trials, threshold, spread):
    eta = (np.asarray(x) / threshold - 1.0) / spread
    fired, trials = np.asarray(fired), np.asarray(trials)
    return -np.sum(fired * stats.norm.logcdf(eta) + (trials - fired) * stats.norm.logsf(eta))


def reference_fit(x, fired, trials, start):
    found = optimize.minimize(
        lambda q: minus_log_likelihood(x, fired, trials, *np.exp(q)),
        np.log(start),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 5000},
    )
    return np.exp(found.x), float(found.fun)


def best_with(x, fired, trials, start, index, value):
    """Least minus log likelihood with one parameter held, searching the other."""

    def loss(free):
        pair = [0.0, 0.0]
        pair[index], pair[1 - index] = value, np.exp(free)
        return minus_log_likelihood(x, fired, trials, *pair)

    near = np.log(start[1 - index])
    bounds, exact = (near - 2.0, near + 2.0), {"xatol": 1e-9}
    return optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options=exact).fun


def simulated(rng, threshold, spread, x, trials):
    return rng.binomial(trials, stats.norm.cdf((x / threshold - 1.0) / spread))


def coverage(estimates: list[Estimate], truth: float, narrowed: float = 1.0) -> Comparison:
    """Of intervals, all narrowed in their logarithm, against 95 %."""
    low, high = np.log(np.array([one.interval for one in estimates])).T
    middle = np.log([one.value for one in estimates])
    held = np.abs(np.log(truth) - middle) <= narrowed * np.where(
        truth < np.exp(middle), middle - low, high - middle
    )
    p_value = stats.binomtest(int(held.sum()), len(held), 0.95).pvalue
    return Comparison(p_value, "0.95", f"{held.mean():.3f}")


# --- the fit ------------------------------------------------------------------------


def test_bliss_beetles_have_their_published_probit_fit():
    # Dobson & Barnett, Generalized Linear Models: probit intercept -34.94, slope 19.73,
    # deviance 10.12 with 6 degrees of freedom
    fit = fit_firing_efficiency(DOSE, KILLED, BEETLES)
    offset = 1.0 / fit.relative_spread.value
    assert -offset == pytest.approx(-34.94, abs=0.01)
    assert offset / fit.threshold.value == pytest.approx(19.73, abs=0.01)
    assert fit.deviance == pytest.approx(10.12, abs=0.005)
    assert fit.degrees == 6


@pytest.mark.parametrize(
    ("x", "fired", "trials"),
    [
        (DOSE, KILLED, BEETLES),
        ([18.9, 20.0, 21.5, 22.5, 24.5], [3, 122, 510, 801, 989], [1000] * 5),
        ([1.0, 2.0, 3.0, 4.0], [1, 2, 5, 9], [10] * 4),
        ([1e-9, 1.02e-9, 1.04e-9], [1, 9, 19], [20] * 3),
    ],
)
def test_fit_and_profile_ends_are_those_of_another_optimiser(x, fired, trials):
    fit = fit_firing_efficiency(x, fired, trials)
    start = [fit.threshold.value * 1.01, fit.relative_spread.value * 0.9]
    truth, least = reference_fit(x, fired, trials, start)
    ours = [fit.threshold, fit.relative_spread]
    for index, (estimate, true) in enumerate(zip(ours, truth, strict=True)):
        assert estimate.value == pytest.approx(true, rel=1e-6)
        for end in estimate.interval:
            rise = best_with(x, fired, trials, truth, index, end) - least
            assert rise == pytest.approx(RISE, rel=2e-4)
        assert estimate.interval[0] < estimate.value < estimate.interval[1]


def test_deviance_is_that_of_a_share_for_each_amplitude():
    x, fired, trials = np.array([1.0, 2.0, 3.0, 4.0]), [1, 2, 5, 9], [10, 10, 10, 10]
    fit = fit_firing_efficiency(x, fired, trials)
    own = stats.binom.logpmf(fired, trials, np.array(fired) / 10).sum()
    fitted = stats.binom.logpmf(fired, trials, fit.at(x)).sum()
    assert fit.deviance == pytest.approx(2 * (own - fitted), rel=1e-6)
    saturated = fit_firing_efficiency([1.0, 2.0], [3, 8], [10, 10])
    assert saturated.deviance == pytest.approx(0.0, abs=1e-9)
    assert saturated.degrees == 0
    # two points determine the line through their probits
    slope = (stats.norm.ppf(0.8) - stats.norm.ppf(0.3)) / 1.0
    assert saturated.threshold.value == pytest.approx(1.0 - stats.norm.ppf(0.3) / slope, rel=1e-6)
    np.testing.assert_allclose(saturated.at([1.0, 2.0]), [0.3, 0.8], rtol=1e-6)


def test_groups_of_one_amplitude_and_their_order_do_not_matter():
    once = fit_firing_efficiency([1.0, 2.0, 3.0], [1, 6, 9], [10, 10, 10])
    apart = fit_firing_efficiency(
        [3.0, 2.0, 1.0, 2.0, 9.0, 3.0], [4, 4, 1, 2, 0, 5], [4, 7, 10, 3, 0, 6]
    )
    assert apart == once
    x, yes, no = pooled([3.0, 2.0, 3.0, 5.0], [1, 0, 2, 0], [1, 4, 5, 0])
    assert (x.tolist(), yes.tolist(), no.tolist()) == ([2.0, 3.0], [0.0, 3.0], [4.0, 3.0])
    assert all(len(one) == 0 for one in pooled([], [], []))


def test_unit_of_the_amplitude_does_not_matter():
    x, fired, trials = np.array(DOSE), KILLED, BEETLES
    one, other = (
        fit_firing_efficiency(x, fired, trials),
        fit_firing_efficiency(1e-12 * x, fired, trials),
    )
    assert other.threshold.value == pytest.approx(1e-12 * one.threshold.value, rel=1e-6)
    np.testing.assert_allclose(
        other.relative_spread.interval, one.relative_spread.interval, rtol=1e-4
    )


def test_curve_is_the_integrated_gaussian():
    fit = FiringEfficiency(Estimate(20.0), Estimate(0.1), 0.0, 0)
    np.testing.assert_allclose(
        fit.at([[18.0, 20.0], [22.0, 20.0 + 2 * 1.959964]]),
        [[stats.norm.cdf(-1), 0.5], [stats.norm.cdf(1), 0.975]],
        rtol=1e-7,
    )


def test_intervals_hold_the_truth_and_deviance_follows_chi_squared():
    rng = np.random.default_rng(1)
    x = 21.5 * (1.0 + 0.05 * np.linspace(-2.0, 2.0, 7))
    fits = [
        fit_firing_efficiency(x, simulated(rng, 21.5, 0.05, x, 60), [60] * 7) for _ in range(200)
    ]
    thresholds = [fit.threshold for fit in fits]
    spreads = [fit.relative_spread for fit in fits]
    for name, estimates, truth in (("I50", thresholds, 21.5), ("spread", spreads, 0.05)):
        agrees(coverage(estimates, truth), f"coverage of {name}")
        refuses(coverage(estimates, truth, 0.6), f"narrow ones of {name}")
    deviances = np.array([fit.deviance for fit in fits])
    # the outer amplitudes have few failures, so chi-squared is a little off in its tail
    below = np.histogram(deviances, [0.0, *stats.chi2.ppf([0.25, 0.5, 0.75], 5), np.inf])[0]
    agrees(counts_follow(below, [0.25] * 4), "deviance")
    below = np.histogram(deviances, [0.0, *stats.chi2.ppf([0.25, 0.5, 0.75], 7), np.inf])[0]
    refuses(counts_follow(below, [0.25] * 4), "deviance with 2 degrees too many")


def test_a_curve_that_is_no_gaussian_shows_in_the_deviance():
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    fit = fit_firing_efficiency(x, [0, 480, 500, 520, 1000], [1000] * 5)
    assert stats.chi2.sf(fit.deviance, fit.degrees) < 1e-6


def test_what_data_leave_open_is_zero_or_infinity():
    # firing that does not clearly depend on amplitude: the threshold may lie anywhere
    open_ended = fit_firing_efficiency([1.0, 2.0, 3.0], [1, 1, 2], [4, 4, 4])
    assert open_ended.threshold.interval == (0.0, np.inf)
    assert open_ended.relative_spread.interval[1] == np.inf
    assert 0.0 < open_ended.relative_spread.interval[0] < open_ended.relative_spread.value
    # a rate that may be constant at 15 % has no threshold at any amplitude, but no less than 20
    above = fit_firing_efficiency([10.0, 20.0], [1, 2], [10, 10])
    assert above.threshold.interval[1] == np.inf
    assert 20.0 < above.threshold.interval[0] < above.threshold.value
    assert np.isfinite(above.relative_spread.interval).all()


@pytest.mark.parametrize(
    ("x", "fired", "trials", "message"),
    [
        ([1, 2], [0, 0], [5, 5], "fired: no trial fired; need amplitudes on both sides"),
        ([1, 2], [5, 5], [5, 5], "fired: every trial fired; need amplitudes on both sides"),
        ([], [], [], "fired: no trial fired"),
        ([1, 2], [0, 0], [5, 0], "fired: no trial fired"),
        ([1, 2, 3], [0, 0, 5], [5] * 3, "no trial below 3 fired and every one above 2 did"),
        ([1, 2, 3], [0, 2, 5], [5] * 3, "no trial below 2 fired and every one above 2 did"),
        ([2.5], [2], [5], "no trial below 2.5 fired and every one above 2.5 did; need two ampl"),
        ([1, 2, 3], [5, 2, 0], [5] * 3, "firing falls with amplitude, so it has no threshold"),
        ([1, 2, 3], [4, 2, 1], [5] * 3, "does not grow with amplitude from under a half at zero"),
        ([1, 2], [8, 9], [10, 10], "does not grow with amplitude from under a half at zero"),
        ([0, 2], [1, 2], [5, 5], "amplitude: 0; need numbers above zero, as in 21.5"),
        ([1, np.nan], [1, 2], [5, 5], "amplitude: nan; need numbers above zero"),
        ([[1, 2]], [1, 2], [5, 5], r"amplitude: shape \(1, 2\); need \(K,\)"),
        ([1, 2], [1], [5, 5], r"fired: shape \(1,\); need \(2,\), as the others"),
        ([1, 2], [1, 2], [5, 5, 5], r"trials: shape \(3,\); need \(2,\), as the others"),
        ([1, 2], [-1, 2], [5, 5], "fired: -1; need whole numbers from 0 on, as in 12"),
        ([1, 2], [0.1, 0.5], [1, 1], "fired: 0.1; need whole numbers from 0 on"),
        ([1, 2], [1, np.inf], [5, 5], "fired: inf; need whole numbers"),
        ([1, 2], [1, 6], [5, 5], "fired: 6 of 5 trials; need no more than trials"),
    ],
)
def test_what_cannot_be_fitted_is_refused(x, fired, trials, message):
    with pytest.raises(InputError, match=message):
        fit_firing_efficiency(x, fired, trials)


# --- shares and latencies -----------------------------------------------------------


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (510, 1000)])
def test_share_has_wilsons_interval(count, total):
    estimate = share_estimate(count, total)
    wilson = stats.binomtest(count, total).proportion_ci(method="wilson")
    assert estimate.value == count / total
    assert estimate.interval == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    assert share_estimate(0, 0) == Estimate(None)


def test_latencies_are_from_the_stimulus_to_the_first_spike_within_the_window():
    trains = [np.array([3.0, 12.0, 14.0]), np.array([10.0]), np.array([20.0]), np.zeros(0)]
    found = response_latencies_ms(trains, onset_ms=10.0, window_ms=10.0)
    np.testing.assert_array_equal(found, [2.0, 0.0, np.nan, np.nan])
    assert len(response_latencies_ms([], 0.0, 1.0)) == 0


def test_point_of_latencies():
    values = np.array([1.0, 2.0, 4.0, 3.0])
    point = latency_point([*values, np.nan])
    assert point.responding == share_estimate(4, 5)
    assert point.mean_ms.value == 2.5
    bend = np.exp(stats.t.ppf(0.975, 3) * stats.sem(values) / 2.5)  # a latency is above zero
    assert point.mean_ms.interval == pytest.approx((2.5 / bend, 2.5 * bend))
    assert point.jitter_ms == Estimate(pytest.approx(np.std(values, ddof=1)), None)
    silent = latency_point([np.nan, np.nan])
    assert silent.responding.value == 0.0
    assert (silent.mean_ms, silent.jitter_ms) == (Estimate(None), Estimate(None))
    assert latency_point([]).responding == Estimate(None)


def test_jitter_has_bonetts_interval():
    values = np.random.default_rng(2).gamma(4.0, size=24)
    n, z = 24, stats.norm.ppf(0.975)
    centre = stats.trim_mean(values, 1 / (2 * np.sqrt(n - 4)))
    kurtosis = n * np.sum((values - centre) ** 4) / np.sum((values - values.mean()) ** 2) ** 2
    c = n / (n - z)
    reach = z * c * np.sqrt((kurtosis - (n - 3) / n) / (n - 1))
    variance = c * values.var(ddof=1) * np.exp([-reach, reach])
    estimate = spread_estimate(values)
    assert estimate.value == pytest.approx(values.std(ddof=1))
    assert estimate.interval == pytest.approx(tuple(np.sqrt(variance)))


def test_jitter_without_an_interval():
    assert spread_estimate(np.array([5.0])) == Estimate(None)
    assert spread_estimate(np.full(30, 2.0)) == Estimate(0.0)
    assert spread_estimate(np.arange(9.0)).interval is None
    assert spread_estimate(np.arange(10.0)).interval is not None


@pytest.mark.parametrize(("shape", "n"), [(np.inf, 10), (np.inf, 100), (4.0, 100)])
def test_intervals_of_the_jitter_hold_the_truth(shape, n):
    rng = np.random.default_rng(3)
    if np.isinf(shape):
        samples, truth = rng.normal(5.0, 2.0, (600, n)), 2.0
    else:
        samples, truth = rng.gamma(shape, size=(600, n)), np.sqrt(shape)
    estimates = [spread_estimate(sample) for sample in samples]
    agrees(coverage(estimates, truth), "coverage of the jitter")
    refuses(coverage(estimates, truth, 0.6), "narrow intervals")
