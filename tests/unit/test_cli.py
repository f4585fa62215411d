"""The command line: what a newcomer types, what comes back, and with which exit code."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import stochhh
from stochhh.console import summary_table
from stochhh.errors import TrustError
from stochhh.report import FILES

SMALL = ["--set", "membrane.area=2 um^2", "--set", "run.duration=20 ms", "--seed", "1"]


def test_run_writes_all_files_and_prints_a_summary(call, tmp_path):
    code, out, _ = call("run", "spontaneous_CW96", *SMALL, "--trials", "3")
    folder = tmp_path / "results" / "spontaneous_CW96"
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert "spikes in 3 trials of 20 ms" in out
    assert "deterministic" in out
    assert "seed 1" in out


def test_summary_json_has_the_documented_keys(call, tmp_path):
    call("run", "spontaneous_CW96", *SMALL, "--quiet", "--out", "here")
    summary = json.loads((tmp_path / "here" / "summary.json").read_text())
    for part in (summary, summary["deterministic"]):
        assert isinstance(part["spikes"]["count"], int)
        assert {"rate_hz", "rate_hz_ci"} <= set(part["spikes"])
        assert {"mean_ms", "mean_ms_ci", "cv", "cv_ci"} <= set(part["isi"])
        assert "transitions" in part
    assert summary["transitions"] > 10_000
    assert summary["spikes"]["rate_hz_ci"][0] <= summary["spikes"]["rate_hz"]


def test_spikes_csv_is_the_spikes_of_the_result(call, tmp_path):
    call("run", "spontaneous_CW96", *SMALL, "--quiet", "--out", "here")
    with (tmp_path / "here" / "spikes.csv").open() as file:
        rows = list(csv.DictReader(file))
    result = stochhh.load(tmp_path / "here")
    assert len(rows) == result.dataset.sizes["spike"] > 0
    assert [float(row["time_ms"]) for row in rows] == list(result["spike_time"].values)
    assert [int(row["trial"]) for row in rows] == list(result["spike_trial"].values)


def test_resolved_scenario_gives_the_same_run(call, tmp_path):
    call("run", "spontaneous_CW96", *SMALL, "--quiet", "--out", "first")
    call("run", "first/scenario.toml", "--quiet", "--out", "second")
    first, second = stochhh.load(tmp_path / "first"), stochhh.load(tmp_path / "second")
    assert first["voltage"].identical(second["voltage"])


def test_deterministic_method_reports_its_own_numbers(call, tmp_path):
    step = 'stimulus=[{kind="step", amplitude="10 uA/cm^2"}]'
    arguments = ["--set", step, "--set", "run.duration=100 ms", "--out", "d", "--quiet"]
    call("run", "squid-patch", "--method", "deterministic", *arguments)
    summary = json.loads((tmp_path / "d" / "summary.json").read_text())
    # Hodgkin-Huxley equations solved exactly: first spike 1.90144 ms, period 14.6383 ms
    assert summary["spikes"]["first_ms"] == pytest.approx(1.90144, abs=5e-6)
    assert summary["spikes"]["count"] == summary["deterministic"]["spikes"]["count"] == 7
    assert summary["spikes"]["rate_hz_ci"] is None
    assert summary["trials"] == 1


def test_words_of_a_table_are_said_below_it():
    summary = stochhh.summarise(
        stochhh.run("squid-patch", overrides=["run.duration=2 ms"], trials=2)
    )
    table = summary_table(summary)
    assert "exact: every transition at its exact time" in str(table.caption)
    assert "95 % interval: of 100 such runs 95 have" in str(table.caption)
    rows = list(table.columns[0].cells)
    assert "ions out (-: in), squid-na, a trial" in rows
    sodium = table.columns[1]._cells[rows.index("ions out (-: in), squid-na, a trial")]
    assert float(str(sodium)) < 0.0  # E_Na is above any voltage here: they come in


def test_quiet_prints_nothing(call):
    code, out, err = call("run", "squid-patch", *SMALL, "--quiet")
    assert (code, out, err) == (0, "", "")


def test_a_pipe_gets_progress_as_lines(call, monkeypatch):
    monkeypatch.setattr("stochhh.console._PLAIN_PAUSE", 0.0)
    _, _, err = call("run", "squid-patch", *SMALL, "--trials", "20")
    lines = [line for line in err.splitlines() if line]
    assert len(lines) >= 5
    assert all("squid-patch, 20 trials" in line for line in lines)
    assert all(line.endswith(" s left") for line in lines[1:-1])


def test_another_scenarios_folder_is_not_overwritten(call, tmp_path):
    call("run", "squid-patch", *SMALL, "--quiet", "--out", "here")
    before = (tmp_path / "here" / "result.nc").read_bytes()
    code, _, err = call("run", "spontaneous_CW96", *SMALL, "--quiet", "--out", "here")
    assert code == 2
    assert "holds the run of another scenario, 'squid-patch'" in err
    assert "--force" in err
    assert (tmp_path / "here" / "result.nc").read_bytes() == before
    code, _, _ = call("run", "spontaneous_CW96", *SMALL, "--quiet", "--out", "here", "--force")
    assert code == 0
    assert stochhh.load(tmp_path / "here").name == "spontaneous_CW96"


def test_the_same_run_gives_the_same_bytes_and_another_is_refused(call, tmp_path):
    folder = tmp_path / "results" / "squid-patch"
    dated = "run.json"

    def contents():
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != dated}

    assert call("run", "squid-patch", *SMALL, "--quiet")[0] == 0
    before = contents()
    assert call("run", "squid-patch", *SMALL, "--quiet")[0] == 0
    assert contents() == before
    for more, key in (
        (["--seed", "2"], "run.seed = 1, and this one has 2"),
        (["--trials", "2"], "run.trials = 4, and this one has 2"),
        (["--set", "membrane.leak.reversal=-50 mV"], 'membrane.leak.reversal = "-54.4 mV", and'),
        (["--set", 'stimulus=[{kind="step", amplitude="1 pA"}]'], "stimulus = [], and this one"),
    ):
        code, _, err = call("run", "squid-patch", *SMALL, "--quiet", *more)
        assert code == 2
        assert f"holds a run with {key}" in err
        assert "--out results/squid-patch-2" in err
        assert contents() == before
    assert call("run", "squid-patch", *SMALL, "--quiet", "--seed", "2", "--force")[0] == 0
    assert contents() != before


def test_a_drawn_seed_is_not_overwritten_by_another(call):
    arguments = ("run", "squid-patch", *SMALL[:4], "--quiet")
    assert call(*arguments)[0] == 0
    code, _, err = call(*arguments)
    assert code == 2
    assert "holds a run with run.seed = " in err


def test_wall_times_and_the_command_stand_apart(call, tmp_path):
    call("run", "squid-patch", *SMALL, "--quiet", "--out", "here")
    told = json.loads((tmp_path / "here" / "run.json").read_text())
    assert told["wall_s"]["wall"] > 0.0
    assert told["files"] == sorted(FILES)
    assert {"command", "date", "stochhh_version"} <= set(told)
    assert not any("wall" in key for key in stochhh.load(tmp_path / "here").dataset.attrs)


def test_pictures_of_studies_that_are_gone_go_too(call, tmp_path):
    study = ["--set", "analysis.spike_train={}"]
    call("run", "squid-patch", *SMALL, *study, "--quiet", "--out", "here")
    mine = tmp_path / "here" / "notes.csv"
    mine.write_text("mine")
    assert (tmp_path / "here" / "spike_train.png").exists()
    call("run", "squid-patch", *SMALL, "--quiet", "--out", "here", "--force")
    names = {path.name for path in (tmp_path / "here").iterdir()}
    assert names == {*FILES, "notes.csv"}
    call("analyse", "here", "--with", "spike_train", "--quiet")
    assert (tmp_path / "here" / "analysis.json").exists()
    call("run", "squid-patch", *SMALL, "--quiet", "--out", "here")
    assert {path.name for path in (tmp_path / "here").iterdir()} == names
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["x" * 300, "file/below"])
@pytest.mark.parametrize("command", ["run", "sweep", "compare", "threshold"])
def test_folders_that_cannot_be_are_one_line(command, name, call, tmp_path):
    (tmp_path / "file").write_text("")
    scenario = "all-or-none" if command == "threshold" else "squid-patch"
    code, _, err = call(command, scenario, "--quiet", "--out", name)
    assert code == 2
    assert len(err.splitlines()) == 1


def test_a_strangers_folder_is_not_overwritten(call, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "thesis.tex").write_text("years of work")
    code, _, err = call("run", "squid-patch", *SMALL, "--out", "here")
    assert code == 2
    assert "files that are no run of stochhh" in err


def test_out_that_is_a_file_is_refused(call, tmp_path):
    (tmp_path / "here").write_text("")
    code, _, err = call("run", "squid-patch", *SMALL, "--out", "here")
    assert code == 2
    assert "is a file" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "spontanous_CW96"], "did you mean 'spontaneous_CW96'?"),
        (["run", "missing.toml"], "missing.toml: no such file"),
        (["run", "squid-patch", "--set", "membrane.aera=1 um^2"], "did you mean 'area'?"),
        (["run", "squid-patch", "--set", "membrane.area=100"], "got the bare number 100"),
        (["run", "squid-patch", "--method", "exakt"], "did you mean 'exact'?"),
        (["run", "squid-patch", "--trials", "0"], "--trials: got 0"),
        (["run", "squid-patch", "--seed", "-1"], "--seed: got -1"),
        (["run", "squid-patch", "--workers", "0"], "workers: got 0, need 1 to"),
        (
            ["run", "squid-patch", "--set", "figure.panels=['ions']"],
            "'ions' shows what is not recorded",
        ),
        (["run", "squid-patch", "--set", "figure.panels=['channels']"], "none is followed"),
        (["show", "squid-pach"], "did you mean 'squid-patch' or"),
        (["show", "squidna"], "neither a file nor a channel scheme or scenario that comes with"),
        (
            ["show", "sodium"],
            "channels of it: muscle-na, node-na, purkinje-na, pyramidal-na, squid-",
        ),
        (["run", "squid-na"], "squid-na: a channel scheme, which show, verify and validate take"),
        (["validate", "nowhere.toml"], "nowhere.toml: no such file"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(call, tmp_path, arguments, message):
    code, _, err = call(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "results").exists()


def test_a_run_that_cannot_be_trusted_exits_1_and_writes_nothing(call, monkeypatch, tmp_path):
    monkeypatch.setattr("stochhh.trial._CHARGE_BALANCE", -1.0)
    code, _, err = call("run", "squid-patch", *SMALL)
    assert code == 1
    assert "charge was not conserved" in err
    assert not (tmp_path / "results").exists()


def test_validate_reports_every_file(call, tmp_path):
    (tmp_path / "good.toml").write_text('format=1\ntitle="t"\nbase="squid-patch"\n')
    (tmp_path / "bad.toml").write_text('format=1\ntitle="t"\nbase="squid-patch"\nrum=1\n')
    code, out, err = call("validate", "good.toml", "bad.toml")
    assert code == 2
    assert "good.toml: valid" in out
    assert "bad.toml" in err
    assert "unknown key 'rum'; did you mean 'run'?" in err


def test_validate_takes_channel_schemes_too(call, tmp_path):
    right = "format=1\ntitle='t'\nion='Na+'\nvalence=1\n[[gate]]\nname='m'\npower=3\n"
    right += "[gate.opening]\nlaw='constant'\nrate='1 / ms'\n"
    right += "[gate.closing]\nlaw='constant'\nrate='1 / ms'\n"
    for name, text in (("right", right), ("wrong", right.replace("power=3", "power=0"))):
        (tmp_path / f"{name}.toml").write_text(text)
    code, out, err = call("validate", "squid-na", "right.toml", "wrong.toml")
    assert code == 2
    assert "squid-na: valid, a channel scheme of 8 states" in out  # m in 4, h in 2
    assert "right.toml: valid, a channel scheme of 4 states" in out
    assert "wrong.toml: gate[0].power: got 0" in err


def test_validate_finds_what_only_shows_when_worked_out(call, tmp_path):
    contradiction = '[[membrane.channels]]\nscheme="squid-na"\nreversal="50 mV"\n'
    (tmp_path / "bad.toml").write_text(
        f'format=1\ntitle="t"\nbase="squid-patch"\n{contradiction}count=3\n'
    )
    code, _, err = call("validate", "bad.toml")
    assert code == 2
    assert "too little to go by" in err


def test_show_prints_the_resolved_membrane(call):
    code, out, _ = call("show", "squid-patch")
    assert code == 0
    for expected in ("6,000", "1,800", "120", "-64.99972 mV", "6.508 mV", "2.242", "6.26"):
        assert expected in out


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "all-or-none",
            {
                "membrane.channels.squid-na.density": "60 / µm²",
                "stimulus.0.amplitude": "3 µA/cm² … 12 µA/cm², 8 swept",
                "stimulus.0.duration": "1 ms",
                "run.duration": "20 ms",
            },
        ),
        ("two-neurons", {"cell.first.section.soma.area": "1000 µm²", "run.duration": "110 ms"}),
    ],
)
def test_show_lists_the_keys_that_can_be_set(call, name, rows):
    _, out, _ = call("show", name)
    found = [line.strip("│ ").split("│") for line in out.splitlines() if line.startswith("│")]
    table = {row[0].strip(): row[-1].strip() for row in found}
    assert rows.items() <= table.items()
    assert "title" not in table


def test_show_takes_overrides(call):
    _, out, _ = call("show", "squid-patch", "--set", "membrane.count_factor=0.1")
    assert "600" in out
    assert "200" in out  # pS, ten times the conductance


def test_list_names_every_scenario_and_scheme(call):
    _, out, _ = call("list")
    for name in ("action-potential_HH52", "all-or-none", "patch-sizes", "squid-na", "squid-k"):
        assert name in out


def test_schema_accepts_every_scenario_and_refuses_unknown_keys(call):
    import tomllib

    import jsonschema

    from stochhh.scenario import library_scenarios

    schema = json.loads(call("schema")[1])
    validator = jsonschema.Draft202012Validator(schema)
    tables = [tomllib.loads(path.read_text()) for path in library_scenarios().values()]
    assert len(tables) >= 7
    for table in tables:
        validator.validate(table)
    assert not validator.is_valid({**tables[0], "membrain": {}})


def test_version_and_help(call):
    assert call("--version")[1].strip() == f"stochhh {stochhh.__version__}"
    code, out, _ = call("--help")
    assert code == 0
    for command in ("run", "validate", "show", "schema", "list"):
        assert command in out


def test_help_imports_nothing_heavy():
    """What keeps --help quick, without timing it: no array, plot or compiler library is loaded."""
    code = (
        "import sys\nfrom stochhh.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'matplotlib', 'xarray', 'pint', 'pydantic'}\n"
        "sys.exit(f'loaded {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_plain_run_loads_no_more_than_it_needs(tmp_path):
    """What keeps a small run quick: no library is loaded for a constant it could do without."""
    code = (
        "import sys\nfrom stochhh.cli import main\n"
        "try:\n    main(['run', 'squid-patch', '--quiet', '--set', 'run.duration=\"100 ms\"',"
        f" '--out', {str(tmp_path / 'out')!r}])\nexcept SystemExit:\n    pass\n"
        "slow = {'seaborn', 'scipy.stats', 'scipy.signal', 'elephant'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "figure.png").exists()


@pytest.mark.parametrize("finished", [True, False])
def test_interrupt_keeps_finished_trials(tmp_path, finished):
    """Ctrl-C keeps and counts finished trials, exit code 130; without any nothing is written."""
    code = (
        "import sys, stochhh.console as console\n"
        "class Loud(console.PlainProgress):\n"
        "    def __call__(self, covered_ms):\n"
        "        print('covered', flush=True)\n"
        "console.PlainProgress = Loud\n"
        "from stochhh.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    run = ["run", "squid-patch", "--workers", "1", "--seed", "1", "--out", str(tmp_path / "here")]
    trials, duration = ("1000000", "20 ms") if finished else ("2", "1000 s")
    size = ["--trials", trials, "--set", f"run.duration={duration}"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *run, *size],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in range(20 if finished else 1):  # each call of the kernel says so once
        assert process.stdout.readline() == "covered\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    if finished:
        assert "interrupted: kept" in err
        result = stochhh.load(tmp_path / "here")
        assert result.interrupted
        assert 1 <= result.dataset.sizes["trial"] < 1_000_000
    else:
        assert "nothing was written" in err
        assert not (tmp_path / "here").exists()


def test_scenarios_are_found_by_name_from_any_folder(call, tmp_path):
    assert Path.cwd() == tmp_path
    assert call("validate", "spontaneous_CW96")[0] == 0


def test_plain_progress_gives_a_time_left_by_its_pace_since_the_first_of_it(capsys, monkeypatch):
    """Kernels are compiled before that; and the sum of what is covered may exceed all by 1e-16."""
    from stochhh.console import PlainProgress

    clock = iter([0.0, 38.0, 43.0, 50.0])
    monkeypatch.setattr("stochhh.console.time.monotonic", lambda: next(clock))
    progress = PlainProgress("walk", 100.0, sys.stderr)
    for covered in (20.0, 40.0, 40.0 + 1e-9):
        progress(covered)
    said = capsys.readouterr().err.splitlines()
    assert said == ["walk: 20 %", "walk: 60 %, 5 s left", "walk: 100 %"]


def test_compiling_is_said_before_progress_and_on_its_stream(capsys):
    from stochhh.console import say_compiling

    say_compiling(True)
    assert capsys.readouterr() == ("", "")
    say_compiling(False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Compiling the simulation kernels")


def test_a_bar_of_what_takes_no_time_is_not_shown(capsys, monkeypatch):
    from stochhh.console import progress

    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    for patience_s, shown in ((60.0, False), (0.0, True)):
        with progress("walk", 1.0, patience_s=patience_s) as advance:
            advance(1.0)
        assert ("walk" in capsys.readouterr().err) == shown


def test_a_large_sweep_has_a_table_of_its_first_and_last_points():
    overrides = ["membrane.area=1 um^2", "run.deterministic=false"]
    summary = stochhh.summarise(stochhh.run("all-or-none", overrides=overrides, trials=1, seed=1))
    assert summary_table(summary).row_count == len(summary["points"]) == 8
    summary["points"] = summary["points"] * 10
    table = summary_table(summary)
    first = list(table.columns[0].cells)
    assert len(first) == 31
    assert first[15] == "… 50 more"
    assert [first[0], first[-1]] == ["3 µA/cm²", "12 µA/cm²"]


def test_a_second_run_into_a_folder_is_refused_and_nothing_is_left_of_the_lock(call, tmp_path):
    from stochhh.folders import held

    folder = tmp_path / "run"
    with held(folder, "run"):
        code, _, err = call("run", "squid-patch", "--trials", "1", "--out", str(folder))
    said = "another run is at work there; wait for it, or choose another folder with --out"
    assert (code, err) == (2, f"error: {folder}: {said}\n")
    assert not folder.exists()
    code, _, _ = call("run", "squid-patch", "--trials", "1", "--out", str(folder))
    assert code == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_a_run_that_fails_leaves_no_folder(call, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise TrustError("no")

    monkeypatch.setattr("stochhh.simulate.run", fail)
    code, _, err = call("run", "squid-patch", "--out", str(tmp_path / "run"))
    assert (code, err) == (1, "error: no\n")
    assert not (tmp_path / "run").exists()
