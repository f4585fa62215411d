"""A weak sine comes through best in a patch of the right size: stochastic resonance.

Schmid, Goychuk & Hänggi 2001, doi:10.1209/epl/i2001-00482-6. A sine of 1 µA/cm² and 0.3
radians a ms is too weak to fire the deterministic membrane. The signal-to-noise ratio of
the spikes has a maximum at some size of the patch. They used a diffusion of gates; here
every channel flips by itself, so that only the shape can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from common import Check, main, spikes_only, study, study_figure, within
from matplotlib.figure import Figure

import stochhh

SOURCE = "Schmid et al. 2001"
QUICK = ["1 um^2", "8 um^2", "32 um^2", "64 um^2", "512 um^2"]


def compute(quick: bool) -> xr.Dataset:
    areas = ", ".join(f'"{area}"' for area in QUICK)
    overrides = [f'sweep={{"membrane.area"=[{areas}]}}', "run.duration=1 s"] if quick else []
    trials = 6 if quick else 16
    return spikes_only(
        stochhh.run("stochastic-resonance_SGH01", overrides=overrides, seed=1, trials=trials)
    )


def plot(data: xr.Dataset) -> Figure:
    return study_figure(data, "stochastic_resonance", "A weak sine in patches of many sizes")


def check(data: xr.Dataset) -> Sequence[Check]:
    (curve,) = study(data, "stochastic_resonance").numbers["curves"]
    points, peak = curve["points"], curve["peak"]
    largest = peak["ratio_hz"]
    checks = [
        Check("spikes without noise", SOURCE, 0.0, curve["deterministic_spikes"], 0.0),
        Check("chance that the largest ratio is at an end", SOURCE, 0.05, peak["chance_at_end"],
              0.0, None, "<"),
    ]  # fmt: skip
    for point in (points[0], points[-1]):
        what = f"signal / noise at {point['x']:g} µm² (Hz), against the largest"
        ours = point["ratio_hz"] or 0.0  # a silent patch has no signal
        ends = within(point, "ratio_hz")
        checks.append(Check(what, SOURCE, largest, ours, 0.0, ends, "<"))
    return checks


if __name__ == "__main__":
    main("resonance_SGH01", compute, plot, check)
