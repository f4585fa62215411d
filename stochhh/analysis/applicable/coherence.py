"""Whether `coherence` can be made: needs a free membrane under a noisy current."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.inputs import (
    check_noisy_input,
    highest_of_input_per_ms,
    noise_begins_ms,
)
from stochhh.analysis.applicable.needs import NotApplicable, amount, with_stretch, within
from stochhh.analysis.applicable.sweeps import axis_if_any
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.signals import CoherenceStudy

_ENDINGS = ("area", "count_factor", "sd", "mean", "amplitude", "temperature")
_EXAMPLE = '"membrane.area" = ["10 um^2", "100 um^2", "1000 um^2"]'
_FEWEST_RECORDS = 8  # in a segment
_SEGMENTS = 8.0  # of a stretch, by default
_LONGEST_MS = 250.0  # a segment, by default


def filled_across(settings: CoherenceStudy, setups: Sequence[Setup]) -> CoherenceStudy:
    """Check the settings of `coherence`, and fill in what they leave open."""
    first = setups[0]
    if first.scenario.clamp is not None:
        raise NotApplicable(
            "", "a clamped voltage follows no current; give the scenario no [clamp]"
        )
    key = axis_if_any(settings, setups, _ENDINGS, _EXAMPLE)
    start, end = within(settings, first, noise_begins_ms(setups), first.duration_ms)
    check_noisy_input(setups, start, end)
    interval = first.interval_ms
    fewest = _FEWEST_RECORDS * interval
    usual = max(min((end - start) / _SEGMENTS, _LONGEST_MS), fewest)
    wanted = float(settings.segment_ms or usual)
    segment = round(wanted / interval) * interval
    if not fewest * (1 - 1e-9) <= segment <= 0.5 * (end - start) * (1 + 1e-9):
        raise NotApplicable(
            "segment",
            f"{wanted:g} ms; need {_FEWEST_RECORDS} records of {interval:g} ms or more in it, and "
            f"no more than half of the stretch from {start:g} to {end:g} ms",
        )
    highest = float(settings.highest_per_ms or highest_of_input_per_ms(setups))
    if not 1.0 / segment < highest <= 0.5 / interval * (1 + 1e-9):
        raise NotApplicable(
            "highest",
            f"{1e3 * highest:g} Hz; need more than {1e3 / segment:g} Hz and at most half the "
            f"sampling frequency, {500.0 / interval:g} Hz, which run.record.interval sets",
        )
    others = {
        "axis": key,
        "segment_ms": amount(segment, "ms"),
        "highest_per_ms": amount(highest, "kHz"),
    }
    return with_stretch(settings, start, end, **others)
