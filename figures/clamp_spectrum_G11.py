"""Noise spectra of Na+ and K+ channels under voltage clamp against theory, within 5 %.

The comparison of Goldwyn, Imennov, Famulare & Shea-Brown 2011,
doi:10.1103/PhysRevE.83.041908: the squid membrane held at -45 mV (60 Na+ and 18 K+
channels per µm²), 2 Hz to 5 kHz. Under clamp channels are independent, so spectra grow
with the area and their ratio to theory does not depend on it: 4 µm² instead of 100 buy
25 times the time, and time is what low frequencies need. A band of width B is known
to 1/√(BT): the octave from 2 Hz to 1.4 % in 2400 s, the higher ones better.

Records are 0.05 ms apart. What lies above 10 kHz is folded back, at 5 kHz by 23 % for
power that falls with the square of the frequency; theory is folded in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.spectra import TrialSpectra, band_ratios, octave_bands
from stochhh.plot.spectrum import SpectrumCurves, spectrum_figure
from stochhh.studies import analyse

SOURCE = "theory (Lorentzians)"
SCENARIO, SIGNALS = "clamp-spectrum_G11", ("squid-na", "squid-k")
LOWEST_HZ, HIGHEST_HZ = 2.0, 5000.0
BANDS = octave_bands(LOWEST_HZ, HIGHEST_HZ)
TOLERANCE = 0.05
TRIAL_S = 10


def compute(quick: bool) -> xr.Dataset:
    parts, trials = (1, 6) if quick else (12, 20)
    overrides = [
        "membrane.area=4 um^2",
        f"run.duration={TRIAL_S} s",
        "analysis.spectrum.segment=1 s",
    ]
    spectra = []
    for seed in range(1, parts + 1):  # part by part, for the memory that records take
        result = stochhh.run(SCENARIO, overrides=overrides, seed=seed, trials=trials)
        outcome = analyse(result, ["spectrum"])[0]
        spectra.append(outcome.findings.data)
    data = xr.Dataset(attrs={"quick": int(quick), "seconds": float(parts * trials * TRIAL_S)})
    for pieces in zip(*spectra, strict=True):
        first = pieces[0]
        name, frequency = first.name, first.measured.frequency_hz
        density, variance = (
            np.concatenate([getattr(piece.measured, what) for piece in pieces])
            for what in ("density", "variance")
        )
        measured = TrialSpectra(frequency, density, variance, float(TRIAL_S))
        bands = band_ratios(measured, first.expected, BANDS)
        corners = outcome.findings.numbers["signals"][name]["components"]
        kept = frequency <= HIGHEST_HZ
        for what, curve in (
            ("density", density.mean(axis=0)),
            ("theory", first.continuous),
            ("expected", first.expected),
        ):
            data[f"{name}_{what}"] = ("frequency", curve[kept].astype(np.float32))
        data[f"{name}_ratio"] = ("band", [band.ratio.value for band in bands])
        data[f"{name}_ci"] = (("band", "end"), [band.ratio.interval for band in bands])
        data[f"{name}_corners"] = (f"{name}_corner", [one["corner_hz_theory"] for one in corners])
        data = data.assign_coords(frequency=frequency[kept])
    return data


def plot(data: xr.Dataset) -> Figure:
    signals = [
        SpectrumCurves(
            "Na⁺ channels" if name == "squid-na" else "K⁺ channels",
            "power of the open count",
            "1/Hz",
            data["frequency"].values,
            data[f"{name}_density"].values.astype(float),
            data[f"{name}_theory"].values.astype(float),
            data[f"{name}_expected"].values.astype(float),
            data[f"{name}_corners"].values.tolist(),
            [
                (*ends, float(ratio), interval.tolist())
                for ends, ratio, interval in zip(
                    BANDS, data[f"{name}_ratio"].values, data[f"{name}_ci"].values, strict=True
                )
            ],
        )
        for name in SIGNALS
    ]
    return spectrum_figure(signals, "Squid membrane held at −45 mV")


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = []
    for name in SIGNALS:
        for band, (low, high) in enumerate(BANDS):
            standard_error = 1.0 / np.sqrt((high - low) * data.attrs["seconds"])
            wider = 3.0 * standard_error if data.attrs["quick"] else 0.0
            what = f"{name}: power over theory, {low:g} to {high:g} Hz"
            ours = float(data[f"{name}_ratio"][band])
            checks.append(Check(what, SOURCE, 1.0, ours, TOLERANCE + wider))
    return checks


if __name__ == "__main__":
    main("clamp_spectrum_G11", compute, plot, check)
