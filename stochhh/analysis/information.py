"""Information that spike trains carry about their stimulus, in bits.

The direct method takes trains apart into words and compares their variety over the
stimulus with that over repeats of it; coherence with a Gaussian input bounds the
information rate from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.spikes import CONFIDENCE, Estimate
from stochhh.analysis.voltage_spectra import Coherence
from stochhh.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Correction = Literal["none", "miller-madow", "extrapolation"]

_PARTS = (1, 2, 3, 4)  # into which data are cut for an extrapolation
_BLOCKS = 20  # of time, left out one by one
_LARGEST_WORD = 2.0**62
_HANN_CORRELATION = 1.0 + 2.0 * (4.0 / 9.0 + 1.0 / 36.0)  # of neighbouring frequencies, summed


@dataclass(frozen=True)
class WordEntropy:
    """Entropies of words of one length.

    Attributes
    ----------
    word_bins : bins in a word.
    total_bits : of a word, over the whole stimulus.
    noise_bits : of a word, over repeats of one moment of the stimulus, mean over moments.
    """

    word_bins: int
    total_bits: float
    noise_bits: float


@dataclass(frozen=True)
class InformationRate:
    """What spike trains tell about a stimulus by the direct method, for words without end.

    Attributes
    ----------
    bits_per_s : total less noise entropy rate.
    total_bits_per_s, noise_bits_per_s : the two rates.
    words : entropies of the words that led there.
    """

    bits_per_s: Estimate
    total_bits_per_s: float
    noise_bits_per_s: float
    words: tuple[WordEntropy, ...]


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
    1955; Paninski 2003, doi:10.1162/089976603321780272, eq. 4), right to order 1/N if
    all values occur. "extrapolation" fits a parabola to the entropies of halves,
    thirds and quarters of the sample against 1/N (Strong et al. 1998,
    doi:10.1103/PhysRevLett.80.197): it needs more data, but no count of values.

    Parameters
    ----------
    sample : (N,) in random order, or at least one whose every k-th value is a sample alike
    correction : "none", "miller-madow" or "extrapolation"

    Raises
    ------
    InputError
        An unknown correction, or too few values for it.
    """
    return _corrected(np.asarray(sample, dtype=np.int64)[:, None], correction)


def word_entropy(
    repeats: ArrayLike,
    word_bins: int,
    correction: Correction = "extrapolation",
    unrepeated: ArrayLike | None = None,
) -> WordEntropy:
    """Total and noise entropy of words of one length (Strong et al. 1998).

    Words do not overlap. Those of one moment differ over repeats by noise alone.

    Parameters
    ----------
    repeats : (trials, bins) letters under repeats of one stimulus, as from `binned`
    word_bins : bins in a word
    correction : as for `entropy_bits`
    unrepeated : (trials, bins) letters under a stimulus that is new all the time; the
        total entropy is taken from these if given, else from the repeats, whose one
        stimulus must then be long enough to stand for all

    Raises
    ------
    InputError
        Too few trials, or words that do not fit into a trial or into 62 bits.
    """
    letters = _letters(repeats, "repeats")
    base = int(letters.max()) + 1
    if unrepeated is not None:
        fresh = _letters(unrepeated, "unrepeated")
        base = max(base, int(fresh.max()) + 1)
        total = _corrected(_words(fresh, word_bins, base).reshape(-1, 1), correction)
    else:
        # by moments, so that each part of an extrapolation has some of every moment
        total = _corrected(_words(letters, word_bins, base).reshape(-1, 1), correction)
    return WordEntropy(word_bins, total, _corrected(_words(letters, word_bins, base), correction))


def information_rate(
    repeats: ArrayLike,
    bin_ms: float,
    word_bins: Sequence[int],
    correction: Correction = "extrapolation",
    unrepeated: ArrayLike | None = None,
) -> InformationRate:
    """Information rate of spike trains about a stimulus by the direct method.

    Entropies per time are extrapolated along a straight line in one over the length
    of words to words without end (Strong et al. 1998, doi:10.1103/PhysRevLett.80.197,
    fig. 3): choose lengths at which they follow one, short enough to be sampled well.
    With one length there is no extrapolation. The interval is a jackknife's over 20
    stretches of the stimulus; it holds no error of words too long for the data.

    Parameters
    ----------
    repeats : (trials, bins) letters under repeats of one stimulus, as from `binned`
    bin_ms : length of a bin
    word_bins : lengths of words, in bins
    correction, unrepeated : as for `word_entropy`

    Raises
    ------
    InputError
        As for `word_entropy`, or a trial of fewer than 20 of the longest words.
    """
    letters = _letters(repeats, "repeats")
    lengths = sorted(set(word_bins))
    if not lengths or lengths[0] < 1:
        raise InputError(f"word_bins: {list(word_bins)}; need lengths of 1 or more, as in [4, 6]")
    block = letters.shape[1] // (_BLOCKS * lengths[-1]) * lengths[-1]
    if block == 0:
        raise InputError(
            f"word_bins: a trial of {letters.shape[1]} bins has fewer than {_BLOCKS} words of "
            f"{lengths[-1]}; need longer trials or shorter words"
        )
    fresh = None if unrepeated is None else _letters(unrepeated, "unrepeated")
    words = tuple(word_entropy(letters, n, correction, fresh) for n in lengths)
    total, noise = _rates(words, bin_ms)
    left_out = []
    for k in range(_BLOCKS):
        kept = np.delete(letters, slice(k * block, (k + 1) * block), axis=1)
        rest = None
        if fresh is not None:
            part = fresh.shape[1] // _BLOCKS
            rest = np.delete(fresh, slice(k * part, (k + 1) * part), axis=1)
        rates = _rates([word_entropy(kept, n, correction, rest) for n in lengths], bin_ms)
        left_out.append(rates[0] - rates[1])
    return InformationRate(_jackknifed(total - noise, np.array(left_out)), total, noise, words)


def coherence_information_rate(
    found: Coherence, lowest_hz: float = 0.0, highest_hz: float = np.inf
) -> Estimate:
    """Lower bound of the information rate about a Gaussian input, bits/s.

    ``-∫ log2(1 - γ²) df`` (Bialek et al. 1991, doi:10.1126/science.2063199; Borst &
    Theunissen 1999, doi:10.1038/14731). For Gaussian signals the logarithm of 1 - γ²
    from n segments is too small by 1/(n - 1) whatever the coherence (1 - γ² is Wilks's
    ratio of a beta law), and that is taken off; so the bound of unrelated signals is 0
    on average, and may come out below. The interval takes segments as independent and
    counts the correlation of neighbouring frequencies under a Hann window.

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

    inside = (found.frequency_hz >= lowest_hz) & (found.frequency_hz <= highest_hz)
    if not inside.any():
        raise InputError(f"lowest_hz, highest_hz: no frequency in {lowest_hz:g} to {highest_hz:g}")
    n, resolution = found.averages, float(found.frequency_hz[0])
    raw = np.minimum(found.raw[inside], 1.0 - 1e-12)
    nats = -np.log1p(-raw) - 1.0 / (n - 1.0)
    true = -np.expm1(-np.maximum(nats, 0.0))
    variance = _HANN_CORRELATION * float(np.sum(2.0 * true / n + 1.0 / n**2))
    to_bits = resolution / np.log(2.0)
    reach = float(ndtri(0.5 + CONFIDENCE / 2)) * np.sqrt(variance) * to_bits
    value = float(nats.sum()) * to_bits
    return Estimate(value, (max(0.0, value - reach), max(0.0, value + reach)))


def _letters(letters: ArrayLike, name: str) -> Integers:
    given = np.asarray(letters)
    if given.ndim != 2 or given.size == 0 or given.dtype.kind not in "iub" or given.min() < 0:
        raise InputError(
            f"{name}: shape {given.shape} of {given.dtype}; "
            "need counts, (trials, bins), as from `binned`"
        )
    return given.astype(np.int64)


def _words(letters: Integers, word_bins: int, base: int) -> Integers:
    """Words as numbers, (trials, moments)."""
    n_words = letters.shape[1] // word_bins if word_bins > 0 else 0
    if n_words == 0 or float(base) ** word_bins > _LARGEST_WORD:
        raise InputError(
            f"word_bins: {word_bins} letters of {base} kinds in trials of {letters.shape[1]}; "
            "need words that fit into a trial and into 62 bits"
        )
    folded = letters[:, : n_words * word_bins].reshape(len(letters), n_words, word_bins)
    return folded @ (base ** np.arange(word_bins, dtype=np.int64))


def _corrected(words: Integers, correction: str) -> float:
    """Entropy of each column, mean over columns, with a correction for few rows."""
    if correction not in get_args(Correction):
        raise InputError(
            f"correction: no '{correction}'; {did_you_mean(correction, get_args(Correction))}"
        )
    if correction != "extrapolation":
        return _mean_entropy(words, correction == "miller-madow")
    if len(words) < 2 * _PARTS[-1]:
        raise InputError(
            f"correction: {len(words)} values (or trials) are too few to extrapolate from "
            f"{_PARTS[-1]} parts; need {2 * _PARTS[-1]} or more, or take 'miller-madow'"
        )
    entropies = [
        np.mean([_mean_entropy(words[part::parts], False) for part in range(parts)])
        for parts in _PARTS
    ]
    return float(np.polynomial.polynomial.polyfit(_PARTS, entropies, 2)[0])


def _mean_entropy(words: Integers, add: bool) -> float:
    """Plug-in entropy of each column, mean over columns, with Miller and Madow's term or not."""
    n, columns = words.shape
    ordered = np.sort(words, axis=0)
    new = np.ones(ordered.shape, dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.nonzero(new.T.ravel())[0]  # columns one after another, so runs end at their ends
    counts = np.diff(np.append(first, n * columns))
    bits = np.log2(n) - float(counts @ np.log2(counts)) / (n * columns)
    extra = (len(counts) / columns - 1.0) / (2.0 * n * np.log(2.0)) if add else 0.0
    return float(bits + extra)


def _rates(words: Sequence[WordEntropy], bin_ms: float) -> tuple[float, float]:
    """Total and noise entropy per second, for words without end."""
    seconds = np.array([one.word_bins for one in words]) * bin_ms / 1e3
    rates = np.array([[one.total_bits, one.noise_bits] for one in words]) / seconds[:, None]
    if len(words) > 1:
        rates = np.polynomial.polynomial.polyfit(1.0 / seconds, rates, 1)
    return float(rates[0, 0]), float(rates[0, 1])


def _jackknifed(value: float, left_out: Floats) -> Estimate:
    from scipy.special import stdtrit

    n = len(left_out)
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    reach = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * float(error)
    return Estimate(value, (value - reach, value + reach))
