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
from numba import njit
from scipy.integrate import DOP853, solve_ivp

import stochhh
from stochhh import deterministic
from stochhh.deterministic import Course
from stochhh.errors import Stopped, TrustError
from stochhh.kernels.dop853_numbers import ARGUMENT, DENSE, ERROR
from stochhh.kernels.mean_field import derivative
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import Transition
from stochhh.mean_field import MeanField
from stochhh.membrane import Membrane, Population, build_membrane
from stochhh.scenario import load_scenario
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


def gate_slope(squid: Membrane, V: float, m: float, h: float, n: float, pA: float) -> list[float]:
    """Hodgkin & Huxley's own equations for the membrane: dV/dt, dm/dt, dh/dt, dn/dt."""
    na, k = squid.populations
    rates = [float(rate(V)) for rate in (*na.scheme.rates, *k.scheme.rates)]
    outward = na.maximal_conductance_nS * m**3 * h * (V - na.reversal_mV)
    outward += k.maximal_conductance_nS * n**4 * (V - k.reversal_mV)
    outward += squid.leak_nS * (V - squid.leak_reversal_mV)
    gates = [
        rates[i] * (1.0 - x) - rates[i + 1] * x for i, x in zip((0, 2, 4), (m, h, n), strict=True)
    ]
    return [(pA - outward) / squid.capacitance_pF, *gates]


def gates_at(squid: Membrane, V: float) -> list[float]:
    """Equilibrium of m, h and n."""
    rates = [float(rate(V)) for scheme in squid.schemes for rate in scheme.rates]
    return [rates[i] / (rates[i] + rates[i + 1]) for i in (0, 2, 4)]


def test_linear_stability_at_rest(squid: Membrane) -> None:
    """Eigenvalues -4.675, -0.2026 ± 0.3832i and -0.1207 per ms, among those of all states."""
    rest = squid.resting_voltage_mV()
    model = MeanField.of(squid, 0.0, -30.0)
    n_states, value = len(model.share), np.zeros(len(model.rates.kind))

    def change(y: np.ndarray) -> np.ndarray:
        slopes = np.zeros((1, len(y)))
        kernel_slope(y, slopes, model, value)
        return slopes[0, : 1 + n_states]

    at = np.concatenate([[rest], *squid.stationary_laws(rest), np.zeros(3)])
    assert np.abs(change(at)).max() < 1e-9
    steps = 1e-5 * np.eye(len(at))[: 1 + n_states]
    jacobian = np.array([(change(at + e) - change(at - e)) / 2e-5 for e in steps]).T
    eigenvalues = np.linalg.eigvals(jacobian)
    for expected in (-4.675, -0.2026 - 0.3832j, -0.2026 + 0.3832j, -0.1207):
        assert np.abs(eigenvalues - expected).min() < 6e-4


@njit
def kernel_slope(y, slopes, model, value):
    derivative(y, slopes, 0, model, 0.0, False, value)


@pytest.mark.parametrize("current_uA_cm2", [0.0, 10.0])
def test_mean_field_and_gate_equations_agree(squid: Membrane, current_uA_cm2: float) -> None:
    """Thirteen states by this solver, and m, h and n by another one."""
    times = np.linspace(0.0, 25.0, 251)
    ours = course(squid, held(current_uA_cm2, 25.0), times, 5.0, tolerance=1e-12)
    rest = squid.resting_voltage_mV()
    theirs = solve_ivp(
        lambda t, y: gate_slope(squid, *y, current_uA_cm2),
        (0.0, 25.0),
        [rest + 5.0, *gates_at(squid, rest)],
        "Radau",
        times,
        rtol=1e-10,
        atol=1e-12,
        events=lambda t, y: y[0],
    )
    np.testing.assert_allclose(ours.voltage_mV, theirs.y[0], atol=1e-5)
    m, h, n = theirs.y[1:]
    np.testing.assert_allclose(ours.law[:, 7], m**3 * h, atol=1e-7)
    np.testing.assert_allclose(ours.law[:, 12], n**4, atol=1e-7)
    np.testing.assert_allclose(ours.law[:, 0], (1 - m) ** 3 * (1 - h), atol=1e-7)
    np.testing.assert_allclose(ours.spike_ms, theirs.t_events[0][::2], atol=1e-6)  # up, down, up
    for law in ours.final_laws:
        assert law.sum() == pytest.approx(1.0, abs=1e-12)


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


def test_numbers_of_the_method_are_those_of_its_authors() -> None:
    """Against the copy in scipy, and the conditions that any such method obeys."""
    assert np.array_equal(ARGUMENT[:12, :12], DOP853.A)
    assert np.array_equal(ARGUMENT[12, :12], DOP853.B)
    assert np.array_equal(ARGUMENT[13:], DOP853.A_EXTRA)
    assert np.array_equal(ERROR[:, :13], [DOP853.E5, DOP853.E3])
    assert np.array_equal(DENSE, DOP853.D)
    time = ARGUMENT.sum(axis=1)  # of each slope, as a share of the step
    for order in range(1, 9):
        assert ARGUMENT[12] @ time ** (order - 1) == pytest.approx(1 / order, abs=1e-14)


def membrane_of(sodium: str, potassium: str, temperature_degC: float, mS_cm2: float) -> Membrane:
    """100 µm² with two channel types of the library."""
    kinds = ((sodium, mS_cm2, 50.0), (potassium, 30.0, -77.0))
    populations = tuple(
        Population(name, load_scheme(name).at(temperature_degC), 1000, 1e-3 * maximal, reversal)
        for name, maximal, reversal in kinds
    )
    return Membrane(100.0, 1.0, 0.3, -70.0, populations)


def node() -> Membrane:
    return build_membrane(load_scenario("node_R95").membrane, "node_R95")


PULSES = Breakpoints(
    np.sort([t + dt for t in np.arange(0.0, 50.0, 10.0) for dt in (9.7, 10.0)]),
    np.tile([0, 20.0], 5),
)
FIRING: dict[str, tuple[Any, ...]] = {  # sodium, potassium, degC, mS/cm², uA/cm²
    "squid": ("squid-na", "squid-k", 18.5, 120.0, 20.0),
    "Markov": ("squid-na-markov", "squid-k", 6.3, 120.0, 10.0),
    "pyramidal": ("pyramidal-na", "pyramidal-k", 37.0, 100.0, 5.0),
    "Purkinje": ("purkinje-na", "pyramidal-k", 22.0, 150.0, 10.0),
    "node": (),
}


def firing(name: str) -> tuple[Membrane, Breakpoints, float, float]:
    """A membrane, a stimulus that it fires under, threshold and re-arming voltage (mV)."""
    if name == "node":
        return node(), PULSES, 80.0, 20.0
    *kinds, current = FIRING[name]
    return membrane_of(*kinds), held(current, 50.0), 0.0, -30.0


@pytest.mark.parametrize("name", FIRING)
def test_spikes_are_within_a_nanosecond_of_a_solution_to_all_digits(name: str) -> None:
    """At the tolerance that runs have, from the squid to the fastest channel of the library."""
    membrane, stimulus, threshold, rearm = firing(name)
    rest = membrane.resting_voltage_mV()
    laws = membrane.stationary_laws(rest)

    def spikes(tolerance: float) -> np.ndarray:
        return deterministic.simulate(
            membrane, stimulus, np.zeros(0), rest, laws, threshold, rearm, tolerance=tolerance
        ).spike_ms

    exact = spikes(1e-13)
    assert len(exact) >= 4
    np.testing.assert_allclose(spikes(deterministic.TOLERANCE), exact, rtol=0.0, atol=1e-6)
    assert np.abs(spikes(1e-3) - exact).max() > 1e-6  # a coarse one is told apart


def noisy(n: int, length_ms: float, seed: int) -> Breakpoints:
    """A current that jumps all the time."""
    rng = np.random.default_rng(seed)
    return Breakpoints(length_ms * np.arange(1, n + 1), rng.normal(8.0, 10.0, n))


def test_a_current_that_jumps_is_solved_to_the_same_tolerance(squid: Membrane) -> None:
    """1000 pieces of 0.05 ms against another solver, piece by piece, of m, h and n."""
    stimulus = noisy(1000, 0.05, 3)
    rest = squid.resting_voltage_mV()
    y, begin, crossings = np.array([rest, *gates_at(squid, rest)]), 0.0, []
    for end, pA in zip(stimulus.end, stimulus.current, strict=True):
        piece = solve_ivp(
            lambda t, y, pA=pA: gate_slope(squid, *y, pA), (begin, end), y, "DOP853",
            rtol=1e-10, atol=1e-12, events=rises,
        )  # fmt: skip
        crossings.extend(piece.t_events[0])
        y, begin = piece.y[:, -1], end
    ours = course(squid, stimulus)
    assert len(crossings) >= 3
    np.testing.assert_allclose(ours.spike_ms, crossings, rtol=0.0, atol=1e-6)
    assert ours.final_voltage_mV == pytest.approx(y[0], abs=1e-5)


def rises(t: float, y: np.ndarray, *_: float) -> float:
    return float(y[0])


rises.direction = 1.0  # type: ignore[attr-defined]


def test_parallel_and_one_way_transitions(squid: Membrane) -> None:
    """Two ways from one state to another, and one without a way back, as p Q has it."""
    laws = ((2.0, 20.0), (1.0, -30.0), (3.0, 50.0))
    scheme = replace(
        squid.populations[1].scheme,
        states=("a", "b", "c"),
        relative_conductance=(0.0, 0.5, 1.0),
        rate_names=("x", "y", "z"),
        rates=tuple(RateLaw("exponential", rate, -60.0, scale) for rate, scale in laws),
        transitions=tuple(
            Transition(*one) for one in ((0, 1, 2, 0), (0, 1, 1, 2), (1, 0, 1, 1), (1, 2, 1, 2))
        ),
        gates=(),
    )
    membrane = replace(squid, populations=(replace(squid.populations[1], scheme=scheme),))
    model, value = MeanField.of(membrane, 0.0, -30.0), np.zeros(3)
    law, V = np.array([0.5, 0.3, 0.2]), -47.0
    slopes = np.zeros((1, 6))
    kernel_slope(np.array([V, *law, 0.0, 0.0]), slopes, model, value)
    np.testing.assert_allclose(slopes[0, 1:4], law @ scheme.generator(V), rtol=1e-14)
    outward = 0.35 * model.maximal[0] * (V + 77.0)
    assert slopes[0, 4] == pytest.approx(outward)


@pytest.mark.parametrize("name", ["squid", "Markov", "clamped"])
def test_the_implicit_method_takes_over_and_agrees(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made to begin early: the same records, spikes, charges and extremes."""
    membrane, stimulus, threshold, rearm = firing("squid" if name == "clamped" else name)
    if name == "clamped":
        ends = np.array([2.0, 3.0, 20.0])
        command, slope = np.array([-70.0, -70.0, -10.0]), np.array([0.0, 60.0, 0.0])
        stimulus = Breakpoints(ends, np.zeros(3), command, slope)
    rest = membrane.resting_voltage_mV()
    begin = (stimulus, np.linspace(0.0, 20.0, 501), rest, membrane.stationary_laws(rest))
    explicit = deterministic.simulate(membrane, *begin, threshold, rearm)
    monkeypatch.setattr(deterministic, "_BUDGET", 20)
    monkeypatch.setattr(deterministic, "_STIFF", 0)
    monkeypatch.setattr(deterministic, "_STIFF_PIECE", 0)
    implicit = deterministic.simulate(membrane, *begin, threshold, rearm)
    assert (explicit.solver, implicit.solver) == ("DOP853", "Radau")
    np.testing.assert_allclose(implicit.voltage_mV, explicit.voltage_mV, atol=2e-4)
    np.testing.assert_allclose(implicit.law, explicit.law, atol=1e-5)
    np.testing.assert_allclose(implicit.spike_ms, explicit.spike_ms, rtol=0.0, atol=1e-5)
    np.testing.assert_allclose(implicit.charge_fC, explicit.charge_fC, atol=1e-2)
    assert implicit.highest_mV == pytest.approx(explicit.highest_mV, abs=0.05)
    assert implicit.lowest_mV == pytest.approx(explicit.lowest_mV, abs=0.05)


def test_rates_of_a_million_per_ms_are_solved(squid: Membrane) -> None:
    """A gate that is always in equilibrium, the opening of squid's sodium channels made instant."""
    sodium = squid.populations[0]
    fast = (*(replace(r, factor=1e5) for r in sodium.scheme.rates[:2]), *sodium.scheme.rates[2:])
    at_once = replace(sodium, scheme=replace(sodium.scheme, rates=fast))
    membrane = replace(squid, populations=(at_once, squid.populations[1]))
    begin, laws = -70.0, membrane.stationary_laws(-70.0)
    solved = deterministic.simulate(membrane, held(10.0, 4.0), np.array([4.0]), begin, laws)
    assert solved.solver == "Radau"

    def slow(t: float, y: np.ndarray) -> list[float]:
        V, h, n = y
        dV, _, dh, dn = gate_slope(squid, V, gates_at(squid, V)[0], h, n, 10.0)
        return [dV, dh, dn]

    _, h, n = gates_at(squid, begin)
    theirs = solve_ivp(slow, (0.0, 4.0), [begin, h, n], rtol=1e-9, atol=1e-11)
    assert solved.final_voltage_mV == pytest.approx(theirs.y[0, -1], abs=2e-3)


def test_steps_that_no_tolerance_allows_are_not_trusted(squid: Membrane) -> None:
    """A rate that is not finite."""
    sodium = squid.populations[0]
    rates = (replace(sodium.scheme.rates[0], rate=np.inf), *sodium.scheme.rates[1:])
    broken = replace(sodium, scheme=replace(sodium.scheme, rates=rates))
    membrane = replace(squid, populations=(broken, squid.populations[1]))
    with pytest.raises(TrustError, match=r"could not be solved beyond 0 ms.*is a rate infinite"):
        deterministic.simulate(
            membrane, held(0.0, 1.0), np.zeros(0), -65.0, squid.stationary_laws(-65.0)
        )


def test_extremes_lie_between_records(squid: Membrane) -> None:
    fine = course(squid, held(10.0, 40.0), np.linspace(0.0, 40.0, 400_001)).voltage_mV
    coarse = course(squid, held(10.0, 40.0), [0.0, 40.0])
    assert coarse.highest_mV == pytest.approx(fine.max(), abs=1e-6)
    assert coarse.lowest_mV == pytest.approx(fine.min(), abs=1e-6)


def test_stop_abandons_the_run(squid: Membrane) -> None:
    with pytest.raises(Stopped):
        course(squid, held(0.0, 1.0), progress=lambda covered_ms: True)


def test_progress_adds_up(squid: Membrane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deterministic, "_BUDGET", 50)
    covered: list[float] = []
    course(squid, held(10.0, 50.0), progress=lambda ms: bool(covered.append(ms)))
    assert len(covered) > 1
    assert sum(covered) == pytest.approx(50.0)


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
