"""Release and receptors of infinitely many sites: expected numbers, without chance.

Receptors of a site remember when *it* released, not when its synapse did. So sites are
kept in cohorts of those that released together. With the history of a site given, its
refilling, its release and its receptors follow linear equations and do not depend on
each other; so means over a cohort stay means. A spike takes the share `probability` of
the full sites of every cohort into a cohort that waits; equal portions of it arrive, at
the means of equal parts of the law of the delay, each as a new cohort that sees a pulse
of its own. Spontaneous release takes full sites of all cohorts at their rate into a new
one in each step.

What a cohort holds (`stochhh.circuit.network.Cohorts`) is multiplied by its share of all
sites: to take sites out is to take a part of each number, to join cohorts is to add.
What joining loses is how vesicles, transmitter and receptors go together. Neighbours are
joined while their releases lie within a fifth of the time since the last of them, or an
eighth of the transmitter's decay: all three are smooth in that time, and what is lost is
of second order in these parts (some 10⁻³ of the largest number of open receptors). That
leaves five cohorts in each factor of e of time, however many spikes there were.
"""

from __future__ import annotations

from math import exp, expm1

import numpy as np

from stochhh.kernels.patch import between, jit
from stochhh.kernels.synapse import add_pulse, mean_of_decay, relax

_WITHIN = 0.2  # of the time since they released, in which cohorts are joined
_AT_ONCE = 0.125  # of the transmitter's decay, likewise
_NOBODY = 1e-100  # of the sites
_NEGLIGIBLE = 1e-12  # of transmitter and receptors


@jit
def room(cohorts):
    """How many cohorts of one synapse there is room for."""
    return cohorts.mass.shape[0] // max(cohorts.n.shape[0], 1)


@jit
def is_crowded(settled, waiting):
    """Whether a step may make more cohorts than there is room for."""
    for y in range(settled.n.shape[0]):
        if settled.n[y] + waiting.n[y] + 1 > room(settled) or waiting.n[y] + 1 > room(waiting):
            return True
    return False


@jit
def begin(cohorts, y, when):
    """Make a cohort of synapse `y` of no sites, that releases at `when` (ms); its index."""
    j = y * room(cohorts) + cohorts.n[y]
    cohorts.n[y] += 1
    cohorts.mass[j] = cohorts.full[j] = cohorts.slow[j] = cohorts.fast[j] = 0.0
    cohorts.first[j] = cohorts.last[j] = when
    cohorts.sent[j] = 0
    cohorts.occupancy[j, :] = 0.0
    return j


@jit
def take(source, i, share, target, j):
    """Move a share of the sites of cohort `i`, with all but their vesicles, to cohort `j`."""
    kept = 1.0 - share
    target.mass[j] += share * source.mass[i]
    target.slow[j] += share * source.slow[i]
    target.fast[j] += share * source.fast[i]
    source.mass[i] *= kept
    source.slow[i] *= kept
    source.fast[i] *= kept
    for s in range(source.occupancy.shape[1]):
        target.occupancy[j, s] += share * source.occupancy[i, s]
        source.occupancy[i, s] *= kept


@jit
def empty(settled, y, n, chance, target, j):
    """Let full sites of the first `n` cohorts of synapse `y` go to `j`, each with a chance."""
    start = y * room(settled)
    for i in range(start, start + n):
        if settled.full[i] > 0.0:
            take(settled, i, min(chance * settled.full[i] / settled.mass[i], 1.0), target, j)
            settled.full[i] *= 1.0 - chance


@jit
def release_mean(synapses, y, when, mean):
    """Let a spike of the terminal of synapse `y` at `when` (ms) release from its full sites."""
    settled, waiting = mean.settled, mean.waiting
    j = begin(waiting, y, when)
    empty(settled, y, settled.n[y], synapses.probability[y], waiting, j)


@jit
def arrive(synapses, y, now, dt, mean):
    """Begin a cohort for each spike that vesicles arrive of by `now`, and for spontaneous ones."""
    settled, waiting = mean.settled, mean.waiting
    n, portions = settled.n[y], synapses.portion.shape[1]
    start = y * room(waiting)
    left = 0
    for g in range(start, start + waiting.n[y]):
        done, since = waiting.sent[g], 0.0
        while done < portions and waiting.first[g] + synapses.portion[y, done] <= now:
            since += min(now - waiting.first[g] - synapses.portion[y, done], dt)
            done += 1
        arrived = done - waiting.sent[g]
        if arrived > 0:
            j = begin(settled, y, now - since / arrived)
            take(waiting, g, arrived / (portions - waiting.sent[g]), settled, j)
            waiting.sent[g] = done
            mean.released[y, 0] += settled.mass[j] * synapses.sites[y]
        if done < portions:
            overwrite(waiting, start + left, g)
            left += 1
    waiting.n[y] = left
    if synapses.spontaneous[y] > 0.0:
        j = begin(settled, y, now - 0.5 * dt)
        chance = -expm1(-dt * synapses.spontaneous[y] / synapses.sites[y])
        empty(settled, y, n, chance, settled, j)
        mean.released[y, 1] += settled.mass[j] * synapses.sites[y]


@jit
def overwrite(cohorts, j, i):
    """Put cohort `i` into the place of cohort `j`."""
    if i != j:
        cohorts.mass[j], cohorts.full[j] = cohorts.mass[i], cohorts.full[i]
        cohorts.slow[j], cohorts.fast[j] = cohorts.slow[i], cohorts.fast[i]
        cohorts.first[j], cohorts.last[j] = cohorts.first[i], cohorts.last[i]
        cohorts.sent[j] = cohorts.sent[i]
        cohorts.occupancy[j, :] = cohorts.occupancy[i, :]


@jit
def join(cohorts, y, now, decay):
    """Join neighbours that released at nearly the same time; the first never released."""
    start = y * room(cohorts)
    kept = start + min(cohorts.n[y] - 1, 1)
    for j in range(kept + 1, start + cohorts.n[y]):
        first = min(cohorts.first[kept], cohorts.first[j])
        last = max(cohorts.last[kept], cohorts.last[j])
        if last - first <= max(_WITHIN * (now - last), _AT_ONCE * decay):
            cohorts.full[kept] += cohorts.full[j]
            take(cohorts, j, 1.0, cohorts, kept)
            cohorts.first[kept], cohorts.last[kept] = first, last
        else:
            kept += 1
            overwrite(cohorts, kept, j)
    cohorts.n[y] = kept - start + 1


@jit
def move_cohort(steps, graph, synapses, y, voltage, pulse, since, cohorts, i, scratch):
    """Move the receptors of cohort `i` over a step, in which `pulse` (mM) came `since` its end."""
    rates, slope, trial, total, receptors = scratch
    dt, decay, rise = steps.duration, synapses.decay[y], synapses.rise[y]
    seen = cohorts.slow[i] * mean_of_decay(decay, dt) - cohorts.fast[i] * mean_of_decay(rise, dt)
    cohorts.slow[i] *= exp(-dt / decay)
    cohorts.fast[i] *= exp(-dt / rise) if rise > 0.0 else 0.0
    if pulse > 0.0:
        slow, fast, fresh = add_pulse(pulse, decay, rise, since, dt)
        cohorts.slow[i] += slow
        cohorts.fast[i] += fast
        seen += fresh
    if cohorts.mass[i] < _NOBODY:
        return
    concentration = seen / cohorts.mass[i]
    k = synapses.kind[y]
    first, last = steps.state_start[k], steps.state_start[k + 1]
    if concentration <= _NEGLIGIBLE * synapses.amplitude[y]:
        bound, all_of_them = 0.0, 0.0
        for s in range(first, last):
            all_of_them += cohorts.occupancy[i, s - first]
            bound += 0.0 if synapses.rests[s] else cohorts.occupancy[i, s - first]
        if bound <= _NEGLIGIBLE * all_of_them:
            return
    place = (voltage - steps.first) / steps.spacing
    knot = np.uint64(place)
    for r in range(steps.rate_start[k], steps.rate_start[k + 1]):
        rate = between(steps.rates, knot, r, place - knot)
        rates[r] = rate * concentration if synapses.binds[r] else rate
    for s in range(first, last):
        receptors[s] = cohorts.occupancy[i, s - first]
    relax(
        graph, rates, steps.rate_start[k], steps.rate_start[k + 1], first, last, receptors, slope,
        trial, total, dt,
    )  # fmt: skip
    for s in range(first, last):
        cohorts.occupancy[i, s - first] = receptors[s]


@jit
def add_up(steps, synapses, y, share, cohorts, mean):
    """Add the open receptors of cohorts of synapse `y`, and their transmitter."""
    start, k = y * room(cohorts), synapses.kind[y]
    first, last = steps.state_start[k], steps.state_start[k + 1]
    for i in range(start, start + cohorts.n[y]):
        for s in range(first, last):
            mean.open[y] += synapses.sites[y] * cohorts.occupancy[i, s - first] * share[s]
        mean.transmitter[y] += cohorts.slow[i] - cohorts.fast[i]


@jit
def move_mean(steps, graph, share, synapses, voltage, mean, now, scratch):
    """Let vesicles out that are due by `now` (ms), and move all receptors over the step before.

    Each cohort costs some hundred nanoseconds. Second order in the step, as the voltages.

    Parameters
    ----------
    steps, graph, share : as of `stochhh.kernels.circuit.simulate`
    synapses : `stochhh.circuit.network.Synapses`
    voltage : float64 (C,) mV
    mean : `stochhh.circuit.network.MeanSynapses`, updated in place
    now : ms, end of the step
    scratch : rates, float64 (R,), and four of float64 (S,)
    """
    dt, settled, waiting = steps.duration, mean.settled, mean.waiting
    for y in range(synapses.source.shape[0]):
        old, V = settled.n[y], voltage[synapses.target[y]]
        arrive(synapses, y, now, dt, mean)
        start = y * room(settled)
        for i in range(start, start + settled.n[y]):
            is_new = i >= start + old
            since = now - settled.first[i] if is_new else dt
            pulse = synapses.amplitude[y] * settled.mass[i] if is_new else 0.0
            refilled = -expm1(-since / synapses.refill[y])
            settled.full[i] += (settled.mass[i] - settled.full[i]) * refilled
            move_cohort(steps, graph, synapses, y, V, pulse, since, settled, i, scratch)
        start = y * room(waiting)
        for i in range(start, start + waiting.n[y]):
            move_cohort(steps, graph, synapses, y, V, 0.0, dt, waiting, i, scratch)
        join(settled, y, now, synapses.decay[y])
        mean.open[y] = mean.transmitter[y] = 0.0
        add_up(steps, synapses, y, share, settled, mean)
        add_up(steps, synapses, y, share, waiting, mean)
