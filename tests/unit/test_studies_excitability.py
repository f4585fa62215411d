"""The study of strength and duration, and what studies of pulses are made of."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from pulse_checks import (
    LITTLE,
    PULSE,
    STRENGTH,
    curve_of,
    fired_after,
    made,
    numbers,
    place_of,
    swept,
)
from scipy import stats
from study_checks import check_table, setups_of

import stochhh
from stochhh.analysis.efficiency_curves import Bracket
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.excitability import (
    fit_strength_duration,
    lapicque_threshold,
    weiss_threshold,
)
from stochhh.analysis.firing_efficiency import fit_firing_efficiency
from stochhh.analysis.grids import families
from stochhh.analysis.power_law import fit_power_law
from stochhh.analysis.pulse_thresholds import (
    PulseThreshold,
    law_of_durations,
    relative_error,
)
from stochhh.errors import InputError
from stochhh.result import Result, load
from stochhh.simulate import plan, resolve
from stochhh.studies import analyse, find_study
from stochhh.studies.making import write_outcomes
from stochhh.studies.pulse_limit import can_bisect, narrowed

DURATIONS = (0.1, 0.3, 1.0)
STRENGTHS = (6.5, 7.5, 8.7, 11, 19, 22, 26)


@pytest.fixture(scope="module")
def strengths():
    sweep = swept(stimulus__0__duration=(DURATIONS, "ms"), stimulus__0__amplitude=(STRENGTHS, "pA"))
    return stochhh.run(STRENGTH, overrides=[LITTLE, "run.duration=3 ms", sweep], seed=1, trials=40)


def test_families_sort_points_by_all_other_keys():
    places = [{"d": d, "a": a, "n": n} for n in (1, 2) for a in (3, 1, 2) for d in (0.5, 0.1)]
    outer, inner = [p["d"] for p in places], [p["a"] for p in places]
    first, second = families(places, outer, inner, ("d", "a"))
    assert (first.place, second.place) == ({"n": 1}, {"n": 2})
    assert first.outer.tolist() == [0.1, 0.5]
    assert [row.tolist() for row in first.inner] == [[1, 2, 3], [1, 2, 3]]
    for family in (first, second):
        for at, row in zip(family.outer, family.points, strict=True):
            assert [(places[k]["d"], places[k]["a"]) for k in row] == [(at, a) for a in (1, 2, 3)]
            assert {places[k]["n"] for k in row} == {family.place["n"]}
    (alone,) = families([{}], [1.0], [2.0], ("d", "a"))
    assert alone.points == ((0,),)


def test_threshold_of_few_amplitudes_lies_between_never_and_always():
    fitted = PulseThreshold(0.1, curve_of([10, 11, 12, 13], [1, 6, 15, 20], [20] * 4))
    fit = fit_firing_efficiency([10, 11, 12, 13], [1, 6, 15, 20], [20] * 4)
    assert fitted.threshold == fit.threshold
    assert fitted.relative_spread == fit.relative_spread
    clean = PulseThreshold(0.1, curve_of([8, 9, 16], [0, 0, 20], [20] * 3))
    assert clean.threshold == Estimate(12.0, (9.0, 16.0))
    assert clean.relative_spread.value is None
    mixed = PulseThreshold(0.1, curve_of([8, 9, 10, 16], [0, 0, 7, 20], [20] * 4))
    assert mixed.threshold == Estimate(12.0, (9.0, 16.0))
    for fired in ([0, 0, 0], [20, 20, 20], [20, 5, 0]):
        assert PulseThreshold(0.1, curve_of([8, 9, 16], fired, [20] * 3)).threshold.value is None
    assert relative_error(Estimate(12.0, (9.0, 16.0))) == pytest.approx(
        np.log(16 / 9) / (2 * stats.norm.ppf(0.975))
    )
    assert relative_error(Estimate(1.0, (0.0, 2.0))) is None
    assert relative_error(Estimate(1.0, (0.5, np.inf))) is None
    between = PulseThreshold(0.1, clean.curve, Bracket(9.0, 16.0))
    assert between.deterministic == 12.0
    assert PulseThreshold(0.1, clean.curve, Bracket(None, 16.0)).deterministic is None


@pytest.mark.parametrize(("law", "formula"), [("weiss", weiss_threshold),
                                             ("lapicque", lapicque_threshold)])  # fmt: skip
def test_law_of_durations_is_found_and_misfit_widens_its_interval(law, formula):
    duration = np.array([0.05, 0.1, 0.2, 0.5, 1.0, 2.0])

    def thresholds(values):
        rows = []
        for at, value in zip(duration, values, strict=True):
            share = stats.norm.cdf((np.array([0.9, 0.95, 1.05, 1.1]) - 1) / 0.05)
            rows.append(
                PulseThreshold(
                    at,
                    curve_of(value * np.array([0.9, 0.95, 1.05, 1.1]),
                             np.rint(1000 * share).astype(int), [1000] * 4),
                )
            )  # fmt: skip
        return rows

    exact = law_of_durations(thresholds(formula(duration, 7.5, 0.17)), law)
    assert exact.rheobase.value == pytest.approx(7.5, rel=1e-3)
    assert exact.chronaxie_ms.value == pytest.approx(0.17, rel=2e-3)
    assert exact.residual < 1e-3
    off = formula(duration, 7.5, 0.17) * (1 + 0.03 * np.array([1, -1, 1, -1, 1, -1]))
    loose = law_of_durations(thresholds(off), law)
    assert np.diff(loose.rheobase.interval) > 5 * np.diff(exact.rheobase.interval)
    with pytest.raises(InputError, match="need 3 or more"):
        law_of_durations(thresholds(off)[:2], law)


def test_a_bracket_is_narrowed_unless_one_end_is_open():
    low, high = narrowed(Bracket(10.0, 30.0), lambda x: x > 21.4748)
    assert low <= 21.4748 < high
    assert high - low <= 1e-3 * high
    assert narrowed(Bracket(None, 30.0), lambda x: 1 / 0) == (None, 30.0)
    assert narrowed(Bracket(10.0, None), lambda x: 1 / 0) == (10.0, None)


def test_random_and_rich_stimuli_are_not_bisected():
    (setup,) = setups_of("node-of-ranvier", [PULSE % "20 pA"])
    assert can_bisect(setup)
    noisy = 'stimulus=[{kind="noise", sd="5 pA", correlation_time="1 ms"}]'
    assert not can_bisect(setups_of("node-of-ranvier", [noisy])[0])
    rich = 'stimulus=[{kind="sine", amplitude="5 pA", frequency="1 kHz"}]'
    assert not can_bisect(setups_of("node-of-ranvier", [rich, "run.duration=500 ms"])[0])


def test_thresholds_are_those_of_the_trials_that_fired(strengths):
    found = numbers(strengths, "strength_duration")
    (curve,) = found["curves"]
    assert (found["unit"], found["within_ms"], curve["n_channels"]) == ("pA", 2.5, 100)
    assert curve["trials"] == 40 * len(DURATIONS) * len(STRENGTHS)
    values, errors = [], []
    for point, duration in zip(curve["points"], DURATIONS, strict=True):
        fired = [
            fired_after(
                strengths,
                place_of(strengths, stimulus__0__duration=f"{duration} ms",
                         stimulus__0__amplitude=f"{amplitude} pA"),
                0.5,
            )
            for amplitude in STRENGTHS
        ]  # fmt: skip
        fit = fit_firing_efficiency(STRENGTHS, fired, [40] * len(STRENGTHS))
        assert point["duration_ms"] == duration
        assert point["threshold"] == fit.threshold.value
        assert tuple(point["relative_spread_ci"]) == fit.relative_spread.interval
        values.append(fit.threshold.value)
        errors.append(relative_error(fit.threshold))
    law = fit_strength_duration(DURATIONS, values, errors)
    assert curve["rheobase"] == pytest.approx(law.rheobase.value, rel=1e-6)
    assert curve["chronaxie_ms"] == pytest.approx(law.chronaxie_ms.value, rel=1e-6)
    misfit = np.sum((np.log(np.array(values) / law.at(DURATIONS)) / errors) ** 2)
    wider = fit_strength_duration(DURATIONS, values, np.sqrt(max(misfit, 1.0)) * np.array(errors))
    assert curve["rheobase_ci"] == pytest.approx(wider.rheobase.interval, rel=1e-4)
    weiss = numbers(strengths, "strength_duration", "law=weiss")["curves"][0]
    expected = fit_strength_duration(DURATIONS, values, errors, "weiss")
    assert weiss["chronaxie_ms"] == pytest.approx(expected.chronaxie_ms.value, rel=0.05)


def test_deterministic_thresholds_are_sharp_whatever_the_amplitudes_tried(strengths):
    """21.475 pA at 0.1 ms, from an independent solution of the same equations."""
    (curve,) = numbers(strengths, "strength_duration")["curves"]
    first = curve["points"][0]
    assert first["threshold_theory"] == pytest.approx(21.475, rel=1e-3)
    assert first["deterministic_fires_at"] - first["deterministic_silent_at"] < 0.03
    alone = [point["threshold_theory"] for point in curve["points"]]
    limit = fit_strength_duration(DURATIONS, alone)
    assert curve["rheobase_theory"] == pytest.approx(limit.rheobase.value)
    assert curve["chronaxie_ms_theory"] == pytest.approx(limit.chronaxie_ms.value)


def test_relative_spread_is_the_same_at_all_durations(strengths):
    (curve,) = numbers(strengths, "strength_duration")["curves"]
    spreads = [(p["relative_spread"], *p["relative_spread_ci"]) for p in curve["points"]]
    value, low, high = np.array(spreads).T
    law = fit_power_law(DURATIONS, value, np.log(high / low) / (2 * stats.norm.ppf(0.975)))
    assert curve["spread_exponent"] == pytest.approx(law.exponent.value)
    assert curve["spread_exponent_ci"][0] < 0.0 < curve["spread_exponent_ci"][1]
    said = find_study("strength_duration").says(numbers(strengths, "strength_duration"))
    assert "By Lapicque's law the rheobase is" in said
    assert "the same at all durations" in said


def test_without_the_limit_and_with_too_few_spikes_less_is_found(strengths):
    bare = strengths.dataset.drop_vars(
        [name for name in strengths.dataset.variables if str(name).startswith("deterministic")]
    )
    (curve,) = numbers(Result(bare), "strength_duration")["curves"]
    assert curve["rheobase_theory"] is None
    assert curve["points"][0]["threshold_theory"] is None
    assert "deterministic_fires_at" not in curve["points"][0]
    picture = find_study("strength_duration").draw(
        made(Result(bare), "strength_duration").findings, "x"
    )
    assert "threshold charge (fC)" in [axes.get_ylabel() for axes in picture.axes]
    few = ["run.deterministic=false", LITTLE, "run.duration=2 ms"]
    sweep = swept(stimulus__0__duration=([0.1, 0.2, 1], "ms"), stimulus__0__amplitude=([2], "pA"))
    silent = stochhh.run(STRENGTH, overrides=[*few, sweep], seed=1, trials=3)
    with pytest.raises(InputError, match=r"no duration has a threshold: no trial fired; need"):
        analyse(silent)


def test_durations_that_were_never_begun_are_left_out_of_the_law(strengths):
    cut = strengths.dataset.copy(deep=True)
    cut["final_voltage"][2 * len(STRENGTHS) :] = np.nan
    outcome = made(Result(cut), "strength_duration")
    (curve,) = outcome.findings.numbers["curves"]
    assert [point["trials"] for point in curve["points"]] == [40 * len(STRENGTHS)] * 2 + [0]
    assert curve["rheobase"] is None
    assert "need 3 or more" in curve["problem"]
    assert "no law" in find_study("strength_duration").says(outcome.findings.numbers)
    check_table(outcome)
    assert find_study("strength_duration").draw(outcome.findings, "x").axes


def test_several_membranes_are_told_apart():
    sweep = swept(
        stimulus__0__duration=([0.1, 0.3, 0.5], "ms"),
        stimulus__0__amplitude=([8, 9.5, 11, 20, 23], "pA"),
    ).replace("{", '{"membrane.count_factor"=[0.1, 0.2], ')
    small = [LITTLE, "run.duration=2 ms", sweep]
    result = stochhh.run(STRENGTH, overrides=small, seed=1, trials=15)
    outcome = made(result, "strength_duration")
    labels = [curve["label"] for curve in outcome.findings.numbers["curves"]]
    assert labels == ["100 channels", "200 channels"]
    check_table(outcome)
    axes = find_study("strength_duration").draw(outcome.findings, "x").axes[0]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names.count("deterministic") == 1  # the same for both
    assert {"100 channels", "200 channels"} <= set(names)
    said = find_study("strength_duration").says(outcome.findings.numbers)
    assert "200 channels: by Lapicque's law" in said


def test_findings_of_a_saved_result_are_those_of_the_fresh_one(strengths, tmp_path):
    outcome = made(strengths, "strength_duration")
    check_table(outcome)
    assert find_study("strength_duration").says(outcome.findings.numbers).endswith(".")
    saved = strengths.save(tmp_path / "result.nc")
    assert numbers(load(saved), "strength_duration") == outcome.findings.numbers


def test_files_hold_what_was_found(strengths, tmp_path):
    outcome = made(strengths, "strength_duration")
    written = write_outcomes([outcome], tmp_path)
    names = ["strength_duration.png", "strength_duration.csv", "strength_duration_counts.csv"]
    assert [path.name for path in written] == names
    table = list(csv.DictReader(written[1].read_text().splitlines()))
    points = [point for curve in outcome.findings.numbers["curves"] for point in curve["points"]]
    assert len(table) == len(points)
    found = sorted(float(row["threshold"]) for row in table if row["threshold"])
    values = [point["threshold"] for point in points]
    assert found == sorted(value for value in values if value is not None)
    assert len(written[2].read_text().splitlines()) == 1 + len(DURATIONS) * len(STRENGTHS)


def test_picture_shows_what_was_found(strengths):
    drawn = find_study("strength_duration").draw(
        made(strengths, "strength_duration").findings, "title"
    )
    strength, ratio, spread = drawn.axes
    assert strength.get_ylabel() == "threshold amplitude (pA)"
    assert (strength.get_xscale(), strength.get_yscale()) == ("log", "log")
    names = {text.get_text() for text in strength.get_legend().get_texts()}
    assert names == {"trials (95 %)", "Lapicque's law", "chronaxie", "deterministic"}
    assert ratio.get_ylabel() == "threshold / deterministic"
    assert spread.get_ylabel() == "relative spread"


FEW = swept(stimulus__0__duration=(DURATIONS, "ms"), stimulus__0__amplitude=([8, 20], "pA"))

# fmt: off
REFUSED = [
    (STRENGTH, "sweep={}", r"strength_duration: needs a sweep; give the scenario one, as in "
     r'\[sweep\] "stimulus\.0\.duration"'),
    (STRENGTH, swept(stimulus__0__duration=([0.1, 0.2, 1], "ms")), r"strength_duration: needs "
     r"several amplitudes at each duration; sweep them too, as in \"stimulus\.0\.amplitude\""),
    (STRENGTH, swept(stimulus__0__duration=([0.1, 0.2], "ms"),
                     stimulus__0__amplitude=([8, 9], "pA")),
     r"strength_duration\.axis: 2 durations of 'stimulus\.0\.duration'; need 3 or more"),
    (STRENGTH, "analysis.strength_duration.within=4 ms", r"strength_duration\.within: 4 ms after "
     r"the pulse begins at 0\.5 ms is beyond the end of a trial, 4 ms; make run\.duration longer"),
    (STRENGTH, "analysis.strength_duration.axis=stimulus.0.amplitude", r"strength_duration\.axis: "
     r"'stimulus\.0\.amplitude' is not the duration of a pulse; need one, as \"stim"),
    (STRENGTH, "analysis.strength_duration.law=blair", r"strength_duration\.law: got 'blair'"),
    (STRENGTH, "run.method=deterministic", r"strength_duration: a deterministic run has no noise"),
    (STRENGTH, 'sweep={"stimulus.0.duration"=["0.1 ms", "1 ms", "2 ms"], '
     '"stimulus.0.amplitude"=["8 pA", "9 uA/cm^2"]}',
     r"strength_duration\.axis: values of 'stimulus\.0\.amplitude': need numbers, all of one"),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "overrides", "message"), REFUSED)
def test_what_cannot_be_studied_is_refused_before_the_run(scenario, overrides, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, [FEW, *overrides.split("; ")], seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_a_clamped_membrane_is_refused():
    with pytest.raises(InputError, match=r"strength_duration: a clamped membrane makes no spikes"):
        plan(resolve("noise-analysis_OS12", ["analysis={strength_duration={}}"], seed=1))
