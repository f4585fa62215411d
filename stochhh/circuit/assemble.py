"""From the trials of a circuit to its labelled dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from stochhh.assemble import grid_of_points
from stochhh.circuit.network import Floats
from stochhh.circuit.plan import CircuitPlan
from stochhh.circuit.trial import CircuitTrial

_ELEMENTARY_CHARGE_FC = 1.602176634e-4  # exact in the SI since 2019


def assemble_circuit(
    plans: Sequence[CircuitPlan],
    places: Sequence[Mapping[str, Any]],
    trials: Mapping[tuple[int, int], CircuitTrial],
    twins: Mapping[int, CircuitTrial],
) -> xr.Dataset:
    """Build the dataset of a run; arguments as for `stochhh.assemble.assemble`."""
    done: list[dict[int, CircuitTrial]] = [{} for _ in plans]
    for (point, i), trial in sorted(trials.items(), key=lambda item: item[0]):
        done[point][i] = trial
    if not places[0]:
        return _point(plans[0], done[0], twins.get(0))
    kept = [j for j in range(len(plans)) if done[j]]
    compared = all(j in twins for j in kept)
    points = [_point(plans[j], done[j], twins[j] if compared else None) for j in kept]
    return grid_of_points(points, kept, places)


def _point(
    plan: CircuitPlan, done: Mapping[int, CircuitTrial], twin: CircuitTrial | None
) -> xr.Dataset:
    trials = list(done.values())
    network = plan.network
    kinds = [kind.name for kind in network.kinds[: network.n_channel_kinds]]
    valence = np.array([kind.scheme.valence for kind in network.kinds[: network.n_channel_kinds]])
    data = xr.Dataset(
        cells_of(plan),
        coords={
            "trial": ("trial", np.array(list(done), dtype=np.int64)),
            "time": ("time", plan.record_ms, _attrs("ms", "time")),
            "population": ("population", kinds),
            "ion": (
                "population",
                [kind.scheme.ion for kind in network.kinds[: network.n_channel_kinds]],
            ),
            "synapse": ("synapse", [synapse.name for synapse in plan.synapses]),
        },
    )
    for name, (dims, values, attrs) in _recorded(plan, trials).items():
        data[name] = (("trial", *dims), values, attrs)
    charge = np.array([trial.charge_fC for trial in trials]).reshape(len(trials), len(kinds))
    data["total_charge"] = (
        ("trial", "population"),
        charge,
        _attrs("fC", "charge moved outward in the whole trial"),
    )
    data["ions"] = (
        ("trial", "population"),
        charge / (_ELEMENTARY_CHARGE_FC * valence),
        _attrs("1", "ions that left the cells, net, in the whole trial"),
    )
    data["final_voltage"] = (
        ("trial", "compartment"),
        np.array([trial.final_voltage_mV for trial in trials]),
        _attrs("mV", "membrane potential at the end"),
    )
    data["transitions"] = (
        "trial",
        np.array([trial.transitions for trial in trials], dtype=np.int64),
        _attrs("1", "channel transitions drawn one by one"),
    )
    _add_spikes(data, done)
    _add_releases(data, plan, done)
    if plan.mean_field:
        for name, values, attrs in _expected_vesicles(trials):
            data[name] = (("trial", "synapse"), values, attrs)
    if twin is not None:
        for name, (dims, values, attrs) in _recorded(plan, [twin]).items():
            data[f"deterministic_{name}"] = (dims, values[0], attrs)
        for name, values, attrs in _expected_vesicles([twin]):
            data[f"deterministic_{name}"] = ("synapse", values[0], attrs)
        data["deterministic_spike_time"] = (
            "deterministic_spike",
            twin.spike_ms,
            _attrs("ms", "spike time of the deterministic limit"),
        )
        data["deterministic_spike_compartment"] = ("deterministic_spike", twin.spike_compartment)
    return data


def cells_of(plan: CircuitPlan) -> dict[str, Any]:
    """Where every compartment is, and what rests there."""
    shapes = plan.network.shapes

    def joined(field: str) -> Floats:
        return np.concatenate([getattr(one.geometry, field) for one in shapes])

    sections = [one.sections[i] for one in shapes for i in one.geometry.section]
    cells = [one.name for one in shapes for _ in one.geometry.section]
    pools = plan.network.pools
    count = np.zeros((plan.network.n_compartments, plan.network.n_channel_kinds), dtype=np.int64)
    for pool in pools:
        count[pool.compartment, pool.kind] += pool.count
    return {
        "cell": ("compartment", cells),
        "section": ("compartment", sections),
        "position": (
            "compartment",
            joined("position_um"),
            _attrs("um", "path distance from the start of the cell"),
        ),
        "diameter": ("compartment", joined("diameter_um"), _attrs("um", "diameter")),
        "length": ("compartment", joined("length_um"), _attrs("um", "length")),
        "area": ("compartment", joined("area_um2"), _attrs("um^2", "membrane area")),
        "parent": ("compartment", plan.cable.parent),
        "sheathed": (
            "compartment",
            np.concatenate([one.under_myelin for one in shapes]).astype(np.int8),
            _attrs("1", "whether it lies under myelin with a space beneath"),
        ),
        "resting_voltage": (
            "compartment",
            plan.voltage_mV,
            _attrs("mV", "voltage at which channels start"),
        ),
        "count": (("compartment", "population"), count, _attrs("1", "channels")),
        "place_compartment": ("place", plan.where),
        "stimulus_compartment": (
            "stimulus",
            np.array([at[0] if len(at) == 1 else -1 for at in plan.currents.stimulated], dtype=int),
            _attrs("1", "compartment that a stimulus acts on, -1 for all of a cell"),
        ),
        "synapse_source": ("synapse", plan.network.synapse_source),
        "synapse_target": ("synapse", plan.network.synapse_target),
    }


def _recorded(plan: CircuitPlan, trials: Sequence[CircuitTrial]) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    if "voltage" in plan.variables:
        variables["voltage"] = (
            ("time", "place"),
            np.stack([trial.records.voltage for trial in trials]),
            _attrs("mV", "membrane potential"),
        )
    if "open" in plan.variables:
        variables["open"] = (
            ("time", "place", "population"),
            np.stack([trial.records.open for trial in trials]),
            _attrs("1", "open channels"),
        )
    if plan.synapses:
        variables["receptor_open"] = (
            ("time", "synapse"),
            np.stack([trial.records.receptor_open for trial in trials]),
            _attrs("1", "open receptors of all sites"),
        )
        variables["transmitter"] = (
            ("time", "synapse"),
            np.stack([trial.records.transmitter for trial in trials]),
            _attrs("mM", "transmitter, mean over the release sites"),
        )
    return variables


def _add_spikes(data: xr.Dataset, done: Mapping[int, CircuitTrial]) -> None:
    trials = list(done.values())
    data["spike_time"] = (
        "spike",
        np.concatenate([trial.spike_ms for trial in trials]),
        _attrs("ms", "upward crossing of the threshold"),
    )
    data["spike_trial"] = ("spike", np.repeat(list(done), [len(t.spike_ms) for t in trials]))
    data["spike_compartment"] = (
        "spike",
        np.concatenate([trial.spike_compartment for trial in trials]),
    )


def _add_releases(data: xr.Dataset, plan: CircuitPlan, done: Mapping[int, CircuitTrial]) -> None:
    trials = list(done.values())
    site_start = plan.synapse_arrays.site_start
    site = np.concatenate([trial.release_site for trial in trials])
    synapse = np.searchsorted(site_start, site, side="right") - 1
    data["release_time"] = (
        "release",
        np.concatenate([trial.release_ms for trial in trials]),
        _attrs("ms", "release of a vesicle"),
    )
    data["release_trial"] = ("release", np.repeat(list(done), [len(t.release_ms) for t in trials]))
    data["release_synapse"] = ("release", synapse)
    data["release_site"] = ("release", site - site_start[synapse])
    data["release_spike"] = (
        "release",
        np.concatenate([trial.release_spike_ms for trial in trials]),
        _attrs("ms", "spike that released it, none if spontaneous"),
    )


def _expected_vesicles(trials: Sequence[CircuitTrial]) -> list[tuple[str, Floats, dict[str, str]]]:
    """Vesicles that the mean field releases in each trial, (trials, Y)."""
    numbers = np.array([trial.expected_vesicles for trial in trials])
    return [
        ("evoked_vesicles", numbers[..., 0], _attrs("1", "vesicles expected after spikes")),
        ("spontaneous_vesicles", numbers[..., 1], _attrs("1", "vesicles expected by themselves")),
    ]


def _attrs(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}
