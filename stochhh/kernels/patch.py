"""What every kernel of a membrane patch does between and at its events.

With the conductances and the injected current held, the voltage relaxes as
``V(t) = V∞ + (V₀ - V∞) exp(-k t)``, ``k = G/C``. It is evaluated here from its
slope, ``V(t) = V₀ + V'₀ t (1 - exp(-k t)) / (k t)``, which needs no V∞ and so
holds without any open conductance too.
"""

from __future__ import annotations

from math import exp, expm1, log1p

import numpy as np
from numba import njit

from stochhh.kernels import KEPT

jit = njit(cache=KEPT, nogil=True, error_model="numpy")
#: For what is called at every step with many arrays: passing them costs more than it does.
inlined = njit(cache=KEPT, nogil=True, error_model="numpy", inline="always")

#: A step of an unsigned index; a plain 1 would turn it into a float.
ONE = np.uint64(1)


@inlined
def between(table, knot, entry, y):
    """Interpolate an entry of a table, (K, E), at `y` from 0 to 1 between two rows."""
    below = table[knot, entry]
    return below + y * (table[knot + ONE, entry] - below)


@jit
def relaxation(x):
    """Evaluate (1 - exp(-x)) / x, which is 1 at x = 0."""
    if abs(x) < 0.03:
        return 1 - x * (
            1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120 - x * (1 / 720 - x / 5040))))
        )
    return -expm1(-x) / x


@jit
def relaxation_integral(x):
    """Evaluate (x - 1 + exp(-x)) / x², which is 1/2 at x = 0."""
    if abs(x) < 0.1:
        tail = 1 / 720 - x * (1 / 5040 - x * (1 / 40320 - x * (1 / 362880 - x / 3628800)))
        return 1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120 - x * tail)))
    return (x - 1 + exp(-x)) / (x * x)


@jit
def voltage_integral(voltage, slope, k, duration):
    """Integrate the relaxing voltage over `duration`, mV ms.

    `voltage` (mV) and `slope` (mV/ms) are those at its start, `k` = G/C (1/ms).
    """
    return duration * (voltage + slope * duration * relaxation_integral(k * duration))


@jit
def time_to(rise, slope, k, at_most):
    """Time in which the relaxing voltage changes by `rise` (mV); at most `at_most` (ms)."""
    reached = rise / slope if k == 0.0 else -log1p(-k * rise / slope) / k
    if reached < 0.0:
        return 0.0
    return reached if reached < at_most else at_most


@jit
def settle(charge, conductance, reversal, clock, t, k):
    """Book the charge moved since the last change of conductance, current or command.

    In closed form, into `charge` (fC) of each population and, last, of the leak.
    """
    elapsed = t - clock["settled_time"]
    area = voltage_integral(clock["settled_voltage"], clock["settled_slope"], k, elapsed)
    for p in range(charge.shape[0]):
        charge[p] += conductance[p] * (area - reversal[p] * elapsed)


@jit
def reach(clock, V):
    """Note a voltage at an end of an undisturbed stretch, where alone extremes can lie."""
    if clock["highest"] < V:
        clock["highest"] = V
    if clock["lowest"] > V:
        clock["lowest"] = V


@jit
def start_settling(clock, t, V, slope):
    """Note from where the voltage runs undisturbed."""
    reach(clock, V)
    clock["settled_time"] = t
    clock["settled_voltage"] = V
    clock["settled_slope"] = slope


@jit
def observe(records, row, state, patch, when, t, V, slope, k):
    """Write the membrane as it is at `when`, a moment between two events, touching nothing."""
    occupancy, conductance, clock = state.occupancy, state.open_conductance, state.clock[0]
    state_conductance, state_start, reversal = (
        patch.state_conductance,
        patch.state_start,
        patch.reversal,
    )
    n_open, conducts = records.open, records.conductance
    records.voltage[row] = V + slope * (when - t) * relaxation(k * (when - t))
    for p in range(n_open.shape[1]):
        count = 0
        for s in range(state_start[p], state_start[p + 1]):
            if state_conductance[s] > 0.0:
                count += occupancy[s]
        n_open[row, p] = count
        conducts[row, p] = conductance[p]
    if records.charge.shape[0] > 0:
        elapsed = when - clock["settled_time"]
        area = voltage_integral(clock["settled_voltage"], clock["settled_slope"], k, elapsed)
        for p in range(records.charge.shape[1]):
            moved = conductance[p] * (area - reversal[p] * elapsed)
            records.charge[row, p] = state.charge[p] + moved
    if records.occupancy.shape[0] > 0:
        for s in range(occupancy.shape[0]):
            records.occupancy[row, s] = occupancy[s]


@jit
def flip_tagged(tag_rng, tags, flips, n_flips, i, j, n_in_state, t):
    """Decide which of the `n_in_state` channels of state i moved to j; note it if tagged.

    Channels in one state are alike, so the mover is uniform among them. Returns
    the number of flips noted.
    """
    n_tagged = tags.in_state[i]
    if n_tagged == 0:
        return n_flips
    place = int(tag_rng.random() * n_in_state)
    if place >= n_tagged:
        return n_flips
    channel = tags.member[i, place]
    tags.member[i, place] = tags.member[i, n_tagged - 1]
    tags.in_state[i] = n_tagged - 1
    tags.member[j, tags.in_state[j]] = channel
    tags.in_state[j] += 1
    tags.channel_state[channel] = j
    flips.time[n_flips] = t
    flips.channel[n_flips] = channel
    flips.state[n_flips] = j
    return n_flips + 1
