"""What a worker does: run some trials of a point and measure them.

`simulate_point` is the one place that runs anything.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from stochhh.analysis.trial_numbers import Trials
from stochhh.assemble import said_of
from stochhh.errors import InputError, Stopped, TrustError
from stochhh.needs import SECONDS_A_LIMIT
from stochhh.result import FILE_FORMAT, Result, attributes, limit_solved
from stochhh.scenario import Experiment
from stochhh.sweeping import worker
from stochhh.sweeping.metrics import measure
from stochhh.sweeping.trials import AnyPlan, dataset_of, how, run_limit, run_trial
from stochhh.trial import Progress

_SECONDS_A_POINT = 20e-3
_MOST_PLANS = 16  # kept by a worker

_plans: dict[str, AnyPlan] = {}
_plans_lock = threading.Lock()


@dataclass(frozen=True)
class Job:
    """Some trials of one point.

    Attributes
    ----------
    key : checksum of the point.
    scenario, index : of the point, and its number.
    plan : of the point.
    first, n : trials first, first + 1, … n of them.
    limit : run the deterministic limit too.
    traces : hand back the whole result too.
    seconds : expected computing time.
    """

    key: str
    scenario: Experiment
    index: int
    plan: AnyPlan
    first: int
    n: int
    limit: bool
    traces: bool
    seconds: float


class Done(NamedTuple):
    """What came of a job: measured trials, or why there are none."""

    measured: Trials | None
    result: Result | None = None
    failure: str = ""


def run_batch(jobs: Sequence[Job], progress: Progress | None) -> list[Done]:
    """Run jobs one after the other; one that fails takes none of the others with it.

    A top-level function so that any executor can carry it.

    Raises
    ------
    Stopped
        The user asked for that.
    """
    return [_run_job(job, worker.progress if progress is None else progress) for job in jobs]


def _run_job(job: Job, progress: Progress) -> Done:
    try:
        result = simulate_point(job, progress)
    except (InputError, TrustError, MemoryError, OSError) as error:
        return Done(None, failure=f"{type(error).__name__}: {error}")
    return Done(measure(result), result if job.traces else None)


def simulate_point(job: Job, progress: Progress) -> Result:
    """Run the trials of a job, the deterministic limit beside them if wanted.

    Raises
    ------
    Stopped, InputError, TrustError
        As of `stochhh.run`.
    """
    plan = _planned(job)
    scenario = job.scenario
    trials = {}
    for trial in range(job.first, job.first + job.n):
        if progress(0.0):
            raise Stopped
        trials[trial] = run_trial(plan, trial, progress)
    limit = run_limit(plan, partial(_stop_only, progress)) if job.limit else None
    dataset = dataset_of(plan, trials, limit)
    dataset.attrs = attributes(
        stochhh_format=FILE_FORMAT,
        **said_of(scenario),
        **how(scenario, plan),
        **limit_solved({getattr(one, "solver", "") for one in (*trials.values(), limit)} - {""}),
        duration_ms=float(scenario.run.duration_ms),
        point=job.index,
        interrupted=False,
        trials_planned=job.n,
        trials_finished=job.n,
    )
    return Result(dataset)


def expected_overhead(limit: bool) -> float:
    """Roughly the computing time of a point besides that of its trials."""
    return _SECONDS_A_POINT + (SECONDS_A_LIMIT if limit else 0.0)


def _planned(job: Job) -> AnyPlan:
    """Plan of a job's point; jobs of one point share it, and the tables it gets while it runs.

    The job's own is left without tables, so that it stays small.
    """
    with _plans_lock:
        plan = _plans.get(job.key)
        if plan is None:
            plan = _plans[job.key] = replace(job.plan)
            while len(_plans) > _MOST_PLANS:
                del _plans[next(iter(_plans))]
        return plan


def _stop_only(progress: Progress, covered_ms: float) -> bool:
    return progress(0.0)
