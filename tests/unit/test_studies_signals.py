"""Studies of signals: voltage_spectrum, coherence and information."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from harness import LEVEL
from scipy import stats
from study_checks import check_table

import stochhh
from stochhh.analysis.applicable import settings_across, spans_sweep
from stochhh.analysis.coherence_information import coherence_information_rate
from stochhh.analysis.entropy import binned
from stochhh.analysis.information import information_rate
from stochhh.analysis.membrane_noise import expected_noise, recorded_noise
from stochhh.analysis.repeated_input import coherence_of_repeats
from stochhh.analysis.setup import Setup
from stochhh.analysis.voltage_spectra import coherence
from stochhh.errors import InputError
from stochhh.membrane import build_membrane
from stochhh.result import load
from stochhh.scenario import expand_sweep, load_scenario
from stochhh.studies import analyse, find_study
from stochhh.studies.making import numbers_of, write_outcomes

LARGE, WHOSE, SPIKES = "subthreshold-noise_SMK00", "whose-noise", "information_SST99"
REACH = stats.norm.isf(LEVEL / 2)  # standard errors
NOISE = '{kind="noise", sd="0.3 uA/cm^2", correlation_time="3 ms"}'
CURRENTS = 'sweep={"stimulus.0.amplitude"=["2 uA/cm^2", "0 uA/cm^2"]}'
AREAS = 'sweep={"membrane.area"=["3 um^2", "30 um^2"]}'


def found_of(result, study, *overrides):
    (outcome,) = analyse(result, [study], [f"{study}.{text}" for text in overrides])
    return outcome


def numbers(result, study, *overrides):
    return found_of(result, study, *overrides).findings.numbers


@pytest.fixture(scope="module")
def resting():
    """Two currents, one temperature; 600 ms of 10 trials."""
    small = ["run.duration=600 ms", "analysis.voltage_spectrum.start=100 ms", CURRENTS]
    return stochhh.run(LARGE, overrides=[*small, "membrane.area=1000 um^2"], seed=1, trials=10)


@pytest.fixture(scope="module")
def whose():
    small = ["run.duration=400 ms", 'run.record.variables=["open", "current"]']
    return stochhh.run(WHOSE, overrides=small, seed=2, trials=6)


@pytest.fixture(scope="module")
def driven():
    """A weak noise, new in each of 8 trials, into a membrane that does not spike."""
    small = [f"stimulus=[{NOISE}]", "membrane.area=3000 um^2", "run.duration=1.5 s"]
    small += ["run.record.interval=0.25 ms", "run.record.variables=[]", "run.method=leap"]
    asked = 'analysis.coherence={start="100 ms"}'
    return stochhh.run("squid-patch", overrides=[*small, asked], seed=3, trials=8)


@pytest.fixture(scope="module")
def telling():
    return stochhh.run(SPIKES, overrides=["run.duration=1 s", AREAS], seed=4, trials=12)


def points(found):
    return [point for curve in found["curves"] for point in curve["points"]]


# voltage_spectrum


def test_voltage_noise_is_what_the_pure_functions_find(resting):
    found = numbers(resting, "voltage_spectrum")
    (curve,) = found["curves"]
    assert [point["x"] for point in curve["points"]] == [0.0, 2.0]  # in order, not as listed
    assert (found["axis"], found["axis_unit"]) == ("stimulus.0.amplitude", "uA/cm^2")
    assert (found["start_ms"], found["end_ms"], found["segment_ms"]) == (100.0, 600.0, 125.0)
    setup = build_membrane(resting.scenario.membrane, "x")
    for point, index in zip(curve["points"], (1, 0), strict=True):
        data = resting.point(index)
        rows = data["voltage"].isel(time=data["time"] > 100.0).values
        trains = resting.spike_trains(index)
        assert point["trials_with_spikes"] == sum(np.any(train >= 70.0) for train in trains) == 0
        expected = recorded_noise(rows, 0.5, 125.0, 400.0)
        for name in ("mean", "variance", "peak_hz"):
            estimate = getattr(expected, name)
            assert point[name] == pytest.approx(estimate.value, rel=1e-12)
            assert point[f"{name}_ci"] == pytest.approx(list(estimate.interval), rel=1e-9)
        assert point["sd"] == pytest.approx(rows.std())
        assert point["sd_ci"] == pytest.approx(np.sqrt(expected.variance.interval))
        theory = expected_noise(setup, 10.0 * point["x"], None, 0.5, 8.0, 400.0)
        assert point["variance_theory"] == theory.variance.sum()
        assert point["mean_theory"] == theory.mean
        assert point["peak_hz_theory"] == theory.peak_hz
        assert [part["variance_theory"] for part in point["parts"]] == list(theory.variance)
        assert sum(part["share_theory"] for part in point["parts"]) == pytest.approx(1.0)
    assert curve["points"][0]["variance_theory"] * 1000 == pytest.approx(266, abs=0.5)
    assert curve["points"][0]["peak_hz_theory"] == pytest.approx(61.2, abs=0.1)


def test_linear_theory_holds_in_a_large_patch_and_a_wrong_one_does_not():
    small = ["run.duration=1.2 s", "sweep={}", "membrane.area=30000 um^2"]
    result = stochhh.run(LARGE, overrides=small, seed=5, trials=24)
    (point,) = points(numbers(result, "voltage_spectrum"))
    low, high = point["variance_ci"]
    error = (high - low) / (2 * stats.t.ppf(0.975, 23))
    assert abs(point["variance"] - point["variance_theory"]) < REACH * error
    of_k = point["parts"][1]["variance_theory"]
    assert abs(point["variance"] - of_k) > REACH * error
    assert abs(point["variance"] - 1.25 * point["variance_theory"]) > REACH * error


def test_noise_switched_off_tells_whose_it_is(whose):
    found = numbers(whose, "voltage_spectrum")
    assert found["axis"] == ""
    assert [curve["label"] for curve in found["curves"]] == [
        "squid-na noise on, squid-k noise on",
        "squid-na noise on, squid-k noise off",
        "squid-na noise off, squid-k noise on",
        "squid-na noise off, squid-k noise off",
    ]
    both, of_na, of_k, none = points(found)
    assert (none["variance"], none["variance_theory"], none["peak_hz"]) == (0.0, 0.0, None)
    parts = [part["variance_theory"] for part in both["parts"]]
    assert parts == pytest.approx([of_na["variance_theory"], of_k["variance_theory"]])
    assert of_na["variance"] < 0.5 * of_k["variance"] < 0.5 * both["variance"] * 1.2
    said = find_study("voltage_spectrum").says(found)
    assert "% of its variance from squid-k by linear theory" in said
    assert "With squid-na noise off, squid-k noise on its variance is" in said


def test_conductance_is_that_of_open_channels(whose):
    settings = ("quantity=conductance", "population=squid-k")
    found = numbers(whose, "voltage_spectrum", *settings)
    assert (found["quantity"], found["unit"]) == ("conductance of squid-k", "nS")
    data = whose.point(0)
    open_count = data["open"].isel(time=data["time"] > found["start_ms"], population=1).values
    first = points(found)[0]
    assert first["sd"] == pytest.approx(0.02 * open_count.std(), rel=1e-9)
    assert first["mean"] == pytest.approx(0.02 * open_count.mean(), rel=1e-9)
    assert first["mean_theory"] == pytest.approx(first["mean"], rel=0.05)
    dropped = whose.dataset.drop_vars("current")
    again = numbers(stochhh.Result(dropped), "voltage_spectrum", *settings)
    assert points(again)[0]["sd"] == pytest.approx(first["sd"], rel=1e-9)


def test_trials_with_spikes_are_left_out():
    small = ["run.duration=300 ms", "membrane.area=150 um^2", "sweep={}", "run.trials=12"]
    bare = 'analysis.voltage_spectrum={start="100 ms"}'
    result = stochhh.run(LARGE, overrides=[*small, bare], seed=3)
    trains = result.spike_trains()
    quiet = np.array([not np.any((train >= 70.0) & (train < 300.0)) for train in trains])
    assert 2 < quiet.sum() < 10
    found = numbers(result, "voltage_spectrum")
    (point,) = points(found)
    assert (point["trials"], point["trials_with_spikes"]) == (12, 12 - quiet.sum())
    rows = result["voltage"].isel(time=result["time"] > 100.0, trial=quiet).values
    assert point["sd"] == pytest.approx(rows.std())
    said = find_study("voltage_spectrum").says(found)
    assert f"Trials with spikes were left out, {12 - quiet.sum()} of 12 at most" in said
    firing = stochhh.run(LARGE, overrides=[*small, bare, "stimulus.0.amplitude=15 uA/cm^2"], seed=3)
    with pytest.raises(InputError, match=r"every trial has spikes; make the membrane larger"):
        analyse(firing)


def test_where_the_steady_state_is_unstable_theory_is_left_out():
    small = ["run.duration=100 ms", "membrane.area=10 um^2", "stimulus.0.amplitude=-3 uA/cm^2"]
    sweep = 'sweep={"stimulus.0.amplitude"=["-3 uA/cm^2", "11 uA/cm^2"]}'
    result = stochhh.run(LARGE, overrides=[*small, sweep, BARE], seed=3, trials=8)
    found = numbers(result, "voltage_spectrum")
    low, high = points(found)
    assert low["sd_theory"] is not None
    assert high["sd_theory"] is None
    assert high["parts"] == []
    check_table(found_of(result, "voltage_spectrum"))


BARE = "analysis.voltage_spectrum={}"


def test_start_is_by_default_when_the_beginning_is_forgotten():
    """Five time constants of the slowest mode, 8.29 ms at rest, after the last step."""

    def start(*overrides):
        scenario = load_scenario("squid-patch", [*overrides, BARE])
        membrane = build_membrane(scenario.membrane, "x")
        setups = [Setup(point.scenario, membrane, point.values) for point in expand_sweep(scenario)]
        return settings_across("voltage_spectrum", setups, "x").start_ms

    assert start() == pytest.approx(5 * 8.2878, rel=1e-3)
    step = 'stimulus=[{kind="pulse", amplitude="5 uA/cm^2", duration="10 ms", start="20 ms"}]'
    assert start(step) == pytest.approx(30 + 5 * 8.2878, rel=1e-3)
    assert start("run.duration=60 ms") == 30.0  # half of what there is
    unstable = 'stimulus=[{kind="constant", amplitude="12 uA/cm^2"}]'
    assert start(unstable) == 100.0


# coherence


def test_coherence_is_what_the_pure_functions_find(driven):
    found = numbers(driven, "coherence")
    (point,) = points(found)
    assert not found["repeated_input"]
    assert found["highest_hz"] == pytest.approx(333.33, abs=0.01)
    late = driven["time"].values > 100.0
    given, rows = driven["stimulus"].values[:, late], driven["voltage"].values[:, late]
    assert given.shape == rows.shape == (8, 5600)
    expected = coherence(given, rows, 0.25, found["segment_ms"])
    bound = coherence_information_rate(expected, 0.0, found["highest_hz"])
    assert point["bits_per_s"] == pytest.approx(bound.value)
    assert point["bits_per_s_ci"] == pytest.approx(bound.interval)
    inside = expected.frequency_hz < 333.4
    assert point["largest"] == expected.corrected[inside].max()
    assert point["significant"] == expected.significant
    assert (point["bits_per_spike"], point["rate_hz"]) == (None, 0.0)
    shuffled = coherence(np.roll(given, 1, axis=0), rows, 0.25, found["segment_ms"])
    assert coherence_information_rate(shuffled, 0.0, found["highest_hz"]).value < 0.1 * bound.value


def test_coherence_of_a_silent_membrane_is_that_of_linear_theory(driven):
    (point,) = points(numbers(driven, "coherence"))
    low, high = point["bits_per_s_ci"]
    error = (high - low) / (2 * 1.96)
    assert abs(point["bits_per_s"] - point["bits_per_s_theory"]) < REACH * error
    assert abs(point["bits_per_s"] - 0.7 * point["bits_per_s_theory"]) > REACH * error
    assert point["mean"] == pytest.approx(point["mean_theory"], rel=0.1)
    said = find_study("coherence").says(numbers(driven, "coherence"))
    assert "theory gives" in said


def test_coherence_of_spikes_with_a_repeated_input(telling):
    found = numbers(telling, "coherence")
    assert found["repeated_input"]
    assert found["axis_unit"] == "channels"
    few, many = points(found)
    assert (few["x"], many["x"], many["n_channels"]) == (234.0, 2340.0, 2340)
    times = telling["time"].values[:-1]
    edges = np.append(times, telling["time"].values[-1])
    for point, index in ((few, 0), (many, 1)):
        trains = telling.spike_trains(index)
        counts = np.array([np.histogram(train, edges)[0] for train in trains]) / 0.5e-3
        given = telling.point(index)["stimulus"].values[:-1]
        expected = coherence_of_repeats(given, counts, 0.5, found["segment_ms"], 250.0)
        bound = coherence_information_rate(expected, 0.0, 250.1)
        # the study has one more interval at the end, in which nothing can be
        assert point["bits_per_s"] == pytest.approx(bound.value, rel=0.02)
        rate = sum(len(train) for train in trains) / 12
        assert point["rate_hz"] == pytest.approx(rate)
        assert point["bits_per_spike"] == pytest.approx(point["bits_per_s"] / rate)
    assert few["bits_per_s"] < many["bits_per_s"]
    assert few["bits_per_s_theory"] is None
    assert few["limit_bits_per_s"] == pytest.approx(many["limit_bits_per_s"], rel=1e-6)


# information


def test_information_is_what_the_pure_functions_find(telling):
    found = numbers(telling, "information")
    assert (found["correction"], found["bin_ms"]) == ("shuffle", 3.0)
    for point, index in zip(points(found), (0, 1), strict=True):
        trains = telling.spike_trains(index)
        letters = binned(trains, 1000.0, 3.0)
        expected = information_rate(letters, 3.0, [2, 3, 4, 5, 6])
        assert point["bits_per_s"] == expected.bits_per_s.value
        assert point["bits_per_s_ci"] == list(expected.bits_per_s.interval)
        assert point["total_bits_per_s"] == expected.total_bits_per_s
        assert point["noise_bits_per_s"] == expected.noise_bits_per_s
        share = (expected.total_bits_per_s - expected.noise_bits_per_s) / expected.total_bits_per_s
        assert point["share"] == pytest.approx(share)
        rate = sum(len(train) for train in trains) / 12
        assert point["bits_per_spike"] == pytest.approx(expected.bits_per_s.value / rate)
        assert [word["bins"] for word in point["words"]] == [2, 3, 4, 5, 6]
        assert [word["total_bits"] for word in point["words"]] == [
            word.total_bits for word in expected.words
        ]
    few, many = points(found)
    assert few["bits_per_s"] < many["bits_per_s"]
    bounds = [point["bits_per_s"] for point in points(numbers(telling, "coherence"))]
    assert [few["bound_bits_per_s"], many["bound_bits_per_s"]] == pytest.approx(bounds, rel=1e-9)


def test_limit_of_information_is_the_entropy_of_the_deterministic_train(telling):
    point = points(numbers(telling, "information", "words=[3]", "correction=miller-madow"))[0]
    (train,) = telling.spike_trains(0, deterministic=True)
    letters = binned([train], 1000.0, 3.0)[0, :333].reshape(111, 3) @ [1, 2, 4]
    counts = np.unique(letters, return_counts=True)[1]
    bits = stats.entropy(counts, base=2) + (len(counts) - 1) / (2 * 111 * np.log(2))
    assert point["limit_bits_per_s"] == pytest.approx(bits / 9e-3)


def test_bound_and_deterministic_limit_may_be_left_out(telling):
    found = numbers(telling, "information", "bound=false", "words=[4]", "start=200 ms")
    few = points(found)[0]
    assert few["bound_bits_per_s"] is None
    trains = [train[train >= 200.0] - 200.0 for train in telling.spike_trains(0)]
    expected = information_rate(binned(trains, 800.0, 3.0), 3.0, [4])
    assert few["bits_per_s"] == expected.bits_per_s.value
    names = [name for name in telling.dataset.variables if not name.startswith("deterministic")]
    alone = stochhh.Result(telling.dataset[names])
    assert points(numbers(alone, "information"))[0]["limit_bits_per_s"] is None
    assert points(numbers(alone, "coherence"))[0]["limit_bits_per_s"] is None


def test_silent_trains_tell_nothing():
    quiet = ["stimulus.0.mean=0 uA/cm^2", "stimulus.0.sd=0.1 uA/cm^2", "run.duration=400 ms"]
    big = ["membrane.area=3000 um^2", "sweep={}", "run.deterministic=false"]
    result = stochhh.run(SPIKES, overrides=[*quiet, *big], seed=1, trials=8)
    assert not any(len(train) for train in result.spike_trains())
    one, other = analyse(result, strict=False)
    assert "no response varies in any trial; make the input stronger" in one.problem
    assert "no trial has a spike; make the stimulus stronger" in other.problem


# What is refused


# fmt: off
CO, INFO, VOLT = "analysis.coherence", "analysis.information", "analysis.voltage_spectrum"
CLAMP = 'clamp={holding="-65 mV"}; stimulus=[]; sweep={}'
REFUSED = [
    (LARGE, f"{CLAMP}; run.initial.voltage=rest", r"voltage_spectrum: a clamped voltage does not "
     r"fluctuate; ask for spectrum, or drop the \[clamp\]"),
    (LARGE, "run.method=deterministic", r"voltage_spectrum: a deterministic run has no noise; "
     r"choose another run\.method, or .* analysis\.voltage_spectrum=false"),
    (WHOSE, "sweep={}; membrane.channels.0.noise=false; membrane.channels.1.noise=false",
     r"voltage_spectrum: no population has noise"),
    (LARGE, f"{VOLT}.axis=membrane.are", r"voltage_spectrum\.axis: no swept key 'membrane\.are'"),
    (LARGE, f"{VOLT}.quantity=conductance", r"voltage_spectrum\.population: name one of several: "
     r'"squid-na", "squid-k"'),
    (LARGE, f"{VOLT}.quantity=conductance; {VOLT}.population=squid", r"voltage_spectrum\."
     r"population: no population 'squid'; did you mean"),
    (LARGE, f"{VOLT}.quantity=conductance; {VOLT}.population=squid-k", r"voltage_spectrum\."
     r"population: the conductance of 'squid-k' is not recorded; add \"open\" to run\.record\.var"),
    (LARGE, f"{VOLT}.quantity=conductance; {VOLT}.population=squid-k; membrane.channels.1.count=0;"
     "membrane.channels.1={scheme=\"squid-k\", count=0, conductance=\"20 pS\", reversal=\"0 mV\"}",
     r"voltage_spectrum\.population: 'squid-k' has no channels"),
    (LARGE, f"{VOLT}.start=2 s", r"voltage_spectrum\.start: from 2000 to 1500 ms is no stretch"),
    (LARGE, 'stimulus=[{kind="sine", amplitude="1 uA/cm^2", frequency="5 Hz"}]; sweep={}; '
     f"{VOLT}={{}}", r"voltage_spectrum\.start: stimulus\[0\], a sine, changes from .* to 1500 "
     r"ms; need a steady current, constant or a step that is over before"),
    (LARGE, f"{VOLT}.segment=2 ms", r"voltage_spectrum\.segment: 2 ms; need 8 records of 0\.5 ms"),
    (LARGE, f"{VOLT}.segment=1.3 s", r"voltage_spectrum\.segment: 1300 ms; need .* no more than "
     r"the stretch from 300 to 1500 ms"),
    (LARGE, f"{VOLT}.highest=1.1 kHz", r"voltage_spectrum\.highest: 1100 Hz; need more than 4 Hz "
     r"and at most half the sampling frequency, 1000 Hz, which run\.record\.interval sets"),
    (LARGE, f"{VOLT}.highest=3 Hz", r"voltage_spectrum\.highest: 3 Hz; need more than 4 Hz"),
    # coherence
    (SPIKES, f"{CLAMP}; {INFO}=false; figure={{}}", r"coherence: a clamped voltage follows no "
     r"current; give the scenario no \[clamp\]"),
    (LARGE, f"{VOLT}=false; {CO}={{}}", r"coherence: needs noise as its input; give a \[\[stimulus"
     r'\]\], as kind = "noise", sd = '),
    (SPIKES, 'stimulus.0={kind="noise", sd="1 uA/cm^2", correlation_time="3 ms", duration="5 s"}; '
     f"{INFO}=false", r"coherence\.start: stimulus\[0\], a noise, is not the same from 0 to 10000 "
     r"ms; need noise throughout, and nothing but a constant beside it"),
    (SPIKES, f'stimulus=[{NOISE}, {{kind="sine", amplitude="1 uA/cm^2", frequency="5 Hz"}}]; '
     f"{INFO}=false", r"coherence\.start: stimulus\[1\], a sine, is not the same"),
    (SPIKES, "run.record.interval=1 ms", r"coherence: the input is recorded every 1 ms, too seldom "
     r'for its correlation time of 3 ms; need run\.record\.interval = "0\.75 ms" or less'),
    (SPIKES, "stimulus.0.sd=0 uA/cm^2", r"coherence: the noise has an sd of 0; need one above it"),
    (SPIKES, f"{CO}.segment=6 s", r"coherence\.segment: 6000 ms; need 8 records of 0\.5 ms or more "
     r"in it, and no more than half of the stretch from 0 to 10000 ms"),
    (SPIKES, f"{CO}.highest=2 kHz", r"coherence\.highest: 2000 Hz; need more than 4 Hz and at most "
     r"half the sampling frequency, 1000 Hz"),
    (SPIKES, f"{CO}.response=spike", r"coherence\.response: got 'spike'; did you mean 'spikes'"),
    # information
    (SPIKES, f"{CLAMP}; {CO}=false; figure={{}}", r"information: a clamped membrane makes no sp"),
    (SPIKES, f"run.method=deterministic; {CO}=false", r"information: a deterministic run has no"),
    (SPIKES, f"stimulus=[{NOISE}]; {CO}=false", r"information: stimulus\[0\] is a new noise in "
     r'every trial; need the same in all, as kind = "frozen-noise"'),
    (SPIKES, f'stimulus=[{{kind="constant", amplitude="9 uA/cm^2"}}]; {CO}=false', r"information: "
     r"needs a stimulus that varies; give one, as kind"),
    (SPIKES, "run.trials=1", r"information: 1 trial, too few for shuffle; need run\.tri"),
    (SPIKES, f"run.trials=7; {INFO}.correction=extrapolation", r"information\.correction: 7 trials"
     r", too few for extrapolation; need run\.trials of 8 or more, and rather 30"),
    (SPIKES, "run.duration=300 ms", r"information\.words: 16 words of 18 ms fit from 0 to 300 ms; "
     r"need 20 or more, so make run\.duration longer, or words shorter"),
    (SPIKES, f"{INFO}.words=[]", r"information\.words"),
    (SPIKES, f"{INFO}.words=[0]", r"information\.words"),
    (SPIKES, f"{INFO}.bin=3", r"information\.bin: .*unit"),
    (SPIKES, f"{INFO}.correction=some", r"information\.correction: got 'some'; known: dig"),
    (SPIKES, f"{INFO}.bound=true; {CO}=false; run.record.interval=1 ms", r"information: the input "
     r"is recorded every 1 ms"),
]
# fmt: on


@pytest.mark.parametrize(("name", "overrides", "message"), REFUSED)
def test_what_cannot_be_made_is_refused_before_anything_runs(name, overrides, message):
    given = [text.strip() for text in overrides.split(";") if text.strip()]
    with pytest.raises(InputError, match=message):
        stochhh.simulate.plan(stochhh.simulate.resolve(name, given, seed=1))


def test_bound_is_left_out_by_default_where_it_cannot_be_made():
    step = '[{kind="pulse-train", amplitude="9 uA/cm^2", duration="5 ms", interval="30 ms", '
    given = [f"stimulus={step}count=9}}]", "analysis.coherence=false", "sweep={}"]
    scenario = load_scenario(SPIKES, given)
    setup = Setup(scenario, build_membrane(scenario.membrane, "x"))
    filled = settings_across("information", [setup], "x")
    assert (filled.bound, filled.correction, filled.axis) == (False, "shuffle", None)


# Tables, files, pictures, saved results


def outcomes_of(request):
    made = []
    for fixture in ("resting", "whose", "driven", "telling"):
        made += analyse(request.getfixturevalue(fixture))
    return made


def test_tables_files_and_pictures(request, tmp_path):
    found = outcomes_of(request)
    names = ["voltage_spectrum"] * 2 + ["coherence"] * 2 + ["information"]
    assert [one.name for one in found] == names
    for number, outcome in enumerate(found):
        assert spans_sweep(outcome.name)
        assert outcome.point is None
        check_table(outcome)
        assert find_study(outcome.name).says(outcome.findings.numbers).endswith(".")
        folder = tmp_path / str(number)
        picture, *tables = write_outcomes([outcome], folder)
        assert picture.stat().st_size > 20_000
        second = {"voltage_spectrum": "density", "coherence": "spectrum", "information": "words"}
        assert [path.name for path in tables] == [
            f"{outcome.name}.csv", f"{outcome.name}_{second[outcome.name]}.csv",
        ]  # fmt: skip
        for path in tables:
            rows = list(csv.reader(path.read_text().splitlines()))
            assert len({len(row) for row in rows}) == 1
            assert len(rows) > 1
        first = list(csv.DictReader(tables[0].read_text().splitlines()))
        assert len(first) == len(points(outcome.findings.numbers))


def legends(figure):
    return [
        [text.get_text() for text in axes.get_legend().get_texts()]
        for axes in figure.axes
        if axes.get_legend()
    ]


def test_pictures_show_what_they_should(resting, whose, driven, telling):
    def drawn(result, study):
        outcome = found_of(result, study)
        return find_study(study).draw(outcome.findings, "A title")

    figure = drawn(resting, "voltage_spectrum")
    assert legends(figure)[0] == ["0", "2", "linear theory"]
    assert figure.axes[1].get_xlabel() == "steady current (µA/cm²)"
    assert figure.axes[0].get_ylabel() == "power of the voltage (mV²/Hz)"
    figure = drawn(whose, "voltage_spectrum")
    assert legends(figure)[0][-1] == "linear theory"
    assert len(figure.axes[1].get_yticks()) == 4
    figure = drawn(driven, "coherence")
    assert legends(figure)[0] == ["trials (95 %)", "linear theory", "5 % level"]
    assert figure.axes[1].get_ylabel() == "gain, where coherent (MΩ)"
    figure = drawn(telling, "coherence")
    assert legends(figure)[0] == ["234", "2 340", "deterministic", "5 % level"]
    assert figure.axes[1].get_xlabel() == "number of channels"
    figure = drawn(telling, "information")
    assert set(legends(figure)[1]) == {
        "total entropy", "noise entropy", "information", "coherence bound", "deterministic",
    }  # fmt: skip
    for axes in figure.axes:  # the deterministic limit is black and dashed
        for line in axes.get_lines():
            if line.get_label() == "deterministic":
                assert line.get_color() == "#000000"
                assert line.get_linestyle() == "--"


@pytest.mark.parametrize("fixture", ["resting", "driven", "telling"])
def test_studies_of_a_saved_result_are_those_of_the_fresh_one(fixture, request, tmp_path):
    result = request.getfixturevalue(fixture)
    result.save(tmp_path / "result.nc")
    again = load(tmp_path / "result.nc")
    fresh = numbers_of(analyse(result), None)
    assert json.dumps(numbers_of(analyse(again), None)) == json.dumps(fresh)
