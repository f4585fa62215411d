"""Circuits of many cells and synapses: what they take grows with them, and not with the square."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import xarray as xr
from circuits import SQUID, axon, patch

import stochhh
from stochhh.analysis.cells import Passages, compartments_of, main_paths, vesicles
from stochhh.analysis.summary import summarise
from stochhh.circuit import build, room
from stochhh.circuit.plan import CircuitPlan, generator
from stochhh.circuit.planning import plan_circuit
from stochhh.circuit.sites import with_more_room
from stochhh.circuit.trial import begin, drawn
from stochhh.console import estimate_table, summary_table
from stochhh.console_circuits import cell_tables
from stochhh.describe_circuit import describe_circuit
from stochhh.errors import InputError
from stochhh.plot.overview import overview
from stochhh.scenario import load_experiment


def begun(plan):
    """State of a trial at time zero."""
    rng = generator(plan.seed_sequence(0))
    return begin(plan, rng, drawn(plan, rng), 0, 0)


def network_of(n_cells, n_synapses):
    """Patches with synapses between them, all of one kind."""
    tables = patch(SQUID, "10 um^2")
    alike = tables["cell"][0]
    tables["cell"] = [{**alike, "name": f"c{k}"} for k in range(n_cells)]
    tables["synapse"] = [
        {
            "name": f"s{k}",
            "from": f"c{7 * k % n_cells}",
            "to": f"c{(11 * k + 1) % n_cells}",
            "release": {"sites": 2, "probability": 0.5},
            "transmitter": {"peak": "1 mM", "decay": "0.2 ms"},
            "receptors": {
                "scheme": "nachr", "count": 10, "conductance": "40 pS", "reversal": "0 mV",
            },
        }
        for k in range(n_synapses)
    ]  # fmt: skip
    return tables


def planned(tables, **settings) -> CircuitPlan:
    run = {"duration": "1 ms", "seed": 1, "method": "leap"} | settings
    return plan_circuit(load_experiment({**tables, "run": run}))[0][0]


def array_bytes(*tables) -> int:
    """Bytes of all arrays in tables of arrays."""
    return sum(
        one.nbytes if isinstance(one, np.ndarray) else array_bytes(*one)
        for one in tables
        if isinstance(one, np.ndarray | tuple | list)
    )


def plan_and_state_bytes(plan):
    """Bytes of all that a kernel runs on, but not of records."""
    tables = plan.graph, plan.steps, plan.pools, plan.cable, plan.synapse_arrays, plan.laws
    return array_bytes(*tables, begun(plan))


def test_a_circuit_takes_memory_that_grows_with_its_synapses():
    plan_and_state_bytes(planned(network_of(2, 2)))  # with all that is imported on the way
    tracemalloc.start()
    try:
        few, many = (plan_and_state_bytes(planned(network_of(n, 10 * n))) for n in (40, 80))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert many / few < 2.2
    assert peak < 30e6


def test_synapses_of_one_kind_share_the_tables_of_their_receptors():
    plan = planned(network_of(3, 5))
    assert [kind.name for kind in plan.network.kinds] == ["squid-na", "squid-k", "nachr receptors"]
    assert plan.network.receptor_kind.tolist() == [2] * 5


def test_receptors_at_another_temperature_are_another_kind():
    tables = network_of(3, 4)
    for k, degC in ((1, 30), (2, 20)):
        tables["synapse"][k]["receptors"]["temperature"] = f"{degC} degC"
    plan = planned(tables)
    assert plan.network.receptor_kind.tolist() == [2, 3, 4, 2]
    names = [kind.name for kind in plan.network.kinds[2:]]
    assert names == ["nachr receptors 1", "nachr receptors 2", "nachr receptors 3"]
    assert len({kind.scheme.temperature_degC for kind in plan.network.kinds[2:]}) == 3


def test_kinds_of_their_own_take_memory_that_grows_with_their_number():
    """Tables of rates by states of all kinds would grow with the square."""

    def tables_bytes(n):
        tables = network_of(2, n)
        for k, synapse in enumerate(tables["synapse"]):
            synapse["receptors"]["temperature"] = f"{20 + k / 10} degC"
        return array_bytes(planned(tables).graph)

    few, many = tables_bytes(20), tables_bytes(40)
    assert many / few < 2.2


# ---- what is too large is refused in a line ------------------------------------------------


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(room, "machine_memory_bytes", lambda: 350_000_000)


def refused(tables, **settings) -> str:
    """Refused before any of it is taken."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            planned(tables, **settings)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("small_machine")
def test_more_release_sites_than_the_memory_holds_are_refused():
    """40 sites × 100 000 of 18 states and 18 rate classes, twice and once: 74 numbers each."""
    tables = network_of(2, 40)
    for synapse in tables["synapse"]:
        synapse["release"]["sites"] = 100_000
    said = refused(tables)
    assert "GB of memory are needed, and this machine has 350 MB" in said
    assert "4,000,000 release sites" in said
    assert said.endswith("make it of fewer compartments, release sites or points")


@pytest.mark.usefixtures("small_machine")
def test_more_records_than_the_memory_holds_are_refused():
    """10 000 trials × 1001 records × (2 × 3 + 2 × 4) numbers, kept and then copied: 2.2 GB."""
    settings = {"duration": "100 ms", "trials": 10_000, "deterministic": False}
    said = refused(network_of(2, 4), **settings)
    assert "2.24 GB for records (circuits keep them in memory)" in said
    assert "run.record.interval" in said
    assert planned(network_of(2, 4), **settings | {"trials": 200})


@pytest.mark.usefixtures("small_machine")
def test_more_kinds_of_receptors_than_the_memory_holds_are_refused():
    tables = network_of(2, 200)
    for k, synapse in enumerate(tables["synapse"]):
        synapse["receptors"]["temperature"] = f"{10 + k / 10} degC"
        synapse["release"]["sites"] = 100
    said = refused(tables)
    assert "200 synapses with 200 kinds of receptors" in said
    assert "give synapses one receptors.scheme and temperature" in said


def test_the_memory_of_states_and_tables_is_that_of_their_arrays():
    plan = planned(network_of(20, 400))
    memory = room.memory_of(plan, 1, 1, workers=1)
    state = array_bytes(begun(plan))
    assert room._state_bytes(plan, mean_field=False) == pytest.approx(state, rel=0.3)
    tables = array_bytes(plan.steps, plan.laws, plan.cable)
    assert memory.tables - 420 * 3500 - 40 * 600 == pytest.approx(tables, rel=0.3)
    assert room.memory_of(plan, 3, 5, workers=2).states == 2 * memory.states


def test_the_memory_of_the_mean_field_counts_the_cohorts_of_its_synapses():
    """It was that of sites alone, a fifth of what the deterministic limit beside takes."""
    plan = planned(network_of(20, 400))
    state = begun(plan.twin())
    widened = state._replace(mean=with_more_room(state.mean))
    needed = room.memory_of(plan, 1, 1, workers=1).states
    assert needed == pytest.approx(array_bytes(widened), rel=0.3)
    assert needed > 2 * array_bytes(begun(plan))
    assert room.memory_of(plan.twin(), 1, 1, workers=1).states == needed


def test_more_synapses_than_a_circuit_may_have_are_refused():
    tables = network_of(3, 1)
    tables["synapse"] *= 12_000
    with pytest.raises(InputError, match="synapse: 12,000 entries; at most 10,000 are allowed"):
        planned(tables)


def test_more_compartments_than_a_circuit_may_have_are_refused(monkeypatch):
    monkeypatch.setattr(build, "_MOST_COMPARTMENTS", 300)
    tables = axon(SQUID, n=200)
    tables["cell"] = [{**tables["cell"][0], "name": f"a{k}"} for k in range(5)]
    said = refused(tables)
    assert "400 compartments in the first 2 of 5 cells; at most 300 are allowed" in said


def test_an_estimate_says_what_memory_a_circuit_needs():
    short = ["run.duration=1 ms", "run.deterministic=false"]
    few, many = (
        stochhh.estimate("two-neurons", overrides=short, trials=n, workers=1) for n in (1, 1000)
    )
    assert not few.in_files  # circuits keep their records in memory
    assert few.memory_bytes == pytest.approx(300e6, rel=0.1)
    assert many.memory_bytes - few.memory_bytes == 2 * (many.record_bytes - few.record_bytes) > 0
    assert "memory, records in it" in list(estimate_table(few, 0).columns[0].cells)


def test_the_memory_of_a_machine_is_told_and_limits_count():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    assert room.machine_memory_bytes() > 100e6
    try:
        resource.setrlimit(resource.RLIMIT_AS, (10**12, before[1]))
        assert room.machine_memory_bytes() <= 10**12
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


# ---- what a run leaves ---------------------------------------------------------------------


def test_passages_and_vesicles_are_those_that_a_look_at_each_finds():
    rng = np.random.default_rng(1)
    n, n_trials, n_places = 400, 3, 7
    trial, place = rng.integers(0, n_trials, n), rng.integers(0, n_places, n)
    spike = np.where(rng.random(n) < 0.5, 1.0, np.nan)
    order = np.lexsort((rng.random(n), trial))  # as runs list them, trial by trial
    data = xr.Dataset(
        {
            "spike_time": ("spike", np.arange(n, dtype=float)),
            "spike_trial": ("spike", trial[order] + 2),
            "spike_compartment": ("spike", place[order]),
            "release_trial": ("release", trial[order] + 2),
            "release_synapse": ("release", place[order]),
            "release_spike": ("release", spike),
        },
        coords={"trial": np.arange(n_trials) + 2, "synapse": list("abcdefg")},
    )
    passed = Passages(data)
    evoked, spontaneous = vesicles(data)
    for c in range(n_places + 1):
        for i, times in enumerate(passed.at(c)):
            here = (trial[order] == i) & (place[order] == c)
            assert times.tolist() == np.flatnonzero(here).tolist()
            if c < n_places:
                assert evoked[i, c] == np.sum(here & np.isfinite(spike))
                assert spontaneous[i, c] == np.sum(here & np.isnan(spike))


def test_vesicles_of_no_trial_and_no_synapse_do_not_count():
    """A file that someone made may hold such."""
    data = xr.Dataset(
        {
            "release_trial": ("release", [0, 7, 0, 0]),
            "release_synapse": ("release", [0, 0, 9, -1]),
            "release_spike": ("release", [1.0, 1.0, 1.0, np.nan]),
        },
        coords={"trial": [0], "synapse": ["a"]},
    )
    evoked, spontaneous = vesicles(data)
    assert evoked.tolist() == [[1.0]]
    assert spontaneous.tolist() == [[0.0]]


def test_cells_of_a_result_are_found_in_order():
    data = xr.Dataset(
        {
            "cell": ("compartment", ["b", "b", "a", "a", "a"]),
            "parent": ("compartment", [-1, 0, -1, 2, 2]),
            "position": ("compartment", [0.0, 1.0, 0.0, 2.0, 1.0]),
        }
    )
    assert {name: own.tolist() for name, own in compartments_of(data).items()} == {
        "b": [0, 1], "a": [2, 3, 4],
    }  # fmt: skip
    found = {name: path.compartment.tolist() for name, path in main_paths(data).items()}
    assert list(found.items()) == [("b", [0, 1]), ("a", [2, 3])]


def test_picture_and_table_of_a_large_circuit_show_some_and_say_so():
    tables = {**network_of(30, 300), "run": {"duration": "0.2 ms", "seed": 1, "method": "leap"}}
    result = stochhh.run(tables)
    figure = overview(result)
    assert len(figure.axes) == 8 + 16
    label = figure.axes[-1].get_xlabel()
    assert label == "time (ms); at most 8 of 30 cells and 16 of 300 synapses are drawn"
    said = summarise(result)
    assert len(said["cells"]) == 30
    assert len(said["synapses"]) == 300
    table = summary_table(said)
    assert table.row_count == 20 * (1 + 3) + 20 * (1 + 4)  # patches have no two ends
    assert "10 more cells and 280 more synapses in summary.json" in str(table.caption)
    cells, synapses = cell_tables(describe_circuit(result.experiment))
    assert len(cells.columns) == 21
    assert synapses.row_count == 20
    assert cells.caption == "10 more cells and 280 more synapses are left out"


def test_what_is_wrong_in_every_synapse_is_said_of_some():
    tables = network_of(3, 100)
    for synapse in tables["synapse"]:
        del synapse["release"]
    with pytest.raises(InputError) as caught:
        planned(tables)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "scenario: and 80 more like these"
    tables = network_of(100, 1)
    tables["synapse"][0]["to"] = "nowhere"
    with pytest.raises(InputError, match=r"no cell 'nowhere'; known: c0, c1, .* … and 40 more"):
        planned(tables)
