"""Whether `information` can be made: needs repeats of one stimulus that varies."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.inputs import check_noisy_input, noise_begins_ms
from stochhh.analysis.applicable.needs import NotApplicable, check_random, with_stretch, within
from stochhh.analysis.applicable.sweeps import axis_if_any, check_free
from stochhh.analysis.setup import Setup
from stochhh.scenario.stimuli import Constant, FrozenNoise, Noise
from stochhh.scenario.studies.signals import InformationStudy

_ENDINGS = ("area", "count_factor", "sd", "mean", "amplitude", "temperature")
_EXAMPLE = '"membrane.area" = ["10 um^2", "100 um^2", "1000 um^2"]'
_FEWEST_WORDS = 20  # in a trial, for the jackknife over stretches of the stimulus
_FEWEST_TRIALS = {"extrapolation": 8}  # others need 2
_NOISE = 'kind = "frozen-noise", sd = "7 uA/cm^2", correlation_time = "3 ms"'


def filled_across(settings: InformationStudy, setups: Sequence[Setup]) -> InformationStudy:
    """Check the settings of `information`, and fill in what they leave open."""
    first = setups[0]
    check_free(setups)
    check_random("information", first)
    key = axis_if_any(settings, setups, _ENDINGS, _EXAMPLE)
    _check_stimuli(setups)
    trials = first.scenario.run.trials
    fewest = _FEWEST_TRIALS.get(settings.correction, 2)
    if trials < fewest:
        raise NotApplicable(
            "" if trials < 2 else "correction",
            f"{trials} trial{'s' if trials > 1 else ''}, too few for {settings.correction}; need "
            f"run.trials of {fewest} or more, and rather 30",
        )
    start, end = within(settings, first, noise_begins_ms(setups), first.duration_ms)
    longest = max(settings.words) * float(settings.bin_ms)
    n_words = int((end - start) / longest * (1 + 1e-12))
    if n_words < _FEWEST_WORDS:
        raise NotApplicable(
            "words",
            f"{n_words} words of {longest:g} ms fit from {start:g} to {end:g} ms; need "
            f"{_FEWEST_WORDS} or more, so make run.duration longer, or words shorter",
        )
    others = {
        "axis": key,
        "bound": _bound(settings, setups, start, end),
    }
    return with_stretch(settings, start, end, **others)


def _check_stimuli(setups: Sequence[Setup]) -> None:
    for setup in setups:
        stimuli = setup.scenario.stimulus
        for index, stimulus in enumerate(stimuli):
            if isinstance(stimulus, Noise) and not isinstance(stimulus, FrozenNoise):
                raise NotApplicable(
                    "",
                    f"stimulus[{index}] is a new noise in every trial; need the same in all, as "
                    f"{_NOISE}",
                )
        if all(isinstance(stimulus, Constant) for stimulus in stimuli):
            raise NotApplicable("", f"needs a stimulus that varies; give one, as {_NOISE}")


def _bound(settings: InformationStudy, setups: Sequence[Setup], start: float, end: float) -> bool:
    """Whether coherence bounds the information too; refused where that is asked for in vain."""
    if settings.bound is False:
        return False
    try:
        check_noisy_input(setups, start, end)
    except NotApplicable:
        if settings.bound:
            raise
        return False
    return True
