"""Interspike intervals: a peak, bumps, and an exponential tail.

Rowat & Greenwood 2014, doi:10.3389/fncom.2014.00111. Channel noise fires a patch that
is silent without it. Soon after a spike the membrane still rings, and fires when it
swings up: the hazard has a peak, a dip and a bump, about a period of the ringing apart.
Later the spike is forgotten, and any moment is as likely as any other: an exponential
tail, in which what is left of an interval has a CV of 1. The period is that of small
oscillations, from the eigenvalues of the linearised membrane: large ones are slower, so
a tenth of it is allowed. Patch and currents are ours, so only the shape is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.exponential_tail import ExponentialTail, exponential_tail
from stochhh.analysis.interval_moments import hazard_landmarks
from stochhh.analysis.interval_statistics import IntervalDensity, interval_density
from stochhh.analysis.linear_membrane import linearised
from stochhh.analysis.steady_state import steady_voltage_mV
from stochhh.analysis.trains import cut_trains
from stochhh.membrane import build_membrane
from stochhh.plot.estimates import shades
from stochhh.plot.style import DETERMINISTIC, WIDTH

SOURCE, THEORY = "Rowat & Greenwood 2014", "linear theory"
CURRENTS, RINGS = (0, 4, 6), 2  # µA/cm²; place of the current of peak, dip and bump
AREA_UM2 = 300.0
START_MS, DURATION_MS = 500.0, 20_000.0  # onset left out
BIN_MS, SHOWN_MS = 0.5, 100.0


def compute(quick: bool) -> xr.Dataset:
    start = ["run.initial.settle=0 ms"]  # intervals are read from long after it
    result = stochhh.run("intervals_RG14", overrides=start, seed=1, trials=8 if quick else 30)
    names = ["spike_time", "spike_trial", "spike_point"]
    data = result.dataset[names].drop_vars(result.dataset.coords, errors="ignore")
    data = data.astype({"spike_time": np.float32, "spike_trial": np.uint8, "spike_point": np.uint8})
    scenario = stochhh.load_scenario("intervals_RG14", ["sweep={}"])
    membrane = build_membrane(scenario.membrane, scenario.name)
    voltage = steady_voltage_mV(membrane, CURRENTS[RINGS] * AREA_UM2 / 100.0)
    turning = np.linalg.eigvals(linearised(membrane, voltage).jacobian).imag
    data.attrs = {"period": float(2 * np.pi / turning.max()), "trials": result["trial"].size}
    return data


def law(data: xr.Dataset, point: int) -> tuple[IntervalDensity, ExponentialTail | None, np.ndarray]:
    """Density and tail of the intervals at a current, and the intervals (ms)."""
    mine = data["spike_point"].values == point
    times = data["spike_time"].values[mine].astype(float)
    trial = data["spike_trial"].values[mine]
    trains = cut_trains(
        [times[trial == k] for k in range(data.attrs["trials"])], START_MS, DURATION_MS
    )
    length = DURATION_MS - START_MS
    density = interval_density(trains, length, BIN_MS)
    return density, exponential_tail(trains, length), np.concatenate([np.diff(t) for t in trains])


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for point, (current, color) in enumerate(zip(CURRENTS, shades(len(CURRENTS)), strict=True)):
        density, tail, intervals = law(data, point)
        middle = density.edges_ms[:-1] + BIN_MS / 2
        if point == 0:  # too rare for bins as fine
            left.plot([], [], color=color, label=f"{current} µA/cm² ({len(intervals)}, too few)")
        else:
            kept = (middle < SHOWN_MS) & (density.count > 0)
            name = f"{current} µA/cm² ({len(intervals)})"
            left.plot(middle[kept], 1e3 * density.density_per_ms[kept], color=color, label=name)
        full = (middle < SHOWN_MS) & (density.count >= 5)
        band = (1e3 * density.hazard_low[full], 1e3 * density.hazard_high[full])
        right.fill_between(middle[full], *band, color=color, alpha=0.3, linewidth=0)
        right.plot(middle[full], 1e3 * density.hazard_per_ms[full], color=color)
        if tail is None or point == 0:
            continue
        rate = tail.hazard_hz.value
        grid = np.linspace(tail.start_ms, SHOWN_MS, 50)
        look = {"color": DETERMINISTIC, "linewidth": 1.0, "linestyle": "--"}
        falls = tail.share * rate * np.exp(-1e-3 * rate * (grid - tail.start_ms))
        left.plot(grid, falls, label="exponential tail" if point == RINGS else None, **look)
        right.plot(grid, np.full_like(grid, rate), **look)
    left.set(yscale="log", xlabel="interspike interval (ms)", ylabel="density (1/s)")
    left.set_title("Density: a straight line is exponential", loc="left")
    left.set_ylim(bottom=0.05)
    left.legend(title="current (intervals)", title_fontsize=7)
    right.set(xlabel="time since the last spike (ms)", ylabel="hazard (1/s)", ylim=(0, None))
    right.set_title("Hazard (95 %): peak, dip, bump, constant", loc="left")
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = []
    for point in (1, RINGS):
        _, tail, intervals = law(data, point)
        assert tail is not None
        left = intervals[intervals > tail.start_ms] - tail.start_ms
        cv = float(left.std(ddof=1) / left.mean())
        reach = 1.96 / np.sqrt(len(left))
        what = f"{CURRENTS[point]} µA/cm²: CV of the tail beyond {tail.start_ms:.3g} ms"
        checks.append(Check(what, SOURCE, 1.0, cv, 0.03, (cv - reach, cv + reach)))
    density, tail, _ = law(data, RINGS)
    assert tail is not None
    level, ends = tail.hazard_hz.value, tail.hazard_hz.interval
    assert level is not None
    assert ends is not None
    found = hazard_landmarks(density, tail)
    assert found is not None
    at = f"{CURRENTS[RINGS]} µA/cm²: hazard of the"
    nothing = float("nan")
    dip = nothing if found.dip_hz is None else found.dip_hz
    bump = nothing if found.bump_hz is None else found.bump_hz
    checks += [
        Check(f"{at} peak over that of the tail", SOURCE, 1.0, found.peak_hz / level, 0.0,
              (found.peak_hz / ends[1], found.peak_hz / ends[0]), ">"),
        Check(f"{at} dip over that of the tail", SOURCE, 1.0, dip / level, 0.0,
              (dip / ends[1], dip / ends[0]), "<"),
        Check(f"{at} bump over that of the tail", SOURCE, 1.0, bump / level, 0.0,
              (bump / ends[1], bump / ends[0]), ">"),
    ]  # fmt: skip
    period = data.attrs["period"]
    apart = nothing if found.bump_ms is None else found.bump_ms - found.peak_ms
    what = "from peak to bump (ms), against the period of ringing"
    checks.append(Check(what, THEORY, period, apart, 0.1 * period,
                        (apart - BIN_MS, apart + BIN_MS)))  # fmt: skip
    return checks


if __name__ == "__main__":
    main("intervals_RG14", compute, plot, check)
