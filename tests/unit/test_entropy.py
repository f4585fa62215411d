"""Entropies of samples from laws whose own are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from stochhh.analysis.entropy import binned, entropy_bits, mean_entropy_bits
from stochhh.errors import InputError

GEOMETRIC = 0.5 ** np.arange(1, 13)
LAWS = {
    "fair die of eight": np.full(8, 1.0 / 8.0),
    "uneven": np.array([0.55, 0.2, 0.1, 0.1, 0.05]),
    "geometric": GEOMETRIC / GEOMETRIC.sum(),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


def test_spikes_are_counted_in_bins() -> None:
    trains = [[0.0, 2.9, 3.0, 3.1, 8.9, 9.0, 9.5], [], [-0.1, 4.0, 12.0]]
    counts = binned(trains, 10.0, 3.0, binary=False)
    np.testing.assert_array_equal(counts, [[2, 2, 1], [0, 0, 0], [0, 1, 0]])
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(binned(trains, 10.0, 3.0), [[1, 1, 1], [0, 0, 0], [0, 1, 0]])
    assert binned([[0.05]], 0.3, 0.1).shape == (1, 3)  # 0.3/0.1 is a little less than 3
    assert binned([[9.9]], 10.0, 10.0).tolist() == [[1]]


@pytest.mark.parametrize(
    ("bin_ms", "shown"), [(0.0, "0"), (-1.0, "-1"), (10.5, "10.5"), (float("nan"), "nan")]
)
def test_a_bin_is_part_of_a_trial(bin_ms: float, shown: str) -> None:
    with pytest.raises(InputError, match=f"bin_ms: {shown} in 10 ms; need a part of it, as in 3"):
        binned([[1.0]], 10.0, bin_ms)


def test_uncorrected_entropy_is_that_of_the_frequencies() -> None:
    assert entropy_bits([4, 4, 4], "none") == 0.0
    assert entropy_bits([0, 1, 2, 3], "none") == 2.0
    assert entropy_bits([0, 0, 0, 7], "none") == pytest.approx(2.0 - 0.75 * np.log2(3.0))
    assert entropy_bits(np.array([True, False]), "none") == 1.0
    sample = np.random.default_rng(1).integers(0, 2**62, 50).repeat(3)
    assert entropy_bits(sample, "none") == pytest.approx(np.log2(50.0))


def test_miller_and_madow_add_their_term() -> None:
    sample = [0, 0, 5, 5, 5, 9]
    extra = entropy_bits(sample) - entropy_bits(sample, "none")
    assert extra == pytest.approx((3 - 1) / (2 * 6 * np.log(2.0)))


def test_mean_over_columns_is_that_of_single_columns() -> None:
    rng = np.random.default_rng(2)
    words = rng.integers(0, np.arange(1, 31), size=(40, 30))
    for correction in ("none", "miller-madow", "extrapolation", "digamma"):
        each = [entropy_bits(column, correction) for column in words.T]
        assert mean_entropy_bits(words, correction) == pytest.approx(np.mean(each), rel=1e-12)
    library = [
        stats.entropy(np.unique(column, return_counts=True)[1], base=2) for column in words.T
    ]
    assert mean_entropy_bits(words, "none") == pytest.approx(np.mean(library), rel=1e-12)
    # whole columns of different values next to each other do not run together
    assert mean_entropy_bits(np.array([[0, 0], [1, 0]]), "none") == 0.5


def test_extrapolation_is_exact_for_a_parabola() -> None:
    """The parabola through whole, halves, thirds and quarters of a sample with all values."""
    sample = np.random.default_rng(3).integers(0, 6, 48)
    parts = [np.mean([entropy_bits(sample[k::n], "none") for k in range(n)]) for n in (1, 2, 3, 4)]
    expected = np.polyfit([1.0, 2.0, 3.0, 4.0], parts, 2)[-1]
    assert entropy_bits(sample, "extrapolation") == pytest.approx(expected, rel=1e-12)


@every_law
@pytest.mark.parametrize("size", [48, 200])
def test_corrections_take_the_bias_off(law: np.ndarray, size: int) -> None:
    """Means over many samples; without a correction they fall short by (K - 1)/(2 N ln 2)."""
    repeats = 10_000
    words = np.random.default_rng(4).choice(len(law), size=(size, repeats), p=law)
    truth = stats.entropy(law, base=2)
    bias, scatter = {}, {}
    for correction in ("none", "miller-madow", "extrapolation"):
        few = [mean_entropy_bits(part, correction) for part in np.array_split(words, 20, axis=1)]
        bias[correction] = np.mean(few) - truth
        scatter[correction] = np.std(few, ddof=1) / np.sqrt(20)
    expected = -(len(law) - 1) / (2 * size * np.log(2.0))
    if law.min() * size > 2.0:  # else not all values occur
        error = 7.0 * scatter["none"]
        assert bias["none"] == pytest.approx(expected, rel=0.1, abs=error)
        assert abs(bias["miller-madow"]) < 0.1 * abs(expected) + error
    assert bias["none"] < -7.0 * scatter["none"]
    for correction in ("miller-madow", "extrapolation"):
        assert abs(bias[correction]) < 0.5 * abs(bias["none"])
    assert abs(bias["extrapolation"]) < 0.25 * abs(bias["none"]) + 7.0 * scatter["extrapolation"]


def test_what_is_no_sample_is_refused() -> None:
    with pytest.raises(InputError, match=r"sample: shape \(0,\) of float64; need integers, \(N,\)"):
        entropy_bits([])
    with pytest.raises(InputError, match=r"sample: shape \(2,\) of float64; need integers"):
        entropy_bits([0.2, 0.7])
    with pytest.raises(InputError, match=r"sample: shape \(1, 2\) of int64; need integers"):
        entropy_bits([[1, 2]])
    with pytest.raises(InputError, match="correction: no 'miler-madow'; did you mean 'miller-mad"):
        entropy_bits([1, 2], "miler-madow")
    with pytest.raises(InputError, match="correction: no 'x'; known: digamma, extrapolation"):
        entropy_bits([1, 2], "x")
    with pytest.raises(
        InputError, match=r"correction: 7 values .* are too few to extrapolate from 4 parts; need 8"
    ):
        entropy_bits(np.arange(7), "extrapolation")
    assert np.isfinite(entropy_bits(np.arange(8), "extrapolation"))


@pytest.mark.parametrize("chance", [0.05, 0.1, 0.3])
def test_digamma_has_no_bias_of_rare_letters(chance: float) -> None:
    """The mean over all counts of 25 letters, exactly; Miller and Madow's is off by more."""
    ones = np.arange(26)
    weight = stats.binom.pmf(ones, 25, chance)
    truth = stats.entropy([chance, 1.0 - chance], base=2)
    bias = {}
    for correction in ("digamma", "miller-madow"):
        found = [entropy_bits((np.arange(25) < k).astype(int), correction) for k in ones]
        bias[correction] = abs(weight @ found - truth)
    assert bias["digamma"] < 0.0021
    assert bias["miller-madow"] > 1.3 * bias["digamma"]
