"""The Result: reading it, saving it whole or not at all, loading it back."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import stochhh
from stochhh.errors import InputError
from stochhh.result import FILE_NAME, Result, load
from stochhh.scenario import resolved_toml
from stochhh.writing import replacing


def tables(**more: Any) -> dict[str, Any]:
    """A patch that fires, recorded in every way."""
    variables = ["voltage", "open", "current", "charge", "occupancy"]
    record = {"interval": "0.5 ms", "variables": variables, "channels": 2}
    return {
        "format": 1,
        "title": "A patch",
        "base": "squid-patch",
        "membrane": {"area": "2 um^2"},
        "stimulus": [{"kind": "constant", "amplitude": "15 uA/cm^2"}],
        "run": {"duration": "15 ms", "trials": 3, "seed": 2**62 + 1, "record": record},
        **more,
    }


@pytest.fixture(scope="module")
def result() -> Result:
    return stochhh.run(tables())


@pytest.fixture(scope="module")
def swept() -> Result:
    return stochhh.run(tables(sweep={"membrane.area": ["1 um^2", "2 um^2", "4 um^2"]}))


def test_it_knows_what_it_is(result: Result) -> None:
    assert result.title == "A patch"
    assert result.method == "exact"
    assert result.seed == 2**62 + 1
    assert result.duration_ms == 15.0
    assert not result.interrupted
    assert result.has_deterministic
    assert result.n_points == 1
    assert repr(result).startswith("<stochhh.Result of 'scenario', method exact>")
    forged = stochhh.Result(result.dataset.assign_attrs(title="a\x1b[31m", scenario_name="b\x9b"))
    assert "\x1b" not in repr(forged)
    assert "\x9b" not in repr(forged)
    for package in ("stochhh", "numpy", "numba", "scipy", "xarray", "python"):
        assert result.dataset.attrs[f"{package}_version"]


def test_every_quantity_has_units(result: Result) -> None:
    units = {
        "voltage": "mV",
        "current": "pA",
        "charge": "fC",
        "occupancy": "1",
        "spike_time": "ms",
        "stimulus": "pA",
        "deterministic_voltage": "mV",
        "time": "ms",
    }
    for name, unit in units.items():
        assert result[name].attrs["units"] == unit


def test_save_and_load_round_trip(result: Result, tmp_path: Path) -> None:
    path = result.save(tmp_path / "deep" / "down" / FILE_NAME)
    for source in (path, path.parent, str(path)):
        loaded = load(source)
        xr.testing.assert_identical(loaded.dataset.drop_attrs(), result.dataset.drop_attrs())
        assert loaded.dataset.attrs.keys() == result.dataset.attrs.keys()
        assert loaded.seed == result.seed
        assert resolved_toml(loaded.scenario) == resolved_toml(result.scenario)
    for name in result.dataset.variables:
        assert loaded[str(name)].attrs == result[str(name)].attrs
    assert os.listdir(path.parent) == [FILE_NAME]


def test_swept_result_round_trip(swept: Result, tmp_path: Path) -> None:
    loaded = load(swept.save(tmp_path / "swept.nc"))
    assert loaded.n_points == 3
    for index in range(3):
        for ours, theirs in zip(swept.spike_trains(index), loaded.spike_trains(index), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        one, other = swept.point(index), loaded.point(index)
        np.testing.assert_array_equal(one["voltage"].values, other["voltage"].values)
        assert one["flip_time"].size == other["flip_time"].size > 0


def test_saved_scenario_runs_again_to_the_same_bytes(result: Result, tmp_path: Path) -> None:
    again = stochhh.run(load(result.save(tmp_path / "saved.nc")).scenario)
    np.testing.assert_array_equal(again["voltage"].values, result["voltage"].values)
    assert again.name == result.name


def test_point_of_a_sweep_holds_its_own_spikes_only(swept: Result) -> None:
    alone = stochhh.run(tables(membrane={"area": "1 um^2"}))
    np.testing.assert_array_equal(swept.point(0)["voltage"].values, alone["voltage"].values)
    for ours, theirs in zip(swept.spike_trains(0), alone.spike_trains(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    total = sum(len(train) for index in range(3) for train in swept.spike_trains(index))
    assert total == swept["spike_time"].size > 0
    twin = swept.spike_trains(1, deterministic=True)
    assert len(twin) == 1
    assert twin[0].size > 0


def test_only_point_without_a_sweep_is_zero(result: Result) -> None:
    assert result.point(0) is result.dataset
    with pytest.raises(InputError, match="point 1: this run has no sweep, so its only point is 0"):
        result.point(1)


def test_failing_write_leaves_the_old_file_alone(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = result.save(tmp_path / FILE_NAME)
    before = path.read_bytes()

    def full_disk(self: xr.Dataset, target: Any, **options: Any) -> None:
        target.write(before[: len(before) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full_disk)
    with pytest.raises(InputError, match=r"result\.nc: cannot be written \(No space left"):
        result.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [FILE_NAME]
    with pytest.raises(InputError, match="cannot be written"):
        result.save(tmp_path / "new.nc")
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "half.txt"

    def write() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert os.listdir(tmp_path) == []


def test_written_file_appears_only_when_whole(tmp_path: Path) -> None:
    target = tmp_path / "whole.txt"
    with replacing(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent
    assert target.read_text() == "whole"
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_written_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, done = tmp_path / "whole.txt", []
    sync, rename = os.fsync, os.replace

    def fsync(handle: int) -> None:
        folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        done.append(f"fsync {'folder' if folder else os.fstat(handle).st_size}")
        sync(handle)

    def replace(source: Path, to: Path) -> None:
        done.append("replace")
        rename(source, to)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    with replacing(target) as temporary:
        temporary.write_text("whole")
    assert done == ["fsync 5", "replace", "fsync folder"]


def test_folder_that_cannot_be_made_is_an_error(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match=r"file.result\.nc: cannot be written"):
        result.save(tmp_path / "file" / FILE_NAME)


@pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.95])
def test_truncated_file_is_refused(result: Result, tmp_path: Path, kept: float) -> None:
    path = result.save(tmp_path / FILE_NAME)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=r"result\.nc: not a whole result of stochhh"):
        load(path)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.nc: no such result; stochhh run writes one"):
        load(tmp_path / "nothing.nc")
    with pytest.raises(InputError, match=r"result\.nc: no such result"):
        load(tmp_path)
    (tmp_path / "text.nc").write_text("time,voltage\n")
    with pytest.raises(InputError, match=r"text\.nc: .*it is no NetCDF-4 file"):
        load(tmp_path / "text.nc")
    xr.Dataset({"x": ("t", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"other\.nc: .*it has no seal of stochhh"):
        load(tmp_path / "other.nc")


def test_a_file_of_ones_own_is_told_where_it_can_go(tmp_path):
    path = tmp_path / "rec.csv"
    path.write_text("12.5\n31\n")
    message = r"rec\.csv: not a whole .* it is no NetCDF-4 file; need the result\.nc.*analysis"
    with pytest.raises(InputError, match=message):
        load(path)
