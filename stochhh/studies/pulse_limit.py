"""Thresholds of the deterministic membrane under the pulses of a study, by bisection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stochhh import deterministic
from stochhh.analysis.efficiency_curves import Bracket
from stochhh.analysis.setup import Setup
from stochhh.scenario import load_scenario
from stochhh.stimulus import Surroundings, compile_stimuli, is_random

PRECISION = 1e-3  # relative, of thresholds
_TOLERANCE = 1e-6  # of the solver
_MOST_PIECES = 5_000  # of a stimulus, beyond which a run is too slow for a bisection


def can_bisect(setup: Setup) -> bool:
    """Whether an experiment has one deterministic course, quick to solve again and again."""
    scenario = setup.scenario
    if scenario.clamp is not None or scenario.run.initial.result is not None:
        return False
    if is_random(scenario.stimulus):
        return False
    stimulus = compile_stimuli(scenario.stimulus, _around(setup, setup.duration_ms), scenario.name)
    return len(stimulus.end) <= _MOST_PIECES


def fires(setup: Setup, overrides: Sequence[str], since_ms: float, until_ms: float) -> bool:
    """Whether the deterministic membrane makes a spike in [since, until) of a changed experiment.

    Parameters
    ----------
    setup : one that `can_bisect` allows
    overrides : ``"stimulus.0.amplitude=12 pA"`` texts, what to change
    since_ms, until_ms : within the trial
    """
    scenario = load_scenario(setup.scenario, overrides)
    membrane, detection = setup.membrane, scenario.analysis.spikes
    initial = scenario.run.initial
    voltage = initial.voltage_mV
    if voltage is None:
        voltage = membrane.resting_voltage_mV()
    course = deterministic.simulate(
        membrane,
        compile_stimuli(scenario.stimulus, _around(setup, until_ms), scenario.name),
        np.zeros(0),
        voltage + float(initial.displacement_mV),
        membrane.initial_laws(voltage),
        float(detection.threshold_mV),
        float(detection.rearm_mV),
        tolerance=_TOLERANCE,
    )
    return bool(np.any((course.spike_ms >= since_ms) & (course.spike_ms < until_ms)))


def firing_at(
    setup: Setup, key: str, unit: str, since_ms: float, until_ms: float
) -> Callable[[float], bool] | None:
    """Whether the deterministic membrane fires, by the value of a key; None if that takes too long.

    Parameters
    ----------
    setup : with any value of it
    key, unit : what is changed, of a stimulus or of how a trial starts
    since_ms, until_ms : as in `fires`
    """
    if not key.startswith(("stimulus.", "run.initial.")) or not can_bisect(setup):
        return None
    return lambda value: fires(setup, [f"{key}={float(value)!r} {unit}"], since_ms, until_ms)


def narrowed(
    bracket: Bracket, fires_at: Callable[[float], bool], precision: float = PRECISION
) -> Bracket:
    """Bracket narrowed by bisection to a relative width; one with an open end stays as it is."""
    low, high = bracket
    if low is None or high is None:
        return bracket
    while high - low > precision * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if fires_at(middle) else (middle, high)
    return Bracket(low, high)


def _around(setup: Setup, duration_ms: float) -> Surroundings:
    seed = setup.scenario.run.seed or 0
    return Surroundings(
        area_um2=setup.membrane.area_um2,
        duration_ms=duration_ms,
        noise_rng=np.random.default_rng(seed),
        frozen_seed=np.random.SeedSequence(seed),
    )
