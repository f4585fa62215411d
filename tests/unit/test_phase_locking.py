"""Vector strength against Elephant, exact laws of random walks, and von Mises phases."""

from __future__ import annotations

import numpy as np
import pytest
from elephant.phase_analysis import mean_phase_vector
from harness import LEVEL, Comparison, agrees, refuses
from scipy import integrate, special, stats

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.phase_locking import PhaseLocking, phase_locking
from stochhh.errors import InputError

PERIOD = 8.0


def locked(rng, strength_of, n_trials, n_spikes, shift=0.0):
    """Trains of spikes at von Mises phases, in random periods; each trial's phase may shift."""
    trains = []
    for _ in range(n_trials):
        phases = rng.vonmises(shift * rng.standard_normal(), strength_of, n_spikes) / (2 * np.pi)
        trains.append(np.sort(PERIOD * (rng.integers(0, 50, n_spikes) + phases % 1.0)))
    return trains


def exact_p(n: int, strength: float) -> float:
    """Probability that n random unit vectors add up to so long a sum (Kluyver 1905)."""
    resultant = n * strength
    integral, _ = integrate.quad(
        lambda t: special.j1(resultant * t) * special.j0(t) ** n,
        0.0,
        40.0,
        limit=1000,
        epsabs=1e-12,
    )
    return 1.0 - resultant * integral


def train_of_strength(n: int, strength: float) -> np.ndarray:
    """Spikes, half to either side of phase 0, whose vectors add up to n times a strength."""
    phase = np.arccos(strength) / (2 * np.pi)
    side = np.where(np.arange(n) % 2, phase, 1.0 - phase)
    return PERIOD * (np.arange(n) + side)


# --- the number ---------------------------------------------------------------------


def test_strength_and_phase_are_elephants():
    rng = np.random.default_rng(1)
    trains = [np.sort(rng.uniform(20.0, 420.0, n)) for n in (12, 0, 7, 30)]
    found = phase_locking(trains, PERIOD, start_ms=20.0, stop_ms=420.0)
    phases = 2 * np.pi * (np.concatenate(trains) - 20.0) / PERIOD
    angle, length = mean_phase_vector(phases)
    assert found.vector_strength.value == pytest.approx(float(length), rel=1e-12)
    assert found.phase_cycles == pytest.approx(float(angle) / (2 * np.pi) % 1.0, rel=1e-9)
    assert found.n_spikes == 49


def test_spikes_at_one_phase_are_locked_and_at_opposite_ones_are_not():
    train = np.array([2.0, 10.0, 18.0, 34.0])
    one = phase_locking([train] * 6, PERIOD)
    assert one.vector_strength == Estimate(pytest.approx(1.0), None)  # no scatter, no interval
    assert one.phase_cycles == pytest.approx(0.25)
    assert one.p_value < 1e-8
    both = phase_locking([np.concatenate([train, train + PERIOD / 2])], PERIOD)
    assert both.vector_strength.value == pytest.approx(0.0, abs=1e-12)
    # Wilkie's approximation is 1 at no length, but for 1 part in 8 n
    assert both.p_value == pytest.approx(1.0, abs=0.02)


def test_phase_is_from_the_start():
    trains = [np.array([13.0, 21.0])]
    assert phase_locking(trains, PERIOD).phase_cycles == pytest.approx(5.0 / 8.0)
    assert phase_locking(trains, PERIOD, start_ms=12.0).phase_cycles == pytest.approx(1.0 / 8.0)


def test_only_spikes_of_whole_periods_count():
    # evenly spread spikes are not locked, whatever part of a period the window ends with
    trains = [np.arange(0.5, 100.0, 1.0)]
    for stop in (24.0, 25.0, 31.9):
        found = phase_locking(trains, PERIOD, stop_ms=stop)
        assert found.n_spikes == 24
        assert found.vector_strength.value == pytest.approx(0.0, abs=1e-12)
    assert phase_locking(trains, PERIOD, start_ms=3.0, stop_ms=19.0).n_spikes == 16
    # a number of periods that rounding puts a hair below a whole one
    assert phase_locking([np.arange(0.05, 0.6, 0.1)], 0.1, stop_ms=0.3).n_spikes == 3


def test_no_spikes_no_numbers():
    nothing = PhaseLocking(Estimate(None), None, 0, None)
    assert phase_locking([np.zeros(0)], PERIOD) == nothing
    assert phase_locking([], PERIOD) == nothing
    assert phase_locking([np.array([1.0])], PERIOD, start_ms=2.0) == nothing


def test_strength_of_von_mises_phases():
    found = phase_locking(locked(np.random.default_rng(2), 1.5, 100, 1000), PERIOD)
    truth = special.i1(1.5) / special.i0(1.5)
    assert found.vector_strength.value == pytest.approx(truth, abs=5 * 0.7 / np.sqrt(1e5))


def test_strength_without_locking_is_as_the_docstring_says():
    rng = np.random.default_rng(3)
    strengths = [
        phase_locking([rng.uniform(0.0, 80.0, 100)], PERIOD).vector_strength.value
        for _ in range(500)
    ]
    # Rayleigh's law: mean √π / 2 = 0.886 over √n, standard deviation 0.463 over √n
    assert np.mean(strengths) == pytest.approx(0.0886, abs=5 * 0.0463 / np.sqrt(500))


# --- the interval -------------------------------------------------------------------


@pytest.mark.parametrize(("kappa", "shift"), [(0.6, 0.0), (2.0, 0.0), (8.0, 0.0), (2.0, 0.6)])
def test_intervals_hold_the_truth(kappa, shift):
    """Also of trials that differ, whose spikes are not independent."""
    rng = np.random.default_rng(4)
    truth = special.i1(kappa) / special.i0(kappa) * np.exp(-(shift**2) / 2)
    intervals = []
    for _ in range(300):
        found = phase_locking(locked(rng, kappa, 20, 20, shift), PERIOD)
        low, high = found.vector_strength.interval
        assert 0.0 <= low < found.vector_strength.value < high <= 1.0
        intervals.append((low, found.vector_strength.value, high))
    low, value, high = np.arctanh(np.array(intervals).T)
    for narrowed, judged in ((1.0, agrees), (0.6, refuses)):
        reach = narrowed * np.where(np.arctanh(truth) < value, value - low, high - value)
        held = np.abs(np.arctanh(truth) - value) <= reach
        p_value = stats.binomtest(int(held.sum()), 300, 0.95).pvalue
        judged(Comparison(p_value, "0.95", f"{held.mean():.3f}"), f"coverage {narrowed}")


def test_few_trials_have_no_interval():
    rng = np.random.default_rng(5)
    trains = locked(rng, 1.0, 5, 10)
    assert phase_locking(trains, PERIOD).vector_strength.interval is not None
    assert phase_locking(trains[:4], PERIOD).vector_strength.interval is None
    silent = [*trains[:4], np.zeros(0), np.zeros(0)]
    assert phase_locking(silent, PERIOD).vector_strength.interval is None


def test_one_trial_out_of_step_has_an_interval_within_zero_and_one():
    trains = [np.array([2.0, 10.0])] * 5 + [np.array([2.5])]
    low, high = phase_locking(trains, PERIOD).vector_strength.interval
    assert 0.0 <= low < high <= 1.0


# --- Rayleigh's test ----------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 20, 50])
@pytest.mark.parametrize("p", [0.5, 0.1, 0.01])
def test_p_value_is_that_of_a_random_walk(n, p):
    strength = np.sqrt(-np.log(p) / n)
    found = phase_locking([train_of_strength(n, strength)], PERIOD)
    assert found.vector_strength.value == pytest.approx(strength)
    assert found.p_value == pytest.approx(exact_p(n, strength), rel=0.03)


def test_small_p_values_come_out_a_little_large():
    strength = np.sqrt(-np.log(1e-3) / 10)
    ours = phase_locking([train_of_strength(10, strength)], PERIOD).p_value
    assert 1.0 < ours / exact_p(10, strength) < 1.3


def test_p_values_of_spikes_at_any_phase_are_uniform():
    rng = np.random.default_rng(6)
    p = [phase_locking([rng.uniform(0.0, 80.0, 30)], PERIOD).p_value for _ in range(2000)]
    assert stats.kstest(p, "uniform").pvalue > LEVEL
    weakly = [phase_locking(locked(rng, 0.3, 1, 30), PERIOD).p_value for _ in range(2000)]
    assert stats.kstest(weakly, "uniform").pvalue < LEVEL


@pytest.mark.parametrize("n", [1, 2, 1_000_000])
def test_p_value_is_a_probability_for_few_and_for_many_spikes(n):
    for strength in (0.0, 0.5, 1.0):
        train = train_of_strength(n, strength)
        assert 0.0 <= phase_locking([train], PERIOD).p_value <= 1.0


# --- errors -------------------------------------------------------------------------


@pytest.mark.parametrize("period", [0.0, -8.0, np.inf, np.nan])
def test_a_period_is_above_zero(period):
    with pytest.raises(InputError, match=r"period_ms: .*; need a time above zero, as in 10"):
        phase_locking([np.array([1.0])], period)


@pytest.mark.parametrize(("start", "stop"), [(0.0, 7.9), (10.0, 5.0), (0.0, np.nan)])
def test_a_window_holds_a_period(start, stop):
    with pytest.raises(InputError, match=r"start_ms, stop_ms: .*; need one period of 8 ms or more"):
        phase_locking([np.array([1.0])], PERIOD, start, stop)
