"""Strict tables: every message pydantic can cause, in words for someone who writes TOML."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal

import pytest
from pydantic import Field, StrictBool, StrictInt, StrictStr

from stochhh import units
from stochhh.errors import InputError
from stochhh.fields import Area, Quantity, Table, Voltage, read_toml, validate
from stochhh.units import Amount
from stochhh.words import printable


class Hole(Table):
    kind: Literal["hole"] = "hole"
    width_mV: Voltage = Field(alias="width")


class Hill(Table):
    kind: Literal["hill"] = "hill"
    height: Annotated[float, Field(gt=0)] = 1.0


class Inner(Table):
    areas: tuple[Area, ...] = ()
    rest: Annotated[Amount | Literal["rest"], Quantity(units.VOLTAGE, word="rest")] = "rest"


class Outer(Table):
    pairs: list[tuple[Area, Voltage]] = Field([])
    area_um2: Area = Field(alias="area")
    inner: Inner = Inner()
    shapes: tuple[Annotated[Hole | Hill, Field(discriminator="kind")], ...] = ()
    optional: Inner | None = None
    mapping: dict[str, Area] = Field({})
    number: StrictInt = 1
    flag: StrictBool = True
    text: Annotated[StrictStr, Field(min_length=1)] = "x"
    word: Literal["exact", "deterministic"] = "exact"


AREA = {"area": "1 um^2"}


def test_a_table_holds_amounts_under_names_with_units():
    outer = validate(Outer, {**AREA, "shapes": [{"kind": "hole", "width": "1 V"}]}, "file")
    assert (outer.area_um2, outer.shapes[0].width_mV) == (1.0, 1000.0)
    assert outer.inner.rest == "rest"


def test_a_word_or_a_quantity_is_read_and_written_as_it_was():
    for value in ("rest", "-65 mV"):
        inner = validate(Inner, {"rest": value, "areas": ["2 um^2"]}, "file")
        assert inner.model_dump(mode="json") == {"areas": ["2 um^2"], "rest": value}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, 'area: missing, write for example "100 um^2"'),
        (
            {**AREA, "shapes": [{"kind": "hole"}]},
            'shapes[0].width: missing, write for example "-65',
        ),
        ({**AREA, "aera": 1}, "unknown key 'aera'; did you mean 'area'?"),
        ({"area_um2": "1 um^2"}, "unknown key 'area_um2'; did you mean 'area'?"),
        ({**AREA, "inner": {"zzzz": 1}}, "inner: unknown key 'zzzz'; known: areas, rest"),
        ({**AREA, 5: 1}, "unknown key '5'; known: area, "),
        (
            {"area": 5},
            'area: got the bare number 5, need an area with its unit, such as "100 um^2"',
        ),
        ({"area": "5 mV"}, 'area: got "5 mV", which is not an area'),
        ({"area": "0 um^2"}, 'area: got "0 um^2", need an area above 0 um^2'),
        ({"area": [1]}, "area: got [1], need an area such as"),
        ({**AREA, "inner": {"areas": ["1 um^2", "x"]}}, 'inner.areas[1]: got "x", need an area'),
        ({**AREA, "inner": {"rest": "rset"}}, 'inner.rest: got "rset", need a voltage'),
        ({**AREA, "inner": {"rest": "rset"}}, 'such as "-65 mV", or "rest"'),
        ({**AREA, "inner": {"rest": 5}}, "inner.rest: got the bare number 5"),
        ({**AREA, "optional": {"areas": ["x"]}}, 'optional.areas[0]: got "x", need an area'),
        ({**AREA, "mapping": {"ACh": 5}}, "mapping.ACh: got the bare number 5"),
        ({**AREA, "mapping": {"a": "1 um^2", "b": "x"}}, 'mapping.b: got "x", need an area'),
        ({**AREA, "pairs": [["1 um^2", "1 mV"], ["1 um^2"]]}, "pairs[1][1]: missing, write for"),
        ({**AREA, "pairs": [["1 um^2", "1 ms"]]}, 'pairs[0][1]: got "1 ms", which is not a volt'),
        ({**AREA, "mapping": []}, "mapping: got [], but it should be a table"),
        ({**AREA, "inner": 5}, "inner: got 5, but it should be a table"),
        ({**AREA, "shapes": {}}, "shapes: got {}, but it should be a list"),
        ({**AREA, "shapes": [5]}, "shapes[0]: got 5, but it should be a table"),
        ({**AREA, "shapes": [{}]}, "shapes[0]: kind is missing"),
        ({**AREA, "shapes": [{"kind": "hole", "width": 5}]}, "shapes[0].width: got the bare"),
        ({**AREA, "shapes": [{"kind": "hols"}]}, "unknown 'kind' 'hols'; did you mean 'hole'?"),
        ({**AREA, "shapes": [{"kind": 5}]}, "shapes[0]: unknown 'kind' 5; known: hill, hole"),
        ({**AREA, "shapes": [{"kind": "hill", "height": 0}]}, "should be greater than 0"),
        (
            {**AREA, "shapes": [{"kind": "hill", "height": float("inf")}]},
            "should be a finite number",
        ),
        ({**AREA, "shapes": [{"kind": "hill", "width": "1 mV"}]}, "shapes[0]: unknown key 'width'"),
        ({**AREA, "number": "5"}, 'number: got "5" (a text), but it should be a whole number'),
        ({**AREA, "number": 1.5}, "number: got 1.5, but it should be a whole number"),
        ({**AREA, "number": True}, "number: got true, but it should be a whole number"),
        ({**AREA, "flag": 1}, "flag: got 1, but it should be true or false"),
        ({**AREA, "text": 1}, "text: got 1, but it should be text"),
        ({**AREA, "text": ""}, "text: got '', but string should have at least 1 character"),
        ({**AREA, "word": "exakt"}, "word: got 'exakt'; did you mean 'exact'?"),
        ({**AREA, "word": 5}, "word: got 5; known: deterministic, exact"),
        ({**AREA, "number": "9" * 99}, '…" (a text), but it should be a whole number'),
    ],
)
def test_a_message_names_the_file_the_key_and_what_is_needed(data, message):
    with pytest.raises(InputError, match=r"^file\.toml: ") as caught:
        validate(Outer, data, "file.toml")
    assert message in str(caught.value)


def test_all_errors_come_at_once_a_line_each():
    data = {"area": 5, "number": "5", "inner": {"areas": ["x"]}}
    with pytest.raises(InputError) as caught:
        validate(Outer, data, "file.toml")
    lines = str(caught.value).splitlines()
    keys = [re.match(r"file\.toml: ([\w.\[\]]+): ", line).group(1) for line in lines]
    assert keys == ["area", "inner.areas[0]", "number"]


def test_a_key_with_line_breaks_stays_on_one_line():
    for data in ({"mapping": {"a\nb": 5}, **AREA}, {"a\nb": 5}):
        with pytest.raises(InputError) as caught:
            validate(Outer, data, "file.toml")
        assert len(str(caught.value).splitlines()) == 1


def test_the_json_schema_shows_quantities_by_example():
    properties = Outer.model_json_schema()["properties"]
    assert properties["area"]["examples"] == ["100 um^2"]
    assert properties["area"]["description"] == "an area with its unit"
    assert Inner.model_json_schema()["properties"]["rest"]["examples"] == ["-65 mV", "rest"]


def test_toml_is_read_as_utf_8_with_any_line_ends(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes('title = "µm²"\r\nn = 1\r\n'.encode())
    assert read_toml(path) == {"title": "µm²", "n": 1}


def refused(path, message):
    with pytest.raises(InputError, match=message) as caught:
        read_toml(path)
    assert str(caught.value).startswith(f"{printable(path)}: ")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    refused(tmp_path / "none.toml", r"cannot be read \(No such file or directory\)")


def test_a_folder_is_refused(tmp_path):
    refused(tmp_path, r"cannot be read \(Is a directory\)")


def test_an_impossible_path_is_refused(tmp_path):
    refused(tmp_path / "a\0b.toml", r"cannot be read \(.*null byte.*\)")
    refused(tmp_path / ("a" * 5000 + ".toml"), r"cannot be read \(File name too long\)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = ", "not valid TOML: Invalid value"),
        (b"a = 1\na = 2", "not valid TOML: Cannot overwrite a value"),
        (b"a = 1" + b"0" * 5000, "not valid TOML: Exceeds the limit"),  # of int(), not of TOML
        (b"a = " + b"[" * 5000, "not valid TOML: "),
        (b'a = "\xff"', "not UTF-8 text"),
        ("a = 1".encode("utf-16"), "not UTF-8 text"),
        (b"#" * 12_000_000, r"larger than 8 MB \(12 MB\), which no such file is"),
    ],
)
def test_content_that_is_no_toml_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    refused(path, message)


def test_the_largest_file_allowed_is_read(tmp_path):
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * 8_000_000)
    assert os.path.getsize(path) == 8_000_000
    assert read_toml(path) == {}
