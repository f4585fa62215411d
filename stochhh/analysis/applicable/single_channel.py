"""Whether `single_channel` can be made: as many channels must be followed as are recorded."""

from __future__ import annotations

from stochhh.analysis.applicable.needs import (
    NotApplicable,
    followed_population,
    n_followed_of,
    with_stretch,
    within,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.channels import SingleChannelStudy


def filled(settings: SingleChannelStudy, setup: Setup) -> SingleChannelStudy:
    """Check the settings of `single_channel`, and fill in what they leave open."""
    population = followed_population(settings.population, setup)
    start, end = within(settings, setup, 0.0, setup.duration_ms)
    n_followed = n_followed_of(population, setup)
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
    return with_stretch(settings, start, end, population=population.name, channels=wanted)
