"""Mean and CV of interspike intervals, and what the ends of trials do to them."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.analysis.interspike_intervals import isi_statistics


def refractory(rng, mean, duration):
    """Spikes of a process with 10 ms of silence after each, long begun."""
    n = int(2 * duration / mean) + 60
    times = np.cumsum(10.0 + rng.exponential(mean - 10.0, n)) - (20 + rng.random()) * mean
    return times[(times > 0.0) & (times < duration)]


@pytest.mark.parametrize(("mean", "duration"), [(500.0, 1000.0), (100.0, 1000.0), (100.0, 400.0)])
def test_short_trials_have_the_mean_and_cv_of_long_ones(mean, duration):
    """The truth is that of the law; taken as they are, the intervals are too short by far."""
    rng = np.random.default_rng(int(mean + duration))
    trains = [refractory(rng, mean, duration) for _ in range(4000)]
    found = isi_statistics(trains, duration, steady=True)
    assert found.mean_ms.value == pytest.approx(mean, rel=0.03)
    assert found.cv.value == pytest.approx(1.0 - 10.0 / mean, rel=0.03)
    assert found.variance_ms2.value == pytest.approx((mean - 10.0) ** 2, rel=0.08)
    plain = isi_statistics(trains, duration, steady=False)
    assert plain.count == found.count
    assert plain.mean_ms.value < (0.6 if mean == 500.0 else 0.95) * mean


def test_by_hand():
    """Waits 2, 4 and 6 that ended and 5 that was cut: S = 3/4, 1/2, then 0 at 6."""
    trains = [[1.0, 3.0, 7.0, 13.0], [8.0]]
    found = isi_statistics(trains, 13.0, steady=True)
    assert found.count == 3
    # the end of the first trial cuts a wait of 0
    mean = 2.0 + 0.75 * 2.0 + 0.5 * 2.0
    assert found.mean_ms.value == pytest.approx(mean, rel=1e-12)
    square = 4.0 + 0.75 * (16 - 4) + 0.5 * (36 - 16)
    assert found.cv.value == pytest.approx(np.sqrt(square - mean**2) / mean, rel=1e-12)
    plain = isi_statistics(trains, 13.0, steady=False)
    assert (plain.mean_ms.value, plain.cv.value) == pytest.approx((4.0, 0.5))


def test_the_tail_beyond_the_longest_wait_is_exponential():
    """Waits 1, 2, 3, 4 that ended and 5 that was cut: beyond the median of 3 one ended in 3."""
    trains = [[0.0, 1.0, 3.0, 6.0, 10.0]]
    found = isi_statistics(trains, 15.0, steady=True)
    mean = 1.0 + 0.8 + 0.6 + 0.4 + 0.2 + 0.2 * 3.0
    assert found.mean_ms.value == pytest.approx(mean, rel=1e-12)


def test_what_most_intervals_outlive_is_not_told():
    trains = [[10.0 * k, 10.0 * k + 8.0] for k in range(1, 11)]
    assert isi_statistics(trains, 200.0, steady=True).mean_ms.value is None
    assert isi_statistics(trains, 200.0, steady=False).mean_ms.value == pytest.approx(8.0)


@pytest.mark.parametrize("steady", [True, False])
def test_too_little_to_tell(steady):
    assert isi_statistics([], 10.0, steady).mean_ms.value is None
    assert isi_statistics([[1.0], []], 10.0, steady).count == 0
    one = isi_statistics([[1.0, 7.0]], 10.0, steady)
    assert (one.count, one.mean_ms.value, one.cv.value) == (1, 6.0, None)
    few = isi_statistics([[1.0, 4.0, 8.0]], 10.0, steady)
    assert few.mean_ms.interval is None


def test_a_clock_has_no_spread():
    found = isi_statistics([np.arange(3.0, 700.0, 7.0)], 700.0, steady=True)
    assert found.mean_ms.value == pytest.approx(7.0)
    assert (found.cv.value, found.cv.interval) == (0.0, None)
    again = isi_statistics([np.arange(3.0, 700.0, 7.0)], 700.0, steady=True)
    assert found == again
