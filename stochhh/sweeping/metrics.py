"""What is kept of every trial of a point: a few numbers. `measure` alone says which.

The rest of the package carries `Metric`s without knowing what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.result import Result
from stochhh.sweeping.circuit_metrics import circuit_metrics
from stochhh.sweeping.metric import Measured, Metric

Floats = NDArray[np.float64]


def measure(result: Result) -> Measured:
    """Measure every trial of a result without a sweep."""
    attrs = result.dataset.attrs
    if result.is_circuit:
        metrics = tuple(circuit_metrics(result))
    else:
        metrics = (*_spikes(result), *_courses(result), *_channels(result))
    return Measured(str(attrs["method"]), attrs.get("step_ms"), metrics)


def joined(parts: Sequence[Measured]) -> Measured:
    """Put the trials of a point together; the deterministic limit is in one part or none."""
    columns = zip(*(part.metrics for part in parts), strict=True)
    metrics = tuple(
        column[0]._replace(
            values=tuple(value for one in column for value in one.values),
            limit=next((one.limit for one in column if np.isfinite(one.limit)), np.nan),
        )
        for column in columns
    )
    return parts[0]._replace(metrics=metrics)


def _spikes(result: Result) -> list[Metric]:
    trains = result.spike_trains()
    limit = result.spike_trains(deterministic=True)[0] if result.has_deterministic else None

    def metric(name: str, units: str, long_name: str, number: Callable[[Floats], float]) -> Metric:
        values = tuple(float(number(train)) for train in trains)
        return Metric(name, units, long_name, values, _of_limit(number, limit))

    duration = result.duration_ms
    return [
        metric("spike_count", "1", "spikes in a trial", len),
        metric("firing_rate", "Hz", "firing rate", lambda t: len(t) / duration * 1e3),
        metric("first_spike", "ms", "time of first spike", lambda t: t[0] if len(t) else np.nan),
        metric("isi_mean", "ms", "mean interspike interval", _mean_interval),
        metric("isi_cv", "1", "CV of interspike intervals", _interval_cv),
    ]


def _mean_interval(train: Floats) -> float:
    return float(np.diff(train).mean()) if len(train) > 1 else np.nan


def _interval_cv(train: Floats) -> float:
    intervals = np.diff(train)
    return float(intervals.std(ddof=1) / intervals.mean()) if len(intervals) > 1 else np.nan


def _courses(result: Result) -> list[Metric]:
    """Of recorded courses; each trial by itself, so that it matters not which run with it."""
    data = result.dataset
    asked: list[tuple[str, str, str, str, Callable[[Floats], Any]]] = [
        ("voltage_mean", "voltage", "mV", "mean voltage", np.mean),
        ("voltage_sd", "voltage", "mV", "SD of voltage", np.std),
        ("voltage_min", "voltage", "mV", "lowest voltage", np.min),
        ("voltage_max", "voltage", "mV", "highest voltage", np.max),
        ("current_mean", "total_current", "pA", "mean current of the clamp", np.mean),
        ("current_min", "total_current", "pA", "lowest current of the clamp", np.min),
        ("current_max", "total_current", "pA", "highest current of the clamp", np.max),
    ]
    metrics = []
    for name, course, units, long_name, number in asked:
        if course not in data:
            continue
        rows = [np.ascontiguousarray(row) for row in data[course].values]
        other = f"deterministic_{course}"
        limit = np.ascontiguousarray(data[other].values) if other in data else None
        values = tuple(float(number(row)) for row in rows)
        metrics.append(Metric(name, units, long_name, values, _of_limit(number, limit)))
    return metrics


def _channels(result: Result) -> list[Metric]:
    data = result.dataset
    transitions = tuple(float(value) for value in data["transitions"].values)
    metrics = [Metric("transitions", "1", "channel transitions", transitions, np.nan)]
    limits = data["deterministic_ions"].values if result.has_deterministic else None
    for index, name in enumerate(data["population"].values):
        ions = tuple(float(value) for value in data["ions"].values[:, index])
        limit = np.nan if limits is None else float(limits[index])
        metrics.append(
            Metric("ions", "1", "ions that left the cell, net", ions, limit,
                   "population", str(name))
        )  # fmt: skip
    return metrics


def _of_limit(number: Callable[[Floats], Any], limit: Floats | None) -> float:
    return np.nan if limit is None else float(number(limit))
