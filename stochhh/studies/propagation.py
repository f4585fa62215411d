"""Impulses along a cell of a circuit: velocity, scatter of arrival times, and their fates.

As Faisal & Laughlin 2007, doi:10.1371/journal.pcbi.0030079, sort them.
"""

from __future__ import annotations

import csv
from pathlib import Path as FilePath
from typing import NamedTuple

import numpy as np
import xarray as xr

from stochhh.analysis.cells import Path, cell_names, is_uniform, main_path, velocity_m_per_s
from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.propagation import (
    Fates,
    Jitter,
    arrival_jitter,
    fates,
    poisson_rate,
)
from stochhh.analysis.waves import Floats, Ints, Wave, find_waves, silent_places
from stochhh.errors import InputError
from stochhh.plot.propagation import draw_propagation
from stochhh.result import limit_label
from stochhh.scenario.studies.circuits import PropagationStudy
from stochhh.studies.circuits import CircuitOccasion
from stochhh.studies.study import Findings, Numbers, Row, Study, named
from stochhh.writing import replacing

_REFERENCE, _NEAREST = 0.15, 0.25  # of the way from the stimulus: free of it
_END = 0.9  # of the way: free of the sealed end
_BACKWARDS = 0.75  # of the way: impulses that begin beyond are followed to the start
_AT_END = 0.1  # of the way: a stimulus as near to an end is at it
_FEWEST = 5  # places
_FEW = 0.05  # of the impulses
_PLACES = 12  # of the curve of jitter


class Propagation(NamedTuple):
    """What the picture and the files are made of."""

    path: Path  # where waves were looked for
    way: Path  # the whole
    waves: list[Wave]
    fates: Fates
    jitter: Jitter | None
    is_uniform: bool
    bridged_um: tuple[float, float] | None  # stretch whose threshold impulses do not cross
    deterministic_ms: Floats | None  # of the first that goes anywhere
    deterministic: list[Wave]
    limit_name: str
    n_trials: int
    duration_ms: float


def compute(occasion: CircuitOccasion) -> Findings:
    """Find the waves along a cell's main path and sort them by their fates."""
    data, circuit = occasion.data, occasion.circuit
    settings: PropagationStudy = occasion.settings
    cell = settings.cell or cell_names(data)[0]
    if cell not in cell_names(data):
        raise InputError(f"cell: no cell '{cell}'; there are {', '.join(cell_names(data))}")
    way = main_path(data, cell)
    path = way.only(way.nodes)
    n = len(path.compartment)
    if n < _FEWEST:
        what = "compartments" if n == len(way.compartment) else "nodes"
        raise InputError(f"'{cell}' has {n} {what} along its way; need at least {_FEWEST}")
    evoked_ms, origin, window = _evoked(occasion, cell, way, path)
    trials = data["trial"].values
    waves = find_waves(data, path)
    begin = max(int(origin[0]), 0) if len(origin) else 0
    start = float(path.position_um[begin] / path.position_um[-1])
    start = 0.0 if start < _AT_END else 1.0 if start > 1 - _AT_END else start
    goal = 0.0 if start > _BACKWARDS else 1.0
    reference, nearest, end = (
        _place(path, start + part * (goal - start)) for part in (_REFERENCE, _NEAREST, _END)
    )
    if goal == 1.0:
        end = _place(path, _END)
    reach = max(int(settings.reach * n), 1)
    split = float(settings.split_ms)
    found = fates(waves, trials, evoked_ms, origin, reach, end, window, split)
    came = [
        wave
        for wave, arrived in zip(found.evoked, found.arrived, strict=True)
        if wave is not None and arrived
    ]
    places = np.unique(np.linspace(nearest, end, _PLACES).astype(int))
    if goal == 0.0:
        places = places[::-1]
    stimulus = np.tile(np.arange(len(evoked_ms)), len(trials))[found.arrived]
    if came:  # but not where impulses stay below the threshold
        seen = np.array([[wave.at(place) for wave in came] for place in places])
        places = places[(np.isnan(seen).mean(axis=1) < _FEW) & (places != reference)]
    limits = []
    if "deterministic_spike_time" in data:
        limits = [one for one in find_waves(data, path, deterministic=True) if one.last > one.first]
    jitter = arrival_jitter(came, path.position_um, reference, places, stimulus)
    study = Propagation(
        path=path,
        way=way,
        waves=waves,
        fates=found,
        jitter=jitter,
        is_uniform=is_uniform(data, path),
        bridged_um=_below(data, path),
        deterministic_ms=_first(limits, path) if "deterministic_spike_time" in data else None,
        deterministic=limits,
        limit_name=limit_label(data.attrs),
        n_trials=len(trials),
        duration_ms=float(circuit.run.duration_ms),
    )
    given = {key: data.attrs[key] for key in ("deterministic_given",) if key in data.attrs}
    return Findings(_numbers(study, came) | given, study)


def _below(data: xr.Dataset, path: Path) -> tuple[float, float] | None:
    """Stretch of a path that most impulses pass below the threshold."""
    silent = silent_places(data, path)
    if not len(silent):
        return None
    low, high = path.position_um[[silent[0], silent[-1]]]
    return float(low), float(high)


def _first(waves: list[Wave], path: Path) -> Floats:
    """When the first of some impulses passes each place; NaN where it does not."""
    passage = np.full(len(path.compartment), np.nan)
    for wave in waves[:1]:
        passage[wave.first : wave.last + 1] = wave.passage_ms
    return passage


def _evoked(
    occasion: CircuitOccasion, cell: str, way: Path, path: Path
) -> tuple[Floats, Ints, Floats]:
    """When stimuli begin, where along the path (-1: everywhere), and windows of what they begin."""
    settings = occasion.settings
    circuit, data = occasion.circuit, occasion.data
    mine = [
        (index, one)
        for index, one in enumerate(circuit.stimulus)
        if (one.cell or circuit.cell[0].name) == cell and getattr(one, "start_ms", None) is not None
    ]
    window = float(settings.window_ms)
    begun: list[tuple[float, int, float]] = []
    for index, one in mine:
        start, count = float(getattr(one, "start_ms", 0.0)), getattr(one, "count", 1)
        interval = float(getattr(one, "interval_ms", 0.0) or 0.0)
        lasts = min(float(getattr(one, "duration_ms", 0.0) or 0.0), window)
        origin = _origin(data, way, path, index, one.at)
        begun.extend((start + interval * k, origin, window + lasts) for k in range(count))
    if settings.evoked_ms is not None:
        like = begun[0] if begun else (0.0, 0, window)
        begun = [(float(time), *like[1:]) for time in settings.evoked_ms]
    times, origins, windows = np.array(sorted(begun), dtype=np.float64).reshape(-1, 3).T
    return times, origins.astype(np.int64), windows


def _origin(data: xr.Dataset, way: Path, path: Path, index: int, at: str | None) -> int:
    """Place along the path that is nearest to a stimulus."""
    if "stimulus_compartment" not in data:  # of an older result
        part = {"end": 1.0, "middle": 0.5}.get(at or "start", 0.0)
        return _place(path, part)
    here = int(data["stimulus_compartment"].values[index])
    if here < 0:
        return -1
    parent = data["parent"].values
    while here not in way.compartment:  # on a side branch
        here = int(parent[here])
    return int(np.argmin(np.abs(path.position_um - data["position"].values[here])))


def _place(path: Path, part: float) -> int:
    return int(np.argmin(np.abs(path.position_um - part * path.position_um[-1])))


def _numbers(study: Propagation, came: list[Wave]) -> Numbers:
    found, path = study.fates, study.path
    began = [wave for wave in found.evoked if wave is not None]
    speeds = _velocities(study, came)
    seconds = 1e-3 * study.n_trials * study.duration_ms
    rate, low, high = poisson_rate(len(found.spontaneous), seconds)
    length_mm = 1e-3 * float(path.position_um[-1])
    limit = None
    if study.deterministic_ms is not None:
        speed = float(_speed(study, study.deterministic_ms))
        limit = speed if np.isfinite(speed) else None
    jitter = study.jitter
    scatter: Numbers = {"jitter_ms": None, "jitter_exponent": None}
    if jitter is not None:
        scatter = {
            "jitter_ms": float(jitter.sd_ms[-1]),
            "jitter_ms_ci": [float(jitter.low_ms[-1]), float(jitter.high_ms[-1])],
            "jitter_distance_um": float(jitter.distance_um[-1]),
            **named("jitter_exponent", jitter.exponent, 0.5 if study.is_uniform else None),
        }
    return {
        "cell": path.cell,
        **({"bridged_um": list(study.bridged_um)} if study.bridged_um else {}),
        "stimuli": len(found.evoked),
        "began": len(began),
        "arrived": int(found.arrived.sum()),
        "deleted": len(found.deleted),
        "spontaneous": len(found.spontaneous),
        "added": len(found.added),
        "split": len(found.split),
        "collisions": found.collisions,
        **named("velocity_m_per_s", mean_estimate(speeds, lowest=0.0)),
        "velocity_m_per_s_deterministic": limit,
        **scatter,
        "spontaneous_rate_hz": rate,
        "spontaneous_rate_hz_ci": [low, high],
        "spontaneous_rate_hz_per_mm": rate / length_mm,
    }


def _velocities(study: Propagation, came: list[Wave]) -> Floats:
    passages = np.full((len(came), len(study.path.compartment)), np.nan)
    for row, wave in zip(passages, came, strict=True):
        row[wave.first : wave.last + 1] = wave.passage_ms
    return _speed(study, passages) if came else np.zeros(0)


def _speed(study: Propagation, passages_ms: Floats) -> Floats:
    """Velocities of passages of the path, as those of the whole way."""
    way = study.way
    whole = np.full((*passages_ms.shape[:-1], len(way.compartment)), np.nan)
    whole[..., np.isin(way.compartment, study.path.compartment)] = passages_ms
    return velocity_m_per_s(way, whole)


def rows(numbers: Numbers) -> list[Row]:
    """Lines of the printed table."""
    evoked = [
        Row("stimuli", "stimuli"),
        Row("impulses they began", "began"),
        Row("arrived", "arrived"),
        Row("deleted on the way", "deleted"),
        Row("conduction velocity (m/s)", "velocity_m_per_s"),
        Row(f"{limit_label(numbers)}: its velocity (m/s)", "velocity_m_per_s_deterministic"),
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
    if "bridged_um" in numbers:
        low, high = numbers["bridged_um"]
        text = (
            f"From {low:.0f} to {high:.0f} µm impulses pass below the threshold of spikes; they "
            "are followed across. "
        )
    if numbers["stimuli"]:
        text += f"{numbers['arrived']} of {numbers['began']} impulses arrived. "
    if numbers["jitter_ms"] is not None:
        text += f"Arrival times scatter by {numbers['jitter_ms']:.3g} ms. "
    if numbers["spontaneous"]:
        text += f"{numbers['spontaneous']} began by themselves."
    return text.strip()


STUDY = Study("Propagation", compute, draw_propagation, rows, write, says)
