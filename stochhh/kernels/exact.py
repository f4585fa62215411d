"""Exact simulation of channels and voltage by thinning, without a time step.

Between two changes of conductance the voltage relaxes exponentially, so the
membrane is a piecewise-deterministic Markov process; its transition times are
drawn against bounds of the rates within a voltage band and thinned (Lewis &
Shedler 1979, doi:10.1002/nav.3800260304; Lemaire, Thieullen & Thomas 2018,
doi:10.1007/s10915-017-0587-8).
"""

from __future__ import annotations

from math import inf

import numpy as np

from stochhh.kernels.patch import (
    ONE,
    flip_tagged,
    jit,
    observe,
    reach,
    relaxation,
    settle,
    start_settling,
    time_to,
)
from stochhh.kernels.status import (
    BOUND_BROKEN,
    FINISHED,
    FLIPS_FULL,
    LEFT_TABLE,
    PAUSED,
    RECORDS_FULL,
    SPIKES_FULL,
)


@jit
def weigh(propensity, bound, weight):
    """Fill in the bounding propensity of each rate class (1/ms) and return their sum."""
    total = 0.0
    for r in range(propensity.shape[0]):
        propensity[r] = bound[r] * weight[r]
        total += propensity[r]
    return total


@jit
def simulate(
    rng, tag_rng, graph, bands, patch, stimulus, state, budget, records, spikes, tags, flips
):
    """Advance a membrane patch exactly, until its stimulus ends or something needs the caller.

    Exact in law for currents that are constant between breakpoints, and for
    command voltages (a clamp) that are straight between them. Use it where every
    flip counts and up to some 10⁵ channels; its cost is about 40 ns a transition
    on one core, whatever the number of channels.

    A candidate takes one uniform and one exponential from `rng`, a transition one
    uniform from `tag_rng` if tagged channels were in the state it left. Band edges,
    breakpoints, recording, tagging and pausing draw nothing: what is left of an
    exponential is used on.

    Parameters
    ----------
    rng, tag_rng : numpy.random.Generator
    graph : `stochhh.kinetics.tables.Graph`
    bands : `stochhh.kinetics.tables.Bands`
    patch : `stochhh.membrane.Patch`
    stimulus : `stochhh.stimulus.Breakpoints`
    state : `stochhh.simulate.PatchState`, updated in place
    budget : int
        Candidates to draw before returning PAUSED.
    records : `stochhh.simulate.Records`, written in place
    spikes : float64 (n,), crossing times in ms
    tags : `stochhh.simulate.Tags`, updated in place
    flips : `stochhh.simulate.Flips`, transitions of tagged channels

    Returns
    -------
    transitions : int, in this call
    status : int, of `stochhh.kernels.status`
    """
    source, target, multiplicity = graph.source, graph.target, graph.multiplicity
    class_start, touched_start = graph.class_start, graph.touched_start
    touched_class, touched_change = graph.touched_class, graph.touched_change
    edge, upper, inverse = bands.edge, bands.upper, bands.inverse
    ratio, polynomial = bands.ratio, bands.polynomial
    state_conductance, state_drive = patch.state_conductance, patch.state_drive
    occupancy, weight, clock = state.occupancy, state.weight, state.clock[0]
    open_conductance, charge = state.open_conductance, state.charge
    population, reversal = patch.population, patch.reversal

    n_classes = weight.shape[0]
    n_bands = upper.shape[0]
    degree = polynomial.shape[2] - 1
    per_capacitance = 1.0 / patch.capacitance
    clamped = stimulus.command.shape[0] > 0
    tagging = tags.channel_state.shape[0] > 0
    spike_edge = np.searchsorted(edge, patch.spike_threshold)
    rearm_edge = np.searchsorted(edge, patch.spike_rearm)

    t, V, hazard, A = clock["time"], clock["voltage"], clock["hazard"], clock["bound"]
    G, drive = clock["conductance"], clock["drive"]
    band, segment, armed = clock["band"], clock["segment"], clock["armed"]
    n_spikes, n_flips = clock["spikes"], clock["flips"]
    n_recorded = clock["recorded"]
    n_records = records.voltage.shape[0]
    next_record = records.time[n_recorded]
    transitions, rejected, crossings = 0, 0, 0
    status = PAUSED

    ramp = stimulus.slope[segment] if clamped else 0.0
    k = 0.0 if clamped else G * per_capacitance
    low, high = edge[band], edge[band + 1]
    breakpoint_time, current = stimulus.end[segment], stimulus.current[segment]
    propensity = np.empty(n_classes)
    bound = upper[band]
    summed = weigh(propensity, bound, weight)
    if A < 0.0:
        A = summed

    for _ in range(budget):
        if n_spikes == spikes.shape[0]:
            status = SPIKES_FULL
            break
        if tagging and n_flips == flips.time.shape[0]:
            status = FLIPS_FULL
            break

        # how far the membrane can go undisturbed: transition, breakpoint, or edge of the band
        wait = hazard / A if A > 0.0 else inf
        at_breakpoint = t + wait >= breakpoint_time
        if at_breakpoint:
            wait = breakpoint_time - t
        slope = ramp if clamped else (drive + current - G * V) * per_capacitance
        reached = V + slope * wait * relaxation(k * wait)
        # an edge belongs to both its bands: only a slope that leads out of one takes V across,
        # so a membrane that rests on an edge does not hop to and fro for ever
        at_edge = reached < low or reached > high
        if at_edge:
            rising = reached > high
            reached = high if rising else low
            wait = time_to(reached - V, slope, k, wait)
            at_breakpoint = False
        arrival = breakpoint_time if at_breakpoint else t + wait

        while next_record <= arrival and n_recorded < n_records:
            observe(records, n_recorded, state, patch, next_record, t, V, slope, k)
            n_recorded += 1
            next_record = records.time[n_recorded]
        if next_record <= arrival:  # nothing has moved yet: called again, it goes on as if uncut
            status = RECORDS_FULL
            break

        t, V = arrival, reached

        if at_edge:
            crossings += 1
            hazard = max(hazard - A * wait, 0.0)
            band += 1 if rising else -1
            if rising and band == spike_edge and armed == 1:
                spikes[n_spikes] = t
                n_spikes += 1
                armed = 0
            elif not rising and band + 1 == rearm_edge and not clamped:
                armed = 1
            if band < 0 or band == n_bands:
                A = -1.0
                status = LEFT_TABLE
                break
            low, high = edge[band], edge[band + 1]
            bound = upper[band]
            A = weigh(propensity, bound, weight)
            continue

        if at_breakpoint:
            hazard = max(hazard - A * wait, 0.0)
            settle(charge, open_conductance, reversal, clock, t, k)
            reach(clock, V)
            segment += 1
            if segment == stimulus.end.shape[0]:
                status = FINISHED
                break
            breakpoint_time, current = stimulus.end[segment], stimulus.current[segment]
            if not clamped:
                start_settling(clock, t, V, (drive + current - G * V) * per_capacitance)
                continue
            V, ramp = stimulus.command[segment], stimulus.slope[segment]
            start_settling(clock, t, V, ramp)
            band = np.searchsorted(edge, V, side="right") - 1
            if band < 0 or band >= n_bands:
                A = -1.0
                status = LEFT_TABLE
                break
            low, high = edge[band], edge[band + 1]
            bound = upper[band]
            A = weigh(propensity, bound, weight)
            continue

        # the rate class, and what is left of the uniform: a place in its weight
        hazard = rng.standard_exponential()
        u = rng.random() * A
        r = 0
        while u >= propensity[r] and r < n_classes - 1:
            u -= propensity[r]
            r += 1
        u *= inverse[band, r]
        if u >= weight[r]:  # by rounding only: u was all but A
            rejected += 1
            continue
        whole = int(u)
        fraction = u - whole
        if fraction >= ratio[band, r]:
            y = (V - low) / (high - low)
            exact = polynomial[band, r, degree]
            for power in range(degree - 1, -1, -1):
                exact = exact * y + polynomial[band, r, power]
            if not (ratio[band, r] <= exact <= 1.0):
                status = BOUND_BROKEN
                break
            if fraction >= exact:
                rejected += 1
                continue
        e = class_start[r]  # the shares of a class add up to its weight, so the search ends in it
        share = multiplicity[e] * occupancy[source[e]]
        while whole >= share:
            whole -= share
            e += ONE
            share = multiplicity[e] * occupancy[source[e]]

        # apply it
        transitions += 1
        i, j = source[e], target[e]
        if tagging:
            n_flips = flip_tagged(tag_rng, tags, flips, n_flips, i, j, occupancy[i], t)
        occupancy[i] -= 1
        occupancy[j] += 1
        for touched in range(touched_start[e], touched_start[e + ONE]):
            r2 = touched_class[touched]
            weight[r2] += touched_change[touched]
            A += bound[r2] * touched_change[touched]
            propensity[r2] = bound[r2] * weight[r2]
        if state_conductance[i] != state_conductance[j]:
            settle(charge, open_conductance, reversal, clock, t, k)
            G += state_conductance[j] - state_conductance[i]
            drive += state_drive[j] - state_drive[i]
            open_conductance[population[i]] += state_conductance[j] - state_conductance[i]
            if not clamped:
                k = G * per_capacitance
                slope = (drive + current - G * V) * per_capacitance
            start_settling(clock, t, V, slope)

    clock["time"], clock["voltage"], clock["hazard"], clock["bound"] = t, V, hazard, A
    clock["conductance"], clock["drive"] = G, drive
    clock["band"], clock["segment"], clock["armed"] = band, segment, armed
    clock["spikes"], clock["flips"], clock["recorded"] = n_spikes, n_flips, n_recorded
    clock["transitions"] += transitions
    clock["rejected"] += rejected
    clock["crossings"] += crossings
    return transitions, status
