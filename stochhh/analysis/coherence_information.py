"""Information about a Gaussian input, bounded from below by coherence with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.voltage_spectra import Coherence
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_HANN_CORRELATION = 1.0 + 2.0 * (4.0 / 9.0 + 1.0 / 36.0)  # of neighbouring frequencies, summed


def coherence_information_rate(
    found: Coherence, lowest_hz: float = 0.0, highest_hz: float = np.inf
) -> Estimate:
    """Lower bound of the information rate about a Gaussian input, bits/s.

    ``-∫ log2(1 - γ²) df`` (Bialek et al. 1991, doi:10.1126/science.2063199; Borst &
    Theunissen 1999, doi:10.1038/14731), by `band_widths_hz`. For Gaussian signals the
    logarithm of 1 - γ² from n segments is too small by ψ(n) - ψ(n - 1) = 1/(n - 1) on
    average, whatever the coherence, as powers of the response and of what the input leaves
    unexplained have 2n and 2(n - 1) degrees of freedom. That is taken off; so the bound of
    unrelated signals is 0 on average, and may come out below. The interval takes
    segments as independent and counts the correlation of neighbouring frequencies
    under a Hann window; of an input that is repeated it counts that its power is known
    from the fewer segments of the input.

    Parameters
    ----------
    found : coherence of input and response
    lowest_hz, highest_hz : of the integral; an input has no more information to give
        beyond its own band

    Raises
    ------
    InputError
        No frequency between the two.
    """
    from scipy.special import ndtri

    width = band_widths_hz(found.frequency_hz, lowest_hz, highest_hz)
    if not width.any():
        raise InputError(f"lowest_hz, highest_hz: no frequency in {lowest_hz:g} to {highest_hz:g}")
    n, raw = found.averages, np.minimum(found.raw, 1.0 - 1e-12)
    nats = -np.log1p(-raw) - 1.0 / (n - 1.0)
    true = -np.expm1(-np.maximum(nats, 0.0))
    of_input = true**2 * (1.0 / (found.inputs or n) - 1.0 / n)
    variance = _HANN_CORRELATION * float(width**2 @ (2.0 * true / n + 1.0 / n**2 + of_input))
    reach = float(ndtri(0.5 + CONFIDENCE / 2)) * np.sqrt(variance) / np.log(2.0)
    value = float(width @ nats) / np.log(2.0)
    return Estimate(value, (max(0.0, value - reach), max(0.0, value + reach)))


def band_widths_hz(
    frequency_hz: Floats, lowest_hz: float = 0.0, highest_hz: float = np.inf
) -> Floats:
    """How much of a band each of evenly spaced frequencies stands for, (F,), Hz.

    Each stands for half a step on either side; the first, one step above zero, which is no
    frequency of a spectrum here, for all down to zero.

    Parameters
    ----------
    frequency_hz : (F,) multiples of the first
    lowest_hz, highest_hz : ends of the band
    """
    step = float(frequency_hz[0])
    begin, end = frequency_hz - 0.5 * step, frequency_hz + 0.5 * step
    begin[0] = 0.0
    inside = np.minimum(end, highest_hz) - np.maximum(begin, lowest_hz)
    return np.asarray(np.maximum(inside, 0.0))
