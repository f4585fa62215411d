"""What a sweep costs beside its trials, and how much more two threads do than one.

Run ``python tests/benchmarks/bench_sweep.py``; ``--quick`` is a short form. A sweep of
200 points with trials of about 10 ms each runs with one thread and with two, and the
very same trials in a plain loop. Wall times, of which only ratios of one run count; the
least of a few alternating repeats. Exit code 1 if a goal is missed:

- two threads do at least 1.8 times as much as one,
- handing work over takes less than 5 % of the time of one thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import stochhh
from stochhh.simulate import METHODS
from stochhh.sweeping import point, running
from stochhh.sweeping.scheduling import make_batches, run_batches
from stochhh.sweeping.workers import reach

N_POINTS = 200
LEAST_SPEED_UP, MOST_OVERHEAD = 1.8, 0.05


def ready(trials: int) -> running.Ready:
    """The sweep: 10 µm² at rest, so long that a trial takes about 10 ms."""
    return running.prepare(
        stochhh.load_scenario(
            {
                "format": 1,
                "title": "a sweep to be timed",
                "base": "squid-patch",
                "membrane": {"area": "10 um^2"},
                "run": {
                    "duration": "250 ms",
                    "trials": trials,
                    "seed": 1,
                    "deterministic": False,
                },
                "sweep": {"repeats": N_POINTS},
            }
        )
    )


def bare(sweep: running.Ready) -> float:
    """Wall time of the trials alone, one after the other."""
    begun = time.perf_counter()
    for jobs in sweep.jobs:
        for job in jobs:
            plan = point._planned(job)
            for trial in range(job.first, job.first + job.n):
                METHODS[plan.method.name](plan, trial, None)
    return time.perf_counter() - begun


def handing_over(sweep: running.Ready) -> float:
    """Share of the wall time of one thread in which it had nothing to do."""
    busy: list[float] = []
    run_batch: Callable[..., list[point.Done]] = point.run_batch

    with reach("threads", 1) as workers:
        submit = workers.submit

        def timed(jobs: tuple[point.Job, ...], monitor: object) -> list[point.Done]:
            begun = time.perf_counter()
            done = run_batch(jobs, monitor)
            busy.append(time.perf_counter() - begun)
            return done

        workers.submit = lambda _, batch: submit(timed, batch)  # type: ignore[method-assign]
        batches = make_batches([job for jobs in sweep.jobs for job in jobs], 1)
        begun = time.perf_counter()
        run_batches(batches, workers, lambda job, done: None)
        wall = time.perf_counter() - begun
    return 1.0 - sum(busy) / wall


def swept(sweep: running.Ready, workers: int) -> float:
    """Wall time of the sweep."""
    begun = time.perf_counter()
    running.run_ready(sweep, workers)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 trials a point instead of 10")
    trials, repeats = (2, 3) if parser.parse_args().quick else (10, 2)
    begun = time.perf_counter()
    sweep = ready(trials)
    planned = time.perf_counter() - begun
    swept(ready(1), 2)  # so that kernels are loaded
    times: dict[str, list[float]] = {"bare": [], "one": [], "two": []}
    for _ in range(repeats):
        times["bare"].append(bare(sweep))
        times["one"].append(swept(sweep, 1))
        times["two"].append(swept(sweep, 2))
    alone, one, two = (min(times[name]) for name in ("bare", "one", "two"))
    idle = handing_over(sweep)
    n = N_POINTS * trials
    print(f"{N_POINTS} points of {trials} trials, {1e3 * alone / n:.1f} ms a trial")
    print(f"planning            {1e3 * planned / N_POINTS:6.1f} ms a point")
    print(f"all but the trials  {one / alone - 1:6.1%} of their time, one thread")
    print(f"handing over        {idle:6.1%} of the time of one thread, goal below 5 %")
    print(f"two threads         {one / two:6.2f} times as much as one, goal 1.8")
    sys.exit(one / two < LEAST_SPEED_UP or idle >= MOST_OVERHEAD)


if __name__ == "__main__":
    main()
