"""Detailed balance: loops found by hand, cycles broken by hand, gates that always obey."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stochhh.kinetics.files import load_scheme
from stochhh.theory import (
    fundamental_loops,
    generator_of,
    is_reversible,
    stationary_law,
    violating_loops,
)
from stochhh.theory.reversibility import log_weights


def ring(forward, backward):
    """0 → 1 → … → 0 with the rates `forward`, and the other way with `backward`."""
    n = len(forward)
    rates = np.zeros((n, n))
    for i in range(n):
        rates[i, (i + 1) % n] += forward[i]
        rates[(i + 1) % n, i] += backward[i]
    return generator_of(rates)


def balanced_to_rounding(q):
    """Detailed balance by definition: equal flux both ways between any two states."""
    flux = stationary_law(q)[:, None] * q
    return np.allclose(flux, flux.T, rtol=1e-7, atol=0)


def test_a_triangle_is_one_loop_with_two_products():
    (loop,) = fundamental_loops(ring([2.0, 3.0, 5.0], [7.0, 11.0, 13.0]), ["C1", "C2", "O"])
    assert sorted([loop.forward, loop.backward]) == pytest.approx([30.0, 1001.0])
    assert set(loop.states) == {0, 1, 2}
    assert abs(loop.log_ratio) == pytest.approx(np.log(1001 / 30))
    assert loop.log_ratio == pytest.approx(np.log(loop.forward / loop.backward))
    assert not loop.balanced
    names = loop.name.split(" → ")
    assert names == [["C1", "C2", "O"][state] for state in (*loop.states, loop.states[0])]


def test_the_products_are_those_of_the_states_as_named():
    q = ring([2.0, 3.0, 5.0, 0.1], [7.0, 11.0, 13.0, 0.4])
    (loop,) = fundamental_loops(q)
    steps = list(itertools.pairwise([*loop.states, loop.states[0]]))
    assert loop.forward == pytest.approx(np.prod([q[i, j] for i, j in steps]))
    assert loop.backward == pytest.approx(np.prod([q[j, i] for i, j in steps]))


def test_a_tree_has_no_loop_and_is_always_reversible():
    q = generator_of([[0, 2.0, 0, 0], [0.3, 0, 9.0, 4.0], [0, 1e-9, 0, 0], [0, 5.0, 0, 0]])
    assert fundamental_loops(q) == []
    assert is_reversible(q)
    assert balanced_to_rounding(q)


@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
@pytest.mark.parametrize("voltage", [-80.0, -40.0, 0.0])
def test_gate_products_obey_and_have_the_loops_that_euler_counts(name, voltage):
    scheme = load_scheme(name)
    q = scheme.generator(voltage)
    loops = fundamental_loops(q, scheme.states)
    assert len(loops) == (q > 0).sum() // 2 - len(q) + 1  # edges - states + 1
    assert violating_loops(q) == []
    assert is_reversible(q)
    assert balanced_to_rounding(q)


def test_a_cycle_made_irreversible_by_hand_is_named():
    scheme = load_scheme("squid-na")
    q = scheme.generator(-40.0)
    i, j = scheme.states.index("m0h0"), scheme.states.index("m1h0")
    rates = q.copy()
    rates[i, j] *= 1.001
    broken = violating_loops(generator_of(rates), scheme.states)
    assert broken
    for loop in broken:
        assert "m0h0" in loop.name
        assert "m1h0" in loop.name
        assert abs(loop.log_ratio) == pytest.approx(np.log(1.001), rel=1e-9)
    others = [loop for loop in fundamental_loops(generator_of(rates)) if loop.balanced]
    assert len(others) + len(broken) == len(fundamental_loops(q))
    assert not is_reversible(generator_of(rates))
    assert not balanced_to_rounding(generator_of(rates))


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_is_that_of_equal_fluxes(seed):
    rng = np.random.default_rng(seed)
    flux = rng.exponential(size=(6, 6)) * (rng.random((6, 6)) < 0.5)
    flux = flux + flux.T + np.diag(np.ones(5), 1) + np.diag(np.ones(5), -1)
    q = generator_of(flux / rng.exponential(size=6)[:, None])
    assert is_reversible(q)
    assert balanced_to_rounding(q)
    assert violating_loops(q) == []
    rates = q.copy()
    loop = fundamental_loops(q)[0]
    rates[loop.states[0], loop.states[1]] *= 1.01
    assert not is_reversible(generator_of(rates))
    assert violating_loops(generator_of(rates))


def test_weights_balance_every_edge_in_each_part():
    """A triangle, a pair and a state alone; the largest weight of each part is 1."""
    q = np.zeros((6, 6))
    q[:3, :3] = generator_of([[0, 1.0, 6.0], [2.0, 0, 3.0], [4.0, 1.0, 0]])
    q[3:5, 3:5] = [[-1e-200, 1e-200], [1e100, -1e100]]
    logs = log_weights(q)
    np.testing.assert_allclose(
        logs,
        [0, np.log(0.5), np.log(1.5), 0, np.log(1e-300), 0]
        - np.array([np.log(1.5)] * 3 + [0.0] * 3),
    )
    assert log_weights(generator_of([[0, 1.0, 6.1], [2.0, 0, 3.0], [4.0, 1.0, 0]])) is None
    assert log_weights(generator_of([[0, 1.0], [0, 0]])) is None


def test_one_way_arrows_violate():
    (loop,) = violating_loops(generator_of([[0, 2.0, 0], [0, 0, 5.0], [10.0, 0, 0]]))
    assert sorted([loop.forward, loop.backward]) == [0.0, 100.0]
    assert abs(loop.log_ratio) == np.inf
    against = generator_of([[0, 1.0, 1.0], [0, 0, 1.0], [0, 1.0, 0]])  # both products are 0
    (loop,) = violating_loops(against)
    assert (loop.forward, loop.backward) == (0.0, 0.0)
    assert np.isnan(loop.log_ratio)
    assert not is_reversible(against)
    assert not is_reversible(generator_of([[0, 1.0], [0, 0]]))  # no loop, but no way back


def test_rates_far_apart_do_not_spoil_the_verdict():
    tiny = ring([1e-150, 1e-150, 1e-150], [1e150, 1e150, 1e150])
    (loop,) = fundamental_loops(tiny)
    assert abs(loop.log_ratio) == pytest.approx(900 * np.log(10))
    assert fundamental_loops(ring([1e-150] * 3, [1e-150] * 3))[0].balanced
    assert is_reversible(ring([1e-150, 1e150, 1.0], [1e150, 1e-150, 1.0]))


def test_two_worlds_apart_are_looked_at_each_on_its_own():
    q = np.zeros((7, 7))
    q[:3, :3] = ring([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    q[3:, 3:] = ring([1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 5.0])
    assert [loop.balanced for loop in fundamental_loops(q)] == [True, False]
    assert {state for loop in violating_loops(q) for state in loop.states} == {3, 4, 5, 6}


def test_there_must_be_a_name_for_each_state():
    with pytest.raises(ValueError, match="state_names: 2 names; the generator has 3 states"):
        fundamental_loops(ring([1.0] * 3, [1.0] * 3), ["C", "O"])
