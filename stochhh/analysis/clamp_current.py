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


class ClampPeaks(NamedTuple):
    """Largest currents while the command is away from holding; None where there is none.

    Attributes
    ----------
    inward_pA, outward_pA : mean over trials of the current, below and above zero, at the
        recorded moment where it is expected to be largest.
    inward_ms, outward_ms : those moments.
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
    """Peaks of the clamp current of one point of a result.

    Under a clamp channels do not act on one another, so the current of the deterministic limit
    is the expected one at every moment. It chooses the moment, before the trials are looked at;
    their mean there has Student's interval. Without the limit the trials' own mean chooses,
    and then an interval would pretend that the moment had been known: there is none.

    Parameters
    ----------
    data : of the point, with ``total_current``
    holding_mV : what the command is before and after its segments, which does not count: tails
        are no peaks. Of a command that never leaves it all times count.
    deterministic : of the limit instead of the trials
    """
    if _HOLDING in data.coords:
        holding_mV = float(parse(str(data.coords[_HOLDING].item()), VOLTAGE))
    limit = "deterministic_total_current"
    chooser = data[limit if limit in data else "total_current"].variable
    current = data[limit if deterministic else "total_current"].variable
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
    found: list[tuple[Estimate, float | None]] = []
    for value, row in ((lowest[0], lowest[1]), (-highest[0], highest[1])):
        if not value < 0.0:
            found.append((Estimate(None), None))
            continue
        estimate = mean_estimate(np.atleast_2d(current[..., int(row)].values).ravel())
        if limit not in data:
            estimate = Estimate(estimate.value)
        found.append((estimate, float(time[int(row)].values)))
    (inward, inward_ms), (outward, outward_ms) = found
    return ClampPeaks(inward, inward_ms, outward, outward_ms)
