"""Diffusion approximations of channel noise: Gaussian noise in place of single flips.

`diffuse` gives every pair of opposite transitions one noise of the variance its
transitions have (Orio & Soudry 2012, doi:10.1371/journal.pone.0036670), or only
the pairs that touch a conducting state (Schmandt & Galán 2012,
doi:10.1103/PhysRevLett.109.118101; Pu & Thomas 2020, doi:10.1162/neco_a_01312).
States are kept in the simplex by truncation and restoration (Huang, Rüdiger &
Shuai 2013, doi:10.1103/PhysRevE.87.012716): what truncation takes away is kept in
mind and comes back in the next step, so means stay right.

`diffuse_gates` gives each gate a noise of its own, as if all channels shared one m,
h or n (Fox & Lu 1994, doi:10.1103/PhysRevE.49.3421): known to be wrong.
"""

from __future__ import annotations

from math import sqrt

from stochhh.kernels.patch import inlined


@inlined
def diffuse(rng, pairs, rates, first_pair, last_pair, first, last, occupancy, hidden, dt):
    """Advance one population by an Euler-Maruyama step of `dt` (ms).

    First order. It takes one standard normal for each noisy pair.

    Parameters
    ----------
    rng : numpy.random.Generator
    pairs : (E,) of `stochhh.steps.PAIR`
    rates : float64 (R,) 1/ms
    first_pair, last_pair, first, last : pairs and states of the population
    occupancy : float64 (S,) channels in each state, never negative, updated in place
    hidden : float64 (S,) the same before truncation, updated in place
    """
    for e in range(first_pair, last_pair):
        pair = pairs[e]
        i, j = pair["source"], pair["target"]
        forward = pair["forward"] * rates[pair["forward_class"]] * occupancy[i]
        backward = pair["backward"] * rates[pair["backward_class"]] * occupancy[j]
        moved = (forward - backward) * dt
        if pair["noisy"]:
            moved += sqrt((forward + backward) * dt) * rng.standard_normal()
        hidden[i] -= moved
        hidden[j] += moved
    total, kept = 0.0, 0.0
    for s in range(first, last):
        total += hidden[s]
        kept += max(hidden[s], 0.0)
    scale = total / kept if kept > total else 1.0
    for s in range(first, last):
        occupancy[s] = max(hidden[s], 0.0) * scale


@inlined
def diffuse_gates(
    rng, gates, n_open, ways, rates, first_gate, last_gate, first, last, x, occupancy, dt
):
    """Advance the gates of one population as independent diffusions, and spread its channels.

    First order. It takes one standard normal for each gate.

    Parameters
    ----------
    rng : numpy.random.Generator
    gates : (G,) of `stochhh.steps.GATE`
    n_open : int64 (S, G) open gates in each state
    ways : float64 (S,) number of ways to have them open
    rates : float64 (R,) 1/ms
    first_gate, last_gate, first, last : gates and states of the population
    x : float64 (K,) open fraction of each gate, updated in place
    occupancy : float64 (S,) expected channels in each state, overwritten
    """
    n_channels = 0.0
    for s in range(first, last):
        n_channels += occupancy[s]
    if n_channels == 0.0:
        return
    for g in range(first_gate, last_gate):
        opening = rates[gates[g]["opening"]] * (1.0 - x[g])
        closing = rates[gates[g]["closing"]] * x[g]
        noise = sqrt((opening + closing) * dt / n_channels) * rng.standard_normal()
        x[g] = min(max(x[g] + (opening - closing) * dt + noise, 0.0), 1.0)
    for s in range(first, last):
        share = ways[s]
        for g in range(first_gate, last_gate):
            for gate in range(gates[g]["power"]):
                share *= x[g] if gate < n_open[s, g] else 1.0 - x[g]
        occupancy[s] = n_channels * share
