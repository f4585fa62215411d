"""Which points of a sweep a picture draws one by one, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np

from stochhh.analysis.axes import key_words, place_label, value_label
from stochhh.result import Result
from stochhh.scenario import Experiment, axes_of
from stochhh.scenario.figure_rows import is_same

Step = tuple[Any, ...]  # of an axis: the value of each of its keys

_LETTERS = 20  # in a line of a label


class Chosen(NamedTuple):
    """Points that are drawn.

    Attributes
    ----------
    points : their numbers, in the order of the sweep.
    labels : of each what tells it from the others.
    heading : of the labels: the key whose values they are; empty where they name several.
    fixed : values of keys that differ in the sweep and are the same in all these.
    said : how many of the points these are, and what is fixed; empty of all.
    """

    points: tuple[int, ...]
    labels: tuple[str, ...]
    heading: str
    fixed: dict[str, Any]
    said: str


def choose_points(scenario: Experiment, places: Sequence[Mapping[str, Any]], most: int) -> Chosen:
    """Choose up to so many points that differ on one axis, so that they can be compared.

    All, if there are few. Else those along the first axis, with every other at its middle
    value, unless the scenario's ``figure.rows`` says which values they have.

    Parameters
    ----------
    scenario : whose sweep it is
    places : of each point that there is the values of the swept keys, as written
    most : of more, those evenly spread from the first to the last
    """
    rows = _rows_of(scenario)
    points = list(range(len(places)))
    if rows or len(places) > most:
        groups = [axis.keys for axis in axes_of(scenario)]
        kept = _kept_steps(groups, places, rows)
        points = [
            number
            for number, place in enumerate(places)
            if all(_step(place, keys) in steps for keys, steps in zip(groups, kept, strict=True))
        ]
    shown = [points[k] for k in spread(len(points), most)]
    values = {key: list(dict.fromkeys(places[k][key] for k in shown)) for key in scenario.sweep}
    differing = [key for key, of_key in values.items() if len(of_key) > 1] or list(values)[:1]
    fixed = {
        key: of_key[0]
        for key, of_key in values.items()
        if len(of_key) == 1 and any(place[key] != of_key[0] for place in places)
    }
    if len(differing) == 1:
        heading = key_words(differing[0])
        labels = [value_label(places[k][differing[0]]) for k in shown]
    else:
        heading = ""
        labels = [
            fill(place_label({key: places[k][key] for key in differing}), _LETTERS) for k in shown
        ]
    said = f"{len(shown)} of {len(places)} points" if len(shown) < len(places) else ""
    said += f", at {place_label(fixed)}" if fixed else ""
    return Chosen(tuple(shown), tuple(labels), heading, fixed, said)


def places_in(result: Result) -> list[dict[str, Any]]:
    """Of each point of a run's sweep the values of its swept keys, as written."""
    keys = list(result.experiment.sweep)
    columns = [result.dataset[key].values.tolist() for key in keys]
    return [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]


def spread(n: int, most: int) -> list[int]:
    """Places of up to so many of n things, evenly spread from the first to the last."""
    return [int(k) for k in np.unique(np.linspace(0, n - 1, min(n, most)).round())]


def _rows_of(scenario: Experiment) -> dict[str, list[Any]]:
    return {
        key: [scenario.as_written(value) for value in values]
        for key, values in scenario.figure.rows.items()
    }


def _kept_steps(
    groups: Sequence[tuple[str, ...]],
    places: Sequence[Mapping[str, Any]],
    rows: Mapping[str, Sequence[Any]],
) -> list[list[Step]]:
    """Steps of each axis that are drawn: of one axis several, unless rows name more."""
    every = [list(dict.fromkeys(_step(place, keys) for place in places)) for keys in groups]
    kept: list[list[Step]] = []
    for keys, steps in zip(groups, every, strict=True):
        named = [(keys.index(key), rows[key]) for key in keys if key in rows]
        wanted = [
            step
            for step in steps
            if all(any(is_same(step[k], value) for value in values) for k, values in named)
        ]
        kept.append(wanted if named else [])
    if not any(len(steps) > 1 for steps in kept):
        free = [k for k, steps in enumerate(kept) if not steps and len(every[k]) > 1]
        if free:
            kept[free[0]] = every[free[0]]
    return [
        steps or [of_axis[len(of_axis) // 2]] for steps, of_axis in zip(kept, every, strict=True)
    ]


def _step(place: Mapping[str, Any], keys: Sequence[str]) -> Step:
    return tuple(place[key] for key in keys)
