"""Texts of scenarios hold what a reader sees, and wrong values are said so that he sees why."""

import copy
import datetime
from importlib.resources import files
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import pytest
import tomli_w
from annotated_types import MaxLen

from stochhh import fields, units
from stochhh.errors import InputError
from stochhh.fields import LINES, ONE_LINE, validate
from stochhh.kinetics.files import SchemeFile, load_scheme
from stochhh.scenario import Circuit, Scenario, load_experiment, load_scenario
from stochhh.scenario.paths import LONGEST
from stochhh.simulate import prepare
from stochhh.words import hidden_in, printable

SQUID = load_scenario("squid-patch").data
JUNCTION = load_experiment("neuromuscular_DCK54").data
POLES = ("analysis", "single_channel", "poles")
DATE = datetime.date(1979, 5, 27)
RANGE = {"from": "1 um^2", "to": "9 um^2", "points": 3}
CHANNEL = ("membrane", "channels", 0)


def with_entry(data, keys, value):
    data = copy.deepcopy(data)
    inner = data
    for key in keys[:-1]:
        inner = inner.setdefault(key, {}) if isinstance(inner, dict) else inner[key]
    inner[keys[-1]] = value
    return data


@pytest.mark.parametrize(
    ("character", "named"),
    [
        ("\0", "U+0000"),
        ("\x07", "U+0007"),
        ("\n", "U+000A"),
        ("\x1b", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x9b", "U+009B"),
        ("\u061c", "U+061C"),
        ("\u200e", "U+200E"),
        ("\u2028", "U+2028"),
        ("\u2029", "U+2029"),
        ("\u202e", "U+202E"),
        ("\u2066", "U+2066"),
        ("\ud800", "U+D800"),
        ("\udce9", "U+DCE9"),
        ("\ufeff", "U+FEFF"),
        ("\U000e0041", "U+E0041"),
    ],
)
def test_a_hidden_character_is_named_and_refused(character, named):
    with pytest.raises(InputError) as caught:
        load_scenario({**SQUID, "title": f"a{character}b"})
    assert str(caught.value) == (
        f"scenario: title: got {f'a{character}b'!r}, which holds the character {named}; "
        "leave it out, it cannot be seen"
    )
    assert hidden_in(str(caught.value)) is None


@pytest.mark.parametrize(
    "text",
    [
        "µm² → −65 mV [/s]",
        "zażółć",
        "e\u0301",
        "می\u200cخواهم",
        "क्\u200dष",
        "漢字",
        "👩\u200d🔬",
        "a\xa0b",
    ],
)
def test_other_characters_of_any_language_stay(text):
    assert load_scenario({**SQUID, "title": text}).title == text
    assert printable(text) == text


@pytest.mark.parametrize(
    ("data", "keys", "named"),
    [
        (SQUID, ("about",), "about"),
        (SQUID, ("cite",), "cite[0]"),
        (SQUID, (*CHANNEL, "name"), "membrane.channels[0].name"),
        (SQUID, ("figure", "axis"), "figure.axis"),
        (SQUID, ("analysis", "noise", "population"), "analysis.noise.population"),
        (JUNCTION, ("cell", 0, "name"), "cell[0].name"),
        (JUNCTION, ("synapse", 0, "from_at"), "synapse[0].from_at"),
        (JUNCTION, ("stimulus", 0, "at"), "stimulus[0].at"),
    ],
)
def test_every_text_that_is_shown_is_refused_by_its_key(data, keys, named):
    text = ["a\x1bb"] if keys == ("cite",) else "a\x1bb"
    with pytest.raises(InputError) as caught:
        load_experiment(with_entry(data, keys, text))
    message = str(caught.value)
    assert message.startswith(f"scenario: {named}: got 'a\\x1bb', which holds the character U+001B")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("data", "keys"), [(SQUID, ("membrane", "ligands")), (JUNCTION, ("membranes",))]
)
def test_a_name_that_is_a_key_is_refused(data, keys):
    entry = {"a\u202eb": "1 mM" if keys[-1] == "ligands" else JUNCTION["membranes"]}
    with pytest.raises(InputError, match=r"scenario: [a-z.]+\.a\\u202eb: .* U\+202E; leave"):
        load_experiment(with_entry(data, keys, entry))


def test_several_lines_are_for_the_description_alone():
    about = "first\n\tsecond\n"
    assert load_scenario({**SQUID, "about": about}).about == about
    with pytest.raises(InputError, match=r"about: got 'a\\rb', .* U\+000D"):
        load_scenario({**SQUID, "about": "a\rb"})


def text_fields(annotation, place):
    """Every text that a table takes: its place, and what is required of it."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, fields.Table):
        for name, field in annotation.model_fields.items():
            for where, required in text_fields(field.annotation, f"{place}.{name}"):
                yield where, (*required, *(field.metadata if where == f"{place}.{name}" else ()))
    elif origin is Annotated:
        inner, *given = get_args(annotation)
        own = [one for entry in given for one in getattr(entry, "metadata", [entry])]
        for where, required in text_fields(inner, place):
            yield where, (*required, *(own if where == place else ()))
    elif annotation is str:
        yield place, ()
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from text_fields(member, place)
    elif origin in (tuple, dict, list):
        for number, member in enumerate(get_args(annotation)):
            yield from text_fields(member, f"{place}[{number}]")


@pytest.mark.parametrize("model", [Scenario, Circuit, SchemeFile])
def test_no_text_escapes(model):
    found = dict(text_fields(model, model.__name__))
    assert f"{model.__name__}.title" in found
    unchecked = {
        place.rpartition(".")[2]
        for place, required in found.items()
        if ONE_LINE not in required
        and LINES not in required
        and MaxLen(5 * LONGEST) not in required  # names of files, which are what they are
    }
    # keys of a sweep, and of the rows of its figure, name other keys; a gate is of letters
    assert unchecked <= {"sweep_lists[0]", "rows[0]", "name"}
    assert ("name" in unchecked) == (model is SchemeFile)


def test_units_take_no_hidden_characters():
    assert float(units.parse("10\tum^2", units.AREA)) == 10.0
    for space in ("\n", "\x1c", "\u2028", "\u2029", "\x85"):
        with pytest.raises(InputError, match="which is not an area"):
            units.parse(f"10{space}um^2", units.AREA)


def test_keys_and_names_of_files_are_shown_escaped():
    for data in (
        {**SQUID, "a\x1b[31m\nb": 1},
        with_entry(SQUID, (*CHANNEL, "scheme"), "a\x1b[31m\nb"),
        with_entry(SQUID, ("run", "initial", "result"), "a\x1b[31m\nb"),
        {**SQUID, "sweep": {"a\x1b[31m\nb": [1]}},
    ):
        with pytest.raises(InputError, match=r"^[^\n]*a\\x1b\[31m(\\x0a|\\n)b[^\n]*$"):
            prepare(load_scenario(data, ["run.seed=1"]))


def test_a_file_may_have_any_name(tmp_path, call):
    scheme = tmp_path / "s\x1bch\u202eeme.toml"
    known = files("stochhh") / "kinetics" / "library" / "squid-k.toml"
    scheme.write_bytes(known.read_bytes())
    path = tmp_path / "sc\x1b[31m\udce9\ne\u202e [x].toml"
    data = with_entry(SQUID, (*CHANNEL, "scheme"), scheme.name)
    path.write_text(tomli_w.dumps(data))
    code, out, err = call("validate", str(path))
    assert (code, err) == (0, "")
    assert out.endswith("sc\\x1b[31m\\udce9\\x0ae\\u202e [x].toml: valid\n")
    assert load_scheme(str(scheme)).name == "s\\x1bch\\u202eeme"


def test_a_title_that_no_file_can_hold_costs_no_run(call, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(tomli_w.dumps({**SQUID, "title": "a\0b"}))
    code, out, err = call("run", str(path))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "title: got 'a\\x00b', which holds the character U+0000" in err
    assert not (tmp_path / "results").exists()


def test_a_scheme_is_held_to_the_same():
    data = {"format": 1, "title": "a", "ion": "K+"}
    for key in ("title", "ion"):
        with pytest.raises(InputError, match=rf"file: {key}: got 'a\\x9bb', .* U\+009B"):
            validate(SchemeFile, {**data, key: "a\x9bb"}, "file")
    with pytest.raises(InputError, match=r"file: rates\.a\\u200fb: .* U\+200F"):
        validate(SchemeFile, {**data, "rates": {"a\u200fb": {}}}, "file")


@pytest.mark.parametrize(
    ("data", "keys", "value", "message"),
    [
        (SQUID, ("format",), "1", 'format: got "1" (a text); it must be the number 1'),
        (SQUID, ("format",), 2, "format: got 2; it must be the number 1"),
        (SQUID, ("format",), True, "format: got true; it must be the number 1"),
        (SQUID, ("format",), 1.0, "format: got 1.0; it must be the number 1"),
        (SQUID, ("format",), [1], "format: got [1]; it must be the number 1"),
        (SQUID, POLES, "8", 'poles: got "8" (a text); it must be the number 4 or 8'),
        (SQUID, POLES, 5, "poles: got 5; it must be the number 4 or 8"),
        (SQUID, ("title",), DATE, "title: got 1979-05-27 (a date), but it should be text"),
        (SQUID, ("title",), True, "title: got true, but it should be text"),
        (SQUID, ("run", "trials"), "4", 'got "4" (a text), but it should be a whole number'),
        (SQUID, ("run", "trials"), 10**99, "got a number of very many digits, but"),
        (SQUID, ("run", "accuracy"), "0.1", 'got "0.1" (a text), but it should be a number'),
        (SQUID, ("run", "deterministic"), "true", 'got "true" (a text), but it should be true or'),
        (SQUID, ("run", "method"), True, "run.method: got true; known: auto, deterministic"),
        (SQUID, ("run", "record", "channels"), "5", 'channels: got "5" (a text), but it should be'),
        (SQUID, ("membrane", "area"), True, "area: got true, need an area such as"),
        (SQUID, ("membrane", "area"), DATE, "area: got 1979-05-27 (a date), need an area such"),
        (SQUID, ("base",), True, "base: got true, need the name or path of a scenario"),
        (SQUID, ("stimulus",), [{"kind": 1}], "stimulus[0]: unknown 'kind' 1; known: chirp, con"),
        (SQUID, ("stimulus",), [{"kind": True}], "stimulus[0]: unknown 'kind' true; known: chi"),
        (SQUID, ("sweep",), {"repeats": "3"}, 'repeats: got "3" (a text), need a whole number'),
        (SQUID, ("sweep",), {"repeats": True}, "repeats: got true, need a whole number"),
        (SQUID, ("sweep",), {"membrane.area": {**RANGE, "points": "3"}}, 'points: got "3" (a te'),
        (SQUID, ("sweep",), {"membrane.area": {**RANGE, "to": "9"}}, 'to: got "9" (a text), need'),
        (SQUID, ("sweep",), {"zip": "a"}, 'zip: got "a" (a text), need lists of keys'),
    ],
)
def test_a_value_of_a_wrong_type_does_not_read_as_a_right_one(data, keys, value, message):
    with pytest.raises(InputError) as caught:
        load_experiment(with_entry(data, keys, value))
    lines = str(caught.value).split("\n")
    assert any(message in line for line in lines)
    assert "did you mean" not in str(caught.value)
