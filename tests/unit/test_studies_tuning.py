"""Studies of firing against current and area: what they need, find, write and draw."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from scipy import stats
from study_checks import check_table, outcome_of, setups_of

import stochhh
from stochhh.analysis.applicable import settings_across, spans_sweep
from stochhh.analysis.applicable.patch_size import size_um2
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.patch_sizes import exponential_fall, size_point
from stochhh.analysis.resonance import (
    coherence_resonance,
    signal_to_noise,
    train_signal_to_noise,
)
from stochhh.analysis.signal_peak import largest_ratio, left_out_ratios, ratio_parts
from stochhh.analysis.spikes import interspike_intervals_ms
from stochhh.analysis.tuning import fit_rate_by_area, tuning_point
from stochhh.analysis.tuning_curves import (
    Stretch,
    current_point,
    deterministic_point,
    straight_share,
    straightness,
)
from stochhh.errors import InputError
from stochhh.plot.estimates import plain_log_axis
from stochhh.result import Result, load
from stochhh.simulate import plan, resolve
from stochhh.studies import analyse, find_study
from stochhh.studies.making import write_outcomes

FI, DC = "f-I_SW79", "dc-current_G11"
SIZE, COHERENCE = "patch-size_CW96", "coherence-resonance_SGH01"
RESONANCE = "stochastic-resonance_SGH01"
STUDIES = ("tuning", "patch_size", "stochastic_resonance")
CURRENTS = '"stimulus.0.amplitude"=["0 uA/cm^2", "5 uA/cm^2", "10 uA/cm^2"]'


@pytest.fixture(scope="module")
def tuned():
    sweep = f'sweep={{{CURRENTS}, "membrane.area"=["2 um^2", "5 um^2"]}}'
    small = ["run.duration=250 ms", "analysis.tuning.settle=50 ms"]
    return stochhh.run(FI, overrides=[sweep, *small], seed=3, trials=10)


@pytest.fixture(scope="module")
def sized():
    areas = 'sweep={"membrane.area"=["0.5 um^2", "3 um^2", "10 um^2", "20 um^2", "40 um^2"]}'
    return stochhh.run(SIZE, overrides=[areas, "run.duration=1 s"], seed=2, trials=6)


@pytest.fixture(scope="module")
def resonant():
    areas = 'sweep={"membrane.area"=["1 um^2", "20 um^2", "60 um^2"]}'
    small = ["run.duration=600 ms", "run.deterministic=false"]
    return stochhh.run(RESONANCE, overrides=[areas, *small], seed=2, trials=8)


def numbers(result, study, *overrides):
    return outcome_of(result, study, *overrides).findings.numbers


def interval(numbers, name):
    given = numbers[f"{name}_ci"]
    return None if given is None else tuple(given)


def same(numbers, name, estimate):
    assert numbers[name] == estimate.value
    assert interval(numbers, name) == estimate.interval


# What they need


NO_SWEEP = "sweep={}"
TWO_AREAS = 'sweep={"membrane.area"=["1 um^2", "2 um^2"]}'
FREE = 'stimulus=[]; clamp={holding="-65 mV"}; ' + TWO_AREAS
TWO_STEPS = (
    'stimulus=[{kind="step", amplitude="1 uA/cm^2"}, {kind="step", amplitude="1 uA/cm^2"}]; '
    'sweep={"stimulus.0.amplitude"=["1 uA/cm^2"], "stimulus.1.amplitude"=["1 uA/cm^2"]}'
)
# fmt: off
REFUSED = [
    (FI, FREE, r"analysis\.tuning: a clamped membrane makes no spikes"),
    (FI, f"run.method=deterministic; sweep={{{CURRENTS}}}", r"analysis\.tuning: a determinis"
     r"tic run has no noise; .*--set analysis\.tuning=false"),
    (FI, NO_SWEEP, r"analysis\.tuning: needs a sweep; give the scenario one, as in \[sweep\] "
     r'"stimulus\.0\.amplitude" = \["2 uA/cm\^2"'),
    (FI, TWO_STEPS, r'tuning\.axis: name one of several: "stimulus\.0\.amplitude", "stimulus\.1'),
    (FI, "analysis.tuning.axis=stimulus.0.amplitud", r"tuning\.axis: no swept key '.*'; did you "
     r"mean 'stimulus\.0\.amplitude'\?"),
    (FI, 'sweep={"stimulus.0.amplitude"=["1 uA/cm^2", "1 pA"]}', r"tuning\.axis: values of "
     r"'stimulus\.0\.amplitude': need numbers, all of one unit"),
    (FI, f'sweep={{{CURRENTS}, "stimulus.0.start"=["0 ms", "9 ms"]}}', r"tuning\.start: the swept "
     r'currents flow at different times; give start and end .* as in start = "100 ms" and end'),
    (FI, "analysis.tuning.end=1.1 s", r"tuning\.end: from 0 to 1100 ms is no stretch of a trial"),
    (FI, "analysis.tuning.settle=1 s", r"tuning\.settle: 1000 ms; need less than the current "
     r"lasts, 1000 ms from 0 to 1000 ms"),
    (FI, "analysis.tuning.settle=100", r"analysis\.tuning\.settle: .*unit"),
    (FI, "analysis.tuning.settles=100 ms", r"unknown key 'settles'; did you mean 'settle'\?"),
    (SIZE, f"run.method=deterministic; {TWO_AREAS}", r"analysis\.patch_size: a deterministic run "),
    (SIZE, NO_SWEEP, r"analysis\.patch_size: needs a sweep; .* \"membrane\.area\" = \[\"10 um\^2"),
    (SIZE, 'sweep={"membrane.temperature"=["6 degC", "7 degC"]}; analysis.patch_size.axis='
     "membrane.temperature", r"patch_size\.axis: 'membrane\.temperature' is no size of a patch"),
    (SIZE, "analysis.patch_size.fit_from=190 um^2", r'patch_size\.fit_from: "190 um\^2" leaves '
     r"fewer than two areas; the largest is 200 um\^2"),
    (SIZE, "analysis.patch_size.fit_from=20", r"analysis\.patch_size\.fit_from: .*unit"),
    (SIZE, 'clamp={holding="-65 mV"}', r"analysis\.patch_size: a clamped membrane makes no sp"),
    (RESONANCE, f"run.method=deterministic; {TWO_AREAS}", r"analysis\.stochastic_resonance: a det"),
    (RESONANCE, NO_SWEEP, r"analysis\.stochastic_resonance: needs a sweep; .*membrane\.area"),
    (RESONANCE, "stimulus=[]", r"stochastic_resonance\.frequency: no sine among the stimuli to "
     r'take it from; give it, as in "50 Hz", or add one of kind = "sine"'),
    (RESONANCE, 'stimulus=[{kind="sine", amplitude="1 pA", frequency="9 Hz"}, '
     '{kind="sine", amplitude="1 pA", frequency="8 Hz"}]', r"\.frequency: several sine.*keep one"),
    (RESONANCE, "run.duration=200 ms", r"stochastic_resonance\.neighbours: 10 need more cycles of "
     r"47\.7465 Hz than the 9 in 200 ms; make the run 230\.4 ms or longer, or take fewer"),
    (RESONANCE, "analysis.stochastic_resonance.quantity=voltage; run.record.interval=6 ms",
     r"\.quantity: a voltage every 6 ms is too sparse for 47\.7465 Hz; make run\.record\.interval "
     r"shorter than 5\.24 ms"),
    (RESONANCE, "analysis.stochastic_resonance.quantity=spike", r"quantity: got 'spike'; did you"),
    (RESONANCE, "analysis.stochastic_resonance.neighbours=0", r"neighbours: got 0, but"),
    (RESONANCE, 'sweep={"membrane.area"=["1 um^2", "2 um^2"], "stimulus.0.start"=["0 ms", "9 ms"]}',
     r"stochastic_resonance\.start: the sine is on at different times; give start and end"),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "override", "message"), REFUSED)
def test_what_they_cannot_be_made_of_is_refused_before_the_run(scenario, override, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, override.split("; "), seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_what_settings_leave_open_is_filled_in_from_the_protocol():
    assert all(spans_sweep(name) for name in STUDIES)
    tuning = settings_across("tuning", setups_of(FI), "x")
    assert (tuning.axis, tuning.start_ms, tuning.end_ms) == ("stimulus.0.amplitude", 0.0, 1000.0)
    assert tuning.settle_ms == 100.0
    step = 'stimulus=[{kind="step", amplitude="1 uA/cm^2", start="20 ms", duration="300 ms"}]'
    tuning = settings_across("tuning", setups_of(FI, [step, "analysis.tuning={}"]), "x")
    assert (tuning.start_ms, tuning.end_ms, tuning.settle_ms) == (20.0, 320.0, 30.0)
    size = settings_across("patch_size", setups_of(SIZE), "x")
    assert (size.axis, size.start_ms, size.end_ms) == ("membrane.area", 0.0, 4000.0)
    assert size.fit_from_um2 is None
    late = ['stimulus.0.start="50 ms"', 'stimulus.0.duration="1.5 s"']
    sine = settings_across("stochastic_resonance", setups_of(RESONANCE, late), "x")
    assert (sine.axis, sine.start_ms, sine.end_ms) == ("membrane.area", 50.0, 1550.0)
    noisy = 'sweep={"stimulus.1.sd"=["0 uA/cm^2", "1 uA/cm^2"]}'
    two = (
        'stimulus=[{kind="sine", amplitude="1 uA/cm^2", frequency="50 Hz"}, '
        '{kind="noise", sd="1 uA/cm^2", correlation_time="1 ms"}]'
    )
    sine = settings_across("stochastic_resonance", setups_of(RESONANCE, [two, noisy]), "x")
    assert sine.axis == "stimulus.1.sd"


def test_a_pulse_train_lasts_to_the_end_of_the_trial_and_a_constant_throughout():
    train = (
        'stimulus=[{kind="pulse-train", amplitude="9 uA/cm^2", start="10 ms", duration="1 ms", '
        'interval="20 ms", count=3}]'
    )
    tuning = settings_across("tuning", setups_of(FI, [train]), "x")
    assert (tuning.start_ms, tuning.end_ms) == (10.0, 1000.0)
    constant = settings_across("tuning", setups_of(DC), "x")
    assert (constant.start_ms, constant.end_ms) == (0.0, 1600.0)


def test_the_size_of_a_patch_counts_its_count_factor():
    (one, other) = setups_of(SIZE, ['sweep={"membrane.count_factor"=[0.5, 2.0]}'])
    assert size_um2(one) == 50.0
    assert size_um2(other) == 200.0


# Numbers are those of the pure functions


def test_tuning_is_that_of_each_train_from_when_it_has_settled(tuned):
    found = numbers(tuned, "tuning")
    assert (found["axis"], found["unit"]) == ("stimulus.0.amplitude", "uA/cm^2")
    assert [curve["label"] for curve in found["curves"]] == ["area 2 µm²", "area 5 µm²"]
    assert [curve["n_channels"] for curve in found["curves"]] == [156, 390]
    curve = found["curves"][1]
    assert [point["current"] for point in curve["points"]] == [0.0, 5.0, 10.0]
    trains = tuned.spike_trains(5)  # 10 uA/cm^2 and 5 um^2: the last axis runs fastest
    point = curve["points"][2]
    expected = tuning_point(trains, 0.0, 250.0, 50.0)
    same(point, "rate_hz", expected.rate_hz)
    same(point, "latency_ms", expected.latency.mean_ms)
    same(point, "jitter_ms", expected.latency.jitter_ms)
    same(point, "responding", expected.latency.responding)
    settled = [train[train >= 50.0] for train in trains]
    assert point["rate_hz"] == pytest.approx(sum(map(len, settled)) / (10 * 0.2))
    intervals = interspike_intervals_ms(settled)
    assert (point["intervals"], point["trials"]) == (len(intervals), 10)
    isi = isi_statistics([train - 50.0 for train in settled], 200.0, steady=True)
    same(point, "isi_mean_ms", isi.mean_ms)
    same(point, "isi_cv", isi.cv)
    alone = tuned.spike_trains(5, deterministic=True)[0]
    late = np.diff(alone[alone >= 50.0])
    assert point["deterministic_rate_hz"] == pytest.approx(1e3 / late.mean())
    assert point["deterministic_latency_ms"] == alone[0]
    rates = [tuned.spike_trains(k) for k in (1, 3, 5)]
    mean = [np.mean([np.sum(train >= 50.0) for train in trains]) / 0.2 for trains in rates]
    assert curve["straightness"] == pytest.approx(np.corrcoef([0, 5, 10], mean)[0, 1] ** 2)
    assert curve["deterministic"]["silent_at"] == 5.0
    assert curve["deterministic"]["fires_at"] == 10.0


def test_channel_noise_fires_below_the_deterministic_threshold(tuned):
    """Deterministic onset at 6.264 uA/cm^2 and 50 Hz or more; patches fire at 0 already."""
    for curve in numbers(tuned, "tuning")["curves"]:
        first = curve["points"][0]
        assert first["deterministic_rate_hz"] == 0.0
        assert curve["points"][1]["deterministic_rate_hz"] == 0.0
        assert curve["deterministic"]["rate_hz"] == pytest.approx(
            1e3 / 14.6383, rel=5e-3
        )  # settling
        assert first["rate_hz_ci"][0] > 10.0
        assert curve["straightness"] > curve["deterministic"]["straightness"] + 0.05


def test_patch_size_is_that_of_each_areas_trains(sized):
    found = numbers(sized, "patch_size")
    (curve,) = found["curves"]
    areas = [0.5, 3.0, 10.0, 20.0, 40.0]
    assert [point["area_um2"] for point in curve["points"]] == areas
    assert [point["n_channels"] for point in curve["points"]] == [39, 234, 780, 1560, 3120]
    samples = [interspike_intervals_ms(sized.spike_trains(k)) for k in range(5)]
    cvs = []
    for k, point in enumerate(curve["points"]):
        trains = sized.spike_trains(k)
        assert point["spikes"] == sum(map(len, trains))
        assert point["seconds"] == 6.0
        assert point["rate_hz"] == pytest.approx(point["spikes"] / 6.0)
        assert point["intervals"] == len(samples[k])
        isi = isi_statistics(trains, sized.duration_ms, steady=True)
        same(point, "isi_mean_ms", isi.mean_ms)
        same(point, "isi_cv", isi.cv)
        cvs.append(isi.cv)
    spikes = [point["spikes"] for point in curve["points"]]
    fall = exponential_fall(areas, spikes, [6.0] * 5)
    same(curve["fall"], "decay_per_um2", fall.fit.decay_per_um2)
    same(curve["fall"], "rate_at_zero_hz", fall.fit.rate_at_zero_hz)
    assert curve["fall"]["from_um2"] == areas[fall.first]
    assert curve["fall"]["given"] is False
    expected = coherence_resonance(areas, cvs)
    same(curve["coherence"], "area_um2", expected.area_um2)
    same(curve["coherence"], "least_cv", expected.least_cv)
    given = numbers(sized, "patch_size", "fit_from=10 um^2")["curves"][0]["fall"]
    assert (given["from_um2"], given["given"], given["areas"]) == (10.0, True, 3)
    again = fit_rate_by_area(areas[2:], spikes[2:], [6.0] * 3)
    same(given, "decay_per_um2", again.decay_per_um2)
    part = numbers(sized, "patch_size", "start=200 ms", "end=700 ms")["curves"][0]["points"][2]
    inside = [t[(t >= 200.0) & (t < 700.0)] for t in sized.spike_trains(2)]
    assert (part["spikes"], part["seconds"]) == (sum(map(len, inside)), 3.0)


def test_count_factors_stand_for_areas():
    """At fixed conductances a factor of the counts does to noise what one of the area does."""
    factors = [
        'sweep={"membrane.count_factor"=[0.05, 0.1, 0.2]}',
        "membrane.area=100 um^2",
        "run.duration=1 s",
        "figure.axis=",
    ]
    result = stochhh.run(SIZE, overrides=factors, seed=1, trials=4)
    outcome = outcome_of(result, "patch_size")
    (curve,) = outcome.findings.numbers["curves"]
    assert [point["area_um2"] for point in curve["points"]] == pytest.approx([5.0, 10.0, 20.0])
    assert curve["points"][1]["rate_hz"] == pytest.approx(38.8, rel=0.2)  # that of 10 µm²
    assert outcome.findings.data.label == "area × count factor (µm²)"


def test_resonance_is_the_line_of_the_sine_in_the_trains(resonant):
    found = numbers(resonant, "stochastic_resonance")
    (curve,) = found["curves"]
    assert curve["frequency_hz"] == pytest.approx(300.0 / (2 * np.pi), rel=1e-7)
    for k, point in enumerate(curve["points"]):
        expected = train_signal_to_noise(
            resonant.spike_trains(k), curve["frequency_hz"], 0.0, 600.0
        )
        same(point, "ratio_hz", expected.ratio_hz)
        assert point["p_value"] == expected.p_value
        assert point["signal"] == expected.signal
        assert point["noise_per_hz"] == expected.noise_per_hz
    assert [point["n_channels"] for point in curve["points"]] == [78, 1560, 4680]
    other = numbers(resonant, "stochastic_resonance", "frequency=60 Hz", "neighbours=5")
    expected = train_signal_to_noise(resonant.spike_trains(2), 60.0, 0.0, 600.0, 5)
    same(other["curves"][0]["points"][2], "ratio_hz", expected.ratio_hz)
    assert other["curves"][0]["frequency_hz"] == 60.0


def test_resonance_of_the_voltage_is_that_of_its_records(resonant):
    settings = ["quantity=voltage", "start=100 ms", "end=500 ms"]
    outcome = outcome_of(resonant, "stochastic_resonance", *settings)
    found = outcome.findings.numbers
    time = resonant["time"].values
    kept = (time > 99.99) & (time < 499.99)
    assert kept.sum() == 800
    voltages = resonant.point(1)["voltage"].values[:, kept]
    expected = signal_to_noise(voltages, 0.5, found["curves"][0]["frequency_hz"])
    point = found["curves"][0]["points"][1]
    assert point["ratio_hz"] == pytest.approx(expected.ratio_hz.value)
    assert interval(point, "ratio_hz") == pytest.approx(expected.ratio_hz.interval)
    assert find_study("stochastic_resonance").draw(outcome.findings, "").axes[1].get_ylabel() == (
        "signal (mV²)"
    )


def test_a_study_of_a_saved_result_is_that_of_the_fresh_one(tuned, sized, resonant, tmp_path):
    for study, result in zip(STUDIES, (tuned, sized, resonant), strict=True):
        again = load(result.save(tmp_path / f"{study}.nc"))
        assert numbers(again, study) == numbers(result, study)


def test_what_an_interrupted_run_never_made_is_left_out(tuned, sized, resonant):
    for study, result, left in (
        ("tuning", tuned, (3, 2)),
        ("patch_size", sized, (4,)),
        ("stochastic_resonance", resonant, (2,)),
    ):
        cut = result.dataset.copy(deep=True)
        cut["final_voltage"][-1] = np.nan
        cut["final_voltage"][0, 3:] = np.nan
        outcome = outcome_of(Result(cut), study)
        curves = outcome.findings.numbers["curves"]
        assert tuple(len(curve["points"]) for curve in curves) == left
        find_study(study).draw(outcome.findings, "title")
        check_table(outcome)
    bare = tuned.dataset.copy(deep=True)
    bare["final_voltage"][1::2] = np.nan  # no trial at 5 um^2
    (curve,) = numbers(Result(bare), "tuning")["curves"]
    assert curve["label"] == "area 2 µm²"
    first = numbers(Result(cut), "stochastic_resonance")["curves"][0]["points"][0]
    expected = train_signal_to_noise(resonant.spike_trains(0)[:3], 300.0 / (2 * np.pi), 0.0, 600.0)
    assert first["ratio_hz"] == pytest.approx(expected.ratio_hz.value, rel=1e-4)


# Tables, sentences, files, pictures


def test_every_row_of_a_table_has_its_number(tuned, sized, resonant):
    for study, result in zip(STUDIES, (tuned, sized, resonant), strict=True):
        outcome = outcome_of(result, study)
        check_table(outcome)
        assert find_study(study).says(outcome.findings.numbers)
    plain = [f"sweep={{{CURRENTS}}}", "run.duration=300 ms", "membrane.area=3 um^2"]
    single = stochhh.run(DC, overrides=plain, seed=1, trials=3)
    check_table(outcome_of(single, "tuning"))
    bare = [*plain, "run.deterministic=false", "analysis.tuning.end=200 ms"]
    single = stochhh.run(DC, overrides=bare, seed=1, trials=1)
    outcome = outcome_of(single, "tuning")
    check_table(outcome)
    assert "deterministic" not in outcome.findings.numbers["curves"][0]
    assert "Without noise" not in find_study("tuning").says(outcome.findings.numbers)


def test_what_is_found_is_said():
    says = find_study("tuning").says
    limit = {"silent_at": 5.0, "fires_at": 6.0, "rate_hz": 57.0, "straightness": 0.8}
    points = [
        {"current": current, "rate_hz": rate, "isi_cv": cv}
        for current, rate, cv in ((0.0, 12.0, 0.75), (5.0, 47.0, None), (9.0, 71.4, 0.2))
    ]
    curve = {"label": "", "n_channels": 7800, "points": points, "straightness": 0.95}
    assert says({"unit": "uA/cm^2", "curves": [curve | {"deterministic": limit}]}) == (
        "Without noise: no steady firing at 5, 57 Hz at 6 µA/cm² (80 % of the rise of the rate is "
        "a straight line). 7,800 channels: 12 Hz at 0, 47 Hz at 5, 71.4 Hz at 9 µA/cm² (95 % "
        "straight). The CV of its intervals is 0.75 at 0, 0.2 at 9 µA/cm²."
    )
    never = limit | {"fires_at": None, "rate_hz": None, "straightness": None}
    other = curve | {"label": "area 1 µm²", "deterministic": never, "straightness": None}
    text = says({"unit": "pA", "curves": [other | {"deterministic": never}, other]})
    assert text.startswith("Without noise the membrane does not keep firing at any of these")
    assert text.endswith("area 1 µm², 7,800 channels: 12 Hz at 0, 47 Hz at 5, 71.4 Hz at 9 pA.")
    says = find_study("patch_size").says
    fall = {"from_um2": 10.0, "decay_per_um2": 0.0155, "decay_per_um2_ci": [0.015, 0.016]}
    point = {"area_um2": 10.0, "isi_cv_ci": [0.4, 0.5]}
    least = {"area_um2": 3.0, "area_um2_ci": [2.0, 5.0], "least_cv": 0.4, "inside": True}
    curve = {"label": "", "points": [point], "fall": fall | {"p_value": 0.3}}
    text = says({"curves": [curve | {"coherence": least | {"chance_at_end": 0.0}}]})
    assert text == (
        "From 10 µm² up the rate falls as exp(-k A) with k = 0.0155 per µm² (0.015 to 0.016). "
        "Firing is most regular at 3 µm² (2 to 5), with a CV of 0.4; less so in smaller patches "
        "and in larger ones."
    )
    curve = {"label": "area 1", "points": [point], "fall": fall | {"p_value": 1e-5}}
    text = says({"curves": [curve | {"coherence": least | {"chance_at_end": 0.3}}]})
    assert "area 1: From 10 µm² up" in text
    assert "though it is no exponential (p = 1e-05)." in text
    assert text.endswith("but an end of these areas may be as regular.")
    end = {"area_um2": 10.0, "area_um2_ci": [10.0, 10.0], "least_cv": 0.4, "inside": False}
    text = says({"curves": [{"label": "", "points": [point], "no_fall": "why", "coherence": end}]})
    assert text == (
        "No exponential was fitted to the rates: why. The smallest of these patches fires most "
        "regularly, with a CV of 0.4."
    )
    says = find_study("stochastic_resonance").says
    points = [{"x": 1.0, "ratio_hz": 1.5}, {"x": 9.0, "ratio_hz": None}]
    peak = {"at": 3.0, "at_ci": [3.0, 5.0], "ratio_hz": 12.0, "chance_at_end": 0.0}
    curve = {"label": "", "frequency_hz": 50.0, "points": points, "peak": peak}
    text = says({"unit": "um^2", "curves": [curve | {"deterministic_spikes": 0}]})
    assert text == (
        "The sine of 50 Hz stands out most at 3 µm² (3 to 5): signal over noise is 12 Hz there, "
        "1.5 at 1 and 0 at 9. It is a maximum in between (p < 0.001 for one at an end). "
        "Without noise there is no spike."
    )
    unsure = says({"unit": "", "curves": [curve | {"peak": peak | {"chance_at_end": 0.2}}]})
    assert unsure.endswith("The largest may as well be at an end.")
    few = says({"unit": "", "curves": [curve | {"peak": peak | {"chance_at_end": None}}]})
    assert few.endswith("More trials would tell how sure that is.")


def test_files_hold_every_point(tuned, sized, resonant, tmp_path):
    for study, result, rows in zip(STUDIES, (tuned, sized, resonant), (6, 5, 3), strict=True):
        outcome = outcome_of(result, study)
        picture, table = write_outcomes([outcome], tmp_path)
        assert (picture.name, table.name) == (f"{study}.png", f"{study}.csv")
        lines = list(csv.DictReader(table.read_text().splitlines()))
        assert len(lines) == rows
        curves = outcome.findings.numbers["curves"]
        points = [point for curve in curves for point in curve["points"]]
        name = {"stochastic_resonance": "signal_to_noise_hz"}.get(study, "rate_hz")
        key = "ratio_hz" if study == "stochastic_resonance" else "rate_hz"
        for line, point in zip(lines, points, strict=True):
            assert float(line[name]) == point[key]
            assert int(line["channels"]) == (point.get("n_channels") or int(line["channels"]))
    lines = list(csv.DictReader((tmp_path / "tuning.csv").read_text().splitlines()))
    assert [line["membrane.area"] for line in lines] == ["2 um^2"] * 3 + ["5 um^2"] * 3
    assert [float(line["current"]) for line in lines[:3]] == [0.0, 5.0, 10.0]
    lines = list(csv.DictReader((tmp_path / "patch_size.csv").read_text().splitlines()))
    fall = numbers(sized, "patch_size")["curves"][0]["fall"]
    fitted = [line["fitted_rate_hz"] for line in lines]
    assert sum(text != "" for text in fitted) == fall["areas"]
    at_40 = fall["rate_at_zero_hz"] * np.exp(-40.0 * fall["decay_per_um2"])
    assert float(fitted[-1]) == pytest.approx(at_40)


def test_pictures_show_curves_limits_and_fits(tuned, sized, resonant):
    outcome = outcome_of(tuned, "tuning")
    figure = find_study("tuning").draw(outcome.findings, "heading")
    rate, isi, cv, latency, jitter = figure.axes
    labels = [axes.get_ylabel() for axes in (rate, isi, cv, latency, jitter)]
    assert labels == [
        "firing rate (Hz)",
        "mean interval (ms)",
        "CV of intervals",
        "first spike (ms)",
        "jitter of first spike (ms)",
    ]
    assert {rate.get_xlabel(), latency.get_xlabel()} == {"current (µA/cm²)"}
    dashed = [line for line in rate.lines if line.get_color() == "#000000"]
    assert len(dashed) == 1  # that of both areas
    assert dashed[0].get_linestyle() == "--"
    np.testing.assert_allclose(dashed[0].get_ydata()[:2], 0.0)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["area 2 µm² (156 channels)", "area 5 µm² (390 channels)", "deterministic"]
    outcome = outcome_of(sized, "patch_size")
    figure = find_study("patch_size").draw(outcome.findings, "heading")
    rates, regular = figure.axes
    assert (rates.get_yscale(), rates.get_xlabel()) == ("log", "area (µm²)")
    fall = outcome.findings.numbers["curves"][0]["fall"]
    x, y = rates.lines[-1].get_data()
    slope = np.diff(np.log(y)) / np.diff(x)
    np.testing.assert_allclose(-slope, fall["decay_per_um2"])
    assert x[0] == fall["from_um2"]
    assert regular.get_ylabel() == "CV of intervals"
    outcome = outcome_of(resonant, "stochastic_resonance")
    figure = find_study("stochastic_resonance").draw(outcome.findings, "heading")
    ratio, signal, noise = figure.axes
    labels = [axes.get_ylabel() for axes in (ratio, signal, noise)]
    assert labels == ["signal / noise (Hz)", "signal (Hz²)", "noise (Hz²/Hz)"]
    assert ratio.get_xscale() == "log"
    points = outcome.findings.numbers["curves"][0]["points"]
    np.testing.assert_allclose(ratio.lines[0].get_ydata(), [point["ratio_hz"] for point in points])


def test_several_curves_are_told_apart():
    grid = 'sweep={"membrane.area"=["3 um^2", "9 um^2", "27 um^2"], "stimulus.0.amplitude"='
    grid += '["0 uA/cm^2", "1 uA/cm^2"]}'
    small = [grid, "run.duration=400 ms", "run.deterministic=false", "analysis.patch_size={}"]
    small.append("analysis.stochastic_resonance.axis=membrane.area")
    result = stochhh.run(RESONANCE, overrides=small, seed=1, trials=6)
    for study in ("patch_size", "stochastic_resonance"):
        outcome = outcome_of(result, study)
        check_table(outcome)
        labels = [curve["label"] for curve in outcome.findings.numbers["curves"]]
        assert labels == ["amplitude 0 µA/cm²", "amplitude 1 µA/cm²"]
        figure = find_study(study).draw(outcome.findings, "heading")
        assert [text.get_text() for text in figure.legends[0].get_texts()] == labels


def test_silence_is_a_problem_or_no_number(tmp_path):
    """A membrane that is held down by a current makes no spike in any trial."""
    down = ["run.duration=300 ms", "run.deterministic=false"]
    hold = 'stimulus=[{kind="constant", amplitude="-50 uA/cm^2"}, {kind="sine", '
    hold += 'amplitude="1 uA/cm^2", frequency="47.746483 Hz"}]'
    areas = 'sweep={"membrane.area"=["30 um^2", "40 um^2", "50 um^2"]}'
    result = stochhh.run(RESONANCE, overrides=[*down, hold, areas], seed=1, trials=2)
    with pytest.raises(InputError, match=r"stochastic_resonance: no spikes in any trial"):
        analyse(result)
    outcome = outcome_of(result, "patch_size")
    (curve,) = outcome.findings.numbers["curves"]
    assert "fall" not in curve
    assert "coherence" not in curve
    assert "spikes" in curve["no_fall"]
    assert find_study("patch_size").says(outcome.findings.numbers).startswith("No exponential")
    check_table(outcome)
    write_outcomes([outcome], tmp_path)
    amplitudes = 'sweep={"stimulus.0.amplitude"=["-40 uA/cm^2", "-50 uA/cm^2"]}'
    result = stochhh.run(RESONANCE, seed=1, trials=2, overrides=[
        *down, hold, amplitudes, "analysis.stochastic_resonance=false", "analysis.tuning={}",
        "membrane.area=30 um^2",
    ])  # fmt: skip
    (outcome,) = analyse(result)
    (curve,) = outcome.findings.numbers["curves"]
    assert [point["rate_hz"] for point in curve["points"]] == [0.0, 0.0]
    assert (curve["points"][0]["latency_ms"], curve["straightness"]) == (None, None)
    check_table(outcome)
    write_outcomes([outcome], tmp_path)


# The pure functions behind them


def test_current_point_leaves_out_what_has_not_settled():
    trains = [np.array([1.0, 12.0, 22.0, 34.0, 60.0]), np.array([31.0])]
    point = current_point(trains, Stretch(10.0, 50.0, 10.0))
    assert point.trial_rates_hz.tolist() == pytest.approx([2e3 / 30.0, 1e3 / 30.0])
    assert point.rate_hz.value == pytest.approx(50.0)
    # 22 to 34 ms; the waits of 16 and 19 ms that the end cuts short say others are longer
    assert (point.intervals, point.isi_mean_ms.value) == (1, None)
    assert point.latency.mean_ms.value == pytest.approx((2.0 + 21.0) / 2)
    with pytest.raises(InputError, match="need a step that lasts longer than it settles"):
        current_point(trains, Stretch(10.0, 50.0, 40.0))


def test_deterministic_point_needs_two_spikes_for_a_rate():
    stretch = Stretch(10.0, 110.0, 20.0)
    firing = deterministic_point(np.array([12.0, 40.0, 60.0, 80.0, 100.0]), stretch)
    assert firing.rate_hz == pytest.approx(50.0)
    assert (firing.isi_mean_ms, firing.latency_ms) == (20.0, 2.0)
    assert firing.isi_cv == pytest.approx(0.0, abs=1e-12)
    once = deterministic_point(np.array([12.0, 40.0]), stretch)
    assert (once.rate_hz, once.latency_ms) == (0.0, 2.0)
    assert np.isnan(once.isi_mean_ms)
    silent = deterministic_point(np.array([]), stretch)
    assert np.isnan(silent.latency_ms)
    pair = deterministic_point(np.array([50.0, 60.0]), stretch)
    assert pair.rate_hz == pytest.approx(100.0)
    assert np.isnan(pair.isi_cv)


def test_straightness_is_the_squared_correlation():
    x = np.array([0.0, 2.0, 4.0, 6.0, 9.0])
    line = straightness(x, [[3.0 + 2.0 * current] * 3 for current in x])
    assert line.value == pytest.approx(1.0)
    assert line.interval == pytest.approx((1.0, 1.0))
    step = straightness([0.0, 1.0, 2.0, 3.0], [[0.0], [0.0], [1.0], [1.0]])
    assert (step.value, step.interval) == (pytest.approx(0.8), None)
    assert straightness(x, [[40.0 / 3.0] * 3] * 5).value is None
    rates = np.array([[1.0, 4.0], [2.0, 3.0], [7.0, 1.0]])
    expected = [np.corrcoef([0, 1, 5], column)[0, 1] ** 2 for column in rates.T]
    np.testing.assert_allclose(straight_share(np.array([0.0, 1.0, 5.0]), rates), expected)
    for currents, samples in (([1.0, 1.0, 2.0], [[1.0]] * 3), ([1.0, 2.0, 3.0], [[1.0]] * 2),
                              ([1.0, 2.0, 3.0], [[1.0], [], [2.0]])):  # fmt: skip
        with pytest.raises(InputError, match=r"current: .* need 3 or more, with trials at each"):
            straightness(currents, samples)


def test_straightness_interval_holds_the_truth_as_often_as_it_says():
    """R² of saturating rates, 12 trials at each current; 95 % of intervals, within 5 SD."""
    rng, x = np.random.default_rng(1), np.arange(0.0, 13.0, 1.5)
    mean = 80.0 * x / (x + 4.0)
    truth = np.corrcoef(x, mean)[0, 1] ** 2
    held = 0
    for _ in range(300):
        found = straightness(x, [rng.normal(m, 3.0, 12) for m in mean])
        held += found.interval[0] <= truth <= found.interval[1]
    assert stats.binom.sf(held, 300, 0.95) > 1e-6
    assert held > 300 * 0.85


def test_exponential_fall_leaves_out_small_areas_that_do_not_follow_it():
    area = np.array([1.0, 3.0, 10.0, 30.0, 60.0, 100.0, 150.0])
    rate = 46.0 * np.exp(-0.0155 * area) * np.where(area < 10.0, [1.5, 1.2, 1, 1, 1, 1, 1], 1.0)
    count = np.round(rate * 400.0)
    found = exponential_fall(area, count, np.full(7, 400.0))
    assert found.first == 2
    assert found.fit.decay_per_um2.value == pytest.approx(0.0155, rel=2e-3)
    assert found.p_value > 0.5
    whole = exponential_fall(area, count, np.full(7, 400.0), 1.0)
    assert whole.first == 0
    assert whole.p_value < 1e-6
    assert whole.fit.decay_per_um2.value != pytest.approx(0.0155, rel=0.02)
    exact = exponential_fall(area, np.round(1e3 * np.exp(-0.01 * area)), np.ones(7))
    assert exact.first == 0
    dispersion = exact.fit.dispersion
    assert exact.p_value == pytest.approx(stats.chi2.sf(5 * dispersion, 5))


def test_exponential_fall_keeps_three_areas_and_says_that_it_is_none():
    area = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = exponential_fall(area, [10, 9000, 20, 9000, 30], np.full(5, 10.0))
    assert found.first == 2
    assert found.p_value < 1e-6
    two = exponential_fall([10.0, 20.0], [100, 50], [10.0, 10.0])
    assert (two.first, two.p_value) == (0, None)
    assert two.fit.decay_per_um2.value == pytest.approx(np.log(2.0) / 10.0)
    with pytest.raises(InputError, match=r"fit_from: 1 of 2 areas are 15 um\^2 or larger"):
        exponential_fall([10.0, 20.0], [100, 50], [10.0, 10.0], 15.0)


def test_size_point_counts_over_all_trials():
    trains = [np.array([1.0, 11.0, 31.0]), np.array([5.0]), np.array([])]
    point = size_point(trains, 50.0, 78)
    assert (point.n_channels, point.spikes, point.seconds) == (78, 4, pytest.approx(0.15))
    assert point.intervals == 2
    assert point.rate_hz.value == pytest.approx(4 / 0.15)


def test_the_largest_ratio_is_found_within_its_errors():
    x = [1.0, 2.0, 4.0, 8.0, 16.0]
    mean = np.array([1.0, 4.0, 10.0, 9.5, 2.0])
    rng = np.random.default_rng(3)
    sample = mean[:, None] + rng.normal(0.0, 4.0, (5, 16))
    ratios = [Estimate(float(row.mean())) for row in sample]
    left = [[np.delete(row, k).mean() for k in range(16)] for row in sample]
    peak = largest_ratio(x, ratios, left)
    assert peak.at.value in (4.0, 8.0)
    assert peak.at.interval == (4.0, 8.0)
    assert peak.ratio_hz.value == max(one.value for one in ratios)
    assert peak.chance_at_end < 1e-3
    sure = largest_ratio(x, [Estimate(m) for m in mean], [np.full(16, m) for m in mean])
    assert sure.at == Estimate(4.0, (4.0, 4.0))
    assert sure.chance_at_end == 0.0
    rising = largest_ratio(x, [Estimate(v) for v in x], [np.full(9, v) for v in x])
    assert (rising.at.value, rising.chance_at_end) == (16.0, 1.0)
    few = largest_ratio(x, ratios, [row[:4] for row in left])
    assert (few.at.interval, few.chance_at_end) == (None, None)


def test_errors_of_the_largest_ratio_are_those_of_the_mean():
    """The jackknife of a mean gives its standard error: chances follow Student's law."""
    rng = np.random.default_rng(5)
    sample = rng.normal(0.0, 1.0, 20)
    left = np.array([np.delete(sample, k).mean() for k in range(20)])
    low = Estimate(-1e9)
    error = sample.std(ddof=1) / np.sqrt(20)
    gap = 1.5 * error
    peak = largest_ratio(
        [1.0, 2.0, 3.0],
        [low, Estimate(1.0), Estimate(1.0 - gap)],
        [np.full(20, -1e9), left, np.full(20, 1.0 - gap)],
    )
    expected = stats.t.cdf(-1.5, 19)
    assert peak.chance_at_end == pytest.approx(expected, abs=5 * np.sqrt(expected / 4000))


def test_largest_ratio_skips_values_without_one_and_refuses_none():
    none, some = Estimate(None), Estimate(2.0)
    peak = largest_ratio([1.0, 2.0, 3.0], [none, some, none], [np.zeros(6)] * 3)
    assert (peak.at.value, peak.chance_at_end) == (2.0, 0.0)
    with pytest.raises(InputError, match="ratios: none at any value"):
        largest_ratio([1.0, 2.0, 3.0], [none] * 3, [np.zeros(6)] * 3)
    with pytest.raises(InputError, match="x: 2 values; need 3 or more that rise"):
        largest_ratio([1.0, 2.0], [some] * 2, [np.zeros(6)] * 2)
    with pytest.raises(InputError, match="need 3 or more that rise"):
        largest_ratio([1.0, 1.0, 2.0], [some] * 3, [np.zeros(6)] * 3)
    with pytest.raises(InputError, match="ratios: 2 of 3 values and 3 left out"):
        largest_ratio([1.0, 2.0, 3.0], [some] * 2, [np.zeros(6)] * 3)


def test_ratios_are_taken_again_without_each_group_of_trials():
    rng = np.random.default_rng(2)
    trains = [np.sort(rng.uniform(0.0, 1000.0, 40)) for _ in range(7)]

    def measure(some):
        return train_signal_to_noise(some, 50.0, 0.0, 1000.0)

    left = left_out_ratios(trains, measure)
    expected = [measure([*trains[:k], *trains[k + 1 :]]).ratio_hz.value for k in range(7)]
    np.testing.assert_array_equal(left, expected)
    assert len(left_out_ratios(trains[:4], measure)) == 0
    assert len(left_out_ratios(trains * 9, measure)) == 20
    assert left_out_ratios([np.array([])] * 6, measure).tolist() == [0.0] * 6


def test_parts_of_a_ratio_have_the_intervals_of_chi_squared():
    rng = np.random.default_rng(4)
    trains = [np.sort(rng.uniform(0.0, 1000.0, 60)) for _ in range(5)]
    found = train_signal_to_noise(trains, 50.0, 0.0, 1000.0, 8)
    signal, noise = ratio_parts(found, 5, 8)
    degrees = 2 * 5 * 16
    low, high = found.noise_per_hz * degrees / stats.chi2.ppf([0.975, 0.025], degrees)
    assert noise.interval == pytest.approx((low, high))
    assert (signal.value, noise.value) == (found.signal, found.noise_per_hz)
    ends = np.array(found.ratio_hz.interval) * found.noise_per_hz
    assert signal.interval == pytest.approx(tuple(ends))


def test_logarithmic_axes_are_marked_in_plain_numbers():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set(xscale="log", xlim=(0.5, 600.0))
    plain_log_axis(axes.xaxis, (1.0,))
    labels = [axes.xaxis.get_major_formatter()(tick, 0) for tick in axes.get_xticks()]
    assert {"1", "10", "100"} <= set(labels)
    assert "2" not in labels
