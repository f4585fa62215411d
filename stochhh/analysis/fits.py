"""What fits to counts and curves share: checked numbers, and profile-likelihood intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Interval
from stochhh.errors import InputError

Floats = NDArray[np.float64]


def positive(values: ArrayLike, name: str, length: int | None = None) -> Floats:
    """Numbers above zero, (K,), checked; one number is taken for an array of one.

    Raises
    ------
    InputError
        An array of another shape, or numbers that are not finite and above zero.
    """
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if given.ndim != 1 or (length is not None and len(given) != length):
        needed = "(K,)" if length is None else f"({length},), as the others"
        raise InputError(f"{name}: shape {given.shape}; need {needed}")
    wrong = ~(np.isfinite(given) & (given > 0.0))
    if wrong.any():
        raise InputError(f"{name}: {given[wrong][0]:g}; need numbers above zero, as in 21.5")
    return given


def counts(values: ArrayLike, name: str, length: int) -> Floats:
    """Counts, (K,), checked.

    Raises
    ------
    InputError
        An array of another shape, or numbers that are not whole and 0 or more.
    """
    given = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if given.shape != (length,):
        raise InputError(f"{name}: shape {given.shape}; need ({length},), as the others")
    wrong = ~(np.isfinite(given) & (given >= 0.0) & (given == np.floor(given)))
    if wrong.any():
        raise InputError(f"{name}: {given[wrong][0]:g}; need whole numbers from 0 on, as in 12")
    return given


def fired_and_not(fired: ArrayLike, trials: ArrayLike, length: int) -> tuple[Floats, Floats]:
    """Trials with a spike and trials without, (K,) each, checked.

    Raises
    ------
    InputError
        Arrays of another length, numbers that are not whole, or more spikes than trials.
    """
    yes, every = counts(fired, "fired", length), counts(trials, "trials", length)
    if (yes > every).any():
        k = int(np.argmax(yes > every))
        raise InputError(f"fired: {yes[k]:g} of {every[k]:g} trials; need no more than trials")
    return yes, every - yes


def profile_interval(
    profile: Callable[[float], float], best: float, least: float, step: float, farthest: float
) -> Interval:
    """95 % interval: where a negative log likelihood has risen by half of chi-squared's quantile.

    An end that is not found within `farthest` is infinite: the data leave it open.

    Parameters
    ----------
    profile : the least negative log likelihood with the parameter held
    best : the parameter's estimate
    least : the negative log likelihood there
    step : first step of the search, of the order of a standard error
    farthest : distance from the estimate at which the search gives up
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    limit = least + 0.5 * float(ndtri(0.5 + CONFIDENCE / 2)) ** 2

    def reach(sign: float) -> float:
        inner, outer = 0.0, step
        while profile(best + sign * outer) < limit:
            if outer >= farthest:
                return float("inf")
            inner, outer = outer, min(2.0 * outer, farthest)
        at_limit = brentq(
            lambda far: profile(best + sign * far) - limit, inner, outer, xtol=1e-5 * step
        )
        return float(at_limit)

    return best - reach(-1.0), best + reach(1.0)
