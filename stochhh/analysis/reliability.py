"""Reliability and precision of spike times over trials of one stimulus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.count_statistics import trial_rates
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.event_jitter import fit_events, refined
from stochhh.analysis.jackknife import jackknifed
from stochhh.analysis.train_distances import (
    COST_PER_MS,
    SIGMA_MS,
    TAU_MS,
    isi_distance_matrix,
    pair_mean,
    per_spike,
    schreiber_matrix,
    spike_distance_matrix,
    spike_synchronization_matrix,
    spikes_of_pairs,
    van_rossum_matrix,
    victor_purpura_matrix,
)
from stochhh.analysis.trains import checked_positive, checked_trains

Floats = NDArray[np.float64]

_WIDEST_SIGMA_MS = 3.0
_SIGMA_OF_INTERVAL = 0.1
_MOST_GROUPS = 100  # of trials left out at a time
_ABOVE_MEAN = 2.0  # events are where the rate exceeds so many times its mean
_STANDS_OUT = 1.3  # times that, which a usual event reaches if its scatter is told


@dataclass(frozen=True)
class EventReliability:
    """Reliability and precision of Mainen & Sejnowski's events, of which there are E.

    Attributes
    ----------
    reliability : share of all spikes that lie in events, between their ends: spikes with a
        scatter of 3 or 5 ms lie in theirs in 84 or 72 %. None where it cannot be told:
        without spikes, and where `sigma_ms` is so wide that even perfect repetition
        would not lift the rate above twice its mean.
    precision_ms : standard deviation of spike times about their event, of all events
        together, whether or not they lie between its ends (`event_jitter.fit_events`).
        None where events hardly stand out: where a usual one, as fitted and smoothed,
        stays below 2.6 times the mean rate, many are not found or found where chance makes
        them. That is so from a scatter of an eighth of the mean interval on. Its interval
        holds the truth in 90 to 95 %, but approximately, in 75 to 90 %, where the scatter
        is as large as `sigma_ms` and other spikes come between: it is 3 % too large then.
    participation : share of trials with a spike in an event, mean over events.
    start_ms, stop_ms : (E,) of each event.
    time_ms, rate_hz : (T,) the smoothed rate that the events were found in.
    sigma_ms : standard deviation of the smoothing.
    """

    reliability: Estimate
    precision_ms: Estimate
    participation: Estimate
    start_ms: Floats = field(repr=False)
    stop_ms: Floats = field(repr=False)
    time_ms: Floats = field(repr=False)
    rate_hz: Floats = field(repr=False)
    sigma_ms: float


@dataclass(frozen=True)
class Reliability:
    """All that tells how alike the trials of one stimulus are.

    A distance is the mean over pairs of trials, and its interval a jackknife over trials.

    Attributes
    ----------
    n_trials, n_spikes : of trials and of spikes in all of them.
    events : reliability and precision by events (Mainen & Sejnowski 1995).
    schreiber : correlation of Gaussian-filtered trains, 0 to 1 (Schreiber et al. 2003).
    victor_purpura : least cost of turning one trial into another.
    victor_purpura_per_spike : the same over the spikes of both trials, 0 to 1.
    van_rossum : distance of exponentially filtered trains, 1 between one spike and none.
    van_rossum_per_spike : its square over the spikes of both trials, 1 where no spike is
        near another.
    isi_distance, spike_distance : 0 to 1, without a time scale.
    spike_synchronization : share of spikes that coincide, of all pairs of trials.
    sigma_ms, cost_per_ms, tau_ms : of `schreiber`, Victor & Purpura and van Rossum.
    """

    n_trials: int
    n_spikes: int
    events: EventReliability
    schreiber: Estimate
    victor_purpura: Estimate
    victor_purpura_per_spike: Estimate
    van_rossum: Estimate
    van_rossum_per_spike: Estimate
    isi_distance: Estimate
    spike_distance: Estimate
    spike_synchronization: Estimate
    sigma_ms: float
    cost_per_ms: float
    tau_ms: float


def event_reliability(
    trains: Sequence[ArrayLike], duration_ms: float, sigma_ms: float | None = None
) -> EventReliability:
    """Reliability and precision by events, as Mainen & Sejnowski 1995, doi:10.1126/science.7770778.

    An event is a stretch where the rate over trials, smoothed by a Gaussian, exceeds
    twice its mean over the trial. Reliability is the share of spikes in events, as in
    that paper: unlike the share of trials that take part in an event it also falls with
    spikes that come where none are expected. Trials repeated to the bit have
    reliability 1 and precision 0. Few trials make events of chance: compare
    `trains.turned_trains`.

    Intervals are from leaving out one trial at a time, of more than 100 one group of
    trials, events found anew; for the precision the same events are fitted anew.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    sigma_ms : standard deviation of the smoothing; by default a tenth of the mean
        interspike interval, at which perfect repetition lifts the rate to four times
        its mean, and at most 3 ms
    """
    arrays = checked_trains(trains, duration_ms)
    n, n_spikes = len(arrays), sum(len(a) for a in arrays)
    mean_rate = 1e3 * n_spikes / (max(n, 1) * duration_ms)
    if sigma_ms is None:
        interval = 1e3 / mean_rate if n_spikes else duration_ms
        sigma_ms = min(_WIDEST_SIGMA_MS, _SIGMA_OF_INTERVAL * interval)
    checked_positive("sigma_ms", sigma_ms, 3)
    times, rates = trial_rates(arrays, duration_ms, sigma_ms)
    total = rates.sum(axis=0)
    counts = np.array([len(a) for a in arrays])
    highest = 1e3 / (np.sqrt(2.0 * np.pi) * sigma_ms)  # rate at a spike without jitter
    if n_spikes == 0 or highest <= _ABOVE_MEAN * mean_rate:
        none, nowhere = Estimate(None), np.zeros(0)
        rate = total / n if n else np.full(times.shape, np.nan)
        return EventReliability(none, none, none, nowhere, nowhere, times, rate, sigma_ms)

    owner = np.repeat(np.arange(n), counts)
    pooled = np.concatenate(arrays)
    order = np.argsort(pooled, kind="stable")
    pooled, owner = pooled[order], owner[order]

    def found(summed: Floats, n_kept: int, kept: NDArray[np.bool_]) -> tuple[Floats, ...]:
        mean = 1e3 * np.count_nonzero(kept) / (n_kept * duration_ms)
        start, stop = _stretches(summed / n_kept > _ABOVE_MEAN * mean, duration_ms)
        return start, stop, _in_events(pooled[kept], owner[kept], n_kept, start, stop)

    start, stop, whole = found(total, n, np.ones(n_spikes, dtype=bool))
    groups = min(n, _MOST_GROUPS)
    group = np.arange(n) * groups // n
    left_out = np.zeros((groups if n > 1 else 0, 2))
    middle = 0.5 * (start + stop) if len(start) else np.array([0.5 * duration_ms])
    fitted = fit_events(pooled, middle, sigma_ms, duration_ms)
    high = _STANDS_OUT * _ABOVE_MEAN * n_spikes / duration_ms
    told = len(start) > 0 and fitted.peak_per_ms(sigma_ms) >= high
    scatter = np.full(len(left_out), np.nan)
    for out in range(len(left_out)):
        own = group == out
        kept = total - rates[own].sum(axis=0)
        left_out[out] = found(kept, int(np.count_nonzero(~own)), ~own[owner])[2]
        if told:
            scatter[out] = refined(fitted, pooled[~own[owner]], duration_ms).sd_ms
    precision = jackknifed(fitted.sd_ms, scatter, logarithmic=True) if told else Estimate(None)
    return EventReliability(
        reliability=jackknifed(whole[0], left_out[:, 0], lowest=0.0, highest=1.0),
        precision_ms=precision,
        participation=jackknifed(whole[1], left_out[:, 1], lowest=0.0, highest=1.0),
        start_ms=start,
        stop_ms=stop,
        time_ms=times,
        rate_hz=total / n,
        sigma_ms=sigma_ms,
    )


def schreiber_reliability(
    trains: Sequence[ArrayLike], duration_ms: float, sigma_ms: float = SIGMA_MS
) -> Estimate:
    """Mean cosine of Gaussian-filtered trains, Schreiber et al. 2003; None without spikes.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    sigma_ms : standard deviation of the Gaussian
    """
    matrix = schreiber_matrix(trains, duration_ms, sigma_ms)
    if not np.diag(matrix).any():
        return Estimate(None)
    return pair_mean(matrix, highest=1.0)


def reliability(
    trains: Sequence[ArrayLike],
    duration_ms: float,
    *,
    event_sigma_ms: float | None = None,
    sigma_ms: float = SIGMA_MS,
    cost_per_ms: float = COST_PER_MS,
    tau_ms: float = TAU_MS,
) -> Reliability:
    """Every measure of reliability of trials of one stimulus.

    Parameters
    ----------
    trains : spike times (ms) of each trial, from 0 to the duration
    duration_ms : length of each trial
    event_sigma_ms : standard deviation of the smoothing that events are found in; by
        default from the mean interval
    sigma_ms : of Schreiber's Gaussian
    cost_per_ms : of moving a spike, Victor & Purpura
    tau_ms : time constant of van Rossum's exponential

    Raises
    ------
    InputError
        Spike times that do not increase or lie outside the trial, or a parameter not
        above zero.
    """
    arrays = checked_trains(trains, duration_ms)
    moved = victor_purpura_matrix(arrays, duration_ms, cost_per_ms)
    filtered = van_rossum_matrix(arrays, duration_ms, tau_ms)
    together = spike_synchronization_matrix(arrays, duration_ms)
    return Reliability(
        n_trials=len(arrays),
        n_spikes=sum(len(a) for a in arrays),
        events=event_reliability(arrays, duration_ms, event_sigma_ms),
        schreiber=schreiber_reliability(arrays, duration_ms, sigma_ms),
        victor_purpura=pair_mean(moved),
        victor_purpura_per_spike=pair_mean(per_spike(moved, arrays), highest=1.0),
        van_rossum=pair_mean(filtered),
        van_rossum_per_spike=pair_mean(per_spike(filtered**2, arrays)),
        isi_distance=pair_mean(isi_distance_matrix(arrays, duration_ms), highest=1.0),
        spike_distance=pair_mean(spike_distance_matrix(arrays, duration_ms), highest=1.0),
        spike_synchronization=pair_mean(together, spikes_of_pairs(arrays), highest=1.0),
        sigma_ms=sigma_ms,
        cost_per_ms=cost_per_ms,
        tau_ms=tau_ms,
    )


def _stretches(above: NDArray[np.bool_], duration_ms: float) -> tuple[Floats, Floats]:
    """Beginnings and ends of runs of true, the samples lying in the middle of their steps."""
    change = np.diff(np.concatenate([[False], above, [False]]).astype(np.int8))
    edges = np.linspace(0.0, duration_ms, len(above) + 1)
    return edges[change == 1], edges[change == -1]


def _in_events(
    times: Floats, owner: NDArray[np.int64], n_trials: int, start: Floats, stop: Floats
) -> Floats:
    """Share of spikes in events, and the share of trials with one in an event, (2,).

    Parameters
    ----------
    times, owner : (n,) spikes of all trials in order, and the trial of each
    n_trials : silent ones included
    start, stop : (E,) of the events
    """
    if len(times) == 0 or len(start) == 0:
        return np.array([0.0 if len(times) else np.nan, np.nan])
    first = np.searchsorted(times, start)
    count = np.searchsorted(times, stop, side="right") - first
    event = np.repeat(np.arange(len(start)), count)
    inside = np.concatenate([np.arange(a, a + k) for a, k in zip(first, count, strict=True)])
    taking_part = len(np.unique(event * (owner.max() + 1) + owner[inside]))
    return np.array([count.sum() / len(times), taking_part / (n_trials * len(start))])
