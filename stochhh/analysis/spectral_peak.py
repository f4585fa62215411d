"""The frequency at which a measured spectrum peaks: where a noise resonates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.jackknife import jackknifed

Floats = NDArray[np.float64]

_REACH = 1.5  # times the peak's frequency, on either side, that the curve is fitted over
_FEWEST = 6  # frequencies in that range
_ROUNDS = 10  # of moving the range to the peak found in it
_GRID = 2001
_SETTLED = 2e-3  # relative move of the peak, at which the range stays


def peak_frequency_hz(frequency_hz: ArrayLike, densities: ArrayLike) -> Estimate:
    """Frequency of the peak of a spectrum, with a jackknife interval over trials.

    One over the power of a resonance is a parabola of the squared frequency; a cubic of
    that is fitted, errors in proportion to power, from two thirds of the peak's frequency
    to one and a half times it. On exact spectra of resonant squid membranes its lowest
    point is within 1.5 % of the peak.

    Parameters
    ----------
    frequency_hz : (F,) rising
    densities : (trials, F) power spectral density of each trial

    Returns
    -------
    Estimate
        Of None where power has no peak within the range of frequencies.
    """
    frequency = np.asarray(frequency_hz, dtype=np.float64)
    rows = np.atleast_2d(np.asarray(densities, dtype=np.float64))
    whole = _peak(frequency, rows.mean(axis=0))
    if whole is None:
        return Estimate(None)
    if len(rows) < 2:
        return Estimate(whole)
    others = (rows.sum(axis=0) - rows) / (len(rows) - 1)
    left_out = [_peak(frequency, row) for row in others]
    found = [peak for peak in left_out if peak is not None]
    if len(found) < len(left_out):
        return Estimate(whole)
    return jackknifed(whole, np.array(found), logarithmic=True)


def _peak(frequency: Floats, density: Floats) -> float | None:
    peak = float(frequency[np.argmax(_smoothed(frequency, density))])
    ratio = np.linspace(1.0 / _REACH, _REACH, _GRID)
    for _ in range(_ROUNDS):
        inside = (frequency >= peak / _REACH) & (frequency <= peak * _REACH)
        if inside.sum() < _FEWEST or inside[0] or inside[-1]:
            return None
        powers = np.vander((frequency[inside] / peak) ** 2 - 1.0, 4, increasing=True)
        fit = np.linalg.lstsq(powers * density[inside][:, None], np.ones(inside.sum()), rcond=None)
        inverse = np.polynomial.polynomial.polyval(ratio**2 - 1.0, fit[0])
        lowest = int(np.argmin(np.where(inverse > 0.0, inverse, np.inf)))
        moved = abs(float(ratio[lowest]) - 1.0)
        peak *= float(ratio[lowest])
        if moved < _SETTLED:
            return peak
    return None if lowest in (0, _GRID - 1) else peak


def _smoothed(frequency: Floats, density: Floats) -> Floats:
    """Mean density between two thirds of each frequency and one and a half times it."""
    total = np.concatenate([[0.0], np.cumsum(density)])
    first = np.searchsorted(frequency, frequency / _REACH)
    last = np.searchsorted(frequency, frequency * _REACH, side="right")
    return np.asarray((total[last] - total[first]) / (last - first))
