"""Texts that users give, which may come from anyone: plain files of bounded size, in UTF-8.

A pipe would be waited for without end, a device has none, and a few kilobytes of TOML can ask
its reader for gigabytes; each is refused before it is read.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from stochhh.errors import InputError
from stochhh.words import said_bytes

#: Bytes of a scenario or scheme. A page of text has some thousands, a circuit of 1000 cells and
#: 10 000 synapses 2 to 5 million. So long a text of single keys takes 3 s and 70 MB to parse.
MOST_TOML = 8_000_000
#: Tables, lists and dots of such a text, each of which costs its reader up to 1 kB and 7 µs;
#: that circuit has 150 000.
_MOST_PARTS = 500_000
_MOST_DOTS = 10  # of a key; reading one takes time and memory that grow with their square
_MOST_LEVELS = 50  # of arrays and inline tables
_BOTH_ENDS = b"\xff\xfe", b"\xfe\xff"  # byte order marks of UTF-16 (and of UTF-32)

#: Texts and comments of TOML, in which dots and brackets mean nothing. Each alternative takes
#: what it began, whole or not, so that no text makes the search go over a place twice.
_TEXTS = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3,5}|\\?\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+["\\]?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+"
)
_JSON_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_LONG_KEY = re.compile(rf'(?<![\w"-])(?:[\w"-]++[ \t]*+\.[ \t]*+){{{_MOST_DOTS + 1}}}')


def check_plain(path: Path, most_bytes: int, instead: str = "") -> None:
    """Refuse what is not a file of a size that can be read; links to one will do.

    Parameters
    ----------
    path : of the file
    most_bytes : that it may have
    instead : what to do about a larger one, for the message

    Raises
    ------
    InputError
        Without the path, for a message that begins with it.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if stat.S_ISDIR(found.st_mode):
        raise InputError("cannot be read (Is a directory)")
    if not stat.S_ISREG(found.st_mode):
        raise InputError("cannot be read (it is a pipe, a device or a socket; need a file)")
    if found.st_size > most_bytes:
        raise InputError(
            f"larger than {said_bytes(most_bytes)} ({said_bytes(found.st_size)}), "
            f"{instead or 'which no such file is'}"
        )


def check_encoding(first: bytes) -> None:
    """Refuse a text that begins with the mark of an encoding that is not UTF-8.

    Raises
    ------
    InputError
        Without the path, for a message that begins with it.
    """
    if first.startswith(_BOTH_ENDS):
        raise InputError("not UTF-8 text, but UTF-16; save it as UTF-8")


def read_text(path: Path, most_bytes: int, instead: str = "") -> str:
    """Read a text file; a byte order mark, which editors on Windows write, is left out.

    Raises
    ------
    InputError
        Without the path, for a message that begins with it.
    """
    check_plain(path, most_bytes, instead)
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})") from None
    check_encoding(content[:4])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML that asks for no more time and memory than a text of its length should.

    Raises
    ------
    ValueError
        It is not TOML, or nested deeper than any of our files.
    """
    plain = _TEXTS.sub('""', text)
    if _LONG_KEY.search(plain):
        raise ValueError(f"a key with more than {_MOST_DOTS} dots, which no such file has")
    parts = sum(plain.count(one) for one in ".[{")
    if parts > _MOST_PARTS:
        raise ValueError(
            f"{parts:,d} tables, lists and dots; a file may have {_MOST_PARTS:,d} of them"
        )
    _check_depth(plain)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def parse_json(text: str) -> Any:
    """Parse JSON, of finite numbers and whole characters, no deeper than TOML may be.

    Raises
    ------
    ValueError
        It is not that.
    """
    _check_depth(_JSON_TEXTS.sub('""', text))

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    tables = json.loads(text, parse_constant=refuse)
    if "\\ud" in text.lower():  # half a character, perhaps, which cannot be written
        json.dumps(tables, ensure_ascii=False).encode()
    return tables


def _check_depth(plain: str) -> None:
    """Refuse brackets in brackets beyond measure, in a text in which quotes are empty."""
    level = 0
    for bracket in re.finditer(r"[\[\]{}]", plain):
        level += 1 if bracket[0] in "[{" else -1
        if level > _MOST_LEVELS:
            raise ValueError(f"nested more than {_MOST_LEVELS} levels deep")
