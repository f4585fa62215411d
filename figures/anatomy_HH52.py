"""Anatomy of an action potential: its landmarks, and the channels that make it.

Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764. The numbers are those of
their equations solved exactly with a leak reversal of -54.4 mV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh

SOURCE = "HH 1952 equations, exact"
SHOCK = ["run.initial.displacement=15 mV", "stimulus=[]", "run.record.interval=0.002 ms"]


def compute(quick: bool) -> xr.Dataset:
    trials = 5 if quick else 50
    noisy = stochhh.run("action-potential_HH52", seed=1, trials=trials)
    shocked = stochhh.run("action-potential_HH52", overrides=SHOCK, method="deterministic", seed=1)
    shock = (
        shocked.dataset[["voltage"]]
        .isel(trial=0, drop=True)
        .rename(time="shock_time", voltage="shock_voltage")
    )
    drop = ["flip_time", "flip_trial", "flip_channel", "flip_state", "channel_start"]
    peaks = noisy["voltage"].max("time").rename(trial="sweep").drop_vars("sweep")
    shown = noisy.dataset.drop_vars(drop).isel(trial=slice(0, 3), spike=slice(0, 3))
    return xr.merge([shown.assign(peaks=peaks), shock], combine_attrs="override")


def plot(data: xr.Dataset) -> Figure:
    layout = 'figure.panels=["voltage", "open", "current", "ions"]'
    scenario = stochhh.load_scenario("action-potential_HH52", [layout])
    data.attrs["scenario"] = scenario.model_dump_json(by_alias=True, exclude_none=True)
    return stochhh.overview(stochhh.Result(data))


def check(data: xr.Dataset) -> Sequence[Check]:
    time, voltage = data["shock_time"].values, data["shock_voltage"].values
    half = 0.5 * (voltage.max() + float(data["resting_voltage"]))
    above = time[voltage > half]
    rise = np.gradient(voltage, time).max()
    peaks = data["peaks"].values
    peaks = peaks[peaks > 0]  # a noisy membrane sometimes fails to fire
    reach = 1.96 * peaks.std(ddof=1) / np.sqrt(len(peaks))
    limit = float(data["deterministic_voltage"].max())
    return [
        Check("peak after a +15 mV shock (mV)", SOURCE, 40.414, voltage.max(), 5e-3),
        Check("afterhyperpolarisation (mV)", SOURCE, -76.182, voltage.min(), 5e-3),
        Check("half-width (ms)", SOURCE, 1.476, above[-1] - above[0], 0.02),
        Check("steepest rise (mV/ms)", SOURCE, 310.9, rise, 0.5),
        Check(
            "peak of 7800 channels against the limit (mV)",
            "mean field",
            limit,
            float(peaks.mean()),
            1.0,  # a finite membrane's mean is not its limit
            (float(peaks.mean() - reach), float(peaks.mean() + reach)),
        ),
    ]


if __name__ == "__main__":
    main("anatomy_HH52", compute, plot, check)
