"""What a NetCDF-4 file of stochhh may be made of: plain arrays and texts that lie in it.

HDF5 can do more: it follows links into other files, takes raw bytes of any file for numbers,
loads filters as programs, and lets a kilobyte stand for terabytes. A result may come from
anyone, so whatever `stochhh.netcdf.write` does not write is refused before it is read.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stochhh.words import printable, said_bytes

if TYPE_CHECKING:
    import h5py

_MOST_OBJECTS = 2000  # variables and dims of a file
_MOST_ATTRIBUTES = 100  # of one of them
_MOST_VALUES = 10_000  # in an attribute
_MOST_DIMS = 10
_MOST_SHRUNK = 1100  # deflate makes bytes at most 1032 times fewer
_MOST_CHUNK = 256e6  # bytes, which are held as a whole
_MOST_COORDINATES = 1e9  # bytes, of dims, which are read when the file is opened
_TEXTS_AT_ONCE = 256e6  # bytes
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3  # numbers that HDF5 gives to filters
_NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable."  # as readers look for it
#: Attributes of NetCDF's own, which join variables to their dims within the file.
_JOINTS = ("DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Coordinates", "_Netcdf4Dimid")
#: Attributes that would have a reader change the numbers.
_CHANGING = ("scale_factor", "add_offset", "missing_value", "_Unsigned", "dtype")


class DamagedError(ValueError):
    """A file is not as it was written."""


def check_contents(path: Path, length: int) -> None:
    """Refuse a file that holds anything but plain arrays and texts, or that is too small for them.

    Parameters
    ----------
    path : of the file
    length : in bytes, of what HDF5 reads of it

    Raises
    ------
    DamagedError
        Naming what it is.
    OSError, RuntimeError, ValueError, KeyError, TypeError
        HDF5 cannot read it.
    """
    import h5py

    with h5py.File(path, "r") as file:
        _check_attributes(file, "the file")
        if len(file) > _MOST_OBJECTS:
            raise DamagedError(f"it has {len(file)} variables, and no result has so many")
        stored, coordinates = 0, 0
        for name in file:
            what = f"'{printable(name)[:60]}'"
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                raise DamagedError(f"{what} is a link to somewhere else, which no result has")
            variable = file[name]
            if not isinstance(variable, h5py.Dataset):
                raise DamagedError(f"{what} is no variable, and a result has nothing else")
            _check_attributes(variable, what)
            stored += _check_variable(variable, what, length)
            coordinates += variable.nbytes if _is_coordinate(variable) else 0
        if stored > length:
            raise DamagedError("its variables lie in the same place of the file")
        if coordinates > _MOST_COORDINATES:
            raise DamagedError(f"its dims have coordinates of {said_bytes(coordinates)}")


def _check_variable(variable: h5py.Dataset, what: str, length: int) -> int:
    """Refuse a variable that is not plain, or larger than its bytes; returns how many it has."""
    import h5py

    made = variable.id.get_create_plist()
    if variable.external or made.get_layout() == h5py.h5d.VIRTUAL:
        raise DamagedError(f"{what} has its numbers in another file, which no result has")
    if variable.shape is None or variable.ndim > _MOST_DIMS:
        raise DamagedError(f"{what} is no array that a result could have")
    is_text = variable.dtype.kind == "O" and h5py.check_string_dtype(variable.dtype) is not None
    if not is_text and not _is_number(variable.dtype):
        raise DamagedError(f"{what} is neither of numbers nor of text")
    filters = [made.get_filter(index)[0] for index in range(made.get_nfilters())]
    if filters.count(_DEFLATE) > 1 or set(filters) - {_DEFLATE, _SHUFFLE, _FLETCHER32}:
        raise DamagedError(f"{what} is packed by a filter that no result uses")
    if "CLASS" in variable.attrs and not _is_coordinate(variable):
        return 0  # the size of a dim; nobody reads it
    size = prod(int(n) for n in variable.shape) * variable.dtype.itemsize
    if is_text:
        size *= 2  # a text's place in the file: its length, where it is, and its number there
    stored = int(variable.id.get_storage_size())
    if size > stored * (_MOST_SHRUNK if _DEFLATE in filters else 1):
        raise DamagedError(
            f"{what} says that it holds {said_bytes(size)}, of which "
            f"{said_bytes(stored)} are there; no file can be packed so"
        )
    if variable.chunks and prod(variable.chunks) * variable.dtype.itemsize > _MOST_CHUNK:
        raise DamagedError(f"{what} is packed in pieces larger than {said_bytes(_MOST_CHUNK)}")
    if variable.ndim and not {"DIMENSION_LIST", "CLASS"} & set(variable.attrs):
        raise DamagedError(f"{what} does not name its dims")
    if is_text and variable.size:
        _check_texts(variable, what, length)
    return stored


def _check_texts(variable: h5py.Dataset, what: str, length: int) -> None:
    """Refuse texts that are together longer than the file, having one place in it."""
    step, read = max(int(_TEXTS_AT_ONCE / length), 1), 0
    if variable.ndim not in (1, 2):  # of compartments, or of those of every point of a sweep
        raise DamagedError(f"{what} is a block of texts, which no result has")
    for row in np.ndindex(variable.shape[:-1]):
        for first in range(0, variable.shape[-1], step):
            read += sum(len(text) for text in variable[(*row, slice(first, first + step))])
            if read > length:
                raise DamagedError(f"{what} has texts longer than the file")


def _check_attributes(of: Any, what: str) -> None:
    """Refuse attributes that are not numbers or texts, or that no result has."""
    import h5py

    if len(of.attrs) > _MOST_ATTRIBUTES:
        raise DamagedError(f"{what} has {len(of.attrs)} attributes, and nothing in a result has")
    for name in of.attrs:
        attribute = of.attrs.get_id(name)
        shape, dtype = attribute.shape, attribute.dtype
        is_text = dtype.kind == "S" or h5py.check_string_dtype(dtype) is not None
        if name in _JOINTS:
            continue
        if name in _CHANGING or not (is_text or _is_number(dtype)):
            raise DamagedError(f"{what} has an attribute '{printable(name)[:60]}' of no result")
        if shape is None or prod(shape) > (1 if is_text else _MOST_VALUES):
            raise DamagedError(
                f"{what} has an attribute '{printable(name)[:60]}' that is no single value"
            )


def _is_coordinate(variable: h5py.Dataset) -> bool:
    """Whether it holds the coordinates of a dim, not just the dim's size."""
    name = variable.attrs.get("NAME", b"")
    name = name.encode() if isinstance(name, str) else bytes(name)
    return "CLASS" in variable.attrs and _NO_VARIABLE not in name


def _is_number(dtype: Any) -> bool:
    return dtype.kind in "iuf" and dtype.itemsize <= 8 and not dtype.metadata
