"""What must come out: laws of channels in closed form, from their generator matrices.

Arrays in, arrays out; nothing here knows how anything is simulated. A generator
Q has ``Q[i, j]`` the rate (1/ms) from state i to j and rows that sum to zero;
laws are row vectors (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def stationary_law(generator: ArrayLike) -> Floats:
    """Probability of each state at equilibrium, shape (S,): the null space of Q.

    Computed without subtraction, so rare states keep their relative accuracy
    (Grassmann, Taksar & Heyman 1985, doi:10.1287/opre.33.5.1107).

    Parameters
    ----------
    generator : (S, S), 1/ms

    Raises
    ------
    ValueError
        Some states cannot be left, so there is no single equilibrium.
    """
    rates = np.array(generator, dtype=np.float64)
    n_states = len(rates)
    np.fill_diagonal(rates, 0.0)
    leaving = np.zeros(n_states)
    for last in range(n_states - 1, 0, -1):  # censor the chain to the states below `last`
        leaving[last] = rates[last, :last].sum()
        if leaving[last] <= 0.0:
            raise ValueError("the scheme has no single equilibrium: some states are never left")
        detour = np.outer(rates[:last, last], rates[last, :last]) / leaving[last]
        rates[:last, :last] += detour
    law = np.zeros(n_states)
    law[0] = 1.0
    for state in range(1, n_states):
        law[state] = law[:state] @ rates[:state, state] / leaving[state]
        law /= law.max()
    return np.asarray(law / law.sum())


def propagator(generator: ArrayLike, duration_ms: float) -> Floats:
    """Probability to be in state j a time after having been in state i, shape (S, S).

    ``exp(Q t)`` at one voltage held for `duration_ms`.
    """
    from scipy.linalg import expm

    return np.asarray(expm(np.asarray(generator, dtype=np.float64) * duration_ms))


def count_moments(law: ArrayLike, selected: ArrayLike, n_channels: int) -> tuple[float, float]:
    """Mean and variance of how many of N independent channels are in the selected states.

    The count is binomial with p the summed probability of those states.

    Parameters
    ----------
    law : (S,) probabilities
    selected : (S,) bool, such as a scheme's open states
    n_channels : N
    """
    p = float(np.asarray(law)[np.asarray(selected, dtype=bool)].sum())
    return n_channels * p, n_channels * p * (1.0 - p)


def expected_transitions(
    generator_at: Callable[[float], Floats],
    voltage_mV: ArrayLike,
    interval_ms: float,
    law: ArrayLike,
) -> float:
    """Expected number of transitions of one channel along a sampled voltage course.

    The law of the channel is carried along with the propagator of each piece, in
    which the voltage counts as held; the flux out of every state is summed by the
    trapezoidal rule.

    Parameters
    ----------
    generator_at : from a voltage (mV) to the (S, S) generator
    voltage_mV : (n,) voltage at the start of each piece
    interval_ms : length of a piece
    law : (S,) probabilities at the start
    """
    probabilities = np.asarray(law, dtype=np.float64)
    total = 0.0
    for voltage in np.asarray(voltage_mV, dtype=np.float64):
        generator = generator_at(float(voltage))
        leaving = -np.diag(generator)
        after = probabilities @ propagator(generator, interval_ms)
        total += 0.5 * interval_ms * float((probabilities + after) @ leaving)
        probabilities = after
    return total
