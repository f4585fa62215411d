"""All points of a sweep as one labelled dataset: what runs of them say, and numbers of trials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.axes import numbers_of_one_unit, unit_alone
from stochhh.analysis.spikes import first_spike_ms
from stochhh.analysis.trial_numbers import SPIKES, About, Trials
from stochhh.assemble import said_of
from stochhh.result import attributes, limit_label
from stochhh.scenario import Experiment, SweepAxis, axes_of
from stochhh.scenario.sweep_tables import REPEATS
from stochhh.sweeping.pooled import Point, given
from stochhh.sweeping.variables import TRIAL_VARIABLES, VARIABLES, parts, read

FORMAT = 2
LIMIT, TRIAL = "deterministic_", "trial_"
Labels = dict[str, dict[str, int]]  # of each kind of part the place of each
Row = tuple[int, str, Any]  # number of a point, name of a part, and its number or those of trials


def build_dataset(
    scenario: Experiment,
    points: Sequence[Point],
    trials: Mapping[int, Trials],
    failed: Mapping[int, str],
) -> xr.Dataset:
    """Build the dataset of a sweep.

    Parameters
    ----------
    scenario : resolved, with its sweep
    points : with repeats pooled
    trials : of points that were finished, repeats each by itself, by their number
    failed : why others are missing

    Returns
    -------
    xarray.Dataset
        Dims are the first keys of the axes but ``repeats``, and for what each population,
        cell or synapse has one of that name. Beside a number stand ``…_low`` and ``…_high``, the
        ends of its 95 % interval, and ``deterministic_…``, that of the deterministic limit.
        Variables named ``trial_…`` are of every trial: they have dims ``repeats``, if swept, and
        ``trial`` too. NaN where there is nothing, as at points that failed.
    """
    axes = axes_of(scenario)
    labels = _labels([one.about for one in trials.values()])
    said = given(points)
    found = {
        **_of_points(points, [axis for axis in axes if axis.name != REPEATS], labels, said),
        **_of_trials(trials, axes, labels),
    }
    used = {dim for dims, *_ in found.values() for dim in dims}
    return xr.Dataset(
        found,
        coords={
            **{of: list(names) for of, names in labels.items() if of in used},
            "trial": np.arange(max(one.n for one in trials.values())),
            **_coordinates(axes),
        },
        attrs=_attributes(scenario, points, failed) | said,
    )


def _labels(abouts: Sequence[About]) -> Labels:
    """Populations, cells and synapses of any point, in order."""
    labels: Labels = {"population": {}, "cell": {}, "synapse": {}}
    for about in abouts:
        for of, places in labels.items():
            for name in parts(about, of):
                places.setdefault(name, len(places))
    return labels


def _of_points(
    points: Sequence[Point], axes: Sequence[SweepAxis], labels: Labels, said: Mapping[str, str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in VARIABLES:
        rows: dict[str, list[Row]] = {}
        for index, point in enumerate(points):
            for part in () if point.about is None else parts(point.about, one.of):
                for form, value in read(point, one, part).items():
                    rows.setdefault(form, []).append((index, part, value))
        named = {
            "{}": one.long_name,
            "{}_low": f"{one.long_name}, lower end of the 95 % interval",
            "{}_high": f"{one.long_name}, upper end of the 95 % interval",
            f"{LIMIT}{{}}": f"{one.long_name}, {limit_label(said)}",
        }
        for form, these in rows.items():
            attrs = {"units": one.units, "long_name": named[form]}
            values = _grid(these, axes, labels, one.of)
            dims = [axis.name for axis in axes] + ([one.of] if one.of else [])
            found[form.format(one.name)] = (dims, values, attrs)
    return found


def _of_trials(
    trials: Mapping[int, Trials], axes: Sequence[SweepAxis], labels: Labels
) -> dict[str, Any]:
    n_trials = max(one.n for one in trials.values())
    found: dict[str, Any] = {}
    for one in TRIAL_VARIABLES:
        rows: list[Row] = []
        for index, (about, numbers, _) in trials.items():
            if SPIKES in numbers:
                counts = np.array([len(train) for train in numbers[SPIKES]])
                numbers = {
                    **numbers, "spike_count": counts, "first_spike": first_spike_ms(numbers[SPIKES])
                }  # fmt: skip
            for part in parts(about, one.of):
                name = f"{one.kept}.{part}" if one.of else one.kept
                if name in numbers:
                    rows.append((index, part, numbers[name]))
        if rows:
            attrs = {"units": one.units, "long_name": f"{one.long_name}, of each trial"}
            values = _grid(rows, axes, labels, one.of, n_trials)
            dims = [*(axis.name for axis in axes), "trial", *([one.of] if one.of else [])]
            found[f"{TRIAL}{one.name}"] = (dims, values, attrs)
    return found


def _grid(
    rows: Sequence[Row], axes: Sequence[SweepAxis], labels: Labels, of: str, n_trials: int = 0
) -> Any:
    """Numbers, of trials if there are such, at the places of their points; else NaN."""
    shape = [len(axis.steps) for axis in axes]
    trials, more = [n_trials] if n_trials else [], [len(labels[of])] if of else []
    values = np.full((*shape, *trials, *more), np.nan)
    for index, part, value in rows:
        place = tuple(int(k) for k in np.unravel_index(index, shape)) if shape else ()
        row = (slice(len(value)),) if n_trials else ()
        at = (labels[of][part],) if of else ()
        values[(*place, *row, *at)] = np.nan if value is None else value
    return values


def _coordinates(axes: Sequence[SweepAxis]) -> dict[str, Any]:
    """Values on the axes: numbers with a unit where they are some, else as written."""
    coordinates: dict[str, Any] = {}
    for axis in axes:
        for key, values in zip(axis.keys, zip(*axis.steps, strict=True), strict=True):
            try:
                numbers, unit = numbers_of_one_unit(values)
                whole = all(isinstance(value, int) for value in values)
                entry: Any = (axis.name, numbers.astype(np.int64) if whole else numbers)
                coordinates[key] = (*entry, {"units": unit_alone(unit)} if unit else {})
            except ValueError:
                coordinates[key] = (axis.name, [str(value) for value in values])
    return coordinates


def _attributes(
    scenario: Experiment, points: Sequence[Point], failed: Mapping[int, str]
) -> dict[str, Any]:
    methods = sorted({point.about.method for point in points if point.about is not None})
    return attributes(
        stochhh_sweep_format=FORMAT,
        **said_of(scenario),
        method=", ".join(methods),
        points_failed=json.dumps({str(index): why for index, why in sorted(failed.items())}),
    )
