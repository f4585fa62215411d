"""Leaping channels: a multinomial redistribution of every state over one step.

Given the voltage, the channels of a state are independent, so over a step they
scatter by the multinomial law of that state's row of the propagator expm(Q dt)
(Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003): exact for a held voltage,
whatever number of transitions falls into the step. With rows of 1 + Q dt instead,
a channel makes at most one transition a step: the usual, first-order leap.
"""

from __future__ import annotations

from stochhh.kernels.binomial import binomial
from stochhh.kernels.patch import jit


@jit
def leap(rng, row_start, move_target, table, knot, y, first, last, occupancy, arriving, chance):
    """Redistribute the channels of the states `first` to `last` - 1.

    It draws first how many leave each state, then where those go, nearest states
    first: one binomial a state, and one more for each state that receives any.

    Parameters
    ----------
    rng : numpy.random.Generator
    row_start, move_target : int64 (S + 1,) and (E,), where channels of each state can get
    table : float64 (K, E), chance of each move at the tabulated voltages
    knot, y : the voltage: between rows `knot` and `knot` + 1, at `y` from 0 to 1
    first, last : states of the population
    occupancy : float64 (S,) whole numbers, updated in place
    arriving, chance : float64 (S,), scratch
    """
    for s in range(first, last):
        arriving[s] = 0.0
    for s in range(first, last):
        n = int(occupancy[s])
        if n == 0:
            continue
        a, b = row_start[s], row_start[s + 1]
        leaving = 0.0
        for e in range(a, b):
            chance[e - a] = table[knot, e] + y * (table[knot + 1, e] - table[knot, e])
            leaving += chance[e - a]
        n_leaving = binomial(rng, n, leaving)
        occupancy[s] -= n_leaving
        e = a
        while n_leaving > 0 and e < b - 1:
            gone = binomial(rng, n_leaving, chance[e - a] / leaving)
            arriving[move_target[e]] += gone
            n_leaving -= gone
            leaving -= chance[e - a]
            e += 1
        if n_leaving > 0:
            arriving[move_target[e]] += n_leaving
    for s in range(first, last):
        occupancy[s] += arriving[s]


@jit
def flow(row_start, move_target, table, knot, y, first, last, occupancy, arriving):
    """Move expected numbers of channels instead of drawing them: the mean field of `leap`."""
    for s in range(first, last):
        arriving[s] = 0.0
    for s in range(first, last):
        n = occupancy[s]
        for e in range(row_start[s], row_start[s + 1]):
            chance = table[knot, e] + y * (table[knot + 1, e] - table[knot, e])
            gone = min(n * chance, occupancy[s])  # by rounding, all may be a little less
            occupancy[s] -= gone
            arriving[move_target[e]] += gone
    for s in range(first, last):
        occupancy[s] += arriving[s]
