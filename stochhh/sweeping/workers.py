"""One way to reach all workers: threads, processes, a Dask cluster, or an executor of the caller's.

Whatever they are, they are a `concurrent.futures.Executor` that can be renewed when it
breaks, and asked to stop. Results do not depend on which.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawValue
from typing import Any

from stochhh.errors import InputError
from stochhh.execute import Monitor, default_workers
from stochhh.sweeping import worker

MOST_WORKERS = 1024
_ADDRESSES = ("tcp://", "tls://", "ucx://", "ws://", "wss://")
_SAID = "threads, processes, local, or the address of a Dask scheduler such as tcp://host:8786"
_PATIENCE = "20s"  # for a Dask scheduler to answer


class Workers:
    """An executor in use. It holds that what is submitted goes to one that is not known as broken.

    Attributes
    ----------
    in_flight : tasks worth handing over at a time.
    renewable : whether a broken executor can be replaced.
    """

    def __init__(
        self,
        make: Callable[[], Executor],
        in_flight: int,
        renewable: bool,
        monitor: Monitor | None = None,
    ) -> None:
        self.in_flight, self.renewable = in_flight, renewable
        self._make, self._monitor = make, monitor
        self._executor = make()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a task over; the function gets a monitor last, or None where it runs elsewhere."""
        return self._executor.submit(function, *arguments, self._monitor)

    def renew(self) -> None:
        """Take another executor instead of a broken one."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._make()

    def shutdown(self) -> None:
        """Let go of what was not begun, and wait for the rest."""
        self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def reach(scheduler: str | Executor, workers: int | None = None) -> Iterator[Workers]:
    """Reach workers for as long as the block lasts; then those that are ours end.

    Parameters
    ----------
    scheduler : "threads", "processes", "local" (a Dask cluster on this machine), the
        address of a Dask scheduler, or any executor, which is left running.
    workers : how many, by default one a processor; those of a cluster or executor that
        runs already are as many as they are.

    Raises
    ------
    InputError
        No such scheduler, none that answers, or no such number of workers.
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"workers: got {workers}, need 1 to {MOST_WORKERS}")
    n = workers or default_workers()
    if isinstance(scheduler, Executor):
        yield Workers(lambda: scheduler, 4 * MOST_WORKERS, renewable=False)
    elif scheduler == "threads":
        with _threads(n) as reached:
            yield reached
    elif scheduler == "processes":
        with _processes(n) as reached:
            yield reached
    elif scheduler == "local" or scheduler.startswith(_ADDRESSES):
        with _dask(scheduler, n) as reached:
            yield reached
    else:
        raise InputError(f"scheduler: got {scheduler!r}, need {_SAID}")


@contextmanager
def _threads(n: int) -> Iterator[Workers]:
    monitor = Monitor()
    reached = Workers(lambda: ThreadPoolExecutor(n), 2 * n, renewable=False, monitor=monitor)
    try:
        yield reached
    finally:
        monitor.stop()
        reached.shutdown()


@contextmanager
def _processes(n: int) -> Iterator[Workers]:
    context = multiprocessing.get_context("spawn")  # forking a process with threads is unsafe
    stop = RawValue(ctypes.c_bool, False)

    def make() -> Executor:
        return ProcessPoolExecutor(n, context, initializer=worker.begin, initargs=(stop,))

    reached = Workers(make, 2 * n, renewable=True)
    try:
        yield reached
    finally:
        stop.value = True
        reached.shutdown()


@contextmanager
def _dask(scheduler: str, n: int) -> Iterator[Workers]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            f"scheduler: {scheduler!r} needs Dask; pip install 'stochhh[distributed]'"
        ) from None
    cluster = None
    if scheduler == "local":
        cluster = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=n, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
        )
    try:
        try:
            client = Client(  # type: ignore[no-untyped-call]
                cluster or scheduler, timeout=_PATIENCE, set_as_default=False
            )
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(f"scheduler: {scheduler}: does not answer ({error})") from None
        with client:
            yield Workers(client.get_executor, 4 * MOST_WORKERS, renewable=True)
    finally:
        if cluster is not None:
            cluster.close()
