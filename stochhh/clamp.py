"""Voltage clamp: a scenario's command voltage becomes straight pieces between breakpoints."""

from __future__ import annotations

import os
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh import units
from stochhh.errors import InputError
from stochhh.scenario import clamp as kinds
from stochhh.stimulus import Breakpoints
from stochhh.waveform import read_waveform

Floats = NDArray[np.float64]
Corners = tuple[Floats, Floats]  # times (ms) from the segment's beginning, and voltages (mV)


def compile_clamp(clamp: kinds.VoltageClamp, duration_ms: float, where: str) -> Breakpoints:
    """Turn a command into pieces in each of which the voltage is straight.

    Parameters
    ----------
    clamp : the command of the scenario.
    duration_ms : length of the run; what lies beyond is cut off.
    where : the scenario's name, for messages.

    Raises
    ------
    InputError
        A waveform that cannot be used.
    """
    begin, end = [0.0], [float(clamp.start_ms)]
    first, last = [float(clamp.holding_mV)], [float(clamp.holding_mV)]
    for index, segment in enumerate(clamp.segment):
        try:
            time, voltage = corners(segment)
        except InputError as error:
            raise InputError(f"{where}: clamp.segment[{index}]: {error}") from None
        time = end[-1] + time
        begin.extend(time[:-1])
        end.extend(time[1:])
        first.extend(voltage[:-1])
        last.extend(voltage[1:])
    begin.append(end[-1])
    end.append(np.inf)
    first.append(float(clamp.holding_mV))
    last.append(float(clamp.holding_mV))
    starts, ends = np.array(begin), np.array(end)
    with np.errstate(invalid="ignore"):
        slope = np.nan_to_num((np.array(last) - np.array(first)) / (ends - starts))
    kept = (starts < duration_ms) & (ends > starts)
    ends = np.minimum(ends, duration_ms)[kept]
    return Breakpoints(ends, np.zeros(len(ends)), np.array(first)[kept], slope[kept])


@singledispatch
def corners(segment: Any) -> Corners:
    """Corners of one segment of the command."""
    raise TypeError(f"not a segment: {segment!r}")


@corners.register
def _(segment: kinds.HoldStep) -> Corners:
    return np.array([0.0, segment.duration_ms]), np.full(2, float(segment.level_mV))


@corners.register
def _(segment: kinds.VoltageRamp) -> Corners:
    voltages = [float(segment.initial_mV), float(segment.final_mV)]
    return np.array([0.0, segment.duration_ms]), np.array(voltages)


@corners.register
def _(segment: kinds.VoltageWaveform) -> Corners:
    path = Path(segment.path)
    if path.suffix == ".nc" or os.path.isdir(path):
        return _from_result(path, segment.trial)
    time, value, unit = read_waveform(path, units.VOLTAGE)
    return time - time[0], value * float(unit)


def _from_result(path: Path, trial: int | str) -> Corners:
    """Voltage of one trial of an earlier run."""
    from stochhh.result import load

    try:
        data = load(path).point(0)
    except InputError as error:
        raise InputError(f"path: {error}") from None
    if trial == "deterministic":
        if "deterministic_voltage" not in data:
            raise InputError(f"trial: {path} holds no deterministic course")
        return data["time"].values, data["deterministic_voltage"].values
    if int(trial) >= data.sizes["trial"]:
        raise InputError(f"trial: got {trial}, but {path} holds {data.sizes['trial']} trials")
    return data["time"].values, data["voltage"].values[int(trial)]
