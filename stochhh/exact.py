"""One trial with the exact method."""

from __future__ import annotations

from typing import Literal

import numpy as np

from stochhh.errors import InputError, Stopped, TrustError
from stochhh.kinetics.tables import Bands
from stochhh.plan import Plan, generator
from stochhh.recording import Events, Recorder
from stochhh.state import begin, tag_channels
from stochhh.trial import (
    Progress,
    Trial,
    check_conserved,
    initial_state,
)

_SLICE = 2_000_000  # candidates a kernel draws before it returns: a tenth of a second
_TAG_STREAM = 2


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
    occupancy, voltage = initial_state(plan, trial, rng, run_exact, progress)
    if not bands.edge[0] <= voltage < bands.edge[-1]:
        bands = _reaching(plan, bands, voltage)
    hazard = rng.standard_exponential()
    state = begin(plan.membrane, patch, graph, bands, occupancy, voltage, hazard, stimulus)
    tags = tag_channels(tag_rng, occupancy, patch.state_start, plan.tagged)
    channel_start = tags.channel_state.copy()
    recorder, events = Recorder(plan, trial), Events(plan.name, len(channel_start))
    clock = state.clock[0]
    code = status.PAUSED
    while code != status.FINISHED:
        before = float(clock["time"])
        _, code = exact.simulate(
            rng,
            tag_rng,
            graph,
            bands,
            patch,
            stimulus,
            state,
            _SLICE,
            recorder.buffer,
            events.spikes,
            tags,
            events.flips,
        )
        events.take(clock)
        if code == status.RECORDS_FULL:
            recorder.flush(clock)
        if code == status.LEFT_TABLE:
            bands = _reaching(plan, bands, float(clock["voltage"]))
            clock["band"] = _band_of(bands, float(clock["voltage"]), int(clock["band"]))
        if code == status.BOUND_BROKEN:
            raise TrustError(
                f"trial {trial}: a rate left its bounds at {clock['voltage']:.6g} mV; "
                "nothing was kept (please report this)"
            )
        if progress is not None and progress(float(clock["time"]) - before):
            raise Stopped
    check_conserved(plan, trial, state, voltage, stimulus)
    population = patch.population[channel_start] if len(channel_start) else channel_start
    return Trial(
        records=recorder.finish(clock),
        spike_ms=events.spike_ms(),
        total_charge_fC=state.charge,
        final_voltage_mV=float(clock["voltage"]),
        highest_mV=float(clock["highest"]),
        lowest_mV=float(clock["lowest"]),
        final_occupancy=state.occupancy,
        channel_start=channel_start,
        channel_population=population,
        flips=events.flips_taken(),
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
