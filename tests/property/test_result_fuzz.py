"""Damaged result files: each is refused in a line, or is what was written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import stochhh

N_FILES = int(os.environ.get("STOCHHH_FUZZ", "500"))


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Path, bytes, xr.Dataset]:
    result = stochhh.run("two-neurons", overrides=["run.duration=5 ms"], trials=2, seed=1)
    path = result.save(tmp_path_factory.mktemp("results") / "whole.nc")
    return path, path.read_bytes(), result.dataset


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """Cut it, flip bits, take a piece out, put one in, or write over the end."""
    at = int(rng.integers(len(whole)))
    kind = rng.integers(5)
    if kind == 0:
        return whole[:at]
    if kind == 1:
        bits = bytearray(whole)
        for place in rng.integers(len(whole), size=rng.integers(1, 5)):
            bits[place] ^= 1 << int(rng.integers(8))
        return bytes(bits)
    if kind == 2:
        return whole[:at] + whole[at + int(rng.integers(1, 500)) :]
    if kind == 3:
        return whole[:at] + rng.bytes(int(rng.integers(1, 50))) + whole[at:]
    return whole[:-20] + rng.bytes(20)


def test_whatever_is_damaged_is_refused(written, tmp_path):
    path, whole, dataset = written
    assert stochhh.load(path).dataset.identical(dataset)
    rng = np.random.default_rng(1)
    for _ in range(N_FILES):
        bad = tmp_path / "bad.nc"
        bad.write_bytes(damaged(whole, rng))
        if bad.read_bytes() == whole:
            continue
        with pytest.raises(stochhh.InputError, match="not a whole result of stochhh") as caught:
            stochhh.load(bad)
        assert "\n" not in str(caught.value)


@given(st.binary(max_size=500))
def test_whatever_is_no_result_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("foreign") / "x.nc"
    path.write_bytes(content)
    with pytest.raises(stochhh.InputError, match="not a whole result of stochhh"):
        stochhh.load(path)


def test_a_sealed_file_that_is_no_result_is_refused(tmp_path):
    from stochhh import netcdf

    netcdf.write(xr.Dataset({"x": ("t", [1.0])}), tmp_path / "other.nc")
    with pytest.raises(stochhh.InputError, match=r"not a result of stochhh \(format 1\)"):
        stochhh.load(tmp_path / "other.nc")


def test_other_programs_read_a_sealed_file(written):
    path, _, dataset = written
    with xr.open_dataset(path, engine="h5netcdf") as read:
        np.testing.assert_array_equal(read["voltage"], dataset["voltage"])
