"""The study `single_channel`: tagged channels as an amplifier records them, and files of both.

The recorded trace is what an experimenter has; the idealised one is what the channel
did. A Bessel filter hides what is shorter than about 0.179 of the inverse of its
corner (Colquhoun & Sigworth 1995, Single-Channel Recording, ch. 19).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.estimates import share_estimate
from stochhh.analysis.records import (
    Trace,
    recorded_trace,
    write_dwt,
    write_events_csv,
    write_traces_csv,
)
from stochhh.analysis.single_channel import (
    Idealised,
    dwell_times_ms,
    idealise,
    open_probability,
)
from stochhh.plot.single_channel import record_figure
from stochhh.studies.signals import population_of
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, named

Floats = NDArray[np.float64]

_AMPLIFIER = 0x5C  # the stream of the amplifier's noise, beside those of the trials
_DEAD_TIME = 0.179  # of 1/corner, the pulse that reaches half its height
_MOST_SHOWN = 6


class _Records(NamedTuple):
    idealised: list[Idealised]
    traces: list[Trace]
    trials: list[int]
    unitary_pA: float | None
    noise_rms_pA: float
    sampling_ms: float


def compute(occasion: Occasion) -> Findings:
    """Idealise every followed channel, and record some together in the first sweeps."""
    settings, result = occasion.settings, occasion.result
    start, end = float(settings.start_ms), float(settings.end_ms)
    population = population_of(occasion, settings.population)
    idealised = idealise(result, population.name, occasion.point, start, end)
    trials = sorted({record.trial for record in idealised})[: settings.sweeps]
    traces = [
        recorded_trace(
            result,
            population.name,
            rng=_amplifier(result.seed, occasion.point, trial),
            corner_khz=float(settings.corner_per_ms),
            interval_ms=float(settings.interval_ms),
            noise_rms_pA=float(settings.noise_rms_pA),
            poles=settings.poles,
            channels=range(settings.channels),
            trial=trial,
            point=occasion.point,
            start_ms=start,
            end_ms=end,
        )
        for trial in trials
    ]
    voltage = _longest_voltage_mV(occasion, start, end)
    unitary = None
    if voltage is not None:
        unitary = population.conductance_nS * (voltage - population.reversal_mV)
    noise = float(settings.noise_rms_pA)
    numbers: Numbers = {
        "population": population.name,
        "start_ms": start,
        "end_ms": end,
        "records": len(idealised),
        "corner_khz": float(settings.corner_per_ms),
        "interval_ms": float(settings.interval_ms),
        "noise_rms_pA": noise,
        "unitary_current_pA_theory": unitary,
        "unitary_over_noise_theory": (
            abs(unitary) / noise if unitary is not None and noise else None
        ),
        **named("open_probability", open_probability(idealised)),
        "dead_time_ms": _DEAD_TIME / float(settings.corner_per_ms),
    }
    for name in ("open", "shut"):
        times = dwell_times_ms(idealised, "open" if name == "open" else "shut")
        hidden = int((times < numbers["dead_time_ms"]).sum())
        numbers[f"{name}_times"] = len(times)
        numbers |= named(f"{name}_times_hidden", share_estimate(hidden, len(times)))
    sampling = float(settings.interval_ms)
    return Findings(numbers, _Records(idealised, traces, trials, unitary, noise, sampling))


def draw(findings: Findings, title: str) -> Figure:
    """Draw the recorded sweeps over the idealised ones."""
    data: _Records = findings.data
    labels = [f"trial {trial}" for trial in data.trials]
    shown = slice(0, _MOST_SHOWN)
    return record_figure(data.traces[shown], labels[shown], title, data.unitary_pA or 0.0)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    return [
        Row("current of one channel (pA)", "unitary_current_pA"),
        Row("… over the noise of the record", "unitary_over_noise"),
        Row(f"open probability, {numbers['records']} records", "open_probability"),
        Row("shortest pulse the filter shows (ms)", "dead_time_ms"),
        Row(f"share of {numbers['open_times']} open times it hides", "open_times_hidden"),
        Row(f"share of {numbers['shut_times']} shut times it hides", "shut_times_hidden"),
    ]


def write(findings: Findings, path: Path) -> list[Path]:
    """Write the idealised records as ``.dwt`` and CSV, the recorded traces as CSV."""
    data: _Records = findings.data
    dwells = write_dwt(
        path.with_name(f"{path.name}.dwt"),
        data.idealised,
        data.sampling_ms,
        1.0 if data.unitary_pA is None else data.unitary_pA,
        data.noise_rms_pA,
    )
    events = write_events_csv(path.with_name(f"{path.name}_events.csv"), data.idealised)
    traces = path.with_name(f"{path.name}_traces.csv")
    return [dwells, events, write_traces_csv(traces, data.traces, data.trials)]


def _amplifier(seed: int, point: int, trial: int) -> np.random.Generator:
    """Noise of one sweep: the same whenever the study is made of the same run."""
    key = (point, trial, _AMPLIFIER)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _longest_voltage_mV(occasion: Occasion, start: float, end: float) -> float | None:
    """Voltage of the longest held stretch between two times."""
    best, found = 0.0, None
    for piece in occasion.setup.pieces:
        length = min(piece.end_ms, end) - max(piece.start_ms, start)
        if piece.first_mV == piece.last_mV and length > best:
            best, found = length, piece.first_mV
    return found


STUDY = Study("Single channels", compute, draw, rows, write)
