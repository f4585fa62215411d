"""Whether `stochastic_resonance` can be made: needs noise of several strengths, and one sine."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import (
    NotApplicable,
    check_random,
    with_stretch,
    within,
)
from stochhh.analysis.applicable.sweeps import check_free, stimulus_end, stimulus_onset, swept_axis
from stochhh.analysis.setup import Setup
from stochhh.scenario.stimuli import Sine
from stochhh.scenario.studies.tuning import StochasticResonanceStudy

_ENDINGS = ("area", "count_factor", "sd")
_EXAMPLE = '"membrane.area" = ["10 um^2", "30 um^2", "100 um^2"]'


def filled_across(
    settings: StochasticResonanceStudy, setups: Sequence[Setup]
) -> StochasticResonanceStudy:
    """Check the settings of `stochastic_resonance`, and fill in what they leave open."""
    check_free(setups)
    check_random("stochastic_resonance", setups[0])
    key = swept_axis(settings, setups, _ENDINGS, _EXAMPLE)
    stretches = {_of_the_sine(setup) for setup in setups}
    if len(stretches) > 1 and (settings.start_ms is None or settings.end_ms is None):
        raise NotApplicable(
            "start", "the sine is on at different times; give start and end of a part of the trial"
        )
    start, end = within(settings, setups[0], *stretches.pop())
    for setup in setups:
        _check_cycles(settings, setup, end - start)
    return with_stretch(settings, start, end, axis=key)


def drive_hz(settings: StochasticResonanceStudy, setup: Setup) -> float:
    """Frequency of the drive at a point of the sweep."""
    if settings.frequency_kHz is not None:
        return 1e3 * float(settings.frequency_kHz)
    sines = {float(one.frequency_kHz) for one in _sines(setup)}
    if len(sines) != 1:
        what = "several" if sines else "no"
        raise NotApplicable(
            "frequency",
            f'{what} sine among the stimuli to take it from; give it, as in "50 Hz", or '
            + ("keep one" if sines else 'add one of kind = "sine"'),
        )
    return 1e3 * sines.pop()


def _sines(setup: Setup) -> list[Sine]:
    return [one for one in setup.scenario.stimulus if isinstance(one, Sine)]


def _of_the_sine(setup: Setup) -> tuple[float, float]:
    """When the first sine is on, ms; the whole trial without one."""
    for index, stimulus in enumerate(setup.scenario.stimulus):
        if isinstance(stimulus, Sine):
            key = f"stimulus.{index}"
            return stimulus_onset(setup, key), stimulus_end(setup, key)
    return 0.0, setup.duration_ms


def _check_cycles(settings: StochasticResonanceStudy, setup: Setup, lasts_ms: float) -> None:
    """Refuse too few cycles to measure the noise beside the line, or samples too far apart."""
    frequency = drive_hz(settings, setup)
    cycles = int(frequency * lasts_ms * 1e-3 * (1 + 1e-9))
    if cycles <= settings.neighbours:
        longest = 1e3 * (settings.neighbours + 1) / frequency
        raise NotApplicable(
            "neighbours",
            f"{settings.neighbours} need more cycles of {frequency:g} Hz than the {cycles} in "
            f"{lasts_ms:g} ms; make the run {longest:.4g} ms or longer, or take fewer",
        )
    if settings.quantity == "voltage" and not frequency < 250.0 / setup.interval_ms:
        raise NotApplicable(
            "quantity",
            f"a voltage every {setup.interval_ms:g} ms is too sparse for {frequency:g} Hz; make "
            f"run.record.interval shorter than {250.0 / frequency:.3g} ms",
        )
