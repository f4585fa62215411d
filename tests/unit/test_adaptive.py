"""Choice of amplitudes: against a brute-force posterior, and by simulated searches."""

from __future__ import annotations

import numpy as np
import pytest
from harness import LEVEL
from scipy import optimize, special, stats

from stochhh.analysis.adaptive import D_OPTIMAL, next_amplitudes
from stochhh.analysis.firing_efficiency import fit_firing_efficiency
from stochhh.errors import InputError


def fires(rng, amplitude, trials, threshold, spread):
    """Trials with a spike of a membrane that fires as an integrated Gaussian."""
    return int(rng.binomial(trials, special.ndtr((amplitude / threshold - 1.0) / spread)))


def search(rng, threshold, spread, span, rounds, each):
    """Amplitudes, spikes and trials of a search, two amplitudes a round."""
    x, fired = [], []
    for _ in range(rounds):
        for amplitude in next_amplitudes(x, fired, [each] * len(x), span).amplitudes:
            x.append(float(amplitude))
            fired.append(fires(rng, amplitude, each, threshold, spread))
    return x, fired, [each] * len(x)


def brute_force(x, fired, trials, thresholds, spreads, points=801):
    """Means and standard deviations of both logarithms, on one dense grid."""
    t, s = (np.linspace(*np.log(ends), points) for ends in (thresholds, spreads))
    total = np.zeros((points, points))
    for amplitude, yes, n in zip(x, fired, trials, strict=True):
        eta = (amplitude / np.exp(t)[:, None] - 1.0) / np.exp(s)
        total += yes * stats.norm.logcdf(eta) + (n - yes) * stats.norm.logsf(eta)
    weight = np.exp(total - total.max())
    found = []
    for values, marginal in ((t, weight.sum(axis=1)), (s, weight.sum(axis=0))):
        mean = np.average(values, weights=marginal)
        found += [mean, np.sqrt(np.average((values - mean) ** 2, weights=marginal))]
    return found


def test_design_is_d_optimal():
    def minus_determinant(pair):
        eta = np.asarray(pair)
        density, p = stats.norm.pdf(eta), stats.norm.cdf(eta)
        weight = density**2 / (p * (1.0 - p))
        return -(weight.sum() * (weight * eta**2).sum() - (weight * eta).sum() ** 2)

    found = optimize.minimize(minus_determinant, [-0.7, 1.6], method="Nelder-Mead")
    np.testing.assert_allclose(found.x, [-D_OPTIMAL, D_OPTIMAL], atol=1e-3)
    assert stats.norm.cdf(-D_OPTIMAL) == pytest.approx(0.13, abs=0.005)


def test_before_any_data_everything_in_the_span_is_alike():
    chosen = next_amplitudes([], [], [], (10.0, 40.0))
    assert chosen.threshold == pytest.approx(20.0)
    assert chosen.relative_spread == pytest.approx(0.01)
    np.testing.assert_allclose(
        chosen.amplitudes, 20.0 * (1.0 + D_OPTIMAL * 0.01 * np.array([-1.0, 1.0]))
    )
    # standard deviations of uniform laws, over the span and over four decades, on grids
    assert chosen.threshold_error == pytest.approx(np.log(4.0) / np.sqrt(12.0), rel=0.05)
    assert chosen.spread_error == pytest.approx(np.log(1e4) / np.sqrt(12.0), rel=0.05)


@pytest.mark.parametrize(
    ("x", "fired", "trials", "thresholds", "spreads"),
    [
        ([20.0], [10], [10], (10.0, 40.0), (1e-4, 1.0)),
        ([15.0, 25.0], [0, 30], [30, 30], (10.0, 40.0), (1e-4, 1.0)),
        ([20.0], [70], [100], (10.0, 40.0), (1e-4, 1.0)),
        ([12.0, 38.0], [20, 25], [50, 50], (10.0, 40.0), (1e-2, 1.0)),
        ([18.0, 20.0, 22.0, 24.0], [1, 6, 14, 20], [20] * 4, (15.0, 28.0), (0.01, 1.0)),
        ([20.0, 20.5, 21.0], [3, 60, 100], [100] * 3, (20.2, 20.7), (0.004, 0.08)),
    ],
)
def test_posterior_is_that_of_a_dense_grid(x, fired, trials, thresholds, spreads):
    span = (10.0, 40.0)
    found = next_amplitudes(x, fired, trials, span)
    t, t_error, s, s_error = brute_force(x, fired, trials, thresholds, spreads)
    assert np.log(found.threshold) == pytest.approx(t, abs=0.03 * t_error)
    assert np.log(found.relative_spread) == pytest.approx(s, abs=0.03 * s_error)
    assert found.threshold_error == pytest.approx(t_error, rel=0.06)
    assert found.spread_error == pytest.approx(s_error, rel=0.06)
    middle, reach = np.exp(t), D_OPTIMAL * np.exp(s)
    expected = np.clip(middle * (1.0 + reach * np.array([-1.0, 1.0])), *span)
    np.testing.assert_allclose(found.amplitudes, expected, rtol=0.1)


@pytest.mark.parametrize("start", [10.0, 17.3, 39.0])
def test_search_for_a_sharp_threshold_bisects(start):
    span, x, fired = (10.0, 40.0), [], []
    errors = []
    for _ in range(12):
        found = next_amplitudes(x, fired, [1] * len(x), span)
        errors.append(found.threshold_error)
        for amplitude in found.amplitudes:
            x.append(float(amplitude))
            fired.append(int(amplitude >= start))
    assert abs(np.log(found.threshold / start)) < 5.0 * found.threshold_error
    assert errors[-1] < errors[0] * 2.0**-6


@pytest.mark.parametrize(
    ("threshold", "spread", "span"),
    [
        (21.5, 0.05, (10.0, 40.0)),
        (21.5, 0.004, (1.0, 100.0)),  # much narrower than any grid over the span
        (87.0, 0.0008, (1.0, 100.0)),
        (3.3, 0.4, (1.0, 100.0)),
    ],
)
def test_errors_are_as_large_as_they_say(threshold, spread, span):
    """Squared errors over their variances follow chi-squared, about, for both parameters."""
    rng = np.random.default_rng(1)
    z = []
    for _ in range(16):
        found = next_amplitudes(*search(rng, threshold, spread, span, 10, 20), span)
        z.append(
            [
                np.log(found.threshold / threshold) / found.threshold_error,
                np.log(found.relative_spread / spread) / found.spread_error,
            ]
        )
        assert found.spread_error < 0.35
        assert found.threshold_error < 0.2 * spread
    for squares in (np.array(z) ** 2).T:
        assert LEVEL < stats.chi2.sf(squares.sum(), 16) < 1.0 - LEVEL


def test_a_search_needs_a_fifth_of_the_trials_of_even_spacing():
    rng, threshold, spread, span = np.random.default_rng(2), 21.5, 0.02, (10.0, 40.0)
    truth = np.log([threshold, spread])
    searched, even = [], []
    for _ in range(20):
        found = next_amplitudes(*search(rng, threshold, spread, span, 12, 15), span)
        searched.append(np.log([found.threshold, found.relative_spread]) - truth)
        x = np.linspace(*span, 60)
        fired = [fires(rng, amplitude, 30, threshold, spread) for amplitude in x]
        found = next_amplitudes(x, fired, [30] * 60, span)
        even.append(np.log([found.threshold, found.relative_spread]) - truth)
    assert 12 * 2 * 15 * 5 == 60 * 30
    searched, even = np.mean(np.square(searched), axis=0), np.mean(np.square(even), axis=0)
    assert (searched < even).all(), (searched, even)


def test_searched_data_may_be_fitted_as_if_planned():
    rng = np.random.default_rng(3)
    data = search(rng, 21.5, 0.05, (10.0, 40.0), 15, 30)
    found, fit = next_amplitudes(*data, (10.0, 40.0)), fit_firing_efficiency(*data)
    assert fit.threshold.value == pytest.approx(found.threshold, rel=0.5 * found.threshold_error)
    assert fit.relative_spread.value == pytest.approx(found.relative_spread, rel=0.05)
    low, high = fit.threshold.interval
    assert np.log(high / low) / 3.92 == pytest.approx(found.threshold_error, rel=0.1)
    low, high = fit.relative_spread.interval
    assert np.log(high / low) / 3.92 == pytest.approx(found.spread_error, rel=0.1)
    # the last amplitudes fire in 13 and in 87 % of trials
    np.testing.assert_allclose(fit.at(found.amplitudes), [0.128, 0.872], atol=0.02)


def test_amplitudes_stay_in_the_span_and_its_end_shows():
    high = next_amplitudes([39.0, 40.0], [0, 0], [50, 50], (10.0, 40.0))
    assert high.threshold > 39.0
    assert high.amplitudes[1] <= 40.0
    low = next_amplitudes([10.0, 11.0], [50, 50], [50, 50], (10.0, 40.0))
    assert low.threshold < 11.0
    assert low.amplitudes[0] >= 10.0


def test_groups_of_one_amplitude_do_not_matter():
    one = next_amplitudes([20.0, 22.0], [3, 9], [10, 10], (10.0, 40.0))
    apart = next_amplitudes([22.0, 20.0, 22.0], [4, 3, 5], [5, 10, 5], (10.0, 40.0))
    np.testing.assert_allclose(apart.amplitudes, one.amplitudes)
    assert apart[1:] == one[1:]


@pytest.mark.parametrize("span", [(0.0, 10.0), (10.0, 10.0), (20.0, 10.0), (1.0, np.inf)])
def test_a_span_must_rise_from_above_zero(span):
    with pytest.raises(InputError, match=r"span: .*; need two rising amplitudes, as in \(18, 25\)"):
        next_amplitudes([], [], [], span)


def test_counts_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="fired: 6 of 5 trials"):
        next_amplitudes([20.0], [6], [5], (10.0, 40.0))
    with pytest.raises(InputError, match="amplitude: -20; need numbers above zero"):
        next_amplitudes([-20.0], [3], [5], (10.0, 40.0))
