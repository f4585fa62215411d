"""``figure.rows``: which points of a sweep make the rows of its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from stochhh.errors import InputError, did_you_mean
from stochhh.scenario.sweep_tables import as_number
from stochhh.words import said_value

_EXAMPLE = 'rows = { "membrane.area" = "20 um^2" }'
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "which points of a sweep are drawn as rows: for swept keys the value, or a "
    "list of values, that they have there",
    "additionalProperties": {
        "anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "array")]
    },
}


def _as_lists(table: Any) -> Any:
    """Rows as lists of values; what is no table stays as it is."""
    if not isinstance(table, dict):
        return table
    lists = {key: value if isinstance(value, list) else [value] for key, value in table.items()}
    for key, values in lists.items():
        if not values or any(isinstance(value, (dict, list)) for value in values):
            raise InputError(
                f'"{key}": got {said_value(table[key])}, need a value of the sweep or several in '
                f"a list, as in {_EXAMPLE}"
            )
    return lists


def is_same(value: Any, other: Any) -> bool:
    """Whether two values of a key are the same, as 6 uA/cm^2 and 6.0 uA/cm^2 are."""
    if str(value) == str(other):
        return True
    one, two = as_number(value), as_number(other)
    return one is not None and one == two


def check_rows(rows: Mapping[str, Sequence[Any]], sweep: Mapping[str, Sequence[Any]]) -> None:
    """Refuse rows of a picture that are no points of its sweep.

    Raises
    ------
    InputError
        A key that is not swept, or a value that is not among its own.
    """
    for key, values in rows.items():
        if key not in sweep:
            known = did_you_mean(key, list(sweep)) if sweep else "there is no sweep"
            raise InputError(f'figure.rows: "{key}" is not swept; {known}')
        for value in values:
            if not any(is_same(value, one) for one in sweep[key]):
                swept = ", ".join(shorten(str(one), 40) for one in sweep[key][:5])
                more = ", …" if len(sweep[key]) > 5 else ""
                raise InputError(
                    f'figure.rows."{key}": got {said_value(value)}, need one of its swept values: '
                    f"{swept}{more}"
                )


#: The table as a field of a scenario's figure.
FigureRows = Annotated[dict[str, list[Any]], BeforeValidator(_as_lists), WithJsonSchema(SCHEMA)]
