"""Lists of spike trains: checked, cut to a stretch of time, or turned against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.errors import InputError

Floats = NDArray[np.float64]


def checked_trains(trains: Sequence[ArrayLike], duration_ms: float) -> list[Floats]:
    """Spike trains as arrays, each sure to increase within [0, duration].

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial

    Raises
    ------
    InputError
        Times that do not increase, lie outside the trial, or are not numbers in a row.
    """
    checked_positive("duration_ms", duration_ms, 500)
    checked = []
    for k, train in enumerate(trains):
        times = np.asarray(train, dtype=np.float64)
        if times.ndim != 1:
            raise InputError(f"trains: trial {k} has shape {times.shape}; need times in a row")
        if not np.isfinite(times).all():
            raise InputError(f"trains: trial {k} holds a time that is not finite")
        if (np.diff(times) <= 0.0).any():
            j = int(np.argmax(np.diff(times) <= 0.0))
            raise InputError(
                f"trains: trial {k} has {times[j + 1]:g} ms after {times[j]:g} ms; "
                "need times that increase"
            )
        if len(times) and not (times[0] >= 0.0 and times[-1] <= duration_ms):
            outside = times[0] if times[0] < 0.0 else times[-1]
            raise InputError(
                f"trains: trial {k} has a spike at {outside:g} ms; "
                f"need times from 0 to the duration, {duration_ms:g} ms"
            )
        checked.append(times)
    return checked


def checked_positive(name: str, value: float, example: float) -> None:
    """Refuse a number that is not finite and above zero.

    Raises
    ------
    InputError
        The number is not.
    """
    if not 0.0 < value < np.inf:
        raise InputError(f"{name}: {value:g}; need a number above zero, as in {example:g}")


def cut_trains(trains: Sequence[ArrayLike], start_ms: float, stop_ms: float) -> list[Floats]:
    """Spikes in [start, stop) of each trial, told from the start.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    start_ms, stop_ms : the stretch kept

    Raises
    ------
    InputError
        The stretch has no length.
    """
    if not start_ms < stop_ms:
        raise InputError(f"stop_ms: {stop_ms:g}; need more than start_ms, {start_ms:g}")
    arrays = [np.asarray(train, dtype=np.float64) for train in trains]
    return [a[(a >= start_ms) & (a < stop_ms)] - start_ms for a in arrays]


def turned_trains(trains: Sequence[ArrayLike], duration_ms: float, seed: int = 0) -> list[Floats]:
    """Each trial turned round by a random time of its own, its end joined to its beginning.

    Intervals and rates stay; what trials have in common goes. What a measure of
    reliability finds in turned trains it finds by chance.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    seed : of the random times
    """
    rng = np.random.default_rng(seed)
    shifts = rng.uniform(0.0, duration_ms, len(trains))
    arrays = checked_trains(trains, duration_ms)
    return [np.unique((a + shift) % duration_ms) for a, shift in zip(arrays, shifts, strict=True)]
