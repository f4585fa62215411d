"""Distances between spike trains against their definitions, PySpike as a whole, and by hand."""

from __future__ import annotations

import numpy as np
import pyspike
import pytest

from stochhh.analysis.neo_trains import pyspike_trains
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
from stochhh.errors import InputError

DURATION = 300.0
MATRICES = [
    schreiber_matrix,
    victor_purpura_matrix,
    van_rossum_matrix,
    isi_distance_matrix,
    spike_distance_matrix,
    spike_synchronization_matrix,
]


def trains_of(*counts, seed=1):
    rng = np.random.default_rng(seed)
    return [np.sort(rng.uniform(0, DURATION, n)) for n in counts]


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


# --- against definitions -------------------------------------------------------------


def test_schreiber_is_the_cosine_of_filtered_trains():
    trains, sigma, step = trains_of(20, 5, 13), 4.0, 0.1
    times = np.arange(-40, DURATION + 40, step)
    filtered = np.array(
        [np.exp(-((times[:, None] - t) ** 2) / (2 * sigma**2)).sum(axis=1) for t in trains]
    )
    norm = np.linalg.norm(filtered, axis=1)
    expected = filtered @ filtered.T / np.outer(norm, norm)
    assert schreiber_matrix(trains, DURATION, sigma) == pytest.approx(expected, abs=1e-9)


def test_schreiber_of_single_spikes_by_hand():
    matrix = schreiber_matrix([[100.0], [106.0], [100.0, 200.0], []], DURATION, 3.0)
    assert matrix[0, 1] == pytest.approx(np.exp(-1.0))
    assert matrix[0, 2] == pytest.approx(1 / np.sqrt(2))
    assert list(matrix[3]) == [0, 0, 0, 0]  # a silent trial is like no other
    assert np.diag(matrix)[:3] == pytest.approx([1, 1, 1])


def test_schreiber_of_many_crowded_spikes():
    """More spikes within the Gaussian's reach than trials."""
    trains = [np.sort(np.random.default_rng(k).uniform(0, 20, 60)) for k in range(3)]
    inner = np.array(
        [[np.exp(-((a[:, None] - b) ** 2) / 36.0).sum() for b in trains] for a in trains]
    )
    norm = np.sqrt(np.diag(inner))
    assert schreiber_matrix(trains, DURATION, 3.0) == pytest.approx(inner / np.outer(norm, norm))


def edit_distance(a, b, cost):
    """The recursion that defines Victor & Purpura's distance."""
    table = np.zeros((len(a) + 1, len(b) + 1))
    table[:, 0], table[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            moved = table[i - 1, j - 1] + cost * abs(a[i - 1] - b[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, moved)
    return table[-1, -1]


@pytest.mark.parametrize("cost_per_ms", [0.01, 0.2, 3.0])
def test_victor_purpura_is_the_edit_distance(cost_per_ms):
    trains = trains_of(20, 5, 13, 0, 1, 20)
    expected = [[edit_distance(a, b, cost_per_ms) for b in trains] for a in trains]
    found = victor_purpura_matrix(trains, DURATION, cost_per_ms)
    assert found == pytest.approx(np.array(expected), abs=1e-9)


def test_victor_purpura_by_hand():
    """At 0.2 / ms a spike is moved by 4 ms for 0.8 and over 11 ms replaced for 2."""
    matrix = victor_purpura_matrix([[100.0], [104.0], [111.0], []], DURATION)
    assert matrix[0] == pytest.approx([0.0, 0.8, 2.0, 1.0])


def test_van_rossum_is_the_distance_of_filtered_trains():
    trains, tau, step = trains_of(9, 4, 0, 5), 5.0, 0.001
    times = np.arange(0.0, DURATION + 100.0, step)
    filtered = np.zeros((len(trains), len(times)))
    for row, train in zip(filtered, trains, strict=True):
        for spike in train:
            after = times >= spike
            row[after] += np.exp(-(times[after] - spike) / tau)
    difference = filtered[:, None] - filtered[None]
    expected = np.sqrt(2 / tau * (difference**2).sum(axis=2) * step)
    assert van_rossum_matrix(trains, DURATION, tau) == pytest.approx(expected, abs=2e-3)


def test_van_rossum_by_hand():
    """D² = 2 - 2 exp(-6 / 5) of spikes 6 ms apart, 1 against none, 2 far apart."""
    matrix = van_rossum_matrix([[100.0], [106.0], [], [250.0]], DURATION, 5.0)
    assert matrix[0, 1] == pytest.approx(np.sqrt(2 - 2 * np.exp(-1.2)))
    assert matrix[0, 2] == pytest.approx(1.0)
    assert matrix[0, 3] == pytest.approx(np.sqrt(2))


def test_isi_distance_by_hand():
    """Intervals of 10 in one, of 20 in the other: 1 - 10 / 20 throughout."""
    trains = [np.arange(0.0, 301, 10), np.arange(0.0, 301, 20), np.arange(5.0, 301, 10)]
    matrix = isi_distance_matrix(trains, DURATION)
    assert matrix[0, 1] == pytest.approx(0.5)
    assert matrix[0, 2] == pytest.approx(0.0)


def test_spike_synchronization_by_hand():
    """Of 3 and 4 spikes two pairs coincide: 4 / 7."""
    matrix = spike_synchronization_matrix([[50.0, 100, 200], [52.0, 148, 199, 250], []], DURATION)
    assert matrix[0, 1] == pytest.approx(4 / 7)
    assert matrix[0, 2] == 0.0


def test_spike_distance_grows_with_jitter_and_not_with_a_scale_of_time():
    regular = np.arange(10.0, 300, 20)
    rng = np.random.default_rng(1)
    found = []
    for sigma in (0.5, 1.0, 2.0):
        trains = [np.sort(regular + sigma * rng.standard_normal(15)) for _ in range(10)]
        found.append(pair_mean(spike_distance_matrix(trains, DURATION)).value)
        slow = [10 * t for t in trains]
        assert pair_mean(spike_distance_matrix(slow, 10 * DURATION)).value == pytest.approx(
            found[-1]
        )
    assert 1.5 < found[1] / found[0] < 2.5
    assert 1.5 < found[2] / found[1] < 2.5


# --- of all pairs ----------------------------------------------------------------------


def test_means_over_pairs_are_pyspikes_of_many_trains():
    trains = trains_of(20, 5, 13, 0, 1, 17)
    theirs = pyspike_trains(trains, DURATION)
    for matrix, theirs_of in (
        (isi_distance_matrix, pyspike.isi_distance),
        (spike_distance_matrix, pyspike.spike_distance),
    ):
        found = pair_mean(matrix(trains, DURATION))
        assert found.value == pytest.approx(theirs_of(theirs), rel=1e-12)
    together = spike_synchronization_matrix(trains, DURATION)
    found = pair_mean(together, spikes_of_pairs(trains))
    assert found.value == pytest.approx(pyspike.spike_sync(theirs), rel=1e-12)
    assert found.value != pytest.approx(pair_mean(together).value, rel=0.02)  # weights tell


@pytest.mark.parametrize("matrix_of", MATRICES)
def test_pair_means_leave_out_one_trial_at_a_time(matrix_of):
    trains = trains_of(20, 5, 13, 8, 1, 17)
    matrix = matrix_of(trains, DURATION)
    weights = spikes_of_pairs(trains)
    found = pair_mean(matrix, weights)
    assert found.value == pytest.approx(
        np.average(off_diagonal(matrix), weights=off_diagonal(weights))
    )
    left = []
    for k in range(6):
        keep = np.delete(np.arange(6), k)
        part, share = matrix[np.ix_(keep, keep)], weights[np.ix_(keep, keep)]
        left.append(np.average(off_diagonal(part), weights=off_diagonal(share)))
    error = np.sqrt(5 / 6 * np.sum((np.array(left) - np.mean(left)) ** 2))
    assert found.interval[1] - found.value == pytest.approx(2.5706 * error, rel=1e-4)


@pytest.mark.parametrize("matrix_of", MATRICES)
def test_matrices_are_symmetric_and_take_silent_trials_and_spikes_at_the_ends(matrix_of):
    trains = [[], [0.0, 300.0], [300.0], [0.0], [], [150.0], list(np.arange(3.0, 300, 6))]
    matrix = matrix_of(trains, DURATION)
    assert matrix.shape == (7, 7)
    assert np.isfinite(matrix).all()
    assert (matrix == matrix.T).all()
    assert (matrix >= 0).all()
    if matrix_of not in (victor_purpura_matrix, van_rossum_matrix):
        assert (matrix <= 1 + 1e-12).all()


@pytest.mark.parametrize("matrix_of", MATRICES)
@pytest.mark.parametrize("trains", [[], [[]], [[5.0]], [[], [], []]])
def test_few_or_silent_trials(matrix_of, trains):
    matrix = matrix_of(trains, DURATION)
    assert matrix.shape == (len(trains), len(trains))
    assert np.isfinite(matrix).all()
    if len(trains) < 2:
        assert pair_mean(matrix).value is None


@pytest.mark.parametrize("matrix_of", MATRICES)
def test_trials_alike_to_the_bit_are_at_no_distance(matrix_of):
    matrix = matrix_of([np.arange(1.1, 300, 4.7)] * 4, DURATION)
    similar = matrix_of in (schreiber_matrix, spike_synchronization_matrix)
    if similar:
        assert off_diagonal(matrix) == pytest.approx(1.0, abs=1e-12)
    else:
        assert (off_diagonal(matrix) == 0.0).all()


def test_distances_per_spike():
    trains = [[100.0], [104.0], [280.0, 290.0], [], []]
    moved = per_spike(victor_purpura_matrix(trains, DURATION), trains)
    assert moved[0] == pytest.approx([0.0, 0.4, 1.0, 1.0, 1.0])
    assert moved[3, 4] == 0.0
    filtered = per_spike(van_rossum_matrix(trains, DURATION, 0.1) ** 2, trains)
    assert filtered[0, 1:4] == pytest.approx([1.0, 1.0, 1.0])


def test_the_interval_of_a_mean_over_pairs_covers_the_truth():
    """As if pairs were independent, an interval would hold far too seldom."""
    rng = np.random.default_rng(5)
    base = np.arange(20.0, 300, 40)

    def correlations(n):
        trains = []
        for _ in range(n):
            kept = base[rng.random(7) < 0.8]
            trains.append(np.sort(kept + rng.normal(0, 2, len(kept))))
        return schreiber_matrix(trains, DURATION)

    truth = np.mean([pair_mean(correlations(60)).value for _ in range(60)])
    ours = naive = 0
    for _ in range(300):
        matrix = correlations(10)
        low, high = pair_mean(matrix).interval
        ours += low <= truth <= high
        pairs = matrix[np.triu_indices(10, 1)]
        naive += abs(pairs.mean() - truth) <= 2.014 * pairs.std(ddof=1) / np.sqrt(45)
    assert 0.90 <= ours / 300 <= 0.99
    assert naive / 300 < 0.85


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: schreiber_matrix(t, DURATION, 0.0), "sigma_ms: 0; need a number above zero"),
        (lambda t: victor_purpura_matrix(t, DURATION, -1.0), "cost_per_ms: -1"),
        (lambda t: van_rossum_matrix(t, DURATION, np.inf), "tau_ms: inf"),
        (lambda t: isi_distance_matrix(t, 4.0), "a spike at 5 ms; need times from 0 to"),
    ],
)
def test_what_cannot_be_asked(call, message):
    with pytest.raises(InputError, match=message):
        call([[5.0], [3.0]])
