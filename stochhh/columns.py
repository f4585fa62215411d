"""Columns of numbers, a row a record: an array in memory, or a part of a file read piece by piece.

A file of columns is raw numbers without a header, one column behind the other, and
lives no longer than the run that wrote it. Its holes take no space on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

#: Rows read or written in one go.
ROWS = 65_536


class Column(Protocol):
    """What an array and a part of a file have in common. The first axis is the records."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of one."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""

    def __getitem__(self, rows: slice, /) -> Array: ...


@dataclass(frozen=True)
class FileColumn:
    """A column that lies in a file from byte `offset` on; slices of it are read when asked for.

    It holds no open file, so it may be pickled and read by several threads.
    """

    path: Path
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * prod(self.shape[1:])

    def __getitem__(self, rows: slice) -> Array:
        """Read rows; with a stride, piece by piece, so that only what is asked for is held."""
        start, stop, stride = rows.indices(self.shape[0])
        if stride < 1:
            raise IndexError(f"rows are read forward; got a stride of {stride}")
        if stride == 1:
            return self._read(start, max(stop - start, 0))
        piece = max(ROWS // stride, 1) * stride
        parts = [
            self._read(first, min(piece, stop - first))[::stride]
            for first in range(start, stop, piece)
        ]
        return np.concatenate([self._read(start, 0), *parts])

    def write(self, first: int, values: Array) -> None:
        """Put rows into the file, from row `first` on."""
        with self.path.open("r+b") as file:
            file.seek(self.offset + first * self.row_bytes)
            file.write(np.ascontiguousarray(values, dtype=self.dtype).data)

    def _read(self, first: int, n: int) -> Array:
        count = n * prod(self.shape[1:])
        values = np.fromfile(
            self.path, self.dtype, count, offset=self.offset + first * self.row_bytes
        )
        if values.size != count:
            raise OSError(f"{self.path}: ends before row {first + n}")
        return values.reshape(n, *self.shape[1:])


def file_columns(
    path: Path, wanted: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]
) -> dict[str, FileColumn]:
    """Lay columns out in a new file.

    Parameters
    ----------
    path : of the file; an old one is emptied.
    wanted : by name the type and shape of each column.
    """
    columns, offset = {}, 0
    for name, (dtype, shape) in wanted.items():
        columns[name] = FileColumn(path, offset, dtype, shape)
        offset += dtype.itemsize * prod(shape)
    with path.open("wb") as file:
        file.truncate(offset)
    return columns
