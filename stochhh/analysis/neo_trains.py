"""Spike trains as Neo (doi:10.3389/fninf.2014.00010) and PySpike hold them, for their friends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from stochhh.analysis.trains import checked_trains


def neo_trains(trains: Sequence[ArrayLike], duration_ms: float, start_ms: float = 0.0) -> list[Any]:
    """Each trial as a `neo.SpikeTrain` in ms, from `start` to `start` + `duration`.

    Parameters
    ----------
    trains : spike times (ms) of each trial, from 0 to the duration
    duration_ms : length of each trial
    start_ms : what Neo calls the beginning of the trial; added to all times
    """
    import quantities as pq
    from neo import SpikeTrain

    return [
        SpikeTrain(
            train + start_ms,
            t_start=start_ms * pq.ms,
            t_stop=(start_ms + duration_ms) * pq.ms,
            units=pq.ms,
        )
        for train in checked_trains(trains, duration_ms)
    ]


def pyspike_trains(trains: Sequence[ArrayLike], duration_ms: float) -> list[Any]:
    """Each trial as a `pyspike.SpikeTrain` in ms, from 0 to `duration`.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    from pyspike import SpikeTrain

    edges = (0.0, duration_ms)
    return [SpikeTrain(train, edges) for train in checked_trains(trains, duration_ms)]
