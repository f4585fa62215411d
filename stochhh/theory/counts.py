"""Moments of open counts and currents of N independent channels, and counts of transitions.

All channels obey the same law and are independent, those drawn for the initial
state included, so each moment is N times that of one channel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.generators import Floats, as_generator, as_law, as_shares


def current_moments(
    laws: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    unitary_current_pA: ArrayLike = 1.0,
) -> tuple[Floats, Floats]:
    """Mean (pA) and variance (pA²) of the current of N independent channels, shapes (...).

    With a mask of open states and a unitary current of 1 these are the moments
    of the open count, which is binomial. With sublevels the variance of one
    channel is ``sum(p g²) - (sum(p g))²``.

    Parameters
    ----------
    laws : (..., S) probabilities, such as one for each recorded time
    relative_conductance : (S,) share of the full conductance, or a mask
    n_channels : N
    unitary_current_pA : through a fully open channel; one number or (...)
    """
    laws = np.asarray(laws, dtype=np.float64)
    shares = as_shares(relative_conductance, laws.shape[-1])
    unitary = np.asarray(unitary_current_pA, dtype=np.float64)
    mean = laws @ shares
    spread = (laws * (shares - mean[..., None]) ** 2).sum(axis=-1)
    return np.asarray(n_channels * unitary * mean), np.asarray(n_channels * unitary**2 * spread)


def current_covariance(
    laws: ArrayLike,
    propagators: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    unitary_current_pA: ArrayLike = 1.0,
) -> Floats:
    """Covariance of the current of N independent channels at two recorded times, (T, T), pA².

    For s before t it is ``N i_s i_t sum_i p_i(s) (g_i - mean) (P(s, t) g)_i``.

    Parameters
    ----------
    laws : (T, S) law of one channel at each recorded time
    propagators : (T, S, S) from each recorded time to the next; the first is not used
    relative_conductance : (S,) share of the full conductance, or a mask
    n_channels : N
    unitary_current_pA : through a fully open channel; one number or (T,)
    """
    laws = np.asarray(laws, dtype=np.float64)
    steps = np.asarray(propagators, dtype=np.float64)
    shares = as_shares(relative_conductance, laws.shape[-1])
    n_times = len(laws)
    if steps.shape != (n_times, len(shares), len(shares)):
        raise ValueError(
            f"propagators: shape {steps.shape}; need {(n_times, len(shares), len(shares))}, "
            "one into each recorded time"
        )
    weighted = laws * (shares - (laws @ shares)[:, None])
    covariance = np.empty((n_times, n_times))
    later = np.zeros((len(shares), 0))  # expected share at each later time, from each state now
    for time in range(n_times - 1, -1, -1):
        later = np.column_stack([shares, later])
        covariance[time, time:] = weighted[time] @ later
        covariance[time:, time] = covariance[time, time:]
        later = steps[time] @ later
    unitary = np.broadcast_to(np.asarray(unitary_current_pA, dtype=np.float64), n_times)
    return np.asarray(n_channels * np.outer(unitary, unitary) * covariance)


def occupied_times_ms(law: ArrayLike, generator: ArrayLike, duration_ms: float) -> Floats:
    """Expected time one channel spends in each state of a held segment, shape (S,), ms.

    The integral of ``law exp(Qt)``, as a block of a larger matrix exponential
    (Van Loan 1978, doi:10.1109/TAC.1978.1101743). Exact.

    Parameters
    ----------
    law : (S,) probabilities at the start of the segment
    generator : (S, S), 1/ms
    duration_ms : length of the segment
    """
    from scipy.linalg import expm

    matrix = as_generator(generator)
    n = len(matrix)
    joint = np.zeros((2 * n, 2 * n))
    joint[:n, :n] = matrix
    joint[:n, n:] = np.eye(n)
    return np.asarray(as_law(law, n) @ expm(joint * duration_ms)[:n, n:])


def transition_counts(law: ArrayLike, generator: ArrayLike, duration_ms: float) -> Floats:
    """Expected number of each transition of one channel in a held segment, shape (S, S).

    Entry ``[i, j]`` is the expected time in state i times the rate from i to j;
    the diagonal is zero. N channels make N times as many.

    Parameters
    ----------
    law : (S,) probabilities at the start of the segment
    generator : (S, S), 1/ms
    duration_ms : length of the segment
    """
    times = occupied_times_ms(law, generator, duration_ms)
    counts = times[:, None] * np.asarray(generator, dtype=np.float64)
    np.fill_diagonal(counts, 0.0)
    return np.asarray(counts)
