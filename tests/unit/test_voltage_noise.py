"""Noise about a steady voltage: its theory for records, its peak, steady currents and voltages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as scipy_signal

from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.membrane_noise import expected_noise, recorded_noise
from stochhh.analysis.setup import Setup
from stochhh.analysis.spectral_peak import peak_frequency_hz
from stochhh.analysis.steady_state import (
    changing_stimulus,
    last_change_ms,
    steady_current_pA,
    steady_voltage_mV,
)
from stochhh.membrane import build_membrane
from stochhh.scenario import load_scenario
from stochhh.theory.linear import (
    conductance_spectrum,
    linear_membrane,
    stationary_variance,
    voltage_spectrum,
)
from stochhh.theory.linear_records import (
    record_spectrum,
    record_variance,
    slowest_decay_ms,
    voltage_weights,
)

FREQUENCIES = np.array([4.0, 30.0, 61.0, 200.0, 700.0])
STEP = '{kind="step", amplitude="2 uA/cm^2", start="20 ms", duration="30 ms"}'


def setup_of(*overrides):
    scenario = load_scenario("squid-patch", overrides)
    return Setup(scenario, build_membrane(scenario.membrane, "squid-patch"))


# Records of a linear membrane


@pytest.mark.parametrize("interval_ms", [0.05, 0.5])
def test_spectrum_of_records_is_that_of_the_noise_folded(squid, interval_ms):
    """Power at f and at all its aliases; the sum over 801 of them lacks little."""
    linear = linearised(squid)
    sampling = 1e3 / interval_ms
    aliases = np.abs(FREQUENCIES[:, None] + sampling * np.arange(-400, 401))
    for weights, spectrum in (
        (voltage_weights(linear), lambda f: voltage_spectrum(linear, f)),
        (linear.conductance_nS[1], lambda f: conductance_spectrum(linear, f, 1)),
    ):
        folded = spectrum(aliases.ravel()).reshape(2, *aliases.shape).sum(axis=2)
        found = record_spectrum(linear, FREQUENCIES, interval_ms, weights)
        np.testing.assert_allclose(found, folded, rtol=2e-3)


def test_folding_shows_where_power_is_low(squid):
    """Negative control of the test before: without folding it fails at 0.5 ms, not at 0.05."""
    linear = linearised(squid)
    plain = conductance_spectrum(linear, FREQUENCIES, 1).sum(axis=0)
    weights = linear.conductance_nS[1]
    seldom, often = (
        record_spectrum(linear, FREQUENCIES, t, weights).sum(axis=0) for t in (0.5, 0.05)
    )
    assert np.all(seldom > plain)
    assert seldom[-1] > 1.2 * plain[-1]
    np.testing.assert_allclose(often, plain, rtol=0.02)


def test_spectrum_of_records_integrates_to_their_variance(squid):
    linear = linearised(squid)
    weights = voltage_weights(linear)
    frequency = (np.arange(4000) + 0.5) * 0.25  # up to half the sampling frequency
    spectrum = record_spectrum(linear, frequency, 0.5, weights)
    variance = record_variance(linear, weights)
    np.testing.assert_allclose(spectrum.sum(axis=1) * 0.25, variance, rtol=1e-6)
    np.testing.assert_allclose(variance, stationary_variance(linear), rtol=1e-10)


def test_numbers_of_large_squid_patches_are_those_known(squid):
    """Typed: variance times area 266 mV²µm², four fifths from K+, slowest mode at 0.1207/ms."""
    linear = linearised(squid)
    variance = record_variance(linear, voltage_weights(linear))
    assert variance.sum() * 100.0 == pytest.approx(266.0, abs=0.5)
    assert variance[1] / variance.sum() == pytest.approx(0.79, abs=0.005)
    assert slowest_decay_ms(linear) == pytest.approx(1 / 0.1207, rel=1e-3)
    theory = expected_noise(squid, 0.0, None, 0.5, 2.0, 500.0)
    assert theory.peak_hz == pytest.approx(61.2, abs=0.1)
    assert theory.mean == pytest.approx(-64.99972, abs=1e-5)


def test_an_unstable_state_has_no_noise(squid):
    """Repetitive firing begins at a Hopf point of 9.78 µA/cm²."""
    assert expected_noise(squid, 9.7, None, 0.5, 4.0, 400.0) is not None
    assert expected_noise(squid, 9.9, None, 0.5, 4.0, 400.0) is None
    unstable = linearised(squid, steady_voltage_mV(squid, 9.9))
    assert slowest_decay_ms(unstable) == np.inf
    with pytest.raises(ValueError, match="not stable"):
        record_variance(unstable, voltage_weights(unstable))


def test_a_membrane_without_channels_has_no_noise():
    passive = linear_membrane(1.0, 0.5, [])
    assert record_variance(passive, voltage_weights(passive)).shape == (0,)
    assert slowest_decay_ms(passive) == pytest.approx(2.0)


def test_conductance_is_expected_beside_the_voltage(squid):
    theory = expected_noise(squid, 0.0, "squid-k", 0.5, 4.0, 400.0)
    law = squid.stationary_laws(squid.resting_voltage_mV())[1]
    assert theory.mean == pytest.approx(1800 * 0.02 * law[-1])
    clamped = 1800 * 0.02**2 * law[-1] * (1 - law[-1])
    assert theory.variance.sum() != pytest.approx(clamped, rel=0.05)  # it feels the voltage
    linear = linearised(squid)
    np.testing.assert_allclose(
        theory.density.sum(axis=0),
        record_spectrum(linear, theory.frequency_hz, 0.5, linear.conductance_nS[1]).sum(axis=0),
    )


# Recorded noise


def resonant_rows(peak_hz, damping, trials, length, seed, interval_ms=0.5):
    """Noise with two poles: a resonance whose power is known."""
    rng = np.random.default_rng(seed)
    angle, radius = 2 * np.pi * peak_hz * interval_ms / 1e3, 1.0 - damping
    poles = [1.0, -2.0 * radius * np.cos(angle), radius**2]
    noise = rng.standard_normal((trials, length + 500))
    rows = scipy_signal.lfilter([1.0], poles, noise)[:, 500:]
    grid = np.linspace(1.0, 400.0, 40_000)
    power = np.abs(scipy_signal.freqz([1.0], poles, grid, fs=1e3 / interval_ms)[1]) ** 2
    return rows, float(grid[np.argmax(power)])


@pytest.mark.parametrize(("peak_hz", "damping"), [(60.0, 0.06), (90.0, 0.02), (120.0, 0.1)])
def test_peak_of_a_resonance_is_found(peak_hz, damping):
    """200 s tell it within its interval, and 15 % from it apart."""
    rows, truth = resonant_rows(peak_hz, damping, 40, 10_000, seed=int(peak_hz))
    found = recorded_noise(rows, 0.5, 250.0, 400.0).peak_hz
    low, high = found.interval
    error = (high - low) / 4.0
    assert abs(found.value - truth) < 4.9 * error + 0.015 * truth
    assert abs(found.value - 1.15 * truth) > 4.9 * error + 0.015 * truth


@pytest.mark.parametrize("current_pA", [-0.02, 0.0, 0.04, 0.06])
def test_peak_of_an_exact_spectrum_is_its_own(current_pA):
    membrane = setup_of("membrane.area=1 um^2").membrane
    theory = expected_noise(membrane, current_pA, None, 0.5, 4.0, 500.0)
    frequency = np.arange(4.0, 500.0, 4.0)
    linear = linearised(membrane, steady_voltage_mV(membrane, current_pA))
    density = voltage_spectrum(linear, frequency).sum(axis=0)
    found = peak_frequency_hz(frequency, density)
    assert found.value == pytest.approx(theory.peak_hz, rel=0.016)
    assert found.interval is None  # one trial


def test_power_that_only_falls_has_no_peak():
    frequency = np.arange(4.0, 500.0, 4.0)
    assert peak_frequency_hz(frequency, 1.0 / (1.0 + (frequency / 50.0) ** 2)).value is None
    assert peak_frequency_hz(frequency[:6], np.ones(6)).value is None  # too few frequencies


def test_recorded_noise_is_what_its_parts_say():
    rows, _ = resonant_rows(60.0, 0.1, 6, 2000, seed=1)
    found = recorded_noise(rows - 65.0, 0.5, 100.0, 300.0)
    assert found.mean.value == pytest.approx(rows.mean() - 65.0)
    assert found.variance.value == pytest.approx(rows.var())
    each = np.square(rows - rows.mean()).mean(axis=1)
    half = 2.5706 * each.std(ddof=1) / np.sqrt(6)  # Student's quantile, 5 degrees of freedom
    bend = np.exp(half / each.mean())  # of the logarithm, as no variance is below 0
    assert found.variance.interval == pytest.approx((each.mean() / bend, each.mean() * bend), 1e-4)
    assert found.spectrum.frequency_hz[[0, -1]] == pytest.approx([10.0, 300.0])
    silent = recorded_noise(np.full((3, 2000), -65.0), 0.5, 100.0, 300.0)
    assert (silent.variance.value, silent.spectrum, silent.peak_hz.value) == (0.0, None, None)


# Steady currents and voltages


def test_steady_voltage_carries_the_current(squid):
    assert steady_voltage_mV(squid, 0.0) == pytest.approx(squid.resting_voltage_mV(), abs=1e-9)
    for current in (-40.0, -3.0, 2.0, 9.0, 300.0):
        voltage = steady_voltage_mV(squid, current)
        assert squid.steady_current_pA(voltage) == pytest.approx(current, abs=1e-8)
    assert steady_voltage_mV(squid, -40.0) < -77.0 < steady_voltage_mV(squid, 0.0)
    bare = setup_of("membrane.channels=[]", "membrane.leak.conductance=0 mS/cm^2").membrane
    assert steady_voltage_mV(bare, 1.0) is None


def test_current_of_constants_and_steps():
    setup = setup_of(f'stimulus=[{{kind="constant", amplitude="3 uA/cm^2"}}, {STEP}]')
    assert [steady_current_pA(setup, t) for t in (0.0, 19.9, 20.0, 49.9, 50.0)] == pytest.approx(
        [3.0, 3.0, 5.0, 5.0, 3.0]
    )
    assert last_change_ms(setup) == 50.0
    assert changing_stimulus(setup, 50.0, 200.0) is None
    assert changing_stimulus(setup, 20.0, 50.0) is None
    assert changing_stimulus(setup, 30.0, 60.0) == 1
    sine = setup_of('stimulus=[{kind="sine", amplitude="1 uA/cm^2", frequency="9 Hz"}]')
    assert changing_stimulus(sine, 0.0, 100.0) == 0
    assert (last_change_ms(sine), steady_current_pA(sine, 5.0)) == (0.0, 0.0)
    endless = setup_of('stimulus=[{kind="step", amplitude="1 uA/cm^2", start="30 ms"}]')
    assert last_change_ms(endless) == 30.0
    assert steady_current_pA(endless, 150.0) == pytest.approx(1.0)
    late = setup_of('stimulus=[{kind="pulse", amplitude="1 uA/cm^2", duration="1 s"}]')
    assert last_change_ms(late) == 0.0  # its end is after that of a trial
