"""Keeping what a trial records: the buffers a kernel fills, and where they are emptied to.

A runner of any method uses it so::

    recorder = Recorder(plan, trial, dtype=np.int64)  # float64 where channels come in fractions
    events = Events(plan.name, n_tagged)
    code = status.PAUSED
    while code != status.FINISHED:
        ... code = kernel(..., state, recorder.buffer, events.spikes, tags, events.flips)
        events.take(clock)  # after every call
        if code == status.RECORDS_FULL:
            recorder.flush(clock)
    trial = Trial(records=recorder.finish(clock), spike_ms=events.spike_ms(), ...)

A kernel writes row ``clock["recorded"]`` of the buffer at ``buffer.time[that row]``
and counts it; when it reaches the time after the buffer's last row it returns
RECORDS_FULL before anything has moved, and is called again after `flush`. Short runs
get one buffer for all records, which is then the result itself; long ones
(`Plan.records_folder`) get a small one that is emptied into a file. Results are the
same, bit for bit.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stochhh.columns import Column, FileColumn, file_columns
from stochhh.errors import InputError, TrustError
from stochhh.plan import Floats, Plan
from stochhh.state import Flips, Records, copy_flips, join_flips, make_flips, make_records

_SPIKE_BUFFER = 1024
_FLIP_BUFFER = 65_536
_MOST_FLIPS = 200_000_000


class Columns(NamedTuple):
    """What a trial recorded, in memory or in a file. n record times, P populations, S states."""

    voltage: Column  # (n,) mV
    open: Column  # (n, P) channels that conduct
    conductance: Column  # (n, P) nS
    charge: Column  # (n or 0, P + 1) fC
    occupancy: Column  # (n or 0, S)


class Recorder:
    """Empties the buffer of a trial's records, and knows when all have been made.

    Parameters
    ----------
    plan, trial : whose records they are.
    dtype : of numbers of channels: int64, or float64 where they come in fractions.

    Attributes
    ----------
    buffer : Records
        For the kernel to fill; the same object throughout.
    """

    def __init__(self, plan: Plan, trial: int, dtype: DTypeLike = np.int64) -> None:
        self._plan, self._trial = plan, trial
        self._done = 0
        self._files: dict[str, FileColumn] = {}
        n_rows = len(plan.record_ms)
        if plan.records_folder is not None:
            n_rows = min(plan.buffer_rows, n_rows)
        n_states, n_populations = len(plan.patch.population), len(plan.membrane.populations)
        self.buffer = make_records(
            np.zeros(n_rows), n_states, n_populations, plan.variables, np.dtype(dtype)
        )
        if plan.records_folder is not None:
            self._files = _lay_out(Path(plan.records_folder), self.buffer, len(plan.record_ms))
        self._set_times()

    def flush(self, clock: NDArray[np.void]) -> None:
        """Empty the buffer after a kernel returned RECORDS_FULL, and set its next times.

        ``clock["recorded"]`` is zero afterwards.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        self._take(int(clock["recorded"]))
        clock["recorded"] = 0
        self._set_times()

    def put(self, rows: Columns) -> None:
        """Take the next rows from elsewhere than the buffer; what is not wanted of them is dropped.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        n = len(rows.voltage[:])
        for name, values in rows._asdict().items():
            if len(getattr(self.buffer, name)):
                self._write(name, self._done, values)
        self._done += n

    def finish(self, clock: NDArray[np.void] | None = None) -> Columns:
        """Take the last records, those in the buffer if a kernel filled it, and return all.

        Raises
        ------
        TrustError
            Not every record was made.
        """
        if clock is not None:
            self._take(int(clock["recorded"]))
        expected = len(self._plan.record_ms)
        if self._done != expected:
            raise TrustError(
                f"trial {self._trial}: {self._done} of {expected} records were made; "
                "nothing was kept (please report this)"
            )
        if self._files:
            return Columns(**self._files)
        return Columns(*self.buffer[1:])

    def _set_times(self) -> None:
        """Times of the next rows and of the one after them; infinity where there are none."""
        times = self._plan.record_ms[self._done : self._done + len(self.buffer.time)]
        self.buffer.time[: len(times)] = times
        self.buffer.time[len(times) :] = np.inf

    def _take(self, n: int) -> None:
        for name in self._files:
            values = getattr(self.buffer, name)
            if len(values):
                self._write(name, self._done, values[:n])
        self._done += n

    def _write(self, name: str, first: int, values: NDArray[Any]) -> None:
        """Put rows into the file, or into the buffer that is the result."""
        if not self._files:
            getattr(self.buffer, name)[first : first + len(values)] = values
            return
        column = self._files[name]
        try:
            column.write(first, values)
        except OSError as error:
            raise InputError(
                f"{self._plan.name}: records cannot be kept in {column.path.parent} "
                f"({error.strerror or error}); free some space or record less"
            ) from None


class Events:
    """Spikes and transitions of tagged channels of a trial, kept in memory: they are few.

    Parameters
    ----------
    name : of the scenario, for messages.
    n_tagged : channels that are followed.

    Attributes
    ----------
    spikes : float64 (n,), buffer of crossing times (ms) for the kernel to fill.
    flips : Flips, likewise.
    """

    def __init__(self, name: str, n_tagged: int) -> None:
        self._name = name
        self.spikes: Floats = np.zeros(_SPIKE_BUFFER)
        self.flips = make_flips(_FLIP_BUFFER if n_tagged else 0)
        self._spikes: list[Floats] = []
        self._flips: list[Flips] = []
        self._n_flips = 0

    def take(self, clock: NDArray[np.void]) -> None:
        """Empty both buffers, after each call of a kernel.

        Raises
        ------
        InputError
            More transitions of tagged channels than fit.
        """
        if clock["spikes"]:
            self._spikes.append(self.spikes[: clock["spikes"]].copy())
        if clock["flips"]:
            self._flips.append(copy_flips(self.flips, int(clock["flips"])))
        self._n_flips += int(clock["flips"])
        clock["spikes"] = clock["flips"] = 0
        if self._n_flips > _MOST_FLIPS:
            raise InputError(
                f"{self._name}: run.record.channels: more than {_MOST_FLIPS:.0e} transitions of "
                "tagged channels; tag fewer or shorten the run"
            )

    def spike_ms(self) -> Floats:
        """All crossing times taken."""
        return np.concatenate([*self._spikes, np.zeros(0)])

    def flips_taken(self) -> Flips:
        """All transitions of tagged channels taken."""
        return join_flips([*self._flips, make_flips(0)])


def _lay_out(folder: Path, buffer: Records, n: int) -> dict[str, FileColumn]:
    """New file for the records of one trial, in the types and widths of the buffer."""
    wanted: dict[str, Any] = {}
    for name, values in buffer._asdict().items():
        if name != "time":
            wanted[name] = (values.dtype, (n if len(values) else 0, *values.shape[1:]))
    handle, path = tempfile.mkstemp(dir=folder, suffix=".records")
    os.close(handle)
    return file_columns(Path(path), wanted)
