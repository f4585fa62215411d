"""Release of vesicles, the transmitter they leave, and receptors in their mean field."""

from __future__ import annotations

from math import exp, expm1

import numpy as np

from stochhh.kernels.patch import jit


@jit
def mean_of_decay(time_constant, duration):
    """Mean of exp(-t/time_constant) over `duration`, ms."""
    if time_constant <= 0.0:
        return 0.0
    return -expm1(-duration / time_constant) * time_constant / duration


@jit
def add_pulse(amplitude, decay, rise, since, duration):
    """Exponentials that an event leaves at the end of a step, and their mean over it.

    Parameters
    ----------
    amplitude : of each of the two exponentials, whose difference is the pulse
    decay, rise : ms; a rise of zero is none
    since : ms from the event to the end of the step
    duration : ms, of the step

    Returns
    -------
    slow, fast : at the end of the step
    mean : of their difference over the whole step
    """
    slow = amplitude * exp(-since / decay)
    mean = amplitude * mean_of_decay(decay, since) * since / duration if since > 0.0 else 0.0
    if rise <= 0.0:
        return slow, 0.0, mean
    fast = amplitude * exp(-since / rise)
    if since > 0.0:
        mean -= amplitude * mean_of_decay(rise, since) * since / duration
    return slow, fast, mean


@jit
def release(rng, synapses, y, when, sites):
    """Let a spike of the terminal of synapse `y` release from its sites, after their delays.

    It takes one uniform for each full site, and two exponentials for each vesicle.

    Parameters
    ----------
    rng : numpy.random.Generator
    synapses : `stochhh.circuit.network.Synapses`
    y : int, of the synapse
    when : ms, of the spike
    sites : `stochhh.circuit.state.Sites`, updated in place
    """
    p = synapses.probability[y]
    for j in range(synapses.site_start[y], synapses.site_start[y + 1]):
        if sites.full[j] == 1.0 and rng.random() < p:
            extra = rng.standard_exponential() + rng.standard_exponential()
            wait = synapses.delay[y] + 0.5 * synapses.spread[y] * extra
            send(rng, synapses, y, j, when + wait, when, sites)


@jit
def send(rng, synapses, y, j, arrival, spike, sites):
    """Empty site `j`: its vesicle is out at `arrival` (ms); draw when it is full again."""
    sites.full[j] = 0.0
    sites.arrival[j] = arrival
    sites.spike[j] = spike
    sites.refilled[j] = arrival + synapses.refill[y] * rng.standard_exponential()


@jit
def release_spontaneously(rng, synapses, y, until, sites, next_time):
    """Empty sites of synapse `y` chosen at random at the times of a Poisson process.

    An event that finds no full site, or one whose vesicle is under way, does nothing.
    It takes an exponential an event and a uniform to choose.

    Parameters
    ----------
    until : ms, end of the step
    next_time : float64 (Y,) ms of the next event of each synapse, updated in place
    """
    first, last = synapses.site_start[y], synapses.site_start[y + 1]
    while next_time[y] <= until:
        j = first + int(rng.random() * (last - first))
        if sites.full[j] == 1.0:
            send(rng, synapses, y, j, next_time[y], np.nan, sites)
        next_time[y] += rng.standard_exponential() / synapses.spontaneous[y]


@jit
def relax(
    graph, rates, first_class, last_class, first, last, occupancy, slope, trial, total, duration
):
    """Move expected numbers of channels for `duration` (ms) at fixed rates.

    Classical Runge-Kutta steps of fourth order, short enough for the fastest rate.

    Parameters
    ----------
    graph : `stochhh.kinetics.tables.Graph`
    rates : float64 (R,) 1/ms
    first_class, last_class, first, last : rate classes and states of the population
    occupancy : float64 (S,), updated in place
    slope, trial, total : float64 (S,), scratch
    """
    fastest = 0.0
    for r in range(first_class, last_class):
        for e in range(graph.class_start[r], graph.class_start[r + 1]):
            fastest = max(fastest, rates[r] * graph.multiplicity[e])
    n = int(duration * fastest / 0.2) + 1
    h = duration / n
    for _ in range(n):
        for s in range(first, last):
            total[s] = 0.0
        for stage in range(4):
            reach = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
            for s in range(first, last):
                trial[s] = occupancy[s] + reach * slope[s]
            for s in range(first, last):
                slope[s] = 0.0
            for r in range(first_class, last_class):
                for e in range(graph.class_start[r], graph.class_start[r + 1]):
                    source, target = graph.source[e], graph.target[e]
                    flow = rates[r] * graph.multiplicity[e] * trial[source]
                    slope[source] -= flow
                    slope[target] += flow
            share = h / 6.0 if stage in (0, 3) else h / 3.0
            for s in range(first, last):
                total[s] += share * slope[s]
        for s in range(first, last):
            occupancy[s] += total[s]
