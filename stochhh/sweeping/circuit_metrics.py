"""Numbers of every trial of a circuit: impulses of its cells, vesicles of its synapses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.cells import (
    Passages,
    Path,
    first_passages,
    main_paths,
    velocity_m_per_s,
    vesicles,
)
from stochhh.circuit.plan import CircuitPlan
from stochhh.result import Result
from stochhh.sweeping.metric import Kind, Metric

NOTHING = float("nan")

#: With the number of spikes at both ends, in a trial of so many ms.
_ENDS: tuple[tuple[Kind, Callable[[Any, Any, float], float]], ...] = (
    (
        Kind("spikes_at_start", "1", "spikes at the start of the cell", "cell"),
        lambda start, end, ms: len(start),
    ),
    (
        Kind("spikes_at_end", "1", "spikes at the end of the cell", "cell"),
        lambda start, end, ms: len(end),
    ),
    (
        Kind("rate_at_end", "Hz", "rate of spikes at the end of the cell", "cell"),
        lambda start, end, ms: len(end) / ms * 1e3,
    ),
    (
        Kind("first_at_end", "ms", "first spike at the end of the cell", "cell"),
        lambda start, end, ms: float(end[0]) if len(end) else NOTHING,
    ),
)
_VELOCITY = Kind("velocity", "m/s", "velocity of the first impulse", "cell")
_EVOKED = Kind("evoked_vesicles", "1", "vesicles released by spikes", "synapse")
_SPONTANEOUS = Kind("spontaneous_vesicles", "1", "vesicles released without a spike", "synapse")
_IONS = Kind("ions", "1", "ions that left the cells, net", "population")
_TRANSITIONS = Kind("transitions", "1", "channel transitions")


def circuit_kinds(plan: CircuitPlan) -> list[Kind]:
    """What `circuit_metrics` measures of the result of a plan, in its order."""
    network = plan.network
    kinds: list[Kind] = []
    for shape in network.shapes:
        mine = [kind for kind, _ in _ENDS]
        if len(shape.geometry.parent) > 1:
            mine.append(_VELOCITY)
        kinds += [kind._replace(label=shape.name) for kind in mine]
    for synapse in plan.synapses:
        kinds += [kind._replace(label=synapse.name) for kind in (_EVOKED, _SPONTANEOUS)]
    channels = network.kinds[: network.n_channel_kinds]
    return [*kinds, *(_IONS._replace(label=one.name) for one in channels), _TRANSITIONS]


def circuit_metrics(result: Result) -> list[Metric]:
    """Measure every trial of a circuit without a sweep."""
    data = result.dataset
    passed = Passages(data)
    limit = Passages(data, deterministic=True) if result.has_deterministic else None
    metrics = [
        one
        for path in main_paths(data).values()
        for one in _impulses(data, path, passed, limit, result.duration_ms)
    ]
    evoked, spontaneous = vesicles(data)
    for number, name in enumerate(data["synapse"].values):
        for kind, counts in ((_EVOKED, evoked), (_SPONTANEOUS, spontaneous)):
            if kind.name in data:  # of a mean field, which draws none
                counts = data[kind.name].values
            beside = data.get(f"deterministic_{kind.name}")
            expected = NOTHING if beside is None else float(beside.values[number])
            metrics.append(kind.metric(_numbers(counts[:, number]), expected, str(name)))
    for index, name in enumerate(data["population"].values):
        ions = _numbers(data["ions"].values[:, index])
        metrics.append(_IONS.metric(ions, label=str(name)))
    flips = _numbers(data["transitions"].values)
    return [*metrics, _TRANSITIONS.metric(flips)]


def _impulses(
    data: xr.Dataset, path: Path, passed: Passages, limits: Passages | None, duration_ms: float
) -> list[Metric]:
    start, end = int(path.compartment[0]), int(path.compartment[-1])
    at_start, at_end = passed.at(start), passed.at(end)
    found = []
    for kind, number in _ENDS:
        values = tuple(
            float(number(first, last, duration_ms))
            for first, last in zip(at_start, at_end, strict=True)
        )
        limit = NOTHING
        if limits is not None:
            limit = float(number(limits.at(start)[0], limits.at(end)[0], duration_ms))
        found.append(kind.metric(values, limit, path.cell))
    if path.is_cable:
        speeds = _velocity(data, path, False)
        limit = NOTHING if limits is None else _velocity(data, path, True)[0]
        found.append(_VELOCITY.metric(speeds, limit, path.cell))
    return found


def _velocity(data: xr.Dataset, path: Path, deterministic: bool) -> tuple[float, ...]:
    """Of the first impulse of every trial, or of the limit."""
    firsts = first_passages(data, path, deterministic=deterministic)
    return _numbers(np.atleast_1d(velocity_m_per_s(path, firsts)))


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
