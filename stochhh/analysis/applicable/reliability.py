"""Whether `reliability` can be made: needs several trials of one stimulus."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import NotApplicable, check_random, with_stretch
from stochhh.analysis.applicable.sweeps import axis_if_any, check_free, part_of_trial
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.spike_trains import ReliabilityStudy
from stochhh.stimulus import is_random

_ENDINGS = ("count_factor", "area", "sd", "mean", "amplitude", "correlation_time")
_EXAMPLE = '"membrane.count_factor" = [0.1, 1.0, 10.0]'


def filled_across(settings: ReliabilityStudy, setups: Sequence[Setup]) -> ReliabilityStudy:
    """Check the settings of `reliability`, and fill in what they leave open."""
    check_free(setups)
    check_random("reliability", setups[0])
    if any(is_random(setup.scenario.stimulus) for setup in setups):
        raise NotApplicable(
            "",
            "trials are compared under one stimulus, but that of kind 'noise' differs from trial "
            "to trial; take kind 'frozen-noise'",
        )
    trials = setups[0].scenario.run.trials
    if trials < 2:
        raise NotApplicable(
            "",
            f"needs trials to compare, run.trials of 2 or more, not {trials}; or leave it out with "
            "--set analysis.reliability=false",
        )
    others = [key.rsplit(".", 1)[-1] for key in setups[0].place]  # any other key will do as well
    key = axis_if_any(settings, setups, (*_ENDINGS, *others), _EXAMPLE)
    start, end = part_of_trial(settings, setups[0])
    return with_stretch(settings, start, end, axis=key)
