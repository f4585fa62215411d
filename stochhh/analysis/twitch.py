"""Force of a muscle fibre from the times of its impulses.

Every impulse adds a twitch, the response of a critically damped system of second order
(Fuglevand, Winter & Patla 1993, doi:10.1152/jn.1993.70.6.2470, eq. 10).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def twitch(since_ms: Floats, contraction_ms: float) -> Floats:
    """Force of a single twitch over time, 1 at its peak `contraction_ms` after its start."""
    t = np.maximum(since_ms, 0.0) / contraction_ms
    return np.asarray(t * np.exp(1.0 - t))


def fibre_force(
    time_ms: Floats, impulse_ms: Floats, contraction_ms: float, delay_ms: float = 0.0
) -> Floats:
    """Force of a fibre whose twitches add up, in peaks of a twitch.

    Parameters
    ----------
    time_ms : (n,) when the force is wanted
    impulse_ms : (k,) when impulses passed
    contraction_ms : from the start of a twitch to its peak
    delay_ms : from an impulse to the start of its twitch
    """
    since = time_ms[:, None] - (np.asarray(impulse_ms) + delay_ms)[None, :]
    return np.asarray(twitch(since, contraction_ms).sum(axis=1))
