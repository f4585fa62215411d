"""The law of a channel held at one voltage: where it settles, and how fast.

A generator Q has ``Q[i, j]`` the rate (1/ms) from state i to j and rows that sum
to zero; laws are row vectors (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.theory.generators import Floats, as_generator, without_diagonal
from stochhh.theory.modes import Numbers, decay_rates_per_ms


def stationary_law(generator: ArrayLike) -> Floats:
    """Probability of each state at equilibrium, shape (…, S): the null space of Q.

    Computed without subtraction, so rare states keep their relative accuracy
    (Grassmann, Taksar & Heyman 1985, doi:10.1287/opre.33.5.1107).

    Parameters
    ----------
    generator : (…, S, S), 1/ms; one, or those of many voltages at once

    Raises
    ------
    ValueError
        There is no single equilibrium, because no state is reached from everywhere:
        where the channel ends depends on where it starts.
    """
    rates = without_diagonal(generator)
    each = rates.reshape(-1, *rates.shape[-2:])
    recurrent = reached_from_everywhere(each > 0.0)
    if not recurrent.any(axis=1).all():
        raise ValueError("the scheme has no single equilibrium: where it ends depends on its start")
    law = np.zeros(recurrent.shape)
    for among in np.unique(recurrent, axis=0):
        rows = (recurrent == among).all(axis=1)
        law[np.ix_(rows, among)] = _irreducible_law(each[np.ix_(rows, among, among)])
    return law.reshape(rates.shape[:-1])


def reached_from_everywhere(leads: ArrayLike) -> NDArray[np.bool_]:
    """Which states are reached from every state, (…, S); if there are any, all channels end there.

    Parameters
    ----------
    leads : (…, S, S) bool, whether a transition leads from i to j
    """
    reaches = np.asarray(leads, dtype=bool) | np.eye(np.shape(leads)[-1], dtype=bool)
    for _ in range(reaches.shape[-1].bit_length()):  # ways of twice as many transitions each time
        reaches = reaches @ reaches
    return np.asarray(reaches.all(axis=-2))


def _irreducible_law(rates: Floats) -> Floats:
    """Stationary laws, (n, S), where every state can be reached from every other."""
    rates = rates.copy()
    n, n_states, _ = rates.shape
    leaving = np.zeros((n, n_states))
    for last in range(n_states - 1, 0, -1):  # censor the chain to the states below `last`
        leaving[:, last] = rates[:, last, :last].sum(axis=1)
        if (leaving[:, last] <= 0.0).any():
            raise ValueError("the scheme has no single equilibrium: some rates are too small")
        by_way = rates[:, :last, last, None] * rates[:, last, None, :last]
        rates[:, :last, :last] += by_way / leaving[:, last, None, None]
    law = np.zeros((n, n_states))
    law[:, 0] = 1.0
    for state in range(1, n_states):
        law[:, state] = (law[:, :state] * rates[:, :state, state]).sum(axis=1) / leaving[:, state]
        law /= law.max(axis=1, keepdims=True)
    return np.asarray(law / law.sum(axis=1, keepdims=True))


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


def relaxation_rates_per_ms(generator: ArrayLike) -> Numbers:
    """Rates at which a law settles after a step, shape (S - 1,), slowest first, 1/ms.

    The eigenvalues of -Q but the one that is zero. Under detailed balance all
    are real and positive; without it conjugate pairs may appear, whose real part
    is the decay and whose imaginary part the angular frequency of a damped
    oscillation.

    Parameters
    ----------
    generator : (S, S), 1/ms

    Raises
    ------
    ValueError
        Not a generator.
    """
    return decay_rates_per_ms(as_generator(generator))[1:]


def relaxation_times_ms(generator: ArrayLike) -> Floats:
    """Time constants with which a law settles after a step, shape (S - 1,), longest first, ms.

    Colquhoun & Hawkes 1977, Proc R Soc B 199:231: the same that appear in the
    noise spectrum.

    Parameters
    ----------
    generator : (S, S), 1/ms
    """
    return np.asarray(1.0 / relaxation_rates_per_ms(generator).real)
