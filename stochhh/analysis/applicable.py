"""Whether a study can be made of an experiment, found out before anything is simulated.

`resolved` checks the settings of a study against the protocol and the membrane and
fills in what they leave open, so that what is checked is what is done later.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any, TypeVar

from stochhh.analysis.setup import Setup
from stochhh.errors import InputError, did_you_mean
from stochhh.membrane import Membrane, Population
from stochhh.scenario import Scenario
from stochhh.scenario import analyses as tables
from stochhh.units import Amount

Settings = TypeVar("Settings", bound=tables.StretchOfTime)

_SETTLED = 1.0  # SDs of the noise, beyond which a mean is not yet stationary
_FEWEST_SAMPLES = 8


class NotApplicable(Exception):  # noqa: N818 - becomes an InputError that names the study
    """A study cannot be made: which of its keys says so, and why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f".{key}: {why}" if key else f": {why}")


def check_studies(scenario: Scenario, membrane: Membrane, where: str) -> None:
    """Check every study that a scenario asks for.

    Raises
    ------
    InputError
        One line that begins with `where` and ``analysis.<study>.<key>``.
    """
    for name in scenario.analysis.studies:
        resolve_study(name, Setup(scenario, membrane), where)


def resolve_study(name: str, setup: Setup, where: str) -> Any:
    """Settings of one study with everything filled in that the scenario left open.

    Raises
    ------
    InputError
        It cannot be made of this experiment.
    """
    try:
        return resolved(setup.scenario.analysis.studies[name], setup)
    except NotApplicable as problem:
        raise InputError(f"{where}: analysis.{name}{problem}") from None


@singledispatch
def resolved(settings: Any, setup: Setup) -> Any:
    """Check settings and fill them in; register a function for each table of settings."""
    raise TypeError(f"no study has such settings: {settings!r}")


@resolved.register
def _(settings: tables.NoiseStudy, setup: Setup) -> tables.NoiseStudy:
    _needs_noise(setup)
    trials = setup.scenario.run.trials
    if trials < 2:
        raise NotApplicable(
            "",
            f"needs sweeps to compare, run.trials of 2 or more, not {trials}; or leave studies out "
            "with --set analysis={}",
        )
    population = _one_population(settings.population, setup)
    _is_noisy(population, "population")
    _needs_current_of(population, setup)
    start, end = _stretch(settings, setup)
    voltage = _held(start, end, setup)
    away = setup.unsettled(population, start, voltage)
    if away is not None and away < _SETTLED:
        raise NotApplicable(
            "start",
            f"'{population.name}' is at equilibrium at {start:g} ms already; the mean current must "
            "rise or fall, as it does after a step of the command",
        )
    return _filled(settings, start, end, population=population.name)


@resolved.register
def _(settings: tables.SpectrumStudy, setup: Setup) -> tables.SpectrumStudy:
    _needs_noise(setup)
    names = settings.populations
    if settings.quantity == "open" and not names:
        names = tuple(p.name for p in setup.membrane.populations if p.count and p.noise)
    start, end = _stretch(settings, setup)
    voltage = _held(start, end, setup)
    seen = [_population(name, "populations", setup) for name in names]
    for population in seen:
        _is_noisy(population, "populations")
    for population in seen or setup.membrane.populations:
        _needs_equilibrium(population, start, end, voltage, setup)
    if names and settings.quantity not in setup.recorded:
        raise NotApplicable(
            "quantity",
            f'"{settings.quantity}" is not recorded; add it to run.record.variables',
        )
    interval = setup.interval_ms
    segment = float(settings.segment_ms or (end - start) / 8.0)
    if not _FEWEST_SAMPLES * interval <= segment <= (end - start) * (1 + 1e-9):
        raise NotApplicable(
            "segment",
            f"{segment:g} ms; need {_FEWEST_SAMPLES} records of {interval:g} ms or more in it, and "
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
    filled = {
        "populations": names,
        "segment_ms": _amount(segment, "ms"),
        "lowest_per_ms": _amount(lowest, "kHz"),
        "highest_per_ms": _amount(highest, "kHz"),
    }
    return _filled(settings, start, end, **filled)


@resolved.register
def _(settings: tables.DwellTimeStudy, setup: Setup) -> tables.DwellTimeStudy:
    population = _followed(settings.population, setup)
    start, end = _stretch(settings, setup)
    step = setup.first_step()
    since = settings.latency_from_ms
    if since is None and step is not None:
        since = _amount(step.start_ms, "ms")
    if since is not None and not since < setup.duration_ms:
        raise NotApplicable(
            "latency_from",
            f"{since:g} ms is not before the end of a trial, {setup.duration_ms:g} ms",
        )
    return _filled(settings, start, end, population=population.name, latency_from_ms=since)


@resolved.register
def _(settings: tables.SingleChannelStudy, setup: Setup) -> tables.SingleChannelStudy:
    population = _followed(settings.population, setup)
    start, end = _within(settings, setup, 0.0, setup.duration_ms)
    n_followed = _n_followed(population, setup)
    wanted = n_followed if settings.channels == "all" else settings.channels
    if wanted > n_followed:
        raise NotApplicable(
            "channels",
            f"{wanted} of '{population.name}', but {n_followed} are followed; "
            "raise run.record.channels",
        )
    n_samples = (end - start) / settings.interval_ms
    if not 2 <= n_samples <= 1e7:
        raise NotApplicable(
            "interval",
            f'"{settings.interval_ms.text}" gives {n_samples:.3g} samples from {start:g} to '
            f"{end:g} ms; need 2 to 10 million",
        )
    return _filled(settings, start, end, population=population.name, channels=wanted)


def _filled(settings: Settings, start_ms: float, end_ms: float, **others: Any) -> Settings:
    stretch = {"start_ms": _amount(start_ms, "ms"), "end_ms": _amount(end_ms, "ms")}
    return settings.model_copy(update={**stretch, **others})


def _amount(value: float, unit: str) -> Amount:
    """Amount in an internal unit; kHz is 1/ms."""
    return Amount(value, "1/ms" if unit == "kHz" else unit, f"{value:.12g} {unit}")


def _needs_noise(setup: Setup) -> None:
    if setup.scenario.run.method == "deterministic":
        raise NotApplicable(
            "",
            "a deterministic run has no noise; choose another run.method, or leave studies out "
            "with --set analysis={}",
        )


def _is_noisy(population: Population, key: str) -> None:
    if not population.noise:
        raise NotApplicable(key, f"'{population.name}' has no noise; it was given noise = false")
    if not population.count:
        raise NotApplicable(key, f"'{population.name}' has no channels")


def _population(name: str, key: str, setup: Setup) -> Population:
    known = {population.name: population for population in setup.membrane.populations}
    if name not in known:
        raise NotApplicable(key, f"no population '{name}'; {did_you_mean(name, known)}")
    return known[name]


def _one_population(name: str | None, setup: Setup) -> Population:
    """The population named, or the only one that has channels."""
    if name is not None:
        return _population(name, "population", setup)
    return _only([p for p in setup.membrane.populations if p.count and p.noise], "has noise")


def _only(candidates: list[Population], what: str) -> Population:
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise NotApplicable("population", f"no population {what}")
    names = ", ".join(f'"{population.name}"' for population in candidates)
    raise NotApplicable("population", f"name one of several: {names}")


def _n_followed(population: Population, setup: Setup) -> int:
    wanted = setup.scenario.run.record.channels
    if not population.noise:
        return 0
    return population.count if wanted == "all" else min(wanted, population.count)


def _followed(name: str | None, setup: Setup) -> Population:
    """The population named, or the only one whose channels are followed."""
    populations = setup.membrane.populations
    followed = [population for population in populations if _n_followed(population, setup)]
    if not followed or setup.scenario.run.method == "deterministic":
        raise NotApplicable(
            "population",
            "no channel is followed; set run.record.channels, as in 20, and a run.method that "
            "follows single channels, as exact does",
        )
    if name is None:
        return _only(followed, "is followed")
    population = _population(name, "population", setup)
    if not _n_followed(population, setup):
        raise NotApplicable("population", f"no channel of '{name}' is followed")
    return population


def _needs_current_of(population: Population, setup: Setup) -> None:
    if "current" not in setup.recorded and not setup.carries_alone(population):
        raise NotApplicable(
            "population",
            f"the current of '{population.name}' is not recorded; "
            'add "current" to run.record.variables',
        )


def _stretch(settings: tables.StretchOfTime, setup: Setup) -> tuple[float, float]:
    """Start and end as given, or else of the longest stretch at one voltage, or of the trial."""
    longest = setup.longest_held
    start, end = (0.0, setup.duration_ms) if longest is None else longest[:2]
    return _within(settings, setup, start, end)


def _within(
    settings: tables.StretchOfTime, setup: Setup, start: float, end: float
) -> tuple[float, float]:
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


def _held(start: float, end: float, setup: Setup) -> float:
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


def _needs_equilibrium(
    population: Population, start: float, end: float, voltage: float, setup: Setup
) -> None:
    """Refuse a stretch that begins while the mean current still moves; say when it has settled."""
    away = setup.unsettled(population, start, voltage)
    if away is None or away <= _SETTLED:
        return
    reach = end - start
    for share in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        later = start + share * reach
        if (setup.unsettled(population, later, voltage) or 0.0) <= _SETTLED:
            advice = f'it has at "{later:g} ms"'
            break
    else:
        advice = "make the run longer"
    raise NotApplicable(
        "start", f"the mean of '{population.name}' has not settled at {start:g} ms; {advice}"
    )
