"""Run a sweep: all points planned, their trials scheduled together, finished points kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from stochhh import doubts
from stochhh.analysis.trial_numbers import Trials, joined
from stochhh.errors import InputError, StochhhError
from stochhh.execute import default_workers
from stochhh.needs import expected_seconds
from stochhh.result import Result
from stochhh.scenario import Circuit, Experiment, load_experiment, n_points_of, points_of
from stochhh.sweeping import store
from stochhh.sweeping.asked import with_sweep
from stochhh.sweeping.dataset import build_dataset
from stochhh.sweeping.files import write_files
from stochhh.sweeping.point import Done, Job, expected_overhead
from stochhh.sweeping.pooled import summarise_sweep, summarised
from stochhh.sweeping.scheduling import make_batches, run_batches
from stochhh.sweeping.trials import about_of, lean, most_trials, n_trials_of, parts_of, plan_of
from stochhh.sweeping.workers import reach, refuse_in_a_worker_that_begins
from stochhh.words import printable

_MOST_BYTES = 64e6  # of records that a job holds in memory
_MOST_JOBS_A_POINT = 1000
_PARTS_A_WORKER = 4  # of all work, that no job shall be longer than
_SHORTEST_JOB_S = 0.25

#: Called with the number of points that are done, of all, and the share of the work.
OnPoint = Callable[[int, int, float], None]
#: Called with the number of points that are planned, and of all.
OnPlanned = Callable[[int, int], None]
_MOST_REASONS = 5
_MOST_NAMED = 5


@dataclass(frozen=True)
class Sweep:
    """What a sweep left behind.

    Attributes
    ----------
    scenario : resolved, with its sweep.
    dataset : what a run of each point would say, repeats pooled, and numbers of every trial;
        dims are the axes of the sweep, and ``trial``.
    summary : of every point the summary of its run (`stochhh.summarise`).
    failed : by number of the point why it has none.
    computed : points that were run now; the others were there already.
    damaged : points among them whose file was there but not to be trusted.
    folder : where all is written, None if nowhere.
    """

    scenario: Experiment = field(repr=False)
    dataset: xr.Dataset = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    failed: dict[int, str]
    computed: int
    damaged: int
    folder: Path | None

    def __repr__(self) -> str:
        last = {"trial": 1, "population": 2}  # behind the axes
        order = sorted(self.dataset.sizes.items(), key=lambda one: last.get(str(one[0]), 0))
        dims = ", ".join(f"{name} {size}" for name, size in order)
        failed = f", {len(self.failed)} points failed" if self.failed else ""
        every = [str(name) for name in self.dataset.data_vars]
        names = ", ".join(
            name
            for name in every
            if not name.startswith(("deterministic_", "trial_"))
            and not name.endswith(("_low", "_high"))
        )
        told = f"<stochhh.Sweep of '{self.scenario.name}', {dims}{failed}>\nin .dataset: {names}"
        return printable(told, kept="\n")


class Ready(NamedTuple):
    """A sweep before it runs: its scenario, keys of its points, and their jobs."""

    scenario: Experiment
    keys: list[str]
    jobs: list[list[Job]]


def sweep(
    scenario: str | Path | Mapping[str, Any] | Experiment,
    *,
    over: Mapping[str, Sequence[Any] | str | Mapping[str, Any]] | None = None,
    zipped: Sequence[Sequence[str]] = (),
    repeats: int | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
    workers: int | None = None,
    scheduler: Any = "threads",
    out: str | Path | None = None,
    keep_traces: bool = False,
    force: bool = False,
    on_point: OnPoint | None = None,
) -> Sweep:
    """Run every point of a sweep and keep some numbers of every trial.

    Parameters
    ----------
    scenario : as of `stochhh.run`; its ``[sweep]`` may vary any key.
    over : further axes: for a key its values, as a list, a range as in a scenario
        file, or text as of ``--over``.
    zipped : groups of keys that advance together.
    repeats : how often every point is run, each time with other random numbers.
    overrides, seed, trials, method : as of `stochhh.run`.
    workers : how many, by default one a processor. Results do not depend on it.
    scheduler : "threads", "processes", "local" (a Dask cluster on this machine), the
        address of a Dask scheduler, a Dask cluster such as ``SLURMCluster``, or any
        `concurrent.futures.Executor`. Results do not depend on it. A script that makes
        an executor of processes itself guards its main part with
        ``if __name__ == "__main__"``; for those of "processes" and "local" there is no need.
    out : folder for the files. Points that are finished there, of the same scenario
        and seed, are not run again.
    keep_traces : keep the whole result of every point too, in that folder.
    force : overwrite whatever the folder holds.
    on_point : told how far it is, after every job.

    Raises
    ------
    InputError
        Something in the scenario is wrong, or the folder cannot be used.
    StochhhError
        No point was finished: why. Where some were, a warning says why the others were not.
    KeyboardInterrupt
        Interrupted; what is in the folder stays and is gone on with.
    """
    ready = plan_sweep(
        scenario, over=over, zipped=zipped, repeats=repeats, overrides=overrides, seed=seed,
        trials=trials, method=method, workers=workers, out=out, keep_traces=keep_traces,
        force=force,
    )  # fmt: skip
    made = run_ready(ready, workers, scheduler, None if out is None else Path(out), force, on_point)
    if made.failed:
        said = "; ".join(said_failures(made.failed))
        warnings.warn(f"{said} (all are in Sweep.failed)", stacklevel=2)
    return made


def plan_sweep(
    scenario: str | Path | Mapping[str, Any] | Experiment,
    *,
    over: Mapping[str, Sequence[Any] | str | Mapping[str, Any]] | None = None,
    zipped: Sequence[Sequence[str]] = (),
    repeats: int | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
    workers: int | None = None,
    out: str | Path | None = None,
    keep_traces: bool = False,
    force: bool = False,
    on_planned: OnPlanned | None = None,
) -> Ready:
    """Plan what `sweep` runs; of many points that takes a while, of which `on_planned` is told.

    Raises
    ------
    InputError
        Something in the scenario is wrong.
    """
    refuse_in_a_worker_that_begins()
    folder = None if out is None else Path(out)
    if keep_traces and folder is None:
        raise InputError("keep_traces: traces are kept in files; give a folder with out")
    given = (over or {}, zipped, repeats, overrides)
    resolved = with_sweep(scenario, *given, seed, trials, method)
    asked = seed if seed is not None else _seed_asked(scenario, overrides)
    if folder is not None and not force and asked is None:
        earlier = store.earlier_seed(folder, resolved)
        if earlier is not None:
            resolved = with_sweep(scenario, *given, earlier, trials, method)
    return prepare(resolved, keep_traces, workers, on_planned)


def prepare(
    scenario: Experiment,
    keep_traces: bool = False,
    workers: int | None = None,
    on_planned: OnPlanned | None = None,
) -> Ready:
    """Plan every point of a sweep, so that what is wrong shows before anything runs.

    Raises
    ------
    InputError
        Something in the scenario, or at a point of its sweep, is wrong.
    """
    keys, plans, scenarios = [], [], []
    swept = scenario
    follows = not isinstance(scenario, Circuit) and scenario.run.record.channels != 0
    if follows and not keep_traces:  # nobody sees them
        swept = load_experiment(scenario, ["run.record.channels=0", "figure={}"])
    n_points = n_points_of(swept)
    for index, point in enumerate(points_of(swept, any_key=True)):
        if on_planned is not None:
            on_planned(index, n_points)
        plan = plan_of(point.scenario, index)
        keys.append(store.point_key(point.scenario, index, keep_traces))
        plans.append(plan if keep_traces else lean(plan))
        scenarios.append(point.scenario)
    doubts.say(doubt for plan in plans for doubt in plan.doubts)
    counts = [n_trials_of(one) for one in scenarios]
    lengths = [expected_seconds(plan) for plan in plans]
    total = sum(n * seconds for n, seconds in zip(counts, lengths, strict=True))
    longest = max(total / (_PARTS_A_WORKER * (workers or default_workers())), _SHORTEST_JOB_S)
    jobs = []
    for index, (one, n, seconds) in enumerate(zip(scenarios, counts, lengths, strict=True)):
        fitting = most_trials(plans[index], _MOST_BYTES)
        size = n if keep_traces else min(max(int(longest / seconds), 1), fitting, n)
        size = max(size, -(-n // _MOST_JOBS_A_POINT))
        jobs.append(
            [
                Job(keys[index], one, index, plans[index], first, many, twin, keep_traces,
                    many * seconds + expected_overhead(twin))
                for first, many, twin in parts_of(one, plans[index], n, size)
            ]
        )  # fmt: skip
    return Ready(scenario, keys, jobs)


def run_ready(
    ready: Ready,
    workers: int | None = None,
    scheduler: Any = "threads",
    folder: Path | None = None,
    force: bool = False,
    on_point: OnPoint | None = None,
) -> Sweep:
    """Run what `prepare` made and write its files; see `sweep`."""
    scenario = ready.scenario
    place = nullcontext() if folder is None else store.held(folder, scenario, force)
    with place as kept:
        points = _finished(ready, kept)
        damaged = 0 if kept is None else max(kept.there() - len(points), 0)
        before = len(points)
        failed = _compute(ready, points, kept, workers, scheduler, on_point)
        if not points:
            why = "; ".join(said_failures(failed))
            raise StochhhError(f"{scenario.name}: no point of the sweep was finished: {why}")
        told = summarised(scenario, points)
        dataset = build_dataset(scenario, told, points, failed)
        summary = summarise_sweep(scenario, told, failed)
        done = Sweep(scenario, dataset, summary, failed, len(points) - before, damaged, folder)
        if kept is not None:
            kept.begin()
            kept.keep_only(len(ready.keys), any(jobs[0].traces for jobs in ready.jobs))
            write_files(scenario, dataset, summary, kept.folder)
    return done


def _finished(ready: Ready, kept: store.Store | None) -> dict[int, Trials]:
    """Points that a folder holds already."""
    found: dict[int, Trials] = {}
    if kept is None:
        return found
    for index, (key, jobs) in enumerate(zip(ready.keys, ready.jobs, strict=True)):
        about = about_of(jobs[0].scenario, jobs[0].plan)
        trials = sum(job.n for job in jobs)
        measured = kept.read(index, key, trials, about, jobs[0].limit, jobs[0].traces)
        if measured is not None:
            found[index] = measured
    return found


def _compute(
    ready: Ready,
    points: dict[int, Trials],
    kept: store.Store | None,
    workers: int | None,
    scheduler: Any,
    on_point: OnPoint | None,
) -> dict[int, str]:
    """Run the points that are missing, put them among the others, and say which failed."""
    jobs = [job for index, of_point in enumerate(ready.jobs) if index not in points
            for job in of_point]  # fmt: skip
    everything = sum(job.seconds for of_point in ready.jobs for job in of_point)
    share = 1.0 - sum(job.seconds for job in jobs) / everything
    parts: dict[int, dict[int, Trials]] = {}
    failed: dict[int, str] = {}
    if on_point is not None:
        on_point(len(points), len(ready.keys), share)

    def take(job: Job, done: Done) -> None:
        nonlocal share
        share += job.seconds / everything
        if done.measured is None:
            failed.setdefault(job.index, done.failure)
        else:
            _take(job, done.measured, done.result)
        if on_point is not None:
            on_point(len(points) + len(failed), len(ready.keys), min(share, 1.0))

    def _take(job: Job, measured: Trials, result: Result | None) -> None:
        of_point = parts.setdefault(job.index, {})
        of_point[job.first] = measured
        if len(of_point) == len(ready.jobs[job.index]):
            whole = joined([of_point[first] for first in sorted(of_point)])
            del parts[job.index]
            if kept is not None:
                kept.write(job.index, job.key, whole, result)
            points[job.index] = whole

    if jobs:
        with reach(scheduler, workers) as reached:
            batches = make_batches(jobs, workers or default_workers())
            run_batches(batches, reached, take)
    ordered = dict(sorted(points.items()))
    points.clear()
    points.update(ordered)
    return dict(sorted(failed.items()))


def said_failures(failed: Mapping[int, str]) -> list[str]:
    """Say which points failed and why, a text for each reason, the most common first."""
    points: dict[str, list[int]] = {}
    for index, why in failed.items():
        points.setdefault(why, []).append(index)
    said = []
    for why, those in sorted(points.items(), key=lambda one: -len(one[1]))[:_MOST_REASONS]:
        named = ", ".join(str(index) for index in those[:_MOST_NAMED])
        more = f" and {len(those) - _MOST_NAMED} more" if len(those) > _MOST_NAMED else ""
        said.append(f"point{'s' if len(those) > 1 else ''} {named}{more} failed: {why}")
    if len(points) > _MOST_REASONS:
        said.append(f"others failed for {len(points) - _MOST_REASONS} other reasons")
    return said


def _seed_asked(scenario: Any, overrides: Sequence[str]) -> int | None:
    """Seed that a scenario has before one is drawn for it."""
    return load_experiment(scenario, overrides).run.seed
