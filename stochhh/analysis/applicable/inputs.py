"""What studies of a noisy input need of it: noise alone, recorded as it was held."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import NotApplicable
from stochhh.analysis.noisy_input import noises_of
from stochhh.analysis.setup import Setup
from stochhh.stimulus import goes_on

_SAMPLES = 4.0  # of the input in a correlation time, at the least
_EXAMPLE = 'kind = "noise", sd = "3 uA/cm^2", correlation_time = "3 ms"'


def noise_begins_ms(setups: Sequence[Setup]) -> float:
    """Time from which the noise is on at all points."""
    return max(
        (float(noise.start_ms) for setup in setups for noise in noises_of(setup)), default=0.0
    )


def check_noisy_input(setups: Sequence[Setup], start_ms: float, end_ms: float) -> None:
    """Refuse an input that is not Gaussian noise, on all the time and recorded often enough."""
    for setup in setups:
        noises = noises_of(setup)
        if not noises:
            raise NotApplicable("", f"needs noise as its input; give a [[stimulus]], as {_EXAMPLE}")
        for index, stimulus in enumerate(setup.scenario.stimulus):
            if not goes_on(stimulus, start_ms, end_ms):
                raise NotApplicable(
                    "start",
                    f"stimulus[{index}], a {stimulus.kind}, is not the same from {start_ms:g} to "
                    f"{end_ms:g} ms; need noise throughout, and nothing but a constant beside it",
                )
        for noise in noises:
            often = max(float(noise.correlation_time_ms) / _SAMPLES, float(noise.resolution_ms))
            if setup.interval_ms > often * (1 + 1e-9):
                raise NotApplicable(
                    "",
                    f"the input is recorded every {setup.interval_ms:g} ms, too seldom for its "
                    f"correlation time of {float(noise.correlation_time_ms):g} ms; need "
                    f'run.record.interval = "{often:g} ms" or less',
                )
        if not any(noise.sd > 0.0 for noise in noises):
            raise NotApplicable("", "the noise has an sd of 0; need one above it, as 3 uA/cm^2")


def highest_of_input_per_ms(setups: Sequence[Setup]) -> float:
    """Frequency (1/ms) up to which the input, as it is recorded, has power worth a look.

    One over its shortest correlation time, or half a turn for each piece it is held; but an
    eighth of the sampling frequency if it changes between records: up to there what they
    fold back is 2 % of its power or less.
    """
    noises = [noise for setup in setups for noise in noises_of(setup)]
    interval = setups[0].interval_ms
    held = all(float(noise.resolution_ms) >= interval * (1 - 1e-9) for noise in noises)
    fastest = max(
        1.0 / max(float(noise.correlation_time_ms), 2.0 * float(noise.resolution_ms))
        for noise in noises
    )
    return min(fastest, (0.5 if held else 0.125) / interval)
