"""Every kind of interval holds the truth about as often as it says (see ``coverage_of.py``)."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_of import EXPERIMENTS, held
from scipy import stats

from stochhh.analysis.estimates import mean_estimate

REPEATS = 200
LEVEL = 1e-4  # that a right interval is refused


@pytest.mark.parametrize("index", range(len(EXPERIMENTS)))
def test_intervals_hold_the_truth(index):
    experiment = EXPERIMENTS[index]
    for name, (share, _, n) in held(experiment, REPEATS, 1000 + index).items():
        assert n > 0.5 * REPEATS, name
        fewest = stats.binom.ppf(LEVEL, n, experiment.lowest)
        assert share * n >= fewest, f"{name}, {experiment.sample}: {share:.3f}"


def test_the_count_of_hits_refuses_students_interval_of_single_spikes():
    """The negative control: of five trials that fire with chance 0.95 it is mostly a point."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(REPEATS):
        low, high = mean_estimate(rng.binomial(1, 0.95, 5)).interval
        hits += low <= 0.95 <= high
    assert hits < stats.binom.ppf(LEVEL, REPEATS, 0.92)
