"""Open and shut times of single K+ channels against their phase-type laws.

Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003; histograms with logarithmic bins
and a square-root ordinate as by Sigworth & Sine 1987, doi:10.1016/S0006-3495(87)83298-8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh import theory
from stochhh.analysis.single_channel import dwell_times_ms, idealise
from stochhh.kinetics.files import load_scheme
from stochhh.plot.single_channel import dwell_figure

VOLTAGE_MV, SOURCE = -30.0, "Colquhoun & Hawkes 1981"


def laws() -> tuple[theory.PhaseType, theory.PhaseType]:
    """Open and shut times at equilibrium."""
    scheme = load_scheme("squid-k")
    generator, is_open = scheme.generator(VOLTAGE_MV), np.array(scheme.is_open)
    return theory.dwell_law(generator, is_open), theory.dwell_law(generator, ~is_open)


def compute(quick: bool) -> xr.Dataset:
    result = stochhh.run("dwell-times_CH81", seed=1, trials=3 if quick else 10)
    records = idealise(result, "squid-k")
    return xr.Dataset(
        {
            "open_ms": ("opening", dwell_times_ms(records, "open").astype(np.float32)),
            "shut_ms": ("gap", dwell_times_ms(records, "shut").astype(np.float32)),
        }
    )


def plot(data: xr.Dataset) -> Figure:
    title = f"K⁺ channel at {VOLTAGE_MV:g} mV"
    return dwell_figure(data["open_ms"].values, data["shut_ms"].values, *laws(), title=title)


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = []
    for name, law in zip(("open", "shut"), laws(), strict=True):
        times = data[f"{name}_ms"].values.astype(float)
        error = times.std(ddof=1) / np.sqrt(len(times))
        mean = times.mean()
        interval = (mean - 1.96 * error, mean + 1.96 * error)
        checks.append(
            Check(f"mean {name} time (ms)", SOURCE, theory.mean_ms(law), mean, error, interval)
        )
        median = float(np.median(times))
        survived = float(theory.survivor(law, np.array([median]))[0])
        reach = 3.0 * 0.5 / np.sqrt(len(times))
        checks.append(
            Check(f"share of {name} times beyond our median", SOURCE, survived, 0.5, reach)
        )
    return checks


if __name__ == "__main__":
    main("dwell_times_CH81", compute, plot, check)
