"""The numbers of a run that everyone asks for first, beside those of its deterministic limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.analysis.circuit_summary import summarise_points
from stochhh.analysis.spikes import (
    Estimate,
    firing_rate_hz,
    first_spike_ms,
    interspike_intervals_ms,
    isi_cv,
    isi_mean_ms,
    mean_estimate,
)
from stochhh.columns import ROWS
from stochhh.lazy import pieces
from stochhh.result import Result

Floats = NDArray[np.float64]
Summary = dict[str, Any]

_MOST_IN_MEDIAN = 1_000_000


def summarise(result: Result) -> Summary:
    """Summarise a run.

    Returns
    -------
    dict
        Nested: ``spikes``, ``isi``, ``voltage``, ``ions``, ``transitions``,
        and ``deterministic`` with the same keys for the deterministic
        limit (for a deterministic run, the run itself). Each statistic stands
        beside its 95 % interval (``rate_hz`` and ``rate_hz_ci``); None where the
        data cannot give it. With a sweep, ``points`` holds the same for each point
        and the top level pools them all. A circuit has ``cells`` and ``synapses``
        instead (`stochhh.analysis.circuit_summary`).
    """
    attrs = result.dataset.attrs
    if result.is_circuit:
        points = summarise_points(result)
    else:
        points = [_point(result, index) for index in range(result.n_points)]
    summary: Summary = {
        "scenario": result.name,
        "title": result.title,
        "method": result.method,
        **{
            key: attrs[key]
            for key in ("step_ms", "longest_step_ms", "method_chosen")
            if key in attrs
        },
        "seed": result.seed,
        "trials": int(attrs["trials_finished"]),
        "trials_planned": int(attrs["trials_planned"]),
        "interrupted": result.interrupted,
        "duration_ms": result.duration_ms,
    }
    if result.n_points == 1 and "point" not in result.dataset.dims:
        summary |= points[0]
    elif result.is_circuit:
        summary["transitions"] = sum(point["transitions"] for point in points)
    else:
        trains = [train for j in range(result.n_points) for train in result.spike_trains(j)]
        summary |= _spike_statistics(trains, result.duration_ms)
        summary["transitions"] = sum(point["transitions"] for point in points)
    if "point" in result.dataset.dims:
        summary["points"] = points
    return summary


def _point(result: Result, index: int) -> Summary:
    data, duration = result.point(index), result.duration_ms
    trains = result.spike_trains(index)
    place = {
        str(name): coordinate.item()
        for name, coordinate in data.coords.items()
        if coordinate.ndim == 0 and name != "point"
    }
    before = _before_stimulus(data)
    summary = {
        **({"place": place, "trials": len(trains)} if place else {}),
        **_spike_statistics(trains, duration),
        "voltage": _voltage(data["voltage"].variable, before),
        **_clamp_current(data, ""),
        "ions": _ions(data, ""),
        "transitions": int(np.nansum(data["transitions"].values)),
    }
    if result.has_deterministic:
        twin = result.spike_trains(index, deterministic=True)
        summary["deterministic"] = _without_intervals(
            {
                **_spike_statistics(twin, duration),
                "voltage": _voltage(data["deterministic_voltage"].variable, before),
                **_clamp_current(data, "deterministic_"),
                "ions": _ions(data, "deterministic_"),
                "transitions": 0,
            }
        )
    if result.method == "deterministic":
        summary = _without_intervals(summary)
        summary["deterministic"] = {key: summary[key] for key in summary if key != "place"}
    return summary


def _without_intervals(summary: Summary) -> Summary:
    """Drop the intervals of what is no sample: a deterministic course has none."""
    return {
        key: _without_intervals(value)
        if isinstance(value, dict) and key != "deterministic"
        else None
        if key.endswith("_ci")
        else value
        for key, value in summary.items()
    }


def _spike_statistics(trains: Sequence[Floats], duration_ms: float) -> Summary:
    intervals = interspike_intervals_ms(trains)
    firing = sum(len(train) > 0 for train in trains)
    return {
        "spikes": {
            "count": sum(len(train) for train in trains),
            "trials_with_spikes": firing,
            **_named("rate_hz", firing_rate_hz(trains, duration_ms)),
            **_named("first_ms", mean_estimate(first_spike_ms(trains))),
        },
        "isi": {
            "count": len(intervals),
            **_named("mean_ms", isi_mean_ms(intervals)),
            **_named("cv", isi_cv(intervals)),
        },
    }


def _before_stimulus(data: xr.Dataset) -> slice:
    """Record times before any current flows; all of them if it flows at once or never."""
    first = data.sizes["time"]
    for index, values in pieces(data["stimulus"].variable):
        if index[-1].start < first and np.any(values):
            first = min(first, index[-1].start + int(np.nonzero(values)[0][0]))
    return slice(0, first) if 0 < first < data.sizes["time"] else slice(None)


def _voltage(voltage: xr.Variable, before: slice) -> Summary:
    """Rest (median before the stimulus) and peak voltage of each trial, averaged over trials.

    The median of a very long record is that of every k-th value.
    """
    trials = [voltage] if voltage.ndim == 1 else list(voltage)
    start, stop, _ = before.indices(voltage.shape[-1])
    sampled = slice(start, stop, -(-(stop - start) // _MOST_IN_MEDIAN))
    rest = [np.median(trial[sampled].values) for trial in trials]
    peak = [max(values.max() for _, values in pieces(trial)) for trial in trials]
    return {
        **_named("rest_mV", mean_estimate(np.array(rest))),
        **_named("peak_mV", mean_estimate(np.array(peak))),
    }


def _clamp_current(data: xr.Dataset, prefix: str) -> Summary:
    """Mean current of a clamped membrane at the moment when it is largest in magnitude."""
    if f"{prefix}total_current" not in data:
        return {}
    current = data[f"{prefix}total_current"].variable
    largest = np.zeros(0)
    for first in range(0, data.sizes["time"], ROWS):
        block = np.atleast_2d(current[..., first : first + ROWS].values)
        mean = np.abs(block.mean(axis=0))
        if first == 0 or mean.max() > abs(largest.mean()):
            largest = block[:, int(mean.argmax())]
    return {"current": _named("peak_pA", mean_estimate(largest))}


def _ions(data: xr.Dataset, prefix: str) -> Summary:
    """Net number of ions each population let out, averaged over trials."""
    ions = np.atleast_2d(data[f"{prefix}ions"].values)
    summary: Summary = {}
    for index, name in enumerate(data["population"].values):
        summary |= _named(str(name), mean_estimate(ions[:, index]))
    return summary


def _named(name: str, estimate: Estimate) -> Summary:
    interval = None if estimate.interval is None else list(estimate.interval)
    return {name: estimate.value, f"{name}_ci": interval}
