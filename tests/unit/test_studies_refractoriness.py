"""The study of refractoriness: second spikes, thresholds by interval, and their law."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from pulse_checks import (
    LITTLE,
    NODE,
    PULSE,
    SQUID,
    curve_of,
    made,
    numbers,
    place_of,
    swept,
)
from scipy import stats
from study_checks import check_table

import stochhh
from stochhh.analysis.estimates import Estimate, share_estimate
from stochhh.analysis.excitability import (
    fit_refractoriness,
)
from stochhh.analysis.firing_efficiency import fit_firing_efficiency
from stochhh.analysis.pulse_thresholds import (
    PulseThreshold,
    half_recovery,
)
from stochhh.analysis.refractory_recovery import Recovery, SinglePulse
from stochhh.errors import InputError
from stochhh.result import Result, load
from stochhh.simulate import plan, resolve
from stochhh.studies import analyse, find_study
from stochhh.studies.making import write_outcomes

INTERVALS = (0.9, 1.2, 3.0)
SECONDS = (21, 22, 23.5, 25, 26, 27, 28)


@pytest.fixture(scope="module")
def seconds():
    sweep = swept(
        stimulus__1__start=([0.5 + interval for interval in INTERVALS], "ms"),
        stimulus__1__amplitude=(SECONDS, "pA"),
    )
    return stochhh.run(NODE, overrides=[LITTLE, "run.duration=4.5 ms", sweep], seed=1, trials=30)


@pytest.fixture(scope="module")
def squid():
    """Deterministic thresholds alone matter: two trials and coarse amplitudes."""
    sweep = swept(
        stimulus__1__start=([11, 15, 21, 41], "ms"),
        stimulus__1__amplitude=([25, 45, 60, 140], "uA/cm^2"),
    )
    small = ["membrane.area=100 um^2", LITTLE, sweep]
    return stochhh.run(SQUID, overrides=small, seed=1, trials=2)


UNKNOWN = SinglePulse(None, None)


def test_half_recovery_is_where_the_share_first_passes_a_half():
    time = [1.0, 2.0, 3.0, 4.0, 5.0]
    found = half_recovery(time, [0, 2, 8, 20, 20], [20] * 5)
    assert found.value == pytest.approx(3.0 + (0.5 - 0.4) / (1.0 - 0.4))
    assert found.interval == (2.0, 4.0)  # 8 of 20 may still be a half
    supernormal = half_recovery(time, [0, 0, 40, 10, 10], [40] * 5)
    assert supernormal == Estimate(2.5, (2.0, 3.0))  # the first time counts
    assert half_recovery(time, [0, 0, 0, 5, 9], [20] * 5).value is None
    assert half_recovery(time, [20] * 5, [20] * 5).value is None
    assert half_recovery([1.0, 2.0], [1, 2], [4, 3]).interval == (0.0, np.inf)
    assert half_recovery([1.0, 1.5, 2.0], [0, 0, 9], [9, 0, 9]).value == 1.5  # none tried at 1.5


def recovery(absolute, tau, threshold=20.0, spread=0.1, given=UNKNOWN):
    """Counts of a thousand trials each, exactly as the law has them."""
    amplitude = threshold * np.array([0.85, 0.95, 1.05, 1.2, 1.5, 2.0, 3.0])
    points = []
    for at in (1.0, 1.5, 2.0, 3.0, 20.0):
        back = 1.0 - np.exp(-max(at - absolute, 0.0) / tau)
        share = stats.norm.cdf((amplitude / threshold * back - 1.0) / spread)
        counts = np.rint(1000 * share).astype(int)
        points.append(PulseThreshold(at, curve_of(amplitude, counts, [1000] * len(counts))))
    return Recovery("", {}, 100, tuple(points), given, 20.0)


def test_law_of_recovery_is_found_with_the_threshold_of_the_longest_interval():
    law = recovery(0.6, 0.8).law
    assert law.absolute_ms.value == pytest.approx(0.6, abs=0.01)
    assert law.relative_ms.value == pytest.approx(0.8, rel=0.02)
    assert law.threshold == pytest.approx(20.0, rel=2e-3)
    found = recovery(0.6, 0.8)
    assert found.law_p > 0.99
    # negative control: the wrong threshold of a single pulse
    wrong = recovery(0.6, 0.8, given=SinglePulse(22.0, 0.1))
    assert wrong.single == (22.0, 0.1)
    assert wrong.law_p < 1e-6
    points = found.at_amplitude(20.0 * 1.5)
    assert points.shares == [share_estimate(int(k), 1000) for k in points.fired]
    assert points.deterministic is None
    assert points.bracket is None
    half = 0.6 - 0.8 * np.log(1 - 1 / 1.5)
    assert points.half_ms.value == pytest.approx(half, abs=0.1)
    only = Recovery("", {}, 1, found.thresholds[:1], SinglePulse(None, None), 20.0)
    assert only.law is None
    assert "single pulse is not known" in recovery(0.6, 0.8, spread=1e-9).problem


def test_second_spikes_are_those_of_trials_that_fired_first(seconds):
    found = numbers(seconds, "refractoriness")
    (curve,) = found["curves"]
    assert (found["first_ms"], found["within_ms"], found["longest_ms"]) == (0.5, 1.0, 3.0)
    assert len(curve["points"]) == len(INTERVALS) * len(SECONDS)
    for point in curve["points"]:
        start = 0.5 + point["interval_ms"]
        index = place_of(
            seconds,
            stimulus__1__start=f"{start:g} ms",
            stimulus__1__amplitude=f"{point['amplitude']:g} pA",
        )
        first = [t for t in seconds.spike_trains(index) if np.any((t >= 0.5) & (t < start))]
        again = sum(bool(np.any((t >= start) & (t < start + 1.0))) for t in first)
        assert (point["trials"], point["fired_again"]) == (len(first), again)
        share = share_estimate(again, len(first))
        assert (point["share"], tuple(point["share_ci"])) == (share.value, share.interval)
        assert point["share_theory"] in (0.0, 1.0)


def test_thresholds_and_the_law_of_recovery_are_those_of_the_counts(seconds):
    (curve,) = numbers(seconds, "refractoriness")["curves"]
    rows = [(p["interval_ms"], p["amplitude"], p["fired_again"], p["trials"])
            for p in curve["points"]]  # fmt: skip
    interval, amplitude, fired, trials = np.array(rows).T
    for entry in curve["intervals"]:
        here = interval == entry["interval_ms"]
        fit = fit_firing_efficiency(amplitude[here], fired[here], trials[here])
        assert entry["threshold"] == fit.threshold.value
        assert entry["relative_spread"] == fit.relative_spread.value
        assert entry["ratio"] == pytest.approx(fit.threshold.value / curve["single_threshold"])
    last = curve["intervals"][-1]
    assert curve["single_threshold"] == last["threshold"]
    law = fit_refractoriness(
        interval, amplitude, fired, trials, last["threshold"], last["relative_spread"]
    )
    assert curve["absolute_ms"] == pytest.approx(law.absolute_ms.value, abs=1e-6)
    assert curve["relative_ms_ci"] == pytest.approx(law.relative_ms.interval, rel=1e-4)
    for entry in curve["amplitudes"]:
        here = amplitude == entry["amplitude"]
        half = half_recovery(np.sort(interval[here]), fired[here][np.argsort(interval[here])],
                             trials[here][np.argsort(interval[here])])  # fmt: skip
        assert entry["half_ms"] == half.value


def test_a_threshold_that_is_given_wins(seconds):
    given = ["threshold=21.6 pA", "relative_spread=0.05", "longest=1.2 ms"]
    (curve,) = numbers(seconds, "refractoriness", *given)["curves"]
    assert (curve["single_threshold"], curve["single_relative_spread"]) == (21.6, 0.05)
    assert curve["intervals"][0]["ratio"] == pytest.approx(
        curve["intervals"][0]["threshold"] / 21.6
    )
    early = [p for p in curve["points"] if p["interval_ms"] <= 1.2]
    law = fit_refractoriness(
        *np.array([(p["interval_ms"], p["amplitude"], p["fired_again"], p["trials"])
                   for p in early]).T, 21.6, 0.05,
    )  # fmt: skip
    assert curve["absolute_ms"] == pytest.approx(law.absolute_ms.value, abs=1e-6)


def test_squid_membrane_is_refractory_then_supernormal(squid):
    """Thresholds of 0.2 ms shocks after one of 1.5 times threshold, solved independently."""
    (curve,) = numbers(squid, "refractoriness")["curves"]
    ratios = {entry["interval_ms"]: entry["ratio_theory"] for entry in curve["intervals"]}
    for interval, expected in {10.0: 3.80, 14.0: 1.54, 20.0: 0.85, 40.0: 1.00}.items():
        assert ratios[interval] == pytest.approx(expected, rel=6e-3)
    assert curve["single_deterministic"] == pytest.approx(32.69, rel=2e-3)


def test_weak_shocks_fire_in_the_supernormal_phase_and_not_before_or_after():
    sweep = swept(
        stimulus__1__start=([13, 20, 41], "ms"),
        stimulus__1__amplitude=([27, 30], "uA/cm^2"),
    )
    result = stochhh.run(SQUID, overrides=[LITTLE, sweep], seed=1, trials=60)
    points = numbers(result, "refractoriness", "longest=40 ms")["curves"][0]["points"]
    count = {}
    for point in points:
        at = point["interval_ms"]
        count[at] = count.get(at, 0) + point["fired_again"]
    assert count[12.0] == 0
    assert count[19.0] > 2 * count[40.0] > 0


def test_a_node_that_is_barely_excitable_has_no_sharp_threshold():
    sweep = swept(
        stimulus__1__start=([1.3, 3.5], "ms"),
        stimulus__1__amplitude=([20, 21, 22, 23, 27, 33, 40, 48], "pA"),
    )
    small = [LITTLE, "run.duration=5 ms", "run.deterministic=false", sweep]
    result = stochhh.run(NODE, overrides=small, seed=1, trials=40)
    early, late = numbers(result, "refractoriness")["curves"][0]["intervals"]
    assert early["ratio"] > 1.3
    assert early["relative_spread_ci"][0] > 2 * late["relative_spread"]


def test_one_amplitude_gives_the_time_of_half_recovery_and_no_law(seconds):
    sweep = swept(stimulus__1__start=([1.25, 1.3, 1.4, 1.5, 1.7], "ms"))
    small = [LITTLE, "run.duration=3 ms", sweep]
    result = stochhh.run(NODE, overrides=small, seed=1, trials=20)
    outcome = made(result, "refractoriness")
    (curve,) = outcome.findings.numbers["curves"]
    assert curve["absolute_ms"] is None
    assert "single pulse is not known" in curve["problem"]
    (only,) = curve["amplitudes"]
    # 30 pA is the deterministic threshold a little after 0.8 ms
    assert only["half_ms_theory"] == pytest.approx(0.803, abs=0.005)
    assert only["half_ms_ci"][0] <= only["half_ms"] <= only["half_ms_ci"][1]
    check_table(outcome)
    (axes,) = find_study("refractoriness").draw(outcome.findings, "x").axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["deterministic", "trials at 30 pA (95 %)"]
    given = ["threshold=21.5 pA", "relative_spread=0.043"]
    assert numbers(result, "refractoriness", *given)["curves"][0]["absolute_ms"] > 0.0


def test_two_pulses_may_be_a_train_of_two():
    train = ('stimulus=[{kind="pulse-train", amplitude="30 pA", start="0.5 ms", '
             'duration="0.1 ms", interval="1 ms", count=2}]')  # fmt: skip
    sweep = swept(stimulus__0__interval=([0.7, 0.9, 2.0], "ms"))
    small = [LITTLE, train, "run.duration=4 ms", sweep]
    result = stochhh.run(NODE, overrides=small, seed=1, trials=10)
    found = numbers(result, "refractoriness")
    assert (found["first_ms"], found["axis"]) == (0.5, "stimulus.0.interval")
    (curve,) = found["curves"]
    assert [point["interval_ms"] for point in curve["points"]] == [0.7, 0.9, 2.0]
    assert curve["points"][0]["share"] < 0.5 < curve["points"][-1]["share"]
    assert curve["amplitudes"][0]["half_ms_theory"] == pytest.approx(0.803, abs=0.005)


def test_no_first_spike_is_a_problem_of_the_data():
    weak = [LITTLE, "stimulus.0.amplitude=5 pA", "run.duration=3 ms"]
    sweep = swept(stimulus__1__start=([1.5, 2.0], "ms"))
    result = stochhh.run(NODE, overrides=[*weak, sweep], seed=1, trials=3)
    with pytest.raises(InputError, match=r"no trial has a spike after the first pulse at 0\.5 ms"):
        analyse(result)


def test_trials_that_were_never_made_are_not_counted(seconds):
    cut = seconds.dataset.copy(deep=True)
    cut["final_voltage"][:, 15:] = np.nan
    points = numbers(Result(cut), "refractoriness")["curves"][0]["points"]
    assert {point["trials"] for point in points} == {15}
    cut["final_voltage"][2:4] = np.nan  # two points not begun
    outcome = made(Result(cut), "refractoriness")
    points = outcome.findings.numbers["curves"][0]["points"]
    assert sorted({point["trials"] for point in points}) == [0, 15]
    check_table(outcome)
    assert find_study("refractoriness").draw(outcome.findings, "x").axes


def test_findings_of_a_saved_result_are_those_of_the_fresh_one(seconds, tmp_path):
    outcome = made(seconds, "refractoriness")
    check_table(outcome)
    assert find_study("refractoriness").says(outcome.findings.numbers).endswith(".")
    saved = seconds.save(tmp_path / "result.nc")
    assert numbers(load(saved), "refractoriness") == outcome.findings.numbers


def test_files_hold_what_was_found(seconds, tmp_path):
    outcome = made(seconds, "refractoriness")
    written = write_outcomes([outcome], tmp_path)
    names = ["refractoriness.png", "refractoriness.csv", "refractoriness_thresholds.csv"]
    assert [path.name for path in written] == names
    table = list(csv.DictReader(written[1].read_text().splitlines()))
    points = [point for curve in outcome.findings.numbers["curves"] for point in curve["points"]]
    assert len(table) == len(points)
    found = sorted(float(row["share"]) for row in table if row["share"])
    values = [point["share"] for point in points]
    assert found == sorted(value for value in values if value is not None)
    assert len(written[2].read_text().splitlines()) == 1 + len(INTERVALS)


def test_picture_shows_what_was_found(seconds):
    findings = made(seconds, "refractoriness").findings
    drawn = find_study("refractoriness").draw(findings, "title")
    share, ratio, spread = drawn.axes
    assert spread.get_ylabel() == "relative spread"
    assert share.get_ylabel() == "probability of a second spike"
    names = [text.get_text() for text in share.get_legend().get_texts()]
    assert "23.5 pA" in names
    names = {text.get_text() for text in ratio.get_legend().get_texts()}
    assert names == {"trials (95 %)", "law of recovery", "deterministic"}


FEW = swept(stimulus__1__start=([1.25, 5.5], "ms"), stimulus__1__amplitude=([20, 25], "pA"))

# fmt: off
REFUSED = [
    (NODE, "sweep={}", r"refractoriness: needs a sweep; .* \"stimulus\.1\.start\" = "),
    (NODE, "analysis.refractoriness.threshold=21 pA", r"refractoriness\.relative_spread: give it "
     r"too, or leave out threshold"),
    (NODE, "analysis.refractoriness.relative_spread=0.1", r"refractoriness\.threshold: give it "
     r"too, or leave out relative_spread"),
    (NODE, 'analysis.refractoriness={threshold="3 uA/cm^2", relative_spread=0.1}',
     r'refractoriness\.threshold: "3 uA/cm\^2" is not of the kind of the pulse\'s amplitude, "'),
    (NODE, "analysis.refractoriness.first=2 ms", r"refractoriness\.first: the first pulse at 2 ms "
     r"is not before the second, which begins at 1\.25 ms"),
    (NODE, "analysis.refractoriness.within=2 ms", r"refractoriness\.within: 2 ms after the second "
     r"pulse begins at 5\.5 ms is beyond the end of a trial, 7 ms; make run\.duration longer"),
    (NODE, "analysis.refractoriness.longest=0.5 ms", r"refractoriness\.longest: 0\.5 ms; need more "
     r"than the shortest interval, 0\.75 ms"),
    (NODE, "run.duration=5.5 ms", r"refractoriness\.within: 0 ms after the second pulse begins"),
    (NODE, PULSE % "30 pA" + '; sweep={"stimulus.0.start"=["1 ms", "2 ms"]}',
     r"refractoriness\.first: no pulse begins before the second one at 1 ms; add one, or say"),
    (NODE, 'stimulus=[{kind="pulse-train", amplitude="30 pA", duration="0.1 ms", '
     'interval="1 ms", count=3}]; sweep={"stimulus.0.interval"=["1 ms", "2 ms"]}',
     r"refractoriness\.axis: a train of 3 pulses; need count = 2, a first and a second one"),
    (NODE, 'sweep={"stimulus.0.start"=["0 ms", "0.2 ms"], "stimulus.1.start"=["1 ms", "2 ms"]}',
     r'refractoriness\.axis: name one of several: "stimulus\.0\.start", "stimulus\.1\.start"'),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "overrides", "message"), REFUSED)
def test_what_cannot_be_studied_is_refused_before_the_run(scenario, overrides, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, [FEW, *overrides.split("; ")], seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_a_clamped_membrane_is_refused():
    with pytest.raises(InputError, match=r"refractoriness: a clamped membrane makes no spikes"):
        plan(resolve("noise-analysis_OS12", ["analysis={refractoriness={}}"], seed=1))
