"""A result is a record that stands by itself: moved elsewhere, with the user's files gone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import stochhh
from stochhh import inputs
from stochhh.errors import InputError
from stochhh.scenario import expand_sweep, load_stored

CHANNEL = """format = 1
title = "one gate"
ion = "K+"
[[gate]]
name = "n"
power = 4
opening = { law = "linoid", rate = "0.1 / ms", midpoint = "-55 mV", scale = "10 mV" }
closing = { law = "exponential", rate = "0.125 / ms", midpoint = "-65 mV", scale = "-80 mV" }
"""
MEMBRANE = """
capacitance = "1 uF/cm^2"
leak = {{ conductance = "0.3 mS/cm^2", reversal = "-54.4 mV" }}
[[{0}.channels]]
scheme = "squid-na"
density = "60 / um^2"
conductance = "20 pS"
reversal = "50 mV"
[[{0}.channels]]
scheme = "mine/slow-k.toml"
density = "18 / um^2"
conductance = "20 pS"
reversal = "-77 mV"
"""
RUN = """
[run]
duration = "20 ms"
trials = 3
seed = 1
[[stimulus]]
kind = "file"
path = "mine/current.csv"
"""
PATCH = f"""format = 1
title = "mine"
[membrane]
area = "20 um^2"
{MEMBRANE.format("membrane")}
{RUN}
[analysis.spike_train]
"""
CELL = f"""format = 1
title = "mine"
[membranes.squid]
{MEMBRANE.format("membranes.squid")}
[[cell]]
name = "neuron"
axial_resistivity = "35.4 ohm cm"
morphology = {{ file = "mine/neuron.swc", membranes = {{ soma = "squid", dendrite = "squid" }} }}
{RUN}cell = "neuron"
at = "start"
"""
SWC = "1 1 0 0 0 5 -1\n2 3 5 0 0 0.5 1\n3 3 60 0 0 0.5 2\n"


@pytest.fixture
def study(tmp_path):
    """A folder of the user's with two scenarios and the files they name."""
    folder = tmp_path / "very-secret-place"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "slow-k.toml").write_text(CHANNEL)
    (folder / "mine" / "current.csv").write_text("time (ms),current (pA)\n0,0\n5,0\n6,40\n20,40\n")
    (folder / "mine" / "neuron.swc").write_text(SWC)
    (folder / "patch.toml").write_text(PATCH)
    (folder / "cell.toml").write_text(CELL)
    return folder


def moved(folder, study):
    """Move a run's folder elsewhere and delete the originals."""
    elsewhere = study.parent / "elsewhere"
    shutil.move(folder, elsewhere)
    shutil.rmtree(study)
    return elsewhere


@pytest.mark.parametrize("kind", ["patch", "cell"])
def test_a_run_can_be_moved_and_made_again_without_the_originals(kind, study, call, tmp_path):
    code, _, err = call("run", str(study / f"{kind}.toml"), "-q", "--out", str(study / "out"))
    assert (code, err) == (0, "")
    here = moved(study / "out", study)
    assert (here / "inputs" / "slow-k.toml").read_text() == CHANNEL
    for path in here.rglob("*"):
        if path.is_file():
            assert str(study).encode() not in path.read_bytes(), path
            assert b"very-secret" not in path.read_bytes(), path
    before = stochhh.load(here)
    spikes = (here / "spikes.csv").read_bytes()
    assert spikes.count(b"\n") > 1
    code, _, err = call("run", str(here / "scenario.toml"), "-q", "--out", str(tmp_path / "again"))
    assert (code, err) == (0, "")
    assert (tmp_path / "again" / "spikes.csv").read_bytes() == spikes
    assert stochhh.load(tmp_path / "again").dataset.equals(before.dataset)
    if kind == "patch":
        code, _, err = call("analyse", str(here), "-q")
        assert (code, err) == (0, "")
        code, _, err = call("analyse", str(here / "result.nc"), "-q", "--out", str(tmp_path / "x"))
        assert (code, err) == (0, "")
    names = {one.name for one in before.inputs}
    assert {"inputs/slow-k.toml", "inputs/current.csv"} <= names
    assert ("inputs/neuron.swc" in names) == (kind == "cell")


def test_a_changed_channel_is_another_run(study, call):
    out = ["-q", "--out", str(study / "out")]
    assert call("run", str(study / "patch.toml"), *out)[0] == 0
    assert call("run", str(study / "patch.toml"), *out)[0] == 0
    (study / "mine" / "slow-k.toml").write_text(CHANNEL.replace("0.125", "0.1"))
    kept = stochhh.load(study / "out")
    assert b"0.125" in next(one for one in kept.inputs if "slow-k" in one.name).content
    code, _, err = call("run", str(study / "patch.toml"), *out)
    assert code == 2
    assert "inputs/slow-k.toml" in err


def test_a_run_goes_on_from_an_earlier_one_that_is_gone(study, call, tmp_path):
    call("run", str(study / "patch.toml"), "-q", "--out", str(study / "mine" / "first"))
    text = PATCH.replace("seed = 1", 'seed = 1\ninitial = { result = "mine/first" }')
    (study / "next.toml").write_text(text)
    code, _, err = call("run", str(study / "next.toml"), "-q", "--out", str(study / "out"))
    assert (code, err) == (0, "")
    here = moved(study / "out", study)
    call("run", str(here / "scenario.toml"), "-q", "--out", str(tmp_path / "again"))
    assert (tmp_path / "again/spikes.csv").read_bytes() == (here / "spikes.csv").read_bytes()


def test_a_sweep_can_be_moved_and_goes_on(study, call, tmp_path):
    (study / "mine" / "other").mkdir()
    (study / "mine" / "other" / "slow-k.toml").write_text(CHANNEL.replace("0.125", "0.1"))
    key = "membrane.channels.1.scheme"
    (study / "swept.toml").write_text(
        PATCH.replace("[analysis.spike_train]", "")
        + f'[sweep]\n"{key}" = ["mine/slow-k.toml", "mine/other/slow-k.toml", "squid-k"]\n'
    )
    made = stochhh.sweep(study / "swept.toml", out=study / "out", workers=1)
    assert made.computed == 3
    here = moved(study / "out", study)
    assert (here / "inputs" / "2" / "slow-k.toml").exists()
    command = ["sweep", str(here / "scenario.toml"), "-q", "--out", str(tmp_path / "again")]
    subprocess.run([sys.executable, "-m", "stochhh", *command], check=True)
    numbers = [
        [row.split(",", 1)[1] for row in (folder / "sweep.csv").read_text().splitlines()]
        for folder in (here, tmp_path / "again")
    ]  # without the place, a path
    assert numbers[0] == numbers[1]
    assert str(study) not in (here / "scenario.toml").read_text()


def test_of_large_files_only_the_checksum_is_kept(study, call, monkeypatch):
    waveform = study / "mine" / "current.csv"
    rows = "".join(f"{20 + k},9\n" for k in range(1, 200))
    waveform.write_text(waveform.read_text() + rows)
    monkeypatch.setattr(inputs, "MOST_BYTES", len(CHANNEL))
    out = ["-q", "--out", str(study / "out")]
    for _ in range(2):  # the same run goes again
        code, _, err = call("run", str(study / "patch.toml"), *out)
        assert (code, err) == (0, "")
    kept = {one.name: one for one in stochhh.load(study / "out").inputs}
    large = kept["inputs/current.csv"]
    assert large.content is None
    assert large.n_bytes == waveform.stat().st_size
    assert len(large.sha256) == 64
    assert kept["inputs/slow-k.toml"].content == CHANNEL.encode()
    assert not (study / "out" / "inputs" / "current.csv").exists()
    waveform.write_text(waveform.read_text().replace("6,9", "6,8"))
    code, _, err = call("run", str(study / "patch.toml"), *out)
    assert code == 2
    assert "inputs/current.csv" in err


def test_names_that_clash_and_bytes_that_are_no_text(tmp_path):
    content = bytes(range(256))
    one = inputs.Input("inputs/a.toml", "", 0, None)
    assert inputs._free_name("a.toml", [one]) == "inputs/2/a.toml"
    assert inputs._free_name(".a\\b:c", []) == "inputs/_a_b_c"
    path = tmp_path / "x.nc"
    path.write_bytes(content)
    read = inputs._read(path, "path", "inputs/x.nc")
    assert inputs.inputs_of(inputs.attributes_of([read])) == (read,)


@pytest.mark.parametrize(
    "name", ["../x", "inputs/../x", "/etc/x", "inputs/a/b/c", "inputs/", "inputs/..", "inputs/C:/x"]
)
def test_forged_inputs_are_refused(name, study):
    result = stochhh.run(study / "patch.toml")
    told = json.loads(result.dataset.attrs["inputs"])
    told[name] = told.pop("inputs/slow-k.toml")
    result.dataset.attrs["inputs"] = json.dumps(told)
    with pytest.raises(InputError, match="not as they were written"):
        _ = result.experiment


def test_a_changed_text_is_noticed(study):
    result = stochhh.run(study / "patch.toml")
    told = json.loads(result.dataset.attrs["inputs"])
    told["inputs/slow-k.toml"]["text"] += "#"
    result.dataset.attrs["inputs"] = json.dumps(told)
    with pytest.raises(InputError, match="not as they were written"):
        _ = result.experiment


@pytest.mark.parametrize("change", ["base", "absolute", "upward", "not JSON", "deep"])
def test_a_forged_scenario_reads_nothing_of_the_machine(change, study, call, tmp_path):
    result = stochhh.run(study / "patch.toml")
    tables = json.loads(result.dataset.attrs["scenario"])
    outside = tmp_path / "outside.toml"
    outside.write_text("secret = 1")
    text = {"not JSON": "{", "deep": "[" * 100_000}.get(change)
    if change == "base":
        tables["base"] = str(outside)
    else:
        path = str(outside) if change == "absolute" else f"../../{outside}"
        tables["membrane"]["channels"][1]["scheme"] = path
    result.dataset.attrs["scenario"] = text or json.dumps(tables)
    path = result.save(tmp_path / "forged.nc")
    code, _, err = call("analyse", str(path), "--with", "spike_train")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "secret" not in err.replace("very-secret-place", "")


def test_a_scenario_without_files_has_no_inputs(tmp_path):
    result = stochhh.run("squid-patch", seed=1, overrides=["run.duration=1 ms"])
    assert result.inputs == ()
    assert "inputs" not in result.dataset.attrs
    assert np.isclose(float(result.experiment.run.duration_ms), 1.0)
    with pytest.raises(InputError, match="without a base"):
        load_stored({"base": "x"}, tmp_path)


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_places_on_an_axis_of_files_are_as_they_were_written(command, tmp_path, call):
    here = tmp_path / "here"
    (here / "mine").mkdir(parents=True)
    for name, current in (("low", 1), ("high", 2)):
        text = f"time (ms),current (pA)\n0,{current}\n1,{current}\n"
        (here / "mine" / f"{name}.csv").write_text(text)
    swept = '[sweep]\n"stimulus.0.path" = ["mine/low.csv", "mine/high.csv"]\n'
    short = PATCH.replace("20 ms", "1 ms").replace("mine/slow-k.toml", "squid-k")
    (here / "s.toml").write_text(short.replace("mine/current.csv", "mine/low.csv") + swept)
    out = tmp_path / "out"
    code, _, errors = call(command, str(here / "s.toml"), "-q", "--out", str(out))
    assert code == 0, errors
    file = out / ("result.nc" if command == "run" else "sweep.nc")
    axis = stochhh.netcdf.read(file)["stimulus.0.path"]
    assert axis.values.tolist() == ["mine/low.csv", "mine/high.csv"]
    for path in out.rglob("*"):
        if path.is_file() and path.name not in ("run.json", "figure.png"):
            assert str(tmp_path).encode() not in path.read_bytes(), path
    if command == "run":
        loaded = stochhh.load(out)
        assert [point.values for point in expand_sweep(loaded.experiment)] == [
            {"stimulus.0.path": "inputs/low.csv"}, {"stimulus.0.path": "inputs/high.csv"}
        ]  # fmt: skip
    else:
        rows = (out / "sweep.csv").read_text().splitlines()
        assert {row.split(",")[0] for row in rows[1:]} == {"mine/low.csv", "mine/high.csv"}
