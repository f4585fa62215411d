"""All points of a sweep as one labelled dataset: the axes of the sweep, and trials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.axes import numbers_of_one_unit
from stochhh.assemble import said_of
from stochhh.result import attributes
from stochhh.scenario import Experiment, SweepAxis
from stochhh.sweeping.metric import Measured, Metric

FORMAT = 1
LIMIT = "deterministic_"


def build_dataset(
    scenario: Experiment,
    axes: Sequence[SweepAxis],
    points: Mapping[int, Measured],
    failed: Mapping[int, str],
) -> xr.Dataset:
    """Build the dataset of a sweep.

    Parameters
    ----------
    scenario : resolved, with its sweep
    axes : of the sweep
    points : measured ones by their number, the last axis fastest
    failed : why others are missing

    Returns
    -------
    xarray.Dataset
        Dims are the first keys of the axes, then ``trial``, and for what each population,
        cell or synapse has one of that name. Variables named ``deterministic_…`` are of the
        deterministic limit. NaN where there is nothing, as at points that failed.
    """
    dims = [axis.name for axis in axes]
    shape = [len(axis.steps) for axis in axes]
    everything = [one for measured in points.values() for one in measured.metrics]
    numbers: dict[str, dict[str, int]] = {}  # of each label of populations, cells or synapses
    for one in everything:
        if one.of:
            of = numbers.setdefault(one.of, {})
            of.setdefault(one.label, len(of))
    labels = {of: list(known) for of, known in numbers.items()}
    n_trials = max((len(one.values) for one in everything), default=0)
    data = xr.Dataset(coords={"trial": ("trial", np.arange(n_trials))})
    for name, example in {one.name: one for one in everything}.items():
        extra = [len(labels[example.of])] if example.of else []
        values = np.full((*shape, n_trials, *extra), np.nan)
        limits = np.full((*shape, *extra), np.nan)
        for index, measured in points.items():
            where = tuple(int(k) for k in np.unravel_index(index, shape)) if shape else ()
            for one in measured.metrics:
                if one.name == name:
                    at = (numbers[one.of][one.label],) if one.of else ()
                    values[(*where, slice(len(one.values)), *at)] = one.values
                    limits[(*where, *at)] = one.limit
        more = [example.of] if example.of else []
        attrs = {"units": example.units, "long_name": example.long_name}
        data[name] = ((*dims, "trial", *more), values, attrs)
        if np.isfinite(limits).any():
            about = {**attrs, "long_name": f"{example.long_name}, deterministic limit"}
            data[f"{LIMIT}{name}"] = ((*dims, *more), limits, about)
    data = data.assign_coords({**labels, **_coordinates(axes)})
    data.attrs = _attributes(scenario, points, failed)
    return data


def metrics_in_order(measured: Measured) -> list[Metric]:
    """Metrics of the whole before those of populations, cells and synapses."""
    return sorted(measured.metrics, key=lambda one: bool(one.of))


def _coordinates(axes: Sequence[SweepAxis]) -> dict[str, Any]:
    """Values on the axes: numbers with a unit where they are some, else as written."""
    coordinates: dict[str, Any] = {}
    for axis in axes:
        for key, values in zip(axis.keys, zip(*axis.steps, strict=True), strict=True):
            try:
                numbers, unit = numbers_of_one_unit(values)
                whole = all(isinstance(value, int) for value in values)
                entry: Any = (axis.name, numbers.astype(np.int64) if whole else numbers)
                coordinates[key] = (*entry, {"units": unit} if unit else {})
            except ValueError:
                coordinates[key] = (axis.name, [str(value) for value in values])
    return coordinates


def _attributes(
    scenario: Experiment, points: Mapping[int, Measured], failed: Mapping[int, str]
) -> dict[str, Any]:
    methods = sorted({measured.method for measured in points.values()})
    return attributes(
        stochhh_sweep_format=FORMAT,
        **said_of(scenario),
        method=", ".join(methods),
        points_failed=json.dumps({str(index): why for index, why in sorted(failed.items())}),
    )
