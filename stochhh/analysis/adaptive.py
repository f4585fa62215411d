"""Which pulses to give next, so that a curve of firing efficiency costs few trials."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.firing_efficiency import counted
from stochhh.errors import InputError

Floats = NDArray[np.float64]

D_OPTIMAL = 1.138  # standard deviations from threshold, of both amplitudes
_SPREADS = (0.002, 1.0)  # relative spreads thought possible
_GRID = (41, 25)  # thresholds and relative spreads at once
_NEGLIGIBLE = 12.0  # log likelihood below the best


class NextAmplitudes(NamedTuple):
    """The next two amplitudes, and what is known by now.

    Attributes
    ----------
    amplitudes : (2,) give each in half of the next trials
    threshold, relative_spread : expected from the data so far
    threshold_error : standard deviation of the threshold's posterior
    spread_error : the same of the logarithm of the relative spread, so about its
        relative error: stop when it is small enough
    """

    amplitudes: Floats
    threshold: float
    relative_spread: float
    threshold_error: float
    spread_error: float


def next_amplitudes(
    amplitude: ArrayLike, fired: ArrayLike, trials: ArrayLike, span: tuple[float, float]
) -> NextAmplitudes:
    """Two amplitudes at which further trials tell most about threshold and relative spread.

    They are the D-optimal design of a probit curve, equally many trials at 1.138
    standard deviations to both sides of the threshold, where it fires in 13 and in
    87 % of trials (Abdelbasit & Plackett 1983, doi:10.1080/01621459.1983.10477936),
    about the curve that the data so far make one expect. Expected is the mean over a
    posterior on a grid (as in Kontsevich & Tyler 1999,
    doi:10.1016/S0042-6989(98)00285-5): before any data the threshold lies anywhere in
    the span and the logarithm of the relative spread anywhere between those of 0.002
    and 1. So the search starts as a bisection and needs no first guess. The data may
    be fitted by `fit_firing_efficiency` as if their amplitudes had been chosen
    beforehand. A threshold close to an end of the span says that it is too narrow.

    Parameters
    ----------
    amplitude, fired, trials : (K,) as for `fit_firing_efficiency`; K may be 0
    span : lowest and highest amplitude allowed

    Raises
    ------
    InputError
        A span that does not rise from above zero, or counts that make no sense.
    """
    x, yes, n = counted(amplitude, fired, trials)
    low, high = span
    if not 0.0 < low < high < np.inf:
        raise InputError(f"span: {low:g} to {high:g}; need two rising amplitudes, as in (18, 25)")
    thresholds = np.linspace(low, high, _GRID[0])
    spreads = np.linspace(*np.log(_SPREADS), _GRID[1])
    x, where = np.unique(x, return_inverse=True)
    yes = np.bincount(where, yes, minlength=len(x))
    no = np.bincount(where, n, minlength=len(x)) - yes
    log_likelihood = _log_likelihood(x, yes, no, thresholds, spreads)
    for _ in range(3):  # look closer while the posterior fills a part of the grid only
        likely = log_likelihood > log_likelihood.max() - _NEGLIGIBLE
        thresholds = _closer(thresholds, likely.any(axis=1))
        spreads = _closer(spreads, likely.any(axis=0))
        log_likelihood = _log_likelihood(x, yes, no, thresholds, spreads)
    weight = np.exp(log_likelihood - log_likelihood.max())
    weight /= weight.sum()
    mean, error = _moments(thresholds, weight.sum(axis=1))
    log_spread, spread_error = _moments(spreads, weight.sum(axis=0))
    reach = D_OPTIMAL * np.exp(log_spread) * mean
    chosen = np.clip([mean - reach, mean + reach], low, high)
    return NextAmplitudes(chosen, mean, float(np.exp(log_spread)), error, spread_error)


def _log_likelihood(
    x: Floats, yes: Floats, no: Floats, thresholds: Floats, log_spreads: Floats
) -> Floats:
    from scipy.special import log_ndtr

    eta = (x / thresholds[:, None, None] - 1.0) / np.exp(log_spreads)[:, None]
    return np.asarray(log_ndtr(eta) @ yes + log_ndtr(-eta) @ no)


def _closer(axis: Floats, likely: NDArray[np.bool_]) -> Floats:
    """The same number of points over the likely ones and a neighbour on either side."""
    inside = np.nonzero(likely)[0]
    first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(axis) - 1)
    return np.linspace(axis[first], axis[last], len(axis))


def _moments(values: Floats, weight: Floats) -> tuple[float, float]:
    mean = float(weight @ values)
    return mean, float(np.sqrt(weight @ (values - mean) ** 2))
