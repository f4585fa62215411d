"""Whether `voltage_spectrum` can be made: needs a free membrane under a steady current."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import (
    NotApplicable,
    amount,
    check_random,
    population_named,
    with_stretch,
    within,
)
from stochhh.analysis.applicable.sweeps import axis_if_any
from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.setup import Setup
from stochhh.analysis.steady_state import (
    changing_stimulus,
    last_change_ms,
    steady_current_pA,
    steady_voltage_mV,
)
from stochhh.scenario.studies.signals import VoltageSpectrumStudy
from stochhh.theory.linear_records import slowest_decay_ms

_ENDINGS = ("amplitude", "temperature", "area", "count_factor")
_EXAMPLE = '"stimulus.0.amplitude" = ["0 uA/cm^2", "2 uA/cm^2", "4 uA/cm^2"]'
_DECAYS = 5.0  # time constants of the slowest deviation, after which it has died away
_FEWEST_RECORDS = 8  # in a segment
_SEGMENTS = 4.0  # of a stretch, by default
_LONGEST_MS = 250.0  # a segment, by default


def filled_across(settings: VoltageSpectrumStudy, setups: Sequence[Setup]) -> VoltageSpectrumStudy:
    """Check the settings of `voltage_spectrum`, and fill in what they leave open."""
    first = setups[0]
    if first.scenario.clamp is not None:
        raise NotApplicable(
            "", "a clamped voltage does not fluctuate; ask for spectrum, or drop the [clamp]"
        )
    check_random("voltage_spectrum", first)
    if not any(p.count and p.noise for setup in setups for p in setup.membrane.populations):
        raise NotApplicable("", "no population has noise")
    key = axis_if_any(settings, setups, _ENDINGS, _EXAMPLE)
    population = _whose(settings, first)
    begin = min(settled_ms(setups), 0.5 * (_last_change(setups) + first.duration_ms))
    start, end = within(settings, first, begin, first.duration_ms)
    _check_steady(setups, start, end)
    interval = first.interval_ms
    fewest = _FEWEST_RECORDS * interval
    usual = max(min((end - start) / _SEGMENTS, _LONGEST_MS), fewest)
    wanted = float(settings.segment_ms or usual)
    segment = round(wanted / interval) * interval
    if not fewest * (1 - 1e-9) <= segment <= (end - start) * (1 + 1e-9):
        raise NotApplicable(
            "segment",
            f"{wanted:g} ms; need {_FEWEST_RECORDS} records of {interval:g} ms or more in it, and "
            f"no more than the stretch from {start:g} to {end:g} ms",
        )
    highest = float(settings.highest_per_ms or 0.25 / interval)
    if not 1.0 / segment < highest <= 0.5 / interval * (1 + 1e-9):
        raise NotApplicable(
            "highest",
            f"{1e3 * highest:g} Hz; need more than {1e3 / segment:g} Hz and at most half the "
            f"sampling frequency, {500.0 / interval:g} Hz, which run.record.interval sets",
        )
    others = {
        "axis": key,
        "population": population,
        "segment_ms": amount(segment, "ms"),
        "highest_per_ms": amount(highest, "kHz"),
    }
    return with_stretch(settings, start, end, **others)


def settled_ms(setups: Sequence[Setup]) -> float:
    """Time by which deviations from the steady state have died away at all points."""
    slowest = 0.0
    for setup in setups:
        current = steady_current_pA(setup, setup.duration_ms * (1 - 1e-12))
        voltage = steady_voltage_mV(setup.membrane, current)
        if voltage is not None:
            decay = slowest_decay_ms(linearised(setup.membrane, voltage))
            slowest = max(slowest, _DECAYS * decay)
    return _last_change(setups) + slowest


def _last_change(setups: Sequence[Setup]) -> float:
    return max(last_change_ms(setup) for setup in setups)


def _check_steady(setups: Sequence[Setup], start: float, end: float) -> None:
    for setup in setups:
        index = changing_stimulus(setup, start, end)
        if index is not None:
            kind = setup.scenario.stimulus[index].kind
            raise NotApplicable(
                "start",
                f"stimulus[{index}], a {kind}, changes from {start:g} to {end:g} ms; need a steady "
                "current, constant or a step that is over before",
            )


def _whose(settings: VoltageSpectrumStudy, setup: Setup) -> str | None:
    """Name of the population whose conductance is asked for; None for the voltage."""
    if settings.quantity == "voltage":
        return None
    names = [p.name for p in setup.membrane.populations if p.count]
    if settings.population is None and len(names) != 1:
        known = ", ".join(f'"{name}"' for name in names)
        raise NotApplicable("population", f"name one of several: {known}")
    population = population_named(settings.population or names[0], "population", setup)
    if not population.count:
        raise NotApplicable("population", f"'{population.name}' has no channels")
    whole = set(population.scheme.relative_conductance) <= {0.0, 1.0}
    if "current" not in setup.recorded and not (whole and "open" in setup.recorded):
        needed = '"open"' if whole else '"current"'
        raise NotApplicable(
            "population",
            f"the conductance of '{population.name}' is not recorded; "
            f"add {needed} to run.record.variables",
        )
    return population.name
