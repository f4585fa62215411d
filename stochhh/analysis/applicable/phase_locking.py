"""Whether `phase_locking` can be made: needs a periodic stimulus, and whole periods of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochhh.analysis.applicable.needs import NotApplicable, check_random
from stochhh.analysis.applicable.sweeps import axis_if_any, check_free
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.thresholds import PhaseLockingStudy

_ENDINGS = ("interval", "frequency", "amplitude", "area")
_EXAMPLE = '"stimulus.0.interval" = ["5 ms", "2 ms", "1 ms"]'


class Drive(NamedTuple):
    """A periodic stimulus, and the part of it that counts.

    Attributes
    ----------
    period_ms : its length.
    start_ms, stop_ms : of the whole periods that count; phase 0 is at the start.
    """

    period_ms: float
    start_ms: float
    stop_ms: float

    @property
    def n_periods(self) -> int:
        """Whole periods from start to stop."""
        return round((self.stop_ms - self.start_ms) / self.period_ms)


class _Periodic(NamedTuple):
    period_ms: float
    zero_ms: float  # one time at which a period begins
    begin_ms: float
    end_ms: float


def filled_across(settings: PhaseLockingStudy, setups: Sequence[Setup]) -> PhaseLockingStudy:
    """Check the settings of `phase_locking`, and fill in what they leave open."""
    check_free(setups)
    check_random("phase_locking", setups[0])
    key = axis_if_any(settings, setups, _ENDINGS, _EXAMPLE)
    for setup in setups:
        drive_of(settings, setup)
    return settings.model_copy(update={"axis": key})


def drive_of(settings: PhaseLockingStudy, setup: Setup) -> Drive:
    """Period of the stimulus at one point, and the whole periods that count there."""
    source = _source(settings, setup)
    begin = source.begin_ms if settings.start_ms is None else float(settings.start_ms)
    end = setup.duration_ms if settings.end_ms is None else float(settings.end_ms)
    begin, end = max(begin, source.begin_ms), min(end, source.end_ms, setup.duration_ms)
    period = source.period_ms
    skipped = np.ceil((begin - source.zero_ms) / period * (1 - 1e-9) - 1e-9)
    start = source.zero_ms + float(skipped) * period
    n_periods = int(np.floor((end - start) / period * (1 + 1e-9)))
    if n_periods < 1:
        raise NotApplicable(
            "start" if settings.start_ms is not None else "",
            f"no whole period of {period:g} ms from {begin:g} to {end:g} ms; make run.duration "
            "longer",
        )
    return Drive(period, start, start + n_periods * period)


def _source(settings: PhaseLockingStudy, setup: Setup) -> _Periodic:
    """What is periodic: the stimulus, or what the settings say."""
    if settings.period_ms is not None:
        start = 0.0 if settings.start_ms is None else float(settings.start_ms)
        return _Periodic(float(settings.period_ms), start, start, setup.duration_ms)
    found = []
    for stimulus in setup.scenario.stimulus:
        if stimulus.kind == "pulse-train":
            start, period = float(stimulus.start_ms), float(stimulus.interval_ms)
            found.append(_Periodic(period, start, start, start + stimulus.count * period))
        elif stimulus.kind == "sine":
            start, period = float(stimulus.start_ms), 1.0 / float(stimulus.frequency_kHz)
            lasts = stimulus.duration_ms
            end = setup.duration_ms if lasts is None else start + float(lasts)
            found.append(_Periodic(period, start - stimulus.phase * period, start, end))
    if not found:
        raise NotApplicable(
            "period",
            "no stimulus is a pulse-train or a sine; add one, or give the period of another, as "
            'in period = "10 ms"',
        )
    periods = {one.period_ms for one in found}
    if len(periods) > 1:
        texts = ", ".join(f"{period:g} ms" for period in sorted(periods))
        raise NotApplicable("period", f"say which of several: {texts}")
    return found[0]
