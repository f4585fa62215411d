"""Idealised records of single channels: sojourns, open probability, bursts, first latencies.

Every tagged channel (``run.record.channels``) left its exact history, so what an
experimenter has to guess from a noisy trace is known here: `records` makes the
noisy trace of the same channel. Times in ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import Estimate, mean_estimate
from stochhh.analysis.histories import checked_end_ms, histories, relative_conductance
from stochhh.errors import InputError
from stochhh.result import Result
from stochhh.theory import log_bin_edges_ms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Idealised(NamedTuple):
    """One channel's record as n sojourns at alternating levels.

    Attributes
    ----------
    trial, channel : as in `History`.
    start_ms, duration_ms : (n,)
    level : (n,) relative conductance, or 1 for open and 0 for shut.
    cut_at_start, cut_at_end : (n,) whether the record's beginning or end cuts it.
    """

    trial: int
    channel: int
    start_ms: Floats
    duration_ms: Floats
    level: Floats
    cut_at_start: Bools
    cut_at_end: Bools


class LogHistogram(NamedTuple):
    """Counts of times in bins of equal width on a logarithmic axis.

    Attributes
    ----------
    edges_ms : (B + 1,)
    counts : (B,)
    root_counts : (B,) square roots, whose standard error is about 1/2 in every bin.
    n_times : how many times there were, those outside all bins included.
    """

    edges_ms: Floats
    counts: Ints
    root_counts: Floats
    n_times: int


class BurstList(NamedTuple):
    """Complete bursts: how many openings, first opening to last shutting, time open; each (B,)."""

    n_openings: Ints
    duration_ms: Floats
    open_ms: Floats


def idealise(
    result: Result,
    population: str,
    point: int = 0,
    start_ms: float = 0.0,
    end_ms: float | None = None,
    sublevels: bool = False,
) -> list[Idealised]:
    """Idealise every tagged channel of a population into sojourns between two times.

    Parameters
    ----------
    start_ms, end_ms : the stretch looked at, by default the whole trial.
    sublevels : tell levels of conductance apart, instead of open and shut alone.

    Raises
    ------
    InputError
        No such population, no tagged channels, or an empty stretch.
    """
    end = checked_end_ms(result, start_ms, end_ms)
    shares = relative_conductance(result.point(point), population)
    if not sublevels:
        shares = (shares > 0.0).astype(np.float64)
    return [
        _idealised(one.trial, one.channel, one.entered_ms, shares[one.state], start_ms, end)
        for one in histories(result, population, point)
    ]


def open_probability(records: Sequence[Idealised]) -> Estimate:
    """Share of time spent open, with an interval over the records, between 0 and 1.

    Records are taken as independent, which channels of one trial are under clamp.
    """
    shares = [r.duration_ms[r.level > 0.0].sum() / r.duration_ms.sum() for r in records]
    return mean_estimate(np.array(shares, dtype=np.float64), 0.0, 1.0)


def dwell_times_ms(
    records: Sequence[Idealised], selected: Literal["open", "shut"] | float = "open"
) -> Floats:
    """Durations of all complete sojourns, pooled, shape (n,), ms.

    Those cut by an end of their record are left out. Of the rest a record of
    length T shows one of length t with probability 1 - t/T or so, so records must
    be long beside the longest dwell times.

    Parameters
    ----------
    records : idealised
    selected : open, shut, or one level of conductance
    """
    pooled = [np.zeros(0)]
    for record in records:
        if isinstance(selected, str):
            record = _open_and_shut(record)
            mine = record.level == (1.0 if selected == "open" else 0.0)
        else:
            mine = record.level == selected
        complete = ~(record.cut_at_start | record.cut_at_end)
        pooled.append(record.duration_ms[mine & complete])
    return np.concatenate(pooled)


def log_histogram(
    times_ms: ArrayLike, edges_ms: ArrayLike | None = None, bins_per_decade: int = 10
) -> LogHistogram:
    """Sort times into bins on a logarithmic axis.

    An exponential becomes a peak at its time constant, and the square root of the
    count has the same error everywhere (Sigworth & Sine 1987,
    doi:10.1016/S0006-3495(87)83298-8). Without `edges_ms` the bins cover all times
    and have an edge at 1 ms.

    Raises
    ------
    InputError
        No times to choose the bins by, or a time that is not above zero.
    """
    times = np.asarray(times_ms, dtype=np.float64)
    if edges_ms is None:
        if len(times) == 0 or not (times > 0.0).all():
            raise InputError(
                f"times_ms: {len(times)} times, not all above 0 ms; "
                "bins on a logarithmic axis need some, or their edges_ms given"
            )
        lowest = 10.0 ** (np.floor(np.log10(times.min()) * bins_per_decade) / bins_per_decade)
        highest = max(times.max() * (1 + 1e-9), 1.01 * lowest)
        edges = log_bin_edges_ms(lowest, highest, bins_per_decade)
    else:
        edges = np.asarray(edges_ms, dtype=np.float64)
    counts = np.histogram(times, edges)[0].astype(np.int64)
    return LogHistogram(edges, counts, np.sqrt(counts), len(times))


def bursts(records: Sequence[Idealised], critical_gap_ms: float) -> BurstList:
    """Cut records into bursts: openings with shut times of at most a critical gap between them.

    Only bursts with a longer shut time on both sides are complete and listed; a shut
    time that an end of the record cuts counts as longer if what is left of it is.
    """
    n_openings, duration, time_open = [], [], []
    for record in map(_open_and_shut, records):
        is_open = record.level > 0.0
        gaps = np.nonzero(~is_open & (record.duration_ms > critical_gap_ms))[0]
        for before, after in pairwise(gaps):
            inside = slice(before + 1, after)
            n_openings.append(np.count_nonzero(is_open[inside]))
            duration.append(record.duration_ms[inside].sum())
            time_open.append(record.duration_ms[inside][is_open[inside]].sum())
    return BurstList(
        np.array(n_openings, dtype=np.int64),
        np.array(duration, dtype=np.float64),
        np.array(time_open, dtype=np.float64),
    )


def first_latencies_ms(
    result: Result,
    population: str,
    from_ms: float,
    until_ms: float | None = None,
    point: int = 0,
) -> Floats:
    """Time from a moment, such as a step, to the first opening, (trials, channels), ms.

    Zero for a channel that is open at that moment, NaN for one that does not open
    `until_ms` (by default the end): a latency known only to be longer.
    """
    end = checked_end_ms(result, from_ms, until_ms)
    is_open = relative_conductance(result.point(point), population) > 0.0
    found: dict[int, list[float]] = {}
    for one in histories(result, population, point):
        begun = np.searchsorted(one.entered_ms, from_ms, side="right") - 1
        opened = one.entered_ms[begun:][is_open[one.state[begun:]]]
        first = max(float(opened[0]) - from_ms, 0.0) if len(opened) else np.nan
        late = first > end - from_ms
        found.setdefault(one.trial, []).append(np.nan if late else first)
    return np.array(list(found.values()), dtype=np.float64)


def _idealised(
    trial: int, channel: int, entered: Floats, level: Floats, start: float, end: float
) -> Idealised:
    """Join neighbours of one level and keep what lies between start and end."""
    first = int(np.searchsorted(entered, start, side="right")) - 1
    last = int(np.searchsorted(entered, end, side="left"))
    begin, held = entered[first:last], level[first:last]
    begin = np.concatenate([[start], begin[1:]])
    changed = np.concatenate([[True], held[1:] != held[:-1]])
    begin, held = begin[changed], held[changed]
    cut = np.zeros((2, len(begin)), dtype=bool)
    cut[0, 0] = cut[1, -1] = True
    duration = np.diff(np.append(begin, end))
    return Idealised(trial, channel, begin, duration, held, cut[0], cut[1])


def _open_and_shut(record: Idealised) -> Idealised:
    """Join all conducting levels to one."""
    start, level = record.start_ms, (record.level > 0.0).astype(np.float64)
    end = float(start[-1] + record.duration_ms[-1])
    return _idealised(record.trial, record.channel, start, level, float(start[0]), end)
