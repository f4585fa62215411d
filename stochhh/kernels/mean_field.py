"""Right-hand side of the deterministic limit: voltage, laws of the states, charges moved."""

from __future__ import annotations

from math import exp, expm1

import numpy as np

from stochhh.kernels.patch import inlined, jit

#: 1/ms; what `stochhh.kinetics.rates` takes as none.
_SLOWEST = 1e-200


@jit
def table_at(knot, bernstein, V):
    """Evaluate a curve of cubics in Bernstein form, flat outside its knots."""
    if V <= knot[0]:  # noqa: SIM300
        return max(bernstein[0, 0], 0.0)
    if V >= knot[-1]:  # noqa: SIM300
        return max(bernstein[-1, 3], 0.0)
    piece = np.searchsorted(knot, V, side="right") - 1
    x = (V - knot[piece]) / (knot[piece + 1] - knot[piece])
    z = 1.0 - x
    a, b, c, d = bernstein[piece]
    return max(z * z * (z * a + 3.0 * x * b) + x * x * (3.0 * z * c + x * d), 0.0)


@inlined
def rates_at(V, rates, value):
    """Evaluate every rate law at a voltage (mV) into `value`, (R,), 1/ms."""
    for r in range(value.shape[0]):
        kind, rate = rates.kind[r], rates.rate[r]
        x = (V - rates.midpoint[r]) / rates.scale[r]
        if kind == 4:
            first, last = rates.knot_start[r], rates.knot_start[r + 1]
            value[r] = rate * table_at(rates.knot[first:last], rates.bernstein[first : last - 1], V)
            continue
        if kind == 1:
            rate *= exp(x)
        elif kind == 2:
            rate /= 1.0 + exp(-x)
        elif kind == 3 and x != 0.0:
            rate *= x / -expm1(-x)
        value[r] = rate if rate >= _SLOWEST else 0.0


@inlined
def derivative(y, slopes, row, model, drive, clamped, value):
    """Write dy/dt of the mean field into a row of `slopes`.

    Parameters
    ----------
    y : float64 (1 + S + P + 1,): voltage (mV), probability of every state, and the outward
        charge (fC) that each population and the leak have moved.
    model : `stochhh.mean_field.MeanField`
    drive : pA injected, or under a clamp the slope of its command in mV/ms.
    value : float64 (R,), room for the rates.
    """
    share, maximal, reversal, starts = model.share, model.maximal, model.reversal, model.starts
    here, there, forth, back = model.here, model.there, model.forth, model.back
    opening, closing = model.forth_rate, model.back_rate
    V, n_states, n_populations = y[0], share.shape[0], maximal.shape[0] - 1
    rates_at(V, model.rates, value)
    for s in range(n_states):
        slopes[row, 1 + s] = 0.0
    for e in range(here.shape[0]):
        i, j = here[e], there[e]
        flow = forth[e] * value[opening[e]] * y[i] - back[e] * value[closing[e]] * y[j]
        slopes[row, i] -= flow
        slopes[row, j] += flow
    total = 0.0
    for p in range(n_populations + 1):
        opened = 1.0
        if p < n_populations:
            opened = 0.0
            for s in range(starts[p], starts[p + 1]):
                opened += share[s] * y[1 + s]
        outward = maximal[p] * opened * (V - reversal[p])
        slopes[row, 1 + n_states + p] = outward
        total += outward
    slopes[row, 0] = drive if clamped else (drive - total) / model.capacitance
