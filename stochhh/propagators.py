"""Where a channel can get to within a step, and with what chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochhh.kinetics.scheme import ChannelScheme

Floats = NDArray[np.float64]

#: Taylor's series of the exponential of a matrix with entries up to 1/4 ends below 1e-16 here.
_SMALL, _TAYLOR_TERMS = 0.25, 14


def chances_of_moves(
    scheme: ChannelScheme, rates: Floats, step_ms: float, any_number: bool
) -> Floats:
    """Chances that a channel begun in state i is in state j after a step, (K, S, S).

    Parameters
    ----------
    scheme : of the channel
    rates : (K, R) 1/ms of its rate classes at K voltages
    step_ms : the step
    any_number : of transitions in a step, or one at most; the chances to stay are
        then left out
    """
    n_states = len(scheme.states)
    generator = np.zeros((len(rates), n_states, n_states))
    for arrow in scheme.transitions:
        generator[:, arrow.source, arrow.target] += arrow.multiplicity * rates[:, arrow.rate]
    leaving = generator.sum(axis=2)
    if not any_number:  # and no more than all channels leave
        scale = step_ms / np.maximum(leaving * step_ms, 1.0)
        return np.asarray(generator * scale[..., None])
    diagonal = np.arange(n_states)
    generator[:, diagonal, diagonal] = -leaving
    return exponentials(generator * step_ms)


def in_turn(chances: Floats) -> Floats:
    """Rewrite chances of moves as they are drawn one after another, (K, E).

    First the chance to make any of them, then of each but the last the chance to make
    it, given that it is none of those before. Interpolated between voltages they stay
    chances, as the moves' own would.

    Parameters
    ----------
    chances : (K, E) of the moves from one state
    """
    rest = np.cumsum(chances[:, ::-1], axis=1)[:, ::-1]  # of each and those after it
    turns = np.zeros_like(chances)
    turns[:, :1] = rest[:, :1]
    np.divide(chances[:, :-1], rest[:, :-1], out=turns[:, 1:], where=rest[:, :-1] > 0.0)
    return np.minimum(turns, 1.0)


def exponentials(generators: Floats) -> Floats:
    """Matrix exponentials of many generators, (K, S, S), by scaling and squaring.

    As Moler & Van Loan 2003, doi:10.1137/S00361445024180, method 3, all matrices at
    once. `scipy.linalg.expm` takes one at a time, a hundred times longer. Each is
    halved as often as it needs itself, and rows add up to one after each squaring,
    or fast rates at one voltage would cost the digits of slow ones at another.
    """
    largest = np.maximum(-generators.min(axis=(1, 2), initial=0.0), _SMALL)
    squarings = np.ceil(np.log2(largest / _SMALL)).astype(int)
    scaled = np.ldexp(generators, -squarings[:, None, None])
    term = np.broadcast_to(np.eye(generators.shape[-1]), generators.shape)
    total = term.copy()
    for power in range(1, _TAYLOR_TERMS):
        term = term @ scaled / power
        total += term
    for squaring in range(squarings.max(initial=0)):
        rest = squarings > squaring
        squared = total[rest] @ total[rest]
        total[rest] = squared / squared.sum(axis=2, keepdims=True)
    return np.asarray(np.clip(total, 0.0, 1.0))


def nearest_first(scheme: ChannelScheme, any_number: bool) -> list[list[int]]:
    """For each state the other states that can be reached from it, by number of transitions.

    In any number of transitions, or in one. A state with no chance at all must not be
    listed: whether a draw is made for it would hang on how sums are rounded.
    """
    neighbours: list[set[int]] = [set() for _ in scheme.states]
    for arrow in scheme.transitions:
        neighbours[arrow.source].add(arrow.target)
    reached = []
    for state in range(len(scheme.states)):
        order, fresh = [state], [state]
        while fresh:
            fresh = sorted({n for s in fresh for n in neighbours[s]} - set(order))
            order.extend(fresh)
            if not any_number:
                break
        reached.append(order[1:])
    return reached
