"""Impulses along a cell of a circuit: velocity, scatter of arrival times, and their fates.

As Faisal & Laughlin 2007, doi:10.1371/journal.pcbi.0030079, sort them.
"""

from __future__ import annotations

import csv
from pathlib import Path as FilePath
from typing import NamedTuple

import numpy as np

from stochhh.analysis.cells import Path, cell_names, first_passages, main_path, velocity_m_per_s
from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.propagation import (
    Fates,
    Jitter,
    arrival_jitter,
    fates,
    poisson_rate,
)
from stochhh.analysis.waves import Floats, Ints, Wave, find_waves
from stochhh.errors import InputError
from stochhh.plot.propagation import draw_propagation
from stochhh.scenario.studies.circuits import PropagationStudy
from stochhh.studies.circuits import CircuitOccasion
from stochhh.studies.study import Findings, Numbers, Row, Study, named
from stochhh.writing import replacing

_REFERENCE, _END = 0.15, 0.9  # of the way: free of the stimulus, and of the sealed end
_PLACES = 12  # of the curve of jitter


class Propagation(NamedTuple):
    """What the picture and the files are made of."""

    path: Path
    waves: list[Wave]
    fates: Fates
    jitter: Jitter | None
    deterministic_ms: Floats | None
    n_trials: int
    duration_ms: float


def compute(occasion: CircuitOccasion) -> Findings:
    """Find the waves along a cell's main path and sort them by their fates."""
    data, circuit = occasion.data, occasion.circuit
    settings: PropagationStudy = occasion.settings
    cell = settings.cell or cell_names(data)[0]
    if cell not in cell_names(data):
        raise InputError(f"cell: no cell '{cell}'; there are {', '.join(cell_names(data))}")
    path = main_path(data, cell)
    n = len(path.compartment)
    if n < 5:
        raise InputError(f"'{cell}' has {n} compartments along its way; need at least 5")
    evoked_ms, origin = _evoked(occasion, cell, path)
    trials = data["trial"].values
    waves = find_waves(data, path)
    end = _place(path, _END)
    reach = max(int(settings.reach * n), 1)
    window, split = float(settings.window_ms), float(settings.split_ms)
    found = fates(waves, trials, evoked_ms, origin, reach, end, window, split)
    came = [
        wave
        for wave, arrived in zip(found.evoked, found.arrived, strict=True)
        if wave is not None and arrived
    ]
    reference = _place(path, _REFERENCE)
    places = np.unique(np.linspace(_place(path, 0.25), end, _PLACES).astype(int))
    stimulus = np.tile(np.arange(len(evoked_ms)), len(trials))[found.arrived]
    jitter = arrival_jitter(came, path.position_um, reference, places, stimulus)
    limit = None
    if "deterministic_spike_time" in data:
        limit = first_passages(data, path, deterministic=True)
    study = Propagation(
        path, waves, found, jitter, limit, len(trials), float(circuit.run.duration_ms)
    )
    return Findings(_numbers(study, came), study)


def _evoked(occasion: CircuitOccasion, cell: str, path: Path) -> tuple[Floats, int]:
    """Times of the stimuli and where along the path they act."""
    settings = occasion.settings
    circuit = occasion.circuit
    mine = [
        one
        for one in circuit.stimulus
        if (one.cell or circuit.cell[0].name) == cell and getattr(one, "start_ms", None) is not None
    ]
    origin = 0
    if mine and mine[0].at == "end":
        origin = len(path.compartment) - 1
    elif mine and mine[0].at == "middle":
        origin = len(path.compartment) // 2
    if settings.evoked_ms is not None:
        return np.array([float(time) for time in settings.evoked_ms]), origin
    times: list[float] = []
    for one in mine:
        start, count = float(getattr(one, "start_ms", 0.0)), getattr(one, "count", 1)
        interval = float(getattr(one, "interval_ms", 0.0) or 0.0)
        times.extend(start + interval * k for k in range(count))
    return np.array(sorted(times)), origin


def _place(path: Path, part: float) -> int:
    return int(np.argmin(np.abs(path.position_um - part * path.position_um[-1])))


def _numbers(study: Propagation, came: list[Wave]) -> Numbers:
    found, path = study.fates, study.path
    began = [wave for wave in found.evoked if wave is not None]
    passages = np.full((len(came), len(path.compartment)), np.nan)
    for row, wave in zip(passages, came, strict=True):
        row[wave.first : wave.last + 1] = wave.passage_ms
    speeds = velocity_m_per_s(path, passages) if came else np.zeros(0)
    seconds = 1e-3 * study.n_trials * study.duration_ms
    rate, low, high = poisson_rate(len(found.spontaneous), seconds)
    length_mm = 1e-3 * float(path.position_um[-1])
    limit = None
    if study.deterministic_ms is not None:
        speed = float(velocity_m_per_s(path, study.deterministic_ms))
        limit = speed if np.isfinite(speed) else None
    jitter = study.jitter
    scatter: Numbers = {"jitter_ms": None, "jitter_exponent": None}
    if jitter is not None:
        scatter = {
            "jitter_ms": float(jitter.sd_ms[-1]),
            "jitter_ms_ci": [float(jitter.low_ms[-1]), float(jitter.high_ms[-1])],
            "jitter_distance_um": float(jitter.distance_um[-1]),
            "jitter_exponent": jitter.exponent,
            "jitter_exponent_ci": [
                jitter.exponent - 1.96 * jitter.exponent_error,
                jitter.exponent + 1.96 * jitter.exponent_error,
            ],
            "jitter_exponent_theory": 0.5,
        }
    return {
        "cell": path.cell,
        "stimuli": len(found.evoked),
        "began": len(began),
        "arrived": int(found.arrived.sum()),
        "deleted": len(found.deleted),
        "spontaneous": len(found.spontaneous),
        "added": len(found.added),
        "split": len(found.split),
        "collisions": found.collisions,
        **named("velocity_m_per_s", mean_estimate(speeds)),
        "velocity_m_per_s_deterministic": limit,
        **scatter,
        "spontaneous_rate_hz": rate,
        "spontaneous_rate_hz_ci": [low, high],
        "spontaneous_rate_hz_per_mm": rate / length_mm,
    }


def rows(numbers: Numbers) -> list[Row]:
    """Lines of the printed table."""
    evoked = [
        Row("stimuli", "stimuli"),
        Row("impulses they began", "began"),
        Row("arrived", "arrived"),
        Row("deleted on the way", "deleted"),
        Row("conduction velocity (m/s)", "velocity_m_per_s"),
        Row("deterministic velocity (m/s)", "velocity_m_per_s_deterministic"),
    ]
    scatter = [
        Row(f"SD of arrival after {numbers.get('jitter_distance_um', 0):.0f} µm (ms)", "jitter_ms"),
        Row("exponent of its growth with distance", "jitter_exponent"),
    ]
    return [
        *(evoked if numbers["stimuli"] else []),
        *(scatter if numbers["jitter_ms"] is not None else []),
        Row("spontaneous impulses", "spontaneous"),
        Row("  that arrived: added", "added"),
        Row("  just behind another: split", "split"),
        Row("collisions", "collisions"),
        Row("spontaneous rate (/s)", "spontaneous_rate_hz"),
    ]


def write(findings: Findings, stem: FilePath) -> list[FilePath]:
    """Write one row a wave: where and when it began, where it ended, what it was."""
    study: Propagation = findings.data
    path = stem.with_name(f"{stem.name}_waves.csv")
    position = study.path.position_um
    evoked = {id(wave) for wave in study.fates.evoked if wave is not None}
    split = {id(wave) for wave in study.fates.split}
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["trial", "kind", "begin_ms", "origin_um", "first_um", "last_um"])
        for wave in study.waves:
            kind = "evoked" if id(wave) in evoked else "spontaneous"
            kind = "split" if id(wave) in split else kind
            places: Ints = np.array([wave.origin, wave.first, wave.last])
            out.writerow([wave.trial, kind, wave.begin_ms, *position[places]])
    return [path]


def says(numbers: Numbers) -> str:
    """Say how many impulses got through and how their times scatter."""
    text = ""
    if numbers["stimuli"]:
        text = f"{numbers['arrived']} of {numbers['began']} impulses arrived. "
    if numbers["jitter_ms"] is not None:
        text += f"Arrival times scatter by {numbers['jitter_ms']:.3g} ms. "
    if numbers["spontaneous"]:
        text += f"{numbers['spontaneous']} began by themselves."
    return text.strip()


STUDY = Study("Propagation", compute, draw_propagation, rows, write, says)
