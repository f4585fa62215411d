"""Bursts of openings: how many openings, how long, and the law of their length.

A burst is defined either by the states whose visit ends it (Colquhoun & Hawkes
1982, doi:10.1098/rstb.1982.0156, who call them C) or, as in a record, by a critical
time: shut times that are longer end it. All laws are at equilibrium.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.dwell import PhaseType, dwell_law, mean_ms, sojourns_ms, survivor
from stochhh.theory.equilibrium import stationary_law
from stochhh.theory.generators import Bools, Floats, as_class, as_generator


class Bursts(NamedTuple):
    """The openings of a burst, with A open states.

    Attributes
    ----------
    first : (A,) probability that a burst begins in each open state.
    again : (A, A) probability that an opening that begins in the row's state is
        followed, in the same burst, by one that begins in the column's.
    last : (A,) probability that an opening that begins there is the last.
    mean_openings : mean number of openings in a burst.
    mean_open_ms : mean total open time of a burst.
    mean_length_ms : mean time from the first opening to the last shutting.
    """

    first: Floats
    again: Floats
    last: Floats
    mean_openings: float
    mean_open_ms: float
    mean_length_ms: float


def bursts_by_states(generator: ArrayLike, is_open: ArrayLike, is_between: ArrayLike) -> Bursts:
    """Bursts that end when one of some shut states is visited.

    Parameters
    ----------
    generator : (S, S), 1/ms
    is_open : (S,) mask
    is_between : (S,) mask of the shut states that are visited only between bursts

    Raises
    ------
    ValueError
        `is_between` holds for an open state, or no opening follows those states.
    """
    parts = _Parts.of(generator, is_open, is_between)
    length = burst_length_by_states(generator, is_open, is_between)
    spent = sojourns_ms(length)[: parts.n_open]
    shutting = parts.block("A", "B").sum(axis=1) + parts.block("A", "C").sum(axis=1)
    opened = np.linalg.solve(-parts.block("A", "A"), parts.block("A", "B"))
    ended = np.linalg.solve(-parts.block("A", "A"), length.exit[: parts.n_open])
    return Bursts(
        first=length.start[: parts.n_open],
        again=opened @ parts.returning(),
        last=np.asarray(ended),
        mean_openings=float(spent @ shutting),
        mean_open_ms=float(spent.sum()),
        mean_length_ms=mean_ms(length),
    )


def burst_length_by_states(
    generator: ArrayLike, is_open: ArrayLike, is_between: ArrayLike
) -> PhaseType:
    """Law of the length of bursts that end when one of some shut states is visited.

    A burst ends with its last opening, so of the visits to brief shut states only
    those count that lead back to an opening: the rates are those of a channel
    conditioned to come back. Its states are the open ones, then the brief shut
    ones from which an opening can follow. Exact; all of `dwell` applies to it.

    Parameters
    ----------
    generator, is_open, is_between : as for `bursts_by_states`
    """
    parts = _Parts.of(generator, is_open, is_between)
    returning = parts.returning()
    entering = parts.law["C"] @ (parts.block("C", "A") + parts.block("C", "B") @ returning)
    if not entering.sum() > 0.0:
        raise ValueError("is_between: at equilibrium no opening follows these states")
    back = returning.sum(axis=1)
    kept = back > 0.0
    back = back[kept]
    lost = np.zeros(len(kept))
    if len(kept):
        lost = np.linalg.solve(-parts.block("B", "B"), parts.block("B", "C").sum(axis=1))
    within = np.block(
        [
            [parts.block("A", "A"), parts.block("A", "B")[:, kept] * back],
            [
                parts.block("B", "A")[kept] / back[:, None],
                parts.block("B", "B")[np.ix_(kept, kept)] * back / back[:, None],
            ],
        ]
    )
    ending = parts.block("A", "C").sum(axis=1) + parts.block("A", "B") @ lost
    none = np.zeros(len(back))
    return PhaseType(
        start=np.concatenate([entering / entering.sum(), none]),
        generator=within,
        exit=np.concatenate([ending, none]),
    )


def bursts_by_gap(generator: ArrayLike, is_open: ArrayLike, critical_ms: float) -> Bursts:
    """Bursts that end with a shut time longer than a critical one.

    Exact. One shut time in ``mean_openings`` is longer than `critical_ms`, and the
    length is that many open times and the shut times between them.

    Parameters
    ----------
    generator : (S, S), 1/ms
    is_open : (S,) mask
    critical_ms : longest shut time within a burst
    """
    from scipy.linalg import expm

    matrix, opened, long_gap = gap_matrices(generator, is_open, critical_ms)
    shut = ~opened
    shut_time = dwell_law(matrix, shut)
    shutting = np.linalg.solve(-matrix[np.ix_(opened, opened)], matrix[np.ix_(opened, shut)])
    opening = np.linalg.solve(-matrix[np.ix_(shut, shut)], matrix[np.ix_(shut, opened)])
    every = dwell_law(matrix, opened).start
    first = every @ shutting @ long_gap @ opening
    n_shut = int(shut.sum())
    joint = np.zeros((2 * n_shut, 2 * n_shut))
    joint[:n_shut, :n_shut] = shut_time.generator
    joint[:n_shut, n_shut:] = np.eye(n_shut)
    until = float(shut_time.start @ expm(joint * critical_ms)[:n_shut, n_shut:].sum(axis=1))
    longer = float(survivor(shut_time, [critical_ms])[0])
    openings = 1.0 / longer
    open_ms = openings * mean_ms(dwell_law(matrix, opened))
    return Bursts(
        first=first / first.sum(),
        again=shutting @ (np.eye(n_shut) - long_gap) @ opening,
        last=(shutting @ long_gap).sum(axis=1),
        mean_openings=openings,
        mean_open_ms=open_ms,
        mean_length_ms=open_ms + openings * (until - critical_ms * longer),
    )


def openings_per_burst(bursts: Bursts, most: int) -> Floats:
    """Probability of 1, 2, … `most` openings in a burst, shape (most,).

    A sum of geometric laws, as many as open states (Colquhoun & Hawkes 1982,
    doi:10.1098/rstb.1982.0156).
    """
    found = np.empty(most)
    row = bursts.first
    for index in range(most):
        found[index] = row @ bursts.last
        row = row @ bursts.again
    return found


def gap_matrices(
    generator: ArrayLike, is_open: ArrayLike, critical_ms: float
) -> tuple[Floats, Bools, Floats]:
    """Generator and mask, checked, and ``exp(Q critical_ms)`` within the shut states, (F, F)."""
    from scipy.linalg import expm

    matrix = as_generator(generator)
    opened = as_class(is_open, len(matrix), "is_open")
    if not 0.0 < critical_ms < np.inf:
        raise ValueError(f"critical_ms = {critical_ms:g}; need a time above 0 ms")
    shut = ~opened
    return matrix, opened, np.asarray(expm(matrix[np.ix_(shut, shut)] * critical_ms))


class _Parts(NamedTuple):
    """A generator cut into open (A), brief shut (B) and long shut (C) states."""

    matrix: Floats
    mask: dict[str, Bools]
    law: dict[str, Floats]

    @classmethod
    def of(cls, generator: ArrayLike, is_open: ArrayLike, is_between: ArrayLike) -> _Parts:
        matrix = as_generator(generator)
        opened = as_class(is_open, len(matrix), "is_open")
        between = as_class(is_between, len(matrix), "is_between")
        if np.any(opened & between):
            state = int(np.argmax(opened & between))
            raise ValueError(f"is_between: state {state} is open; need shut states only")
        law = stationary_law(matrix)
        mask = {"A": opened, "B": ~opened & ~between, "C": between}
        return cls(matrix, mask, {name: law[states] for name, states in mask.items()})

    @property
    def n_open(self) -> int:
        return int(self.mask["A"].sum())

    def block(self, source: str, target: str) -> Floats:
        return self.matrix[np.ix_(self.mask[source], self.mask[target])]

    def returning(self) -> Floats:
        """From each brief shut state to each open one: probability to open there next, (B, A)."""
        if not self.mask["B"].any():
            return np.zeros((0, self.n_open))
        return np.asarray(np.linalg.solve(-self.block("B", "B"), self.block("B", "A")))
