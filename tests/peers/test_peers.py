"""The same channels under clamp, and the same membrane, given to other simulators.

Needs ``pip install -e ".[peers]"``; what is not installed is skipped.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from peers import laws, measure, ours, squid
from peers.work import Held, Patch

from stochhh.simulate import plan, resolve

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the peers

LEVEL = 1e-6
#: Module, setting, what it needs, and sweeps.
CLAMPED = [
    ("ours", "exact", "stochhh", 4000),
    ("neuron_kschan", "0.01", "neuron", 1500),
    ("gillespy2_ssa", "NumPy", "gillespy2", 40),
    ("myokit_discrete", "1", "myokit", 150),
]


def p_values(counts: np.ndarray, held: Held) -> list[float]:
    """Of each mean and variance of open counts (sweeps, times) against the binomial law."""
    verdicts = laws.compare_moments(laws.moments(counts), held, measure.STEP_TIMES_MS)
    return [verdict.p_value for verdict in verdicts]


@pytest.mark.parametrize(("module", "setting", "needed", "sweeps"), CLAMPED)
def test_clamped_counts_are_binomial(module, setting, needed, sweeps):
    pytest.importorskip(needed)
    held = measure.STEPPED
    simulator = import_module(f"peers.{module}").prepare_clamp(held, setting)
    counts = simulator.sweeps(1, sweeps, measure.STEP_TIMES_MS)
    assert min(p_values(counts, held)) > LEVEL
    # control: stepped 15 mV less far, channels would not open so fast
    less = replace(held, voltage_mV=held.voltage_mV - 15.0)
    assert min(p_values(counts, less)) < LEVEL


def test_myokit_is_biased_by_ends_of_segments():
    """It draws again for time already known to hold no transition."""
    pytest.importorskip("myokit")
    held = measure.STEPPED
    simulator = import_module("peers.myokit_discrete").prepare_clamp(held, "20")
    assert min(p_values(simulator.sweeps(1, 400, measure.STEP_TIMES_MS), held)) < LEVEL


@pytest.mark.parametrize("area_um2", [1.0, 100.0])
def test_peers_are_given_our_membrane(area_um2):
    """Numbers typed for the peers against those of the library."""
    one = plan(resolve("squid-patch", [f"membrane.area={area_um2} um^2"], seed=1))[0][0]
    sodium, potassium = one.membrane.populations
    assert sodium.count == squid.sodium_count(area_um2)
    assert potassium.count == squid.potassium_count(area_um2)
    assert sodium.reversal_mV == squid.SODIUM_REVERSAL_MV
    assert potassium.reversal_mV == squid.POTASSIUM_REVERSAL_MV


def test_neuron_fires_as_often_as_exact():
    """1 µm² at 10 µA/cm²: rates within chance; half the current is told apart."""
    pytest.importorskip("neuron")
    kschan = import_module("peers.neuron_kschan")
    theirs = kschan.prepare_patch(Patch(1.0, 10.0), "0.01").run(1, 20_000.0)
    found = laws.firing([theirs], 20_000.0)
    exact, other = (
        laws.firing([ours.prepare_patch(Patch(1.0, i), "exact").run(2, 20_000.0)], 20_000.0)
        for i in (10.0, 0.0)
    )
    assert laws.compare(found, exact).p_value > LEVEL
    assert laws.compare(found, other).p_value < LEVEL
