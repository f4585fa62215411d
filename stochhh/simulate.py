"""Run a scenario: the one seam between what users ask for and what kernels do."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from stochhh import methods, planning
from stochhh.assemble import assemble, said_of
from stochhh.compiled import circuits_need_compiling, needs_compiling
from stochhh.exact import run_exact
from stochhh.execute import Monitor, run_tasks
from stochhh.lazy import Scratch
from stochhh.limit import run_deterministic
from stochhh.needs import check_room
from stochhh.plan import Plan
from stochhh.planning import plan, resolve, resolve_experiment
from stochhh.result import FILE_FORMAT, Result, attributes, limit_given, limit_solved, seconds_since
from stochhh.scenario import Circuit, Experiment, Scenario
from stochhh.stepping import run_stepped
from stochhh.stimulus import is_random
from stochhh.trial import Progress, Trial

__all__ = ["METHODS", "n_trials_of", "plan", "prepare", "resolve", "resolve_experiment", "run"]

MOST_IN_MEMORY = 256_000_000  # bytes of records; more are kept in files

#: For each method what runs one trial of it.
METHODS: dict[str, Callable[..., Trial]] = {
    name: run_stepped if method.step_ms is not None else run_exact
    for name, method in methods.METHODS.items()
} | {"deterministic": run_deterministic}


def prepare(experiment: Experiment) -> tuple[int, bool]:
    """Check all that can be checked before a run.

    Returns
    -------
    n_points : int, of the sweep
    to_compile : bool, whether a kernel must be compiled first

    Raises
    ------
    InputError
        Anything about the scenario that only shows when it is worked out.
    """
    if isinstance(experiment, Circuit):
        from stochhh.circuit.planning import plan_circuit

        return len(plan_circuit(experiment)[0]), circuits_need_compiling()
    plans, _ = plan(experiment)
    used = [plan.method for plan in plans]
    if experiment.run.deterministic:
        used.append(methods.METHODS["deterministic"])
    return len(plans), needs_compiling(used)


def n_trials_of(experiment: Experiment) -> int:
    """Trials at each point; a deterministic run of one and the same stimulus needs only one."""
    if isinstance(experiment, Circuit):
        from stochhh.circuit import planning as circuit_planning

        return circuit_planning.n_trials_of(experiment)
    return planning.n_trials_of(experiment)


def run(
    scenario: str | Path | Mapping[str, Any] | Experiment,
    *,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    on_advance: Callable[[float], None] | None = None,
    scratch_folder: str | Path | None = None,
) -> Result:
    """Run a scenario.

    Parameters
    ----------
    scenario : path of a file, name of a scenario that comes with stochhh, tables, or a Scenario.
    overrides : ``"key.path=value"`` texts that win over the scenario's.
    seed, trials, method : shorthands for the keys of ``[run]``.
    workers : threads, by default one a processor; results do not depend on it.
    executor : any `concurrent.futures.Executor` to use instead of threads.
    on_advance : called with each newly simulated stretch (ms), from any thread.
    scratch_folder : where a long run of a membrane keeps its records, in files that go with
        the Result; by default the system's temporary folder. What would take more than
        256 MB is kept there, and read in slices (``result["voltage"][0, :1000]``).
        Circuits keep their records in memory.

    Returns
    -------
    Result
        Of the finished trials only, if interrupted (Ctrl-C) after the first.

    Raises
    ------
    InputError
        Something in the scenario is wrong.
    TrustError
        A simulation broke an invariant.
    KeyboardInterrupt
        Interrupted before any trial finished.
    """
    begun = time.perf_counter()
    scenario = resolve_experiment(scenario, overrides, seed, trials, method)
    if isinstance(scenario, Circuit):
        from stochhh.circuit.run import run_circuit

        return run_circuit(scenario, workers=workers, executor=executor, on_advance=on_advance)
    plans, places = plan(scenario)
    scratch, n_bytes = None, record_bytes(plans, n_trials_of(scenario))
    if n_bytes > MOST_IN_MEMORY:
        room = Path(tempfile.gettempdir() if scratch_folder is None else scratch_folder)
        check_room(plans, n_trials_of(scenario), n_bytes, room)
        scratch = Scratch(None if scratch_folder is None else Path(scratch_folder), n_bytes)
        plans = [replace(plan, records_folder=str(scratch.path)) for plan in plans]
    try:
        return _run(scenario, plans, places, scratch, begun, workers, executor, on_advance)
    except BaseException:
        if scratch is not None:
            scratch.remove()
        raise


def _run(
    scenario: Scenario,
    plans: Sequence[Plan],
    places: Sequence[Mapping[str, Any]],
    scratch: Scratch | None,
    begun: float,
    workers: int | None,
    executor: Executor | None,
    on_advance: Callable[[float], None] | None,
) -> Result:
    """Run all trials of a planned scenario; `begun` is when work on it started."""
    n_trials = n_trials_of(scenario)
    tasks = [(plan.method.name, False, plan, i) for plan in plans for i in range(n_trials)]
    beside = scenario.run.deterministic and scenario.run.method != "deterministic"
    twins = [("deterministic", True, plan, 0) for plan in plans] if beside else []
    outcome = run_tasks(_run_one, [*twins, *tasks], Monitor(on_advance), workers, executor)
    made = {index: trial for index, (trial, _) in outcome.values.items()}
    finished = {
        divmod(index - len(twins), n_trials): trial
        for index, trial in made.items()
        if index >= len(twins)
    }
    if outcome.interrupted and not finished:
        raise KeyboardInterrupt
    dataset = assemble(
        plans,
        places,
        finished,
        {index: twin for index, twin in made.items() if index < len(twins)},
        scratch,
    )
    dataset.attrs = attributes(
        stochhh_format=FILE_FORMAT,
        **said_of(scenario),
        **_how(scenario, plans),
        **limit_given(any(is_random(plan.stimuli) for plan in plans) and bool(twins)),
        **limit_solved({trial.solver for trial in made.values()} - {""}),
        duration_ms=float(scenario.run.duration_ms),
        generation=0 if plans[0].start is None else plans[0].start.generation,
        interrupted=outcome.interrupted,
        trials_planned=len(tasks),
        trials_finished=len(finished),
    )
    return Result(dataset, seconds_since(begun, outcome.values, len(twins)))


def _how(scenario: Scenario, plans: Sequence[Plan]) -> dict[str, Any]:
    """Attributes that say which method made a result, with which step, and why that one."""
    used = list(dict.fromkeys((plan.method.name, plan.step_ms) for plan in plans))
    reasons = {plan.method.name: plan.chosen_because for plan in plans if plan.chosen_because}
    if len(used) > 1:
        chosen = "; ".join(f"{name} where {reason}" for name, reason in reasons.items())
        steps = [step for _, step in used if step is not None]
        return {
            "method": scenario.run.method,
            **(
                {"method_chosen": chosen}
                if reasons
                else {"step_ms": min(steps), "longest_step_ms": max(steps)}
            ),
        }
    ((name, step),) = used
    return {
        "method": name,
        **({} if step is None else {"step_ms": step}),
        **({"method_chosen": reasons[name]} if reasons else {}),
    }


def record_bytes(plans: Sequence[Plan], n_trials: int) -> int:
    """Bytes that the records of a run take, each number 8."""
    plan = plans[0]
    n_populations, n_states = len(plan.membrane.populations), len(plan.patch.population)
    width = 2 + 3 * n_populations  # time, voltage, open channels, conductances, currents
    width += n_populations if "charge" in plan.variables else 0
    width += n_states if "occupancy" in plan.variables else 0
    return 8 * width * len(plan.record_ms) * n_trials * len(plans)


def _run_one(
    method: str, beside: bool, plan: Plan, trial: int, progress: Progress | None
) -> tuple[Trial, float]:
    """Run one trial and time it (s); a top-level function so that any executor can carry it.

    A deterministic limit run `beside` the trials is no trial: its simulated time
    does not count as progress.
    """
    begun = time.perf_counter()
    watched = progress
    if beside and progress is not None:
        watched = partial(_stop_only, progress)
    return METHODS[method](plan, trial, watched), time.perf_counter() - begun


def _stop_only(progress: Progress, covered_ms: float) -> bool:
    """Pass on the wish to stop and no progress."""
    return progress(0.0)
