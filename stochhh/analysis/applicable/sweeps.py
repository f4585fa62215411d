"""What studies of a whole sweep need of it: an axis of numbers, one protocol, a part of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stochhh.analysis.applicable.needs import NotApplicable, within
from stochhh.analysis.axes import curves_along
from stochhh.analysis.setup import Setup
from stochhh.errors import did_you_mean
from stochhh.scenario.studies.common import AlongAxis, PartOfTrial


def swept_axis(
    settings: AlongAxis, setups: Sequence[Setup], endings: Sequence[str], example: str
) -> str:
    """Key of the axis that a study runs along.

    Parameters
    ----------
    settings : of the study, which may name it
    setups : of all points of the sweep
    endings : last parts of keys that the study is about, the likeliest first
    example : of a line in ``[sweep]``, for the message where there is none

    Raises
    ------
    NotApplicable
        No such axis, several, or one whose values are no numbers of one unit.
    """
    keys = list(setups[0].place)
    key = settings.axis
    if key is None:
        key = _likely(keys, endings, example)
    elif key not in keys:
        known = did_you_mean(key, keys) if keys else "nothing is swept"
        raise NotApplicable("axis", f"no swept key '{key}'; {known}")
    try:
        curves_along(setups, key)
    except ValueError as problem:
        raise NotApplicable("axis", f"values of '{key}': {problem}, as in {example}") from None
    return key


def axis_if_any(
    settings: AlongAxis, setups: Sequence[Setup], endings: Sequence[str], example: str
) -> str | None:
    """Key of the axis as `swept_axis` finds it; None where no key is named, or likely."""
    keys = [key.rsplit(".", 1)[-1] for key in setups[0].place]
    if settings.axis is None and not any(ending in keys for ending in endings):
        return None
    return swept_axis(settings, setups, endings, example)


def stimulus_onset(setup: Setup, key: str) -> float:
    """Start (ms) of the stimulus that a swept key belongs to; of the trial for any other key."""
    table, *rest = key.split(".")
    if table != "stimulus":
        return 0.0
    return float(getattr(setup.scenario.stimulus[int(rest[0])], "start_ms", 0.0))


def stimulus_end(setup: Setup, key: str) -> float:
    """End (ms) of the stimulus that a swept key belongs to; of the trial for any other key."""
    table, *rest = key.split(".")
    if table != "stimulus":
        return setup.duration_ms
    stimulus = setup.scenario.stimulus[int(rest[0])]
    lasts = None if stimulus.kind == "pulse-train" else getattr(stimulus, "duration_ms", None)
    if lasts is None:
        return setup.duration_ms
    return min(setup.duration_ms, stimulus_onset(setup, key) + float(lasts))


def stimulus_of(key: str, setups: Sequence[Setup], endings: Sequence[str], example: str) -> int:
    """Place of the stimulus whose key a sweep runs along; refused where it is no such key."""
    table, *steps = key.split(".")
    if table == "stimulus" and len(steps) == 2 and steps[1] in endings:
        stimulus = setups[0].scenario.stimulus[int(steps[0])]
        if stimulus.kind in ("pulse", "step", "pulse-train"):
            return int(steps[0])
    wanted = " or ".join(endings)
    raise NotApplicable("axis", f"'{key}' is not the {wanted} of a pulse; need one, as {example}")


def stimulus_at(setup: Setup, index: int) -> Any:
    """One of the stimuli of a point, of the kind that `stimulus_of` found it to be."""
    return setup.scenario.stimulus[index]


def is_amplitude_swept(index: int, setups: Sequence[Setup]) -> bool:
    """Whether the amplitude of a stimulus is swept; refused where its values have several units."""
    key = f"stimulus.{index}.amplitude"
    if key not in setups[0].place:
        return False
    try:
        curves_along(setups, key)
    except ValueError as problem:
        raise NotApplicable("axis", f"values of '{key}': {problem}") from None
    return True


def part_of_trial(settings: PartOfTrial, setup: Setup) -> tuple[float, float]:
    """Start and end (ms) as given, or else those of the trial."""
    return within(settings, setup, 0.0, setup.duration_ms)


def check_free(setups: Sequence[Setup]) -> None:
    """Refuse a clamped membrane, which makes no spikes."""
    if setups[0].scenario.clamp is not None:
        raise NotApplicable("", "a clamped membrane makes no spikes; give the scenario no [clamp]")


def _likely(keys: Sequence[str], endings: Sequence[str], example: str) -> str:
    for ending in endings:
        found = [key for key in keys if key.rsplit(".", 1)[-1] == ending]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            names = ", ".join(f'"{key}"' for key in found)
            raise NotApplicable("axis", f"name one of several: {names}")
    raise NotApplicable("", f"needs a sweep; give the scenario one, as in [sweep] {example}")
