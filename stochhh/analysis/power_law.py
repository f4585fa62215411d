"""Power laws: how a quantity with a known error grows with another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.fits import positive
from stochhh.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLaw:
    """A straight line fitted on logarithmic axes, ``y = prefactor * x**exponent``.

    Attributes
    ----------
    exponent, prefactor : fitted.
    deviance : squares of what the points are off, in standard errors; chi-squared with
        `degrees` degrees of freedom where the law is a power.
    degrees : number of points less 2.
    """

    exponent: Estimate
    prefactor: Estimate
    deviance: float
    degrees: int

    def at(self, x: ArrayLike) -> Floats:
        """Fitted y at any x above zero."""
        assert self.exponent.value is not None
        assert self.prefactor.value is not None
        powers = np.asarray(x, dtype=np.float64) ** self.exponent.value
        return np.asarray(self.prefactor.value * powers)


def fit_power_law(x: ArrayLike, y: ArrayLike, relative_error: ArrayLike) -> PowerLaw:
    """Exponent by least squares on the logarithms, weighted by the known errors.

    Intervals are Gaussian and take the errors at their word: they are not widened
    where the points scatter more than that, which `deviance` shows.

    Parameters
    ----------
    x, y : (K,) above zero, two different x at least
    relative_error : (K,) standard error of the logarithm of each y

    Raises
    ------
    InputError
        Numbers that make no sense, or all at one x.
    """
    from scipy.special import ndtri

    log_x = np.log(positive(x, "x"))
    log_y = np.log(positive(y, "y", len(log_x)))
    weight = positive(relative_error, "relative_error", len(log_x)) ** -2.0
    if len(np.unique(log_x)) < 2:
        raise InputError("x: all the same; need two different ones or more for an exponent")
    centre = np.average(log_x, weights=weight)
    away = log_x - centre
    information = float(weight @ away**2)
    exponent = float((weight * away) @ log_y) / information
    middle = float(np.average(log_y, weights=weight))
    offset = middle - exponent * float(centre)
    off = log_y - offset - exponent * log_x
    quantile = float(ndtri(0.5 + CONFIDENCE / 2))
    reach = quantile * information**-0.5
    reach_offset = quantile * float(np.sqrt(1.0 / weight.sum() + centre**2 / information))
    ends = (float(np.exp(offset - reach_offset)), float(np.exp(offset + reach_offset)))
    return PowerLaw(
        exponent=Estimate(exponent, (exponent - reach, exponent + reach)),
        prefactor=Estimate(float(np.exp(offset)), ends),
        deviance=float(weight @ off**2),
        degrees=len(log_x) - 2,
    )
