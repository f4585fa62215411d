"""Channels and voltages of the compartments of cells, each moved while the other is held."""

from __future__ import annotations

import numpy as np

from stochhh.kernels.cable import solve, solve_sheathed
from stochhh.kernels.frozen import gillespie
from stochhh.kernels.langevin import diffuse
from stochhh.kernels.leap import flow, leap
from stochhh.kernels.patch import between, jit
from stochhh.kernels.receptors import receptors_open
from stochhh.kernels.stepped import DIFFUSE, FLOW, GILLESPIE, LEAP


@jit
def move_channels(rng, steps, graph, pools, state, rates, arriving):
    """Move the channels of all compartments over a step at the voltages of its middle.

    Returns the number of transitions drawn one by one, and whether all voltages lay
    inside the tables; if not, nothing was moved.
    """
    n_compartments = state.voltage.shape[0]
    last_knot = steps.rates.shape[0] - 1
    for c in range(n_compartments):
        place = (state.voltage[c] - steps.first) / steps.spacing
        if not 0.0 <= place < last_knot:
            state.clock[0]["off_table"] = state.voltage[c]
            return 0, False
    transitions = 0
    for c in range(n_compartments):
        place = (state.voltage[c] - steps.first) / steps.spacing
        knot = np.uint64(place)
        y = place - knot
        occupancy = state.occupancy[c]
        for pool in range(pools.start[c], pools.start[c + 1]):
            k, how = pools.kind[pool], pools.how[pool]
            a, b = steps.state_start[k], steps.state_start[k + 1]
            if how == LEAP:
                leap(
                    rng, steps.row_start, steps.move_target, steps.chances, knot, y, a, b,
                    occupancy, arriving,
                )  # fmt: skip
            elif how == FLOW:
                flow(
                    steps.row_start, steps.move_target, steps.chances, knot, y, a, b,
                    occupancy, arriving,
                )  # fmt: skip
            else:
                i, j = steps.rate_start[k], steps.rate_start[k + 1]
                for r in range(i, j):
                    rates[r] = between(steps.rates, knot, r, y)
                if how == GILLESPIE:
                    transitions += gillespie(
                        rng, graph, rates, i, j, occupancy, state.class_weight[c], steps.duration
                    )
                elif how == DIFFUSE:
                    i, j = steps.pair_start[k], steps.pair_start[k + 1]
                    diffuse(
                        rng, steps.pairs, rates, i, j, a, b, occupancy, state.hidden[c],
                        steps.duration,
                    )  # fmt: skip
    return transitions, True


@jit
def open_conductances(cable, pools, steps, synapses, state, share, pool_open, conductance, drive):
    """Add up what conducts in each compartment, (C,) nS, and its drive, (C,) pA.

    `share` (S,) is the conductance of each state relative to its channel's;
    `pool_open` is overwritten with each pool's conductance (nS). Cut ends lead from the
    axoplasm to the bath: where there is a space under myelin, not through the membrane.
    """
    sheathed = cable.sheath_axial.shape[0] > 0
    for c in range(cable.parent.shape[0]):
        G = cable.leak[c] if sheathed else cable.leak[c] + cable.end[c]
        inward = cable.leak_drive[c]
        occupancy = state.occupancy[c]
        for pool in range(pools.start[c], pools.start[c + 1]):
            k = pools.kind[pool]
            n = 0.0
            for s in range(steps.state_start[k], steps.state_start[k + 1]):
                n += occupancy[s] * share[s]
            g = n * pools.conductance[pool]
            pool_open[pool] = g
            G += g
            inward += g * pools.reversal[pool]
        conductance[c] = G
        drive[c] = inward
    for y in range(synapses.source.shape[0]):
        n = receptors_open(synapses, state, y)
        g = n * synapses.conductance[y]
        conductance[synapses.target[y]] += g
        drive[synapses.target[y]] += g * synapses.reversal[y]


@jit
def inject(injection, state, begin, end, current):
    """Add the mean of the injected currents from `begin` to `end` (ms) to `current`, (C,) pA."""
    charge = 0.0
    for j in range(injection.piece_start.shape[0] - 1):
        last = injection.piece_start[j + 1] - 1
        piece = state.piece[j]
        t, moved = begin, 0.0
        while True:
            until = min(injection.end[piece], end)
            if until > t:
                moved += injection.current[piece] * (until - t)
                t = until
            if injection.end[piece] > end or piece == last:
                break
            piece += 1
        state.piece[j] = piece
        charge += moved
        for i in range(injection.share_start[j], injection.share_start[j + 1]):
            current[injection.compartment[i]] += injection.share[i] * moved / (end - begin)
    return charge


@jit
def move_voltages(cable, state, h, last, conductance, drive, injected, scratch):
    """Move all voltages over a step of `h` (ms); its middle is left in the first of `scratch`.

    The `last` step of a trial ends in its middle.
    """
    middle, outside, diagonal, stored, stored_sheath, block = scratch
    V, U = state.voltage, state.space
    n = V.shape[0]
    for c in range(n):
        stored[c] = 2.0 * cable.capacitance[c] / h
    for c in range(n):
        middle[c] = injected[c]
    if U.shape[0] == 0:
        solve(cable.parent, cable.axial, stored, conductance, drive, V, diagonal, middle)
    else:
        for c in range(n):
            stored_sheath[c] = 2.0 * cable.sheath_capacitance[c] / h
        solve_sheathed(
            cable.parent, cable.axial, cable.sheath_axial, cable.sheath_conductance, cable.end,
            stored, stored_sheath, conductance, drive, V, U, middle, outside, block,
        )  # fmt: skip
        for c in range(n):
            middle[c] -= outside[c]
            U[c] = outside[c] if last else 2.0 * outside[c] - U[c]
    for c in range(n):
        ends_here = last or cable.capacitance[c] == 0.0
        V[c] = middle[c] if ends_here else 2.0 * middle[c] - V[c]


@jit
def book(cable, pools, state, drive, conductance, pool_open, middle, outside, duration):
    """Book the charge that a step of `duration` (ms) moved outward, of each kind and in all."""
    ionic = 0.0
    if cable.sheath_axial.shape[0] > 0:
        for c in range(cable.parent.shape[0]):
            ionic += cable.end[c] * (middle[c] + outside[c])
    for c in range(cable.parent.shape[0]):
        ionic += conductance[c] * middle[c] - drive[c]
        for pool in range(pools.start[c], pools.start[c + 1]):
            outward = pool_open[pool] * (middle[c] - pools.reversal[pool])
            state.charge[pools.kind[pool]] += outward * duration
    state.clock[0]["ionic"] += ionic * duration
