"""Hand batches of jobs to workers, longest first, and live through the death of some of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any

from stochhh.errors import InputError
from stochhh.sweeping.point import Done, Job, run_batch
from stochhh.sweeping.workers import GUARD, Workers

_PATIENCE = 0.2  # s between looks at the keyboard
_SHORTEST_BATCH_S = 0.25  # so that handing it over costs little
_BATCHES_A_WORKER = 8  # so that all end at about the same time
_MOST_DEATHS = 3  # of workers over a job that ran alone

Batch = tuple[Job, ...]


def make_batches(jobs: Sequence[Job], workers: int) -> list[Batch]:
    """Put short jobs together, and order batches by expected length, the longest first."""
    total = sum(job.seconds for job in jobs)
    enough = min(_SHORTEST_BATCH_S, total / (_BATCHES_A_WORKER * workers))
    batches: list[Batch] = []
    batch: list[Job] = []
    for job in sorted(jobs, key=lambda job: -job.seconds):
        batch.append(job)
        if sum(one.seconds for one in batch) >= enough:
            batches.append(tuple(batch))
            batch = []
    if batch:
        batches.append(tuple(batch))
    return batches


def run_batches(
    batches: Sequence[Batch], workers: Workers, on_done: Callable[[Job, Done], None]
) -> None:
    """Run batches; a job over which workers keep dying is given up.

    Jobs that were under way when a worker died are tried again one at a time, so that
    a deadly one is found out and takes no other with it.

    Parameters
    ----------
    batches : in the order in which they are begun
    workers : that run them
    on_done : called with every job and what came of it, from this thread

    Raises
    ------
    InputError
        An executor of the caller's broke.
    Exception
        Whatever a job raised that is no known way to fail.
    """
    waiting, suspects = deque(batches), deque[Batch]()
    running: dict[Future[list[Done]], Batch] = {}
    deaths: dict[tuple[str, int], int] = {}

    def lose(batch: Batch) -> None:
        for job in batch:
            name = (job.key, job.first)
            deaths[name] = deaths.get(name, -1) + 1  # the first may be another job's doing
            if deaths[name] >= _MOST_DEATHS:
                on_done(job, Done(None, failure=f"{deaths[name]} workers died over it"))
            else:
                suspects.append((job,))

    def finish(future: Future[list[Done]]) -> bool:
        """Take what a future holds; true if its executor broke."""
        batch = running.pop(future)
        try:
            done = future.result()
        except (BrokenExecutor, CancelledError) as error:
            lose(batch)
            return isinstance(error, BrokenExecutor)
        except Exception as error:
            if not _is_death(error):
                raise
            lose(batch)
            return False
        for job, one in zip(batch, done, strict=True):
            on_done(job, one)
        return False

    def hand_over(batch: Batch) -> bool:
        """Submit a batch; true if the executor turned out to be broken."""
        try:
            running[workers.submit(run_batch, batch)] = batch
        except BrokenExecutor:
            waiting.appendleft(batch)
            return True
        return False

    try:
        while waiting or suspects or running:
            broken = False
            if suspects and not running:
                broken = hand_over(suspects.popleft())
            while not broken and not suspects and waiting and len(running) < workers.in_flight:
                broken = hand_over(waiting.popleft())
            done, _ = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
            for future in done:
                broken = finish(future) or broken
            if broken:
                _renew(workers, running, finish)
    finally:
        for future in running:
            future.cancel()


def _renew(
    workers: Workers,
    running: dict[Future[list[Done]], Batch],
    finish: Callable[[Future[list[Done]]], bool],
) -> None:
    """Replace a broken executor, once all that it held has come back."""
    if not workers.renewable:
        raise InputError(
            "scheduler: the executor broke; start it again (finished points are kept), and in a "
            f"script that begins processes {GUARD}"
        )
    wait(running)
    for future in list(running):
        finish(future)
    workers.renew()


def _is_death(error: Any) -> bool:
    """Whether a cluster says by an exception that workers died over a task."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"KilledWorker", "CommClosedError", "FutureCancelledError"})
