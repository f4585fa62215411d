"""Shapes of action potentials, measured by eFEL on a recorded voltage.

eFEL (doi:10.5281/zenodo.593869) takes the first dip after a peak for the trough. In a noisy
membrane that lies anywhere, and widths and onsets told from it go astray, some below zero.
So spikes are first told apart here, each is handed over alone, only features that no small
dip can mislead are asked for, and the half-width is told here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import Estimate, mean_estimate
from stochhh.analysis.trains import checked_positive
from stochhh.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Slope (mV/ms) at which an action potential begins.
ONSET_SLOPE = 10.0
_ONSET_LASTS_MS = 0.2  # the slope stays above it so long
_FEATURES = (
    "peak_time",
    "peak_voltage",
    "AP_begin_voltage",
    "AP_peak_upstroke",
    "min_between_peaks_values",
)

_efel_at_work = threading.Lock()  # eFEL keeps its settings and its trace once for the process


@dataclass(frozen=True)
class SpikeShapes:
    """Shapes of n action potentials; NaN where the record does not tell.

    Attributes
    ----------
    trial : (n,) trial of each.
    time_ms : (n,) of the peak.
    peak_mV : (n,) highest voltage.
    onset_mV : (n,) voltage where the slope last rises past 10 mV/ms for at least 0.2 ms. In
        a patch of a few µm² single channels may break the rise and make it late.
    amplitude_mV : (n,) peak less base, where the base is the onset or a level given.
    half_width_ms : (n,) time above the middle between base and peak.
    afterhyperpolarisation_mV : (n,) lowest voltage until the next spike.
    afterhyperpolarisation_depth_mV : (n,) base less that.
    upstroke_mV_per_ms : (n,) steepest rise, over two samples; noise between samples adds
        to it.
    """

    trial: Ints
    time_ms: Floats
    peak_mV: Floats
    onset_mV: Floats
    amplitude_mV: Floats
    half_width_ms: Floats
    afterhyperpolarisation_mV: Floats
    afterhyperpolarisation_depth_mV: Floats
    upstroke_mV_per_ms: Floats

    def means(self) -> dict[str, Estimate]:
        """Mean of each measure over action potentials, with Student's 95 % interval."""
        names = [field.name for field in fields(self) if field.name not in ("trial", "time_ms")]
        return {name: mean_estimate(getattr(self, name)) for name in names}


def spike_shapes(
    time_ms: ArrayLike,
    voltage_mV: ArrayLike,
    threshold_mV: float = 0.0,
    rearm_mV: float = -30.0,
    base_mV: float | None = None,
) -> SpikeShapes:
    """Measure every action potential that passes the threshold.

    A spike is an upward crossing of the threshold after the voltage was below the
    re-arming level, as in a run. One that does not fall below the re-arming level before
    the record ends is left out.

    The half-width is the time above the middle between base and peak, told between
    samples, from the last rise to the first fall about the peak. With the onset as base
    it is eFEL's ``AP_duration_half_width``, which is told to the nearest sample; with the
    resting potential it is the width at half height above rest. eFEL's
    ``spike_half_width`` is another one, at the middle between peak and
    afterhyperpolarisation. All else is eFEL's ``peak_voltage``, ``AP_begin_voltage``,
    ``AP_peak_upstroke`` and ``min_between_peaks_values``.

    Parameters
    ----------
    time_ms : (n,) evenly spaced; 0.02 ms or finer, for the upstroke of a squid axon
    voltage_mV : (n,) or (trials, n)
    threshold_mV, rearm_mV : spike detection
    base_mV : level that amplitude, half-width and depth are told from, such as the resting
        potential; by default the onset of each spike

    Raises
    ------
    InputError
        Shapes that do not match, times that are not evenly spaced, a voltage that is not
        finite, or a threshold not above the re-arming level.
    """
    time, trials = _checked(time_ms, voltage_mV, threshold_mV, rearm_mV)
    rows = []
    for trial, voltage in enumerate(trials):
        for begin, end, last in _windows(voltage, threshold_mV, rearm_mV):
            found = _measured(time[begin:end], voltage[begin:end], threshold_mV, base_mV, last)
            if found is not None:
                rows.append((trial, *found))
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(fields(SpikeShapes)))
    return SpikeShapes(table[:, 0].astype(np.int64), *table[:, 1:].T)


def _checked(
    time_ms: ArrayLike, voltage_mV: ArrayLike, threshold_mV: float, rearm_mV: float
) -> tuple[Floats, Floats]:
    time = np.asarray(time_ms, dtype=np.float64)
    trials = np.atleast_2d(np.asarray(voltage_mV, dtype=np.float64))
    if time.ndim != 1 or trials.ndim != 2 or trials.shape[1] != len(time) or len(time) < 3:
        raise InputError(
            f"time_ms, voltage_mV: shapes {time.shape} and {np.shape(voltage_mV)}; "
            "need (n,) and (n,) or (trials, n), n of 3 or more"
        )
    steps = np.diff(time)
    checked_positive("time_ms: step", float(steps[0]), 0.02)
    if not np.allclose(steps, steps[0], rtol=1e-3):
        raise InputError("time_ms: steps differ; need times evenly spaced, as in 0, 0.02, 0.04")
    if not np.isfinite(trials).all():
        raise InputError("voltage_mV: holds a number that is not finite")
    if not rearm_mV < threshold_mV:
        raise InputError(
            f"rearm_mV: {rearm_mV:g}; need less than threshold_mV, {threshold_mV:g}, as in -30"
        )
    return time, trials


def _windows(
    voltage: Floats, threshold_mV: float, rearm_mV: float
) -> Iterator[tuple[int, int, bool]]:
    """Samples [begin, end) about each spike, between the troughs beside it, and if it is the last.

    A trough belongs to the spike before it and begins the next.
    """
    high, low = voltage >= threshold_mV, voltage < rearm_mV
    level = np.where(high, 1, np.where(low, -1, 0))
    told = np.flatnonzero(level)  # between the levels the state stays
    turned = np.flatnonzero(np.diff(level[told]) == 2) + 1
    crossings = told[turned]
    troughs = [int(a + np.argmin(voltage[a:b])) for a, b in pairwise(crossings)]
    n = len(voltage)
    for k, crossing in enumerate(crossings):
        is_last = k == len(crossings) - 1
        begin = troughs[k - 1] if k else 0
        end = n if is_last else troughs[k] + 1
        if low[crossing:end].any():
            yield begin, end, is_last


def _measured(
    time: Floats, voltage: Floats, threshold_mV: float, base_mV: float | None, is_last: bool
) -> tuple[float, ...] | None:
    """What `SpikeShapes` holds of one spike, without its trial."""
    found = _features(time, voltage, threshold_mV, _FEATURES)
    peaks = found["peak_voltage"]
    if len(peaks) == 0:
        return None
    highest = int(np.argmax(peaks))
    peak = float(peaks[highest])
    onset = float(found["AP_begin_voltage"][0]) if len(found["AP_begin_voltage"]) else np.nan
    rises = found["AP_peak_upstroke"]
    lowest = float(found["min_between_peaks_values"].min())
    if is_last and lowest >= voltage[-1]:
        lowest = np.nan  # still falling as the record ends
    base = onset if base_mV is None else base_mV
    return (
        float(found["peak_time"][highest]),
        peak,
        onset,
        peak - base,
        _width(time, voltage, 0.5 * (base + peak)),
        lowest,
        base - lowest,
        float(rises.max()) if len(rises) else np.nan,
    )


def _width(time: Floats, voltage: Floats, level_mV: float) -> float:
    """Time from the last rise through a level before the peak to the first fall after it."""
    peak = int(np.argmax(voltage))
    below = np.flatnonzero(voltage < level_mV)
    before, after = below[below < peak], below[below > peak]
    if not (np.isfinite(level_mV) and len(before) and len(after)):
        return np.nan
    ends = []
    for low, high in ((before[-1], before[-1] + 1), (after[0], after[0] - 1)):
        share = (level_mV - voltage[low]) / (voltage[high] - voltage[low])
        ends.append(time[low] + share * (time[high] - time[low]))
    return float(ends[1] - ends[0])


def _features(
    time: Floats, voltage: Floats, threshold_mV: float, names: tuple[str, ...]
) -> dict[str, Floats]:
    """Features that eFEL finds in a stretch of voltage, each empty where it finds none."""
    import efel

    step = float(time[1] - time[0])
    settings = {
        "Threshold": np.nextafter(threshold_mV, -np.inf),  # eFEL passes over a sample at it
        "DerivativeThreshold": ONSET_SLOPE,
        "DerivativeWindow": max(3, round(_ONSET_LASTS_MS / step)),
        "interp_step": step,
    }
    trace = {"T": time, "V": voltage, "stim_start": [time[0]], "stim_end": [time[-1]]}
    with _efel_set(settings):
        (found,) = efel.get_feature_values([trace], list(names), raise_warnings=False)
    return {
        name: np.zeros(0) if found[name] is None else np.asarray(found[name], dtype=np.float64)
        for name in names
    }


@contextmanager
def _efel_set(settings: Mapping[str, float]) -> Iterator[None]:
    """Settings of eFEL for a while, in one thread at a time."""
    import efel

    with _efel_at_work:
        before = {name: getattr(efel.get_settings(), name) for name in settings}
        try:
            for name, value in settings.items():
                efel.set_setting(name, value)
            yield
        finally:
            for name, value in before.items():
                efel.set_setting(name, value)
