"""Information of channels whose own is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as scipy_signal
from scipy import stats

from stochhh.analysis.coherence_information import coherence_information_rate
from stochhh.analysis.entropy import mean_entropy_bits
from stochhh.analysis.information import (
    WordEntropy,
    information_rate,
    word_entropy,
)
from stochhh.analysis.noise_entropy import memory_bins
from stochhh.analysis.voltage_spectra import Coherence, coherence
from stochhh.errors import InputError

BIN_MS = 3.0
PER_S = 1e3 / BIN_MS


def binary_entropy(p: float) -> float:
    return float(stats.entropy([p, 1.0 - p], base=2))


def switching(rng: np.random.Generator, n_bins: int, flips: float, errors: float, trials: int):
    """Letters that follow a two-state chain, with errors of their own in every trial.

    A chain that flips with probability 1/2 is a fair coin.
    """
    chain = np.cumsum(rng.random(n_bins) < flips) % 2 == 1
    return (chain ^ (rng.random((trials, n_bins)) < errors)).astype(np.int64)


def test_words_without_noise_are_all_signal() -> None:
    letters = np.tile(np.random.default_rng(1).integers(0, 3, 60), (8, 1))
    found = word_entropy(letters, 2, "none")
    assert (found.word_bins, found.noise_bits) == (2, 0.0)
    pairs = letters[0].reshape(30, 2) @ [1, 3]
    counts = np.unique(pairs, return_counts=True)[1]
    assert found.total_bits == pytest.approx(stats.entropy(counts, base=2))


def test_words_of_three_letters_by_hand() -> None:
    """Two moments: 000 or 110 evenly, and 201 always; the last letter makes no word."""
    letters = np.array([[0, 0, 0, 2, 0, 1, 1], [1, 1, 0, 2, 0, 1, 0]] * 2)
    found = word_entropy(letters, 3, "none")
    assert found.noise_bits == pytest.approx((1.0 + 0.0) / 2)
    assert found.total_bits == pytest.approx(1.5)  # 1/4, 1/4 and 1/2
    fresh = np.array([[0, 0, 0, 1, 1, 0, 2, 2, 2, 0, 0, 0]])
    other = word_entropy(letters, 3, "none", unrepeated=fresh)
    assert other.noise_bits == found.noise_bits
    assert other.total_bits == pytest.approx(1.5)


def test_total_entropy_is_taken_over_moments_side_by_side() -> None:
    """Halves, thirds and quarters of 12 trials have the same share of every moment."""
    letters = np.tile(np.arange(16), (12, 1))
    found = word_entropy(letters, 1, "extrapolation")
    assert found.total_bits == pytest.approx(4.0)
    assert found.noise_bits == pytest.approx(0.0, abs=1e-12)


def test_words_may_be_as_long_as_62_bits() -> None:
    rng = np.random.default_rng(2)
    half = rng.integers(0, 2, (8, 62 * 4))
    assert word_entropy(half, 62, "none").total_bits == pytest.approx(5.0)  # all 32 differ
    for n_bins, kinds in ((63, 2), (2000, 2), (40, 3)):
        letters = rng.integers(0, kinds, (8, 2000))
        with pytest.raises(
            InputError,
            match=f"word_bins: {n_bins} letters of {kinds} kinds in trials of 2000; need words",
        ):
            word_entropy(letters, n_bins)
    silent = np.zeros((8, 200), dtype=np.int64)
    assert word_entropy(silent, 100) == WordEntropy(100, 0.0, 0.0, 0.0)
    assert word_entropy(silent, 100, "none").total_bits == 0.0


def test_a_noisy_coin_carries_what_it_should() -> None:
    """1 - H(error) bits in each letter, whatever the length of words."""
    rng = np.random.default_rng(3)
    repeats = switching(rng, 2000, 0.5, 0.1, 200)
    fresh = switching(rng, 40_000, 0.5, 0.1, 1)
    found = information_rate(repeats, BIN_MS, [1, 2, 3], "miller-madow", fresh)
    truth = PER_S * (1.0 - binary_entropy(0.1))
    assert found.bits_per_s.value == pytest.approx(truth, rel=0.02)
    low, high = found.bits_per_s.interval
    assert low < truth < high
    assert high - low < 0.05 * truth
    assert found.total_bits_per_s == pytest.approx(PER_S, rel=0.01)
    assert found.noise_bits_per_s == pytest.approx(PER_S * binary_entropy(0.1), rel=0.01)
    assert [one.word_bins for one in found.words] == [1, 2, 3]
    np.testing.assert_allclose([one.total_bits for one in found.words], [1, 2, 3], rtol=2e-3)
    assert found.words[1] == word_entropy(repeats, 2, "miller-madow", fresh)


def test_words_without_end_leave_correlations_behind() -> None:
    """Without noise a chain's words of L letters have 1 + (L - 1) H(flip) bits."""
    rng = np.random.default_rng(4)
    h = binary_entropy(0.1)
    fresh = switching(rng, 60_000, 0.1, 0.0, 1)
    repeats = switching(rng, 400, 0.1, 0.0, 2).repeat(4, axis=0)
    found = information_rate(repeats, BIN_MS, [6, 2, 4, 2], "miller-madow", fresh)
    for one in found.words:
        assert one.total_bits == pytest.approx(1.0 + (one.word_bins - 1) * h, rel=0.02)
    assert [one.word_bins for one in found.words] == [2, 4, 6]
    assert found.bits_per_s.value == pytest.approx(PER_S * h, rel=0.03)
    assert found.noise_bits_per_s == pytest.approx(0.0, abs=1e-9)
    single = information_rate(repeats, BIN_MS, [4], "miller-madow", fresh)
    assert single.bits_per_s.value == pytest.approx(PER_S * (1.0 + 3.0 * h) / 4.0, rel=0.02)
    faster = information_rate(repeats, BIN_MS / 2.0, [4], "miller-madow", fresh)
    assert faster.bits_per_s.value == pytest.approx(2.0 * single.bits_per_s.value)


def test_letters_without_a_stimulus_carry_nothing() -> None:
    """Noise alone: each correction is needed, or words that were not seen pass for signal."""
    letters = (np.random.default_rng(5).random((60, 600)) < 0.3).astype(np.int64)
    for correction in ("miller-madow", "extrapolation"):
        found = information_rate(letters, BIN_MS, [2], correction).bits_per_s
        assert found.interval[0] < 0.0 < found.interval[1]
        assert abs(found.value) < 2.0
    plain = information_rate(letters, BIN_MS, [2], "none").bits_per_s
    assert plain.interval[0] > 2.0


def refractory(rng: np.random.Generator, chances: np.ndarray, dead: int, trials: int) -> np.ndarray:
    """Letters that are 1 with the chance of their bin, but not for some bins after another."""
    free = np.zeros(trials, dtype=np.int64)
    letters = np.zeros((trials, len(chances)), dtype=np.int64)
    for k, chance in enumerate(np.append(np.full(50, chances.mean()), chances)):
        now = (rng.random(trials) < chance) & (free == 0)
        free = np.where(now, dead, np.maximum(free - 1, 0))
        if k >= 50:
            letters[:, k - 50] = now
    return letters


@pytest.mark.parametrize("dead", [0, 2])
def test_few_trials_without_a_stimulus_tell_nothing(dead: int) -> None:
    """Of 25 trials 0 bits/s; extrapolation leaves 16 of letters that know nothing of each other."""
    held, values = 0, []
    for seed in range(12):
        letters = refractory(np.random.default_rng(seed), np.full(900, 0.1), dead, 25)
        low, high = (one := information_rate(letters, BIN_MS, [2, 4, 6]).bits_per_s).interval
        held += low <= 0.0 <= high
        values.append(one.value)
    assert held >= 8  # of 95 %, with a chance of 2e-4 fewer
    assert abs(np.mean(values)) < 5.0 * np.std(values, ddof=1) / np.sqrt(12) < 2.5
    plain = information_rate(letters, BIN_MS, [2, 4, 6], "extrapolation").bits_per_s
    assert plain.interval[0] > (5.0 if dead == 0 else -np.inf)


@pytest.mark.parametrize("dead", [0, 2])
def test_few_trials_tell_what_there_is(dead: int) -> None:
    """Chances of .05 and .4 by turns: what is told is of the bins that are free to fire."""
    mean = 0.225
    free = 1.0 / (1.0 + dead * mean)
    given = (binary_entropy(0.05) + binary_entropy(0.4)) / 2.0
    truth = PER_S * free * (binary_entropy(mean) - given)
    held, values = 0, []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        letters = refractory(rng, rng.choice([0.05, 0.4], 900), dead, 25)
        low, high = (one := information_rate(letters, BIN_MS, [2, 3, 4, 5]).bits_per_s).interval
        held += low <= truth <= high
        values.append(one.value)
    assert held >= 8
    assert np.mean(values) == pytest.approx(truth, rel=0.05)


def test_words_too_long_for_their_trials_are_told() -> None:
    letters = (np.random.default_rng(3).random((25, 1200)) < 0.1).astype(np.int64)
    short, long = information_rate(letters, BIN_MS, [2, 10]).words
    assert short.unsampled < 0.03 < 0.1 < long.unsampled
    assert word_entropy(letters, 10, "extrapolation").unsampled is None


@pytest.mark.parametrize("dead", [0, 1, 3])
def test_memory_of_a_spike_is_found(dead: int) -> None:
    rng = np.random.default_rng(4)
    letters = refractory(rng, rng.choice([0.02, 0.3], 1000), dead, 20)
    assert memory_bins(letters, 6) == dead


@pytest.mark.parametrize(("lengths", "fresh"), [([1, 2], False), ([2, 3], True)])
def test_intervals_hold_the_information_as_often_as_they_say(
    lengths: list[int], fresh: bool
) -> None:
    truth, held, found = PER_S * (1.0 - binary_entropy(0.1)), 0, []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        repeats = switching(rng, 400, 0.5, 0.1, 150)
        other = switching(rng, 2000, 0.5, 0.1, 1) if fresh else None
        one = information_rate(repeats, BIN_MS, lengths, "miller-madow", other).bits_per_s
        held += one.interval[0] < truth < one.interval[1]
        found.append([one.value, one.interval[1] - one.interval[0]])
    # a coverage of 0.95 holds the truth in fewer than 50 of 60 samples with a chance of 1e-4
    assert held >= 50
    values, widths = np.transpose(found)
    error = np.median(widths) / 2.0 / stats.t(19).ppf(0.975)
    # the scatter of 60 samples is known to 9 %; stretches of unlike words widen it by some more
    assert 0.7 < error / values.std(ddof=1) < 1.6


def test_words_stay_in_step_with_what_the_jackknife_leaves_out() -> None:
    """A pattern of 15 bins that comes back: its words of 3 and 5 bins are always the same.

    If 25 bins were cut out, words of 3 bins after them would be others.
    """
    pattern = np.random.default_rng(6).integers(0, 2, (10, 15))
    found = information_rate(np.tile(pattern, (1, 35)), BIN_MS, [3, 5], "none").bits_per_s
    assert found.interval[1] - found.interval[0] < 0.1 * found.value


def test_words_that_do_not_fit_are_refused() -> None:
    letters = np.random.default_rng(7).integers(0, 2, (8, 59))
    with pytest.raises(InputError, match="word_bins: a trial has 19 words of 3 bins; need 20 or m"):
        information_rate(letters, BIN_MS, [1, 3])
    with pytest.raises(InputError, match="word_bins: a trial has 19 words of 2 bins"):
        information_rate(letters, BIN_MS, [2], unrepeated=letters[:, :39])
    for lengths in ([], [0, 2]):
        with pytest.raises(InputError, match=r"word_bins: \[.*\]; need lengths of 1 or more, as"):
            information_rate(letters, BIN_MS, lengths)
    for n_bins in (0, -1, 60):
        with pytest.raises(InputError, match=f"word_bins: {n_bins} letters of 2 kinds in trials"):
            word_entropy(letters, n_bins)
    for bin_ms in (0.0, -3.0, float("nan")):
        with pytest.raises(InputError, match=r"bin_ms: (0|-3|nan); need one above zero, as in 3"):
            information_rate(letters, bin_ms, [2])


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        (np.zeros((2, 5)), r"shape \(2, 5\) of float64"),
        (np.zeros(5, dtype=int), r"shape \(5,\) of int64"),
        (np.zeros((0, 5), dtype=int), r"shape \(0, 5\) of int64"),
        (np.array([[1, -1], [0, 1]]), r"shape \(2, 2\) of int64"),
    ],
)
def test_letters_are_counts(letters: np.ndarray, shown: str) -> None:
    with pytest.raises(InputError, match=f"repeats: {shown}; need counts, .* as from `entropy.bin"):
        word_entropy(letters, 1)
    with pytest.raises(InputError, match=f"unrepeated: {shown}; need counts"):
        word_entropy(np.ones((2, 5), dtype=int), 1, unrepeated=letters)


def test_noise_entropy_needs_trials() -> None:
    letters = np.random.default_rng(8).integers(0, 2, (7, 60))
    with pytest.raises(InputError, match="repeats: one trial; need two or more to tell noise"):
        word_entropy(letters[:1], 1, "none")
    with pytest.raises(InputError, match=r"correction: 7 values \(or trials\) are too few to extr"):
        word_entropy(letters, 1, "extrapolation")
    with pytest.raises(InputError, match="correction: no 'milller'"):
        information_rate(letters, BIN_MS, [1], "milller")
    assert mean_entropy_bits(letters, "none") == word_entropy(letters, 1, "none").noise_bits


# ---- coherence -----------------------------------------------------------------------------


def gaussian_channel(rng: np.random.Generator, trials: int, length: int, ratio: float) -> Coherence:
    """White signal in white noise, at 1 kHz."""
    driving = rng.standard_normal((trials, length))
    response = np.sqrt(ratio) * driving + rng.standard_normal((trials, length))
    return coherence(driving, response, 1.0, segment_ms=256.0)


@pytest.mark.parametrize("ratio", [0.0, 0.05, 0.5, 5.0])
@pytest.mark.parametrize(("trials", "length"), [(1, 1024), (4, 2048)])
def test_bound_is_the_capacity_of_a_gaussian_channel(
    ratio: float, trials: int, length: int
) -> None:
    """log2(1 + signal/noise) bits for each Hz, with as few as four segments."""
    rng = np.random.default_rng(9)
    held, values, widths = 0, [], []
    for _ in range(60):
        channel = gaussian_channel(rng, trials, length, ratio)
        band_hz = (len(channel.frequency_hz) + 0.5) * channel.frequency_hz[0]
        found = coherence_information_rate(channel)
        truth = band_hz * np.log2(1.0 + ratio)
        held += found.interval[0] <= truth <= found.interval[1]
        values.append(found.value)
        widths.append(found.interval[1] - found.interval[0])
        assert 0.0 <= found.interval[0] <= found.interval[1]
    error = np.std(values, ddof=1) / np.sqrt(60)
    assert abs(np.mean(values) - truth) < 5.0 * error
    assert held >= 50
    uncorrected = band_hz / np.log(2.0) / (channel.averages - 1.0)
    assert uncorrected > 5.0 * error  # what would be too much if the bias were left in
    if ratio >= 0.5:
        assert np.mean(widths) / 3.92 == pytest.approx(np.std(values, ddof=1), rel=0.24)


def test_bound_is_the_integral_over_a_coloured_channel() -> None:
    """A signal through a filter, in white noise; only between two frequencies."""
    rng = np.random.default_rng(10)
    driving = rng.standard_normal((40, 4196))
    response = scipy_signal.lfilter([1.0], [1.0, -0.9], driving)
    response = (response + 1.5 * rng.standard_normal(driving.shape))[:, 100:]
    found = coherence(driving[:, 100:], response, 1.0, segment_ms=1024.0)
    for low, high in ((0.0, np.inf), (20.0, 100.0)):
        fine = np.linspace(low, min(high, 500.0), 20_001)
        ratio = 1.0 / np.abs(1.0 - 0.9 * np.exp(-2j * np.pi * fine / 1e3)) ** 2 / 1.5**2
        truth = np.trapezoid(np.log2(1.0 + ratio), fine)
        bound = coherence_information_rate(found, low, high)
        assert bound.interval[0] < truth < bound.interval[1]
        assert bound.interval[1] - bound.interval[0] < 0.1 * truth
        assert not bound.interval[0] < 0.85 * truth


def test_bound_by_hand() -> None:
    """Three frequencies of one coherence, with 11 segments; natural units into bits."""
    raw = np.full(3, 0.6)
    nothing = np.zeros(3)
    found = Coherence(
        np.array([4.0, 8.0, 12.0]), raw, nothing, nothing, nothing, nothing + 0j, 0.3, 11.0
    )
    each = (-np.log(0.4) - 0.1) / np.log(2.0)
    assert coherence_information_rate(found).value == pytest.approx(14.0 * each)
    assert coherence_information_rate(found, 6.0, 10.0).value == pytest.approx(4.0 * each)
    assert coherence_information_rate(found, 5.0).value == pytest.approx(9.0 * each)
    assert coherence_information_rate(found, 0.0, 1.0).value == pytest.approx(each)
    perfect = found._replace(raw=np.ones(3))
    assert np.isfinite(coherence_information_rate(perfect).value)
    with pytest.raises(InputError, match="lowest_hz, highest_hz: no frequency in 15 to inf"):
        coherence_information_rate(found, 15.0)
    with pytest.raises(InputError, match="lowest_hz, highest_hz: no frequency in 7 to 5"):
        coherence_information_rate(found, 7.0, 5.0)


def test_bound_counts_the_band_from_zero_on() -> None:
    """A filtered signal in white noise at 1 kHz, most of whose information is at 0 Hz.

    The closed form is 300.0 bits/s; without the half step at zero it is 278.6 by segments of
    100 ms and 291.6 by those of 250 ms.
    """
    fine = np.linspace(0.0, 500.0, 20_001)
    turn = np.exp(-2j * np.pi * fine / 1e3)
    power = 1.0 / np.abs((1.0 - 0.8 * turn) * (1.0 - 0.6 * turn)) ** 2
    truth = np.trapezoid(np.log2(1.0 + power / 9.0), fine)
    assert truth == pytest.approx(299.98, abs=0.02)
    rng = np.random.default_rng(3)
    for segment, trials in ((100.0, 20), (250.0, 10)):
        held, values = 0, []
        for _ in range(20):
            white = rng.standard_normal((trials, 4200))
            driving = scipy_signal.lfilter([1.0], [1.0, -0.8], white)[:, 200:]
            noise = rng.normal(0.0, 3.0, driving.shape)
            response = scipy_signal.lfilter([1.0], [1.0, -0.6], driving) + noise
            bound = coherence_information_rate(coherence(driving, response, 1.0, segment))
            held += bound.interval[0] <= truth <= bound.interval[1]
            values.append(bound.value)
        assert held >= 15
        assert np.mean(values) == pytest.approx(truth, rel=0.01)
