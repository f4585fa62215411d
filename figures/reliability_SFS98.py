"""The more channels, the more reliable and precise the spikes that a strong input makes.

Schneidman, Freedman & Segev 1998, doi:10.1162/089976698300017089. 200 µm² of squid
membrane with a tenth of its channels up to ten times as many, which conduct the same in
sum, under a steady current and under frozen currents that fluctuate about it. Steady, the
k-th spike scatters the more the larger k; strongly fluctuating, spikes repeat to a
fraction of 1 ms. Currents are ours, so only the shape is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from common import Check, main, spikes_only, study, study_figure
from matplotlib.figure import Figure

import stochhh

SOURCE = "Schneidman et al. 1998"
QUICK = (
    'sweep={"stimulus.0.sd"=["0 uA/cm^2", "15 uA/cm^2"], "membrane.count_factor"=[0.1, 1.0, 10.0]}'
)


def compute(quick: bool) -> xr.Dataset:
    overrides = [QUICK, "run.duration=500 ms"] if quick else []
    return spikes_only(stochhh.run("reliability_SFS98", overrides=overrides, seed=1))


def plot(data: xr.Dataset) -> Figure:
    return study_figure(data, "reliability", "Reliability by number of channels")


def check(data: xr.Dataset) -> Sequence[Check]:
    curves = study(data, "reliability").data.curves
    steady, strong = curves[0].points, curves[-1].points
    few, many = (point.found.events for point in (strong[0], strong[-1]))
    checks = [
        Check("strong input: precision with most channels (ms)", SOURCE, 1.0,
              many.precision_ms.value, 0.0, many.precision_ms.interval, "<"),
        Check("… against that with fewest", SOURCE, few.precision_ms.value,
              many.precision_ms.value, 0.0, many.precision_ms.interval, "<"),
        Check("strong input: reliability with most channels, against fewest", SOURCE,
              few.reliability.value, many.reliability.value, 0.0, many.reliability.interval, ">"),
    ]  # fmt: skip
    for point in (steady[len(steady) // 2], steady[-1]):
        first, last = point.jitter_at(0), point.jitter_at(-1)
        what = f"steady, {point.n_channels} channels: jitter of the last spike, against the first"
        checks.append(Check(what, SOURCE, first.value, last.value, 0.0, last.interval, ">"))
    return checks


if __name__ == "__main__":
    main("reliability_SFS98", compute, plot, check)
