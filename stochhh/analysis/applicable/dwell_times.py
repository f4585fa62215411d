"""Whether `dwell_times` can be made: single channels must be followed."""

from __future__ import annotations

from stochhh.analysis.applicable.needs import (
    NotApplicable,
    amount,
    followed_population,
    stretch,
    with_stretch,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.channels import DwellTimeStudy


def filled(settings: DwellTimeStudy, setup: Setup) -> DwellTimeStudy:
    """Check the settings of `dwell_times`, and fill in what they leave open."""
    population = followed_population(settings.population, setup)
    start, end = stretch(settings, setup)
    step = setup.first_step()
    since = settings.latency_from_ms
    if since is None and step is not None:
        since = amount(step.start_ms, "ms")
    if since is not None and not since < setup.duration_ms:
        raise NotApplicable(
            "latency_from",
            f"{since:g} ms is not before the end of a trial, {setup.duration_ms:g} ms",
        )
    return with_stretch(settings, start, end, population=population.name, latency_from_ms=since)
