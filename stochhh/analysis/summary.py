"""The numbers of a run that everyone asks for first, beside those of its deterministic limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.circuit_summary import summarise_circuit
from stochhh.analysis.circuit_trials import circuit_trials
from stochhh.analysis.clamp_current import ClampValues, peaks_of
from stochhh.analysis.estimates import mean_estimate, named, share_estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.jackknife import pooled_sd
from stochhh.analysis.spikes import firing_rate_hz, first_spike_ms
from stochhh.analysis.trial_numbers import (
    CLAMPED,
    SPIKES,
    About,
    Numbers,
    Trials,
    means,
    patch_trials,
)
from stochhh.result import Result

Floats = NDArray[np.float64]
Summary = dict[str, Any]

_HOW = (  # attributes that say how a result was made
    "step_ms", "longest_step_ms", "method_chosen", "deterministic_given", "deterministic_solver",
)  # fmt: skip


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
    data = result.point(index)
    place = {
        str(name): coordinate.item()
        for name, coordinate in data.coords.items()
        if coordinate.ndim == 0 and name != "point"
    }
    trials = circuit_trials(result, index) if result.is_circuit else patch_trials(result, index)
    return {
        **({"place": place, "trials": trials.n} if place else {}),
        **summarise_trials(trials),
    }


def summarise_trials(trials: Trials) -> Summary:
    """Summarise trials of one point, as `summarise` has them."""
    if trials.about.cells:
        return summarise_circuit(trials)
    known = bool(trials.limit)
    summary = {
        **_told(trials.numbers, trials.about, known),
        "transitions": int(np.nansum(trials.numbers["transitions"])),
    }
    if trials.limit:
        limit = _told(trials.limit, trials.about, known)
        summary["deterministic"] = _without_intervals(limit | {"transitions": 0})
    if trials.about.method == "deterministic":
        summary = _without_intervals(summary)
        summary["deterministic"] = dict(summary)
    return summary


def _told(numbers: Numbers, about: About, known_before: bool) -> Summary:
    trains = numbers[SPIKES]
    return {
        **_spike_statistics(trains, about.duration_ms, about.steady),
        "voltage": _voltage(numbers, about, np.array([len(train) > 0 for train in trains])),
        **_clamp_current(numbers, known_before),
        "ions": means("ions", numbers, about.populations),
    }


def _without_intervals(summary: Summary) -> Summary:
    """Drop the intervals of what is no sample: a deterministic course has none."""
    return {
        key: _without_intervals(value)
        if isinstance(value, dict) and key != "deterministic"
        else None
        if key.endswith("_ci") and key.removesuffix("_ci") in summary
        else value
        for key, value in summary.items()
        if key != "approximate"
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
            **({} if isi.cv.interval is None else {"approximate": ["cv"]}),
        },
    }


def _voltage(numbers: Numbers, about: About, fired: NDArray[np.bool_]) -> Summary:
    """Rest and peak voltage, averaged over trials.

    Without current the membrane cannot leave the range of its reversal potentials, nor can the
    mean of its rest.
    """
    rest, peak = numbers["rest"], numbers["highest"]
    firing = fired if fired.any() else np.ones_like(fired)
    found = {
        **named("rest_mV", mean_estimate(rest, *_range_of_rest(about.reversal_mV, rest))),
        **named("peak_mV", mean_estimate(peak[firing])),
        **named("silent_peak_mV", mean_estimate(peak[~firing])),
    }
    if "voltage_mean" in numbers:  # which sweeps keep besides
        found |= {
            **named("mean_mV", mean_estimate(numbers["voltage_mean"])),
            **named("sd_mV", pooled_sd(numbers["voltage_mean"], numbers["voltage_sd"])),
            **named("lowest_mV", mean_estimate(numbers["lowest"])),
        }
    return found


def _range_of_rest(reversal_mV: tuple[float, ...], rest_mV: Floats) -> tuple[float, float]:
    """Bounds of the resting voltage: the channels' reversal potentials, if all lie between."""
    if not reversal_mV:
        return -np.inf, np.inf
    low, high = min(reversal_mV), max(reversal_mV)
    return (low, high) if low < rest_mV.min() and rest_mV.max() < high else (-np.inf, np.inf)


def _clamp_current(numbers: Numbers, known_before: bool) -> Summary:
    """Largest inward and outward current of a clamped membrane, and the larger of the two."""
    if "inward" not in numbers:
        return {}
    values = (numbers[name] for name in CLAMPED)
    peaks = peaks_of(ClampValues(*values), known_before)
    found = {
        **named("peak_pA", peaks.peak_pA),
        **named("inward_pA", peaks.inward_pA),
        "inward_ms": peaks.inward_ms,
        **named("outward_pA", peaks.outward_pA),
        "outward_ms": peaks.outward_ms,
    }
    if "current_mean" in numbers:
        found |= named("mean_pA", mean_estimate(numbers["current_mean"]))
    return {"current": found}
