"""The deterministic limit as a trial: in fixed steps where the stimulus jumps often."""

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


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which way the limit went."""
    made: list[str] = []
    stepped, solved = limit.run_stepped, limit._solve
    monkeypatch.setattr(limit, "run_stepped", lambda *a: made.append("steps") or stepped(*a))
    monkeypatch.setattr(limit, "_solve", lambda *a: made.append("solver") or solved(*a))
    return made


def test_noise_in_steps_is_noise_solved_piece_by_piece(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned([{"kind": "constant", "amplitude": "8 uA/cm^2"}, NOISE])
    steps = limit.run_deterministic(plan, 0)
    monkeypatch.setattr(limit, "_MANY_PIECES", 10**9)
    solver = limit.run_deterministic(plan, 0)
    assert calls == ["steps", "solver"]
    assert len(solver.spike_ms) >= 3
    np.testing.assert_allclose(steps.spike_ms, solver.spike_ms, atol=0.005)
    away = np.abs(steps.records.voltage[:] - solver.records.voltage[:])
    assert np.median(away) < 0.01
    np.testing.assert_allclose(steps.total_charge_fC, solver.total_charge_fC, rtol=1e-4)
    n_channels = plan.membrane.n_channels
    for name in ("open", "occupancy"):
        ours, theirs = getattr(steps.records, name)[:], getattr(solver.records, name)[:]
        assert np.median(np.abs(ours - theirs)) < 1e-5 * n_channels
    assert steps.final_occupancy.sum() == pytest.approx(n_channels)
    assert steps.transitions == 0


def test_another_step_is_another_course(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step ten times too long is seen: the agreement above is no accident."""
    plan = planned([{"kind": "constant", "amplitude": "8 uA/cm^2"}, NOISE])
    fine = limit.run_deterministic(plan, 0)
    monkeypatch.setattr(limit, "_STEP_MS", 0.05)
    coarse = limit.run_deterministic(plan, 0)
    assert np.abs(coarse.spike_ms - fine.spike_ms).max() > 0.005


@pytest.mark.parametrize(
    "stimulus",
    [
        [],
        [{"kind": "constant", "amplitude": "8 uA/cm^2"}],
        [{"kind": "step", "start": "5 ms", "amplitude": "8 uA/cm^2"}],
    ],
)
def test_a_steady_current_goes_to_the_solver(calls: list[str], stimulus: list[Any]) -> None:
    limit.run_deterministic(planned(stimulus), 0)
    assert calls == ["solver"]


def test_trials_have_their_own_noise(calls: list[str]) -> None:
    plan = planned([NOISE])
    one, other, again = (limit.run_deterministic(plan, trial) for trial in (0, 1, 0))
    assert not np.array_equal(one.records.voltage[:], other.records.voltage[:])
    np.testing.assert_array_equal(one.records.voltage[:], again.records.voltage[:])
