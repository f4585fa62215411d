"""Whether `refractoriness` can be made: needs two pulses, at intervals of several lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stochhh.analysis.applicable.needs import NotApplicable, amount, check_random
from stochhh.analysis.applicable.sweeps import (
    check_free,
    stimulus_at,
    stimulus_of,
    swept_axis,
)
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.thresholds import RefractorinessStudy

_ENDINGS = ("start", "interval")
_EXAMPLE = '"stimulus.1.start" = ["10 ms", "15 ms", "20 ms"]'


def filled_across(settings: RefractorinessStudy, setups: Sequence[Setup]) -> RefractorinessStudy:
    """Check the settings of `refractoriness`, and fill in what they leave open."""
    check_free(setups)
    check_random("refractoriness", setups[0])
    if (settings.threshold is None) != (settings.relative_spread is None):
        known, missing = ("threshold", "relative_spread")
        if settings.threshold is None:
            known, missing = missing, known
        raise NotApplicable(missing, f"give it too, or leave out {known}")
    key = swept_axis(settings, setups, _ENDINGS, _EXAMPLE)
    index = stimulus_of(key, setups, _ENDINGS, _EXAMPLE)
    second = [second_start(stimulus_at(setup, index)) for setup in setups]
    first = settings.first_ms
    if first is None:
        first = amount(_first(setups[0], index, min(second)), "ms")
    if first >= min(second):
        raise NotApplicable(
            "first",
            f"the first pulse at {first:g} ms is not before the second, which begins at "
            f"{min(second):g} ms",
        )
    room = setups[0].duration_ms - max(second)
    within = settings.within_ms
    if within is None:
        within = amount(room, "ms")
    if not 0.0 < within <= room * (1 + 1e-12):
        raise NotApplicable(
            "within",
            f"{within:g} ms after the second pulse begins at {max(second):g} ms is beyond the end "
            f"of a trial, {setups[0].duration_ms:g} ms; make run.duration longer",
        )
    intervals = sorted({start - float(first) for start in second})
    longest = settings.longest_ms
    if longest is None:
        longest = amount(intervals[-1], "ms")
    if longest <= intervals[0]:
        raise NotApplicable(
            "longest", f"{longest:g} ms; need more than the shortest interval, {intervals[0]:g} ms"
        )
    _check_unit(settings, setups, index)
    filled = {"axis": key, "first_ms": first, "within_ms": within, "longest_ms": longest}
    return settings.model_copy(update=filled)


def second_start(stimulus: Any) -> float:
    """Start (ms) of the second pulse: the stimulus's own, or that of the second in a train."""
    start = float(stimulus.start_ms)
    if stimulus.kind != "pulse-train":
        return start
    if stimulus.count != 2:
        raise NotApplicable(
            "axis", f"a train of {stimulus.count} pulses; need count = 2, a first and a second one"
        )
    return start + float(stimulus.interval_ms)


def _first(setup: Setup, index: int, second: float) -> float:
    """Start (ms) of the earliest pulse or step before the second one."""
    stimuli, own = setup.scenario.stimulus, stimulus_at(setup, index)
    if own.kind == "pulse-train":
        return float(own.start_ms)
    starts = [
        float(one.start_ms)
        for k, one in enumerate(stimuli)
        if k != index and one.kind in ("pulse", "step") and one.start_ms < second
    ]
    if not starts:
        raise NotApplicable(
            "first",
            f"no pulse begins before the second one at {second:g} ms; add one, or say when the "
            'membrane is made to fire, as in first = "0 ms"',
        )
    return min(starts)


def _check_unit(settings: RefractorinessStudy, setups: Sequence[Setup], index: int) -> None:
    """Refuse a threshold per area beside absolute amplitudes, or the other way round."""
    amplitude = stimulus_at(setups[0], index).amplitude
    if settings.threshold is not None and settings.threshold.unit != amplitude.unit:
        raise NotApplicable(
            "threshold",
            f'"{settings.threshold.text}" is not of the kind of the pulse\'s amplitude, '
            f'"{amplitude.text}"',
        )
