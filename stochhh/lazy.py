"""Arrays of a dataset made piece by piece when they are read, and a place for their files."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from stochhh.columns import ROWS, Array
from stochhh.errors import InputError

#: Makes rows of the array at one place along its leading dims.
Read = Callable[[tuple[int, ...], slice], Array]


class Scratch:
    """A folder of temporary files that goes when nothing refers to it any more, or at exit."""

    def __init__(self, beside: Path | None, n_bytes: int) -> None:
        """Make the folder in `beside`, or with None where the system keeps temporary files.

        Raises
        ------
        InputError
            It cannot be made, or `n_bytes` will not fit in.
        """
        place = Path(tempfile.gettempdir()) if beside is None else beside
        try:
            place.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(place).free
            if n_bytes > free:
                raise InputError(
                    f"{place}: the records of this run take {1e-9 * n_bytes:.1f} GB and "
                    f"{1e-9 * free:.1f} GB are free; make run.record.interval longer or the run "
                    'shorter, or record less, as in run.record.variables=["voltage"]'
                )
            self.path = Path(tempfile.mkdtemp(prefix=".stochhh-", dir=place))
        except OSError as error:
            raise InputError(
                f"{place}: records of the run cannot be kept there ({error.strerror or error})"
            ) from None
        self._gone = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder now."""
        self._gone()


class Rows(BackendArray):
    """An array of which any rows can be made, but which never exists as a whole.

    Parameters
    ----------
    read : given indices along the leading dims and a slice of rows, makes these rows.
    shape : leading dims, rows, and the shape of a row.
    n_leading : how many dims lead.
    owner : kept alive as long as this array.
    """

    def __init__(
        self,
        read: Read,
        shape: tuple[int, ...],
        dtype: Any,
        n_leading: int = 0,
        owner: Scratch | None = None,
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._read, self._n_leading, self._owner = read, n_leading, owner

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._basic
        )

    def _basic(self, key: tuple[int | slice, ...]) -> Any:
        n = self._n_leading
        chosen = [_places(one, size) for one, size in zip(key[:n], self.shape[:n], strict=True)]
        rows, (start, stop, stride) = key[n], (0, 0, 1)
        if isinstance(rows, slice):
            start, stop, stride = rows.indices(self.shape[n])
        else:
            start = range(self.shape[n])[rows]
            stop = start + 1
        places = range(start, stop, stride)
        ahead = places if stride > 0 else places[::-1]
        wanted = slice(ahead.start, ahead.stop, ahead.step)
        tail = (slice(None), *key[n + 1 :])
        blocks = [self._read(place, wanted)[tail] for place in product(*chosen)]
        if not blocks:
            empty = np.zeros((len(ahead), *self.shape[n + 1 :]), dtype=self.dtype)[tail]
            values = np.zeros((0, *empty.shape), dtype=self.dtype)
        else:
            values = np.stack(blocks).astype(self.dtype, copy=False)
        values = values.reshape(*(len(one) for one in chosen), *values.shape[1:])
        values = values if stride > 0 else np.flip(values, axis=n)
        dropped = tuple(0 if not isinstance(one, slice) else slice(None) for one in key[: n + 1])
        return values[dropped]


def lazy_variable(dims: tuple[str, ...], rows: Rows, attrs: dict[str, str]) -> xr.Variable:
    """Make a variable of a dataset of rows that are made when read."""
    return xr.Variable(dims, indexing.LazilyIndexedArray(rows), attrs)


def pieces(variable: xr.Variable | xr.DataArray, dim: str = "time") -> Any:
    """Go through an array in blocks of bounded size along one dim.

    Yields the index of each block, in order, and its values.
    """
    axis = variable.dims.index(dim)
    step = max(ROWS // max(prod(variable.shape[axis + 1 :]), 1), 1)
    for place in product(*(range(size) for size in variable.shape[:axis])):
        for first in range(0, variable.shape[axis], step):
            index = (*place, slice(first, min(first + step, variable.shape[axis])))
            yield index, variable[index].values


def _places(one: int | slice, size: int) -> range:
    if isinstance(one, slice):
        return range(*one.indices(size))
    place = range(size)[one]
    return range(place, place + 1)
