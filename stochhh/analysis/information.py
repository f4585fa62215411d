"""Information that spike trains carry about their stimulus, in bits.

The direct method takes trains apart into words and compares their variety over the
stimulus with that over repeats of it; coherence with a Gaussian input bounds the
information rate from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.entropy import Correction, Integers, mean_entropy_bits
from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.voltage_spectra import Coherence
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_BLOCKS = 20  # of time, left out one by one
_WORD_BITS = 62.0  # that a word may take as a number
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
    repeats : (trials, bins) letters under repeats of one stimulus, as from `entropy.binned`
    word_bins : bins in a word
    correction : as for `entropy.entropy_bits`
    unrepeated : (trials, bins) letters under a stimulus that is new all the time; the
        total entropy is taken from these if given, else from the repeats, whose one
        stimulus must then be long enough to stand for all

    Raises
    ------
    InputError
        Too few trials, or words that do not fit into a trial or into 62 bits.
    """
    return _entropy(word_bins, *_both_words(repeats, unrepeated, word_bins), correction)


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
    stretches of the stimulus, of the repeated and of the other one alike; it holds no
    error of words too long for the data.

    Parameters
    ----------
    repeats : (trials, bins) letters under repeats of one stimulus, as from `entropy.binned`
    bin_ms : length of a bin
    word_bins : lengths of words, in bins
    correction, unrepeated : as for `word_entropy`

    Raises
    ------
    InputError
        As for `word_entropy`, a bin or a word of no length, or trials of fewer than 20
        of the longest words.
    """
    lengths = sorted(set(word_bins))
    if not lengths or lengths[0] < 1:
        raise InputError(f"word_bins: {list(word_bins)}; need lengths of 1 or more, as in [4, 6]")
    if not bin_ms > 0.0:
        raise InputError(f"bin_ms: {bin_ms:g}; need one above zero, as in 3")
    both = [_both_words(repeats, unrepeated, n) for n in lengths]
    fewest = min(words.shape[1] for words in both[-1])
    if fewest < _BLOCKS:
        raise InputError(
            f"word_bins: a trial has {fewest} words of {lengths[-1]} bins; need {_BLOCKS} or "
            "more, so longer trials or shorter words"
        )
    found = [_entropy(n, *words, correction) for n, words in zip(lengths, both, strict=True)]
    total, noise = _rates(found, bin_ms)
    left_out = []
    for k in range(_BLOCKS):
        kept = [(_without(repeated, k), _without(fresh, k)) for repeated, fresh in both]
        rates = _rates(
            [_entropy(n, *words, correction) for n, words in zip(lengths, kept, strict=True)],
            bin_ms,
        )
        left_out.append(rates[0] - rates[1])
    return InformationRate(
        _jackknifed(total - noise, np.array(left_out)), total, noise, tuple(found)
    )


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


def _letters(letters: ArrayLike, name: str) -> Integers:
    given = np.asarray(letters)
    if given.ndim != 2 or given.size == 0 or given.dtype.kind not in "iub" or given.min() < 0:
        raise InputError(
            f"{name}: shape {given.shape} of {given.dtype}; "
            "need counts, (trials, bins), as from `entropy.binned`"
        )
    return given.astype(np.int64)


def _both_words(
    repeats: ArrayLike, unrepeated: ArrayLike | None, word_bins: int
) -> tuple[Integers, Integers]:
    """Words of the repeats and those for the total entropy, (trials, moments) each."""
    letters = _letters(repeats, "repeats")
    if len(letters) < 2:
        raise InputError("repeats: one trial; need two or more to tell noise, and rather 20")
    fresh = letters if unrepeated is None else _letters(unrepeated, "unrepeated")
    base = 1 + int(max(letters.max(), fresh.max()))
    return _words(letters, word_bins, base), _words(fresh, word_bins, base)


def _words(letters: Integers, word_bins: int, base: int) -> Integers:
    """Words as numbers, (trials, moments)."""
    n_words = letters.shape[1] // word_bins if word_bins > 0 else 0
    if n_words == 0 or word_bins * np.log2(base) > _WORD_BITS:
        raise InputError(
            f"word_bins: {word_bins} letters of {base} kinds in trials of {letters.shape[1]}; "
            "need words that fit into a trial and into 62 bits"
        )
    folded = letters[:, : n_words * word_bins].reshape(len(letters), n_words, word_bins)
    return np.asarray(folded @ (base ** np.arange(word_bins, dtype=np.int64)))


def _without(words: Integers, k: int) -> Integers:
    """Words of all moments but those of one stretch of time."""
    ends = np.arange(_BLOCKS + 1) * words.shape[1] // _BLOCKS
    return np.delete(words, slice(int(ends[k]), int(ends[k + 1])), axis=1)


def _entropy(word_bins: int, repeated: Integers, fresh: Integers, correction: str) -> WordEntropy:
    # trials of one moment side by side, so that each part of an extrapolation has some of each
    total = mean_entropy_bits(fresh.T.reshape(-1, 1), correction)
    return WordEntropy(word_bins, total, mean_entropy_bits(repeated, correction))


def _rates(words: Sequence[WordEntropy], bin_ms: float) -> tuple[float, float]:
    """Total and noise entropy per second, for words without end."""
    seconds = np.array([one.word_bins for one in words]) * bin_ms / 1e3
    rates = np.array([[one.total_bits, one.noise_bits] for one in words]) / seconds[:, None]
    if len(words) > 1:
        rates = np.asarray(np.polynomial.polynomial.polyfit(1.0 / seconds, rates, 1), np.float64)
    return float(rates[0, 0]), float(rates[0, 1])


def _jackknifed(value: float, left_out: Floats) -> Estimate:
    from scipy.special import stdtrit

    n = len(left_out)
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    reach = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * float(error)
    return Estimate(value, (value - reach, value + reach))
