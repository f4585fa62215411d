"""Five K+ channels as an amplifier records them, over what they really did.

A step from -90 to -20 mV; 8-pole Bessel filter at 2 kHz, Gaussian noise of 0.15 pA.
One channel of 20 pS carries 20 pS × 57 mV = 1.14 pA, and its first opening follows
the phase-type law of Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh import theory
from stochhh.analysis.records import Trace, recorded_trace
from stochhh.analysis.single_channel import first_latencies_ms
from stochhh.kinetics.files import load_scheme
from stochhh.plot.single_channel import record_figure

UNITARY_PA, HOLDING_MV, LEVEL_MV, STEP_MS, BACK_MS = 0.02 * 57.0, -90.0, -20.0, 10.0, 80.0
ALL_FIVE, SHOWN = (0, 1, 2, 3, 4), 3


def compute(quick: bool) -> xr.Dataset:
    result = stochhh.run("single-channel_K", seed=1, trials=20 if quick else 400)
    rng = np.random.default_rng(1)
    traces = [
        recorded_trace(
            result,
            "squid-k",
            rng=rng,
            corner_khz=2.0,
            interval_ms=0.05,
            noise_rms_pA=0.15,
            channels=ALL_FIVE,
            trial=trial,
        )
        for trial in range(SHOWN)
    ]
    data = {
        "latency": (("sweep", "channel"), first_latencies_ms(result, "squid-k", STEP_MS, BACK_MS))
    }
    for row, trace in enumerate(traces):
        data[f"current_{row}"] = ("sample", trace.current_pA)
        data[f"piece_start_{row}"] = (f"piece_{row}", trace.piece_start_ms)
        data[f"piece_{row}_pA"] = (f"piece_{row}", trace.piece_pA)
    return xr.Dataset(
        data,
        coords={"sample": traces[0].time_ms},
        attrs={"end_ms": traces[0].end_ms, "delay_ms": traces[0].delay_ms},
    )


def recorded(data: xr.Dataset) -> list[Trace]:
    return [
        Trace(
            data["sample"].values,
            data[f"current_{row}"].values,
            data[f"piece_start_{row}"].values,
            data[f"piece_{row}_pA"].values,
            data.attrs["end_ms"],
            data.attrs["delay_ms"],
        )
        for row in range(SHOWN)
    ]


def plot(data: xr.Dataset) -> Figure:
    labels = [f"sweep {row + 1}" for row in range(SHOWN)]
    title = "Five K⁺ channels, −90 → −20 mV"
    return record_figure(recorded(data), labels, title=title, scale_pA=UNITARY_PA)


def check(data: xr.Dataset) -> Sequence[Check]:
    scheme = load_scheme("squid-k")
    is_open = np.array(scheme.is_open)
    law = theory.stationary_law(scheme.generator(HOLDING_MV))
    first = theory.first_latency(scheme.generator(LEVEL_MV), is_open, law)
    latency = data["latency"].values.ravel()
    checks = []
    for when in (5.0, 20.0):
        expected = float(theory.survivor(first, np.array([when]))[0])
        ours = float(np.mean(np.isnan(latency) | (latency > when)))
        reach = 3.0 * np.sqrt(expected * (1 - expected) / len(latency))
        what = f"share of channels not yet opened {when:g} ms after the step"
        checks.append(Check(what, "Colquhoun & Hawkes 1981", expected, ours, reach))
    levels = np.concatenate([trace.piece_pA for trace in recorded(data)])
    steps = levels[levels > 0] / np.round(levels[levels > 0] / UNITARY_PA)
    during = float(np.median(steps))
    checks.append(Check("current of one channel (pA)", "20 pS × 57 mV", UNITARY_PA, during, 1e-9))
    return checks


if __name__ == "__main__":
    main("single_channel_K", compute, plot, check)
