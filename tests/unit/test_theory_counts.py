"""Moments in time against binomials of independent gates, and numbers of transitions.

The squid K+ channel n⁴: with rates of Hodgkin & Huxley 1952 typed in, a gate obeys
one equation by itself and every law is a power of it.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm
from scipy.optimize import minimize_scalar

from stochhh.theory import (
    clamp_propagators,
    current_covariance,
    current_moments,
    generator_of,
    laws_along,
    mean_variance_parabola,
    occupied_times_ms,
    ramp_laws,
    ramp_propagators,
    stationary_law,
    transition_counts,
)

OPEN = np.array([0, 0, 0, 0, 1], dtype=bool)
SUBLEVELS = np.array([0.0, 0.0, 0.25, 0.6, 1.0])


def alpha(v):
    return -0.01 * (v + 55) / np.expm1(-(v + 55) / 10)


def beta(v):
    return 0.125 * np.exp(-(v + 65) / 80)


def n4(v):
    rates = np.zeros((5, 5))
    for k in range(4):
        rates[k, k + 1], rates[k + 1, k] = (4 - k) * alpha(v), (k + 1) * beta(v)
    return generator_of(rates)


def gate(n0, v, t):
    """Probability that a gate is open a time t after it was with probability n0."""
    rest = alpha(v) / (alpha(v) + beta(v))
    return rest + (n0 - rest) * np.exp(-(alpha(v) + beta(v)) * t)


def rest_gate(v):
    return alpha(v) / (alpha(v) + beta(v))


def test_step_of_orio_and_soudry():
    """300 K+ channels, -90 to +70 mV: Orio & Soudry 2012, doi:10.1371/journal.pone.0036670."""
    steps = clamp_propagators([6.0], [n4(70.0)], [1.0, 2.0])
    laws = laws_along(stationary_law(n4(-90.0)), steps)
    mean, variance = current_moments(laws, OPEN, 300)
    np.testing.assert_allclose(mean, [82.32, 205.35], atol=0.005)
    np.testing.assert_allclose(variance, [59.73, 64.79], atol=0.005)
    open_gate = gate(rest_gate(-90.0), 70.0, np.array([1.0, 2.0]))
    np.testing.assert_allclose(mean, 300 * open_gate**4, rtol=1e-11)
    np.testing.assert_allclose(variance, 300 * open_gate**4 * (1 - open_gate**4), rtol=1e-11)
    np.testing.assert_allclose(mean_variance_parabola(mean, 1.0, 300), variance, rtol=1e-11)


def test_the_variance_is_largest_when_half_of_the_channels_are_open():
    def variance(t):
        laws = laws_along(stationary_law(n4(-90.0)), clamp_propagators([6.0], [n4(70.0)], [t]))
        return current_moments(laws, OPEN, 300)[1][0]

    found = minimize_scalar(lambda t: -variance(t), bounds=(0.5, 3.0), method="bounded")
    assert found.x == pytest.approx(1.475, abs=0.001)
    assert -found.fun == pytest.approx(75.0, rel=1e-8)


def test_a_protocol_of_three_segments_is_three_gates_in_a_row():
    times = np.array([0.0, 0.3, 1.0, 1.0, 1.7, 2.5, 4.0])
    steps = clamp_propagators([1.0, 1.5, 1.5], [n4(20.0), n4(-80.0), n4(-30.0)], times)
    laws = laws_along(stationary_law(n4(-70.0)), steps)
    first, second = gate(rest_gate(-70.0), 20.0, 1.0), None
    second = gate(first, -80.0, 1.5)
    expected = [
        *gate(rest_gate(-70.0), 20.0, times[:4]),
        gate(first, -80.0, 0.7),
        second,
        gate(second, -30.0, 1.5),
    ]
    np.testing.assert_allclose(laws[:, 4], np.array(expected) ** 4, rtol=1e-11)
    np.testing.assert_allclose(laws[:, 0], (1 - np.array(expected)) ** 4, rtol=1e-11)


def test_a_recorded_time_may_lie_several_segments_after_the_last():
    generators = [n4(20.0), n4(-80.0), n4(-30.0)]
    (step,) = clamp_propagators([1.0, 0.0, 1.5], generators, [2.5])
    np.testing.assert_allclose(step, expm(n4(20.0)) @ expm(1.5 * n4(-30.0)), rtol=1e-11)
    np.testing.assert_array_equal(clamp_propagators([1.0], [n4(0.0)], [0.0]), [np.eye(5)])
    assert clamp_propagators([1.0], [n4(0.0)], []).shape == (0, 5, 5)


@pytest.mark.parametrize(
    ("durations", "generators", "times", "message"),
    [
        ([1.0, 1.0], [n4(0.0)], [0.5], r"need \(segments,\) and \(segments, states, states\)"),
        ([1.0], n4(0.0), [0.5], r"need \(segments,\) and \(segments, states, states\)"),
        ([-1.0], [n4(0.0)], [0.0], "every segment must last 0 ms or more"),
        ([1.0], [n4(0.0)], [0.5, 0.2], "times_ms: need a list of times in order"),
        ([1.0], [n4(0.0)], [0.5, 1.2], "run from 0.5 to 1.2 ms; the protocol from 0 to 1 ms"),
        ([1.0], [n4(0.0)], [-0.1, 0.2], "times_ms: run from -0.1 to 0.2 ms"),
    ],
)
def test_protocols_that_make_no_sense_are_refused(durations, generators, times, message):
    with pytest.raises(ValueError, match=message):
        clamp_propagators(durations, generators, times)


def test_a_ramp_is_the_ramp_of_one_gate():
    """-90 to +50 mV in 5 ms; the gate's own equation by an explicit method."""
    times = np.array([0.0, 1.0, 2.5, 2.5, 5.0])

    def slope(t, n):
        v = -90 + 28 * t
        return alpha(v) * (1 - n) - beta(v) * n

    solved = solve_ivp(
        slope, (0, 5), [rest_gate(-90.0)], "DOP853", np.unique(times), rtol=1e-12, atol=1e-14
    ).y[0][[0, 1, 2, 2, 3]]
    start = stationary_law(n4(-90.0))
    laws = ramp_laws(start, n4, (-90.0, 50.0), 5.0, times)
    np.testing.assert_allclose(laws[:, 4], solved**4, rtol=1e-7)
    np.testing.assert_allclose(laws[:, 1], 4 * solved * (1 - solved) ** 3, rtol=1e-7)
    np.testing.assert_allclose(laws.sum(axis=1), 1.0, rtol=1e-9)
    steps = ramp_propagators(n4, (-90.0, 50.0), 5.0, times)
    np.testing.assert_allclose(laws_along(start, steps), laws, atol=1e-9)


def test_a_ramp_that_stays_is_a_step():
    times = [0.5, 3.0]
    held = clamp_propagators([3.0], [n4(-20.0)], times)
    np.testing.assert_allclose(ramp_propagators(n4, (-20.0, -20.0), 3.0, times), held, atol=1e-9)
    with pytest.raises(ValueError, match=r"run from 0\.5 to 3 ms; the protocol from 0 to 2 ms"):
        ramp_laws(stationary_law(n4(0.0)), n4, (0.0, 1.0), 2.0, times)


def test_covariance_along_a_protocol_is_that_of_independent_gates():
    """All four gates open at s and at t: (n(s) P(open at t | open at s))⁴."""
    durations, voltages = [1.0, 2.0], [30.0, -60.0]
    times = np.array([0.2, 0.9, 1.4, 2.8])
    steps = clamp_propagators(durations, [n4(v) for v in voltages], times)
    laws = laws_along(stationary_law(n4(-90.0)), steps)
    found = current_covariance(laws, steps, OPEN, 50)

    def later(n, s, t):
        """Gate at t from its probability n at s, through the change at 1 ms."""
        if t <= 1.0:
            return gate(n, 30.0, t - s)
        if s >= 1.0:
            return gate(n, -60.0, t - s)
        return gate(gate(n, 30.0, 1.0 - s), -60.0, t - 1.0)

    at = [later(rest_gate(-90.0), 0.0, t) for t in times]
    for i, s in enumerate(times):
        for j, t in enumerate(times[i:], start=i):
            both = (at[i] * later(1.0, s, t)) ** 4
            expected = 50 * (both - at[i] ** 4 * at[j] ** 4)
            assert found[i, j] == pytest.approx(expected, rel=1e-10)
            assert found[j, i] == found[i, j]
    np.testing.assert_allclose(np.diag(found), current_moments(laws, OPEN, 50)[1], rtol=1e-12)


def test_covariance_along_a_ramp_is_that_of_independent_gates():
    times, v = np.array([1.0, 2.0]), (-50.0, 0.0)

    def gate_at(n, since):
        return solve_ivp(
            lambda t, n: alpha(-50 + 25 * t) * (1 - n) - beta(-50 + 25 * t) * n,
            (since, 2.0),
            [n],
            "DOP853",
            [1.0, 2.0],
            rtol=1e-12,
            atol=1e-14,
        ).y[0]

    steps = ramp_propagators(n4, v, 2.0, times)
    laws = laws_along(stationary_law(n4(-50.0)), steps)
    one, two = gate_at(rest_gate(-50.0), 0.0)
    both = (one * gate_at(1.0, 1.0)[-1]) ** 4
    found = current_covariance(laws, steps, OPEN, 7)
    assert found[0, 1] == pytest.approx(7 * (both - one**4 * two**4), rel=1e-7)


def test_currents_with_sublevels_by_adding_up_all_outcomes():
    law = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
    mean, variance = current_moments(law, SUBLEVELS, 40, unitary_current_pA=-1.5)
    i = -1.5 * SUBLEVELS
    assert mean == pytest.approx(40 * (law @ i))
    assert variance == pytest.approx(40 * (law @ i**2 - (law @ i) ** 2))
    steps = clamp_propagators([2.0], [n4(-30.0)], [0.0, 2.0])
    laws = laws_along(law, steps)
    driving = np.array([-1.5, 2.0])
    found = current_covariance(laws, steps, SUBLEVELS, 40, driving)
    joint = law[:, None] * steps[1]
    together = SUBLEVELS @ joint @ SUBLEVELS
    apart = (law @ SUBLEVELS) * (laws[1] @ SUBLEVELS)
    assert found[0, 1] == pytest.approx(40 * -1.5 * 2.0 * (together - apart), rel=1e-12)
    np.testing.assert_allclose(
        current_moments(laws, SUBLEVELS, 40, driving)[1], np.diag(found), rtol=1e-12
    )


def test_propagators_must_fit_the_laws():
    laws = np.tile(stationary_law(n4(0.0)), (3, 1))
    with pytest.raises(ValueError, match=r"propagators: shape \(2, 5, 5\); need \(3, 5, 5\)"):
        current_covariance(laws, np.zeros((2, 5, 5)), OPEN, 1)


def test_occupied_times_are_the_integral_of_the_law():
    law, q = stationary_law(n4(-90.0)), n4(10.0)
    found = occupied_times_ms(law, q, 1.7)
    for state in range(5):
        expected = quad(lambda t, state=state: (law @ expm(q * t))[state], 0, 1.7, epsabs=1e-12)[0]
        assert found[state] == pytest.approx(expected, rel=1e-9)
    assert found.sum() == pytest.approx(1.7, rel=1e-13)


def test_the_last_gate_opens_as_often_as_one_gate_by_itself_says():
    """n3 → n4 happens α 4 n³(1 - n) times a ms, with n(t) of one gate."""
    law, q = stationary_law(n4(-90.0)), n4(10.0)

    def flux(t):
        n = gate(rest_gate(-90.0), 10.0, t)
        return alpha(10.0) * 4 * n**3 * (1 - n)

    found = transition_counts(law, q, 1.7)
    assert found[3, 4] == pytest.approx(quad(flux, 0, 1.7, epsabs=1e-13)[0], rel=1e-9)
    assert np.all(np.diag(found) == 0)
    assert np.all((found > 0) == (q > 0))
    gained = found.sum(axis=0) - found.sum(axis=1)  # arrivals less departures
    np.testing.assert_allclose(gained, law @ expm(1.7 * q) - law, atol=1e-13)
