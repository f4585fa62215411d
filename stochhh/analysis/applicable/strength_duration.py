"""Whether `strength_duration` can be made: needs pulses of several durations and amplitudes."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import NotApplicable, amount, check_random
from stochhh.analysis.applicable.sweeps import (
    check_free,
    is_amplitude_swept,
    stimulus_at,
    stimulus_of,
    swept_axis,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.thresholds import StrengthDurationStudy

FEWEST = 3  # durations, that a law of two parameters can be told from
_EXAMPLE = '"stimulus.0.duration" = ["0.1 ms", "0.3 ms", "1 ms", "3 ms"]'
_AMPLITUDES = '"stimulus.{}.amplitude" = ["6 uA/cm^2", "7 uA/cm^2", "8 uA/cm^2"]'


def filled_across(
    settings: StrengthDurationStudy, setups: Sequence[Setup]
) -> StrengthDurationStudy:
    """Check the settings of `strength_duration`, and fill in what they leave open."""
    check_free(setups)
    check_random("strength_duration", setups[0])
    key = swept_axis(settings, setups, ("duration",), _EXAMPLE)
    index = stimulus_of(key, setups, ("duration",), _EXAMPLE)
    if not is_amplitude_swept(index, setups):
        example = _AMPLITUDES.format(index)
        raise NotApplicable(
            "", f"needs several amplitudes at each duration; sweep them too, as in {example}"
        )
    durations = {float(stimulus_at(setup, index).duration_ms) for setup in setups}
    if len(durations) < FEWEST:
        raise NotApplicable("axis", f"{len(durations)} durations of '{key}'; need {FEWEST} or more")
    starts = {float(stimulus_at(setup, index).start_ms) for setup in setups}
    room = setups[0].duration_ms - max(starts)
    within = amount(room, "ms") if settings.within_ms is None else settings.within_ms
    if not 0.0 < within <= room * (1 + 1e-12):
        raise NotApplicable(
            "within",
            f"{within:g} ms after the pulse begins at {max(starts):g} ms is beyond the end of a "
            f"trial, {setups[0].duration_ms:g} ms; make run.duration longer",
        )
    return settings.model_copy(update={"axis": key, "within_ms": within})
