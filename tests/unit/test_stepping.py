"""Trials of the stepped methods, from the scenario to the result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import stochhh
from stochhh import stepping
from stochhh.errors import InputError, Stopped, TrustError
from stochhh.kernels import stepped
from stochhh.kinetics.files import load_scheme
from stochhh.methods import METHODS
from stochhh.plan import Plan
from stochhh.scenario import load_scenario
from stochhh.simulate import plan as work_out
from stochhh.stepping import run_stepped
from stochhh.theory import stationary_law

STEPPED = [name for name, method in METHODS.items() if method.step_ms is not None]


def tables(method: str, area: str = "5 um^2", **run: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "title": "stepped",
        "base": "squid-patch",
        "membrane": {"area": area},
        "run": {
            "method": method, "duration": "10 ms", "trials": 2, "seed": 3, "deterministic": False,
            "record": {"interval": "0.25 ms", "variables": ["voltage", "open", "charge",
                                                            "occupancy", "current"]},
            **run,
        },
    }  # fmt: skip


def without_noise(given: dict[str, Any], *which: int) -> dict[str, Any]:
    """The same with the mean field of some of its populations."""
    channels = [
        {"scheme": "squid-na", "density": "60 / um^2", "reversal": "50 mV"},
        {"scheme": "squid-k", "density": "18 / um^2", "reversal": "-77 mV"},
    ]
    noise = [{"conductance": "20 pS", "noise": i not in which} for i in range(2)]
    listed = [{**channel, **more} for channel, more in zip(channels, noise, strict=True)]
    return {**given, "membrane": {**given["membrane"], "channels": listed}}


def one_plan(given: dict[str, Any]) -> Plan:
    (plan,), _ = work_out(load_scenario(given))
    return plan


@pytest.mark.parametrize("method", STEPPED)
def test_a_run_is_whole(method: str) -> None:
    result = stochhh.run(tables(method))
    assert result.method == method
    assert result.dataset.attrs["step_ms"] == METHODS[method].step_ms
    counts = result["occupancy"].values
    assert counts.min() >= 0
    np.testing.assert_allclose(counts[..., :8].sum(axis=-1), 300, rtol=1e-12)
    np.testing.assert_allclose(counts[..., 8:].sum(axis=-1), 90, rtol=1e-12)
    assert counts.dtype == (np.int64 if METHODS[method].whole else np.float64)
    assert result["final_occupancy"].dtype == counts.dtype
    np.testing.assert_array_equal(result["open"].values[..., 0], counts[..., 7])
    np.testing.assert_array_equal(result["open"].values[..., 1], counts[..., 12])
    drawn_singly = METHODS[method].move == "gillespie"
    assert (result["transitions"].values > 0).all() == drawn_singly
    # C dV = - charge moved outward, from the first record to the last
    moved = result["charge"].values[:, -1].sum(axis=-1) - result["charge"].values[:, 0].sum(axis=-1)
    leaked = result["voltage"].values
    assert np.isfinite(moved).all()
    assert np.isfinite(leaked).all()


@pytest.mark.parametrize("method", STEPPED)
def test_recording_and_slices_and_threads_change_nothing(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one bit."""
    given = tables(method, trials=3)
    whole = stochhh.run(given, workers=1)
    monkeypatch.setattr(stepping, "_SLICE", 17)
    monkeypatch.setattr(stepping, "_CHANNEL_STEPS", 1000)
    others = [
        stochhh.run(given, workers=2),
        stochhh.run({**given, "run": {**given["run"], "record": {"interval": "0.013 ms"}}}),
    ]
    for other in others:
        for name in ("final_voltage", "final_occupancy", "spike_time", "transitions"):
            np.testing.assert_array_equal(whole[name].values, other[name].values)
    np.testing.assert_array_equal(whole["charge"].values, others[0]["charge"].values)
    assert len(np.unique(whole["final_voltage"].values)) == 3  # trials differ


def test_kernel_returns_in_time_where_every_flip_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = []
    simulate = stepped.simulate

    def watched(*arguments: Any) -> Any:
        budgets.append(arguments[6])
        return simulate(*arguments)

    monkeypatch.setattr(stepped, "simulate", watched)
    for method, area in (("leap", "1e6 um^2"), ("frozen", "1 um^2"), ("frozen", "1000 um^2")):
        at_once = {"duration": "0.1 ms", "initial": {"settle": "0 ms"}}
        run_stepped(one_plan(tables(method, area, **at_once)), 0)
    assert budgets == [50_000, 50_000, 200_000_000 // 78_000 + 1]


def test_a_run_without_channels_of_a_kind() -> None:
    given = without_noise(tables("leap"))
    given["membrane"]["channels"][0] = {
        "scheme": "squid-na", "count": 0, "conductance": "20 pS", "reversal": "50 mV"
    }  # fmt: skip
    for method in STEPPED:
        for noise in (True, False):
            given["membrane"]["channels"][0]["noise"] = noise
            result = stochhh.run({**given, "run": {**given["run"], "method": method}})
            assert not result["occupancy"].values[..., :8].any()
            assert (result["open"].values[..., 1] > 0).any()


def test_a_duration_that_is_no_multiple_of_the_step() -> None:
    result = stochhh.run(tables("leap", duration="1.037 ms", record={"interval": "1.037 ms"}))
    assert result["time"].values[-1] == pytest.approx(1.037)
    np.testing.assert_array_equal(result["voltage"].values[:, -1], result["final_voltage"].values)


# ----------------------------------------------------------------- mean fields


def test_mean_fields_are_the_deterministic_limit_without_a_step() -> None:
    """Of second order in the step; both populations without noise."""
    given = without_noise(tables("leap", duration="6 ms"), 0, 1)
    given["stimulus"] = [
        {"kind": "pulse", "amplitude": "15 uA/cm^2", "start": "1 ms", "duration": "1 ms"}
    ]
    limit = stochhh.run(given, method="deterministic")
    errors = []
    for step in ("0.02 ms", "0.01 ms"):
        found = stochhh.run(given, overrides=[f'run.step="{step}"'])
        away = found["voltage"].values[0] - limit["voltage"].values[0]
        errors.append(np.abs(away).max())
        # voltage after spike initiation is steep: compare spikes by time
        np.testing.assert_allclose(
            found["spike_time"].values[:1], limit["spike_time"].values[:1], atol=2e-3
        )
        np.testing.assert_array_equal(found["voltage"].values[0], found["voltage"].values[1])
    assert limit["voltage"].values.max() > 20.0
    assert errors[1] < 0.3 * errors[0] < 1.0


@pytest.mark.parametrize("method", STEPPED)
def test_populations_without_noise_follow_their_law_under_clamp(method: str) -> None:
    """N times the law of one channel, whatever the method of the others."""
    given = without_noise(tables(method, duration="2 ms", record={
        "interval": "0.5 ms", "variables": ["occupancy"]}), 1)  # fmt: skip
    given["clamp"] = {
        "holding": "-80 mV",
        "segment": [{"kind": "step", "level": "10 mV", "duration": "2 ms"}],
    }
    result = stochhh.run(given)
    scheme, dt = load_scheme("squid-k"), METHODS[method].step_ms
    assert dt is not None
    step = expm(scheme.generator(10.0) * dt)
    if not METHODS[method].staggered:
        step = np.eye(5) + scheme.generator(10.0) * dt
    counts = result["occupancy"].values
    start = 90 * stationary_law(scheme.generator(-80.0))
    for k, n in enumerate(np.rint(result["time"].values / dt).astype(int)):
        expected = start @ np.linalg.matrix_power(step, n)
        np.testing.assert_allclose(counts[0, k, 8:], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(counts[0, :, 8:], counts[1, :, 8:])
    assert (counts[0, :, :8] != counts[1, :, :8]).any()  # the others are random


def test_records_are_of_whole_channels_only_where_all_are_drawn() -> None:
    assert stochhh.run(tables("leap"))["occupancy"].dtype == np.int64
    assert stochhh.run(without_noise(tables("leap"), 1))["occupancy"].dtype == np.float64


# ------------------------------------------------------------------ going on


@pytest.mark.parametrize("method", ["leap", "langevin", "frozen", "subunit"])
def test_a_run_goes_on_from_where_another_ended(method: str, tmp_path: Any) -> None:
    first = stochhh.run(tables(method))
    first.save(tmp_path / "first")
    given = tables(method, duration="0.1 ms", record={
        "interval": "0.1 ms", "variables": ["occupancy"]},
        initial={"result": str(tmp_path / "first")})  # fmt: skip
    second = stochhh.run(given)
    np.testing.assert_array_equal(second["voltage"].values[:, 0], first["final_voltage"].values)
    np.testing.assert_array_equal(second["occupancy"].values[:, 0], first["final_occupancy"].values)


# ------------------------------------------------------------- table and errors


@pytest.mark.parametrize("method", ["leap", "langevin", "frozen"])
def test_tables_grow_with_the_voltage(method: str) -> None:
    """A strong pulse takes V to -200 mV and back, far beyond what is tabulated at first."""
    given = tables(method)
    given["stimulus"] = [
        {"kind": "pulse", "amplitude": "-300 uA/cm^2", "start": "1 ms", "duration": "0.5 ms"}
    ]
    result = stochhh.run(given)
    assert result["voltage"].values.min() < -150.0
    assert one_plan(given).steps.first > -110.0
    assert np.isfinite(result["voltage"].values).all()


def test_a_displaced_start_lies_beyond_the_table() -> None:
    given = tables("leap", duration="0.5 ms", initial={"displacement": "200 mV"})
    assert stochhh.run(given)["voltage"].values[0, 0] > 120.0


def test_a_voltage_that_runs_away_is_told() -> None:
    given = tables("leap")
    given["stimulus"] = [{"kind": "constant", "amplitude": "1e7 uA/cm^2"}]
    with pytest.raises(InputError, match=r"^scenario: .*driven to .* mV; give it a leak, a weaker"):
        run_stepped(one_plan(given), 0)


@pytest.mark.filterwarnings("ignore:.*times what the fastest channels:UserWarning")
def test_first_order_methods_run_away_with_long_steps() -> None:
    """Euler's rule is unstable where the step exceeds twice the membrane's time constant."""
    with pytest.raises(InputError, match=r"driven to .*a shorter run\.step"):
        stochhh.run(tables("leap-first-order", step="2 ms", duration="100 ms"))


def test_progress_is_told_and_may_stop() -> None:
    plan = one_plan(tables("leap"))
    covered: list[float] = []
    run_stepped(plan, 0, lambda ms: bool(covered.append(ms)))
    assert sum(covered) == pytest.approx(10.0)
    with pytest.raises(Stopped):
        run_stepped(plan, 0, lambda ms: True)


def test_lost_channels_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = stepped.simulate

    def leaking(*arguments: Any) -> Any:
        outcome = simulate(*arguments)
        arguments[5].occupancy[0] += 1.0
        return outcome

    monkeypatch.setattr(stepped, "simulate", leaking)
    with pytest.raises(TrustError, match="channels were not conserved"):
        run_stepped(one_plan(tables("leap")), 0)


def test_lost_charge_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = stepped.simulate

    def leaking(*arguments: Any) -> Any:
        outcome = simulate(*arguments)
        arguments[5].charge[0] *= 1.001
        return outcome

    monkeypatch.setattr(stepped, "simulate", leaking)
    with pytest.raises(TrustError, match="charge was not conserved"):
        run_stepped(one_plan(tables("leap", "10 um^2", duration="30 ms")), 0)
