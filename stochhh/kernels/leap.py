"""Leaping channels: a multinomial redistribution of every state over one step.

Given the voltage, the channels of a state are independent, so over a step they
scatter by the multinomial law of that state's row of the propagator expm(Q dt)
(Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003): exact for a held voltage,
whatever number of transitions falls into the step. With rows of 1 + Q dt instead,
a channel makes at most one transition a step: the usual, first-order leap.

A row is tabulated as it is drawn: the chance to leave at all, then for each target but
the last the chance to go there, given that it was none of those before.
"""

from __future__ import annotations

from stochhh.kernels.binomial import binomial
from stochhh.kernels.patch import ONE, between, jit


@jit
def leap(rng, row_start, move_target, table, knot, y, first, last, occupancy, arriving):
    """Redistribute the channels of the states `first` to `last` - 1.

    It draws first how many leave each state, then where those go, nearest states
    first: one binomial a state, and one more for each state that receives any.

    Parameters
    ----------
    rng : numpy.random.Generator
    row_start, move_target : uint64 (S + 1,) and (E,), where channels of each state can get
    table : float64 (K, E), rows in turn at the tabulated voltages
    knot, y : the voltage: between rows `knot` (unsigned) and `knot` + 1, at `y` from 0 to 1
    first, last : states of the population
    occupancy : float64 (S,) whole numbers, updated in place
    arriving : float64 (S,), scratch
    """
    for s in range(first, last):
        arriving[s] = 0.0
    for s in range(first, last):
        n = int(occupancy[s])
        move, end = row_start[s], row_start[s + ONE]
        if n == 0 or move == end:
            continue
        leaving = binomial(rng, n, between(table, knot, move, y))
        occupancy[s] -= leaving
        while leaving > 0 and move + ONE < end:
            gone = binomial(rng, leaving, between(table, knot, move + ONE, y))
            arriving[move_target[move]] += gone
            leaving -= gone
            move += ONE
        if leaving > 0:
            arriving[move_target[move]] += leaving
    for s in range(first, last):
        occupancy[s] += arriving[s]


@jit
def flow(row_start, move_target, table, knot, y, first, last, occupancy, arriving):
    """Move expected numbers of channels instead of drawing them: the mean field of `leap`."""
    for s in range(first, last):
        arriving[s] = 0.0
    for s in range(first, last):
        move, end = row_start[s], row_start[s + ONE]
        if move == end:
            continue
        leaving = occupancy[s] * between(table, knot, move, y)
        occupancy[s] -= leaving
        while move + ONE < end:
            gone = leaving * between(table, knot, move + ONE, y)
            arriving[move_target[move]] += gone
            leaving -= gone
            move += ONE
        arriving[move_target[move]] += leaving
    for s in range(first, last):
        occupancy[s] += arriving[s]
