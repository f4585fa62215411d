"""What a scenario asks for and will not get as it stands: said in a line each, before the run."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np

from stochhh import units
from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.membrane import Population
from stochhh.methods import Method
from stochhh.scenario import stimuli as kinds
from stochhh.scenario.models import ChannelPopulation, Run
from stochhh.theory.equilibrium import reached_from_everywhere
from stochhh.units import Amount
from stochhh.waveform import read_waveform

_MOST_SAID = 5
_MOST_USUAL_STEPS = 5.0
_MOST_DURATIONS = 1000.0  # of a run, that settling before it may last unsaid
_ROUNDING = 1e-9  # relative
_FINE_MS = 0.05  # pieces that resolve what any membrane does


def say(doubts: Iterable[str]) -> None:
    """Warn of doubts, of each once and of no more than a few."""
    said = list(dict.fromkeys(doubts))
    for doubt in said[:_MOST_SAID]:
        warnings.warn(doubt, stacklevel=1)  # one place for all, so that none is said twice
    if len(said) > _MOST_SAID:
        warnings.warn(f"{len(said) - _MOST_SAID} more such notes are left out", stacklevel=1)


def of_channels(
    tables: Sequence[ChannelPopulation], populations: Sequence[Population], where: str
) -> list[str]:
    """Doubts about channels of which there are none, or that begin where they never leave.

    Parameters
    ----------
    tables, populations : as given, and what they make
    where : the scenario's name and the key of the membrane
    """
    found = []
    for index, (table, one) in enumerate(zip(tables, populations, strict=True)):
        key = f"{where}.channels[{index}]"
        given = (table.count, table.density_per_um2, table.maximal_conductance)
        if one.count == 0 and not any(what is not None and what == 0 for what in given):
            found.append(
                f"{key}: there are none of '{one.name}': what is given makes less than half a "
                "channel on this area"
            )
        end = _trap(one.scheme)
        if end and one.count and table.initial_state is None:
            other = next(state for state in one.scheme.states if state not in end)
            named = " or ".join(f"'{state}'" for state in end)
            found.append(
                f"{key}: all of '{one.name}' begin in {named}, which they never leave; to begin "
                f'elsewhere give a state, as in initial_state = "{other}"'
            )
    return found


def _trap(scheme: ChannelScheme) -> list[str]:
    """States from which no way leads back to some others, if all channels end there."""
    leads = np.zeros((len(scheme.states),) * 2, dtype=bool)
    for one in scheme.transitions:
        leads[one.source, one.target] = True
    final = reached_from_everywhere(leads)
    return [] if final.all() else [scheme.states[i] for i in np.flatnonzero(final)]


def of_run(run: Run, method: Method, usual_ms: float, where: str) -> list[str]:
    """Doubts about the step and the accuracy that a run of a membrane asks for.

    Parameters
    ----------
    run, method : as given, and what is taken
    usual_ms : step that the channels and the stimulus ask for; of no account without one
    where : the scenario's name
    """
    found = []
    if run.method != "auto" and run.accuracy != Run.model_fields["accuracy"].default:
        found.append(
            f"{where}: run.accuracy: {run.accuracy:g} does nothing, as method '{run.method}' is "
            'not chosen by it; drop it, or let it choose: method = "auto"'
        )
    if run.step_ms is None:
        return found
    if method.step_ms is None:
        named = f"'{method.name}'" + (", which auto chose," if run.method == "auto" else "")
        return [
            *found,
            f'{where}: run.step: method {named} has no step, so that "{run.step_ms.text}" does '
            'nothing; drop it, or choose a method with a step, as in method = "leap"',
        ]
    return [*found, *of_step(run.step_ms, usual_ms, where)]


def of_settling(settle_ms: float, duration_ms: float, asked: bool, where: str) -> list[str]:
    """Doubt about a settling, not asked for, that takes far longer than the run itself."""
    if asked or settle_ms <= _MOST_DURATIONS * duration_ms:
        return []
    return [
        f"{where}: run.initial.settle: trials of {duration_ms:g} ms settle for {settle_ms:g} ms "
        'first, which takes longer by far; settle = "0 ms" leaves that out'
    ]


def of_step(step_ms: Amount, usual_ms: float, where: str) -> list[str]:
    """Doubt about a step that is far too long, if it is."""
    if step_ms <= _MOST_USUAL_STEPS * usual_ms * (1 + _ROUNDING):
        return []
    return [
        f'{where}: run.step: "{step_ms.text}" is {step_ms / usual_ms:.3g} times what the fastest '
        f'channels or stimuli ask for; drop it, or give "{usual_ms:.2g} ms"'
    ]


def of_stimuli(stimuli: Sequence[kinds.Stimulus], where: str) -> list[str]:
    """Doubts about stimuli whose resolution is too coarse for what they are."""
    found = []
    for index, stimulus in enumerate(stimuli):
        doubt = coarse(stimulus)
        if doubt is not None:
            found.append(f"{where}: stimulus[{index}].{doubt}")
    return found


@singledispatch
def coarse(stimulus: Any) -> str | None:
    """Why a stimulus is held over pieces too long to follow it, if it is."""
    return None


@coarse.register
def _(stimulus: kinds.Curve) -> str | None:
    finest = stimulus.shape_ms / kinds.PIECES
    if stimulus.piece_ms <= finest * (1 + _ROUNDING):
        return None
    what = (
        f"too long for the {stimulus.shape_ms:.4g} ms in which the {stimulus.kind} takes its shape"
    )
    return _too_long(stimulus.piece_ms, what, finest)


@coarse.register
def _(stimulus: kinds.Noise) -> str | None:
    longest = max(float(stimulus.correlation_time_ms), _FINE_MS)
    if stimulus.resolution_ms <= longest * (1 + _ROUNDING):
        return None
    what = "longer than the correlation time, so that the noise is averaged over its pieces"
    return _too_long(stimulus.resolution_ms, what, longest)


@coarse.register
def _(stimulus: kinds.Waveform) -> str | None:
    if stimulus.interpolation == "hold" or stimulus.resolution_ms <= _FINE_MS * (1 + _ROUNDING):
        return None
    try:
        time, _, _ = read_waveform(Path(stimulus.path), units.CURRENT)
    except InputError:  # said where it is read to be used
        return None
    apart = float(time[-1] - time[0]) / (len(time) - 1)
    if stimulus.resolution_ms <= apart * (1 + _ROUNDING):
        return None
    what = (
        f"longer than the {apart:.3g} ms between times of the file, so that its lines become steps"
    )
    return _too_long(stimulus.resolution_ms, what, apart)


def _too_long(given_ms: Amount, what: str, longest_ms: float) -> str:
    """Say of a resolution what it is, and what it may be."""
    return (
        f'resolution: "{given_ms.text}" is {what}; drop it, or give "{longest_ms:.3g} ms" or less'
    )
