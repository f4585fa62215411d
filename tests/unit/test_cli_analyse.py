"""The command `analyse`, and what `run` says about the studies a scenario names."""

from __future__ import annotations

import json

import numpy as np
import pytest

import stochhh
from stochhh.analysis.noise import count_channels

NOISE, DWELL = "noise-analysis_OS12", "dwell-times_CH81"
BARE = ["run.deterministic=false"]


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A folder with the run of a scenario that names a study."""
    folder = tmp_path_factory.mktemp("noisy")
    stochhh.save(stochhh.run(NOISE, overrides=BARE, seed=1, trials=40), folder)
    return folder


@pytest.fixture(scope="module")
def unstudied(tmp_path_factory):
    """A saved run, channels followed, that names no study."""
    folder = tmp_path_factory.mktemp("unstudied")
    small = ["analysis={}", "run.duration=100 ms"]
    stochhh.run(DWELL, overrides=[*BARE, *small], seed=1, trials=2).save(folder / "result.nc")
    return folder


def test_analyse_repeats_what_the_run_found(call, noisy, tmp_path):
    code, out, err = call("analyse", str(noisy), "--out", str(tmp_path / "again"))
    assert (code, err) == (0, "")
    sweeps = stochhh.load(noisy)["total_current"].values
    number = count_channels(sweeps).n_channels.value
    assert "95 % interval" in out
    assert f"{number:.4g}" in out
    assert "wrote noise.png, noise.csv, analysis.json" in " ".join(out.split())
    written = json.loads((tmp_path / "again" / "analysis.json").read_text())
    assert written == json.loads((noisy / "summary.json").read_text())["analysis"]
    assert written["noise"]["n_channels"] == number
    same = (noisy / "noise.csv").read_bytes()
    assert (tmp_path / "again" / "noise.csv").read_bytes() == same


def test_analyse_makes_any_study_of_a_saved_run_and_takes_settings(call, unstudied):
    arguments = ["--with", "dwell_times", "--set", "dwell_times.critical_gap=2 ms"]
    code, out, _ = call("analyse", str(unstudied / "result.nc"), *arguments)
    assert code == 0
    assert "openings in one of" in out
    numbers = json.loads((unstudied / "analysis.json").read_text())
    assert list(numbers) == ["dwell_times"]
    assert numbers["dwell_times"]["bursts"]["critical_gap_ms"] == 2.0
    assert (unstudied / "dwell_times.png").stat().st_size > 10_000


def test_quiet_prints_nothing(call, noisy, tmp_path):
    assert call("analyse", str(noisy), "--out", str(tmp_path), "--quiet") == (0, "", "")
    assert (tmp_path / "noise.png").exists()


# fmt: off
REFUSED = [
    ([], "names no study; choose with --with one of noise, spectrum, dwell_times, single_channel"),
    (["--with", "dwell"], "no study 'dwell'; "),
    (["--with", "noise"], "analysis.noise.start: 'squid-k' is at equilibrium at 0 ms already"),
    (["--with", "dwell_times", "--set", "dwell_times.gap=1 ms"], "dwell_times: unknown key 'gap'"),
    (["--with", "dwell_times", "--set", "noise.bins=4"], "need STUDY.KEY=VALUE of a study that is"),
    (["--with", "dwell_times", "--set", "dwell_times.end=1 s"], "dwell_times.end: from 0 to 1000"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_bad_input_is_one_clear_line_and_exit_code_2(call, unstudied, arguments, message):
    code, out, err = call("analyse", str(unstudied), "--out", "made", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (unstudied.parent / "made").exists()


def test_a_result_that_is_not_there_and_a_folder_that_is_a_file_exit_2(call, noisy, tmp_path):
    code, _, err = call("analyse", "nowhere.nc")
    assert code == 2
    assert "nowhere.nc" in err
    (tmp_path / "file").write_text("")
    code, _, err = call("analyse", str(noisy), "--out", "file")
    assert code == 2
    assert "file: is a file; give a folder to --out" in err


def test_run_prints_each_study_and_lists_its_files(call, tmp_path):
    code, out, err = call("run", NOISE, "--trials", "20", "--seed", "1", "--quiet")
    assert (code, out, err) == (0, "", "")
    code, out, _ = call("run", NOISE, "--trials", "20", "--seed", "1")
    assert code == 0
    summary = json.loads((tmp_path / "results" / NOISE / "summary.json").read_text())
    assert f"{summary['analysis']['noise']['unitary_current_pA']:.4g}" in out
    assert "noise.png, noise.csv" in " ".join(out.split())
    table = tmp_path / "results" / NOISE / "noise.csv"
    assert np.genfromtxt(table, delimiter=",").shape == (242, 3)


def test_run_refuses_a_study_before_it_starts_and_leaves_one_out_on_request(call, tmp_path):
    code, _, err = call("run", NOISE, "--trials", "1")
    assert code == 2
    assert "--set analysis.noise=false" in err
    assert not (tmp_path / "results").exists()
    code, out, _ = call("run", NOISE, "--trials", "1", "--set", "analysis.noise=false")
    assert code == 0
    assert "Noise analysis:" not in out


def test_run_warns_of_a_study_that_found_nothing_and_keeps_the_run(call, tmp_path):
    short = ["--set", "run.duration=0.1 ms", "--set", "run.record.interval=0.05 ms"]
    code, _, err = call("run", DWELL, "--trials", "1", "--seed", "3", *short)
    assert code == 0
    assert "warning: dwell-times_CH81: analysis.dwell_times: no complete opening or shutting" in err
    assert (tmp_path / "results" / DWELL / "result.nc").exists()
    assert not (tmp_path / "results" / DWELL / "dwell_times.png").exists()
