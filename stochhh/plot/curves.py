"""Recorded courses as curves: those too long for a picture as their extremes, pixel by pixel."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.columns import ROWS

_MOST_POINTS = 20_000  # drawn one by one
_COLUMNS = 2500  # drawn of longer courses, more than pixels: each with its lowest and highest value


class Span(NamedTuple):
    """Rows of a dataset that are drawn, `column` of them as one pair of extremes (1: each)."""

    start: int
    stop: int
    column: int

    def blocks(self) -> Iterator[slice]:
        """Go through the rows in blocks of bounded size and whole columns."""
        step = max(ROWS // self.column, 1) * self.column
        for first in range(self.start, self.stop, step):
            yield slice(first, min(first + step, self.stop))


def span(data: xr.Dataset, start_ms: float | None, end_ms: float | None) -> Span:
    """Choose what to draw of a dataset between two times; of a short one all."""
    time, n = data["time"].variable, data.sizes["time"]
    if n <= _MOST_POINTS:
        return Span(0, n, 1)

    def at(row: int) -> float:
        return float(time[row : row + 1].values[0])

    first = 0 if start_ms is None else bisect_left(range(n), start_ms, key=at)
    last = n if end_ms is None else bisect_right(range(n), end_ms, key=at)
    first, last = max(first - 1, 0), min(last + 1, n)
    return Span(first, last, -(-(last - first) // _COLUMNS) if last - first > _MOST_POINTS else 1)


def times(data: xr.Dataset, shown: Span) -> Any:
    """Times (ms) of the points of a curve, shape (m,): two a column."""
    time = data["time"].variable
    if shown.column == 1:
        return time[shown.start : shown.stop].values
    half = shown.column // 2
    both = [time[at : shown.stop : shown.column].values for at in (shown.start, shown.start + half)]
    pairs = np.repeat(both[0], 2)
    pairs[1 : 2 * len(both[1]) : 2] = both[1]
    return pairs


def curve(
    variable: xr.Variable,
    shown: Span,
    reduce: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray,
) -> Any:
    """Points of a curve: values, or lowest and highest of each column as they follow each other.

    Parameters
    ----------
    variable : with a dim ``time``; the others stay.
    reduce : applied to blocks of it first; it may drop dims before ``time``.
    """
    axis = variable.dims.index("time")
    parts = []
    for rows in shown.blocks():
        values = reduce(variable[(slice(None),) * axis + (rows,)].values)
        along = values.ndim - (variable.ndim - axis)
        parts.append(values if shown.column == 1 else _extremes(values, shown.column, along))
    return np.concatenate(parts, axis=along)


def _extremes(values: NDArray[Any], column: int, axis: int) -> NDArray[Any]:
    """Lowest and highest value of each column along an axis, in the order in which they occur."""
    rows = np.moveaxis(values, axis, -1)
    missing = -rows.shape[-1] % column
    rows = np.concatenate([rows, np.repeat(rows[..., -1:], missing, axis=-1)], axis=-1)
    columns = rows.reshape(*rows.shape[:-1], -1, column)
    order = np.sort(np.stack([columns.argmin(axis=-1), columns.argmax(axis=-1)], axis=-1), axis=-1)
    pairs = np.take_along_axis(columns, order, axis=-1)
    return np.moveaxis(pairs.reshape(*rows.shape[:-1], -1), -1, axis)
