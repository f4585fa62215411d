"""Tables of numbers as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stochhh.writing import replacing


def write_csv(path: str | Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """Write rows below the names of their columns; the whole file or nothing.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    path = Path(path)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    return path
