"""Whether `noise` can be made: a stationary variance needs sweeps, and a current that moves."""

from __future__ import annotations

from stochhh.analysis.applicable.needs import (
    SETTLED,
    NotApplicable,
    check_current_of,
    check_noisy,
    check_random,
    held_voltage,
    one_population,
    stretch,
    with_stretch,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.channels import NoiseStudy


def filled(settings: NoiseStudy, setup: Setup) -> NoiseStudy:
    """Check the settings of `noise`, and fill in what they leave open."""
    check_random("noise", setup)
    trials = setup.scenario.run.trials
    if trials < 2:
        raise NotApplicable(
            "",
            f"needs sweeps to compare, run.trials of 2 or more, not {trials}; or leave it out with "
            "--set analysis.noise=false",
        )
    population = one_population(settings.population, setup)
    check_noisy(population, "population")
    check_current_of(population, setup)
    start, end = stretch(settings, setup)
    voltage = held_voltage(start, end, setup)
    away = setup.unsettled(population, start, voltage)
    if away is not None and away < SETTLED:
        raise NotApplicable(
            "start",
            f"'{population.name}' is at equilibrium at {start:g} ms already; the mean current must "
            "rise or fall, as it does after a step of the command",
        )
    return with_stretch(settings, start, end, population=population.name)
