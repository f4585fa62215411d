"""stochhh itself, through the same public `stochhh.run` that users call.

The setting is the name of a method. Steps are those the method has by default.
"""

from __future__ import annotations

import numpy as np

import stochhh
from peers.work import ClampSimulator, Floats, Held, Ints, Patch, PatchSimulator
from stochhh.methods import METHODS

DISTRIBUTION = "stochhh"


def offered(method: str) -> bool:
    """Whether this stochhh has the method."""
    return method in METHODS


def step_ms(method: str) -> float | None:
    """Time step of a method, None without one."""
    return METHODS[method].step_ms


def frozen(method: str) -> str:
    """What a method holds still."""
    step = step_ms(method)
    if step is None:
        return "nothing"
    staggered = METHODS[method].staggered
    manner = "V and channels in turn, staggered" if staggered else "rates and conductance"
    return f"{manner}, {step:g} ms"


def prepare_patch(patch: Patch, setting: str) -> PatchSimulator:
    """Prepare a patch; compiled kernels come from Numba's cache or the warm-up."""

    def run(seed: int, duration_ms: float) -> Floats:
        overrides = [
            f"membrane.area={patch.area_um2} um^2",
            f'stimulus=[{{kind="constant", amplitude="{patch.current_uA_cm2} uA/cm^2"}}]',
            f"run.duration={duration_ms} ms",
            "run.initial.voltage=-65 mV",
            f"run.record.interval={duration_ms} ms",
            'run.record.variables=["voltage"]',
            "run.deterministic=false",
        ]
        result = stochhh.run(
            "squid-patch", overrides=overrides, seed=seed, trials=1, method=setting, workers=1
        )
        return result.spike_trains()[0]

    return PatchSimulator(run)


def clamped(held: Held, method: str, seed: int, duration_ms: float, **run: object) -> Ints:
    """Open counts (trials, records) of channels stepped at time 0."""
    level = f"{held.voltage_mV} mV"
    tables = {
        "format": 1,
        "title": "K+ channels under clamp",
        "membrane": {
            "area": "10 um^2",
            "temperature": "6.3 degC",
            "capacitance": "1 uF/cm^2",
            "channels": [
                {
                    "scheme": "squid-k",
                    "count": held.count,
                    "conductance": "20 pS",
                    "reversal": "-77 mV",
                }
            ],
        },
        "clamp": {
            "holding": f"{held.before_mV} mV",
            "segment": [{"kind": "step", "level": level, "duration": f"{duration_ms} ms"}],
        },
        "run": {
            "duration": f"{duration_ms} ms",
            "method": method,
            "seed": seed,
            "deterministic": False,
            **run,
        },
    }
    return stochhh.run(tables, workers=1)["open"].values[:, :, 0]


def prepare_clamp(held: Held, setting: str) -> ClampSimulator:
    """Prepare channels under clamp."""

    def sweeps(seed: int, n_sweeps: int, times_ms: Floats) -> Ints:
        record = {"interval": f"{times_ms[0]} ms", "variables": ["open"]}
        counts = clamped(held, setting, seed, times_ms[-1], trials=n_sweeps, record=record)
        return counts[:, np.rint(times_ms / times_ms[0]).astype(int)]

    def hold(seed: int, duration_ms: float) -> Ints:
        record = {"interval": f"{duration_ms} ms", "variables": ["open"]}
        return clamped(held, setting, seed, duration_ms, trials=1, record=record)

    return ClampSimulator(sweeps, hold)
