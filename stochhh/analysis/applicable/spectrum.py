"""Whether `spectrum` can be made: it needs equilibrium at a held voltage."""

from __future__ import annotations

from stochhh.analysis.applicable.needs import (
    NotApplicable,
    amount,
    check_equilibrium,
    check_noisy,
    check_random,
    held_voltage,
    population_named,
    stretch,
    with_stretch,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.channels import SpectrumStudy

_FEWEST_RECORDS = 8  # in a segment
_SEGMENTS = 8.0  # of a trial, by default


def filled(settings: SpectrumStudy, setup: Setup) -> SpectrumStudy:
    """Check the settings of `spectrum`, and fill in what they leave open."""
    check_random("spectrum", setup)
    noisy = [p for p in setup.membrane.populations if p.count and p.noise]
    if not noisy:
        raise NotApplicable("", "no population has noise")
    names = settings.populations
    if settings.quantity == "open" and not names:
        names = tuple(population.name for population in noisy)
    start, end = stretch(settings, setup)
    voltage = held_voltage(start, end, setup)
    seen = [population_named(name, "populations", setup) for name in names]
    for population in seen:
        check_noisy(population, "populations")
    for population in seen or noisy:
        check_equilibrium(population, start, end, voltage, setup)
    if names and settings.quantity not in setup.recorded:
        raise NotApplicable(
            "quantity",
            f'"{settings.quantity}" is not recorded; add it to run.record.variables',
        )
    interval = setup.interval_ms
    fewest = _FEWEST_RECORDS * interval
    wanted = float(settings.segment_ms or max((end - start) / _SEGMENTS, fewest))
    segment = round(wanted / interval) * interval
    if not fewest * (1 - 1e-9) <= segment <= (end - start) * (1 + 1e-9):
        raise NotApplicable(
            "segment",
            f"{wanted:g} ms; need {_FEWEST_RECORDS} records of {interval:g} ms or more in it, and "
            f"no more than the stretch from {start:g} to {end:g} ms",
        )
    lowest = float(settings.lowest_per_ms or 1.0 / segment)
    highest = float(settings.highest_per_ms or 0.5 / interval)
    if lowest < 1.0 / segment * (1 - 1e-9):
        raise NotApplicable(
            "lowest",
            f"{1e3 * lowest:g} Hz is below the resolution of a segment of {segment:g} ms, "
            f"{1e3 / segment:g} Hz; make the segment longer",
        )
    if highest > 0.5 / interval * (1 + 1e-9) or highest <= lowest:
        raise NotApplicable(
            "highest",
            f"{1e3 * highest:g} Hz; need more than {1e3 * lowest:g} Hz and at most half the "
            f"sampling frequency, {500.0 / interval:g} Hz, which run.record.interval sets",
        )
    others = {
        "populations": names,
        "segment_ms": amount(segment, "ms"),
        "lowest_per_ms": amount(lowest, "kHz"),
        "highest_per_ms": amount(highest, "kHz"),
    }
    return with_stretch(settings, start, end, **others)
