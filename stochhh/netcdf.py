"""Datasets as NetCDF-4 files, in memory that does not grow with them.

Behind what HDF5 reads a file ends in a seal: its length and a digest of it. HDF5 itself
may read a damaged file as if nothing were, or crash. The seal is no signature: what a file
holds is looked at before it is read (`stochhh.netcdf_contents`).
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stochhh.columns import ROWS
from stochhh.lazy import pieces
from stochhh.netcdf_contents import DamagedError, check_contents
from stochhh.writing import check_signals

_LARGE = 4 * ROWS  # numbers in a variable, beyond which it is written and read piece by piece
LARGE_FILE = 256e6  # bytes in a dataset, beyond which it stays in its file
_COMPRESSED = 1000  # numbers in a variable worth compressing
_LEVEL = 3
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MARK = b"\nstochhh sealed "
_DIGEST = 32  # hexadecimal digits
_LENGTH = 20  # decimal digits
_SEAL = len(_MARK) + _DIGEST + 1 + _LENGTH + 1


def write(dataset: xr.Dataset, path: Path) -> None:
    """Write a dataset; what is large along ``time`` goes piece by piece, and attributes last.

    So a file that was never finished does not say what it is.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    large = [
        str(name)
        for name, variable in dataset.variables.items()
        if "time" in variable.dims and variable.size > _LARGE and variable.dtype.kind in "iuf"
    ]
    small = dataset.drop_vars(large)
    if large:
        small = small.drop_attrs(deep=False)
    encoding = {
        str(name): {"zlib": True, "complevel": _LEVEL}
        for name, variable in small.variables.items()
        if variable.dtype.kind in "iuf" and variable.size > _COMPRESSED
    }
    with _Disk(path) as disk:
        small.to_netcdf(disk, engine="h5netcdf", encoding=encoding)
        if large:
            _append(dataset, large, disk)
    disk.check()
    _seal(path)


class _Disk(io.RawIOBase):
    """A file that never fails HDF5, which crashes the process when it cannot write.

    After the first error, of a full disk say, what HDF5 writes is dropped and `check` raises
    that error.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error that a write met."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        """Write at the place that was sought, all of it or, after an error, nothing."""
        view = memoryview(data).cast("B")
        done = 0
        while self._error is None and done < len(view):
            try:
                done += self._file.write(view[done:])
            except OSError as error:
                self._error = error
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Read; what was dropped comes as zeros."""
        view = memoryview(buffer).cast("B")
        done = self._file.readinto(view) or 0
        if self._error is not None and done < len(view):
            view[done:] = bytes(len(view) - done)
            return len(view)
        return done

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Place in the file."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut the file, or make it longer."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size or 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def writable(self) -> bool:
        """Whether it can be written: yes."""
        return True

    def seekable(self) -> bool:
        """Whether places can be sought: yes."""
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def _append(dataset: xr.Dataset, names: list[str], disk: _Disk) -> None:
    """Add large variables to a file that holds the rest."""
    import h5netcdf

    with h5netcdf.File(disk, "a") as file:
        for name in sorted(names, key=lambda one: one != "time"):  # dims come with their coordinate
            variable = dataset.variables[name]
            for dim, size in zip(variable.dims, variable.shape, strict=True):
                if dim not in file.dimensions:
                    file.dimensions[dim] = size
            blocks = pieces(variable)
            first = next(blocks)
            target = file.create_variable(
                name,
                variable.dims,
                variable.dtype,
                chunks=(1,) * (variable.ndim - first[1].ndim) + first[1].shape,
                compression="gzip",
                compression_opts=_LEVEL,
                shuffle=True,
                fletcher32=True,
            )
            for key, value in _attributes(dataset, name).items():
                target.attrs[key] = value
            target[first[0]] = first[1]
            for index, values in blocks:
                disk.check()
                check_signals()
                target[index] = values
        file.attrs.update(dataset.attrs)


def _attributes(dataset: xr.Dataset, name: str) -> dict[str, Any]:
    """Attributes of a variable as xarray writes them: with the coordinates that go with it."""
    variable = dataset.variables[name]
    beside = [
        str(other)
        for other, coordinate in dataset.coords.items()
        if other not in dataset.dims and set(coordinate.dims) <= set(variable.dims)
    ]
    attrs: dict[str, Any] = dict(variable.attrs)
    if variable.dtype.kind == "f" and name not in dataset.dims:
        attrs["_FillValue"] = np.array(np.nan, variable.dtype)
    if beside and name not in dataset.coords:
        attrs["coordinates"] = " ".join(beside)
    return attrs


def _seal(path: Path) -> None:
    length = path.stat().st_size
    with path.open("ab") as file:
        file.write(_MARK + _digest(path, length) + f" {length:0{_LENGTH}d}\n".encode())


def check_seal(path: Path) -> None:
    """Refuse a file that `write` did not write, or that is not as it was then.

    Of a file of more than 256 MB only the length is compared; HDF5 has checksums of
    its large variables.

    Raises
    ------
    DamagedError
        Saying which of these.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(len(_SIGNATURE))
        file.seek(max(size - _SEAL, 0))
        seal = file.read(_SEAL)
    if first != _SIGNATURE and not seal.startswith(_MARK):
        raise DamagedError(
            "it is no NetCDF-4 file; need the result.nc of a run. Recordings and spike times of "
            "your own go to the functions of stochhh.analysis, in Python"
        )
    if not seal.startswith(_MARK) or len(seal) != _SEAL:
        raise DamagedError("it has no seal of stochhh at its end: cut off, or not a result")
    length = size - _SEAL
    if seal[-_LENGTH - 1 : -1] != f"{length:0{_LENGTH}d}".encode():
        raise DamagedError("it is not as long as it was written")
    if size <= LARGE_FILE and seal[len(_MARK) : len(_MARK) + _DIGEST] != _digest(path, length):
        raise DamagedError("it is not as it was written")


def _digest(path: Path, length: int) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST // 2)
    with path.open("rb") as file:
        while length > 0:
            block = file.read(min(length, 1 << 22))
            if not block:
                break
            digest.update(block)
            length -= len(block)
    return digest.hexdigest().encode()


def read(path: Path) -> xr.Dataset:
    """Read a dataset: into memory, or if it is large leave it in the file, to be read in slices.

    Raises
    ------
    DamagedError
        It is not as `write` wrote it, or holds what `write` does not write.
    """
    check_seal(path)
    check_contents(path, path.stat().st_size - _SEAL)
    dataset = xr.open_dataset(path, engine="h5netcdf", cache=False, decode_times=False)
    if dataset.nbytes > LARGE_FILE:
        return dataset
    with dataset:
        return dataset.load()
