"""Quantal content by four ways, against numbers of known law; and the force of twitches."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.analysis import quantal
from stochhh.analysis.twitch import fibre_force, twitch
from stochhh.studies import analyse


def released(mean, n, seed=1):
    return np.random.default_rng(seed).poisson(mean, n).astype(float)


def test_all_ways_of_counting_agree_on_poisson_quanta():
    rng = np.random.default_rng(2)
    counts = released(2.0, 4000)
    quanta = rng.normal(0.5, 0.15, 500)
    responses = np.array([rng.normal(0.5, 0.15, int(k)).sum() for k in counts])
    cv = float(quanta.std(ddof=1) / quanta.mean())
    ways = (
        quantal.by_count(counts),
        quantal.by_failures(len(counts), int(np.sum(counts == 0))),
        quantal.by_amplitude(responses, quanta),
        quantal.by_variance(responses[:1000], cv),
    )
    for way in ways:
        assert abs(way.value - 2.0) < 4 * way.error
        assert way.error < 0.2


def test_errors_are_those_of_repeated_experiments():
    counts = released(2.0, 200 * 2000).reshape(2000, 200)
    ways = [quantal.by_failures(200, int(np.sum(row == 0))) for row in counts]
    values = np.array([way.value for way in ways])
    assert np.mean([way.error for way in ways]) == pytest.approx(values.std(), rel=0.1)
    inside = [way.interval[0] < 2.0 < way.interval[1] for way in ways]
    assert 0.93 < np.mean(inside) < 0.975


def test_without_failures_or_quanta_there_is_no_estimate():
    assert quantal.by_failures(100, 0) is None
    assert quantal.by_failures(100, 100) is None
    assert quantal.by_amplitude(np.ones(5), np.ones(1)) is None
    assert quantal.by_variance(np.ones(5), 0.1) is None


def test_saturation_is_taken_out():
    """Quanta open equal conductances: v = E g n / (1 + g n)."""
    n = np.array([1.0, 5.0, 20.0])
    saturated = 80 * 0.02 * n / (1 + 0.02 * n)
    np.testing.assert_allclose(quantal.without_saturation(saturated, 80.0), 1.6 * n)


def test_dispersion_tells_poisson_from_others():
    ratio, p_value = quantal.dispersion(released(2.0, 2000))
    assert ratio == pytest.approx(1.0, abs=0.1)
    assert p_value > 1e-3
    binomial = np.random.default_rng(3).binomial(4, 0.5, 2000).astype(float)
    ratio, p_value = quantal.dispersion(binomial)
    assert ratio == pytest.approx(0.5, abs=0.06)
    assert p_value < 1e-6


def test_a_response_is_measured_from_its_baseline():
    time = np.arange(0, 20, 0.1)
    voltage = -80 + np.where(time > 10, 3 * np.exp(-(time - 10) / 5), 0.0)
    assert quantal.response_mV(time, voltage, 10.0, 5.0) == pytest.approx(3.0, abs=0.1)
    assert np.isnan(quantal.response_mV(time, voltage, 30.0, 5.0))


def test_a_twitch_peaks_at_its_contraction_time():
    time = np.linspace(-10, 200, 2101)
    force = twitch(time, 40.0)
    assert force.max() == pytest.approx(1.0)
    assert time[force.argmax()] == pytest.approx(40.0)
    assert np.all(force[time <= 0] == 0.0)


def test_twitches_add_up():
    time = np.linspace(0, 300, 301)
    both = fibre_force(time, np.array([10.0, 60.0]), 40.0, 3.0)
    np.testing.assert_allclose(both, twitch(time - 13, 40.0) + twitch(time - 63, 40.0))
    assert np.all(fibre_force(time, np.zeros(0), 40.0) == 0.0)


@pytest.fixture(scope="module")
def junction():
    return stochhh.run("neuromuscular_DCK54", trials=60, seed=3)


def test_a_neuromuscular_run_counts_its_quanta(junction, tmp_path):
    (outcome,) = analyse(junction)
    numbers = outcome.findings.numbers
    assert numbers["spikes"] == 60
    count = numbers["content_by_count"]
    for way in ("failures", "amplitude", "variance"):
        low, high = numbers[f"content_by_{way}_ci"]
        assert low - 0.5 < count < high + 0.5, way
    assert numbers["content_by_count_theory"] == 2.0
    assert 1.4 < numbers["quantum_mV"] < 2.0
    assert numbers["delay_ms"] == pytest.approx(0.9, abs=0.1)
    stochhh.save(junction, tmp_path)
    assert (tmp_path / "quantal.png").stat().st_size > 10_000
    assert len((tmp_path / "quantal_spikes.csv").read_text().splitlines()) == 61


def test_studies_of_cells_and_of_one_membrane_are_told_apart(junction):
    with pytest.raises(stochhh.InputError, match="unknown key 'reliability'; known: propagation"):
        analyse(junction, ["reliability"])


def test_the_twitch_of_dominoes_comes_after_the_impulse():
    result = stochhh.run("dominoes", trials=1, seed=2, overrides=["run.record.interval=0.2 ms"])
    (outcome,) = analyse(result)
    assert outcome.findings.numbers["contracted"] == 1
    assert outcome.findings.numbers["peak_force"] == pytest.approx(1.0, abs=0.01)
    assert outcome.findings.numbers["peak_ms"] > 43
