"""Statistics of single trains against Elephant, SciPy, sums by hand and known laws."""

from __future__ import annotations

import elephant.statistics
import numpy as np
import pytest
import quantities as pq
from harness import agrees, mean_is, refuses
from scipy import stats

from stochhh.analysis.count_statistics import fano_curve, kernel_rate, psth
from stochhh.analysis.estimates import poisson_limits, share_estimate, share_limits
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.interval_statistics import (
    interval_cv2,
    interval_density,
    interval_lv,
    serial_correlation,
)
from stochhh.analysis.neo_trains import neo_trains, pyspike_trains
from stochhh.analysis.spike_statistics import spike_statistics
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.analysis.trains import checked_trains, cut_trains, turned_trains
from stochhh.errors import InputError


def interval_cv(trains, duration):
    """CV of the intervals as they are, none of them taken as cut short."""
    return isi_statistics(trains, duration, steady=False).cv


MEASURES = {"cv": interval_cv, "cv2": interval_cv2, "lv": interval_lv}


def renewal(rng, shape, n_trials, mean_ms, duration_ms):
    """Trains of gamma intervals, their first interval stationary to a hair."""
    most = int(3 * duration_ms / mean_ms + 200)
    lead = 50 * mean_ms
    trains = []
    for _ in range(n_trials):
        times = np.cumsum(rng.gamma(shape, mean_ms / shape, most)) - lead
        assert times[-1] > duration_ms
        trains.append(times[(times >= 0.0) & (times <= duration_ms)])
    return trains


def small():
    rng = np.random.default_rng(4)
    trains = [np.sort(rng.uniform(0, 500, n)) for n in (12, 3, 0, 1, 2, 30)]
    return trains, 500.0


# --- equal to what others compute ---------------------------------------------------


def test_variation_of_one_train_is_elephants():
    trains, duration = small()
    intervals = np.diff(trains[0])
    assert interval_cv2(trains[:1], duration).value == pytest.approx(
        elephant.statistics.cv2(intervals)
    )
    assert interval_lv(trains[:1], duration).value == pytest.approx(
        elephant.statistics.lv(intervals)
    )
    n = len(intervals)
    assert interval_cv(trains[:1], duration).value == pytest.approx(
        elephant.statistics.cv(intervals) * np.sqrt(n / (n - 1))
    )


@pytest.mark.parametrize("n_trials", [2, 6])  # cut into blocks, and whole
def test_no_pair_of_intervals_spans_trials_or_is_lost_between_blocks(n_trials):
    rng = np.random.default_rng(2)
    trains = renewal(rng, 2.0, n_trials, 10.0, 700.0)
    pairs = [
        (a, b) for train in trains for a, b in zip(np.diff(train), np.diff(train)[1:], strict=False)
    ]
    first, second = np.array(pairs).T
    apart = np.abs(first - second) / (first + second)
    assert interval_cv2(trains, 700.0).value == pytest.approx(np.mean(2 * apart), rel=1e-12)
    assert interval_lv(trains, 700.0).value == pytest.approx(np.mean(3 * apart**2), rel=1e-12)
    together = np.concatenate([np.diff(t) for t in trains])
    cv = together.std(ddof=1) / together.mean()
    assert interval_cv(trains, 700.0).value == pytest.approx(cv, rel=1e-12)


def test_fano_factor_is_elephants_but_for_its_bias():
    trains, duration = small()
    n = len(trains)
    expected = elephant.statistics.fanofactor(trains) * n / (n - 1)
    for locked in (False, True):
        curve = fano_curve(trains, duration, [duration], locked=locked)
        assert curve.fano[0] == pytest.approx(expected)


def test_fano_factors_of_short_windows_by_hand():
    """Two trials in two windows of 10: counts 1 and 3, 3 and 1."""
    trains = [np.array([1.0, 11, 12, 13]), np.array([0.0, 1, 2, 20])]
    pooled = fano_curve(trains, 20.0, [10.0])
    assert pooled.fano[0] == pytest.approx((4 / 3) / 2)  # of 1, 3, 3, 1
    locked = fano_curve(trains, 20.0, [10.0], locked=True)
    assert locked.fano[0] == pytest.approx(2 / 2)  # of 1 and 3, and of 3 and 1
    cut = fano_curve(trains, 20.0, [9.0])  # the last 2 ms are in no window: 1, 3; 3, 0
    assert cut.fano[0] == pytest.approx(np.var([1, 3, 3, 0], ddof=1) / 1.75)


@pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")
def test_psth_is_elephants():
    trains, duration = small()
    ours = psth(trains, duration, 20.0)
    theirs = elephant.statistics.time_histogram(
        neo_trains(trains, duration), 20 * pq.ms, output="rate"
    )
    assert ours.rate_hz == pytest.approx(theirs.rescale("Hz").magnitude.ravel())
    assert ours.time_ms[[0, -1]] == pytest.approx([10.0, 490.0])


def test_psth_intervals_are_those_of_the_rate():
    trains, duration = small()
    for some in (trains, trains[:1]):  # Student's and Garwood's
        course = psth(some, duration, duration)
        expected = firing_rate_hz(some, duration)
        assert course.rate_hz[0] == pytest.approx(expected.value)
        assert (course.low_hz[0], course.high_hz[0]) == pytest.approx(expected.interval)
    empty = psth([np.array([300.0])] * 4, duration, 250.0)
    assert empty.low_hz[0] == 0.0
    assert empty.high_hz[0] == pytest.approx(-np.log(0.025))  # no spike in 1 s


def test_a_bin_holds_spikes_at_both_ends_of_the_trial():
    course = psth([np.array([0.0, 30.0])], 30.0, 10.0)
    assert course.rate_hz == pytest.approx([100.0, 0.0, 100.0])


def test_kernel_rate_by_hand():
    """Two trials, spikes in the middle of steps; far from the ends a sum of Gaussians."""
    trains = [np.array([50.05, 57.05]), np.array([51.05])]
    course = kernel_rate(trains, 100.0, sigma_ms=3.0, step_ms=0.1)
    away = course.time_ms[:, None] - np.array([50.05, 57.05, 51.05])
    gaussian = np.exp(-(away**2) / 18.0) / (3.0 * np.sqrt(2 * np.pi))
    assert course.rate_hz == pytest.approx(gaussian.sum(axis=1) / 2 * 1e3, abs=2e-4 * 66.5)
    assert len(course.time_ms) == 1000
    one = kernel_rate(trains[:1], 100.0).rate_hz
    other = kernel_rate(trains[1:], 100.0).rate_hz
    reach = stats.t.ppf(0.975, 1) * np.abs(one - other) / 2
    both = kernel_rate(trains, 100.0)
    assert both.high_hz - both.rate_hz == pytest.approx(reach)
    assert both.low_hz == pytest.approx(np.maximum((one + other) / 2 - reach, 0.0))


def test_kernel_rate_loses_no_spike_at_the_ends():
    trains = [np.array([0.0, 0.4, 99.0]), np.array([100.0])]
    course = kernel_rate(trains, 100.0, sigma_ms=4.0)
    assert course.rate_hz.mean() * 0.1 == pytest.approx(4 / 2)


@pytest.mark.parametrize("step_ms", [0.1, 0.3, 0.7])
def test_kernel_rate_ends_with_the_trial(step_ms):
    for duration in (0.7, 900.0, 1000.1):
        course = kernel_rate([np.array([duration])], duration, 3.0, min(step_ms, duration))
        step = duration / len(course.time_ms)
        assert course.time_ms[-1] == pytest.approx(duration - step / 2)
        assert step == pytest.approx(min(step_ms, duration), abs=0.051)
        assert course.rate_hz.mean() * duration / 1e3 == pytest.approx(1.0)


@pytest.mark.parametrize("n_steps", [56, 57, 58, 169, 456])
def test_kernel_rate_loses_no_step_to_rounding(n_steps):
    """0.7 / (0.7 / 57) is a hair less than 57."""
    course = kernel_rate([np.array([0.6999])], 0.7, 0.02, 0.7 / n_steps)
    assert len(course.rate_hz) == len(course.time_ms) == n_steps
    assert course.rate_hz[-1] > 1e4


def test_serial_correlation_is_that_of_the_pairs():
    rng = np.random.default_rng(3)
    trains = renewal(rng, 3.0, 7, 10.0, 400.0)
    found = serial_correlation(trains, 400.0, 3)
    for lag in (1, 2, 3):
        first = np.concatenate([np.diff(t)[:-lag] for t in trains])
        second = np.concatenate([np.diff(t)[lag:] for t in trains])
        expected = np.corrcoef(first, second)[0, 1]
        assert found.coefficient[lag - 1] == pytest.approx(expected, abs=1e-12)


def test_hazard_is_that_of_kaplan_and_meier():
    """In short trials, where a third of the waits are cut short."""
    rng = np.random.default_rng(8)
    trains = renewal(rng, 4.0, 300, 10.0, 30.0)
    density = interval_density(trains, 30.0, 0.05)
    ended = np.concatenate([np.diff(t) for t in trains])
    cut = np.array([30.0 - t[-1] for t in trains if len(t)])
    assert len(cut) > 0.3 * len(ended)
    survival = stats.ecdf(stats.CensoredData(uncensored=ended, right=cut)).sf
    ours = np.exp(-np.cumsum(density.hazard_per_ms) * 0.05)
    at = density.edges_ms[1:]
    early = at < np.quantile(ended, 0.9)
    assert ours[early] == pytest.approx(survival.evaluate(at[early]), abs=0.01)
    naive = np.exp(-np.cumsum(_hazard_without_cut_waits(density)) * 0.05)
    assert np.abs(naive[early] - survival.evaluate(at[early])).max() > 0.05


def _hazard_without_cut_waits(density):
    left = density.count[::-1].cumsum()[::-1]
    return density.count / (left * 0.05)


def test_density_and_hazard_by_hand():
    """Intervals 1, 1.5 and 3.5 in bins of 1; the last spike waits 0.5 more."""
    density = interval_density([np.array([0.5, 1.5, 3.0, 6.5])], 7.0, 1.0)
    assert density.edges_ms == pytest.approx([0, 1, 2, 3, 4])
    assert list(density.count) == [0, 2, 0, 1]
    assert density.density_per_ms == pytest.approx([0, 2 / 3, 0, 1 / 3])
    assert density.hazard_per_ms == pytest.approx([0, 2 / 1.5, 0, 1 / 0.5])
    expected = share_estimate(2, 3).interval
    assert (density.density_low[1], density.density_high[1]) == pytest.approx(expected)
    # Garwood 1936: after two events 0.2422 and 7.2247
    assert density.hazard_low[1] == pytest.approx(0.2422 / 1.5, abs=1e-4)
    assert density.hazard_high[1] == pytest.approx(7.2247 / 1.5, abs=1e-4)


def test_default_bins_are_freedmans():
    rng = np.random.default_rng(1)
    train = np.cumsum(rng.exponential(10.0, 1000))
    density = interval_density([train], train[-1])
    width = np.diff(density.edges_ms)
    assert width == pytest.approx(2 * stats.iqr(np.diff(train)) / 999 ** (1 / 3))
    assert (density.density_per_ms * width).sum() == pytest.approx(1.0)
    assert density.edges_ms[-1] > np.diff(train).max()


def test_limits_of_counts_and_shares():
    low, high = poisson_limits([0, 10])
    assert low == pytest.approx([0.0, 4.795], rel=1e-3)
    assert high == pytest.approx([3.689, 18.39], rel=1e-3)
    assert np.ravel(share_limits(3, 11)) == pytest.approx(share_estimate(3, 11).interval)
    assert np.isnan(share_limits([0], 0)).all()


# --- known laws ----------------------------------------------------------------------

CV2_OF_GAMMA = {1.0: 1.0, 2.0: 0.75, 4.0: 35 / 64}  # 4^(1-k) / (k B(k, k))


@pytest.mark.parametrize("shape", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("name", list(MEASURES))
def test_variation_of_gamma_intervals(name, shape):
    """Mean over 200 long trains, each with a value of its own, is the law's."""
    rng = np.random.default_rng(11)
    law = {"cv": shape**-0.5, "cv2": CV2_OF_GAMMA[shape], "lv": 3 / (2 * shape + 1)}[name]
    trains = [np.cumsum(rng.gamma(shape, 10.0 / shape, 2000)) for _ in range(200)]
    values = np.array([MEASURES[name]([t], t[-1]).value for t in trains])
    # the CV of 2000 intervals is too small by up to 0.1 %; the others have no bias
    slack = 1.0 + 1e-3 * (name == "cv")
    agrees(mean_is(values * slack, law), f"{name} of shape {shape}")
    refuses(mean_is(values * slack, 1.02 * law), f"{name} of shape {shape}, 2 % more")


@pytest.mark.parametrize("locked", [False, True])
def test_fano_factor_of_poisson_trains_is_one_in_every_window(locked):
    rng = np.random.default_rng(12)
    windows = np.array([3.0, 10.0, 50.0, 100.0, 250.0])
    curves = []
    for _ in range(150):
        trains = [np.sort(rng.uniform(0, 500.0, rng.poisson(40.0))) for _ in range(40)]
        curves.append(fano_curve(trains, 500.0, windows, locked=locked).fano)
    for window, values in zip(windows, np.array(curves).T, strict=True):
        agrees(mean_is(values, 1.0), f"Fano factor in {window} ms")
        refuses(mean_is(values, 1.1), f"Fano factor in {window} ms, a tenth more")


def test_fano_factor_of_a_renewal_process_tends_to_its_squared_cv():
    rng = np.random.default_rng(13)
    values = [fano_curve(renewal(rng, 4.0, 20, 5.0, 2000.0), 2000.0).fano for _ in range(40)]
    mean = np.mean(values, axis=0)
    assert mean[-1] == pytest.approx(0.25, rel=0.1)
    assert mean[0] == pytest.approx(1.0, rel=0.4)  # a short window holds one spike or none


def test_a_rate_that_all_trials_share_is_not_trial_to_trial_variance():
    """Spikes come in the first half only: Poisson in each trial, though not in time."""
    rng = np.random.default_rng(14)
    trains = [np.sort(rng.uniform(0, 500.0, rng.poisson(100.0))) for _ in range(300)]
    pooled = fano_curve(trains, 1000.0, [100.0])
    locked = fano_curve(trains, 1000.0, [100.0], locked=True)
    assert pooled.low[0] > 5.0
    assert locked.low[0] < 1.0 < locked.high[0]


def test_hazard_of_poisson_trains_is_flat():
    rng = np.random.default_rng(15)
    trains = [np.sort(rng.uniform(0, 100.0, rng.poisson(5.0))) for _ in range(4000)]
    density = interval_density(trains, 100.0, 5.0)
    often = density.count > 50
    exposure = density.count[often] / density.hazard_per_ms[often]
    residual = (density.count[often] - 0.05 * exposure) / np.sqrt(0.05 * exposure)
    assert stats.chi2.sf(np.sum(residual**2), often.sum()) > 1e-6
    wrong = (density.count[often] - 0.055 * exposure) / np.sqrt(0.055 * exposure)
    assert stats.chi2.sf(np.sum(wrong**2), often.sum()) < 1e-6
    # the plain density leans to short intervals: its mean falls short of 20 ms
    middles = density.edges_ms[:-1] + 2.5
    assert (density.density_per_ms * 5.0) @ middles < 18.0


def test_hazard_of_a_refractory_process_steps_up():
    rng = np.random.default_rng(16)
    train = np.cumsum(4.0 + rng.exponential(5.0, 20_000))
    density = interval_density([train], train[-1], 2.0)
    assert list(density.hazard_per_ms[:2]) == [0.0, 0.0]
    assert density.hazard_per_ms[2:8] == pytest.approx(0.2, rel=0.08)
    assert (density.hazard_low[2:8] < 0.2 * 1.05).all()
    assert (density.hazard_high[2:8] > 0.2 * 0.95).all()


def test_alternating_intervals_are_anticorrelated():
    train = np.cumsum(np.tile([3.0, 8.0], 40))
    found = serial_correlation([train], train[-1], 4)
    assert found.coefficient == pytest.approx([-1, 1, -1, 1])
    assert (found.shuffled_low > -0.6).all()
    assert (found.shuffled_high < 0.6).all()
    assert list(found.lag) == [1, 2, 3, 4]


def test_intervals_of_a_renewal_process_are_uncorrelated():
    rng = np.random.default_rng(17)
    values = []
    for _ in range(60):
        train = np.cumsum(rng.gamma(2.0, 5.0, 1000))
        values.append(serial_correlation([train], train[-1], 2).coefficient)
    for lag, found in enumerate(np.array(values).T, 1):
        agrees(mean_is(found + 1 / 999, 0.0), f"serial correlation at lag {lag}")
        refuses(mean_is(found + 1 / 999, 0.03), f"serial correlation at lag {lag}, 0.03")


def test_shuffling_tells_order_from_none():
    """Within the shuffled interval in 95 % of renewal trains, outside with correlation."""
    rng = np.random.default_rng(18)
    inside = outside = 0
    for _ in range(150):
        x = rng.standard_normal(401)
        for mixed, kind in ((x[1:], "none"), (x[1:] + 0.4 * x[:-1], "order")):
            train = np.cumsum(np.exp(0.3 * mixed))
            found = serial_correlation([train[:200], train[200:]], train[-1], 1)
            within = found.shuffled_low[0] <= found.coefficient[0] <= found.shuffled_high[0]
            inside += within and kind == "none"
            outside += (not within) and kind == "order"
    assert 0.89 <= inside / 150 <= 0.99
    assert outside >= 148


# --- coverage of intervals -----------------------------------------------------------


@pytest.mark.parametrize("n_trials", [1, 3, 10])
@pytest.mark.parametrize("name", list(MEASURES))
def test_intervals_of_variation_cover_the_truth(name, n_trials):
    """About 95 % of 300; the standard error of the share is 1.3 %."""
    rng = np.random.default_rng(19)
    hits = 0
    for _ in range(300):
        intervals = rng.exponential(1.0, (n_trials, 240 // n_trials))
        trains = list(np.cumsum(intervals, axis=1))
        low, high = MEASURES[name](trains, max(t[-1] for t in trains)).interval
        hits += low <= 1.0 <= high
    assert 0.90 <= hits / 300 <= 0.99


@pytest.mark.parametrize("n_trials", [1, 10])
def test_intervals_of_the_fano_factor_cover_the_truth(n_trials):
    rng = np.random.default_rng(20)
    hits = np.zeros(3)
    for _ in range(300):
        length = 3000.0 / n_trials
        trains = [np.sort(rng.uniform(0, length, rng.poisson(length / 5))) for _ in range(n_trials)]
        curve = fano_curve(trains, length, [10.0, 60.0, 300.0])
        hits += (curve.low <= 1.0) & (curve.high >= 1.0)
    assert (hits / 300 >= 0.89).all()
    assert (hits / 300 <= 0.99).all()


def test_ten_windows_of_one_trial_are_enough():
    train = np.sort(np.random.default_rng(23).uniform(0, 1000, 200))
    assert np.isfinite(fano_curve([train], 1000.0).low).all()
    assert np.isnan(fano_curve([train], 1000.0, [110.0]).low).all()


def test_blocks_take_in_that_neighbours_are_alike():
    """Intervals in runs of five alike: as if independent, an interval would hold too seldom."""
    rng = np.random.default_rng(21)
    ours = naive = 0
    for _ in range(150):
        intervals = np.repeat(np.exp(0.5 * rng.standard_normal(200)), 5)
        train = np.concatenate([[0.0], np.cumsum(intervals)])
        truth = np.sqrt(np.expm1(0.25))
        low, high = interval_cv([train], train[-1]).interval
        ours += low <= truth <= high
        drawn = rng.choice(intervals, (500, len(intervals)))  # as if each were by itself
        low, high = np.quantile(drawn.std(axis=1) / drawn.mean(axis=1), [0.025, 0.975])
        naive += low <= truth <= high
    assert naive / 150 < 0.75
    assert ours / 150 > 0.85


@pytest.mark.parametrize("course", [psth, kernel_rate])
def test_intervals_of_rates_cover_the_truth(course):
    """At 125 ms of 250, in trains whose rate is 40 Hz throughout."""
    rng = np.random.default_rng(22)
    hits = 0
    for _ in range(300):
        trains = [np.sort(rng.uniform(0, 250.0, rng.poisson(10.0))) for _ in range(12)]
        found = course(trains, 250.0, 10.0)
        k = np.argmin(np.abs(found.time_ms - 125.0))
        hits += found.low_hz[k] <= 40.0 <= found.high_hz[k]
    assert 0.89 <= hits / 300 <= 0.99


# --- edges ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trains",
    [[], [np.array([])] * 6, [np.array([3.0])], [np.array([1.0, 2.0])] * 2],
    ids=["no trials", "silent", "one spike", "one interval each"],
)
def test_too_little_to_tell(trains):
    found = spike_statistics(trains, 10.0)
    assert found.n_trials == len(trains)
    assert found.n_spikes == sum(len(t) for t in trains)
    assert found.cv2.value is None
    assert found.lv.value is None
    assert np.isnan(found.serial.coefficient).all()
    for estimate in (found.isi.cv, found.cv2, found.lv):
        assert estimate.interval is None


def test_equal_intervals_vary_not_at_all():
    found = spike_statistics([np.arange(0.35, 500, 14.6383)] * 6, 500.0)
    assert found.isi.cv.value == 0.0
    assert found.cv2.value == pytest.approx(0.0, abs=1e-12)
    assert found.isi.cv.interval is None
    assert np.isnan(found.serial.coefficient).all()
    assert found.fano_locked.fano[-1] == pytest.approx(0.0, abs=1e-12)


def test_everything_at_once_is_each_alone():
    trains, duration = small()
    found = spike_statistics(
        trains,
        duration,
        interval_bin_ms=4.0,
        most_lags=2,
        fano_windows_ms=[50.0],
        psth_bin_ms=25.0,
        sigma_ms=7.0,
    )
    assert found.rate_hz == firing_rate_hz(trains, duration)
    alone = tuple(measure(trains, duration) for measure in MEASURES.values())
    assert (found.isi.cv, found.cv2, found.lv) == alone
    assert list(found.intervals.count) == list(interval_density(trains, duration, 4.0).count)
    assert len(found.serial.lag) == 2
    assert found.fano.fano == pytest.approx(fano_curve(trains, duration, [50.0]).fano)
    locked = fano_curve(trains, duration, [50.0], locked=True)
    assert found.fano_locked.fano == pytest.approx(locked.fano)
    assert list(found.psth.rate_hz) == list(psth(trains, duration, 25.0).rate_hz)
    assert list(found.kernel_rate.rate_hz) == list(kernel_rate(trains, duration, 7.0).rate_hz)


@pytest.mark.parametrize(
    ("trains", "message"),
    [
        ([[1.0, 2.0, 2.0]], "trial 0 has 2 ms after 2 ms; need times that increase"),
        ([[], [5.0, 4.0]], "trial 1 has 4 ms after 5 ms"),
        ([[5.0, 20.5]], "a spike at 20.5 ms; need times from 0 to the duration, 20 ms"),
        ([[-1.0, 20.5]], "a spike at -1 ms"),
        ([[np.nan]], "trial 0 holds a time that is not finite"),
        ([[[1.0]]], "need times in a row"),
    ],
)
def test_what_is_no_spike_train(trains, message):
    with pytest.raises(InputError, match=message):
        spike_statistics(trains, 20.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: spike_statistics(t, 0.0), "duration_ms: 0; need a number above zero"),
        (lambda t: psth(t, 20.0, 30.0), "bin_ms: 30; need at most the duration, 20 ms"),
        (lambda t: psth(t, 20.0, -1.0), "bin_ms: -1"),
        (lambda t: fano_curve(t, 20.0, [21.0]), "windows_ms: 21; need at most"),
        (lambda t: kernel_rate(t, 20.0, 0.0), "sigma_ms: 0"),
        (lambda t: kernel_rate(t, 20.0, 1.0, np.inf), "step_ms: inf"),
        (lambda t: interval_density(t, 20.0, 0.0), "bin_ms: 0"),
        (lambda t: serial_correlation(t, 20.0, 0), "most_lags: 0; need 1 or more"),
        (lambda t: cut_trains(t, 5.0, 5.0), "stop_ms: 5; need more than start_ms, 5"),
    ],
)
def test_what_cannot_be_asked(call, message):
    with pytest.raises(InputError, match=message):
        call([np.array([1.0, 2.0])])


def test_cutting_trains():
    (cut,) = cut_trains([np.array([1.0, 5.0, 7.0, 9.0])], 5.0, 9.0)
    assert list(cut) == [0.0, 2.0]


def test_turned_trains_keep_their_intervals_and_lose_each_other():
    trains = [np.array([10.0, 15.0, 40.0, 90.0])] * 30
    turned = turned_trains(trains, 100.0, seed=3)
    for train in checked_trains(turned, 100.0):
        around = np.diff(np.append(train, train[0] + 100.0))
        assert sorted(around) == pytest.approx([5.0, 20.0, 25.0, 50.0])
    firsts = np.array([train[0] for train in turned])
    assert len(np.unique(firsts.round(6))) == 30
    assert list(turned_trains(trains, 100.0, seed=3)[4]) == list(turned[4])


def test_trains_for_neo_and_pyspike():
    trains = [np.array([1.0, 2.5]), np.array([])]
    neo = neo_trains(trains, 20.0, start_ms=100.0)
    assert neo[0].rescale("s").magnitude == pytest.approx([0.101, 0.1025])
    assert [float(t.t_start.rescale("ms")) for t in neo] == [100.0, 100.0]
    assert [float(t.t_stop.rescale("s")) for t in neo] == pytest.approx([0.12, 0.12])
    assert len(neo[1]) == 0
    spiky = pyspike_trains(trains, 20.0)
    assert list(spiky[0].spikes) == [1.0, 2.5]
    assert (spiky[1].t_start, spiky[1].t_end) == (0.0, 20.0)
