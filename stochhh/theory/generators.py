"""Generator matrices: how they are made, checked and cut into classes of states.

A generator Q has ``Q[i, j]`` the rate (1/ms) from state i to j and rows that sum
to zero; laws are row vectors (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_ROUNDING = 1e-9  # of a row's rates, by which the row may miss zero


def generator_of(rates: ArrayLike) -> Floats:
    """Generator with the given rates, shape (S, S), 1/ms; their diagonal is ignored.

    Parameters
    ----------
    rates : (S, S), 1/ms, from the row's state to the column's
    """
    matrix = np.array(rates, dtype=np.float64)
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return as_generator(matrix)


def as_generator(generator: ArrayLike) -> Floats:
    """Check that a matrix is a generator and return it, shape (S, S), 1/ms.

    Raises
    ------
    ValueError
        Not square, not finite, a negative rate, or a row that does not sum to zero.
    """
    matrix = np.asarray(generator, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"generator: shape {matrix.shape}; need (states, states)")
    if not np.all(np.isfinite(matrix)):
        raise ValueError("generator: every rate (1/ms) must be a finite number")
    rates = without_diagonal(matrix)
    if np.any(rates < 0.0):
        i, j = np.argwhere(rates < 0.0)[0]
        raise ValueError(f"generator[{i}, {j}] = {rates[i, j]:g} / ms; a rate must be 0 or more")
    leaving = rates.sum(axis=1)
    wrong = np.abs(leaving + np.diag(matrix)) > _ROUNDING * leaving
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise ValueError(
            f"generator: row {row} sums to {matrix[row].sum():g} / ms, not to zero; "
            "its diagonal must be minus the sum of its rates"
        )
    return matrix


def without_diagonal(generator: ArrayLike) -> Floats:
    """Rates alone, shape (…, S, S), 1/ms, with zeros on the diagonal; a copy."""
    rates = np.array(generator, dtype=np.float64)
    state = np.arange(rates.shape[-1])
    rates[..., state, state] = 0.0
    return rates


def as_class(selected: ArrayLike, n_states: int, name: str) -> Bools:
    """Check a mask of states, shape (S,): neither none nor all of them.

    Raises
    ------
    ValueError
        Of the wrong shape, or with nothing on one of its two sides.
    """
    mask = np.asarray(selected, dtype=bool)
    if mask.shape != (n_states,):
        raise ValueError(
            f"{name}: shape {mask.shape}; need one entry for each of {n_states} states"
        )
    if mask.all() or not mask.any():
        raise ValueError(f"{name}: must hold for some of the states and not for all of them")
    return mask


def as_law(law: ArrayLike, n_states: int) -> Floats:
    """Check a law, shape (S,): probabilities that sum to one.

    Raises
    ------
    ValueError
        Of the wrong shape, negative, or of another sum.
    """
    probabilities = np.asarray(law, dtype=np.float64)
    if probabilities.shape != (n_states,):
        raise ValueError(
            f"law: shape {probabilities.shape}; need one probability for each of {n_states} states"
        )
    if np.any(probabilities < -_ROUNDING) or not abs(probabilities.sum() - 1.0) < _ROUNDING:
        raise ValueError(
            f"law: sums to {probabilities.sum():g}; need probabilities that sum to one"
        )
    return probabilities


def as_shares(relative_conductance: ArrayLike, n_states: int) -> Floats:
    """Check relative conductances, shape (S,): one finite number a state; a mask will do.

    Raises
    ------
    ValueError
        Of the wrong shape or not finite.
    """
    shares = np.asarray(relative_conductance, dtype=np.float64)
    if shares.shape != (n_states,):
        raise ValueError(
            f"relative_conductance: shape {shares.shape}; "
            f"need one share for each of {n_states} states"
        )
    if not np.all(np.isfinite(shares)):
        raise ValueError("relative_conductance: every share must be a finite number")
    return shares


def reachable(joined: Bools, start: Bools) -> Bools:
    """States that can be reached from some of `start` along arrows, shape (S,), start included.

    Parameters
    ----------
    joined : (S, S), whether an arrow leads from the row's state to the column's
    start : (S,)
    """
    found = start.copy()
    fresh = found
    while fresh.any():
        fresh = joined[fresh].any(axis=0) & ~found
        found = found | fresh
    return found
