"""Voltage noise below threshold grows towards threshold and with cooling; whose noise it is.

Steinmetz, Manwani, Koch, London & Segev 2000, doi:10.1023/A:1008967807741. Steady
currents into 780 000 channels at 6.3, 10 and 15 °C. Theory linearises the membrane: at
rest at 6.3 °C its variance times area is 266 mV²µm², four fifths of it from K⁺
channels, and its spectrum peaks at 61 Hz. Trials with spikes are left out. Whose noise
it is, is simulated too: in 3000 µm², with only Na⁺ or only K⁺ channels flipping at
random and the others following their mean. The step is half the usual one: at that of
0.05 ms variances come out about 1 % too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.plot.style import LIMIT, WIDTH
from stochhh.studies import analyse

SOURCE, THEORY = "Steinmetz et al. 2000", "linear theory"
AREA_UM2, WHOSE_UM2 = 10_000.0, 3000.0
STEP_MS = 0.025
REST = 0.0  # µA/cm²
LOOK = {6.3: ("#0072B2", "o"), 10.0: ("#E69F00", "s"), 15.0: ("#D55E00", "^")}
WHOSE = {"both": "0.45", "Na⁺": "#D55E00", "K⁺": "#009E73"}  # in the order of the sweep
SHARE = 0.8
PEAK_HZ, HALF_BIN_HZ = 61.0, 4.0


def point_of(one: dict[str, Any]) -> list[float]:
    """Variance (mV²), the ends of its interval, and that of theory."""
    return [one["variance"], *one["variance_ci"], one["variance_theory"]]


def compute(quick: bool) -> xr.Dataset:
    trials = {"subthreshold-noise_SMK00": 4 if quick else 16, "whose-noise": 8 if quick else 48}
    longer = {"subthreshold-noise_SMK00": [], "whose-noise": ["run.duration=3.1 s"]}
    step = [] if quick else [f"run.step={STEP_MS} ms"]
    found = {}
    for name, n in trials.items():
        result = stochhh.run(
            name, overrides=[*step, *([] if quick else longer[name])], seed=1, trials=n
        )
        found[name] = analyse(result, ["voltage_spectrum"])[0].findings
    curves = found["subthreshold-noise_SMK00"].numbers["curves"]
    whose = found["whose-noise"].numbers["curves"]
    rest = found["whose-noise"].data.curves[0].points[0]
    resting = whose[0]["points"][0]
    variances = np.array([[point_of(one) for one in curve["points"]] for curve in curves])
    return xr.Dataset(
        {
            "variance": (("temperature", "current", "what"), variances),
            "whose": (("noise", "what"), [point_of(curve["points"][0]) for curve in whose[:3]]),
            "density": ("frequency", rest.found.spectrum.density),
            "density_ci": (
                ("end", "frequency"),
                [rest.found.spectrum.low, rest.found.spectrum.high],
            ),
            "density_theory": ("finer", rest.theory.density.sum(axis=0)),
            "peak": (
                "what",
                [resting["peak_hz"], *resting["peak_hz_ci"], resting["peak_hz_theory"]],
            ),
        },
        coords={
            "what": ["ours", "low", "high", "theory"],
            "temperature": list(LOOK),
            "current": [one["x"] for one in curves[0]["points"]],
            "noise": list(WHOSE),
            "frequency": rest.found.spectrum.frequency_hz,
            "finer": rest.theory.frequency_hz,
        },
    )


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.3, 1.2, 1.0))
    for temperature, (color, marker) in LOOK.items():
        sd = np.sqrt(np.maximum(data["variance"].sel(temperature=temperature), 0.0))
        ours, low, high, theory = (sd.sel(what=what).values for what in data["what"].values)
        reach = np.abs([ours - low, high - ours])
        x = data["current"].values
        left.errorbar(x, ours, reach, fmt=marker, color=color, markersize=4, capsize=2,
                      label=f"{temperature:g} °C (95 %)")  # fmt: skip
        left.plot(x, theory, zorder=1.5, **LIMIT)
    left.plot([], [], label=THEORY, **LIMIT)
    left.set(xlabel="steady current (µA/cm²)", ylabel="SD of the voltage (mV)", ylim=(0, None))
    left.legend(loc="upper left")
    frequency = data["frequency"].values
    middle.fill_between(frequency, *data["density_ci"].values, color="0.45", alpha=0.3, linewidth=0)
    middle.plot(frequency, data["density"].values, color="0.45")
    middle.plot(data["finer"].values, data["density_theory"].values, **LIMIT)
    top = float(data["density_theory"].max())
    middle.set(xscale="log", yscale="log", ylim=(top / 300, 3 * top))
    middle.set(xlabel="frequency (Hz)", ylabel="power of the voltage (mV²/Hz)")
    middle.set_title("at rest, 6.3 °C, 3000 µm²", loc="left", fontsize=8)
    for row, (name, color) in enumerate(WHOSE.items()):
        ours, low, high, theory = WHOSE_UM2 * data["whose"].sel(noise=name).values
        right.barh(row, ours, 0.55, color=color, alpha=0.8)
        right.plot([low, high], [row, row], color="0.1")
        right.plot([theory, theory], [row - 0.38, row + 0.38], **LIMIT)
    right.set_yticks(range(3), ["both", "Na⁺ only", "K⁺ only"])
    right.set_ylim(2.6, -0.6)
    right.set_xlabel("variance × area (mV² µm²)")
    right.set_title("whose noise", loc="left", fontsize=8)
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    six = data["variance"].sel(temperature=6.3)
    rest = AREA_UM2 * six.sel(current=REST)
    ours, low, high, theory = (float(one) for one in rest)
    near, cold, warm = (
        np.sqrt(data["variance"].sel(current=current, temperature=temperature)).values
        for current, temperature in ((7.0, 6.3), (REST, 6.3), (REST, 15.0))
    )
    both, _, potassium = data["whose"].values
    share = potassium[0] / both[0]
    reach = share * np.hypot(*((one[2] - one[1]) / 2 / one[0] for one in (both, potassium)))
    peak = [float(one) for one in data["peak"]]
    found = data["variance"].sel(temperature=10.0, current=slice(None, 4.0))
    ratio = np.sqrt(found.sel(what="ours") / found.sel(what="theory")).values
    worst = float(ratio[np.argmax(np.abs(ratio - 1.0))])
    return [
        Check("variance × area at rest (mV² µm²)", "our linear theory", 266.0, theory, 0.5),
        Check("… simulated", THEORY, 266.0, ours, 0.01 * 266.0, (low, high)),
        Check("share of it from K⁺ channels", THEORY, SHARE, share, 0.02,
              (share - reach, share + reach)),
        Check("peak of the spectrum (Hz)", THEORY, PEAK_HZ, peak[0], HALF_BIN_HZ,
              (peak[1], peak[2])),
        Check("SD at 7 µA/cm², against rest (mV)", SOURCE, cold[0], near[0], 0.0,
              (near[1], near[2]), ">"),
        Check("SD at rest at 6.3 °C, against 15 °C (mV)", SOURCE, warm[0], cold[0], 0.0,
              (cold[1], cold[2]), ">"),
        Check("SD over linear theory, farthest from 1 up to 4 µA/cm²", SOURCE, 1.0, worst, 0.08),
    ]  # fmt: skip


if __name__ == "__main__":
    main("subthreshold_SMK00", compute, plot, check)
