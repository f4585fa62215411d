"""A patch of a few square micrometres fires most regularly: intrinsic coherence resonance.

Schmid, Goychuk & Hänggi 2001, doi:10.1209/epl/i2001-00482-6. Without any current,
patches of 13 to 7800 channels are fired by their own noise. The CV of the intervals has
a minimum at a small size of the patch; by small we mean below 20 µm². They used a
diffusion of gates, which is known to be wrong in patches as small; here every channel
flips by itself, so that only the shape can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from common import Check, main, spikes_only, study, study_figure, within
from matplotlib.figure import Figure

import stochhh

SOURCE = "Schmid et al. 2001"
SMALL_UM2 = 20.0  # what is taken for a small patch


def compute(quick: bool) -> xr.Dataset:
    return spikes_only(
        stochhh.run(
            "coherence-resonance_SGH01",
            overrides=["run.duration=2 s" if quick else "run.duration=5 s"],
            seed=1,
            trials=8 if quick else 12,
        )
    )


def plot(data: xr.Dataset) -> Figure:
    return study_figure(data, "patch_size", "Noise of the right strength makes firing regular")


def check(data: xr.Dataset) -> Sequence[Check]:
    (curve,) = study(data, "patch_size").numbers["curves"]
    points, best = curve["points"], curve["coherence"]
    least = best["least_cv"]
    checks = [
        Check("area of the least CV (µm²)", SOURCE, SMALL_UM2, best["area_um2"], 0.0,
              within(best, "area_um2"), "<"),
        Check("chance that the minimum is at an end", SOURCE, 0.05, best["chance_at_end"], 0.0,
              None, "<"),
    ]  # fmt: skip
    for point in (points[0], points[-1]):
        what = f"CV at {point['area_um2']:g} µm², against the least"
        ours, ends = point["isi_cv"], within(point, "isi_cv")
        checks.append(Check(what, SOURCE, least, ours, 0.0, ends, ">"))
    return checks


if __name__ == "__main__":
    main("coherence_SGH01", compute, plot, check)
