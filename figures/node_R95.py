"""Pulses at the threshold of a node of Ranvier with 250, 1000 and 4000 Na+ channels.

Firing efficiency against amplitude is an integrated Gaussian whose relative spread falls
with the square root of the number of channels (Rubinstein 1995,
doi:10.1016/S0006-3495(95)80252-3; Mino, Rubinstein & White 2002, doi:10.1114/1.1475343).
The set-up is that of the code of Orio & Soudry 2012, doi:10.1371/journal.pone.0036670;
without noise a pulse of 0.1 ms makes a spike from 21.475 pA on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.efficiency_curves import Bracket, EfficiencyCurve, spread_by_channels
from stochhh.analysis.firing_efficiency import response_latencies_ms
from stochhh.plot.firing_efficiency import efficiency_figure
from stochhh.studies import analyse

ONSET_MS, WITHIN_MS = 0.5, 1.0
AMPLITUDE, FACTOR = "stimulus.0.amplitude", "membrane.count_factor"
SOURCE, THEORY = "Rubinstein 1995", "deterministic equations"


def compute(quick: bool) -> xr.Dataset:
    result = stochhh.run("node_R95", seed=1, trials=150 if quick else 1000)
    (outcome,) = analyse(result, ["firing_efficiency"])
    curves = outcome.findings.numbers["curves"]
    points = range(result.n_points)
    latencies = [response_latencies_ms(result.spike_trains(k), ONSET_MS, WITHIN_MS) for k in points]
    places = [result.point(k).coords for k in points]
    return xr.Dataset(
        {
            "latency": (("point", "trial"), np.array(latencies, dtype=np.float32)),
            "amplitude": ("point", [float(str(p[AMPLITUDE].item()).split()[0]) for p in places]),
            "factor": ("point", [float(p[FACTOR].item()) for p in places]),
            "silent_at": ("curve", [curve["deterministic_silent_at"] for curve in curves]),
            "fires_at": ("curve", [curve["deterministic_fires_at"] for curve in curves]),
            "n_channels": ("curve", [curve["n_channels"] for curve in curves]),
        }
    )


def curves_of(data: xr.Dataset) -> list[EfficiencyCurve]:
    curves = []
    for k, factor in enumerate(np.unique(data["factor"])):
        own = data.isel(point=np.flatnonzero(data["factor"] == factor)).sortby("amplitude")
        curves.append(
            EfficiencyCurve(
                place={FACTOR: float(factor)},
                n_channels=int(data["n_channels"][k]),
                amplitude=own["amplitude"].values,
                latencies_ms=tuple(own["latency"].values.astype(float)),
                bracket=Bracket(float(data["silent_at"][k]), float(data["fires_at"][k])),
            )
        )
    return curves


def plot(data: xr.Dataset) -> Figure:
    curves = curves_of(data)
    return efficiency_figure(
        curves, spread_by_channels(curves), "pulse amplitude (pA)", "A node of Ranvier at threshold"
    )


def check(data: xr.Dataset) -> Sequence[Check]:
    curves = curves_of(data)
    law = spread_by_channels(curves)
    assert law is not None
    exponent, deviances = law.exponent, [curve.fit.deviance for curve in curves if curve.fit]
    degrees = sum(curve.fit.degrees for curve in curves if curve.fit)
    fires_at = float(data["fires_at"].min())
    gaussian, wide = sum(deviances) / degrees, 4.0 * np.sqrt(2.0 / degrees)
    return [
        Check("deterministic threshold (pA)", THEORY, 21.475, fires_at, 1e-3),
        Check("exponent of relative spread by number of channels", SOURCE, -0.5,
              exponent.value, 0.05, exponent.interval),
        Check("an integrated Gaussian: deviance a degree of freedom", SOURCE, 1.0, gaussian, wide),
    ]  # fmt: skip


if __name__ == "__main__":
    main("node_R95", compute, plot, check)
