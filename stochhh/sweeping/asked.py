"""What a user asks to be swept, beside or instead of what the scenario says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stochhh.errors import InputError
from stochhh.input_files import parse_toml
from stochhh.planning import resolve_experiment
from stochhh.scenario import Experiment, load_experiment
from stochhh.scenario.sweep_tables import REPEATS, ZIP, range_values

_RANGE = re.compile(r"\s*(log|linear)\s+(.+?)\s*\.\.\s*(.+?)\s*,\s*(\d{1,6})\s*")
_EXAMPLE = (
    '--over membrane.area="10 um^2, 30 um^2" or --over membrane.area="log 1 um^2 .. 9 um^2, 5"'
)


def read_over(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read axes as the command line has them: ``KEY=VALUE, VALUE`` or ``KEY=log A .. B, N``.

    Raises
    ------
    InputError
        Not of that form, or a range that makes no sense.
    """
    axes: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not key or not values:
            raise InputError(f"--over {text}: need a key and its values, as in {_EXAMPLE}")
        axes[key] = _values(key, values)
    return axes


def read_zip(texts: Sequence[str]) -> list[list[str]]:
    """Read groups of keys that advance together: ``KEY,KEY``."""
    return [[key.strip() for key in text.split(",")] for text in texts]


def with_sweep(
    scenario: str | Path | Mapping[str, Any] | Experiment,
    over: Mapping[str, Sequence[Any] | str | Mapping[str, Any]],
    zipped: Sequence[Sequence[str]] = (),
    repeats: int | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
) -> Experiment:
    """Load a scenario with overrides, and axes added to its sweep or put in place of those there.

    Raises
    ------
    InputError
        Something in it is wrong.
    """
    resolved = resolve_experiment(scenario, overrides, seed, trials, method)
    if not over and not zipped and repeats is None:
        return resolved
    table: dict[str, Any] = dict(resolved.sweep_lists)
    for key, values in over.items():
        if isinstance(values, str):
            table[key] = _values(key, values)
        else:
            table[key] = dict(values) if isinstance(values, Mapping) else list(values)
    if repeats is not None:
        table[REPEATS] = repeats
    if zipped:
        table[ZIP] = [*table.get(ZIP, []), *(list(group) for group in zipped)]
    return load_experiment(resolved, [f"sweep={_toml(table)}"])


def _values(key: str, text: str) -> list[Any]:
    """Values of an axis as written, quotes around each, around all of them, or none."""
    listed = _value(f"[{text}]")
    if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], str):
        text = listed[0]
    elif isinstance(listed, list):
        return listed
    found = _RANGE.fullmatch(text)
    if found is None:
        return [_value(part) for part in text.split(",")]
    spacing, first, to, points = found.groups()
    return range_values(key, _value(first), _value(to), int(points), spacing)


def _value(text: str) -> Any:
    text = text.strip()
    try:
        read = parse_toml(f"value = {text}")
    except ValueError:
        return text
    return read["value"] if len(read) == 1 else text


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)}={_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return json.dumps(value, ensure_ascii=False)
