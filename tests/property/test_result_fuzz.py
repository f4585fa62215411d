"""Damaged and forged result files: each is refused in a line, or is what was written.

A seal keeps damage out, and nobody who means harm: forged files have a right one.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import stochhh
from stochhh import netcdf, netcdf_contents
from stochhh.result import Result, check

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
    netcdf.write(xr.Dataset({"x": ("t", [1.0])}), tmp_path / "other.nc")
    with pytest.raises(stochhh.InputError, match=r"not a result of stochhh \(format 1\)"):
        stochhh.load(tmp_path / "other.nc")


def test_other_programs_read_a_sealed_file(written):
    path, _, dataset = written
    with xr.open_dataset(path, engine="h5netcdf") as read:
        np.testing.assert_array_equal(read["voltage"], dataset["voltage"])


# ---- forged contents, which the program itself could have written ---------------------------

RECORD = {"interval": "0.5 ms", "channels": 2}
RECORD["variables"] = ["voltage", "open", "current", "charge", "occupancy"]
PATCH = {
    "format": 1,
    "title": "A patch",
    "base": "squid-patch",
    "membrane": {"area": "2 um^2"},
    "stimulus": [{"kind": "constant", "amplitude": "15 uA/cm^2"}],
    "run": {"duration": "15 ms", "trials": 3, "seed": 1, "record": RECORD},
}
AREAS = {"membrane.area": ["1 um^2", "2 um^2"]}
CLAMP = {"holding": "-65 mV", "segment": [{"kind": "step", "level": "0 mV", "duration": "5 ms"}]}


@pytest.fixture(scope="module")
def made() -> dict[str, Result]:
    return {
        "patch": stochhh.run(PATCH),
        "swept": stochhh.run({**PATCH, "sweep": AREAS}),
        "clamped": stochhh.run({**PATCH, "clamp": CLAMP, "stimulus": []}),
        "circuit": stochhh.run("two-neurons", overrides=["run.duration=12 ms"], trials=2, seed=1),
    }


def forged(result: Result) -> Result:
    """A copy that can be changed."""
    return Result(result.dataset.copy(deep=True))


def refused(result: Result, said: str = "") -> None:
    with pytest.raises(stochhh.InputError, match="not a") as caught:
        check(result)
    assert "\n" not in str(caught.value)
    assert said in str(caught.value)


def put(name, value):
    """Put a value into the middle of a variable."""

    def change(data):
        values = data[name].values.copy()
        values.flat[values.size // 2] = value
        data[name] = (data[name].dims, values)

    return change


def attribute(**attributes):
    return lambda data: data.attrs.update(attributes)


def scenario(**tables):
    def change(data):
        told = json.loads(data.attrs["scenario"])
        for key, value in tables.items():
            told[key] = {**told[key], **value} if isinstance(told.get(key), dict) else value
        data.attrs["scenario"] = json.dumps(told)

    return change


def more_channels(data):
    data["final_occupancy"][:] *= 1000
    data["count"][:] *= 1000


def swapped_states(data):
    data["state"] = data["state"].values[::-1]


def backward(data):
    data["flip_time"] = ("flip", data["flip_time"].values[::-1])


CHANGES = {
    "NaN": (put("voltage", np.nan), "'voltage' has values that are not finite"),
    "infinite": (put("current", np.inf), "'current' has values that are not finite"),
    "NaN limit": (put("deterministic_voltage", np.nan), "that are not finite"),
    "negative occupancy": (put("final_occupancy", -5), "'final_occupancy' has values from -5"),
    "huge occupancy": (put("final_occupancy", 2**62), "'final_occupancy' has values from"),
    "one more channel": (put("occupancy", 36), "do not add up to its 'count'"),
    "one more at the end": (put("final_occupancy", 36), "do not add up to its 'count'"),
    "negative count": (put("count", -1), "'count' has values from -1"),
    "other states": (swapped_states, "states are not those of its scenario's schemes"),
    "state beyond": (put("flip_state", 99), "in states that their population does not have"),
    "channel beyond": (put("flip_channel", 99), "'flip_channel' has values"),
    "trial beyond": (put("spike_trial", -(2**40)), "'spike_trial' has values"),
    "spike before": (put("spike_time", -1.0), "'spike_time' has values from -1"),
    "spike after": (put("spike_time", 15.1), "'spike_time' has values from"),
    "decreasing": (backward, "the times of each flip do not follow each other"),
    "clock": (put("time", 3.3), "the times of its records are not those of its scenario"),
    "trial numbers": (put("trial", 7), "the numbers of its trials are not from 0 to 2"),
    "seed": (attribute(seed="abc"), "'seed' is no whole number"),
    "long seed": (attribute(seed="9" * 5000), "'seed' is no whole number"),
    "other seed": (attribute(seed="2"), "seed or duration is not that of its scenario"),
    "title": (attribute(title="[/x]"), "its title, seed or duration is not that"),
    "name": (attribute(scenario_name="../../x"), "'scenario_name' is no name"),
    "duration": (attribute(duration_ms=np.inf), "'duration_ms' is no number from 0 on"),
    "method": (attribute(method="os.system"), "'method' is no method"),
    "kind": (attribute(kind="circuit"), "its scenario is of cells and it is not"),
    "kind an array": (attribute(kind=np.arange(3)), "'kind' is no text"),
    "step": (attribute(step_ms="x"), "'step_ms' is no number"),
    "format": (attribute(stochhh_format=2), "not a result of stochhh (format 1)"),
    "format as text": (attribute(stochhh_format="1"), "not a result of stochhh (format 1)"),
    "format as array": (attribute(stochhh_format=np.arange(3)), "not a result of stochhh"),
    "scenario no JSON": (attribute(scenario="{"), "the result's scenario cannot be read"),
    "scenario deep": (attribute(scenario="[" * 30_000), "the result's scenario cannot be read"),
    "scenario not too deep": (
        attribute(scenario='{"x":' + "[" * 900 + "]" * 900 + "}"),
        "the result's scenario cannot be read",
    ),
    "scenario half a character": (attribute(scenario='{"title": "\\ud800"}'), "cannot be read"),
    "scenario NaN": (attribute(scenario='{"format": NaN}'), "the result's scenario cannot be read"),
    "scenario a list": (attribute(scenario="[]"), "need resolved tables"),
    "scenario a number": (attribute(scenario=5), "'scenario' is no text"),
    "scenario elsewhere": (scenario(base="/dev/zero"), "need resolved tables, without a base"),
    "more trials asked for": (scenario(run={"trials": 4}), "it is of 3 trials, and its scenario"),
    "other interval": (
        scenario(run={"record": {"interval": "1 ms"}}),
        "it has 31 records, and its scenario has 16",
    ),
    "swept": (scenario(sweep=AREAS), "it is of 3 trials"),
    "trials planned": (attribute(trials_planned=2**62), "trials, and its scenario has 3"),
    "trials finished": (attribute(trials_finished=2), "it has 2 trials of 3"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_its_scenario_does_not_make_is_refused(name, made):
    change, said = CHANGES[name]
    result = forged(made["patch"])
    change(result.dataset)
    refused(result, said)
    check(made["patch"])  # which was not changed


def test_a_limit_may_be_as_wrong_as_its_solver(made):
    result = forged(made["patch"])
    there = result.dataset["deterministic_final_occupancy"].values
    there[1] += there[0] + 1e-9  # of the same population
    there[0] = -1e-9
    check(result)
    there[0] = -0.1
    refused(result, "'deterministic_final_occupancy' has values from -0.1")


@pytest.mark.parametrize(
    ("whose", "change", "said"),
    [
        ("swept", lambda data: data["spike_point"].values.fill(2), "'spike_point' has values"),
        ("swept", put("point", 5), "the numbers of its points are not from 0 to 1"),
        ("clamped", put("total_current", np.nan), "'total_current' has values"),
        ("circuit", put("spike_compartment", 2), "'spike_compartment' has values"),
        ("circuit", put("place_compartment", -1), "'place_compartment' has values"),
        ("circuit", put("synapse_target", 9), "'synapse_target' has values"),
        ("circuit", put("parent", 9), "'parent' has values"),
        ("circuit", put("parent", 1), "have parents in a circle"),
        ("circuit", put("voltage", np.nan), "'voltage' has values that are not finite"),
    ],
)
def test_forged_sweeps_and_circuits_are_refused(whose, change, said, made):
    check(made[whose])
    result = forged(made[whose])
    change(result.dataset)
    refused(result, said)


MAY_LACK = ("step_ms", "method_chosen", "deterministic_given", "deterministic_solver")


@pytest.mark.parametrize("whose", ["patch", "swept", "clamped", "circuit"])
def test_whatever_is_missing_is_noticed(whose, made):
    """Any variable and any trial; all of one flat list may go where nothing else says so."""
    dataset = made[whose].dataset
    for name in dataset.variables:
        refused(Result(dataset.drop_vars(name)))
    refused(Result(dataset.isel(trial=slice(1, None))))
    refused(Result(dataset.isel(time=slice(1, None))))
    refused(Result(dataset.drop_vars(list(dataset.variables))))
    for name in dataset.attrs:
        if name not in MAY_LACK and not name.endswith("_version"):
            refused(Result(dataset.drop_attrs(deep=False).assign_attrs(
                {key: value for key, value in dataset.attrs.items() if key != name}
            )))  # fmt: skip


def test_an_interrupted_sweep_may_lack_trials(made, tmp_path):
    """As it comes from joining points: NaN where a trial was not finished."""
    dataset = made["swept"].dataset
    there = (dataset["point"] < 1) | (dataset["trial"] < 2)
    whole = dataset.map(lambda v: v.where(there) if {"point", "trial"} <= set(v.dims) else v)
    for flat in ("spike", "flip"):
        last = (dataset[f"{flat}_point"] == 1) & (dataset[f"{flat}_trial"] == 2)
        whole = whole.isel({flat: ~last.values})
    refused(Result(whole))
    partial = Result(whole.assign_attrs(interrupted=1, trials_finished=5))
    check(partial)
    path = partial.save(tmp_path / "partial.nc")
    again = {**PATCH["run"], "initial": {"result": str(path)}}
    stochhh.run({**PATCH, "membrane": {"area": "1 um^2"}, "run": again})
    with pytest.raises(stochhh.InputError, match="was interrupted, and trials of it are missing"):
        stochhh.run({**PATCH, "sweep": AREAS, "run": again})


def harm(data: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """Change something of a dataset at random."""
    name = str(rng.choice(list(data.variables)))
    variable = data.variables[name]
    kind = rng.integers(6)
    if kind == 0 and variable.size and variable.dtype.kind in "iuf":
        if variable.dtype.kind in "iu":
            ends = np.iinfo(variable.dtype)
            odd = [max(-1, ends.min), min(2**62, ends.max), 0]
        else:
            odd = [np.nan, np.inf, -1e300, 1e300]
        values = variable.values.copy()
        values.flat[rng.integers(values.size)] = rng.choice(odd)
        return data.assign({name: (variable.dims, values)})
    if kind == 1:
        return data.assign({name: (variable.dims, np.full(variable.shape, "x", dtype=object))})
    if kind == 2:
        return data.drop_vars(name)
    if kind == 3 and variable.ndim and variable.dims != (name,):
        return data.assign({name: (variable.dims[:-1], variable.values[..., 0])}) \
            if variable.shape[-1] else data  # fmt: skip
    if kind == 4:
        dim = str(rng.choice(list(data.dims)))
        return data.isel({dim: rng.permutation(data.sizes[dim])[: rng.integers(5)]})
    key = str(rng.choice(list(data.attrs)))
    odd = ["", "x" * 500, -1, 0, 2**62, np.nan, np.arange(3), "\x1b]0;x\x07", "{}", "[" * 2000]
    return data.assign_attrs({key: odd[rng.integers(len(odd))]})


@pytest.mark.parametrize("whose", ["patch", "swept", "clamped", "circuit"])
def test_whatever_is_forged_is_refused_or_can_be_used(whose, made):
    from stochhh.analysis.summary import summarise

    rng = np.random.default_rng(2)
    used = 0
    for _ in range(N_FILES // 4):
        result = Result(harm(made[whose].dataset, rng))
        try:
            check(result)
        except stochhh.InputError:
            continue
        used += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that are odd and can be
            summarise(result)
        if not result.is_circuit:
            result.spike_trains()
    assert used < N_FILES // 8  # most harm is found


# ---- forged files, which HDF5 reads and the program does not write ----------------------------


def replaced(name="voltage", **how):
    """Put another dataset in the place of a variable."""

    def change(file, folder):
        shape = file[name].shape
        del file[name]
        more = {key: value(folder) if callable(value) else value for key, value in how.items()}
        file.create_dataset(name, **{"shape": shape, "dtype": "f8", **more})

    return change


def link(made_of):
    def change(file, folder):
        del file["voltage"]
        file["voltage"] = made_of(folder)

    return change


def secret(folder):
    (folder / "secret.txt").write_text("TOPSECRET" * 2000)
    return [(str(folder / "secret.txt"), 0, h5py.h5f.UNLIMITED)]


def virtual(file, folder):
    shape = file["voltage"].shape
    del file["voltage"]
    layout = h5py.VirtualLayout(shape=shape, dtype="f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "voltage", shape=shape)
    file.create_virtual_dataset("voltage", layout)


def objects(file, folder):
    del file["voltage"]
    file.create_dataset("voltage", (3,), dtype=h5py.special_dtype(ref=h5py.Reference))


def opaque(file, folder):
    file.attrs["scenario"] = np.void(b"pickled")


def bombs(file, folder):
    for index in range(20):
        file.create_dataset(f"z{index}", (30_000_000,), "f8", chunks=(10**6,), compression="gzip")


def in_one_place(file, folder):
    for index in range(200):
        file[f"again{index}"] = file["voltage"]


def many(file, folder):
    for index in range(2001):
        file.create_dataset(f"z{index}", data=0.0)


def almost_no_variable(file, folder):
    """What readers take for a variable is one, whatever its name begins with."""
    dim = file.create_dataset("zz", (10**12,), ">f4", chunks=(10**6,))
    dim.make_scale("This is a netCDF dimension but not a netCDF variable")


def without_dims(file, folder):
    for name in set(file) - {"voltage"}:
        del file[name]
    del file["voltage"].attrs["DIMENSION_LIST"]


ELSEWHERE = "is a link to somewhere else"
PACKED = "is packed by a filter that no result uses"
FILES = {
    "raw bytes of a file": (replaced(dtype="f4", external=secret), "its numbers in another file"),
    "external link": (link(lambda folder: h5py.ExternalLink("x.h5", "v")), ELSEWHERE),
    "soft link": (link(lambda folder: h5py.SoftLink("/voltage")), ELSEWHERE),
    "virtual": (virtual, "its numbers in another file"),
    "terabytes": (replaced(shape=(10**6, 10**6), chunks=(1000, 1000), compression="gzip"), "8 TB"),
    "never written": (replaced(shape=(3, 10**9)), "says that it holds 24 GB"),
    "bombs": (bombs, "says that it holds 240 MB, of which 0 kB are there"),
    "in one place": (in_one_place, "its variables lie in the same place of the file"),
    "almost no variable": (almost_no_variable, "'zz' says that it holds 4 TB"),
    "many": (many, "and no result has so many"),
    "compound": (replaced(dtype=[("a", "f8"), ("b", "i4")]), "neither of numbers nor of text"),
    "references": (objects, "neither of numbers nor of text"),
    "pickled": (opaque, "has an attribute 'scenario' of no result"),
    "group": (lambda file, folder: file.create_group("more"), "'more' is no variable"),
    "another filter": (replaced(compression="lzf", chunks=True), PACKED),
    "scaled": (
        lambda file, folder: file["voltage"].attrs.create("scale_factor", "x"),
        "'voltage' has an attribute 'scale_factor' of no result",
    ),
    "format as array": (
        lambda file, folder: file.attrs.create("stochhh_format", np.arange(3)),
        "not a result of stochhh (format 1)",
    ),
    "texts as attribute": (
        lambda file, folder: file.attrs.create("title", ["a", "b"]),
        "an attribute 'title' that is no single value",
    ),
    "without dims": (without_dims, "'voltage' does not name its dims"),
    "no variables": (lambda file, folder: [file.__delitem__(name) for name in list(file)], ""),
    "units of time": (lambda file, folder: file["time"].attrs.create("units", "days since 0-99"),
                      None),
}  # fmt: skip


def resealed(whole: bytes, change, folder: Path) -> Path:
    """The file with another content and a right seal."""
    path = folder / "result.nc"
    path.write_bytes(whole[: whole.rindex(b"\nstochhh sealed ")])
    with h5py.File(path, "a") as file:
        change(file, folder)
    netcdf._seal(path)
    return path


@pytest.fixture(scope="module")
def patch_file(made, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("patch") / "result.nc"
    netcdf.write(made["patch"].dataset, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_what_hdf5_can_do_beyond_arrays_is_refused(name, patch_file, tmp_path):
    change, said = FILES[name]
    path = resealed(patch_file, change, tmp_path)
    if said is None:
        stochhh.load(path)
        return
    with pytest.raises(stochhh.InputError, match="not a") as caught:
        stochhh.load(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert "TOPSECRET" not in str(caught.value)


def test_coordinates_which_are_read_at_once_are_few(patch_file, tmp_path, monkeypatch):
    monkeypatch.setattr(netcdf_contents, "_MOST_COORDINATES", 1e6)

    def change(file, folder):
        file.create_dataset("z", data=np.zeros(10**6)).make_scale()

    path = resealed(patch_file, change, tmp_path)
    with pytest.raises(stochhh.InputError, match="its dims have coordinates of 8 MB"):
        stochhh.load(path)


def test_what_no_command_uses_is_not_read(patch_file, tmp_path, monkeypatch):
    """A thousand zeros are one byte in the file: a few megabytes of it would fill any memory."""
    from xarray.backends.h5netcdf_ import H5NetCDFArrayWrapper

    from stochhh.studies import analyse

    def change(file, folder):
        dim = file.create_dataset("zz", (2 * 10**5,), ">f4")
        dim.make_scale("This is a netCDF dimension but not a netCDF variable.")
        for index in range(2):
            whole = np.zeros(2 * 10**5)
            data = file.create_dataset(f"z{index}", data=whole, chunks=(10**5,), compression="gzip")
            data.dims[0].attach_scale(dim)

    path = resealed(patch_file, change, tmp_path)
    read, asked = set(), H5NetCDFArrayWrapper.__getitem__
    monkeypatch.setattr(
        H5NetCDFArrayWrapper,
        "__getitem__",
        lambda self, key: [read.add(self.variable_name), asked(self, key)][1],
    )
    monkeypatch.setattr(netcdf, "LARGE_FILE", 1e6)
    result = stochhh.load(path)
    analyse(result, ["spike_train"])
    assert "voltage" in read
    assert not {name for name in read if name.startswith("z")}


def test_every_command_refuses_a_forged_result_in_a_line(patch_file, tmp_path, call):
    resealed(patch_file, lambda file, folder: file["final_occupancy"].__setitem__(0, -5), tmp_path)
    tables = 'format = 1\nbase = "squid-patch"\n[run]\ninitial = { result = "result.nc" }\n'
    (tmp_path / "next.toml").write_text(tables)
    for words in (
        ("analyse", str(tmp_path), "--with", "spike_train"),
        ("animate", str(tmp_path)),
        ("run", str(tmp_path / "next.toml"), "--out", str(tmp_path / "out")),
        ("validate", str(tmp_path / "next.toml")),
        ("sweep", str(tmp_path / "next.toml"), "--over", "membrane.area=1 um^2,2 um^2",
         "--out", str(tmp_path / "out")),
    ):  # fmt: skip
        code, _, err = call(*words)
        assert code == 2, words
        assert len(err.splitlines()) == 1, err
        assert "'final_occupancy' has values from -5" in err
    assert not (tmp_path / "out").exists()
