"""The seam between scenarios and kernels: what is refused, counted, marked and kept."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stochhh
from stochhh.errors import InputError
from stochhh.scenario import load_scenario
from stochhh.simulate import n_trials_of, plan, resolve


def tables(**run: Any) -> dict[str, Any]:
    """A small squid patch for 5 ms."""
    return {
        "format": 1,
        "title": "small",
        "base": "squid-patch",
        "membrane": {"area": "1 um^2"},
        "run": {"duration": "5 ms", "trials": 4, "seed": 9, "deterministic": False, **run},
    }


def test_channels_are_recorded_as_the_membrane_has_them() -> None:
    record = {"interval": "0.5 ms", "variables": ["voltage", "open", "current", "occupancy"]}
    result = stochhh.run(tables(record=record))
    assert result["count"].values.tolist() == [60, 18]
    occupancy = result["occupancy"].values
    assert (occupancy[..., :8].sum(axis=-1) == 60).all()
    assert (occupancy[..., 8:].sum(axis=-1) == 18).all()
    assert occupancy.min() >= 0
    np.testing.assert_array_equal(result["open"].values, occupancy[..., [7, 12]])
    driving = result["voltage"].values[..., None] - np.array([50.0, -77.0])
    np.testing.assert_allclose(result["current"].values, 0.02 * result["open"].values * driving)
    # the last record is the end
    np.testing.assert_array_equal(result["voltage"].values[:, -1], result["final_voltage"].values)
    np.testing.assert_array_equal(occupancy[:, -1], result["final_occupancy"].values)
    assert (np.diff(result["time"].values) > 0).all()


def test_record_interval_need_not_divide_the_duration() -> None:
    time = stochhh.run(tables(record={"interval": "0.3 ms"}))["time"].values
    np.testing.assert_allclose(time, 0.3 * np.arange(17), atol=1e-12)
    time = stochhh.run(tables(record={"interval": "50 ms"}))["time"].values
    assert time.tolist() == [0.0]


def test_progress_adds_up_to_the_simulated_time() -> None:
    covered: list[float] = []
    stochhh.run(tables(deterministic=True), on_advance=covered.append)
    assert sum(covered) == pytest.approx(20.0)


def test_deterministic_limit_stands_beside_the_trials() -> None:
    beside = stochhh.run(tables(deterministic=True))
    alone = stochhh.run(tables(), method="deterministic")
    np.testing.assert_array_equal(
        beside["deterministic_voltage"].values, alone["voltage"].values[0]
    )
    assert not stochhh.run(tables()).has_deterministic


def test_processes_make_the_same_bytes_as_threads() -> None:
    threads = stochhh.run(tables(deterministic=True))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        processes = stochhh.run(tables(deterministic=True), executor=pool)
    assert threads.dataset.drop_attrs().identical(processes.dataset.drop_attrs())


class Inline(Executor):
    """Runs each task when it is submitted; Ctrl-C comes with the submission of number `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.submitted = at, 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.submitted == self.at:
            raise KeyboardInterrupt
        self.submitted += 1
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


def test_interrupted_run_marks_itself(tmp_path: Path) -> None:
    result = stochhh.run(tables(), executor=Inline(at=3))
    assert result.interrupted
    assert result.dataset.attrs["trials_finished"] == 3
    assert result.dataset.attrs["trials_planned"] == 4
    assert result["trial"].values.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(
        result["voltage"].values, stochhh.run(tables())["voltage"].values[:3]
    )
    assert stochhh.load(result.save(tmp_path / "part.nc")).interrupted
    assert stochhh.summarise(result)["interrupted"]


def test_interrupted_sweep_keeps_its_finished_points() -> None:
    swept = tables()
    swept["sweep"] = {"membrane.area": ["1 um^2", "2 um^2"]}
    result = stochhh.run(swept, executor=Inline(at=5))
    whole = stochhh.run(swept)
    assert result.interrupted
    np.testing.assert_array_equal(
        result.point(0)["voltage"].values, whole.point(0)["voltage"].values
    )
    assert result["transitions"].notnull().values.sum() == 5


def test_interrupt_before_the_first_trial_leaves_nothing() -> None:
    with pytest.raises(KeyboardInterrupt):
        stochhh.run(tables(), executor=Inline(at=0))
    with pytest.raises(KeyboardInterrupt):
        stochhh.run(tables(deterministic=True), executor=Inline(at=1))


def test_shorthands_win_over_the_scenario() -> None:
    resolved = resolve(tables(), ['run.duration="7 ms"'], seed=3, trials=2, method="deterministic")
    assert (resolved.run.seed, resolved.run.trials) == (3, 2)
    assert resolved.run.method == "deterministic"
    assert float(resolved.run.duration_ms) == 7.0
    with pytest.raises(InputError, match=r"^--trials: got 0"):
        resolve(tables(), trials=0)
    with pytest.raises(InputError, match=r"^--method: got 'euler'"):
        resolve(tables(), method="euler")


def test_drawn_seed_is_one_a_scenario_may_hold() -> None:
    unseeded = tables()
    del unseeded["run"]["seed"]
    seeds = {resolve(unseeded).run.seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 2**63 for seed in seeds if seed is not None)


def test_deterministic_run_needs_one_trial_unless_its_stimulus_is_random() -> None:
    steady = tables(method="deterministic")
    assert n_trials_of(load_scenario(steady)) == 1
    noise = {"kind": "noise", "sd": "1 uA/cm^2", "correlation_time": "1 ms"}
    assert n_trials_of(load_scenario({**steady, "stimulus": [noise]})) == 4
    frozen = {**noise, "kind": "frozen-noise"}
    assert n_trials_of(load_scenario({**steady, "stimulus": [frozen]})) == 1


def refused(scenario: dict[str, Any], match: str, **options: Any) -> None:
    with pytest.raises(InputError, match=match):
        stochhh.run(scenario, **options)


def test_too_many_records_are_refused() -> None:
    refused(
        tables(record={"interval": "1e-12 ms"}), r'run.record.interval: "1e-12 ms" is too short'
    )
    many = tables(record={"interval": "0.0005 ms"}, trials=10**6)
    refused(
        many,
        r"run.record.interval: [\d.e+]+ [GT]B would be recorded; make .* \(computing takes about",
    )


def test_sweep_over_schemes_is_refused() -> None:
    swept = tables()
    swept["sweep"] = {"membrane.channels.0.scheme": ["squid-na", "squid-k"]}
    swept["membrane"]["channels"] = [
        {"scheme": "squid-na", "name": "x", "count": 9, "conductance": "20 pS", "reversal": "0 mV"}
    ]
    refused(swept, "sweep: all points must have the same channel schemes")


def test_membrane_without_resting_potential_is_refused() -> None:
    bare = tables()
    bare["membrane"] = {"area": "1 um^2", "channels": [], "leak": {"conductance": "0 nS"}}
    refused(bare, "resting potential")
    started = tables(initial={"voltage": "-60 mV"})
    started["membrane"] = bare["membrane"]
    np.testing.assert_array_equal(stochhh.run(started)["voltage"].values, -60.0)


def test_runaway_membrane_is_refused() -> None:
    """Without any conductance 1 nA into 0.01 pF makes 100 V in a millisecond."""
    bare = tables(initial={"voltage": "-60 mV"}, duration="100 ms")
    bare["membrane"] = {"area": "1 um^2", "channels": [], "leak": {"conductance": "0 nS"}}
    bare["stimulus"] = [{"kind": "constant", "amplitude": "1 nA"}]
    refused(bare, r"the membrane was driven to .* mV; give it a leak or a weaker stimulus")


def test_too_many_flips_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stochhh.recording._MOST_FLIPS", 10)
    refused(
        tables(record={"channels": "all"}),
        r"run.record.channels: more than 1e\+01 transitions of tagged channels; tag fewer",
    )


def test_broken_stimulus_is_found_before_the_run(tmp_path: Path) -> None:
    waveform = tmp_path / "wave.csv"
    waveform.write_text("time,current\n0,1\n")
    broken = tables()
    broken["stimulus"] = [{"kind": "file", "path": str(waveform)}]
    with pytest.raises(InputError, match=r"stimulus\[0\]: path: .*must name two columns"):
        plan(resolve(broken))


# ------------------------------------------------------------ taking up a run


def test_taken_up_run_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    first = stochhh.run(tables())
    saved = first.save(tmp_path / "first.nc")
    record = {"variables": ["voltage", "occupancy"]}
    second = stochhh.run(tables(initial={"result": str(saved)}, trials=6, record=record))
    rows = [0, 1, 2, 3, 0, 1]  # trials beyond those of the first take them up again
    np.testing.assert_array_equal(
        second["voltage"].values[:, 0], first["final_voltage"].values[rows]
    )
    np.testing.assert_array_equal(
        second["occupancy"].values[:, 0], first["final_occupancy"].values[rows]
    )
    # not the same future from the same state
    assert second["final_voltage"].values[0] != second["final_voltage"].values[4]
    assert second.dataset.attrs["generation"] == 1


def test_what_cannot_be_taken_up_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.nc"
    refused(tables(initial={"result": str(missing)}), "run.initial.result: .*no such result")
    limit = stochhh.run(tables(), method="deterministic").save(tmp_path / "limit.nc")
    refused(
        tables(initial={"result": str(limit)}), "is a deterministic run; it has no channels to take"
    )
    other = tables()
    other["membrane"]["area"] = "2 um^2"
    larger = stochhh.run(other).save(tmp_path / "larger.nc")
    refused(
        tables(initial={"result": str(larger)}), "run.initial.result: .* has other channels than"
    )


def test_records_that_do_not_fit_on_the_disk_are_refused_before_the_run(monkeypatch, tmp_path):
    import shutil
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000_000))
    many = ["run.duration=100 s", "run.record.interval=0.01 ms", "run.record.channels=0"]
    with pytest.raises(InputError) as caught:
        stochhh.run("squid-patch", overrides=many, trials=4, scratch_folder=tmp_path / "new")
    said = str(caught.value)
    assert "2.56 GB would be recorded" in said
    assert "1 GB are free on the disk of" in said
    assert "computing takes about" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cells", [False, True])
def test_a_sine_of_20_khz_moves_a_passive_membrane_as_it_should(cells: bool) -> None:
    """Amplitude A/|g + i 2π f C|: 1000 µA/cm² over |0.3 mS/cm² + i 125.66 mS/cm²| is 7.958 mV."""
    passive = {
        "capacitance": "1 uF/cm^2",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-65 mV"},
    }
    cell = {"name": "cell", "section": [{"name": "soma", "membrane": "soma", "area": "100 um^2"}]}
    where = (
        {"membranes": {"soma": passive}, "cell": [cell]}
        if cells
        else {"membrane": {**passive, "area": "100 um^2"}}
    )
    sine = {"kind": "sine", "amplitude": "1000 uA/cm^2", "frequency": "20 kHz", "phase": 0.25}
    run = {"duration": "4 ms", "seed": 1, "deterministic": False}
    record = {"interval": "0.0025 ms", "variables": ["voltage"]}
    result = stochhh.run(
        {
            "format": 1,
            "title": "fast",
            **where,
            "stimulus": [sine],
            "run": {**run, "record": record},
        }
    )
    found = result["voltage"].values.ravel()[-400:]
    assert np.ptp(found) / 2 == pytest.approx(7.958, rel=0.015)


@pytest.mark.parametrize("method", ["leap", "auto"])
def test_steps_follow_the_stimulus_unless_they_are_given(method: str) -> None:
    sine = {"kind": "sine", "amplitude": "1 pA", "frequency": "20 kHz"}
    area = {"membrane": {"area": "3000 um^2"}}
    (made,), _ = plan(resolve({**tables(method=method), **area, "stimulus": [sine]}))
    assert (made.method.name, made.step_ms) == ("leap", 0.0025)
    (made,), _ = plan(resolve({**tables(method=method), **area}))
    assert made.step_ms == 0.05


def test_what_is_asked_for_and_will_not_be_had_is_said_before_a_run_and_a_sweep() -> None:
    sine = {"kind": "sine", "amplitude": "1 pA", "frequency": "20 kHz", "resolution": "0.05 ms"}
    message = r'stimulus\[0\].resolution: "0.05 ms" is too long for the 0.05 ms in which the sine'
    with pytest.warns(UserWarning, match=message) as said:
        stochhh.run({**tables(), "stimulus": [sine]})
    assert len(said) == 1
    with pytest.warns(UserWarning, match=message) as said:
        stochhh.sweep(
            {**tables(), "stimulus": [sine]}, over={"membrane.area": ["1 um^2", "2 um^2"]}
        )
    assert len(said) == 1
