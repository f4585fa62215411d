"""Building blocks of the files users write: quantity fields, strict tables, clear messages.

Scenario and scheme files are pydantic models made of these, so both refuse
unknown keys with the nearest known ones, and both name file and key in errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, core_schema

from stochhh import units
from stochhh.errors import InputError, did_you_mean
from stochhh.input_files import MOST_TOML, parse_toml, read_text
from stochhh.units import Amount, Kind
from stochhh.words import cut, hidden_in, printable, said_value

_MOST_LINES = 20  # of a message

#: Pydantic's words for types, and what someone who writes TOML calls them.
_PLAIN_WORDS = {
    "valid tuple": "list",
    "valid list": "list",
    "valid dictionary": "table",
    "valid integer": "whole number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "valid number": "number",
}


@dataclass(frozen=True)
class Quantity:
    """Pydantic annotation: text with a unit of this kind, read into an `Amount`.

    `word`, if any, is a word that may stand instead of a quantity.
    """

    kind: Kind
    word: str | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value if value == self.word else value.text
            ),
        )

    def _read(self, value: object) -> Amount | str:
        if self.word is None:
            return units.parse(value, self.kind)
        try:
            return self.word if value == self.word else units.parse(value, self.kind)
        except InputError as error:
            raise InputError(f'{error}, or "{self.word}"') from None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {
            "type": "string",
            "description": f"{self.kind.what} with its unit",
            "examples": [self.kind.example, *([self.word] if self.word else [])],
        }


Area = Annotated[Amount, Quantity(units.AREA)]
BindingRate = Annotated[Amount, Quantity(units.BINDING_RATE)]
Capacitance = Annotated[Amount, Quantity(units.CAPACITANCE)]
Concentration = Annotated[Amount, Quantity(units.CONCENTRATION)]
Conductance = Annotated[Amount, Quantity(units.CONDUCTANCE)]
Current = Annotated[Amount, Quantity(units.CURRENT)]
CurrentSD = Annotated[Amount, Quantity(units.CURRENT_SD)]
Density = Annotated[Amount, Quantity(units.DENSITY)]
Duration = Annotated[Amount, Quantity(units.DURATION)]
Frequency = Annotated[Amount, Quantity(units.FREQUENCY)]
Leak = Annotated[Amount, Quantity(units.LEAK)]
Length = Annotated[Amount, Quantity(units.LENGTH)]
MaximalConductance = Annotated[Amount, Quantity(units.MAXIMAL_CONDUCTANCE)]
EventRate = Annotated[Amount, Quantity(units.EVENT_RATE)]
Rate = Annotated[Amount, Quantity(units.RATE)]
Resistivity = Annotated[Amount, Quantity(units.RESISTIVITY)]
Temperature = Annotated[Amount, Quantity(units.TEMPERATURE)]
Time = Annotated[Amount, Quantity(units.TIME)]
Voltage = Annotated[Amount, Quantity(units.VOLTAGE)]
VoltageStep = Annotated[Amount, Quantity(units.VOLTAGE_STEP)]


def _visible(kept: str) -> BeforeValidator:
    """Refuse characters that no reader sees, and that a screen may obey."""

    def check(value: object) -> object:
        hidden = hidden_in(value, kept) if isinstance(value, str) else None
        if hidden is not None:
            raise InputError(
                f"got {_shown(value)}, which holds the character {hidden}; leave it out, it "
                "cannot be seen"
            )
        return value

    return BeforeValidator(check)


#: Annotations of texts that are shown: on one line, or on several with tabs.
ONE_LINE, LINES = _visible(""), _visible("\n\t")
#: What a thing is called.
Name = Annotated[StrictStr, Field(min_length=1, max_length=200), ONE_LINE]
#: Key of a table whose keys are names.
KeyName = Annotated[str, ONE_LINE]


def _check_whole(value: object) -> object:
    """Refuse what Python takes for the number that a file has to begin with."""
    if isinstance(value, bool | float):
        raise InputError(f"got {said_value(value)}; it must be the number 1")
    return value


#: The format of a file, of which there is one.
Format = Annotated[Literal[1], BeforeValidator(_check_whole)]


class SchemaOfQuantities(GenerateJsonSchema):
    """JSON Schema in which default quantities stand as they are written."""

    def encode_default(self, dft: Any) -> Any:
        """Text of a quantity; any other default as usual."""
        return dft.text if isinstance(dft, Amount) else super().encode_default(dft)


class Table(BaseModel):
    """A TOML table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            unknown = [key for key in data if key not in known]
            if unknown:
                raise InputError(
                    f"unknown key '{unknown[0]}'; {did_you_mean(str(unknown[0]), known)}"
                )
        return data


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; an unreadable or malformed one is an `InputError` that names it."""
    try:
        text = read_text(path, MOST_TOML)
    except InputError as error:
        raise InputError(f"{printable(path)}: {error}") from None
    try:
        return parse_toml(text)
    except ValueError as error:  # also numbers of thousands of digits
        raise InputError(f"{printable(path)}: not valid TOML: {error}") from None


Model = TypeVar("Model", bound=Table)


def validate(model: type[Model], data: dict[str, Any], where: str) -> Model:
    """Validate data against a model; its errors become one `InputError`, a line each of the first.

    A circuit that lacks a key may lack it in 10 000 places.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = [details for details in error.errors() if not _follows(details)]
        messages = [f"{where}: {_message(model, details)}" for details in found[:_MOST_LINES]]
        lines = list(dict.fromkeys(map(printable, messages)))
        if len(found) > _MOST_LINES:
            lines.append(f"{where}: and {len(found) - _MOST_LINES:,d} more like these")
        raise InputError("\n".join(lines)) from None


def _follows(details: Any) -> bool:
    """Whether an error is but that of an entry, without which its list is too short."""
    return bool(
        details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]
    )


def _message(model: type[Table], details: Any) -> str:
    key, annotation = _locate(model, details["loc"])
    prefix = f"{key}: " if key else ""
    if details["type"] == "value_error":
        return prefix + str(details["ctx"]["error"])
    if details["type"] == "missing":
        example = _example(annotation)
        return prefix + "missing" + (f", write for example {example}" if example else "")
    if details["type"] == "too_long":
        n, most = (
            details["ctx"]["actual_length"] or len(details["input"]),
            details["ctx"]["max_length"],
        )
        return f"{prefix}{n:,d} entries; at most {most:,d} are allowed"
    if details["type"] == "union_tag_not_found":
        return prefix + f"{details['ctx']['discriminator'].strip(chr(39))} is missing"
    if details["type"] == "union_tag_invalid":
        context = details["ctx"]
        known = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        tag = details["input"][context["discriminator"].strip("'")]
        shown = f"'{tag}'" if isinstance(tag, str) else said_value(tag)
        return (
            f"{prefix}unknown {context['discriminator']} {shown}; {did_you_mean(str(tag), known)}"
        )
    given = details["input"]
    if details["type"] == "literal_error":
        expected = details["ctx"]["expected"]
        if "'" not in expected:
            return f"{prefix}got {said_value(given)}; it must be the number {expected}"
        known = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
        near = did_you_mean(given if isinstance(given, str) else "", known)
        return f"{prefix}got {_shown(given)}; {near}"
    text = re.sub(r" or (instance of \w+|object to .*)", "", details["msg"])
    text = text.replace("Input should", "it should")
    for word, plain in _PLAIN_WORDS.items():
        text = text.replace(word, plain)
    shown = said_value(given) if details["type"].endswith("_type") else _shown(given)
    return f"{prefix}got {shown}, but {text[0].lower()}{text[1:]}"


def _shown(value: object) -> str:
    return cut(repr(value), 60) if isinstance(value, str) else said_value(value)


def _locate(model: Any, location: tuple[str | int, ...]) -> tuple[str, Any]:
    """Turn pydantic's location into the key a user knows, and find its annotation."""
    key, annotation = "", model
    for step in location:
        if step == "[key]":  # what is wrong is the key itself
            return key, None
        annotation = _unwrapped(annotation)
        if isinstance(step, int):
            key += f"[{step}]"
            entries = [entry for entry in get_args(annotation) if entry is not Ellipsis]
            annotation = entries[min(step, len(entries) - 1)] if entries else None
            continue
        if get_origin(annotation) is dict:
            key += f".{step}" if key else step
            annotation = get_args(annotation)[1]
            continue
        members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
        tagged = [m for m in members if _tag(m) == step]
        if tagged:  # a union's tag, which stands in no file
            annotation = tagged[0]
            continue
        fields = getattr(annotation, "model_fields", {})
        found = [f for name, f in fields.items() if (f.alias or name) == step]
        if not found and not isinstance(annotation, type):
            continue  # a pydantic-internal step, such as a function's name
        key += f".{step}" if key else str(step)
        annotation = found[0].rebuild_annotation() if found else None
    return key, annotation


def _unwrapped(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = [m for m in get_args(annotation) if m is not type(None)]
    if get_origin(annotation) in (Union, UnionType) and len(members) == 1:
        return _unwrapped(members[0])
    return annotation


def _tag(member: Any) -> str | None:
    fields = getattr(_unwrapped(member), "model_fields", {})
    field = fields.get("kind") or fields.get("law")
    return field.default if field is not None else None


def _example(annotation: Any) -> str | None:
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Quantity):
            return f'"{extra.kind.example}"'
    return None
