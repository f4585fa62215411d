"""Receptors behind release sites, and conductances that open at given times."""

from __future__ import annotations

import numpy as np

from stochhh.kernels.frozen import gillespie
from stochhh.kernels.langevin import diffuse
from stochhh.kernels.patch import between, jit
from stochhh.kernels.stepped import DIFFUSE, GILLESPIE
from stochhh.kernels.synapse import add_pulse, mean_of_decay, relax, release_spontaneously

#: Receptors moved in their mean field; the other ways are those of `stochhh.kernels.stepped`.
RELAX = 5

_NEGLIGIBLE = 1e-6  # of the transmitter of a vesicle


@jit
def move_receptors(rng, steps, graph, share, synapses, state, now, releases, scratch):
    """Let vesicles out that are due by `now`, and move all receptors over the step before.

    Returns the number of transitions drawn one by one.
    """
    dt = steps.duration
    clock, sites = state.clock[0], state.sites
    rates, slope, trial, total = scratch
    transitions = 0
    for y in range(synapses.source.shape[0]):
        if synapses.spontaneous[y] > 0.0:
            release_spontaneously(rng, synapses, y, now, sites, state.next_spontaneous)
        decay, rise = synapses.decay[y], synapses.rise[y]
        amplitude = synapses.amplitude[y]
        k = synapses.kind[y]
        a, b = steps.state_start[k], steps.state_start[k + 1]
        i, j = steps.rate_start[k], steps.rate_start[k + 1]
        place = (state.voltage[synapses.target[y]] - steps.first) / steps.spacing
        knot = np.uint64(place)
        between_knots = place - knot
        slow_mean, fast_mean = mean_of_decay(decay, dt), mean_of_decay(rise, dt)
        slow_kept = np.exp(-dt / decay)
        fast_kept = np.exp(-dt / rise) if rise > 0.0 else 0.0
        for site in range(synapses.site_start[y], synapses.site_start[y + 1]):
            if sites.full[site] == 0.0 and sites.refilled[site] <= now:
                sites.full[site] = 1.0
            concentration = 0.0
            if sites.active[site]:
                concentration = sites.slow[site] * slow_mean - sites.fast[site] * fast_mean
                sites.slow[site] *= slow_kept
                sites.fast[site] *= fast_kept
            if sites.arrival[site] <= now:
                since = min(now - sites.arrival[site], dt)
                slow, fast, mean = add_pulse(amplitude, decay, rise, since, dt)
                sites.slow[site] += slow
                sites.fast[site] += fast
                concentration += mean
                sites.active[site] = True
                n = clock["releases"]
                releases.time[n] = sites.arrival[site]
                releases.site[n] = site
                releases.spike[n] = sites.spike[site]
                clock["releases"] = n + 1
                sites.arrival[site] = np.inf
            if not sites.active[site]:
                continue
            occupancy, weight = sites.occupancy[site], sites.class_weight[site]
            for r in range(i, j):
                rate = between(steps.rates, knot, r, between_knots)
                rates[r] = rate * concentration if synapses.binds[r] else rate
            how = synapses.how[y]
            if how == GILLESPIE:
                transitions += gillespie(rng, graph, rates, i, j, occupancy, weight, dt)
            elif how == DIFFUSE:
                e, f = steps.pair_start[k], steps.pair_start[k + 1]
                diffuse(rng, steps.pairs, rates, e, f, a, b, occupancy, sites.hidden[site], dt)
            else:
                relax(graph, rates, i, j, a, b, occupancy, slope, trial, total, dt)
            conducting = 0.0
            for s in range(a, b):
                conducting += occupancy[s] * share[s]
            sites.open[site] = conducting
            if sites.slow[site] < _NEGLIGIBLE * amplitude:
                bound, all_of_them = 0.0, 0.0
                for s in range(a, b):
                    all_of_them += occupancy[s]
                    bound += 0.0 if synapses.rests[s] else occupancy[s]
                if bound <= _NEGLIGIBLE * all_of_them and (how != GILLESPIE or bound == 0.0):
                    sites.active[site] = False
                    sites.slow[site] = sites.fast[site] = 0.0
    return transitions


@jit
def receptors_open(synapses, state, y):
    """Open receptors of all sites of a synapse."""
    if synapses.averaged:
        return state.mean.open[y]
    n, sites = 0.0, state.sites
    for site in range(synapses.site_start[y], synapses.site_start[y + 1]):
        if sites.active[site]:
            n += sites.open[site]
    return n


@jit
def open_inputs(inputs, state, begin, end, conductance, drive):
    """Add the mean conductances of the inputs from `begin` to `end` (ms)."""
    duration = end - begin
    for q in range(inputs.compartment.shape[0]):
        decay, rise, amplitude = inputs.decay[q], inputs.rise[q], inputs.amplitude[q]
        g = state.input_slow[q] * mean_of_decay(decay, duration)
        g -= state.input_fast[q] * mean_of_decay(rise, duration)
        state.input_slow[q] *= np.exp(-duration / decay)
        if rise > 0.0:
            state.input_fast[q] *= np.exp(-duration / rise)
        event = state.next_event[q]
        while event < inputs.event_start[q + 1] and inputs.event[event] <= end:
            since = min(end - inputs.event[event], duration)
            slow, fast, mean = add_pulse(amplitude, decay, rise, since, duration)
            state.input_slow[q] += slow
            state.input_fast[q] += fast
            g += mean
            event += 1
        state.next_event[q] = event
        conductance[inputs.compartment[q]] += g
        drive[inputs.compartment[q]] += g * inputs.reversal[q]
