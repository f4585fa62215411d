"""Quanta of a synapse of a circuit: how many vesicles a spike releases, counted in four ways.

After del Castillo & Katz 1954, doi:10.1113/jphysiol.1954.sp005129.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochhh.analysis.cells import passages
from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.quantal import (
    Content,
    by_amplitude,
    by_count,
    by_failures,
    by_variance,
    dispersion,
    response_mV,
    without_saturation,
)
from stochhh.errors import InputError
from stochhh.plot.quantal import draw_quantal
from stochhh.scenario.studies.circuits import QuantalStudy
from stochhh.studies.circuits import CircuitOccasion
from stochhh.studies.study import Findings, Numbers, Row, Study, named
from stochhh.writing import replacing

_FEWEST_SPIKES = 5
_QUIET = 4  # windows before a vesicle without another, for its response to stand alone


class Quanta(NamedTuple):
    """What the picture and the files are made of. n spikes of the terminal."""

    synapse: str
    released: Any  # (n,) vesicles of each spike
    response_mV: Any  # (n,) of the next cell, NaN where it was not recorded or it fired
    quantum_mV: Any  # (k,) responses to single spontaneous vesicles
    delay_ms: Any  # of evoked vesicles
    probability: float
    sites: int


def compute(occasion: CircuitOccasion) -> Findings:
    """Count the vesicles of each spike of the terminal, and measure what they did."""
    data, settings = occasion.data, occasion.settings
    assert isinstance(settings, QuantalStudy)
    tables = {one.name: one for one in occasion.circuit.synapse}
    if not tables:
        raise InputError("the circuit has no synapse")
    name = settings.synapse or next(iter(tables))
    if name not in tables:
        raise InputError(f"synapse: no synapse '{name}'; there are {', '.join(tables)}")
    number, table = list(tables).index(name), tables[name]
    mine = data["release_synapse"].values == number
    released, delays = _released(occasion, mine)
    if len(released) < _FEWEST_SPIKES:
        raise InputError(f"{len(released)} spikes reached '{name}'; need {_FEWEST_SPIKES}")
    force = _driving_force(occasion, number)
    responses, quanta = _responses(occasion, number, mine, float(settings.window_ms), force)
    study = Quanta(
        name,
        released,
        responses,
        quanta,
        delays,
        float(table.release.probability),
        int(table.release.sites),
    )
    return Findings(_numbers(study), study)


def _released(occasion: CircuitOccasion, mine: Any) -> tuple[Any, Any]:
    """Vesicles of each spike of the terminal, (n,), and delays of all of them."""
    data = occasion.data
    spike, trial = data["release_spike"].values, data["release_trial"].values
    evoked = mine & np.isfinite(spike)
    counts: list[int] = []
    for one, times in zip(data["trial"].values, _spikes(occasion), strict=True):
        own = spike[evoked & (trial == one)]
        counts.extend(int(np.sum(np.abs(own - when) < 1e-9)) for when in times)
    return np.array(counts, dtype=float), (data["release_time"].values - spike)[evoked]


def _spikes(occasion: CircuitOccasion) -> list[Any]:
    """Spikes of the terminal in each trial, those whose vesicles had no time to come left out."""
    data = occasion.data
    settings = occasion.settings
    name = settings.synapse or occasion.circuit.synapse[0].name
    number = [one.name for one in occasion.circuit.synapse].index(name)
    last = occasion.result.duration_ms - float(settings.window_ms)
    trains = passages(data, int(data["synapse_source"].values[number]))
    return [train[train < last] for train in trains]


def _driving_force(occasion: CircuitOccasion, number: int) -> float:
    target = int(occasion.data["synapse_target"].values[number])
    rest = float(occasion.data["resting_voltage"].values[target])
    return float(occasion.circuit.synapse[number].receptors.reversal_mV) - rest


def _responses(
    occasion: CircuitOccasion, number: int, mine: Any, window_ms: float, force_mV: float
) -> tuple[Any, Any]:
    """Responses of the next cell to each spike, and to single vesicles that came by themselves."""
    data = occasion.data
    target = int(data["synapse_target"].values[number])
    places = np.nonzero(data["place_compartment"].values == target)[0]
    if "voltage" not in data or not len(places):
        return np.zeros(0), np.zeros(0)
    time = data["time"].values
    voltage = data["voltage"].values[:, :, places[0]]
    when, owner = data["release_time"].values[mine], data["release_trial"].values[mine]
    alone = ~np.isfinite(data["release_spike"].values[mine])
    fired = passages(data, target)
    responses, quanta = [], []
    for row, (trial, spikes) in enumerate(
        zip(data["trial"].values, _spikes(occasion), strict=True)
    ):
        for spike in spikes:
            found = response_mV(time, voltage[row], float(spike), window_ms)
            upset = np.any((fired[row] > spike) & (fired[row] < spike + window_ms))
            responses.append(np.nan if upset else found)
        here = when[owner == trial]
        for release in when[(owner == trial) & alone]:
            near = (here > release - _QUIET * window_ms) & (here < release + window_ms)
            others = np.sum(near)
            enough = _QUIET * window_ms < release < time[-1] - window_ms
            if others == 1 and enough:
                quanta.append(response_mV(time, voltage[row], float(release), window_ms))
    known = np.array(quanta)[np.isfinite(quanta)] if quanta else np.zeros(0)
    return (
        without_saturation(np.array(responses), force_mV),
        without_saturation(known, force_mV),
    )


def _numbers(study: Quanta) -> Numbers:
    released = study.released
    n_failures = int(np.sum(released == 0))
    known = study.response_mV[np.isfinite(study.response_mV)]
    quantum_cv = (
        float(study.quantum_mV.std(ddof=1) / study.quantum_mV.mean())
        if (len(study.quantum_mV) > 1)
        else 0.0
    )
    ratio, p_value = dispersion(released)
    theory = study.sites * study.probability
    certain = study.probability == 1.0
    by_zeros = np.inf if certain else -study.sites * float(np.log1p(-study.probability))
    return {
        "synapse": study.synapse,
        "spikes": len(released),
        "failures": n_failures,
        **_content("content_by_count", by_count(released), theory),
        **_content("content_by_failures", by_failures(len(released), n_failures), by_zeros),
        **_content("content_by_amplitude", by_amplitude(known, study.quantum_mV), theory),
        **_content(
            "content_by_variance",
            by_variance(known, quantum_cv),
            np.inf if certain else theory / (1.0 - study.probability),
        ),
        "variance_over_mean": ratio,
        "variance_over_mean_theory": 1.0 - study.probability,
        "poisson_p_value": p_value,
        "spontaneous_quanta": len(study.quantum_mV),
        **named("quantum_mV", mean_estimate(study.quantum_mV)),
        **named("response_mV", mean_estimate(known)),
        **named("delay_ms", mean_estimate(study.delay_ms)),
    }


def _content(name: str, content: Content | None, theory: float) -> Numbers:
    if content is None:
        return {name: None, f"{name}_ci": None, f"{name}_theory": theory}
    return {
        name: content.value,
        f"{name}_ci": list(content.interval),
        f"{name}_theory": theory,
    }


def rows(numbers: Numbers) -> list[Row]:
    """Lines of the printed table."""
    return [
        Row("spikes of the terminal", "spikes"),
        Row("  that released nothing", "failures"),
        Row("quantal content, by counting vesicles", "content_by_count"),
        Row("  by failures, ln(N/N₀)", "content_by_failures"),
        Row("  by mean response over mean quantum", "content_by_amplitude"),
        Row("  by variance of responses", "content_by_variance"),
        Row("variance over mean of the numbers", "variance_over_mean"),
        Row("p-value of a Poisson law", "poisson_p_value"),
        Row("response to one vesicle (mV)", "quantum_mV"),
        Row("response to a spike (mV)", "response_mV"),
        Row("synaptic delay (ms)", "delay_ms"),
    ]


def write(findings: Findings, stem: Path) -> list[Path]:
    """Write one row a spike: vesicles and response."""
    study: Quanta = findings.data
    path = stem.with_name(f"{stem.name}_spikes.csv")
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["vesicles", "response_mV"])
        responses = study.response_mV if len(study.response_mV) else [np.nan] * len(study.released)
        out.writerows(zip(study.released.astype(int), responses, strict=True))
    return [path]


def says(numbers: Numbers) -> str:
    """Say how the ways of counting agree."""
    failures = numbers["content_by_failures"]
    if failures is None:
        return ""
    return (
        f"Failures tell of {failures:.2f} vesicles a spike, counting of "
        f"{numbers['content_by_count']:.2f}."
    )


STUDY = Study("Quantal release", compute, draw_quantal, rows, write, says)
