"""Jitter of the k-th spike against sums by hand, known laws and the definition of a jackknife."""

from __future__ import annotations

import numpy as np
import pytest
from harness import LEVEL
from scipy import stats

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.spike_jitter import spike_jitter
from stochhh.errors import InputError


def renewal(rng, n_trials, n_spikes, shape, mean_ms):
    return list(np.cumsum(rng.gamma(shape, mean_ms / shape, (n_trials, n_spikes)), axis=1))


def test_by_hand():
    """Second spikes at 10, 12 and 17: mean 13, variance 13."""
    found = spike_jitter([[1.0, 10.0], [2.0, 12.0, 50.0], [3.0, 17.0]], 60.0)
    np.testing.assert_array_equal(found.k, [1, 2])  # no third spike in every trial
    np.testing.assert_allclose(found.mean_ms, [2.0, 13.0])
    np.testing.assert_allclose(found.sd_ms, [1.0, np.sqrt(13.0)])
    assert found.growth_ms2.value == pytest.approx(12.0)
    assert found.growth_ms2.interval is None  # of three trials
    assert found.ratio == Estimate(pytest.approx(np.sqrt(13.0)))
    assert np.isnan(found.low_ms).all()


def test_spikes_that_some_trials_lack_are_left_out_and_a_silent_trial_leaves_none():
    found = spike_jitter([[1.0], [2.0], [], [4.0]], 10.0)
    assert len(found.k) == len(found.sd_ms) == 0
    assert found.growth_ms2 == Estimate(None)
    assert len(spike_jitter([], 10.0).k) == 0
    alone = spike_jitter([[1.0, 2.0]], 10.0)
    np.testing.assert_array_equal(alone.mean_ms, [1.0, 2.0])
    assert np.isnan(alone.sd_ms).all()
    pair = spike_jitter([[1.0, 2.0], [3.0, 5.0]], 10.0)
    np.testing.assert_allclose(pair.sd_ms, np.array([2.0, 3.0]) / np.sqrt(2.0))
    assert pair.growth_ms2 == Estimate(None)


def test_intervals_are_of_the_jackknife_over_trials():
    trains = renewal(np.random.default_rng(3), 12, 9, 4.0, 10.0)
    found = spike_jitter(trains, 1000.0)
    rest = [spike_jitter(trains[:out] + trains[out + 1 :], 1000.0) for out in range(12)]
    reach = stats.t.ppf(0.975, 11)
    logs = np.log([one.sd_ms for one in rest])
    error = np.sqrt(11 / 12 * np.sum((logs - logs.mean(axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(found.low_ms, found.sd_ms * np.exp(-reach * error))
    np.testing.assert_allclose(found.high_ms, found.sd_ms * np.exp(reach * error))
    slopes = np.array([one.growth_ms2.value for one in rest])
    assert found.growth_ms2.value == pytest.approx(np.polyfit(found.k, found.sd_ms**2, 1)[0])
    error = np.sqrt(11 / 12 * np.sum((slopes - slopes.mean()) ** 2))
    low, high = found.growth_ms2.interval
    assert (high - low) / 2 == pytest.approx(reach * error)
    assert found.ratio.value == pytest.approx(found.sd_ms[-1] / found.sd_ms[0])
    ratios = np.log([one.ratio.value for one in rest])
    error = np.sqrt(11 / 12 * np.sum((ratios - ratios.mean()) ** 2))
    expected = found.ratio.value * np.exp(reach * error * np.array([-1.0, 1.0]))
    np.testing.assert_allclose(found.ratio.interval, expected)


def test_growth_is_the_variance_of_an_interval_and_none_where_a_clock_is_kept():
    """3000 trials of 20 gamma intervals of variance 25 ms²; the mean grows by their mean."""
    rng = np.random.default_rng(1)
    trains = renewal(rng, 3000, 20, 4.0, 10.0)
    found = spike_jitter(trains, 1e4)
    wide = stats.norm.isf(LEVEL / 2) / 1.96
    low, high = found.growth_ms2.interval
    reach = wide * (high - low) / 2
    assert abs(found.growth_ms2.value - 25.0) < reach
    assert abs(found.growth_ms2.value - 30.0) > reach  # negative control
    np.testing.assert_allclose(found.sd_ms[0], 5.0, rtol=wide * 1.96 / np.sqrt(2 * 3000) * 1.3)
    assert found.low_ms[-1] > 10 * 0.9 * np.sqrt(4)  # sqrt(20) times as wide
    kept = [10.0 * np.arange(1, 21) + rng.normal(0.0, 1.0, 20) for _ in range(3000)]
    steady = spike_jitter(kept, 1e4).growth_ms2
    assert abs(steady.value) < wide * np.ptp(steady.interval) / 2
    assert steady.interval[1] < 0.1
    low, high = spike_jitter(kept, 1e4).ratio.interval
    assert low < 1.0 < high < 1.1
    assert found.ratio.interval[0] > 4.0  # the square root of 20 is 4.47
    assert found.ratio.interval[1] < 5.0


def test_trials_the_same_to_the_bit_have_none():
    found = spike_jitter([[1.1, 2.3, 3.7]] * 6, 10.0)
    np.testing.assert_array_equal(found.sd_ms, 0.0)
    assert found.growth_ms2 == Estimate(0.0)
    assert found.ratio == Estimate(None)


def test_the_interval_of_the_growth_holds_the_truth_in_95_of_100_cases():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        low, high = spike_jitter(renewal(rng, 20, 10, 4.0, 10.0), 1e4).growth_ms2.interval
        held += low < 25.0 < high
    assert 0.88 < held / 400 <= 0.985


def test_trains_that_are_none_are_refused():
    with pytest.raises(InputError, match=r"trains: trial 0 has 1 ms after 2 ms"):
        spike_jitter([[2.0, 1.0]], 10.0)
