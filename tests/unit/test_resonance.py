"""Resonances: gamma intervals of known CV, and lines in Poisson trains and white noise."""

from __future__ import annotations

import numpy as np
import pytest
from harness import LEVEL, Comparison, agrees, mean_is, refuses
from scipy import integrate, signal, stats

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.resonance import (
    coherence_resonance,
    signal_to_noise,
    train_signal_to_noise,
)
from stochhh.errors import InputError

AREA = np.array([0.3, 1.0, 3.0, 10.0, 30.0])
RATE, DEPTH, FREQUENCY = 200.0, 0.3, 50.0
RATIO = RATE * DEPTH**2 / 4.0  # (r m)² / 2 over 2 r, Hz


def modulated(rng, n_trials, stop_ms, rate=RATE, depth=DEPTH, start_ms=0.0):
    """Poisson trains of rate r (1 + m sin 2πft), by thinning."""
    trains = []
    for _ in range(n_trials):
        most = rng.poisson(rate * (1 + depth) * (stop_ms - start_ms) / 1e3)
        times = np.sort(rng.uniform(start_ms, stop_ms, most))
        kept = 1 + depth * np.sin(2 * np.pi * FREQUENCY * times / 1e3)
        trains.append(times[rng.uniform(0, 1 + depth, most) < kept])
    return trains


def coverage(intervals, truth: float) -> Comparison:
    held = [low <= truth <= high for low, high in intervals]
    p_value = stats.binomtest(sum(held), len(held), 0.95).pvalue
    return Comparison(p_value, "0.95", f"{np.mean(held):.3f}")


# --- coherence resonance ------------------------------------------------------------


def cv_of(intervals):
    """CV of intervals in one long train."""
    train = np.append(0.0, np.cumsum(intervals))
    return isi_statistics([train], train[-1], steady=False).cv


def gamma_cvs(rng, cvs, n):
    return [cv_of(rng.gamma(cv**-2, 20.0 * cv**2, n)) for cv in cvs]


def test_the_most_regular_area_is_found_and_its_interval_holds_it():
    rng, held = np.random.default_rng(1), 0
    for _ in range(20):
        samples = gamma_cvs(rng, [0.9, 0.75, 0.5, 0.55, 0.9], 600)
        found = coherence_resonance(AREA, samples)
        values = samples
        assert found.cv == tuple(values)
        best = int(np.argmin([one.value for one in values]))
        assert found.least_cv == values[best]
        assert found.area_um2.value == AREA[best]
        low, high = found.area_um2.interval
        assert low <= found.area_um2.value <= high
        assert {low, high} <= set(AREA)
        assert found.chance_at_end < 1e-3
        held += low <= 3.0 <= high
    assert held >= stats.binom.ppf(LEVEL, 20, 0.95)


def test_a_sharp_minimum_has_a_point_for_an_interval():
    samples = gamma_cvs(np.random.default_rng(2), [0.9, 0.7, 0.2, 0.6, 0.8], 500)
    assert coherence_resonance(AREA, samples).area_um2 == Estimate(3.0, (3.0, 3.0))


def test_a_cv_that_only_falls_has_no_minimum():
    samples = gamma_cvs(np.random.default_rng(3), [0.9, 0.7, 0.6, 0.4, 0.2], 300)
    found = coherence_resonance(AREA, samples)
    assert found.area_um2.value == 30.0
    assert found.chance_at_end > 0.99


def test_where_the_minimum_may_lie_is_that_of_gaussian_errors():
    samples = gamma_cvs(np.random.default_rng(14), [0.58, 0.5, 0.58], 150)
    found = coherence_resonance([1.0, 2.0, 3.0], samples)
    mean = np.array([one.value for one in found.cv])
    sd = np.array([np.diff(one.interval)[0] for one in found.cv]) / (2 * stats.norm.ppf(0.975))

    def chance(k):
        others = [j for j in range(3) if j != k]
        return integrate.quad(
            lambda x: (
                stats.norm.pdf(x, mean[k], sd[k])
                * np.prod(stats.norm.sf(x, mean[others], sd[others]))
            ),
            mean[k] - 8 * sd[k],
            mean[k] + 8 * sd[k],
        )[0]

    first, middle, last = map(chance, range(3))
    assert first + middle + last == pytest.approx(1.0)
    error = np.sqrt(middle * (1 - middle) / 4000)
    assert found.chance_at_end == pytest.approx(first + last, abs=5 * error)
    # one end is in the interval, having more than 2.5 %, and one is not
    assert 0.03 < first < 0.15
    assert last < 0.02
    assert found.area_um2 == Estimate(2.0, (1.0, 2.0))
    assert coherence_resonance([1.0, 2.0, 3.0], samples) == found  # a fixed seed


@pytest.mark.parametrize(
    ("area", "sizes", "message"),
    [
        ([1, 2], [50, 50], "area_um2: 2 areas and 2 coefficients of variation; need 3 or more"),
        ([1, 2, 3], [50, 50], "area_um2: 3 areas and 2 coefficients"),
        ([1, 3, 2], [50, 50, 50], "need 3 or more rising areas with one each"),
        ([0, 1, 2], [50, 50, 50], "area_um2: 0; need numbers above zero"),
        ([1, 2, 3], [50, 9, 50], r"cv: no interval of confidence at 2 um\^2; need 10"),
        ([1, 2, 3], [50, 50, 0], r"cv: no interval of confidence at 3 um\^2; need 10"),
    ],
)
def test_areas_without_a_minimum_are_refused(area, sizes, message):
    rng = np.random.default_rng(5)
    with pytest.raises(InputError, match=message):
        coherence_resonance(area, [cv_of(rng.exponential(10.0, n)) for n in sizes])


def test_intervals_that_do_not_vary_are_refused():
    with pytest.raises(
        InputError, match=r"at 1 um\^2; need 10 or more interspike intervals that vary"
    ):
        coherence_resonance([1, 2, 3], [cv_of(np.full(20, 7.0))] * 3)


# --- signal and noise of trains -----------------------------------------------------


def test_line_and_noise_of_a_modulated_poisson_process():
    rng = np.random.default_rng(6)
    trains = modulated(rng, 1000, 1013.0)  # 50 cycles and a rest that does not count
    found = train_signal_to_noise(trains, FREQUENCY, 0.0, 1013.0)
    each = [train_signal_to_noise([train], FREQUENCY, 0.0, 1013.0) for train in trains]
    signals, noises = [one.signal for one in each], [one.noise_per_hz for one in each]
    assert found.noise_per_hz == pytest.approx(np.mean(noises))
    agrees(mean_is(noises, 2 * RATE), "noise of 2 r, one-sided")
    refuses(mean_is(noises, 2.1 * RATE), "noise off by 5 %")
    truth = RATE**2 * DEPTH**2 / 2
    agrees(mean_is(signals, truth), "line of r² m² / 2")
    refuses(mean_is(signals, 1.2 * truth), "line off by a fifth")
    assert found.ratio_hz.value == pytest.approx(RATIO, rel=0.1)
    assert found.ratio_hz.value == pytest.approx(found.signal / found.noise_per_hz)
    low, high = found.ratio_hz.interval
    assert low < found.ratio_hz.value < high
    assert found.p_value < 1e-12


def test_powers_are_those_of_a_fine_periodogram():
    train = modulated(np.random.default_rng(7), 1, 400.0)[0]
    step = 1e-3
    bins = np.histogram(train, np.arange(0.0, 400.0 + step / 2, step))[0] / (step / 1e3)
    frequency, density = signal.periodogram(bins, 1e3 / step)
    found = train_signal_to_noise([train], FREQUENCY, 0.0, 400.0, neighbours=5)
    line = round(FREQUENCY * 0.4)
    assert frequency[line] == pytest.approx(FREQUENCY)
    beside = np.concatenate([density[line - 5 : line], density[line + 1 : line + 6]]).mean()
    assert found.noise_per_hz == pytest.approx(beside, rel=1e-3)
    assert found.signal == pytest.approx((density[line] - beside) / 0.4, rel=1e-3)
    assert found.ratio_hz.value == pytest.approx((density[line] / beside - 1) / 0.4, rel=1e-3)


def test_times_count_from_the_start_to_the_last_whole_cycle():
    rng = np.random.default_rng(8)
    train = modulated(rng, 1, 800.0, start_ms=-100.0)[0]
    found = train_signal_to_noise([train], FREQUENCY, 100.0, 715.0)
    inside = train[(train >= 100.0) & (train < 700.0)]
    assert train_signal_to_noise([inside], FREQUENCY, 100.0, 700.0) == found
    moved = train_signal_to_noise([inside - 100.0], FREQUENCY, 0.0, 600.0)
    assert moved.signal == pytest.approx(found.signal, rel=1e-9)


@pytest.mark.parametrize(("n_trials", "depth"), [(1, 0.8), (4, 0.3), (4, 0.05)])
def test_intervals_of_the_ratio_hold_the_truth(n_trials, depth):
    rng = np.random.default_rng(9)
    found = [
        train_signal_to_noise(
            modulated(rng, n_trials, 500.0, depth=depth), FREQUENCY, 0.0, 500.0
        ).ratio_hz
        for _ in range(300)
    ]
    intervals = np.array([one.interval for one in found])
    truth = RATE * depth**2 / 4
    agrees(coverage(intervals, truth), "coverage of the ratio")
    middle = intervals.mean(axis=1, keepdims=True)
    refuses(coverage(middle + 0.5 * (intervals - middle), truth), "narrow ones of the ratio")
    assert all(one.value >= 0.0 for one in found)
    assert all(low <= one.value <= high for one, (low, high) in zip(found, intervals, strict=True))


def test_p_values_without_a_drive_are_uniform():
    rng = np.random.default_rng(10)
    found = [
        train_signal_to_noise(modulated(rng, 2, 500.0, depth=0.0), FREQUENCY, 0.0, 500.0)
        for _ in range(400)
    ]
    assert stats.kstest([one.p_value for one in found], "uniform").pvalue > LEVEL
    driven = [
        train_signal_to_noise(modulated(rng, 2, 500.0, depth=0.15), FREQUENCY, 0.0, 500.0)
        for _ in range(400)
    ]
    assert stats.kstest([one.p_value for one in driven], "uniform").pvalue < LEVEL
    # an interval from zero says the same as a p-value above 2.5 %
    for one in found:
        assert (one.ratio_hz.interval[0] == 0.0) == (one.p_value >= 0.025)
    below = [one for one in found if one.p_value > 0.7]
    assert all((one.ratio_hz.value, one.signal) == (0.0, 0.0) for one in below)


def test_a_train_that_repeats_exactly_has_no_noise():
    train = np.arange(3.0, 1000.0, 20.0)
    found = train_signal_to_noise([train, train], FREQUENCY, 0.0, 1000.0)
    assert (found.ratio_hz, found.p_value) == (Estimate(None), 0.0)
    # all power of n spikes in T seconds is in the line: 2 (n / T)²
    assert found.signal == pytest.approx(2 * 50.0**2)


@pytest.mark.parametrize(
    ("trains", "arguments", "message"),
    [
        ([], (50.0, 0.0, 1000.0), "trains: no spikes; need some, so run longer"),
        ([np.zeros(0)], (50.0, 0.0, 1000.0), "trains: no spikes"),
        ([np.array([1000.0])], (50.0, 0.0, 1000.0), "trains: no spikes"),
        ([np.array([1.0])], (50.0, 0.0, 200.0), "10 cycles of 50 Hz in 200 ms; need more than the"),
        ([np.array([1.0])], (50.0, 9.0, 0.0), "cycles of 50 Hz in -9 ms; need more than the 10"),
        ([np.array([1.0])], (0.0, 0.0, 200.0), "frequency_hz: 0; need one above zero, as in 50"),
        ([np.array([1.0])], (np.nan, 0.0, 200.0), "frequency_hz: nan; need one above zero"),
        ([np.array([1.0])], (50.0, 0.0, np.inf), "frequency_hz, stop_ms: 50 Hz for inf s; need"),
        ([np.array([1.0])], (50.0, 0.0, 1000.0, 0), "neighbours: 0; need 1 or more"),
    ],
)
def test_trains_without_a_spectrum_are_refused(trains, arguments, message):
    with pytest.raises(InputError, match=message):
        train_signal_to_noise(trains, *arguments)


# --- signal and noise of sampled signals --------------------------------------------


def test_line_and_noise_of_a_sine_in_white_noise_are_the_periodograms():
    rng = np.random.default_rng(11)
    time = np.arange(4000) * 0.5e-3
    rows = 3.0 * np.sin(2 * np.pi * 40.0 * time + 1.0) - 60.0 + rng.standard_normal((5, 4000))
    found = signal_to_noise(rows, 0.5, 40.0, neighbours=8)
    density = signal.periodogram(rows, 2000.0)[1].mean(axis=0)
    beside = np.concatenate([density[72:80], density[81:89]]).mean()
    assert found.noise_per_hz == pytest.approx(beside, rel=1e-9)
    assert found.signal == pytest.approx((density[80] - beside) / 2.0, rel=1e-9)
    assert found.signal == pytest.approx(3.0**2 / 2, rel=0.05)
    assert found.noise_per_hz == pytest.approx(2 * 0.5e-3, rel=5 / np.sqrt(80))
    assert signal_to_noise(rows[0], 0.5, 40.0) == signal_to_noise(rows[:1], 0.5, 40.0)


def test_intervals_of_a_sampled_signal_hold_the_truth():
    rng = np.random.default_rng(12)
    sine = 0.1 * np.sin(2 * np.pi * 40.0 * np.arange(2000) * 0.5e-3)
    intervals = [
        signal_to_noise(sine + rng.standard_normal((2, 2000)), 0.5, 40.0).ratio_hz.interval
        for _ in range(300)
    ]
    truth = 0.1**2 / 2 / (2 * 0.5e-3)
    agrees(coverage(intervals, truth), "coverage")
    refuses(coverage(intervals, 4 * truth), "a ratio four times as large")


def test_a_strong_line_does_not_leak_into_the_noise():
    # cycles that are no whole number of samples: 47 of 47.3 Hz take 993.66 of these
    rng, time = np.random.default_rng(13), np.arange(1000) * 1e-3
    rows = 1e3 * np.sin(2 * np.pi * 47.3 * time) + rng.standard_normal((4, 1000))
    found = signal_to_noise(rows, 1.0, 47.3)
    assert found.signal == pytest.approx(5e5, rel=1e-2)
    assert found.noise_per_hz < 1.0  # 0.002 of the noise and a little more; a leak made it 100
    quiet = signal_to_noise(rows - 900 * np.sin(2 * np.pi * 47.3 * time), 1.0, 47.3)
    assert quiet.signal == pytest.approx(5e3, rel=2e-2)


@pytest.mark.parametrize("amplitude", [1.0, 100.0, 1e4])
def test_far_above_the_noise_the_interval_is_that_of_the_noise(amplitude):
    rng, time = np.random.default_rng(14), np.arange(1000) * 1e-3
    rows = amplitude * np.sin(2 * np.pi * 50.0 * time) + 1e-2 * rng.standard_normal((5, 1000))
    estimate = signal_to_noise(rows, 1.0, 50.0).ratio_hz
    # chi-squared of 5 trials x 20 frequencies x 2
    expected = estimate.value * stats.chi2.ppf([0.025, 0.975], 200) / 200
    np.testing.assert_allclose(estimate.interval, expected, rtol=0.01)


def test_a_sine_without_noise_has_no_ratio():
    found = signal_to_noise(np.sin(2 * np.pi * np.arange(1000) / 20), 1.0, 50.0)
    assert (found.ratio_hz, found.p_value) == (Estimate(None), 0.0)
    assert found.signal == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (np.full(1000, -65.0), (1.0, 50.0), "signal: it does not vary; need one with noise"),
        (np.zeros((2, 2, 2)), (1.0, 50.0), r"signal: shape \(2, 2, 2\); need finite numbers"),
        (np.array([1.0, np.nan]), (1.0, 50.0), r"signal: shape \(1, 2\); need finite numbers"),
        (np.zeros(1000), (0.0, 50.0), "interval_ms: 0; need a time above zero, as in 0.1"),
        (
            np.zeros(1000),
            (1.0, 250.0),
            "250 is too fast for samples every 1 ms; need less than 250",
        ),
        (np.zeros(1000), (1.0, 0.0), "frequency_hz: 0; need one above zero"),
        (np.zeros(100), (1.0, 50.0), "5 cycles of 50 Hz in 100 ms; need more than the 10 neigh"),
    ],
)
def test_signals_without_a_spectrum_are_refused(rows, arguments, message):
    with pytest.raises(InputError, match=message):
        signal_to_noise(rows, *arguments)
