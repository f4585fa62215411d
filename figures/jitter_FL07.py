"""Impulses of thin axons arrive at random times, and thick ones lose none.

Faisal & Laughlin 2007, doi:10.1371/journal.pcbi.0030079; Horikawa 1991 (Biological
Cybernetics 66:19). The SD of the time from one place to another grows as the root of the
distance, and the thinner the axon the larger it is; axons thicker than 0.5 µm are
reliable. Theirs was another set of channels and temperatures, so that beyond these shapes
numbers are not comparable; with the squid's channels at 6.3 °C scatter is smaller than
the millisecond they found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.plot import style
from stochhh.studies import analyse

SOURCE = "Faisal & Laughlin 2007"
DIAMETERS_UM = (0.15, 0.2, 0.3, 0.6)


def runs(diameter_um: float, trials: int, pulses: int) -> stochhh.Result:
    """Impulses along 1 mm, the current scaled with the axon's input conductance."""
    overrides = [
        f'cell.axon.section.shaft.diameter="{diameter_um} um"',
        f'stimulus.0.amplitude="{20 * (diameter_um / 0.2) ** 1.5:.5g} pA"',
        f"stimulus.0.count={pulses}",
        'run.step="0.025 ms"',
        f'run.duration="{25 * pulses + 5} ms"',
        'run.record={ interval = "5 ms", variables = ["voltage"], where = ["axon end"] }',
        "analysis.propagation={}",
    ]
    return stochhh.run("thin-axon_FL07", overrides=overrides, seed=1, trials=trials)


def compute(quick: bool) -> xr.Dataset:
    found = {}
    for diameter in DIAMETERS_UM:
        many = diameter > 0.5 and not quick
        (outcome,) = analyse(runs(diameter, 25, 40 if many else (2 if quick else 16)))
        found[diameter] = outcome.findings
    jitters = [one.data.jitter for one in found.values()]
    numbers = [one.numbers for one in found.values()]
    return xr.Dataset(
        {
            "sd": (("diameter", "place"), [j.sd_ms for j in jitters]),
            "low": (("diameter", "place"), [j.low_ms for j in jitters]),
            "high": (("diameter", "place"), [j.high_ms for j in jitters]),
            "distance": (("diameter", "place"), [j.distance_um for j in jitters]),
            "exponent": ("diameter", [j.exponent for j in jitters]),
            "error": ("diameter", [j.exponent_error for j in jitters]),
            **{
                name: ("diameter", [one[name] for one in numbers])
                for name in ("began", "arrived", "deleted", "added", "split", "spontaneous")
            },
        },
        coords={"diameter": list(DIAMETERS_UM)},
    )


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2.9), layout="constrained")
    along, across = figure.subplots(1, 2, width_ratios=[1.4, 1])
    colors = [style.MEAN, style.VOLTAGE, "#009E73", "#CC79A7"]
    for k, diameter in enumerate(data["diameter"].values):
        row = data.isel(diameter=k)
        x = row["distance"].values
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
    along.set_xlabel("distance (µm)")
    along.set_ylabel("SD of arrival time (ms)")
    along.legend(ncols=2)
    last = data.isel(place=-1)
    spread = [last["sd"] - last["low"], last["high"] - last["sd"]]
    across.errorbar(
        last["diameter"], last["sd"], spread, fmt="o", color=style.VOLTAGE, markersize=4
    )
    across.set_xlabel("diameter (µm)")
    across.set_ylabel(f"SD after {float(last['distance'][0]):.0f} µm (ms)")
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
    last = data.isel(place=-1)
    thin, thick = last.isel(diameter=0), last.isel(diameter=-1)
    ends = float(thin["low"]), float(thin["high"])
    checks.append(
        Check("SD at the thinnest, against the thickest (ms)", SOURCE, float(thick["sd"]),
              float(thin["sd"]), 0.0, ends, ">")
    )  # fmt: skip
    lost = float(data["began"][-1] - data["arrived"][-1])
    what = f"0.6 µm: lost of {int(data['began'][-1])} impulses"
    checks.append(Check(what, SOURCE, 0.0, lost, 0.0))
    return checks


if __name__ == "__main__":
    main("jitter_FL07", compute, plot, check)
