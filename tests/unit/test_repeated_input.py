"""Coherence with an input that is repeated, and noisy inputs of scenarios."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.analysis.coherence_information import coherence_information_rate
from stochhh.analysis.noisy_input import (
    input_spectrum,
    is_repeated,
    linear_response,
    mean_input_pA,
    noises_of,
)
from stochhh.analysis.repeated_input import coherence_of_repeats
from stochhh.analysis.setup import Setup
from stochhh.analysis.spectra import stationary_spectrum
from stochhh.analysis.voltage_spectra import coherence
from stochhh.errors import InputError
from stochhh.membrane import build_membrane
from stochhh.scenario import load_scenario
from stochhh.simulate import plan, resolve

NOISE = '{kind="noise", mean="1 uA/cm^2", sd="0.5 uA/cm^2", correlation_time="3 ms"}'
FROZEN = NOISE.replace('"noise"', '"frozen-noise"')


def setup_of(*overrides):
    scenario = load_scenario("squid-patch", overrides)
    return Setup(scenario, build_membrane(scenario.membrane, "squid-patch"))


def distorted(rng, distortion, noise, repeats, length=2000):
    """White input x, and x + a d(x) + noise, d the sign of x less its linear part, of variance 1.

    The coherence of the two is 1/(1 + a² + noise²).
    """
    x = rng.standard_normal(length)
    sign = (np.sign(x) - np.sqrt(2.0 / np.pi) * x) / np.sqrt(1.0 - 2.0 / np.pi)
    return x, x + distortion * sign + noise * rng.standard_normal((repeats, length))


@pytest.mark.parametrize(("distortion", "noise"), [(1.0, 0.5), (0.0, 1.0)])
def test_bound_from_repeats_is_right_on_average(distortion, noise):
    """Over 120 inputs; were all segments independent, distortion would be taken for a signal."""
    rng = np.random.default_rng(8)
    frequencies = 24  # of 20 Hz
    gamma2 = 1.0 / (1.0 + distortion**2 + noise**2)
    truth = -np.log2(1.0 - gamma2) * 20.0 * frequencies
    known, naive, held, held_by_naive = [], [], 0, 0
    for _ in range(120):
        x, rows = distorted(rng, distortion, noise, 6, 500)
        found = coherence_information_rate(coherence_of_repeats(x, rows, 1.0, 50.0))
        other = coherence_information_rate(coherence(x, rows, 1.0, 50.0))
        known.append(found.value)
        naive.append(other.value)
        held += found.interval[0] <= truth <= found.interval[1]
        held_by_naive += other.interval[0] <= truth <= other.interval[1]
    error = np.std(known, ddof=1) / np.sqrt(len(known))
    assert abs(np.mean(known) - truth) < 4.9 * error
    if distortion:  # negative control
        assert np.mean(naive) - truth > 4.9 * error
    assert held > 0.83 * 120 > held_by_naive  # of 95 % at a level of 1e-6, and a control


def test_segments_count_by_what_the_repeats_share():
    rng = np.random.default_rng(1)
    one = coherence(*distorted(rng, 0.0, 1.0, 1), 1.0, 100.0).averages
    for distortion, noise, low, high in (
        (0.0, 1.0, 0.8, 1.0),  # all that is left is noise, new in each trial
        (0.7, 0.0, 0.1249, 0.13),  # all that is left is the same in all eight
        (0.7, 0.7, 0.17, 0.3),  # two equal parts: 1/(1 + 7/2) = 0.22
    ):
        found = coherence_of_repeats(*distorted(rng, distortion, noise, 8), 1.0, 100.0)
        assert low <= found.averages / (8 * one) <= high


def test_repeats_change_no_raw_coherence_and_one_repeat_changes_nothing():
    x, rows = distorted(np.random.default_rng(2), 0.5, 0.5, 6)
    found, plain = coherence_of_repeats(x, rows, 1.0, 100.0), coherence(x, rows, 1.0, 100.0)
    np.testing.assert_array_equal(found.raw, plain.raw)
    np.testing.assert_array_equal(found.gain, plain.gain)
    assert found.averages < plain.averages
    assert found.significant > plain.significant
    assert np.all(found.high - found.low > 0.99 * (plain.high - plain.low))
    alone = coherence_of_repeats(x, rows[0], 1.0, 100.0)
    np.testing.assert_array_equal(alone.corrected, coherence(x, rows[0], 1.0, 100.0).corrected)
    with pytest.raises(InputError, match=r"response: it does not vary"):
        coherence_of_repeats(x, np.zeros((3, 2000)), 1.0, 100.0)


# Noisy inputs


def test_input_has_the_mean_and_the_spectrum_that_it_should():
    setup = setup_of(f'stimulus=[{NOISE}, {{kind="constant", amplitude="2 uA/cm^2"}}]')
    assert [one.kind for one in noises_of(setup)] == ["noise"]
    assert not is_repeated(setup)
    assert is_repeated(setup_of(f"stimulus=[{FROZEN}]"))
    assert not is_repeated(setup_of(f"stimulus=[{FROZEN}, {NOISE}]"))
    assert mean_input_pA(setup, 1.0) == pytest.approx(3.0)  # 100 µm²
    grid = np.linspace(0.0, 1e5, 2_000_001)
    power = input_spectrum(setup, grid)
    # variance of means over 0.05 ms, a sixtieth of the correlation time a: 1 - a/3 + …
    assert np.trapezoid(power, grid) == pytest.approx(0.5**2 * (1 - 1 / 180), rel=0.0005)
    half = 1e3 / (2 * np.pi * 3.0)
    assert input_spectrum(setup, [half])[0] == pytest.approx(0.5 * power[0], rel=1e-4)
    long = resolve("squid-patch", [f"stimulus=[{NOISE}]", "run.duration=20 s"], seed=1)
    (planned,), _ = plan(long)
    times = np.arange(0.0, 20_000.0, 0.05)
    current = np.array([planned.stimulus(i).at(times) for i in range(4)])
    found = stationary_spectrum(current, 0.05, 250.0)
    below = found.frequency_hz < 300.0
    ratio = found.density_pA2_per_hz[below] / input_spectrum(setup, found.frequency_hz[below])
    error = (found.standard_error_pA2_per_hz / found.density_pA2_per_hz)[0] / np.sqrt(below.sum())
    assert abs(ratio.mean() - 1.0) < 4.9 * 1.5 * error


def test_linear_response_of_often_recorded_inputs_is_that_of_theory():
    """Without folding, |Z|² S / (|Z|² S + N), with parts computed otherwise."""
    from stochhh.analysis.linear_membrane import linearised
    from stochhh.analysis.steady_state import steady_voltage_mV
    from stochhh.theory.linear import impedance_GOhm, input_coherence

    frequency = np.array([4.0, 60.0, 250.0])
    setup = setup_of(f"stimulus=[{NOISE}]", "run.record.interval=0.02 ms")
    found, gain = linear_response(setup, frequency, 0.0)
    linear = linearised(setup.membrane, steady_voltage_mV(setup.membrane, 1.0))
    expected = input_coherence(linear, frequency, input_spectrum(setup, frequency))
    np.testing.assert_allclose(found, expected, rtol=2e-4)
    np.testing.assert_allclose(gain, np.abs(impedance_GOhm(linear, frequency)), rtol=1e-12)
    seldom = setup_of(f"stimulus=[{NOISE}]", "run.record.interval=0.5 ms")
    folded, _ = linear_response(seldom, frequency, 0.0)
    assert np.all(folded < expected)
    assert folded[-1] < 0.99 * expected[-1]
    strong = setup_of(f"stimulus=[{NOISE.replace('1 uA', '10 uA', 1)}]")
    assert linear_response(strong, frequency, 0.0) is None  # beyond the Hopf point
