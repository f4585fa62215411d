"""Sums of exponentials: what a row vector, exp(Qt) and a column vector make together.

Autocovariances, dwell-time densities and relaxations all have the form
``left exp(Qt) right``. Where Q can be diagonalised that is a sum of exponentials,
one for each eigenvalue (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.theory.generators import Floats, without_diagonal
from stochhh.theory.reversibility import log_weights

Numbers = NDArray[np.float64] | NDArray[np.complex128]

_ACCURACY = 1e-9  # of the value and the slope at t = 0, relative to their largest possible size
_WORST_CONDITION = 1e7  # of the eigenvectors of a generator without detailed balance


class Modes(NamedTuple):
    """Terms of ``sum(weight * exp(-rate_per_ms * t))``, slowest first.

    Attributes
    ----------
    rate_per_ms : (K,), real under detailed balance; else complex rates may
        appear, always with their conjugates.
    weight : (K,), in the unit of the product.
    """

    rate_per_ms: Numbers
    weight: Numbers


def exponential_modes(left: ArrayLike, generator: ArrayLike, right: ArrayLike) -> Modes:
    """Exponential components of ``left exp(Qt) right``, one for each eigenvalue of Q.

    Exact up to rounding. Under detailed balance Q is made symmetric first, so
    repeated eigenvalues do no harm. Without it a matrix may have too few
    eigenvectors, or nearly so, and then there is no such sum: evaluate the
    product with ``expm`` instead.

    Parameters
    ----------
    left, right : (S,)
    generator : (S, S), 1/ms, a generator or a block of one on its diagonal

    Raises
    ------
    ValueError
        The matrix cannot be diagonalised to working accuracy.
    """
    row = np.asarray(left, dtype=np.float64)
    matrix = np.asarray(generator, dtype=np.float64)
    column = np.asarray(right, dtype=np.float64)
    values, weight = _symmetric(row, matrix, column) or _general(row, matrix, column)
    order = np.lexsort((-values.imag, -values.real))
    return Modes(-values[order], weight[order])


def decay_rates_per_ms(generator: ArrayLike) -> Numbers:
    """Eigenvalues of -Q, shape (S,), 1/ms, slowest first; real under detailed balance."""
    matrix = np.asarray(generator, dtype=np.float64)
    found = _symmetrised(matrix)
    if found is None:
        rates = -np.asarray(np.linalg.eigvals(matrix), dtype=np.complex128)
        if np.all(rates.imag == 0.0):
            return np.sort(rates.real)
        return rates[np.lexsort((rates.imag, rates.real))]
    return np.sort(-np.asarray(np.linalg.eigvalsh(found[0]), dtype=np.float64))


def _symmetrised(matrix: Floats) -> tuple[Floats, Floats] | None:
    """``sqrt(d_i) Q[i, j] / sqrt(d_j)`` and ``ln d``, or None without detailed balance."""
    weights = log_weights(matrix)
    if weights is None:
        return None
    roots = np.sqrt(without_diagonal(matrix))
    return roots * roots.T + np.diag(np.diag(matrix)), weights


def _symmetric(row: Floats, matrix: Floats, column: Floats) -> tuple[Numbers, Numbers] | None:
    """Eigenvalues and weights from the symmetrised matrix, or None where that does not do."""
    found = _symmetrised(matrix)
    if found is None:
        return None
    symmetric, weights = found
    values, vectors = np.linalg.eigh(symmetric)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # seen by _holds
        scaled = np.where(row == 0.0, 0.0, row * np.exp(-weights / 2.0))
        weight = (scaled @ vectors) * ((np.exp(weights / 2.0) * column) @ vectors)
    return (values, weight) if _holds(values, weight, row, matrix, column) else None


def _general(row: Floats, matrix: Floats, column: Floats) -> tuple[Numbers, Numbers]:
    values, vectors = np.linalg.eig(matrix)
    if np.linalg.cond(vectors) < _WORST_CONDITION:
        weight = (row @ vectors) * np.linalg.solve(vectors, column.astype(vectors.dtype))
        if _holds(values, weight, row, matrix, column):
            return values, weight
    raise ValueError(
        "generator: cannot be diagonalised to working accuracy, so there is no sum of "
        "exponentials; evaluate the law itself, which needs none"
    )


def _holds(values: Numbers, weight: Numbers, row: Floats, matrix: Floats, column: Floats) -> bool:
    """Whether the sum has the right value and slope at t = 0."""
    tiny = np.finfo(np.float64).tiny
    size = float(np.abs(row).sum() * np.abs(column).max()) + tiny
    fastest = float(np.abs(np.diag(matrix)).max()) + tiny
    value = abs(weight.sum() - row @ column) / size
    slope = abs((values * weight).sum() - row @ matrix @ column) / (size * fastest)
    return bool(value <= _ACCURACY and slope <= _ACCURACY)
