"""Files that may come from anyone: what is no text of ours is refused in a line, and at once."""

from __future__ import annotations

import os
import socket
import threading
import tracemalloc

import pytest

import stochhh
from stochhh.circuit.swc import read_swc
from stochhh.errors import InputError
from stochhh.fields import read_toml
from stochhh.input_files import parse_toml
from stochhh.kinetics.files import load_scheme
from stochhh.scenario import load_experiment
from stochhh.units import CURRENT
from stochhh.waveform import read_waveform

# ---- TOML that asks for more than its length ----------------------------------------------

MANY = 20_000
KEY = "a" + ".a" * MANY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{KEY} = 1", "a key with more than 10 dots"),
        (f"[{KEY}]\nx = 1", "a key with more than 10 dots"),
        (f"[[{KEY}]]\nx = 1", "a key with more than 10 dots"),
        (f"x = {{ {KEY} = 1 }}", "a key with more than 10 dots"),
        ('"a"' + " . 'a' . b" * MANY + " = 1", "a key with more than 10 dots"),
        (f"x = ['''a''''', {{{KEY} = 1}}, 'b']", "a key with more than 10 dots"),
        (f'x = ["""a"""", {{{KEY} = 1}}, "b"]', "a key with more than 10 dots"),
        (f'x = "\\\\" # "\n{KEY} = 1', "a key with more than 10 dots"),
        ("x = " + "[" * MANY + "]" * MANY, "nested more than 50 levels"),
        ("x = " + "{a = " * MANY + "1" + "}" * MANY, "nested more than 50 levels"),
        ("x = " + "[" * 51 + "]" * 51, "nested more than 50 levels"),
        ("[a]\n" * 500_001, "500,001 tables, lists and dots; a file may have 500,000"),
        (f"x = [{'[], ' * 500_001}]", "500,002 tables, lists and dots"),
        ("a.b.c = 1\n" * 250_001, "500,002 tables, lists and dots"),
    ],
)
def test_a_file_that_asks_for_too_much_is_refused_before_it_is_parsed(tmp_path, text, message):
    path = tmp_path / "bomb.toml"
    path.write_text(text)
    tracemalloc.start()
    try:
        for read in (read_toml, load_experiment, lambda file: load_scheme(str(file))):
            with pytest.raises(InputError, match=message) as caught:
                read(path)
            assert str(caught.value).startswith(f"{path}: not valid TOML: ")
        assert tracemalloc.get_traced_memory()[1] < 20e6  # gigabytes when parsed
    finally:
        tracemalloc.stop()


def test_an_override_that_asks_for_too_much_is_text_and_nothing_a_key_takes():
    with pytest.raises(InputError, match=r"membrane\.area: got "):
        load_experiment("squid-patch", [f"membrane.area={{{KEY} = 1}}"])
    with pytest.raises(InputError, match="no key has that many dots"):
        load_experiment("squid-patch", [f"{KEY}=1"])


DOTTED = """x = ["%(dots)s", '%(dots)s', \"\"\"
%(dots)s = 1\"\"\"\"\", '''%(dots)s = 1'''''] # %(dots)s = 1
"%(dots)s".b.c.d.e.f.g.h.i.j.k = 1.5
y = [%(numbers)s]
"""


def test_dots_within_texts_numbers_and_comments_are_no_key():
    text = DOTTED % {"dots": "a.b." * 1000, "numbers": ", ".join(["-1.5e-3"] * 10_000)}
    tables = parse_toml(text)
    assert len(tables["y"]) == 10_000
    assert tables["x"][3] == "a.b." * 1000 + " = 1''"
    assert parse_toml("x = " + "[" * 50 + "]" * 50)


@pytest.mark.parametrize(
    "text",
    ['"' * 900_000, "'" * 900_000, '"""\n' + '\\"""x\n' * 150_000, '\\"' * 400_000 + "\\\n"],
    ids=["quotes", "apostrophes", "unclosed", "escaped"],
)
def test_no_text_makes_the_search_for_long_keys_long(text):
    with pytest.raises(ValueError):
        parse_toml(text)


# ---- what is no file ----------------------------------------------------------------------

CELL = "1 1 0 0 0 5 -1\n2 2 10 0 0 1 1\n3 2 20 0 0 1 2\n"
WAVE = "time (ms),current (pA)\n0,1\n1,2\n"
READERS = {
    "scenario.toml": load_experiment,
    "scheme.toml": lambda path: load_scheme(str(path)),
    "base.toml": lambda path: load_experiment({"format": 1, "base": str(path)}),
    "wave.csv": lambda path: read_waveform(path, CURRENT),
    "cell.swc": read_swc,
    "result.nc": stochhh.load,
}


def refused_soon(read, path, message):
    """Refused with a line, within a second of waiting for nothing."""
    found = []

    def try_it():
        try:
            read(path)
        except InputError as error:
            found.append(str(error))

    thread = threading.Thread(target=try_it, daemon=True)
    thread.start()
    thread.join(20)
    assert found, "neither read nor refused"
    assert "\n" not in found[0]
    assert path.name in found[0]
    assert any(word in found[0] for word in message), found[0]


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_a_socket_a_loop_and_a_folder_are_refused_and_not_waited_for(
    tmp_path, name, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    path, read = tmp_path / name, READERS[name]
    no_file = ("cannot be read", "no such", "neither a file")
    os.mkfifo(path)
    refused_soon(read, path, no_file)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(name)
        refused_soon(read, path, no_file)
    path.unlink()
    path.symlink_to(path)
    refused_soon(read, path, no_file)
    path.unlink()
    path.mkdir()
    refused_soon(read, path, no_file)
    path.rmdir()
    path.symlink_to("/dev/zero")
    refused_soon(read, path, no_file)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("stimulus = [{ kind = 'file', path = '%s' }]", "x.csv"),
        ("membrane.channels = [{ scheme = '%s', count = 1, reversal = '0 mV' }]", "x.toml"),
        ("run.initial.result = '%s'", "x.nc"),
        ("base = '%s'", "x.toml"),
    ],
)
@pytest.mark.parametrize("link", ["%s", "loop/../%s"])
def test_a_scenario_that_names_a_loop_or_a_pipe_is_refused(tmp_path, key, name, link):
    scenario = tmp_path / "s.toml"
    head = "" if key.startswith("base") else 'base = "squid-patch"\n'
    scenario.write_text(f"format = 1\n{head}{key % (link % name)}\nrun.seed = 1\n")
    (tmp_path / "loop").symlink_to("loop")
    for make in (os.mkfifo, lambda path: path.symlink_to(path.name)):
        make(tmp_path / name)
        no_file = ("cannot be", "no such", "neither a", "unknown scheme")
        refused_soon(lambda _: stochhh.run(scenario, trials=1), tmp_path / name, no_file)
        (tmp_path / name).unlink()


def test_a_loop_does_not_hide_a_link_that_leads_out(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text(WAVE)
    (inside / "loop").symlink_to("loop")
    (inside / "out.csv").symlink_to(tmp_path / "secret.csv")
    path = inside / "s.toml"
    for name, message in (("out.csv", "lies outside"), ("loop/../out.csv", "cannot be read")):
        path.write_text(
            f'format = 1\nbase = "squid-patch"\nstimulus = [{{kind = "file", path = "{name}"}}]\n'
        )
        with pytest.raises(InputError, match=message):
            load_experiment(path)


@pytest.mark.parametrize("name", [*READERS, "none"])
def test_a_name_too_long_for_a_file_is_refused(tmp_path, name):
    read = READERS.get(name, load_experiment)
    with pytest.raises(InputError):
        read(tmp_path / ("a" * 300 + name))


# ---- byte order marks ---------------------------------------------------------------------


def test_a_byte_order_mark_is_left_out(tmp_path):
    texts = {
        "s.toml": 'format = 1\nbase = "squid-patch"\n',
        "k.toml": (stochhh.scenario.load.library_folder().parent / "x").name and SCHEME,
        "w.csv": WAVE,
        "c.swc": CELL,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert load_experiment(tmp_path / "s.toml").title
    assert load_scheme(str(tmp_path / "k.toml")).states == ("C", "O")
    time, value, _ = read_waveform(tmp_path / "w.csv", CURRENT)
    assert (time.tolist(), value.tolist()) == ([0, 1], [1, 2])
    assert [shape.name for shape in read_swc(tmp_path / "c.swc")] == ["soma", "axon-1"]


SCHEME = """format = 1
title = "two states"
ion = "K+"
state = [{ name = "C" }, { name = "O", conductance = 1.0 }]
rates.r = { law = "constant", rate = "1 / ms" }
transition = [{ from = "C", to = "O", rate = "r" }, { from = "O", to = "C", rate = "r" }]
"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["scenario.toml", "scheme.toml", "wave.csv", "cell.swc"])
def test_utf_16_is_named(tmp_path, name, encoding):
    path = tmp_path / name
    mark = "" if encoding == "utf-16" else "\ufeff"
    path.write_bytes((mark + WAVE).encode(encoding))
    with pytest.raises(InputError, match="not UTF-8 text, but UTF-16; save it as UTF-8"):
        READERS[name](path)


def test_swc_files_may_have_comments_in_other_encodings(tmp_path):
    path = tmp_path / "latin.swc"
    path.write_bytes("# traced by José\n".encode("latin-1") + CELL.encode())
    assert len(read_swc(path)) == 2


# ---- large waveforms ----------------------------------------------------------------------


def test_a_waveform_of_many_rows_takes_little_more_memory_than_its_numbers(tmp_path):
    path, n = tmp_path / "long.csv", 200_000
    path.write_text("t (ms),i (pA)\n" + "".join(f"{k},1.5\n" for k in range(n)))
    tracemalloc.start()
    try:
        time, value, _ = read_waveform(path, CURRENT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(time), time[-1], value[-1]) == (n, n - 1, 1.5)
    assert peak < 10 * 16 * n  # a list of rows takes 20 times the numbers


def test_a_waveform_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(300_000_000)  # a hole, in one line
    with pytest.raises(
        InputError,
        match=r"larger than 200 MB \(.*\), too large for a waveform; keep every second sample",
    ):
        read_waveform(path, CURRENT)


def test_a_waveform_in_one_line_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "line.csv"
    path.write_bytes(b"7" * 10_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="a line of more than 100000 characters"):
            read_waveform(path, CURRENT)
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()


def test_a_waveform_is_read_once_for_all_trials_and_again_when_it_changed(tmp_path, monkeypatch):
    import numpy as np

    path, reads, read = tmp_path / "noise.csv", [], np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *a, **k: reads.append(1) or read(*a, **k))

    def run(trials):
        stimulus = {"kind": "file", "path": str(path)}
        noise = {"kind": "noise", "sd": "1 pA", "correlation_time": "1 ms"}
        return stochhh.run(
            {"format": 1, "base": "squid-patch", "stimulus": [stimulus, noise]},
            overrides=["run.duration=2 ms", "membrane.area=1 um^2", "run.deterministic=false"],
            trials=trials,
            seed=1,
        )

    path.write_text(WAVE)
    run(5)
    assert len(reads) == 1
    path.write_text(WAVE + "2,3\n")
    run(2)
    assert len(reads) == 2
    with pytest.raises(ValueError, match="read-only"):
        read_waveform(path, CURRENT)[1][0] = 5.0
