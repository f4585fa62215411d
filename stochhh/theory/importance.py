"""Which transitions make the noise: shares of the stationary variance by edge of the graph.

Stochastic shielding leaves out the noise of edges that hardly matter for the
current (Schmandt & Galán 2012, doi:10.1103/PhysRevLett.109.118101); what each edge
contributes was derived by Schmidt & Thomas 2014, doi:10.1186/2190-8567-4-6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.theory.equilibrium import stationary_law
from stochhh.theory.generators import as_generator, as_shares, without_diagonal


class EdgeImportance(NamedTuple):
    """Share of each pair of opposite transitions in the stationary variance, largest first.

    Attributes
    ----------
    edges : (E, 2) the two states of each edge.
    variance : (E,) its share, 0 or more; they add up to the variance.
    fraction : (E,) the same relative to the whole variance.
    """

    edges: NDArray[np.int64]
    variance: NDArray[np.float64]
    fraction: NDArray[np.float64]


def edge_importance(
    generator: ArrayLike, relative_conductance: ArrayLike, n_channels: int
) -> EdgeImportance:
    """Share of every edge in the stationary variance of the open count of N channels.

    A transition from i to j changes what is to be expected of a channel a time t
    later by ``h_j(t) - h_i(t)``, where ``h(t) = exp(Qt) g``. Edge (i, j) is passed
    ``π_i Q[i, j] + π_j Q[j, i]`` times a ms and adds that rate times the
    integral of the square of the change. The integral over all times solves a
    Lyapunov equation, so no eigenvalues are needed and detailed balance is not
    assumed. Exact; cost of order S³.

    Parameters
    ----------
    generator : (S, S), 1/ms
    relative_conductance : (S,) share of the full conductance, or a mask of open
        states, for which the shares add up to N p (1 - p)
    n_channels : N

    Raises
    ------
    ValueError
        Not a generator, or one without a single equilibrium.

    References
    ----------
    Schmidt & Thomas 2014, doi:10.1186/2190-8567-4-6: edge importance, for the
    Gaussian approximation. Schmidt, Galán & Thomas 2018,
    doi:10.1371/journal.pcbi.1006206: the same decomposition is exact for channels
    that are counted.
    """
    from scipy.linalg import solve_continuous_lyapunov

    matrix = as_generator(generator)
    law = stationary_law(matrix)
    shares = as_shares(relative_conductance, len(law))
    visited = np.flatnonzero(law > 0.0)  # what is left behind for good adds nothing
    matrix, law = matrix[np.ix_(visited, visited)], law[visited]
    deviation = shares[visited] - law @ shares[visited]
    # States weigh with the root of their probability, so that the noise of a
    # channel that is hardly ever open is not lost in rounding.
    roots = np.sqrt(law)
    weighted = roots[:, None] * matrix / roots[None, :]
    # Moving the zero eigenvalue away changes nothing for deviations from the mean.
    regular = weighted - np.abs(np.diag(matrix)).max() * np.outer(roots, roots)
    start = roots * deviation
    squares = solve_continuous_lyapunov(regular, -np.outer(start, start))
    flux = law[:, None] * without_diagonal(matrix)
    flux = flux + flux.T
    each = flux / law[:, None] * np.diag(squares)[:, None]
    both = flux / np.outer(roots, roots) * (squares + squares.T)
    variance = n_channels * np.maximum(each + each.T - both, 0.0)
    first, second = np.nonzero(np.triu(flux))
    found = variance[first, second]
    order = np.argsort(-found, kind="stable")
    total = n_channels * float(law @ deviation**2)
    fraction = found[order] / total if total > 0.0 else np.zeros(len(order))
    edges = np.column_stack([visited[first], visited[second]])
    return EdgeImportance(edges[order], found[order], fraction)
