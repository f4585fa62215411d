"""Information that spike trains carry about their stimulus, in bits, by the direct method.

It takes trains apart into words and compares their variety over the stimulus with that over
repeats of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.entropy import Correction, Integers, entropies_bits, mean_entropy_bits
from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.noise_entropy import memory_bins, noise_entropy
from stochhh.errors import InputError

Floats = NDArray[np.float64]
NoiseCorrection = Correction | Literal["shuffle"]

_TURNS = 4
_BLOCKS = 20  # of time, left out one by one
_WORD_BITS = 62.0  # that a word may take as a number


@dataclass(frozen=True)
class WordEntropy:
    """Entropies of words of one length.

    Attributes
    ----------
    word_bins : bins in a word.
    total_bits : of a word, over the whole stimulus.
    noise_bits : of a word, over repeats of one moment of the stimulus, mean over moments.
    unsampled : share of the noise entropy that so few trials do not show, before it is
        corrected for, from mixed trials; None but for "shuffle".
    """

    word_bins: int
    total_bits: float
    noise_bits: float
    unsampled: float | None = None


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
    correction: NoiseCorrection = "shuffle",
    unrepeated: ArrayLike | None = None,
) -> WordEntropy:
    """Total and noise entropy of words of one length (Strong et al. 1998).

    Words do not overlap. Those of one moment differ over repeats by noise alone. Few trials
    do not show all of them, and what they miss would pass for information. "shuffle" takes
    the noise entropy from mixed trials (`noise_entropy.noise_entropy`), and what is left of
    information in trials turned against each other, in which there is none, is noise too, in
    proportion to the noise there is. Of 25 trials of words of 4 to 10 bins without a stimulus
    it leaves less than 1 bit/s, and "extrapolation" 40.

    Parameters
    ----------
    repeats : (trials, bins) letters under repeats of one stimulus, as from `entropy.binned`
    word_bins : bins in a word
    correction : "shuffle", or one of `entropy.entropy_bits`
    unrepeated : (trials, bins) letters under a stimulus that is new all the time; the
        total entropy is taken from these if given, else from the repeats, whose one
        stimulus must then be long enough to stand for all

    Raises
    ------
    InputError
        Too few trials, or words that do not fit into a trial or into 62 bits.
    """
    return _entropy(_counted(repeats, unrepeated, [word_bins], correction)[0])


def information_rate(
    repeats: ArrayLike,
    bin_ms: float,
    word_bins: Sequence[int],
    correction: NoiseCorrection = "shuffle",
    unrepeated: ArrayLike | None = None,
) -> InformationRate:
    """Information rate of spike trains about a stimulus by the direct method.

    Entropies per time are extrapolated along a straight line in one over the length
    of words to words without end (Strong et al. 1998, doi:10.1103/PhysRevLett.80.197,
    fig. 3): choose lengths at which they follow one, short enough to be sampled well.
    With one length there is no extrapolation. The interval is a jackknife's over 20
    stretches of the stimulus, of the repeated and of the other one alike. It holds the truth
    as often as it says where the correction leaves no bias: "shuffle" for words whose
    `WordEntropy.unsampled` share is small, the others only of trials many times as many as
    there are different words.

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
    counted = _counted(repeats, unrepeated, lengths, correction)
    fewest = min(len(counted[-1].noise), counted[-1].fresh.shape[-1])
    if fewest < _BLOCKS:
        raise InputError(
            f"word_bins: a trial has {fewest} words of {lengths[-1]} bins; need {_BLOCKS} or "
            "more, so longer trials or shorter words"
        )
    found = [_entropy(one) for one in counted]
    total, noise = _rates(found, bin_ms)
    left_out = []
    for k in range(_BLOCKS):
        rates = _rates([_entropy(one.without(k)) for one in counted], bin_ms)
        left_out.append(rates[0] - rates[1])
    chance = np.array([one.by_chance for one in counted])
    rest = _endless(lengths, chance, bin_ms) if chance.size else np.zeros(0)
    told = _jackknifed(total - noise, np.array(left_out), rest)
    return InformationRate(told, total, noise, tuple(found))


def _letters(letters: ArrayLike, name: str) -> Integers:
    given = np.asarray(letters)
    if given.ndim != 2 or given.size == 0 or given.dtype.kind not in "iub" or given.min() < 0:
        raise InputError(
            f"{name}: shape {given.shape} of {given.dtype}; "
            "need counts, (trials, bins), as from `entropy.binned`"
        )
    return given.astype(np.int64)


class _Counted(NamedTuple):
    """Words of one length, ready for entropies of all moments or of some.

    Attributes
    ----------
    word_bins, correction : of their entropies.
    fresh : (trials, moments) words that the total entropy is taken from.
    noise : (moments,) noise entropy.
    by_chance : (turns,) bits a word that trials turned against each other still tell; empty
        but for "shuffle".
    unsampled : as of `WordEntropy`.
    """

    word_bins: int
    correction: str
    fresh: Integers
    noise: Floats
    by_chance: Floats
    unsampled: float | None

    def without(self, k: int) -> _Counted:
        """Words of all moments but those of one stretch of time."""
        return self._replace(fresh=_without(self.fresh, k), noise=_without(self.noise, k))


def _counted(
    repeats: ArrayLike, unrepeated: ArrayLike | None, lengths: Sequence[int], correction: str
) -> list[_Counted]:
    letters = _letters(repeats, "repeats")
    if len(letters) < 2:
        raise InputError("repeats: one trial; need two or more to tell noise, and rather 20")
    fresh = letters if unrepeated is None else _letters(unrepeated, "unrepeated")
    base = 1 + int(max(letters.max(), fresh.max()))
    both = [(n, _words(letters, n, base), _words(fresh, n, base)) for n in lengths]
    if correction != "shuffle":
        return [
            _Counted(n, correction, new, entropies_bits(old, correction), np.zeros(0), None)
            for n, old, new in both
        ]
    memory, rng = memory_bins(letters, max(lengths) - 1), np.random.default_rng(0)
    turned = [_turned(letters, rng) for _ in range(_TURNS)]
    counted = []
    for n, _, new in both:
        found = noise_entropy(letters, n, memory)
        left = [
            _total_bits(_words(one, n, base)) - float(noise_entropy(one, n, memory).bits.mean())
            for one in turned
        ]
        total = _total_bits(new)
        share = float(np.clip(found.bits.mean() / total, 0.0, 1.0)) if total > 0.0 else 0.0
        chance = share * np.array(left)
        counted.append(_Counted(n, "digamma", new, found.bits, chance, found.unsampled))
    return counted


def _turned(letters: Integers, rng: np.random.Generator) -> Integers:
    """Trials turned against each other by random numbers of bins."""
    by = rng.integers(letters.shape[1], size=len(letters))
    return np.stack([np.roll(row, int(k)) for row, k in zip(letters, by, strict=True)])


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


def _without(moments: NDArray[Any], k: int) -> NDArray[Any]:
    """All but one stretch of time, along the last axis."""
    ends = np.arange(_BLOCKS + 1) * moments.shape[-1] // _BLOCKS
    return np.delete(moments, slice(int(ends[k]), int(ends[k + 1])), axis=-1)


def _total_bits(words: Integers, correction: str = "digamma") -> float:
    # trials of one moment side by side, so that each part of an extrapolation has some of each
    return mean_entropy_bits(words.T.reshape(-1, 1), correction)


def _entropy(words: _Counted) -> WordEntropy:
    noise = float(words.noise.mean())
    if len(words.by_chance):
        noise += float(words.by_chance.mean())
    total = _total_bits(words.fresh, words.correction)
    return WordEntropy(words.word_bins, total, noise, words.unsampled)


def _rates(words: Sequence[WordEntropy], bin_ms: float) -> tuple[float, float]:
    """Total and noise entropy per second, for words without end."""
    bits = np.array([[one.total_bits, one.noise_bits] for one in words])
    total, noise = _endless([one.word_bins for one in words], bits, bin_ms)
    return float(total), float(noise)


def _endless(word_bins: Sequence[int], bits: Floats, bin_ms: float) -> Floats:
    """Bits a second of words without end, (n,), from bits a word by their length, (K, n)."""
    seconds = np.array(word_bins) * bin_ms / 1e3
    rates = bits / seconds[:, None]
    if len(seconds) > 1:
        rates = np.asarray(np.polynomial.polynomial.polyfit(1.0 / seconds, rates, 1), np.float64)
    return np.asarray(rates[0], dtype=np.float64)


def _jackknifed(value: float, left_out: Floats, by_chance: Floats) -> Estimate:
    """Interval from stretches left out, and from the scatter of what is left by chance."""
    from scipy.special import stdtrit

    n = len(left_out)
    variance = (n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)
    if len(by_chance):
        variance += by_chance.var(ddof=1) / len(by_chance)
    reach = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * float(np.sqrt(variance))
    return Estimate(value, (value - reach, value + reach))
