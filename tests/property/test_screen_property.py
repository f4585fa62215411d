"""Whatever texts files hold, what is printed of them commands no terminal and hides nothing."""

from __future__ import annotations

import contextlib
import copy
import io
import os

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.table import Table

from stochhh.cli import main
from stochhh.errors import InputError
from stochhh.scenario import load_experiment, load_scenario
from stochhh.screen import Screen, say
from stochhh.words import hidden_in, printable

SQUID = load_scenario("squid-patch").data
SCHEME = {
    "format": 1,
    "title": "a channel",
    "ion": "K+",
    "state": [{"name": "shut"}, {"name": "open", "conductance": 1.0}],
    "rates": {
        "on": {"law": "constant", "rate": "1 / ms"},
        "off": {"law": "constant", "rate": "2 / ms"},
    },
    "transition": [
        {"from": "shut", "to": "open", "rate": "on"},
        {"from": "open", "to": "shut", "rate": "off"},
    ],
}
snippets = st.sampled_from(
    [
        *("[/s]", "[red]", "[link=a]", "\\[", "[", "]", ":smile:", "$", "{0}", "%s", "a", " "),
        *("\x1b[31m", "\x1b]0;x\x07", "\x9b", "\u202e", "\u2066", "\u2028", "\ud800"),
        *("\0", "\n", "\r", "\t"),
    ]
)
#: For whole commands.
FEWER = settings(max_examples=settings.default.max_examples // 4)
texts = st.lists(st.one_of(snippets, st.characters()), max_size=12).map("".join)


@contextlib.contextmanager
def wide():
    """A terminal on which no line is wrapped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "400")
        yield


def called(*arguments: str) -> tuple[int, str]:
    """Exit code of a command, and all that it printed."""
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        wide(),
        pytest.raises(SystemExit) as ended,
    ):
        main(list(arguments))
    shown = printed.getvalue()
    assert hidden_in(shown, kept="\n") is None
    assert "Traceback" not in shown
    return int(ended.value.code or 0), shown


def written(path, tables):
    """Path of a file with these tables; half characters, which no file holds, replaced."""
    path.write_bytes(tomli_w.dumps(tables).encode(errors="replace"))
    return str(path)


@given(texts)
def test_a_text_is_printed_as_it_was_written_or_escaped(text):
    table = Table(title=text, caption=text)
    table.add_column(text)
    table.add_row(text)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), wide():
        screen = Screen()
        screen.print(table)
        screen.say(text)
        say(text)
    shown = printed.getvalue()
    assert hidden_in(shown, kept="\n") is None
    assert shown.endswith(f"{printable(text)}\n{printable(text)}\n")
    for line in printable(text, kept="\n").split("\n"):
        if cell_len(line):  # a cell without a width is not drawn
            assert shown.count(line.strip()) >= 6


@given(
    texts, st.sampled_from(["title", "about", "name", "ligand", "key", "unit", "scheme", "axis"])
)
def test_a_scenario_with_any_text_is_valid_or_refused_in_a_line(tmp_path_factory, text, where):
    data = copy.deepcopy(SQUID)
    changed = {
        "title": {"title": text},
        "about": {"about": text},
        "name": {"membrane": with_channel(data, "name", text)},
        "ligand": {"membrane": {**data["membrane"], "ligands": {text: "1 mM"}}},
        "key": {text: 1},
        "unit": {"membrane": {**data["membrane"], "area": f"100 um^2{text}"}},
        "scheme": {"membrane": with_channel(data, "scheme", text)},
        "axis": {"figure": {"axis": text}},
    }[where]
    data |= changed
    path = tmp_path_factory.getbasetemp() / "any [x].toml"
    code, shown = called("validate", written(path, data))
    assert code in (0, InputError.exit_code)
    assert shown.count("\n") == 1
    assert (code == 0) == shown.endswith("any [x].toml: valid\n")
    with contextlib.suppress(InputError):  # also what no file can hold
        load_experiment(data)


def with_channel(data, key, text):
    first, *others = data["membrane"]["channels"]
    return {**data["membrane"], "channels": [{**first, key: text}, *others]}


@FEWER
@given(texts, texts)
def test_a_scheme_with_any_text_is_shown_or_refused(tmp_path_factory, title, name):
    data = copy.deepcopy(SCHEME)
    data["title"] = title
    data["state"][0]["name"] = data["transition"][0]["from"] = data["transition"][1]["to"] = name
    path = written(tmp_path_factory.getbasetemp() / "any.toml", data)
    code, shown = called("show", path)
    assert code in (0, InputError.exit_code)
    if code == 0:
        assert shown.startswith(title.encode(errors="replace").decode())
        assert name.encode(errors="replace").decode().strip() in shown


names = texts.map(
    lambda text: os.fsdecode(
        text.replace("/", "").replace("\0", "").encode(errors="surrogatepass")[:200]
    )
)


@FEWER
@given(names)
def test_a_file_of_any_name_is_named(tmp_path_factory, name):
    path = tmp_path_factory.getbasetemp() / f"{name}x.toml"
    written(path, SQUID)
    code, shown = called("validate", str(path))
    assert (code, shown.count("\n")) == (0, 1)
    assert shown.endswith(f"{printable(name)}x.toml: valid\n")
    path.unlink()
    code, shown = called("validate", str(path))
    assert code == InputError.exit_code
