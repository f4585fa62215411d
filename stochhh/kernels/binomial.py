"""Binomial draws that cost about the same for any number of trials."""

from __future__ import annotations

from math import exp, log1p, sqrt

import numpy as np

from stochhh.kernels.patch import inlined, jit

#: Variance from which the expansion is used; the distribution function is then
#: nowhere farther off than 1e-4, and ten times less from 100 on.
_EXPANDED_ABOVE = 20.0
#: What inversion never reaches but by rounding: its means are at most 40, its SDs 4.5.
_MOST_BY_INVERSION = 200

#: Multiplying is several times faster than dividing.
_ONE_OVER = np.array([0.0, *(1.0 / k for k in range(1, _MOST_BY_INVERSION + 1))])
_TWELFTH, _SIXTH, _SEVENTY_SECOND = 1.0 / 12.0, 1.0 / 6.0, 1.0 / 72.0


@inlined
def binomial_below_half(rng, n, p):
    """Draw from the binomial law for 0 < p <= 1/2."""
    mean = n * p
    variance = mean * (1.0 - p)
    if variance > _EXPANDED_ABOVE:
        z = rng.standard_normal()
        variance -= _TWELFTH  # which rounding to whole numbers adds
        sd, precision = sqrt(variance), 1.0 / variance  # side by side
        lean = 1.0 - 2.0 * p
        skewed = lean * (z * z - 1.0) * _SIXTH
        even = p * (1.0 - p)  # (1 - lean²) / 4: both terms of third order in one
        kurtotic = (1.0 + 14.0 * even - (1.0 + 2.0 * even) * z * z) * _SEVENTY_SECOND
        third = kurtotic * z * sd * precision
        return min(max(int(mean + sd * z + skewed + third + 0.5), 0), n)
    u = rng.random()
    if u <= 1.0 - mean:  # Bernoulli's inequality: none at all is at least this likely
        return 0
    term = exp(n * log1p(-p))
    odds = p / (1.0 - p)
    most = min(n, _MOST_BY_INVERSION)
    k, factor = 0, odds * n
    while u > term and k < most:
        u -= term
        k += 1
        term *= factor * _ONE_OVER[k]  # odds (n - k + 1) / k
        factor -= odds
    return k


@jit
def binomial(rng, n, p):
    """Draw from the binomial law of `n` trials with probability `p`.

    Small ones by inversion (Devroye 1986, doi:10.1007/978-1-4613-8643-8, chapter
    X.4), one uniform; large ones by the Cornish-Fisher expansion to third order
    (Cornish & Fisher 1938, doi:10.2307/1400905), one standard normal.
    """
    if n == 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    rare = p if p <= 0.5 else 1.0 - p
    drawn = binomial_below_half(rng, n, rare)
    return drawn if p <= 0.5 else n - drawn
