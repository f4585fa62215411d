"""Laws of channels at a known voltage: what their numbers do in a clamp experiment.

Each function takes what was done (`Setting`), what was simulated (`Observed`) and what
theory says (`Theory`), and gives the rows of its law: none where too few channels or
events are expected. With M channels in R trials and T transitions in all, the smallest
deviations that are refused, at 6.5 standard errors (a level of 1e-6 for a hundred laws,
nine times in ten), are about

====================  ===============================================================
states                a share p that is off by 6.5 sqrt(p (1 - p) / M): 10 % of a share
                      of 0.1, 2 % of one of 0.7, with M = 4e4
spread of the states  variances off by 6.5 sqrt(2 / (R (K - 1))): 19 % with R = 600 and five
                      states
open count            a mean off by 6.5 sqrt((1 - p) / (p M)); a variance off by 6.5
                      sqrt(2 / R): 38 % with R = 600; a law of another shape
transitions           a number off by about 6.5 / sqrt(T): 0.7 % with T = 1e6
covariance            a correlation in time that is off by 6.5 / sqrt(R)
spectrum              an octave off by 6.5 / sqrt(f R), with f independent frequencies
                      in it: 7 % with R = 600, in the widest one
====================  ===============================================================

Rows of single-channel records are in `single_channel`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stochhh import theory as closed_form
from stochhh.verify.comparison import (
    FEWEST_EXPECTED,
    Comparison,
    binomial_counts,
    binomial_variance,
    comparable,
    mean_is,
    means_are,
    multinomial_spread,
    states_follow,
)
from stochhh.verify.experiment import Observed, Setting, Theory
from stochhh.verify.verdict import Row

Floats = NDArray[np.float64]

_ENOUGH = 400.0  # events; with fewer, the normal law's far tail does not hold
_FEWEST_OPEN = 1.0  # variance of an open count whose fluctuations are looked at in time

#: A law: its rows from what was done, what was seen, and what theory says.
Law = Callable[[Setting, Observed, Theory], list[Row]]


def states(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Mean occupancy of every state: chi-square of where all channels are."""
    rows = []
    for record in setting.looked_at:
        law = theory.law(record * setting.interval_ms)
        if comparable(setting.n_channels * setting.n_trials, law):
            counts = seen.occupancy[:, record].sum(axis=0)
            compared = states_follow(counts, law, theory.scheme.states)
            rows.append(Row("states", setting.when(record), compared))
    return rows


def spread(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Variances of the occupancies of all states over trials, as Pearson's statistic has them."""
    rows = []
    for record in setting.looked_at:
        law = theory.law(record * setting.interval_ms)
        if setting.n_channels * (1.0 - law.max()) >= FEWEST_EXPECTED / 4.0:
            compared = multinomial_spread(seen.occupancy[:, record], setting.n_channels, law)
            rows.append(Row("spread of the states", setting.when(record), compared))
    return rows


def open_mean(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Mean number of open channels."""

    def compared(values: Floats, n: int, p: float) -> Comparison | None:
        if len(values) * n * min(p, 1.0 - p) < _ENOUGH:
            return None
        sd = float(np.sqrt(n * p * (1.0 - p)))
        return mean_is(values, n * p, sd, setting.slack * n * p)

    return _open_rows("open, mean", compared, setting, seen, theory)


def open_variance(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Variance of the number of open channels over trials."""

    def compared(values: Floats, n: int, p: float) -> Comparison | None:
        variance = n * p * (1.0 - p)
        if variance < _FEWEST_OPEN:
            return None
        return binomial_variance(values, n, p, setting.slack * variance)

    return _open_rows("open, variance", compared, setting, seen, theory)


def open_law(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Whole law of the number of open channels: binomial."""

    def compared(values: Floats, n: int, p: float) -> Comparison | None:
        if len(values) * (1.0 - (1.0 - p) ** n) < FEWEST_EXPECTED or n * (1.0 - p) < 1.0:
            return None
        try:
            return binomial_counts(values, n, p)
        except ValueError:  # all of them make one cell
            return None

    return _open_rows("open, binomial", compared, setting, seen, theory)


def _open_rows(
    name: str,
    compared: Callable[[Floats, int, float], Comparison | None],
    setting: Setting,
    seen: Observed,
    theory: Theory,
) -> list[Row]:
    """Rows of one comparison of the open count with N and p, at each time looked at."""
    found = []
    for record in setting.looked_at:
        p = float(theory.law(record * setting.interval_ms)[theory.is_open].sum())
        rarer = setting.n_channels * min(p, 1.0 - p)
        comparison = None
        if rarer >= setting.fewest:
            comparison = compared(seen.n_open[:, record], setting.n_channels, p)
        if comparison is not None:
            found.append(Row(name, setting.when(record), comparison))
    return found


def transitions(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Mean number of transitions in a trial."""
    one = closed_form.transition_counts(theory.start, theory.generator, setting.duration_ms).sum()
    expected = setting.n_channels * float(one)
    if expected * setting.n_trials < _ENOUGH:
        return []
    return [Row("transitions", setting.where, mean_is(seen.transitions, expected))]


def covariance(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Covariance of the open count at two times: of neighbouring records, and farther apart."""
    n = setting.n_intervals
    records = np.array([n // 4, n // 4 + max(n // 32, 1), n // 2, n])
    steps = [
        theory.propagator(dt * setting.interval_ms) for dt in np.diff(records, prepend=0).tolist()
    ]
    laws = closed_form.laws_along(theory.start, steps)
    p = laws[:, theory.is_open].sum(axis=1)
    if (setting.n_channels * p * (1.0 - p)).min() < _FEWEST_OPEN:
        return []
    expected = closed_form.current_covariance(laws, steps, theory.is_open, setting.n_channels)
    away = seen.n_open[:, records] - setting.n_channels * p
    later = np.arange(1, len(records))
    compared = means_are(away[:, :1] * away[:, later], expected[0, later])
    return [Row("open, covariance in time", setting.where, compared)]


def spectrum(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Power of the open count in octaves of the frequency, in equilibrium.

    The periodogram of a record of n samples under a Hann window has the expectation
    ``sum_l c(l) r(l) cos(2π k l / n)``, c the autocovariance at the lags of the samples and r
    that of the window: what sampling folds back and what the window leaks is in it.
    The record's mean is taken off as theory has it.
    """
    n = setting.n_intervals
    p = float(theory.start[theory.is_open].sum())
    if not setting.held or setting.n_channels * p * (1.0 - p) < _FEWEST_OPEN:
        return []
    window = np.hanning(n + 1)[:-1]
    lag = np.arange(n)
    overlap = np.array([window[: n - k] @ window[k:] for k in lag])
    steps = np.tile(theory.propagator(setting.interval_ms), (n, 1, 1))
    laws = np.tile(theory.start, (n, 1))
    c = closed_form.current_covariance(laws, steps, theory.is_open, setting.n_channels)[0]
    weighted = np.where(lag == 0, 1.0, 2.0) * c * overlap
    expected = np.fft.rfft(weighted).real
    signal = (seen.n_open[:, :n] - setting.n_channels * p) * window
    power = np.abs(np.fft.rfft(signal, axis=1)) ** 2
    unit = 2e-3 * setting.interval_ms / float(window @ window)  # one-sided, 1/Hz
    octaves = [slice(2**k, 2 ** (k + 1)) for k in range(2, int(np.log2(n)) - 1)]
    found = np.column_stack([power[:, octave].mean(axis=1) for octave in octaves])
    means = np.array([expected[octave].mean() for octave in octaves])
    return [Row("open, spectrum", setting.where, means_are(unit * found, unit * means))]
