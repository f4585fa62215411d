"""A squid membrane after its spike: first refractory, then supernormal, then as before.

Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764, on refractoriness in their
equations; thresholds of the second of two shocks of 0.2 ms, the first 1.5 times its
threshold, over that of a shock to a rested membrane are the equations' own, solved
exactly: 3.80 at 10 ms, 1.54 at 14, 0.85 at 20 and 1.00 at 40. With 78 000 channels a
threshold is a shock that fires every other trial, and it lies beside the
deterministic one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main, within
from matplotlib.figure import Figure

import stochhh
from stochhh.plot.style import LIMIT, VOLTAGE, WIDTH
from stochhh.studies import analyse

SOURCE = "HH 1952 equations, exact"
PUBLISHED = {10.0: 3.80, 14.0: 1.54, 20.0: 0.85, 40.0: 1.00}
REFERENCE_MS = 40.0
TOLERANCE = 0.005  # they are given to two decimals
AMPLITUDES = (18, 21, 24, 27, 30, 34, 39, 45, 52, 60, 70, 82, 96, 115, 140, 170)  # µA/cm²


def compute(quick: bool) -> xr.Dataset:
    currents = ", ".join(f'"{current} uA/cm^2"' for current in AMPLITUDES)
    starts = ", ".join(f'"{1 + interval:g} ms"' for interval in PUBLISHED)
    small = f'sweep={{"stimulus.1.amplitude"=[{currents}], "stimulus.1.start"=[{starts}]}}'
    result = stochhh.run(
        "supernormal-squid", overrides=[small] if quick else [], seed=1, trials=12 if quick else 50
    )
    findings = analyse(result, ["refractoriness"])[0].findings
    assert findings is not None
    (curve,) = findings.numbers["curves"]
    rows = [
        [one["ratio"], *(within(one, "ratio") or (np.nan, np.nan)), one["ratio_theory"]]
        for one in curve["intervals"]
    ]
    return xr.Dataset(
        {"ratio": (("interval", "what"), np.array(rows, dtype=np.float64))},
        coords={
            "interval": [one["interval_ms"] for one in curve["intervals"]],
            "what": ["ours", "low", "high", "deterministic"],
        },
    )


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH / 2, 2.7), layout="constrained")
    axes = figure.subplots()
    ours, low, high, alone = data["ratio"].values.T
    x = data["interval"].values
    axes.errorbar(x, ours, [ours - low, high - ours], fmt="o", color=VOLTAGE, capsize=2,
                  markersize=4, label="78 000 channels (95 %)")  # fmt: skip
    axes.plot(x, alone, label="deterministic", **LIMIT)
    axes.axhline(1.0, color="0.75", linewidth=0.8, zorder=0)
    axes.annotate("supernormal", (20, 0.85), (20, 0.74), ha="center", fontsize=7)
    axes.set(yscale="log", xlabel="time since the first shock (ms)")
    axes.set_ylabel("second threshold over that at rest")
    axes.set_yticks([0.6, 0.8, 1, 2, 3, 4], ["0.6", "0.8", "1", "2", "3", "4"])
    axes.minorticks_off()
    axes.legend()
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = []
    for interval, published in PUBLISHED.items():
        ours, low, high, alone = data["ratio"].sel(interval=interval).values.tolist()
        at = f"threshold at {interval:g} ms over that at rest"
        checks.append(Check(f"{at}, deterministic", SOURCE, published, alone, TOLERANCE))
        if interval < REFERENCE_MS:  # against which the others are measured
            checks.append(Check(f"{at}, half the trials", SOURCE, published, ours,
                                0.05 * published, (low, high)))  # fmt: skip
    return checks


if __name__ == "__main__":
    main("refractory_HH52", compute, plot, check)
