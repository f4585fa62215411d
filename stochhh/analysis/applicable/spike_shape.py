"""Whether `spike_shape` can be made: needs a free membrane whose voltage is recorded finely."""

from __future__ import annotations

from stochhh.analysis.applicable.needs import NotApplicable, with_stretch
from stochhh.analysis.applicable.sweeps import check_free, part_of_trial
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.spike_trains import SpikeShapeStudy

_LONGEST_INTERVAL_MS = 0.05
_FEWEST_SAMPLES = 3


def filled(settings: SpikeShapeStudy, setup: Setup) -> SpikeShapeStudy:
    """Check the settings of `spike_shape`, and fill in what they leave open."""
    check_free([setup])
    if setup.interval_ms > _LONGEST_INTERVAL_MS * (1 + 1e-9):
        raise NotApplicable(
            "",
            f"voltage is recorded every {setup.interval_ms:g} ms, too seldom for the shape of a "
            f"spike; need {_LONGEST_INTERVAL_MS:g} ms or less, as in "
            'run.record.interval="0.02 ms"; or leave the study out with '
            "--set analysis.spike_shape=false",
        )
    start, end = part_of_trial(settings, setup)
    if end - start < _FEWEST_SAMPLES * setup.interval_ms:
        raise NotApplicable("end", f"from {start:g} to {end:g} ms there are too few records")
    threshold = setup.scenario.analysis.spikes.threshold_mV
    if settings.base_mV is not None and settings.base_mV >= threshold:
        raise NotApplicable(
            "base",
            f"{settings.base_mV:g} mV; need less than the threshold of spikes, {threshold:g} mV, "
            'as in "-65 mV"',
        )
    return with_stretch(settings, start, end)
