"""Gillespie's direct method with rates held over a step.

What the field publishes as exact: rates are those of the voltage at the beginning
of a step, and stay so until its end (Gillespie 1977, doi:10.1021/j100540a008;
its bias, of order dt: Anderson, Ermentrout & Thomas 2015,
doi:10.1007/s10827-014-0528-2).
"""

from __future__ import annotations

from stochhh.kernels.patch import ONE, inlined


@inlined
def gillespie(rng, graph, rates, first_class, last_class, occupancy, weight, duration):
    """Let the channels of one population flip for `duration` (ms) at fixed rates.

    A transition takes one exponential and one uniform; the last wait one exponential.

    Parameters
    ----------
    rng : numpy.random.Generator
    graph : `stochhh.kinetics.tables.Graph`
    rates : float64 (R,) 1/ms
    first_class, last_class : rate classes of the population
    occupancy, weight : float64 (S,) and (R,), updated in place

    Returns
    -------
    transitions : int
    """
    transitions = 0
    remaining = duration
    while True:
        total = 0.0
        for r in range(first_class, last_class):
            total += rates[r] * weight[r]
        if total <= 0.0:
            return transitions
        remaining -= rng.standard_exponential() / total
        if remaining <= 0.0:
            return transitions
        u = rng.random() * total
        r = first_class
        while r < last_class - 1 and u >= rates[r] * weight[r]:
            u -= rates[r] * weight[r]
            r += 1
        if rates[r] <= 0.0:  # by rounding only: u was all but the total
            continue
        u /= rates[r]
        chosen = graph.class_start[r]
        found = False
        for e in range(graph.class_start[r], graph.class_start[r + 1]):
            share = graph.multiplicity[e] * occupancy[graph.source[e]]
            if share > 0.0:  # should rounding lead beyond the last of them, it is that one
                chosen, found = e, True
                if u < share:
                    break
                u -= share
        if not found:
            continue
        occupancy[graph.source[chosen]] -= 1.0
        occupancy[graph.target[chosen]] += 1.0
        for touched in range(graph.touched_start[chosen], graph.touched_start[chosen + ONE]):
            weight[graph.touched_class[touched]] += graph.touched_change[touched]
        transitions += 1
