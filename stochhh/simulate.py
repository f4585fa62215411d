"""Run a scenario: the one seam between what users ask for and what kernels do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stochhh.assemble import assemble, provenance
from stochhh.errors import InputError
from stochhh.execute import Monitor, run_tasks
from stochhh.membrane import Membrane, build_membrane
from stochhh.plan import Plan, Start
from stochhh.result import FILE_FORMAT, Result, attributes, load
from stochhh.scenario import Scenario, expand_sweep, load_scenario
from stochhh.scenario.models import Run
from stochhh.stimulus import is_random
from stochhh.trial import Progress, Trial, run_deterministic, run_exact

_MOST_VALUES = 2_000_000_000  # numbers in a dataset: 16 GB
_MOST_RECORDS = 100_000_000  # in a trial

#: For each method what runs one trial of it.
METHODS: dict[str, Callable[..., Trial]] = {
    "exact": run_exact,
    "deterministic": run_deterministic,
}


def run(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    *,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    on_advance: Callable[[float], None] | None = None,
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
    scenario = resolve(scenario, overrides, seed, trials, method)
    plans, places = plan(scenario)
    n_trials = n_trials_of(scenario)
    tasks = [(scenario.run.method, False, plan, i) for plan in plans for i in range(n_trials)]
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
    )
    dataset.attrs = attributes(
        stochhh_format=FILE_FORMAT,
        title=scenario.title,
        scenario_name=scenario.name,
        scenario=json.dumps(scenario.model_dump(mode="json", by_alias=True, exclude_none=True)),
        method=scenario.run.method,
        seed=str(scenario.run.seed),
        duration_ms=float(scenario.run.duration_ms),
        generation=0 if plans[0].start is None else plans[0].start.generation,
        interrupted=outcome.interrupted,
        trials_planned=len(tasks),
        trials_finished=len(finished),
        wall_s=time.perf_counter() - begun,
        deterministic_wall_s=sum(
            seconds for index, (_, seconds) in outcome.values.items() if index < len(twins)
        ),
        **provenance(),
    )
    return Result(dataset)


def resolve(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
) -> Scenario:
    """Load a scenario with overrides, and a seed drawn for it if it has none."""
    shorthands = {"seed": seed, "trials": trials, "method": method}
    given = [f"run.{key}={json.dumps(v)}" for key, v in shorthands.items() if v is not None]
    resolved = load_scenario(scenario, [*overrides, *given])
    if resolved.run.seed is None:
        drawn = int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
        resolved = load_scenario(resolved, [f"run.seed={drawn}"])
    return resolved


def n_trials_of(scenario: Scenario) -> int:
    """Trials at each point; a deterministic run of one and the same stimulus needs only one."""
    if scenario.run.method == "deterministic" and not is_random(scenario.stimulus):
        return 1
    return scenario.run.trials


def plan(scenario: Scenario) -> tuple[list[Plan], list[dict[str, Any]]]:
    """Work out the plan and the place on the axes of every point of a scenario's sweep.

    Raises
    ------
    InputError
        Anything about the scenario that only shows when it is worked out.
    """
    plans, places = [], []
    for index, point in enumerate(expand_sweep(scenario)):
        plans.append(_plan(point.scenario, scenario.run, index, scenario.name))
        places.append(point.values)
    states = [[scheme.states for scheme in plan.membrane.schemes] for plan in plans]
    if any(other != states[0] for other in states):
        raise InputError(f"{scenario.name}: sweep: all points must have the same channel schemes")
    tagged = [_n_tagged(plan) for plan in plans]
    if any(other != tagged[0] for other in tagged):
        raise InputError(
            f"{scenario.name}: run.record.channels: the points of the sweep do not have equally "
            "many channels to follow; give a number that all of them have"
        )
    n_values = len(plans) * n_trials_of(scenario) * len(plans[0].record_ms)
    n_values *= 1 + 3 * len(states[0])
    if n_values > _MOST_VALUES:
        raise InputError(
            f"{scenario.name}: run.record.interval: {8e-9 * n_values:.0f} GB would be recorded; "
            "make the interval longer or the run shorter"
        )
    for plan in plans:
        plan.stimulus(0)  # a waveform that cannot be used is found before the run, not in it
    return plans, places


def _n_tagged(plan: Plan) -> list[int]:
    """How many channels of each population are followed."""
    counts = [population.count for population in plan.membrane.populations]
    return counts if plan.tagged is None else [min(plan.tagged, count) for count in counts]


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


def _plan(scenario: Scenario, protocol: Run, index: int, name: str) -> Plan:
    membrane = build_membrane(scenario.membrane, name)
    initial = scenario.run.initial
    start = None
    if initial.result is not None:
        start = _take_up(initial.result, membrane, index, name)
    voltage = initial.voltage_mV
    if scenario.clamp is not None:
        voltage = float(scenario.clamp.holding_mV)
    if voltage is None:
        try:
            voltage = membrane.resting_voltage_mV()
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    duration, interval = float(protocol.duration_ms), float(protocol.record.interval_ms)
    n_records = int(np.floor(duration / interval * (1 + 1e-12))) + 1
    if n_records > _MOST_RECORDS:
        raise InputError(
            f'{name}: run.record.interval: "{protocol.record.interval_ms.text}" is too short for '
            f'run.duration = "{protocol.duration_ms.text}"'
        )
    tagged = protocol.record.channels
    detection = scenario.analysis.spikes
    assert protocol.seed is not None
    return Plan(
        name=name,
        point=index,
        seed=protocol.seed,
        membrane=membrane,
        stimuli=scenario.stimulus,
        clamp=scenario.clamp,
        duration_ms=duration,
        record_ms=np.minimum(np.arange(n_records) * interval, duration),
        variables=protocol.record.variables,
        tagged=None if tagged == "all" else tagged,
        voltage_mV=voltage,
        displacement_mV=float(initial.displacement_mV),
        threshold_mV=float(detection.threshold_mV),
        rearm_mV=float(detection.rearm_mV),
        start=start,
        band_width_mV=(None if protocol.band_width_mV is None else float(protocol.band_width_mV)),
    )


def _take_up(path: str, membrane: Membrane, index: int, name: str) -> Start:
    """Final states of an earlier run, to go on from."""
    where = f"{name}: run.initial.result"
    try:
        earlier = load(path)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if earlier.method == "deterministic":
        raise InputError(f"{where}: {path} is a deterministic run; it has no channels to take up")
    data = earlier.point(min(index, earlier.n_points - 1))
    names = [f"{p.name}:{s}" for p in membrane.populations for s in p.scheme.states]
    if list(data["state"].values) != names or list(data["count"].values) != [
        p.count for p in membrane.populations
    ]:
        raise InputError(f"{where}: {path} has other channels than this membrane")
    return Start(
        voltage_mV=data["final_voltage"].values,
        occupancy=data["final_occupancy"].values.astype(np.int64),
        generation=int(earlier.dataset.attrs["generation"]) + 1,
    )
