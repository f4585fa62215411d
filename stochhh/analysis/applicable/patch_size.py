"""Whether `patch_size` can be made: needs areas, or numbers of channels that stand for them."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.applicable.needs import NotApplicable, check_random, with_stretch
from stochhh.analysis.applicable.sweeps import check_free, part_of_trial, swept_axis
from stochhh.analysis.setup import Setup
from stochhh.scenario.studies.tuning import PatchSizeStudy

_ENDINGS = ("area", "count_factor")
_EXAMPLE = '"membrane.area" = ["10 um^2", "30 um^2", "100 um^2"]'


def filled_across(settings: PatchSizeStudy, setups: Sequence[Setup]) -> PatchSizeStudy:
    """Check the settings of `patch_size`, and fill in what they leave open."""
    check_free(setups)
    check_random("patch_size", setups[0])
    key = swept_axis(settings, setups, _ENDINGS, _EXAMPLE)
    if key.rsplit(".", 1)[-1] not in _ENDINGS:
        raise NotApplicable("axis", f"'{key}' is no size of a patch; sweep one, as in {_EXAMPLE}")
    sizes = {size_um2(setup) for setup in setups}
    smallest = settings.fit_from_um2
    if smallest is not None and sum(size >= smallest * (1 - 1e-9) for size in sizes) < 2:
        raise NotApplicable(
            "fit_from",
            f'"{smallest.text}" leaves fewer than two areas; the largest is {max(sizes):g} um^2',
        )
    return with_stretch(settings, *part_of_trial(settings, setups[0]), axis=key)


def size_um2(setup: Setup) -> float:
    """Area of a patch with as much noise: a membrane's own times its count factor.

    Per area both have the same capacitance and conductances, so their voltages have
    one law unless a current is given as absolute.
    """
    return setup.membrane.area_um2 * float(setup.scenario.membrane.count_factor)
