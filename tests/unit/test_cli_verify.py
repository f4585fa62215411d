"""``stochhh verify``: the table, the verdict, the exit code, and one line for bad input."""

from __future__ import annotations

import csv
import re

import pytest

from stochhh.cli import main

QUICK = ("--quick", "--at", "-40 mV", "--workers", "1")

TWO_STATES = """
format = 1
title = "Two states"
ion = "K+"
valence = 1
temperature = "20 degC"
[[state]]
name = "C"
[[state]]
name = "O"
conductance = 1.0
[rates.open]
law = "constant"
rate = "{opening} / ms"
[rates.shut]
law = "constant"
rate = "1 / ms"
[[transition]]
from = "C"
to = "O"
rate = "open"
[[transition]]
from = "O"
to = "C"
rate = "shut"
"""


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Call the command line in an empty folder; returns (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # so that tables do not wrap

    def called(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["verify", *arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return called


def test_a_scheme_of_the_library_agrees_with_theory(call, tmp_path):
    code, out, _ = call("squid-k", *QUICK, "--out", "laws.csv")
    assert code == 0, out
    with (tmp_path / "laws.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"states", "open, mean", "transitions"} <= {row["law"] for row in rows}
    counted = [row for row in rows if row["verdict"] in ("agrees", "refused")]
    assert f"{len(counted)} laws compared" in out
    assert all(0.0 <= float(row["p"]) <= 1.0 for row in counted)
    code, _, err = call("squid-k", "--out", "laws.txt")
    assert code == 2
    assert "--out: got laws.txt, need a file that ends in .csv" in err
    for heading in ("law", "at", "theory", "simulated", "p", "verdict"):
        assert re.search(rf"\b{heading}\b", out.splitlines()[2])
    laws = ("states", "open, variance", "transitions", "open times", "first latency")
    assert all(law in out for law in (*laws, "open, spectrum", "rate alpha_n"))
    assert "negative controls: 2 of 2 wrong rates are refused" in out
    assert re.search(r"\d+ laws compared, smallest adjusted p [\d.]+: agrees", out)


def test_all_lists_every_comparison(call):
    _, worst, _ = call("squid-k", *QUICK)
    _, every, _ = call("squid-k", *QUICK, "--all")
    compared = int(re.search(r"(\d+) laws compared", every)[1])
    assert len([line for line in every.splitlines() if "  agrees" in line]) == compared
    assert len(worst.splitlines()) < compared


def test_the_same_seed_gives_the_same_table(call):
    one = call("squid-k", *QUICK, "--seed", "5")
    assert call("squid-k", *QUICK, "--seed", "5", "--workers", "2")[1] == one[1]
    assert call("squid-k", *QUICK, "--seed", "6")[1] != one[1]


def test_a_users_file_is_verified_and_a_wrong_law_refused(call, tmp_path):
    (tmp_path / "mine.toml").write_text(TWO_STATES.format(opening=1.0))
    (tmp_path / "other.toml").write_text(TWO_STATES.format(opening=1.03))
    code, out, _ = call("mine.toml", *QUICK)
    assert code == 0, out
    code, out, _ = call("mine.toml", *QUICK, "--against", "other.toml")
    assert code == 1
    assert "REFUSED" in out
    assert "disagrees" in out


def test_the_method_known_to_be_wrong_is_refused(call):
    code, out, _ = call("squid-k", *QUICK, "--method", "subunit")
    assert code == 1
    assert re.search(r"open, variance.*REFUSED", out)
    assert "not compared: known to be wrong" in out


def test_quiet_prints_the_verdict_alone(call):
    code, out, err = call("squid-k", *QUICK, "--method", "leap", "--quiet")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    assert "agrees" in out


def test_a_patch_conserves_and_repeats(call):
    patch = ("--set", "membrane.area=1 um^2", "--set", "run.duration=8 ms")
    code, out, _ = call("spontaneous_CW96", *patch, *QUICK)
    assert code == 0, out
    laws = ("squid-na: states", "squid-k: states", "charge", "two threads change nothing")
    assert all(law in out for law in laws)
    for other in ("voltage at rest, variance", "bands of 1.3 mV", "cut in two"):
        assert other in out


def test_a_clamp_follows_its_command(call):
    code, out, _ = call("clamp-family_HH52", *QUICK, "--set", "run.trials=20")
    assert code == 0, out
    assert "ms of the clamp" in out


def test_another_method_fires_like_the_exact_one(call):
    patch = ("--set", "membrane.area=1 um^2", "--set", "run.duration=8 ms")
    code, out, _ = call("spontaneous_CW96", *patch, *QUICK, "--method", "leap")
    assert code == 0, out
    assert "leap and exact" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("squid-kk",), r"squid-kk: neither a file nor a channel scheme or scenario .*'squid-k'"),
        (("missing.toml",), r"missing\.toml: no such file"),
        (
            ("squid-k", "--method", "magic"),
            r"method: nothing .* 'magic'; need one of exact, .*leap",
        ),
        (("squid-k", "--method", "deterministic"), r"method: nothing can be verified"),
        (("squid-k", "--at", "40"), r'--at: got "40", need a voltage.* "-65 mV"'),
        (("squid-k", "--set", "membrane.area=1 um^2"), r"--set: .*give a scenario"),
        (("ramp", "--against", "squid-k"), r"--against: goes with a channel scheme"),
        (("squid-k", "--against", "nothing"), r"unknown scheme 'nothing'"),
        (("squid-k", "--workers", "0"), r"workers: got 0"),
        (("nachr", "--method", "langevin"), r"nachr: nothing .*langevin needs a step too short"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, arguments, message):
    code, out, err = call(*arguments)
    assert code == 2
    errors = [line for line in err.splitlines() if not line.startswith("verifying")]
    assert len(errors) == 1
    assert re.search(message, errors[0])
    assert out == ""
