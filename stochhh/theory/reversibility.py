"""Microscopic reversibility: whether every loop of the state graph turns as often either way.

At thermodynamic equilibrium no loop of states may have a preferred direction:
the product of its rates is the same both ways round (Kolmogorov's criterion). It
suffices to look at the loops that each edge outside a spanning tree closes
(Colquhoun, Dowsland, Beato & Plested 2004, doi:10.1529/biophysj.103.038679).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.theory.generators import Bools, Floats, as_generator, without_diagonal

#: Relative difference of the two products of a loop that counts as rounding.
TOLERANCE = 1e-9


class Loop(NamedTuple):
    """A loop of the state graph, and the product of its rates both ways round.

    Attributes
    ----------
    states : the n states in the order passed; from the last it returns to the first.
    name : the same as text, such as ``C1 → C2 → O → C1``.
    forward, backward : product of the n rates in that order, and in the reverse
        one, 1/msⁿ. Products of many rates may under- or overflow.
    log_ratio : ln(forward / backward), from the logarithms of the rates;
        ±inf if one product has a zero, nan if both have.
    """

    states: tuple[int, ...]
    name: str
    forward: float
    backward: float
    log_ratio: float

    @property
    def balanced(self) -> bool:
        """Whether the two products are equal (and no rate of the loop is zero)."""
        return abs(self.log_ratio) <= TOLERANCE * len(self.states)


def fundamental_loops(generator: ArrayLike, state_names: Sequence[str] | None = None) -> list[Loop]:
    """Every loop that an edge outside a spanning tree closes; none if the graph is a tree.

    Parameters
    ----------
    generator : (S, S), 1/ms
    state_names : S names for `Loop.name`; without them the states' numbers

    Raises
    ------
    ValueError
        Not a generator.
    """
    rates = without_diagonal(as_generator(generator))
    names = list(state_names) if state_names is not None else [str(i) for i in range(len(rates))]
    if len(names) != len(rates):
        raise ValueError(f"state_names: {len(names)} names; the generator has {len(rates)} states")
    joined = (rates > 0.0) | (rates.T > 0.0)
    _, parent = _spanning_forest(joined)
    loops = []
    for i, j in np.argwhere(np.triu(joined)):
        if parent[i] != j and parent[j] != i:
            loops.append(_loop(rates, _path(parent, int(i), int(j)), names))
    return loops


def violating_loops(generator: ArrayLike, state_names: Sequence[str] | None = None) -> list[Loop]:
    """Fundamental loops whose products of rates differ; empty for a reversible scheme.

    Published rates rounded to a few digits differ too: `Loop.log_ratio` says by how much.

    Parameters
    ----------
    generator : (S, S), 1/ms
    state_names : S names for `Loop.name`; without them the states' numbers
    """
    return [loop for loop in fundamental_loops(generator, state_names) if not loop.balanced]


def is_reversible(generator: ArrayLike) -> bool:
    """Whether a scheme obeys detailed balance: no one-way arrow, no violating loop."""
    joined = without_diagonal(as_generator(generator)) > 0.0
    return bool(np.all(joined == joined.T)) and not violating_loops(generator)


def log_weights(generator: Floats) -> Floats | None:
    """Logarithms of weights d with ``d_i Q[i, j] = d_j Q[j, i]``, shape (S,), or None.

    Detailed balance of a generator, or of a block of one: the diagonal is not
    looked at. In each connected part the weights are known up to a factor, and
    are given with their largest one 1. None if there are no such weights.
    """
    rates = without_diagonal(generator)
    joined: Bools = rates > 0.0
    if np.any(joined != joined.T):
        return None
    logs = np.zeros_like(rates)
    np.log(rates, out=logs, where=joined)
    uphill = logs - logs.T  # ln d_j - ln d_i
    weights = np.zeros(len(rates))
    order, parent = _spanning_forest(joined)
    part = np.arange(len(rates))
    for state in order:
        if parent[state] >= 0:
            part[state] = part[parent[state]]
            weights[state] = weights[parent[state]] + uphill[parent[state], state]
    gap = np.where(joined, weights[:, None] + uphill - weights[None, :], 0.0)
    if np.abs(gap).max(initial=0.0) > TOLERANCE * len(rates):
        return None
    for root in np.unique(part):
        weights[part == root] -= weights[part == root].max()
    return weights


def _spanning_forest(joined: Bools) -> tuple[list[int], NDArray[np.int64]]:
    """Breadth-first forest: the states in order of discovery, and each one's parent or -1."""
    parent = np.full(len(joined), -1, dtype=np.int64)
    seen = np.zeros(len(joined), dtype=bool)
    order: list[int] = []
    for root in range(len(joined)):
        if seen[root]:
            continue
        seen[root] = True
        queue = [root]
        for state in queue:  # grows while it is walked
            fresh = joined[state] & ~seen
            seen |= fresh
            parent[fresh] = state
            queue.extend(int(neighbour) for neighbour in np.flatnonzero(fresh))
        order.extend(queue)
    return order, parent


def _path(parent: NDArray[np.int64], start: int, end: int) -> list[int]:
    """States of the tree from `start` up to the common ancestor and down to `end`."""

    def ancestry(state: int) -> list[int]:
        line = [state]
        while parent[line[-1]] >= 0:
            line.append(int(parent[line[-1]]))
        return line

    up, down = ancestry(start), ancestry(end)
    while len(up) > 1 and len(down) > 1 and up[-2] == down[-2]:
        up.pop()
        down.pop()
    return up + down[-2::-1]


def _loop(rates: Floats, states: list[int], names: list[str]) -> Loop:
    following = [*states[1:], states[0]]
    ahead, back = rates[states, following], rates[following, states]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        return Loop(
            states=tuple(states),
            name=" → ".join(names[state] for state in [*states, states[0]]),
            forward=float(ahead.prod()),
            backward=float(back.prod()),
            log_ratio=float(np.log(ahead).sum() - np.log(back).sum()),
        )
