"""Rows and patches in turn: every cell of the tables gets its share of the time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from peers import laws, measure
from peers.rows import Row
from peers.work import Patch

#: A cell whose rate is known so well (relative standard error) gives its time to others.
_PRECISE = 0.01
#: Nothing takes longer (s), compiling included.
_PATIENCE_S = 240.0


class Worker:
    """A process that runs one row; it stands still while others are asked."""

    def __init__(self, row: Row) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, row.module, row.setting)
        self._process = context.Process(target=measure.serve, args=arguments)
        self._process.start()
        theirs.close()

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have it call a function of `peers.measure`; None where that failed or took too long."""
        try:
            self._pipe.send((function, *arguments))
            if self._pipe.poll(_PATIENCE_S):
                return self._pipe.recv()
        except (EOFError, OSError):
            return None
        self._process.kill()
        return None

    def stop(self) -> None:
        """End the process."""
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join()


@dataclass
class Cell:
    """One row on one patch, and its trials so far."""

    row: Row
    patch: Patch
    missing: str = ""
    trial_ms: float = 0.0
    trials: list[measure.Measured] = field(default_factory=list)

    @property
    def simulated_s(self) -> float:
        """Simulated time (s)."""
        return sum(t.trial_ms for t in self.trials) / 1e3

    @property
    def cpu_s(self) -> float:
        """Processor time (s) for a simulated second."""
        return sum(t.cpu_s for t in self.trials) / self.simulated_s

    @property
    def wall_s(self) -> float:
        """Wall time (s) for a simulated second."""
        return sum(t.wall_s for t in self.trials) / self.simulated_s

    @property
    def spent_s(self) -> float:
        """Wall time (s) used."""
        return sum(t.wall_s for t in self.trials)

    def firing(self) -> laws.Firing | None:
        """Rate and regularity; None of trials that are too short for it."""
        return laws.firing([t.train for t in self.trials], self.trial_ms) if self.trials else None

    def ended(self) -> bool:
        """Whether more trials would tell nothing."""
        if self.missing or (self.trials and self.trial_ms <= measure.COST_ONLY_MS):
            return True
        found = self.firing()
        return (
            found is not None and found.spikes > 0 and found.rate_error < _PRECISE * found.rate_hz
        )


def run_cells(cells: list[Cell], wall_s: float, say: Callable[[str], object]) -> None:
    """Fill cells with trials, always the one that had least time, until the time is over.

    Every cell gets a trial. Rows that are not installed stay empty.
    """
    workers = {row: Worker(row) for row in {c.row: None for c in cells} if row.installed()}
    try:
        begun = time.perf_counter()
        for cell in cells:
            _begin(cell, workers.get(cell.row))
            say(f"{cell.row.label}, {cell.patch.area_um2:g} µm²: {cell.missing or 'ready'}")
        while time.perf_counter() - begun < wall_s:
            left = [cell for cell in cells if not cell.ended()]
            if not left:
                break
            least = min(left, key=lambda cell: cell.spent_s)
            _trial(least, workers[least.row])
    finally:
        for worker in workers.values():
            worker.stop()


def _begin(cell: Cell, worker: Worker | None) -> None:
    if worker is None:
        cell.missing = "not installed"
    elif cell.patch.area_um2 > cell.row.largest_um2:
        cell.missing = "not tried"
    else:
        length = worker.ask(measure.trial_length, cell.patch)
        if length is None:
            cell.missing = "failed"
        else:
            cell.trial_ms = length
            _trial(cell, worker)


def _trial(cell: Cell, worker: Worker) -> None:
    done = worker.ask(measure.trial, cell.patch, len(cell.trials) + 3, cell.trial_ms)
    if done is None:
        cell.missing = "failed"
    else:
        cell.trials.append(done)


@dataclass(frozen=True)
class Clamped:
    """What came of one row under clamp: moments of open counts, and ns a transition."""

    moments: dict[str, Any]
    ns: float


def run_clamps(
    rows: Iterable[Row], budget_s: float, say: Callable[[str], object]
) -> dict[Row, Clamped | None]:
    """Ask rows for K+ channels under clamp; None of those that are missing."""
    found: dict[Row, Clamped | None] = {}
    for row in rows:
        found[row] = None
        if row.installed():
            worker = Worker(row)
            moments = worker.ask(measure.clamp_moments, budget_s)
            ns = worker.ask(measure.clamp_cost, budget_s)
            worker.stop()
            if moments is not None and ns is not None:
                found[row] = Clamped(moments, ns)
        say(f"{row.label}, clamp: {'done' if found[row] else 'missing'}")
    return found
