"""Spectra, coherence and gain of signals whose own are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as scipy_signal
from scipy import stats

from stochhh.analysis.voltage_spectra import coherence, signal_spectrum
from stochhh.errors import InputError

INTERVAL_MS = 0.5
FILTER = 0.8  # y[t] = FILTER y[t-1] + x[t-1]
NOISE_SD = 1.5


def filtered(
    trials: int, length: int, seed: int, frozen: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """White noise, and what a filter of one pole and a delay of one sample makes of it and adds."""
    rng = np.random.default_rng(seed)
    driving = rng.standard_normal((1 if frozen else trials, length + 100))
    passed = scipy_signal.lfilter([0.0, 1.0], [1.0, -FILTER], driving)
    response = passed + NOISE_SD * rng.standard_normal((trials, length + 100))
    driving, response = driving[:, 100:], response[:, 100:]
    return driving[0] if frozen else driving, response


def transfer(frequency_hz: np.ndarray) -> np.ndarray:
    z = np.exp(2j * np.pi * frequency_hz * INTERVAL_MS / 1e3)
    return 1.0 / (z - FILTER)


def true_coherence(frequency_hz: np.ndarray) -> np.ndarray:
    power = np.abs(transfer(frequency_hz)) ** 2
    return power / (power + NOISE_SD**2)


def mean_z(values: np.ndarray, expected: np.ndarray) -> float:
    """Distance of the mean over frequencies from what is expected, in errors over samples.

    Parameters
    ----------
    values : (samples, F)
    expected : (F,) or a number
    """
    away = (values - expected).mean(axis=1)
    return float(away.mean() / (away.std(ddof=1) / np.sqrt(len(away))))


def test_density_is_that_of_an_autoregression() -> None:
    rng = np.random.default_rng(1)
    rows = scipy_signal.lfilter([1.0], [1.0, -FILTER], rng.standard_normal((40, 4200)))[:, 200:]
    found = signal_spectrum(rows - 65.0, INTERVAL_MS, segment_ms=100.0)
    truth = 2.0 * INTERVAL_MS / 1e3 * np.abs(transfer(found.frequency_hz)) ** 2
    z = (found.density / truth - 1.0) * np.sqrt(found.degrees / 2.0)
    assert np.abs(z).max() < 5.0
    assert z.std() == pytest.approx(1.0, abs=0.25)
    assert found.degrees == pytest.approx(2 * 40 * 39 / (1 + 2 / 36 * 38 / 39))
    resolution = found.frequency_hz[0]
    assert resolution == pytest.approx(10.0)
    ends = np.abs(transfer(np.array([0.0, 1000.0]))) ** 2 * INTERVAL_MS / 1e3  # half as much each
    variance = (found.density.sum() + ends.sum()) * resolution
    assert variance == pytest.approx(1.0 / (1.0 - FILTER**2), rel=0.03)


def test_density_is_that_of_another_library() -> None:
    row = np.random.default_rng(2).standard_normal(2000).cumsum()
    found = signal_spectrum(row, INTERVAL_MS, segment_ms=125.0)
    frequency, density = scipy_signal.welch(
        row - row.mean(), fs=2000.0, nperseg=250, window="hann", detrend=False
    )
    np.testing.assert_allclose(found.frequency_hz, frequency[1:-1])
    np.testing.assert_allclose(found.density, density[1:-1])


def test_interval_of_a_density_is_that_of_chi_squared() -> None:
    found = signal_spectrum(np.random.default_rng(3).standard_normal((3, 64)), 1.0, segment_ms=32.0)
    law = stats.chi2(found.degrees)
    np.testing.assert_allclose(found.low, found.density * found.degrees / law.ppf(0.975))
    np.testing.assert_allclose(found.high, found.density * found.degrees / law.ppf(0.025))


@pytest.mark.parametrize("trials", [1, 4])
def test_intervals_hold_the_density_as_often_as_they_say(trials: int) -> None:
    rng = np.random.default_rng(4)
    held = []
    for _ in range(24):
        found = signal_spectrum(rng.standard_normal((trials, 4096)), 1.0, segment_ms=1024.0)
        held.append((found.low < 2e-3) & (found.high > 2e-3))
    # 24 x 511 frequencies, of which neighbours go together: 0.3 % of error
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_coherence_and_gain_are_those_of_another_library() -> None:
    driving, response = filtered(1, 2000, seed=5)
    found = coherence(driving[0], response[0], INTERVAL_MS, segment_ms=64.0)
    away = driving[0] - driving[0].mean(), response[0] - response[0].mean()
    options = {"fs": 2000.0, "nperseg": 128, "detrend": False}
    frequency, raw = scipy_signal.coherence(*away, **options)
    cross = scipy_signal.csd(*away, **options)[1] / scipy_signal.welch(away[0], **options)[1]
    np.testing.assert_allclose(found.frequency_hz, frequency[1:-1])
    np.testing.assert_allclose(found.raw, raw[1:-1])
    np.testing.assert_allclose(found.gain, cross[1:-1])


def test_offsets_and_scales_change_no_coherence() -> None:
    driving, response = filtered(3, 800, seed=6)
    found = coherence(driving, response, INTERVAL_MS)
    other = coherence(4.0 - 2.0 * driving, response * 0.5 - 65.0, INTERVAL_MS)
    for name in ("raw", "corrected", "low", "high"):
        np.testing.assert_allclose(getattr(other, name), getattr(found, name), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.gain, -found.gain / 4.0)
    assert len(found.frequency_hz) == 49  # segments of an eighth: 100 samples


def test_filter_and_noise_are_found() -> None:
    driving, response = filtered(60, 4000, seed=7)
    found = coherence(driving, response, INTERVAL_MS, segment_ms=100.0)
    truth, gain = true_coherence(found.frequency_hz), transfer(found.frequency_hz)
    assert truth[-1] < 0.15
    assert truth[0] > 0.9
    n = found.averages
    z = (found.corrected - truth) / np.sqrt(2.0 * truth * (1.0 - truth) ** 2 / n)
    assert np.abs(z).max() < 5.0
    assert abs(z.mean()) < 1.0
    assert z.std() == pytest.approx(1.0, abs=0.3)
    error = np.abs(gain) * np.sqrt((1.0 - truth) / truth / n)
    assert (np.abs(found.gain - gain) / error).max() < 4.0
    for wrong in (gain.conj(), 1.1 * gain, transfer(found.frequency_hz * 1.1)):
        assert (np.abs(found.gain - wrong) / error).max() > 5.0
    assert (found.raw > found.significant).all()


@pytest.mark.parametrize(("trials", "frozen"), [(1, False), (5, False), (12, True)])
def test_unrelated_signals_are_significant_as_often_as_they_should(
    trials: int, frozen: bool
) -> None:
    rng = np.random.default_rng(8 + trials)
    raw, corrected, held, n, level = [], [], [], 0.0, 0.0
    for _ in range(20):
        driving = rng.standard_normal(4096 if frozen else (trials, 4096))
        found = coherence(driving, rng.standard_normal((trials, 4096)), 1.0, segment_ms=1024.0)
        n, level = found.averages, found.significant
        raw.append(found.raw)
        corrected.append(found.corrected)
        held.append(found.low == 0.0)
    assert n == pytest.approx(trials * 7 / (1.0 + 2 / 36 * 6 / 7))
    above = np.array(raw) > level
    assert above.mean() == pytest.approx(0.05, abs=0.015)
    assert abs(mean_z(np.array(raw), 1.0 / n)) < 7.0  # of 20 samples: a level of 1e-6
    assert mean_z(np.array(raw), 0.0) > 20.0
    # 1 - raw is a beta variable, so its square has a mean of (n - 1)/(n + 1)
    assert abs(mean_z(np.array(corrected), 2.0 / (n * (n + 1.0)))) < 7.0
    assert np.mean(held) == pytest.approx(0.975, abs=0.01)


@pytest.mark.parametrize(("trials", "segments"), [(1, 3), (1, 8), (3, 8)])
@pytest.mark.parametrize("truth", [0.0, 0.1, 0.5, 0.95])
def test_intervals_hold_the_coherence_as_often_as_they_say(
    trials: int, segments: int, truth: float
) -> None:
    rng = np.random.default_rng(9)
    below, above, size = [], [], (trials, 1024 * segments)
    for _ in range(12):
        driving = rng.standard_normal(size)
        response = np.sqrt(truth) * driving + np.sqrt(1.0 - truth) * rng.standard_normal(size)
        found = coherence(driving, response, 1.0, segment_ms=1024.0)
        below.append(found.high < truth)
        above.append(found.low > truth)
        assert (found.low <= found.raw).all()
        assert (found.low <= found.high).all()
    # 2.5 % on either side, and none below a coherence of zero; 0.3 % of error
    assert np.mean(above) < 0.045
    assert np.mean(below) < 0.045
    if truth >= 0.5:
        assert np.mean(above) > 0.008
        assert np.mean(below) > 0.008


def test_response_without_noise_is_fully_coherent() -> None:
    driving = np.random.default_rng(10).standard_normal((2, 400))
    found = coherence(driving, 3.0 * driving, 1.0)
    np.testing.assert_allclose(found.raw, 1.0)
    np.testing.assert_allclose(found.gain, 3.0)
    np.testing.assert_allclose(found.low, 1.0)
    np.testing.assert_allclose(found.high, 1.0)


def test_signals_that_say_nothing_are_refused() -> None:
    noise = np.random.default_rng(11).standard_normal((2, 80))
    with pytest.raises(InputError, match=r"signal: shape \(1, 2, 80\); need finite numbers, \(tri"):
        signal_spectrum(noise[None], 1.0)
    with pytest.raises(InputError, match=r"signal: shape \(0, 80\); need finite numbers"):
        signal_spectrum(noise[:0], 1.0)
    with pytest.raises(InputError, match=r"driving: shape \(1, 3\); need finite numbers"):
        coherence([1.0, np.nan, 2.0], [1.0, 2.0, 3.0], 1.0)
    for constant in (np.full(80, 0.1), np.full((2, 80), [[0.1], [0.7]])):
        with pytest.raises(InputError, match="signal: it does not vary within trials; need one w"):
            signal_spectrum(constant, 1.0)
        with pytest.raises(InputError, match="response: it does not vary within trials"):
            coherence(noise[: len(np.atleast_2d(constant))], constant, 1.0)
    with pytest.raises(InputError, match="driving: it does not vary"):
        coherence(3.0, noise, 1.0)
    with pytest.raises(InputError, match="segment_ms: 4 samples in a segment and 80 in a trial"):
        signal_spectrum(noise, 1.0, segment_ms=4.0)


def test_signals_that_do_not_match_are_refused() -> None:
    noise = np.random.default_rng(12).standard_normal((3, 90))
    for driving in (noise[0, :80], noise[:2], noise[:, :80]):
        with pytest.raises(
            InputError, match=r"driving, response: shapes \(\d, \d0\) and \(3, 90\); need trials of"
        ):
            coherence(driving, noise, 1.0)
    with pytest.raises(InputError, match="segment_ms: one segment in all; need two or more"):
        coherence(noise[0], noise[1], 1.0, segment_ms=90.0)
    assert coherence(noise[:2], noise[1:], 1.0, segment_ms=90.0).averages == pytest.approx(2.0)
