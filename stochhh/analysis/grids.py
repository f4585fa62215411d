"""Points of a sweep over two axes as families: one a place on all other axes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Family(NamedTuple):
    """Points that differ on two axes only. M values on the outer one.

    Attributes
    ----------
    place : value of every other swept key, as written.
    outer : (M,) rising.
    inner : M arrays, rising values on the inner axis.
    points : M tuples, the places of those points among all.
    """

    place: dict[str, Any]
    outer: Floats
    inner: tuple[Floats, ...]
    points: tuple[tuple[int, ...], ...]


def families(
    places: Sequence[Mapping[str, Any]], outer: ArrayLike, inner: ArrayLike, keys: Collection[str]
) -> tuple[Family, ...]:
    """Sort the points of a sweep into families, in the order in which they come.

    Parameters
    ----------
    places : values of the swept keys of each of n points
    outer, inner : (n,) each point on the two axes
    keys : of the two axes; they tell no families apart
    """
    x, y = np.asarray(outer, dtype=np.float64), np.asarray(inner, dtype=np.float64)
    members: dict[str, list[int]] = {}
    for index, place in enumerate(places):
        members.setdefault(repr(_others(place, keys)), []).append(index)
    found = []
    for points in members.values():
        rows = []
        for value in sorted({float(x[index]) for index in points}):
            row = sorted((i for i in points if x[i] == value), key=lambda index: y[index])
            rows.append((value, y[row], tuple(row)))
        values, inners, indices = zip(*rows, strict=True)
        place = _others(places[points[0]], keys)
        found.append(Family(place, np.array(values), tuple(inners), tuple(indices)))
    return tuple(found)


def _others(place: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in place.items() if key not in keys}
