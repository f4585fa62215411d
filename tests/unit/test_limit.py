"""The deterministic limit as a trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stochhh import limit, simulate
from stochhh.plan import Plan

NOISE = {"kind": "noise", "sd": "5 uA/cm^2", "correlation_time": "1 ms", "resolution": "0.13 ms"}


def planned(stimulus: list[dict[str, Any]], **run: Any) -> Plan:
    record = {"interval": "0.5 ms", "variables": ["voltage", "open", "charge", "occupancy"]}
    tables = {
        "format": 1,
        "title": "A patch",
        "base": "squid-patch",
        "stimulus": stimulus,
        "run": {"duration": "60 ms", "seed": 11, "record": record, **run},
    }
    return simulate.plan(simulate.resolve(tables))[0][0]


def test_fractions_of_channels_make_up_all_of_them() -> None:
    plan = planned([{"kind": "constant", "amplitude": "8 uA/cm^2"}, NOISE])
    found = limit.run_deterministic(plan, 0)
    assert len(found.spike_ms) >= 3
    n_channels = plan.membrane.n_channels
    assert found.final_occupancy.sum() == pytest.approx(n_channels)
    np.testing.assert_allclose(found.records.occupancy[:].sum(axis=1), n_channels, rtol=1e-9)
    stimulus = plan.stimulus(0)
    injected = stimulus.current @ np.diff(stimulus.end, prepend=0.0)
    stored = plan.membrane.capacitance_pF * (found.final_voltage_mV - found.records.voltage[0])
    assert found.total_charge_fC.sum() + stored == pytest.approx(injected, abs=1e-6)
    assert (found.transitions, found.solver) == (0, "DOP853")


def test_trials_have_their_own_noise() -> None:
    plan = planned([NOISE])
    one, other, again = (limit.run_deterministic(plan, trial) for trial in (0, 1, 0))
    assert not np.array_equal(one.records.voltage[:], other.records.voltage[:])
    np.testing.assert_array_equal(one.records.voltage[:], again.records.voltage[:])
