"""Waveforms from CSV files: a column of times and one of values, with units in the header."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stochhh import units
from stochhh.errors import InputError
from stochhh.units import Amount, Kind

Floats = NDArray[np.float64]


def read_waveform(path: Path, kind: Kind) -> tuple[Floats, Floats, Amount]:
    """Read a waveform from a CSV file with units in its header.

    Parameters
    ----------
    path : the file: a header, then a row of two numbers a sample.
    kind : what the second column is, such as `units.CURRENT`.

    Returns
    -------
    time_ms : (n,) increasing
    value : (n,) in the unit of the header
    unit : one such unit, in internal units

    Raises
    ------
    InputError
        Unreadable, a header without units, a value that is not a finite number,
        or times that do not increase.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    except OSError as error:
        raise InputError(f"path: {path}: cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, csv.Error, ValueError):
        raise InputError(f"path: {path}: not a CSV text file") from None
    names = rows[0] if rows else []
    example = f"time (ms),{kind.what.split()[-1]} ({kind.units[-1]})"
    header = [re.fullmatch(r"[^()]*\(([^()]+)\)\s*", cell) for cell in names]
    if len(header) != 2 or header[0] is None or header[1] is None:
        raise InputError(
            f"path: {path}: the header must name two columns with units, such as: {example}"
        )
    try:
        time_unit = units.parse(f"1 {header[0].group(1).strip()}", units.DURATION)
        value_unit = units.parse(f"1 {header[1].group(1).strip()}", kind)
    except InputError as error:
        raise InputError(f"path: {path}: header: {error}") from None
    try:
        values = np.array([(float(time), float(value)) for time, value in rows[1:]]).reshape(-1, 2)
    except ValueError:
        raise InputError(f"path: {path}: every row must be two numbers") from None
    if len(values) < 2 or not np.isfinite(values).all() or np.any(np.diff(values[:, 0]) <= 0):
        raise InputError(f"path: {path}: need two rows or more, finite, with increasing times")
    return values[:, 0] * float(time_unit), values[:, 1], value_unit
