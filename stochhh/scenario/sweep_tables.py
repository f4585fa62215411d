"""The ``[sweep]`` table: lists of values, ranges, repeats, and keys that advance together."""

from __future__ import annotations

import datetime
import math
import re
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, PrivateAttr, WithJsonSchema

from stochhh.errors import InputError, did_you_mean
from stochhh.fields import Table
from stochhh.words import said_value

#: The axis along which nothing changes but the random numbers.
REPEATS = "repeats"
#: The entry that names keys whose lists advance together.
ZIP = "zip"
MOST_POINTS = 100_000
_RANGE = ("from", "to", "points", "spacing")
_SPACINGS = ("linear", "log")
_NUMBER_UNIT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*(\D.*?)?\s*")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "for a key its values, as a list or a range; several keys make a grid",
    "properties": {
        REPEATS: {
            "description": "how often every point is run, each time with other random numbers",
            "type": ["integer", "array"],
        },
        ZIP: {
            "description": "lists of keys whose values advance together instead of making a grid",
            "type": "array",
            "items": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        },
    },
    "additionalProperties": {
        "anyOf": [
            {"type": "array"},
            {
                "type": "object",
                "properties": {
                    "from": {"type": ["string", "number"]},
                    "to": {"type": ["string", "number"]},
                    "points": {"type": "integer", "minimum": 2},
                    "spacing": {"enum": list(_SPACINGS)},
                },
                "required": ["from", "to", "points"],
                "additionalProperties": False,
            },
        ]
    },
}


def write_out(table: Any) -> Any:
    """Write the ranges and repeats of a sweep out as lists; what is neither stays as it is.

    Raises
    ------
    InputError
        A range or a number of repeats that makes no sense, or keys zipped that are not swept.
    """
    if not isinstance(table, dict):
        return table
    lists = {
        key: _repeats(value) if key == REPEATS else _list(str(key), value)
        for key, value in table.items()
    }
    if ZIP in lists:
        _check_zip(lists)
    return lists


def _repeats(value: Any) -> Any:
    if isinstance(value, list):
        if value != list(range(len(value))):
            raise InputError(f"{REPEATS}: got {said_value(value)}, need a whole number such as 10")
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_POINTS:
        raise InputError(
            f"{REPEATS}: got {said_value(value)}, need a whole number from 1 to {MOST_POINTS}, "
            "such as 10"
        )
    return list(range(value))


def _list(key: str, value: Any) -> Any:
    if not isinstance(value, dict):
        _refuse_dates(key, value)
        return value
    unknown = [name for name in value if name not in _RANGE]
    if unknown:
        raise InputError(f'"{key}": unknown key {unknown[0]!r}; {did_you_mean(unknown[0], _RANGE)}')
    missing = [name for name in _RANGE[:3] if name not in value]
    if missing:
        raise InputError(
            f'"{key}": a range needs {missing[0]!r}, as in '
            '{ from = "10 um^2", to = "1000 um^2", points = 5, spacing = "log" }'
        )
    return range_values(key, **{name.replace("from", "first"): v for name, v in value.items()})


def _refuse_dates(key: str, value: Any) -> None:
    """Refuse dates, which TOML has and no key takes; they would come back as text."""
    if isinstance(value, (datetime.date, datetime.time)):
        raise InputError(f'"{key}": got the date {value}, which no key takes; texts need quotes')
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in within:
        _refuse_dates(key, one)


def range_values(key: str, first: Any, to: Any, points: Any, spacing: Any = "linear") -> list[Any]:
    """List the values of a range, both ends among them.

    Parameters
    ----------
    key : that is swept, for messages
    first, to : quantities of the same unit, or numbers; between whole numbers all are whole
    points : how many
    spacing : "linear" or "log"

    Raises
    ------
    InputError
        Saying which of these is wrong.
    """
    if spacing not in _SPACINGS:
        raise InputError(f'"{key}": spacing: got {spacing!r}, need "linear" or "log"')
    if isinstance(points, bool) or not isinstance(points, int) or not 2 <= points <= MOST_POINTS:
        raise InputError(
            f'"{key}": points: got {said_value(points)}, need a whole number from 2 to '
            f"{MOST_POINTS}"
        )
    (low, unit), (high, other) = _number(key, "from", first), _number(key, "to", to)
    if unit != other:
        raise InputError(f'"{key}": from is in {unit!r} and to in {other!r}; write both in one')
    if spacing == "log" and not (low > 0 and high > 0):
        raise InputError(f'"{key}": a range with spacing = "log" needs both ends above zero')
    places = np.geomspace(low, high, points) if spacing == "log" else np.linspace(low, high, points)
    whole = isinstance(first, int) and isinstance(to, int)
    numbers: list[float] = [round(float(x)) if whole else float(f"{float(x):.10g}") for x in places]
    if len(set(numbers)) < len(numbers):
        raise InputError(f'"{key}": {points} points from {first!r} to {to!r} are not all different')
    return [f"{number:.10g} {unit}" for number in numbers] if unit else list(numbers)


def as_number(value: Any) -> tuple[float, str] | None:
    """Number and unit of a swept value, whose unit is empty if it is a plain number; or None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value), ""
    found = _NUMBER_UNIT.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else (float(found.group(1)), found.group(2) or "")


def _number(key: str, name: str, value: Any) -> tuple[float, str]:
    found = as_number(value)
    if found is None or (isinstance(value, str) and not found[1]):
        raise InputError(
            f'"{key}": {name}: got {said_value(value)}, need a number or a quantity such as '
            '"10 um^2"'
        )
    number, unit = found
    if not math.isfinite(number):
        raise InputError(f'"{key}": {name}: got {said_value(value)}, need a finite number')
    return number, unit


def _check_zip(lists: dict[str, Any]) -> None:
    groups = lists[ZIP]
    well = isinstance(groups, list) and all(
        isinstance(group, list) and len(group) > 1 and all(isinstance(key, str) for key in group)
        for group in groups
    )
    if not well:
        raise InputError(
            f"{ZIP}: got {said_value(groups)}, need lists of keys, as in "
            'zip = [["membrane.area", "stimulus.0.amplitude"]]'
        )
    seen: set[str] = set()
    for group in groups:
        for key in group:
            if key not in lists or key in (ZIP, REPEATS):
                raise InputError(f'{ZIP}: "{key}" has no list of values in this sweep')
            if key in seen:
                raise InputError(f'{ZIP}: "{key}" stands there twice')
            seen.add(key)
        sizes = {key: len(lists[key]) for key in group if isinstance(lists[key], list)}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f'"{key}" has {size}' for key, size in sizes.items())
            raise InputError(f"{ZIP}: lists that advance together need one length; {told}")


#: The table as a field of a scenario.
SweepLists = Annotated[dict[str, list[Any]], BeforeValidator(write_out), WithJsonSchema(SCHEMA)]


class Swept(Table):
    """What scenarios, which have a field `sweep_lists`, have in common."""

    _name: str = PrivateAttr("scenario")
    _data: dict[str, Any] = PrivateAttr(default_factory=dict)
    _written: dict[str, str] = PrivateAttr(default_factory=dict)

    def as_written(self, value: Any) -> Any:
        """Swept value as it stands in the file; of a path `sweep` holds where it leads to."""
        return self._written.get(value, value) if isinstance(value, str) else value

    @property
    def name(self) -> str:
        """Name of the file it was read from, without its ending."""
        return self._name

    @property
    def data(self) -> dict[str, Any]:
        """The merged tables as written, before validation."""
        return self._data

    @property
    def sweep(self) -> dict[str, list[Any]]:
        """Values of each swept key, in the order of the file."""
        lists: dict[str, list[Any]] = getattr(self, "sweep_lists")  # noqa: B009
        return {key: values for key, values in lists.items() if key != ZIP}

    @property
    def zipped(self) -> tuple[tuple[str, ...], ...]:
        """Groups of keys whose values advance together."""
        return tuple(tuple(group) for group in getattr(self, "sweep_lists").get(ZIP, []))  # noqa: B009
