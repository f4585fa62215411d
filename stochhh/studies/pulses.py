"""What studies of swept pulses share: their amplitudes, and the trials that a pulse made fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.applicable.sweeps import stimulus_at
from stochhh.analysis.axes import axis_label, numbers_of_one_unit
from stochhh.analysis.efficiency_curves import EfficiencyCurve, first_firing
from stochhh.analysis.firing_efficiency import response_latencies_ms
from stochhh.analysis.setup import Setup
from stochhh.result import Result
from stochhh.studies.signals import finished_trains

Floats = NDArray[np.float64]


def amplitudes(setups: Sequence[Setup], index: int) -> tuple[Floats, str]:
    """Amplitude of one stimulus at each point, (n,), as a number of the unit it is written in."""
    return numbers_of_one_unit([stimulus_at(setup, index).amplitude.text for setup in setups])


def amplitude_label(setups: Sequence[Setup], index: int) -> str:
    """Name of an axis of amplitudes, with their unit."""
    key = f"stimulus.{index}.amplitude"
    return axis_label(key, amplitudes(setups, index)[1])


def pulse_responses(
    result: Result,
    points: Sequence[int],
    amplitude: Floats,
    windows: Sequence[tuple[float, float]],
    place: Mapping[str, Any],
    n_channels: int,
    first_ms: float | None = None,
) -> EfficiencyCurve:
    """Latencies of the spikes that pulses of rising amplitudes made.

    Parameters
    ----------
    points : of the sweep, one an amplitude
    amplitude : (K,)
    windows : of each point its pulse's start, and how long spikes are waited for (ms)
    place, n_channels : of the curve
    first_ms : start of a pulse before; only trials with a spike between both count
    """

    def latencies(trains: Sequence[Floats], onset: float, within: float) -> Floats:
        if first_ms is not None:
            trains = [t for t in trains if np.any((t >= first_ms) & (t < onset))]
        return response_latencies_ms(trains, onset, within)

    pairs = list(zip(points, windows, strict=True))
    made = [latencies(finished_trains(result, k), *window) for k, window in pairs]
    alone = None
    if result.has_deterministic:
        courses = [latencies(result.spike_trains(k, True), *window) for k, window in pairs]
        alone = np.array([course[0] if len(course) else np.nan for course in courses])
    return EfficiencyCurve(
        place=dict(place),
        n_channels=n_channels,
        amplitude=amplitude,
        latencies_ms=tuple(made),
        deterministic_ms=alone,
        bracket=None if alone is None else first_firing(amplitude, np.isfinite(alone)),
    )
