"""How spikes scatter about events, whatever part of them lies within the events' ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_UNIMODAL = 2.0  # standard deviations that two equal Gaussians with two peaks are apart
_SHARED = 6.0  # spikes with the scatter of all events that each is counted with its own
_ROUNDS = 500
_SETTLED = 1e-5
_EXACT_MS = 1e-6  # scatter below which spikes are repeated to the bit


@dataclass(frozen=True)
class Events:
    """Gaussian events in a background of spikes at any time; E of them.

    Attributes
    ----------
    middle_ms : (E,)
    spikes : (E,) expected in each, of all trials.
    width_ms : (E,) standard deviation of each.
    sd_ms : root mean square scatter of all spikes about their events; NaN where no event
        has two spikes.
    background_per_ms : spikes of all trials that belong to none.
    """

    middle_ms: Floats
    spikes: Floats
    width_ms: Floats
    sd_ms: float
    background_per_ms: float

    def peak_per_ms(self, sigma_ms: float) -> float:
        """Rate of all trials that events reach, smoothed by a Gaussian, mean over events."""
        width = np.sqrt(2.0 * np.pi * (self.width_ms**2 + sigma_ms**2))
        return float(np.mean(self.spikes / width)) + self.background_per_ms


def fit_events(times_ms: Floats, middle_ms: Floats, sd_ms: float, duration_ms: float) -> Events:
    """Fit Gaussians and a uniform background to spikes, by EM.

    Events that are no more than two standard deviations apart have one peak between them and
    are made one (expectation and maximisation: Dempster, Laird & Rubin 1977,
    doi:10.1111/j.2517-6161.1977.tb01600.x). Variances are unbiased, one degree of freedom
    less for each event; that of an event counts six more spikes with the scatter of all.

    Parameters
    ----------
    times_ms : spikes of all trials, rising
    middle_ms, sd_ms : where the events may be, rising, one or more, and how wide
    duration_ms : of a trial
    """
    middle = np.asarray(middle_ms, dtype=np.float64)
    found = refined(_start(times_ms, middle, sd_ms, duration_ms), times_ms, duration_ms)
    while True:
        wider = np.maximum(found.width_ms[1:], found.width_ms[:-1])
        close = np.flatnonzero(np.diff(found.middle_ms) <= _UNIMODAL * wider)
        if not len(close):
            return found
        k = int(close[0])
        weight = found.spikes[k : k + 2] / max(found.spikes[k : k + 2].sum(), 1e-300)
        joined = float(weight @ found.middle_ms[k : k + 2])
        middle = np.concatenate([found.middle_ms[:k], [joined], found.middle_ms[k + 2 :]])
        found = _start(times_ms, middle, found.sd_ms, duration_ms)
        found = refined(found, times_ms, duration_ms)


def refined(start: Events, times_ms: Floats, duration_ms: float) -> Events:
    """Events fitted to spikes from a first guess; parameters as of `fit_events`."""
    middle, spikes, background = start.middle_ms, start.spikes, start.background_per_ms
    width, sd, n = np.maximum(start.width_ms, _EXACT_MS), start.sd_ms, len(middle)
    for _ in range(_ROUNDS):
        place = np.searchsorted(middle, times_ms)
        beside = np.stack([place - 1, place])  # the events before and after each spike
        there = (beside >= 0) & (beside < n)
        beside = np.clip(beside, 0, n - 1)
        away = times_ms - middle[beside]
        height = spikes[beside] / (np.sqrt(2.0 * np.pi) * width[beside])
        density = np.where(there, height * np.exp(-0.5 * (away / width[beside]) ** 2), 0.0)
        share = density / np.maximum(density.sum(axis=0) + background, 1e-300)
        index = beside.ravel()
        spikes = np.bincount(index, share.ravel(), n).astype(np.float64)
        moved = np.bincount(index, (share * away).ravel(), n) / np.maximum(spikes, 1e-300)
        squares = np.bincount(index, (share * away**2).ravel(), n) - spikes * moved**2
        squares, degrees = np.maximum(squares, 0.0), np.maximum(spikes - 1.0, 0.0)
        middle = middle + moved
        background = max(len(times_ms) - float(spikes.sum()), 0.0) / duration_ms
        if not degrees.sum() > 0.0:
            return Events(middle, spikes, width, np.nan, background)
        before, sd = sd, float(np.sqrt(squares.sum() / degrees.sum()))
        if sd <= _EXACT_MS:
            return Events(middle, spikes, np.zeros(n), 0.0, background)
        width = np.sqrt((squares + _SHARED * sd**2) / (degrees + _SHARED))
        if abs(sd - before) < _SETTLED * sd:
            break
    return Events(middle, spikes, width, sd, background)


def _start(times_ms: Floats, middle_ms: Floats, sd_ms: float, duration_ms: float) -> Events:
    """Half of all spikes in the events, as many in each, half of them anywhere."""
    half, n = 0.5 * len(times_ms), len(middle_ms)
    return Events(middle_ms, np.full(n, half / n), np.full(n, sd_ms), sd_ms, half / duration_ms)
