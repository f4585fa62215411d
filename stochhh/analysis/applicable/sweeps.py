"""What studies of a whole sweep need of it: an axis of numbers, one protocol, a part of time."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import NotApplicable, within
from stochhh.analysis.axes import curves_along
from stochhh.analysis.setup import Setup
from stochhh.errors import did_you_mean
from stochhh.scenario.studies.common import AlongSweep, PartOfTrial


def swept_axis(
    settings: AlongSweep, setups: Sequence[Setup], endings: Sequence[str], example: str
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
