"""The deterministic limit under the stimulus of one trial, as a Trial beside the random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochhh import deterministic
from stochhh.plan import Floats, Plan, generator
from stochhh.recording import Columns, Recorder
from stochhh.state import make_flips
from stochhh.trial import Progress, Trial, initial_occupancy, initial_voltage_mV


def run_deterministic(plan: Plan, trial: int, progress: Progress | None = None) -> Trial:
    """Run the deterministic limit under the stimulus of one trial, as a Trial.

    Numbers of channels are expected ones, so they need not be whole.

    Raises
    ------
    Stopped
        `progress` asked to stop.
    """
    laws: Sequence[Floats] = plan.laws
    counts = np.array([population.count for population in plan.membrane.populations])
    if plan.start is not None:
        occupancy = initial_occupancy(plan, trial, generator(plan.seed_sequence(trial)))
        parts = np.split(occupancy, plan.patch.state_start[1:-1])
        laws = [part / max(part.sum(), 1) for part in parts] if len(counts) else []
    patch = plan.patch
    conducting = np.zeros((len(counts), len(patch.population)))
    conducting[patch.population, np.arange(len(patch.population))] = patch.state_conductance > 0
    conductance = np.zeros_like(conducting)
    conductance[patch.population, np.arange(len(patch.population))] = patch.state_conductance
    recorder = Recorder(plan, trial, np.float64)

    def take(block: deterministic.Block) -> None:
        occupancy = block.law * counts[patch.population]
        recorder.put(
            Columns(
                voltage=block.voltage_mV,
                open=occupancy @ conducting.T,
                conductance=occupancy @ conductance.T,
                charge=block.charge_fC,
                occupancy=occupancy,
            )
        )

    course = deterministic.simulate(
        plan.membrane,
        plan.stimulus(trial),
        plan.record_ms,
        initial_voltage_mV(plan, trial),
        laws,
        plan.threshold_mV,
        plan.rearm_mV,
        progress=progress,
        take=take,
    )
    final = np.concatenate([*course.final_laws, np.zeros(0)]) * counts[patch.population]
    empty = np.zeros(0, dtype=np.int64)
    return Trial(
        records=recorder.finish(),
        spike_ms=course.spike_ms,
        total_charge_fC=course.final_charge_fC,
        final_voltage_mV=course.final_voltage_mV,
        highest_mV=course.highest_mV,
        lowest_mV=course.lowest_mV,
        final_occupancy=final,
        channel_start=empty,
        channel_population=empty,
        flips=make_flips(0),
        transitions=0,
        rejected=0,
        crossings=0,
        solver=course.solver,
    )
