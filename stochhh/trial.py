"""What a trial of one membrane is: how it begins, what it leaves behind, what it must conserve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.errors import TrustError
from stochhh.plan import Floats, Ints, Plan
from stochhh.recording import Columns
from stochhh.state import Flips, PatchState, SteppedState
from stochhh.stimulus import Breakpoints

_CHARGE_BALANCE = 1e-7  # relative
_CHANNEL_BALANCE = 1e-9  # relative, where channels come in fractions

#: Called with the simulated time (ms) a trial has newly covered; True asks it to stop.
Progress = Callable[[float], bool]


@dataclass(frozen=True)
class Trial:
    """What one trial left behind. P populations, S states, K tagged channels."""

    records: Columns
    spike_ms: Floats
    total_charge_fC: Floats  # (P + 1,)
    final_voltage_mV: float
    highest_mV: float  # voltages of the whole run, those between records included
    lowest_mV: float
    final_occupancy: NDArray[np.generic]  # (S,)
    channel_start: Ints  # (K,) state at time zero
    channel_population: Ints  # (K,)
    flips: Flips
    transitions: int
    rejected: int
    crossings: int
    solver: str = ""  # of a deterministic limit


def initial_state(
    plan: Plan,
    trial: int,
    rng: np.random.Generator,
    run: Callable[..., Trial],
    progress: Progress | None,
) -> tuple[NDArray[Any], float]:
    """Channels in each state at time zero, (S,), and the voltage (mV).

    What is there when the membrane has settled, where it is left to.

    Parameters
    ----------
    run : runs a trial of the plan's method, such as that in which the membrane settles.
    """
    if not plan.settle_ms:
        return initial_occupancy(plan, trial, rng), initial_voltage_mV(plan, trial)

    def stop_only(covered_ms: float) -> bool:
        return progress is not None and progress(0.0)

    before = run(plan.before, trial, stop_only)
    return before.final_occupancy, before.final_voltage_mV + plan.displacement_mV


def initial_occupancy(plan: Plan, trial: int, rng: np.random.Generator) -> NDArray[Any]:
    """Channels in each state at time zero, shape (S,): multinomial draws, or an earlier run's."""
    if plan.start is not None:
        return np.array(plan.start.occupancy[trial % len(plan.start.occupancy)])
    draws = [
        rng.multinomial(population.count, law)
        for population, law in zip(plan.membrane.populations, plan.laws, strict=True)
    ]
    return np.concatenate([*draws, np.zeros(0, dtype=np.int64)]).astype(np.int64)


def initial_voltage_mV(plan: Plan, trial: int) -> float:
    """Voltage at time zero."""
    if plan.clamp is not None:
        return float(plan.command.command[0])
    if plan.start is None:
        return plan.voltage_mV + plan.displacement_mV
    return float(plan.start.voltage_mV[trial % len(plan.start.voltage_mV)]) + plan.displacement_mV


def check_conserved(
    plan: Plan,
    trial: int,
    state: PatchState | SteppedState,
    voltage_mV: float,
    stimulus: Breakpoints,
) -> None:
    """Make sure that channels and charge were conserved through a trial.

    Parameters
    ----------
    state, voltage_mV : the state at the end, the voltage at time zero.

    Raises
    ------
    TrustError
        They were not.
    """
    n_states = [len(scheme.states) for scheme in plan.membrane.schemes]
    per_population = np.split(state.occupancy, np.cumsum(n_states))[:-1]
    expected = [population.count for population in plan.membrane.populations]
    counted = [counts.sum() for counts in per_population]
    slack = 0.0 if state.occupancy.dtype.kind == "i" else _CHANNEL_BALANCE
    conserved = np.allclose(counted, expected, rtol=slack, atol=0.0)
    if not conserved or state.occupancy.min(initial=0) < 0:
        raise TrustError(f"trial {trial}: channels were not conserved; nothing was kept")
    if plan.clamp is not None:
        return  # the amplifier supplies whatever charge the command takes
    injected = stimulus.current * np.diff(stimulus.end, prepend=0.0)
    stored = plan.membrane.capacitance_pF * (float(state.clock[0]["voltage"]) - voltage_mV)
    imbalance = abs(injected.sum() - stored - state.charge.sum())
    moved = np.abs(injected).sum() + np.abs(state.charge).sum() + abs(stored)
    floor = plan.membrane.capacitance_pF * 1.0  # fC, the charge of 1 mV
    if not imbalance <= _CHARGE_BALANCE * (moved + floor):
        raise TrustError(
            f"trial {trial}: charge was not conserved ({imbalance:.3g} of {moved:.3g} fC); "
            "nothing was kept"
        )
