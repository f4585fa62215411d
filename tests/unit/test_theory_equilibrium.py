"""Relaxations against the roots of characteristic polynomials typed in, and sums of exponentials.

The stationary law, the propagator and the moments of a count: `test_theory.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from stochhh import theory
from stochhh.theory import exponential_modes, generator_of, relaxation_rates_per_ms

#: One way round with rates 1, 1, 4 per ms: both relaxations have the rate 3, and
#: there is only one eigenvector to them.
DEFECTIVE_RING = generator_of([[0, 1.0, 0], [0, 0, 1.0], [4.0, 0, 0]])


def gates(n, alpha, beta):
    """Generator of a channel of n independent gates, by the number that is open."""
    rates = np.zeros((n + 1, n + 1))
    for k in range(n):
        rates[k, k + 1], rates[k + 1, k] = (n - k) * alpha, (k + 1) * beta
    return generator_of(rates)


def test_two_states_relax_with_the_sum_of_their_rates():
    np.testing.assert_allclose(relaxation_rates_per_ms([[-3.0, 3.0], [1.0, -1.0]]), [4.0])
    np.testing.assert_allclose(theory.relaxation_times_ms([[-3.0, 3.0], [1.0, -1.0]]), [0.25])


def test_three_states_relax_with_the_roots_of_a_quadratic():
    """C1 ⇌ C2 ⇌ O: the sum of both rates, and the sum of their products by pairs."""
    a, b, c, d = 0.7, 1.9, 3.1, 0.4
    found = relaxation_rates_per_ms(generator_of([[0, a, 0], [b, 0, c], [0, d, 0]]))
    trace, product = a + b + c + d, a * c + a * d + b * d
    root = np.sqrt(trace**2 / 4 - product)
    np.testing.assert_allclose(found, [trace / 2 - root, trace / 2 + root], rtol=1e-13)
    assert found.dtype == np.float64


def test_a_gate_product_relaxes_with_multiples_of_the_rate_of_one_gate():
    found = relaxation_rates_per_ms(gates(4, 0.3, 0.5))
    np.testing.assert_allclose(found, 0.8 * np.arange(1, 5), rtol=1e-12)
    np.testing.assert_allclose(
        theory.relaxation_times_ms(gates(4, 0.3, 0.5)), 1.25 / np.arange(1, 5), rtol=1e-12
    )


def test_rates_that_repeat_are_all_there():
    """Two alike gates that are told apart: rate α + β twice, 2(α + β) once."""
    a, b = 0.3, 0.5
    two = generator_of([[0, a, a, 0], [b, 0, 0, a], [b, 0, 0, a], [0, b, b, 0]])
    np.testing.assert_allclose(relaxation_rates_per_ms(two), [0.8, 0.8, 1.6], rtol=1e-12)


def test_a_ring_driven_one_way_swings_to_its_equilibrium():
    """Three equal rates k: k (3 ± i√3) / 2."""
    found = relaxation_rates_per_ms(2.0 * generator_of(np.roll(np.eye(3), 1, axis=1)))
    np.testing.assert_allclose(found, [3 - 1j * np.sqrt(3), 3 + 1j * np.sqrt(3)], rtol=1e-12)
    np.testing.assert_allclose(
        theory.relaxation_times_ms(2.0 * generator_of(np.roll(np.eye(3), 1, axis=1))), [1 / 3] * 2
    )


def test_a_driven_scheme_whose_rates_are_real():
    ring = generator_of([[0, 9.0, 0.3], [0.2, 0, 1.0], [0.1, 0.2, 0]])
    found = relaxation_rates_per_ms(ring)
    assert not theory.is_reversible(ring)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(), -np.trace(ring), rtol=1e-12)
    minors = sum(
        ring[i, i] * ring[j, j] - ring[i, j] * ring[j, i] for i, j in [(0, 1), (0, 2), (1, 2)]
    )
    np.testing.assert_allclose(found.prod(), minors, rtol=1e-12)


def test_what_is_no_generator_has_no_relaxations():
    with pytest.raises(ValueError, match="row 0 sums to 1"):
        relaxation_rates_per_ms([[-1.0, 2.0], [1.0, -1.0]])


@pytest.mark.parametrize("detailed_balance", [True, False])
@pytest.mark.parametrize("n", [2, 5, 9])
def test_a_sum_of_exponentials_is_the_matrix_exponential(n, detailed_balance):
    rng = np.random.default_rng(n)
    weights = np.exp(2.0 * rng.standard_normal(n))
    rates = rng.exponential(size=(n, n))
    if detailed_balance:
        rates = (rates + rates.T) / weights[:, None]
    q = generator_of(rates)
    assert theory.is_reversible(q) == (detailed_balance or n == 2)
    left, right = rng.standard_normal((2, n))
    found = exponential_modes(left, q, right)
    assert np.all(np.diff(found.rate_per_ms.real) >= 0)
    for t in (0.0, 0.1, 1.0, 7.0):
        value = (found.weight * np.exp(-found.rate_per_ms * t)).sum()
        assert value == pytest.approx(left @ expm(q * t) @ right, rel=1e-9, abs=1e-10)


def test_a_block_of_a_generator_has_its_modes_too():
    """From the middle of 0 ⇌ 1 ⇌ 2 within the first two states, out at the second."""
    block = np.array([[-1.0, 1.0], [2.0, -5.0]])
    found = exponential_modes([0.0, 1.0], block, [0.0, 3.0])
    np.testing.assert_allclose(found.rate_per_ms, [3 - np.sqrt(6), 3 + np.sqrt(6)], rtol=1e-13)
    assert found.weight.sum() == pytest.approx(3.0)
    value = (found.weight * np.exp(-found.rate_per_ms * 0.4)).sum()
    assert value == pytest.approx(3.0 * expm(0.4 * block)[1, 1], rel=1e-12)


def test_states_that_never_meet_keep_their_own_modes():
    found = exponential_modes([1.0, 2.0], np.diag([-3.0, -3.0]), [1.0, 1.0])
    np.testing.assert_allclose(found.rate_per_ms, [3.0, 3.0])
    assert found.weight.sum() == pytest.approx(3.0)


def test_a_matrix_with_too_few_eigenvectors_is_no_sum_of_exponentials():
    np.testing.assert_allclose(relaxation_rates_per_ms(DEFECTIVE_RING).real, [3.0, 3.0], rtol=1e-6)
    with pytest.raises(ValueError, match="cannot be diagonalised to working accuracy"):
        exponential_modes([1.0, 0.0, 0.0], DEFECTIVE_RING, [0.0, 0.0, 1.0])
