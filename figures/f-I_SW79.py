"""Channel noise straightens the f-I curve and removes its threshold.

Skaugen & Walløe 1979, doi:10.1111/j.1748-1716.1979.tb06486.x; Strassberg & DeFelice
1993, doi:10.1162/neco.1993.5.6.843. Patches of 156 to 15 600 channels fire at currents
at which the deterministic membrane is silent, and their rate rises nearly in a straight
line. Without noise there is a threshold and a jump: repetitive firing begins from rest
at 6.264 µA/cm², with periods of 14.6383 ms at 10 µA/cm² and 11.5654 ms at 20. Only the
shape is published; the size of the patches and the currents are ours. How straight a
curve is, is the share of the rise of the rate that a line takes up: the smallest patch
is not the straightest, since its rate saturates.
"""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from common import Check, main, spikes_only, study, study_figure, within
from matplotlib.figure import Figure

import stochhh

SOURCE, LIMIT = "Skaugen & Walløe 1979", "HH equations, exact"
BELOW = 4.0  # µA/cm², at which the deterministic membrane is silent
HALVINGS = 7
QUICK = [
    "run.duration=400 ms",
    'sweep={"stimulus.0.amplitude"=["0 uA/cm^2", "4 uA/cm^2", "6 uA/cm^2", "7 uA/cm^2", '
    '"12 uA/cm^2"], "membrane.area"=["2 um^2", "20 um^2"]}',
]


def steady_intervals(current: float, duration_ms: float) -> list[float]:
    """Intervals (ms) in the second half of a long step from rest, without noise."""
    overrides = [
        "sweep={}",
        "analysis.tuning=false",
        f"stimulus.0.amplitude={current:.10g} uA/cm^2",
        f"run.duration={duration_ms:g} ms",
        f"stimulus.0.duration={duration_ms:g} ms",
    ]
    result = stochhh.run("f-I_SW79", overrides=overrides, method="deterministic", trials=1)
    spikes = result.spike_trains()[0]
    late = spikes[spikes > 0.5 * duration_ms]
    return [float(one) for one in late[1:] - late[:-1]]


def firing_from(low: float, high: float, duration_ms: float) -> float:
    """Current (µA/cm²) from which on the deterministic membrane keeps firing."""
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if steady_intervals(middle, duration_ms):
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


def compute(quick: bool) -> xr.Dataset:
    result = stochhh.run(
        "f-I_SW79", overrides=QUICK if quick else [], seed=1, trials=4 if quick else 10
    )
    data = spikes_only(result)
    data.attrs["threshold"] = firing_from(6.2, 6.3, 500.0 if quick else 3000.0)
    for current in (10, 20):
        intervals = steady_intervals(float(current), 400.0)
        data.attrs[f"period_{current}"] = sum(intervals) / len(intervals)
    return data


def plot(data: xr.Dataset) -> Figure:
    return study_figure(data, "tuning", "Noise straightens the f-I curve")


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = [
        Check("deterministic firing begins at (µA/cm²)", LIMIT, 6.264,
              data.attrs["threshold"], 5e-3),
        Check("period at 10 µA/cm² (ms)", LIMIT, 14.6383, data.attrs["period_10"], 1e-3),
        Check("period at 20 µA/cm² (ms)", LIMIT, 11.5654, data.attrs["period_20"], 1e-3),
    ]  # fmt: skip
    curves = study(data, "tuning").numbers["curves"]
    for curve in curves[:2]:
        point = next(one for one in curve["points"] if one["current"] == BELOW)
        what = f"{curve['n_channels']} channels: rate at {BELOW:g} µA/cm² (Hz)"
        ours, interval = point["rate_hz"], within(point, "rate_hz")
        checks.append(Check(what, SOURCE, 0.0, ours, 0.0, interval, ">"))
    limit = curves[0]["deterministic"]["straightness"]
    for curve in curves:
        what = f"{curve['n_channels']} channels: straightness (R²), against that without noise"
        ours, interval = curve["straightness"], within(curve, "straightness")
        checks.append(Check(what, SOURCE, limit, ours, 0.0, interval, ">"))
    return checks


if __name__ == "__main__":
    main("f-I_SW79", compute, plot, check)
