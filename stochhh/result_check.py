"""Whether a dataset can be the result of the run that it says it is of.

A seal tells damage, and anyone can make one. So what a result holds is held once, when it
is loaded, against its own scenario: which variables there are and along which dims, times
within the run, channels that add up, trials and points that were asked for. What comes
after can rely on that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, get_args

import numpy as np
import xarray as xr

from stochhh.columns import ROWS
from stochhh.kinetics.files import load_scheme
from stochhh.netcdf_contents import DamagedError
from stochhh.result_contents import FLAT_DIMS, LIMIT, SLACK, Kind, kinds_of
from stochhh.scenario import Circuit, Experiment, Scenario, axes_of, n_points_of, points_of
from stochhh.scenario.models import MethodName

_MOST_LOOKED_AT = 256e6  # bytes
_TEXTS = ("title", "scenario_name", "scenario", "seed", "method")
_MORE_TEXTS = (  # that may be there
    "kind", "method_chosen", "inputs", "deterministic_given", "deterministic_solver",
)  # fmt: skip
_MORE_NUMBERS = ("step_ms", "longest_step_ms", "point")
_NUMBERS = ("duration_ms", "generation", "interrupted", "trials_planned", "trials_finished")


def check_attributes(attributes: Mapping[Any, Any]) -> None:
    """Refuse attributes that are missing, or are not what a result's are.

    Raises
    ------
    DamagedError
        Naming the first.
    """
    for name in (*_TEXTS, *(one for one in _MORE_TEXTS if one in attributes)):
        if not isinstance(attributes.get(name), str):
            raise DamagedError(f"its attribute '{name}' is no text")
    for name in (*_NUMBERS, *(one for one in _MORE_NUMBERS if one in attributes)):
        value = attributes.get(name)
        if not isinstance(value, (int, float, np.number)) or not 0 <= float(value) < math.inf:
            raise DamagedError(f"its attribute '{name}' is no number from 0 on")
    if not attributes["seed"].isdecimal() or len(attributes["seed"]) > 20:
        raise DamagedError("its attribute 'seed' is no whole number")
    name = attributes["scenario_name"]
    if not 0 < len(name) <= 255 or "/" in name or "\0" in name:
        raise DamagedError("its attribute 'scenario_name' is no name of a file")
    if attributes["method"] not in get_args(MethodName):
        raise DamagedError("its attribute 'method' is no method")
    if attributes.get("kind", "circuit") != "circuit":
        raise DamagedError("its attribute 'kind' is not 'circuit'")


def check_result(dataset: xr.Dataset, experiment: Experiment) -> None:
    """Refuse a dataset that is not of this experiment.

    Records in time are looked at unless the result is large (256 MB).

    Parameters
    ----------
    dataset : with attributes that `check_attributes` has seen
    experiment : that its attributes hold

    Raises
    ------
    DamagedError
        Saying what does not fit.
    """
    attributes = dataset.attrs
    if isinstance(experiment, Circuit) != ("kind" in attributes):
        raise DamagedError("its scenario is of cells and it is not, or the other way round")
    said = (experiment.title, str(experiment.run.seed), float(experiment.run.duration_ms))
    if said != (attributes["title"], attributes["seed"], float(attributes["duration_ms"])):
        raise DamagedError("its title, seed or duration is not that of its scenario")
    _check_trials(dataset, experiment)
    kinds = kinds_of(dataset, experiment)
    n_bytes = sum(dataset.variables[name].nbytes for name in kinds if name in dataset.variables)
    values = n_bytes <= _MOST_LOOKED_AT
    _check_times(dataset, experiment, values)
    whole = not attributes["interrupted"]
    swept = ("point",) if experiment.sweep else ()
    for name, kind in kinds.items():
        if name not in dataset.variables:
            raise DamagedError(f"it has no '{name}'")
        lead = () if set(kind.dims) & set(FLAT_DIMS) or _is_shared(name, kind) else swept
        _check_dims(name, dataset.variables[name], (*lead, *kind.dims))
        if values or "time" not in kind.dims:
            lacking = kind.may_lack or (bool(swept) and not whole and "trial" in kind.dims)
            _check_values(name, dataset.variables[name], kind._replace(may_lack=lacking))
    if isinstance(experiment, Circuit):
        _check_trees(dataset)
    else:
        _check_states(dataset, experiment, values)
    for flat in FLAT_DIMS:
        if dataset.sizes.get(flat):
            if f"{flat}_time" not in kinds:
                raise DamagedError(f"it has a list of each {flat}, and its scenario has none")
            _check_list(dataset, flat, bool(swept))


def _check_trials(dataset: xr.Dataset, experiment: Experiment) -> None:
    """Trials and points must be those of the scenario, but for what an interruption left out."""
    attributes, run = dataset.attrs, experiment.run
    n_points = n_points_of(experiment)
    planned, finished = int(attributes["trials_planned"]), int(attributes["trials_finished"])
    n_trials = planned // n_points
    allowed = {run.trials, 1} if run.method == "deterministic" else {run.trials}
    if planned != n_trials * n_points or n_trials not in allowed:
        raise DamagedError(f"it is of {planned} trials, and its scenario has {run.trials}")
    whole = not attributes["interrupted"]
    if not 0 < finished <= planned or (whole and finished < planned):
        raise DamagedError(f"it has {finished} trials of {planned}, and was not interrupted")
    trials = _labels(dataset, "trial", n_trials)
    points = 1
    if experiment.sweep:
        points = len(_labels(dataset, "point", n_points))
        for axis in axes_of(experiment):
            for key in axis.keys:
                if key not in dataset.variables or dataset.variables[key].dims != ("point",):
                    raise DamagedError(f"it does not say its '{key}' at each point")
    elif "point" in dataset.dims:
        raise DamagedError("it has points, and its scenario sweeps nothing")
    if finished > len(trials) * points or ((whole or points == 1) and finished < len(trials)):
        raise DamagedError(f"it holds {len(trials) * points} trials and says {finished}")


def _labels(dataset: xr.Dataset, dim: str, n: int) -> Any:
    """Numbers of the trials or points that are there: increasing, of the first n."""
    if dim not in dataset.variables or dataset.variables[dim].dims != (dim,):
        raise DamagedError(f"it does not number its {dim}s")
    variable = dataset.variables[dim]
    if variable.dtype.kind not in "iu" or not 0 < variable.size <= n:
        raise DamagedError(f"it has {variable.size} {dim}s, and its scenario has {n}")
    labels = variable.values
    if labels[0] < 0 or labels[-1] >= n or (np.diff(labels) <= 0).any():
        raise DamagedError(f"the numbers of its {dim}s are not from 0 to {n - 1}")
    return labels


def _check_times(dataset: xr.Dataset, experiment: Experiment, values: bool) -> None:
    """Times of records must be the multiples of the interval."""
    duration = float(experiment.run.duration_ms)
    interval = float(experiment.run.record.interval_ms)
    last = duration / interval
    spare = 1 if isinstance(experiment, Circuit) else 0  # its steps are rounded to whole ones
    n = dataset.sizes.get("time", 0)
    if "time" not in dataset.variables or dataset.variables["time"].dims != ("time",):
        raise DamagedError("it has no times")
    if not math.floor(last * (1 - 1e-9)) <= n - 1 <= math.floor(last * (1 + 1e-9)) + spare:
        raise DamagedError(f"it has {n} records, and its scenario has {math.floor(last) + 1}")
    for place, block in _blocks(dataset.variables["time"]) if values else ():
        expected = np.arange(place[-1].start, place[-1].stop) * interval
        if block.dtype.kind != "f" or not np.allclose(
            block, expected if spare else np.minimum(expected, duration), 1e-9, 1e-9 * interval
        ):
            raise DamagedError("the times of its records are not those of its scenario")


def _is_shared(name: str, kind: Kind) -> bool:
    """Whether a variable is of all points of a sweep, as labels are."""
    return kind.dims == (name,) or name in ("ion", "channel_population")


def _check_dims(name: str, variable: xr.Variable, dims: tuple[str, ...]) -> None:
    if variable.dims != dims:
        raise DamagedError(f"'{name}' has dims {', '.join(map(str, variable.dims)) or 'none'}")


def _check_values(name: str, variable: xr.Variable, kind: Kind) -> None:
    if not variable.size:
        return
    if kind.least is None:
        if variable.dtype.kind not in "OUT":
            raise DamagedError(f"'{name}' is no text")
        return
    if variable.dtype.kind not in ("iuf" if not kind.is_whole or kind.may_lack else "iu"):
        raise DamagedError(f"'{name}' is not of numbers, or not of whole ones")
    for _, block in _blocks(variable):
        values = block[~np.isnan(block)] if kind.may_lack else block
        if not np.isfinite(values).all():
            raise DamagedError(f"'{name}' has values that are not finite")
        if not values.size:
            continue
        low, high = values.min(), values.max()
        if low < kind.least or high > kind.most * (1 + 1e-12):  # of numbers that were rounded
            raise DamagedError(
                f"'{name}' has values from {low:.6g} to {high:.6g}, and may have "
                f"{kind.least:.6g} to {kind.most:.6g}"
            )


def _check_states(dataset: xr.Dataset, experiment: Scenario, values: bool) -> None:
    """States must be those of the schemes, and the channels of each population in them."""
    names: list[str] = []
    sizes: list[tuple[str, int]] = []
    first = int(dataset["point"].values[0]) if experiment.sweep else 0
    point = next(islice(points_of(experiment), first, None)).scenario
    for table in point.membrane.channels:
        scheme = load_scheme(table.scheme)
        label = table.name or scheme.name
        names.extend(f"{label}:{state}" for state in scheme.states)
        sizes.append((label, len(scheme.states)))
    if [str(name) for name in dataset.variables["state"].values] != names or [
        str(name) for name in dataset.variables["population"].values
    ] != [label for label, _ in sizes]:
        raise DamagedError("its populations or states are not those of its scenario's schemes")
    starts = np.cumsum([0, *(size for _, size in sizes)])[:-1]
    count = dataset["count"]
    for name in ("final_occupancy", *(["occupancy"] if values else [])):
        for whose in (name, f"{LIMIT}{name}"):
            if whose in dataset.variables and len(starts):
                there = dataset[whose].transpose(..., "state")
                sums = np.add.reduceat(there.values, starts, axis=-1)
                dims = (*there.dims[:-1], "population")
                off = abs(xr.DataArray(sums, dims=dims) - count.drop_vars(list(count.coords)))
                if bool((off > SLACK * count.drop_vars(list(count.coords))).any()):
                    raise DamagedError(f"the channels of '{whose}' do not add up to its 'count'")
    if "channel" in dataset.dims and "channel_start" in dataset.variables:
        _check_histories(dataset, dict(sizes))


def _check_trees(dataset: xr.Dataset) -> None:
    """Going from parent to parent must come to an end."""
    parent = dataset.variables["parent"].values.reshape(-1, dataset.sizes["compartment"])
    for row in np.unique(parent, axis=0):
        above = row
        for _ in range(len(row).bit_length()):  # steps twice as long each time
            above = np.where(above >= 0, above[above], -1)
        if (above >= 0).any():
            raise DamagedError("its compartments have parents in a circle")


def _check_histories(dataset: xr.Dataset, sizes: Mapping[str, int]) -> None:
    """Channels followed one by one must be in states of their population."""
    owner = [str(name) for name in dataset.variables["channel_population"].values]
    most = np.array([sizes.get(name, 0) for name in owner])
    start = dataset.variables["channel_start"].values
    wrong = bool((start >= most).any())
    for first in range(0, dataset.sizes.get("flip", 0), ROWS):
        rows = slice(first, first + ROWS)
        channel = dataset.variables["flip_channel"][rows].values
        wrong |= bool((dataset.variables["flip_state"][rows].values >= most[channel]).any())
    if wrong:
        raise DamagedError("its channels are in states that their population does not have")


def _check_list(dataset: xr.Dataset, flat: str, swept: bool) -> None:
    """Spikes and the like must say whose they are, in order, and follow each other in time."""
    owners = [f"{flat}_point"] if swept else []
    if swept:
        if owners[0] not in dataset.variables:
            raise DamagedError(f"it does not say at which point each {flat} was")
        points = Kind((flat,), 0, dataset.sizes["point"] - 1, is_whole=True)
        _check_dims(owners[0], dataset.variables[owners[0]], points.dims)
        _check_values(owners[0], dataset.variables[owners[0]], points)
    owners += [] if flat.startswith(LIMIT) else [f"{flat}_trial"]
    columns = [dataset.variables[name] for name in (*owners, f"{flat}_time")]
    for first in range(0, dataset.sizes[flat], ROWS):
        block = [column[max(first - 1, 0) : first + ROWS].values for column in columns]
        same = np.ones(len(block[0]) - 1, dtype=bool)  # of one point and trial, so far
        for column in block:
            step = np.diff(column.astype(np.float64))
            if (same & (step < 0)).any():
                raise DamagedError(f"the times of each {flat} do not follow each other")
            same &= step == 0


def _blocks(variable: xr.Variable) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Places and values of a variable, a bounded part at a time."""
    if variable.size <= ROWS or not variable.ndim:
        yield tuple(slice(0, n) for n in variable.shape), variable.values
        return
    axis = int(np.argmax(variable.shape))
    step = max(ROWS * variable.shape[axis] // variable.size, 1)
    for first in range(0, variable.shape[axis], step):
        place = [slice(0, n) for n in variable.shape]
        place[axis] = slice(first, min(first + step, variable.shape[axis]))
        yield tuple(place), variable[tuple(place)].values
