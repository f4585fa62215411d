"""What several studies need of an experiment; whatever is missing is said as `NotApplicable`."""

from __future__ import annotations

from typing import Any, TypeVar

from stochhh.analysis.setup import Setup
from stochhh.errors import did_you_mean
from stochhh.membrane import Population
from stochhh.scenario.studies.common import StretchOfTime
from stochhh.units import Amount

Settings = TypeVar("Settings", bound=StretchOfTime)

SETTLED = 1.0  # SDs of the noise, beyond which a mean is not yet stationary


class NotApplicable(Exception):  # noqa: N818 - becomes an InputError that names the study
    """A study cannot be made: which of its keys says so, and why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f".{key}: {why}" if key else f": {why}")


def with_stretch(settings: Settings, start_ms: float, end_ms: float, **others: Any) -> Settings:
    """Settings with a start, an end and whatever else was filled in."""
    stretch = {"start_ms": amount(start_ms, "ms"), "end_ms": amount(end_ms, "ms")}
    return settings.model_copy(update={**stretch, **others})


def amount(value: float, unit: str) -> Amount:
    """Amount in an internal unit; kHz is 1/ms."""
    return Amount(value, "1/ms" if unit == "kHz" else unit, f"{value:.12g} {unit}")


def check_random(study: str, setup: Setup) -> None:
    """Refuse a run without noise."""
    if setup.scenario.run.method == "deterministic":
        raise NotApplicable(
            "",
            "a deterministic run has no noise; choose another run.method, or leave the study out "
            f"with --set analysis.{study}=false",
        )


def check_noisy(population: Population, key: str) -> None:
    """Refuse a population that has no channels, or whose channels have no noise."""
    if not population.noise:
        raise NotApplicable(key, f"'{population.name}' has no noise; it was given noise = false")
    if not population.count:
        raise NotApplicable(key, f"'{population.name}' has no channels")


def population_named(name: str, key: str, setup: Setup) -> Population:
    """The population of a name that a key gave."""
    known = {population.name: population for population in setup.membrane.populations}
    if name not in known:
        raise NotApplicable(key, f"no population '{name}'; {did_you_mean(name, known)}")
    return known[name]


def one_population(name: str | None, setup: Setup) -> Population:
    """The population named, or the only one that has channels."""
    if name is not None:
        return population_named(name, "population", setup)
    return _only([p for p in setup.membrane.populations if p.count and p.noise], "has noise")


def _only(candidates: list[Population], what: str) -> Population:
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise NotApplicable("population", f"no population {what}")
    names = ", ".join(f'"{population.name}"' for population in candidates)
    raise NotApplicable("population", f"name one of several: {names}")


def n_followed_of(population: Population, setup: Setup) -> int:
    """Count the channels of a population that are followed one by one."""
    wanted = setup.scenario.run.record.channels
    if not population.noise:
        return 0
    return population.count if wanted == "all" else min(wanted, population.count)


def followed_population(name: str | None, setup: Setup) -> Population:
    """The population named, or the only one whose channels are followed."""
    populations = setup.membrane.populations
    followed = [population for population in populations if n_followed_of(population, setup)]
    if not followed or setup.scenario.run.method == "deterministic":
        raise NotApplicable(
            "population",
            "no channel is followed; set run.record.channels, as in 20, and a run.method that "
            "follows single channels, as exact does",
        )
    if name is None:
        return _only(followed, "is followed")
    population = population_named(name, "population", setup)
    if not n_followed_of(population, setup):
        raise NotApplicable("population", f"no channel of '{name}' is followed")
    return population


def check_current_of(population: Population, setup: Setup) -> None:
    """Refuse a population whose current is neither recorded nor all there is."""
    if "current" not in setup.recorded and not setup.carries_alone(population):
        raise NotApplicable(
            "population",
            f"the current of '{population.name}' is not recorded; "
            'add "current" to run.record.variables',
        )


def stretch(settings: StretchOfTime, setup: Setup) -> tuple[float, float]:
    """Start and end as given, or else of the longest stretch at one voltage, or of the trial."""
    longest = setup.longest_held
    start, end = (0.0, setup.duration_ms) if longest is None else longest[:2]
    return within(settings, setup, start, end)


def within(settings: StretchOfTime, setup: Setup, start: float, end: float) -> tuple[float, float]:
    """Start and end as far as they are given, or else these; refused where they are no stretch."""
    if settings.start_ms is not None:
        start = float(settings.start_ms)
        end = setup.duration_ms if settings.end_ms is None and end <= start else end
    if settings.end_ms is not None:
        end = float(settings.end_ms)
        start = 0.0 if settings.start_ms is None and end <= start else start
    if not 0.0 <= start < end <= setup.duration_ms * (1 + 1e-12):
        raise NotApplicable(
            "start" if settings.end_ms is None else "end",
            f"from {start:g} to {end:g} ms is no stretch of a trial of {setup.duration_ms:g} ms",
        )
    return start, end


def held_voltage(start: float, end: float, setup: Setup) -> float:
    """Voltage that is held between two times; refused where it is free, or moves."""
    if setup.scenario.clamp is None:
        raise NotApplicable("", "needs a held voltage; give the scenario a [clamp]")
    voltage = setup.held_mV(start, end)
    if voltage is None:
        longest = setup.longest_held
        why = "" if longest is None else f", as from {longest.start_ms:g} to {longest.end_ms:g} ms"
        raise NotApplicable(
            "start", f"the voltage moves from {start:g} to {end:g} ms; need it held{why}"
        )
    return voltage


def check_equilibrium(
    population: Population, start: float, end: float, voltage: float, setup: Setup
) -> None:
    """Refuse a stretch that begins while the mean current still moves; say when it has settled."""
    away = setup.unsettled(population, start, voltage)
    if away is None or away <= SETTLED:
        return
    reach = end - start
    for share in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        later = start + share * reach
        if (setup.unsettled(population, later, voltage) or 0.0) <= SETTLED:
            advice = f'it has at "{later:g} ms"'
            break
    else:
        advice = "make the run longer"
    raise NotApplicable(
        "start", f"the mean of '{population.name}' has not settled at {start:g} ms; {advice}"
    )
