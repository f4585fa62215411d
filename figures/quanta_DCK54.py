"""Transmitter is released in quanta: three ways of counting them agree.

Del Castillo & Katz 1954, doi:10.1113/jphysiol.1954.sp005129. At low calcium the number
of quanta that a nerve impulse releases is near Poisson, so the share of failures tells
the mean, ln(N/N0); so does the mean response over that to single quanta. Here each
vesicle is random, and so is each receptor it opens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure
from scipy.stats import poisson

import stochhh
from stochhh.plot import style
from stochhh.studies import analyse

SOURCE = "del Castillo & Katz 1954"


def compute(quick: bool) -> xr.Dataset:
    result = stochhh.run("neuromuscular_DCK54", seed=1, trials=100 if quick else 800)
    (outcome,) = analyse(result)
    found, numbers = outcome.findings.data, outcome.findings.numbers
    data = xr.Dataset(
        {
            "released": ("spike", found.released.astype(np.int32)),
            "response": ("spike", found.response_mV.astype(np.float32)),
            "quantum": ("spontaneous", found.quantum_mV.astype(np.float32)),
        }
    )
    kept = ("content", "variance_over_mean", "poisson_p_value")
    for name, value in numbers.items():
        if name.startswith(kept) and value is not None:
            data.attrs[name] = value
    return data


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2.7), layout="constrained")
    counts, responses = figure.subplots(1, 2, width_ratios=[1, 1.6])
    released = data["released"].values
    k = np.arange(released.max() + 2)
    seen = np.bincount(released, minlength=len(k))
    counts.bar(k, seen, color=style.VOLTAGE, alpha=0.6, label="impulses")
    mean = data.attrs["content_by_failures"]
    counts.plot(k, len(released) * poisson.pmf(k, mean), "o-", color=style.MEAN, markersize=3,
                label="Poisson, mean from failures")  # fmt: skip
    counts.set_ylim(top=1.3 * seen.max())
    counts.set_xlabel("quanta of an impulse")
    counts.set_ylabel("impulses")
    counts.legend()
    edges = np.linspace(-0.2, float(data["response"].max()) + 0.2, 70)
    responses.hist(data["response"], edges, color=style.VOLTAGE, alpha=0.6, label="to impulses")
    responses.hist(data["quantum"], edges, color=style.MEAN, alpha=0.6, label="spontaneous")
    for n in range(1, int(data["response"].max() / data["quantum"].mean()) + 1):
        responses.axvline(n * float(data["quantum"].mean()), color="0.6", linewidth=0.7, zorder=0)
    responses.set_xlabel("end-plate potential (mV); lines: multiples of the mean quantum")
    responses.set_ylabel("number")
    responses.legend()
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    mean = data.attrs["content_by_count"]
    checks = [
        Check(f"quantal content by {way}, against counting", SOURCE, float(mean),
              float(data.attrs[f"content_by_{way}"]), 0.05,
              tuple(map(float, data.attrs[f"content_by_{way}_ci"])))
        for way in ("failures", "amplitude", "variance")
    ]  # fmt: skip
    checks.append(
        Check("p-value of Poisson counts", SOURCE, 0.001,
              float(data.attrs["poisson_p_value"]), 0.0, None, ">")
    )  # fmt: skip
    return checks


if __name__ == "__main__":
    main("quanta_DCK54", compute, plot, check)
