"""Thresholds and their spread, strength and duration, recovery, power laws."""

from __future__ import annotations

import numpy as np
from covered import Drawn, Experiment, Rng
from scipy.special import ndtr

from stochhh.analysis.excitability import (
    fit_refractoriness,
    fit_strength_duration,
    lapicque_threshold,
)
from stochhh.analysis.firing_efficiency import fit_firing_efficiency
from stochhh.analysis.power_law import fit_power_law
from stochhh.analysis.pulse_thresholds import half_recovery
from stochhh.analysis.refractory_recovery import ratio_to
from stochhh.errors import InputError

WRITTEN = {
    "threshold": (
        "firing_efficiency.threshold", "strength_duration.threshold", "refractoriness.threshold",
    ),
    "relative spread": (
        "firing_efficiency.relative_spread", "strength_duration.relative_spread",
        "refractoriness.relative_spread",
    ),
    "threshold over a known one": ("refractoriness.ratio",),
    "rheobase": ("strength_duration.rheobase",),
    "chronaxie": ("strength_duration.chronaxie_ms",),
    "exponent of a power law": (
        "firing_efficiency.spread_exponent", "strength_duration.spread_exponent",
    ),
    "absolute refractory period": ("refractoriness.absolute_ms",),
    "relative refractory period": ("refractoriness.relative_ms",),
    "half of the trials fire again": ("refractoriness.half_ms",),
}  # fmt: skip


def _efficiency(rng: Rng, amplitudes: int, trials: int) -> Drawn:
    """Threshold 1, relative spread 0.05."""
    x = np.linspace(0.9, 1.1, amplitudes)
    fired = rng.binomial(trials, ndtr((x - 1.0) / 0.05))
    try:
        found = fit_firing_efficiency(x, fired, np.full(amplitudes, trials))
    except InputError:
        return []
    return [
        ("threshold", 1.0, found.threshold),
        ("relative spread", 0.05, found.relative_spread),
        ("threshold over a known one", 0.5, ratio_to(found.threshold, 2.0)),
    ]


def _durations(rng: Rng, n: int, error: float) -> Drawn:
    duration = np.geomspace(0.05, 5.0, n)
    threshold = lapicque_threshold(duration, 10.0, 0.8) * np.exp(rng.normal(0.0, error, n))
    try:
        found = fit_strength_duration(duration, threshold, np.full(n, error))
    except InputError:
        return []
    return [("rheobase", 10.0, found.rheobase), ("chronaxie", 0.8, found.chronaxie_ms)]


def _power(rng: Rng, n: int, error: float) -> Drawn:
    x = np.geomspace(1.0, 30.0, n)
    y = 2.0 * x**-0.5 * np.exp(rng.normal(0.0, error, n))
    found = fit_power_law(x, y, np.full(n, error))
    return [("exponent of a power law", -0.5, found.exponent)]


def _recovery(rng: Rng, trials: int) -> Drawn:
    """Nothing for 2 ms, then a time constant of 3 ms; threshold 1, relative spread 0.1."""
    interval = np.repeat([2.5, 3.0, 4.0, 5.0, 7.0, 10.0], 3)
    amplitude = np.tile([1.1, 1.5, 2.5], 6)
    recovered = 1.0 - np.exp(-np.maximum(interval - 2.0, 0.0) / 3.0)
    chance = ndtr((amplitude * recovered - 1.0) / 0.1)
    fired = rng.binomial(trials, chance)
    found = fit_refractoriness(interval, amplitude, fired, np.full(18, trials), 1.0, 0.1)
    times = np.arange(4.0, 16.1, 1.0)
    again = rng.binomial(trials, ndtr((times - 9.3) / 2.0))
    return [
        ("absolute refractory period", 2.0, found.absolute_ms),
        ("relative refractory period", 3.0, found.relative_ms),
        (
            "half of the trials fire again",
            9.3,
            half_recovery(times, again, np.full(len(times), trials)),
        ),
    ]


EXPERIMENTS = [
    *(
        Experiment(
            f"{k} amplitudes of {n} trials", lambda g, k=k, n=n: _efficiency(g, k, n), slow=True
        )
        for k, n in ((5, 10), (5, 30), (9, 100))
    ),
    *(
        Experiment(
            f"{n} durations, errors of {100 * e:g} %",
            lambda g, n=n, e=e: _durations(g, n, e),
            slow=True,
        )
        for n, e in ((4, 0.05), (12, 0.02))
    ),
    *(
        Experiment(f"{n} points, errors of {100 * e:g} %", lambda g, n=n, e=e: _power(g, n, e))
        for n, e in ((2, 0.2), (6, 0.1))
    ),
    *(
        Experiment(f"18 points of {n} trials", lambda g, n=n: _recovery(g, n), slow=True)
        for n in (10, 50)
    ),
]
