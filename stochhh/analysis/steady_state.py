"""The steady current that an experiment injects, and the voltage at which that holds a membrane."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stochhh.analysis.setup import Setup
from stochhh.membrane import MOST_HALVINGS, Membrane
from stochhh.scenario.stimuli import Constant, Pulse, Step, Stimulus

_GRID = 201
_FARTHER_MV = 20.0  # the range searched grows by this much as long as the current asks for it
_FARTHEST_MV = 1000.0


def changing_stimulus(setup: Setup, start_ms: float, end_ms: float) -> int | None:
    """Number of the first stimulus that changes between two times, None where none does."""
    for index, stimulus in enumerate(setup.scenario.stimulus):
        if isinstance(stimulus, Constant):
            continue
        if not isinstance(stimulus, (Step, Pulse)):
            return index
        if any(start_ms < edge < end_ms for edge in _edges_ms(stimulus, setup)):
            return index
    return None


def last_change_ms(setup: Setup) -> float:
    """Time of the last change of the injected current, as far as steps make it; 0 without one."""
    return max(
        (
            edge
            for stimulus in setup.scenario.stimulus
            if isinstance(stimulus, (Step, Pulse))
            for edge in _edges_ms(stimulus, setup)
            if edge < setup.duration_ms
        ),
        default=0.0,
    )


def steady_current_pA(setup: Setup, time_ms: float) -> float:
    """Injected current just after a time, of constant stimuli and steps."""
    total = 0.0
    for stimulus in setup.scenario.stimulus:
        if isinstance(stimulus, Constant):
            total += stimulus.amplitude.absolute(setup.membrane.area_um2)
        elif isinstance(stimulus, (Step, Pulse)):
            begin, end = _edges_ms(stimulus, setup)
            if begin <= time_ms < end:
                total += stimulus.amplitude.absolute(setup.membrane.area_um2)
    return total


@lru_cache(maxsize=256)
def steady_voltage_mV(membrane: Membrane, current_pA: float) -> float | None:
    """Lowest voltage at which the steady outward current rises through an injected one.

    Parameters
    ----------
    membrane : any
    current_pA : injected, depolarising positive

    Returns
    -------
    float or None
        None where there is no such voltage.
    """
    from scipy.optimize import brentq

    if not membrane.reversals_mV:
        return None

    def excess(voltage: float) -> float:
        return membrane.steady_current_pA(voltage) - current_pA

    low, high = min(membrane.reversals_mV) - 1.0, max(membrane.reversals_mV) + 1.0
    while excess(low) > 0.0 and low > -_FARTHEST_MV:
        low -= _FARTHER_MV
    while excess(high) < 0.0 and high < _FARTHEST_MV:
        high += _FARTHER_MV
    grid = np.linspace(low, high, _GRID)
    current = np.array([excess(voltage) for voltage in grid])
    rising = np.nonzero((current[:-1] <= 0.0) & (current[1:] > 0.0))[0]
    if len(rising) == 0:
        return None
    first = int(rising[0])
    return float(brentq(excess, grid[first], grid[first + 1], xtol=1e-12, maxiter=MOST_HALVINGS))


def _edges_ms(stimulus: Stimulus, setup: Setup) -> tuple[float, float]:
    assert isinstance(stimulus, (Step, Pulse))
    begin = float(stimulus.start_ms)
    if stimulus.duration_ms is None:
        return begin, np.inf
    return begin, begin + float(stimulus.duration_ms)
