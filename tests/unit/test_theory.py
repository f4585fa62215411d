"""Oracles against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from stochhh.kinetics.files import load_scheme
from stochhh.theory import count_moments, propagator, stationary_law


def generator(rates):
    matrix = np.array(rates, dtype=float)
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def random_generator(n, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    return generator(np.exp(spread * rng.standard_normal((n, n))))


def test_two_states_at_equilibrium():
    np.testing.assert_allclose(stationary_law([[-3.0, 3.0], [1.0, -1.0]]), [0.25, 0.75], rtol=1e-15)


def test_one_state_is_always_there():
    np.testing.assert_array_equal(stationary_law([[0.0]]), [1.0])


def test_a_ring_driven_one_way_is_no_equilibrium_but_stationary():
    """Clockwise a, b, c: dwell times 1/a, 1/b, 1/c share the time."""
    ring = generator([[0, 2.0, 0], [0, 0, 5.0], [10.0, 0, 0]])
    expected = np.array([1 / 2, 1 / 5, 1 / 10])
    np.testing.assert_allclose(stationary_law(ring), expected / expected.sum(), rtol=1e-14)


@pytest.mark.parametrize("n", [2, 3, 8, 30])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_law_is_the_null_space_of_the_generator(n, seed):
    q = random_generator(n, seed)
    law = stationary_law(q)
    assert law.sum() == pytest.approx(1.0, rel=1e-14)
    assert np.all(law > 0)
    np.testing.assert_allclose(law @ q, 0.0, atol=1e-13 * abs(q).max())
    null = np.linalg.svd(q.T)[2][-1]
    np.testing.assert_allclose(law, null / null.sum(), rtol=1e-9)


def test_relabelling_the_states_relabels_the_law():
    q = random_generator(7, 3, spread=3.0)
    order = np.random.default_rng(4).permutation(7)
    np.testing.assert_allclose(
        stationary_law(q[np.ix_(order, order)]), stationary_law(q)[order], rtol=1e-12
    )


def test_rare_states_keep_their_relative_accuracy():
    """A birth-death chain with steps of 1e-30 up: p_k = 1e-30k (1 - 1e-30)."""
    up, down = 1e-30, 1.0
    q = generator([[0, up, 0, 0], [down, 0, up, 0], [0, down, 0, up], [0, 0, down, 0]])
    np.testing.assert_allclose(stationary_law(q), [1.0, 1e-30, 1e-60, 1e-90], rtol=1e-14)
    np.testing.assert_allclose(
        stationary_law(q[::-1, ::-1]), [1e-90, 1e-60, 1e-30, 1.0], rtol=1e-14
    )


def test_the_generator_given_is_not_changed():
    q = random_generator(4, 5)
    before = q.copy()
    stationary_law(q)
    np.testing.assert_array_equal(q, before)


@pytest.mark.parametrize(
    "rates",
    [
        [[0, 0], [0, 0]],
        [[0, 1.0, 1.0], [0, 0, 0], [0, 0, 0]],  # two ends
        [[0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1.0], [0, 0, 1.0, 0]],  # two worlds apart
    ],
)
def test_without_a_single_equilibrium_there_is_no_law(rates):
    with pytest.raises(
        ValueError, match=r"no single equilibrium: where it ends depends on its start"
    ):
        stationary_law(generator(rates))


def test_the_propagator_of_two_states_is_the_textbook_exponential():
    """p_open(t) = p∞ + (p₀ - p∞) exp(-(alpha + beta) t)."""
    alpha, beta = 0.3, 1.1
    for t in (0.0, 1e-3, 0.5, 4.0, 100.0):
        decay, rest = np.exp(-(alpha + beta) * t), alpha / (alpha + beta)
        expected = [
            [1 - rest + rest * decay, rest - rest * decay],
            [1 - rest - (1 - rest) * decay, rest + (1 - rest) * decay],
        ]
        found = propagator([[-alpha, alpha], [beta, -beta]], t)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
@pytest.mark.parametrize("voltage", [-65.0, 0.0])
def test_the_propagator_composes_keeps_the_law_and_forgets(name, voltage):
    q = load_scheme(name).generator(voltage)
    law, step = stationary_law(q), propagator(q, 0.3)
    np.testing.assert_allclose(step.sum(axis=1), 1.0, rtol=1e-12)
    assert np.all(step >= 0)
    np.testing.assert_allclose(law @ step, law, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(step @ propagator(q, 0.7), propagator(q, 1.0), atol=1e-12)
    np.testing.assert_allclose(propagator(q, 500.0), np.tile(law, (len(law), 1)), atol=1e-10)
    tiny = propagator(q, 1e-7)
    np.testing.assert_allclose((tiny - np.eye(len(q))) / 1e-7, q, atol=1e-4 * abs(q).max())


def test_the_propagator_of_gates_is_a_product_of_the_gates():
    """Four independent gates, all shut: binomial with one gate's probability."""
    alpha, beta = load_scheme("squid-k").rates_at(-40.0)
    p = propagator([[-alpha, alpha], [beta, -beta]], 1.3)[0, 1]
    found = propagator(load_scheme("squid-k").generator(-40.0), 1.3)[0]
    np.testing.assert_allclose(found, stats.binom.pmf(range(5), 4, p), rtol=1e-12)


def test_count_moments_are_those_of_the_binomial():
    law, selected = [0.5, 0.3, 0.2], [False, True, True]
    assert count_moments(law, selected, 40) == pytest.approx((20.0, 10.0))
    assert count_moments(law, [0, 0, 1.0], 40) == pytest.approx(
        (stats.binom.mean(40, 0.2), stats.binom.var(40, 0.2))
    )
    assert count_moments(law, [False] * 3, 40) == (0.0, 0.0)
    mean, variance = count_moments(law, [True] * 3, 40)
    assert mean == pytest.approx(40.0)
    assert variance == pytest.approx(0.0, abs=1e-12)
    assert count_moments(law, selected, 0) == (0.0, 0.0)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_a_state_without_a_way_back_is_empty_at_equilibrium_in_any_order(order):
    """A → B ⇌ C has its law on B and C alone, however the states are listed."""
    rates = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
    law = stationary_law(rates[np.ix_(order, order)])
    assert law == pytest.approx(np.array([0.0, 0.25, 0.75])[order])
