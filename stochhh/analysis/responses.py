"""Responses of a cell to events, measured so that no noise is taken for a response.

The largest voltage in a window is never below its mean, so of a noisy membrane it is a
response where there was nothing. Here the moment of the peak is that of the mean course
of other events: a value there, less the baseline, has the mean of the response, and
zero without one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BASELINE_MS = 0.5  # before the event
_AROUND = 0.05  # of the window, on both sides of the peak, over which a value is a mean


class Responses(NamedTuple):
    """Responses to n events, and where in their courses they were read."""

    value_mV: Floats  # (n,) NaN where the record does not hold the window
    peak: tuple[int, int]  # records after the event, of even events and of odd ones


def courses(
    time_ms: Floats, voltage_mV: Floats, row: Ints, begin_ms: Floats, window_ms: float
) -> Floats:
    """Voltages of a window after each event, less the mean just before it, (n, records).

    Parameters
    ----------
    time_ms : (T,) evenly spaced from zero
    voltage_mV : (trials, T)
    row, begin_ms : (n,) trial and time of each event
    """
    interval = float(time_ms[1] - time_ms[0])
    first = np.ceil(begin_ms / interval - 1e-9).astype(np.int64)
    length = max(int(window_ms / interval), 1) + 1
    back = max(int(_BASELINE_MS / interval), 1)
    inside = (first >= back) & (first + length <= len(time_ms))
    start = np.where(inside, first, back)
    after = voltage_mV[row[:, None], start[:, None] + np.arange(length)]
    before = voltage_mV[row[:, None], start[:, None] - 1 - np.arange(back)]
    found = after - before.mean(axis=1, keepdims=True)
    found[~inside] = np.nan
    return np.asarray(found)


def responses(course: Floats, usable: NDArray[np.bool_], sign: float) -> Responses:
    """Read each response where the mean course of the other half of the events peaks.

    Every second event is of the other half, so that no event helps to choose where it is
    read: the mean of values is unbiased, and zero where nothing follows an event.

    Parameters
    ----------
    course : of `courses`, (n, records)
    usable : (n,) events that choose; others are read too
    sign : of the response, 1 or -1
    """
    even = np.arange(len(course)) % 2 == 0
    known = usable & np.isfinite(course).all(axis=1)
    peaks = []
    for mine in (even, ~even):
        others = known & ~mine
        chosen = others if others.any() else known
        mean = course[chosen].mean(axis=0) if chosen.any() else np.zeros(course.shape[1])
        peaks.append(int(np.argmax(sign * mean)))
    peak = peaks[0], peaks[1]
    return Responses(read(course, peak), peak)


def read(course: Floats, peak: tuple[int, int]) -> Floats:
    """Means around the peaks of `Responses` of courses, (n,)."""
    around = round(_AROUND * course.shape[1])
    values = np.empty(len(course))
    for half, at in enumerate(peak):
        values[half::2] = course[half::2, max(at - around, 0) : at + around + 1].mean(axis=1)
    return values
