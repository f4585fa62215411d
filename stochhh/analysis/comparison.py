"""Runs of one membrane with several methods, compared with a reference: numbers and tests.

A quantity is a function of sums over trials, because trials are the independent
units: standard errors come from a bootstrap of trials, and p-values from a
permutation test that exchanges what a trial gave with the method for what it gave
with the reference (Efron & Tibshirani 1993, doi:10.1201/9780429246593, chapters 6
and 15).
Trials of equal number share their stimulus and first draws, which this test allows for.
All p-values of a comparison are corrected together (Holm 1979, doi:10.2307/4615733).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Chance of calling any method different that is not, all tests of a comparison together.
LEVEL = 0.05
_RESAMPLES = 1999
_PERMUTATIONS = 9999
_FEWEST_TRIALS = 5  # for a bootstrap of trials that means anything
_LARGEST_BATCH = 4_000_000  # numbers in memory at a time


class Quantity(NamedTuple):
    """What methods are compared by.

    Attributes
    ----------
    name, title, unit : of the quantity; no unit if it has none.
    value : from totals over trials (..., K) to the quantity (...); NaN where they
        cannot give it. None for a distance, which only two samples have.
    distance : from totals (..., K) of two samples to how far they are apart (...).
    """

    name: str
    title: str
    unit: str
    value: Callable[[Floats], Floats] | None
    distance: Callable[[Floats, Floats], Floats]


class Sample(NamedTuple):
    """What one method gave: for each quantity a row of numbers a trial, (trials, K)."""

    method: str
    rows: Mapping[str, Floats]


class Compared(NamedTuple):
    """One quantity of one method beside the reference.

    Attributes
    ----------
    quantity : its name.
    estimate : of the method; of a distance, from the reference.
    difference : from the reference, None for a distance and for the reference itself.
    chance : median distance after the exchange of trials.
    p, p_corrected : of the hypothesis that both have the same law; None if not tested.
    """

    quantity: str
    estimate: Estimate
    difference: Estimate | None = None
    chance: float | None = None
    p: float | None = None
    p_corrected: float | None = None

    @property
    def distinguishable(self) -> bool:
        """Whether the method differs from the reference by more than chance allows."""
        return self.p_corrected is not None and self.p_corrected <= LEVEL


def compare_samples(
    quantities: Sequence[Quantity], reference: Sample, others: Sequence[Sample]
) -> dict[str, list[Compared]]:
    """Compare samples with a reference, quantity by quantity.

    A sample with another number of trials than the reference, as the one course
    of the deterministic limit, is described and not tested.

    Returns
    -------
    dict
        For each method, the reference first, its quantities in the order given.
    """
    found = {reference.method: [_described(q, reference) for q in quantities if q.value]}
    for other in others:
        found[other.method] = [_compared(q, reference, other) for q in quantities]
    tested = [one for row in found.values() for one in row if one.p is not None]
    corrected = iter(holm([one.p for one in tested if one.p is not None]))
    return {
        method: [one if one.p is None else one._replace(p_corrected=next(corrected)) for one in row]
        for method, row in found.items()
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979, doi:10.2307/4615733)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(raised, 1.0)
    return [float(one) for one in corrected]


def fewest_trials(n_tests: int) -> int:
    """Fewest trials with which so many tests could tell any difference at all."""
    n = 2
    while n_tests * smallest_p(n) > LEVEL:
        n += 1
    return n


def smallest_p(n_trials: int) -> float:
    """Smallest p-value that the permutation test can give."""
    return max(2.0 / 2.0**n_trials, 1.0 / (_PERMUTATIONS + 1))


def _described(quantity: Quantity, sample: Sample) -> Compared:
    assert quantity.value is not None
    rows = sample.rows[quantity.name]
    value = float(quantity.value(rows.sum(axis=0)))
    if not np.isfinite(value):
        return Compared(quantity.name, Estimate(None))
    of = quantity.value
    return Compared(
        quantity.name,
        Estimate(value, _interval(value, len(rows), lambda totals: of(totals(rows)))),
    )


def _compared(quantity: Quantity, reference: Sample, other: Sample) -> Compared:
    mine, theirs = other.rows[quantity.name], reference.rows[quantity.name]
    found = Compared(quantity.name, Estimate(None))
    if quantity.value is not None:
        found = _described(quantity, other)
    paired = len(mine) == len(theirs)
    apart = float(quantity.distance(mine.sum(axis=0), theirs.sum(axis=0)))
    if not np.isfinite(apart):
        return found
    if quantity.value is None:
        found = found._replace(estimate=Estimate(apart))
    else:
        away = float(quantity.value(mine.sum(axis=0)) - quantity.value(theirs.sum(axis=0)))
        found = found._replace(difference=Estimate(away))
    if not paired or len(mine) < 2:
        return found
    p, null = _permuted(quantity.distance, mine, theirs)
    if quantity.value is None:
        within = _interval(
            apart, len(mine), lambda totals: quantity.distance(totals(mine), totals(theirs))
        )
        within = within and (max(within[0], 0.0), within[1])
        return found._replace(estimate=Estimate(apart, within), chance=float(np.median(null)), p=p)
    value = quantity.value
    within = _interval(away, len(mine), lambda totals: value(totals(mine)) - value(totals(theirs)))
    return found._replace(difference=Estimate(away, within), p=p)


Totals = Callable[[Floats], Floats]


def _interval(
    value: float, n_trials: int, statistic: Callable[[Totals], Floats]
) -> tuple[float, float] | None:
    """Interval around a value, by the standard error that a bootstrap of trials gives.

    None if trials are too few. The resamples come from a fixed seed. Percentiles of
    the resamples would not do: those of a variance lie too low, of a distance too high.
    """
    from scipy import stats

    if n_trials < _FEWEST_TRIALS:
        return None

    def resampled(index: Ints, axis: int) -> Floats:
        return statistic(partial(_totals, index))

    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # there is no interval then
        found = stats.bootstrap(
            (np.arange(n_trials),),
            resampled,
            vectorized=True,
            n_resamples=_RESAMPLES,
            batch=max(_LARGEST_BATCH // (n_trials * 64), 1),
            method="percentile",
            rng=np.random.default_rng(0),
        )
    reach = float(stats.norm.ppf(0.5 + CONFIDENCE / 2) * found.standard_error)
    return (value - reach, value + reach) if np.isfinite(reach) else None


def _permuted(
    distance: Callable[[Floats, Floats], Floats], mine: Floats, theirs: Floats
) -> tuple[float, Floats]:
    """p-value of no difference and the distances (n,) under it, by exchange within trials."""
    from scipy import stats

    both = np.concatenate([mine, theirs])
    places = np.arange(len(mine))

    def apart(first: Ints, second: Ints, axis: int) -> Floats:
        away = distance(_totals(first, both), _totals(second, both))
        return np.where(np.isfinite(away), away, np.inf)  # no number speaks for no difference

    with np.errstate(invalid="ignore", divide="ignore"):
        found = stats.permutation_test(
            (places, places + len(mine)),
            apart,
            permutation_type="samples",
            alternative="greater",
            vectorized=True,
            n_resamples=_PERMUTATIONS,
            batch=max(_LARGEST_BATCH // (len(mine) * 64), 1),
            rng=np.random.default_rng(0),
        )
    return float(found.pvalue), np.asarray(found.null_distribution)


def _totals(index: Ints, rows: Floats) -> Floats:
    """Sums of the rows (n, K) that an index (..., m) names, repeats counted: (..., K)."""
    flat = np.atleast_2d(index)
    places = flat + len(rows) * np.arange(len(flat))[:, None]
    counts = np.bincount(places.ravel(), minlength=len(rows) * len(flat))
    totals = counts.reshape(len(flat), len(rows)) @ rows
    return np.asarray(totals.reshape(*index.shape[:-1], rows.shape[1]))
