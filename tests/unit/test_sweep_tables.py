"""Ranges, paired axes and repeats of a sweep, and what is refused."""

from __future__ import annotations

import datetime
import tomllib

import pytest

import stochhh
from stochhh.analysis.axes import axis_label, value_label
from stochhh.errors import InputError
from stochhh.scenario import axes_of, expand_sweep, load_scenario, resolved_toml

AREA, CURRENT = "membrane.area", "stimulus.0.amplitude"


def swept(table, **run):
    return load_scenario(
        {
            "format": 1,
            "title": "swept",
            "base": "squid-patch",
            "stimulus": [{"kind": "constant", "amplitude": "1 uA/cm^2"}],
            "run": {"duration": "2 ms", "seed": 1, **run},
            "sweep": table,
        }
    )


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("13.90385592 um^2", "13.9 µm²"),
        ("100 um^2", "100 µm²"),
        ("12345.678 um^2", "12346 µm²"),
        ("0.00123456 mV", "0.001235 mV"),
        (12345, "12345"),
        (True, "on"),
        ("squid-k", "squid-k"),
        ("1.2.3.45 x", "1.2.3.45 x"),
    ],
)
def test_swept_values_are_written_with_few_digits(value, label):
    assert value_label(value) == label


def test_a_unit_below_a_line_stands_alone_on_an_axis():
    assert axis_label("channels.squid-na.density", "/ um^2") == "squid-na density (1/µm²)"
    assert axis_label("membrane.area", "um^2") == "area (µm²)"
    assert value_label("3 / um^2") == "3 / µm²"


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ({"from": "10 um^2", "to": "20 um^2", "points": 3}, ["10 um^2", "15 um^2", "20 um^2"]),
        (
            {"from": "10 um^2", "to": "1000 um^2", "points": 3, "spacing": "log"},
            ["10 um^2", "100 um^2", "1000 um^2"],
        ),
        ({"from": "3 um^2", "to": "1 um^2", "points": 2}, ["3 um^2", "1 um^2"]),
    ],
)
def test_a_range_is_written_out_with_its_unit(table, values):
    scenario = swept({AREA: table})
    assert scenario.sweep == {AREA: values}
    assert load_scenario(tomllib.loads(resolved_toml(scenario))).sweep == {AREA: values}


def test_a_range_between_whole_numbers_holds_whole_numbers():
    table = {"from": 10, "to": 1000, "points": 4, "spacing": "log"}
    values = swept({"membrane.channels.squid-na.count": table}).sweep
    assert values == {"membrane.channels.squid-na.count": [10, 46, 215, 1000]}
    floats = swept({"membrane.count_factor": {"from": 1.0, "to": 2, "points": 3}}).sweep
    assert floats == {"membrane.count_factor": [1.0, 1.5, 2.0]}


def test_zipped_keys_advance_together_and_cross_with_the_others():
    scenario = swept(
        {
            AREA: ["1 um^2", "2 um^2"],
            "run.initial.voltage": ["-65 mV", "-60 mV", "-55 mV"],
            CURRENT: ["1 pA", "2 pA"],
            "zip": [[CURRENT, AREA]],
        }
    )
    assert [(axis.keys, len(axis.steps)) for axis in axes_of(scenario)] == [
        ((AREA, CURRENT), 2),
        (("run.initial.voltage",), 3),
    ]
    pairs = [(p.values[AREA], p.values[CURRENT]) for p in expand_sweep(scenario)]
    assert pairs == 3 * [("1 um^2", "1 pA")] + 3 * [("2 um^2", "2 pA")]
    assert load_scenario(tomllib.loads(resolved_toml(scenario))).zipped == ((CURRENT, AREA),)


def test_repeats_draw_other_numbers_of_the_same_scenario():
    scenario = swept({"repeats": 3}, deterministic=False)
    assert [point.values for point in expand_sweep(scenario)] == [{"repeats": i} for i in range(3)]
    result = stochhh.run(scenario)
    assert list(result["repeats"].values) == [0, 1, 2]
    assert len(set(result["transitions"].values[:, 0])) == 3


def test_only_a_sweep_of_its_own_varies_any_key():
    scenario = swept({"run.duration": ["1 ms", "2 ms"]})
    with pytest.raises(InputError, match="can vary in a run"):
        expand_sweep(scenario)
    assert [str(p.scenario.run.duration_ms.text) for p in expand_sweep(scenario, any_key=True)] == [
        "1 ms",
        "2 ms",
    ]
    with pytest.raises(InputError, match="changes nothing that is simulated"):
        expand_sweep(swept({"title": ["a", "b"]}), any_key=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({AREA: {"from": "1 um^2", "to": "9 um^2"}}, "a range needs 'points', as in"),
        ({AREA: {"from": "1 um^2", "too": 1}}, "unknown key 'too'; did you mean 'to'"),
        ({AREA: {"from": "1 um^2", "to": "9 um^2", "points": 1}}, "points: got 1, need a whole"),
        ({AREA: {"from": "1 um^2", "to": "9 mm^2", "points": 3}}, "write both in one"),
        (
            {AREA: {"from": "x", "to": "9 um^2", "points": 3}},
            r'from: got "x" \(a text\), need a number or',
        ),
        (
            {AREA: {"from": "0 um^2", "to": "9 um^2", "points": 3, "spacing": "log"}},
            "needs both ends above zero",
        ),
        (
            {AREA: {"from": "1 um^2", "to": "9 um^2", "points": 3, "spacing": "cubic"}},
            'spacing: got \'cubic\', need "linear" or "log"',
        ),
        ({"membrane.x": {"from": 1, "to": 3, "points": 9}}, "are not all different"),
        ({AREA: [datetime.date(2000, 1, 1)]}, "got the date 2000-01-01, which no key takes"),
        ({AREA: [{"x": [datetime.time(1)]}]}, "got the date 01:00:00, which no key takes"),
        ({"repeats": 0}, "repeats: got 0, need a whole number from 1"),
        ({"repeats": ["a"]}, "repeats: got \\['a'\\], need a whole number"),
        ({"zip": [AREA]}, "zip: got \\['membrane.area'\\], need lists of keys"),
        ({AREA: ["1 um^2"], "zip": [[AREA, CURRENT]]}, "has no list of values in this sweep"),
        ({AREA: ["1 um^2"], "zip": [[AREA, AREA]]}, "stands there twice"),
        (
            {AREA: ["1 um^2"], CURRENT: ["1 pA", "2 pA"], "zip": [[AREA, CURRENT]]},
            '"membrane.area" has 1, "stimulus.0.amplitude" has 2',
        ),
    ],
)
def test_what_makes_no_sense_is_refused(table, message):
    with pytest.raises(InputError, match=f"sweep: .*{message}"):
        swept(table)
