"""The deterministic limit: infinitely many channels in the same membrane.

The laws of the states obey dp/dt = p Q(V), the voltage the current that they conduct. An
explicit method of order 8 solves them (`stochhh.kernels.dop853`); where rates are so fast
that it would take too many steps, an implicit one does (`stochhh.stiff`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.columns import ROWS
from stochhh.errors import Stopped, TrustError
from stochhh.mean_field import MeanField, SolverState
from stochhh.membrane import Membrane
from stochhh.plan import EvenTimes
from stochhh.stimulus import Breakpoints

Floats = NDArray[np.float64]

TOLERANCE = 1e-8  # relative error allowed to a step
_FLOOR = 0.01  # of the tolerance: absolute error allowed besides, in mV and of probabilities
_BUDGET = 10_000  # steps tried before somebody may stop the run
_STIFF = 5_000  # steps a ms, and
_STIFF_PIECE = 200  # steps a piece of the stimulus, beyond which the implicit method is faster
_SPIKES = 1024

EXPLICIT, IMPLICIT = "DOP853", "Radau"


class Block(NamedTuple):
    """Successive rows of a course, as the Course has them."""

    voltage_mV: Floats  # (k,)
    law: Floats  # (k, S)
    charge_fC: Floats  # (k, P + 1)


@dataclass(frozen=True)
class Course:
    """How the deterministic membrane went.

    Attributes
    ----------
    voltage_mV : (n,) at the times asked for.
    law : (n, S) probability of every state of all populations.
    charge_fC : (n, P + 1) outward charge moved by each population and the leak.
    spike_ms : upward crossings of the threshold, re-armed like the stochastic ones.
    highest_mV, lowest_mV : voltages on the way, those between the times asked for included.
    final_charge_fC, final_voltage_mV : at the end of the stimulus.
    final_laws : for each population its law at the end.
    solver : `EXPLICIT`, or `IMPLICIT` where the membrane is stiff.
    steps : tried.
    """

    voltage_mV: Floats
    law: Floats
    charge_fC: Floats
    spike_ms: Floats
    highest_mV: float
    lowest_mV: float
    final_charge_fC: Floats
    final_voltage_mV: float
    final_laws: list[Floats]
    solver: str
    steps: int


def simulate(
    membrane: Membrane,
    stimulus: Breakpoints,
    time_ms: Floats | EvenTimes,
    voltage_mV: float,
    laws: Sequence[Floats],
    threshold_mV: float = 0.0,
    rearm_mV: float = -30.0,
    most_spikes: int | None = None,
    tolerance: float = TOLERANCE,
    progress: Callable[[float], bool] | None = None,
    take: Callable[[Block], None] | None = None,
) -> Course:
    """Solve the deterministic membrane under a stimulus, piece by piece.

    Parameters
    ----------
    membrane, stimulus : as for the stochastic methods.
    time_ms : (n,) increasing times to report, within the stimulus.
    voltage_mV, laws : the start; laws of the states of each population.
    threshold_mV, rearm_mV : spike detection.
    most_spikes : stop after that many spikes; times beyond are then NaN.
    tolerance : relative error allowed to a step of the solver.
    progress : called now and then with the time (ms) newly covered; True abandons the run.
    take : given the course block after block as it is found; the Course then keeps
        none of it but the end.

    Raises
    ------
    TrustError
        No step is short enough, as where a rate is not finite.
    Stopped
        `progress` said so.
    """
    from stochhh.kernels import deterministic as kernel
    from stochhh.kernels import status

    model = MeanField.of(membrane, threshold_mV, rearm_mV)
    n_states, n_charges = len(model.share), len(model.maximal)
    y = np.concatenate([[voltage_mV], *laws, np.zeros(n_charges)])
    floor = np.full(len(y), _FLOOR * tolerance)
    floor[1 + n_states :] = tolerance * np.maximum(model.maximal, _FLOOR)  # that of 1 mV for 1 ms
    state = SolverState.at(y, len(model.rates.kind), threshold_mV)
    clock = state.clock[0]
    spikes = np.zeros(most_spikes or _SPIKES)
    found, done = [np.zeros(0)], 0
    blocks: list[Block] = []
    put = take or blocks.append
    rows = np.zeros((min(len(time_ms), ROWS), len(y)))
    advance: Callable[..., int] = partial(kernel.simulate, model, stimulus, state, tolerance, floor)
    solver, code = EXPLICIT, status.PAUSED
    while code != status.FINISHED:
        before = clock.copy()
        times = time_ms[done : done + len(rows)]
        code = advance(_BUDGET, times, rows[: len(times)], spikes)
        if code == status.STUCK:
            raise TrustError(
                f"the deterministic limit could not be solved beyond {clock['time']:g} ms, where "
                f"the voltage is {state.y[0]:.4g} mV; is a rate infinite there?"
            )
        if clock["recorded"]:
            made = rows[: clock["recorded"]].copy()
            put(Block(made[:, 0], made[:, 1 : 1 + n_states], made[:, 1 + n_states :]))
            done += len(made)
        clock["recorded"] = 0
        if code in (status.SPIKES_FULL, status.FINISHED):
            found.append(spikes[: clock["spikes"]].copy())
            clock["spikes"] = 0
        if progress is not None and progress(float(clock["time"] - before["time"])):
            raise Stopped
        if code == status.SPIKES_FULL and most_spikes is not None:
            break
        if code == status.PAUSED and solver == EXPLICIT and _is_stiff(before, clock):
            from stochhh.stiff import Implicit

            advance, solver = Implicit(model, stimulus, state, tolerance, floor), IMPLICIT
    left = np.full((len(time_ms) - done if take is None else 0, len(y)), np.nan)
    blocks.append(Block(left[:, 0], left[:, 1 : 1 + n_states], left[:, 1 + n_states :]))
    return Course(
        voltage_mV=np.concatenate([block.voltage_mV for block in blocks]),
        law=np.concatenate([block.law for block in blocks]),
        charge_fC=np.concatenate([block.charge_fC for block in blocks]),
        spike_ms=np.concatenate(found),
        highest_mV=float(clock["highest"]),
        lowest_mV=float(clock["lowest"]),
        final_charge_fC=state.y[1 + n_states :].copy(),
        final_voltage_mV=float(state.y[0]),
        final_laws=np.split(state.y[1 : 1 + n_states].copy(), model.starts[1:-1]),
        solver=solver,
        steps=int(clock["tried"]),
    )


def _is_stiff(before: np.void, now: np.void) -> bool:
    """Whether the explicit method takes so many steps that the implicit one is faster."""
    tried = now["tried"] - before["tried"]
    pieces = now["segment"] - before["segment"] + 1
    return bool(tried > _STIFF * (now["time"] - before["time"]) and tried > _STIFF_PIECE * pieces)
