"""A sweep's folder: only what the program made is removed, and nothing goes through a link."""

from __future__ import annotations

import json
import os

import pytest

import stochhh
from stochhh.errors import InputError
from stochhh.sweeping import store

TABLES = {
    "format": 1,
    "title": "a small sweep",
    "base": "squid-patch",
    "run": {"duration": "2 ms", "seed": 1, "trials": 2, "deterministic": False},
    "sweep": {"membrane.area": ["1 um^2", "2 um^2"]},
}


def swept(folder, **more):
    return stochhh.sweep(TABLES, out=folder, workers=1, **more)


@pytest.fixture
def thesis(tmp_path):
    """A folder of the user's, that a link may lead to."""
    home = tmp_path / "home"
    (home / "thesis").mkdir(parents=True)
    (home / "thesis" / "chapter1").write_text("x")
    for name in ("notes.txt", "000007.json", ".000001.json.abcdefgh.json", "result.nc"):
        (home / name).write_text("y")
    (home / "000009").mkdir()
    (home / "000009" / "result.nc").write_text("z")
    return home


def listing(folder):
    return {
        path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("more", [{}, {"force": True}, {"keep_traces": True}])
@pytest.mark.parametrize("name", ["points", "traces"])
def test_a_link_in_the_folder_is_refused_and_what_lies_behind_it_stays(
    name, more, thesis, tmp_path
):
    folder = tmp_path / "out"
    swept(folder)
    if (folder / name).exists():
        (folder / name).rename(folder / "moved")
    (folder / name).symlink_to(thesis)
    before = listing(thesis)
    with pytest.raises(InputError, match=f"{name}: is a link"):
        swept(folder, **more)
    assert listing(thesis) == before


def test_a_link_to_the_output_folder_itself_is_followed(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "scratch")
    assert swept(tmp_path / "out").computed == 2
    assert swept(tmp_path / "out").computed == 0


@pytest.mark.parametrize("name", ["sweep.lock", "scenario.toml", "sweep.csv", "points/000000.json"])
def test_links_to_files_are_not_written_through(name, tmp_path):
    folder, target = tmp_path / "out", tmp_path / "precious"
    swept(folder)
    target.write_text("precious")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    if name in ("sweep.lock", "scenario.toml"):  # not to be told from another's
        with pytest.raises(InputError):
            swept(folder)
    else:
        swept(folder)
    assert target.read_text() == "precious"


def test_a_link_in_place_of_a_trace_is_refused(thesis, tmp_path):
    folder = tmp_path / "out"
    (folder / "traces").mkdir(parents=True)
    (folder / "traces" / "000001").symlink_to(thesis)
    before = listing(thesis)
    with pytest.raises(InputError, match="is a link"):
        swept(folder, keep_traces=True, force=True)
    assert listing(thesis) == before


@pytest.mark.parametrize("force", [False, True])
def test_files_of_the_users_stay(force, tmp_path):
    folder = tmp_path / "out"
    swept(folder, keep_traces=True)
    mine = [
        folder / "points" / "notes.txt",
        folder / "points" / "000007.json.bak",
        folder / "points" / "12.json",
        folder / "traces" / "000000" / "remarks.txt",
        folder / "traces" / "mine" / "x",
    ]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (folder / "points" / "000008.json").mkdir()
    swept(folder, force=force)
    assert all(path.read_text() == "mine" for path in mine)
    assert (folder / "points" / "000008.json").is_dir()
    assert not (folder / "traces" / "000000" / "result.nc").exists()
    assert not (folder / "traces" / "000001").exists()


def test_leftovers_of_killed_writes_go_at_any_depth(tmp_path):
    folder, clean = tmp_path / "out", tmp_path / "clean"
    for one in (folder, clean):
        swept(one, keep_traces=True)
    left = [
        folder / ".sweep.nc.abcd1234.nc",
        folder / ".scenario.toml.abcd1234.toml",
        folder / "points" / ".000000.json.abcd1234.json",
        folder / "traces" / "000001" / ".result.nc.abcd_234.nc",
    ]
    for path in left:
        path.write_text("half")
    swept(folder, keep_traces=True)

    def files(one):
        return sorted(path.relative_to(one) for path in one.rglob("*"))

    assert files(folder) == files(clean)


def forge(folder, change):
    """Change the content of point 0 and give it a right checksum."""
    path = folder / "points" / "000000.json"
    tables = json.loads(path.read_text())
    change(tables["content"])
    tables["checksum"] = store._checksum(tables["content"])
    path.write_text(json.dumps(tables))


def fewer_trials(content):
    for name, values in content["trials"].items():
        content["trials"][name] = values[:1]


def no_numbers(content):
    content["trials"] = {}


def no_table(content):
    content["trials"] = [["voltage_mean", 1.0]]


def no_traces(content):
    content["traces"] = "../../etc"


def fewer_numbers(content):
    del content["trials"]["rest"]


def another_number(content):
    content["trials"]["trial"] = content["trials"]["rest"]


def no_values(content):
    content["trials"]["rest"] = [None, None]


def a_limit(content):
    content["limit"] = {name: values[:1] for name, values in content["trials"].items()}


def no_number(content):
    content["trials"]["rest"][0] = "-65"


def no_train(content):
    content["trials"]["spikes"][0] = 1.0


def trains_out_of_order(content):
    content["trials"]["spikes"][0] = [1.5, 1.0]


def spikes_after_the_end(content):
    content["trials"]["spikes"][0] = [1.0, 3.0]


def lists_in_lists(content):
    content["trials"]["ions.squid-k"] = [[1.0], [2.0]]


def as_large_as_floats_go(content):
    content["trials"]["rest"][0] = 1e300


def beyond_all_floats(content):
    content["trials"]["rest"][0] = 10**400


FORGERIES = [
    fewer_trials, no_numbers, no_table, no_traces, fewer_numbers, another_number, no_values,
    a_limit, no_number, no_train, trains_out_of_order, spikes_after_the_end, lists_in_lists,
    as_large_as_floats_go, beyond_all_floats,
]  # fmt: skip


@pytest.mark.parametrize("change", FORGERIES)
def test_a_forged_point_is_run_again(change, tmp_path):
    swept(tmp_path)
    before = (tmp_path / "sweep.csv").read_bytes()
    forge(tmp_path, change)
    again = swept(tmp_path)
    assert (again.computed, again.damaged) == (1, 1)
    assert (tmp_path / "sweep.csv").read_bytes() == before


def test_a_point_that_claims_to_have_no_trace_is_run_again(tmp_path):
    swept(tmp_path, keep_traces=True)
    (tmp_path / "traces" / "000000" / "result.nc").unlink()
    forge(tmp_path, lambda content: content.update(traces=None))
    assert swept(tmp_path, keep_traces=True).computed == 1
    assert (tmp_path / "traces" / "000000" / "result.nc").exists()


def test_a_file_that_is_far_too_long_is_not_read(tmp_path):
    swept(tmp_path)
    with (tmp_path / "points" / "000000.json").open("r+b") as file:
        file.truncate(10**12)  # a hole, which takes no room
    assert swept(tmp_path).computed == 1


def folder_there(path):
    path.mkdir()


def pipe_there(path):
    os.mkfifo(path)


def deep_json(path):
    path.write_text("[" * 100_000)


def loop_there(path):
    path.symlink_to(path)


@pytest.mark.parametrize("harm", [folder_there, pipe_there, deep_json, loop_there])
@pytest.mark.parametrize("name", ["points/000000.json", "traces/000000/result.nc", "scenario.toml"])
def test_what_is_no_file_of_ours_neither_hangs_nor_crashes(harm, name, tmp_path):
    swept(tmp_path, keep_traces=True)
    (tmp_path / name).unlink()
    harm(tmp_path / name)
    said = ""
    try:
        again = swept(tmp_path, keep_traces=True)
    except InputError as error:
        said = str(error)
    else:
        assert not again.failed
        assert again.computed == (0 if name == "scenario.toml" else 1)
    assert "\n" not in said


def test_clearing_looks_into_a_folder_once_however_many_points_go(tmp_path, monkeypatch):
    (tmp_path / "points").mkdir()
    for index in range(300):
        (tmp_path / "points" / f"{index:06d}.json").touch()
    looks = []
    listed = type(tmp_path).iterdir
    monkeypatch.setattr(type(tmp_path), "iterdir", lambda path: looks.append(path) or listed(path))
    store._clear(tmp_path, 2, traces=False)
    assert len(looks) < 30
    assert len(list(listed(tmp_path / "points"))) == 2


@pytest.mark.parametrize("name", ["points", "traces"])
def test_a_file_in_place_of_a_folder_is_refused_before_anything_runs(name, tmp_path, monkeypatch):
    swept(tmp_path)
    if (tmp_path / name).exists():
        (tmp_path / name).rename(tmp_path / "moved")
    (tmp_path / name).write_text("mine")
    monkeypatch.setattr("stochhh.sweeping.point.simulate_point", None)
    with pytest.raises(InputError, match=f"{name}: is no folder; remove it"):
        swept(tmp_path, keep_traces=True)


def test_digits_of_other_scripts_are_no_numbers_of_points(tmp_path):
    swept(tmp_path)
    (tmp_path / "points" / "１２３４５６.json").write_text("mine")
    swept(tmp_path)
    assert (tmp_path / "points" / "１２３４５６.json").read_text() == "mine"


def test_a_seed_is_found_in_a_scenario_that_takes_for_ever_to_read(tmp_path):
    tables = {**TABLES, "run": {"duration": "2 ms", "trials": 1, "deterministic": False}}
    first = stochhh.sweep(tables, out=tmp_path)
    with (tmp_path / "scenario.toml").open("a") as file:
        file.write(".".join(["a"] * 200_000) + " = 1\n")  # Python's reader takes its square
    assert stochhh.sweep(tables, out=tmp_path).scenario.run.seed == first.scenario.run.seed
