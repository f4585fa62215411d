"""Trials of one row, in a process of its own, and what they cost."""

from __future__ import annotations

import gc
import importlib
import resource
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from peers import laws, squid
from peers.work import Floats, Held, Patch

#: Trials are as long as fits into this wall time (s), within these bounds (ms).
_SLICE_S = 2.0
_SHORTEST_MS, _LONGEST_MS = 1_000.0, 20_000.0
#: Where even the shortest would take longer than this (s), only the cost is measured.
_TOO_SLOW_S, COST_ONLY_MS = 12.0, 50.0
_PILOT_MS, _PILOT_S = 20.0, 0.3

#: Channels, and the voltage at which a transition is timed.
TIMED = Held(5000, -40.0, -40.0)
STEPPED = Held(300, -90.0, 70.0)
STEP_TIMES_MS = np.array([1.0, 2.0])


@dataclass(frozen=True)
class Clock:
    """Processor and wall time (s) at one moment; children that have ended count."""

    cpu_s: float
    wall_s: float

    @staticmethod
    def now() -> Clock:
        """Read both clocks."""
        used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return Clock(sum(u.ru_utime + u.ru_stime for u in used), time.perf_counter())

    def until_now(self) -> Clock:
        """Time since this moment."""
        now = Clock.now()
        return Clock(now.cpu_s - self.cpu_s, now.wall_s - self.wall_s)


@dataclass(frozen=True)
class Measured:
    """One trial: its length (ms), spike times (ms), and processor and wall time (s)."""

    trial_ms: float
    train: Floats
    cpu_s: float
    wall_s: float


def serve(pipe: Connection, module_name: str, setting: str) -> None:
    """Answer orders until None comes.

    An order is a function of this module and its arguments after the first two; the
    answer is what it returns, or None if it failed.
    """
    module = importlib.import_module(f"peers.{module_name}")
    while (order := pipe.recv()) is not None:
        function, *arguments = order
        try:
            pipe.send(function(module, setting, *arguments))
        except Exception:
            traceback.print_exc()
            pipe.send(None)
        gc.collect()


def trial_length(module: Any, setting: str, patch: Patch) -> float:
    """Compile, warm up, and choose the duration (ms) of a patch's trials."""
    simulator = module.prepare_patch(patch, setting)
    simulator.run(1, simulator.trial_ms or _PILOT_MS)
    if simulator.trial_ms is not None:
        return float(simulator.trial_ms)
    pilot_ms, spent_s = _PILOT_MS / 4.0, 0.0
    while spent_s < _PILOT_S and pilot_ms < _SHORTEST_MS:
        pilot_ms *= 4.0
        begun = Clock.now()
        simulator.run(2, pilot_ms)
        spent_s = begun.until_now().wall_s
    cost = spent_s / pilot_ms
    if cost * _SHORTEST_MS > _TOO_SLOW_S:
        return COST_ONLY_MS
    return round(float(np.clip(_SLICE_S / cost, _SHORTEST_MS, _LONGEST_MS)), 1)


def trial(module: Any, setting: str, patch: Patch, seed: int, trial_ms: float) -> Measured:
    """Run one trial on a clock."""
    simulator = module.prepare_patch(patch, setting)
    begun = Clock.now()
    train = simulator.run(seed, trial_ms)
    spent = begun.until_now()
    return Measured(trial_ms, train, spent.cpu_s, spent.wall_s)


def clamp_moments(module: Any, setting: str, budget_s: float) -> dict[str, Any]:
    """Moments of open counts of as many sweeps of a step as fit into a wall time (s)."""
    stepped = module.prepare_clamp(STEPPED, setting)
    stepped.sweeps(1, 2, STEP_TIMES_MS)
    begun, counts = time.perf_counter(), []
    batch, n_sweeps, most = 10, 0, 20_000
    while True:
        counts.append(stepped.sweeps(len(counts) + 2, batch, STEP_TIMES_MS))
        n_sweeps += batch
        spent_s = time.perf_counter() - begun
        if spent_s > budget_s or n_sweeps >= most:
            return laws.moments(np.concatenate(counts))
        batch = int(np.clip(n_sweeps * 0.5 * budget_s / spent_s, 10, most - n_sweeps))


def clamp_cost(module: Any, setting: str, budget_s: float) -> float:
    """Processor time (ns) of a transition; what any call takes is taken off."""
    timed = module.prepare_clamp(TIMED, setting)
    shortest_ms = 0.1
    timed.hold(1, shortest_ms)
    begun = Clock.now()
    timed.hold(1, shortest_ms)
    fixed = begun.until_now()
    duration_ms, used = shortest_ms, fixed
    while used.wall_s < fixed.wall_s + 0.3 * budget_s:
        duration_ms *= float(np.clip(0.5 * budget_s / max(used.wall_s, 1e-3), 2.0, 30.0))
        begun = Clock.now()
        timed.hold(2, duration_ms)
        used = begun.until_now()
    per_ms = squid.potassium_transitions_per_ms(TIMED.voltage_mV) * TIMED.count
    return 1e9 * (used.cpu_s - fixed.cpu_s) / (per_ms * (duration_ms - shortest_ms))
