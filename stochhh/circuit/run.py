"""Run a circuit."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

from stochhh.assemble import said_of
from stochhh.circuit.assemble import assemble_circuit
from stochhh.circuit.plan import CircuitPlan
from stochhh.circuit.planning import n_trials_of, plan_circuit
from stochhh.circuit.trial import CircuitTrial, run_trial
from stochhh.execute import Monitor, run_tasks
from stochhh.result import FILE_FORMAT, Result, attributes, limit_given, seconds_since
from stochhh.scenario.circuits import Circuit
from stochhh.trial import Progress


def run_circuit(
    circuit: Circuit,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_advance: Callable[[float], None] | None = None,
) -> Result:
    """Run all trials of a resolved circuit; arguments and errors as for `stochhh.run`."""
    begun = time.perf_counter()
    plans, places = plan_circuit(circuit)
    n_trials = n_trials_of(circuit)
    beside = circuit.run.deterministic and circuit.run.method != "deterministic"
    twins = [(True, plan.twin(), 0) for plan in plans] if beside else []
    tasks = [(False, plan, i) for plan in plans for i in range(n_trials)]
    outcome = run_tasks(_run_one, [*twins, *tasks], Monitor(on_advance), workers, executor)
    finished = {
        divmod(index - len(twins), n_trials): trial
        for index, (trial, _) in outcome.values.items()
        if index >= len(twins)
    }
    if outcome.interrupted and not finished:
        raise KeyboardInterrupt
    beside_them = {i: trial for i, (trial, _) in outcome.values.items() if i < len(twins)}
    dataset = assemble_circuit(plans, places, finished, beside_them)
    dataset.attrs = attributes(
        stochhh_format=FILE_FORMAT,
        kind="circuit",
        **said_of(circuit),
        **how_made(circuit, plans),
        **limit_given(any(plan.currents.random for plan in plans) and beside),
        duration_ms=float(circuit.run.duration_ms),
        generation=0,
        interrupted=outcome.interrupted,
        trials_planned=len(tasks),
        trials_finished=len(finished),
    )
    return Result(dataset, seconds_since(begun, outcome.values, len(twins)))


def how_made(circuit: Circuit, plans: list[CircuitPlan]) -> dict[str, Any]:
    """Attributes that say which methods made a result, with which step, and why those."""
    steps = [plan.step_ms for plan in plans]
    said: dict[str, Any] = {"method": circuit.run.method, "step_ms": min(steps)}
    if max(steps) > min(steps):
        said["longest_step_ms"] = max(steps)
    if circuit.run.method == "auto" and plans[0].network.pools:
        parts = [f"{n:,d} by {name}" for name, n in plans[0].methods.items()]
        said["method_chosen"] = (
            f"pools of channels in compartments: {', '.join(parts)}, whichever is cheaper; "
            "at a voltage held for a step both have the same law"
        )
    return said


def _run_one(
    beside: bool, plan: CircuitPlan, trial: int, progress: Progress | None
) -> tuple[CircuitTrial, float]:
    """Run one trial and time it (s); a deterministic limit `beside` counts as no progress."""
    begun = time.perf_counter()
    watched = progress
    if beside and progress is not None:
        watched = partial(_stop_only, progress)
    return run_trial(plan, trial, watched), time.perf_counter() - begun


def _stop_only(progress: Progress, covered_ms: float) -> bool:
    return progress(0.0)
