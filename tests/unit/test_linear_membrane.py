"""Linear equations of whole membranes, and simulated ones that must follow them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

import stochhh
from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.voltage_spectra import coherence, signal_spectrum
from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.membrane import Membrane, Population, build_membrane
from stochhh.scenario import load_scenario
from stochhh.theory.linear import (
    LinearMembrane,
    impedance_GOhm,
    input_coherence,
    stationary_variance,
    voltage_spectrum,
)

AREA_UM2 = 10_000.0
TRIALS = 20
SETTLED_MS = 50.0
INTERVAL_MS = 0.5
CURRENT_SD_PA = 18.0  # as strong as the channels' noise somewhere between 5 and 200 Hz


class Simulated(NamedTuple):
    """Voltage (trials, T) of a large patch under a weak frozen noise (T,), and its equations."""

    current_pA: np.ndarray
    voltage_mV: np.ndarray
    equations: LinearMembrane

    @property
    def noise_mV(self) -> np.ndarray:
        """What differs between trials; as strong as the noise."""
        away = self.voltage_mV - self.voltage_mV.mean(axis=0)
        return np.asarray(away * np.sqrt(TRIALS / (TRIALS - 1)))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """20 seconds at rest."""
    n_pieces = 2100
    current = CURRENT_SD_PA * np.random.default_rng(1).standard_normal(n_pieces)
    path = tmp_path_factory.mktemp("linear") / "noise.csv"
    edges = INTERVAL_MS * np.arange(n_pieces + 1)
    rows = np.column_stack([edges, np.append(current, 0.0)])
    np.savetxt(path, rows, delimiter=",", header="time (ms),current (pA)", comments="")
    record = {"interval": f"{INTERVAL_MS} ms", "variables": ["voltage"]}
    tables = {
        "format": 1,
        "title": "a large patch at rest",
        "base": "squid-patch",
        "membrane": {"area": f"{AREA_UM2} um^2"},
        "stimulus": [{"kind": "file", "path": str(path)}],
        "run": {
            "seed": 2,
            "method": "langevin",
            "deterministic": False,
            "duration": f"{edges[-1]} ms",
            "trials": TRIALS,
            "record": record,
        },
    }
    result = stochhh.run(tables)
    first = round(SETTLED_MS / INTERVAL_MS)
    membrane = build_membrane(load_scenario(tables).membrane, "large")
    voltage = result["voltage"].values[:, first:-1]
    return Simulated(current[first:], voltage, linearised(membrane))


def test_variance_is_that_of_a_simulated_patch(simulated: Simulated) -> None:
    found = np.square(simulated.noise_mV).mean(axis=1)
    error = found.std(ddof=1) / np.sqrt(TRIALS)
    parts = stationary_variance(simulated.equations)
    assert parts.sum() == pytest.approx(266.0 / AREA_UM2, rel=0.002)
    assert abs(found.mean() - parts.sum()) < 5.0 * error
    for wrong in (parts[0], 0.75 * parts.sum(), 1.3 * parts.sum()):
        assert abs(found.mean() - wrong) > 5.0 * error


def test_spectrum_is_that_of_a_simulated_patch(simulated: Simulated) -> None:
    """In bands up to 200 Hz; beyond, sampling every 0.5 ms folds power back."""
    found = signal_spectrum(simulated.noise_mV, INTERVAL_MS, segment_ms=100.0)
    frequency = found.frequency_hz
    na, k = voltage_spectrum(simulated.equations, frequency)
    for low, high in [(8.0, 205.0), *pairwise([8.0, 45.0, 80.0, 125.0, 205.0])]:
        inside = (frequency > low) & (frequency < high)
        # neighbours under a Hann window go together: as if there were half as many
        error = np.sqrt(2.0 * 2.0 / (found.degrees * inside.sum()))
        ratio = np.mean(found.density[inside] / (na + k)[inside])
        assert abs(ratio - 1.0) < 5.0 * error
        if high - low > 100.0:  # K+ channels alone would not do
            assert np.mean(found.density[inside] / k[inside]) > 1.0 + 5.0 * error
    peak = (frequency > 45.0) & (frequency < 80.0)
    side = (frequency > 125.0) & (frequency < 205.0)
    assert found.density[peak].mean() > 3.0 * found.density[side].mean()


def test_coherence_and_gain_are_those_of_a_simulated_patch(simulated: Simulated) -> None:
    """The current is held for 0.5 ms and the voltage read at the ends."""
    found = coherence(simulated.current_pA, simulated.voltage_mV, INTERVAL_MS, segment_ms=100.0)
    use = found.frequency_hz < 205.0
    frequency = found.frequency_hz[use]
    turns = frequency * INTERVAL_MS / 1e3
    held = np.sinc(turns) * np.exp(-1j * np.pi * turns)
    impedance = impedance_GOhm(simulated.equations, frequency)
    # the current that was drawn has the spectrum it has
    drawn = signal_spectrum(simulated.current_pA, INTERVAL_MS, segment_ms=100.0).density[use]
    truth = input_coherence(simulated.equations, frequency, drawn * np.sinc(turns) ** 2)
    assert 0.1 < truth.min() < truth.max() < 0.9
    n = found.averages
    error = np.sqrt(2.0 * truth * (1.0 - truth) ** 2 / n)
    z = (found.corrected[use] - truth) / error
    assert np.abs(z).max() < 5.0
    assert abs(z.mean()) < 1.2  # of 20 frequencies that go together by twos
    for wrong in (0.67, 1.5):
        other = input_coherence(simulated.equations, frequency, wrong * drawn)
        assert abs(np.mean((found.corrected[use] - other) / error)) > 2.5
    error = np.abs(impedance) * np.sqrt((1.0 - truth) / truth / n)
    assert (np.abs(found.gain[use] - impedance * held) / error).max() < 5.0
    assert (np.abs(found.gain[use] - impedance.conj() * held) / error).max() > 10.0


def test_impedance_is_that_of_the_deterministic_membrane() -> None:
    """A sine of 0.01 mV's worth of current, in whole cycles after the transient."""
    frequency_hz, amplitude_pA = 50.0, 0.005
    tables = {
        "format": 1,
        "title": "sine",
        "base": "squid-patch",
        "stimulus": [
            {"kind": "sine", "amplitude": f"{amplitude_pA} pA", "frequency": f"{frequency_hz} Hz"}
        ],
        "run": {
            "method": "deterministic",
            "duration": "300 ms",
            "trials": 1,
            "record": {"interval": "0.1 ms", "variables": ["voltage"]},
        },
    }
    result = stochhh.run(tables)
    time, voltage = result["time"].values, result["voltage"].values[0]
    late = (time >= 200.0) & (time < 300.0 - 1e-9)
    carrier = np.exp(-2j * np.pi * frequency_hz * time[late] / 1e3)
    found = 2j * np.mean(voltage[late] * carrier) / amplitude_pA
    membrane = build_membrane(load_scenario(tables).membrane, "sine")
    assert found == pytest.approx(impedance_GOhm(linearised(membrane), [frequency_hz])[0], rel=5e-3)


def test_equations_take_up_all_of_a_membrane(squid: Membrane) -> None:
    found = linearised(squid)
    rest = squid.resting_voltage_mV()
    assert found.capacitance_pF == squid.capacitance_pF
    assert found.jacobian.shape == (14, 14)
    np.testing.assert_array_equal(found.jacobian, linearised(squid, rest).jacobian)
    laws = squid.stationary_laws(rest)
    conductance = squid.leak_nS + sum(
        one.maximal_conductance_nS * one.open_fraction(law)
        for one, law in zip(squid.populations, laws, strict=True)
    )
    assert found.jacobian[0, 0] == pytest.approx(-conductance / squid.capacitance_pF)
    opened = [one.maximal_conductance_nS for one in squid.populations]
    np.testing.assert_allclose(found.conductance_nS.sum(axis=1), opened)
    # the only conducting states are the last of each population
    slope = -np.array(opened) * (rest - np.array([50.0, -77.0])) / squid.capacitance_pF
    np.testing.assert_allclose(found.jacobian[0, [8, 13]], slope)


def test_populations_without_noise_add_none(squid: Membrane) -> None:
    na, k = squid.populations
    quiet = linearised(replace(squid, populations=(replace(na, noise=False), k)))
    variance = stationary_variance(quiet)
    np.testing.assert_allclose(variance, [0.0, stationary_variance(linearised(squid))[1]])
    np.testing.assert_array_equal(quiet.jacobian, linearised(squid).jacobian)


@pytest.mark.parametrize("voltage", [-40.0, -55.0])
def test_slopes_of_rates_are_right_where_their_law_is_singular(
    squid: Membrane, voltage: float
) -> None:
    """r x/(1 - exp(-x)) with x = (V - V0)/s has the slope r/(2 s) at V0."""
    found = linearised(squid, voltage).jacobian
    scheme: ChannelScheme = squid.schemes[0 if voltage == -40.0 else 1]
    opening, closing = scheme.rates_at(voltage)[:2]
    d_opening = 1.0 / 20.0 if voltage == -40.0 else 0.1 / 20.0
    d_closing = -closing / (18.0 if voltage == -40.0 else 80.0)
    # the mean number of open gates of one channel: Σ k p_k, k of 3 or 4
    gates = np.array([int(state[1]) for state in scheme.states])
    states = slice(1, 9) if voltage == -40.0 else slice(9, 14)
    share = opening / (opening + closing)
    slope = gates.max() * ((1.0 - share) * d_opening - share * d_closing)
    assert gates @ found[states, 0] == pytest.approx(slope, rel=1e-7)


def test_membranes_without_a_steady_state_are_refused(squid: Membrane) -> None:
    bare = replace(squid, populations=(), leak_nS=0.0)
    with pytest.raises(InputError, match="without leak and channels has no resting potential"):
        linearised(bare)
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"voltage_mV: (nan|inf); need a finite number, as in"):
            linearised(squid, wrong)
    k = squid.populations[1]
    stuck: Population = replace(k, scheme=replace(k.scheme, transitions=()))
    with pytest.raises(InputError, match="squid-k at -65 mV: the scheme has no single equilibrium"):
        linearised(replace(squid, populations=(stuck,)), -65.0)


def test_a_leak_alone_is_a_resistor_and_a_capacitor(squid: Membrane) -> None:
    passive = linearised(replace(squid, populations=()))
    frequency = np.array([0.0, 30.0, 500.0])
    expected = 1.0 / (0.3 + 2j * np.pi * frequency * 1.0 / 1e3)
    np.testing.assert_allclose(impedance_GOhm(passive, frequency), expected)
    assert voltage_spectrum(passive, frequency).shape == (0, 3)
    assert stationary_variance(passive).sum() == 0.0
