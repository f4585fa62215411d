"""Mean and CV of interspike intervals, without the lean to short ones that trials' ends make.

A trial cuts its last interval short, and it is more often a long one. So of firing that goes on
as it is the intervals are taken as waiting times of which some are censored (Kaplan & Meier
1958, doi:10.1080/01621459.1958.10501452). What none of them lived to see is completed by the
exponential law with the hazard seen beyond the median, for intervals end in such a tail
(Moeschberger & Klein 1985, doi:10.2307/2530905).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.jackknife import from_sums, jackknife, jackknifed, units

Floats = NDArray[np.float64]

_FEWEST = 10  # intervals, for an interval of confidence
_MOST_UNSEEN = 0.25  # share of intervals longer than any seen, beyond which nothing is told
_MOST_UNITS = 50  # left out one by one
_REGULAR = 1e-7  # CV below which it is rounding


@dataclass(frozen=True)
class IsiStatistics:
    """Mean and CV of interspike intervals.

    Attributes
    ----------
    count : intervals that were seen from spike to spike.
    mean_ms, variance_ms2, cv : None where the data cannot give them: too few intervals, or
        a quarter of them and more longer than any seen.
    """

    count: int
    mean_ms: Estimate
    variance_ms2: Estimate
    cv: Estimate


def isi_statistics(trains: Sequence[ArrayLike], duration_ms: float, steady: bool) -> IsiStatistics:
    """Mean and CV of the intervals between successive spikes, none of which spans two trials.

    Intervals of confidence are from leaving out one trial, or a block of a trial, at a time.
    They hold the truth in 92 to 97 % of cases for the mean and, approximately, in 85 to 97 %
    for the CV and the variance, least where the CV is 1 or more and a trial holds few.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    steady : what drives the membrane is the same, or has the same law, at all times of the
        trial. Else the intervals are taken as they are, with their lean to short ones: where a
        drive ends, so does the firing, and what is cut short says nothing of what would follow.
    """
    times = [np.asarray(train, dtype=np.float64) for train in trains]
    waits, ended = _waits([t for t in times if len(t)], duration_ms, steady)
    count = sum(int(each.sum()) for each in ended)
    if count < 2:
        nothing = Estimate(None)
        return IsiStatistics(count, _alone(waits, ended, steady), nothing, nothing)
    parts = [(k, part) for k, part in units([len(w) for w in waits]) if part.stop > part.start]
    owner = np.arange(len(parts)) * min(len(parts), _MOST_UNITS) // len(parts)
    wait = np.concatenate([waits[k][part] for k, part in parts])
    end = np.concatenate([ended[k][part] for k, part in parts])
    unit = np.repeat(owner, [part.stop - part.start for _, part in parts])
    if steady:
        moments = _survival_moments(wait, end, unit)
    else:
        scale = float(wait.mean())
        x = wait / scale
        summed = [np.bincount(unit, weights=w) for w in (np.ones_like(x), x, x * x)]
        sums = np.stack(summed, axis=1).astype(np.float64)
        whole, left_out = from_sums(sums, _plain_moments)
        moments = np.vstack([whole, left_out]) * scale
    mean, variance = moments[:, 0], moments[:, 1] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        cv = moments[:, 1] / mean
        cv[cv < _REGULAR] = 0.0
    if count < _FEWEST:
        return IsiStatistics(count, _told(mean[0]), _told(variance[0]), _told(cv[0]))
    of_mean, of_variance = (
        jackknifed(one[0], one[1:], logarithmic=True) for one in (mean, variance)
    )
    return IsiStatistics(count, of_mean, of_variance, _cv(cv))


def _waits(
    trains: Sequence[Floats], duration_ms: float, steady: bool
) -> tuple[list[Floats], list[NDArray[np.bool_]]]:
    """Waits for the next spike in each trial, and whether it came; the last one did not."""
    if not steady:
        intervals = [np.diff(train) for train in trains]
        return intervals, [np.ones(len(each), dtype=bool) for each in intervals]
    waits = [np.append(np.diff(train), max(duration_ms - train[-1], 0.0)) for train in trains]
    return waits, [np.arange(len(each)) < len(each) - 1 for each in waits]


def _alone(waits: Sequence[Floats], ended: Sequence[NDArray[np.bool_]], steady: bool) -> Estimate:
    """The only interval there is, where no end of a trial says that others are longer."""
    seen = np.concatenate([*(w[e] for w, e in zip(waits, ended, strict=True)), np.zeros(0)])
    cut = np.concatenate([*(w[~e] for w, e in zip(waits, ended, strict=True)), np.zeros(0)])
    if len(seen) == 0 or (steady and cut.max(initial=0.0) > seen[0]):
        return Estimate(None)
    return Estimate(float(seen[0]))


def _plain_moments(sums: Floats) -> Floats:
    """Mean and unbiased SD from number, sum and sum of squares, along the last axis."""
    n, first, second = np.moveaxis(sums, -1, 0)
    variance = (second - first**2 / n) / np.where(n > 1, n - 1, np.nan)
    return np.stack([first / n, np.sqrt(np.maximum(variance, 0.0))], axis=-1)


def _survival_moments(wait: Floats, ended: NDArray[np.bool_], unit: NDArray[np.int64]) -> Floats:
    """Mean and SD (ms) from all waits, and then with each unit left out, (units + 1, 2)."""
    order = np.lexsort((~ended, wait))  # of equal waits those that ended first
    wait, ended, unit = wait[order], ended[order], unit[order]
    rows = [_completed_moments(wait, ended)]
    for k in range(int(unit.max()) + 1):
        kept = unit != k
        rows.append(_completed_moments(wait[kept], ended[kept]))
    return np.array(rows)


def _completed_moments(wait: Floats, ended: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean and SD of the law of waits, given in rising order; NaN where it cannot be told."""
    n = len(wait)
    if not ended.any():
        return np.nan, np.nan
    surviving = np.cumprod(1.0 - ended / np.arange(n, 0, -1))
    before = np.append(1.0, surviving[:-1])
    step = np.diff(wait, prepend=0.0)
    mean = float(before @ step)
    square = float(before @ (step * (2.0 * wait - step)))
    unseen, last = float(surviving[-1]), float(wait[-1])
    if unseen > _MOST_UNSEEN:
        return np.nan, np.nan
    if unseen > 0.0:
        median = float(wait[np.argmax(surviving <= 0.5)])
        beyond = wait > median
        events = int(ended[beyond].sum())
        if events == 0:
            return np.nan, np.nan
        more = float((wait[beyond] - median).sum()) / events  # one over the hazard
        mean += unseen * more
        square += 2.0 * unseen * more * (last + more)
    return mean, float(np.sqrt(max(square - mean**2, 0.0)))


def _told(value: float) -> Estimate:
    return Estimate(float(value) if np.isfinite(value) else None)


def _cv(cv: Floats) -> Estimate:
    """CV, the whole's and with each unit left out: its reciprocal is the least skew."""
    if not np.isfinite(cv[0]) or cv[0] == 0.0:
        return _told(cv[0])
    with np.errstate(divide="ignore"):
        low, high = jackknife(1.0 / cv[0], 1.0 / cv[1:])
    if np.isfinite(low) and low <= 0.0:
        return jackknifed(cv[0], cv[1:], logarithmic=True)
    known = bool(np.isfinite(low) and np.isfinite(high))
    return Estimate(float(cv[0]), (float(1.0 / high), float(1.0 / low)) if known else None)
