"""Which variables the result of a scenario holds: their dims, and between what their values lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import xarray as xr

from stochhh.netcdf_contents import DamagedError
from stochhh.scenario import Circuit, Experiment, Scenario

FLAT_DIMS = ("spike", "flip", "release", "deterministic_spike")
LIMIT = "deterministic_"
SLACK = 1e-6  # relative, of numbers of channels that come in fractions
_INFINITE = math.inf


class Kind(NamedTuple):
    """What a variable must be like.

    Attributes
    ----------
    dims : without those of points.
    least, most : of its values; None for texts.
    is_whole : whether they are numbers of things.
    may_lack : whether some may be missing (NaN).
    """

    dims: tuple[str, ...]
    least: float | None = -_INFINITE
    most: float = _INFINITE
    is_whole: bool = False
    may_lack: bool = False


def kinds_of(dataset: xr.Dataset, experiment: Experiment) -> dict[str, Kind]:
    """What each variable of a result must be like, by its name.

    Parameters
    ----------
    dataset : whose sizes count
    experiment : of which it is the result

    Raises
    ------
    DamagedError
        The dataset lacks what the sizes follow from.
    """
    if isinstance(experiment, Circuit):
        return _of_circuit(dataset, experiment)
    return _of_membrane(dataset, experiment)


def _of_membrane(dataset: xr.Dataset, experiment: Scenario) -> dict[str, Kind]:
    run = experiment.run
    end, most = float(run.duration_ms), _most_channels(dataset)
    recorded = {
        "voltage": Kind(("time",)),
        "open": Kind(("time", "population"), 0.0, most),
        "current": Kind(("time", "population")),
        "charge": Kind(("time", "population")),
        "occupancy": Kind(("time", "state"), 0.0, most),
    }
    of_trials = {
        name: kind
        for name, kind in recorded.items()
        if name == "voltage" or name in run.record.variables
    }
    if experiment.clamp is not None:
        of_trials["total_current"] = Kind(("time",))
    of_trials |= {
        "total_charge": Kind(("population",)),
        "ions": Kind(("population",)),
        "final_voltage": Kind(()),
        "highest_voltage": Kind(()),
        "lowest_voltage": Kind(()),
        "final_occupancy": Kind(("state",), 0.0, most),
    }
    counters = ("transitions", "candidates_rejected", "band_crossings")
    kinds = {
        "population": Kind(("population",), None),
        "ion": Kind(("population",), None),
        "state": Kind(("state",), None),
        "count": Kind(("population",), 0, 1e12, is_whole=True),
        "area": Kind((), 0.0),
        "resting_voltage": Kind(()),
        "relative_conductance": Kind(("state",), 0.0, 1.0),
        "conductance": Kind(("population",), 0.0),
        "reversal": Kind(("population",)),
        **_of_each_trial(of_trials, run.method),
        **{name: Kind(("trial",), 0, is_whole=True) for name in counters},
        **_of_limit(dataset, experiment, of_trials, end),
        "spike_time": Kind(("spike",), 0.0, end),
        "spike_trial": _number_of(dataset, "trial", "spike"),
    }
    stimulus = dataset.variables.get("stimulus")
    of_each = stimulus is not None and "trial" in stimulus.dims
    kinds["stimulus"] = Kind(("trial", "time") if of_each else ("time",))
    if run.record.channels != 0 and run.method != "deterministic" and "channel" in dataset.dims:
        kinds |= {
            "channel_population": Kind(("channel",), None),
            "channel_start": Kind(("trial", "channel"), 0, is_whole=True),
            "flip_time": Kind(("flip",), 0.0, end),
            "flip_trial": _number_of(dataset, "trial", "flip"),
            "flip_channel": Kind(("flip",), 0, dataset.sizes["channel"] - 1, is_whole=True),
            "flip_state": Kind(("flip",), 0, is_whole=True),
        }
    return kinds


def _of_circuit(dataset: xr.Dataset, experiment: Circuit) -> dict[str, Kind]:
    run = experiment.run
    end = float(run.duration_ms) + 0.5 * float(run.record.interval_ms)  # of whole steps
    n, n_synapses = dataset.sizes.get("compartment", 0), len(experiment.synapse)
    if not n or dataset.sizes.get("synapse", 0) != n_synapses:
        raise DamagedError("its compartments or synapses are not those of its scenario")
    most = _most_channels(dataset)
    recorded: dict[str, Kind] = {
        "voltage": Kind(("time", "place")),
        "open": Kind(("time", "place", "population"), 0.0, most),
    }
    of_trials: dict[str, Kind] = {str(name): recorded[name] for name in run.record.variables}
    if n_synapses:
        of_trials["receptor_open"] = Kind(("time", "synapse"), 0.0)
        of_trials["transmitter"] = Kind(("time", "synapse"), 0.0)
    compartment = Kind((), 0, n - 1, is_whole=True)
    kinds = {
        "cell": Kind(("compartment",), None),
        "section": Kind(("compartment",), None),
        "population": Kind(("population",), None),
        "ion": Kind(("population",), None),
        "synapse": Kind(("synapse",), None),
        "parent": Kind(("compartment",), -1, n - 1, is_whole=True),
        "resting_voltage": Kind(("compartment",)),
        "count": Kind(("compartment", "population"), 0, 1e12, is_whole=True),
        "sheathed": Kind(("compartment",), 0, 1, is_whole=True),
        "stimulus_compartment": Kind(("stimulus",), -1, n - 1, is_whole=True),
        "place_compartment": compartment._replace(dims=("place",)),
        "synapse_source": compartment._replace(dims=("synapse",)),
        "synapse_target": compartment._replace(dims=("synapse",)),
        **{
            name: Kind(("compartment",), 0.0) for name in ("position", "diameter", "length", "area")
        },
        **_of_each_trial(of_trials, run.method),
        "total_charge": Kind(("trial", "population")),
        "ions": Kind(("trial", "population")),
        "final_voltage": Kind(("trial", "compartment")),
        "transitions": Kind(("trial",), 0, is_whole=True),
        **_of_limit(dataset, experiment, of_trials, end),
        "spike_time": Kind(("spike",), 0.0, end),
        "spike_trial": _number_of(dataset, "trial", "spike"),
        "spike_compartment": compartment._replace(dims=("spike",)),
        "release_time": Kind(("release",), 0.0, end),
        "release_trial": _number_of(dataset, "trial", "release"),
        "release_synapse": Kind(("release",), 0, n_synapses - 1, is_whole=True),
        "release_site": Kind(("release",), 0, is_whole=True),
        "release_spike": Kind(("release",), 0.0, end, may_lack=True),
    }
    if f"{LIMIT}spike_time" in kinds:
        compartments = compartment._replace(dims=(f"{LIMIT}spike",))
        kinds[f"{LIMIT}spike_compartment"] = compartments
        for name in ("evoked_vesicles", "spontaneous_vesicles"):
            kinds[f"{LIMIT}{name}"] = Kind(("synapse",), -SLACK)
    return kinds


def _of_each_trial(of_trials: Mapping[str, Kind], method: str) -> dict[str, Kind]:
    kinds = {name: one._replace(dims=("trial", *one.dims)) for name, one in of_trials.items()}
    if method == "deterministic":
        return {name: _solved(kind) for name, kind in kinds.items()}
    return kinds


def _solved(kind: Kind) -> Kind:
    """Of a deterministic limit, which a solver's error may take below zero."""
    error = SLACK * (kind.most if math.isfinite(kind.most) else 1.0)
    return kind._replace(least=(kind.least or 0.0) - error)


def _of_limit(
    dataset: xr.Dataset, experiment: Experiment, of_trials: Mapping[str, Kind], end: float
) -> dict[str, Kind]:
    """Variables of the deterministic limit, where one was run."""
    run, some = experiment.run, any(str(name).startswith(LIMIT) for name in dataset.variables)
    wanted = run.deterministic and run.method != "deterministic"
    if some > wanted or (wanted and not some and not dataset.attrs["interrupted"]):
        raise DamagedError("its deterministic limit is missing, or its scenario has none")
    if not some:
        return {}
    kinds = {f"{LIMIT}{name}": _solved(kind) for name, kind in of_trials.items()}
    return kinds | {f"{LIMIT}spike_time": Kind((f"{LIMIT}spike",), 0.0, end)}


def _number_of(dataset: xr.Dataset, dim: str, flat: str) -> Kind:
    return Kind((flat,), 0, int(dataset.variables[dim].values[-1]), is_whole=True)


def _most_channels(dataset: xr.Dataset) -> float:
    count = dataset.variables.get("count")
    if count is None or count.dtype.kind not in "iuf":
        raise DamagedError("it has no 'count' of channels")
    return float(count.values.max(initial=0)) * (1 + SLACK)
