"""Stays of channels followed one by one, as flat arrays: fast for many short histories."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.result import Result

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Stays(NamedTuple):
    """Stays of K channels, each followed through R trials, n stays in all.

    Stays of one channel in one trial stand together and in order.

    Attributes
    ----------
    trial : (n,) from 0 to R - 1
    state : (n,) number of the state, or of the class of states
    start_ms, end_ms : (n,) within the trial
    first, last : (n,) whether the trial's beginning or its end cuts it
    n_trials, n_channels : R, K
    duration_ms : of a trial
    """

    trial: Ints
    state: Ints
    start_ms: Floats
    end_ms: Floats
    first: Bools
    last: Bools
    n_trials: int
    n_channels: int
    duration_ms: float


def stays(result: Result) -> Stays:
    """List the stays of all tagged channels of a run without a sweep and of one population."""
    begun = np.asarray(result["channel_start"].values, dtype=np.int64)
    n_trials, n_channels = begun.shape
    owner = result["flip_trial"].values * n_channels + result["flip_channel"].values
    owner = np.concatenate([np.arange(begun.size), owner])
    state = np.concatenate([begun.ravel(), result["flip_state"].values])
    start = np.concatenate([np.zeros(begun.size), result["flip_time"].values])
    order = np.argsort(owner, kind="stable")  # flips of a trial stand in order of time
    owner, state, start = owner[order], state[order], start[order]
    return _cut(owner, state.astype(np.int64), start, n_trials, n_channels, result.duration_ms)


def in_classes(every: Stays, class_of_state: Ints) -> Stays:
    """Join successive stays in one class of states, such as the open ones."""
    classes = np.asarray(class_of_state, dtype=np.int64)[every.state]
    entered = every.first | np.concatenate([[True], classes[1:] != classes[:-1]])
    owner = np.cumsum(every.first) - 1
    return _cut(
        owner[entered],
        classes[entered],
        every.start_ms[entered],
        every.n_trials,
        every.n_channels,
        every.duration_ms,
    )


def moves(every: Stays, n_states: int) -> Ints:
    """How often channels went from each state to each other one, shape (S, S)."""
    left = ~every.last
    pairs = every.state[left] * n_states + every.state[np.nonzero(left)[0] + 1]
    found = np.bincount(pairs, minlength=n_states**2).reshape(n_states, n_states)
    return np.asarray(found, dtype=np.int64)


def times_in_states_ms(every: Stays, n_states: int) -> Floats:
    """Time all channels together spent in each state, shape (S,), ms."""
    times = np.bincount(every.state, every.end_ms - every.start_ms, minlength=n_states)
    return np.asarray(times, dtype=np.float64)


def first_entries_ms(every: Stays, selected: int) -> Floats:
    """When each channel first was in a class, (R K,): 0 if from the start, NaN if never."""
    inside = every.state == selected
    owner = (np.cumsum(every.first) - 1)[inside]
    found = np.full(every.n_trials * every.n_channels, np.nan)
    owners, places = np.unique(owner, return_index=True)
    found[owners] = every.start_ms[inside][places]
    return found


def _cut(
    owner: Ints, state: Ints, start: Floats, n_trials: int, n_channels: int, end_ms: float
) -> Stays:
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    last = np.concatenate([first[1:], [True]])
    end = np.where(last, end_ms, np.append(start[1:], end_ms))
    return Stays(owner // n_channels, state, start, end, first, last, n_trials, n_channels, end_ms)
