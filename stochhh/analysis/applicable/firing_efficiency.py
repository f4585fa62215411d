"""Whether `firing_efficiency` can be made: needs amplitudes, and time for a spike after each."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import NotApplicable, amount, check_random
from stochhh.analysis.applicable.sweeps import check_free, stimulus_onset, swept_axis
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.thresholds import FiringEfficiencyStudy

_ENDINGS = ("amplitude", "displacement")
_EXAMPLE = '"stimulus.0.amplitude" = ["6 uA/cm^2", "7 uA/cm^2", "8 uA/cm^2"]'


def filled_across(
    settings: FiringEfficiencyStudy, setups: Sequence[Setup]
) -> FiringEfficiencyStudy:
    """Check the settings of `firing_efficiency`, and fill in what they leave open."""
    check_free(setups)
    check_random("firing_efficiency", setups[0])
    key = swept_axis(settings, setups, _ENDINGS, _EXAMPLE)
    duration = setups[0].duration_ms
    onset = settings.onset_ms
    if onset is None:
        starts = {stimulus_onset(setup, key) for setup in setups}
        if len(starts) > 1:
            raise NotApplicable(
                "onset", "the swept pulses start at different times; sweep no start"
            )
        onset = amount(starts.pop(), "ms")
    if onset >= duration:
        raise NotApplicable(
            "onset", f"{onset:g} ms is not before the end of a trial, {duration:g} ms"
        )
    within = settings.within_ms
    if within is None:
        within = amount(duration - onset, "ms")
    if onset + within > duration * (1 + 1e-12):
        raise NotApplicable(
            "within",
            f"{within:g} ms after the onset at {onset:g} ms is beyond the end of a trial, "
            f"{duration:g} ms; make run.duration longer",
        )
    return settings.model_copy(update={"axis": key, "onset_ms": onset, "within_ms": within})
