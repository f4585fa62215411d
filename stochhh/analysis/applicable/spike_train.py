"""Whether `spike_train` can be made: needs a membrane left free, and trials that differ."""

from __future__ import annotations

from stochhh.analysis.applicable.needs import NotApplicable, check_random, with_stretch
from stochhh.analysis.applicable.sweeps import check_free, part_of_trial
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.spike_trains import SpikeTrainStudy
from stochhh.stimulus import is_random


def filled(settings: SpikeTrainStudy, setup: Setup) -> SpikeTrainStudy:
    """Check the settings of `spike_train`, and fill in what they leave open."""
    check_free([setup])
    if not is_random(setup.scenario.stimulus):
        check_random("spike_train", setup)
    start, end = part_of_trial(settings, setup)
    for key, lengths in (
        ("interval_bin", [settings.interval_bin_ms]),
        ("rate_bin", [settings.rate_bin_ms]),
        ("windows", settings.windows_ms),
    ):
        for length in lengths:
            if length is not None and length > (end - start) * (1 + 1e-12):
                raise NotApplicable(
                    key, f'"{length.text}" is longer than the part looked at, {end - start:g} ms'
                )
    return with_stretch(settings, start, end)
