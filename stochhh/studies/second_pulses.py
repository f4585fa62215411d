"""Second pulses of a swept experiment: which trials fire again, and the deterministic membrane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stochhh.analysis.applicable.refractoriness import second_start
from stochhh.analysis.applicable.sweeps import stimulus_at
from stochhh.analysis.efficiency_curves import Bracket
from stochhh.analysis.grids import Family
from stochhh.analysis.pulse_thresholds import PulseThreshold
from stochhh.analysis.refractory_recovery import Recovery, SinglePulse
from stochhh.analysis.setup import Setup
from stochhh.studies.pulse_limit import can_bisect, fires, firing_at, narrowed
from stochhh.studies.pulses import pulse_responses
from stochhh.studies.signals import n_noisy_channels
from stochhh.studies.study import Survey
from stochhh.units import CURRENT, parse


def measured(survey: Survey, family: Family, index: int, unit: str) -> Recovery:
    """Recovery of one membrane: second spikes, and thresholds by interval.

    Parameters
    ----------
    survey : of the study `refractoriness`
    family : its points by interval (ms) and amplitude
    index : of the second pulse among the stimuli
    unit : of its amplitude
    """
    settings, setups = survey.settings, survey.setups
    within, first = float(settings.within_ms), float(settings.first_ms)
    n_channels = n_noisy_channels(setups[family.points[0][0]])
    key = f"stimulus.{index}.amplitude"
    thresholds = []
    for at, amplitude, points in zip(family.outer, family.inner, family.points, strict=True):
        windows = [(first + at, within)] * len(points)
        curve = pulse_responses(
            survey.result, points, amplitude, windows, family.place, n_channels, first
        )
        bracket, window = curve.bracket, (first + at, first + at + within)
        fires_at = firing_at(setups[points[0]], key, unit, *window)
        if bracket is not None and len(amplitude) > 1 and fires_at is not None:
            bracket = narrowed(bracket, fires_at)
        thresholds.append(PulseThreshold(float(at), curve, bracket))
    given = SinglePulse(None, None)
    if settings.threshold is not None:
        one = float(parse(f"1 {unit}", CURRENT))
        given = SinglePulse(float(settings.threshold) / one, settings.relative_spread)
    found = Recovery(
        thresholds[0].curve.label,
        family.place,
        n_channels,
        tuple(thresholds),
        given,
        float(settings.longest_ms),
        _single_limit(survey, thresholds, setups[family.points[-1][0]], index, unit),
    )
    if len(found.amplitudes) > 1:
        return found
    bracket = found.at_amplitude(found.amplitudes[0]).bracket
    if bracket is not None:
        bracket = _narrowed_interval(survey, bracket, setups[family.points[0][0]], index)
    return replace(found, limit=bracket)


def _single_limit(
    survey: Survey, thresholds: Sequence[PulseThreshold], setup: Setup, index: int, unit: str
) -> float | None:
    """Deterministic threshold of the second pulse without the first."""
    highest = float(thresholds[-1].curve.amplitude[-1])
    swept = len(thresholds[-1].curve.amplitude) > 1
    stimuli, first = setup.scenario.stimulus, float(survey.settings.first_ms)
    if not (swept and survey.result.has_deterministic and can_bisect(setup)):
        return None
    if stimuli[index].kind == "pulse-train":
        return thresholds[-1].deterministic
    alone = [
        f"stimulus.{k}.amplitude=0 pA"
        for k, one in enumerate(stimuli)
        if k != index and one.kind in ("pulse", "step") and one.start_ms == first
    ]
    if first == 0.0:
        alone.append("run.initial.displacement=0 mV")
    onset = second_start(stimuli[index])
    window = (onset, onset + float(survey.settings.within_ms))

    def fires_at(value: float) -> bool:
        return fires(setup, [*alone, f"stimulus.{index}.amplitude={value!r} {unit}"], *window)

    if not fires_at(highest) or fires_at(0.0):
        return None
    return narrowed(Bracket(0.0, highest), fires_at).fires_at


def _narrowed_interval(survey: Survey, bracket: Bracket, setup: Setup, index: int) -> Bracket:
    """Interval after which the deterministic membrane fires again at the only amplitude."""
    if not can_bisect(setup):
        return bracket
    stimulus, within = stimulus_at(setup, index), float(survey.settings.within_ms)
    first, start = float(survey.settings.first_ms), float(stimulus.start_ms)
    train = stimulus.kind == "pulse-train"

    def fires_at(interval: float) -> bool:
        swept = first + interval - start if train else first + interval
        onset = first + interval
        return fires(setup, [f"{survey.settings.axis}={swept!r} ms"], onset, onset + within)

    return narrowed(bracket, fires_at)
