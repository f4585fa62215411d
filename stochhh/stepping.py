"""One trial with a method that has a time step."""

from __future__ import annotations

from typing import Any

import numpy as np

from stochhh.errors import InputError, Stopped
from stochhh.plan import Floats, Plan, generator
from stochhh.recording import Events, Recorder
from stochhh.state import SteppedState, begin_stepped, make_flips
from stochhh.steps import Steps
from stochhh.stimulus import Breakpoints
from stochhh.trial import (
    Progress,
    Trial,
    check_conserved,
    initial_state,
)

_SLICE = 50_000  # steps a kernel takes before it returns: a tenth of a second
_CHANNEL_STEPS = 200_000_000  # the same of all channels, where every flip is drawn
_ROOM_MV = 30.0  # beyond the voltages a membrane usually visits


def run_stepped(plan: Plan, trial: int, progress: Progress | None = None) -> Trial:
    """Run one trial with the plan's stepped method.

    Raises
    ------
    Stopped
        `progress` asked to stop.
    InputError
        The voltage ran away.
    TrustError
        An invariant of the simulation broke.
    """
    from stochhh.kernels import status, stepped

    rng = generator(plan.seed_sequence(trial))
    stimulus = plan.stimulus(trial)
    steps = plan.steps
    occupancy, voltage = initial_state(plan, trial, rng, run_stepped, progress)
    whole = plan.method.whole and all(p.noise for p in plan.membrane.populations)
    dtype: type[Any] = np.int64 if whole else np.float64
    state = _begin(plan, occupancy.astype(np.float64), voltage, steps, stimulus)
    recorder, events = Recorder(plan, trial, dtype), Events(plan.name, 0)
    clock = state.clock[0]
    budget = _SLICE
    if plan.method.move == "gillespie":
        budget = min(_SLICE, _CHANNEL_STEPS // max(plan.membrane.n_channels, 1) + 1)
    code = status.PAUSED
    while code != status.FINISHED:
        before = float(clock["time"])
        _, code = stepped.simulate(
            rng,
            steps,
            plan.graph,
            plan.patch,
            stimulus,
            state,
            budget,
            recorder.buffer,
            events.spikes,
        )
        events.take(clock)
        if code == status.RECORDS_FULL:
            recorder.flush(clock)
        if code == status.LEFT_TABLE:
            steps = _reaching(plan, steps, float(clock["voltage"]), float(clock["held"]))
        if progress is not None and progress(float(clock["time"]) - before):
            raise Stopped
    check_conserved(plan, trial, state, voltage, stimulus)
    none = np.zeros(0, dtype=np.int64)
    return Trial(
        records=recorder.finish(clock),
        spike_ms=events.spike_ms(),
        total_charge_fC=state.charge,
        final_voltage_mV=float(clock["voltage"]),
        highest_mV=float(clock["highest"]),
        lowest_mV=float(clock["lowest"]),
        final_occupancy=state.occupancy.astype(dtype),
        channel_start=none,
        channel_population=none,
        flips=make_flips(0),
        transitions=int(clock["transitions"]),
        rejected=0,
        crossings=0,
    )


def _begin(
    plan: Plan, occupancy: Floats, voltage_mV: float, steps: Steps, stimulus: Breakpoints
) -> SteppedState:
    """State at time zero; populations without noise start from their law itself."""
    gates = []
    for p, population in enumerate(plan.membrane.populations):
        states = slice(steps.state_start[p], steps.state_start[p + 1])
        if not population.noise and plan.start is None and not plan.settle_ms:
            occupancy[states] = population.count * plan.laws[p]
        if steps.gate_start[p + 1] > steps.gate_start[p]:
            law = occupancy[states] / max(population.count, 1)
            gates.append(population.scheme.open_gates(law))
    state = begin_stepped(
        plan.membrane,
        plan.patch,
        plan.graph,
        occupancy,
        np.concatenate([*gates, np.zeros(0)]),
        voltage_mV,
        stimulus,
    )
    if not steps.staggered and plan.clamp is None:
        state.clock["settled_slope"] = 0.0  # Euler's rule takes currents at the voltage held
    return state


def _reaching(plan: Plan, steps: Steps, *voltages_mV: float) -> Steps:
    """Tables that reach well beyond voltages outside the ones at hand."""
    low = steps.first
    high = low + steps.spacing * (len(steps.rates) - 1)
    try:
        return plan.step_table.covering(
            float(np.min([low, *(voltage - _ROOM_MV for voltage in voltages_mV)])),
            float(np.max([high, *(voltage + _ROOM_MV for voltage in voltages_mV)])),
        )
    except InputError as error:
        raise InputError(f"{plan.name}: {error}") from None
