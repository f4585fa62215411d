"""The deterministic limit against numbers of the literature and against itself.

Numbers without another source are those of Hodgkin & Huxley's equations with
EL = -54.4 mV, C = 1 µF/cm² and conductances 120, 36 and 0.3 mS/cm² (1952,
doi:10.1113/jphysiol.1952.sp004764), solved to all digits shown by an independent
integrator.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stochhh
from stochhh import deterministic
from stochhh.deterministic import Course
from stochhh.equations import gate_equations, state_equations
from stochhh.errors import InputError, Stopped, TrustError
from stochhh.kinetics.rates import together
from stochhh.membrane import Membrane
from stochhh.stimulus import Breakpoints


def held(current_uA_cm2: float, duration_ms: float) -> Breakpoints:
    """A current from time zero on; 1 µA/cm² on 100 µm² is 1 pA."""
    return Breakpoints(np.array([duration_ms]), np.array([current_uA_cm2]))


def course(
    squid: Membrane,
    stimulus: Breakpoints,
    times_ms: Any = (),
    displacement_mV: float = 0.0,
    **options: Any,
) -> Course:
    """Solve the squid patch from rest."""
    rest = squid.resting_voltage_mV()
    laws = squid.stationary_laws(rest)
    times = np.asarray(times_ms, dtype=float)
    return deterministic.simulate(squid, stimulus, times, rest + displacement_mV, laws, **options)


def test_rest(squid: Membrane) -> None:
    assert squid.resting_voltage_mV() == pytest.approx(-64.99972, abs=5e-6)
    times = np.linspace(0.0, 50.0, 11)
    resting = course(squid, held(0.0, 50.0), times, tolerance=1e-10)
    np.testing.assert_allclose(resting.voltage_mV, -64.99972, atol=1e-5)
    assert resting.spike_ms.size == 0


def test_first_crossing_after_a_step(squid: Membrane) -> None:
    spikes = course(squid, held(10.0, 5.0), tolerance=1e-10).spike_ms
    assert spikes == pytest.approx([1.90144], abs=5e-6)


@pytest.mark.parametrize(("current_uA_cm2", "period_ms"), [(10.0, 14.6383), (20.0, 11.5654)])
def test_period(squid: Membrane, current_uA_cm2: float, period_ms: float) -> None:
    spikes = course(squid, held(current_uA_cm2, 300.0), tolerance=1e-9).spike_ms
    assert np.diff(spikes)[-5:] == pytest.approx(np.full(5, period_ms), abs=6e-5)


def test_action_potential_after_a_displacement(squid: Membrane) -> None:
    times = np.linspace(0.0, 20.0, 20_001)
    voltage = course(squid, held(0.0, 20.0), times, 15.0, tolerance=1e-10).voltage_mV
    assert voltage.max() == pytest.approx(40.414, abs=6e-4)
    assert voltage[voltage.argmax() :].min() == pytest.approx(-76.182, abs=6e-4)


def test_threshold_from_rest(squid: Membrane) -> None:
    """An instantaneous displacement by 6.50736 mV decides."""
    for displacement, n_spikes in ((6.5070, 0), (6.5077, 1)):
        after = course(squid, held(0.0, 25.0), (), displacement, tolerance=1e-10)
        assert len(after.spike_ms) == n_spikes


def test_linear_stability_at_rest(squid: Membrane) -> None:
    """Eigenvalues -4.675, -0.2026 ± 0.3832i and -0.1207 per ms."""
    equations = gate_equations(squid)
    rates = together([rate for scheme in squid.schemes for rate in scheme.rates])
    rest = squid.resting_voltage_mV()
    maximal = np.array([p.maximal_conductance_nS for p in squid.populations])
    reversal = np.array([p.reversal_mV for p in squid.populations])

    def derivative(y: np.ndarray) -> np.ndarray:
        V, x = y[0], y[1:]
        outward = (maximal * equations.open_fractions(x) * (V - reversal)).sum()
        outward += squid.leak_nS * (V - squid.leak_reversal_mV)
        slope = -outward / squid.capacitance_pF
        return np.concatenate([[slope], equations.derivative(rates(V), x)])

    at = np.concatenate([[rest], equations.start(squid.stationary_laws(rest))])
    assert np.abs(derivative(at)).max() < 1e-9
    steps = 1e-5 * np.eye(len(at))
    jacobian = np.array([(derivative(at + e) - derivative(at - e)) / 2e-5 for e in steps]).T
    eigenvalues = np.sort_complex(np.linalg.eigvals(jacobian))
    expected = [-4.675, -0.2026 - 0.3832j, -0.2026 + 0.3832j, -0.1207]
    np.testing.assert_allclose(eigenvalues, expected, atol=6e-4)


@pytest.mark.parametrize("current_uA_cm2", [0.0, 10.0])
def test_mean_field_and_gate_equations_agree(squid: Membrane, current_uA_cm2: float) -> None:
    times = np.linspace(0.0, 25.0, 251)
    one, other = (
        course(squid, held(current_uA_cm2, 25.0), times, 5.0, equations=system, tolerance=1e-12)
        for system in (state_equations(squid), gate_equations(squid))
    )
    np.testing.assert_allclose(one.voltage_mV, other.voltage_mV, atol=1e-6)
    np.testing.assert_allclose(one.law, other.law, atol=1e-8)
    np.testing.assert_allclose(one.charge_fC, other.charge_fC, atol=1e-4)
    np.testing.assert_allclose(one.spike_ms, other.spike_ms, atol=1e-7)
    for ours, theirs in zip(one.final_laws, other.final_laws, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-8)
        assert ours.sum() == pytest.approx(1.0, abs=1e-9)


def test_charges_balance(squid: Membrane) -> None:
    """Injected charge = charge stored + charge moved by channels and leak, at every time."""
    times = np.linspace(0.0, 30.0, 61)
    stimulus = Breakpoints(np.array([5.0, 7.5, 30.0]), np.array([0.0, 20.0, -1.0]))
    solved = course(squid, stimulus, times, tolerance=1e-10)
    injected = 20.0 * np.clip(times - 5.0, 0.0, 2.5) - np.clip(times - 7.5, 0.0, None)
    stored = squid.capacitance_pF * (solved.voltage_mV - solved.voltage_mV[0])
    np.testing.assert_allclose(solved.charge_fC.sum(axis=1) + stored, injected, atol=1e-4)
    np.testing.assert_array_equal(solved.final_charge_fC, solved.charge_fC[-1])
    assert solved.final_voltage_mV == solved.voltage_mV[-1]


def test_long_and_short_pieces_mix(squid: Membrane) -> None:
    """A current that does not change is one current, however it is cut."""
    times = np.linspace(0.0, 20.0, 41)
    cuts = np.sort(
        np.concatenate([np.linspace(0.0, 5.0, 101)[1:], [12.0], 15.0 + np.arange(0.1, 5.05, 0.1)])
    )
    cuts = np.append(cuts[:-1], 20.0)
    cut = course(squid, Breakpoints(cuts, np.full(len(cuts), 10.0)), times)
    whole = course(squid, held(10.0, 20.0), times)
    np.testing.assert_allclose(cut.voltage_mV, whole.voltage_mV, atol=0.01)
    np.testing.assert_allclose(cut.spike_ms, whole.spike_ms, atol=1e-4)


def test_pulse_shorter_than_a_step_is_not_missed(squid: Membrane) -> None:
    """A pulse of 5 µs after a long rest acts by its charge, as a displacement of 15 mV."""
    stimulus = Breakpoints(np.array([40.0, 40.005, 60.0]), np.array([0.0, 3000.0, 0.0]))
    times = np.linspace(40.005, 60.0, 4000)
    voltage = course(squid, stimulus, times).voltage_mV
    assert voltage.max() == pytest.approx(40.414, abs=0.05)


def test_spikes_need_rearming(squid: Membrane) -> None:
    """With a re-arming level below every valley only the first crossing counts."""
    firing = held(10.0, 60.0)
    assert len(course(squid, firing).spike_ms) == 4
    assert len(course(squid, firing, rearm_mV=-90.0).spike_ms) == 1
    assert len(course(squid, firing, most_spikes=2).spike_ms) == 2
    # a start above the threshold is no spike
    assert len(course(squid, held(0.0, 20.0), (), 80.0).spike_ms) == 0


def test_laws_stay_probabilities(squid: Membrane) -> None:
    law = course(squid, held(10.0, 30.0), np.linspace(0.0, 30.0, 301)).law
    np.testing.assert_allclose(law[:, :8].sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(law[:, 8:].sum(axis=1), 1.0, atol=1e-6)
    assert law.min() > -1e-7


def test_gate_equations_refuse_a_listed_scheme(squid: Membrane) -> None:
    listed = replace(squid.populations[1].scheme, name="listed", gates=())
    population = replace(squid.populations[1], scheme=listed)
    membrane = replace(squid, populations=(squid.populations[0], population))
    with pytest.raises(InputError, match="'listed' is not a product of gates; use its state"):
        gate_equations(membrane)
    state_equations(membrane)


def test_solver_that_gives_up_is_not_trusted(
    squid: Membrane, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failed:
        success, message = False, "step size is too small"

    monkeypatch.setattr(deterministic, "solve_ivp", lambda *args, **options: Failed)
    with pytest.raises(TrustError, match="could not be solved: step size is too small"):
        course(squid, held(0.0, 1.0))


def test_stop_abandons_the_run(squid: Membrane) -> None:
    with pytest.raises(Stopped):
        course(squid, held(0.0, 1.0), stopped=lambda: True)


def test_deterministic_method_runs_a_scenario_once() -> None:
    """The method needs no trials, unless the stimulus itself is random."""
    result = stochhh.run(
        "squid-patch", method="deterministic", overrides=['run.duration="20 ms"', "run.seed=1"]
    )
    assert result.dataset.sizes["trial"] == 1
    np.testing.assert_allclose(result["voltage"].values, -64.99972, atol=1e-4)
    assert result["transitions"].values.tolist() == [0]
    noise = {"kind": "noise", "sd": "3 uA/cm^2", "correlation_time": "1 ms"}
    tables = {
        "base": "squid-patch",
        "format": 1,
        "title": "noise",
        "stimulus": [noise],
        "run": {"duration": "5 ms", "trials": 3, "seed": 1, "method": "deterministic"},
    }
    voltage = stochhh.run(tables)["voltage"].values
    assert len(voltage) == 3
    assert len(set(voltage[:, -1].tolist())) == 3
