"""The numbers of a run that everyone asks for first, beside those of its deterministic limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.analysis.circuit_summary import summarise_points
from stochhh.analysis.clamp_current import clamp_peaks
from stochhh.analysis.estimates import mean_estimate, named, share_estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.spikes import firing_rate_hz, first_spike_ms
from stochhh.lazy import pieces
from stochhh.result import Result
from stochhh.scenario import Scenario
from stochhh.stimulus import is_steady

Floats = NDArray[np.float64]
Summary = dict[str, Any]

_HOW = (  # attributes that say how a result was made
    "step_ms", "longest_step_ms", "method_chosen", "deterministic_given", "deterministic_solver",
)  # fmt: skip
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
        data cannot give it. ``voltage.peak_mV`` is the highest voltage of the run, between
        records too, of the trials that fired, or of all where none did; trials that did not
        fire have ``silent_peak_mV``. With a sweep, ``points`` holds the same for each point
        and the top level counts what all have together. A circuit has ``cells`` and ``synapses``
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
        **{key: attrs[key] for key in _HOW if key in attrs},
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
        each = [point["spikes"] for point in points]
        names = ("count", "trials_with_spikes")
        summary["spikes"] = {name: sum(one[name] for one in each) for name in names}
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
    before, steady = _before_stimulus(data), _is_steady(result)

    def told(trains: Sequence[Floats], prefix: str) -> Summary:
        return {
            **_spike_statistics(trains, duration, steady),
            "voltage": _voltage(data, prefix, before, np.array([len(t) > 0 for t in trains])),
            **_clamp_current(result, data, prefix),
            "ions": _ions(data, prefix),
        }

    summary = {
        **({"place": place, "trials": len(trains)} if place else {}),
        **told(trains, ""),
        "transitions": int(np.nansum(data["transitions"].values)),
    }
    if result.has_deterministic:
        limit = told(result.spike_trains(index, deterministic=True), "deterministic_")
        summary["deterministic"] = _without_intervals(limit | {"transitions": 0})
    if result.method == "deterministic":
        summary = _without_intervals(summary)
        summary["deterministic"] = {key: summary[key] for key in summary if key != "place"}
    return summary


def _is_steady(result: Result) -> bool:
    """Whether what drives the membrane is the same at all times of a trial, at all points."""
    scenario = result.experiment
    assert isinstance(scenario, Scenario)
    moved = [key for key in scenario.sweep if key.startswith("stimulus")]
    timed = any(key.rpartition(".")[2] not in ("amplitude", "mean", "sd") for key in moved)
    return not timed and is_steady(scenario.stimulus, 0.0, result.duration_ms)


def _without_intervals(summary: Summary) -> Summary:
    """Drop the intervals of what is no sample: a deterministic course has none."""
    return {
        key: _without_intervals(value)
        if isinstance(value, dict) and key != "deterministic"
        else None
        if key.endswith("_ci") and key.removesuffix("_ci") in summary
        else value
        for key, value in summary.items()
    }


def _spike_statistics(trains: Sequence[Floats], duration_ms: float, steady: bool) -> Summary:
    isi = isi_statistics(trains, duration_ms, steady)
    firing = sum(len(train) > 0 for train in trains)
    return {
        "spikes": {
            "count": sum(len(train) for train in trains),
            "trials_with_spikes": firing,
            **named("share_with_spikes", share_estimate(firing, len(trains))),
            **named("rate_hz", firing_rate_hz(trains, duration_ms)),
            **named("first_ms", mean_estimate(first_spike_ms(trains), 0.0, duration_ms)),
        },
        "isi": {
            "count": isi.count,
            **named("mean_ms", isi.mean_ms),
            **named("cv", isi.cv),
        },
    }


def _before_stimulus(data: xr.Dataset) -> slice:
    """Record times before any current flows; all of them if it flows at once or never."""
    first = data.sizes["time"]
    for index, values in pieces(data["stimulus"].variable):
        if index[-1].start < first and np.any(values):
            first = min(first, index[-1].start + int(np.nonzero(values)[0][0]))
    return slice(0, first) if 0 < first < data.sizes["time"] else slice(None)


def _voltage(data: xr.Dataset, prefix: str, before: slice, fired: NDArray[np.bool_]) -> Summary:
    """Rest (median before the stimulus) and peak voltage of each trial, averaged over trials.

    The median of a very long record is that of every k-th value. Without current the
    membrane cannot leave the range of its reversal potentials, nor can the mean of its rest.
    """
    voltage = data[f"{prefix}voltage"].variable
    trials = [voltage] if voltage.ndim == 1 else list(voltage)
    start, stop, _ = before.indices(voltage.shape[-1])
    sampled = slice(start, stop, -(-(stop - start) // _MOST_IN_MEDIAN))
    rest = np.array([np.median(trial[sampled].values) for trial in trials])
    peak = np.atleast_1d(data[f"{prefix}highest_voltage"].values)
    firing = fired if fired.any() else np.ones_like(fired)
    return {
        **named("rest_mV", mean_estimate(rest, *_range_of_rest(data, rest))),
        **named("peak_mV", mean_estimate(peak[firing])),
        **named("silent_peak_mV", mean_estimate(peak[~firing])),
    }


def _range_of_rest(data: xr.Dataset, rest_mV: Floats) -> tuple[float, float]:
    """Bounds of the resting voltage: the channels' reversal potentials, if all lie between."""
    reversal = data["reversal"].values
    if len(reversal) == 0:
        return -np.inf, np.inf
    low, high = float(reversal.min()), float(reversal.max())
    return (low, high) if low < rest_mV.min() and rest_mV.max() < high else (-np.inf, np.inf)


def _clamp_current(result: Result, data: xr.Dataset, prefix: str) -> Summary:
    """Largest inward and outward current of a clamped membrane, and the larger of the two."""
    scenario = result.experiment
    if f"{prefix}total_current" not in data or not isinstance(scenario, Scenario):
        return {}
    assert scenario.clamp is not None
    peaks = clamp_peaks(data, float(scenario.clamp.holding_mV), bool(prefix))
    return {
        "current": {
            **named("peak_pA", peaks.peak_pA),
            **named("inward_pA", peaks.inward_pA),
            "inward_ms": peaks.inward_ms,
            **named("outward_pA", peaks.outward_pA),
            "outward_ms": peaks.outward_ms,
        }
    }


def _ions(data: xr.Dataset, prefix: str) -> Summary:
    """Net number of ions each population let out, averaged over trials."""
    ions = np.atleast_2d(data[f"{prefix}ions"].values)
    summary: Summary = {}
    for index, name in enumerate(data["population"].values):
        summary |= named(str(name), mean_estimate(ions[:, index]))
    return summary
