"""Long runs: records that go through small buffers into files, and memory that does not grow."""

from __future__ import annotations

import gc
import multiprocessing
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

import stochhh
from stochhh import deterministic, lazy, netcdf, simulate
from stochhh.analysis import trial_numbers
from stochhh.columns import FileColumn, file_columns
from stochhh.errors import InputError, TrustError
from stochhh.lazy import Scratch
from stochhh.limit import run_deterministic
from stochhh.plan import EvenTimes, Plan
from stochhh.recording import Recorder
from stochhh.result import Result

EVERYTHING = ["voltage", "open", "current", "charge", "occupancy"]
CLAMP = {
    "holding": "-80 mV",
    "start": "2 ms",
    "leak": True,
    "capacitance": True,
    "segment": [{"kind": "ramp", "from": "-80 mV", "to": "20 mV", "duration": "10 ms"}],
}
NOISE = {"kind": "noise", "sd": "5 uA/cm^2", "correlation_time": "1 ms", "resolution": "0.5 ms"}


def tables(interval: str = "0.05 ms", **more: Any) -> dict[str, Any]:
    """A small patch that fires, recorded in every way."""
    record = {"interval": interval, "variables": EVERYTHING, "channels": 1}
    return {
        "format": 1,
        "title": "A patch",
        "base": "squid-patch",
        "membrane": {"area": "2 um^2"},
        "stimulus": [{"kind": "constant", "amplitude": "15 uA/cm^2"}],
        "run": {"duration": "15 ms", "trials": 3, "seed": 5, "record": record},
        **more,
    }


CASES = {
    "steady": tables(),
    "noise": tables(stimulus=[NOISE]),
    "sweep": tables(sweep={"membrane.area": ["1 um^2", "2 um^2"]}),
    "noisy sweep": tables(stimulus=[NOISE], sweep={"membrane.area": ["1 um^2", "2 um^2"]}),
    "clamp": tables(stimulus=[], clamp=CLAMP),
}


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Folder in which all runs of the test keep their records, by way of tiny buffers."""
    folder = tmp_path / "scratch"
    genuine = simulate.run

    def small(plan: Plan, **changes: Any) -> Plan:
        return replace(plan, buffer_rows=7, **changes)

    monkeypatch.setattr(simulate, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr(simulate, "replace", small)
    monkeypatch.setattr(
        simulate, "run", lambda *a, **k: genuine(*a, **{"scratch_folder": folder, **k})
    )
    return folder


def in_memory(dataset: xr.Dataset) -> xr.Dataset:
    """Take a dataset of files as one in memory, attributes of how long it took left out."""
    dataset = dataset.load()
    dataset.attrs = {k: v for k, v in dataset.attrs.items() if not k.endswith("wall_s")}
    return dataset if "time" in dataset.indexes else dataset.set_xindex("time")


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("method", ["exact", "deterministic"])
@pytest.mark.parametrize("case", ["noise", "clamp"])
def test_small_buffers_change_not_one_bit(
    method: str, case: str, rows: int, tmp_path: Path
) -> None:
    scenario = simulate.resolve(
        CASES[case], ["run.record.channels=0", "run.duration=9 ms"], method=method
    )
    plan = simulate.plan(scenario)[0][0]
    whole = simulate.METHODS[method](plan, 1, None)
    cut = replace(plan, records_folder=str(tmp_path), buffer_rows=rows)
    streamed = simulate.METHODS[method](cut, 1, None)
    for name, column in streamed.records._asdict().items():
        assert isinstance(column, FileColumn)
        kept = getattr(whole.records, name)
        assert column.shape == kept.shape
        assert column.dtype == kept.dtype
        assert column[:].tobytes() == kept.tobytes()
    assert len(whole.records.charge[:]) == 181
    assert_array_equal(streamed.spike_ms, whole.spike_ms)
    assert streamed.final_voltage_mV == whole.final_voltage_mV
    assert streamed.transitions == whole.transitions


@pytest.mark.parametrize("case", CASES)
def test_a_run_in_files_is_the_run_in_memory(
    case: str, files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Dataset, saved file and summary are the same; no recorded variable is ever whole."""
    monkeypatch.setattr(lazy, "ROWS", 16)
    monkeypatch.setattr(netcdf, "_LARGE", 20)
    streamed = simulate.run(CASES[case])
    assert all(
        not isinstance(variable._data, np.ndarray)
        for name, variable in streamed.dataset.variables.items()
        if "time" in variable.dims
    )
    assert list(files.iterdir())
    numbers = stochhh.summarise(streamed)
    loaded = stochhh.load(streamed.save(tmp_path / "streamed.nc"))
    monkeypatch.setattr(simulate, "MOST_IN_MEMORY", 1e9)
    monkeypatch.setattr(netcdf, "_LARGE", 1e9)
    kept = simulate.run(CASES[case])
    assert isinstance(kept["voltage"].variable._data, np.ndarray)
    expected = stochhh.summarise(kept)
    assert without_wall(numbers) == without_wall(expected)
    again = stochhh.load(kept.save(tmp_path / "kept.nc"))
    xr.testing.assert_identical(in_memory(loaded.dataset), in_memory(again.dataset))
    for name in kept.dataset.variables:
        assert streamed[str(name)].dtype == kept[str(name)].dtype
    xr.testing.assert_identical(in_memory(streamed.dataset), in_memory(kept.dataset))


def without_wall(tree: Any) -> Any:
    if isinstance(tree, list):
        return [without_wall(one) for one in tree]
    if isinstance(tree, dict):
        return {key: without_wall(value) for key, value in tree.items() if key != "wall_s"}
    return tree


class Inline(Executor):
    """Runs each task when it is submitted; Ctrl-C comes with the submission of number `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.submitted = at, 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.submitted == self.at:
            raise KeyboardInterrupt
        self.submitted += 1
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


def test_an_interrupted_sweep_in_files_is_that_in_memory(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two limits, three trials of the first point and one of the second are done."""
    streamed = simulate.run(CASES["sweep"], executor=Inline(at=6))
    assert streamed.interrupted
    assert np.isnan(streamed["open"].values[1, 1:]).all()
    monkeypatch.setattr(simulate, "MOST_IN_MEMORY", 1e9)
    kept = simulate.run(CASES["sweep"], executor=Inline(at=6))
    xr.testing.assert_identical(in_memory(streamed.dataset), in_memory(kept.dataset))


def test_processes_leave_their_records_in_files(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        streamed = simulate.run(CASES["steady"], executor=pool)
    assert len(list(files.glob("*/*"))) == 4  # three trials and the deterministic limit
    monkeypatch.setattr(simulate, "MOST_IN_MEMORY", 1e9)
    kept = simulate.run(CASES["steady"])
    xr.testing.assert_identical(in_memory(streamed.dataset), in_memory(kept.dataset))


def test_files_last_as_long_as_anything_that_reads_them(files: Path) -> None:
    result = simulate.run(CASES["steady"])
    voltage = result["voltage"][0]
    expected = result["voltage"].values[0]
    del result
    gc.collect()
    assert_array_equal(voltage.values, expected)
    assert list(files.iterdir())
    del voltage
    gc.collect()
    assert not list(files.iterdir())


def test_a_failed_run_leaves_no_files(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def fail(*arguments: Any) -> None:
        seen.extend(files.glob("*/*"))
        raise TrustError("no")

    monkeypatch.setattr("stochhh.exact.check_conserved", fail)
    with pytest.raises(TrustError):
        simulate.run(CASES["steady"], workers=1)
    assert seen
    assert not list(files.iterdir())


def test_a_run_that_does_not_fit_the_disk_is_refused_at_once(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda place: Usage)
    with pytest.raises(InputError, match=r"run\.record: 166 kB would be recorded .* 1 kB are free"):
        simulate.run(CASES["steady"])


def test_a_folder_that_cannot_be_made_is_an_error(files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="file: records of the run cannot be kept there"):
        simulate.run(CASES["steady"], scratch_folder=tmp_path / "file")


def test_missing_records_are_noticed(tmp_path: Path) -> None:
    plan = simulate.plan(simulate.resolve(CASES["steady"]))[0][0]
    for one in (plan, replace(plan, records_folder=str(tmp_path))):
        recorder = Recorder(one, 0)
        clock = np.zeros(1, dtype=[("recorded", "i8")])
        clock["recorded"] = len(plan.record_ms) - 1
        with pytest.raises(TrustError, match="300 of 301 records were made"):
            recorder.finish(clock[0])


def test_memory_does_not_grow_with_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A patch of few channels, run, summarised and saved: 4 times the records, the same peak."""
    monkeypatch.setattr(simulate, "MOST_IN_MEMORY", 0)
    monkeypatch.setattr(trial_numbers, "_MOST_IN_MEDIAN", 20_000)
    few = tables(interval="0.01 ms", membrane={"area": "0.05 um^2"}, stimulus=[])
    few["run"]["record"]["variables"] = ["voltage"]
    few["run"]["record"]["channels"] = 0

    def peak(duration: str) -> int:
        gc.collect()
        tracemalloc.start()
        # one worker: what trial and limit need at once would hang on when each is at it
        overrides = [f"run.duration={duration}"]
        result = stochhh.run(few, overrides=overrides, trials=1, workers=1)
        stochhh.summarise(result)
        result.save(tmp_path / "bare.nc")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak("100 ms")  # whatever is loaded but once
    short, long = peak("2 s"), peak("6 s")  # 200 000 and 600 000 rows
    assert long - short < 400_000 * 8 / 2


def test_rows_of_a_file_are_those_of_the_array(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("stochhh.columns.ROWS", 10)
    values = np.arange(300.0).reshape(100, 3)
    wanted = {
        "first": (np.dtype("i8"), (100,)),
        "second": (np.dtype("f8"), (100, 3)),
        "none": (np.dtype("f8"), (0, 3)),
    }
    columns = file_columns(tmp_path / "columns", wanted)
    columns["first"].write(0, np.arange(100))
    for first in range(0, 100, 13):
        columns["second"].write(first, values[first : first + 13])
    for rows in (slice(None), slice(3, 90, 7), slice(5, 5), slice(-4, None), slice(0, 100, 33)):
        assert_array_equal(columns["second"][rows], values[rows])
        assert_array_equal(columns["first"][rows], np.arange(100)[rows])
    assert columns["none"][:].shape == (0, 3)
    with pytest.raises(IndexError, match="read forward"):
        columns["first"][::-1]
    (tmp_path / "columns").write_bytes((tmp_path / "columns").read_bytes()[:-8])
    with pytest.raises(OSError, match="ends before row 100"):
        columns["second"][90:]


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), 1),
        (slice(None), 5, slice(None)),
        (slice(None, None, -1), slice(20, 3, -4), slice(0, 2)),
        (slice(0, 0), slice(None), slice(None)),
        (-1, -1, -1),
        (np.array([1, 0]), np.array([4, 4, 17]), slice(None)),
    ],
)
def test_any_index_of_a_lazy_array(key: tuple[Any, ...]) -> None:
    values = np.arange(2 * 30 * 3.0).reshape(2, 30, 3)
    rows = lazy.Rows(lambda place, chosen: values[place][chosen], values.shape, float, 1)
    made = lazy.lazy_variable(("trial", "time", "population"), rows, {})
    plain = xr.Variable(made.dims, values)
    assert_array_equal(made[key].values, plain[key].values)
    assert made[key].dims == plain[key].dims


def test_even_times_are_those_of_the_array() -> None:
    times, array = EvenTimes(11, 0.1, 0.97), np.minimum(np.arange(11) * 0.1, 0.97)
    assert len(times) == 11
    assert_array_equal(np.asarray(times), array)
    for rows in (slice(3, 7), slice(9, 20), slice(None, None, 3)):
        assert_array_equal(times[rows], array[rows])


@pytest.mark.parametrize("case", ["steady", "clamp", "noise"])
def test_the_limit_is_the_same_however_often_it_is_called(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, with few steps a call and small buffers."""
    plan = simulate.plan(simulate.resolve(CASES[case]))[0][0]
    at_once = run_deterministic(plan, 0)
    for name, small in (("_BUDGET", 7), ("ROWS", 3), ("_SPIKES", 2)):
        monkeypatch.setattr(deterministic, name, small)
    cut = run_deterministic(plan, 0)
    assert_array_equal(cut.records.voltage[:], at_once.records.voltage[:])
    assert_array_equal(cut.spike_ms, at_once.spike_ms)
    assert_array_equal(cut.total_charge_fC, at_once.total_charge_fC)
    assert_array_equal(cut.final_occupancy, at_once.final_occupancy)
    assert (cut.highest_mV, cut.lowest_mV) == (at_once.highest_mV, at_once.lowest_mV)


def test_as_many_spikes_as_asked_for(squid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deterministic, "_BUDGET", 50)
    from stochhh.stimulus import Breakpoints

    rest = squid.resting_voltage_mV()
    stimulus = Breakpoints(np.array([200.0]), np.array([10.0]))
    course = deterministic.simulate(
        squid, stimulus, np.zeros(0), rest, squid.stationary_laws(rest), most_spikes=3
    )
    assert len(course.spike_ms) == 3


def test_scratch_is_gone_when_told(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, 10)
    (scratch.path / "records").write_text("1")
    scratch.remove()
    scratch.remove()
    assert not list(tmp_path.iterdir())


def test_a_large_result_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = stochhh.run(CASES["sweep"])
    path = result.save(tmp_path / "result.nc")
    monkeypatch.setattr(netcdf, "LARGE_FILE", 0)
    loaded = stochhh.load(path)
    assert not isinstance(loaded["voltage"].variable._data, np.ndarray)
    assert isinstance(loaded, Result)
    xr.testing.assert_identical(in_memory(loaded.dataset), in_memory(result.dataset))
