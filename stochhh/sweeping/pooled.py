"""What is said of every point of a sweep: the summary that a run of it has, repeats pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from stochhh.analysis.summary import Summary, summarise_trials
from stochhh.analysis.trial_numbers import About, Trials, joined
from stochhh.result import limit_given
from stochhh.scenario import Experiment, axes_of, places_of
from stochhh.scenario.sweep_tables import REPEATS


class Point(NamedTuple):
    """A point of a sweep, with all of its repeats.

    Attributes
    ----------
    place : value of each swept key but the repeats, as written.
    repeats : numbers of its repeats among all points.
    about, n_trials, summary : how its trials were made, how many, and what they say; None, 0
        and empty where all of its repeats failed.
    """

    place: dict[str, Any]
    repeats: tuple[int, ...]
    about: About | None
    n_trials: int
    summary: Summary


def summarised(scenario: Experiment, points: Mapping[int, Trials]) -> list[Point]:
    """Summarise every point of a sweep, the last axis fastest.

    Repeats differ in nothing but their random numbers: they are more trials of a point. Its
    deterministic limit is that of the first.

    Parameters
    ----------
    points : trials of those that were finished, by their number
    """
    members: dict[tuple[int, ...], list[int]] = {}
    axes = axes_of(scenario)
    steps = product(*(range(len(axis.steps)) for axis in axes))
    places = list(places_of(scenario))
    for index, step in enumerate(steps):
        key = tuple(k for k, axis in zip(step, axes, strict=True) if axis.name != REPEATS)
        members.setdefault(key, []).append(index)
    found = []
    for repeats in members.values():
        place = {key: value for key, value in places[repeats[0]].items() if key != REPEATS}
        made = [points[index] for index in repeats if index in points]
        if made:
            whole = joined(made)
            told = (whole.about, whole.n, summarise_trials(whole))
            found.append(Point(place, tuple(repeats), *told))
        else:
            found.append(Point(place, tuple(repeats), None, 0, {}))
    return found


def summarise_sweep(
    scenario: Experiment, points: Sequence[Point], failed: Mapping[int, str]
) -> dict[str, Any]:
    """Summarise a sweep: of each point what the summary of its run has, and how it was made."""
    rows = []
    for point in points:
        row: dict[str, Any] = {"place": {key: _plain(x) for key, x in point.place.items()}}
        if point.about is None:
            row["failed"] = failed.get(point.repeats[0], "")
        else:
            row |= {"method": point.about.method, "trials": point.n_trials}
            if point.about.step_ms is not None:
                row["step_ms"] = point.about.step_ms
            row |= point.summary
        rows.append(row)
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "seed": scenario.run.seed,
        **given(points),
        "points_failed": len(failed),
        "points": rows,
    }


def given(points: Sequence[Point]) -> dict[str, str]:
    """Attribute that says whose input the deterministic limits had, where trials' differ."""
    return limit_given(any(point.about is not None and point.about.given for point in points))


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
