"""What tests of studies of pulses share: small sweeps, and findings made once."""

from __future__ import annotations

from functools import cache

import numpy as np
from study_checks import outcome_of

from stochhh.analysis.efficiency_curves import EfficiencyCurve

STRENGTH, NODE, SQUID, TRAIN = (
    "strength-duration_R95",
    "refractory-node_MAR01",
    "supernormal-squid",
    "pulse-train_R99",
)
LITTLE = 'run.record={interval="1 ms", variables=["voltage"]}'
PULSE = 'stimulus=[{kind="pulse", amplitude="%s", start="0.5 ms", duration="0.1 ms"}]'


def swept(**axes):
    """Override of a sweep, ``stimulus_0_duration=[0.1, 1], unit`` as (values, unit)."""
    entries = []
    for key, (values, unit) in axes.items():
        texts = ", ".join(f'"{value} {unit}"' for value in values)
        entries.append(f'"{key.replace("__", ".")}"=[{texts}]')
    return f"sweep={{{', '.join(entries)}}}"


@cache
def made(result, study, *overrides):
    return outcome_of(result, study, *overrides)


def numbers(result, study, *overrides):
    return made(result, study, *overrides).findings.numbers


def place_of(result, **wanted):
    """Number of the point whose swept keys have these values."""
    for index in range(result.n_points):
        coordinates = result.point(index).coords
        if all(str(coordinates[k.replace("__", ".")].item()) == v for k, v in wanted.items()):
            return index
    raise KeyError(wanted)


def fired_after(result, index, since, until=np.inf):
    return sum(bool(np.any((t >= since) & (t < until))) for t in result.spike_trains(index))


def curve_of(amplitude, fired, trials):
    latencies = [
        np.where(np.arange(n) < k, 0.3, np.nan) for k, n in zip(fired, trials, strict=True)
    ]
    return EfficiencyCurve({}, 100, np.array(amplitude, dtype=float), tuple(latencies))
