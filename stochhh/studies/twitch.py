"""Force of a muscle fibre of a circuit, from the impulses that pass its middle."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochhh.analysis.cells import cell_names, main_path, passages
from stochhh.analysis.estimates import count_estimate, mean_estimate
from stochhh.analysis.twitch import fibre_force
from stochhh.plot.twitch import draw_twitch
from stochhh.result import limit_label
from stochhh.scenario.studies.circuits import TwitchStudy
from stochhh.studies.circuits import CircuitOccasion
from stochhh.studies.study import Findings, Numbers, Row, Study, named
from stochhh.writing import replacing

_SAMPLES = 400
_AFTER = 5.0  # contraction times after the last moment of the run


class Force(NamedTuple):
    """What the picture and the files are made of. n times."""

    cell: str
    time_ms: Any  # (n,) reaches beyond the run, which a twitch outlasts
    force: Any  # (trials, n) in peaks of a single twitch
    impulses: list[Any]
    deterministic: Any  # (n,), or None
    limit_name: str


def compute(occasion: CircuitOccasion) -> Findings:
    """Add up the twitches that a fibre's impulses make."""
    data, settings = occasion.data, occasion.settings
    assert isinstance(settings, TwitchStudy)
    cell = settings.cell or cell_names(data)[-1]
    path = main_path(data, cell)
    middle = int(path.compartment[len(path.compartment) // 2])
    contraction = float(settings.contraction_ms)
    delay = 0.0 if settings.delay_ms is None else float(settings.delay_ms)
    time = np.linspace(0.0, occasion.result.duration_ms + _AFTER * contraction, _SAMPLES)
    trains = passages(data, middle)
    force = np.array([fibre_force(time, train, contraction, delay) for train in trains])
    limit = None
    if "deterministic_spike_time" in data:
        train = passages(data, middle, deterministic=True)[0]
        limit = fibre_force(time, train, contraction, delay)
    study = Force(cell, time, force, trains, limit, limit_label(data.attrs))
    return Findings(force_numbers(study), study)


def force_numbers(study: Force) -> Numbers:
    """How many trials contracted, and of those the largest force and when it came."""
    peaks = study.force.max(axis=1)
    came = peaks > 0.0
    return {
        "cell": study.cell,
        "trials": len(study.impulses),
        "contracted": int(np.sum(came)),
        **named("impulses", count_estimate([len(t) for t in study.impulses])),
        **named("peak_force", mean_estimate(peaks[came], lowest=0.0)),
        **named("peak_ms", mean_estimate(study.time_ms[study.force.argmax(axis=1)][came], 0.0)),
    }


def rows(numbers: Numbers) -> list[Row]:
    """Lines of the printed table."""
    return [
        Row("trials", "trials"),
        Row("  in which the fibre contracted", "contracted"),
        Row("impulses of the fibre, a trial", "impulses"),
        Row("largest force where it contracted (peaks of one twitch)", "peak_force"),
        Row("  its time (ms)", "peak_ms"),
    ]


def write(findings: Findings, stem: Path) -> list[Path]:
    """Write the force of each trial over time."""
    study: Force = findings.data
    path = stem.with_name(f"{stem.name}_force.csv")
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["time_ms", *(f"trial_{k}" for k in range(len(study.force)))])
        out.writerows(np.column_stack([study.time_ms, study.force.T]).tolist())
    return [path]


def says(numbers: Numbers) -> str:
    """Say in how many trials the fibre contracted."""
    return f"The fibre contracted in {numbers['contracted']} of {numbers['trials']} trials."


STUDY = Study("Twitch", compute, draw_twitch, rows, write, says)
