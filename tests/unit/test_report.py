"""The folder of a run is written file by file, each whole or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest

import stochhh
from stochhh.errors import InputError
from stochhh.inputs import portable
from stochhh.report import check_folder

TINY = ["membrane.area=1 um^2", "run.duration=5 ms", "run.deterministic=false"]


@pytest.fixture(scope="module")
def result():
    return stochhh.run("squid-patch", overrides=TINY, seed=1, trials=2)


def test_a_failing_figure_leaves_no_result_that_looks_whole(result, tmp_path, monkeypatch):
    def fail(figure, path):
        path.write_bytes(b"half a picture")
        raise RuntimeError("no ink")

    monkeypatch.setattr("stochhh.report.save_figure", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        stochhh.save(result, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert "result.nc" not in names
    assert "figure.png" not in names
    assert not any(name.startswith(".") for name in names)  # no temporary file either


def test_summary_is_strict_json(result, tmp_path):
    stochhh.save(result, tmp_path)
    text = (tmp_path / "summary.json").read_text()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))["trials"] == 2


def test_an_unwritable_folder_is_one_clear_line(result, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written"):
        stochhh.save(result, tmp_path / "file" / "below")


def test_check_folder_accepts_new_empty_and_own_folders(result, tmp_path):
    mine = result.name, result.portable
    other = "node_R95", portable(stochhh.load_scenario("node_R95"))
    assert check_folder(tmp_path / "new", *mine) == tmp_path / "new"
    assert check_folder(tmp_path, *mine) == tmp_path
    stochhh.save(result, tmp_path)
    assert check_folder(tmp_path, *mine) == tmp_path
    with pytest.raises(InputError, match="another scenario, 'squid-patch'"):
        check_folder(tmp_path, *other)
    assert check_folder(tmp_path, *other, force=True) == tmp_path


def test_spikes_of_a_sweep_name_their_point(tmp_path):
    sweep = 'sweep={"stimulus.0.amplitude"=["0 uA/cm^2", "40 uA/cm^2"]}'
    stimulus = 'stimulus=[{kind="step", amplitude="0 uA/cm^2"}]'
    result = stochhh.run("squid-patch", overrides=[*TINY, stimulus, sweep], seed=1, trials=3)
    stochhh.save(result, tmp_path)
    header, *rows = (tmp_path / "spikes.csv").read_text().splitlines()
    assert header == "point,trial,time_ms"
    points = np.array([int(row.split(",")[0]) for row in rows])
    assert list(np.bincount(points, minlength=2)) == [
        sum(len(train) for train in result.spike_trains(point)) for point in (0, 1)
    ]
    assert np.sum(points == 1) >= 3  # 40 µA/cm² fires in every trial
