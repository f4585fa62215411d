"""Running many tasks: order, workers, interruption, failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from stochhh import execute
from stochhh.errors import InputError, Stopped
from stochhh.execute import Monitor, default_workers, run_tasks


class Inline(Executor):
    """Runs each task when it is submitted; Ctrl-C comes with the submission of number `at`."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.submitted = at, 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.submitted == self.at:
            raise KeyboardInterrupt
        self.submitted += 1
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def square(number: int, monitor: Monitor | None) -> int:
    return number * number


def numbers(n: int) -> list[tuple[int]]:
    return [(number,) for number in range(n)]


def until_stopped(monitor: Monitor) -> None:
    """Work on as a kernel does: look at the monitor now and then."""
    while not monitor(0.0):
        pass
    raise Stopped


@pytest.mark.parametrize("workers", [None, 1, 2, 7])
def test_values_come_by_index(workers: int | None) -> None:
    outcome = run_tasks(square, numbers(20), Monitor(), workers)
    assert outcome.values == {number: number * number for number in range(20)}
    assert not outcome.interrupted


def test_no_tasks_make_no_values() -> None:
    outcome = run_tasks(square, [], Monitor(), 2)
    assert outcome.values == {}
    assert not outcome.interrupted


def test_more_tasks_than_are_handed_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "_IN_FLIGHT", 3)
    outcome = run_tasks(square, numbers(20), Monitor(), 2)
    assert outcome.values == {number: number * number for number in range(20)}


def test_threads_get_the_monitor_and_executors_none() -> None:
    def given(monitor: Monitor | None) -> Monitor | None:
        return monitor

    monitor = Monitor()
    assert run_tasks(given, [()], monitor, 1).values == {0: monitor}
    with ThreadPoolExecutor(1) as pool:
        assert run_tasks(given, [()], Monitor(), executor=pool).values == {0: None}
        assert pool.submit(square, 3, None).result() == 9  # it is left running


@pytest.mark.parametrize("workers", [0, -1, 1025])
def test_absurd_worker_counts_are_refused(workers: int) -> None:
    with pytest.raises(InputError, match=f"workers: got {workers}, need 1 to 1024"):
        run_tasks(square, numbers(2), Monitor(), workers)


def test_default_workers_are_the_processors_at_hand() -> None:
    assert default_workers() >= 1


def test_interrupt_keeps_what_has_finished() -> None:
    outcome = run_tasks(square, numbers(9), Monitor(), executor=Inline(at=4))
    assert outcome.interrupted
    assert outcome.values == {0: 0, 1: 1, 2: 4, 3: 9}


def test_interrupt_stops_running_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes once the first task is done, while the second is at work."""
    begun = threading.Event()
    genuine, finished = execute.wait, []

    def wait(futures: Any, timeout: float | None = None, **options: Any) -> Any:
        if timeout is not None and finished:
            begun.wait()
            raise KeyboardInterrupt
        outcome = genuine(futures, timeout, **options)
        finished.extend(outcome.done)
        return outcome

    def task(number: int, monitor: Monitor) -> int:
        if number == 0:
            return 17
        begun.set()
        until_stopped(monitor)
        raise AssertionError("never reached")

    monkeypatch.setattr(execute, "wait", wait)
    outcome = run_tasks(task, numbers(5), Monitor(), workers=1)
    assert outcome.interrupted
    assert outcome.values == {0: 17}


def test_failing_task_stops_the_others_and_its_error_comes_out() -> None:
    stopped: list[int] = []
    begun = threading.Event()

    def task(number: int, monitor: Monitor) -> int:
        if number == 0:
            begun.wait()
            raise InputError("the first point cannot be run")
        begun.set()
        try:
            until_stopped(monitor)
        except Stopped:
            stopped.append(number)
            raise
        return number

    with pytest.raises(InputError, match="the first point cannot be run"):
        run_tasks(task, numbers(500), Monitor(), workers=2)
    assert 1 in stopped
    assert len(stopped) < 100  # the others were never begun


def test_failing_task_comes_out_of_an_executor_too() -> None:
    def task(number: int, monitor: None) -> int:
        if number == 2:
            raise InputError("no such thing")
        return number

    with pytest.raises(InputError, match="no such thing"):
        run_tasks(task, numbers(4), Monitor(), executor=Inline())


def test_monitor_adds_up_advances_until_stopped() -> None:
    covered: list[float] = []
    monitor = Monitor(covered.append)
    steps: Sequence[float] = (1.5, 0.0, 2.0)
    assert [monitor(step) for step in steps] == [False, False, False]
    assert covered == [1.5, 2.0]
    monitor.stop()
    assert monitor(1.0)
