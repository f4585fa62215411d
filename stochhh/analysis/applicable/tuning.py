"""Whether `tuning` can be made: needs currents of several strengths, on for the same time."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import (
    NotApplicable,
    amount,
    check_random,
    with_stretch,
    within,
)
from stochhh.analysis.applicable.sweeps import (
    check_free,
    stimulus_end,
    stimulus_onset,
    swept_axis,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.tuning import TuningStudy

_ENDINGS = ("amplitude", "mean")
_EXAMPLE = '"stimulus.0.amplitude" = ["2 uA/cm^2", "6 uA/cm^2", "10 uA/cm^2"]'
_SETTLES = 0.1  # of the current's duration


def filled_across(settings: TuningStudy, setups: Sequence[Setup]) -> TuningStudy:
    """Check the settings of `tuning`, and fill in what they leave open."""
    check_free(setups)
    check_random("tuning", setups[0])
    key = swept_axis(settings, setups, _ENDINGS, _EXAMPLE)
    stretches = {(stimulus_onset(setup, key), stimulus_end(setup, key)) for setup in setups}
    if len(stretches) > 1 and (settings.start_ms is None or settings.end_ms is None):
        raise NotApplicable(
            "start",
            "the swept currents flow at different times; give start and end of a part of the "
            'trial, as in start = "100 ms" and end = "500 ms"',
        )
    start, end = within(settings, setups[0], *stretches.pop())
    settle = settings.settle_ms
    if settle is None:
        settle = amount(_SETTLES * (end - start), "ms")
    if not settle < end - start:
        raise NotApplicable(
            "settle",
            f"{settle:g} ms; need less than the current lasts, {end - start:g} ms from "
            f"{start:g} to {end:g} ms",
        )
    return with_stretch(settings, start, end, axis=key, settle_ms=settle)
