"""The membrane every peer is given: squid axon at 6.3 degC, in plain numbers.

Rates of Hodgkin & Huxley 1952 (doi:10.1113/jphysiol.1952.sp004764), densities and
unitary conductance of Chow & White 1996 (doi:10.1016/S0006-3495(96)79494-8).
Voltages in mV, rates in 1/ms. It takes nothing from stochhh, so that a mistake of
its library shows as a difference; a test compares the two.
"""

from __future__ import annotations

from math import comb, exp, expm1
from typing import NamedTuple

import numpy as np

from peers.work import Floats, Ints

REST_MV = -65.0
CAPACITANCE_UF_CM2 = 1.0
LEAK_MS_CM2 = 0.3
LEAK_REVERSAL_MV = -54.4
CONDUCTANCE_PS = 20.0
SODIUM_PER_UM2, SODIUM_REVERSAL_MV = 60, 50.0
POTASSIUM_PER_UM2, POTASSIUM_REVERSAL_MV = 18, -77.0

#: A spike is a crossing of the first upwards after the voltage was under the second (mV).
THRESHOLD_MV, REARM_MV = 0.0, -30.0


class Law(NamedTuple):
    """A rate: kind, value (1/ms), midpoint (mV) and scale (mV), with x = (V - midpoint) / scale.

    exponential: rate exp(x), linoid: rate x / (1 - exp(-x)), sigmoid: rate / (1 + exp(-x)).
    """

    kind: str
    rate: float
    midpoint: float
    scale: float


LAWS = {
    "am": Law("linoid", 1.0, -40.0, 10.0),
    "bm": Law("exponential", 4.0, -65.0, -18.0),
    "ah": Law("exponential", 0.07, -65.0, -20.0),
    "bh": Law("sigmoid", 1.0, -35.0, 10.0),
    "an": Law("linoid", 0.1, -55.0, 10.0),
    "bn": Law("exponential", 0.125, -65.0, -80.0),
}


class Pair(NamedTuple):
    """Two opposite transitions between the states numbered `source` and `target`."""

    source: int
    target: int
    forward: tuple[int, str]  # multiplicity, name of the rate
    backward: tuple[int, str]


SODIUM_STATES = tuple(f"m{m}h{h}" for h in range(2) for m in range(4))
SODIUM_PAIRS = tuple(
    Pair(4 * h + m, 4 * h + m + 1, (3 - m, "am"), (m + 1, "bm")) for h in range(2) for m in range(3)
) + tuple(Pair(m, 4 + m, (1, "ah"), (1, "bh")) for m in range(4))
POTASSIUM_STATES = tuple(f"n{n}" for n in range(5))
POTASSIUM_PAIRS = tuple(Pair(n, n + 1, (4 - n, "an"), (n + 1, "bn")) for n in range(4))


def rate(name: str, voltage: float) -> float:
    """Rate (1/ms) at a voltage (mV)."""
    law = LAWS[name]
    x = (voltage - law.midpoint) / law.scale
    if law.kind == "exponential":
        return law.rate * exp(x)
    if law.kind == "sigmoid":
        return law.rate / (1.0 + exp(-x))
    return law.rate * (x / -expm1(-x) if x else 1.0)


def formula(name: str, voltage: str = "V") -> str:
    """Rate (1/ms) of a voltage without unit, as text that C, Python and Brian2 understand."""
    law = LAWS[name]
    shifted = f"{voltage} {'-' if law.midpoint > 0.0 else '+'} {abs(law.midpoint)!r}"
    x = f"(({shifted}) / ({law.scale!r}))"
    if law.kind == "exponential":
        return f"({law.rate!r} * exp({x}))"
    if law.kind == "sigmoid":
        return f"({law.rate!r} / (1.0 + exp(-1.0 * {x})))"
    return f"({law.rate!r} * {x} / (1.0 - exp(-1.0 * {x})))"


def current_through(conductance: str, reversal_mV: float, voltage: str = "V") -> str:
    """Ohmic current as text, without a minus sign before a number."""
    return f"{conductance} * ({voltage} {'-' if reversal_mV > 0.0 else '+'} {abs(reversal_mV)!r})"


def sodium_law(voltage: float) -> Floats:
    """Stationary law of the Na+ channel's states at a voltage (mV), shape (8,)."""
    m = _open("m", voltage)
    h = _open("h", voltage)
    gate = [comb(3, k) * m**k * (1.0 - m) ** (3 - k) for k in range(4)]
    return np.array([g * (h if up else 1.0 - h) for up in range(2) for g in gate])


def potassium_law(voltage: float) -> Floats:
    """Stationary law of the K+ channel's states at a voltage (mV), shape (5,)."""
    n = _open("n", voltage)
    return np.array([comb(4, k) * n**k * (1.0 - n) ** (4 - k) for k in range(5)])


def potassium_transitions_per_ms(voltage: float) -> float:
    """Transitions (1/ms) of one K+ channel in equilibrium at a voltage (mV)."""
    law = potassium_law(voltage)
    return sum(
        law[state] * multiplicity * rate(name, voltage)
        for pair in POTASSIUM_PAIRS
        for state, (multiplicity, name) in (
            (pair.source, pair.forward),
            (pair.target, pair.backward),
        )
    )


def sodium_count(area_um2: float) -> int:
    """Na+ channels of a patch."""
    return round(SODIUM_PER_UM2 * area_um2)


def potassium_count(area_um2: float) -> int:
    """K+ channels of a patch."""
    return round(POTASSIUM_PER_UM2 * area_um2)


def at_rest(area_um2: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw occupancies (8,), (5,) of the channels of a patch at rest."""
    return (
        rng.multinomial(sodium_count(area_um2), sodium_law(REST_MV)),
        rng.multinomial(potassium_count(area_um2), potassium_law(REST_MV)),
    )


def _open(gate: str, voltage: float) -> float:
    opening, closing = rate(f"a{gate}", voltage), rate(f"b{gate}", voltage)
    return opening / (opening + closing)


def spikes_of(voltage: Floats, interval_ms: float) -> Floats:
    """Spike times (ms) of a sampled voltage (n,), by the same rule as stochhh's."""
    up = np.flatnonzero((voltage[1:] >= THRESHOLD_MV) & (voltage[:-1] < THRESHOLD_MV)) + 1
    low = np.flatnonzero(voltage < REARM_MV)
    times, armed_from = [], 0
    for crossing in up:
        before = np.searchsorted(low, crossing)
        if before > armed_from:  # it was low since the last spike
            times.append(crossing * interval_ms)
            armed_from = before
    return np.array(times)
