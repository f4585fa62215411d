"""What differs between sweeps of a membrane and of a circuit: planning and running trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.circuit_trials import ways_of
from stochhh.analysis.trial_numbers import About, drives_steadily
from stochhh.assemble import assemble
from stochhh.circuit.assemble import assemble_circuit, cells_of
from stochhh.circuit.plan import CircuitPlan
from stochhh.circuit.planning import n_trials_of as n_circuit_trials
from stochhh.circuit.planning import plan_circuit_point
from stochhh.circuit.room import record_numbers
from stochhh.circuit.run import how_made
from stochhh.circuit.trial import run_trial as run_circuit_trial
from stochhh.plan import Plan
from stochhh.planning import n_trials_of as n_membrane_trials
from stochhh.planning import plan_point
from stochhh.result import limit_given
from stochhh.scenario import Circuit, Experiment, Scenario
from stochhh.simulate import METHODS
from stochhh.stimulus import is_random
from stochhh.trial import Progress

AnyPlan = Plan | CircuitPlan


def plan_of(experiment: Experiment, index: int) -> AnyPlan:
    """Plan of one point that stands alone, without a sweep and with a seed.

    Raises
    ------
    InputError
        Anything about it that only shows when it is worked out.
    """
    if isinstance(experiment, Circuit):
        return plan_circuit_point(experiment, index)
    return plan_point(experiment, index)


def n_trials_of(experiment: Experiment) -> int:
    """Trials of a point."""
    if isinstance(experiment, Circuit):
        return n_circuit_trials(experiment)
    return n_membrane_trials(experiment)


def lean(plan: AnyPlan) -> AnyPlan:
    """Plan that records no more than metrics need, which changes nothing in a run."""
    if isinstance(plan, CircuitPlan):
        return replace(plan, variables=("voltage",), where=np.zeros(1, dtype=np.int64))
    return replace(plan, variables=("voltage", "current") if plan.clamp else ("voltage",), tagged=0)


def most_trials(plan: AnyPlan, most_bytes: float) -> int:
    """Trials whose records fit into so many bytes, at least one."""
    if isinstance(plan, CircuitPlan):
        numbers = record_numbers(plan)
    else:
        numbers = len(plan.record_ms) * (2 + 3 * max(len(plan.membrane.populations), 1))
    return max(int(most_bytes / (8 * numbers)), 1) if np.isfinite(most_bytes) else 10**9


def run_trial(plan: AnyPlan, trial: int, progress: Progress | None) -> Any:
    """Run one trial; errors as of `stochhh.run`."""
    if isinstance(plan, CircuitPlan):
        return run_circuit_trial(plan, trial, progress)
    return METHODS[plan.method.name](plan, trial, progress)


def run_limit(plan: AnyPlan, progress: Progress) -> Any:
    """Run the deterministic limit of a point."""
    if isinstance(plan, CircuitPlan):
        return run_circuit_trial(plan.twin(), 0, progress)
    return METHODS["deterministic"](plan, 0, progress)


def dataset_of(plan: AnyPlan, trials: Mapping[int, Any], limit: Any | None) -> xr.Dataset:
    """Put trials of a point, by their numbers, and its limit into a dataset."""
    numbered = {(0, number): trial for number, trial in trials.items()}
    twins = {} if limit is None else {0: limit}
    if isinstance(plan, CircuitPlan):
        return assemble_circuit([plan], [{}], numbered, twins)
    return assemble([plan], [{}], numbered, twins)


def has_limit(experiment: Experiment) -> bool:
    """Whether the deterministic limit of a point runs beside its trials."""
    return experiment.run.deterministic and experiment.run.method != "deterministic"


def parts_of(
    experiment: Experiment, plan: AnyPlan, n: int, most: int
) -> Iterator[tuple[int, int, bool]]:
    """Parts that the trials of a point run in: the first, how many, and whether with the limit.

    The limit of a clamp tells each part at which moments the current is expected largest. Where
    it does not run, the mean of all trials does, which stay together.

    Parameters
    ----------
    n : trials of the point
    most : trials of a part, if it may be cut
    """
    clamped = isinstance(plan, Plan) and plan.clamp is not None
    limit = has_limit(experiment)
    size = n if clamped and not limit else most
    for first in range(0, n, size):
        yield first, min(size, n - first), limit and (first == 0 or clamped)


def about_of(experiment: Experiment, plan: AnyPlan) -> About:
    """How trials of a plan are made, as their result says it."""
    made = how(experiment, plan)
    told = {
        "method": made["method"],
        "step_ms": made.get("step_ms"),
        "given": made.get("deterministic_given", ""),
        "duration_ms": float(experiment.run.duration_ms),
    }
    if isinstance(plan, CircuitPlan):
        kinds = plan.network.kinds[: plan.network.n_channel_kinds]
        ways = ways_of(xr.Dataset(cells_of(plan)))
        return About(
            **told,
            populations=tuple(kind.name for kind in kinds),
            cells={name: one.cell for name, one in ways.items()},
            synapses=tuple(one.name for one in plan.synapses),
        )
    assert isinstance(experiment, Scenario)
    populations = plan.membrane.populations
    return About(
        **told,
        populations=tuple(one.name for one in populations),
        reversal_mV=tuple(float(one.reversal_mV) for one in populations),
        clamped=plan.clamp is not None,
        steady=drives_steadily(experiment),
    )


def how(experiment: Experiment, plan: AnyPlan) -> dict[str, Any]:
    """Attributes that say which method made a result, with which step, and why that one."""
    random = plan.currents.random if isinstance(plan, CircuitPlan) else is_random(plan.stimuli)
    given = limit_given(random and has_limit(experiment))
    if isinstance(plan, CircuitPlan):
        assert isinstance(experiment, Circuit)
        return {"kind": "circuit", "generation": 0, **how_made(experiment, [plan]), **given}
    said: dict[str, Any] = {"method": plan.method.name, **given}
    if plan.step_ms is not None:
        said["step_ms"] = plan.step_ms
    if plan.chosen_because:
        said["method_chosen"] = plan.chosen_because
    return {**said, "generation": 0 if plan.start is None else plan.start.generation}
