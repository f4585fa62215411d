"""Membrane patches advanced in steps: channels and voltage take turns.

Second-order methods stagger them by half a step (Strang 1968,
doi:10.1137/0705041): channels move over [t, t + dt] at the voltage of t + dt/2,
the voltage over [t - dt/2, t + dt/2] along its closed-form relaxation with the
conductances of t. So at t, a multiple of dt, both are known. First-order methods,
as usually published, hold the voltage of t for the channels' step and move the
voltage by Euler's rule with the conductances of t.
"""

from __future__ import annotations

import numpy as np

from stochhh.kernels.frozen import gillespie
from stochhh.kernels.langevin import diffuse, diffuse_gates
from stochhh.kernels.leap import flow, leap
from stochhh.kernels.patch import (
    between,
    inlined,
    jit,
    observe,
    reach,
    relaxation,
    settle,
    start_settling,
    time_to,
)
from stochhh.kernels.status import FINISHED, LEFT_TABLE, PAUSED, RECORDS_FULL, SPIKES_FULL

#: How a population's channels are moved.
FLOW, LEAP, GILLESPIE, DIFFUSE, DIFFUSE_GATES = 0, 1, 2, 3, 4

_COINCIDENT = 1e-6  # of a step: times closer than this are one


@inlined
def sum_conductances(patch, state):
    """Add up what conducts now; returns total conductance (nS) and drive (pA)."""
    n_populations = patch.state_start.shape[0] - 1
    G = state.open_conductance[n_populations]
    drive = G * patch.reversal[n_populations]
    for p in range(n_populations):
        conductance = 0.0
        for s in range(patch.state_start[p], patch.state_start[p + 1]):
            conductance += state.occupancy[s] * patch.state_conductance[s]
        state.open_conductance[p] = conductance
        G += conductance
        drive += conductance * patch.reversal[p]
    return G, drive


@jit
def simulate(rng, steps, graph, patch, stimulus, state, budget, records, spikes):
    """Advance a membrane patch in steps, until its stimulus ends or something needs the caller.

    Second order in the step where ``steps.staggered``, first order otherwise.
    Currents and commands that change at a multiple of the step are followed
    exactly; changes of current elsewhere too, jumps of the command at the nearest
    multiple. Spikes are crossing times within steps.

    Parameters
    ----------
    rng : numpy.random.Generator
    steps : `stochhh.steps.Steps`
    graph : `stochhh.kinetics.tables.Graph`
    patch : `stochhh.membrane.Patch`
    stimulus : `stochhh.stimulus.Breakpoints`
    state : `stochhh.stepping.SteppedState`, updated in place
    budget : int
        Steps and breakpoints before returning PAUSED.
    records : `stochhh.state.Records`, written in place
    spikes : float64 (n,), crossing times in ms

    Returns
    -------
    transitions : int, in this call, where they are drawn one by one
    status : int, of `stochhh.kernels.status`
    """
    clock = state.clock[0]
    clamped = stimulus.command.shape[0] > 0
    euler = not steps.staggered
    phase = 1.0 if euler else 0.5
    dt = steps.duration
    tiny = _COINCIDENT * dt
    lowest, spacing = steps.first, steps.spacing
    last_knot = steps.rates.shape[0] - 1
    per_capacitance = 1.0 / patch.capacitance
    n_records = records.voltage.shape[0]

    t, V, held = clock["time"], clock["voltage"], clock["held"]
    G, drive = clock["conductance"], clock["drive"]
    segment, armed, step = clock["segment"], clock["armed"], clock["steps"]
    n_spikes, n_recorded = clock["spikes"], clock["recorded"]
    next_record = records.time[n_recorded]
    transitions = 0
    status = PAUSED

    # arrays by themselves: taking one out of a tuple costs more than a step should
    how, state_start, rate_table = steps.how, steps.state_start, steps.rates
    row_start, move_target, chances = steps.row_start, steps.move_target, steps.chances
    rate_start, pair_start, pairs = steps.rate_start, steps.pair_start, steps.pairs
    gate_start, gate_list, n_open, ways = steps.gate_start, steps.gates, steps.n_open, steps.ways
    occupancy, weight, hidden, gates = state.occupancy, state.weight, state.hidden, state.gates
    open_conductance, charge, reversal = state.open_conductance, state.charge, patch.reversal
    rates = np.empty(rate_table.shape[1])
    arriving = np.empty_like(state.occupancy)
    breakpoint_time, current = stimulus.end[segment], stimulus.current[segment]
    ramp = stimulus.slope[segment] if clamped else 0.0

    for _ in range(budget):
        if n_spikes == spikes.shape[0]:
            status = SPIKES_FULL
            break
        moment = (step + phase) * dt
        channels_move = moment <= breakpoint_time + tiny
        arrival = min(moment, breakpoint_time)
        wait = max(arrival - t, 0.0)
        k = 0.0 if clamped or euler else G * per_capacitance
        slope = (
            ramp if clamped else (drive + current - G * (held if euler else V)) * per_capacitance
        )
        reached = V + slope * wait * relaxation(k * wait)

        shown_until = arrival - tiny if channels_move else arrival
        while next_record <= shown_until and n_recorded < n_records:
            observe(records, n_recorded, state, patch, next_record, t, V, slope, k)
            n_recorded += 1
            next_record = records.time[n_recorded]
        if next_record <= shown_until:
            status = RECORDS_FULL
            break

        if not clamped:
            if armed == 1 and reached >= patch.spike_threshold:
                spikes[n_spikes] = t + time_to(patch.spike_threshold - V, slope, k, wait)
                n_spikes += 1
                armed = 0
            elif armed == 0 and reached <= patch.spike_rearm:
                armed = 1
        t, V = arrival, reached

        if channels_move:
            moved_at = held if euler else V
            place = (moved_at - lowest) / spacing
            if not 0.0 <= place < last_knot:  # nor if it is no number
                status = LEFT_TABLE
                break
            settle(charge, open_conductance, reversal, clock, t, k)
            knot = np.uint64(place)
            y = place - knot
            for r in range(rates.shape[0]):
                rates[r] = between(rate_table, knot, r, y)
            for p in range(how.shape[0]):
                a, b = state_start[p], state_start[p + 1]
                if how[p] == FLOW:
                    flow(row_start, move_target, chances, knot, y, a, b, occupancy, arriving)
                elif how[p] == LEAP:
                    leap(rng, row_start, move_target, chances, knot, y, a, b, occupancy, arriving)
                elif how[p] == GILLESPIE:
                    c, d = rate_start[p], rate_start[p + 1]
                    transitions += gillespie(rng, graph, rates, c, d, occupancy, weight, dt)
                elif how[p] == DIFFUSE:
                    c, d = pair_start[p], pair_start[p + 1]
                    diffuse(rng, pairs, rates, c, d, a, b, occupancy, hidden, dt)
                else:
                    c, d = gate_start[p], gate_start[p + 1]
                    diffuse_gates(
                        rng, gate_list, n_open, ways, rates, c, d, a, b, gates, occupancy, dt
                    )
            G, drive = sum_conductances(patch, state)
            step += 1
            held = V
        else:
            settle(charge, open_conductance, reversal, clock, t, k)
            reach(clock, V)
            segment += 1
            if segment == stimulus.end.shape[0]:
                status = FINISHED
                break
            breakpoint_time, current = stimulus.end[segment], stimulus.current[segment]
            if clamped:
                V, ramp = stimulus.command[segment], stimulus.slope[segment]
                if t < (step + 0.5) * dt - tiny:
                    held = V
        if clamped:
            start_settling(clock, t, V, ramp)
        elif euler:
            start_settling(clock, t, held, 0.0)
        else:
            start_settling(clock, t, V, (drive + current - G * V) * per_capacitance)

    clock["time"], clock["voltage"], clock["held"] = t, V, held
    clock["conductance"], clock["drive"] = G, drive
    clock["segment"], clock["armed"], clock["steps"] = segment, armed, step
    clock["spikes"], clock["recorded"] = n_spikes, n_recorded
    clock["transitions"] += transitions
    return transitions, status
