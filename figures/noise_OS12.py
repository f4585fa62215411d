"""Noise analysis: how many channels there are and what one carries, read from the noise alone.

The set-up of Orio & Soudry 2012, doi:10.1371/journal.pone.0036670 (300 K+ channels,
-90 to +70 mV, 200 sweeps), analysed as by Sigworth 1980 (J Physiol 307:97). Means
and variances of the open count at 1 and 2 ms are exact theory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.noise import count_channels
from stochhh.plot.single_channel import noise_figure

UNITARY_PA, COUNT = 0.02 * (70.0 + 77.0), 300  # 20 pS, 147 mV from reversal
THEORY, SET_UP = "exact theory", "Orio & Soudry 2012"
SHOWN = 200


def compute(quick: bool) -> xr.Dataset:
    result = stochhh.run("noise-analysis_OS12", seed=1, trials=SHOWN if quick else 20 * SHOWN)
    return xr.Dataset(
        {
            "sweeps": result["total_current"].isel(trial=slice(0, SHOWN)).astype(np.float32),
            "open_mean": result["open"].mean("trial").isel(population=0, drop=True),
            "open_variance": result["open"].var("trial", ddof=1).isel(population=0, drop=True),
            "n_sweeps": result.dataset.sizes["trial"],
        }
    ).drop_vars(["ion", "population"], errors="ignore")


def plot(data: xr.Dataset) -> Figure:
    sweeps = data["sweeps"].values.astype(float)
    title = "300 K⁺ channels, −90 → +70 mV"
    found = count_channels(sweeps)
    return noise_figure(data["time"].values, sweeps, found, theory=(UNITARY_PA, COUNT), title=title)


def check(data: xr.Dataset) -> Sequence[Check]:
    found = count_channels(data["sweeps"].values.astype(float))
    i, n = found.unitary_current_pA, found.n_channels
    checks = [
        Check("current of one channel (pA)", SET_UP, UNITARY_PA, i.value, 0.0, i.interval),
        Check("number of channels", SET_UP, float(COUNT), n.value, 0.0, n.interval),
    ]
    n_sweeps = int(data["n_sweeps"])
    for when, mean, variance in ((1.0, 82.32, 59.73), (2.0, 205.35, 64.79)):
        row = data.sel(time=when, method="nearest")
        ours, spread = float(row["open_mean"]), float(row["open_variance"])
        reach = 3.0 * np.sqrt(variance / n_sweeps)
        wide = 3.0 * variance * np.sqrt(2 / n_sweeps)
        checks.append(Check(f"mean open count at {when:g} ms", THEORY, mean, ours, reach))
        checks.append(Check(f"… its variance at {when:g} ms", THEORY, variance, spread, wide))
    return checks


if __name__ == "__main__":
    main("noise_OS12", compute, plot, check)
