"""Numbers of a point as its file has them, which may come from anyone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stochhh.analysis.trial_numbers import SPIKES, About, Numbers
from stochhh.sweeping.metrics import number_names

_LONGEST_POINT, _LONGEST_NUMBER = 10_000, 300  # bytes of a file, and for each number more
_SPIKES_A_MS = 2.0  # of a trial, at most, on average
_LARGEST = 1e100  # so that its square is a number
#: Of numbers that a trial, or the limit, may not have.
_MISSING = ("first_at_", "velocity.", "inward", "outward", "ions.")


def longest(about: About, n: int) -> float:
    """Bytes that the file of a point of n trials may have."""
    each = len(number_names(about)) + _SPIKES_A_MS * about.duration_ms
    return _LONGEST_POINT + (1 + n) * _LONGEST_NUMBER * each


def written(numbers: Numbers) -> dict[str, list[Any]]:
    """Numbers as JSON has them; what does not exist is null."""
    return {
        name: [train.tolist() for train in column]
        if name == SPIKES
        else [None if np.isnan(value) else float(value) for value in column]
        for name, column in numbers.items()
    }


def read_numbers(content: Any, names: Sequence[str], n: int, about: About) -> Numbers:
    """Numbers of n trials from JSON that may come from anyone, in the order of their names.

    Raises
    ------
    ValueError
        They are not that.
    """
    if set(content) != set(names):
        raise ValueError
    numbers: Numbers = {}
    for name in names:
        column = content[name]
        if len(column) != n:
            raise ValueError
        if name == SPIKES:
            numbers[name] = tuple(_train(one, about.duration_ms) for one in column)
        else:
            numbers[name] = _column(column, name.startswith(_MISSING))
    return numbers


def _column(values: list[Any], may_miss: bool) -> Any:
    column = np.array([np.nan if value is None and may_miss else value for value in values])
    if column.ndim != 1 or column.dtype.kind not in "if" or (np.abs(column) > _LARGEST).any():
        raise ValueError
    return column.astype(np.float64)


def _train(times: list[float], duration_ms: float) -> Any:
    train = np.array(times, dtype=np.float64)
    within = train.ndim == 1 and np.all(train >= 0.0) and np.all(train <= duration_ms)
    if not within or np.any(np.diff(train) < 0.0):
        raise ValueError
    return train
