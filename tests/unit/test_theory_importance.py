"""Shares of the edges in the variance, against other equations for the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from stochhh.kinetics.files import load_scheme
from stochhh.theory import autocovariance, count_moments, edge_importance, generator_of
from stochhh.theory import stationary_law as law_of

DRIVEN_RING = generator_of([[0, 2.0, 0.1], [0.1, 0, 2.0], [2.0, 0.1, 0]])
CASES = {
    "squid K+": (load_scheme("squid-k").generator(-30.0), [0, 0, 0, 0, 1.0]),
    "squid Na+": (
        load_scheme("squid-na").generator(-40.0),
        np.asarray(load_scheme("squid-na").relative_conductance),
    ),
    "driven ring": (DRIVEN_RING, [0.0, 0.4, 1.0]),
    "defective ring": (generator_of([[0, 1.0, 0], [0, 0, 1.0], [4.0, 0, 0]]), [0.0, 0.4, 1.0]),
}
every_case = pytest.mark.parametrize(("q", "shares"), CASES.values(), ids=CASES)


def test_two_states_have_one_edge_that_makes_all_the_noise():
    edges, variance, fraction = edge_importance([[-0.3, 0.3], [1.1, -1.1]], [False, True], 40)
    p = 0.3 / 1.4
    np.testing.assert_array_equal(edges, [[0, 1]])
    np.testing.assert_allclose(variance, [40 * p * (1 - p)])
    np.testing.assert_allclose(fraction, [1.0])


def test_three_states_by_hand():
    """C1 ⇌ C2 ⇌ O with all rates 1: h_j - h_i of each edge as a sum of two exponentials.

    Eigenvalues 1 and 3, left over from p = 1/3: h = (1, 0, -1) (-1/2) e^-t +
    (1, -2, 1) (1/6) e^-3t. Each edge is passed 2/3 times a ms.
    """
    q = generator_of([[0, 1.0, 0], [1.0, 0, 1.0], [0, 1.0, 0]])
    hidden, seen = (
        2 / 3 * (x**2 / 2 + 2 * x * y / 4 + y**2 / 6) for x, y in ((0.5, -0.5), (0.5, 0.5))
    )
    assert hidden + seen == pytest.approx(2 / 9)
    edges, variance, _ = edge_importance(q, [0, 0, 1], 1)
    np.testing.assert_array_equal(edges, [[1, 2], [0, 1]])
    np.testing.assert_allclose(variance, [seen, hidden], rtol=1e-12)


@every_case
def test_shares_are_positive_and_make_up_the_whole_variance(q, shares):
    edges, variance, fraction = edge_importance(q, shares, 300)
    assert np.all(variance >= 0)
    assert np.all(np.diff(variance) <= 0)
    assert variance.sum() == pytest.approx(autocovariance(q, shares, 300, [0.0])[0], rel=1e-10)
    np.testing.assert_allclose(fraction, variance / variance.sum(), rtol=1e-10)
    pairs = {tuple(sorted(pair)) for pair in np.argwhere(q > 0).tolist()}
    assert [tuple(edge) for edge in edges.tolist()] == sorted(
        pairs, key=[tuple(edge) for edge in edges.tolist()].index
    )
    assert len(edges) == len(pairs)


def test_of_an_open_count_the_shares_add_up_to_the_binomial_variance():
    q = CASES["squid Na+"][0]
    is_open = CASES["squid Na+"][1] > 0
    found = edge_importance(q, is_open, 300).variance.sum()
    assert found == pytest.approx(count_moments(law_of(q), is_open, 300)[1], rel=1e-9)


@every_case
def test_each_share_is_the_variance_with_the_noise_of_that_edge_alone(q, shares):
    """Diffusion dX = X Q dt + noise of one edge: its stationary covariance, by eigenvalues.

    Schmidt & Thomas 2014, doi:10.1186/2190-8567-4-6. Where there are too few
    eigenvectors, by the integral over all times.
    """
    law, g = law_of(q), np.asarray(shares, dtype=float)
    edges, variance, _ = edge_importance(q, g, 1)
    values, right = np.linalg.eig(q)
    for (i, j), found in zip(edges, variance, strict=True):
        kick = np.zeros(len(q))
        kick[i], kick[j] = -1.0, 1.0
        rate = law[i] * q[i, j] + law[j] * q[j, i]
        if np.linalg.cond(right) < 1e6:
            felt = (kick @ right) * np.linalg.solve(right, g.astype(right.dtype))
            total = values[:, None] + values[None, :]
            pairs = np.outer(felt, felt)
            pairs[np.abs(total) < 1e-9] = 0.0  # the equilibrium, which no kick reaches
            total[np.abs(total) < 1e-9] = 1.0
            expected = (-rate * pairs / total).sum().real
        else:
            expected = rate * quad(lambda t, k=kick: (k @ expm(q * t) @ g) ** 2, 0, 30)[0]
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("voltage", [-200.0, -120.0, 100.0])
def test_the_noise_of_rarely_open_channels_is_not_lost(voltage):
    scheme = load_scheme("squid-na")
    q = scheme.generator(voltage)
    mean, variance = count_moments(law_of(q), scheme.is_open, 1)
    found = edge_importance(q, scheme.is_open, 1).variance
    assert mean < 1e-4
    assert found.sum() == pytest.approx(variance, rel=1e-9)


def test_states_that_are_left_for_good_add_nothing():
    """Two states as above, and a third that leads to them."""
    q = generator_of([[0, 0.3, 0], [1.1, 0, 0], [0.5, 2.0, 0]])
    edges, variance, _ = edge_importance(q, [0, 1, 0.5], 40)
    np.testing.assert_array_equal(edges, [[0, 1]])
    np.testing.assert_allclose(variance, [40 * 0.3 * 1.1 / 1.4**2])


def test_edges_at_the_open_state_matter_most_for_the_squid_potassium_channel():
    """Schmandt & Galán 2012: shielding keeps the edges that touch a conducting state."""
    edges, _, fraction = edge_importance(*CASES["squid K+"], 1)
    np.testing.assert_array_equal(edges[0], [3, 4])
    assert fraction[0] > 0.5


def test_a_hidden_edge_may_matter_most():
    """Schmidt, Galán & Thomas 2018, doi:10.1371/journal.pcbi.1006206.

    When opening is the fastest step and the state before it is sparsely occupied.
    """
    edges, _, fraction = edge_importance(
        generator_of([[0, 0.01, 0], [1.0, 0, 20.0], [0, 1.0, 0]]), [0, 0, 1], 1
    )
    np.testing.assert_array_equal(edges[0], [0, 1])
    assert fraction[0] > 0.5


def test_without_conductance_there_is_no_noise_to_share():
    _, variance, fraction = edge_importance(DRIVEN_RING, [1.0, 1.0, 1.0], 10)
    np.testing.assert_allclose(variance, 0.0, atol=1e-14)
    np.testing.assert_allclose(fraction, 0.0, atol=1e-14)
    with pytest.raises(ValueError, match="no single equilibrium"):
        edge_importance([[0.0, 0.0], [0.0, 0.0]], [0, 1], 1)
