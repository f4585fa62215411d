"""Many independent tasks over any `concurrent.futures` executor, kept if interrupted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, Generic, TypeVar

from stochhh.errors import InputError

Value = TypeVar("Value")

_PATIENCE = 0.2  # s between looks at the keyboard
_MOST_WORKERS = 1024
_IN_FLIGHT = 2 * _MOST_WORKERS  # tasks handed to the executor at a time


class Monitor:
    """Counts simulated time across threads, and passes on the wish to stop.

    Parameters
    ----------
    on_advance : called with each newly covered stretch (ms), from any thread.
    """

    def __init__(self, on_advance: Callable[[float], None] | None = None) -> None:
        self._on_advance = on_advance
        self._stop = threading.Event()

    def __call__(self, covered_ms: float) -> bool:
        """Report covered time; True if the task should stop."""
        if covered_ms and self._on_advance is not None:
            self._on_advance(covered_ms)
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask all tasks to stop."""
        self._stop.set()


class Outcome(Generic[Value]):
    """Values of the finished tasks by their index, and whether all finished."""

    def __init__(self, values: dict[int, Value], interrupted: bool) -> None:
        self.values = values
        self.interrupted = interrupted


def default_workers() -> int:
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_tasks(
    function: Callable[..., Value],
    arguments: Sequence[tuple[Any, ...]],
    monitor: Monitor,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Outcome[Value]:
    """Call a function with each tuple of arguments; an interrupt (Ctrl-C) keeps what has finished.

    Parameters
    ----------
    function : takes the arguments and then the monitor, which it consults now
        and then; None in its place where an executor may run it elsewhere.
    arguments : one tuple a task.
    monitor : told to stop on an interrupt.
    workers : threads, by default one a processor. Ignored if `executor` is given.
    executor : any `concurrent.futures.Executor`; it is left running.

    Raises
    ------
    InputError
        A worker count below 1 or absurdly large.
    Exception
        Whatever the first failing task raised, after stopping the others.
    """
    if workers is not None and not 1 <= workers <= _MOST_WORKERS:
        raise InputError(f"workers: got {workers}, need 1 to {_MOST_WORKERS}")
    pool = executor or ThreadPoolExecutor(workers or default_workers())
    watched = monitor if executor is None else None
    waiting = iter(enumerate(arguments))
    running: dict[Future[Value], int] = {}
    values: dict[int, Value] = {}
    interrupted = False
    try:
        while True:
            for index, task in islice(waiting, _IN_FLIGHT - len(running)):
                try:
                    running[pool.submit(function, *task, watched)] = index
                except RuntimeError as error:
                    if executor is not None:
                        raise
                    raise InputError(
                        f"workers: no thread can be begun ({error}); give fewer workers, or this "
                        "process higher limits (ulimit -a shows them)"
                    ) from None
            if not running:
                break
            done, _ = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
            for future in done:
                values[running.pop(future)] = future.result()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        monitor.stop()
        for future in running:
            future.cancel()
        wait(running)
        if executor is None:
            pool.shutdown()
    for future, index in running.items():
        if not future.cancelled() and future.exception() is None:
            values[index] = future.result()
    return Outcome(values, interrupted)
