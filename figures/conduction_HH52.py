"""An axon conducts as Hodgkin & Huxley worked out, and faster the thicker it is.

Hodgkin & Huxley 1952, doi:10.1113/jphysiol.1952.sp004764. By hand they found 18.8 m/s for
an axon of 238 µm radius at 18.5 °C; the equations give 18.73 m/s. Along a uniform cable
the velocity grows exactly as the root of the diameter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from common import Check, main
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.cells import first_passages, main_path, velocity_m_per_s
from stochhh.plot import style

SOURCE = "HH equations (1952)"
DIAMETERS_UM = (1.0, 4.0, 30.0, 476.0)


def conduct(diameter_um: float, step_ms: float, part: float, noisy: bool) -> xr.Dataset:
    """Run the scenario's axon at another diameter; length and current scale with it."""
    scale = diameter_um / 476.0
    overrides = [
        f'cell.axon.section.shaft.diameter="{diameter_um} um"',
        f'cell.axon.section.shaft.length="{60 * np.sqrt(scale):.6g} mm"',
        f'stimulus.0.amplitude="{20 * scale**1.5:.6g} uA"',
        f"cell.axon.compartment={part}",
        f'run.step="{step_ms} ms"',
        f"run.deterministic={'true' if noisy else 'false'}",
    ]
    method = "auto" if noisy else "deterministic"
    return stochhh.run("squid-axon_HH52", overrides=overrides, seed=1, method=method).dataset


def velocity(data: xr.Dataset) -> float:
    path = main_path(data, "axon")
    return float(np.mean(velocity_m_per_s(path, first_passages(data, path))))


def compute(quick: bool) -> xr.Dataset:
    steps = (0.02, 0.01) if quick else (0.02, 0.01, 0.005)
    parts = (0.1, 0.05) if quick else (0.1, 0.05, 0.025)
    fine = steps[-1], parts[-1]
    data = conduct(476.0, *fine, noisy=True)
    path = main_path(data, "axon")
    chosen = [int(f * (len(path.compartment) - 1)) for f in (0.1, 0.4, 0.7, 1.0)]
    traces = data[["voltage", "deterministic_voltage", "position"]].isel(
        place=chosen, compartment=chosen, trial=0
    )
    return xr.Dataset(
        {
            "velocity": (
                "diameter",
                [velocity(conduct(d, *fine, noisy=False)) for d in DIAMETERS_UM],
            ),
            "by_step": ("step", [velocity(conduct(476.0, s, fine[1], False)) for s in steps]),
            "by_part": ("part", [velocity(conduct(476.0, fine[0], p, False)) for p in parts]),
            "voltage": (("time", "place"), traces["voltage"].values.astype(np.float32)),
            "limit": (("time", "place"), traces["deterministic_voltage"].values.astype(np.float32)),
            "position": ("place", traces["position"].values),
        },
        coords={
            "diameter": list(DIAMETERS_UM), "step": list(steps), "part": list(parts),
            "time": traces["time"].values,
        },
    )  # fmt: skip


def extrapolated(data: xr.Dataset) -> float:
    """Velocity without step and compartments: both errors are of second order."""
    steps, parts = data["by_step"].values, data["by_part"].values
    return float(steps[-1] + (steps[-1] - steps[-2]) / 3 + (parts[-1] - parts[-2]) / 3)


def plot(data: xr.Dataset) -> Figure:
    figure = Figure(figsize=(style.WIDTH, 2.8), layout="constrained")
    traces, speeds = figure.subplots(1, 2, width_ratios=[1.6, 1])
    for k, position in enumerate(data["position"].values):
        label = "one trial" if k == 0 else None
        traces.plot(data["time"], data["voltage"][:, k], color=style.VOLTAGE, label=label)
        limit = "deterministic" if k == 0 else None
        traces.plot(data["time"], data["limit"][:, k], label=limit, **style.LIMIT)
        peak = int(np.argmax(data["limit"].values[:, k]))
        traces.annotate(
            f"{position / 1000:.0f} mm", (float(data["time"][peak]), 42), ha="center", fontsize=7
        )
    traces.set_xlabel("time (ms)")
    traces.set_ylabel("voltage (mV)")
    traces.set_ylim(-85, 75)
    traces.legend(loc="upper right", ncols=2)
    diameter = data["diameter"].values
    speeds.plot(
        diameter, data["velocity"], "o", color=style.VOLTAGE, markersize=4, label="simulated"
    )
    root = 18.73 * np.sqrt(diameter / 476.0)
    speeds.plot(diameter, root, color=style.MEAN, label="18.73 m/s √(d / 476 µm)")
    speeds.set_xscale("log")
    speeds.set_yscale("log")
    speeds.set_xlabel("diameter (µm)")
    speeds.set_ylabel("velocity (m/s)")
    speeds.legend(loc="upper left")
    return figure


def check(data: xr.Dataset) -> Sequence[Check]:
    velocity_at = dict(zip(data["diameter"].values, data["velocity"].values, strict=True))
    checks = [
        Check("velocity at 476 µm (m/s)", SOURCE, 18.73, velocity_at[476.0], 0.005 * 18.73),
        Check("… without step and compartments (m/s)", SOURCE, 18.73, extrapolated(data), 0.02),
    ]
    for diameter in DIAMETERS_UM[:-1]:
        ratio = velocity_at[476.0] / velocity_at[diameter]
        root = float(np.sqrt(476.0 / diameter))
        checks.append(
            Check(f"velocity at 476 µm over that at {diameter:g} µm", "√diameter, exact", root,
                  float(ratio), 0.004 * root)
        )  # fmt: skip
    return checks


if __name__ == "__main__":
    main("conduction_HH52", compute, plot, check)
