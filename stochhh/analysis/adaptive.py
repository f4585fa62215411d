"""Which pulses to give next, so that a curve of firing efficiency costs few trials."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.firing_efficiency import pooled
from stochhh.errors import InputError

Floats = NDArray[np.float64]

D_OPTIMAL = 1.138  # standard deviations from threshold, of both amplitudes
_SPREADS = (1e-4, 1.0)  # relative spreads thought possible
_GRID = (25, 41)  # relative spreads, and thresholds for each, looked at in one go
_NEGLIGIBLE = 12.0  # log likelihood below the best


class NextAmplitudes(NamedTuple):
    """The next two amplitudes, and what is known by now.

    Attributes
    ----------
    amplitudes : (2,) rising; give each in half of the next trials
    threshold, relative_spread : expected from the data so far
    threshold_error, spread_error : standard deviations of their logarithms, so about
        their relative errors: stop when both are small enough
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
    87 % of trials (as Abdelbasit & Plackett 1983, doi:10.1080/01621459.1983.10477936,
    have it), about the curve that the data so far make one expect. Expected is the
    mean of the logarithms over their posterior (which Kontsevich & Tyler 1999,
    doi:10.1016/S0042-6989(98)00285-5, have on a grid too): before any data the
    logarithm of the threshold lies anywhere in that of the span, and the logarithm of
    the relative spread anywhere between those of 0.0001 and 1. So the search starts
    as a bisection and needs no first guess. The data may be fitted by
    `fit_firing_efficiency` as if their amplitudes had been chosen beforehand. A
    threshold close to an end of the span says that it is too narrow.

    Parameters
    ----------
    amplitude, fired, trials : (K,) as for `fit_firing_efficiency`; K may be 0
    span : lowest and highest amplitude allowed

    Raises
    ------
    InputError
        A span that does not rise from above zero, or counts that make no sense.
    """
    x, yes, no = pooled(amplitude, fired, trials)
    low, high = span
    if not 0.0 < low < high < np.inf:
        raise InputError(f"span: {low:g} to {high:g}; need two rising amplitudes, as in (18, 25)")
    spreads = np.linspace(np.log(_SPREADS[0]), np.log(_SPREADS[1]), _GRID[0])
    for _ in range(3):  # look closer at the spreads that are likely
        used, thresholds = spreads, _thresholds(x, yes, no, spreads, np.log([low, high]))
        log_likelihood = _log_likelihood(x, yes, no, thresholds, used)
        weight = np.exp(log_likelihood - log_likelihood.max())
        weight *= thresholds[:, 1:2] - thresholds[:, :1]  # grids of a spread each
        weight[[0, -1]] *= 0.5  # by the trapezoidal rule
        weight[:, [0, -1]] *= 0.5
        of_spread = weight.sum(axis=1)
        likely = of_spread > of_spread.max() * np.exp(-_NEGLIGIBLE)
        spreads = _closer(spreads[None], likely[None])[0]
    weight /= weight.sum()
    log_threshold, threshold_error = _moments(thresholds, weight)
    log_spread, spread_error = _moments(used[:, None], weight)
    threshold, spread = float(np.exp(log_threshold)), float(np.exp(log_spread))
    chosen = np.clip(threshold * (1.0 + D_OPTIMAL * spread * np.array([-1.0, 1.0])), low, high)
    return NextAmplitudes(chosen, threshold, spread, threshold_error, spread_error)


def _thresholds(
    x: Floats, yes: Floats, no: Floats, log_spreads: Floats, log_span: Floats
) -> Floats:
    """Grid over the logarithms of the thresholds that are likely at each spread, (S, T).

    At a given spread the log likelihood is a concave function of the inverse
    threshold, so it has one peak, next to the highest point of any grid: a grid
    narrowed about that loses nothing, however sharp the peak.
    """
    thresholds = np.tile(np.linspace(log_span[0], log_span[1], _GRID[1]), (len(log_spreads), 1))
    while True:
        log_likelihood = _log_likelihood(x, yes, no, thresholds, log_spreads)
        likely = log_likelihood > log_likelihood.max(axis=1, keepdims=True) - _NEGLIGIBLE
        if (likely.mean(axis=1) > 0.25).all():
            return thresholds
        thresholds = _closer(thresholds, likely)


def _log_likelihood(
    x: Floats, yes: Floats, no: Floats, log_thresholds: Floats, log_spreads: Floats
) -> Floats:
    """Of the counts, with each spread (S,) and its thresholds, (S, T)."""
    from scipy.special import log_ndtr

    eta = (x * np.exp(-log_thresholds)[..., None] - 1.0) / np.exp(log_spreads)[:, None, None]
    return np.asarray(log_ndtr(eta) @ yes + log_ndtr(-eta) @ no)


def _closer(grids: Floats, likely: NDArray[np.bool_]) -> Floats:
    """Each row's number of points over its likely ones and a neighbour on either side."""
    n = grids.shape[1]
    first = np.maximum(likely.argmax(axis=1) - 1, 0)
    last = np.minimum(n - likely[:, ::-1].argmax(axis=1), n - 1)
    rows = np.arange(len(grids))
    return np.asarray(np.linspace(grids[rows, first], grids[rows, last], n, axis=1))


def _moments(values: Floats, weight: Floats) -> tuple[float, float]:
    mean = float(np.sum(weight * values))
    return mean, float(np.sqrt(np.sum(weight * (values - mean) ** 2)))
