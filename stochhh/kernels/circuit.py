"""Cells and synapses advanced in steps: channels and voltages take turns, half a step apart.

Channels and receptors move over [t - dt, t] at the voltages of t - dt/2, then all
voltages over [t - dt/2, t + dt/2] with the conductances of t, by one Crank-Nicolson
step (Strang 1968, doi:10.1137/0705041). So at t, a multiple of dt, channels and
voltages are both known, to second order. What is drawn for the channels of a
compartment is exact for the held voltage; only the diffusion has an error of its own.
"""

from __future__ import annotations

import numpy as np

from stochhh.kernels.compartments import (
    book,
    inject,
    move_channels,
    move_voltages,
    open_conductances,
)
from stochhh.kernels.mean_synapse import is_crowded, move_mean, release_mean
from stochhh.kernels.patch import jit
from stochhh.kernels.receptors import move_receptors, open_inputs, receptors_open
from stochhh.kernels.status import (
    COHORTS_FULL,
    FINISHED,
    LEFT_TABLE,
    PAUSED,
    RELEASES_FULL,
    SPIKES_FULL,
)
from stochhh.kernels.synapse import release


@jit
def observe(records, row, steps, pools, synapses, state, share, voltage):
    """Write the circuit as it is."""
    for w in range(records.where.shape[0]):
        c = records.where[w]
        if records.voltage.shape[0] > 0:
            records.voltage[row, w] = voltage[c]
        if records.open.shape[0] > 0:
            for pool in range(pools.start[c], pools.start[c + 1]):
                k = pools.kind[pool]
                n = 0.0
                for s in range(steps.state_start[k], steps.state_start[k + 1]):
                    if share[s] > 0.0:
                        n += state.occupancy[c, s]
                records.open[row, w, k] = n
    sites = state.sites
    for y in range(synapses.source.shape[0]):
        records.receptor_open[row, y] = receptors_open(synapses, state, y)
        if synapses.averaged:
            records.transmitter[row, y] = state.mean.transmitter[y]
            continue
        total = 0.0
        for site in range(synapses.site_start[y], synapses.site_start[y + 1]):
            total += sites.slow[site] - sites.fast[site]
        records.transmitter[row, y] = total / synapses.sites[y]


@jit
def simulate(
    rng, steps, graph, share, cable, pools, synapses, injection, inputs, state, n_steps, budget,
    records, spikes, releases,
):  # fmt: skip
    """Advance a circuit in steps, until its time is up or something needs the caller.

    Second order in the step. Spikes are crossing times within steps.

    Parameters
    ----------
    rng : numpy.random.Generator
    steps : `stochhh.steps.Steps` of the K kinds of channels
    graph : `stochhh.kinetics.tables.Graph` of the same
    share : float64 (S,) conductance of a state relative to its channel's
    cable, pools, synapses, injection, inputs : of `stochhh.circuit.network`
    state : `stochhh.circuit.network.State`, updated in place
    n_steps : int, from the origin to the end
    budget : int, steps before returning PAUSED
    records, spikes, releases : buffers of `stochhh.circuit.network`, written in place

    Returns
    -------
    transitions : int, in this call, where they are drawn one by one
    status : int, of `stochhh.kernels.status`
    """
    clock, V = state.clock[0], state.voltage
    dt = steps.duration
    n, n_states = V.shape[0], share.shape[0]
    n_pools, n_synapses = pools.kind.shape[0], synapses.source.shape[0]
    n_sites = synapses.site_start[n_synapses]
    rates = np.empty(steps.rates.shape[1])
    arriving, slope = np.empty(n_states), np.zeros(n_states)
    trial, total = np.empty(n_states), np.empty(n_states)
    pool_open = np.empty(n_pools)
    conductance, drive, injected, before = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    middle, outside, diagonal = np.empty(n), np.empty(n), np.empty(n)
    stored, stored_sheath, block = np.empty(n), np.empty(n), np.empty((n, 3))
    transitions = 0
    status = PAUSED
    for _ in range(budget):
        step = clock["step"]
        if step > n_steps:
            status = FINISHED
            break
        if clock["spikes"] + n > spikes.time.shape[0]:
            status = SPIKES_FULL
            break
        if clock["releases"] + n_sites > releases.time.shape[0]:
            status = RELEASES_FULL
            break
        if synapses.averaged and is_crowded(state.mean.settled, state.mean.waiting):
            status = COHORTS_FULL
            break
        now = clock["origin"] + step * dt
        if step > 0:
            moved, inside = move_channels(rng, steps, graph, pools, state, rates, arriving)
            if not inside:
                status = LEFT_TABLE
                break
            transitions += moved
            if synapses.averaged:
                move_mean(
                    steps, graph, share, synapses, V, state.mean, now,
                    (rates, slope, trial, total, arriving),
                )  # fmt: skip
            elif n_synapses > 0:
                transitions += move_receptors(
                    rng, steps, graph, share, synapses, state, now, releases,
                    (rates, slope, trial, total),
                )  # fmt: skip
        begin = max(now - 0.5 * dt, clock["origin"])
        end = now if step == n_steps else now + 0.5 * dt
        first, last = step == 0, step == n_steps
        open_conductances(
            cable, pools, steps, synapses, state, share, pool_open, conductance, drive
        )
        open_inputs(inputs, state, begin, end, conductance, drive)
        for c in range(n):
            injected[c] = 0.0
            before[c] = V[c]
        clock["injected"] += inject(injection, state, begin, end, injected)
        if first:
            observe(records, 0, steps, pools, synapses, state, share, V)
        h = 2.0 * (end - begin) if last else end - begin
        move_voltages(
            cable, state, h, last, conductance, drive, injected,
            (middle, outside, diagonal, stored, stored_sheath, block),
        )  # fmt: skip
        book(cable, pools, state, drive, conductance, pool_open, middle, outside, end - begin)
        for c in range(n):
            if state.armed[c] and V[c] >= cable.spike_threshold:
                rise = V[c] - before[c]
                part = (cable.spike_threshold - before[c]) / rise if rise > 0.0 else 1.0
                spikes.time[clock["spikes"]] = begin + part * (end - begin)
                spikes.compartment[clock["spikes"]] = c
                clock["spikes"] += 1
                state.armed[c] = False
            elif not state.armed[c] and V[c] <= cable.spike_rearm:
                state.armed[c] = True
        for y in range(n_synapses):
            c = synapses.source[y]
            if state.terminal_armed[y] and V[c] >= synapses.threshold[y]:
                rise = V[c] - before[c]
                part = (synapses.threshold[y] - before[c]) / rise if rise > 0.0 else 1.0
                when = begin + part * (end - begin)
                if synapses.averaged:
                    release_mean(synapses, y, when, state.mean)
                else:
                    release(rng, synapses, y, when, state.sites)
                state.terminal_armed[y] = False
            elif not state.terminal_armed[y] and V[c] <= synapses.rearm[y]:
                state.terminal_armed[y] = True
        if not first and step % records.every == 0:
            row = step // records.every
            observe(records, row, steps, pools, synapses, state, share, middle)
        clock["step"] = step + 1
    clock["transitions"] += transitions
    return transitions, status
