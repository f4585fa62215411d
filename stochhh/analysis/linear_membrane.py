"""A membrane about its resting voltage as linear equations."""

from __future__ import annotations

import numpy as np

from stochhh.errors import InputError
from stochhh.membrane import Membrane
from stochhh.theory.linear import LinearMembrane, LinearPopulation, linear_membrane
from stochhh.theory.linear_records import slowest_decay_ms

_DIFFERENCE_MV = 1e-4
_TIME_CONSTANTS = 3.0  # after which variances have come to their own but for exp(-6)
_LONGEST_SETTLING_MS = 100.0


def settling_ms(membrane: Membrane, voltage_mV: float) -> float:
    """Time in which a membrane at rest comes into its stationary law; 0 where rest is unstable.

    Three times its slowest time constant, to two digits and up to 100 ms.

    Parameters
    ----------
    membrane, voltage_mV : as of `linearised`
    """
    slowest = slowest_decay_ms(linearised(membrane, voltage_mV))
    if not np.isfinite(slowest):
        return 0.0
    return min(float(f"{_TIME_CONSTANTS * slowest:.2g}"), _LONGEST_SETTLING_MS)


def linearised(membrane: Membrane, voltage_mV: float | None = None) -> LinearMembrane:
    """Linear equations of a membrane about a steady voltage, for `stochhh.theory.linear`.

    Parameters
    ----------
    membrane : any
    voltage_mV : at which it stays, by rest or by a steady current; by default its
        resting voltage

    Raises
    ------
    InputError
        No resting potential, a voltage that is not finite, or channels without a
        single equilibrium there.
    """
    voltage = membrane.resting_voltage_mV() if voltage_mV is None else voltage_mV
    if not np.isfinite(voltage):
        raise InputError(f"voltage_mV: {voltage:g}; need a finite number, as in -65")
    membrane.stationary_laws(voltage)  # says whose equilibrium is missing
    step = _DIFFERENCE_MV
    populations = []
    for one in membrane.populations:
        scheme = one.scheme
        rise = scheme.generator(voltage + step) - scheme.generator(voltage - step)
        populations.append(
            LinearPopulation(
                generator=scheme.generator(voltage),
                slope=rise / (2.0 * step),
                relative_conductance=np.array(scheme.relative_conductance, dtype=np.float64),
                n_channels=one.count,
                conductance_nS=one.conductance_nS,
                driving_mV=voltage - one.reversal_mV,
                noise=one.noise,
            )
        )
    return linear_membrane(membrane.capacitance_pF, membrane.leak_nS, populations)
