"""Time and room that a run needs, roughly, before anything runs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stochhh.choose import SECONDS_A_TRANSITION, transitions_per_ms
from stochhh.errors import InputError
from stochhh.plan import Plan
from stochhh.words import said_bytes, said_duration

if TYPE_CHECKING:  # a plain run needs no circuits
    from stochhh.circuit.plan import CircuitPlan

#: Rough costs on one core of a usual machine, to share work out by and to warn.
_SECONDS_A_STEP = 2e-6
_SECONDS_A_COMPARTMENT = 2e-6  # and step
_SECONDS_A_TRIAL = 1e-3
SECONDS_A_LIMIT = 0.1


def expected_seconds(plan: Plan | CircuitPlan) -> float:
    """Roughly the computing time of one trial."""
    if not isinstance(plan, Plan):
        moves = (plan.n_steps + plan.settle_ms / plan.step_ms) * plan.network.n_compartments
        return _SECONDS_A_TRIAL + _SECONDS_A_COMPARTMENT * moves
    if plan.method.name == "deterministic":
        return SECONDS_A_LIMIT
    whole_ms = plan.duration_ms + plan.settle_ms
    if plan.step_ms is not None:
        return _SECONDS_A_TRIAL + _SECONDS_A_STEP * whole_ms / plan.step_ms
    rate = transitions_per_ms(plan.membrane, plan.voltage_mV)
    return _SECONDS_A_TRIAL + SECONDS_A_TRANSITION * rate * whole_ms


def expected_total_seconds(plans: Sequence[Plan], n_trials: int) -> float:
    """Roughly the computing time of all trials of all points on one core."""
    return n_trials * sum(expected_seconds(plan) for plan in plans)


def check_room(plans: Sequence[Plan], n_trials: int, n_bytes: int, folder: Path) -> None:
    """Refuse a run whose records would not fit on the disk of the folder they go to.

    They are there twice while the result is written.

    Raises
    ------
    InputError
        Saying what is needed, what is free, and how long it would take.
    """
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(there).free
    if 2 * n_bytes > free:
        raise InputError(
            f"{plans[0].name}: run.record: {said_bytes(n_bytes)} would be recorded and as much "
            f"again in result.nc, and {said_bytes(free)} are free on the disk of {folder}; make "
            "the interval longer, record fewer variables or run fewer trials (computing takes "
            f"about {said_duration(expected_total_seconds(plans, n_trials))})"
        )
