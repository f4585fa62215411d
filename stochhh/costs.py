"""What a run would cost, found by running a little of it on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh import simulate
from stochhh.execute import default_workers
from stochhh.needs import expected_seconds
from stochhh.plan import EvenTimes, Plan
from stochhh.scenario import Circuit, Experiment

_PILOT_S = 0.3  # of each of the points tried
_WHOLE_S = 2.0  # a trial as short is run whole

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """What a run would cost.

    Attributes
    ----------
    scenario, method : names.
    n_points, n_trials : of the sweep, and of each of its points.
    transitions : channel transitions drawn one by one; None for methods that draw none.
    seconds : of computing, all trials one after the other.
    limit_seconds : of computing besides, for the deterministic limit.
    workers : threads it would run on.
    record_bytes : of records.
    in_files : whether they go to files while it runs: those of membranes beyond 256 MB.
    memory_bytes : that the run of a circuit needs, which keeps its records in memory; None
        for membranes, which need a few hundred MB.
    compartments : of a circuit, and what they resolve; None of one membrane.
    """

    scenario: str
    method: str
    n_points: int
    n_trials: int
    transitions: float | None
    seconds: float
    limit_seconds: float
    workers: int
    record_bytes: int
    in_files: bool
    memory_bytes: int | None
    compartments: dict[str, Any] | None = None

    @property
    def wall_s(self) -> float:
        """Time until it is done, if every worker has a core of its own."""
        tasks = self.n_points * self.n_trials
        return (self.seconds + self.limit_seconds) / min(self.workers, max(tasks, 1))


def estimate(
    scenario: str | Path | Mapping[str, Any] | Experiment,
    *,
    overrides: Iterable[str] = (),
    trials: int | None = None,
    method: str | None = None,
    workers: int | None = None,
) -> Estimate:
    """Estimate what `stochhh.run` would take, in about a second.

    Some points of the sweep are run for a moment each, with their own method, on this
    machine. The cost of what comes later, such as spikes under a stimulus that begins
    late, is not seen by a pilot that does not get there.

    Parameters
    ----------
    scenario, overrides, trials, method, workers : as for `stochhh.run`.

    Raises
    ------
    InputError
        Something in the scenario is wrong.
    """
    experiment = simulate.resolve_experiment(scenario, overrides, 1, trials, method)
    n_trials = simulate.n_trials_of(experiment)
    plans, record_bytes, memory_bytes = _planned(experiment, n_trials, workers)
    chosen = sorted({0, len(plans) // 2, len(plans) - 1})
    pilots = np.array([_pilot(plans[index]) for index in chosen])
    roughly = np.array([expected_seconds(plan) for plan in plans])
    seconds, flips = (_of_all(roughly, chosen, measured) for measured in pilots.T)
    limit = 0.0
    if experiment.run.deterministic and experiment.run.method != "deterministic":
        limit = _pilot(_twin(plans[chosen[0]]))[0] * len(plans)
    return Estimate(
        scenario=experiment.name,
        method=_method(plans, experiment),
        n_points=len(plans),
        n_trials=n_trials,
        transitions=flips * n_trials if flips else None,
        seconds=seconds * n_trials,
        limit_seconds=limit,
        workers=workers or default_workers(),
        record_bytes=record_bytes,
        in_files=memory_bytes is None and record_bytes > simulate.MOST_IN_MEMORY,
        memory_bytes=memory_bytes,
        compartments=_compartments(plans[0]),
    )


def _compartments(plan: Any) -> dict[str, Any] | None:
    if isinstance(plan, Plan):
        return None
    from stochhh.circuit.mesh import coarsest

    worst = coarsest(one for shape in plan.network.shapes for one in shape.resolved)
    return {"number": plan.network.n_compartments} | {one.what: str(one) for one in worst}


def _of_all(roughly: Floats, chosen: Sequence[int], measured: Floats) -> float:
    """Sum over all points of what was measured at some.

    Points of a sweep may differ a thousandfold, and are known `roughly`; what the measured
    ones cost in proportion to that is interpolated between them.
    """
    share = np.interp(np.arange(len(roughly)), chosen, measured / roughly[list(chosen)])
    return float(share @ roughly)


def _planned(
    experiment: Experiment, n_trials: int, workers: int | None
) -> tuple[Sequence[Any], int, int | None]:
    """Plans of all points, bytes of records, and of memory for circuits."""
    if isinstance(experiment, Circuit):
        from stochhh.circuit.planning import plan_circuit
        from stochhh.circuit.room import memory_of, record_numbers

        circuits, _ = plan_circuit(experiment)
        memory = memory_of(circuits[0], len(circuits), n_trials, workers)
        n_bytes = 8 * record_numbers(circuits[0]) * n_trials * len(circuits)
        return circuits, n_bytes, int(memory.total)
    plans, _ = simulate.plan(experiment)
    return plans, simulate.record_bytes(plans, n_trials), None


def _method(plans: Sequence[Any], experiment: Experiment) -> str:
    if isinstance(experiment, Circuit):
        return experiment.run.method
    names = {plan.method.name for plan in plans}
    return names.pop() if len(names) == 1 else experiment.run.method


def _twin(plan: Any) -> Any:
    if not isinstance(plan, Plan):
        return plan.twin()
    from stochhh.methods import METHODS

    return replace(plan, method=METHODS["deterministic"], step_ms=None)


def _pilot(plan: Any) -> tuple[float, float]:
    """Seconds and transitions of one whole trial, told from a part of it."""
    run: Callable[..., Any]
    if isinstance(plan, Plan):
        run = simulate.METHODS[plan.method.name]
    else:
        from stochhh.circuit.trial import run_trial as run
    settling = plan.settle_ms / plan.duration_ms
    plan = replace(plan, settle_ms=0.0)
    part = min(plan.duration_ms, 10.0 * (plan.step_ms or 0.01))
    warm = _shortened(plan, part)
    run(warm, 0, None)  # makes the tables that all trials share, and compiles
    while True:
        short = _shortened(plan, part)
        short.__dict__.update(_tables(warm))
        begun = time.perf_counter()
        trial = run(short, 0, None)
        seconds = time.perf_counter() - begun
        scale = plan.duration_ms / part
        long_enough = seconds >= _PILOT_S and seconds * scale > _WHOLE_S
        if long_enough or part >= plan.duration_ms:
            return seconds * scale * (1.0 + settling), float(trial.transitions) * scale
        longer = 1.2 * _PILOT_S / max(seconds, 1e-4)
        part = min(part * min(max(longer, 2.0), 50.0), plan.duration_ms)


def _tables(plan: Any) -> dict[str, Any]:
    """What a plan has worked out by now and does not depend on its length."""
    fields = set(plan.__dataclass_fields__) | {"command"}
    return {name: value for name, value in plan.__dict__.items() if name not in fields}


def _shortened(plan: Any, duration_ms: float) -> Any:
    if duration_ms >= plan.duration_ms:
        return replace(plan)
    if isinstance(plan, Plan):
        n = max(int(len(plan.record_ms) * duration_ms / plan.duration_ms), 1)
        interval = plan.duration_ms / max(len(plan.record_ms) - 1, 1)
        return replace(plan, duration_ms=duration_ms, record_ms=EvenTimes(n, interval, duration_ms))
    n_steps = max(round(duration_ms / plan.step_ms), 1)
    duration_ms = n_steps * plan.step_ms
    currents = replace(plan.currents, duration_ms=duration_ms)
    return replace(plan, duration_ms=duration_ms, n_steps=n_steps, currents=currents)
