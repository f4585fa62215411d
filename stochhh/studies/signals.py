"""What several studies read from a result: populations, times, currents in a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.axes import Curve
from stochhh.analysis.setup import Setup
from stochhh.membrane import Population
from stochhh.result import Result
from stochhh.studies.study import Occasion

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def population_of(occasion: Occasion, name: str) -> Population:
    """Population of a name that was checked before."""
    return next(p for p in occasion.setup.membrane.populations if p.name == name)


def driving_force_mV(occasion: Occasion, population: Population) -> float:
    """Held voltage of the study's stretch, from the reversal potential."""
    settings = occasion.settings
    held = occasion.setup.held_mV(float(settings.start_ms), float(settings.end_ms))
    assert held is not None
    return held - population.reversal_mV


def sample_times(occasion: Occasion, start_ms: float, end_ms: float) -> tuple[Floats, slice]:
    """Record times after the start of a stretch up to its end (ms, (T,)), and their places.

    A record at the start itself is of the voltage before, unless it is the first of all.
    """
    time = np.asarray(occasion.result.dataset["time"].values, dtype=np.float64)
    slack = 1e-9 * occasion.setup.interval_ms
    first = 0 if start_ms <= 0.0 else int(np.searchsorted(time, start_ms + slack, side="right"))
    last = int(np.searchsorted(time, end_ms + slack, side="right"))
    return time[first:last], slice(first, last)


def finished_trials(result: Result, point: int) -> NDArray[np.int64]:
    """Numbers of the trials of a point that were made; an interrupted run lacks some."""
    return np.flatnonzero(np.isfinite(result.point(point)["final_voltage"].values))


def finished_trains(
    result: Result, point: int, start_ms: float = 0.0, end_ms: float = np.inf
) -> list[Floats]:
    """Spike times (ms) of each finished trial of a point, those in [start, end) only."""
    trains = result.spike_trains(point)
    return [
        trains[k][(trains[k] >= start_ms) & (trains[k] < end_ms)]
        for k in finished_trials(result, point)
    ]


def begun_points(result: Result, curve: Curve) -> tuple[list[int], Floats]:
    """Points of a curve with a finished trial, and where they lie on it; most often all."""
    begun = [k for k, point in enumerate(curve.points) if len(finished_trials(result, point))]
    return [curve.points[k] for k in begun], curve.x[begun]


def begun_curves(result: Result, curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """Curves of `begun_points`, without those that have none."""
    kept = []
    for curve in curves:
        points, x = begun_points(result, curve)
        kept.append(curve._replace(points=tuple(points), x=x))
    return tuple(curve for curve in kept if curve.points)


def n_noisy_channels(setup: Setup) -> int:
    """Count the channels that flip at random."""
    return sum(population.count for population in setup.membrane.populations if population.noise)


class Sweeps(Sequence[Floats]):
    """Current (pA) or open count of each finished trial, read only when it is asked for."""

    def __init__(
        self, occasion: Occasion, population: Population | None, quantity: str, kept: slice
    ) -> None:
        """Take the signal of a population, or of None the clamp current, at some records."""
        data = occasion.result.point(occasion.point)
        if population is None or (quantity == "current" and "current" not in data):
            signal = data["total_current"]
        else:
            names = [str(name) for name in data["population"].values]
            signal = data[quantity].isel(population=names.index(population.name))
        self._signal = signal.isel(time=kept)
        self._rows = finished_trials(occasion.result, occasion.point)

    def __len__(self) -> int:
        """Count the trials; those that an interrupted sweep never made are none."""
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        """Read one trial, shape (T,)."""
        row = self._signal.isel(trial=int(self._rows[index]))
        return np.asarray(row.values, dtype=np.float64)
