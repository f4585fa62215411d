"""What records of a linear membrane show: spectra of samples taken at intervals.

`stochhh.theory.linear` knows the noise itself; a record of it, sampled without a filter,
folds what lies above half the sampling frequency back below it. Conductances, whose
noise falls off more slowly than the voltage's, need that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.generators import Floats
from stochhh.theory.linear import LinearMembrane

_MS_PER_S = 1e3


def voltage_weights(membrane: LinearMembrane) -> Floats:
    """Weights that read the voltage (mV) out of the equations of a membrane, shape (M,)."""
    return np.asarray(np.eye(len(membrane.jacobian))[0])


def record_variance(membrane: LinearMembrane, weights: Floats) -> Floats:
    """Variance of a signal from the noise of each population, shape (P,).

    Parameters
    ----------
    membrane : linear equations about a stable state
    weights : (M,) of the signal: `voltage_weights`, or a row of `conductance_nS`

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    covariance = _covariances(membrane)
    return np.asarray(np.einsum("i,pij,j->p", weights, covariance, weights))


def record_spectrum(
    membrane: LinearMembrane, frequencies_hz: ArrayLike, interval_ms: float, weights: Floats
) -> Floats:
    """One-sided power spectral density of a signal sampled at intervals, shape (P, F).

    The part of each population's noise, in the square of the signal's unit per Hz.
    Deviations x go from one sample to the next by ``x' = Φ x`` and new noise, Φ the
    exponential of the Jacobian; so the autocovariance at lag k is ``w Φᵏ S w``, S the
    stationary covariance, and its Fourier sum over lags is a geometric series. Exact.

    Parameters
    ----------
    membrane : linear equations about a stable state
    frequencies_hz : (F,) up to half the sampling frequency
    interval_ms : between samples
    weights : (M,) as for `record_variance`

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    from scipy.linalg import expm

    covariance = _covariances(membrane)
    step = expm(membrane.jacobian * interval_ms)
    frequencies = np.atleast_1d(np.asarray(frequencies_hz, dtype=np.float64))
    turned = np.exp(-2j * np.pi * frequencies * interval_ms / _MS_PER_S)
    matrices = np.eye(len(step)) - turned[:, None, None] * step.T
    rows = np.linalg.solve(matrices, weights.astype(complex)[:, None])[..., 0]
    lagged = np.einsum("fi,pij,j->pf", rows, covariance, weights).real
    at_once = np.einsum("i,pij,j->p", weights, covariance, weights)
    return np.asarray(2.0 * interval_ms / _MS_PER_S * (2.0 * lagged - at_once[:, None]))


def slowest_decay_ms(membrane: LinearMembrane) -> float:
    """Time constant of the deviation that decays last; infinite if one grows."""
    growth = float(np.linalg.eigvals(membrane.jacobian).real.max())
    return -1.0 / growth if growth < 0.0 else np.inf


def _covariances(membrane: LinearMembrane) -> Floats:
    """Stationary covariance from the noise of each population, (P, M, M)."""
    from scipy.linalg import solve_continuous_lyapunov

    if not np.isfinite(slowest_decay_ms(membrane)):
        raise ValueError("the steady state is not stable; linear noise needs one that is")
    found = [solve_continuous_lyapunov(membrane.jacobian, -one) for one in membrane.noise]
    return np.array(found).reshape(-1, *membrane.jacobian.shape)
