"""Every method with a time step converges to the exact one at its order, and that to the limit.

The error of a step is seen in the mean number of open Na+ channels 1 ms after a step
of 40 µA/cm² into 300 µm² of squid axon, in the upstroke of the spike it makes: there
it is largest beside the noise of one trial. Trials of equal number begin with the same
channels open, so that differences from `exact` are taken trial by trial.

`leap` errs as the square of its step (Strang splitting, doi:10.1137/0705041). The usual
leap, with one transition a channel at most and Euler's rule (`leap-first-order`), and
Gillespie's method with rates held over the step (`frozen`; Anderson, Ermentrout & Thomas
2015, doi:10.1007/s10827-014-0528-2) err in proportion to it, and so do the diffusions
at this number of channels: in small patches they have an error of their own, which no
step removes. With the number of channels N fluctuations around the deterministic limit
fall as N^-1/2 (van Kampen 1976, doi:10.1002/9780470142530.ch5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
import xarray as xr
from common import Check, main
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

import stochhh
from stochhh.methods import METHODS
from stochhh.plot.style import LIMIT, VOLTAGE, WIDTH

AREA_UM2, AFTER_MS, CURRENT = 300, 1, "40 uA/cm^2"
STEPS_MS = {
    "leap": (0.2, 0.1, 0.05, 0.025),
    "leap-first-order": (0.05, 0.02, 0.01, 0.005),
    "frozen": (0.05, 0.02, 0.01),
    "langevin": (0.05, 0.02, 0.01, 0.005),
    "shielded": (0.05, 0.02, 0.01, 0.005),
}
ORDERS = {"leap": 2, "leap-first-order": 1, "frozen": 1, "langevin": 1, "shielded": 1}
LABELS = {"leap-first-order": "leap-first-order (the usual leap)"}
ORDER_TOLERANCE = 0.15  # the longest steps are not short enough for the order itself
AREAS_UM2 = (30, 100, 300, 1000, 3000, 10000)
SMALLEST_FITTED_UM2 = 300  # in smaller ones spikes move by more than they last
SOURCE = "theory"
_LEVELS_MV = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def run(method: str, step_ms: float | None, trials: int, **run: object) -> stochhh.Result:
    """Run trials of a patch under a steady current from time zero on."""
    set_step = [] if step_ms is None else [f'run.step="{step_ms:g} ms"']
    settings = {"duration": f"{AFTER_MS} ms", "area": f"{AREA_UM2} um^2", **run}
    overrides = [
        f'membrane.area="{settings["area"]}"',
        f'run.duration="{settings["duration"]}"',
        f'run.record.interval="{settings.get("interval", settings["duration"])}"',
        f'stimulus=[{{kind="constant", amplitude="{CURRENT}"}}]',
        f"run.deterministic={str('interval' in settings).lower()}",
        'run.initial.settle="0 ms"',  # all methods, and the limit, begin alike
        *set_step,
    ]
    return stochhh.run("squid-patch", overrides=overrides, seed=1, trials=trials, method=method)


def open_sodium(result: stochhh.Result) -> np.ndarray:
    """Open Na+ channels at the end, (trials,)."""
    return result["open"].sel(population="squid-na").values[:, -1].astype(float)


def wall_s(method: str, step_ms: float | None) -> float:
    """Wall time of a simulated second on one thread, the least of five."""
    seconds = 0.2
    runs = [run(method, step_ms, 1, duration=f"{seconds} s") for _ in range(5)]
    return min(one.seconds.trials for one in runs) / seconds


def compute(quick: bool) -> xr.Dataset:
    trials = 250 if quick else 3000
    exact = open_sodium(run("exact", None, trials))
    rows = []
    for name, steps in STEPS_MS.items():
        for step in steps[:3] if quick else steps:
            away = open_sodium(run(name, step, trials)) - exact
            error = away.std(ddof=1) / np.sqrt(trials)
            rows.append((name, step, away.mean(), error, wall_s(name, step)))
    names, steps, away, error, walls = zip(*rows, strict=True)
    areas = AREAS_UM2[1:-1] if quick else AREAS_UM2
    rms = [deviation(area, quick) for area in areas]
    return xr.Dataset(
        {
            "away": ("run", list(away)),
            "away_se": ("run", list(error)),
            "wall": ("run", list(walls)),
            "rms": ("area", [one[0] for one in rms]),
            "rms_se": ("area", [one[1] for one in rms]),
        },
        coords={"method": ("run", list(names)), "step": ("run", list(steps)), "area": list(areas)},
        attrs={
            "open": float(exact.mean()),
            "exact_wall": wall_s("exact", None),
            "trials": trials,
        },
    )


def deviation(area_um2: float, quick: bool) -> tuple[float, float]:
    """RMS deviation of the voltage from its limit through a spike (mV), and its error."""
    trials = max(int((24_000 if quick else 240_000) / area_um2), 20)
    data = run("exact", None, trials, area=f"{area_um2} um^2", duration="4 ms", interval="0.1 ms")
    away = data["voltage"].values - data["deterministic_voltage"].values
    squares = (away**2).mean(axis=1)
    rms = float(np.sqrt(squares.mean()))
    return rms, float(0.5 * squares.std(ddof=1) / np.sqrt(trials) / rms)


def power(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> tuple[float, float, float]:
    """Fit y = a xᵇ to values with errors; returns b, its standard error and a."""
    weight = np.abs(y) / error
    (slope, offset), covariance = np.polyfit(
        np.log(x), np.log(np.abs(y)), 1, w=weight, cov="unscaled"
    )
    return float(slope), float(np.sqrt(covariance[0, 0])), float(np.exp(offset))


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    colors = dict(zip(STEPS_MS, sns.color_palette("colorblind"), strict=False))
    share = 100.0 / float(data.attrs["open"])
    for name, color in colors.items():
        mine = data.isel(run=data["method"].values == name)
        error = np.abs(mine["away"].values) * share
        reach = 1.96 * mine["away_se"].values * share
        label = LABELS.get(name, name)
        bars = {"yerr": [np.minimum(reach, 0.999 * error), reach], "fmt": "o", "markersize": 3.5}
        line = ":" if METHODS[name].move == "diffuse" else "-"
        for axes, x in ((left, mine["step"].values), (right, mine["wall"].values)):
            axes.errorbar(x, error, color=color, label=label, capsize=2, **bars)
            axes.plot(x, error, line, color=color, linewidth=0.8)
    slopes(left, data, share)
    left.set(xlabel="time step (ms)", ylabel="error of mean open Na⁺ channels (%)")
    right.axvline(data.attrs["exact_wall"], label="exact (no error)", **LIMIT)
    right.set(xlabel="wall time (s a simulated s)", ylabel="error (%)")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", ylim=(0.1, 100))
    left.set_xlim(left=0.0007)
    area, rms, error = data["area"].values, data["rms"].values, data["rms_se"].values
    middle.errorbar(area, rms, 1.96 * error, fmt="o", color=VOLTAGE, markersize=3.5, capsize=2)
    fitted = area >= SMALLEST_FITTED_UM2
    scale = np.exp(np.mean(np.log(rms[fitted] * np.sqrt(area[fitted]))))
    middle.plot(area, scale / np.sqrt(area), label="∝ area$^{-1/2}$", **LIMIT)
    middle.set(xscale="log", yscale="log", xlabel="membrane area (µm²)")
    middle.set(ylabel="RMS deviation from the limit (mV)")
    middle.legend()
    middle.set_yticks([level for level in _LEVELS_MV if rms.min() / 2 < level < 2 * rms.max()])
    middle.yaxis.set_major_formatter("{x:g}")
    middle.yaxis.set_minor_formatter(NullFormatter())
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def slopes(axes: Axes, data: xr.Dataset, share: float) -> None:
    """Draw lines of first and second order through the longest steps of the two leaps."""
    for name, style in (("leap", "-."), ("leap-first-order", "--")):
        mine = data.isel(run=data["method"].values == name)
        order = ORDERS[name]
        step = mine["step"].values
        scale = np.abs(mine["away"].values[1]) * share / step[1] ** order
        ends = np.array([step.min() / 1.6, step.max() * 1.6])
        axes.plot(ends, scale * ends**order, style, color="0.6", linewidth=0.8, zorder=0)
        place = (ends[0], scale * ends[0] ** order)
        words = f"order {order}"
        axes.annotate(
            words, place, (-3, -2), textcoords="offset points", ha="right", va="top", fontsize=7
        )


def check(data: xr.Dataset) -> Sequence[Check]:
    checks = []
    for name, order in ORDERS.items():
        mine = data.isel(run=data["method"].values == name)
        values = (mine[key].values for key in ("step", "away", "away_se"))
        found, error, _ = power(*values)
        within = (found - 1.96 * error, found + 1.96 * error)
        what = f"{name}: order of the error in the step"
        checks.append(Check(what, SOURCE, order, found, ORDER_TOLERANCE, within))
    large = data.sel(area=data["area"] >= SMALLEST_FITTED_UM2)
    found, error, _ = power(*(large[key].values for key in ("area", "rms", "rms_se")))
    within = (found - 1.96 * error, found + 1.96 * error)
    checks.append(Check("deviation from the limit: power of the area", SOURCE, -0.5, found, 0.03,
                        within))  # fmt: skip
    return checks


if __name__ == "__main__":
    main("convergence", compute, plot, check)
