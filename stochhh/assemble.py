"""From the trials of a run to its labelled dataset."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.inputs import attributes_of, portable
from stochhh.lazy import Scratch
from stochhh.plan import Plan
from stochhh.recorded import in_files, in_memory
from stochhh.scenario import Experiment
from stochhh.trial import Trial

_ELEMENTARY_CHARGE_FC = 1.602176634e-4  # exact in the SI since 2019
_FLAT_DIMS = ("spike", "flip", "release", "deterministic_spike")
_VERSIONED = ("stochhh", "numpy", "numba", "scipy", "xarray")


def assemble(
    plans: Sequence[Plan],
    places: Sequence[Mapping[str, Any]],
    trials: Mapping[tuple[int, int], Trial],
    twins: Mapping[int, Trial],
    scratch: Scratch | None = None,
) -> xr.Dataset:
    """Build the dataset of a run.

    Parameters
    ----------
    plans, places : for each point of the sweep its plan and its place on the axes.
    trials : finished trials by (point, trial).
    twins : the deterministic limit of each point, if run.
    scratch : the folder trials left their records in, if not in memory. The dataset
        then reads slices of them when they are asked for, and has no index along time.
    """
    done: list[dict[int, Trial]] = [{} for _ in plans]
    for (point, i), trial in sorted(trials.items(), key=lambda item: item[0]):
        done[point][i] = trial
    if not places[0]:
        data = _point(plans[0], done[0], twins.get(0))
        return data if scratch is None else _with_files(data, plans, trials, twins, scratch)
    kept = [j for j in range(len(plans)) if done[j]]  # all of them, unless interrupted
    compared = all(j in twins for j in kept)
    points = [_point(plans[j], done[j], twins[j] if compared else None) for j in kept]
    grid = grid_of_points(points, kept, places)
    return grid if scratch is None else _with_files(grid, plans, trials, twins, scratch)


def grid_of_points(
    points: Sequence[xr.Dataset], kept: Sequence[int], places: Sequence[Mapping[str, Any]]
) -> xr.Dataset:
    """Join the datasets of the points of a sweep that were kept, and label them."""
    grid = _grid(points)
    for axis in places[0]:
        values = [_label(places[j][axis]) for j in kept]
        grid = grid.assign_coords({axis: ("point", values)})
    return grid.assign_coords(point=list(kept))


def _with_files(
    data: xr.Dataset,
    plans: Sequence[Plan],
    trials: Mapping[tuple[int, int], Trial],
    twins: Mapping[int, Trial],
    scratch: Scratch,
) -> xr.Dataset:
    """Add recorded variables that lie in files."""
    leading = [dim for dim in ("point", "trial") if dim in data.dims]
    places = {dim: [int(label) for label in data[dim].values] for dim in leading}
    variables = in_files(plans, trials, twins, places, scratch)
    time = xr.Coordinates({"time": variables.pop("time")}, indexes={})
    return data.assign(variables).assign_coords(time)


def _grid(points: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the points of a sweep along a new dim; flat lists stay flat and say whose they are."""
    flat = [dim for dim in _FLAT_DIMS if dim in points[0].dims]
    for j, point in enumerate(points):
        for dim in flat:
            owner = np.full(point.sizes[dim], j)
            point[f"{dim}_point"] = (dim, owner, {"long_name": "place along dim point"})
    grid = xr.concat(
        [point.drop_dims(flat) for point in points],
        dim="point",
        join="outer",
        coords="minimal",
        data_vars="all",
        compat="override",
    )
    for dim in flat:
        names = [str(name) for name, v in points[0].data_vars.items() if dim in v.dims]
        parts = [point[names].drop_vars(list(point[names].coords)) for point in points]
        grid = grid.merge(xr.concat(parts, dim=dim))
    return grid


def _label(value: Any) -> Any:
    return value if isinstance(value, (int, float, str)) else str(value)


def _point(plan: Plan, done: Mapping[int, Trial], twin: Trial | None) -> xr.Dataset:
    populations = plan.membrane.populations
    data = xr.Dataset(coords=_coordinates(plan, list(done)))
    trials = list(done.values())
    if plan.records_folder is None:
        data = data.assign(in_memory(plan, done, twin)).set_coords("time")
    more: dict[str, Any] = {}  # put in at once, which takes far less time than one by one
    for name, (dims, values, attrs) in _variables(plan, trials).items():
        more[name] = (("trial", *dims), values, attrs)
    spikes = [(trial.spike_ms, i) for i, trial in done.items()]
    more["spike_time"] = ("spike", _joined([t for t, _ in spikes]), _attrs("ms", "spike time"))
    more["spike_trial"] = ("spike", np.repeat(list(done), [len(t) for t, _ in spikes]).astype(int))
    more["area"] = ((), plan.membrane.area_um2, _attrs("um^2", "membrane area"))
    more["resting_voltage"] = ((), plan.voltage_mV, _attrs("mV", "voltage channels start at"))
    more["count"] = ("population", [p.count for p in populations], _attrs("1", "channels"))
    more["relative_conductance"] = (
        "state",
        [share for p in populations for share in p.scheme.relative_conductance],
        _attrs("1", "share of the unitary conductance"),
    )
    more["conductance"] = (
        "population",
        [p.conductance_nS for p in populations],
        _attrs("nS", "unitary conductance"),
    )
    more["reversal"] = (
        "population",
        [p.reversal_mV for p in populations],
        _attrs("mV", "reversal potential"),
    )
    data = data.assign(more)
    if any(len(trial.channel_start) for trial in trials):
        data = data.merge(_channels(plan, done))
    if twin is not None:
        limit: dict[str, Any] = {}
        for name, (dims, values, attrs) in _variables(plan, [twin]).items():
            if name not in _COUNTERS:
                limit[f"deterministic_{name}"] = (dims, values[0], attrs)
        limit["deterministic_spike_time"] = (
            "deterministic_spike",
            twin.spike_ms,
            _attrs("ms", "spike time of the deterministic limit"),
        )
        data = data.assign(limit)
    return data


_COUNTERS = ("transitions", "candidates_rejected", "band_crossings")


def _coordinates(plan: Plan, done: list[int]) -> dict[str, Any]:
    populations = plan.membrane.populations
    coordinates: dict[str, Any] = {
        "trial": ("trial", np.array(done, dtype=np.int64)),
        "population": ("population", [p.name for p in populations]),
        "ion": ("population", [p.scheme.ion for p in populations]),
        "state": ("state", [f"{p.name}:{s}" for p in populations for s in p.scheme.states]),
    }
    return coordinates


def _variables(plan: Plan, trials: Sequence[Trial]) -> dict[str, tuple[Any, Any, dict[str, str]]]:
    """Variables with one value a trial: their other dims, values and attributes."""
    populations = plan.membrane.populations
    valence = np.array([p.scheme.valence for p in populations])
    variables: dict[str, tuple[Any, Any, dict[str, str]]] = {}
    total = _stacked([trial.total_charge_fC[:-1] for trial in trials], (len(populations),))
    variables["total_charge"] = (
        ("population",),
        total,
        _attrs("fC", "charge moved outward in the whole trial"),
    )
    variables["ions"] = (
        ("population",),
        total / (_ELEMENTARY_CHARGE_FC * valence),
        _attrs("1", "ions that left the cell, net, in the whole trial"),
    )
    final = _stacked([t.final_occupancy for t in trials], (len(plan.patch.population),))
    variables["final_voltage"] = (
        (),
        np.array([trial.final_voltage_mV for trial in trials]),
        _attrs("mV", "membrane potential at the end"),
    )
    variables["highest_voltage"] = (
        (),
        np.array([trial.highest_mV for trial in trials]),
        _attrs("mV", "highest membrane potential of the whole trial, between records too"),
    )
    variables["lowest_voltage"] = (
        (),
        np.array([trial.lowest_mV for trial in trials]),
        _attrs("mV", "lowest membrane potential of the whole trial, between records too"),
    )
    variables["final_occupancy"] = (
        ("state",),
        final,
        _attrs("1", "channels in each state at the end"),
    )
    for name, values in zip(
        _COUNTERS,
        (
            [t.transitions for t in trials],
            [t.rejected for t in trials],
            [t.crossings for t in trials],
        ),
        strict=True,
    ):
        variables[name] = (
            (),
            np.array(values, dtype=np.int64),
            _attrs("1", name.replace("_", " ")),
        )
    return variables


def _channels(plan: Plan, done: Mapping[int, Trial]) -> xr.Dataset:
    """Histories of the tagged channels; states are numbered within their population."""
    trials = list(done.values())
    names = np.array([p.name for p in plan.membrane.populations])
    first_state = plan.patch.state_start
    population = trials[0].channel_population
    start = _stacked([t.channel_start - first_state[t.channel_population] for t in trials], (0,))
    entered = _joined([t.flips.state - first_state[population[t.flips.channel]] for t in trials])
    flips = [len(t.flips.time) for t in trials]
    return xr.Dataset(
        {
            "channel_start": (("trial", "channel"), start, {"long_name": "state at time zero"}),
            "flip_time": ("flip", _joined([t.flips.time for t in trials]), _attrs("ms", "time")),
            "flip_trial": ("flip", np.repeat(list(done), flips).astype(np.int64)),
            "flip_channel": ("flip", _joined([t.flips.channel for t in trials]).astype(np.int64)),
            "flip_state": ("flip", entered.astype(np.int64), {"long_name": "state entered"}),
        },
        coords={"channel_population": ("channel", names[population])},
    )


def said_of(experiment: Experiment) -> dict[str, Any]:
    """Attributes that say of what a dataset is, and what made it."""
    told = portable(experiment)
    return {
        "title": experiment.title,
        "scenario_name": experiment.name,
        "scenario": json.dumps(told.tables),
        **attributes_of(told.inputs),
        "seed": str(experiment.run.seed),
        **provenance(),
    }


def provenance() -> dict[str, str]:
    """Versions of what made a result."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    made_by = {f"{package}_version": _version(package) for package in _VERSIONED}
    return {**made_by, "python_version": platform.python_version()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a checkout that was never installed, as __version__ says
        return "0+unknown"


def _attrs(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}


def _stacked(rows: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.stack(rows) if rows else np.zeros((0, *shape))


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([*parts, np.zeros(0)]) if not parts else np.concatenate(parts)
