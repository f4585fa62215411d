"""The study `noise`: how many channels there are and what one carries, from their noise alone.

Sigworth 1980, J Physiol 307:97; Heinemann & Conti 1992, Methods Enzymol 207:131.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.files import write_csv
from stochhh.analysis.noise import ChannelNumbers, count_channels, mean_variance
from stochhh.plot.single_channel import noise_figure
from stochhh.studies.signals import Sweeps, driving_force_mV, population_of, sample_times
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, named
from stochhh.theory import clamp_propagators, laws_along

Floats = NDArray[np.float64]


class _Sweeps(NamedTuple):
    time_ms: Floats  # (T,)
    current_pA: Floats  # (trials, T)
    found: ChannelNumbers
    truth: tuple[float, int] | None
    differences: bool


def compute(occasion: Occasion) -> Findings:
    """Unitary current and number of channels, beside the true ones.

    The truth is left out for channels with sublevels, whose variance is no parabola.
    """
    settings = occasion.settings
    start, end = float(settings.start_ms), float(settings.end_ms)
    population = population_of(occasion, settings.population)
    time, kept = sample_times(occasion, start, end)
    sweeps = np.array(list(Sweeps(occasion, population, "current", kept)))
    found = count_channels(sweeps, settings.offset, settings.differences, settings.bins)
    shares = set(population.scheme.relative_conductance)
    truth = None
    largest = None
    if shares <= {0.0, 1.0}:
        unitary = population.conductance_nS * driving_force_mV(occasion, population)
        truth = (unitary, population.count)
        largest = _largest_open_probability(occasion, time)
    numbers: Numbers = {
        "population": population.name,
        "start_ms": start,
        "end_ms": end,
        "voltage_mV": occasion.setup.held_mV(start, end),
        "sweeps": len(sweeps),
        "differences": settings.differences,
        **named("unitary_current_pA", found.unitary_current_pA, truth[0] if truth else None),
        **named("n_channels", found.n_channels, truth[1] if truth else None),
        **named("open_probability", found.open_probability, largest),
    }
    if settings.offset:
        numbers |= named("offset_pA2", found.offset_pA2, 0.0)
    return Findings(numbers, _Sweeps(time, sweeps, found, truth, settings.differences))


def draw(findings: Findings, title: str) -> Figure:
    """Draw sweeps, mean and variance, and variance against mean."""
    data: _Sweeps = findings.data
    return noise_figure(
        data.time_ms, data.current_pA, data.found, data.truth, data.differences, title
    )


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    what = f"{numbers['sweeps']} sweeps, {numbers['start_ms']:g} to {numbers['end_ms']:g} ms"
    offset = [Row("background variance (pA²)", "offset_pA2")] if "offset_pA2" in numbers else []
    return [
        Row(f"current of one channel (pA), {what}", "unitary_current_pA"),
        Row("number of channels", "n_channels"),
        Row("largest open probability", "open_probability"),
        *offset,
    ]


def write(findings: Findings, path: Path) -> list[Path]:
    """Write mean and variance at each time as CSV."""
    data: _Sweeps = findings.data
    moments = mean_variance(data.current_pA, data.differences)
    rows = zip(data.time_ms, *moments, strict=True)
    names = ("time_ms", "mean_pA", "variance_pA2")
    return [write_csv(path.with_name(f"{path.name}.csv"), names, rows)]


def _largest_open_probability(occasion: Occasion, time: Floats) -> float | None:
    """Largest open probability of theory at the times; None where the law is not known."""
    population = population_of(occasion, occasion.settings.population)
    law = occasion.setup.law_at(population, float(time[0]))
    if law is None:
        return None
    voltage = driving_force_mV(occasion, population) + population.reversal_mV
    generator, since = population.scheme.generator(voltage)[None], time - time[0]
    laws = laws_along(law, clamp_propagators(since[-1:], generator, since))
    return float((laws @ np.array(population.scheme.relative_conductance)).max())


STUDY = Study("Noise analysis", compute, draw, rows, write)
