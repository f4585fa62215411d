"""Entropy of samples of words, with corrections for samples that are small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Correction = Literal["none", "miller-madow", "extrapolation", "digamma"]

_PARTS = (1, 2, 3, 4)  # into which data are cut for an extrapolation


def binned(
    trains: Sequence[ArrayLike], duration_ms: float, bin_ms: float, binary: bool = True
) -> Integers:
    """Spike trains as letters: spikes in each bin, (trials, bins); whole bins only.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms, bin_ms : of a trial, of a bin
    binary : count several spikes in a bin as one

    Raises
    ------
    InputError
        A bin that is not above zero or longer than the trial.
    """
    n_bins = int(np.floor(duration_ms / bin_ms * (1.0 + 1e-12))) if bin_ms > 0.0 else 0
    if n_bins < 1:
        raise InputError(f"bin_ms: {bin_ms:g} in {duration_ms:g} ms; need a part of it, as in 3")
    letters = np.zeros((len(trains), n_bins), dtype=np.int64)
    for row, train in zip(letters, trains, strict=True):
        where = np.floor(np.asarray(train, dtype=np.float64) / bin_ms).astype(np.int64)
        row += np.bincount(where[(where >= 0) & (where < n_bins)], minlength=n_bins)
    return np.minimum(letters, 1) if binary else letters


def entropy_bits(sample: ArrayLike, correction: Correction = "miller-madow") -> float:
    """Entropy of the law that a sample of integers comes from, bits.

    The entropy of the sample's own frequencies is too small for small samples.
    "miller-madow" adds ``(K - 1)/(2 N ln 2)`` with K different values among N (Miller
    1955; Paninski 2003, doi:10.1162/089976603321780272), right to order 1/N if all
    values occur. "extrapolation" fits a parabola to the entropies of halves,
    thirds and quarters of the sample against 1/N (Strong et al. 1998,
    doi:10.1103/PhysRevLett.80.197): it needs more data, but no count of values. "digamma"
    has ``ψ(N) - Σ n G(n) / N`` for N ln 2 times it, of n counts of a value, where G is
    Grassberger's, ``ψ(n) + (-1)^n (ψ((n + 1)/2) - ψ(n/2))/2`` (2003, arXiv:physics/0307138;
    Schürmann 2004, doi:10.1088/0305-4470/37/27/L02), and plain ψ(n) for a value that more
    than half of the sample have. Of 25 letters that are 1 with a chance of 0.1 it is right
    to 1e-4 bits, where Miller and Madow's has 5e-3 too few.

    Parameters
    ----------
    sample : (N,) in random order, or at least one whose every k-th value is a sample alike
    correction : "none", "miller-madow", "extrapolation" or "digamma"

    Raises
    ------
    InputError
        Not integers, an unknown correction, or too few values for it.
    """
    given = np.asarray(sample)
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iub":
        raise InputError(f"sample: shape {given.shape} of {given.dtype}; need integers, (N,)")
    return mean_entropy_bits(given.astype(np.int64)[:, None], correction)


def mean_entropy_bits(words: Integers, correction: str) -> float:
    """Entropy of the values of each column, mean over columns, bits; as `entropies_bits`."""
    return float(entropies_bits(words, correction).mean())


def entropies_bits(words: Integers, correction: str) -> Floats:
    """Entropy of the values of each column, (columns,), bits.

    Parameters
    ----------
    words : (N, columns), a sample of N in each column
    correction : as for `entropy_bits`

    Raises
    ------
    InputError
        As `entropy_bits`.
    """
    if correction not in get_args(Correction):
        raise InputError(
            f"correction: no '{correction}'; {did_you_mean(correction, get_args(Correction))}"
        )
    if correction != "extrapolation":
        return _entropies(words, correction)
    if len(words) < 2 * _PARTS[-1]:
        raise InputError(
            f"correction: {len(words)} values (or trials) are too few to extrapolate from "
            f"{_PARTS[-1]} parts; need {2 * _PARTS[-1]} or more, or take 'miller-madow'"
        )
    parts = [
        np.mean([_entropies(words[part::parts], "none") for part in range(parts)], axis=0)
        for parts in _PARTS
    ]
    return np.asarray(np.polynomial.polynomial.polyfit(_PARTS, parts, 2)[0])


def _entropies(words: Integers, correction: str) -> Floats:
    """Entropy of each column, without a correction or with one that needs no parts."""
    from scipy.special import digamma

    n, columns = words.shape
    ordered = np.sort(words, axis=0)
    new = np.ones(ordered.shape, dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.nonzero(new.T.ravel())[0]  # columns one after another, so runs end at their ends
    counts = np.diff(np.append(first, n * columns)).astype(np.float64)
    column = first // n
    if correction == "digamma":
        sign = np.where(counts % 2 == 0.0, 0.5, -0.5)
        odd = sign * (digamma((counts + 1.0) / 2.0) - digamma(counts / 2.0))
        logarithm = digamma(counts) + np.where(2.0 * counts <= n, odd, 0.0)
        nats = digamma(n) - np.bincount(column, counts * logarithm, columns) / n
        return np.asarray(nats / np.log(2.0))
    bits = np.log2(n) - np.bincount(column, counts * np.log2(counts), columns) / n
    if correction == "miller-madow":
        bits += (np.bincount(column, minlength=columns) - 1.0) / (2.0 * n * np.log(2.0))
    return np.asarray(bits)
