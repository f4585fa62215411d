"""Binomial draws that cost about the same for any number of trials."""

from __future__ import annotations

from math import exp, log1p, sqrt

from stochhh.kernels.patch import jit

#: Variance from which the expansion is used; the distribution function is then
#: nowhere farther off than 1e-4, and ten times less from 100 on.
_EXPANDED_ABOVE = 20.0
#: What inversion never reaches but by rounding: its means are at most 40, its SDs 4.5.
_MOST_BY_INVERSION = 200


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
    if p > 0.5:
        return n - binomial_below_half(rng, n, 1.0 - p)
    return binomial_below_half(rng, n, p)


@jit
def binomial_below_half(rng, n, p):
    """Draw from the binomial law for 0 < p <= 1/2."""
    mean = n * p
    variance = mean * (1.0 - p)
    if variance > _EXPANDED_ABOVE:
        z = rng.standard_normal()
        sd = sqrt(variance - 1.0 / 12.0)  # rounding to whole numbers adds a twelfth
        lean = 1.0 - 2.0 * p
        skewed = lean * (z * z - 1.0) / 6.0
        kurtotic = (1.0 - 6.0 * p * (1.0 - p)) * (z * z - 3.0) / 24.0
        kurtotic -= lean * lean * (2.0 * z * z - 5.0) / 36.0
        return min(max(int(mean + sd * z + skewed + kurtotic * z / sd + 0.5), 0), n)
    u = rng.random()
    if u <= 1.0 - mean:  # Bernoulli's inequality: none at all is at least this likely
        return 0
    term = exp(n * log1p(-p))
    odds = p / (1.0 - p)
    most = min(n, _MOST_BY_INVERSION)
    k = 0
    while u > term and k < most:
        u -= term
        k += 1
        term *= odds * (n - k + 1) / k
    return k
