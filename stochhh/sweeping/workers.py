"""One way to reach all workers: threads, processes, a Dask cluster, or an executor of the caller's.

Whatever they are, they are a `concurrent.futures.Executor` that can be renewed when it
breaks, and asked to stop. Results do not depend on which.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import ExitStack, contextmanager
from multiprocessing import spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.sharedctypes import RawValue
from typing import Any

from stochhh.errors import InputError
from stochhh.execute import Monitor, default_workers
from stochhh.sweeping import worker

MOST_WORKERS = 1024
_ADDRESSES = ("tcp://", "tls://", "ucx://", "ws://", "wss://")
_SAID = (
    "threads, processes, local, or the address of a Dask scheduler such as tcp://host:8786 or "
    "tls://host:8786"
)
#: What a script needs that begins processes itself.
GUARD = 'put what is to run once under: if __name__ == "__main__":'
_PATIENCE = "20s"  # for a Dask scheduler to answer
_NAME = "worker of stochhh"
_SCRIPTLESS = (_NAME, "Dask Worker process")  # how names of processes begin that need no script
_NO_PAGES: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


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
        self._executor = self._begun(make)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a task over; the function gets a monitor last, or None where it runs elsewhere.

        Raises
        ------
        BrokenExecutor
            The executor is of no use any more.
        InputError
            No worker can be begun.
        """
        begun: Future[Any] = self._begun(self._executor.submit, function, *arguments, self._monitor)
        return begun

    def renew(self) -> None:
        """Take another executor instead of a broken one."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._begun(self._make)

    @staticmethod
    def _begun(begin: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return begin(*arguments)
        except BrokenExecutor:
            raise
        except (OSError, MemoryError, RuntimeError) as error:
            raise _cannot_begin(error) from None

    def shutdown(self) -> None:
        """Let go of what was not begun, and wait for the rest."""
        self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def reach(scheduler: Any, workers: int | None = None) -> Iterator[Workers]:
    """Reach workers for as long as the block lasts; then those that are ours end.

    Parameters
    ----------
    scheduler : "threads", "processes", "local" (a Dask cluster on this machine), the
        address of a Dask scheduler, a Dask cluster, or any executor, which is left running.
    workers : how many, by default one a processor; those of a cluster or executor that
        runs already are as many as they are.

    Raises
    ------
    InputError
        No such scheduler, none that answers, no such number of workers, or none that can
        be begun.
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
    elif scheduler == "local" or _is_of_dask(scheduler):
        with _dask(scheduler, n) as reached:
            yield reached
    else:
        raise InputError(f"scheduler: got {scheduler!r}, need {_SAID}")


def refuse_in_a_worker_that_begins() -> None:
    """Refuse to sweep while a new process imports the script that began it.

    Raises
    ------
    InputError
        Naming the guard that the script lacks.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(f"this script begins a sweep in each of its own processes; {GUARD}")


def _is_of_dask(scheduler: Any) -> bool:
    """Whether it is the address of a scheduler, or a cluster, which has one."""
    if isinstance(scheduler, str):
        return scheduler.startswith(_ADDRESSES)
    return hasattr(scheduler, "scheduler_address")


@contextmanager
def _threads(n: int) -> Iterator[Workers]:
    monitor = Monitor()
    reached = Workers(lambda: ThreadPoolExecutor(n), 2 * n, renewable=False, monitor=monitor)
    try:
        yield reached
    finally:
        monitor.stop()
        reached.shutdown()


class _Process(SpawnProcess):
    """A process that is known by its name."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "name": _NAME})


class _Context(SpawnContext):
    """Processes begun afresh, as forking one with threads is unsafe."""

    Process = _Process


@contextmanager
def _processes(n: int) -> Iterator[Workers]:
    stop = RawValue(ctypes.c_bool, False)

    def make() -> Executor:
        return ProcessPoolExecutor(n, _Context(), initializer=worker.begin, initargs=(stop,))

    with _without_the_script():
        reached = Workers(make, 2 * n, renewable=True)
        try:
            yield reached
        finally:
            stop.value = True
            reached.shutdown()


@contextmanager
def _dask(scheduler: Any, n: int) -> Iterator[Workers]:
    try:
        from distributed import Client
    except ImportError:
        raise _needs_dask(scheduler) from None
    with ExitStack() as stack:
        cluster = stack.enter_context(_local_cluster(n)) if scheduler == "local" else scheduler
        try:
            client = Client(  # type: ignore[no-untyped-call]
                cluster, timeout=_PATIENCE, set_as_default=False
            )
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise InputError(_no_answer(scheduler, error)) from None
        stack.enter_context(client)
        yield Workers(client.get_executor, 4 * MOST_WORKERS, renewable=True)


@contextmanager
def _local_cluster(n: int) -> Iterator[Any]:
    """Have a Dask cluster on this machine that no other user of it can reach.

    Whoever may speak to one of its ports runs code in its owner's name. So they take only
    what comes with a certificate that is made for this cluster and held in memory; and
    there are no pages about it.
    """
    import dask
    from distributed import LocalCluster
    from distributed.security import Security

    try:
        security = Security.temporary()  # type: ignore[no-untyped-call]
    except ImportError:
        raise _needs_dask("local") from None
    with ExitStack() as stack:
        stack.enter_context(_without_the_script())
        try:
            with dask.config.set(_NO_PAGES):
                cluster = LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=n,
                    threads_per_worker=1,
                    security=security,
                    dashboard_address="127.0.0.1:0",
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.CRITICAL,
                )
        except (OSError, MemoryError, RuntimeError, TimeoutError) as error:
            raise _cannot_begin(error) from None
        stack.callback(cluster.close)
        yield cluster


_lock = threading.Lock()
_sweeps_at_work = 0
_preparation = spawn.get_preparation_data


@contextmanager
def _without_the_script() -> Iterator[None]:
    """Let workers that are begun while the block lasts not run the caller's script again.

    A process begun afresh imports the script that began it, in case what it is to do is
    defined there, and a script without ``if __name__ == "__main__"`` would so begin its
    sweep in each of them again. What our workers do is defined in this package.
    """
    global _sweeps_at_work
    with _lock:
        _sweeps_at_work += 1
        spawn.get_preparation_data = _prepared_without_the_script
    try:
        yield
    finally:
        with _lock:
            _sweeps_at_work -= 1
            if not _sweeps_at_work:
                spawn.get_preparation_data = _preparation


def _prepared_without_the_script(name: str) -> dict[str, Any]:
    """What a new process is told, as `multiprocessing.spawn` says it."""
    told = _preparation(name)
    if name.startswith(_SCRIPTLESS):
        told.pop("init_main_from_name", None)
        told.pop("init_main_from_path", None)
    return told


def _needs_dask(scheduler: Any) -> InputError:
    return InputError(f"scheduler: {scheduler!r} needs Dask; pip install 'stochhh[distributed]'")


def _cannot_begin(error: BaseException) -> InputError:
    return InputError(
        f"scheduler: no worker can be begun ({_why(error)}); give fewer workers, scheduler "
        "threads, or this process higher limits (ulimit -a shows them)"
    )


def _no_answer(scheduler: Any, error: BaseException) -> str:
    said = f"scheduler: {scheduler}: does not answer ({_why(error)})"
    if "tls://" not in str(scheduler):
        return said
    return (
        f"{said}; certificates are those that Dask's configuration names, in "
        "distributed.comm.tls, or those of a cluster that is given itself"
    )


def _why(error: BaseException) -> str:
    """Say in a line what an error says in several, or by the error of the system behind it."""
    first, behind = error, error.__cause__ or error.__context__
    while behind is not None and not isinstance(error, OSError):
        error, behind = behind, behind.__cause__ or behind.__context__
    if isinstance(error, OSError):
        return error.strerror or " ".join(str(error).split())[:300]
    return " ".join(str(first).split())[:300] or type(first).__name__
