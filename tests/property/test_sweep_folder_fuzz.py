"""Sweeps into folders that hold anything: nothing outside changes, users' files stay, numbers too.

A folder may come from someone else, with links, pipes and forged points in it. The sweep either
refuses it in a line or ends with the numbers of one in a clean folder.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stochhh
from stochhh.sweeping import store

N_FOLDERS = int(os.environ.get("STOCHHH_FUZZ", "40"))
TABLES = {
    "format": 1,
    "title": "into any folder",
    "base": "squid-patch",
    "run": {"duration": "1 ms", "seed": 1, "trials": 2, "deterministic": False},
    "sweep": {"membrane.area": ["1 um^2", "2 um^2"]},
}
NUMBERS = ("sweep.csv", "sweep.nc", "points/000000.json", "points/000001.json")

#: What the program writes, or writes in passing.
OURS = (
    "scenario.toml", "sweep.csv", "sweep.nc", "summary.json", "figure.png", "sweep.lock",
    "points/000000.json", "points/000001.json", "points/000002.json", "points/999999.json",
    "traces/000000/result.nc", "traces/000001/result.nc", "traces/000007/result.nc",
    ".sweep.nc.abcd1234.nc", ".scenario.toml.abcd1234.toml", "points/.000000.json.abcd1234.json",
    "traces/000001/.result.nc.abcd1234.nc",
)  # fmt: skip
FOLDERS = ("points", "traces", "traces/000000", "traces/000001", "traces/000007")
#: What users may have put there, some of it nearly as ours.
THEIRS = (
    "notes.txt", "sweep.nc.bak", ".hidden", ".sweep.nc.abcd.nc", ".sweep.nc.ABCD1234.nc",
    "points/notes.txt", "points/000001.json.bak", "points/12.json", "points/0000012.json",
    "points/１２３４５６.json", "points/000007.JSON", "points/.000000.json.swp", "points/mine/x",
    "traces/notes.txt", "traces/000000/notes.txt", "traces/000001/result.nc.old",
    "traces/00000１/result.nc", "traces/mine/result.nc", "mine/points/000007.json",
)  # fmt: skip
LINKS = ("link to a file", "link to a folder", "dangling link", "loop")
KINDS = (
    *LINKS, "junk", "empty", "cut", "folder", "full folder", "pipe", "gone", "deep", "wide",
    "forged",
)  # fmt: skip

one_link = st.tuples(st.sampled_from(FOLDERS), st.just("link to a folder")) | st.tuples(
    st.sampled_from(OURS), st.sampled_from(LINKS)
)
links = st.lists(one_link, max_size=2)
harms = st.lists(st.tuples(st.sampled_from((*OURS, *FOLDERS)), st.sampled_from(KINDS)), max_size=3)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Folders of undisturbed sweeps, without traces and with them."""
    folders = tmp_path_factory.mktemp("clean")
    for traces in (False, True):
        stochhh.sweep(TABLES, out=folders / str(traces), workers=1, keep_traces=traces)
    return folders


@pytest.fixture(scope="module", autouse=True)
def _no_pictures():
    """Draw none: that takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stochhh.sweeping.files.draw_metrics", lambda dataset, scenario: None)
        patch.setattr("stochhh.sweeping.files.save_figure", lambda figure, path: None)
        yield


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def do(harm, path, outside):
    """Put something in place of what stands at a path; nowhere but in the folder itself."""
    if any(one.is_symlink() or (one.exists() and not one.is_dir()) for one in path.parents):
        return
    before = path.read_bytes() if path.is_file() and not path.is_symlink() else b"{}"
    remove(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if harm == "junk":
        path.write_bytes(b"\x00\xff junk")
    elif harm == "empty":
        path.touch()
    elif harm == "cut":
        path.write_bytes(before[: len(before) // 2])
    elif harm == "folder":
        path.mkdir()
    elif harm == "full folder":
        path.mkdir()
        (path / "kept").write_text("theirs")
    elif harm == "pipe":
        os.mkfifo(path)
    elif harm == "loop":
        path.symlink_to(path)
    elif harm == "dangling link":
        path.symlink_to(outside / "nothing" / "here")
    elif harm == "link to a file":
        path.symlink_to(outside / "000001.json")
    elif harm == "link to a folder":
        path.symlink_to(outside)
    elif harm == "deep":
        path.write_text("[" * 100_000)
    elif harm == "wide":
        path.write_text("[" + "0," * 100_000 + "0]")
    elif harm == "forged":
        try:
            tables = json.loads(before)
            tables["content"]["trials"]["rest"] = [5.0]
            tables["checksum"] = store._checksum(tables["content"])
        except (ValueError, KeyError, TypeError, RecursionError):
            tables = {"key": "", "checksum": "", "content": None}
        path.write_text(json.dumps(tables))


def listing(folder):
    """All that is in a folder, link or not, with its kind and content."""
    found = {}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        content = path.read_bytes() if stat.S_ISREG(mode) else b""
        found[str(path.relative_to(folder))] = (stat.S_IFMT(mode), content)
    return found


@settings(max_examples=N_FOLDERS)
@given(
    harms=harms,
    links=links,
    theirs=st.sets(st.sampled_from(THEIRS), max_size=5),
    before=st.sampled_from([None, False, True]),
    traces=st.booleans(),
    force=st.booleans(),
)
def test_a_sweep_into_any_folder(clean, harms, links, theirs, before, traces, force):
    with tempfile.TemporaryDirectory() as named:
        place = Path(named)
        folder, outside = place / "out", place / "outside"
        (outside / "000001").mkdir(parents=True)
        for name in ("000001.json", "result.nc", "000001/result.nc", ".sweep.nc.abcd1234.nc"):
            (outside / name).write_text("precious")
        if before is not None:
            shutil.copytree(clean / str(before), folder)
        for name in theirs:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("theirs")
        for name, harm in (*harms, *links):
            do(harm, folder / name, outside)
        theirs_before = {
            name: kept
            for name, kept in (listing(folder) if folder.exists() else {}).items()
            if kept[1] == b"theirs"
        }
        outside_before = listing(outside)
        refused = ""
        try:
            stochhh.sweep(TABLES, out=folder, workers=1, keep_traces=traces, force=force)
        except stochhh.InputError as error:
            refused = str(error)
        assert "\n" not in refused
        if not refused:
            for name in NUMBERS:
                whole = (clean / str(traces) / name).read_bytes()
                assert (folder / name).read_bytes() == whole
                assert not (folder / name).is_symlink()
        assert listing(outside) == outside_before
        after = listing(folder) if folder.exists() else {}
        assert {name: after.get(name) for name in theirs_before} == theirs_before
