"""The study `dwell_times`: how long single channels stay open and shut, and when they first open.

Laws of Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003 (bursts: 1982,
doi:10.1098/rstb.1982.0156). They are those of equilibrium at the held voltage; where
the voltage is not held there are none. First latencies begin with the law that the
command has left at the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh import theory
from stochhh.analysis.complete import complete_law
from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.single_channel import (
    BurstList,
    bursts,
    dwell_times_ms,
    idealise,
    open_probability,
)
from stochhh.errors import InputError
from stochhh.membrane import Population
from stochhh.plot.latency import draw_burst_lengths, draw_latencies
from stochhh.plot.single_channel import dwell_figure
from stochhh.studies.latencies import Latencies, first_latencies, latency_numbers
from stochhh.studies.signals import population_of
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, named

Floats = NDArray[np.float64]


_CUT = 0.01  # by which short records bias a mean, from where on the true one is told too


class _Times(NamedTuple):
    open_ms: Floats
    shut_ms: Floats
    open_law: theory.PhaseType | None
    shut_law: theory.PhaseType | None
    bins_per_decade: int
    bursts: BurstList | None
    generator: Floats | None
    is_open: NDArray[np.bool_]
    critical_gap_ms: float
    latencies: Latencies | None
    record_ms: float


def compute(occasion: Occasion) -> Findings:
    """Open and shut times, open probability and, if asked for, bursts and first latencies."""
    settings, setup = occasion.settings, occasion.setup
    start, end = float(settings.start_ms), float(settings.end_ms)
    population = population_of(occasion, settings.population)
    records = idealise(occasion.result, population.name, occasion.point, start, end)
    voltage = setup.held_mV(start, end)
    is_open = np.array(population.scheme.is_open)
    generator = None if voltage is None else population.scheme.generator(voltage)
    laws = [_law(generator, mask) for mask in (is_open, ~is_open)]
    if laws[0] is None or laws[1] is None:
        generator = None
    times = [dwell_times_ms(records, "open"), dwell_times_ms(records, "shut")]
    if not any(len(sample) for sample in times):
        raise InputError("no complete opening or shutting in any record; make the run longer")
    numbers: Numbers = {
        "population": population.name,
        "start_ms": start,
        "end_ms": end,
        "voltage_mV": voltage,
        "records": len(records),
        **named(
            "open_probability", open_probability(records), _expected_open(occasion, population)
        ),
    }
    for name, sample, law in zip(("open", "shut"), times, laws, strict=True):
        numbers[name] = _times(sample, law, end - start)
    found, gap = None, float(settings.critical_gap_ms or 0.0)
    if gap:
        found = bursts(records, gap)
        numbers["bursts"] = _bursts(found, gap, generator, is_open)
    waits = None
    if settings.latency_from_ms is not None:
        waits = first_latencies(occasion, population, float(settings.latency_from_ms))
        numbers["first_latency"] = latency_numbers(waits, float(settings.latency_from_ms))
    data = _Times(
        open_ms=times[0],
        shut_ms=times[1],
        open_law=laws[0],
        shut_law=laws[1],
        bins_per_decade=settings.bins_per_decade,
        bursts=found,
        generator=generator,
        is_open=is_open,
        critical_gap_ms=gap,
        latencies=waits,
        record_ms=end - start,
    )
    return Findings(numbers, data)


def draw(findings: Findings, title: str) -> Figure:
    """Draw histograms of all times with their laws, and latencies as a distribution."""
    data: _Times = findings.data
    below = []
    if data.bursts is not None:
        below.append(partial(_draw_bursts, data=data))
    if data.latencies is not None:
        waits = data.latencies
        curve = None if waits.law is None else partial(theory.survivor, waits.law)
        below.append(
            partial(
                draw_latencies,
                latencies_ms=waits.latency_ms,
                longest_ms=waits.longest_ms,
                survivor_of=curve,
            )
        )
    return dwell_figure(
        data.open_ms,
        data.shut_ms,
        data.open_law,
        data.shut_law,
        data.bins_per_decade,
        title,
        below,
        data.record_ms,
    )


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    lines = [Row(f"open probability, {numbers['records']} records", "open_probability")]
    for name in ("open", "shut"):
        lines.append(Row(f"{numbers[name]['count']} {name} times, mean (ms)", f"{name}.mean_ms"))
        seen, whole = (numbers[name][key] for key in ("mean_ms_theory", "law_mean_ms_theory"))
        if seen is not None and whole is not None and abs(seen - whole) > _CUT * whole:
            lines.append(Row("… of all, cut ones too (ms)", f"{name}.law_mean_ms"))
        for k, one in enumerate(numbers[name]["components"]):
            label = f"… time constant of {100 * one['area_theory']:.3g} % of them (ms)"
            lines.append(Row(label, f"{name}.components.{k}.time_constant_ms"))
    if "bursts" in numbers:
        gap, n = numbers["bursts"]["critical_gap_ms"], numbers["bursts"]["count"]
        lines.append(Row(f"openings in one of {n} bursts (gap {gap:g} ms)", "bursts.openings"))
        lines.append(Row("length of a burst (ms)", "bursts.length_ms"))
        lines.append(Row("time open in a burst (ms)", "bursts.open_ms"))
    if "first_latency" in numbers:
        first = numbers["first_latency"]
        lines.append(
            Row(f"opened within {first['longest_ms']:g} ms of the step", "first_latency.opened")
        )
        lines.append(Row("median first latency (ms)", "first_latency.median_ms"))
    return lines


def write(findings: Findings, path: Path) -> list[Path]:
    """Write all times as CSV, a row each; a channel that did not open in time has none."""
    data: _Times = findings.data
    samples = {"open time": data.open_ms, "shut time": data.shut_ms}
    if data.bursts is not None:
        samples["burst length"] = data.bursts.duration_ms
    if data.latencies is not None:
        samples["first latency"] = data.latencies.latency_ms
    rows = (
        (what, "" if np.isnan(time) else time)
        for what, sample in samples.items()
        for time in sample.tolist()
    )
    return [write_csv(path.with_name(f"{path.name}.csv"), ("what", "time_ms"), rows)]


def _law(generator: Floats | None, selected: NDArray[np.bool_]) -> theory.PhaseType | None:
    if generator is None:
        return None
    try:
        return theory.dwell_law(generator, selected)
    except ValueError:  # never entered at equilibrium
        return None


def _expected_open(occasion: Occasion, population: Population) -> float | None:
    """Mean open probability over the stretch, settled or not; None where the law is not known."""
    start, end = float(occasion.settings.start_ms), float(occasion.settings.end_ms)
    voltage = occasion.setup.held_mV(start, end)
    law = occasion.setup.law_at(population, start)
    if voltage is None or law is None:
        return None
    generator = population.scheme.generator(voltage)
    spent = theory.occupied_times_ms(law, generator, end - start)
    return float(spent @ np.array(population.scheme.is_open)) / (end - start)


def _times(sample: Floats, law: theory.PhaseType | None, record_ms: float) -> Numbers:
    """Count and mean of complete sojourns, beside the mean that records so long would show."""
    seen = None if law is None else complete_law(law, record_ms).mean_ms
    numbers: Numbers = {
        "count": len(sample),
        **named("mean_ms", mean_estimate(sample, lowest=0.0), seen),
        "law_mean_ms_theory": None if law is None else theory.mean_ms(law),
        "components": [],
    }
    if law is not None:
        try:
            parts = theory.components(law)
        except ValueError:  # too alike to be told apart
            return numbers
        if np.isrealobj(parts.time_constant_ms):
            numbers["components"] = [
                {"time_constant_ms_theory": float(constant), "area_theory": float(area)}
                for constant, area in zip(parts.time_constant_ms, parts.area, strict=True)
            ]
    return numbers


def _bursts(
    found: BurstList, gap_ms: float, generator: Floats | None, is_open: NDArray[np.bool_]
) -> Numbers:
    expected = None if generator is None else theory.bursts_by_gap(generator, is_open, gap_ms)
    samples = {
        "openings": (found.n_openings.astype(np.float64), "mean_openings"),
        "length_ms": (found.duration_ms, "mean_length_ms"),
        "open_ms": (found.open_ms, "mean_open_ms"),
    }
    numbers: Numbers = {"critical_gap_ms": gap_ms, "count": len(found.n_openings)}
    for name, (sample, law_name) in samples.items():
        law = None if expected is None else float(getattr(expected, law_name))
        lowest = 1.0 if name == "openings" else 0.0
        numbers |= named(name, mean_estimate(sample, lowest=lowest), law)
    return numbers


def _draw_bursts(axes: Axes, data: _Times) -> None:
    assert data.bursts is not None
    curve = mean = None
    if data.generator is not None:
        law = data.generator, data.is_open, data.critical_gap_ms
        mean = theory.bursts_by_gap(*law).mean_length_ms

        def curve(times: Floats) -> Floats:
            return theory.burst_length_by_gap(*law, times)[1]

    draw_burst_lengths(axes, data.bursts.duration_ms, curve, mean, data.bins_per_decade)


STUDY = Study("Dwell times", compute, draw, rows, write)
