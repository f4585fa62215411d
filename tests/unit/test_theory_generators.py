"""Generators: what is accepted, and how each refusal reads."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.theory.generators import as_class, as_generator, as_law, as_shares, generator_of
from stochhh.theory.generators import reachable as reached


def test_rates_make_rows_that_sum_to_zero():
    found = generator_of([[7.0, 2.0, 1.0], [0.5, 0.0, 0.0], [0.0, 4.0, -9.0]])
    np.testing.assert_array_equal(found, [[-3.0, 2.0, 1.0], [0.5, -0.5, 0.0], [0.0, 4.0, -4.0]])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[-1.0, 1.0]], r"generator: shape \(1, 2\); need \(states, states\)"),
        ([1.0, 2.0], r"generator: shape \(2,\)"),
        ([[-1.0, np.nan], [1.0, -1.0]], "every rate .* must be a finite number"),
        ([[1.0, -1.0], [1.0, -1.0]], r"generator\[0, 1\] = -1 / ms; a rate must be 0 or more"),
        ([[-1.0, 1.0], [1.0, -0.9]], r"row 1 sums to 0.1 / ms, not to zero; its diagonal must"),
    ],
)
def test_what_is_no_generator_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        as_generator(matrix)


def test_a_row_may_miss_zero_by_rounding():
    exact = generator_of([[0, 1 / 3, 1e9], [0.1, 0, 0.2], [1e-9, 1e-9, 0]])
    np.testing.assert_array_equal(as_generator(exact * (1 + 1e-16)), exact)
    with pytest.raises(ValueError, match="row 2 sums to"):
        as_generator(exact + np.diag([0.0, 0.0, 1e-17]))  # 1e-8 of that row's rates


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([True, False, True], r"open: shape \(3,\); need one entry for each of 2 states"),
        ([True, True], "open: must hold for some of the states and not for all of them"),
        ([False, False], "open: must hold for some of the states and not for all of them"),
    ],
)
def test_a_class_of_states_has_two_sides(mask, message):
    with pytest.raises(ValueError, match=message):
        as_class(mask, 2, "open")
    np.testing.assert_array_equal(as_class([0, 1], 2, "open"), [False, True])


def test_laws_and_shares_are_checked():
    np.testing.assert_array_equal(as_law([0.25, 0.75], 2), [0.25, 0.75])
    np.testing.assert_array_equal(as_shares([False, True], 2), [0.0, 1.0])
    with pytest.raises(ValueError, match=r"law: shape \(3,\); need one probability .* of 2"):
        as_law([0.2, 0.2, 0.6], 2)
    with pytest.raises(ValueError, match=r"law: sums to 0\.9; need probabilities that sum to one"):
        as_law([0.2, 0.7], 2)
    with pytest.raises(ValueError, match="law: sums to 1; need probabilities"):
        as_law([1.5, -0.5], 2)
    with pytest.raises(ValueError, match=r"law: sums to nan"):
        as_law([np.nan, 0.5], 2)
    with pytest.raises(ValueError, match=r"relative_conductance: shape \(1,\); need one share"):
        as_shares([1.0], 2)
    with pytest.raises(ValueError, match="relative_conductance: every share must be a finite"):
        as_shares([1.0, np.inf], 2)


def test_reachable_states_follow_the_arrows():
    """0 → 1 → 2, 3 → 2."""
    joined = np.zeros((4, 4), dtype=bool)
    joined[0, 1] = joined[1, 2] = joined[3, 2] = True
    np.testing.assert_array_equal(reached(joined, np.array([1, 0, 0, 0], bool)), [1, 1, 1, 0])
    np.testing.assert_array_equal(reached(joined.T, np.array([0, 0, 1, 0], bool)), [1, 1, 1, 1])
    np.testing.assert_array_equal(reached(joined, np.zeros(4, bool)), [0, 0, 0, 0])
