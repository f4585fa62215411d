"""Quantal content by four ways, against numbers of known law; and the force of twitches."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.analysis import quantal
from stochhh.analysis.release import (
    Sites,
    count_law,
    expected_counts,
    full_share,
    vesicles_of_spikes,
)
from stochhh.analysis.responses import courses, responses
from stochhh.analysis.twitch import fibre_force, twitch
from stochhh.studies import analyse, find_study
from stochhh.studies.twitch import Force, force_numbers


def released(mean, n, seed=1):
    return np.random.default_rng(seed).poisson(mean, n).astype(float)


def test_all_ways_of_counting_agree_on_poisson_quanta():
    rng = np.random.default_rng(2)
    counts = released(2.0, 4000)
    quanta = rng.normal(0.5, 0.15, 500)
    responses = np.array([rng.normal(0.5, 0.15, int(k)).sum() for k in counts])
    noisy = responses + rng.normal(0.0, 0.4, 4000)
    cv = float(quanta.std(ddof=1) / quanta.mean())
    ways = (
        quantal.by_count(counts, np.arange(4000)),
        quantal.by_failures(len(counts), int(np.sum(counts == 0))),
        quantal.by_amplitude(responses, quanta),
        quantal.by_variance(responses[:1000], cv),
        quantal.by_variance(noisy[:1000], cv, 0.16),
    )
    for way in ways:
        assert way.interval[0] < 2.0 < way.interval[1]
        assert way.interval[1] - way.interval[0] < 0.7
    assert quantal.by_variance(noisy[:1000], cv).interval[1] < 2.0  # noise taken for vesicles


def test_spikes_of_one_trial_are_not_independent():
    """Pairs that release alike tell no more than one of them."""
    twins = quantal.by_count(np.repeat([1.0, 0.0] * 50, 2), np.repeat(np.arange(100), 2))
    apart = quantal.by_count(np.repeat([1.0, 0.0] * 50, 2), np.arange(200))
    wide, narrow = np.diff(twins.interval), np.diff(apart.interval)
    assert wide / narrow == pytest.approx(2**0.5, rel=0.05)


def test_where_nothing_can_be_told_nothing_is():
    assert quantal.by_failures(100, 0) is None
    assert quantal.by_amplitude(np.ones(5), np.ones(1)) is None
    assert quantal.by_amplitude(np.ones(5), np.array([0.1, -0.1, 0.12])) is None
    assert quantal.by_variance(np.ones(5), 0.1) is None
    assert quantal.by_variance(np.array([1.0, 1.1, 0.9]), 0.1, 1.0) is None
    none = quantal.by_failures(100, 100)
    assert none.value == 0.0
    assert none.interval == pytest.approx((0.0, 0.0377), abs=2e-4)  # Wilson 96.3 to 100 %
    zeros = quantal.by_count(np.zeros(100), np.arange(100))
    assert zeros.value == 0.0
    assert zeros.interval == pytest.approx((0.0, 0.0369), abs=1e-4)  # Garwood: 3.69 of 100


def test_full_sites_follow_from_when_spikes_came():
    """Without spread and spontaneous release a product; then by drawing many sites."""
    once = Sites(10, 0.4, 1.0, 0.0, 20.0, 0.0)
    train = np.array([5.0, 15.0, 25.0])
    refilled = 1 - np.exp(-9.0 / 20.0)
    second = 0.6 + 0.4 * refilled
    third = second * 0.6 + (1 - 0.6 * second) * 0.0
    full = full_share(once, train)
    np.testing.assert_allclose(full[:2], [1.0, second], rtol=1e-9)
    # empty at the third: of the second release, or of the first and not refilled since
    third = 1 - 0.4 * second * (1 - refilled) - 0.4 * np.exp(-19.0 / 20.0)
    assert full[2] == pytest.approx(third, rel=1e-9)

    rng, n = np.random.default_rng(3), 100_000
    sites = Sites(1, 0.5, 2.0, 6.0, 8.0, 0.05)
    ready_at, found, now = np.zeros(n), [], 0.0
    for spike in train:
        wait = rng.exponential(1 / 0.05, n)
        while True:  # spontaneous release of full sites, up to the spike
            begin = np.maximum(ready_at, now)
            goes = begin + wait < spike
            if not goes.any():
                break
            ready_at = np.where(goes, begin + wait + rng.exponential(8.0, n), ready_at)
            wait = np.where(goes, rng.exponential(1 / 0.05, n), wait)
        full_now = ready_at <= spike
        found.append(full_now.mean())
        out = spike + 2.0 + rng.gamma(2, 3.0, n) + rng.exponential(8.0, n)
        ready_at = np.where(full_now & (rng.random(n) < 0.5), out, ready_at)
        now = spike
    np.testing.assert_allclose(full_share(sites, train), found, atol=5 * 0.5 / n**0.5)
    assert np.abs(full_share(sites._replace(spontaneous=0.0), train) - found).max() > 0.02


def test_expected_counts_are_those_of_the_binomial_laws():
    sites, full = Sites(10, 0.4, 0.5, 0.3, 50.0, 0.0), np.array([1.0, 0.5])
    expected = expected_counts(sites, full)
    assert expected.mean == pytest.approx(3.0)
    assert expected.variance == pytest.approx((2.4 + 1.6) / 2 + 1.0)
    assert expected.failures == pytest.approx((0.6**10 + 0.8**10) / 2)
    law = count_law(sites, full, np.arange(11))
    assert law.sum() == pytest.approx(1.0)
    assert law[0] == pytest.approx(expected.failures)


def test_vesicles_belong_to_the_spike_near_their_release():
    spikes = np.array([10.0, 20.0, 30.0])
    terminal = np.array([9.8, 9.8, 20.4, 36.0, 3.0])  # thresholds below and above that of spikes
    found = vesicles_of_spikes(spikes, terminal, 5.0)
    np.testing.assert_array_equal(found, [2, 1, 0, 2])
    np.testing.assert_array_equal(vesicles_of_spikes(spikes[:1], terminal[:3], 5.0), [2, 1])
    np.testing.assert_array_equal(vesicles_of_spikes(spikes[:0], terminal, 5.0), [5])


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


def noisy_courses(n, height):
    """Courses of 6 ms after events in noise of SD 1 mV, each with a response that peaks at 2 ms."""
    rng = np.random.default_rng(4)
    time = np.arange(0.0, 20.0, 0.1)
    since = np.maximum(time - 10.0, 0.0)
    voltage = -65 + height * since / 2.0 * np.exp(1 - since / 2.0)
    voltage = voltage + rng.normal(0.0, 1.0, (n, len(time)))
    return courses(time, voltage, np.arange(n), np.full(n, 10.0), 6.0)


@pytest.mark.parametrize("height", [0.0, 3.0, -3.0])
def test_a_response_is_no_rectified_noise(height):
    course = noisy_courses(400, height)
    assert course.shape == (400, 61)
    found = responses(course, np.ones(400, dtype=bool), np.sign(height) or 1.0).value_mV
    error = found.std() / 20
    assert abs(found.mean() - height) < 4 * error + 0.02 * abs(height)  # a mean around the peak
    assert error < 0.06
    largest = course.max(axis=1).mean()  # the rule of before
    assert abs(largest - height) > 10 * error


def test_events_near_the_ends_have_no_response():
    time = np.arange(0, 20, 0.1)
    voltage = np.zeros((1, 200))
    course = courses(time, voltage, np.zeros(3, dtype=int), np.array([0.05, 10.0, 18.0]), 5.0)
    assert np.isnan(course).all(axis=1).tolist() == [True, False, True]


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
    # 40 sites full but for spontaneous release: 1 / (1 + 0.25 / s 0.1 s), nearly, at 80 ms
    labels = [row.label for row in find_study("quantal").rows(numbers)]
    assert "  by variance of responses, if Poisson" in labels
    assert numbers["content_by_count_theory"] == pytest.approx(2.0 / 1.0138, rel=5e-4)
    assert numbers["vesicles_without_a_spike"] == 0
    assert 1.4 < numbers["quantum_mV"] < 2.0
    assert numbers["delay_ms"] == pytest.approx(0.9, abs=0.1)
    stochhh.save(junction, tmp_path)
    assert (tmp_path / "quantal.png").stat().st_size > 10_000
    assert len((tmp_path / "quantal_spikes.csv").read_text().splitlines()) == 61


QUICK = [
    "run.duration=22 ms", "stimulus.0.start=10 ms", "run.deterministic=false",
    'cell.fibre.section=[{name="shaft", membrane="muscle", area="200 um^2"}]',
    "synapse.0.to_at=start", 'run.record.where=["fibre", "nerve"]',
]  # fmt: skip


@pytest.mark.parametrize("threshold", [-30, 0, 20])
def test_vesicles_are_counted_whatever_the_threshold_of_release(threshold):
    settings = [*QUICK, f"synapse.0.release.threshold={threshold} mV"]
    result = stochhh.run("neuromuscular_DCK54", trials=40, seed=1, overrides=settings)
    (outcome,) = analyse(result)
    numbers = outcome.findings.numbers
    evoked = np.isfinite(result["release_spike"].values).sum()
    assert numbers["vesicles_without_a_spike"] == 0
    assert evoked > 40
    assert numbers["content_by_count"] == pytest.approx(evoked / 40)
    assert numbers["failures"] < 15


def test_the_noise_of_a_membrane_is_no_response():
    """No vesicle at all, onto a patch of 200 µm² with the channels of squid axon."""
    channels = [
        f'{{scheme="{scheme}", density="{density}/um^2", conductance="20 pS", reversal="{E} mV"}}'
        for scheme, density, E in (("squid-na", 60, 50), ("squid-k", 18, -77))
    ]
    settings = [
        *QUICK, "synapse.0.release.probability=0.0", 'synapse.0.release.spontaneous="0 / s"',
        f'membranes.muscle={{temperature="6.3 degC", capacitance="1 uF/cm^2", leak={{'
        f'conductance="0.3 mS/cm^2", reversal="-54.4 mV"}}, channels=[{", ".join(channels)}]}}',
    ]  # fmt: skip
    result = stochhh.run("neuromuscular_DCK54", trials=60, seed=2, overrides=settings)
    (outcome,) = analyse(result)
    numbers = outcome.findings.numbers
    assert numbers["failures"] == numbers["spikes"] == 60
    low, high = numbers["response_mV_ci"]
    assert low < 0.0 < high < 1.0
    assert 0.5 < numbers["noise_mV"] < 4.0
    assert numbers["content_by_count_ci"] == pytest.approx([0.0, 3.689 / 60], rel=1e-3)
    assert numbers["content_by_failures"] == 0.0
    assert numbers["content_by_variance"] is None
    said = find_study("quantal").says(numbers)
    assert "0 vesicles came alone, and two are needed" in said


def test_a_spike_of_the_next_cell_is_no_response():
    result = stochhh.run("two-neurons", trials=20, seed=1)
    (outcome,) = analyse(result)
    study, numbers = outcome.findings.data, outcome.findings.numbers
    assert sum(len(train) for train in result.spike_trains(where="second end")) > 3
    assert numbers["responses_left_out"] >= 5
    assert study.response_mV[study.kept].max() < 15.0
    said = find_study("quantal").says(numbers)
    assert "full site releases with probability 0.35" in said
    assert "find only 66 % of the sites full" in said
    assert "responses became spikes, which leaves out large ones." in said
    assert numbers["content_by_variance"] is None  # 2.47, 0.03 to 177, of what was left
    assert numbers["content_by_count_theory"] == pytest.approx(2.752, abs=2e-3)  # not 3.5
    labels = [row.label for row in find_study("quantal").rows(numbers)]
    assert "  by variance of responses, if Poisson" not in labels


def test_the_mean_field_has_no_quanta():
    settings = [*QUICK, "run.method=deterministic"]
    result = stochhh.run("neuromuscular_DCK54", seed=1, overrides=settings)
    with pytest.raises(stochhh.InputError, match="mean field releases parts of vesicles"):
        analyse(result)


def test_studies_of_cells_and_of_one_membrane_are_told_apart(junction):
    with pytest.raises(stochhh.InputError, match="unknown key 'reliability'; known: propagation"):
        analyse(junction, ["reliability"])


def test_the_twitch_of_dominoes_comes_after_the_impulse():
    result = stochhh.run("dominoes", trials=1, seed=2, overrides=["run.record.interval=0.2 ms"])
    (outcome,) = analyse(result)
    assert outcome.findings.numbers["contracted"] == 1
    assert outcome.findings.numbers["peak_force"] == pytest.approx(1.0, abs=0.01)
    assert outcome.findings.numbers["peak_ms"] > 43


def test_fibres_that_did_not_contract_have_no_peak():
    """Of three trials one had no impulse: its force of 0 at 0 ms is no contraction."""
    time = np.linspace(0.0, 100.0, 201)
    impulses = [np.array([5.0]), np.array([]), np.array([5.0])]
    force = np.array([fibre_force(time, one, 20.0, 0.0) for one in impulses])
    found = force_numbers(Force("fibre", time, force, impulses, None, ""))
    assert found["contracted"] == 2
    assert found["peak_force"] == pytest.approx(1.0, abs=1e-3)
    assert found["peak_ms"] == pytest.approx(25.0, abs=0.5)
    low, high = found["impulses_ci"]
    assert 0.0 <= low < found["impulses"] < high
