"""Circuits of many cells and synapses: what they take grows with them, and not with the square."""

from __future__ import annotations

import tracemalloc

import numpy as np
from circuits import SQUID, patch

from stochhh.circuit.plan import CircuitPlan, generator
from stochhh.circuit.planning import plan_circuit
from stochhh.circuit.trial import begin
from stochhh.scenario import load_experiment


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
    return array_bytes(*tables, begin(plan, generator(plan.seed_sequence(0)), 0, 0))


def test_a_circuit_takes_memory_that_grows_with_its_synapses():
    tracemalloc.start()
    try:
        few, many = (plan_and_state_bytes(planned(network_of(n, 10 * n))) for n in (100, 200))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert many / few < 2.2
    assert peak < 60e6


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
