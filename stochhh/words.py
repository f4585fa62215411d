"""Times, sizes and names in words."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

#: Control characters, ends of lines and paragraphs, halves of characters, and characters without
#: a width of their own, among them those that turn the direction of writing.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)


def said_duration(seconds: float) -> str:
    """Say a time in the unit that fits, as in "3.2 min"."""
    for unit, size in (("years", 3.156e7), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


def said_bytes(n_bytes: float) -> str:
    """Say a size in the unit that fits, as in "16 GB"."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes / 1e3:.3g} kB"


def printable(text: object, kept: str = "") -> str:
    """Write out what a screen would obey or hide: control characters, marks of writing direction.

    Parameters
    ----------
    text : to be shown
    kept : such characters that may stay, as the ends of lines
    """
    return HIDDEN.sub(lambda one: one[0] if one[0] in kept else _written(one[0]), str(text))


def hidden_in(text: str, kept: str = "") -> str | None:
    """Name the first such character that is not kept, as in "U+001B"; None without one."""
    found = next((one for one in HIDDEN.findall(text) if one not in kept), None)
    return None if found is None else f"U+{ord(found):04X}"


def _written(character: str) -> str:
    number = ord(character)
    form = "\\x{:02x}" if number < 256 else "\\u{:04x}" if number < 65536 else "\\U{:08x}"
    return form.format(number)


def said_value(value: object) -> str:
    """Say a value of the wrong type as TOML writes it, so that it does not read as a right one.

    A text says that it is one, as in "5" (a text); long values are cut.
    """
    if isinstance(value, str):
        return f"{json.dumps(cut(value, 50), ensure_ascii=False)} (a text)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (datetime.date, datetime.time)):
        return f"{value} (a date)"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of very many digits"
    return cut(repr(value), 60)


def cut(text: str, most: int) -> str:
    """Leave out the end of a long text."""
    return text if len(text) <= most else text[: most - 3] + "…"


def said_name(name: str | Path) -> str:
    """Say a name as it is, or in quotes if it would break the line it stands in."""
    return str(name) if str(name).isprintable() else repr(str(name))
