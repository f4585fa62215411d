"""How long a channel stays: laws of open and shut times.

A sojourn in a class of states ends after a time of phase type: a start law, the
block of the generator within the class, and the rates out of it (Colquhoun &
Hawkes 1981, doi:10.1098/rspb.1981.0003). First latencies and lengths of bursts are
of that type too, and all that is asked of it here can be asked of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.equilibrium import stationary_law
from stochhh.theory.generators import (
    Bools,
    Floats,
    as_class,
    as_generator,
    generator_of,
    reachable,
    without_diagonal,
)
from stochhh.theory.modes import Numbers, exponential_modes

_SLOWEST = 1e-9  # relative to the fastest, rates whose eigenvalues keep seven digits


class PhaseType(NamedTuple):
    """The law of a time: how long a Markov machine stays in a class of A states.

    Attributes
    ----------
    start : (A,) probability to begin in each state; what is missing from a sum of
        one is the probability of a time of zero.
    generator : (A, A), 1/ms, the block of the generator within the class.
    exit : (A,), 1/ms, rate out of the class from each state.
    """

    start: Floats
    generator: Floats
    exit: Floats


class Components(NamedTuple):
    """Exponential components of a density, longest first: ``sum(area/τ exp(-t/τ))``.

    Attributes
    ----------
    time_constant_ms, area : (K,). Real under detailed balance, and then the areas
        of a dwell time at equilibrium are 0 or more; else complex ones come with
        their conjugates. The areas add up to the probability of a time above zero.
    """

    time_constant_ms: Numbers
    area: Numbers


def dwell_law(generator: ArrayLike, selected: ArrayLike) -> PhaseType:
    """Law of the sojourns in some states of a channel at equilibrium.

    A sojourn begins where the stationary flux enters: with a mask of the open
    states this is the open time, with its complement the shut time.

    Parameters
    ----------
    generator : (S, S), 1/ms
    selected : (S,) mask of the states; not all and not none

    Raises
    ------
    ValueError
        No single equilibrium, or the class is never entered in it.
    """
    matrix = as_generator(generator)
    inside = as_class(selected, len(matrix), "selected")
    entering = stationary_law(matrix)[~inside] @ matrix[np.ix_(~inside, inside)]
    if not entering.sum() > 0.0:
        raise ValueError("selected: at equilibrium these states are never entered")
    return sojourn(matrix, inside, entering / entering.sum())


def sojourn(generator: Floats, selected: Bools, start: ArrayLike) -> PhaseType:
    """Law of the time until A selected states are left, begun with the law `start`, (A,)."""
    leaving = generator[np.ix_(selected, ~selected)].sum(axis=1)
    first = np.asarray(start, dtype=np.float64)
    return PhaseType(first, generator[np.ix_(selected, selected)], leaving)


def density(time: PhaseType, times_ms: ArrayLike) -> Floats:
    """Probability density of a time, shape (T,), 1/ms: ``start exp(Qt) exit``."""
    return np.asarray(_laws(time, times_ms) @ time.exit)


def survivor(time: PhaseType, times_ms: ArrayLike) -> Floats:
    """Probability that it lasts longer, shape (T,): ``start exp(Qt) 1``."""
    return np.asarray(_laws(time, times_ms).sum(axis=1))


def sojourns_ms(time: PhaseType) -> Floats:
    """Expected time spent in each state of the class until it is left, shape (A,), ms.

    Found without subtraction, from the stationary law of a machine that begins
    anew whenever it has left, so small chances to leave keep their accuracy.
    Infinite where it may stay for ever.
    """
    joined = without_diagonal(time.generator) > 0.0
    visited = reachable(joined, time.start > 0.0)
    leaving = reachable(joined.T, time.exit > 0.0)  # states from which there is a way out
    found = np.zeros(len(time.start))
    if np.any(visited & ~leaving):  # it may stay for ever in some of them
        found[visited & ~leaving] = np.inf
        passed = visited & leaving
        block = time.generator[np.ix_(passed, passed)]
        found[passed] = np.linalg.solve(-block.T, time.start[passed])
    elif visited.any():
        start, out = time.start[visited], time.exit[visited]
        rates = without_diagonal(time.generator[np.ix_(visited, visited)])
        again = generator_of(rates + np.outer(out, start / start.sum()))
        share = stationary_law(again)
        found[visited] = start.sum() * share / (share @ out)
    return found


def mean_ms(time: PhaseType) -> float:
    """Mean of a time, ms; infinite if it may never end."""
    spent = sojourns_ms(time)
    return float("inf") if np.any(np.isinf(spent)) else float(spent.sum())


def components(time: PhaseType) -> Components:
    """Every exponential component of a density, longest first, with its area.

    As many as states from which the class can be left. The sum is exact; use
    `density` to evaluate it, which needs no eigenvalues. A longest time constant
    beyond 10⁹ times the shortest is found from the mean, which keeps its accuracy
    where an eigenvalue does not.

    Raises
    ------
    ValueError
        Eigenvalues fall together in a scheme without detailed balance, or several
        are too small to be told from zero.
    """
    joined = without_diagonal(time.generator) > 0.0
    kept = reachable(joined.T, time.exit > 0.0)
    block = time.generator[np.ix_(kept, kept)]
    mean = mean_ms(time)
    leaving: Floats = np.ones(len(block))  # probability to leave at all
    if mean == np.inf:
        leaving = np.asarray(np.linalg.solve(-block, time.exit[kept]))
    rate, area = exponential_modes(time.start[kept], block, leaving)
    with np.errstate(divide="ignore"):
        constant = 1.0 / rate
    slow = int(np.sum(rate.real < _SLOWEST * np.abs(np.diag(block)).max(initial=0.0)))
    if slow > 1 or (slow == 1 and mean == np.inf):
        raise ValueError(
            "the longest time constants cannot be told apart: their rates are too small against "
            "the fastest one; use density, survivor and mean_ms, which need no eigenvalues"
        )
    if slow == 1:
        constant[0] = (mean - (area[1:] * constant[1:]).sum().real) / area[0].real
    return Components(constant, area)


def log_bin_edges_ms(shortest_ms: float, longest_ms: float, bins_per_decade: int = 10) -> Floats:
    """Edges of bins of equal width on a logarithmic time axis, shape (B + 1,), ms.

    From `shortest_ms` to the first edge at or beyond `longest_ms` (Sigworth & Sine
    1987, doi:10.1016/S0006-3495(87)83298-8, who find 8 to 16 in a decade enough).
    """
    if not 0.0 < shortest_ms < longest_ms or bins_per_decade < 1:
        raise ValueError("need 0 < shortest_ms < longest_ms and bins_per_decade of 1 or more")
    n_bins = int(np.ceil(np.log10(longest_ms / shortest_ms) * bins_per_decade - 1e-9))
    return np.asarray(shortest_ms * 10.0 ** (np.arange(n_bins + 1) / bins_per_decade))


def bin_probabilities(time: PhaseType, edges_ms: ArrayLike) -> Floats:
    """Probability that a time falls into each bin, shape (B,).

    Times the number of events this is the curve drawn over a histogram of bins on
    a logarithmic axis, whose ordinate is the square root of the count (Sigworth &
    Sine 1987, doi:10.1016/S0006-3495(87)83298-8). Each is integrated within its
    bin, so narrow bins and far tails keep their relative accuracy.

    Parameters
    ----------
    time : the law of the time
    edges_ms : (B + 1,) in order
    """
    from scipy.linalg import expm

    edges = np.asarray(edges_ms, dtype=np.float64)
    if edges.ndim != 1 or not np.all(np.diff(edges) > 0.0) or not edges[0] >= 0.0:
        raise ValueError("edges_ms: need a list of increasing times from 0 ms up")
    n = len(time.start)
    joint = np.zeros((n + 1, n + 1))
    joint[:n, :n], joint[:n, n] = time.generator, time.exit
    within = expm(joint * np.diff(edges)[:, None, None])[:, :n, n]
    return np.asarray((_laws(time, edges[:-1]) * within).sum(axis=1))


def _laws(time: PhaseType, times_ms: ArrayLike) -> Floats:
    from scipy.linalg import expm

    times = np.asarray(times_ms, dtype=np.float64)
    return np.asarray(time.start @ expm(time.generator * times[:, None, None]))
