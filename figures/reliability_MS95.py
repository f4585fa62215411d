"""Spikes are reliable under a fluctuating current and drift apart under a steady one.

Mainen & Sejnowski 1995, doi:10.1126/science.7770778, in neurons of the cortex; that
channels are noise enough for it, Schneidman, Freedman & Segev 1998,
doi:10.1162/089976698300017089. 25 trials of 900 ms of one and the same current into a
patch of squid membrane: fluctuating, it makes spikes that come back to less than 1 ms;
steady, the k-th spike scatters the more the larger k. Published are the shape and the
bound of 1 ms; the squid's patch is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from common import Check, main, spikes_only, study, study_figure
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.reliability_curves import ReliabilityPoint

SOURCE = "Mainen & Sejnowski 1995"


def compute(quick: bool) -> xr.Dataset:
    overrides = ['sweep={"stimulus.0.sd"=["0 pA", "50 pA", "100 pA"]}'] if quick else []
    return spikes_only(stochhh.run("reliability_MS95", overrides=overrides, seed=1))


def plot(data: xr.Dataset) -> Figure:
    return study_figure(data, "reliability", "Steady against fluctuating current")


def check(data: xr.Dataset) -> Sequence[Check]:
    curve = study(data, "reliability").data.curves[0]
    steady, fluctuating = curve.points[0], curve.points[-1]
    first, last = steady.jitter_at(0), steady.jitter_at(-1)
    events = fluctuating.found.events
    repeats = steady.found.events.reliability.value
    return [
        Check("fluctuating: precision of spikes (ms)", SOURCE, 1.0, events.precision_ms.value,
              0.0, events.precision_ms.interval, "<"),
        Check("reliability: fluctuating, against steady", SOURCE, repeats or 0.0,
              events.reliability.value, 0.0, events.reliability.interval, ">"),
        Check("steady: jitter of the last spike (ms), against 3 × the first", SOURCE,
              3 * first.value, last.value, 0.0, last.interval, ">"),
        Check("jitter of the last spike: fluctuating, against steady", SOURCE, last.value,
              *late(fluctuating), "<"),
    ]  # fmt: skip


def late(point: ReliabilityPoint) -> tuple[float, float, tuple[float, float] | None]:
    """Jitter of the last spike (ms), no tolerance, its interval."""
    jitter = point.jitter_at(-1)
    assert jitter.value is not None
    return jitter.value, 0.0, jitter.interval


if __name__ == "__main__":
    main("reliability_MS95", compute, plot, check)
