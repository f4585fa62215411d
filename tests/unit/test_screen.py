"""What comes from files is shown as it was written, and commands the terminal nothing."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import tomli_w
from rich.table import Table

import stochhh
from stochhh.console import progress
from stochhh.scenario import load_scenario
from stochhh.screen import Screen, say
from stochhh.studies.making import Outcome
from stochhh.studies.study import Findings, Row
from stochhh.studies.table import study_table

HOSTILE = "[/s] [red]x[/red] [link=a]b[/link] \\[c] :smile: \x1b]0;d\x07\x9b31m \u202egnp\x00\u2028"
SHOWN = (
    "[/s] [red]x[/red] [link=a]b[/link] \\[c] :smile: \\x1b]0;d\\x07\\x9b31m \\u202egnp\\x00\\u2028"
)


@pytest.fixture
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_texts_of_tables_and_messages_are_shown_as_written(wide, capsys):
    table = Table(title=HOSTILE, caption=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    table.add_row(HOSTILE, style="bold")
    screen = Screen()
    screen.print(table)
    screen.print(HOSTILE)
    screen.say(f"{HOSTILE}\n", style="bold")
    say(f"{HOSTILE}\n")
    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 8
    assert printed.count(SHOWN + "\\x0a") == 2  # lines stay lines
    assert "\x1b" not in printed


def test_tables_of_studies_are_shown_as_written(wide, capsys, monkeypatch):
    rows = [Row(HOSTILE), Row(HOSTILE, f"{HOSTILE}.x")]
    study = SimpleNamespace(says=lambda numbers: HOSTILE, rows=lambda numbers: rows)
    monkeypatch.setattr("stochhh.studies.table.find_study", lambda name: study)
    outcome = Outcome("noise", 0, HOSTILE, Findings({HOSTILE: {"x": 1.5}}, None))
    Screen().print(study_table(outcome))
    assert capsys.readouterr().out.count(SHOWN) == 4


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_as_written(wide, capsys, monkeypatch, terminal):
    monkeypatch.setattr("stochhh.console._PLAIN_PAUSE", 0.0)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    with progress(HOSTILE, 1.0) as advance:
        advance(0.5)
    printed = capsys.readouterr().err
    assert SHOWN in printed
    assert "\x1b]" not in printed


def test_no_other_console_is_made_and_no_markup_written():
    package = Path(stochhh.__file__).parent
    sources = {path.name: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    assert [name for name, text in sources.items() if "rich.console" in text] == ["screen.py"]
    assert [name for name, text in sources.items() if re.search(r"\[/?(bold|red)\]", text)] == []


NAMES = "Na [fast]", "K [/s]_ci"  # not the interval of another


def scenario_file(folder, title):
    data = load_scenario("squid-patch").model_dump(mode="json", by_alias=True, exclude_none=True)
    for entry, name in zip(data["membrane"]["channels"], NAMES, strict=True):
        entry["name"] = name
    data |= {"title": title, "about": f"about {title}"}
    data["run"] |= {"trials": 2, "seed": 1, "duration": "2 ms"}
    path = folder / "rate [x].toml"
    path.write_text(tomli_w.dumps(data))
    return path


def test_square_brackets_stand_in_what_commands_print(call, tmp_path, monkeypatch):
    nothing = SimpleNamespace(displacement_mV=None, rheobase_pA=None, repetitive_pA=None)
    monkeypatch.setattr("stochhh.describe.thresholds", lambda *_: nothing)  # takes seconds
    title = "Firing rate [/s] of a [patch]"
    path = scenario_file(tmp_path, title)
    code, out, err = call("run", str(path), "--out", "a[b]c")
    assert (code, "Traceback" in err) == (0, False)
    assert any(line.startswith(title) for line in out.splitlines())
    assert all(f"ions out (-: in), {name}, a trial" in out for name in NAMES)
    assert out.splitlines()[-1].endswith("to a[b]c/")
    code, out, _ = call("show", str(path))
    assert code == 0
    assert all(text in out for text in (title, f"about {title}", *NAMES))
