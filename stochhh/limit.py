"""The deterministic limit under the stimulus of one trial, as a Trial beside the random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stochhh import deterministic
from stochhh.methods import METHODS
from stochhh.plan import Floats, Plan, generator
from stochhh.recording import Columns, Recorder
from stochhh.state import make_flips
from stochhh.stepping import run_stepped
from stochhh.stimulus import Breakpoints, finest_ms
from stochhh.trial import Progress, Trial, initial_occupancy, initial_voltage_mV

#: A stimulus that jumps more often than this many times, at intervals shorter than that
#: (noise, curved waveforms), is solved in fixed steps: a solver with error control
#: starts anew at each jump, which takes a hundred times longer.
_MANY_PIECES, _SHORT_PIECE_MS = 50, 0.25
_STEP_MS = 0.005


def run_deterministic(plan: Plan, trial: int, progress: Progress | None = None) -> Trial:
    """Run the deterministic limit under the stimulus of one trial, as a Trial.

    Numbers of channels are expected ones, so they need not be whole.

    Raises
    ------
    Stopped
        `progress` asked to stop.
    """
    stimulus = plan.stimulus(trial)
    if plan.clamp is None and _jumps_often(stimulus):
        populations = tuple(replace(one, noise=False) for one in plan.membrane.populations)
        return run_stepped(
            replace(
                plan,
                membrane=replace(plan.membrane, populations=populations),
                method=METHODS["leap"],
                step_ms=min(_STEP_MS, finest_ms(plan.stimuli), plan.duration_ms),
                tagged=0,
                settle_ms=0.0,
            ),
            trial,
            progress,
        )
    return _solve(plan, trial, stimulus, progress)


def _jumps_often(stimulus: Breakpoints) -> bool:
    """Whether a stimulus comes in many short pieces."""
    short = np.diff(stimulus.end, prepend=0.0) < _SHORT_PIECE_MS
    return int(short.sum()) > _MANY_PIECES


def _solve(plan: Plan, trial: int, stimulus: Breakpoints, progress: Progress | None) -> Trial:
    """Solve the equations with error control."""
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
        stimulus,
        plan.record_ms,
        initial_voltage_mV(plan, trial),
        laws,
        plan.threshold_mV,
        plan.rearm_mV,
        stopped=None if progress is None else lambda: progress(0.0),
        take=take,
    )
    if progress is not None:
        progress(plan.duration_ms)
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
    )
