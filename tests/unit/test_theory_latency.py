"""First latencies against equations solved for the shut states alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from stochhh import theory
from stochhh.kinetics.files import load_scheme
from stochhh.theory import generator_of, stationary_law

#: AR*, A2R*, A2R, AR, R at 100 nM, in 1/s; the first two are open.
RECEPTOR = (
    generator_of(
        [
            [0, 50, 0, 3000, 0],
            [2 / 3, 0, 500, 0, 0],
            [0, 15000, 0, 4000, 0],
            [15, 0, 50, 0, 2000],
            [0, 0, 0, 10, 0],
        ]
    )
    / 1e3
)
OPEN = np.array([1, 1, 0, 0, 0], dtype=bool)


def test_first_latency_of_gates_is_that_of_their_equation():
    """Squid K+ after a step from -90 to 0 mV, the open state made a trap."""
    a, b = -0.01 * 55 / np.expm1(-5.5), 0.125 * np.exp(-65 / 80)
    rates = np.zeros((5, 5))
    for k in range(4):
        rates[k, k + 1], rates[k + 1, k] = (4 - k) * a, (k + 1) * b
    q, is_open = generator_of(rates), np.arange(5) == 4
    start = np.array([0.5, 0.3, 0.1, 0.06, 0.04])

    def shut(t, p):
        flow = np.array(
            [(4 - k) * a * p[k] - (k + 1) * b * (p[k + 1] if k < 3 else 0) for k in range(4)]
        )
        return np.concatenate([[0.0], flow[:3]]) - flow

    times = np.array([0.0, 0.4, 1.5, 6.0])
    solved = solve_ivp(shut, (0, 6), start[:4], "DOP853", times, rtol=1e-12, atol=1e-14)
    latency = theory.first_latency(q, is_open, start)
    np.testing.assert_allclose(theory.survivor(latency, times), solved.y.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(theory.density(latency, times), a * solved.y[3], rtol=1e-9)
    assert 1 - theory.survivor(latency, [0.0])[0] == pytest.approx(0.04)  # open at the step
    assert theory.components(latency).area.sum() == pytest.approx(0.96)
    np.testing.assert_allclose(
        theory.unopened_probability(start, is_open, [6.0], [q], times),
        theory.survivor(latency, times),
        rtol=1e-11,
    )


def test_mean_first_latency_by_adding_up_the_steps():
    """C1 → C2 → O one way: 1/a + 1/b; the open ones wait no time."""
    q = generator_of([[0, 2.0, 0], [0, 0, 5.0], [0, 1.0, 0]])
    latency = theory.first_latency(q, [0, 0, 1], [0.5, 0.25, 0.25])
    assert theory.mean_ms(latency) == pytest.approx(0.5 * (1 / 2 + 1 / 5) + 0.25 / 5)
    np.testing.assert_allclose(theory.sojourns_ms(latency), [0.25, 0.15])
    assert theory.mean_ms(theory.first_latency(q, [0, 0, 1], [0.0, 0.0, 1.0])) == 0.0


def test_a_channel_may_never_open():
    """From the resting state to O with rate 1, to a trap with rate 3."""
    q = generator_of([[0, 1.0, 3.0], [2.0, 0, 0], [0, 0, 0]])
    latency = theory.first_latency(q, [0, 1, 0], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(theory.survivor(latency, [1e3]), [0.75])
    assert theory.mean_ms(latency) == np.inf
    found = theory.components(latency)
    np.testing.assert_allclose([found.time_constant_ms, found.area], [[0.25], [0.25]])
    assert theory.mean_ms(theory.first_latency(q, [0, 1, 0], [0.0, 0.0, 1.0])) == np.inf


def test_latencies_along_a_protocol_are_those_of_its_pieces():
    one, two = RECEPTOR, 3.0 * RECEPTOR
    start = stationary_law(RECEPTOR) * ~OPEN
    start = start / start.sum()
    found = theory.unopened_probability(
        start, OPEN, [100.0, 900.0], [one, two], [40.0, 100.0, 700.0]
    )
    shut = start[2:] @ expm(100.0 * one[2:, 2:]) @ expm(600.0 * two[2:, 2:])
    latency = theory.first_latency(one, OPEN, start)
    np.testing.assert_allclose(found[:2], theory.survivor(latency, [40.0, 100.0]), rtol=1e-10)
    assert found[2] == pytest.approx(shut.sum(), rel=1e-10)


@pytest.mark.parametrize("voltage", [-200.0, -150.0, 60.0])
def test_components_hold_however_far_the_step_is_from_equilibrium(voltage):
    """From the law at -30 mV: shut states that are next to never visited after the step."""
    scheme = load_scheme("squid-k")
    start = stationary_law(scheme.generator(-30.0))
    latency = theory.first_latency(scheme.generator(voltage), scheme.is_open, start)
    tau, area = theory.components(latency)
    assert area.sum() == pytest.approx(1 - start[4], rel=1e-9)
    for t in (0.0, 0.02, 0.2, 1.0):
        value = (area / tau * np.exp(-t / tau)).sum()
        assert value == pytest.approx(theory.density(latency, [t])[0], rel=1e-7, abs=1e-9)
