"""One trial of one membrane: everything it needs, and running it with the exact kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stochhh.errors import InputError, Stopped, TrustError
from stochhh.kinetics.tables import Bands
from stochhh.plan import Floats, Ints, Plan, generator
from stochhh.state import (
    Flips,
    PatchState,
    begin,
    copy_flips,
    join_flips,
    make_flips,
    make_records,
    tag_channels,
)
from stochhh.stimulus import Breakpoints

_SLICE = 2_000_000  # candidates a kernel draws before it returns: a tenth of a second
_SPIKE_BUFFER = 1024
_FLIP_BUFFER = 65_536
_MOST_FLIPS = 200_000_000
_CHARGE_BALANCE = 1e-7  # relative
_TAG_STREAM = 2

#: Called with the simulated time (ms) a trial has newly covered; True asks it to stop.
Progress = Callable[[float], bool]


@dataclass(frozen=True)
class Trial:
    """What one trial left behind. n record times, P populations, S states, K tagged channels."""

    voltage_mV: Floats  # (n,)
    open: NDArray[np.generic]  # (n, P)
    conductance_nS: Floats  # (n, P)
    charge_fC: Floats  # (n or 0, P + 1)
    occupancy: NDArray[np.generic]  # (n or 0, S)
    spike_ms: Floats
    total_charge_fC: Floats  # (P + 1,)
    final_voltage_mV: float
    final_occupancy: NDArray[np.generic]  # (S,)
    channel_start: Ints  # (K,) state at time zero
    channel_population: Ints  # (K,)
    flips: Flips
    transitions: int
    rejected: int
    crossings: int


def needs_compiling() -> bool:
    """Whether the kernels still have to be compiled on this machine."""
    from stochhh.kernels import exact

    if not hasattr(exact.simulate, "stats"):  # Numba's compiler is switched off
        return False
    folder = exact.simulate.stats.cache_path
    if folder is None:
        return True
    source = Path(exact.__file__)
    indices = Path(folder).glob(f"{source.stem}.simulate-*.nbi")
    return not any(index.stat().st_mtime >= source.stat().st_mtime for index in indices)


def initial_occupancy(plan: Plan, trial: int, rng: np.random.Generator) -> Ints:
    """Channels in each state at time zero, shape (S,): multinomial draws, or an earlier run's."""
    if plan.start is not None:
        return np.array(plan.start.occupancy[trial % len(plan.start.occupancy)], dtype=np.int64)
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


def run_exact(plan: Plan, trial: int, progress: Progress | None = None) -> Trial:
    """Run one trial with the exact method.

    Raises
    ------
    Stopped
        `progress` asked to stop.
    InputError
        The voltage ran away, or more transitions of tagged channels than fit.
    TrustError
        An invariant of the simulation broke.
    """
    from stochhh.kernels import exact, status

    patch, graph, bands = plan.patch, plan.graph, plan.bands
    rng = generator(plan.seed_sequence(trial))
    tag_rng = generator(plan.seed_sequence(trial, _TAG_STREAM))
    stimulus = plan.stimulus(trial)
    occupancy = initial_occupancy(plan, trial, rng)
    voltage = initial_voltage_mV(plan, trial)
    if not bands.edge[0] <= voltage < bands.edge[-1]:
        bands = _reaching(plan, bands, voltage)
    hazard = rng.standard_exponential()
    state = begin(plan.membrane, patch, graph, bands, occupancy, voltage, hazard, stimulus)
    records = make_records(
        plan.record_ms, len(occupancy), len(plan.membrane.populations), plan.variables
    )
    tags = tag_channels(tag_rng, occupancy, patch.state_start, plan.tagged)
    channel_start = tags.channel_state.copy()
    spikes, flips = np.zeros(_SPIKE_BUFFER), make_flips(_FLIP_BUFFER if len(channel_start) else 0)
    kept_spikes: list[Floats] = []
    kept_flips: list[Flips] = []
    clock = state.clock[0]
    code = status.PAUSED
    while code != status.FINISHED:
        before = float(clock["time"])
        _, code = exact.simulate(
            rng, tag_rng, graph, bands, patch, stimulus, state, _SLICE, records, spikes, tags, flips
        )
        kept_spikes.append(spikes[: clock["spikes"]].copy())
        kept_flips.append(copy_flips(flips, int(clock["flips"])))
        clock["spikes"] = clock["flips"] = 0
        if code == status.LEFT_TABLE:
            bands = _reaching(plan, bands, float(clock["voltage"]))
            clock["band"] = _band_of(bands, float(clock["voltage"]), int(clock["band"]))
        if code == status.BOUND_BROKEN:
            raise TrustError(
                f"trial {trial}: a rate left its bounds at {clock['voltage']:.6g} mV; "
                "nothing was kept (please report this)"
            )
        if sum(len(kept.time) for kept in kept_flips) > _MOST_FLIPS:
            raise InputError(
                f"{plan.name}: run.record.channels: more than {_MOST_FLIPS:.0e} transitions of "
                "tagged channels; tag fewer or shorten the run"
            )
        if progress is not None and progress(float(clock["time"]) - before):
            raise Stopped
    _check(plan, trial, state, voltage, stimulus)
    population = patch.population[channel_start] if len(channel_start) else channel_start
    return Trial(
        voltage_mV=records.voltage,
        open=records.open,
        conductance_nS=records.conductance,
        charge_fC=records.charge,
        occupancy=records.occupancy,
        spike_ms=np.concatenate(kept_spikes),
        total_charge_fC=state.charge,
        final_voltage_mV=float(clock["voltage"]),
        final_occupancy=state.occupancy,
        channel_start=channel_start,
        channel_population=population,
        flips=join_flips(kept_flips),
        transitions=int(clock["transitions"]),
        rejected=int(clock["rejected"]),
        crossings=int(clock["crossings"]),
    )


def _band_of(bands: Bands, voltage_mV: float, left_by: int) -> int:
    """Band of a voltage that left a smaller table: downward if `left_by` is negative.

    A voltage on an edge belongs to the band it was on its way to.
    """
    side: Literal["left", "right"] = "left" if left_by < 0 else "right"
    return int(np.searchsorted(bands.edge, voltage_mV, side=side)) - 1


def _reaching(plan: Plan, bands: Bands, voltage_mV: float) -> Bands:
    """Bands that reach well beyond a voltage outside the ones at hand."""
    low, high = bands.edge[0], bands.edge[-1]
    room = 0.5 * (high - low)
    try:
        return plan.band_table.covering(min(low, voltage_mV - room), max(high, voltage_mV + room))
    except InputError as error:
        raise InputError(f"{plan.name}: {error}") from None


def _check(
    plan: Plan, trial: int, state: PatchState, voltage_mV: float, stimulus: Breakpoints
) -> None:
    """Raise unless channels and charge were conserved through the trial."""
    n_states = [len(scheme.states) for scheme in plan.membrane.schemes]
    per_population = np.split(state.occupancy, np.cumsum(n_states))[:-1]
    expected = [population.count for population in plan.membrane.populations]
    counted = [int(counts.sum()) for counts in per_population]
    if counted != expected or state.occupancy.min(initial=0) < 0:
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


def run_deterministic(plan: Plan, trial: int, progress: Progress | None = None) -> Trial:
    """Run the deterministic limit under the stimulus of one trial, as a Trial.

    Counts are expected numbers of channels, so they need not be whole.

    Raises
    ------
    Stopped
        `progress` asked to stop.
    """
    from stochhh import deterministic

    laws: Sequence[Floats] = plan.laws
    counts = np.array([population.count for population in plan.membrane.populations])
    if plan.start is not None:
        occupancy = initial_occupancy(plan, trial, generator(plan.seed_sequence(trial)))
        parts = np.split(occupancy, plan.patch.state_start[1:-1])
        laws = [part / max(part.sum(), 1) for part in parts] if len(counts) else []
    course = deterministic.simulate(
        plan.membrane,
        plan.stimulus(trial),
        plan.record_ms,
        initial_voltage_mV(plan, trial),
        laws,
        plan.threshold_mV,
        plan.rearm_mV,
        stopped=None if progress is None else lambda: progress(0.0),
    )
    if progress is not None:
        progress(plan.duration_ms)
    patch = plan.patch
    occupancy = course.law * counts[patch.population]
    conducting = np.zeros((len(counts), occupancy.shape[1]))
    conducting[patch.population, np.arange(occupancy.shape[1])] = patch.state_conductance > 0
    conductance = np.zeros_like(conducting)
    conductance[patch.population, np.arange(occupancy.shape[1])] = patch.state_conductance
    final = np.concatenate([*course.final_laws, np.zeros(0)]) * counts[patch.population]
    empty = np.zeros(0, dtype=np.int64)
    return Trial(
        voltage_mV=course.voltage_mV,
        open=occupancy @ conducting.T,
        conductance_nS=occupancy @ conductance.T,
        charge_fC=course.charge_fC if "charge" in plan.variables else course.charge_fC[:0],
        occupancy=occupancy if "occupancy" in plan.variables else occupancy[:0],
        spike_ms=course.spike_ms,
        total_charge_fC=course.final_charge_fC,
        final_voltage_mV=course.final_voltage_mV,
        final_occupancy=final,
        channel_start=empty,
        channel_population=empty,
        flips=make_flips(0),
        transitions=0,
        rejected=0,
        crossings=0,
    )
