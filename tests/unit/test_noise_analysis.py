"""Noise analysis of currents made by hand: parabolas, drifts and spectra that are known."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from stochhh.analysis.noise import (
    ChannelNumbers,
    count_channels,
    fit_parabola,
    mean_variance,
)
from stochhh.analysis.spectra import stationary_spectrum
from stochhh.errors import InputError
from stochhh.plot import style
from stochhh.plot.single_channel import noise_figure


def binomial_sweeps(
    n_trials: int = 400, n_channels: int = 50, unitary: float = -1.5, seed: int = 1
) -> np.ndarray:
    """Sweeps of independent counts whose open probability rises from 0.02 to 0.8."""
    p = np.linspace(0.02, 0.8, 60)
    rng = np.random.default_rng(seed)
    return unitary * rng.binomial(n_channels, p, size=(n_trials, len(p)))


def test_mean_and_variance_of_three_sweeps() -> None:
    sweeps = [[0.0, 1.0], [2.0, 1.0], [1.0, 4.0]]
    plain = mean_variance(sweeps)
    np.testing.assert_allclose(plain.mean, [1.0, 2.0])
    np.testing.assert_allclose(plain.variance, [1.0, 3.0])
    differences = mean_variance(sweeps, differences=True)
    np.testing.assert_allclose(differences.variance, [(4 + 1) / 4, (0 + 9) / 4])
    np.testing.assert_allclose(differences.mean, plain.mean)


def test_differences_of_successive_sweeps_resist_a_drift() -> None:
    drift = 1.0 + 0.5 * np.linspace(-1.0, 1.0, 400)[:, None]
    sweeps = binomial_sweeps() * drift
    plain, differences = mean_variance(sweeps), mean_variance(sweeps, differences=True)
    truth = mean_variance(binomial_sweeps()).variance * np.mean(drift**2)
    assert np.mean(differences.variance / truth) == pytest.approx(1.0, abs=0.02)
    assert np.mean(plain.variance / truth) > 5.0


@pytest.mark.parametrize("unitary", [2.0, -2.0])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_exact_parabola_is_found_exactly(unitary: float, offset: float) -> None:
    mean = unitary * 100 * np.linspace(0.01, 0.7, 200) ** 2
    variance = unitary * mean - mean**2 / 100 + offset
    found = fit_parabola(mean, variance, offset=offset > 0, n_bins=20)
    np.testing.assert_allclose(found, [unitary, 100.0, offset], rtol=1e-9, atol=1e-9)


def test_points_that_do_not_bend_bound_no_number_of_channels() -> None:
    mean = np.linspace(0.0, 10.0, 100)
    found = fit_parabola(mean, 2.0 * mean + 0.01 * mean**2)
    assert found.n_channels == float("inf")
    sweeps = np.random.default_rng(3).poisson(mean + 1.0, size=(60, 100)) * 1.0
    estimate = count_channels(sweeps, resamples=200).n_channels
    assert estimate.value is None or estimate.interval[1] == float("inf")


@pytest.mark.parametrize("differences", [False, True])
@pytest.mark.parametrize("offset", [False, True])
def test_channels_are_counted_with_intervals(differences: bool, offset: bool) -> None:
    sweeps = binomial_sweeps()
    if offset:
        sweeps = sweeps + 2.0 * np.random.default_rng(2).standard_normal(sweeps.shape)
    found = count_channels(sweeps, offset=offset, differences=differences, resamples=200)
    truth = ChannelNumbers(-1.5, 50.0, 4.0, 0.8)
    for name in ("unitary_current_pA", "n_channels", "open_probability"):
        estimate, true = getattr(found, name), getattr(truth, name)
        assert estimate.value == pytest.approx(true, rel=0.06)
        assert estimate.interval[0] < estimate.value < estimate.interval[1]
        assert abs(estimate.interval[1] - estimate.interval[0]) < 0.25 * abs(true)
    if offset:
        assert found.offset_pA2.value == pytest.approx(4.0, rel=0.1)
        assert found.offset_pA2.interval is not None
    else:
        assert (found.offset_pA2.value, found.offset_pA2.interval) == (0.0, None)
    assert found == count_channels(sweeps, offset, differences, resamples=200)  # a fixed seed


# a coverage of 0.95 holds the truth in fewer than 50 of 60 samples with a chance of 1e-4
@pytest.mark.parametrize("differences", [False, True])
def test_intervals_hold_the_truth_as_often_as_they_say(differences: bool) -> None:
    held = np.zeros(2)
    for seed in range(60):
        sweeps = binomial_sweeps(100, seed=seed)[:, ::4]
        found = count_channels(sweeps, differences=differences, n_bins=10, resamples=100)
        for k, (estimate, true) in enumerate(
            [(found.unitary_current_pA, -1.5), (found.n_channels, 50.0)]
        ):
            low, high = estimate.interval
            held[k] += low < true < high
    assert (held >= 50).all(), held


@pytest.mark.parametrize(("n_trials", "differences"), [(6, False), (20, True)])
def test_few_sweeps_have_intervals_that_are_wide_enough(n_trials: int, differences: bool) -> None:
    """Sweeps of 50 channels that open with 1 ms, and so are alike from time to time.

    Without a correction for few sweeps the truth is held in 0.80 to 0.85 of the cases.
    """
    held, samples, keep = np.zeros(2), 80, np.exp(-0.2)
    rng = np.random.default_rng(5)
    for _ in range(samples):
        count, counts = rng.binomial(50, 0.02, n_trials), []
        for _ in range(25):
            counts.append(count)
            opened = rng.binomial(50 - count, 0.8 * (1.0 - keep))
            count = rng.binomial(count, 0.8 + 0.2 * keep) + opened
        sweeps = np.stack(counts, axis=1)
        found = count_channels(sweeps, differences=differences, n_bins=10, resamples=200)
        number = found.n_channels.interval or (np.nan, np.nan)
        for k, (low, high, true) in enumerate(
            [(*found.unitary_current_pA.interval, 1.0), (*number, 50.0)]
        ):
            held[k] += low < true < high
    assert (held > 0.88 * samples).all(), held


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(InputError, match=r"sweeps_pA: shape \(1, 3\); need \(trials, times\), two"):
        mean_variance([[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="does not vary"):
        fit_parabola([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"shapes \(2,\) and \(3,\)"):
        fit_parabola([1.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="falls into 2 of 40 bins; 3 numbers cannot be fitted"):
        fit_parabola([1.0, 1.0, 2.0], [1.0, 2.0, 3.0], offset=True)
    with pytest.raises(InputError, match="segment_ms: 200 samples in a segment and 100 in a trial"):
        stationary_spectrum(np.zeros(100), 0.1, segment_ms=20.0)


def test_spectrum_of_white_noise_is_flat_and_its_integral_the_variance() -> None:
    noise = 3.0 * np.random.default_rng(1).standard_normal((40, 4000))
    found = stationary_spectrum(noise + 7.0, 0.5, segment_ms=200.0)
    assert found.frequency_hz[0] == pytest.approx(5.0)
    assert found.frequency_hz[-1] == pytest.approx(995.0)
    flat = 9.0 / 1000.0
    z = (found.density_pA2_per_hz - flat) / found.standard_error_pA2_per_hz
    assert np.abs(z).max() < 5.0
    assert z.std() == pytest.approx(1.0, abs=0.2)
    total = found.density_pA2_per_hz.sum() * 5.0
    assert total == pytest.approx(9.0, rel=0.02)
    single = stationary_spectrum(noise[0], 0.5)
    assert len(single.frequency_hz) == 249


def test_standard_error_is_the_scatter_between_repeats() -> None:
    noise = np.random.default_rng(2).standard_normal((300, 1100))
    each = [stationary_spectrum(row, 1.0, segment_ms=100.0) for row in noise]
    density = np.array([one.density_pA2_per_hz for one in each])
    relative = each[0].standard_error_pA2_per_hz / each[0].density_pA2_per_hz
    scatter = density.std(axis=0) / density.mean(axis=0)
    assert np.mean(scatter / relative) == pytest.approx(1.0, abs=0.05)
    assert scatter / relative == pytest.approx(1.0, abs=0.25)


def test_noise_figure_shows_points_fit_and_theory() -> None:
    sweeps = binomial_sweeps(unitary=1.5)
    found = count_channels(sweeps, resamples=100)
    figure = noise_figure(np.arange(60.0), sweeps, found, theory=(1.5, 50), title="Noise")
    parabola = figure.axes[-1]
    points, fit, limit = parabola.get_lines()
    np.testing.assert_allclose(points.get_xdata(), sweeps.mean(axis=0))
    np.testing.assert_allclose(points.get_ydata(), sweeps.var(axis=0, ddof=1))
    assert limit.is_dashed()
    assert to_rgba(limit.get_color()) == to_rgba(style.DETERMINISTIC)
    x = limit.get_xdata()
    np.testing.assert_allclose(limit.get_ydata(), 1.5 * x - x**2 / 50)
    i, n = found.unitary_current_pA.value, found.n_channels.value
    np.testing.assert_allclose(fit.get_ydata(), i * x - x**2 / n)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["current (pA)", "mean (pA)", "variance (pA²)", "variance (pA²)"]
    inward = binomial_sweeps()
    assert noise_figure(np.arange(60.0), inward, count_channels(inward, resamples=100)).axes
