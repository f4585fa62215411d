"""Scheme files: both ways of writing a channel, and everything refused about them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import tomli_w

from stochhh.errors import InputError
from stochhh.fields import validate
from stochhh.kinetics.files import SchemeFile, library_schemes, load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import Transition

GATED = {
    "format": 1,
    "title": "a gate",
    "ion": "K+",
    "gate": [
        {
            "name": "n",
            "power": 2,
            "opening": {"law": "constant", "rate": "3 / ms"},
            "closing": {
                "law": "exponential",
                "rate": "1 / s",
                "midpoint": "-65 mV",
                "scale": "-0.02 V",
            },
        }
    ],
}

LISTED = {
    "format": 1,
    "title": "a receptor with a sublevel",
    "ion": "cations",
    "valence": 2,
    "temperature": "293.15 K",
    "q10": 2.5,
    "cite": ["doi:10.1098/rspb.1981.0003"],
    "state": [{"name": "R"}, {"name": "half", "conductance": 0.5}, {"name": "A", "conductance": 1}],
    "rates": {
        "on": {"law": "binding", "rate": "5 / (mM ms)", "ligand": "ACh"},
        "off": {"law": "constant", "rate": "8 / ms"},
        "up": {"law": "table", "points": [["-80 mV", "1 / ms"], ["0 V", "2000 / s"]]},
        "down": {"law": "sigmoid", "rate": "1 / ms", "midpoint": "0 mV", "scale": "5 mV"},
    },
    "transition": [
        {"from": "R", "to": "half", "rate": "on", "multiplicity": 2},
        {"from": "half", "to": "R", "rate": "off"},
        {"from": "half", "to": "A", "rate": "up"},
        {"from": "A", "to": "half", "rate": "down"},
    ],
}


def changed(tables, path, value):
    """A copy with one entry set, or deleted where `value` is None."""
    tables = copy.deepcopy(tables)
    *above, last = path
    inner = tables
    for step in above:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return tables


def scheme_of(tables):
    return validate(SchemeFile, tables, "file.toml").scheme("file")


def refused(tables, message):
    with pytest.raises(InputError) as caught:
        scheme_of(tables)
    assert message in str(caught.value)
    assert all(line.startswith("file.toml: ") for line in str(caught.value).splitlines())


def test_gates_become_states():
    scheme = scheme_of(GATED)
    assert scheme.states == ("n0", "n1", "n2")
    assert scheme.relative_conductance == (0.0, 0.0, 1.0)
    assert scheme.rate_names == ("alpha_n", "beta_n")
    assert scheme.rates == (
        RateLaw("constant", 3.0),
        RateLaw("exponential", pytest.approx(0.001), -65.0, -20.0),
    )
    assert set(scheme.transitions) == {
        Transition(0, 1, 2, 0),
        Transition(1, 0, 1, 1),
        Transition(1, 2, 1, 0),
        Transition(2, 1, 2, 1),
    }
    assert (scheme.valence, scheme.temperature_degC, scheme.q10, scheme.cite) == (1, 6.3, 1.0, ())


def test_listed_states_become_the_same_kind_of_scheme():
    scheme = scheme_of(LISTED)
    assert (scheme.name, scheme.title) == ("file", "a receptor with a sublevel")
    assert (scheme.ion, scheme.valence, scheme.q10) == ("cations", 2, 2.5)
    assert scheme.temperature_degC == pytest.approx(20.0)
    assert scheme.states == ("R", "half", "A")
    assert scheme.relative_conductance == (0.0, 0.5, 1.0)
    assert scheme.is_open == (False, True, True)
    assert scheme.rate_names == ("on", "off", "up", "down")
    assert scheme.rates[0] == RateLaw("binding", 5.0, ligand="ACh")
    assert scheme.rates[2] == RateLaw("table", points=((-80.0, 1.0), (0.0, 2.0)))
    assert scheme.transitions == (
        Transition(0, 1, 2, 0),
        Transition(1, 0, 1, 1),
        Transition(1, 2, 1, 2),
        Transition(2, 1, 1, 3),
    )
    assert scheme.gates == ()
    assert scheme.ligands == {"ACh"}
    assert scheme.cite == ("doi:10.1098/rspb.1981.0003",)


def test_gates_and_the_same_states_typed_out_are_one_channel():
    gated = load_scheme("squid-k")
    listed = {
        "format": 1,
        "title": "n4 typed out",
        "ion": "K+",
        "q10": 3,
        "state": [{"name": f"n{n}", "conductance": float(n == 4)} for n in range(5)],
        "rates": {
            "a": {
                "law": "linoid",
                "rate": "0.1 / ms",
                "midpoint": "-55 mV",
                "scale": "10 mV",
            },
            "b": {
                "law": "exponential",
                "rate": "0.125 / ms",
                "midpoint": "-65 mV",
                "scale": "-80 mV",
            },
        },
        "transition": [
            {"from": f"n{n}", "to": f"n{n + 1}", "rate": "a", "multiplicity": 4 - n}
            for n in range(4)
        ]
        + [
            {"from": f"n{n + 1}", "to": f"n{n}", "rate": "b", "multiplicity": n + 1}
            for n in range(4)
        ],
    }
    scheme = scheme_of(listed)
    assert scheme.relative_conductance == gated.relative_conductance
    for voltage in (-65.0, -55.0, 20.0):
        np.testing.assert_allclose(
            scheme.generator(voltage), gated.generator(voltage), rtol=1e-14, atol=1e-14
        )


def test_schemes_load_by_name_and_by_path(tmp_path):
    assert library_schemes() == sorted(library_schemes())
    assert {"squid-na", "squid-k"} <= set(library_schemes())
    for name in library_schemes():
        assert load_scheme(name).name == name
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(LISTED), encoding="utf-8")
    assert load_scheme(str(path)).name == "mine"
    assert load_scheme(str(path)).states == ("R", "half", "A")


def test_an_unknown_scheme_names_the_near_ones():
    with pytest.raises(InputError, match="unknown scheme 'squid-nb'; did you mean 'squid-na'"):
        load_scheme("squid-nb")
    with pytest.raises(InputError, match=r"or give the path of a .toml file"):
        load_scheme("nothing")
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        load_scheme("none.toml")


def test_a_broken_scheme_file_names_itself(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text(tomli_w.dumps(changed(LISTED, ("title",), None)), encoding="utf-8")
    with pytest.raises(InputError, match=r"broken.toml: title: missing"):
        load_scheme(str(path))


GATE, STATE, RATES, ARROW = ("gate", 0), ("state", 0), ("rates",), ("transition", 0)


@pytest.mark.parametrize(
    ("tables", "path", "value", "message"),
    [
        (GATED, ("valence",), 0, "valence: got 0, need the charge number of the ion, such as 1"),
        (GATED, ("valence",), 5, "valence: got 5, but it should be less than or equal to 4"),
        (GATED, ("valence",), 1.5, "valence: got 1.5, but it should be a whole number"),
        (GATED, ("format",), 2, "format: got 2; it must be the number 1"),
        (GATED, ("format",), None, "format: missing"),
        (GATED, ("title",), "", "title: got '', but string should have at least 1 character"),
        (GATED, ("ion",), None, "ion: missing"),
        (GATED, ("q10",), 0, "q10: got 0, but it should be greater than or equal to 0.01"),
        (GATED, ("q10",), 101, "q10: got 101, but it should be less than or equal to 100"),
        (GATED, ("q10",), "3", 'q10: got "3" (a text), but it should be a number'),
        (GATED, ("temperature",), 20, "temperature: got the bare number 20"),
        (GATED, ("gates",), [], "unknown key 'gates'; did you mean 'gate'"),
        (GATED, ("gate",), None, "need either [[gate]] tables or [[state]] tables, one of the two"),
        (GATED, ("state",), LISTED["state"], "need either [[gate]] tables or [[state]] tables"),
        (GATED, ("rates",), LISTED["rates"], "[rates] and [[transition]] go with [[state]], not"),
        (
            GATED,
            ("transition",),
            LISTED["transition"],
            "[rates] and [[transition]] go with [[state",
        ),
        (GATED, ("gate",), GATED["gate"] * 2, "gate 'n' is listed twice"),
        (
            GATED,
            ("gate",),
            [{**GATED["gate"][0], "name": name, "power": 12} for name in "abc"],
            "the gates make 2197 states; at most 2000 are allowed",
        ),
        (GATED, (*GATE, "name"), "n1", "gate[0].name: got 'n1', but string should match pattern"),
        (GATED, (*GATE, "power"), 0, "gate[0].power: got 0, but it should be greater than or eq"),
        (GATED, (*GATE, "power"), 13, "gate[0].power: got 13, but it should be less than or eq"),
        (GATED, (*GATE, "opening"), None, "gate[0].opening: missing"),
        (GATED, (*GATE, "opening"), {}, "gate[0].opening: law is missing"),
        (GATED, (*GATE, "opening", "law"), "linod", "unknown 'law' 'linod'; did you mean 'linoid'"),
        (GATED, (*GATE, "opening", "rate"), "3 / mV", 'rate: got "3 / mV", which is not a rate'),
        (GATED, (*GATE, "opening", "rate"), "-1 / ms", "need a rate at least 0 1/ms, such as"),
        (
            GATED,
            (*GATE, "opening", "rate"),
            None,
            'opening.rate: missing, write for example "4 / ms"',
        ),
        (GATED, (*GATE, "opening", "scale"), "1 mV", "gate[0].opening: unknown key 'scale'"),
        (GATED, (*GATE, "closing", "scale"), None, "gate[0].closing.scale: missing"),
        (GATED, (*GATE, "closing", "scale"), "0 mV", 'scale = "0 mV" is too steep; need 0.01 mV'),
        (GATED, (*GATE, "closing", "scale"), "-9 uV", 'scale = "-9 uV" is too steep; need 0.01'),
        (LISTED, (*STATE, "name"), "A", "state 'A' is listed twice"),
        (LISTED, (*STATE, "name"), "", "state[0].name: got ''"),
        (
            LISTED,
            ("state", 1, "conductance"),
            1.5,
            "state[1].conductance: got 1.5, but it should be",
        ),
        (
            LISTED,
            ("state", 1, "conductance"),
            "20 pS",
            'state[1].conductance: got "20 pS" (a text), but it',
        ),
        (
            LISTED,
            ("state",),
            [{"name": name} for name in ("R", "half", "A")],
            "no state conducts; give the open one conductance = 1",
        ),
        (
            LISTED,
            (*ARROW, "from"),
            "hald",
            "transition[0].from: unknown state 'hald'; did you mean",
        ),
        (LISTED, (*ARROW, "to"), "X", "transition[0].to: unknown state 'X'; known: A, R, half"),
        (LISTED, (*ARROW, "to"), "R", "transition[0]: goes from 'R' to itself"),
        (
            LISTED,
            (*ARROW, "rate"),
            "offf",
            "transition[0].rate: unknown rate 'offf'; did you mean 'o",
        ),
        (LISTED, (*ARROW, "rate"), "off", "rates.on: used by no transition"),
        (
            LISTED,
            (*ARROW, "multiplicity"),
            0,
            "transition[0].multiplicity: got 0, but it should be",
        ),
        (LISTED, (*ARROW, "source"), "R", "transition[0]: unknown key 'source'"),
        (LISTED, (*RATES, "on", "ligand"), None, "rates.on.ligand: missing"),
        (LISTED, (*RATES, "on", "rate"), "5 / ms", 'got "5 / ms", which is not a binding rate'),
        (LISTED, (*RATES, "off", "law"), "binding", "rates.off.ligand: missing"),
        (LISTED, (*RATES, "off"), 5, "rates.off: got 5, but it should be a table"),
        (LISTED, ("rates",), [], "rates: got [], but it should be a table"),
        (LISTED, (*RATES, "up", "points"), [], "rates.up.points: got [], but "),
        (LISTED, (*RATES, "up", "points", 0, 0), -80, "rates.up.points[0][0]: got the bare number"),
        (
            LISTED,
            (*RATES, "up", "points", 0, 1),
            "-1 / ms",
            'points[0][1]: got "-1 / ms", need a r',
        ),
        (LISTED, (*RATES, "up", "points", 0), ["-80 mV"], "rates.up.points[0][1]: missing"),
        (
            LISTED,
            (*RATES, "up", "points", 0),
            ["0 mV"] * 3,
            "points[0]: 3 entries; at most 2 are allowed",
        ),
        (
            LISTED,
            (*RATES, "up", "points"),
            [["0 mV", "0 Hz"]],
            "rates.up.points: got [['0 mV', '0 H",
        ),
        (
            LISTED,
            (*RATES, "up", "points", 1, 0),
            "-80 mV",
            'rates.up: points: voltages must increase, but "-80 mV" follows "-80 mV"',
        ),
        (
            LISTED,
            (*RATES, "down", "midpoint"),
            None,
            'midpoint: missing, write for example "-65 mV"',
        ),
    ],
)
def test_a_refused_scheme_names_file_key_and_need(tables, path, value, message):
    scheme_of(tables)  # what is changed is all that is wrong
    refused(changed(tables, path, value), message)


def test_a_sublevel_channel_that_never_fully_opens_is_allowed():
    scheme = scheme_of(changed(LISTED, ("state", 2, "conductance"), 0))
    assert scheme.relative_conductance == (0.0, 0.5, 0.0)


def test_measured_rates_may_be_zero():
    points = [["-80 mV", "0 / ms"], ["0 mV", "1 / ms"]]
    scheme = scheme_of(changed(LISTED, ("rates", "up", "points"), points))
    assert scheme.rates_at(-90.0)[2] == 0.0
