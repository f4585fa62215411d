"""`stochhh show SCHEME`: what a scheme is, and whether its loops are reversible."""

from __future__ import annotations

import numpy as np
import pytest
from overlaps import overlaps, struck

from stochhh.cli import main
from stochhh.describe import describe_scheme
from stochhh.kinetics.files import is_scheme, library_schemes, load_scheme
from stochhh.plot.scheme import state_graph
from stochhh.plot.scheme_layout import state_places

RING = """
format = 1
title = "A ring that prefers one direction"
ion = "K+"
rates.a = { law = "constant", rate = "2 / ms" }
rates.b = { law = "constant", rate = "1 / ms" }
state = [{ name = "A" }, { name = "B" }, { name = "O", conductance = 1.0 }]
transition = [
    { from = "A", to = "B", rate = "a" }, { from = "B", to = "A", rate = "b" },
    { from = "B", to = "O", rate = "a" }, { from = "O", to = "B", rate = "b" },
    { from = "O", to = "A", rate = "a" }, { from = "A", to = "O", rate = "b" },
]
"""


def show(capsys, monkeypatch, *arguments):
    monkeypatch.setenv("COLUMNS", "160")
    code = 0
    try:
        main(["show", *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_show_prints_states_rates_and_time_constants(capsys, monkeypatch):
    code, out, err = show(capsys, monkeypatch, "squid-k", "--at", "-65 mV")
    assert (code, err) == (0, "")
    # Hodgkin & Huxley 1952 at -65 mV: alpha_n 0.058198, beta_n 0.125; open n⁴
    n = 0.0581976706869326 / (0.0581976706869326 + 0.125)
    for expected in ("n0", "n4", "4 alpha_n", "0.2328", "4 beta_n", "0.5", f"{n**4:.4g}"):
        assert expected in out
    times = [1 / (k * (0.0581976706869326 + 0.125)) for k in (1, 2, 3, 4)]
    assert ", ".join(f"{time:.4g}" for time in times) in out


def test_a_loop_that_is_not_reversible_is_named(capsys, monkeypatch, tmp_path):
    (tmp_path / "ring.toml").write_text(RING)
    code, out, err = show(capsys, monkeypatch, str(tmp_path / "ring.toml"))
    assert code == 0
    assert "1, 0 of them reversible" in out
    assert "warning: not reversible" in err
    for state in "ABO":
        assert state in err
    assert "8" in err  # 2³ one way, 1 the other


def test_a_binding_scheme_is_shown_at_one_millimolar(capsys, monkeypatch):
    _, out, _ = show(capsys, monkeypatch, "nachr")
    assert "with 1 mM of ACh" in out


def test_a_bad_voltage_is_one_clear_line(capsys, monkeypatch):
    code, _, err = show(capsys, monkeypatch, "squid-k", "--at", "5")
    assert code == 2
    assert 'error: --at: got "5", need a voltage' in err


def test_a_graph_is_drawn_on_request(capsys, monkeypatch, tmp_path):
    show(capsys, monkeypatch, "squid-na", "--graph", str(tmp_path / "na.png"))
    assert (tmp_path / "na.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", library_schemes())
def test_every_scheme_can_be_described_and_drawn(name):
    scheme = load_scheme(name)
    scheme = scheme.at(None, dict.fromkeys(scheme.ligands, 1.0))
    description = describe_scheme(scheme, -50.0)
    assert sum(entry["occupancy"] for entry in description["states"]) == pytest.approx(1.0)
    assert description["irreversible"] == []
    axes = state_graph(scheme, -50.0).axes[0]
    places = np.array([text.get_position() for text in axes.texts if text.get_bbox_patch()])
    assert len(places) == len(scheme.states)
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert apart[~np.eye(len(places), dtype=bool)].min() > 0.5  # no two states overlap


def test_files_are_told_apart_by_their_tables(tmp_path):
    (tmp_path / "ring.toml").write_text(RING)
    (tmp_path / "scenario.toml").write_text('format = 1\nbase = "squid-patch"\n')
    assert is_scheme(str(tmp_path / "ring.toml"))
    assert not is_scheme(str(tmp_path / "scenario.toml"))
    assert is_scheme("squid-na")
    assert not is_scheme("spontaneous_CW96")


@pytest.mark.parametrize("name", ["dominoes", "squid-patch"])
@pytest.mark.parametrize("option", [("--graph", "f.png"), ("--at", "-40 mV")])
def test_what_is_for_schemes_is_refused_of_scenarios(call, tmp_path, name, option):
    code, out, err = call("show", name, *option)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {option[0]}: it is for the states and rates of a channel scheme")
    assert f"got the scenario {name}" in " ".join(err.split())
    assert not (tmp_path / "f.png").exists()


def test_keys_are_not_set_of_a_scheme(call):
    code, _, err = call("show", "squid-na", "--set", "membrane.area=3 um^2")
    assert code == 2
    assert err == "error: --set: it sets keys of scenarios; got the channel scheme squid-na\n"


def written(tmp_path, states, pairs):
    """A scheme whose states are joined in pairs, both ways."""
    entries = ", ".join(
        f'{{ name = "{one}", conductance = {1.0 * (one == states[2])} }}' for one in states
    )
    arrows = ", ".join(
        f'{{ from = "{a}", to = "{b}", rate = "on" }}, {{ from = "{b}", to = "{a}", rate = "off" }}'
        for a, b in pairs
    )
    path = tmp_path / "mine.toml"
    path.write_text(
        f'format = 1\ntitle = "Mine"\nion = "Na+"\nstate = [{entries}]\ntransition = [{arrows}]\n'
        'rates.on = { law = "constant", rate = "0.224 / ms" }\n'
        'rates.off = { law = "constant", rate = "12 / ms" }\n'
    )
    return load_scheme(str(path))


LADDER = [("C1", "C2"), ("C2", "O"), ("I1", "I2"), ("I2", "I3"),
          ("C1", "I1"), ("C2", "I2"), ("O", "I3")]  # fmt: skip


@pytest.mark.parametrize("name", library_schemes())
def test_no_text_in_a_state_graph_is_struck_or_overprinted(name):
    scheme = load_scheme(name)
    if scheme.ligands:
        scheme = scheme.at(None, dict.fromkeys(scheme.ligands, 1.0))
    figure = state_graph(scheme, -65.0)
    assert overlaps(figure) == []
    assert struck(figure) == []


def test_a_scheme_of_two_rows_is_drawn_as_a_ladder(tmp_path):
    scheme = written(tmp_path, ["C1", "C2", "O", "I1", "I2", "I3"], LADDER)
    places = state_places(scheme)
    assert places.tolist() == [[0, 1], [1, 1], [2, 1], [0, 0], [1, 0], [2, 0]]
    figure = state_graph(scheme, -65.0)
    assert overlaps(figure) == []
    assert struck(figure) == []


@pytest.mark.parametrize(
    "pairs",
    [
        [("A", "B"), ("B", "C"), ("C", "A")],
        [("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"), ("A", "C")],
        [("A", "B"), ("A", "C"), ("A", "D"), ("A", "E")],
        [*LADDER[:-1], ("O", "I1"), ("C1", "O")],
    ],
    ids=["ring", "square and diagonal", "star", "knot"],
)
def test_other_graphs_are_drawn_without_a_crossing(pairs, tmp_path):
    states = list(dict.fromkeys(state for pair in pairs for state in pair))
    figure = state_graph(written(tmp_path, states, pairs), -65.0)
    assert overlaps(figure) == []
    assert struck(figure) == []
