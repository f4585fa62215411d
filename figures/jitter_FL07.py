"""Impulses of thin axons arrive at random times, and thick ones lose none.

Faisal & Laughlin 2007, doi:10.1371/journal.pcbi.0030079; Horikawa 1991 (Biological
Cybernetics 66:19). The SD of the time from one place to another grows as the root of the
distance, and the thinner the axon the larger it is; axons thicker than 0.5 µm are
reliable. Theirs was another set of channels and temperatures, so that beyond these shapes
numbers are not comparable; with the squid's channels at 6.3 °C scatter is smaller than
the millisecond they found. The root is the law of single impulses, whose delays in
different stretches are independent; in a train, or after a spontaneous impulse, each
travels in the wake of the one before, and the same wake along the whole way adds scatter
in proportion to the distance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

import stochhh
from stochhh.plot import style
from stochhh.studies import analyse

SOURCE = "Faisal & Laughlin 2007"
DIAMETERS_UM = (0.2, 0.3, 0.6)
RELIABLE_UM = 0.6


def runs(diameter_um: float, length_mm: float, trials: int, pulses: int) -> stochhh.Result:
    """Impulses along an axon, the current scaled with its input conductance."""
    overrides = [
        f'cell.axon.section.shaft.diameter="{diameter_um} um"',
        f'cell.axon.section.shaft.length="{length_mm:.4g} mm"',
        f'stimulus.0.amplitude="{20 * (diameter_um / 0.2) ** 1.5:.5g} pA"',
        f"stimulus.0.count={pulses}",
        'run.step="0.025 ms"',
        f'run.duration="{25 * pulses - 5} ms"',
        'run.record={ interval = "5 ms", variables = ["voltage"], where = ["axon end"] }',
        'run.initial.settle="0 ms"',  # one impulse into an axon that has had none
        "analysis.propagation={}",
    ]
    return stochhh.run("thin-axon_FL07", overrides=overrides, seed=1, trials=trials)


def compute(quick: bool) -> xr.Dataset:
    jitters = []
    for diameter in DIAMETERS_UM:
        length = (1.0 if quick else 3.0) * np.sqrt(diameter / 0.2)
        (outcome,) = analyse(runs(diameter, length, 60 if quick else 300, 1))
        jitters.append(outcome.findings.data.jitter)
    (outcome,) = analyse(runs(RELIABLE_UM, 1.0, 25, 2 if quick else 40))
    return xr.Dataset(
        {
            "sd": (("diameter", "place"), [j.sd_ms for j in jitters]),
            "low": (("diameter", "place"), [j.low_ms for j in jitters]),
            "high": (("diameter", "place"), [j.high_ms for j in jitters]),
            "distance": (("diameter", "place"), [j.distance_um for j in jitters]),
            "exponent": ("diameter", [j.exponent.value for j in jitters]),
            "error": ("diameter", [np.ptp(j.exponent.interval) / 3.92 for j in jitters]),
        },
        coords={"diameter": list(DIAMETERS_UM)},
        attrs={name: outcome.findings.numbers[name] for name in ("began", "arrived")},
    )


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2.9), layout="constrained")
    along, across = figure.subplots(1, 2, width_ratios=[1.4, 1])
    colors = [style.MEAN, style.VOLTAGE, "#009E73"]
    for k, diameter in enumerate(data["diameter"].values):
        row = data.isel(diameter=k)
        x = row["distance"].values / 1000.0
        spread = [row["sd"] - row["low"], row["high"] - row["sd"]]
        along.errorbar(
            x, row["sd"], spread, fmt="o", color=colors[k], markersize=3, linewidth=0.8,
            label=f"{diameter:g} µm",
        )  # fmt: skip
        middle = len(x) // 2
        root = float(row["sd"][middle]) * np.sqrt(x / x[middle])
        along.plot(x, root, color=colors[k], linewidth=1.0)
    along.plot([], [], color="0.4", linewidth=1.0, label="∝ √distance")
    along.set_xscale("log")
    along.set_yscale("log")
    along.set_xlabel("distance (mm)")
    for axis, ticks in ((along.xaxis, (0.3, 1.0, 3.0)), (along.yaxis, (0.02, 0.05, 0.1))):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    along.set_ylabel("SD of arrival time (ms)")
    along.legend(ncols=2)
    at_mm = 1.0
    for k, diameter in enumerate(data["diameter"].values):
        row = data.isel(diameter=k)
        nearest = int(np.argmin(np.abs(row["distance"].values - 1e3 * at_mm)))
        sd, low, high = (float(row[name][nearest]) for name in ("sd", "low", "high"))
        across.errorbar(
            diameter, sd, [[sd - low], [high - sd]], fmt="o", color=colors[k], markersize=4
        )
    across.set_xlabel("diameter (µm)")
    across.set_ylabel("SD after about 1 mm (ms)")
    across.set_ylim(bottom=0)
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = []
    for k, diameter in enumerate(data["diameter"].values):
        exponent, error = float(data["exponent"][k]), float(data["error"][k])
        checks.append(
            Check(f"{diameter:g} µm: exponent of SD against distance", "Horikawa 1991", 0.5,
                  exponent, 0.05, (exponent - 1.96 * error, exponent + 1.96 * error))
        )  # fmt: skip
    per_root = data["sd"] / np.sqrt(data["distance"])  # the same at all distances
    thin, thick = (float(per_root.isel(diameter=k).mean()) for k in (0, -1))
    checks.append(
        Check("SD over √distance at 0.2 µm, against that at 0.6 µm", SOURCE, thick, thin, 0.0,
              None, ">")
    )  # fmt: skip
    lost = float(data.attrs["began"] - data.attrs["arrived"])
    what = f"{RELIABLE_UM:g} µm: lost of {int(data.attrs['began'])} impulses"
    checks.append(Check(what, SOURCE, 0.0, lost, 0.0))
    return checks


if __name__ == "__main__":
    main("jitter_FL07", compute, plot, check)
