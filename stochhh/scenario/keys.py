"""Dotted keys such as ``membrane.channels.squid-na.count`` in the tables of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stochhh import units
from stochhh.errors import InputError, did_you_mean
from stochhh.words import cut, printable

_DEEPEST_KEY = 20
_MOST_CHANGES = 3  # said one by one
_LONGEST_TITLE = 200  # characters, of which a title may have no more
_SIMULATED = "membrane", "cell", "synapse", "input", "stimulus", "clamp", "run.initial"
_UNSAID = "membrane", "membranes", "channels", "cell", "section", "run", "0"
_LISTS = "stimulus", "cell", "section", "synapse", "input", "channels", "segment"


def set_key(data: Any, key: str, value: Any, where: str, above: str = "") -> Any:
    """Return tables with one key set; an entry of an array goes by number or by name.

    Parameters
    ----------
    data : the tables, which stay as they are
    key : with dots between its steps
    value : that it gets
    where : what messages begin with
    above : key of the tables in the scenario, with a dot at its end; for messages

    Raises
    ------
    InputError
        No such entry of an array, or something on the way that is no table.
    """
    if key.count(".") > _DEEPEST_KEY:
        raise InputError(f"{where}: no key has that many dots")
    step, _, rest = key.partition(".")
    if isinstance(data, list):
        index = _entry(data, key, where, above)
        entries = list(data)
        below = f"{above}{step}."
        entries[index] = set_key(data[index], rest, value, where, below) if rest else value
        return entries
    if not isinstance(data, dict):
        raise InputError(f"{where}: '{step}' is not a table, so nothing below it can be set")
    if not rest:
        return {**data, step: value}
    first = rest.partition(".")[0]
    if step not in data and (first.isdecimal() or step in _LISTS):
        raise InputError(f"{where}: no entry '{first}'; there is no {step} in the scenario")
    below = f"{above}{step}."
    return {**data, step: set_key(data.get(step, {}), rest, value, where, below)}


def keys_of(data: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of tables as `set_key` takes it, and its value; lists of values are one."""
    if isinstance(data, dict):
        for step, value in data.items():
            yield from keys_of(value, f"{above}.{step}" if above else str(step))
    elif isinstance(data, list) and data and all(isinstance(entry, dict) for entry in data):
        names = _names(data)
        for number, entry in enumerate(data):
            name = names[number]
            alone = bool(name) and "." not in name and names.count(name) == 1
            yield from keys_of(entry, f"{above}.{name if alone else number}")
    else:
        yield above, data


def retitled(changed: Any, written: Any) -> Any:
    """Tables whose title says what was changed of what is simulated, if it is no new one.

    Parameters
    ----------
    changed, written : the tables with the overrides and without
    """
    title = changed.get("title")
    if not isinstance(title, str) or title != written.get("title"):
        return changed
    before, after = dict(keys_of(written)), dict(keys_of(changed))
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    keys = [key for key in keys if key.startswith(_SIMULATED)]
    if len(keys) > _MOST_CHANGES:
        keys = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    text = "; ".join([title, *(_said_change(key, after.get(key)) for key in keys)])
    return {**changed, "title": text} if len(text) <= _LONGEST_TITLE else changed


def _said_change(key: str, value: Any) -> str:
    """Words for a key and its value, as in "squid-na density 0 / µm²"."""
    steps = [step for step in key.split(".") if step not in _UNSAID] or key.split(".")
    words = " ".join(steps).replace("_", " ")
    if isinstance(value, bool):
        return f"{words} {'on' if value else 'off'}"
    if not isinstance(value, (str, int, float)):
        return f"{words} changed"
    shown = f"{words} {cut(str(value), 60)}"
    return units.pretty(printable(shown)).replace("/ ", "/")  # which no line breaks


def _names(entries: list[Any]) -> list[str]:
    return [
        str(entry.get("name", entry.get("scheme", ""))) if isinstance(entry, dict) else ""
        for entry in entries
    ]


def _entry(entries: list[Any], key: str, where: str, above: str) -> int:
    """Place of the entry that the first step of a key names, by its name or its number."""
    step = key.partition(".")[0]
    names = _names(entries)
    if step in names:
        return names.index(step)
    numbers = [str(number) for number in range(len(entries))]
    if step in numbers:
        return int(step)
    known = [name for name in names if name] or numbers
    if known and any(isinstance(entry, dict) and step in entry for entry in entries):
        near = f"{above}{known[0]}.{key}"
        raise InputError(f"{where}: no entry '{step}'; say of which, as in {near}")
    raise InputError(f"{where}: no entry '{step}'; {did_you_mean(step, known)}")
