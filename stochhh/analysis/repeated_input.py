"""Coherence with one input that is repeated: how many independent segments repeats are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.spectra import stationary_spectrum
from stochhh.analysis.voltage_spectra import Coherence, coherence

Floats = NDArray[np.float64]


def coherence_of_repeats(
    driving: ArrayLike,
    responses: ArrayLike,
    interval_ms: float,
    segment_ms: float | None = None,
    highest_hz: float = np.inf,
) -> Coherence:
    """Coherence of responses with one input that all trials repeat, as for any such input.

    What the best linear filter leaves of a response is noise, new in every trial, and
    distortion, the same in all. With m segments in each of R trials the first is averaged
    over m R segments, the second over m only, so that by chance their sum looks coherent
    as if there were ``n = m / mean(1 - (1 - 1/R) N / U)`` segments: N is the power of the
    noise, ``R/(R - 1)`` times that of the deviations from the mean response, and U the
    power left, 1 - γ² of the response's. Bias and level of significance are those of n
    segments. So are the intervals of the coherence, which speak of this one input; that of
    `coherence_information_rate` holds for other inputs of the same law as well.

    Parameters
    ----------
    driving : (T,) the input of all trials
    responses : (R, T)
    interval_ms, segment_ms : as for `voltage_spectra.coherence`
    highest_hz : the mean goes over frequencies up to here

    Raises
    ------
    InputError
        As `voltage_spectra.coherence`.
    """
    rows = np.atleast_2d(np.asarray(responses, dtype=np.float64))
    found = coherence(driving, rows, interval_ms, segment_ms)
    repeats = len(rows)
    if repeats == 1:
        return found
    total = stationary_spectrum(rows, interval_ms, segment_ms).density_pA2_per_hz
    common = stationary_spectrum(rows.mean(axis=0), interval_ms, segment_ms).density_pA2_per_hz
    noise = (total - common) * repeats / (repeats - 1)
    left = total * (1.0 - found.raw)
    inside = (found.frequency_hz <= highest_hz) & (left > 0.0)
    if not inside.any():
        return found
    shares = 1.0 - (1.0 - 1.0 / repeats) * noise[inside] / left[inside]
    share = float(np.clip(shares.mean(), 1.0 / repeats, 1.0))
    segments = found.averages / repeats
    worth = coherence(driving, rows, interval_ms, segment_ms, max(segments / share, 1.5))
    return worth._replace(inputs=segments)
