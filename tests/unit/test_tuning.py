"""Points of f-I curves by hand, and rate against area against another fit and by coverage."""

from __future__ import annotations

import numpy as np
import pytest
from harness import LEVEL, Comparison, agrees, refuses
from scipy import stats

from stochhh.analysis.estimates import Estimate, share_estimate
from stochhh.analysis.firing_efficiency import latency_point
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.analysis.tuning import RateByArea, fit_rate_by_area, tuning_point
from stochhh.errors import InputError

AREA = np.array([40.0, 60.0, 80.0, 100.0, 120.0, 140.0])
SECONDS = np.full(6, 50.0)
RATE, DECAY = 60.0, 0.035


def coverage(estimates: list[Estimate], truth: float, narrowed: float = 1.0) -> Comparison:
    """Of intervals, narrowed about their values, against 95 %."""
    low, high = np.array([one.interval for one in estimates]).T
    value = np.array([one.value for one in estimates])
    reach = np.where(truth < value, value - low, high - value)
    held = np.abs(truth - value) <= narrowed * reach
    p_value = stats.binomtest(int(held.sum()), len(held), 0.95).pvalue
    return Comparison(p_value, "0.95", f"{held.mean():.3f}")


def weighted_fit(area, count, seconds):
    """Poisson regression by iterated weighted least squares: (log rate, decay), covariance."""
    design = np.stack([np.ones(len(area)), -np.asarray(area)], axis=1)
    eta = np.log((np.asarray(count) + 0.1) / seconds)
    for _ in range(200):
        expected = np.exp(eta) * seconds
        working = eta + (count - expected) / expected
        root = np.sqrt(expected)
        beta = np.linalg.lstsq(design * root[:, None], working * root, rcond=None)[0]
        eta = design @ beta
    return beta, np.linalg.inv(design.T @ (design * (np.exp(eta) * seconds)[:, None]))


# --- points of an f-I curve ---------------------------------------------------------


def test_point_of_known_trains():
    trains = [np.array([5.0, 12.0, 35.0, 59.0, 60.0]), np.array([31.0, 50.0]), np.array([70.0])]
    point = tuning_point(trains, start_ms=10.0, stop_ms=60.0, settle_ms=20.0)
    inside = [np.array([35.0, 59.0]), np.array([31.0, 50.0]), np.zeros(0)]
    assert point.rate_hz == firing_rate_hz(inside, 30.0)
    assert point.rate_hz.value == pytest.approx(4 / 0.09)
    # latencies are from the start of the step, settled or not
    assert point.latency == latency_point([2.0, 21.0, np.nan])
    assert point.latency.responding == share_estimate(2, 3)
    assert point.latency.mean_ms.value == pytest.approx(11.5)


def test_a_point_of_silence_and_of_no_trials():
    silent = tuning_point([np.zeros(0)] * 3, 10.0, 60.0)
    assert silent.rate_hz.value == 0.0
    assert silent.latency.mean_ms == Estimate(None)
    assert tuning_point([], 10.0, 60.0).rate_hz == Estimate(None)


@pytest.mark.parametrize(
    ("start", "stop", "settle"),
    [(0.0, 10.0, 10.0), (5.0, 5.0, 0.0), (0.0, 10.0, -1.0), (0.0, np.inf, 0.0), (0.0, np.nan, 1.0)],
)
def test_a_step_lasts_longer_than_it_settles(start, stop, settle):
    with pytest.raises(InputError, match=r"settle_ms: .*; need a step that lasts longer than it"):
        tuning_point([np.array([1.0])], start, stop, settle)


# --- rate against area --------------------------------------------------------------


def test_two_areas_determine_the_law():
    # rates 5 and 0.5 Hz; log of a ratio of Poisson counts has variance 1/n + 1/n'
    fit = fit_rate_by_area([50.0, 100.0], [500, 10], [100.0, 20.0])
    decay = np.log(10.0) / 50.0
    assert fit.decay_per_um2.value == pytest.approx(decay, rel=1e-6)
    assert fit.rate_at_zero_hz.value == pytest.approx(50.0, rel=1e-6)
    reach = stats.norm.ppf(0.975) * np.sqrt(1 / 500 + 1 / 10) / 50.0
    assert fit.decay_per_um2.interval == pytest.approx((decay - reach, decay + reach), rel=1e-5)
    # log of the rate at zero is twice the first log rate less the second
    factor = np.exp(stats.norm.ppf(0.975) * np.sqrt(4 / 500 + 1 / 10))
    assert fit.rate_at_zero_hz.interval == pytest.approx((50 / factor, 50 * factor), rel=1e-5)
    assert (fit.dispersion, fit.degrees) == (None, 0)
    np.testing.assert_allclose(fit.at([[0.0, 50.0, 100.0]]), [[50.0, 5.0, 0.5]], rtol=1e-6)


@pytest.mark.parametrize(
    ("area", "count", "seconds"),
    [
        (AREA, [760, 380, 170, 105, 40, 22], SECONDS),  # scatters less than Poisson's
        (AREA, [860, 330, 210, 60, 60, 12], SECONDS),  # scatters more
        (AREA, [700, 150, 40, 10, 0, 0], SECONDS),  # none at large areas
        ([1.0, 10.0, 100.0, 200.0], [800_000, 500_000, 1000, 2], [1e3, 1e3, 1e3, 1e5]),
        ([10.0, 10.0, 30.0], [5, 7, 40], [1.0, 1.0, 1.0]),  # rises
    ],
)
def test_fit_is_that_of_weighted_least_squares(area, count, seconds):
    area, count = np.asarray(area), np.asarray(count, dtype=float)
    beta, covariance = weighted_fit(area, count, np.asarray(seconds))
    expected = np.exp(beta[0] - beta[1] * area) * seconds
    dispersion = np.sum((count - expected) ** 2 / expected) / (len(area) - 2)
    quantile = stats.norm.ppf(0.975)
    if dispersion > 1.0:
        quantile = stats.t.ppf(0.975, len(area) - 2) * np.sqrt(dispersion)
    reach = quantile * np.sqrt(np.diag(covariance))
    fit = fit_rate_by_area(area, count, seconds)
    assert fit.degrees == len(area) - 2
    assert fit.dispersion == pytest.approx(dispersion, rel=1e-5)
    assert fit.decay_per_um2.value == pytest.approx(beta[1], rel=1e-6)
    assert fit.rate_at_zero_hz.value == pytest.approx(np.exp(beta[0]), rel=1e-6)
    for found, value, far in (
        (fit.decay_per_um2.interval, beta[1], reach[1]),
        (np.log(fit.rate_at_zero_hz.interval), beta[0], reach[0]),
    ):
        np.testing.assert_allclose(found, [value - far, value + far], rtol=1e-5)


def test_areas_without_spikes_make_the_fall_steeper():
    some = fit_rate_by_area(AREA[:3], [500, 100, 20], SECONDS[:3])
    silent = fit_rate_by_area(AREA, [500, 100, 20, 0, 0, 0], SECONDS)
    assert silent.decay_per_um2.value > some.decay_per_um2.value


def test_intervals_hold_the_truth():
    rng = np.random.default_rng(1)
    expected = RATE * np.exp(-DECAY * AREA) * SECONDS
    fits = [fit_rate_by_area(AREA, rng.poisson(expected), SECONDS) for _ in range(300)]
    for name, truth in (("rate_at_zero_hz", RATE), ("decay_per_um2", DECAY)):
        estimates = [getattr(fit, name) for fit in fits]
        agrees(coverage(estimates, truth), f"coverage of {name}")
        refuses(coverage(estimates, truth, 0.5), f"narrow ones of {name}")
    dispersions = np.array([fit.dispersion for fit in fits])
    assert dispersions.mean() == pytest.approx(1.0, abs=5 * np.sqrt(0.5 / 300))


def test_intervals_of_counts_that_scatter_more_than_poissons_are_wider():
    rng = np.random.default_rng(2)
    expected = RATE * np.exp(-DECAY * AREA) * SECONDS
    fits = [
        fit_rate_by_area(AREA, rng.negative_binomial(expected / 5.0, 1 / 6), SECONDS)
        for _ in range(300)
    ]
    estimates = [fit.decay_per_um2 for fit in fits]
    agrees(coverage(estimates, DECAY), "coverage with a variance of six times the mean")
    refuses(coverage(estimates, DECAY, 1 / np.sqrt(6)), "without the dispersion")
    assert np.mean([fit.dispersion for fit in fits]) == pytest.approx(6.0, rel=0.2)


def test_a_law_that_is_not_exponential_shows_in_the_dispersion():
    count = np.rint(SECONDS * 100.0 / (1.0 + (AREA / 60.0) ** 4))
    fit = fit_rate_by_area(AREA, count, SECONDS)
    assert stats.chi2.sf(fit.dispersion * fit.degrees, fit.degrees) < LEVEL


def test_curve_falls_exponentially():
    law = RateByArea(Estimate(50.0), Estimate(0.02), None, 0)
    np.testing.assert_allclose(law.at([0.0, 50.0]), [50.0, 50.0 / np.e])


@pytest.mark.parametrize(
    ("area", "count", "seconds", "message"),
    [
        ([10, 20], [0, 5], [1, 1], r"spikes: at 1 area\(s\) only; need spikes at two or more, so"),
        ([10, 20], [0, 0], [1, 1], r"spikes: at 0 area\(s\) only"),
        ([10, 10, 20], [3, 5, 0], [1, 1, 1], r"spikes: at 1 area\(s\) only"),
        ([0, 20], [3, 5], [1, 1], "area_um2: 0; need numbers above zero"),
        ([10, 20], [3, -5], [1, 1], "spikes: -5; need whole numbers from 0 on"),
        ([10, 20], [3, 0.5], [1, 1], "spikes: 0.5; need whole numbers from 0 on"),
        ([10, 20], [3], [1, 1], r"spikes: shape \(1,\); need \(2,\), as the others"),
        ([10, 20], [3, 5], [1, 0], "seconds: 0; need numbers above zero"),
        ([10, 20], [3, 5], [1], r"seconds: shape \(1,\); need \(2,\), as the others"),
    ],
)
def test_what_cannot_be_fitted_is_refused(area, count, seconds, message):
    with pytest.raises(InputError, match=message):
        fit_rate_by_area(area, count, seconds)
