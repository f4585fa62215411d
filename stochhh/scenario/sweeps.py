"""From the ``[sweep]`` of a scenario to its axes and points."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Generic

from stochhh.errors import InputError
from stochhh.scenario.circuits import Circuit
from stochhh.scenario.keys import set_key
from stochhh.scenario.load import AnyExperiment, Experiment, validated
from stochhh.scenario.models import Scenario
from stochhh.scenario.sweep_tables import MOST_POINTS, REPEATS
from stochhh.words import printable

_SWEEPABLE: dict[type, tuple[str, ...]] = {
    Scenario: ("membrane", "stimulus", "clamp", "run.initial"),
    Circuit: ("membranes", "cell", "synapse", "input", "stimulus", "run.initial"),
}
_NEVER = ("format", "base", "title", "about", "cite", "figure", "sweep")


@dataclass(frozen=True)
class Point(Generic[AnyExperiment]):
    """One point of a sweep: its place on each axis, as it was written, and the scenario there."""

    values: dict[str, Any]
    scenario: AnyExperiment


@dataclass(frozen=True)
class SweepAxis:
    """One axis of a sweep: a key, or several that advance together, and their values.

    Attributes
    ----------
    keys : one, or those of a ``zip``.
    steps : for each place along the axis the value of each key, paths as they were written.
    """

    keys: tuple[str, ...]
    steps: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        """Its first key."""
        return self.keys[0]


def axes_of(scenario: Experiment) -> tuple[SweepAxis, ...]:
    """Axes of a scenario's sweep in their order; zipped keys are one, where the first stands.

    Raises
    ------
    InputError
        An empty list, or more points than allowed.
    """
    return _axes(scenario, scenario.as_written)


def _axes(scenario: Experiment, shown: Callable[[Any], Any]) -> tuple[SweepAxis, ...]:
    together = {key: group for group in scenario.zipped for key in group}
    axes: list[SweepAxis] = []
    for key, values in scenario.sweep.items():
        if not values:
            raise InputError(f'{scenario.name}: sweep."{key}": the list is empty')
        group = tuple(sorted(together.get(key, (key,)), key=list(scenario.sweep).index))
        if group[0] == key:
            steps = zip(*(map(shown, scenario.sweep[one]) for one in group), strict=True)
            axes.append(SweepAxis(group, tuple(steps)))
    size = prod(len(axis.steps) for axis in axes)
    if size > MOST_POINTS:
        raise InputError(f"{scenario.name}: sweep: {size} points; at most {MOST_POINTS} allowed")
    return tuple(axes)


def n_points_of(scenario: Experiment) -> int:
    """Number of points of a scenario's sweep; one without a sweep."""
    return prod(len(axis.steps) for axis in axes_of(scenario))


def places_of(scenario: Experiment) -> Iterator[dict[str, Any]]:
    """Values of the swept keys at each point, as they were written, as `expand_sweep` goes."""
    return _places(scenario, axes_of(scenario))


def _places(scenario: Experiment, axes: Sequence[SweepAxis]) -> Iterator[dict[str, Any]]:
    for chosen in product(*(axis.steps for axis in axes)):
        given = {
            key: value
            for axis, values in zip(axes, chosen, strict=True)
            for key, value in zip(axis.keys, values, strict=True)
        }
        yield {key: given[key] for key in scenario.sweep}


def expand_sweep(scenario: AnyExperiment, any_key: bool = False) -> list[Point[AnyExperiment]]:
    """List the points of a scenario's sweep, as `points_of` makes them."""
    return list(points_of(scenario, any_key))


def points_of(scenario: AnyExperiment, any_key: bool = False) -> Iterator[Point[AnyExperiment]]:
    """Make the points of a scenario's sweep in the order of a nested loop, last axis fastest.

    A scenario without a sweep is one point with no axes.

    Parameters
    ----------
    scenario : whose sweep it is
    any_key : allow keys in which the points of one run cannot differ, such as its duration

    Raises
    ------
    InputError
        A key that cannot be swept, an empty list, or a value its key refuses.
    """
    for key in scenario.sweep:
        _check_key(key, scenario, any_key)
    if not scenario.sweep:
        yield Point({}, scenario)
        return
    unswept = {key: value for key, value in scenario.data.items() if key != "sweep"}
    if "figure" in unswept:  # its rows are points of the sweep
        rowless = {key: value for key, value in unswept["figure"].items() if key != "rows"}
        unswept["figure"] = rowless
    used = _places(scenario, _axes(scenario, lambda value: value))
    for place, values in zip(places_of(scenario), used, strict=True):
        data = unswept
        for key, value in values.items():
            if key != REPEATS:
                where = f'{scenario.name}: sweep."{textwrap.shorten(key, 80)}"'
                data = set_key(data, key, value, where)
        shown = ", ".join(f"{key} = {value!r}" for key, value in place.items())
        where = f"{scenario.name} at {shown}"
        yield Point(place, validated(type(scenario), data, where, scenario.name))


def _check_key(key: str, scenario: Experiment, any_key: bool) -> None:
    name, tables = scenario.name, _SWEEPABLE[type(scenario)]
    if key == REPEATS or key.startswith(tuple(f"{table}." for table in tables)):
        return
    shown = printable(key)
    if not any_key:
        raise InputError(
            f'{name}: sweep."{shown}": only keys of {", ".join(tables)} can vary in a run, '
            f'such as "membrane.area"; stochhh sweep varies any key'
        )
    if key.partition(".")[0] in _NEVER:
        raise InputError(
            f'{name}: sweep."{shown}": changes nothing that is simulated; '
            'vary another key, such as "membrane.area"'
        )
