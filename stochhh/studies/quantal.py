"""Quanta of a synapse of a circuit: how many vesicles a spike releases, counted in four ways.

After del Castillo & Katz 1954, doi:10.1113/jphysiol.1954.sp005129.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochhh.analysis.cells import passages
from stochhh.analysis.estimates import Estimate, mean_estimate
from stochhh.analysis.quantal import (
    by_amplitude,
    by_count,
    by_failures,
    by_variance,
    dispersion,
    without_saturation,
)
from stochhh.analysis.release import (
    Sites,
    expected_counts,
    full_share,
    vesicles_of_spikes,
)
from stochhh.analysis.responses import courses, read, responses
from stochhh.errors import InputError
from stochhh.plot.quantal import draw_quantal
from stochhh.scenario.studies.circuits import QuantalStudy
from stochhh.scenario.synapses import Synapse
from stochhh.studies.circuits import CircuitOccasion
from stochhh.studies.study import Findings, Numbers, Row, Study, named
from stochhh.writing import replacing

_FEWEST_SPIKES = 5
_FEWEST_BLANKS = 10  # to tell the variance of noise
_QUIET = 4  # windows before an event without another, for it to stand alone
_UPSTROKE_MS = 2.0  # at most, from the foot of a spike of the target to its threshold
_FEW_FIRED = 0.02  # of responses may become spikes: without them others are no fair sample
_FULL = 0.9  # of sites: with fewer, spikes do not share one law


class Quanta(NamedTuple):
    """What the picture and the files are made of. n spikes of the terminal."""

    synapse: str
    sites: Sites
    full: Any  # (n,) share of sites expected to hold a vesicle at each spike
    released: Any  # (n,) vesicles of each spike
    trial: Any  # (n,) whose it is
    unmatched: int  # vesicles that came without a spike near them
    response_mV: Any  # (n,) of the next cell, NaN where it was not recorded
    kept: Any  # (n,) whether the response stands alone and is no spike
    fired: int  # responses that became spikes
    quantum_mV: Any  # (k,) responses to single spontaneous vesicles
    noise_mV: Any  # the same measure where no vesicle had come
    delay_ms: Any  # of evoked vesicles


class Events(NamedTuple):
    """Spikes of the terminal and vesicles of the synapse, trial by trial."""

    spike_ms: list[Any]
    fired_ms: list[Any]  # spikes of the next cell
    evoked_ms: list[Any]  # when the terminal passed the threshold of release, of each vesicle
    out_ms: list[Any]  # when each vesicle was out
    alone: list[Any]  # whether it came without a spike


def compute(occasion: CircuitOccasion) -> Findings:
    """Count the vesicles of each spike of the terminal, and measure what they did."""
    data, settings = occasion.data, occasion.settings
    assert isinstance(settings, QuantalStudy)
    tables = {one.name: one for one in occasion.circuit.synapse}
    if not tables:
        raise InputError("the circuit has no synapse")
    if "evoked_vesicles" in data:
        raise InputError("the mean field releases parts of vesicles; run it with another method")
    name = settings.synapse or next(iter(tables))
    if name not in tables:
        raise InputError(f"synapse: no synapse '{name}'; there are {', '.join(tables)}")
    number, table = list(tables).index(name), tables[name]
    events = _events(occasion, number)
    window, sites = float(settings.window_ms), _sites(table)
    last = occasion.result.duration_ms - window  # vesicles of later ones had no time to come
    counted = [train < last for train in events.spike_ms]
    by_trial = [
        vesicles_of_spikes(train, evoked, window)
        for train, evoked in zip(events.spike_ms, events.evoked_ms, strict=True)
    ]
    released = np.concatenate([n[:-1][k] for n, k in zip(by_trial, counted, strict=True)])
    if len(released) < _FEWEST_SPIKES:
        raise InputError(f"{len(released)} spikes reached '{name}'; need {_FEWEST_SPIKES}")
    full = [full_share(sites, train)[k] for train, k in zip(events.spike_ms, counted, strict=True)]
    evoked = np.concatenate(events.evoked_ms)
    spontaneous = np.concatenate(events.alone)
    study = Quanta(
        synapse=name,
        sites=sites,
        full=np.concatenate(full),
        released=released,
        trial=np.repeat(np.arange(len(counted)), [int(k.sum()) for k in counted]),
        unmatched=int(sum(n[-1] for n in by_trial)),
        **_measured(occasion, number, events, counted, window),
        delay_ms=np.concatenate(events.out_ms)[~spontaneous] - evoked,
    )
    return Findings(_numbers(study), study)


def _sites(table: Synapse) -> Sites:
    release = table.release
    return Sites(
        number=release.sites,
        probability=float(release.probability),
        delay_ms=float(release.delay_ms),
        spread_ms=float(release.delay_spread_ms),
        refill_ms=float(release.refill_ms),
        spontaneous=float(release.spontaneous) / release.sites,
    )


def _events(occasion: CircuitOccasion, number: int) -> Events:
    data = occasion.data
    mine = data["release_synapse"].values == number
    owner, out = data["release_trial"].values[mine], data["release_time"].values[mine]
    passed = data["release_spike"].values[mine]
    alone = ~np.isfinite(passed)
    trials = data["trial"].values
    return Events(
        passages(data, int(data["synapse_source"].values[number])),
        passages(data, int(data["synapse_target"].values[number])),
        [passed[(owner == one) & ~alone] for one in trials],
        [out[owner == one] for one in trials],
        [alone[owner == one] for one in trials],
    )


def _measured(
    occasion: CircuitOccasion, number: int, events: Events, counted: list[Any], window: float
) -> dict[str, Any]:
    """Responses of the next cell to spikes, to single vesicles, and to nothing.

    A response stands alone if no other spike of the terminal comes within its window, and
    the cell did not fire from four windows before until its own upstroke would show.
    """
    data = occasion.data
    target = int(data["synapse_target"].values[number])
    places = np.nonzero(data["place_compartment"].values == target)[0]
    spikes = [train[k] for train, k in zip(events.spike_ms, counted, strict=True)]
    row = np.repeat(np.arange(len(spikes)), [len(train) for train in spikes])
    none = np.zeros(0)
    if "voltage" not in data or not len(places) or data.sizes["time"] < 3:
        nothing = np.full(len(row), np.nan)
        return {"response_mV": nothing, "kept": np.zeros(len(row), dtype=np.bool_),
                "fired": 0, "quantum_mV": none, "noise_mV": none}  # fmt: skip
    rest = float(data["resting_voltage"].values[target])
    force = float(occasion.circuit.synapse[number].receptors.reversal_mV) - rest
    time, voltage = data["time"].values, data["voltage"].values[:, :, places[0]]
    quiet = _QUIET * window

    def free(times: list[Any], k: int, begin: float, before: float, after: float) -> bool:
        return not np.any((times[k] > begin - before) & (times[k] < begin + after))

    def stands(k: int, begin: float) -> bool:
        return free(events.fired_ms, k, begin, quiet, window + _UPSTROKE_MS)

    begin = np.concatenate([*spikes, none])
    pairs = list(zip(row.tolist(), begin.tolist(), strict=True))
    kept = np.array(
        [stands(k, t) and free(events.spike_ms, k, t, 0.0, window) for k, t in pairs],
        dtype=np.bool_,
    )
    course = courses(time, voltage, row, begin, window)
    found = responses(course, kept, np.sign(force) or 1.0)
    single = [
        (k, t)
        for k, (out, alone) in enumerate(zip(events.out_ms, events.alone, strict=True))
        for t in out[alone]
        if t > quiet and stands(k, t) and np.sum((out > t - quiet) & (out < t + window)) == 1
    ]
    at = np.array([k for k, _ in single], dtype=np.int64)
    quanta = courses(time, voltage, at, np.array([t for _, t in single]), window)
    quantum = responses(quanta, np.ones(len(at), dtype=np.bool_), np.sign(force) or 1.0).value_mV
    blank = [
        (k, t - window)
        for k, t in pairs
        if free(events.out_ms, k, t, quiet + window, 0.0) and stands(k, t - window)
    ]
    empty = courses(time, voltage, np.array([k for k, _ in blank], dtype=np.int64),
                    np.array([t for _, t in blank]), window)  # fmt: skip
    noise = read(empty, found.peak)
    return {
        "response_mV": without_saturation(found.value_mV, force),
        "kept": kept & np.isfinite(found.value_mV),
        "fired": sum(not free(events.fired_ms, k, t, 0.0, window + _UPSTROKE_MS) for k, t in pairs),
        "quantum_mV": without_saturation(quantum[np.isfinite(quantum)], force),
        "noise_mV": noise[np.isfinite(noise)],
    }


def _numbers(study: Quanta) -> Numbers:
    released, quanta, sites = study.released, study.quantum_mV, study.sites
    n_failures = int(np.sum(released == 0))
    known = study.response_mV[study.kept]
    enough = len(study.noise_mV) >= _FEWEST_BLANKS
    noise = float(study.noise_mV.var(ddof=1)) if enough else 0.0
    cv = 0.0
    if len(quanta) > 1:
        cv = float(np.sqrt(max(quanta.var(ddof=1) - noise, 0.0)) / abs(quanta.mean()))
    complete = study.fired <= _FEW_FIRED * len(released)
    told = complete and len(quanta) > 1  # else what single quanta vary by is not known
    ratio, p_value = dispersion(released)
    theory = expected_counts(sites, study.full)
    spread = theory.mean * cv**2 + theory.variance
    by_spread = (1 + cv**2) * theory.mean**2 / spread if spread > 0.0 else np.inf
    by_zeros = -float(np.log(theory.failures)) if theory.failures > 0.0 else np.inf
    return {
        "synapse": study.synapse,
        "spikes": len(released),
        "failures": n_failures,
        "vesicles_without_a_spike": study.unmatched,
        "sites": sites.number,
        "release_probability": sites.probability,
        "full_sites_least": float(study.full.min()),
        "full_sites_most": float(study.full.max()),
        **_content("content_by_count", by_count(released, study.trial), theory.mean),
        **_content("content_by_failures", by_failures(len(released), n_failures), by_zeros),
        **_content(
            "content_by_amplitude", by_amplitude(known, quanta) if complete else None, theory.mean
        ),
        **_content(
            "content_by_variance", by_variance(known, cv, noise) if told else None, by_spread
        ),
        "variance_over_mean": ratio,
        "variance_over_mean_theory": theory.variance / theory.mean if theory.mean else None,
        "poisson_p_value": p_value,
        "spontaneous_quanta": len(quanta),
        "responses": len(known),
        "responses_fired": study.fired,
        "responses_left_out": int(np.isfinite(study.response_mV).sum()) - len(known),
        "noise_mV": float(np.sqrt(noise)) if enough else None,
        **named("quantum_mV", mean_estimate(quanta)),
        **named("response_mV", mean_estimate(known)),
        **named("delay_ms", mean_estimate(study.delay_ms, lowest=0.0)),
    }


def _content(name: str, content: Estimate | None, theory: float) -> Numbers:
    return named(name, Estimate(None) if content is None else content, theory)


def rows(numbers: Numbers) -> list[Row]:
    """Lines of the printed table."""
    return [
        Row("spikes of the terminal", "spikes"),
        Row("  that released nothing", "failures"),
        *([Row("vesicles that came without a spike of the terminal", "vesicles_without_a_spike")]
          if numbers["vesicles_without_a_spike"] else []),
        Row("quantal content, by counting vesicles", "content_by_count"),
        Row("  by failures, ln(N/N₀), if Poisson", "content_by_failures"),
        *(Row(label, key) for label, key in (
            ("  by mean response over mean quantum", "content_by_amplitude"),
            ("  by variance of responses, if Poisson", "content_by_variance"),
        ) if numbers[key] is not None),
        Row("variance over mean of the numbers", "variance_over_mean"),
        Row("p-value of a Poisson law", "poisson_p_value"),
        Row("response to one vesicle (mV)", "quantum_mV"),
        Row("response to a spike (mV)", "response_mV"),
        *([Row("  left out: others close, or the cell fired", "responses_left_out")]
          if numbers["responses_left_out"] else []),
        *([] if numbers["noise_mV"] is None
          else [Row("  without a vesicle, its SD (mV)", "noise_mV")]),
        Row("synaptic delay (ms)", "delay_ms"),
    ]  # fmt: skip


def write(findings: Findings, stem: Path) -> list[Path]:
    """Write one row a spike: vesicles, response, and whether that is used."""
    study: Quanta = findings.data
    path = stem.with_name(f"{stem.name}_spikes.csv")
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["vesicles", "response_mV", "response_stands_alone"])
        kept = study.kept.astype(int)
        out.writerows(zip(study.released.astype(int), study.response_mV, kept, strict=True))
    return [path]


def says(numbers: Numbers) -> str:
    """Say how the ways of counting agree, and which of them cannot."""
    count, failures = numbers["content_by_count"], numbers["content_by_failures"]
    said = []
    if failures is not None:
        said.append(f"Failures tell of {failures:.2f} vesicles a spike, counting of {count:.2f}.")
    why = []
    least = numbers["full_sites_least"]
    if numbers["release_probability"] > 1.0 - _FULL:
        why.append(f"a full site releases with probability {numbers['release_probability']:g}")
    if least < _FULL * numbers["full_sites_most"]:
        why.append(f"some spikes find only {100 * least:.0f} % of the sites full")
    if why:
        said.append(
            "Failures and variance suppose one Poisson law for all spikes, and here "
            f"{' and '.join(why)}: they need not tell the mean, see theory."
        )
    if numbers["content_by_variance"] is None and numbers["responses"]:
        fired, single = numbers["responses_fired"], numbers["spontaneous_quanta"]
        lacking = (
            f"{fired} responses became spikes, which leaves out large ones"
            if fired > _FEW_FIRED * numbers["spikes"]
            else f"{single} vesicle{'s' if single != 1 else ''} came alone, and two are needed"
            if single < 2
            else "they vary no more than without a vesicle"
        )
        said.append(f"Responses tell of no number of vesicles by their variance: {lacking}.")
    return " ".join(said)


STUDY = Study("Quantal release", compute, draw_quantal, rows, write, says)
