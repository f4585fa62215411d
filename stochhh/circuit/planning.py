"""From a circuit's tables to the plan of each point of its sweep, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stochhh import doubts
from stochhh.analysis.linear_membrane import settling_ms
from stochhh.choose import usual_step_ms
from stochhh.circuit.build import Network, build_network, doubts_of_mesh
from stochhh.circuit.currents import compile_currents
from stochhh.circuit.network import Floats, Ints
from stochhh.circuit.places import find_recorded
from stochhh.circuit.plan import CircuitPlan, whole_steps
from stochhh.circuit.rest import resting_state
from stochhh.circuit.room import check_memory, record_numbers
from stochhh.errors import InputError
from stochhh.methods import METHODS
from stochhh.scenario import n_points_of, points_of
from stochhh.scenario.circuits import Circuit
from stochhh.stimulus import finest_ms, is_random
from stochhh.units import Amount
from stochhh.words import said_bytes

_MOST_VALUES = 500_000_000  # numbers in a dataset: 4 GB
_MOST_STEPS = 1_000_000_000


def plan_circuit(circuit: Circuit) -> tuple[list[CircuitPlan], list[dict[str, Any]]]:
    """Work out the plan and the place on the axes of every point of a circuit's sweep.

    Raises
    ------
    InputError
        Anything about the circuit that only shows when it is worked out.
    """
    n_points, n_trials = n_points_of(circuit), n_trials_of(circuit)
    plans: list[CircuitPlan] = []
    places: list[dict[str, Any]] = []
    for index, point in enumerate(points_of(circuit)):
        plans.append(_plan(point.scenario, index))
        places.append(point.values)
        if index == 0:  # before the others take their room
            _check_room(plans[0], n_points, n_trials)
    if any(_axes(plan) != _axes(plans[0]) for plan in plans[1:]):
        raise InputError(
            f"{circuit.name}: sweep: all points must have the same compartments, channels and "
            "records; give sections their number of compartments (compartments = 50) and "
            "run.step so that they do"
        )
    doubts.say(doubt for plan in plans for doubt in plan.doubts)
    return plans, places


def _axes(plan: CircuitPlan) -> tuple[Any, ...]:
    """What all points of a sweep in one run must have in common."""
    network = plan.network
    kinds = network.kinds[: network.n_channel_kinds]
    return (
        network.n_compartments,
        len(plan.record_ms),
        [kind.name for kind in kinds],
        [synapse.name for synapse in plan.synapses],
    )


def plan_circuit_point(
    circuit: Circuit, index: int, finer: CircuitPlan | None = None
) -> CircuitPlan:
    """Work out the plan of one point of a sweep that stands alone, in whatever it differs.

    Parameters
    ----------
    circuit : of that point, without a sweep and with a seed
    index : its number, from which its random streams follow
    finer : its plan, of which step and compartments are halved; without it, as they are

    Raises
    ------
    InputError
        Anything about it that only shows when it is worked out.
    """
    if finer is None:
        plan = _plan(circuit, index)
    else:
        step = Amount(finer.step_ms / 2, "ms", f"{finer.step_ms / 2!r} ms")
        run = circuit.run.model_copy(update={"step_ms": step})
        plan = _plan(circuit.model_copy(update={"run": run}), index, parts=2)
    check_memory(plan, 1, 1)
    return plan


def _check_room(plan: CircuitPlan, n_points: int, n_trials: int) -> None:
    n_values = n_points * n_trials * record_numbers(plan)
    if n_values > _MOST_VALUES:
        raise InputError(
            f"{plan.name}: run.record: {said_bytes(8 * n_values)} would be recorded, in memory, "
            f"and at most {said_bytes(8 * _MOST_VALUES)} can be; make interval longer, name fewer "
            'places (where = ["axon end"]) or run fewer trials'
        )
    check_memory(plan, n_points, n_trials)


def n_trials_of(circuit: Circuit) -> int:
    """Trials at each point; a deterministic run needs only one."""
    deterministic = circuit.run.method == "deterministic"
    return 1 if deterministic and not _random(circuit) else circuit.run.trials


def _random(circuit: Circuit) -> bool:
    return is_random(circuit.stimulus) or any(one.rate is not None for one in circuit.input)


def _plan(circuit: Circuit, index: int, parts: int = 1) -> CircuitPlan:
    network = build_network(circuit, parts)
    initial = circuit.run.initial.voltage
    if isinstance(initial, Amount):
        voltage = np.full(network.n_compartments, float(initial))
        space = np.zeros(network.n_compartments if len(network.cable.sheath_axial) else 0)
    else:
        voltage, space = resting_state(network, circuit.name)
    # with 40 steps a period a passive membrane follows a sine to 1.2 %
    by_stimuli = 0.5 * finest_ms(circuit.stimulus)
    usual = min(_usual_step(network, voltage), by_stimuli)
    asked = usual if network.kinds else by_stimuli
    step, n_steps, every = _steps(circuit, usual)
    given = circuit.run.step_ms
    settling = settle_ms(circuit, network, voltage)
    assert circuit.run.seed is not None
    return CircuitPlan(
        name=circuit.name,
        point=index,
        seed=circuit.run.seed,
        network=network,
        synapses=circuit.synapse,
        currents=compile_currents(circuit, network),
        duration_ms=float(circuit.run.duration_ms),
        step_ms=step,
        n_steps=n_steps,
        every=every,
        variables=circuit.run.record.variables,
        where=_recorded(circuit, network),
        voltage_mV=voltage,
        space_mV=space,
        settle_ms=settling,
        mean_field=circuit.run.method == "deterministic",
        doubts=(
            *_of_channels(circuit, network),
            *_of_morphologies(circuit),
            *doubts_of_mesh(network, circuit.name),
            *doubts.of_stimuli(circuit.stimulus, circuit.name),
            *doubts.of_settling(
                settling,
                float(circuit.run.duration_ms),
                circuit.run.initial.settle_ms is not None,
                circuit.name,
            ),
            *([] if given is None else doubts.of_step(given, asked, circuit.name)),
        ),
    )


def settle_ms(circuit: Circuit, network: Network, voltage_mV: Floats) -> float:
    """For how long trials are left alone first: as asked for, or as the slowest membrane needs.

    That is at rest, in equilibrium, and where any channels are random.
    """
    initial = circuit.run.initial
    if circuit.run.method == "deterministic":
        return 0.0
    if initial.settle_ms is not None:
        return initial.settle_ms
    random = any(pool.method != "deterministic" for pool in network.pools)
    told = any(kind.initial_state is not None for kind in network.kinds)
    if isinstance(initial.voltage, Amount) or told or not random:
        return 0.0
    usual = float(np.median(voltage_mV))
    alike = {name: membrane for (name, _), membrane in network.membranes.items()}
    return max(settling_ms(membrane, usual) for membrane in alike.values())


def _of_channels(circuit: Circuit, network: Network) -> list[str]:
    found: list[str] = []
    for (name, _), membrane in network.membranes.items():
        channels = circuit.membranes[name].channels
        where = f"{circuit.name}: membranes.{name}"
        found.extend(doubts.of_channels(channels, membrane.populations, where))
    return found


def _of_morphologies(circuit: Circuit) -> list[str]:
    from stochhh.circuit.swc import doubt_of_soma  # MorphIO takes a while to load

    files = {one.name: one.morphology.file for one in circuit.cell if one.morphology is not None}
    said = {name: doubt_of_soma(Path(file)) for name, file in files.items()}
    return [
        f"{circuit.name}: cell '{name}': morphology.file: {doubt}"
        for name, doubt in said.items()
        if doubt is not None
    ]


def _steps(circuit: Circuit, usual_ms: float) -> tuple[float, int, int]:
    """Step (ms) that divides the interval of records, whole steps, steps between records."""
    run = circuit.run
    duration, interval = float(run.duration_ms), float(run.record.interval_ms)
    if interval > duration:
        raise InputError(
            f'{circuit.name}: run.record.interval: "{run.record.interval_ms.text}" is longer than '
            f'run.duration = "{run.duration_ms.text}"'
        )
    wanted = usual_ms if run.step_ms is None else float(run.step_ms)
    every = max(int(np.ceil(interval / wanted * (1 - 1e-9))), 1)
    step = interval / every
    n_steps = whole_steps(duration, step)
    if n_steps > _MOST_STEPS:
        raise InputError(
            f"{circuit.name}: run.duration: {n_steps:.3g} steps of {step:g} ms; "
            f"at most {_MOST_STEPS:.0e} are allowed"
        )
    return step, n_steps, every


def _usual_step(network: Network, voltage_mV: Floats) -> float:
    """Shortest of the steps that patches of these membranes would take."""
    usual = float(np.median(voltage_mV))
    methods = [METHODS["leap"]]
    if any(pool.method == "langevin" for pool in network.pools):
        methods.append(METHODS["langevin"])
    return min(
        usual_step_ms(method, membrane, usual)
        for method in methods
        for membrane in network.membranes.values()
    )


def _recorded(circuit: Circuit, network: Network) -> Ints:
    where = circuit.run.record.where
    if where == "everywhere":
        return np.arange(network.n_compartments)
    return find_recorded(network.shapes, where, f"{circuit.name}: run.record.where")
