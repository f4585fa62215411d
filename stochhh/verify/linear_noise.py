"""The linear noise of a membrane at rest: its voltage's variance with many channels."""

from __future__ import annotations

from stochhh.analysis.linear_membrane import linearised
from stochhh.membrane import Membrane
from stochhh.theory.linear import variance_after


def linear_noise_variance(membrane: Membrane, duration_ms: float) -> float:
    """Variance of the voltage (mV²) some time after a start at rest.

    At the start the channels are in equilibrium and the voltage is sharp; see
    `stochhh.theory.linear`.

    Parameters
    ----------
    membrane : with a resting voltage
    duration_ms : time since the start

    Raises
    ------
    InputError
        The membrane has no resting potential.
    """
    return variance_after(linearised(membrane), duration_ms)
