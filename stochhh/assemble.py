"""From the trials of a run to its labelled dataset."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.plan import Plan
from stochhh.trial import Trial

_ELEMENTARY_CHARGE_FC = 1.602176634e-4  # exact in the SI since 2019
_FLAT_DIMS = ("spike", "flip", "deterministic_spike")
_VERSIONED = ("stochhh", "numpy", "numba", "scipy", "xarray")


def assemble(
    plans: Sequence[Plan],
    places: Sequence[Mapping[str, Any]],
    trials: Mapping[tuple[int, int], Trial],
    twins: Mapping[int, Trial],
) -> xr.Dataset:
    """Build the dataset of a run.

    Parameters
    ----------
    plans, places : for each point of the sweep its plan and its place on the axes.
    trials : finished trials by (point, trial).
    twins : the deterministic limit of each point, if run.
    """
    done = [
        {i: trial for (point, i), trial in sorted(trials.items()) if point == j}
        for j in range(len(plans))
    ]
    if not places[0]:
        return _point(plans[0], done[0], twins.get(0))
    kept = [j for j in range(len(plans)) if done[j]]  # all of them, unless interrupted
    compared = all(j in twins for j in kept)
    points = [_point(plans[j], done[j], twins[j] if compared else None) for j in kept]
    grid = _grid(points)
    for axis in places[0]:
        values = [_label(places[j][axis]) for j in kept]
        grid = grid.assign_coords({axis: ("point", values)})
    return grid.assign_coords(point=kept)


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
    for name, (dims, values, attrs) in _variables(plan, trials).items():
        data[name] = (("trial", *dims), values, attrs)
    data["stimulus"] = _stimulus(plan, list(done))
    spikes = [(trial.spike_ms, i) for i, trial in done.items()]
    data["spike_time"] = ("spike", _joined([t for t, _ in spikes]), _attrs("ms", "spike time"))
    data["spike_trial"] = ("spike", np.repeat(list(done), [len(t) for t, _ in spikes]).astype(int))
    data["area"] = ((), plan.membrane.area_um2, _attrs("um^2", "membrane area"))
    data["resting_voltage"] = ((), plan.voltage_mV, _attrs("mV", "voltage channels start at"))
    data["count"] = ("population", [p.count for p in populations], _attrs("1", "channels"))
    data["relative_conductance"] = (
        "state",
        [share for p in populations for share in p.scheme.relative_conductance],
        _attrs("1", "share of the unitary conductance"),
    )
    data["conductance"] = (
        "population",
        [p.conductance_nS for p in populations],
        _attrs("nS", "unitary conductance"),
    )
    data["reversal"] = (
        "population",
        [p.reversal_mV for p in populations],
        _attrs("mV", "reversal potential"),
    )
    if any(len(trial.channel_start) for trial in trials):
        data = data.merge(_channels(plan, done))
    if twin is not None:
        for name, (dims, values, attrs) in _variables(plan, [twin]).items():
            if name not in _COUNTERS:
                data[f"deterministic_{name}"] = (dims, values[0], attrs)
        data["deterministic_spike_time"] = (
            "deterministic_spike",
            twin.spike_ms,
            _attrs("ms", "spike time of the deterministic limit"),
        )
    return data


_COUNTERS = ("transitions", "candidates_rejected", "band_crossings")


def _coordinates(plan: Plan, done: list[int]) -> dict[str, Any]:
    populations = plan.membrane.populations
    coordinates: dict[str, Any] = {
        "trial": ("trial", np.array(done, dtype=np.int64)),
        "time": ("time", plan.record_ms, _attrs("ms", "time")),
        "population": ("population", [p.name for p in populations]),
        "ion": ("population", [p.scheme.ion for p in populations]),
        "state": ("state", [f"{p.name}:{s}" for p in populations for s in p.scheme.states]),
    }
    return coordinates


def _variables(plan: Plan, trials: Sequence[Trial]) -> dict[str, tuple[Any, Any, dict[str, str]]]:
    """Variables with one row a trial: their other dims, values and attributes."""
    wanted = plan.variables
    populations = plan.membrane.populations
    reversal = np.array([p.reversal_mV for p in populations])
    valence = np.array([p.scheme.valence for p in populations])
    voltage = _stacked([trial.voltage_mV for trial in trials], (len(plan.record_ms),))
    variables: dict[str, tuple[Any, Any, dict[str, str]]] = {
        "voltage": (("time",), voltage, _attrs("mV", "membrane potential")),
    }
    if "open" in wanted:
        variables["open"] = (
            ("time", "population"),
            _stacked([trial.open for trial in trials], (0, 0)),
            _attrs("1", "open channels"),
        )
    if "current" in wanted:
        current = [t.conductance_nS * (t.voltage_mV[:, None] - reversal) for t in trials]
        variables["current"] = (
            ("time", "population"),
            _stacked(current, (0, 0)),
            _attrs("pA", "outward current through the channels"),
        )
    if plan.clamp is not None:
        total_current = [_total_current(plan, trial, reversal) for trial in trials]
        variables["total_current"] = (
            ("time",),
            _stacked(total_current, (len(plan.record_ms),)),
            _attrs("pA", "outward current the clamp amplifier measures"),
        )
    if "charge" in wanted:
        charge = _stacked([trial.charge_fC[:, :-1] for trial in trials], (0, 0))
        variables["charge"] = (
            ("time", "population"),
            charge,
            _attrs("fC", "charge moved outward since the start"),
        )
    if "occupancy" in wanted:
        variables["occupancy"] = (
            ("time", "state"),
            _stacked([trial.occupancy for trial in trials], (0, 0)),
            _attrs("1", "channels in each state"),
        )
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


def _total_current(plan: Plan, trial: Trial, reversal: NDArray[Any]) -> NDArray[Any]:
    """Sum of all channel currents and, if the clamp counts them, of leak and capacitance."""
    clamp, membrane, command = plan.clamp, plan.membrane, plan.command
    assert clamp is not None
    current = (trial.conductance_nS * (trial.voltage_mV[:, None] - reversal)).sum(axis=1)
    if clamp.leak:
        current = current + membrane.leak_nS * (trial.voltage_mV - membrane.leak_reversal_mV)
    if clamp.capacitance:
        piece = np.searchsorted(command.end, plan.record_ms, side="left")
        current = current + membrane.capacitance_pF * command.slope[piece]
    return np.asarray(current)


def _stimulus(plan: Plan, done: list[int]) -> xr.DataArray:
    """Injected current at the record times; with a trial dim only if it differs between trials."""
    from stochhh.stimulus import is_random

    attrs = _attrs("pA", "injected current")
    if is_random(plan.stimuli):
        rows = [plan.stimulus(i).at(plan.record_ms) for i in done]
        return xr.DataArray(
            _stacked(rows, (len(plan.record_ms),)), dims=("trial", "time"), attrs=attrs
        )
    return xr.DataArray(plan.stimulus(0).at(plan.record_ms), dims=("time",), attrs=attrs)


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


def provenance() -> dict[str, str]:
    """Versions of what made a result."""
    made_by = {f"{package}_version": version(package) for package in _VERSIONED}
    return {**made_by, "python_version": platform.python_version()}


def _attrs(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}


def _stacked(rows: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.stack(rows) if rows else np.zeros((0, *shape))


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([*parts, np.zeros(0)]) if not parts else np.concatenate(parts)
