"""``stochhh threshold`` at the command line: what it prints, writes, and refuses."""

from __future__ import annotations

import json

import pytest

from stochhh import threshold_search

SMALL = ["--set", "sweep={}", "--set", "membrane.count_factor=0.25", "--seed", "1"]
SPAN = ["--between", "15 pA", "30 pA"]
FILES = ["threshold.csv", "threshold.json", "threshold.png"]


def test_threshold_prints_a_table_and_writes_its_files(call, tmp_path):
    code, out, err = call("threshold", "node_R95", *SMALL, *SPAN, "--trials", "60")
    folder = tmp_path / "results" / "node_R95_threshold"
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES
    numbers = json.loads((folder / "threshold.json").read_text())
    (curve,) = numbers["curves"]
    for expected in (
        "Threshold: Pulses at the threshold of a node of Ranvier",
        f"threshold (pA), {curve['trials']} trials",
        "relative spread",
        "deterministic threshold (pA)",
        "begins to fire at 21.474 pA",
        f"{curve['trials']} of 60 trials, seed 1; wrote threshold.png",
    ):
        assert expected in " ".join(out.split())
    assert f"{curve['threshold']:.4g}" in out
    assert "note: trials used up with standard errors of" in err
    assert numbers["axis"] == "stimulus.0.amplitude"


def test_options_are_passed_on(call, tmp_path):
    arguments = ["--key", "stimulus.0.amplitude", "--error", "0.1", "--spread-error", "0.6"]
    arguments += ["--method", "leap", "--set", "run.step=0.005 ms", "--out", "here", "--workers"]
    code, out, err = call("threshold", "node_R95", *SMALL, *SPAN, *arguments, "1", "--quiet")
    assert (code, out, err) == (0, "", "")
    numbers = json.loads((tmp_path / "here" / "threshold.json").read_text())
    assert numbers["method"] == "leap"
    assert numbers["curves"][0]["trials"] < 200
    assert numbers["curves"][0]["spread_error"] <= 0.6
    assert numbers["between"] == [15.0, 30.0]


def test_another_scenario_is_not_overwritten(call):
    arguments = ["--trials", "40", "-q", "--out", "here"]
    assert call("threshold", "node_R95", *SMALL, *SPAN, *arguments)[0] == 0
    assert call("threshold", "node_R95", *SMALL, *SPAN, *arguments)[0] == 0
    other = ["--between", "2 uA/cm^2", "20 uA/cm^2", "--set", "membrane.area=300 um^2"]
    code, _, err = call("threshold", "all-or-none", *other, *arguments)
    assert code == 2
    assert "here: holds the threshold of 'node_R95'; choose another folder" in err
    assert call("threshold", "all-or-none", *other, *arguments, "--force")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["node_R95", *SMALL], "--between: need the lowest and the highest stimulus.0.amplitude"),
        (["node_R95", *SMALL, "--between", "3", "4"], '--between: got "3" and "4", need two'),
        (["squid-patch"], "--key: name what is searched, as in stimulus.0.amplitude"),
        (["node_R95", "--trials", "2"], "--trials: got 2, need 8 or more"),
        (["nodes"], "nodes: neither a file nor a scenario"),
        (["node_R95", *SMALL, "--between", "1 pA", "2 pA", "--trials", "8"], "no trial fired"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(call, arguments, message, tmp_path):
    code, out, err = call("threshold", *arguments, "--quiet")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_exits_130_and_writes_nothing(call, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(threshold_search, "search", interrupted)
    code, _, err = call("threshold", "node_R95", *SMALL, *SPAN)
    assert code == 130
    assert "interrupted: nothing was found" in err
    assert not (tmp_path / "results").exists()


def test_progress_is_shown(call, monkeypatch):
    monkeypatch.setattr("stochhh.console._PLAIN_PAUSE", 0.0)
    _, _, err = call("threshold", "node_R95", *SMALL, *SPAN, "--trials", "40")
    assert "node_R95, up to 40 trials: " in err
    assert "s left" in err
