"""Sweeps: what they measure, how they go on, what they refuse; the same bytes by any executor."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

import stochhh
from stochhh.analysis.spikes import first_spike_ms
from stochhh.errors import InputError, StochhhError, TrustError
from stochhh.planning import resolve_experiment
from stochhh.sweeping import point as point_module
from stochhh.sweeping import running, scheduling
from stochhh.sweeping.asked import read_over
from stochhh.sweeping.metrics import measure, number_names
from stochhh.sweeping.point import Done
from stochhh.sweeping.trials import about_of
from stochhh.sweeping.workers import Workers, reach

AREA, LENGTH = "membrane.area", "run.duration"
TABLES = {
    "format": 1,
    "title": "a small sweep",
    "base": "squid-patch",
    "run": {"duration": "20 ms", "seed": 1, "trials": 3},
    "sweep": {AREA: ["1 um^2", "2 um^2"]},
}
FILES = ("scenario.toml", "sweep.csv", "summary.json", "figure.png", "sweep.nc")
QUICK = ["run.deterministic=false"]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "sweep.lock"
    }


# ---- what is measured ----------------------------------------------------------------------


def test_numbers_are_those_of_the_run_of_the_same_scenario():
    swept, result = stochhh.sweep(TABLES), stochhh.run(TABLES)
    data = swept.dataset
    assert data["firing_rate"].dims == (AREA,)
    assert data["trial_spike_count"].dims == (AREA, "trial")
    assert data[AREA].attrs["units"] == "um^2"
    assert list(data[AREA].values) == [1.0, 2.0]
    for index, told in enumerate(stochhh.summarise(result)["points"]):
        trains = result.spike_trains(index)
        at = data.isel({AREA: index})
        voltage = result.point(index)["voltage"].values
        assert at["firing_rate"] == told["spikes"]["rate_hz"]
        assert list(at["trial_spike_count"].values) == [len(train) for train in trains]
        np.testing.assert_array_equal(at["trial_first_spike"], first_spike_ms(trains))
        np.testing.assert_allclose(at["trial_voltage_mean"], voltage.mean(axis=1))
        np.testing.assert_allclose(at["trial_voltage_sd"], voltage.std(axis=1))
        np.testing.assert_allclose(at["voltage_mean"], voltage.mean())
        np.testing.assert_allclose(at["voltage_sd"], voltage.std())
        highest = result.point(index)["highest_voltage"].values
        assert (highest >= voltage.max(axis=1)).all()
        np.testing.assert_array_equal(at["trial_voltage_max"], highest)
        counted = result.point(index)["transitions"]
        np.testing.assert_array_equal(at["trial_transitions"], counted)
        np.testing.assert_array_equal(at["trial_ions"], result.point(index)["ions"])
        limit = float(result.point(index)["deterministic_lowest_voltage"])
        assert float(at["deterministic_voltage_min"]) == limit


def test_any_key_varies_and_points_may_have_different_numbers_of_trials():
    over = {"run.trials": [1, 3], "run.method": ["exact", "leap"], LENGTH: ["5 ms", "10 ms"]}
    data = stochhh.sweep(TABLES, over=over, overrides=["sweep={}", *QUICK]).dataset
    assert dict(data.sizes) == {
        "run.trials": 2, "run.method": 2, LENGTH: 2, "trial": 3, "population": 2,
    }  # fmt: skip
    assert np.isfinite(data["voltage_mean"]).all()
    given = np.isfinite(data["trial_voltage_mean"]).sum("trial")
    assert (given.isel({"run.trials": 0}) == 1).all()
    assert (given.isel({"run.trials": 1}) == 3).all()


def test_single_channels_are_followed_only_for_traces(tmp_path):
    tables = {**TABLES, "run": {**TABLES["run"], "record": {"channels": 2}}}
    tables["figure"] = {"panels": ["channels"]}
    over = {"run.method": ["exact", "leap"]}
    data = stochhh.sweep(tables, over=over, overrides=["sweep={}", *QUICK]).dataset
    assert np.isfinite(data["voltage_mean"]).all()
    with pytest.raises(InputError, match="method 'leap' cannot follow single channels"):
        stochhh.sweep(tables, over=over, overrides=["sweep={}"], out=tmp_path, keep_traces=True)


def test_a_clamp_gives_currents():
    data = stochhh.sweep(
        "clamp-family_HH52", trials=1, seed=1, overrides=["membrane.area=1 um^2", *QUICK]
    ).dataset
    inside = data["current_outward"].notnull()  # there is none outward at the lowest level
    assert (data["current_outward"] >= data["current_mean"]).values[inside].all()
    assert "current_outward_low" not in data or data["current_outward_low"].isnull().all()
    assert data["current_mean"].attrs["units"] == "pA"


@pytest.mark.parametrize(
    ("scenario", "overrides"),
    [
        ("squid-patch", []),
        ("squid-patch", ["run.method='leap'", "run.record.variables=['open']"]),
        ("clamp-family_HH52", []),
        ("two-neurons", []),
        ("dominoes", ["run.method='auto'"]),
    ],
)
def test_what_is_measured_is_known_before(scenario, overrides):
    overrides = [*overrides, "run.duration='1 ms'", "run.deterministic=false"]
    if scenario == "clamp-family_HH52":
        overrides = ["run.deterministic=false"]
    job = running.prepare(resolve_experiment(scenario, overrides, 1, 1)).jobs[0][0]
    measured = measure(point_module.simulate_point(job, lambda covered_ms: False))
    assert about_of(job.scenario, job.plan) == measured.about
    assert number_names(measured.about) == list(measured.numbers)


@pytest.mark.parametrize("limit", [True, False])
@pytest.mark.parametrize("scenario", ["clamp-family_HH52", "squid-patch"])
def test_parts_of_a_point_join_to_the_whole(scenario, limit, monkeypatch):
    """However trials are cut into jobs; a clamp's moment is chosen from all, or by the limit."""
    overrides = ["sweep={}", f"run.deterministic={str(limit).lower()}", "membrane.area=5 um^2"]
    overrides += ["run.duration=5 ms"] if scenario == "squid-patch" else []
    whole = stochhh.sweep(scenario, overrides=overrides, trials=4, seed=1)
    monkeypatch.setattr(running, "_MOST_BYTES", 1.0)
    ready = running.prepare(resolve_experiment(scenario, overrides, 1, 4))
    assert len(ready.jobs[0]) == (1 if scenario.startswith("clamp") and not limit else 4)
    cut = running.run_ready(ready)
    assert cut.dataset.identical(whole.dataset)
    assert cut.summary == whole.summary


def test_axes_of_the_command_line():
    assert read_over(["membrane.area=1 um^2, 2 um^2", "run.trials=1,2", "x=a"]) == {
        AREA: ["1 um^2", "2 um^2"],
        "run.trials": [1, 2],
        "x": ["a"],
    }
    assert read_over(["membrane.area=log 1 um^2 .. 100 um^2, 3"]) == {
        AREA: ["1 um^2", "10 um^2", "100 um^2"]
    }
    assert read_over(['membrane.temperature="linear 6 degC .. 20 degC, 3"']) == {
        "membrane.temperature": ["6 degC", "13 degC", "20 degC"]
    }
    two = {AREA: ["1 um^2", "2 um^2"]}
    for text in ('"1 um^2","2 um^2"', '"1 um^2, 2 um^2"', "'1 um^2,2 um^2'", "1 um^2,2 um^2"):
        assert read_over([f"membrane.area={text}"]) == two
    assert read_over(["run.initial={voltage='1 mV'}, {}"]) == {
        "run.initial": [{"voltage": "1 mV"}, {}]
    }
    with pytest.raises(InputError, match="--over area: need a key and its values"):
        read_over(["area"])


# ---- the same bytes ------------------------------------------------------------------------


def test_any_executor_gives_the_same_bytes(tmp_path):
    stochhh.sweep(TABLES, out=tmp_path / "threads", workers=1)
    with ThreadPoolExecutor(3) as pool:
        stochhh.sweep(TABLES, out=tmp_path / "given", scheduler=pool)
        assert pool.submit(int).result() == 0  # it is left running
    stochhh.sweep(TABLES, out=tmp_path / "processes", scheduler="processes", workers=2)
    assert set(FILES) < set(contents(tmp_path / "threads"))
    assert contents(tmp_path / "given") == contents(tmp_path / "threads")
    assert contents(tmp_path / "processes") == contents(tmp_path / "threads")
    stochhh.sweep(TABLES, out=tmp_path / "other", seed=2)
    assert contents(tmp_path / "other") != contents(tmp_path / "threads")


def test_traces_are_results_with_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        stochhh.sweep(TABLES, out=tmp_path / name, keep_traces=True)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    kept = stochhh.load(tmp_path / "a" / "traces" / "000001")
    result = stochhh.run(TABLES)
    np.testing.assert_array_equal(kept["voltage"], result.point(1)["voltage"])
    assert stochhh.summarise(kept)["spikes"] is not None
    with pytest.raises(InputError, match="give a folder with out"):
        stochhh.sweep(TABLES, keep_traces=True)


def damage(path):
    path.write_bytes(path.read_bytes()[:-20])


def tamper(path):
    """Change a number and leave the checksum as it was."""
    tables = json.loads(path.read_text())
    tables["content"]["trials"]["voltage_mean"][0] += 1.0
    path.write_text(json.dumps(tables))


def forge(path):
    """Change the checksum and leave the numbers."""
    tables = json.loads(path.read_text())
    tables["checksum"] = "0" * 64
    path.write_text(json.dumps(tables))


def of_other_scenario(path):
    tables = json.loads(path.read_text())
    tables["key"] = "0" * 64
    path.write_text(json.dumps(tables))


@pytest.mark.parametrize(
    "harm",
    [damage, tamper, forge, of_other_scenario, lambda p: p.unlink(), lambda p: p.write_bytes(b"[")],
)
def test_only_what_is_missing_or_not_to_be_trusted_is_run_again(harm, tmp_path):
    assert stochhh.sweep(TABLES, out=tmp_path / "s").computed == 2
    before = contents(tmp_path / "s")
    assert stochhh.sweep(TABLES, out=tmp_path / "s").computed == 0
    harm(tmp_path / "s" / "points" / "000001.json")
    assert stochhh.sweep(TABLES, out=tmp_path / "s").computed == 1
    assert contents(tmp_path / "s") == before


def test_a_damaged_trace_is_noticed(tmp_path):
    stochhh.sweep(TABLES, out=tmp_path, keep_traces=True)
    before = contents(tmp_path)
    damage(tmp_path / "traces" / "000000" / "result.nc")
    assert stochhh.sweep(TABLES, out=tmp_path, keep_traces=True).computed == 1
    assert contents(tmp_path) == before


def test_a_changed_file_that_a_scenario_reads_is_noticed(tmp_path):
    waveform = tmp_path / "w.csv"
    waveform.write_text("time (ms),current (pA)\n0,0\n5,1\n")
    tables = {**TABLES, "stimulus": [{"kind": "file", "path": str(waveform)}]}
    assert stochhh.sweep(tables, out=tmp_path / "s", overrides=QUICK).computed == 2
    assert stochhh.sweep(tables, out=tmp_path / "s", overrides=QUICK).computed == 0
    waveform.write_text("time (ms),current (pA)\n0,0\n5,2\n")
    assert stochhh.sweep(tables, out=tmp_path / "s", overrides=QUICK).computed == 2


def test_a_longer_axis_keeps_the_points_that_stay(tmp_path):
    one = stochhh.sweep(TABLES, out=tmp_path, overrides=QUICK)
    longer = {AREA: ["1 um^2", "2 um^2", "3 um^2"]}
    more = stochhh.sweep(TABLES, over=longer, out=tmp_path, overrides=QUICK)
    assert (one.computed, more.computed) == (2, 1)
    assert stochhh.sweep(TABLES, out=tmp_path, overrides=QUICK).computed == 0
    assert sorted(path.name for path in (tmp_path / "points").iterdir()) == [
        "000000.json", "000001.json",
    ]  # fmt: skip


def test_a_seed_that_was_drawn_is_taken_up_again(tmp_path):
    tables = {**TABLES, "run": {"duration": "5 ms"}}
    first = stochhh.sweep(tables, out=tmp_path)
    again = stochhh.sweep(tables, out=tmp_path)
    assert first.scenario.run.seed == again.scenario.run.seed
    assert again.computed == 0
    fresh = stochhh.sweep(tables, out=tmp_path, force=True)
    assert fresh.scenario.run.seed != first.scenario.run.seed


# ---- failures ------------------------------------------------------------------------------


def test_a_point_that_fails_is_named_and_the_rest_goes_on(monkeypatch, tmp_path):
    simulate = point_module.simulate_point

    def failing(job, progress):
        if job.index == 1:
            raise TrustError("charge was not conserved")
        return simulate(job, progress)

    monkeypatch.setattr(point_module, "simulate_point", failing)
    with pytest.warns(UserWarning, match="point 1 failed: TrustError: charge was not conserved"):
        swept = stochhh.sweep(TABLES, out=tmp_path)
    assert swept.failed == {1: "TrustError: charge was not conserved"}
    assert np.isnan(swept.dataset["voltage_mean"].values[1]).all()
    assert np.isfinite(swept.dataset["voltage_mean"].values[0]).all()
    assert json.loads((tmp_path / "summary.json").read_text())["points_failed"] == 1
    monkeypatch.undo()
    assert stochhh.sweep(TABLES, out=tmp_path).computed == 1
    stochhh.sweep(TABLES, out=tmp_path.parent / "whole")
    assert contents(tmp_path) == contents(tmp_path.parent / "whole")


def test_a_sweep_of_which_no_point_was_finished_is_an_error(monkeypatch, tmp_path, call):
    def failing(job, progress):
        raise TrustError("charge was not conserved")

    monkeypatch.setattr(point_module, "simulate_point", failing)
    said = "no point of the sweep was finished: points 0, 1 failed: TrustError: charge was not"
    with pytest.raises(StochhhError, match=f"scenario: {said}"):
        stochhh.sweep(TABLES, out=tmp_path / "s")
    assert not [path for path in (tmp_path / "s").rglob("*") if path.suffix != ".lock"]
    write(tmp_path)
    code, _, err = call("sweep", "small.toml", "--over", "membrane.area=1 um^2,2 um^2", "--quiet")
    assert code == 1
    assert err.startswith(f"error: small: {said}")
    assert err.count("\n") == 1


def test_many_failures_are_a_few_lines():
    failed = {index: "rain" if index % 3 else f"snow {index}" for index in range(60)}
    lines = running.said_failures(failed)
    assert lines[0] == "points 1, 2, 4, 5, 7 and 35 more failed: rain"
    assert lines[-1] == "others failed for 16 other reasons"
    assert len(lines) == 6


class Mortal(Executor):
    """An executor that a deadly job breaks; the first of all takes along whatever it holds."""

    def __init__(self, deadly, deaths):
        self.deadly, self.deaths, self.held, self.broken = deadly, deaths, [], False

    def submit(self, function, batch, *rest):
        if self.broken:
            raise BrokenExecutor
        future = Future()
        if any(job.index == self.deadly for job in batch):
            self.broken = True
            self.deaths.append(len(self.held) + 1)
            for one in (*self.held, future):
                one.set_exception(BrokenExecutor())
        elif self.deaths:
            future.set_result([Done(None, failure=f"ran {job.index}") for job in batch])
        else:
            self.held.append(future)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        pass


def test_a_job_that_kills_every_worker_takes_no_other_with_it():
    sixes = {**TABLES, "sweep": {AREA: [f"{k} um^2" for k in range(1, 7)]}}
    ready = running.prepare(stochhh.load_scenario(sixes))
    batches = [tuple(jobs) for jobs in ready.jobs]
    told, deaths = {}, []
    workers = Workers(lambda: Mortal(2, deaths), 3, renewable=True)
    scheduling.run_batches(batches, workers, lambda job, done: told.update({job.index: done}))
    assert deaths == [3, 1, 1, 1]
    assert told.pop(2).failure == "3 workers died over it"
    assert {index: done.failure for index, done in told.items()} == {
        index: f"ran {index}" for index in (0, 1, 3, 4, 5)
    }
    fragile = Workers(lambda: Mortal(2, []), 3, renewable=False)
    with pytest.raises(InputError, match="the executor broke; start it again"):
        scheduling.run_batches(batches, fragile, lambda job, done: None)


def test_short_jobs_go_together_and_the_longest_first():
    at_once = {"duration": "1 ms", "seed": 1, "initial": {"settle": "0 ms"}}
    many = {**TABLES, "sweep": {"repeats": 100}, "run": at_once}
    ready = running.prepare(stochhh.load_scenario(many, QUICK))
    jobs = [job for of_point in ready.jobs for job in of_point]
    batches = scheduling.make_batches(jobs, 2)
    assert sorted(job.index for batch in batches for job in batch) == list(range(100))
    assert 8 <= len(batches) <= 17
    long = {**TABLES, "sweep": {AREA: ["1 um^2", "1000 um^2"]}}
    first = scheduling.make_batches(
        [job for of_point in running.prepare(stochhh.load_scenario(long)).jobs for job in of_point],
        2,
    )[0]
    assert {job.index for job in first} == {1}


def test_a_full_disk_is_one_line(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("stochhh.result.os.replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        stochhh.sweep(TABLES, out=tmp_path)


def test_foreign_folders_and_files_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds files that are no sweep of this scenario"):
        stochhh.sweep(TABLES, out=tmp_path)
    with pytest.raises(InputError, match="is a file; give a folder"):
        stochhh.sweep(TABLES, out=tmp_path / "notes.txt")
    stochhh.sweep(TABLES, out=tmp_path, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("scheduler", "workers", "message"),
    [
        ("slurm", None, "scheduler: got 'slurm', need threads, processes, local"),
        ("threads", 0, "workers: got 0, need 1 to 1024"),
    ],
)
def test_unknown_schedulers_are_refused(scheduler, workers, message):
    with pytest.raises(InputError, match=message), reach(scheduler, workers):
        pass


def test_results_of_another_sweep_do_not_stay_beside_one_that_was_interrupted(tmp_path):
    stochhh.sweep(TABLES, out=tmp_path, overrides=QUICK)

    def interrupt(done, n_points, share):
        if done:
            raise KeyboardInterrupt

    others = {AREA: ["3 um^2", "4 um^2"]}
    with pytest.raises(KeyboardInterrupt):
        stochhh.sweep(TABLES, over=others, out=tmp_path, overrides=QUICK, on_point=interrupt)
    assert "3 um^2" in (tmp_path / "scenario.toml").read_text()
    assert not {path.name for path in tmp_path.iterdir()} & {"sweep.nc", "sweep.csv"}


@pytest.mark.parametrize("force", [False, True])
def test_a_sweep_that_cannot_begin_leaves_an_earlier_one_as_it_is(force, tmp_path):
    stochhh.sweep(TABLES, out=tmp_path, overrides=QUICK)
    before = contents(tmp_path)
    others = {AREA: ["3 um^2", "4 um^2"]}
    with pytest.raises(InputError, match="scheduler: got 'slurm'"):
        stochhh.sweep(
            TABLES, over=others, out=tmp_path, overrides=QUICK, scheduler="slurm", force=force
        )
    assert contents(tmp_path) == before


# ---- the command ---------------------------------------------------------------------------


def write(folder, **run):
    lines = ['format = 1\ntitle = "a small sweep"\nbase = "squid-patch"\n[run]\nseed = 1\n']
    settings = {"duration": '"20 ms"', "trials": "2", "deterministic": "false"} | run
    lines += [f"{key} = {value}\n" for key, value in settings.items()]
    (folder / "small.toml").write_text("".join(lines))


def test_the_command_writes_and_goes_on(call, tmp_path):
    write(tmp_path)
    axes = ["--over", "membrane.area=1 um^2,2 um^2", "--over", "membrane.count_factor=1.0,2.0"]
    arguments = ["sweep", "small.toml", *axes, "--zip", "membrane.area,membrane.count_factor"]
    code, out, err = call(*arguments, "--repeats", "2", "--out", "s")
    assert code == 0, err
    assert "4 points run now; seed 1" in out
    data = xr.open_dataset(tmp_path / "s" / "sweep.nc", engine="h5netcdf")
    with data:
        assert data["firing_rate"].dims == (AREA,)
        assert data["trial_spike_count"].dims == (AREA, "repeats", "trial")
        assert data["membrane.count_factor"].dims == (AREA,)
    rows = (tmp_path / "s" / "sweep.csv").read_text().splitlines()
    assert rows[0].startswith("membrane.area (um^2),membrane.count_factor,method,trials,spike_c")
    assert [row.split(",")[:4] for row in rows[1:]] == [["1", "1", "exact", "4"],
                                                        ["2", "2", "exact", "4"]]  # fmt: skip
    (tmp_path / "s" / "points" / "000002.json").write_text("{}")
    code, out, err = call(*arguments, "--repeats", "2", "--out", "s")
    assert (code, "1 points run now" in out) == (0, True)
    assert "note: 1 points there were damaged or of another sweep" in err


def test_the_command_refuses_in_one_line(call, tmp_path):
    write(tmp_path)
    code, _, err = call("sweep", "small.toml", "--over", "membrane.area=1 um^2,2")
    assert code == 2
    assert err.startswith(
        "error: small at membrane.area = 2: membrane.area: got the bare number 2, need"
    )
    assert not (tmp_path / "results").exists()


def test_the_command_says_that_it_plans(call, tmp_path, monkeypatch):
    write(tmp_path, duration='"2 ms"', trials="1")
    monkeypatch.setattr("stochhh.console._PLAIN_PAUSE", 0.0)
    code, _, err = call("sweep", "small.toml", "--over", "membrane.area=1 um^2,2 um^2,3 um^2")
    assert code == 0
    assert "small, planning: 33 %" in err
    assert err.index("small, planning") < err.index("small, sweep")


PROGRAM = [sys.executable, "-m", "stochhh", "sweep", "small.toml", "--over",
           "membrane.area=linear 30 um^2 .. 60 um^2, 30", "--out", "s", "--quiet"]  # fmt: skip


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_cleanly_and_a_second_run_is_refused_meanwhile(sent, code, tmp_path, call):
    write(tmp_path, duration='"2 s"')
    points = tmp_path / "s" / "points"
    with subprocess.Popen(PROGRAM, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            while len(list(points.glob("[0-9]*.json"))) < 2:
                assert process.poll() is None
            second, _, err = call(*PROGRAM[3:])
            process.send_signal(sent)
            _, said = process.communicate()
        finally:
            process.kill()
    assert (second, err) == (2, "error: s: another sweep is at work there; wait for it, or choose "
                                "another folder with --out\n")  # fmt: skip
    assert process.returncode == code
    assert said.startswith("interrupted: ")
    assert said.count("\n") == 1
    assert int(said.split()[1]) == len(list(points.glob("[0-9]*.json"))) < 30
    assert not (tmp_path / "s" / "sweep.nc").exists()
