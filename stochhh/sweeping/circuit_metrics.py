"""Numbers of every trial of a circuit: impulses of its cells, vesicles of its synapses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.cells import (
    Path,
    cell_names,
    first_passages,
    main_path,
    passages,
    velocity_m_per_s,
)
from stochhh.result import Result
from stochhh.sweeping.metric import Metric

NOTHING = float("nan")


def circuit_metrics(result: Result) -> list[Metric]:
    """Measure every trial of a circuit without a sweep."""
    data = result.dataset
    metrics = [
        one
        for name in cell_names(data)
        for one in _impulses(data, name, result.duration_ms, result.has_deterministic)
    ]
    for number, name in enumerate(data["synapse"].values):
        metrics += _vesicles(data, number, str(name))
    for index, name in enumerate(data["population"].values):
        ions = _numbers(data["ions"].values[:, index])
        metrics.append(
            Metric("ions", "1", "ions that left the cells, net", ions, NOTHING,
                   "population", str(name))
        )  # fmt: skip
    flips = _numbers(data["transitions"].values)
    return [*metrics, Metric("transitions", "1", "channel transitions", flips, NOTHING)]


def _impulses(data: xr.Dataset, cell: str, duration_ms: float, compared: bool) -> list[Metric]:
    path = main_path(data, cell)
    start, end = int(path.compartment[0]), int(path.compartment[-1])
    at_start, at_end = passages(data, start), passages(data, end)
    ends: list[tuple[str, str, str, Callable[[Any, Any], float]]] = [
        ("spikes_at_start", "1", "spikes at the start of the cell", lambda a, b: len(a)),
        ("spikes_at_end", "1", "spikes at the end of the cell", lambda a, b: len(b)),
        ("rate_at_end", "Hz", "rate of spikes at the end of the cell",
         lambda a, b: len(b) / duration_ms * 1e3),
        ("first_at_end", "ms", "first spike at the end of the cell",
         lambda a, b: float(b[0]) if len(b) else NOTHING),
    ]  # fmt: skip
    found = []
    for name, units, about, number in ends:
        values = tuple(float(number(a, b)) for a, b in zip(at_start, at_end, strict=True))
        limit = NOTHING
        if compared:
            limit = float(number(*(passages(data, k, deterministic=True)[0] for k in (start, end))))
        found.append(Metric(name, units, about, values, limit, "cell", cell))
    if path.is_cable:
        about = "velocity of the first impulse"
        speeds = _velocity(data, path, False)
        limit = _velocity(data, path, True)[0] if compared else NOTHING
        found.append(Metric("velocity", "m/s", about, speeds, limit, "cell", cell))
    return found


def _velocity(data: xr.Dataset, path: Path, deterministic: bool) -> tuple[float, ...]:
    """Of the first impulse of every trial, or of the limit."""
    firsts = first_passages(data, path, deterministic=deterministic)
    return _numbers(np.atleast_1d(velocity_m_per_s(path, firsts)))


def _vesicles(data: xr.Dataset, number: int, synapse: str) -> list[Metric]:
    mine = data["release_synapse"].values == number
    evoked = np.isfinite(data["release_spike"].values)
    owner, trials = data["release_trial"].values, data["trial"].values
    return [
        Metric(name, "1", about, tuple(float(np.sum(mine & which & (owner == t))) for t in trials),
               NOTHING, "synapse", synapse)
        for name, about, which in (
            ("evoked_vesicles", "vesicles released by spikes", evoked),
            ("spontaneous_vesicles", "vesicles released without a spike", ~evoked),
        )
    ]  # fmt: skip


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
