"""Reliability of the trials at each point of a sweep, beside what chance would make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.axes import place_label
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.reliability import Reliability, event_reliability
from stochhh.analysis.spike_jitter import SpikeJitter
from stochhh.analysis.trains import turned_trains

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReliabilityPoint:
    """How alike the trials of one point are.

    Attributes
    ----------
    n_channels : that flip at random.
    trains : spike times (ms) of each trial, told from the start of the part looked at.
    alone : those of the deterministic membrane; None without it.
    found, jitter : of the trials.
    rate_hz : mean firing rate.
    by_chance : reliability of the same trials turned against each other by random times:
        what is no repetition. None where it cannot be told.
    """

    n_channels: int
    trains: Sequence[Floats]
    alone: Floats | None
    found: Reliability
    jitter: SpikeJitter
    rate_hz: Estimate
    by_chance: float | None

    @property
    def fires_alone(self) -> bool:
        """Whether the deterministic membrane fires, and so repeats its spikes."""
        return self.alone is not None and len(self.alone) > 0

    def jitter_at(self, place: int) -> Estimate:
        """Scatter (ms) of the spike at a place, 0 the first and -1 the last all trials have."""
        jitter = self.jitter
        if len(jitter.k) == 0 or np.isnan(jitter.sd_ms[place]):
            return Estimate(None)
        ends = (float(jitter.low_ms[place]), float(jitter.high_ms[place]))
        return Estimate(float(jitter.sd_ms[place]), ends if np.isfinite(ends).all() else None)


@dataclass(frozen=True)
class ReliabilityCurve:
    """Points that differ on one axis only. K points.

    Attributes
    ----------
    place : value of every other swept key, as written.
    x : (K,) rising values on the axis; a NaN without a sweep.
    points : K.
    """

    place: dict[str, Any]
    x: Floats
    points: Sequence[ReliabilityPoint]

    @property
    def label(self) -> str:
        """What tells this curve from the others; empty if it is the only one."""
        return place_label(self.place)


def by_chance(trains: Sequence[Floats], duration_ms: float, sigma_ms: float) -> float | None:
    """Event reliability of trials turned against each other; arguments as of `event_reliability`.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    sigma_ms : that the events of the trials themselves were found with
    """
    turned = turned_trains(trains, duration_ms)
    return event_reliability(turned, duration_ms, sigma_ms).reliability.value


def shown_points(curves: Sequence[ReliabilityCurve], most: int) -> list[tuple[int, int]]:
    """Curve and place on it of the points that a picture shows in full.

    Of several curves the middle of each, of one curve points evenly along it.

    Parameters
    ----------
    curves : that have points
    most : how many points there may be
    """
    if len(curves) == 1:
        n = len(curves[0].points)
        return [(0, k) for k in _evenly(n, most)]
    return [(c, (len(curves[c].points) - 1) // 2) for c in _evenly(len(curves), most)]


def _evenly(n: int, most: int) -> list[int]:
    return sorted({int(k) for k in np.linspace(0, n - 1, min(n, most)).round()})
