"""Landmarks of the hazard of interspike intervals, and bins fine enough to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.exponential_tail import ExponentialTail
from stochhh.analysis.interval_statistics import IntervalDensity, interval_density

Floats = NDArray[np.float64]

_CLEARLY = 4.0  # standard deviations of a count, beyond which no bin of some dozens is by chance
_ENOUGH = 2000  # intervals, for bins finer than their spread asks for
_BINS_BEFORE_PEAK, _MOST_BINS = 10, 1000
_FEWEST = 5  # intervals in the bin of a peak


@dataclass(frozen=True)
class HazardLandmarks:
    """Where the hazard is highest before the tail, and whether it swings about that after.

    Attributes
    ----------
    peak_ms, peak_hz : middle of the bin of highest hazard, and that hazard.
    dip_ms, dip_hz : of the lowest after the peak, where it lies clearly below the tail's;
        else None. So it is after a spike that left the membrane to ring.
    bump_ms, bump_hz : of the highest after the dip, where it lies clearly above the tail's;
        else None.
    """

    peak_ms: float
    peak_hz: float
    dip_ms: float | None = None
    dip_hz: float | None = None
    bump_ms: float | None = None
    bump_hz: float | None = None


def peak_bin_ms(trains: Sequence[ArrayLike], duration_ms: float) -> float | None:
    """Width of bins fine enough for a narrow peak before a long tail of intervals.

    It is a tenth of the shortest interval, or what the spread of all asks for if that is
    less, and makes no more than 1000 bins. None of fewer than 2000 intervals, whose spread
    alone should tell.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    """
    intervals = np.concatenate([*(np.diff(a) for a in trains), np.zeros(0)])
    if len(intervals) < _ENOUGH:
        return None
    usual = float(interval_density(trains, duration_ms).edges_ms[1])
    finest = float(intervals.max()) / _MOST_BINS
    return min(usual, max(float(intervals.min()) / _BINS_BEFORE_PEAK, finest))


def hazard_landmarks(density: IntervalDensity, tail: ExponentialTail) -> HazardLandmarks | None:
    """Peak, dip and bump of the hazard about the constant one of the tail.

    A dip or a bump is told where the firings in a bin are 4 standard deviations fewer, or
    more, than the tail's hazard would make. Only bins with 5 or more count; None without any.

    Parameters
    ----------
    density : of the intervals
    tail : their exponential tail
    """
    middle = 0.5 * (density.edges_ms[1:] + density.edges_ms[:-1])
    hazard = 1e3 * density.hazard_per_ms
    full = density.count >= _FEWEST
    if not full.any():
        return None
    peak = int(np.argmax(np.where(full, hazard, -np.inf)))
    found = HazardLandmarks(float(middle[peak]), float(hazard[peak]))
    level = tail.hazard_hz.value
    assert level is not None
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = density.count * level / hazard  # of as much time in the bin
        clearly = (density.count - expected) / np.sqrt(expected)
    after = np.arange(len(middle)) > peak
    low = after & full & (clearly < -_CLEARLY)
    if hazard[peak] <= level or not low.any():
        return found
    dip = int(np.argmin(np.where(low, hazard, np.inf)))
    high = (np.arange(len(middle)) > dip) & full & (clearly > _CLEARLY)
    if not high.any():
        return HazardLandmarks(found.peak_ms, found.peak_hz, float(middle[dip]), float(hazard[dip]))
    bump = int(np.argmax(np.where(high, hazard, -np.inf)))
    return HazardLandmarks(
        found.peak_ms,
        found.peak_hz,
        float(middle[dip]),
        float(hazard[dip]),
        float(middle[bump]),
        float(hazard[bump]),
    )
