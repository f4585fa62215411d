"""Noise analysis: unitary current and number of channels from fluctuations over sweeps.

Currents in pA with outward positive; a number of open channels does as well, and
then the unitary current is 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_RESAMPLES = 500
_BATCH = 25  # resamples at once, for the memory they take
_GROUPS = 100  # of sweeps left out in turn, at most
_BLOCK = 6  # successive sweeps resampled together, as differences share them
_ROUNDS = 4  # of reweighting; the weights change by less than a per cent after three
_LEAST_SPREAD = 1e-3  # of the largest, below which a variance's error is not believed


class Moments(NamedTuple):
    """Mean (pA) and variance (pA²) of a current over sweeps, at each time, (T,)."""

    mean: Floats
    variance: Floats


class Parabola(NamedTuple):
    """``variance = i I - I²/N + offset``; N is infinite where the points do not bend down."""

    unitary_current_pA: float
    n_channels: float
    offset_pA2: float


class ChannelNumbers(NamedTuple):
    """What the noise says about channels, each with its 95 % interval.

    Attributes
    ----------
    unitary_current_pA : i
    n_channels : N; an upper limit of infinity where the data set none.
    offset_pA2 : variance that is not the channels'; zero unless it was fitted.
    open_probability : the largest that was reached, ``I/(i N)``.
    """

    unitary_current_pA: Estimate
    n_channels: Estimate
    offset_pA2: Estimate
    open_probability: Estimate


def mean_variance(sweeps_pA: ArrayLike, differences: bool = False) -> Moments:
    """Mean and variance over sweeps at each time.

    Parameters
    ----------
    sweeps_pA : (trials, T)
    differences : take the variance from differences of successive sweeps, half their
        mean square, which a slow drift from sweep to sweep does not inflate
        (Heinemann & Conti 1992, Methods Enzymol 207:131). Its error is
        about √1.5 times as large as that of the plain variance.

    Raises
    ------
    InputError
        Fewer than two sweeps.
    """
    sweeps = _as_sweeps(sweeps_pA)
    if differences:
        variance = np.square(np.diff(sweeps, axis=0)).mean(axis=0) / 2.0
    else:
        variance = sweeps.var(axis=0, ddof=1)
    return Moments(sweeps.mean(axis=0), variance)


def fit_parabola(
    mean_pA: ArrayLike, variance_pA2: ArrayLike, offset: bool = False, n_bins: int = 40
) -> Parabola:
    """Fit ``variance = i I - I²/N`` (Sigworth 1980, J Physiol 307:97).

    Times are sorted into bins of equal width of the mean current, and the means in
    each bin, those of I² too, fitted by least squares, weighted by the number of
    times over the squared error of a variance. That error is the binomial law's for
    the fitted i and N, not the scatter of the points: weights from the points
    themselves prefer those that happen to be low.

    Parameters
    ----------
    mean_pA, variance_pA2 : (T,) at one voltage, so that i is one number
    offset : fit also a constant background variance
    n_bins : bins over the range of the mean current

    Raises
    ------
    InputError
        The mean current does not vary.
    """
    mean = np.asarray(mean_pA, dtype=np.float64)
    variance = np.asarray(variance_pA2, dtype=np.float64)
    if mean.ndim != 1 or mean.shape != variance.shape or len(mean) < 3:
        raise InputError(
            f"mean_pA, variance_pA2: shapes {mean.shape} and {variance.shape}; "
            "need one value each at the same three times or more"
        )
    if np.ptp(mean) == 0.0:
        raise InputError("mean_pA: does not vary; a parabola needs a current that rises or falls")
    edges = np.linspace(mean.min(), mean.max(), n_bins + 1)
    place = np.clip(np.searchsorted(edges, mean, side="right") - 1, 0, n_bins - 1)
    n_times = np.bincount(place, minlength=n_bins)
    full = n_times > 0
    n_times = n_times[full]
    x = np.bincount(place, mean, n_bins)[full] / n_times
    y = np.bincount(place, variance, n_bins)[full] / n_times
    square = np.bincount(place, np.square(mean), n_bins)[full] / n_times
    columns = [x, -square] + ([np.ones(len(x))] if offset else [])
    if len(x) < len(columns):
        raise InputError(
            f"mean_pA: falls into {len(x)} of {n_bins} bins; {len(columns)} numbers "
            "cannot be fitted to them"
        )
    design = np.column_stack(columns)
    weight: Floats = n_times.astype(np.float64)
    found = np.zeros(len(columns))
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        solved = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
        found = np.asarray(solved[0], dtype=np.float64)
        weight = n_times / _squared_error(x, found)
    bend = float(found[1])
    n_channels = 1.0 / bend if bend > 0.0 else float("inf")
    return Parabola(float(found[0]), n_channels, float(found[2]) if offset else 0.0)


def count_channels(
    sweeps_pA: ArrayLike,
    offset: bool = False,
    differences: bool = False,
    n_bins: int = 40,
    resamples: int = _RESAMPLES,
) -> ChannelNumbers:
    """Unitary current, number of channels and largest open probability, from sweeps.

    Non-stationary noise analysis: `mean_variance`, then `fit_parabola`. Successive
    points of the parabola are strongly correlated, so intervals come from a bootstrap
    over whole sweeps (with `differences`, over blocks of successive ones), corrected
    for bias and skewness (BCa: Efron 1987, doi:10.1080/01621459.1987.10478410) and
    for how few sweeps there are (Hesterberg 2015, doi:10.1080/00031305.2015.1089789).
    They hold the truth in nine of ten cases or more from 5 sweeps on, or 12 with
    `differences`. The seed is fixed, so the same sweeps always give the same interval.
    Exact sampling of all currents is assumed: what a filter took from the variance is
    missing from i.

    Parameters
    ----------
    sweeps_pA : (trials, T), the stretch at one voltage in which the current changes
    offset, differences, n_bins : as above
    resamples : of the bootstrap

    Raises
    ------
    InputError
        Fewer than two sweeps, or a mean current that does not vary.
    """
    sweeps = _as_sweeps(sweeps_pA)
    moments = mean_variance(sweeps, differences)
    fitted = _numbers(moments, offset, n_bins)
    drawn, left_out = (
        np.array([_numbers(one, offset, n_bins) for one in _weighted(sweeps, differences, weights)])
        for weights in _weights(len(sweeps), differences, resamples)
    )
    n_units = len(sweeps) if not differences else (len(sweeps) - 1) // _block(len(sweeps) - 1)
    low, high = _corrected_interval(np.array(fitted), drawn, left_out, n_units)
    unitary, probability, background = (
        Estimate(float(fitted[k]), (float(low[k]), float(high[k]))) for k in (0, 2, 3)
    )
    if not offset:
        background = Estimate(0.0)
    most = 1.0 / low[1] if low[1] > 0.0 else float("inf")
    n_channels = Estimate(None)
    if fitted[1] > 0.0:
        n_channels = Estimate(float(1.0 / fitted[1]), (float(1.0 / high[1]), float(most)))
    return ChannelNumbers(unitary, n_channels, background, probability)


def _as_sweeps(sweeps: ArrayLike) -> Floats:
    found = np.asarray(sweeps, dtype=np.float64)
    if found.ndim != 2 or len(found) < 2:
        raise InputError(
            f"sweeps_pA: shape {found.shape}; need (trials, times), two trials or more"
        )
    return found


def _squared_error(mean: Floats, found: Floats) -> Floats:
    """Squared error of a sample variance, up to a factor: of a binomial count times i."""
    unitary, bend = float(found[0]), float(found[1])
    background = float(found[2]) if len(found) == 3 else 0.0
    channels = np.maximum(unitary * mean - bend * mean**2, 0.0)
    total = channels + max(background, 0.0)
    share = np.clip(mean * bend / unitary if unitary else 0.0 * mean, 0.0, 1.0)
    fourth = unitary**2 * channels * (1.0 - 6.0 * share * (1.0 - share))  # excess kurtosis
    error = np.maximum(2.0 * total**2 + fourth, total**2)
    floor = _LEAST_SPREAD**2 * error.max()
    return np.asarray(np.maximum(error, floor)) if floor > 0.0 else np.ones(len(mean))


def _numbers(moments: Moments, offset: bool, n_bins: int) -> tuple[float, float, float, float]:
    """Unitary current, 1/N, largest open probability and offset."""
    fitted = fit_parabola(*moments, offset, n_bins)
    bend = 1.0 / fitted.n_channels
    largest = float(moments.mean[np.abs(moments.mean).argmax()])
    i = fitted.unitary_current_pA
    return i, bend, largest * bend / i if i else 0.0, fitted.offset_pA2


def _weighted(sweeps: Floats, differences: bool, weights: Floats) -> Iterator[Moments]:
    """Moments under each row of weights of the sweeps, or of pairs of successive ones."""
    n, centre = len(sweeps), sweeps.mean(axis=0)
    around = sweeps - centre
    if differences:
        value, square = (around[1:] + around[:-1]) / 2.0, np.square(np.diff(around, axis=0)) / 2.0
        factor, taken = 1.0, 0.0
    else:
        value, square = around, np.square(around)
        factor, taken = (n / (n - 1)) ** 2, 1.0  # for the sample's mean and its resample's
    for batch in np.array_split(weights, -(-len(weights) // _BATCH)):
        mean = batch @ value
        spread = factor * (batch @ square - taken * np.square(mean))
        yield from (Moments(centre + m, v) for m, v in zip(mean, spread, strict=True))


def _weights(n_sweeps: int, differences: bool, resamples: int) -> tuple[Floats, Floats]:
    """Weights of resampled sweeps, from a fixed seed, and of all but a group of them in turn.

    With differences those of their pairs, drawn and left out in blocks.
    """
    rng, n = np.random.default_rng(0), n_sweeps - differences
    if differences:
        block = _block(n)
        starts = rng.integers(n, size=(resamples, -(-n // block)))
        places = (starts[:, :, None] + np.arange(block)) % n
        rows = places.reshape(resamples, -1)[:, :n]
        drawn = np.stack([np.bincount(row, minlength=n) for row in rows]) / n
    else:
        block = 1
        drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples) / n
    groups = np.arange(n) * min(_GROUPS, max(n // block, 2)) // n if n > 1 else np.zeros(1, int)
    kept = (groups != np.unique(groups)[:, None]).astype(np.float64)
    return drawn, kept / np.maximum(kept.sum(axis=1, keepdims=True), 1.0)


def _block(n_pairs: int) -> int:
    """Length of the blocks that pairs of successive sweeps are drawn in."""
    return max(1, min(_BLOCK, n_pairs // 4))


def _corrected_interval(
    fitted: Floats, drawn: Floats, left_out: Floats, n_units: int
) -> tuple[Floats, Floats]:
    """Limits of the bootstrap's interval, corrected for bias and skewness, each (K,).

    Parameters
    ----------
    fitted : (K,) from all data
    drawn : (R, K) from resampled data
    left_out : (G, K) from all but one group each
    n_units : how many independent units were resampled
    """
    from scipy.special import ndtr, ndtri, stdtrit

    below = (drawn < fitted).mean(axis=0) + (drawn == fitted).mean(axis=0) / 2.0
    bias = ndtri(np.clip(below, 1.0 / len(drawn), 1.0 - 1.0 / len(drawn)))
    away = left_out.mean(axis=0) - left_out
    size = np.square(away).sum(axis=0) ** 1.5
    skew = np.divide((away**3).sum(axis=0), 6.0 * size, out=np.zeros(len(size)), where=size > 0.0)
    ends = []
    degrees = max(n_units - 1, 1)
    for tail in ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0):
        reach = bias + np.sqrt(1.0 + 1.0 / degrees) * stdtrit(degrees, tail)
        share = ndtr(bias + reach / (1.0 - skew * reach))
        ends.append([np.quantile(row, q) for row, q in zip(drawn.T, share, strict=True)])
    return np.array(ends[0]), np.array(ends[1])
