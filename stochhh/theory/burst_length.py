"""The length of bursts that a critical shut time ends: a law with a memory.

Whether a shut time belongs to the burst is known only when it has lasted, so the
length is not of phase type. The occupancies within bursts obey an equation with
one delay, which is solved interval by interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.bursts import bursts_by_gap, gap_matrices
from stochhh.theory.generators import Floats

_LARGEST_SYSTEM = 4000


def burst_length_by_gap(
    generator: ArrayLike, is_open: ArrayLike, critical_ms: float, times_ms: ArrayLike
) -> tuple[Floats, Floats]:
    """Density (1/ms) and survivor function of the length of a burst, both of shape (T,).

    Bursts as in `bursts_by_gap`. Let x(t) be the probabilities that the burst has
    begun a time t ago, has had no gap longer than ``c = critical_ms``, and the
    channel is now in each state. A channel that shuts at t - c and has not opened
    at t leaves the burst, so

        dx/dt (t) = x(t) Q - [x(t - c) Q_open,shut exp(Q_shut,shut c)] in the shut states,

    and the burst ends at t with density ``x(t) Q_open,shut exp(Q_shut,shut c) 1``.
    Solved on one interval of length c after another by Chebyshev collocation of
    the whole interval (Trefethen 2000, doi:10.1137/1.9780898719598), with as many
    nodes as the fastest rate needs: errors are near rounding. The cost grows with
    the latest time over `critical_ms` and with the fastest rate times it.

    Parameters
    ----------
    generator : (S, S), 1/ms
    is_open : (S,) mask
    critical_ms : longest shut time within a burst
    times_ms : (T,) 0 or more, in any order

    Raises
    ------
    ValueError
        A time is negative, or `critical_ms` is too long for the fastest rate.
    """
    from scipy.interpolate import BarycentricInterpolator
    from scipy.linalg import lu_factor, lu_solve

    times = np.asarray(times_ms, dtype=np.float64)
    if not (np.all(times >= 0.0) and np.all(np.isfinite(times))):
        raise ValueError("times_ms: every time must be 0 ms or more")
    matrix, opened, long_gap = gap_matrices(generator, is_open, critical_ms)
    n_states = len(matrix)
    leaving = matrix[np.ix_(opened, ~opened)] @ long_gap  # to gaps that end the burst
    drift = np.zeros((n_states + 1, n_states + 1))  # one more entry: the burst has ended
    drift[:n_states, :n_states] = matrix
    drift[:n_states, n_states][opened] = leaving.sum(axis=1)
    delayed = np.zeros_like(drift)
    delayed[np.ix_(np.flatnonzero(opened), np.flatnonzero(~opened))] = -leaving

    fastest = float(np.abs(np.diag(matrix)).max())
    n_nodes = 20 + int(np.ceil(6.0 * np.sqrt(fastest * critical_ms)))
    if n_nodes * (n_states + 1) > _LARGEST_SYSTEM:
        raise ValueError(
            f"critical_ms = {critical_ms:g} ms is too long for a fastest rate of {fastest:g} / ms; "
            "need fewer states, slower rates or a shorter critical time"
        )
    nodes, slope = _chebyshev(n_nodes, critical_ms)
    system = np.kron(slope, np.eye(n_states + 1)) - np.kron(np.eye(n_nodes), drift.T)
    system[: n_states + 1] = np.eye(n_states + 1, n_nodes * (n_states + 1))
    factors = lu_factor(system)

    law = np.zeros(n_states + 1)
    law[:n_states][opened] = bursts_by_gap(matrix, opened, critical_ms).first
    before = np.zeros((n_nodes, n_states + 1))
    found = np.empty((len(times), n_states + 1))
    interval = np.floor(times / critical_ms).astype(np.int64)
    for index in range(int(interval.max(initial=-1)) + 1):
        given = before @ delayed
        given[0] = law
        before = lu_solve(factors, given.ravel()).reshape(before.shape)
        law = before[-1]
        now = interval == index
        if now.any():
            curve = BarycentricInterpolator(nodes, before)
            found[now] = curve(times[now] - index * critical_ms)
    return found @ drift[:, n_states], 1.0 - found[:, n_states]


def _chebyshev(n_nodes: int, length: float) -> tuple[Floats, Floats]:
    """Nodes in [0, length], in order, and the matrix that differentiates values at them.

    Trefethen 2000, doi:10.1137/1.9780898719598, program ``cheb``.
    """
    angles = np.pi * np.arange(n_nodes) / (n_nodes - 1)
    nodes = length * np.sin(angles / 2.0) ** 2
    ends = np.ones(n_nodes)
    ends[[0, -1]] = 2.0
    signs = ends * (-1.0) ** np.arange(n_nodes)
    gaps = nodes[:, None] - nodes[None, :] + np.eye(n_nodes)
    slope = np.outer(signs, 1.0 / signs) / gaps
    return nodes, slope - np.diag(slope.sum(axis=1))
