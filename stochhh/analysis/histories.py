"""What each tagged channel of a run did: the states it went through, and when.

Times in ms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.errors import InputError, did_you_mean
from stochhh.result import Result

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class History(NamedTuple):
    """The states one channel went through, n of them, numbered within its population.

    Attributes
    ----------
    trial, channel : labels of the trial and place along dim ``channel``.
    entered_ms : (n,) when each state was entered; the first at time zero.
    state : (n,)
    end_ms : end of the trial.
    """

    trial: int
    channel: int
    entered_ms: Floats
    state: Ints
    end_ms: float


def histories(result: Result, population: str, point: int = 0) -> list[History]:
    """List the history of every tagged channel of a population, trial after trial.

    Raises
    ------
    InputError
        No such population, or none of its channels was followed.
    """
    data = result.point(point)
    places = _tagged(data, population)
    trials, of_trial = data["trial"].values, data["flip_trial"].values
    by_channel = np.lexsort((data["flip_channel"].values, of_trial))  # stable: times stay in order
    pairs = of_trial[by_channel], data["flip_channel"].values[by_channel]
    time, state = data["flip_time"].values[by_channel], data["flip_state"].values[by_channel]
    found = []
    for row, trial in enumerate(trials):
        low, high = np.searchsorted(pairs[0], [trial, trial + 1])
        for k in places:
            start = data["channel_start"].values[row, k]
            if np.isnan(start):  # of a trial that an interrupted sweep never made
                continue
            first, last = low + np.searchsorted(pairs[1][low:high], [k, k + 1])
            found.append(
                History(
                    trial=int(trial),
                    channel=int(k),
                    entered_ms=np.concatenate([[0.0], time[first:last]]),
                    state=np.concatenate([[start], state[first:last]]).astype(np.int64),
                    end_ms=result.duration_ms,
                )
            )
    return found


def relative_conductance(data: xr.Dataset, population: str) -> Floats:
    """Share of the unitary conductance of each state of a population, (S,)."""
    owners = [str(state).partition(":")[0] for state in data["state"].values]
    mine = np.array([owner == population for owner in owners])
    return np.asarray(data["relative_conductance"].values[mine], dtype=np.float64)


def checked_end_ms(result: Result, start_ms: float, end_ms: float | None) -> float:
    """End of a stretch of a trial, by default the trial's; an InputError if it is none."""
    end = result.duration_ms if end_ms is None else end_ms
    if not 0.0 <= start_ms < end <= result.duration_ms:
        raise InputError(
            f"from {start_ms:g} to {end:g} ms: need a stretch within the "
            f"{result.duration_ms:g} ms of a trial"
        )
    return end


def _tagged(data: xr.Dataset, population: str) -> Ints:
    """Places along dim ``channel`` of the tagged channels of a population."""
    names = [str(name) for name in data["population"].values]
    if population not in names:
        raise InputError(f"no population '{population}'; {did_you_mean(population, names)}")
    if "channel_population" not in data:
        raise InputError("no channel was followed; set run.record.channels, as in 20")
    places = np.nonzero(data["channel_population"].values == population)[0]
    if len(places) == 0:
        raise InputError(f"no channel of '{population}' was followed; set run.record.channels")
    return places.astype(np.int64)
