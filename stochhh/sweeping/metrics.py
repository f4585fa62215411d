"""What is kept of every trial of a point: a few numbers. This module alone says which.

The rest of the package carries `Metric`s without knowing what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.circuit.plan import CircuitPlan
from stochhh.plan import Plan
from stochhh.result import Result
from stochhh.scenario import Experiment
from stochhh.sweeping.circuit_metrics import circuit_kinds, circuit_metrics
from stochhh.sweeping.metric import Kind, Measured, Metric
from stochhh.sweeping.trials import AnyPlan, how

Floats = NDArray[np.float64]

#: With the number of each train of spikes, in a trial of so many ms.
_SPIKES: tuple[tuple[Kind, Callable[[Floats, float], float]], ...] = (
    (Kind("spike_count", "1", "spikes in a trial"), lambda train, ms: len(train)),
    (Kind("firing_rate", "Hz", "firing rate"), lambda train, ms: len(train) / ms * 1e3),
    (
        Kind("first_spike", "ms", "time of first spike"),
        lambda train, ms: train[0] if len(train) else np.nan,
    ),
    (Kind("isi_mean", "ms", "mean interspike interval"), lambda train, ms: _mean_interval(train)),
    (Kind("isi_cv", "1", "CV of interspike intervals"), lambda train, ms: _interval_cv(train)),
)
#: With the variable, and its number.
_COURSES: tuple[tuple[Kind, str, Callable[[Floats], Any]], ...] = (
    (Kind("voltage_mean", "mV", "mean voltage"), "voltage", np.mean),
    (Kind("voltage_sd", "mV", "SD of voltage"), "voltage", np.std),
    (Kind("voltage_min", "mV", "lowest voltage"), "lowest_voltage", np.min),
    (Kind("voltage_max", "mV", "highest voltage"), "highest_voltage", np.max),
    (Kind("current_mean", "pA", "mean current of the clamp"), "total_current", np.mean),
    (Kind("current_min", "pA", "lowest recorded current"), "total_current", np.min),
    (Kind("current_max", "pA", "highest recorded current"), "total_current", np.max),
)
_TRANSITIONS = Kind("transitions", "1", "channel transitions")
_IONS = Kind("ions", "1", "ions that left the cell, net", "population")


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


def nothing_of(experiment: Experiment, plan: AnyPlan) -> Measured:
    """What `measure` makes of the result of a plan, without any trial."""
    said = how(experiment, plan)
    kinds = circuit_kinds(plan) if isinstance(plan, CircuitPlan) else _kinds(plan)
    return Measured(said["method"], said.get("step_ms"), tuple(map(Kind.without_numbers, kinds)))


def _kinds(plan: Plan) -> list[Kind]:
    return [
        *(kind for kind, _ in _SPIKES),
        *(kind for kind, course, _ in _COURSES if plan.clamp or course != "total_current"),
        _TRANSITIONS,
        *(_IONS._replace(label=one.name) for one in plan.membrane.populations),
    ]


def _spikes(result: Result) -> list[Metric]:
    trains, duration_ms = result.spike_trains(), result.duration_ms
    limit = result.spike_trains(deterministic=True)[0] if result.has_deterministic else None
    metrics = []
    for kind, number in _SPIKES:
        values = tuple(float(number(train, duration_ms)) for train in trains)
        of_limit = np.nan if limit is None else float(number(limit, duration_ms))
        metrics.append(kind.metric(values, of_limit))
    return metrics


def _courses(result: Result) -> list[Metric]:
    """Of recorded courses; each trial by itself, so that it matters not which run with it."""
    data = result.dataset
    metrics = []
    for kind, course, number in _COURSES:
        if course not in data:
            continue
        rows = [np.ascontiguousarray(row) for row in data[course].values]
        other = f"deterministic_{course}"
        limit = np.ascontiguousarray(data[other].values) if other in data else None
        values = tuple(float(number(row)) for row in rows)
        of_limit = np.nan if limit is None else float(number(limit))
        metrics.append(kind.metric(values, of_limit))
    return metrics


def _channels(result: Result) -> list[Metric]:
    data = result.dataset
    transitions = tuple(float(value) for value in data["transitions"].values)
    metrics = [_TRANSITIONS.metric(transitions)]
    limits = data["deterministic_ions"].values if result.has_deterministic else None
    for index, name in enumerate(data["population"].values):
        ions = tuple(float(value) for value in data["ions"].values[:, index])
        limit = np.nan if limits is None else float(limits[index])
        metrics.append(_IONS.metric(ions, limit, str(name)))
    return metrics


def _mean_interval(train: Floats) -> float:
    return float(np.diff(train).mean()) if len(train) > 1 else np.nan


def _interval_cv(train: Floats) -> float:
    intervals = np.diff(train)
    return float(intervals.std(ddof=1) / intervals.mean()) if len(intervals) > 1 else np.nan
