"""Strength-duration and refractoriness: closed forms, another optimiser, recovery and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Comparison, agrees, refuses
from scipy import integrate, optimize, special, stats

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.excitability import (
    Refractoriness,
    fit_refractoriness,
    fit_strength_duration,
    lapicque_threshold,
    weiss_threshold,
)
from stochhh.errors import InputError

LAWS = {"weiss": weiss_threshold, "lapicque": lapicque_threshold}
DURATIONS = np.geomspace(0.05, 5.0, 8)
RISE = 0.5 * stats.chi2.ppf(0.95, 1)


def coverage(estimates: list[Estimate], truth: float, narrowed: float = 1.0) -> Comparison:
    """Of intervals, narrowed about their values, against 95 %."""
    low, high = np.array([one.interval for one in estimates]).T
    value = np.array([one.value for one in estimates])
    reach = np.where(truth < value, value - low, high - value)
    held = np.abs(truth - value) <= narrowed * reach
    p_value = stats.binomtest(int(held.sum()), len(held), 0.95).pvalue
    return Comparison(p_value, "0.95", f"{held.mean():.3f}")


# --- strength and duration ----------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
def test_laws_have_their_rheobase_and_chronaxie(law):
    threshold = LAWS[law]
    assert threshold(0.4, 20.0, 0.4) == pytest.approx(40.0)
    assert threshold(1e9, 20.0, 0.4) == pytest.approx(20.0, rel=1e-6)
    assert threshold([[1], [2]], 20.0, 1.0).shape == (2, 1)


def test_short_pulses_need_a_charge():
    # weiss: rheobase times chronaxie; lapicque: rheobase times the time constant
    assert 1e-6 * weiss_threshold(1e-6, 20.0, 0.4) == pytest.approx(8.0, rel=1e-4)
    assert 1e-6 * lapicque_threshold(1e-6, 20.0, 0.4) == pytest.approx(8.0 / np.log(2.0), rel=1e-4)


def test_lapicque_is_the_threshold_of_a_leaky_capacitor():
    tau, conductance, threshold_mV = 2.0, 0.3, 15.0
    rheobase, chronaxie = conductance * threshold_mV, tau * np.log(2.0)
    for duration in (0.1, 1.0, 7.0):
        current = float(lapicque_threshold(duration, rheobase, chronaxie))
        end = integrate.solve_ivp(
            lambda _, v, i=current: (i / conductance - v) / tau,
            (0.0, duration),
            [0.0],
            rtol=1e-10,
            atol=1e-10,
        ).y[0, -1]
        assert end == pytest.approx(threshold_mV, rel=1e-7)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("chronaxie", [0.02, 0.4, 30.0])
def test_thresholds_of_a_law_give_it_back(law, chronaxie):
    fit = fit_strength_duration(DURATIONS, LAWS[law](DURATIONS, 20.0, chronaxie), law=law)
    assert fit.law == law
    assert fit.rheobase.value == pytest.approx(20.0, rel=1e-5)
    assert fit.chronaxie_ms.value == pytest.approx(chronaxie, rel=1e-5)
    assert fit.residual < 1e-6
    np.testing.assert_allclose(fit.at(DURATIONS), LAWS[law](DURATIONS, 20.0, chronaxie), rtol=1e-5)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("given", [False, True])
def test_fit_is_that_of_scipys_curve_fit(law, given):
    rng = np.random.default_rng(1)
    error = np.linspace(0.02, 0.1, 8) if given else None
    strength = LAWS[law](DURATIONS, 20.0, 0.4) * np.exp(0.05 * rng.standard_normal(8))
    values, covariance = optimize.curve_fit(
        lambda d, a, b: np.log(LAWS[law](d, np.exp(a), np.exp(b))),
        DURATIONS,
        np.log(strength),
        p0=np.log([15.0, 0.3]),
        sigma=error,
        absolute_sigma=given,
    )
    fit = fit_strength_duration(DURATIONS, strength, error, law)
    quantile = stats.norm.ppf(0.975) if given else stats.t.ppf(0.975, 6)
    for k, estimate in enumerate((fit.rheobase, fit.chronaxie_ms)):
        reach = quantile * np.sqrt(covariance[k, k])
        assert estimate.value == pytest.approx(np.exp(values[k]), rel=1e-5)
        expected = np.exp([values[k] - reach, values[k] + reach])
        np.testing.assert_allclose(estimate.interval, expected, rtol=1e-3)
    away = np.log(strength / LAWS[law](DURATIONS, *np.exp(values)))
    assert fit.residual == pytest.approx(np.sqrt(np.mean(away**2)), rel=1e-6)


def test_the_other_law_does_not_fit():
    strength = weiss_threshold(DURATIONS, 20.0, 0.4)
    assert fit_strength_duration(DURATIONS, strength, law="weiss").residual < 1e-6
    assert fit_strength_duration(DURATIONS, strength, law="lapicque").residual > 0.05


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("given", [False, True])
def test_intervals_of_the_curve_hold_the_truth(law, given):
    rng = np.random.default_rng(2)
    error = np.full(8, 0.03)
    exact = LAWS[law](DURATIONS, 20.0, 0.4)
    fits = [
        fit_strength_duration(
            DURATIONS,
            exact * np.exp(error * rng.standard_normal(8)),
            error if given else None,
            law,
        )
        for _ in range(300)
    ]
    for name, truth in (("rheobase", 20.0), ("chronaxie_ms", 0.4)):
        estimates = [getattr(fit, name) for fit in fits]
        agrees(coverage(estimates, truth), f"coverage of {name}")
        refuses(coverage(estimates, truth, 0.6), f"narrow ones of {name}")


def test_thresholds_that_tell_next_to_nothing_get_intervals_without_end():
    # all but flat: a chronaxie far below the shortest pulse
    fit = fit_strength_duration([1.0, 2.0, 4.0], [1.0003, 1.0, 1.0001], [0.3] * 3, law="weiss")
    assert fit.chronaxie_ms.interval[0] < 1e-100
    assert fit.chronaxie_ms.interval[1] == np.inf
    low, high = fit.rheobase.interval
    assert low < 1.0 < high


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("strength", "message"),
    [
        ([1.0, 1.0, 1.0], "threshold: they do not fall, so they tell no chronaxie; need shorter"),
        ([1.0, 1.1, 1.2], "threshold: they do not fall, so they tell no chronaxie; need shorter"),
        ([9.0, 4.0, 1.0], "they fall as steeply as the inverse of duration, .*; need longer"),
    ],
)
def test_thresholds_without_a_chronaxie_are_refused(law, strength, message):
    with pytest.raises(InputError, match=message):
        fit_strength_duration([1.0, 2.0, 4.0], strength, law=law)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 4], [3, 2, 1], None, "weis"), "law: no 'weis'; did you mean 'weiss'"),
        (([1, 2, 2, 1], [3, 2, 2, 3]), "duration_ms: 2 different durations; need 3 or more"),
        (([1, 2, -4], [3, 2, 1]), "duration_ms: -4; need numbers above zero, as in 21.5"),
        (([1, 2, 4], [3, 2, 0]), "threshold: 0; need numbers above zero"),
        (([1, 2, 4], [3, 2]), r"threshold: shape \(2,\); need \(3,\), as the others"),
        (([1, 2, 4], [3, 2, 1], [0.1]), r"relative_error: shape \(1,\); need \(3,\)"),
        (([1, 2, 4], [3, 2, 1], [0.1, 0.1, 0.0]), "relative_error: 0; need numbers above zero"),
    ],
)
def test_what_is_no_curve_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        fit_strength_duration(*arguments)


# --- refractoriness -----------------------------------------------------------------

TIME = np.repeat(np.linspace(3.0, 14.0, 12), 2)
AMPLITUDE = 21.5 * np.tile([1.2, 2.0], 12)
TRUE = Refractoriness(Estimate(4.0), Estimate(3.0), 21.5, 0.05)


def second_spikes(rng, trials):
    return rng.binomial(trials, TRUE.at(TIME, AMPLITUDE))


def minus_log_likelihood(fired, trials, absolute, relative, spread=0.05):
    recovered = 1.0 - np.exp(-np.clip(TIME - absolute, 0.0, None) / relative)
    eta = (AMPLITUDE / 21.5 * recovered - 1.0) / spread
    return -np.sum(fired * stats.norm.logcdf(eta) + (trials - fired) * stats.norm.logsf(eta))


def test_probability_of_a_second_spike():
    # threshold after t: 21.5 / (1 - exp(-(t - 4) / 3)), with the same relative spread
    t = 4.0 + 3.0 * np.log(2.0)
    assert TRUE.at(t, 43.0) == pytest.approx(0.5)
    assert TRUE.at(t, 43.0 * 1.05) == pytest.approx(stats.norm.cdf(1.0))
    assert TRUE.at(1e6, 21.5) == pytest.approx(0.5)
    np.testing.assert_allclose(TRUE.at([0.0, 4.0], 1e3), special.ndtr(-20.0))
    assert TRUE.at([[5.0], [6.0]], [20.0, 30.0, 40.0]).shape == (2, 3)


def test_refractoriness_and_its_profile_ends_are_those_of_another_optimiser():
    fired = second_spikes(np.random.default_rng(3), 40)
    fit = fit_refractoriness(TIME, AMPLITUDE, fired, [40] * 24, 21.5, 0.05)
    found = optimize.minimize(
        lambda q: minus_log_likelihood(fired, 40, *np.exp(q)),
        np.log([4.0, 3.0]),
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-12},
    )
    absolute, relative = np.exp(found.x)
    assert fit.absolute_ms.value == pytest.approx(absolute, rel=1e-5)
    assert fit.relative_ms.value == pytest.approx(relative, rel=1e-5)
    for end in fit.absolute_ms.interval:
        best = optimize.minimize_scalar(
            lambda r, a=end: minus_log_likelihood(fired, 40, a, r),
            bounds=(1.0, 8.0),
            method="bounded",
        )
        assert best.fun - found.fun == pytest.approx(RISE, rel=1e-3)
    for end in fit.relative_ms.interval:
        best = optimize.minimize_scalar(
            lambda a, r=end: minus_log_likelihood(fired, 40, a, r),
            bounds=(2.0, 6.0),
            method="bounded",
        )
        assert best.fun - found.fun == pytest.approx(RISE, rel=1e-3)


def test_intervals_of_refractoriness_hold_the_truth():
    rng = np.random.default_rng(4)
    fits = [
        fit_refractoriness(TIME, AMPLITUDE, second_spikes(rng, 40), [40] * 24, 21.5, 0.05)
        for _ in range(150)
    ]
    for name, truth in (("absolute_ms", 4.0), ("relative_ms", 3.0)):
        estimates = [getattr(fit, name) for fit in fits]
        agrees(coverage(estimates, truth), f"coverage of {name}")
        refuses(coverage(estimates, truth, 0.6), f"narrow ones of {name}")


def test_one_amplitude_for_all_and_times_never_tried():
    time = np.linspace(5.0, 8.0, 31)
    fired = np.rint(100 * TRUE.at(time, 43.0))
    one = fit_refractoriness(time, 43.0, fired, [100] * 31, 21.5, 0.05)
    more = fit_refractoriness([*time, 90.0], [43.0] * 32, [*fired, 0], [100] * 31 + [0], 21.5, 0.05)
    assert one.absolute_ms.value == pytest.approx(4.0, rel=0.02)
    assert one.relative_ms.value == pytest.approx(3.0, rel=0.02)
    np.testing.assert_allclose(more.absolute_ms.interval, one.absolute_ms.interval, rtol=1e-9)
    np.testing.assert_allclose(more.relative_ms.interval, one.relative_ms.interval, rtol=1e-9)
    assert (one.threshold, one.relative_spread) == (21.5, 0.05)


def test_a_membrane_without_absolute_refractoriness_has_none_below_zero():
    true = Refractoriness(Estimate(0.0), Estimate(3.0), 21.5, 0.2)
    p = true.at(TIME - 2.5, AMPLITUDE)
    fit = fit_refractoriness(TIME - 2.5, AMPLITUDE, np.rint(1000 * p), [1000] * 24, 21.5, 0.2)
    assert 0.0 <= fit.absolute_ms.value < 0.05
    assert fit.absolute_ms.interval[0] == 0.0
    assert 0.0 < fit.absolute_ms.interval[1] < 0.2
    assert fit.relative_ms.value == pytest.approx(3.0, rel=0.02)


def test_a_sudden_recovery_leaves_the_time_constant_open_to_zero():
    fit = fit_refractoriness([2, 4, 6, 8], 30.0, [0, 0, 10, 10], [10] * 4, 21.0, 0.05)
    assert fit.relative_ms.interval[0] == 0.0
    # threshold at 6 ms is 30 / (1 + 2 x 0.05) or less, nearly: 10 of 10 fired
    assert 2.0 < fit.relative_ms.interval[1] < 6.0
    assert 4.0 <= fit.absolute_ms.value <= 6.0
    assert fit.absolute_ms.interval[1] <= 6.0


def test_a_time_constant_that_may_be_anything():
    fit = fit_refractoriness([2, 4, 6, 8], 30.0, [0, 0, 0, 1], [1] * 4, 21.0, 0.9)
    assert fit.relative_ms.interval == (0.0, np.inf)
    assert fit.absolute_ms.interval == (0.0, np.inf)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold": 0.0}, "threshold, relative_spread: 0, 0.05; need above zero"),
        ({"relative_spread": np.nan}, "threshold, relative_spread: 21, nan; need above zero"),
        ({"interval_ms": [0, 4]}, "interval_ms: 0; need numbers above zero"),
        ({"amplitude": [30, 30, 30]}, "amplitude: 3 for 2 intervals; need one for all or one"),
        ({"amplitude": -30}, "amplitude: -30; need numbers above zero"),
        ({"fired": [0, 0]}, "fired: 0 second spikes in 20 trials; need both spikes and failures"),
        ({"fired": [10, 10]}, "fired: 20 second spikes in 20 trials; need both spikes and"),
        ({"fired": [1, 11]}, "fired: 11 of 10 trials; need no more than trials"),
        ({"trials": [10]}, r"trials: shape \(1,\); need \(2,\), as the others"),
        ({"interval_ms": [4, 4]}, "interval_ms: 4 only; need intervals of several lengths"),
        ({"trials": [10, 0], "fired": [5, 0]}, "interval_ms: 2 only; need intervals of several"),
    ],
)
def test_what_tells_no_refractoriness_is_refused(changed, message):
    arguments = {
        "interval_ms": [2, 4],
        "amplitude": 30.0,
        "fired": [1, 9],
        "trials": [10, 10],
        "threshold": 21.0,
        "relative_spread": 0.05,
    }
    with pytest.raises(InputError, match=message):
        fit_refractoriness(**{**arguments, **changed})
