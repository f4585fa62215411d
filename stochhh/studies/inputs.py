"""What studies of a noisy input read from a result: the input, and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.axes import Axis, Curve, curves_if_any
from stochhh.analysis.entropy import binned
from stochhh.analysis.noisy_input import is_repeated
from stochhh.analysis.repeated_input import coherence_of_repeats
from stochhh.analysis.setup import Setup
from stochhh.analysis.voltage_spectra import Coherence, coherence
from stochhh.studies.signals import begun_points, finished_trains, finished_trials, sample_times
from stochhh.studies.study import Occasion, Survey

Floats = NDArray[np.float64]

_SIZES = ("area", "count_factor")


class Answer(NamedTuple):
    """Coherence of a response with the input at one point.

    Attributes
    ----------
    trials, spikes : numbers of them, in the stretch.
    found : None where the response does not vary.
    limit : likewise of the spikes of the deterministic membrane; None without them.
    """

    trials: int
    spikes: int
    found: Coherence | None
    limit: Coherence | None


def answer_to_input(
    occasion: Occasion, response: str, segment_ms: float, highest_hz: float
) -> Answer:
    """Coherence of voltage or spikes with the injected current, at one point.

    Parameters
    ----------
    occasion : with the stretch of time in its settings
    response : "voltage", or "spikes" in the intervals between records
    segment_ms : of Welch's method
    highest_hz : up to which the coherence is of interest
    """
    start, end = float(occasion.settings.start_ms), float(occasion.settings.end_ms)
    data = occasion.result.point(occasion.point)
    trials = finished_trials(occasion.result, occasion.point)
    trains = finished_trains(occasion.result, occasion.point, start, end)
    _, kept = sample_times(occasion, start, end)
    current = data["stimulus"].isel(time=kept)
    if "trial" in current.dims:
        current = current.isel(trial=trials)
    driving = np.asarray(current.values, dtype=np.float64)
    answers = _responses(occasion, response, trials, kept)
    interval, found, limit = occasion.setup.interval_ms, None, None
    if _varies(answers):
        if is_repeated(occasion.setup):
            found = coherence_of_repeats(driving, answers, interval, segment_ms, highest_hz)
        else:
            found = coherence(driving, answers, interval, segment_ms)
    limited = response == "spikes" and occasion.result.has_deterministic
    if limited and len(trials) and trials[0] == 0:
        alone = _responses(occasion, response, None, kept)
        if _varies(alone):  # it was made with the input of the first trial
            limit = coherence(np.atleast_2d(driving)[0], alone, interval, segment_ms)
    return Answer(len(trials), sum(len(train) for train in trains), found, limit)


class Along(NamedTuple):
    """Points of a survey along its axis, those that were begun.

    Attributes
    ----------
    axis : by number of channels where it is that of the area.
    label : of the axis, as the scenario's picture has it if it says; empty without one.
    curves : each with the points that `made` them.
    """

    axis: Axis
    label: str
    curves: tuple[tuple[Curve, tuple[Any, ...]], ...]


def along_axis(survey: Survey, made: Callable[[Survey, int, float], Any]) -> Along:
    """Make something of every point of a survey, curve by curve.

    Parameters
    ----------
    survey : with the axis in its settings
    made : of the survey, the place of a point and its value on the axis
    """
    axis = by_channels(curves_if_any(survey.setups, survey.settings.axis), survey.setups)
    given = survey.setups[0].scenario.figure.axis if axis.unit != "channels" else ""
    curves = []
    for curve in axis.curves:
        points, x = begun_points(survey.result, curve)
        if points:
            found = [made(survey, p, float(at)) for p, at in zip(points, x, strict=True)]
            curves.append((curve, tuple(found)))
    return Along(axis, (given or axis.label) if axis.key else "", tuple(curves))


def by_channels(axis: Axis, setups: Sequence[Setup]) -> Axis:
    """The same axis told in numbers of channels if it is that of their number, or of the area."""
    if axis.key.rsplit(".", 1)[-1] not in _SIZES:
        return axis
    curves = []
    for curve in axis.curves:
        counts = [float(setups[point].membrane.n_channels) for point in curve.points]
        curves.append(curve._replace(x=np.array(counts)))
    return axis._replace(label="number of channels", unit="channels", curves=tuple(curves))


def _responses(
    occasion: Occasion, response: str, trials: NDArray[np.int64] | None, kept: slice
) -> Floats:
    """Voltage (mV) or rate of spikes (1/s) of trials, (trials, T); of None the limit's spikes."""
    result, point = occasion.result, occasion.point
    data = result.point(point)
    if response == "voltage":
        signal = data["voltage"].isel(time=kept, trial=trials)
        return np.asarray(signal.values, dtype=np.float64)
    times = np.asarray(data["time"].isel(time=kept).values, dtype=np.float64)
    trains = result.spike_trains(point, deterministic=trials is None)
    if trials is not None:
        trains = [trains[k] for k in trials]
    interval = occasion.setup.interval_ms
    since = [train - times[0] for train in trains]
    counts = binned(since, len(times) * interval, interval, binary=False)
    return np.asarray(counts[:, : len(times)] / (1e-3 * interval))


def _varies(rows: Floats) -> bool:
    return bool(rows.size) and bool(np.ptp(rows, axis=1).any())
