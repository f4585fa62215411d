"""Comparing methods: the numbers are those of the trials, and differences are told from chance."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest
from scipy import stats

from stochhh import compare
from stochhh.analysis.compared_quantities import (
    CLAMPED,
    clamped_rows,
    interval_rows,
    spike_rows,
    spiking_quantities,
    subthreshold_row,
)
from stochhh.analysis.comparison import (
    LEVEL,
    Compared,
    Sample,
    compare_samples,
    fewest_trials,
    holm,
    smallest_p,
)
from stochhh.analysis.estimates import Estimate
from stochhh.compare.table import comparison_tables
from stochhh.errors import InputError
from stochhh.plot.compare import MethodPoint, draw_comparison


def poisson_trains(rate_per_ms, trials, seed, duration_ms=1000.0):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate_per_ms * duration_ms, trials)
    return [np.sort(rng.uniform(0.0, duration_ms, n)) for n in counts]


def samples_of(*trains_of_methods, duration_ms=1000.0, onset_ms=0.0):
    quantities, grid = spiking_quantities(trains_of_methods)
    samples = []
    for place, trains in enumerate(trains_of_methods):
        rows = spike_rows(trains, duration_ms, onset_ms)
        rng = np.random.default_rng(place)
        rows["voltage_variance_mV2"] = np.array(
            [subthreshold_row(rng.normal(-65.0, 3.0, 200), -30.0) for _ in trains]
        )
        if grid is not None:
            rows["isi_distance_ms"] = interval_rows(trains, grid)
        samples.append(Sample("exact" if place == 0 else f"other{place}", rows))
    return quantities, samples


def by_name(row):
    return {one.quantity: one for one in row}


def test_numbers_are_those_of_the_trials():
    first, second = poisson_trains(0.03, 12, 1), poisson_trains(0.02, 12, 2)
    quantities, samples = samples_of(first, second, onset_ms=50.0)
    found = compare_samples(quantities, samples[0], samples[1:])
    for trains, name in ((first, "exact"), (second, "other1")):
        numbers = by_name(found[name])
        intervals = np.concatenate([np.diff(train) for train in trains])
        latencies = np.array([train[train >= 50.0][0] - 50.0 for train in trains])
        expected = {
            "rate_hz": np.mean([len(train) for train in trains]),
            "isi_mean_ms": intervals.mean(),
            "isi_cv": intervals.std(ddof=1) / intervals.mean(),
            "latency_ms": latencies.mean(),
            "jitter_ms": latencies.std(ddof=1),
        }
        for key, value in expected.items():
            assert numbers[key].estimate.value == pytest.approx(value, rel=1e-10), key
            low, high = numbers[key].estimate.interval
            assert low < value < high
    distance = by_name(found["other1"])["isi_distance_ms"].estimate.value
    intervals = [np.concatenate([np.diff(t) for t in trains]) for trains in (first, second)]
    assert distance == pytest.approx(stats.wasserstein_distance(*intervals), rel=0.01)
    difference = by_name(found["other1"])["rate_hz"].difference.value
    assert difference == pytest.approx(
        np.mean([len(t) for t in second]) - np.mean([len(t) for t in first])
    )


def test_distance_of_few_intervals_is_wasserstein_to_rounding():
    first, second = poisson_trains(0.01, 4, 3), poisson_trains(0.02, 4, 4)
    quantities, samples = samples_of(first, second)
    law = next(q for q in quantities if q.name == "isi_distance_ms")
    rows = [sample.rows["isi_distance_ms"].sum(axis=0) for sample in samples]
    intervals = [np.concatenate([np.diff(t) for t in trains]) for trains in (first, second)]
    assert law.distance(*rows) == pytest.approx(stats.wasserstein_distance(*intervals), rel=1e-12)


def test_subthreshold_variance_is_that_below_the_level():
    voltage = np.concatenate([np.random.default_rng(5).normal(-65.0, 2.0, 500), [-29.0, 30.0]])
    number, total, squares = subthreshold_row(voltage, -30.0)
    below = voltage[:500]
    variance = (squares / number - (total / number) ** 2) * number / (number - 1)
    assert number == 500
    assert variance == pytest.approx(below.var(ddof=1), rel=1e-10)


def test_clamp_quantities_are_those_of_the_currents():
    rng = np.random.default_rng(6)
    currents = [rng.normal(np.arange(8.0), 1.0, (30, 8)), rng.normal(np.arange(8.0), 2.0, (30, 8))]
    samples = [
        Sample(n, clamped_rows(c)) for n, c in zip(("exact", "other"), currents, strict=True)
    ]
    found = compare_samples(CLAMPED, samples[0], samples[1:])
    numbers = by_name(found["other"])
    assert numbers["current_mean_pA"].estimate.value == pytest.approx(currents[1].mean())
    variance = currents[1].var(axis=0, ddof=1).mean()
    assert numbers["current_variance_pA2"].estimate.value == pytest.approx(variance)
    away = currents[1].mean(axis=0) - currents[0].mean(axis=0)
    rms = np.sqrt((away**2).mean())
    assert numbers["current_distance_pA"].estimate.value == pytest.approx(rms)
    assert numbers["current_variance_pA2"].distinguishable
    assert not numbers["current_mean_pA"].distinguishable


def test_standard_error_of_a_mean_is_the_bootstraps():
    trains = poisson_trains(0.03, 40, 7)
    quantities, samples = samples_of(trains)
    rate = by_name(compare_samples(quantities, samples[0], [])["exact"])["rate_hz"]
    low, high = rate.estimate.interval
    counts = np.array([len(train) for train in trains])
    assert high - low == pytest.approx(2 * 1.96 * counts.std() / np.sqrt(40), rel=0.06)


def test_a_faster_law_is_told_apart_and_the_same_one_is_not():
    exact, same, faster = (poisson_trains(r, 20, s) for r, s in ((0.03, 1), (0.03, 2), (0.04, 3)))
    quantities, samples = samples_of(exact, same, faster)
    found = compare_samples(quantities, samples[0], samples[1:])
    assert not any(one.distinguishable for one in found["other1"])
    told = {one.quantity for one in found["other2"] if one.distinguishable}
    assert {"rate_hz", "isi_mean_ms", "isi_distance_ms"} <= told
    assert "voltage_variance_mV2" not in told
    law = by_name(found["other2"])["isi_distance_ms"]
    assert law.estimate.interval[0] > 2 * by_name(found["other1"])["isi_distance_ms"].chance


def test_other_shape_at_the_same_rate_is_told_by_the_law_of_intervals():
    """Regular spikes against Poisson's: only CV and law, not the mean, are to tell them apart."""
    rng = np.random.default_rng(8)
    regular = [np.arange(15.0, 1000.0, 33.3) + rng.normal(0.0, 1.0, 30) for _ in range(20)]
    quantities, samples = samples_of(poisson_trains(0.03, 20, 1), regular)
    found = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])
    assert found["isi_cv"].distinguishable
    assert found["isi_distance_ms"].distinguishable
    assert not found["rate_hz"].distinguishable


def test_p_values_are_uniform_where_there_is_no_difference():
    """Of 8 pairs exchanged, p is a multiple of 1/128 under the null; not so if rates differ."""
    rejected = {1.0: 0, 1.5: 0}
    n = 150
    for ratio in rejected:
        for seed in range(n):
            first = poisson_trains(0.03, 8, 2 * seed)
            second = poisson_trains(0.03 * ratio, 8, 2 * seed + 1)
            quantities, samples = samples_of(first, second)
            rate = [q for q in quantities if q.name == "rate_hz"]
            found = compare_samples(rate, samples[0], samples[1:])["other1"][0]
            rejected[ratio] += found.p <= 0.25
    assert stats.binomtest(rejected[1.0], n, 0.25, alternative="greater").pvalue > 1e-6
    assert stats.binomtest(rejected[1.0], n, 0.20, alternative="less").pvalue > 1e-6
    assert stats.binomtest(rejected[1.5], n, 0.25, alternative="greater").pvalue < 1e-6


def test_trials_are_the_units_not_their_spikes():
    """Rates that vary from trial to trial: thousands of spikes and yet nothing to tell."""
    rng = np.random.default_rng(9)

    def trains(rates):
        return [poisson_trains(rate, 1, int(rng.integers(1e9)))[0] for rate in rates]

    first = trains([0.01, 0.5, 0.02, 0.4, 0.1, 0.3, 0.03, 0.2, 0.05, 0.1])
    second = trains([0.3, 0.03, 0.5, 0.02, 0.3, 0.2, 0.1, 0.05, 0.4, 0.2])
    quantities, samples = samples_of(first, second)
    rate = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])["rate_hz"]
    counts = [sum(len(train) for train in each) for each in (first, second)]
    assert stats.binomtest(counts[0], sum(counts)).pvalue < 1e-6  # spikes as units would tell
    assert rate.p > 0.1


def test_common_stimuli_do_not_hide_a_difference():
    """Trials share what drives them; exchange within pairs sees through it."""
    rng = np.random.default_rng(10)
    drive = rng.uniform(0.005, 0.2, 20)
    first = [poisson_trains(rate, 1, k)[0] for k, rate in enumerate(drive)]
    second = [poisson_trains(1.3 * rate, 1, 100 + k)[0] for k, rate in enumerate(drive)]
    quantities, samples = samples_of(first, second)
    rate = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])["rate_hz"]
    counts = [np.array([len(t) for t in each]) for each in (first, second)]
    assert stats.ttest_ind(*counts).pvalue > 0.05
    assert rate.distinguishable


def test_silent_methods_have_no_intervals_and_no_test_of_them():
    silent = [np.zeros(0)] * 12
    quantities, samples = samples_of(poisson_trains(0.03, 12, 1), silent)
    found = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])
    assert found["rate_hz"].estimate.value == 0.0
    assert found["rate_hz"].distinguishable
    for name in ("isi_mean_ms", "isi_cv", "isi_distance_ms", "latency_ms", "jitter_ms"):
        assert found[name].estimate.value is None, name
        assert found[name].p is None, name


def test_all_silent():
    quantities, samples = samples_of([np.zeros(0)] * 12, [np.zeros(0)] * 12)
    assert "isi_distance_ms" not in [quantity.name for quantity in quantities]
    found = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])
    assert found["rate_hz"].p == 1.0


@pytest.mark.parametrize("trials", [1, 7])
def test_another_number_of_trials_is_described_and_not_tested(trials):
    quantities, samples = samples_of(poisson_trains(0.03, 12, 1), poisson_trains(0.03, trials, 2))
    found = compare_samples(quantities, samples[0], samples[1:])["other1"]
    assert all(one.p is None for one in found)
    assert by_name(found)["rate_hz"].difference.interval is None


def test_an_exchange_that_gives_no_number_speaks_for_no_difference():
    """One trial of each fires: exchanged, either gives the same difference again or none."""
    silent = [np.zeros(0)] * 10
    first = [np.array([5.0]), *silent]
    second = [*silent, np.array([50.0])]
    quantities, samples = samples_of(first, second)
    found = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])
    assert found["latency_ms"].difference.value == 45.0
    assert found["latency_ms"].p == 1.0


def test_only_corrected_p_values_tell_a_difference():
    plain = Compared("rate_hz", Estimate(1.0), p=0.01, p_corrected=0.2)
    assert not plain.distinguishable
    assert plain._replace(p_corrected=0.03).distinguishable


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_fewest_trials_is_where_the_smallest_p_passes():
    for n_tests in (1, 7, 42):
        n = fewest_trials(n_tests)
        assert n_tests * smallest_p(n) <= LEVEL < n_tests * smallest_p(n - 1)


@pytest.mark.parametrize("n", [6, 25])
def test_smallest_p_is_what_the_test_gives_at_most(n):
    """Rates far apart, exchanged within 6 pairs in all ways, within 25 in 9999 of them."""
    quantities, samples = samples_of(poisson_trains(0.01, n, 1), poisson_trains(0.2, n, 2))
    found = by_name(compare_samples(quantities, samples[0], samples[1:])["other1"])
    assert found["rate_hz"].p == pytest.approx(smallest_p(n), rel=1e-9)


def test_methods_are_read_exact_first_and_once():
    asked = compare.read_methods(["leap", " leap@0.1 ms", "exact", "leap", "auto"])
    assert [one.label for one in asked] == ["exact", "leap", "leap@0.1 ms", "auto"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["leep"], "no method 'leep'; did you mean 'leap'"),
        (["exact"], "nothing to compare with exact"),
        (["exact@0.1 ms"], "method 'exact' has no step; write exact alone"),
        (["leap@0.1"], "leap@0.1: got"),
        (["leap@-1 ms"], "leap@-1 ms: got"),
    ],
)
def test_wrong_methods_are_refused(texts, said):
    with pytest.raises(InputError, match=said) as raised:
        compare.read_methods(texts)
    assert "\n" not in str(raised.value)
    assert "--methods" in str(raised.value)


LEAP = compare.read_methods(["leap"])


def test_a_sweep_is_refused_with_what_would_do():
    with pytest.raises(InputError, match=r"varies clamp.segment.0.level; choose one") as raised:
        compare.prepare("clamp-family_HH52", LEAP)
    words = shlex.split(str(raised.value).partition("as in ")[2])
    overrides = [word for word in words if word != "--set"]
    ready = compare.prepare("clamp-family_HH52", LEAP, overrides)
    assert float(ready[0].clamp.segment[0].level_mV) == -70.0


def test_mean_fields_are_refused():
    with pytest.raises(InputError, match=r"membrane.channels\[1\].noise: got false"):
        compare.prepare("squid-patch", LEAP, ["membrane.channels.squid-k.noise=false"])


def test_studies_and_tagged_channels_are_left_out():
    ready = compare.prepare("dwell-times_CH81", LEAP, ["analysis.spikes.threshold=-5 mV"])
    for scenario in ready:
        assert not scenario.analysis.studies
        assert scenario.run.record.channels == 0
        assert float(scenario.analysis.spikes.threshold_mV) == -5.0


SMALL = ["membrane.area=5 um^2", "run.duration=100 ms"]


@pytest.fixture(scope="module")
def small():
    asked = compare.read_methods(["leap", "leap@0.1 ms", "deterministic", "auto"])
    ready = compare.prepare("spontaneous_CW96", asked, SMALL, seed=3, trials=6)
    shown = []

    class Watched:
        def __init__(self, what, total_ms):
            self.what, self.total, self.covered = what, total_ms, 0.0
            shown.append(self)

        def __enter__(self):
            return self.cover

        def __exit__(self, *_):
            pass

        def cover(self, covered_ms):
            self.covered += covered_ms

    return compare.compare(ready, asked, 1, Watched), shown


def test_each_method_runs_as_asked(small):
    comparison, _ = small
    runs = {run.label: run for run in comparison.runs}
    assert [runs[name].step_ms for name in ("exact", "leap", "leap@0.1 ms")] == [None, 0.05, 0.1]
    assert runs["auto"].method == "exact"
    assert runs["deterministic"].trials == 1
    assert all(run.wall_s_per_s > 0.0 for run in comparison.runs)


def test_progress_covers_every_run(small):
    _, shown = small
    assert [one.what for one in shown][:2] == ["exact, 6 trials", "leap, 6 trials"]
    for one in shown:
        assert one.covered == pytest.approx(one.total)


def test_values_are_those_of_a_plain_run(small):
    import stochhh

    comparison, _ = small
    plain = [*SMALL, "run.record.channels=0"]
    result = stochhh.run("spontaneous_CW96", overrides=plain, seed=3, trials=6, method="leap")
    found = by_name(comparison.found["leap"])
    rate = stochhh.summarise(result)["spikes"]["rate_hz"]
    assert found["rate_hz"].estimate.value == pytest.approx(rate)
    voltage = result["voltage"].values
    variance = voltage[voltage < -30.0].var(ddof=1)
    assert found["voltage_variance_mV2"].estimate.value == pytest.approx(variance)


def test_auto_that_is_exact_is_said_to_be(small):
    comparison, _ = small
    said = compare.conclusions(comparison)
    assert any(s.startswith("auto: is the exact method here") for s in said)
    assert all(one.p in (None, 1.0) for one in comparison.found["auto"])


def test_too_few_trials_are_said_to_be_too_few(small):
    comparison, _ = small
    n_tests = sum(one.p is not None for row in comparison.found.values() for one in row)
    fewest = fewest_trials(n_tests)
    assert fewest > 6
    assert any(f"need at least {fewest}" in s for s in compare.conclusions(comparison))
    assert any("deterministic: not tested" in s for s in compare.conclusions(comparison))


def test_numbers_become_json(small):
    comparison, _ = small
    tree = json.loads(json.dumps(compare.numbers(comparison), allow_nan=False))
    assert tree["scenario"] == "spontaneous_CW96"
    assert set(tree["methods"]) == {"exact", "leap", "leap@0.1 ms", "deterministic", "auto"}
    leap = tree["methods"]["leap"]
    assert leap["distinguishable"] is False
    assert {"value", "value_ci", "difference", "p", "p_corrected"} <= set(
        leap["quantities"]["rate_hz"]
    )


def test_tables_of_many_methods_are_cut_to_the_width(small):
    from rich.console import Console

    comparison, _ = small
    tables = comparison_tables(comparison, 80)
    assert len(tables) == 2
    console = Console(width=80, record=True)
    for table in tables:
        console.print(table)
    text = console.export_text()
    assert "…" not in text
    assert text.count("firing rate (Hz)") == 2


def test_picture_has_a_panel_for_each_quantity_and_for_speed(small):
    comparison, _ = small
    methods = [MethodPoint(run.label, run.wall_s_per_s) for run in comparison.runs]
    figure = draw_comparison(comparison.quantities, methods, comparison.found, "title")
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_visible()]
    assert "firing rate (Hz)" in labels
    assert labels[-1].startswith("wall time")
    assert len(labels) == len(comparison.quantities) + 1
    figure.canvas.draw()


def test_subunit_noise_is_told_from_exact_under_clamp_and_leap_is_not():
    asked = compare.read_methods(["leap", "subunit"])
    overrides = ["sweep={}", "membrane.area=20 um^2"]
    ready = compare.prepare("clamp-family_HH52", asked, overrides, seed=1, trials=60)
    comparison = compare.compare(ready, asked)
    told = {
        label: [one.quantity for one in row if one.distinguishable]
        for label, row in comparison.found.items()
    }
    assert told == {"exact": [], "leap": [], "subunit": ["current_variance_pA2"]}
    words = " ".join(compare.conclusions(comparison))
    assert "subunit: distinguishable from exact in 60 trials of 14 ms (known to be wrong" in words
    assert "current variance" in words
    assert "leap: not distinguishable from exact" in words
