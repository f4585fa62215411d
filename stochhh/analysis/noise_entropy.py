"""Noise entropy of words of spike trains, told from few trials.

Of N trials of a moment only so many of its words are seen, and what is not seen would pass for
information. What few trials tell well is how single letters are spread. So trials are mixed,
which makes words whose entropy is known from their letters, and what N mixed trials show of it
says what N trials miss.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.entropy import Integers, entropies_bits

Floats = NDArray[np.float64]

_MIXTURES = 4
_UNLIKE = 2.0  # times as many spikes as expected, or so many times fewer, are memory
_FEWEST = 10.0  # spikes expected at an age, to tell


class NoiseEntropy(NamedTuple):
    """Noise entropy of the words of each moment.

    Attributes
    ----------
    bits : (moments,)
    unsampled : share of the entropy of mixed words that so many trials do not show.
    """

    bits: Floats
    unsampled: float


def noise_entropy(letters: Integers, word_bins: int, memory: int) -> NoiseEntropy:
    """Entropy of the words of each moment, corrected for the number of trials.

    Trials are mixed letter by letter, but only among those whose last spike in the word is
    as long ago, up to a memory: their words have the entropy of their letters given that
    time, summed, of which the correction by "digamma" is right. Without a memory this is
    the shuffling of Panzeri et al. 2007 (doi:10.1152/jn.00559.2007); with one, Markov models
    as those of Pola et al. 2005 (doi:10.1162/0899766053723041). The seed is fixed.

    Parameters
    ----------
    letters : (trials, bins)
    word_bins : bins in a word
    memory : bins after a spike in which letters depend on it, from `memory_bins`
    """
    trials, moments = len(letters), letters.shape[1] // word_bins
    words = letters[:, : moments * word_bins].reshape(trials, moments, word_bins)
    base = 1 + int(letters.max())
    digits = base ** np.arange(word_bins, dtype=np.int64)
    ages = _ages(words, memory)
    whole = np.zeros(moments)
    for letter, age in zip(np.moveaxis(words, 2, 0), ages, strict=True):
        both = entropies_bits(age * base + letter, "digamma")
        whole += both - entropies_bits(age, "digamma")
    rng = np.random.default_rng(0)
    mixed = (_mixed(words, ages, memory, rng) @ digits for _ in range(_MIXTURES))
    shown = np.mean([entropies_bits(one, "digamma") for one in mixed], axis=0)
    total = float(whole.mean())
    unsampled = 1.0 - float(shown.mean()) / total if total > 0.0 else 0.0
    return NoiseEntropy(entropies_bits(words @ digits, "digamma") + whole - shown, unsampled)


def memory_bins(letters: Integers, most: int) -> int:
    """Bins after a spike up to the last in which others are rare, or frequent, for its sake.

    Spikes at an age are compared with what all trials have in the same bins: more than twice
    as many, or fewer than half, are a memory of the spike and not of the stimulus.

    Parameters
    ----------
    letters : (trials, bins)
    most : largest memory
    """
    spikes = (letters > 0).astype(np.float64)
    share = spikes.mean(axis=0)
    since = np.full(len(letters), most + 1)
    seen, expected = np.zeros(most + 2), np.zeros(most + 2)
    for column, usual in zip(spikes.T, share, strict=True):
        seen += np.bincount(since, column, most + 2)
        expected += usual * np.bincount(since, minlength=most + 2)
        since = np.where(column > 0.0, 1, np.minimum(since + 1, most + 1))
    memory = 0
    for age in range(1, most + 1):
        if expected[age] < _FEWEST:
            break
        ratio = seen[age] / expected[age]
        if not 1.0 / _UNLIKE <= ratio <= _UNLIKE:
            memory = age
    return memory


def _next_age(age: Integers, letter: Integers, memory: int) -> Integers:
    """Bins since the last spike in the word, 0 for none or for longer than the memory."""
    older = np.where((age > 0) & (age < memory), age + 1, 0)
    return np.asarray(np.where(letter > 0, min(memory, 1), older))


def _ages(words: Integers, memory: int) -> list[Integers]:
    """Age of the last spike before each letter, (trials, moments) each."""
    ages = [np.zeros(words.shape[:2], dtype=np.int64)]
    for k in range(words.shape[2] - 1):
        ages.append(_next_age(ages[-1], words[:, :, k], memory))
    return ages


def _mixed(
    words: Integers, ages: list[Integers], memory: int, rng: np.random.Generator
) -> Integers:
    """Words whose letters are exchanged among trials of the same age at each place."""
    mixed = np.empty_like(words)
    age = np.zeros(words.shape[:2], dtype=np.int64)
    for k, own in enumerate(ages):
        given = np.argsort(own + rng.random(own.shape), axis=0)
        taking = np.argsort(age + rng.random(own.shape), axis=0)
        letter = np.take_along_axis(words[:, :, k], given, axis=0)
        np.put_along_axis(mixed[:, :, k], taking, letter, axis=0)
        age = _next_age(age, mixed[:, :, k], memory)
    return mixed
