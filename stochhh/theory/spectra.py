"""Noise of the stationary current of N independent channels: autocovariance and spectrum.

Times in ms, frequencies in Hz, currents in pA. A spectrum is one-sided, in pA²/Hz:
its integral over all positive frequencies in Hz is the variance in pA² (Colquhoun
& Hawkes 1977, Proc R Soc B 199:231).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.equilibrium import stationary_law
from stochhh.theory.generators import Floats, as_generator, as_shares
from stochhh.theory.modes import Numbers, exponential_modes

_MS_PER_S = 1e3


class Lorentzians(NamedTuple):
    """The components of a current's noise, slowest first.

    Component k adds ``variance_pA2 exp(-rate_per_ms lag)`` to the autocovariance.
    Under detailed balance all numbers are real and every variance is 0 or more;
    else complex components come with their conjugates, and only sums of both are real.

    Attributes
    ----------
    variance_pA2 : (K,), pA²; they add up to the variance of the current.
    rate_per_ms : (K,), 1/ms.
    corner_hz : (K,) half-width of each component, Re(rate)/2π; for a real one the
        frequency at which its power has halved.
    centre_hz : (K,) frequency around which it lies, Im(rate)/2π; 0 for a real one.
    plateau_pA2_per_hz : (K,) what it adds to the spectrum at frequency 0.
    """

    variance_pA2: Numbers
    rate_per_ms: Numbers
    corner_hz: Floats
    centre_hz: Floats
    plateau_pA2_per_hz: Numbers


def lorentzians(
    generator: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    unitary_current_pA: float = 1.0,
) -> Lorentzians:
    """Components of the stationary current noise, one for each relaxation, shape (S - 1,).

    Parameters
    ----------
    generator : (S, S), 1/ms
    relative_conductance : (S,) share of the full conductance, or a mask
    n_channels : N
    unitary_current_pA : through a fully open channel

    Raises
    ------
    ValueError
        No single equilibrium, or (only without detailed balance) eigenvalues that
        fall together, so that the noise is no sum of such components;
        `power_spectrum` and `autocovariance` need none.
    """
    matrix = as_generator(generator)
    row, column = _deviations(matrix, relative_conductance)
    rate, weight = exponential_modes(row, matrix, column)
    rate, weight = rate[1:], weight[1:]  # the first is the equilibrium: rate 0, weight 0
    variance = n_channels * unitary_current_pA**2 * weight
    return Lorentzians(
        variance_pA2=variance,
        rate_per_ms=rate,
        corner_hz=np.asarray(rate.real / (2.0 * np.pi) * _MS_PER_S),
        centre_hz=np.asarray(rate.imag / (2.0 * np.pi) * _MS_PER_S),
        plateau_pA2_per_hz=4.0 * variance / rate / _MS_PER_S,
    )


def autocovariance(
    generator: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    lags_ms: ArrayLike,
    unitary_current_pA: float = 1.0,
) -> Floats:
    """Autocovariance of the stationary current at each lag, shape (L,), pA².

    ``N i² (π ∘ (g - ḡ)) exp(Q|lag|) (g - ḡ)``; at lag 0 the variance. Exact, and
    needs no eigenvalues.

    Parameters
    ----------
    generator : (S, S), 1/ms
    relative_conductance : (S,) share of the full conductance, or a mask
    n_channels : N
    lags_ms : (L,) of either sign
    unitary_current_pA : through a fully open channel
    """
    from scipy.linalg import expm

    matrix = as_generator(generator)
    row, column = _deviations(matrix, relative_conductance)
    lags = np.abs(np.asarray(lags_ms, dtype=np.float64))
    one = row @ expm(matrix * lags[:, None, None]) @ column
    return np.asarray(n_channels * unitary_current_pA**2 * one)


def power_spectrum(
    generator: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    frequencies_hz: ArrayLike,
    unitary_current_pA: float = 1.0,
) -> Floats:
    """One-sided power spectral density of the stationary current, shape (F,), pA²/Hz.

    Four times the cosine transform of the autocovariance: the sum of the
    Lorentzians, or, where there is no such sum, the same from the resolvent of
    the generator, ``(2πif - Q)⁻¹``, by one linear solution for each frequency.

    Parameters
    ----------
    generator : (S, S), 1/ms
    relative_conductance : (S,) share of the full conductance, or a mask
    n_channels : N
    frequencies_hz : (F,)
    unitary_current_pA : through a fully open channel
    """
    frequencies = np.asarray(frequencies_hz, dtype=np.float64)
    try:
        found = lorentzians(generator, relative_conductance, n_channels, unitary_current_pA)
    except ValueError:
        return resolvent_spectrum(
            generator, relative_conductance, n_channels, frequencies, unitary_current_pA
        )
    turning = 2j * np.pi * frequencies[:, None] / _MS_PER_S
    terms = found.variance_pA2 / (found.rate_per_ms + turning)
    return np.asarray(4.0 * terms.sum(axis=-1).real / _MS_PER_S)


def resolvent_spectrum(
    generator: ArrayLike,
    relative_conductance: ArrayLike,
    n_channels: int,
    frequencies_hz: ArrayLike,
    unitary_current_pA: float = 1.0,
) -> Floats:
    """The same as `power_spectrum`, always by linear solutions, shape (F,), pA²/Hz.

    The zero eigenvalue of Q is moved out of the way by taking from Q the matrix
    whose rows all are the stationary law; deviations from the mean do not see it.

    Parameters
    ----------
    generator, relative_conductance, n_channels, frequencies_hz, unitary_current_pA :
        as for `power_spectrum`
    """
    matrix = as_generator(generator)
    row, column = _deviations(matrix, relative_conductance)
    fastest = np.abs(np.diag(matrix)).max()
    regular = matrix - fastest * stationary_law(matrix)[None, :]
    turning = 2j * np.pi * np.asarray(frequencies_hz, dtype=np.float64) / _MS_PER_S
    unit = np.eye(len(matrix))
    solved = np.linalg.solve(turning[:, None, None] * unit - regular, column[:, None])[..., 0]
    one = (solved @ row).real
    return np.asarray(4.0 * n_channels * unitary_current_pA**2 * one / _MS_PER_S)


def mean_variance_parabola(
    mean_current_pA: ArrayLike, unitary_current_pA: float, n_channels: int
) -> Floats:
    """Variance of the current as a function of its mean, ``σ² = i I - I²/N``, shape (...), pA².

    Holds for channels without sublevels, at equilibrium or not (Sigworth 1980, J
    Physiol 307:97): fitting it gives the unitary current and the number of channels.

    Parameters
    ----------
    mean_current_pA : (...), I
    unitary_current_pA : i
    n_channels : N
    """
    mean = np.asarray(mean_current_pA, dtype=np.float64)
    return np.asarray(unitary_current_pA * mean - mean**2 / n_channels)


def _deviations(generator: Floats, relative_conductance: ArrayLike) -> tuple[Floats, Floats]:
    """``π ∘ (g - ḡ)`` and ``g - ḡ`` of one channel at equilibrium, each of shape (S,)."""
    law = stationary_law(generator)
    shares = as_shares(relative_conductance, len(law))
    column = shares - law @ shares
    return law * column, column
