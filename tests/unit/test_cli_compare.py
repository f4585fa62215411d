"""``stochhh compare`` at the command line: what it prints, writes, and refuses."""

from __future__ import annotations

import csv
import json

import pytest

SMALL = ["--set", "membrane.area=2 um^2", "--set", "run.duration=50 ms", "--seed", "1"]
FILES = ["comparison.csv", "comparison.json", "comparison.png", "costs.json"]


def test_compare_prints_a_table_and_writes_its_files(call, tmp_path):
    arguments = ["--methods", "leap,langevin", "--trials", "12"]
    code, out, err = call("compare", "spontaneous_CW96", *SMALL, *arguments)
    folder = tmp_path / "results" / "spontaneous_CW96_compare"
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for expected in ("firing rate (Hz)", "ISI CV", "wall time", "12 trials of 50 ms each"):
        assert expected in out
    assert "leap: " in out
    assert "exact was not among --methods; added" in err
    tree = json.loads((folder / "comparison.json").read_text())
    assert (tree["seed"], tree["trials"], tree["duration_ms"]) == (1, 12, 50.0)
    with (folder / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    values = {(row["method"], row["quantity"]): row["value"] for row in rows}
    for method, entry in tree["methods"].items():
        for quantity, numbers in entry["quantities"].items():
            written = values[method, quantity]
            assert (float(written) if written else None) == numbers["value"]
    assert tree["conclusions"][0].split(":")[0] == "leap"


def test_the_same_seed_gives_the_same_bytes_but_for_what_it_cost(call, tmp_path):
    for folder in ("one", "other"):
        arguments = ["--methods", "exact,leap", "--trials", "3", "--quiet", "-o", folder]
        call("compare", "spontaneous_CW96", *SMALL, *arguments)
    for name in ("comparison.json", "comparison.csv"):
        one, other = ((tmp_path / folder / name).read_bytes() for folder in ("one", "other"))
        assert one == other
    costs = json.loads((tmp_path / "one" / "costs.json").read_text())["wall_s_per_simulated_s"]
    assert list(costs) == ["exact", "leap"]
    assert all(seconds > 0.0 for seconds in costs.values())


def test_quiet_prints_the_conclusions_alone(call):
    arguments = ["--methods", "exact,leap", "--trials", "2", "--quiet"]
    code, out, err = call("compare", "squid-patch", *SMALL, *arguments)
    assert (code, err) == (0, "")
    assert out.startswith("leap: ")
    assert "need at least" in out
    assert "wall time" not in out


def test_progress_names_each_method(call, monkeypatch):
    monkeypatch.setattr("stochhh.console._PLAIN_PAUSE", 0.0)
    arguments = ["--methods", "exact,leap", "--trials", "10"]
    _, _, err = call("compare", "squid-patch", *SMALL, *arguments)
    for method in ("exact", "leap"):
        assert f"squid-patch, {method}, 10 trials: 50 %" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--methods", "lep"], "no method 'lep'; did you mean 'leap'?"),
        (["--methods", "exact"], "nothing to compare with exact"),
        (["--methods", "leap", "--set", "run.trials=0"], "trials"),
        (["--methods", "leap@1 s", "--set", "run.duration=50 ms"], "longer than run.duration"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, tmp_path, arguments, said):
    code, _, err = call("compare", "squid-patch", *arguments)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_another_comparison_is_not_overwritten(call, tmp_path):
    arguments = ["--methods", "exact,leap", "--trials", "2", "--quiet", "-o", "here"]
    assert call("compare", "spontaneous_CW96", *SMALL, *arguments)[0] == 0
    before = (tmp_path / "here" / "comparison.json").read_bytes()
    code, _, err = call("compare", "squid-patch", *SMALL, *arguments)
    assert code == 2
    assert "holds a comparison of 'spontaneous_CW96'" in err
    assert (tmp_path / "here" / "comparison.json").read_bytes() == before
    assert call("compare", "squid-patch", *SMALL, *arguments, "--force")[0] == 0
    tree = json.loads((tmp_path / "here" / "comparison.json").read_text())
    assert tree["scenario"] == "squid-patch"


def test_an_interrupt_writes_nothing(call, monkeypatch, tmp_path):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stochhh.simulate.run", interrupted)
    code, out, err = call("compare", "squid-patch", *SMALL, "--methods", "exact,leap")
    assert (code, out) == (130, "")
    assert "interrupted: nothing was compared" in err
    assert not (tmp_path / "results").exists()


def test_help_names_the_command(call):
    assert "compare" in call("--help")[1]
