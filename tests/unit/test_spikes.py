"""Spike statistics against closed forms, and their intervals by coverage."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.spikes import (
    firing_rate_hz,
    first_spike_ms,
    interspike_intervals_ms,
)


def test_rate_of_known_trains():
    trains = [np.array([10.0, 20.0]), np.array([5.0]), np.array([])]
    assert firing_rate_hz(trains, 100.0).value == pytest.approx(10.0)


def test_one_train_has_the_exact_poisson_interval():
    # Garwood 1936: 95 % limits of a Poisson mean after 10 events, 4.795 and 18.39
    estimate = firing_rate_hz([np.arange(10.0)], 1000.0)
    assert estimate.interval == pytest.approx((4.795, 18.39), rel=1e-3)


def test_silence_has_an_upper_limit():
    # no event in 4 s: upper limit -ln(0.025) / 4 s
    estimate = firing_rate_hz([np.array([])] * 4, 1000.0)
    assert estimate.value == 0.0
    assert estimate.interval == pytest.approx((0.0, -np.log(0.025) / 4), rel=1e-9)


def test_an_interval_of_a_rate_is_never_negative_nor_a_point():
    estimate = firing_rate_hz([np.array([1.0]), np.array([]), np.array([])], 10.0)
    assert estimate.interval is not None
    assert 0.0 < estimate.interval[0] < 100.0 / 3 < estimate.interval[1]
    # five trials with one spike each: Wilson's upper limit of none of five is 0.434
    low, high = firing_rate_hz([np.array([1.0])] * 5, 100.0).interval
    assert (low, high) == pytest.approx((10.0 - 4.34, 10.0 + 4.34), abs=0.01)


def test_no_trials_no_numbers():
    assert firing_rate_hz([], 10.0).value is None
    assert mean_estimate(np.array([])).value is None
    assert isi_statistics([], 10.0, steady=True).mean_ms.value is None
    assert isi_statistics([[5.0]], 10.0, steady=False).cv.value is None
    assert mean_estimate(np.array([3.0])).interval is None


def test_intervals_do_not_span_trials():
    trains = [np.array([1.0, 4.0, 9.0]), np.array([2.0, 3.0])]
    assert list(interspike_intervals_ms(trains)) == [3.0, 5.0, 1.0]


def test_first_spikes():
    first = first_spike_ms([np.array([4.0, 5.0]), np.array([])])
    assert first[0] == 4.0
    assert np.isnan(first[1])
