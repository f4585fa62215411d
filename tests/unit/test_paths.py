"""Scenario files may name what lies beside and below them, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import stochhh
from stochhh.scenario import load_experiment, paths
from stochhh.scenario.paths import allowing_outside

TEXT = 'format = 1\ntitle = "t"\nbase = "squid-patch"\n'
CURRENT = "time (ms),current (pA)\n0,1\n1,2\n"
OUT = "lies outside"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a scenario's place in it, and secrets beside."""
    (tmp_path / "here" / "below").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text(CURRENT)
    (tmp_path / "base.toml").write_text(TEXT)
    (tmp_path / "here" / "below" / "fine.csv").write_text(CURRENT)
    return tmp_path / "here"


def scenario(folder: Path, text: str) -> Path:
    path = folder / "s.toml"
    path.write_text(text)
    return path


def waveform(path: object) -> str:
    return f"{TEXT}[[stimulus]]\nkind = 'file'\npath = '{path}'\n"


def test_what_lies_below_is_found(here):
    loaded = load_experiment(scenario(here, waveform("below/fine.csv")))
    assert loaded.stimulus[0].path == str(here / "below" / "fine.csv")


def test_a_short_name_in_a_deep_folder_is_not_too_long(here):
    deep = here.joinpath(*["deep" * 12] * 5)
    deep.mkdir(parents=True)
    (deep / "i.csv").write_text(CURRENT)
    channels = '[[membrane.channels]]\nscheme = "k.toml"\ndensity = "1 / um^2"\n'
    channels += 'conductance = "1 pS"\nreversal = "0 mV"\n'
    start = '[run.initial]\nresult = "r.nc"\n'
    loaded = load_experiment(scenario(deep, waveform("i.csv") + channels + start))
    assert loaded.stimulus[0].path == str(deep / "i.csv")
    assert loaded.membrane.channels[0].scheme == str(deep / "k.toml")
    assert loaded.run.initial.result == str(deep / "r.nc")


def test_relative_absolute_and_linked_ways_out_are_refused(here):
    (here / "link.csv").symlink_to(here.parent / "secret.csv")
    for path in ("../secret.csv", here.parent / "secret.csv", "below/../../secret.csv", "link.csv"):
        with pytest.raises(stochhh.InputError, match=OUT) as caught:
            load_experiment(scenario(here, waveform(path)))
        assert "--allow-outside" in str(caught.value)
        with allowing_outside():
            load_experiment(scenario(here, waveform(path)))


@pytest.mark.parametrize(
    "text",
    [
        'format = 1\ntitle = "t"\nbase = "../base.toml"\n',
        f'{TEXT}[membrane]\n[[membrane.channels]]\nscheme = "../x.toml"\nreversal = "0 mV"\n',
        f'{TEXT}[run.initial]\nresult = "../results/earlier"\n',
        f'{TEXT}[sweep]\n"stimulus.0.path" = ["../secret.csv"]\n',
        f'{TEXT}[clamp]\nholding = "-65 mV"\n[[clamp.segment]]\nkind = "file"\npath = "../v.csv"\n',
        'format = 1\ntitle = "t"\nbase = "fork"\n[[cell]]\nname = "c"\n'
        '[cell.morphology]\nfile = "../c.swc"\n',
        'format = 1\ntitle = "t"\nbase = "two-neurons"\n[[synapse]]\nname = "s"\n'
        '[synapse.receptors]\nscheme = "../r.toml"\n',
    ],
)
def test_every_kind_of_path_is_watched(here, text):
    with pytest.raises(stochhh.InputError, match=OUT):
        load_experiment(scenario(here, text))


def test_a_base_below_may_not_lead_out_either(here):
    (here / "below" / "base.toml").write_text(waveform("../../secret.csv"))
    with pytest.raises(stochhh.InputError, match=OUT):
        load_experiment(scenario(here, 'format = 1\ntitle = "t"\nbase = "below/base.toml"\n'))


def test_users_may_name_what_they_like(here):
    path = scenario(here, waveform("below/fine.csv"))
    outside = str(here.parent / "secret.csv")
    assert load_experiment(path, [f"stimulus.0.path={outside}"]).stimulus[0].path == outside
    tables = {"format": 1, "title": "t", "base": "squid-patch",
              "stimulus": [{"kind": "file", "path": outside}]}  # fmt: skip
    assert load_experiment(tables).stimulus[0].path == outside


def test_the_library_is_open_to_all(here):
    load_experiment(scenario(here, TEXT.replace("squid-patch", "ap-clamp")))
    load_experiment(scenario(here, TEXT.replace("squid-patch", "fork")))


def test_the_command_line_refuses_and_allows(here, call):
    path = scenario(here, waveform("../secret.csv"))
    code, _, errors = call("validate", str(path))
    assert code == 2
    assert errors.count("\n") == 1
    assert OUT in errors
    assert call("--allow-outside", "validate", str(path))[0] == 0
    assert call("validate", str(path))[0] == 2  # allowed once is not allowed for ever


# ---- links, which stand for files elsewhere -------------------------------------------------

GATE = """format = 1
title = "one gate"
ion = "K+"
[[gate]]
name = "n"
power = 4
opening = { law = "linoid", rate = "0.1 / ms", midpoint = "-55 mV", scale = "10 mV" }
closing = { law = "exponential", rate = "0.125 / ms", midpoint = "-65 mV", scale = "-80 mV" }
"""
CHANNEL = """[[membrane.channels]]
scheme = "k.toml"
density = "18 / um^2"
conductance = "20 pS"
reversal = "-77 mV"
"""
EMPTY = 'format = 1\ntitle = "t"\nbase = "squid-patch"\n[membrane]\n'


def linked(folder: Path, to: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / to.name).symlink_to(to)
    return folder / to.name


def scheme_of(path: Path) -> str:
    return load_experiment(path).membrane.channels[0].scheme


def test_a_linked_scenario_finds_what_lies_beside_the_link_or_its_target(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    path = scenario(shared, EMPTY + CHANNEL)
    (shared / "k.toml").write_text(GATE)
    link = linked(tmp_path / "link", path)
    assert scheme_of(link) == str(shared / "k.toml")
    stochhh.run(link, overrides=["run.duration=1 ms"], seed=1)
    (link.parent / "k.toml").write_text(GATE)
    assert scheme_of(link) == str(link.parent / "k.toml")
    assert scheme_of(path) == str(shared / "k.toml")


def test_a_base_and_its_own_files_are_found_through_links(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "k.toml").write_text(GATE)
    (shared / "base.toml").write_text(EMPTY + CHANNEL)
    path = scenario(shared, 'format = 1\ntitle = "t"\nbase = "base.toml"\n')
    assert scheme_of(linked(tmp_path / "link", path)) == str(shared / "k.toml")


def test_links_lead_no_further_than_these_folders(here):
    shared = here.parent / "shared"
    shared.mkdir()
    path = scenario(shared, waveform("../secret.csv"))
    (shared / "wave.csv").symlink_to(here.parent / "secret.csv")
    for folder in (here, here / "below"):
        link = linked(folder, path)
        for name in ("../secret.csv", "wave.csv", here.parent / "secret.csv"):
            scenario(shared, waveform(name))
            with pytest.raises(stochhh.InputError, match=OUT):
                load_experiment(link)
    (here / "wave.csv").symlink_to(here.parent / "secret.csv")
    scenario(shared, waveform("wave.csv"))
    with pytest.raises(stochhh.InputError, match=OUT):
        load_experiment(here / "s.toml")


def test_a_folder_of_a_run_may_hold_no_link_out(here):
    (here / "run").mkdir()
    (here / "run" / "result.nc").symlink_to(here.parent / "secret.csv")
    with pytest.raises(stochhh.InputError, match=OUT):
        load_experiment(scenario(here, f"{TEXT}[run.initial]\nresult = 'run'\n"))


def test_files_of_an_annex_are_links_into_it(tmp_path):
    """As git-annex (and DataLad) keep them: each in a folder of its own, without its ending."""
    store, work = tmp_path / "repo" / ".git" / "annex" / "objects", tmp_path / "repo" / "study"
    texts = {"k.toml": GATE, "w.csv": CURRENT, "s.toml": waveform("w.csv") + CHANNEL}
    texts["s.toml"] = texts["s.toml"].replace("[[membrane", "[membrane]\n[[membrane")
    for index, (name, text) in enumerate(texts.items()):
        kept = store / f"A{index}" / f"SHA256-s{len(text)}" / f"SHA256-s{len(text)}"
        kept.parent.mkdir(parents=True)
        kept.write_text(text)
        work.mkdir(exist_ok=True)
        (work / name).symlink_to(f"../{kept.relative_to(work.parent)}")
    loaded = load_experiment(work / "s.toml")
    assert loaded.name == "s"
    assert loaded.membrane.channels[0].scheme == str(work / "k.toml")
    assert loaded.stimulus[0].path == str(work / "w.csv")
    result = stochhh.run(loaded, overrides=["run.duration=1 ms"], seed=1)
    assert {one.name for one in result.inputs} == {"inputs/k.toml", "inputs/w.csv"}
    (work / "w.csv").unlink()
    (tmp_path / "secret.csv").write_text(CURRENT)
    (work / "w.csv").symlink_to("../../secret.csv")
    with pytest.raises(stochhh.InputError, match=OUT):
        load_experiment(work / "s.toml")


def test_an_annex_that_is_a_link_elsewhere_is_none(here):
    (here / ".git" / "annex").mkdir(parents=True)
    (here / ".git" / "annex" / "objects").symlink_to(here.parent)
    (here / "w.csv").symlink_to(here.parent / "secret.csv")
    with pytest.raises(stochhh.InputError, match=OUT):
        load_experiment(scenario(here, waveform("w.csv")))


def test_files_of_a_store_are_links_into_it(here, monkeypatch):
    """As those of Nix and Guix are, each in a folder of its own in a store that all may read."""
    store = here.parent / "store"
    monkeypatch.setattr(paths, "_STORES", (str(store),))
    for name, text in (("s.toml", waveform("w.csv")), ("w.csv", CURRENT)):
        (store / f"hash-{name}").mkdir(parents=True)
        (store / f"hash-{name}" / name).write_text(text)
        (here / name).symlink_to(store / f"hash-{name}" / name)
    assert load_experiment(here / "s.toml").stimulus[0].path == str(here / "w.csv")


def test_lengths_of_paths_are_those_that_were_written(tmp_path):
    deep = tmp_path.joinpath(*("d" * 60 for _ in range(6)))
    deep.mkdir(parents=True)
    (deep / "k.toml").write_text(GATE)
    stochhh.run(scenario(deep, EMPTY + CHANNEL), overrides=["run.duration=1 ms"], seed=1).save(
        deep / "first" / "result.nc"
    )
    again = scenario(deep, f'{EMPTY}{CHANNEL}[run.initial]\nresult = "first"\n')
    stochhh.run(again, overrides=["run.duration=1 ms"], seed=1)
    long = scenario(deep, EMPTY + CHANNEL.replace("k.toml", f"{'k' * 1000}.toml"))
    with pytest.raises(stochhh.InputError, match="path of 1005 characters; at most 1000"):
        load_experiment(long)
    too_long_for_a_disk = scenario(deep, EMPTY + CHANNEL.replace("k.toml", f"{'k' * 900}.toml"))
    with pytest.raises(stochhh.InputError, match="File name too long"):
        stochhh.run(too_long_for_a_disk, seed=1)
