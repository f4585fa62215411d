"""What changes in the deterministic limit of a circuit if it is cut and stepped twice as finely."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stochhh.analysis.cells import first_passages, main_path, passages, velocity_m_per_s
from stochhh.circuit.assemble import assemble_circuit
from stochhh.circuit.plan import CircuitPlan
from stochhh.circuit.planning import plan_circuit_point
from stochhh.circuit.trial import run_trial
from stochhh.scenario import Circuit, points_of

_MOST_RECORDS = 1_000_000


class Change(NamedTuple):
    """One number of a cell, as it is and with step and compartments halved.

    Attributes
    ----------
    cell, what : what it is of, and its name with its unit.
    as_is, halved : the numbers; NaN where there is none.
    percent : by how much it changes; of a peak, relative to its height above rest.
    """

    cell: str
    what: str
    as_is: float
    halved: float
    percent: float


def convergence(circuit: Circuit) -> list[Change]:
    """Halve the step and every compartment of a circuit once, in its deterministic limit.

    Both errors are of second order, so that a third of a change is left after it, and four
    thirds were there before. Of a sweep the first point is run. Costs five times the
    deterministic limit.

    Raises
    ------
    InputError
        Anything about the circuit that only shows when it is worked out.
    """
    seeded = circuit.run.model_copy(update={"seed": circuit.run.seed or 0})
    point = next(points_of(circuit.model_copy(update={"run": seeded}))).scenario
    plan = plan_circuit_point(point, 0)
    finer = plan_circuit_point(point, 0, finer=plan)
    found = []
    before, after = _numbers(plan), _numbers(finer)
    for (cell, what), (value, height) in before.items():
        halved = after[cell, what][0]
        percent = 100.0 * (halved - value) / height if height else np.nan
        found.append(Change(cell, what, value, halved, percent))
    return found


def _numbers(plan: CircuitPlan) -> dict[tuple[str, str], tuple[float, float]]:
    """Numbers of each cell by its name and theirs, each with what it is a change of."""
    ends = np.array([first + _end(plan, k) for k, first in enumerate(plan.network.first[:-1])])
    every = 1 if plan.n_steps < _MOST_RECORDS else plan.every
    watched = replace(plan.twin(), where=ends, variables=("voltage",), every=every)
    data = assemble_circuit([watched], [{}], {(0, 0): run_trial(watched, 0)}, {})
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for index, shape in enumerate(plan.network.shapes):
        path = main_path(data, shape.name)
        here: dict[str, float] = {}
        if path.is_cable:
            first = first_passages(data, path)[0]
            here["conduction velocity (m/s)"] = float(velocity_m_per_s(path, first))
        times = passages(data, int(ends[index]))[0]
        here["spikes at the end"] = float(len(times))
        here["first at the end (ms)"] = float(times[0]) if len(times) else np.nan
        if len(times) > 1:
            here["last at the end (ms)"] = float(times[-1])
        found |= {(shape.name, what): (value, value) for what, value in here.items()}
        peak = float(data["voltage"].values[0, :, index].max())
        height = peak - float(plan.voltage_mV[ends[index]])
        found[shape.name, "peak at the end (mV)"] = peak, height
    return found


def _end(plan: CircuitPlan, index: int) -> int:
    return int(np.argmax(plan.network.shapes[index].geometry.position_um))
