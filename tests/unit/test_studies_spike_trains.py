"""Studies of spike trains: what they need, find, write and draw."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from study_checks import check_table, outcome_of, setups_of

import stochhh
from stochhh.analysis.applicable import filled_settings, settings_across, spans_sweep
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.exponential_tail import exponential_tail
from stochhh.analysis.interval_moments import hazard_landmarks
from stochhh.analysis.reliability import event_reliability, reliability
from stochhh.analysis.spike_jitter import spike_jitter
from stochhh.analysis.spike_shapes import spike_shapes
from stochhh.analysis.spike_statistics import spike_statistics
from stochhh.analysis.trains import cut_trains, turned_trains
from stochhh.errors import InputError
from stochhh.result import Result, load
from stochhh.simulate import plan, resolve
from stochhh.studies import analyse, find_study
from stochhh.studies.making import write_outcomes
from stochhh.studies.reliability import MEASURES
from stochhh.studies.spike_train import time_label

RG, PT = "intervals_RG14", "intervals_PT20"
MS, SFS = "reliability_MS95", "reliability_SFS98"
AP = "spike-shapes_HH52"
STEADY = 'stimulus=[{kind="constant", amplitude="10 uA/cm^2"}]'


@pytest.fixture(scope="module")
def spontaneous():
    small = ["sweep={}", "membrane.area=20 um^2", "run.duration=2 s"]
    return stochhh.run(RG, overrides=small, seed=1, trials=8)


@pytest.fixture(scope="module")
def driven():
    small = ["run.duration=300 ms", 'run.record={interval="0.05 ms", variables=[]}']
    overrides = [STEADY, *small, "run.method=leap"]
    return stochhh.run("squid-patch", overrides=overrides, seed=1, trials=6)


@pytest.fixture(scope="module")
def swept():
    grid = '"stimulus.0.sd"=["0 uA/cm^2", "15 uA/cm^2"], "membrane.count_factor"=[1.0, 10.0]'
    return stochhh.run(SFS, overrides=[f"sweep={{{grid}}}", "run.duration=300 ms"], trials=10)


@pytest.fixture(scope="module")
def shaped():
    return stochhh.run(AP, seed=2, trials=8)


def numbers_of(result, study, *overrides):
    return outcome_of(result, study, *overrides).findings.numbers


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def same(numbers, name, estimate):
    assert numbers[name] == estimate.value
    ends = numbers[f"{name}_ci"]
    assert (None if ends is None else tuple(ends)) == estimate.interval


def figure_of(outcome):
    return find_study(outcome.name).draw(outcome.findings, outcome.heading)


def texts(figure):
    """Labels of axes and of lines, titles and legends."""
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        found += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")]
        legend = axes.get_legend()
        found += [] if legend is None else [text.get_text() for text in legend.get_texts()]
    return found


# What the studies are asked for


def test_two_are_of_a_point_and_one_of_a_sweep():
    assert [spans_sweep(n) for n in ("spike_train", "spike_shape", "reliability")] == [0, 0, 1]


# fmt: off
REFUSED = [
    ("ramp", "analysis.spike_train={}", r"analysis\.spike_train: a clamped membrane makes no sp"),
    ("ramp", "analysis.spike_shape={}", r"analysis\.spike_shape: a clamped membrane makes no sp"),
    ("ramp", "analysis.reliability={}", r"analysis\.reliability: a clamped membrane makes no sp"),
    (RG, "run.method=deterministic", r"analysis\.spike_train: a deterministic run has no noise; .*"
     r"--set analysis\.spike_train=false"),
    (RG, "analysis.spike_train.start=30 s", r"analysis\.spike_train\.start: from 30000 to 20000"),
    (RG, "analysis.spike_train.end=30 s", r"analysis\.spike_train\.end: from 500 to 30000"),
    (RG, "analysis.spike_train.interval_bin=20 s", r"spike_train\.interval_bin: \"20 s\" is longer "
     r"than the part looked at, 19500 ms"),
    (RG, "analysis.spike_train.rate_bin=20 s", r"spike_train\.rate_bin: \"20 s\" is longer"),
    (RG, 'analysis.spike_train.windows=["1 s", "20 s"]', r"spike_train\.windows: \"20 s\" is lon"),
    (RG, "analysis.spike_train.windows=[3]", r"analysis\.spike_train\.windows.*unit"),
    (RG, "analysis.spike_train.lags=0", r"analysis\.spike_train\.lags: got 0, but"),
    (RG, "analysis.spike_train.bins=3", r"analysis\.spike_train: unknown key 'bins'"),
    (AP, "run.record.interval=0.1 ms", r"analysis\.spike_shape: voltage is recorded every 0\.1 ms, "
     r"too seldom for the shape of a spike; need 0\.05 ms or less, as in "
     r"run\.record\.interval=\"0\.02 ms\"; or leave the study out with --set analysis\.spike_sh"),
    (AP, "analysis.spike_shape.base=0 mV", r"analysis\.spike_shape\.base: 0 mV; need less than the "
     r"threshold of spikes, 0 mV"),
    (AP, 'analysis.spike_shape={start="1 ms", end="1.04 ms"}', r"spike_shape\.end: from 1 to 1\.04 "
     r"ms there are too few records"),
    (AP, "analysis.spike_shape.spikes=0", r"analysis\.spike_shape\.spikes: got 0, but"),
    (MS, "run.method=deterministic", r"analysis\.reliability: a deterministic run has no noise"),
    (MS, "run.trials=1", r"analysis\.reliability: needs trials to compare, run\.trials of 2 or "
     r"more, not 1; or leave it out with --set analysis\.reliability=false"),
    (MS, 'stimulus=[{kind="noise", mean="150 pA", sd="1 pA", correlation_time="3 ms"}]',
     r"analysis\.reliability: trials are compared under one stimulus, but that of kind 'noise' "
     r"differs from trial to trial; take kind 'frozen-noise'"),
    (MS, "analysis.reliability.axis=membrane.area", r"analysis\.reliability\.axis: no swept key"),
    (MS, "analysis.reliability.start=1 s", r"analysis\.reliability\.start: from 1000 to 900 ms"),
    (MS, "analysis.reliability.cost=0.2", r"analysis\.reliability\.cost.*unit"),
    (MS, "analysis.reliability.tau=0 ms", r"analysis\.reliability\.tau"),
    (PT, "analysis.spike_train=false; analysis.reliability={}", r"analysis\.reliability\.axis: "
     r"name one of several: \"membrane\.channels\.squid-na\.noise\", "),
    (PT, "analysis.spike_train=false; "
     'analysis.reliability={axis="membrane.channels.squid-k.noise"}',
     r"analysis\.reliability\.axis: values of .*: need numbers"),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "override", "message"), REFUSED)
def test_what_a_study_cannot_be_made_of_is_refused_before_the_run(scenario, override, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, override.split("; "), seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_what_settings_leave_open_is_filled_in():
    (setup, *_) = setups_of(RG, ["analysis.spike_train={}"])
    filled = filled_settings("spike_train", setup, "x")
    assert (filled.start_ms, filled.end_ms) == (0.0, 20_000.0)
    setups = setups_of(SFS)
    assert settings_across("reliability", setups, "x").axis == "membrane.count_factor"
    assert settings_across("reliability", setups_of(MS), "x").axis == "stimulus.0.sd"
    assert settings_across("reliability", setups_of(MS, ["sweep={}"]), "x").axis is None
    other = ['sweep={"stimulus.0.resolution"=["0.05 ms", "0.1 ms"]}']  # any axis will do
    assert settings_across("reliability", setups_of(MS, other), "x").axis == (
        "stimulus.0.resolution"
    )
    noisy = 'stimulus=[{kind="noise", sd="5 uA/cm^2", correlation_time="3 ms"}]'
    (setup,) = setups_of(RG, [noisy, "sweep={}", "run.method=deterministic"])
    assert (
        filled_settings("spike_train", setup, "x").end_ms == 20_000.0
    )  # trials differ all the same


# Statistics of spike trains


def test_spike_train_tells_what_the_pure_functions_do(spontaneous, tmp_path):
    outcome = outcome_of(spontaneous, "spike_train")
    check_table(outcome)
    numbers = outcome.findings.numbers
    trains = cut_trains(spontaneous.spike_trains(), 500.0, 2000.0)
    found = spike_statistics(trains, 1500.0, steady=True)
    isi, every = found.isi, np.concatenate([np.diff(train) for train in trains])
    assert (numbers["trials"], numbers["spikes"]) == (8, sum(map(len, trains)))
    assert numbers["intervals"] == numbers["spikes"] - 8
    same(numbers, "rate_hz", found.rate_hz)
    assert numbers["steady"] is True
    same(numbers, "isi_mean_ms", isi.mean_ms)
    same(numbers, "isi_variance_ms2", isi.variance_ms2)
    same(numbers, "cv", isi.cv)
    for name in ("cv2", "lv"):
        same(numbers, name, getattr(found, name))
    assert numbers["isi_shortest_ms"] == every.min()
    low, high = np.quantile(every, [0.25, 0.75])
    assert numbers["isi_middle_half_ms"] == high - low
    assert (numbers["rate_hz_theory"], numbers["isi_mean_ms_theory"]) == (0.0, None)  # silent
    serial = found.serial
    assert [one["lag"] for one in numbers["serial"]] == [1, 2, 3, 4, 5]
    assert numbers["serial"][1]["correlation"] == serial.coefficient[1]
    assert numbers["serial"][1]["correlation_ci"] == [serial.low[1], serial.high[1]]
    assert numbers["serial"][1]["shuffled"] == [serial.shuffled_low[1], serial.shuffled_high[1]]
    windows = [one["window_ms"] for one in numbers["fano"]]
    assert windows == [w for w in found.fano.window_ms if w in windows]
    assert 0.5 < windows[0] / isi.mean_ms.value < 2.0
    assert 5.0 < windows[1] / isi.mean_ms.value < 20.0
    place = list(found.fano.window_ms).index(windows[1])
    ends = (found.fano.low[place], found.fano.high[place])
    same(numbers["fano"][1], "fano", Estimate(found.fano.fano[place], ends))
    tail = exponential_tail(trains, 1500.0)
    assert numbers["tail"]["start_ms"] == tail.start_ms
    same(numbers["tail"], "hazard_hz", tail.hazard_hz)
    assert numbers["tail"]["peak_hz"] == hazard_landmarks(found.intervals, tail).peak_hz
    written = {path.name: path for path in write_outcomes([outcome], tmp_path)}
    assert sorted(written) == [
        "spike_train.png",
        "spike_train_fano.csv",
        "spike_train_intervals.csv",
        "spike_train_rate.csv",
    ]
    rows = rows_of(written["spike_train_intervals.csv"])
    np.testing.assert_array_equal([int(row["intervals"]) for row in rows], found.intervals.count)
    hazard = [float(row["hazard_per_ms"] or "nan") for row in rows]
    np.testing.assert_array_equal(hazard, found.intervals.hazard_per_ms)
    rates = rows_of(written["spike_train_rate.csv"])
    assert float(rates[0]["time_ms"]) > 500.0  # of the trial, not of its part


def test_spike_train_sets_the_deterministic_membrane_beside(driven):
    numbers = numbers_of(driven, "spike_train", "start=100 ms")
    alone = driven.spike_trains(deterministic=True)[0]
    alone = alone[alone >= 100.0]
    assert numbers["rate_hz_theory"] == len(alone) / 0.2
    assert numbers["isi_mean_ms_theory"] == np.diff(alone).mean()
    assert numbers["isi_mean_ms_theory"] == pytest.approx(14.638, abs=2e-3)
    assert "the deterministic one at" in find_study("spike_train").says(numbers)
    silenced = Result(driven.dataset.drop_vars("deterministic_voltage"))
    assert numbers_of(silenced, "spike_train")["rate_hz_theory"] is None


def test_windows_bins_and_lags_are_those_asked_for(driven):
    outcome = outcome_of(
        driven, "spike_train", 'windows=["10 ms", "100 ms"]', "lags=3", "interval_bin=2 ms",
        "rate_bin=20 ms",
    )  # fmt: skip
    numbers, found = outcome.findings.numbers, outcome.findings.data.found
    assert [one["window_ms"] for one in numbers["fano"]] == [10.0, 100.0]
    assert len(numbers["serial"]) == 3
    assert found.intervals.edges_ms[1] == 2.0
    assert found.psth.time_ms[0] == 10.0


def test_spike_train_says_what_law_intervals_have():
    says = find_study("spike_train").says
    base = {
        "rate_hz": 20.0, "rate_hz_theory": 0.0, "intervals": 1234, "isi_mean_ms": 50.0, "cv": 0.9,
        "serial": [{"correlation": 0.01, "shuffled": [-0.05, 0.05]}],
    }  # fmt: skip
    tail = {
        "start_ms": 12.0, "share": 0.99, "hazard_hz": 25.0, "peak_ms": 17.0, "peak_hz": 60.0,
        "dip_ms": None, "dip_hz": None, "bump_ms": None, "bump_hz": None,
    }  # fmt: skip
    assert says({**base, "tail": tail}) == (
        "The membrane fires at 20 Hz (the deterministic one at 0 Hz). The 1,234 intervals have a "
        "mean of 50 ms and a CV of 0.9: as of a Poisson process of 25 Hz after a refractory part "
        "of 12 ms. The order of the intervals does not matter."
    )
    bumpy = {**tail, "share": 0.4, "start_ms": 40.0, "dip_ms": 24.0, "dip_hz": 10.0,
             "bump_ms": 30.0, "bump_hz": 44.0}  # fmt: skip
    assert says({**base, "tail": bumpy}).split(". ")[1] == (
        "The 1,234 intervals have a mean of 50 ms and a CV of 0.9: the hazard peaks at 17 ms "
        "(60 Hz), dips at 24 ms (10 Hz), has a bump at 30 ms (44 Hz) and is constant, 25 Hz, from "
        "40 ms on: an exponential tail of 40 % of the intervals"
    )
    assert "more regular than a Poisson process, with no exponential tail" in says(base)
    assert "more variable than a Poisson process" in says({**base, "cv": 1.2})
    linked = [{"correlation": -0.2, "shuffled": [-0.05, 0.05]}]
    assert says({**base, "serial": linked}).endswith(
        "After a long interval comes a shorter one (correlation -0.2)."
    )
    equal = says({**base, "cv": 1e-5})
    assert equal.endswith("All intervals are 50 ms long.")
    assert says({**base, "cv": None}).endswith("too few intervals to tell how they are spread.")


def test_picture_of_spike_trains_has_its_panels(spontaneous, driven):
    figure = figure_of(outcome_of(spontaneous, "spike_train"))
    shown = texts(figure)
    for label in ("trial", "rate (Hz)", "interspike interval (ms)", "density (1/ms)", "hazard (Hz)",
                  "Fano factor", "serial correlation", "exponential tail", "Poisson",
                  "shuffled (95 %)"):  # fmt: skip
        assert label in shown
    assert "deterministic" not in shown  # it is silent
    figure = figure_of(outcome_of(driven, "spike_train"))
    assert "deterministic" in texts(figure)
    dashed = [line for line in figure.axes[2].lines if line.get_label() == "deterministic"]
    alone = driven.spike_trains(deterministic=True)[0]
    assert dashed[0].get_xdata()[0] == pytest.approx(np.diff(alone).mean())
    assert figure.axes[0].get_yticklabels()[0].get_text() == "determ."


def test_few_spikes_make_a_picture_and_none_a_problem(spontaneous, tmp_path):
    starts = spontaneous.spike_trains()[0]
    outcome = outcome_of(spontaneous, "spike_train", "start=0 ms", f"end={starts[0] + 1e-3} ms")
    numbers = outcome.findings.numbers
    assert numbers["isi_mean_ms"] is None
    check_table(outcome)
    assert texts(figure_of(outcome)).count("hazard (Hz)") == 1
    with pytest.raises(InputError, match=r"spike_train: no spike from 0 to 0\.5 ms in any trial"):
        outcome_of(spontaneous, "spike_train", "start=0 ms", "end=0.5 ms")


def test_times_are_written_short():
    assert [time_label(t) for t in (0.5, 63.2456, 1000.0, 19_500.0)] == [
        "0.5 ms", "63.2 ms", "1 s", "19.5 s",
    ]  # fmt: skip


def test_the_noise_of_a_kind_can_be_left_out_and_none_makes_all_intervals_alike():
    small = ["run.duration=400 ms", "run.deterministic=false", "analysis.spike_train.start=50 ms"]
    result = stochhh.run(PT, overrides=small, seed=1, trials=5)
    outcomes = analyse(result)
    spread = [one.findings.numbers["isi_variance_ms2"] for one in outcomes]
    assert min(spread[:3]) > 1.0
    assert spread[3] < 1e-2
    assert find_study("spike_train").says(outcomes[3].findings.numbers).endswith("ms long.")
    middle = [one.findings.numbers["isi_middle_half_ms"] for one in outcomes]
    assert middle[1] < 0.8 * middle[2]  # noise of Na+ channels alone against that of K+ alone
    alike = figure_of(outcomes[3]).axes[-1]
    assert [text.get_text() for text in alike.texts] == ["all intervals are alike"]


# Shapes of spikes


def test_spike_shape_tells_what_efel_measures(shaped, tmp_path):
    outcome = outcome_of(shaped, "spike_shape")
    check_table(outcome)
    numbers = outcome.findings.numbers
    time = shaped["time"].values
    found = spike_shapes(time, shaped["voltage"].values)
    alone = spike_shapes(time, shaped["deterministic_voltage"].values)
    assert numbers["spikes"] == len(found.trial) > 5
    assert numbers["deterministic_spikes"] == 1
    for name, estimate in found.means().items():
        same(numbers, name, estimate)
        assert numbers[f"{name}_theory"] == getattr(alone, name)[0]
        assert numbers[f"{name}_sd"] == pytest.approx(getattr(found, name).std(ddof=1))
    _, table = write_outcomes([outcome], tmp_path)
    rows = rows_of(table)
    np.testing.assert_array_equal([float(row["peak_mV"]) for row in rows], found.peak_mV)
    assert [int(row["trial"]) for row in rows] == list(found.trial)
    figure = figure_of(outcome)
    for label in ("time since the peak (ms)", "slope (mV/ms)", "half-width (ms)", "deterministic"):
        assert label in texts(figure)
    dashed = [line for line in figure.axes[0].lines if line.get_label() == "deterministic"]
    assert np.nanmax(dashed[0].get_ydata()) == pytest.approx(alone.peak_mV[0], abs=0.05)
    says = find_study("spike_shape").says(numbers)
    assert says.startswith(f"Spikes peak at {numbers['peak_mV']:.3g} mV (SD ")
    assert f"deterministic membrane peaks at {alone.peak_mV[0]:.3g} mV" in says


def test_spike_shape_heeds_base_part_and_number(shaped, driven):
    rest = numbers_of(shaped, "spike_shape", "base=-65 mV")
    assert rest["amplitude_mV"] == pytest.approx(rest["peak_mV"] + 65.0)
    assert rest["half_width_ms"] > numbers_of(shaped, "spike_shape")["half_width_ms"]
    table = find_study("spike_shape").rows(rest)
    assert any("from -65 mV to peak" in row.label for row in table)
    all_of_them = numbers_of(driven, "spike_shape")
    assert numbers_of(driven, "spike_shape", "spikes=3")["spikes"] == 3
    late = numbers_of(driven, "spike_shape", "start=150 ms")
    assert 0.3 < late["spikes"] / all_of_them["spikes"] < 0.7
    assert late["peak_mV_theory"] < all_of_them["peak_mV_theory"] - 0.3  # the first is higher
    with pytest.raises(InputError, match=r"spike_shape: no whole spike from 0 to 1 ms in any tr"):
        outcome_of(shaped, "spike_shape", "end=1 ms")


def test_spike_shape_of_a_deterministic_run_and_beside_a_silent_membrane():
    result = stochhh.run(AP, method="deterministic")
    numbers = numbers_of(result, "spike_shape")
    assert (numbers["spikes"], numbers["deterministic_spikes"]) == (1, None)
    assert numbers["peak_mV"] == pytest.approx(39.31, abs=0.05)
    says = find_study("spike_shape").says
    silent = {**numbers, "deterministic_spikes": 0}
    assert says(silent).endswith("ms wide; the deterministic membrane makes none.")
    figure_of(outcome_of(result, "spike_shape"))


# Reliability


def test_reliability_tells_what_the_pure_functions_do(swept, tmp_path):
    outcome = outcome_of(swept, "reliability", "start=50 ms")
    check_table(outcome)
    numbers = outcome.findings.numbers
    assert [curve["label"] for curve in numbers["curves"]] == ["sd 0 µA/cm²", "sd 15 µA/cm²"]
    assert (numbers["axis"], numbers["x"]) == ("membrane.count_factor", "number of channels")
    for index, point in enumerate(p for curve in numbers["curves"] for p in curve["points"]):
        trains = cut_trains(swept.spike_trains(index), 50.0, 300.0)
        found, jitter = reliability(trains, 250.0), spike_jitter(trains, 250.0)
        assert point["x"] == point["n_channels"] == (15_600, 156_000)[index % 2]
        for name, (_, perfect) in MEASURES.items():
            holder = found.events if hasattr(found.events, name) else found
            same(point, name, getattr(holder, name))
            assert point[f"{name}_theory"] == perfect
        chance = event_reliability(turned_trains(trains, 250.0), 250.0, found.events.sigma_ms)
        assert point["reliability_by_chance"] == chance.reliability.value
        assert point["jitter"]["sd_ms"] == jitter.sd_ms.tolist()
        same(point, "jitter_growth_ms2", jitter.growth_ms2)
        ends = (jitter.low_ms[-1], jitter.high_ms[-1])
        same(point, "last_jitter_ms", Estimate(jitter.sd_ms[-1], ends))
        same(point, "jitter_ratio", jitter.ratio)
        assert point["first_jitter_ms"] == jitter.sd_ms[0]
        assert point["shared_spikes"] == len(jitter.k)
    _, table, jitters = write_outcomes([outcome], tmp_path)
    rows = rows_of(table)
    assert [row["stimulus.0.sd"] for row in rows] == ["0 uA/cm^2"] * 2 + ["15 uA/cm^2"] * 2
    last = numbers["curves"][1]["points"][1]
    assert float(rows[3]["reliability"]) == last["reliability"]
    assert float(rows[3]["precision_ms_high"]) == last["precision_ms_ci"][1]
    series = [row for row in rows_of(jitters) if row["stimulus.0.sd"] != "0 uA/cm^2"]
    assert [float(row["sd_ms"]) for row in series][-len(last["jitter"]["k"]) :] == (
        last["jitter"]["sd_ms"]
    )


def test_a_steady_current_lets_spikes_drift_and_a_fluctuating_one_brings_them_back(swept):
    """As Mainen & Sejnowski 1995 and Schneidman, Freedman & Segev 1998 found."""
    steady, fluctuating = numbers_of(swept, "reliability", "start=50 ms")["curves"]
    for point in steady["points"]:
        assert point["jitter_growth_ms2"] > 0.0
        assert point["jitter_ratio_ci"][0] > 1.0
    for point in fluctuating["points"]:
        assert point["reliability"] > 0.8
        assert point["precision_ms"] < 1.0
        assert point["reliability_by_chance"] < 0.3
    assert steady["points"][0]["reliability"] < 0.5
    few, many = fluctuating["points"]
    assert many["reliability"] > few["reliability"]  # ten times as many channels


def test_a_membrane_without_noise_repeats_its_spikes():
    quiet = [f"membrane.channels.{name}.noise=false" for name in ("squid-na", "squid-k")]
    overrides = [*quiet, "sweep={}", "run.duration=100 ms", "stimulus.0.sd=50 pA"]
    result = stochhh.run(MS, overrides=overrides, seed=1, trials=5)
    outcome = outcome_of(result, "reliability")
    (point,) = outcome.findings.numbers["curves"][0]["points"]
    for name, (_, perfect) in MEASURES.items():
        assert point[name] == pytest.approx(perfect, abs=1e-12)
        assert point[f"{name}_theory"] == perfect
    assert point["jitter_growth_ms2"] == point["last_jitter_ms"] == 0.0
    figure_of(outcome)


def test_picture_of_reliability_has_its_panels(swept):
    figure = figure_of(outcome_of(swept, "reliability"))
    shown = texts(figure)
    for label in ("number of channels", "reliability", "precision (ms)", "jitter of spike k (ms)",
                  "alikeness of trials", "distance of trials", "deterministic", "trial",
                  "sd 15 µA/cm²"):  # fmt: skip
        assert label in shown
    captions = [text for text in shown if text.startswith("sd ") and "reliability" in text]
    assert [text.split(",")[0] for text in captions] == ["sd 0 µA/cm²", "sd 15 µA/cm²"]
    fluctuating = figure.axes[2]
    events = event_reliability(swept.spike_trains(2), 300.0)
    assert len(fluctuating.patches) == len(events.start_ms)  # shaded
    assert fluctuating.patches[0].get_x() == events.start_ms[0]


def test_reliability_without_a_sweep_tells_every_measure(driven):
    outcome = outcome_of(driven, "reliability")
    check_table(outcome)
    labels = [row.label for row in find_study("reliability").rows(outcome.findings.numbers)]
    assert labels[0] == "6 trials; theory: no noise"
    assert {text for text, _ in MEASURES.values()} <= set(labels)
    says = find_study("reliability").says(outcome.findings.numbers)
    assert says.startswith("Reliability is 0.")
    assert " the scatter of the k-th spike grows with k: " in says.lower()
    shown = texts(figure_of(outcome))
    assert "value (95 %); dashed: every trial the same" in shown
    with pytest.raises(InputError, match=r"reliability: no spike from 0 to 0\.5 ms in any trial"):
        outcome_of(driven, "reliability", "end=0.5 ms")


def test_settings_of_the_distances_are_heeded(driven):
    trains = driven.spike_trains()
    given = ["sigma=1 ms", "cost=1 kHz", "tau=2 ms", "event_sigma=0.5 ms"]
    (point,) = numbers_of(driven, "reliability", *given)["curves"][0]["points"]
    found = reliability(
        trains, 300.0, event_sigma_ms=0.5, sigma_ms=1.0, cost_per_ms=1.0, tau_ms=2.0
    )
    same(point, "victor_purpura_per_spike", found.victor_purpura_per_spike)
    same(point, "van_rossum_per_spike", found.van_rossum_per_spike)
    same(point, "schreiber", found.schreiber)
    same(point, "reliability", found.events.reliability)
    plain = numbers_of(driven, "reliability")["curves"][0]["points"][0]
    names = ("victor_purpura_per_spike", "van_rossum_per_spike", "schreiber", "precision_ms")
    assert all(point[name] != plain[name] for name in names)


# Saved results


@pytest.mark.parametrize("study", ["spike_train", "spike_shape", "reliability"])
def test_a_saved_result_gives_what_the_fresh_one_gave(study, driven, tmp_path):
    fresh = outcome_of(driven, study)
    again = outcome_of(load(driven.save(tmp_path / "result.nc")), study)
    assert json.dumps(again.findings.numbers) == json.dumps(fresh.findings.numbers)


def test_an_interrupted_sweep_is_studied_as_far_as_it_went(swept):
    data = swept.dataset.copy(deep=True)
    data["final_voltage"][3] = np.nan
    data["final_voltage"][2, 4:] = np.nan
    numbers = numbers_of(Result(data), "reliability")
    assert [len(curve["points"]) for curve in numbers["curves"]] == [2, 1]
    assert numbers["curves"][1]["points"][0]["trials"] == 4
