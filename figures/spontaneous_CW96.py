"""Spontaneous firing against membrane area: the rate falls exponentially, intervals are random.

Chow & White 1996, doi:10.1016/S0006-3495(96)79494-8: no current, patches of 10 to
200 µm²; the logarithm of the rate falls linearly with the area, and intervals are
a refractory part and an exponential tail.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.plot.style import DETERMINISTIC, VOLTAGE, WIDTH

AREAS_UM2 = (25, 50, 75, 100, 125, 150, 175, 200)
SOURCE = "Chow & White 1996"


def compute(quick: bool) -> xr.Dataset:
    areas = ", ".join(f'"{area} um^2"' for area in (AREAS_UM2[::2] if quick else AREAS_UM2))
    overrides = [
        f'sweep={{"membrane.area"=[{areas}]}}',
        "run.duration=1 s" if quick else "run.duration=5 s",
        "run.record.interval=50 ms",
        'run.record.variables=["voltage"]',
        "run.record.channels=0",
        "run.deterministic=false",
    ]
    result = stochhh.run("spontaneous_CW96", overrides=overrides, seed=1, trials=12 if quick else 8)
    return result.dataset[["area", "spike_time", "spike_trial", "spike_point"]].assign(
        duration=result.duration_ms * result.dataset.sizes["trial"]
    )


def rates_hz(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Area (µm²), rate and its SD (Hz) at each point."""
    n_points = data.sizes["point"]
    counts = np.bincount(data["spike_point"].values, minlength=n_points)
    seconds = float(data["duration"]) / 1e3
    return data["area"].values, counts / seconds, np.sqrt(counts) / seconds


def intervals_ms(data: xr.Dataset, point: int) -> np.ndarray:
    mine = data["spike_point"].values == point
    time, trial = data["spike_time"].values[mine], data["spike_trial"].values[mine]
    return np.diff(time)[np.diff(trial) == 0]


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    area, rate, sd = rates_hz(data)
    left.errorbar(area, rate, 1.96 * sd, fmt="o", color=VOLTAGE, capsize=2, markersize=4)
    slope, offset = np.polyfit(area, np.log(rate), 1, w=rate / sd)
    line = f"fit: exp(−area / {-1 / slope:.0f} µm²)"
    left.plot(area, np.exp(offset + slope * area), "--", color=DETERMINISTIC, label=line)
    left.set(yscale="log", xlabel="membrane area (µm²)", ylabel="spontaneous rate (Hz)")
    left.legend()
    intervals = intervals_ms(data, len(area) // 2)
    sns.histplot(x=intervals, stat="density", ax=right, color=VOLTAGE, element="step", alpha=0.3)
    tail = intervals[intervals > 30] - 30
    grid = np.linspace(30, intervals.max(), 200)
    share = len(tail) / len(intervals)
    curve = share / tail.mean() * np.exp(-(grid - 30) / tail.mean())
    right.plot(grid, curve, "--", color=DETERMINISTIC, label="exponential beyond 30 ms")
    right.set(
        xlabel="interspike interval (ms)",
        ylabel="density (1/ms)",
        title=f"{area[len(area) // 2]:g} µm²",
    )
    right.legend()
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    area, rate, sd = rates_hz(data)
    residual = np.log(rate) - np.polyval(np.polyfit(area, np.log(rate), 1, w=rate / sd), area)
    chi2 = float(np.sum((residual / (sd / rate)) ** 2) / (len(area) - 2))
    intervals = intervals_ms(data, len(area) // 2)
    tail = intervals[intervals > 30] - 30
    cv = tail.std(ddof=1) / tail.mean()
    spread = 1.96 / np.sqrt(len(tail))
    falls = np.corrcoef(area, np.log(rate))[0, 1]
    return [
        Check("log rate falls with area: correlation", SOURCE, -1.0, falls, 0.03),
        Check("… linearly: reduced χ² of the straight line", SOURCE, 1.0, chi2, 3.0),
        Check("share of intervals below 8 ms", SOURCE, 0.0, float(np.mean(intervals < 8)), 0.0),
        Check(
            "tail beyond 30 ms is exponential: CV",
            SOURCE,
            1.0,
            cv,
            0.05,
            (cv - spread, cv + spread),
        ),
    ]


if __name__ == "__main__":
    main("spontaneous_CW96", compute, plot, check)
