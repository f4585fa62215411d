"""Axons thinner than a limit fire by themselves: the rate rises steeply.

Faisal, White & Laughlin 2005, doi:10.1016/j.cub.2005.05.056. A single channel's opening
moves the voltage of a thin axon enough to start an impulse. They put the limit where
spontaneous impulses exceed 0.02 /s, at a diameter between 0.15 and 0.3 µm depending on
channels and temperature. Here: 1 mm of axon with the squid's channels at 6.3 °C. It comes
out thicker than theirs: three minutes each at 0.32 and 0.36 µm put it at 0.34 µm, where one
impulse in a minute had put it at 0.31. The rate is that of a whole axon and grows with its
length, and how long theirs was is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.propagation import limit_diameter_um
from stochhh.plot import style
from stochhh.studies import analyse

SOURCE = "Faisal et al. 2005"
LIMIT_HZ = 0.02
#: Seconds of each diameter, more where impulses are rare.
SECONDS = {0.1: 2, 0.15: 4, 0.2: 10, 0.24: 40, 0.28: 60, 0.32: 180, 0.36: 180}


def compute(quick: bool) -> xr.Dataset:
    rates = []
    chosen = {d: s for d, s in SECONDS.items() if d <= 0.2} if quick else SECONDS
    for diameter, seconds in chosen.items():
        overrides = [
            "sweep={}",
            f'cell.axon.section.shaft.diameter="{diameter} um"',
            "cell.axon.section.shaft.compartments=50",
            'run.record={ interval = "100 ms", variables = ["voltage"], where = ["axon end"] }',
        ]
        trials = max(seconds // (5 if quick else 1), 2)
        result = stochhh.run("diameter-limit_FWL05", overrides=overrides, seed=1, trials=trials)
        (outcome,) = analyse(result)
        numbers = outcome.findings.numbers
        rates.append([numbers["spontaneous_rate_hz"], *numbers["spontaneous_rate_hz_ci"]])
    return xr.Dataset(
        {"rate": (("diameter", "bound"), rates)},
        coords={"diameter": list(chosen), "bound": ["value", "low", "high"]},
    )


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(0.6 * style.WIDTH, 2.9), layout="constrained")
    axes = figure.subplots()
    x, (rate, low, high) = data["diameter"].values, data["rate"].values.T
    some = rate > 0
    axes.errorbar(
        x[some], rate[some], [(rate - low)[some], (high - rate)[some]], fmt="o",
        color=style.VOLTAGE, markersize=4, label="1 mm of axon, 95 %",
    )  # fmt: skip
    if not some.all():
        axes.plot(x[~some], high[~some], "v", color=style.VOLTAGE, label="none seen: upper bound")
    axes.axhline(LIMIT_HZ, label="0.02 /s", **style.LIMIT)
    axes.axvspan(0.15, 0.3, color="0.9", zorder=0, label="limit published")
    axes.set_yscale("log")
    axes.set_xlabel("diameter (µm)")
    axes.set_ylabel("spontaneous impulses (/s)")
    axes.legend(fontsize=7, loc="lower left")
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    rate, low, high = data["rate"].values.T
    x = data["diameter"].values
    checks = [
        Check(f"spontaneous rate at {x[k]:g} µm (/s)", SOURCE, LIMIT_HZ, float(rate[k]), 0.0,
              (float(low[k]), float(high[k])), ">")
        for k in range(len(x))
        if x[k] <= 0.2
    ]  # fmt: skip
    steepness = float(rate[0] / rate[2])
    checks.append(
        Check("rate at 0.1 µm over that at 0.2 µm", SOURCE, 4.0, steepness, 0.0, None, ">")
    )
    if x[-1] > 0.3:
        thinnest, thickest = (
            limit_diameter_um(x, np.where(one > 0, one, 1e-9), LIMIT_HZ) or float(x[-1])
            for one in (low, high)
        )
        middle = 0.5 * (thinnest + thickest)
        checks.append(
            Check("diameter of 0.02 /s (µm), 0.15 to 0.3 published", SOURCE, 0.225, middle, 0.075,
                  (thinnest, thickest))
        )  # fmt: skip
    return checks


if __name__ == "__main__":
    main("diameter-limit_FWL05", compute, plot, check)
