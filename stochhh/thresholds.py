"""Thresholds of the deterministic membrane, by bisection between firing and silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochhh import deterministic
from stochhh.membrane import Membrane
from stochhh.stimulus import Breakpoints

Floats = NDArray[np.float64]

_LONG_STEP_MS = 200.0  # in which one spike has come if it comes at all
_LONGEST_INTERVAL_MS = 100.0  # between two spikes of a train
_WIDEST = 1e4  # times the first guess


@dataclass(frozen=True)
class Thresholds:
    """Thresholds from rest, None where no stimulus up to very strong ones reaches them.

    Attributes
    ----------
    displacement_mV : smallest instantaneous displacement that makes a spike.
    rheobase_pA : smallest long step that makes one spike.
    repetitive_pA : smallest long step that makes an unending train.
    """

    displacement_mV: float | None
    rheobase_pA: float | None
    repetitive_pA: float | None


def thresholds(
    membrane: Membrane,
    threshold_mV: float = 0.0,
    rearm_mV: float = -30.0,
    precision: float = 1e-3,
    train: int = 20,
) -> Thresholds:
    """Find the deterministic thresholds of a membrane at rest.

    Parameters
    ----------
    membrane : with a resting potential.
    threshold_mV, rearm_mV : what counts as a spike.
    precision : relative; each halving costs one deterministic run.
    train : how many spikes in a row count as an unending train. Just below the
        threshold a train dies only after many, so precision needs a long one.

    Raises
    ------
    InputError
        The membrane has no resting potential.
    """
    rest = membrane.resting_voltage_mV()
    laws = membrane.stationary_laws(rest)

    def spikes(current_pA: float, displacement_mV: float, duration_ms: float, most: int) -> Floats:
        course = deterministic.simulate(
            membrane,
            Breakpoints(np.array([duration_ms]), np.array([current_pA])),
            np.zeros(0),
            rest + displacement_mV,
            laws,
            threshold_mV,
            rearm_mV,
            most_spikes=most,
            tolerance=0.01 * precision,
        )
        return course.spike_ms

    def fires_once(current_pA: float) -> bool:
        return len(spikes(current_pA, 0.0, _LONG_STEP_MS, most=1)) > 0

    def fires_on(current_pA: float) -> bool:
        return len(spikes(current_pA, 0.0, train * _LONGEST_INTERVAL_MS, most=train)) == train

    def fires_when_displaced(displacement_mV: float) -> bool:
        if rest + displacement_mV >= threshold_mV:
            return True
        return len(spikes(0.0, displacement_mV, _LONG_STEP_MS, most=1)) > 0

    guess = 0.01 * membrane.area_um2  # 1 µA/cm²
    rheobase = _smallest(fires_once, guess, precision)
    displacement = _smallest(fires_when_displaced, 1.0, precision)
    if displacement is not None and displacement >= (threshold_mV - rest) * (1 - 2 * precision):
        displacement = None  # it only got there by being put there
    return Thresholds(
        displacement_mV=displacement,
        rheobase_pA=rheobase,
        repetitive_pA=None if rheobase is None else _smallest(fires_on, rheobase, precision),
    )


def _smallest(fires: Callable[[float], bool], guess: float, precision: float) -> float | None:
    """Smallest strength that fires, to a relative precision; doubled from a guess, then halved."""
    low, high = 0.0, guess
    while not fires(high):
        low, high = high, 2 * high
        if high > _WIDEST * guess:
            return None
    while high - low > precision * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if fires(middle) else (middle, high)
    return high
