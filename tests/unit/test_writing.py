"""Files that change together or not at all, whatever ends the process in between."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import stochhh
from stochhh import writing
from stochhh.errors import InputError
from stochhh.report import FILES, save_with_studies
from stochhh.writing import STAGE, recover, replacing, signals_wait, together

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")
TINY = ["membrane.area=1 um^2", "run.duration=2 ms", "run.deterministic=false"]


def write(folder, names, text, earlier=()):
    with together(folder, earlier):
        for name in names:
            with replacing(folder / name) as temporary:
                temporary.write_text(text)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_nothing_is_there_until_all_is(tmp_path):
    with together(tmp_path) as names:
        with replacing(tmp_path / "a.csv") as temporary:
            temporary.write_text("1")
        assert [path.name for path in tmp_path.iterdir()] == [STAGE]
        assert names == ["a.csv"]
    assert contents(tmp_path) == {"a.csv": "1"}


def test_files_elsewhere_do_not_wait(tmp_path):
    with together(tmp_path / "set"), replacing(tmp_path / "a.csv") as temporary:
        temporary.write_text("1")
    assert (tmp_path / "a.csv").read_text() == "1"


def test_what_fails_leaves_the_old_set(tmp_path):
    write(tmp_path, ["a.csv", "b.csv"], "old")
    with (
        pytest.raises(RuntimeError, match="no ink"),
        together(tmp_path),
        replacing(tmp_path / "a.csv"),
    ):
        raise RuntimeError("no ink")
    assert contents(tmp_path) == {"a.csv": "old", "b.csv": "old"}


def test_files_that_went_are_those_of_the_earlier_set(tmp_path):
    write(tmp_path, ["a.csv", "b.csv"], "old")
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "target")
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, ["a.csv"], "new", ["a.csv", "b.csv", "link.csv", "notes.txt", "../x.csv"])
    assert contents(tmp_path) == {
        "a.csv": "new", "link.csv": "mine", "notes.txt": "mine", "target": "mine"
    }  # fmt: skip


CALLS = ("replace", "fsync", "unlink", "rmdir", "chmod", "mkdir")


@posix
@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_any_moment_leaves_the_old_set_or_the_new_one(call, tmp_path):
    seen = set()
    for nth in range(1, 60):
        folder = tmp_path / f"{call}-{nth}"
        write(folder, ["a.csv", "b.csv", "gone.png"], "old")
        child = os.fork()
        if child == 0:
            left, real = nth, getattr(os, call)

            def killing(*arguments, _real=real, **options):
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(9)
                return _real(*arguments, **options)

            setattr(os, call, killing)
            write(folder, ["a.csv", "b.csv", "c.csv"], "new", ["a.csv", "b.csv", "gone.png"])
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        recover(folder)
        found = contents(folder)
        assert found in (
            {"a.csv": "old", "b.csv": "old", "gone.png": "old"},
            {"a.csv": "new", "b.csv": "new", "c.csv": "new"},
        ), f"killed at {call} number {nth}"
        seen.add(found["a.csv"])
        if code == 0:
            break
    else:
        pytest.fail("never ran to its end")
    assert "new" in seen


@posix
def test_a_kill_during_a_save_never_mixes_two_runs(tmp_path):
    old = stochhh.run("squid-patch", overrides=TINY, seed=1, trials=2)
    new = stochhh.run("squid-patch", overrides=TINY, seed=2, trials=2)
    for nth in range(1, 40):
        folder = tmp_path / str(nth)
        stochhh.save(old, folder)
        child = os.fork()
        if child == 0:
            left, real = nth, os.replace

            def killing(*arguments, _real=real):
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(9)
                return _real(*arguments)

            os.replace = killing
            save_with_studies(new, folder, force=True)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        seed = stochhh.load(folder).seed
        assert json.loads((folder / "summary.json").read_text())["seed"] == seed
        assert f"seed = {seed}\n" in (folder / "scenario.toml").read_text()
        stochhh.save(new, folder, force=True)
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
        if code == 0:
            return
    pytest.fail("never ran to its end")


FORGED = ("{", "[]", '{"here": ["../../x.csv"], "gone": []}', '{"here": [1], "gone": []}')


@pytest.mark.parametrize("text", [*FORGED, "[" * 99999])
def test_a_forged_list_moves_nothing(text, tmp_path):
    (tmp_path / STAGE).mkdir()
    (tmp_path / STAGE / ".whole.json").write_text(text)
    (tmp_path / STAGE / "x.csv").write_text("forged")
    assert not recover(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_stage_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis").write_text("x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / STAGE).symlink_to(tmp_path / "home")
    assert not recover(tmp_path / "out")
    with pytest.raises(InputError, match="is a link"):
        write(tmp_path / "out", ["a.csv"], "new")
    assert contents(tmp_path / "home") == {"thesis": "x"}


# ---- full disks ----------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("room", [0, 100, 5_000, 30_000, 60_000, 100_000])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(room, tmp_path):
    """A limit on the size of files makes writing fail as a full disk does."""
    arguments = ["run", "squid-patch", "--quiet", "--seed", "1", "--out", str(tmp_path / "out")]
    for one in [*TINY, "run.record.interval=0.001 ms", "run.trials=9"]:
        arguments += ["--set", one]
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "import stochhh.report, stochhh.simulate, stochhh.console; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); "
        "from stochhh.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert os.strerror(errno.EFBIG) in done.stderr
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    again = subprocess.run(
        [sys.executable, "-m", "stochhh", *arguments], capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert stochhh.load(tmp_path / "out").seed == 1


# ---- signals -------------------------------------------------------------------------------


def write_when_told_to_end(folder, number):
    os.kill(os.getpid(), number)
    write(folder, ["a.csv"], "new")


@posix
@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGHUP, SystemExit)]
)
def test_a_signal_waits_for_a_moment_that_suits(number, raised, tmp_path, monkeypatch):
    before = signal.signal(number, lambda *_: pytest.fail("its handler was called"))
    try:
        write(tmp_path, ["a.csv"], "old")
        with pytest.raises(raised), signals_wait():
            write_when_told_to_end(tmp_path, number)
        assert contents(tmp_path) == {"a.csv": "old"}
        assert writing._came == []
    finally:
        signal.signal(number, before)


@posix
def test_a_signal_in_the_last_moment_acts_after_it():
    with pytest.raises(KeyboardInterrupt), signals_wait():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


SLOW = """
import sys
from stochhh import report
real = report.overview
def slow(result):
    print("saving", flush=True)
    import time
    time.sleep(5)
    return real(result)
report.overview = slow
from stochhh.cli import main
main(sys.argv[1:])
"""


@posix
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_during_a_save_end_it_and_the_same_command_goes_on(number, code, tmp_path):
    arguments = ["run", "squid-patch", "--quiet", "--seed", "1", "--out", str(tmp_path / "out")]
    for one in TINY:
        arguments += ["--set", one]
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    child.stdout.readline()
    time.sleep(0.2)
    child.send_signal(number)
    err = child.communicate(timeout=60)[1].decode()
    assert child.returncode == code
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()
    assert (
        subprocess.run([sys.executable, "-m", "stochhh", *arguments], check=False).returncode == 0
    )


def test_long_records_of_a_killed_run_are_removed_by_the_next(tmp_path):
    from stochhh.folders import held

    left = tmp_path / ".stochhh-abcd1234"
    mine = tmp_path / ".stochhh-mine1234"
    for folder in (left, mine):
        folder.mkdir()
        (folder / "tmpabcd1234.records").write_text("half")
    (mine / "thesis").write_text("x")
    with held(tmp_path, "run"):
        assert not left.exists()
        assert [path.name for path in mine.iterdir()] == ["thesis"]
