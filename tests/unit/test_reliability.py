"""Reliability and precision: by hand, in the deterministic limit, and of chance alone."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.analysis.reliability import event_reliability, reliability, schreiber_reliability
from stochhh.analysis.train_distances import (
    isi_distance_matrix,
    pair_mean,
    per_spike,
    schreiber_matrix,
    spike_distance_matrix,
    spike_synchronization_matrix,
    spikes_of_pairs,
    van_rossum_matrix,
    victor_purpura_matrix,
)
from stochhh.analysis.trains import turned_trains
from stochhh.errors import InputError

DURATION = 600.0
BASE = np.arange(20.0, 600, 40)


def responses(rng, n_trials, kept=0.8, jitter_ms=2.0, strays=1.0):
    """Spikes at 15 times, some left out, all jittered, and a few anywhere."""
    trains = []
    for _ in range(n_trials):
        there = BASE[rng.random(len(BASE)) < kept]
        times = np.concatenate(
            [
                there + jitter_ms * rng.standard_normal(len(there)),
                rng.uniform(0, 600, rng.poisson(strays)),
            ]
        )
        trains.append(np.unique(np.clip(times, 0.0, DURATION)))
    return trains


def numbers(found):
    """Every estimate of a result, by name."""
    own = {name: value for name, value in vars(found).items() if hasattr(value, "interval")}
    events = {name: v for name, v in vars(found.events).items() if hasattr(v, "interval")}
    return own | events


# --- the deterministic limit --------------------------------------------------------


@pytest.mark.parametrize("period_ms", [5.0, 14.6383, 90.0])
@pytest.mark.parametrize("n_trials", [2, 10])
def test_trials_repeated_to_the_bit_are_perfectly_reliable(period_ms, n_trials):
    """At any rate: 14.6383 ms is the squid's period at 10 µA/cm²."""
    found = reliability([np.arange(3.3, DURATION, period_ms)] * n_trials, DURATION)
    values = {name: estimate.value for name, estimate in numbers(found).items()}
    ones = ("reliability", "participation", "schreiber", "spike_synchronization")
    assert {name: values.pop(name) for name in ones} == pytest.approx(dict.fromkeys(ones, 1.0))
    assert values == dict.fromkeys(values, 0.0)
    assert "precision_ms" in values
    assert len(values) == 7
    assert all(estimate.interval is None for estimate in numbers(found).values())
    assert len(found.events.start_ms) == len(np.arange(3.3, DURATION, period_ms))


def test_a_kernel_too_wide_for_the_rate_is_no_verdict():
    """3 ms and 68 Hz: a perfect spike lifts the rate to 133 Hz, less than twice the mean."""
    trains = [np.arange(3.3, DURATION, 14.6383)] * 10
    found = event_reliability(trains, DURATION, sigma_ms=3.0)
    assert found.reliability.value is None
    assert found.precision_ms.value is None
    assert len(found.start_ms) == 0
    assert event_reliability(trains, DURATION, sigma_ms=2.0).reliability.value == 1.0


# --- by hand ------------------------------------------------------------------------


def events_by_hand():
    """Two events of 10 trials, 100 ± 1 in all and 300 ± 2 in six, and two strays."""
    trains = [[99.0 + 2 * (k % 2)] for k in range(10)]
    for k in range(6):
        trains[k].append(298.0 + 4 * (k % 2))
    trains[7].append(450.0)
    trains[9].append(520.0)
    return [np.array(t) for t in trains]


def test_events_by_hand():
    found = event_reliability(events_by_hand(), DURATION, sigma_ms=3.0)
    # mean rate 18 / 6 s = 3 Hz; a stray alone reaches 13.3 Hz and makes an event too
    assert len(found.start_ms) == 4
    wide = event_reliability(events_by_hand(), DURATION, sigma_ms=8.0)
    # a stray reaches 5 Hz, less than 6
    assert len(wide.start_ms) == 2
    assert wide.reliability.value == pytest.approx(16 / 18)
    first, second = np.std([99, 101] * 5, ddof=1), np.std([298, 302] * 3, ddof=1)
    together = np.sqrt((9 * first**2 + 5 * second**2) / 14)
    assert wide.precision_ms.value == pytest.approx(together, rel=0.02)
    assert wide.participation.value == pytest.approx((1.0 + 0.6) / 2)
    assert found.precision_ms.value == pytest.approx(together, rel=0.02)  # strays have none


def test_events_are_where_the_rate_is_above_twice_its_mean():
    """A single Gaussian of known height: where it passes 2 × mean is known too."""
    sigma = 8.0
    found = event_reliability([np.array([300.0])] * 4, DURATION, sigma_ms=sigma)
    reach = sigma * np.sqrt(-2 * np.log(2 * np.sqrt(2 * np.pi) * sigma / DURATION))
    assert found.start_ms == pytest.approx([300 - reach], abs=0.8)
    assert found.stop_ms == pytest.approx([300 + reach], abs=0.8)
    assert found.rate_hz.max() == pytest.approx(1e3 / (np.sqrt(2 * np.pi) * sigma), rel=1e-3)


def test_reliability_falls_with_strays_where_participation_does_not():
    rng = np.random.default_rng(2)
    clean = event_reliability(responses(rng, 50, 1.0, 1.0, 0.0), DURATION)
    stray = event_reliability(responses(rng, 50, 1.0, 1.0, 5.0), DURATION)
    assert clean.reliability.value == 1.0
    # 5 of 20 spikes anywhere, a fifth of them within an event by chance
    assert stray.reliability.value == pytest.approx(0.80, abs=0.04)
    assert stray.participation.value == pytest.approx(1.0, abs=0.01)
    missing = event_reliability(responses(rng, 50, 0.5, 1.0, 0.0), DURATION)
    assert missing.reliability.value == 1.0
    assert missing.participation.value == pytest.approx(0.5, abs=0.05)


def test_precision_is_the_jitter():
    rng = np.random.default_rng(3)
    for jitter in (0.2, 0.5, 1.0):
        found = event_reliability(responses(rng, 100, 1.0, jitter, 0.0), DURATION)
        assert found.precision_ms.value == pytest.approx(jitter, rel=0.05)


EVENTS = np.cumsum(np.random.default_rng(1).uniform(25.0, 60.0, 40))


def jittered(rng, jitter_ms: float, share: float, background_hz: float, n_trials: int = 25):
    """Trials with 40 events 25 to 60 ms apart, and spikes at any time."""
    length = EVENTS[-1] + 30.0
    trains = []
    for _ in range(n_trials):
        kept = EVENTS[rng.random(40) < share]
        stray = rng.uniform(0.0, length, rng.poisson(background_hz * length / 1e3))
        times = np.unique(np.concatenate([kept + rng.normal(0.0, jitter_ms, len(kept)), stray]))
        trains.append(times[(times > 0.0) & (times < length)])
    return trains, length


@pytest.mark.parametrize(
    ("jitter_ms", "share", "background_hz"),
    [(0.5, 0.9, 0.0), (1.0, 0.8, 2.0), (3.0, 0.8, 2.0), (5.0, 0.8, 0.0)],
)
def test_precision_holds_a_jitter_as_wide_as_the_smoothing(jitter_ms, share, background_hz):
    """The scatter between the ends of events is 2.3 of 3 ms and 2.65 of 5 ms."""
    rng, held, values = np.random.default_rng(5), 0, []
    for _ in range(15):
        trains, length = jittered(rng, jitter_ms, share, background_hz)
        one = event_reliability(trains, length).precision_ms
        held += one.interval[0] <= jitter_ms <= one.interval[1]
        values.append(one.value)
    assert held >= 10  # of 88 % with a chance of 5e-3 fewer
    assert np.mean(values) == pytest.approx(jitter_ms, rel=0.06)


def test_precision_of_events_that_hardly_stand_out_is_not_told():
    """Of a jitter of 8 ms events 42 ms apart would pass for 5 to 6 ms."""
    trains, length = jittered(np.random.default_rng(6), 8.0, 0.8, 2.0)
    found = event_reliability(trains, length)
    assert len(found.start_ms) > 10
    assert found.precision_ms.value is None


def test_the_default_kernel_is_a_tenth_of_the_interval_and_no_more_than_3_ms():
    assert event_reliability([np.arange(5.0, 600, 10.0)], DURATION).sigma_ms == pytest.approx(1.0)
    assert event_reliability([np.array([5.0])], DURATION).sigma_ms == 3.0


# --- chance, coverage ---------------------------------------------------------------


def test_trials_with_nothing_in_common():
    """The same trains turned against each other: far less reliable by every measure."""
    rng = np.random.default_rng(4)
    trains = responses(rng, 25)
    locked = numbers(reliability(trains, DURATION))
    free = numbers(reliability(turned_trains(trains, DURATION), DURATION))
    assert locked["reliability"].interval[0] > free["reliability"].value + 0.5
    assert locked["schreiber"].interval[0] > free["schreiber"].interval[1]
    assert locked["spike_synchronization"].value > free["spike_synchronization"].value + 0.05
    for name in (
        "victor_purpura",
        "victor_purpura_per_spike",
        "van_rossum",
        "van_rossum_per_spike",
        "spike_distance",
    ):
        assert locked[name].interval[1] < free[name].interval[0]
    # intervals are the same in both, and so is what compares only them
    assert locked["isi_distance"].value == pytest.approx(free["isi_distance"].value, rel=0.1)


@pytest.mark.parametrize("n_trials", [10, 25])
def test_intervals_of_events_cover_the_truth(n_trials):
    """The truth is that of many trials; few make events of chance, hence 80 % for 10."""
    rng = np.random.default_rng(6)
    many = event_reliability(responses(rng, 1000), DURATION, 3.0)
    hits = np.zeros(2)
    for _ in range(100):
        found = event_reliability(responses(rng, n_trials), DURATION, 3.0)
        for k, name in enumerate(("reliability", "precision_ms")):
            low, high = getattr(found, name).interval
            hits[k] += low <= getattr(many, name).value <= high
    assert hits[0] / 100 >= (0.80 if n_trials == 10 else 0.88)
    assert hits[1] / 100 >= 0.90


def test_groups_of_many_trials_give_the_interval_that_single_trials_do():
    """Twice 100 trials: the error falls by the root of two, though two go at a time."""
    rng = np.random.default_rng(8)
    ratios = []
    for _ in range(6):
        one, two = (
            np.ptp(event_reliability(responses(rng, n), DURATION, 3.0).reliability.interval)
            for n in (100, 200)
        )
        ratios.append(one / two)
    assert np.mean(ratios) == pytest.approx(np.sqrt(2), rel=0.15)


# --- everything at once, edges --------------------------------------------------------


def test_everything_at_once_is_each_alone():
    trains = responses(np.random.default_rng(7), 8)
    found = reliability(
        trains, DURATION, event_sigma_ms=4.0, sigma_ms=2.0, cost_per_ms=0.5, tau_ms=11.0
    )
    moved = victor_purpura_matrix(trains, DURATION, 0.5)
    filtered = van_rossum_matrix(trains, DURATION, 11.0)
    together = spike_synchronization_matrix(trains, DURATION)
    expected = {
        "schreiber": pair_mean(schreiber_matrix(trains, DURATION, 2.0)),
        "victor_purpura": pair_mean(moved),
        "victor_purpura_per_spike": pair_mean(per_spike(moved, trains)),
        "van_rossum": pair_mean(filtered),
        "van_rossum_per_spike": pair_mean(per_spike(filtered**2, trains)),
        "isi_distance": pair_mean(isi_distance_matrix(trains, DURATION)),
        "spike_distance": pair_mean(spike_distance_matrix(trains, DURATION)),
        "spike_synchronization": pair_mean(together, spikes_of_pairs(trains)),
    }
    assert {name: getattr(found, name).value for name in expected} == pytest.approx(
        {name: estimate.value for name, estimate in expected.items()}
    )
    assert found.events.reliability == event_reliability(trains, DURATION, 4.0).reliability
    assert (found.events.sigma_ms, found.sigma_ms, found.cost_per_ms, found.tau_ms) == (
        4,
        2,
        0.5,
        11,
    )
    assert (found.n_trials, found.n_spikes) == (8, sum(len(t) for t in trains))


@pytest.mark.parametrize("trains", [[], [[]], [[]] * 6, [[5.0]]])
def test_too_little_to_tell(trains):
    found = reliability(trains, DURATION)
    for name in ("schreiber", "spike_synchronization", "precision_ms"):
        assert numbers(found)[name].value is None
    if found.n_spikes == 0:
        assert found.events.reliability.value is None
    assert all(estimate.interval is None for estimate in numbers(found).values())


def test_silent_trials_take_part():
    """One trial of five fires nothing: like no other to Schreiber, absent from events."""
    trains = [BASE] * 4 + [np.array([])]
    found = reliability(trains, DURATION)
    assert found.schreiber.value == pytest.approx(6 / 10)  # of ten pairs
    assert found.events.reliability.value == 1.0
    assert found.events.participation.value == pytest.approx(0.8)
    assert found.victor_purpura.value == pytest.approx(15 * 4 / 10)
    assert found.victor_purpura_per_spike.value == pytest.approx(0.4)
    assert found.van_rossum_per_spike.value == pytest.approx(0.4, abs=1e-3)
    assert found.spike_synchronization.value == pytest.approx(6 * 30 / (6 * 30 + 4 * 15))
    assert schreiber_reliability(trains, DURATION) == found.schreiber


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"event_sigma_ms": 0.0}, "sigma_ms: 0; need a number above zero, as in 3"),
        ({"sigma_ms": -1.0}, "sigma_ms: -1"),
        ({"cost_per_ms": 0.0}, "cost_per_ms: 0"),
        ({"tau_ms": np.nan}, "tau_ms: nan"),
    ],
)
def test_what_cannot_be_asked(given, message):
    with pytest.raises(InputError, match=message):
        reliability([BASE, BASE], DURATION, **given)
