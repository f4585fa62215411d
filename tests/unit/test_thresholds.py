"""Thresholds of the deterministic squid membrane (EL = -54.4 mV) to the published digits.

Numbers: Hodgkin-Huxley 1952 equations solved exactly; instantaneous threshold
6.50736 mV, one spike from 2.24095 µA/cm², repetitive firing from rest from 6.264.
"""

from __future__ import annotations

import numpy as np
import pytest

from stochhh import deterministic
from stochhh.membrane import Membrane
from stochhh.stimulus import Breakpoints
from stochhh.thresholds import thresholds


def spikes(squid, current_uA_per_cm2, displacement_mV, duration_ms, most=None):
    rest = squid.resting_voltage_mV()
    course = deterministic.simulate(
        squid,
        Breakpoints(
            np.array([duration_ms]), np.array([0.01 * squid.area_um2 * current_uA_per_cm2])
        ),
        np.zeros(0),
        rest + displacement_mV,
        squid.stationary_laws(rest),
        most_spikes=most,
    )
    return len(course.spike_ms)


@pytest.mark.parametrize(("displacement", "fires"), [(6.507355, 0), (6.507365, 1)])
def test_instantaneous_threshold(squid, displacement, fires):
    assert spikes(squid, 0.0, displacement, 60.0) == fires


@pytest.mark.parametrize(("current", "fires"), [(2.240935, 0), (2.240955, 1)])
def test_rheobase_of_one_spike(squid, current, fires):
    assert spikes(squid, current, 0.0, 100.0) == fires


def test_repetitive_firing_begins_at_its_threshold(squid):
    assert spikes(squid, 6.2645, 0.0, 2000.0, most=60) == 60
    assert spikes(squid, 6.2635, 0.0, 2000.0, most=60) < 60


def test_thresholds_finds_them(squid):
    found = thresholds(squid)
    assert found.displacement_mV == pytest.approx(6.50736, rel=2e-3)
    assert found.rheobase_pA == pytest.approx(2.24095, rel=2e-3)  # 100 µm²: 1 pA is 1 µA/cm²
    assert found.repetitive_pA == pytest.approx(6.264, rel=2e-3)


def test_a_passive_membrane_has_none():
    found = thresholds(Membrane(100.0, 1.0, 0.3, -65.0, ()))
    assert (found.displacement_mV, found.repetitive_pA) == (None, None)
