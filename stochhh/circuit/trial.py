"""One trial of a circuit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stochhh.circuit.network import (
    CLOCK,
    CircuitRecords,
    Floats,
    Ints,
    State,
    release_buffer,
    spike_buffer,
)
from stochhh.circuit.plan import CircuitPlan, generator
from stochhh.circuit.sites import begin_mean, begin_sites, with_more_room
from stochhh.errors import InputError, Stopped, TrustError
from stochhh.kernels.receptors import RELAX
from stochhh.kernels.stepped import FLOW
from stochhh.steps import Steps, StepTable
from stochhh.trial import Progress

_COMPARTMENT_STEPS = 200_000  # a kernel takes before it returns
_BUFFER = 10_000
_NEVER = 2**62  # steps
_ROOM_MV = 30.0
_VOLTAGE_MV = 100.0  # of which currents and charges are rounded
_ROUNDING = 1e-9  # of the charge that moved; what moves along a cell is rounded by the last digit


class CircuitTrial(NamedTuple):
    """What one trial left. W recorded compartments, K kinds of channels, Y synapses."""

    records: CircuitRecords
    spike_ms: Floats
    spike_compartment: Ints
    release_ms: Floats
    release_site: Ints
    release_spike_ms: Floats
    expected_vesicles: Floats  # (Y, 2) in the mean field, by spikes and spontaneously
    charge_fC: Floats  # (K,)
    final_voltage_mV: Floats  # (C,)
    final_space_mV: Floats  # (C or 0,)
    final_occupancy: Floats  # (C, S)
    transitions: int


def run_trial(plan: CircuitPlan, trial: int, progress: Progress | None = None) -> CircuitTrial:
    """Run one trial of a circuit, or its deterministic limit.

    All of a trial's draws come from one stream: its compartments are moved one after
    the other.

    Raises
    ------
    Stopped
        `progress` asked to stop.
    InputError
        A voltage ran away.
    TrustError
        Charge or channels got lost.
    """
    from stochhh.kernels import circuit, status

    rng = generator(plan.seed_sequence(trial))
    synapses = plan.synapse_arrays
    seed = plan.seed_sequence(trial)
    injection = plan.currents.injection(seed, np.random.SeedSequence(plan.seed))
    inputs = plan.currents.open_inputs(seed)
    membranes = _settled(plan, trial, progress) if plan.settle_ms else drawn(plan, rng)
    state = begin(plan, rng, membranes, len(injection.piece_start) - 1, len(inputs.compartment))
    state.piece[:] = injection.piece_start[:-1]
    state.next_event[:] = inputs.event_start[:-1]
    records = _records(plan, len(plan.record_ms))
    n = plan.network.n_compartments
    spikes = spike_buffer(_BUFFER + 2 * n)
    releases = release_buffer(_BUFFER + 2 * int(synapses.site_start[-1]))
    budget = max(_COMPARTMENT_STEPS // n, 1)
    clock = state.clock[0]
    found_spikes: list[tuple[Floats, Ints]] = []
    found_releases: list[tuple[Floats, Ints, Floats]] = []
    initial = state.voltage.copy()
    for stretch in _stretches(plan, records):
        clock["origin"], clock["step"] = stretch.origin_ms, 0
        steps, code = stretch.steps, status.PAUSED
        while code != status.FINISHED:
            before = int(clock["step"])
            _, code = circuit.simulate(
                rng, steps, plan.graph, plan.share, plan.cable, plan.pools, synapses, injection,
                inputs, state, stretch.n_steps, budget, stretch.records, spikes, releases,
            )  # fmt: skip
            k, m = int(clock["spikes"]), int(clock["releases"])
            found_spikes.append((spikes.time[:k].copy(), spikes.compartment[:k].copy()))
            found_releases.append(
                (releases.time[:m].copy(), releases.site[:m].copy(), releases.spike[:m].copy())
            )
            clock["spikes"] = clock["releases"] = 0
            if code == status.LEFT_TABLE:
                steps = _reaching(plan.name, stretch.table, steps, float(clock["off_table"]))
            if code == status.COHORTS_FULL:
                state = state._replace(mean=with_more_room(state.mean))
            covered = (int(clock["step"]) - before) * steps.duration
            if progress is not None and progress(covered):
                raise Stopped
    _check(plan, trial, state, initial)
    spike_ms, spike_compartment = map(np.concatenate, zip(*found_spikes, strict=True))
    release_ms, site, release_spike = map(np.concatenate, zip(*found_releases, strict=True))
    order, sent = np.lexsort((spike_compartment, spike_ms)), np.argsort(release_ms, kind="stable")
    return CircuitTrial(
        records=records,
        spike_ms=spike_ms[order],
        spike_compartment=spike_compartment[order],
        release_ms=release_ms[sent],
        release_site=site[sent],
        release_spike_ms=release_spike[sent],
        expected_vesicles=state.mean.released.copy(),
        charge_fC=state.charge[: plan.network.n_channel_kinds].copy(),
        final_voltage_mV=state.voltage.copy(),
        final_space_mV=state.space.copy(),
        final_occupancy=state.occupancy.copy(),
        transitions=int(clock["transitions"]),
    )


class Membranes(NamedTuple):
    """What the membranes of a circuit begin with. C compartments, S states of all kinds."""

    voltage_mV: Floats  # (C,)
    space_mV: Floats  # (C,) or (0,) of the periaxonal space
    occupancy: Floats  # (C, S) channels in each state


def drawn(plan: CircuitPlan, rng: np.random.Generator) -> Membranes:
    """Membranes at rest, with channels drawn from their laws, or their expected numbers."""
    occupancy = np.zeros((plan.network.n_compartments, len(plan.share)))
    state_start = plan.graph.state_start
    for pool, how in zip(plan.network.pools, plan.pools.how, strict=True):
        law = plan.laws[pool.kind][pool.compartment]
        states = slice(state_start[pool.kind], state_start[pool.kind + 1])
        found = pool.count * law if how == FLOW else rng.multinomial(pool.count, law)
        occupancy[pool.compartment, states] += found
    return Membranes(plan.voltage_mV.copy(), plan.space_mV.copy(), occupancy)


def _settled(plan: CircuitPlan, trial: int, progress: Progress | None) -> Membranes:
    """Membranes as they are when the circuit has been left to settle."""

    def stop_only(covered_ms: float) -> bool:
        return progress is not None and progress(0.0)

    before = run_trial(plan.before, trial, stop_only)
    return Membranes(before.final_voltage_mV, before.final_space_mV, before.final_occupancy)


def begin(
    plan: CircuitPlan,
    rng: np.random.Generator,
    membranes: Membranes,
    n_currents: int,
    n_inputs: int,
) -> State:
    """State at time zero: of membranes as given, of synapses full and without transmitter.

    Only membranes settle: stimuli, inputs and spikes that release begin with the trial, and
    spontaneous release empties a site for the share rate times refilling of the time.
    """
    voltage, space, occupancy = membranes
    network, graph = plan.network, plan.graph
    n_states, state_start = len(plan.share), graph.state_start
    synapses = plan.synapse_arrays
    receptors = np.zeros((int(synapses.site_start[-1]), n_states))
    most = int(np.diff(state_start)[synapses.kind].max(initial=0))
    n_mean = len(plan.synapses) if synapses.averaged else 0
    expected, expected_open = np.zeros((n_mean, most)), np.zeros(n_mean)
    for y, table in enumerate(plan.synapses):
        k, count = synapses.kind[y], table.receptors.count
        law = plan.laws[k][synapses.target[y]]
        states = slice(state_start[k], state_start[k + 1])
        if synapses.averaged:
            expected[y, : len(law)] = count * law
            expected_open[y] = synapses.sites[y] * count * (law @ plan.share[states])
        for site in range(synapses.site_start[y], synapses.site_start[y + 1]):
            averaged = synapses.how[y] == RELAX
            receptors[site, states] = count * law if averaged else rng.multinomial(count, law)
    with np.errstate(divide="ignore"):
        wait = rng.standard_exponential(len(plan.synapses)) / synapses.spontaneous
    clock = np.zeros(1, dtype=CLOCK)
    return State(
        voltage=voltage,
        space=space,
        occupancy=occupancy,
        class_weight=graph.weights(occupancy),
        hidden=occupancy.copy(),
        armed=voltage < plan.cable.spike_threshold,
        terminal_armed=voltage[synapses.source] < synapses.threshold,
        next_spontaneous=wait,
        sites=begin_sites(receptors, graph, plan.share, synapses.rests),
        mean=begin_mean(expected, expected_open),
        piece=np.zeros(n_currents, dtype=np.int64),
        next_event=np.zeros(n_inputs, dtype=np.int64),
        input_slow=np.zeros(n_inputs),
        input_fast=np.zeros(n_inputs),
        charge=np.zeros(len(network.kinds)),
        clock=clock,
    )


class _Stretch(NamedTuple):
    """Part of a trial in equal steps, at both ends of which channels and voltages are known."""

    origin_ms: float
    n_steps: int
    table: StepTable
    steps: Steps
    records: CircuitRecords


def _stretches(plan: CircuitPlan, records: CircuitRecords) -> Iterator[_Stretch]:
    """Whole steps, and the shorter last one of a duration that has no whole number of them."""
    yield _Stretch(0.0, plan.n_steps, plan.step_table, plan.steps, records)
    if plan.rest_ms > 0.0:
        origin = plan.n_steps * plan.step_ms
        nothing = _records(plan, 1)._replace(every=_NEVER)
        yield _Stretch(origin, 1, plan.last_table, plan.last_steps, nothing)


def _records(plan: CircuitPlan, n: int) -> CircuitRecords:
    width, n_synapses = len(plan.where), len(plan.synapses)
    kinds = plan.network.n_channel_kinds
    return CircuitRecords(
        every=plan.every,
        where=plan.where,
        voltage=np.zeros((n if "voltage" in plan.variables else 0, width)),
        open=np.zeros((n if "open" in plan.variables else 0, width, kinds)),
        receptor_open=np.zeros((n, n_synapses)),
        transmitter=np.zeros((n, n_synapses)),
    )


def _check(plan: CircuitPlan, trial: int, state: State, initial_mV: Floats) -> None:
    """Every trial: charge and channels must be all there."""
    clock, cable = state.clock[0], plan.cable
    stored = float(cable.capacitance @ (state.voltage - initial_mV))
    gone = float(clock["ionic"]) - float(clock["injected"])
    moved = float(np.abs(state.charge).sum()) + abs(float(clock["injected"]))
    scale = moved + float(cable.capacitance.sum()) * _VOLTAGE_MV
    along = float(cable.axial.sum() + cable.sheath_axial.sum()) * _VOLTAGE_MV * plan.duration_ms
    if not abs(stored + gone) <= _ROUNDING * scale + float(np.finfo(float).eps) * along:
        raise TrustError(
            f"{plan.name}: trial {trial}: {stored + gone:.3g} fC of {scale:.3g} fC got lost; "
            "please report it"
        )
    for pool in plan.network.pools:
        states = slice(plan.graph.state_start[pool.kind], plan.graph.state_start[pool.kind + 1])
        there = state.occupancy[pool.compartment, states].sum()
        if not abs(there - pool.count) <= 1e-6 * pool.count:
            raise TrustError(
                f"{plan.name}: trial {trial}: {there} channels where there were {pool.count}; "
                "please report it"
            )


def _reaching(name: str, table: StepTable, steps: Steps, voltage_mV: float) -> Steps:
    """Tables that reach well beyond a voltage outside the ones at hand."""
    low = steps.first
    high = low + steps.spacing * (len(steps.rates) - 1)
    try:
        return table.covering(
            float(np.min([low, voltage_mV - _ROOM_MV])),
            float(np.max([high, voltage_mV + _ROOM_MV])),
        )
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
