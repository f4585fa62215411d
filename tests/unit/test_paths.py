"""Scenario files may name what lies beside and below them, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import stochhh
from stochhh.scenario import load_experiment
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
