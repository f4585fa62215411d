"""Peaks of the current of a voltage clamp: the largest inward and outward one of the step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate, mean_estimate
from stochhh.columns import ROWS
from stochhh.units import VOLTAGE, parse

Floats = NDArray[np.float64]

_SAME_MV = 1e-9
_HOLDING = "clamp.holding"  # where it is swept
_LIMIT = "deterministic_total_current"


class ClampValues(NamedTuple):
    """Current of each trial where it is expected to be largest while the command is off holding.

    Attributes
    ----------
    inward_pA, outward_pA : (trials,) at the moment of the largest current below and above zero,
        NaN where there is none.
    inward_ms, outward_ms : (trials,) those moments.
    """

    inward_pA: Floats
    inward_ms: Floats
    outward_pA: Floats
    outward_ms: Floats


class ClampPeaks(NamedTuple):
    """Largest currents while the command is away from holding; None where there is none.

    Attributes
    ----------
    inward_pA, outward_pA : mean over trials of the current, below and above zero, at the
        recorded moment where it is expected to be largest.
    inward_ms, outward_ms : those moments; None where trials have several.
    """

    inward_pA: Estimate
    inward_ms: float | None
    outward_pA: Estimate
    outward_ms: float | None

    @property
    def peak_pA(self) -> Estimate:
        """The larger of the two in magnitude, with its sign."""
        both = [one for one in (self.inward_pA, self.outward_pA) if one.value is not None]
        return max(both, key=lambda one: abs(one.value or 0.0), default=Estimate(None))


def clamp_peaks(data: xr.Dataset, holding_mV: float, deterministic: bool = False) -> ClampPeaks:
    """Peaks of the clamp current of one point of a result; arguments as of `clamp_values`."""
    return peaks_of(clamp_values(data, holding_mV, deterministic), _LIMIT in data)


def peaks_of(values: ClampValues, known_before: bool) -> ClampPeaks:
    """Peaks from the currents of trials.

    Parameters
    ----------
    values : of each trial
    known_before : the moment was chosen by the deterministic limit. Where the trials' own mean
        chose it, an interval would pretend that it had been known: there is none.
    """
    found: list[tuple[Estimate, float | None]] = []
    for current, moment in (values[:2], values[2:]):
        estimate = mean_estimate(current)
        moments = np.unique(moment[np.isfinite(moment)])
        alone = float(moments[0]) if len(moments) == 1 else None
        found.append((estimate if known_before else Estimate(estimate.value), alone))
    (inward, inward_ms), (outward, outward_ms) = found
    return ClampPeaks(inward, inward_ms, outward, outward_ms)


def clamp_values(data: xr.Dataset, holding_mV: float, deterministic: bool = False) -> ClampValues:
    """Clamp current of each trial of one point at the moments where it is expected largest.

    Under a clamp channels do not act on one another, so the current of the deterministic limit
    is the expected one at every moment. It chooses the moment, before the trials are looked at.
    Without the limit the trials' own mean chooses.

    Parameters
    ----------
    data : of the point, with ``total_current``
    holding_mV : what the command is before and after its segments, which does not count: tails
        are no peaks. Of a command that never leaves it all times count.
    deterministic : of the limit instead of the trials
    """
    if _HOLDING in data.coords:
        holding_mV = float(parse(str(data.coords[_HOLDING].item()), VOLTAGE))
    chooser = data[_LIMIT if _LIMIT in data else "total_current"].variable
    current = data[_LIMIT if deterministic else "total_current"].variable
    time, command = data["time"].variable, data["voltage"].variable
    lowest, highest = [np.inf, 0], [-np.inf, 0]
    seen = False
    for away_only in (True, False):
        for first in range(0, data.sizes["time"], ROWS):
            rows = slice(first, first + ROWS)
            expected = np.atleast_2d(chooser[..., rows].values).mean(axis=0)
            held = np.abs(np.atleast_2d(command[..., rows].values)[0] - holding_mV) < _SAME_MV
            inside = np.flatnonzero(~held) if away_only else np.arange(len(expected))
            if len(inside) == 0:
                continue
            seen = True
            low, high = inside[expected[inside].argmin()], inside[expected[inside].argmax()]
            if expected[low] < lowest[0]:
                lowest = [float(expected[low]), first + int(low)]
            if expected[high] > highest[0]:
                highest = [float(expected[high]), first + int(high)]
        if seen:
            break
    found: list[Floats] = []
    for value, row in ((lowest[0], lowest[1]), (-highest[0], highest[1])):
        here = np.atleast_1d(current[..., int(row)].values).astype(np.float64)
        moment = float(time[int(row)].values) if value < 0.0 else np.nan
        found += [np.where(value < 0.0, here, np.nan), np.full(len(here), moment)]
    return ClampValues(*found)
