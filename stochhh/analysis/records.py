"""Single channels as an amplifier records them, and idealised records as files.

Times in ms, currents in pA (outward positive), corner frequencies in kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.analysis.files import write_csv
from stochhh.analysis.histories import checked_end_ms, histories, relative_conductance
from stochhh.analysis.single_channel import Idealised
from stochhh.errors import InputError
from stochhh.result import Result
from stochhh.writing import replacing

Floats = NDArray[np.float64]

_STAIR = 1.0 / 20.0  # of the period of the corner frequency, a stair of a moving voltage
_SETTLED = 1e-15  # of the noise's variance, the correlation that may be cut off


class Trace(NamedTuple):
    """A sampled record of n points and the m pieces of constant current behind it.

    Attributes
    ----------
    time_ms, current_pA : (n,) samples, filtered and noisy.
    piece_start_ms, piece_pA : (m,) the current as it was.
    end_ms : end of the last piece.
    delay_ms : by which the filter holds slow signals back.
    """

    time_ms: Floats
    current_pA: Floats
    piece_start_ms: Floats
    piece_pA: Floats
    end_ms: float
    delay_ms: float


class LowPass(NamedTuple):
    """An analogue low-pass filter as partial fractions: ``H(s) = sum(residue / (s - pole))``."""

    pole: NDArray[np.complex128]  # 1/ms
    residue: NDArray[np.complex128]  # 1/ms


def recorded_trace(
    result: Result,
    population: str,
    *,
    rng: np.random.Generator,
    corner_khz: float = 5.0,
    interval_ms: float = 0.02,
    noise_rms_pA: float = 0.0,
    poles: int = 8,
    channels: Sequence[int] = (0,),
    trial: int = 0,
    point: int = 0,
    start_ms: float = 0.0,
    end_ms: float | None = None,
) -> Trace:
    """Current of one tagged channel, or of several together, as an amplifier records it.

    The current is constant between the channel's transitions, and the response of a
    Bessel filter to each of its steps is a sum of exponentials. So the filtered
    current is computed exactly at the sampling times: there is no oversampling, and
    the samples do not depend on the interval. The noise is white noise that went
    through the same filter, Gaussian with exactly the filter's spectrum and with
    `noise_rms_pA` after it.

    Under clamp the voltage between two record times is taken to be that of the
    later one, which is exact for a held voltage and for steps at record times. A free
    voltage is taken to be straight between them, in stairs of at most 1/20 of the
    corner's period. The filter has settled at the beginning.

    Parameters
    ----------
    rng : makes the noise; nothing is drawn without any.
    corner_khz : frequency at which the filter passes half the power (-3 dB).
    interval_ms : between samples; at most 1/(5 corner) shows all that the filter passes.
    poles : of the Bessel filter, 4 or 8.
    channels : which of the population's tagged channels, counted from 0.
    trial : label of the trial.

    Raises
    ------
    InputError
        No such trial or channel, or a number out of its range.
    """
    end = checked_end_ms(result, start_ms, end_ms)
    _check(corner_khz, interval_ms, noise_rms_pA, poles)
    begin, level = _pieces(
        result, population, channels, trial, point, start_ms, end, _STAIR / corner_khz
    )
    low_pass = bessel_filter(corner_khz, poles)
    n_samples = int(np.floor((end - start_ms) / interval_ms * (1 + 1e-12))) + 1
    time: Floats = start_ms + np.arange(n_samples, dtype=np.float64) * interval_ms
    current = filtered_steps(begin, level, time, low_pass)
    if noise_rms_pA > 0.0:
        current = current + noise_rms_pA * filtered_noise(rng, n_samples, interval_ms, low_pass)
    delay = float((low_pass.residue / low_pass.pole**2).sum().real)
    return Trace(time, current, begin, level, end, delay)


def bessel_filter(corner_khz: float, poles: int = 8) -> LowPass:
    """Bessel low-pass filter with -3 dB at a corner frequency and a gain of one."""
    from scipy import signal

    angular = 2.0 * np.pi * corner_khz  # 1/ms
    _, pole, gain = signal.bessel(poles, angular, analog=True, output="zpk", norm="mag")
    apart = pole[:, None] - pole[None, :]
    np.fill_diagonal(apart, 1.0)
    return LowPass(pole, gain / apart.prod(axis=1))


def filtered_steps(start_ms: Floats, value: Floats, time_ms: Floats, low_pass: LowPass) -> Floats:
    """Filter a current of constant pieces, exactly, at evenly spaced times, shape (n,).

    After a step the output misses ``sum(residue/pole exp(pole t))`` of it; each of
    these modes decays from sample to sample by a constant factor.

    Parameters
    ----------
    start_ms, value : (m,) pieces in order of time; before the first it had its value for ever.
    time_ms : (n,) evenly spaced, none before the first piece
    """
    from scipy import signal

    interval = time_ms[1] - time_ms[0] if len(time_ms) > 1 else 1.0
    seen = np.searchsorted(time_ms, start_ms[1:], side="left")  # the first sample at or after
    kept = seen < len(time_ms)
    seen, step = seen[kept], np.diff(value)[kept]
    since = time_ms[seen] - start_ms[1:][kept]
    output = value[np.searchsorted(start_ms, time_ms, side="right") - 1].astype(np.float64)
    for pole, residue in zip(low_pass.pole, low_pass.residue, strict=True):
        missing = np.zeros(len(time_ms), dtype=np.complex128)
        np.add.at(missing, seen, residue / pole * step * np.exp(pole * since))
        output += signal.lfilter([1.0], [1.0, -np.exp(pole * interval)], missing).real
    return output


def filtered_noise(
    rng: np.random.Generator, n_samples: int, interval_ms: float, low_pass: LowPass
) -> Floats:
    """White noise after a filter, sampled: Gaussian, SD 1, with the exact autocorrelation, (n,).

    By circulant embedding (Davies & Harte 1987, doi:10.1093/biomet/74.1.95).
    """
    pole, residue = low_pass
    weight = residue * (residue / -(pole[:, None] + pole[None, :])).sum(axis=1)
    longest = int(np.ceil(np.log(_SETTLED) / (pole.real.max() * interval_ms))) + 1
    half = max(n_samples, longest)
    lag = np.arange(half + 1) * interval_ms
    correlation = np.zeros(half + 1)
    for one, share in zip(pole, weight, strict=True):
        correlation += (share * np.exp(one * lag)).real
    around = np.concatenate([correlation, correlation[-2:0:-1]]) / correlation[0]
    power = np.maximum(np.fft.fft(around).real, 0.0)
    white = rng.standard_normal(len(around)) + 1j * rng.standard_normal(len(around))
    return np.asarray(np.fft.fft(np.sqrt(power / len(around)) * white).real[:n_samples])


def write_dwt(
    path: str | Path,
    records: Sequence[Idealised],
    sampling_ms: float = 0.001,
    unitary_current_pA: float = 1.0,
    noise_rms_pA: float = 0.0,
) -> Path:
    """Write idealised records as a QuB dwell-time file, a segment each; all of it or nothing.

    A segment begins with ``Segment: n Dwells: m Sampling(ms): s Start(ms): t
    ClassCount: c`` and for each class its mean and SD (pA); then a line a dwell:
    its class (0 is shut), a tab, its duration in ms, with all its digits: none is zero,
    nor a multiple of `sampling_ms`, which only tells the reader the resolution.
    Segments start one after another, as in one long record; sojourns that its ends cut
    are written with the rest.
    """
    levels = sorted({0.0, 1.0, *(float(x) for r in records for x in np.unique(r.level))})
    classes = "".join(f" {x * unitary_current_pA + 0.0:.6f} {noise_rms_pA:.6f}" for x in levels)
    path, start = Path(path), 0.0
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as file:
        for number, record in enumerate(records, start=1):
            file.write(
                f"Segment: {number} Dwells: {len(record.level)} Sampling(ms): {sampling_ms:g} "
                f"Start(ms): {start:.6f} ClassCount: {len(levels)}{classes}\n"
            )
            of_class = np.searchsorted(levels, record.level)
            for one, duration in zip(of_class, record.duration_ms, strict=True):
                written = np.format_float_positional(duration, min_digits=6)
                file.write(f"{one}\t{written}\n")
            start += float(record.duration_ms.sum())
    return path


def write_events_csv(path: str | Path, records: Sequence[Idealised]) -> Path:
    """Write idealised records as CSV, a row a sojourn; all of it or nothing."""
    names = ("start_ms", "duration_ms", "level", "cut_at_start", "cut_at_end")
    rows = (
        [record.trial, record.channel, *row[:3], int(row[3]), int(row[4])]
        for record in records
        for row in zip(*(getattr(record, name).tolist() for name in names), strict=True)
    )
    return write_csv(path, ["trial", "channel", *names], rows)


def write_traces_csv(path: str | Path, traces: Sequence[Trace], trials: Sequence[int]) -> Path:
    """Write sampled records of one stretch as CSV, a column a trial; all of it or nothing."""
    names = ["time_ms", *(f"trial_{trial}_pA" for trial in trials)]
    columns = np.column_stack([traces[0].time_ms, *(one.current_pA for one in traces)])
    return write_csv(path, names, ([f"{value:.9g}" for value in row] for row in columns))


def _check(corner_khz: float, interval_ms: float, noise_rms_pA: float, poles: int) -> None:
    if poles not in (4, 8):
        raise InputError(f"poles: got {poles}; a Bessel filter of an amplifier has 4 or 8")
    for name, value in (("corner_khz", corner_khz), ("interval_ms", interval_ms)):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name}: got {value:g}; need a number above 0")
    if not 0.0 <= noise_rms_pA < np.inf:
        raise InputError(f"noise_rms_pA: got {noise_rms_pA:g}; need 0 pA or more")


def _pieces(
    result: Result,
    population: str,
    channels: Sequence[int],
    trial: int,
    point: int,
    start: float,
    end: float,
    stair_ms: float,
) -> tuple[Floats, Floats]:
    """Beginnings (ms) and values (pA) of the pieces of constant current, both (m,)."""
    data = result.point(point)
    mine = [one for one in histories(result, population, point) if one.trial == trial]
    if not mine:
        raise InputError(f"trial: got {trial}; the run has {data.sizes['trial']} trials, from 0")
    wrong = [k for k in channels if not 0 <= k < len(mine)]
    if wrong or len(channels) == 0:
        raise InputError(
            f"channels: got {list(channels)}; {len(mine)} of '{population}' were followed, from 0"
        )
    shares = relative_conductance(data, population)
    chosen = [mine[k] for k in channels]
    changes, voltage = _voltages(data, trial, stair_ms)
    at = np.unique(np.concatenate([[start], changes, *(one.entered_ms for one in chosen)]))
    at = at[(at >= start) & (at < end)]
    conducting = np.zeros(len(at))
    for one in chosen:
        conducting += shares[one.state[np.searchsorted(one.entered_ms, at, side="right") - 1]]
    place = [str(name) for name in data["population"].values].index(population)
    conductance, reversal = (float(data[n].values[place]) for n in ("conductance", "reversal"))
    driving = voltage[np.searchsorted(changes, at, side="right") - 1] - reversal
    current = conductance * conducting * driving + 0.0  # no -0
    changed = np.concatenate([[True], current[1:] != current[:-1]])
    return at[changed], current[changed]


def _voltages(data: xr.Dataset, trial: int, stair_ms: float) -> tuple[Floats, Floats]:
    """Times (ms) from zero at which the voltage (mV) takes a new value, and the values."""
    row = int(np.nonzero(data["trial"].values == trial)[0][0])
    time: Any = data["time"].values
    voltage: Any = data["voltage"].values[row]
    if len(time) == 1:
        return time, voltage
    if "total_current" in data:  # clamped
        edges, held = time, voltage[1:]
    else:
        n_stairs = int(np.ceil(np.diff(time).max() / stair_ms))
        places = np.arange((len(time) - 1) * n_stairs + 1) / n_stairs
        edges = np.interp(places, np.arange(len(time)), time)
        held = np.interp((edges[1:] + edges[:-1]) / 2.0, time, voltage)
    new = np.concatenate([[True], held[1:] != held[:-1]])
    return edges[:-1][new], held[new]
