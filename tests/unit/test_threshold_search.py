"""Searches for a threshold find it, with few trials, the same ones for the same seed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from pulse_checks import LITTLE
from scipy import stats
from study_checks import check_table

import stochhh
from stochhh import planning, threshold_search
from stochhh.analysis.firing_efficiency import fit_firing_efficiency
from stochhh.errors import InputError
from stochhh.execute import Outcome
from stochhh.plot.threshold_search import search_figure
from stochhh.scenario import load_scenario
from stochhh.threshold_search import running
from stochhh.threshold_search.asked import _toml

NODE, KEY = "node_R95", "stimulus.0.amplitude"
ONE = ["sweep={}"]  # 1000 channels
SMALL = [*ONE, "membrane.count_factor=0.25"]
WIDE = ("10 pA", "40 pA")
REACH = 2 * stats.norm.ppf(0.975)


@pytest.fixture(scope="module")
def found():
    return stochhh.find_threshold(NODE, between=WIDE, trials=200, overrides=SMALL, seed=3)


@pytest.fixture(scope="module")
def three():
    """All three nodes of the scenario."""
    return stochhh.find_threshold(NODE, trials=300, error=0.02, spread_error=0.08, seed=1)


def counts(curve):
    columns = (curve.amplitude.tolist(), curve.fired.tolist(), curve.trials.tolist())
    return list(zip(*columns, strict=True))


def width(estimate):
    return float(np.diff(np.log(estimate.interval))[0])


# What is found


def test_numbers_are_those_of_the_fit_of_the_pulses_given(found):
    (curve,), (course,) = found.curves, found.courses
    assert len(course.amplitude) == curve.trials.sum() <= 200
    for amplitude, fired, trials in counts(curve):
        assert (course.amplitude == amplitude).sum() == trials
        assert course.fired[course.amplitude == amplitude].sum() == fired
    fit = fit_firing_efficiency(*zip(*counts(curve), strict=True))
    numbers = found.numbers["curves"][0]
    assert numbers["threshold"] == fit.threshold.value
    assert numbers["relative_spread_ci"] == list(fit.relative_spread.interval)
    assert (numbers["n_channels"], numbers["trials"]) == (250, curve.trials.sum())
    known = found.known[0]
    assert numbers["spread_error"] == known.spread_error
    assert known.spread_error == pytest.approx(width(fit.relative_spread) / REACH, rel=0.25)
    assert known.threshold_error == pytest.approx(width(fit.threshold) / REACH, rel=0.25)


def test_threshold_and_spread_agree_with_a_long_run(found):
    """Of 12000 trials: 21.78 pA and 8.45 %, each known to a hundredth of itself or better."""
    (curve,) = found.curves
    for estimate, truth in ((curve.fit.threshold, 21.78), (curve.fit.relative_spread, 0.0845)):
        error = width(estimate) / REACH
        assert abs(np.log(estimate.value / truth)) < 5.0 * np.hypot(error, 0.013)
    assert abs(np.log(curve.fit.relative_spread.value / 0.0222)) > 5.0 * error  # of 4000 channels


def test_the_deterministic_threshold_is_found_beside_it(found):
    bracket = found.curves[0].bracket
    assert bracket.fires_at == pytest.approx(21.475, abs=1e-3)
    assert 0.0 < bracket.fires_at - bracket.silent_at < 1e-5 * 21.475
    low = stochhh.find_threshold(
        NODE, between=("21.6 pA", "26 pA"), trials=40, overrides=SMALL, seed=1
    )
    assert low.curves[0].bracket == (None, 21.6)
    high = stochhh.find_threshold(
        NODE, between=("17 pA", "21.4 pA"), trials=40, overrides=SMALL, seed=1
    )
    assert high.curves[0].bracket == (17.0, None)
    for one in (low, high):
        (note,) = one.notes()
        assert "the pulses that would tell most lie outside of" in note
        assert note.endswith("widen --between")


def test_it_tells_more_than_twice_the_trials_of_a_sweep_of_the_same_span(found):
    amplitudes = np.linspace(10.0, 40.0, 11)
    trials = int(found.curves[0].trials.sum())
    each = -(-trials // len(amplitudes))
    swept = ", ".join(f'"{a:g} pA"' for a in amplitudes)
    grid = [f'sweep={{"{KEY}"=[{swept}]}}', *SMALL[1:], LITTLE, "run.deterministic=false"]
    result = stochhh.run(NODE, overrides=grid, trials=2 * each, seed=5)
    fired = [sum(len(t) > 0 for t in result.spike_trains(k)) for k in range(len(amplitudes))]
    fit = fit_firing_efficiency(amplitudes, fired, [2 * each] * len(amplitudes))
    spread = found.curves[0].fit.relative_spread
    assert width(spread) < width(fit.relative_spread)  # of twice as many


def test_each_place_on_the_other_axes_gets_its_own_search(three):
    assert [curve.label for curve in three.curves] == [
        "250 channels",
        "1,000 channels",
        "4,000 channels",
    ]
    spreads = [curve.fit.relative_spread.value for curve in three.curves]
    assert spreads == sorted(spreads, reverse=True)
    exponent, (low, high) = (three.numbers[f"spread_exponent{end}"] for end in ("", "_ci"))
    error = (high - low) / REACH
    assert abs(exponent + 0.482) < 5.0 * np.hypot(error, 0.01)  # of 12000 trials each
    assert high < -0.2
    firsts = [counts(curve) for curve in three.curves]
    assert firsts[0] != firsts[1]
    streams = {tuple(course.fired[:20]) for course in three.courses}
    assert len(streams) == 3  # no two draw the same numbers


# Spikes that no pulse made

NOISY = ["membrane.area=100 um^2", "run.duration=25 ms"]
NOISY += ['stimulus=[{kind="pulse",amplitude="5 uA/cm^2",start="5 ms",duration="1 ms"}]']
BY_ITSELF = r"without a pulse \d+ of 40 trials \(\d+ to \d+ %\) fire within 20 ms"


def test_a_membrane_that_fires_by_itself_has_no_threshold_but_in_a_shorter_window():
    """It fires at 10 Hz (Chow & White 1996, fig. 4), so in a fifth of windows of 20 ms."""
    asked = {"between": ("1 uA/cm^2", "20 uA/cm^2"), "trials": 60, "seed": 1}
    with pytest.raises(InputError, match=BY_ITSELF + r".*within=\"4 ms\"") as refused:
        stochhh.find_threshold("spontaneous_CW96", overrides=NOISY, **asked)
    assert len(str(refused.value).splitlines()) == 1
    short = [*NOISY, "analysis.firing_efficiency.within=3 ms"]
    found = stochhh.find_threshold("spontaneous_CW96", overrides=short, **asked)
    assert found.alone[0] <= 2
    assert found.numbers["curves"][0]["without_pulse"] == {"trials": 40, "fired": found.alone[0]}


def test_a_few_spikes_that_no_pulse_made_are_noted(found):
    assert found.alone == (0,)  # and nothing is said
    assert not any("without a pulse" in note for note in found.notes())
    (note, *_) = replace(found, alone=(2,)).notes()
    assert note.startswith("without a pulse 2 of 40 trials (1 to 17 %) fire within 1 ms of its")


# Trials


def test_the_same_seed_gives_the_same_numbers_with_any_workers(found):
    arguments = {"between": WIDE, "trials": 200, "overrides": SMALL}
    one = stochhh.find_threshold(NODE, **arguments, seed=3, workers=1)
    with ThreadPoolExecutor(3) as pool:
        other = stochhh.find_threshold(NODE, **arguments, seed=3, executor=pool)
    assert one.numbers == other.numbers == found.numbers
    third = stochhh.find_threshold(NODE, **arguments, seed=4)
    assert counts(third.curves[0]) != counts(found.curves[0])


def test_trials_are_those_of_a_sweep_over_the_amplitudes_in_their_order(found):
    """Trial i at the k-th amplitude has the stream of trial i at the k-th point."""
    course = found.courses[0]
    edges = np.flatnonzero(np.diff(course.amplitude)) + 1
    batches = np.split(course.fired, edges)[:4]
    amplitudes = [float(course.amplitude[k]) for k in [0, *edges[:3]]]
    swept = ", ".join(f'"{a!r} pA"' for a in amplitudes)
    grid = [f'sweep={{"{KEY}"=[{swept}]}}', *SMALL[1:], "run.deterministic=false", LITTLE]
    result = stochhh.run(NODE, overrides=grid, trials=4, seed=3)
    for k, batch in enumerate(batches):
        fired = [len(train) > 0 for train in result.spike_trains(k)]
        assert fired == batch[:4].tolist()


def test_it_ends_when_the_errors_are_small_enough(found):
    (known,), goal = found.known, found.goal
    used = int(found.curves[0].trials.sum())
    assert goal.reached(known) == (used < 200)
    rough = stochhh.find_threshold(
        NODE, between=WIDE, trials=400, error=0.05, spread_error=0.3, overrides=SMALL, seed=3
    )
    assert rough.curves[0].trials.sum() < 0.4 * used
    assert rough.known[0].spread_error <= 0.3
    assert rough.numbers["curves"][0]["reached"]
    assert rough.notes() == []
    strict = stochhh.find_threshold(
        NODE, between=WIDE, trials=60, error=1e-4, overrides=SMALL, seed=3
    )
    assert strict.curves[0].trials.sum() in (59, 60)
    assert not strict.numbers["curves"][0]["reached"]
    (note,) = strict.notes()
    assert "trials used up with standard errors of" in note
    assert "asked for 0.01 % and 10 %; give more with --trials" in note


def test_amplitudes_are_round_numbers_within_the_span():
    known = running.next_amplitudes([20.0, 23.0], [1, 19], [20, 20], (18.0, 25.0))
    for amplitude in running._rounded(known, (18.0, 25.0)):
        step = round(amplitude / 0.1)
        assert amplitude == pytest.approx(0.1 * step, abs=1e-9)
    assert running._rounded(known, (21.42, 21.53)) == [21.42, 21.53]
    sharp = known._replace(threshold=21.4743, relative_spread=1e-4, amplitudes=np.array([21.4719]))
    assert running._rounded(sharp, (18.0, 25.0)) == [21.472]


def test_progress_adds_up_to_all_trials_that_were_allowed():
    covered = []
    found = stochhh.find_threshold(
        NODE,
        between=("18 pA", "26 pA"),
        trials=200,
        error=0.1,
        spread_error=0.5,
        overrides=ONE,
        seed=1,
        on_advance=covered.append,
    )
    assert found.curves[0].trials.sum() < 100
    assert sum(covered) == pytest.approx((200 + threshold_search.ALONE) * 1.5)


def test_an_interrupt_finds_nothing(monkeypatch):
    monkeypatch.setattr(running, "run_tasks", lambda *_: Outcome({}, True))
    with pytest.raises(KeyboardInterrupt):
        stochhh.find_threshold(NODE, overrides=ONE, between=WIDE, seed=1)


# What is asked


def test_what_is_left_out_is_taken_from_the_scenario():
    ready = threshold_search.prepare(NODE)
    assert (ready.key, ready.unit, ready.span) == (KEY, "pA", (18.9, 24.5))
    assert ready.label == "pulse amplitude (pA)"
    assert [place["membrane.count_factor"] for place in ready.places] == [0.25, 1.0, 4.0]
    assert (ready.settings.onset_ms, ready.settings.within_ms) == (0.5, 1.0)
    assert {plan.variables for plan in ready.plans} == {()}
    one = threshold_search.prepare(NODE, between=("15 pA", "30 pA"), overrides=ONE, seed=7)
    assert (one.key, one.span, one.places) == (KEY, (15.0, 30.0), ({},))
    assert one.label == "amplitude (pA)"
    assert one.scenario.run.seed == 7
    shock = threshold_search.prepare(
        "squid-patch", "run.initial.displacement", ("3 mV", "12 mV"), seed=1
    )
    assert (shock.unit, shock.settings.onset_ms, shock.settings.within_ms) == ("mV", 0.0, 200.0)
    method = threshold_search.prepare(NODE, method="leap", overrides=["run.step=0.01 ms"])
    assert {plan.method.name for plan in method.plans} == {"leap"}


def test_a_shock_has_a_threshold_of_its_own():
    found = stochhh.find_threshold(
        "squid-patch",
        "run.initial.displacement",
        ("2 mV", "15 mV"),
        overrides=["run.duration=15 ms", "membrane.area=300 um^2"],
        trials=60,
        seed=1,
    )
    assert found.curves[0].bracket.fires_at == pytest.approx(6.50736, abs=2e-4)
    assert found.numbers["curves"][0]["threshold"] == pytest.approx(6.5, abs=2.0)


# fmt: off
REFUSED = [
    ({"scenario": "squid-patch"}, r"squid-patch: --key: name what is searched, as in stimulus\.0"),
    ({"scenario": "refractory", "overrides": ONE}, r"--key: name what is searched, one of "
     r"stimulus\.0\.amplitude, stimulus\.1\.amplitude"),
    ({"overrides": ONE}, r"node_R95: --between: need the lowest and the highest stimulus\.0\.ampl"),
    ({"between": ("25 pA", "18 pA")}, r'--between: got "25 pA" and "18 pA", need two rising'),
    ({"between": ("18 pA", "25 nA")}, r"need two rising amplitudes above zero in one unit"),
    ({"between": ("0 pA", "25 pA")}, r"need two rising amplitudes above zero"),
    ({"between": ("18", "25")}, r"need two rising amplitudes above zero in one unit, as in"),
    ({"between": ("18 mV", "25 mV")}, r'got "18 mV", which is not a current'),
    ({"key": "stimulus.1.amplitude", "between": WIDE}, r"no entry '1'"),
    ({"method": "deterministic"}, r"method: a deterministic membrane has no relative spread"),
    ({"trials": 7}, r"--trials: got 7, need 8 or more, as in 400"),
    ({"error": 0.0}, r"--error: got 0, need a number above zero, as in 0\.01"),
    ({"spread_error": -1.0}, r"--spread-error: got -1, need a number above zero, as in 0\.1"),
    ({"overrides": ["analysis.firing_efficiency.within=2 ms"]}, r"analysis\.firing_efficiency\."
     r"within: 2 ms after the onset at 0\.5 ms is beyond the end of a trial"),
    ({"scenario": "clamp-family_HH52", "key": "clamp.holding", "between": ("1 mV", "2 mV")},
     r"a clamped membrane makes no spikes"),
    ({"between": ("1 pA", "2 pA"), "overrides": ONE, "trials": 16}, r"node_R95: no trial fired; "
     r"need amplitudes on both sides of threshold; choose another --between, or give more"),
    ({"workers": 0}, r"workers: got 0"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_it_cannot_search_is_refused(arguments, message):
    asked = {"scenario": NODE, "seed": 1, **arguments}
    with pytest.raises(InputError, match=message) as refused:
        stochhh.find_threshold(asked.pop("scenario"), **asked)
    assert len(str(refused.value).splitlines()) == 1


def test_tables_are_written_as_toml():
    values = {"a.b": [1.0, 0.25], "c": {"d": "6 µA", "e": True}, 'q"': []}
    sweep = load_scenario(
        "squid-patch",
        [f"sweep={_toml({'membrane.area': ['1 um^2'], 'membrane.count_factor': [0.25]})}"],
    ).sweep
    assert sweep == {"membrane.area": ["1 um^2"], "membrane.count_factor": [0.25]}
    import tomllib

    assert tomllib.loads(f"x = {_toml(values)}")["x"] == values


# What it leaves


def test_its_table_says_what_it_cost(three):
    check_table(three.outcome)
    assert json.dumps(three.numbers, allow_nan=False)
    assert three.outcome.heading.startswith("Threshold: Pulses at the threshold")
    assert three.numbers["seed"] == 1
    assert three.numbers["between"] == [18.9, 24.5]


def test_files_and_their_folder(found, tmp_path):
    folder = threshold_search.check_folder(tmp_path / "new", NODE)
    written = threshold_search.save(found, folder)
    assert [path.name for path in written] == ["threshold.png", "threshold.csv", "threshold.json"]
    assert json.loads((folder / "threshold.json").read_text()) == found.numbers
    assert len((folder / "threshold.csv").read_text().splitlines()) == 1 + len(
        found.curves[0].amplitude
    )
    assert threshold_search.check_folder(folder, NODE) == folder
    with pytest.raises(InputError, match=r"holds the threshold of 'node_R95'; choose another"):
        threshold_search.check_folder(folder, "all-or-none")
    assert threshold_search.check_folder(folder, "all-or-none", force=True) == folder
    (folder / "threshold.json").write_text("[]")
    with pytest.raises(InputError, match=r"holds a threshold\.json that is none of ours"):
        threshold_search.check_folder(folder, NODE)
    with pytest.raises(InputError, match=r"is a file; give a folder to --out"):
        threshold_search.check_folder(folder / "threshold.csv", NODE)


def test_the_picture_shows_shares_pulses_and_scaling(found, three):
    figure = search_figure(found.curves, found.courses, None, "amplitude (pA)", "title")
    share, course = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == ["amplitude (pA)", "trial"]
    drawn = sum(len(line.get_xdata()) for line in course.lines if line.get_marker() == "o")
    assert drawn == len(found.courses[0].amplitude)
    assert [t.get_text() for t in course.get_legend().get_texts()][:2] == [
        "made a spike",
        "made none",
    ]
    labels = {text.get_text() for text in share.get_legend().get_texts()}
    assert labels == {"integrated Gaussian", "trials (95 %)", "few trials", "deterministic"}
    data = three.findings.data
    every = search_figure(three.curves, three.courses, data.scaling, "x")
    assert "number of channels" in [axes.get_xlabel() for axes in every.axes]


def test_a_plan_goes_by_the_number_of_its_amplitude():
    ready = threshold_search.prepare(NODE, seed=5)
    plan = running.plan_at(ready.setups[1], KEY, "21 pA", 9)
    expected = np.random.SeedSequence(5, spawn_key=(9, 2)).generate_state(2)
    assert (plan.seed_sequence(2).generate_state(2) == expected).all()
    assert planning.n_trials_of(ready.scenario) == 1000


def test_a_search_prints_what_it_found(found):
    said = repr(found)
    assert said.startswith("<stochhh.ThresholdSearch of 'node_R95'>\nHalf of the pulses fire at")
    assert len(said) < 500
