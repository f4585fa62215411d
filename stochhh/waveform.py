"""Waveforms from CSV files: a column of times and one of values, with units in the header."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from stochhh import units
from stochhh.errors import InputError
from stochhh.input_files import check_encoding, check_plain
from stochhh.units import Amount, Kind
from stochhh.words import printable, said_value

Floats = NDArray[np.float64]

_MOST_BYTES = 200_000_000
_ROWS = "every row must be two numbers, with what divides the columns of the header between them"
_LONGEST_LINE = 100_000  # characters


def read_waveform(path: Path, kind: Kind) -> tuple[Floats, Floats, Amount]:
    """Read a waveform from a CSV file with units in its header.

    A file is read once for all the trials of a run, and again when it has changed.

    Parameters
    ----------
    path : the file, of 200 MB at most: a header, then a row of two numbers a sample, with
        commas between; or with semicolons or tabs, and then decimal commas if need be.
    kind : what the second column is, such as `units.CURRENT`.

    Returns
    -------
    time_ms : (n,) increasing; not to be written to, like `value`
    value : (n,) in the unit of the header
    unit : one such unit, in internal units

    Raises
    ------
    InputError
        Unreadable, a header without units, a value that is not a finite number,
        or times that do not increase.
    """
    try:
        check_plain(
            path, _MOST_BYTES, "too large for a waveform; keep every second sample, or cut it"
        )
        found = os.stat(path)
        return _read(path, kind, (found.st_mtime_ns, found.st_size, found.st_ino))
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise InputError(f"path: {printable(path)}: {reason}") from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"path: {printable(path)}: not a CSV text file") from None
    except InputError as error:
        raise InputError(f"path: {printable(path)}: {error}") from None


@lru_cache(maxsize=4)
def _read(path: Path, kind: Kind, version: tuple[int, ...]) -> tuple[Floats, Floats, Amount]:
    """Read a file that has not changed since `version`."""
    with path.open("rb") as file:
        check_encoding(file.read(4))
    with path.open(encoding="utf-8-sig") as text:
        lines = _lines(text)
        header = next(lines, "")
        delimiter = next((one for one in ";\t" if one in header), ",")
        time_unit, value_unit = _units(header, delimiter, kind)
        time, value = _numbers(lines, delimiter)
    time, value = time * float(time_unit), value.copy()
    for column in (time, value):
        column.flags.writeable = False
    return time, value, value_unit


def _lines(file: IO[str]) -> Iterator[str]:
    """Lines that are neither empty nor a comment."""
    for line in iter(lambda: file.readline(_LONGEST_LINE), ""):
        if len(line) == _LONGEST_LINE:
            raise InputError(f"not a CSV text file: a line of more than {_LONGEST_LINE} characters")
        if line[0] != "#" and not line.isspace():
            yield line


def _units(header: str, delimiter: str, kind: Kind) -> tuple[Amount, Amount]:
    """Units of both columns."""
    names = next(csv.reader([header], delimiter=delimiter), [])
    example = f"time (ms),{kind.what.split()[-1]} ({kind.units[-1]})"
    found = [re.fullmatch(r"[^()]*\(([^()]+)\)\s*", cell) for cell in names]
    if len(found) != 2 or found[0] is None or found[1] is None:
        raise InputError(
            f"the header must name two columns with units, such as: {example}; "
            f"got {said_value(header.strip())}"
        )
    try:
        return (
            units.parse(f"1 {found[0].group(1).strip()}", units.DURATION),
            units.parse(f"1 {found[1].group(1).strip()}", kind),
        )
    except InputError as error:
        raise InputError(f"header: {error}") from None


def _numbers(lines: Iterator[str], delimiter: str) -> Floats:
    """Both columns, (2, n); a comma that divides no columns is decimal."""
    if delimiter != ",":
        lines = (line.replace(",", ".") for line in lines)
    first = next(lines, None)
    try:
        if first is None:
            columns = np.zeros((2, 0))
        else:
            rows = chain([first], lines)
            columns = np.loadtxt(rows, delimiter=delimiter, comments=None, quotechar='"', ndmin=2).T
    except UnicodeDecodeError:
        raise
    except InputError:
        raise
    except ValueError:
        raise InputError(_ROWS) from None
    if len(columns) != 2:
        raise InputError(_ROWS)
    if columns.shape[1] < 2 or not np.isfinite(columns).all() or np.any(np.diff(columns[0]) <= 0):
        raise InputError("need two rows or more, finite, with increasing times")
    return columns
