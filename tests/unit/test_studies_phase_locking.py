"""The study of phase locking: vector strength and spikes a period."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from pulse_checks import (
    LITTLE,
    PULSE,
    TRAIN,
    made,
    numbers,
    place_of,
    swept,
)
from study_checks import check_table, setups_of

import stochhh
from stochhh.analysis.applicable import settings_across
from stochhh.analysis.applicable.phase_locking import drive_of
from stochhh.analysis.locked_periods import locked_point
from stochhh.analysis.phase_locking import phase_locking
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.errors import InputError
from stochhh.result import Result, load
from stochhh.simulate import plan, resolve
from stochhh.studies import analyse, find_study
from stochhh.studies.making import write_outcomes


@pytest.fixture(scope="module")
def trains():
    sweep = swept(stimulus__0__interval=([0.5, 2], "ms"), stimulus__0__amplitude=([22, 30], "pA"))
    return stochhh.run(TRAIN, overrides=[LITTLE, "run.duration=42 ms", sweep], seed=1, trials=6)


@pytest.fixture(scope="module")
def sine():
    tables = ['stimulus=[{kind="sine", amplitude="3 uA/cm^2", frequency="60 Hz", start="5 ms"}]']
    tables += ["run.duration=150 ms", LITTLE, 'analysis={phase_locking={start="22 ms"}}']
    return stochhh.run("squid-patch", overrides=tables, seed=1, trials=6)


def test_spikes_of_whole_periods_are_counted_by_phase():
    rng = np.random.default_rng(1)
    trains = [np.sort(rng.uniform(0.0, 50.0, 40)) for _ in range(7)]
    point = locked_point(trains, 4.0, (6.0, 46.0), 8, [np.arange(7.0, 50.0, 8.0)])
    inside = np.concatenate([t[(t >= 6) & (t < 46)] for t in trains])
    expected, _ = np.histogram((inside - 6.0) % 4.0, bins=8, range=(0.0, 4.0))
    assert point.histogram.tolist() == expected.tolist()
    assert (point.n_periods, point.n_trials) == (10, 7)
    assert point.locking == phase_locking(trains, 4.0, 6.0, 46.0)
    assert point.spikes_per_period.value == pytest.approx(len(inside) / 70)
    rate = firing_rate_hz([t[(t >= 6) & (t < 46)] for t in trains], 40.0)
    assert point.spikes_per_period.interval == pytest.approx(np.array(rate.interval) * 4e-3)
    assert point.limit_spikes == 0.5
    assert point.limit_strength == pytest.approx(1.0)
    silent = locked_point([np.zeros(0)] * 3, 4.0, (0.0, 40.0), 8, [np.zeros(0)])
    assert (silent.limit_spikes, silent.limit_strength, silent.tells) == (0.0, None, False)
    low, high = silent.spikes_per_period.interval
    assert low == 0.0 < high < 0.2


def test_every_point_is_locked_to_its_own_period(trains):
    found = numbers(trains, "phase_locking", "bins=10")
    assert (found["axis"], found["unit"]) == ("stimulus.0.amplitude", "pA")
    assert [curve["label"] for curve in found["curves"]] == ["interval 0.5 ms", "interval 2 ms"]
    for curve, period, periods in zip(found["curves"], (0.5, 2.0), (42, 10), strict=True):
        for point, amplitude in zip(curve["points"], (22, 30), strict=True):
            index = place_of(
                trains,
                stimulus__0__interval=f"{period:g} ms",
                stimulus__0__amplitude=f"{amplitude} pA",
            )
            every = trains.spike_trains(index)
            locking = phase_locking(every, period, 21.0, 21.0 + periods * period)
            assert (point["period_ms"], point["periods"]) == (period, periods)
            assert point["vector_strength"] == locking.vector_strength.value
            assert (point["spikes"], point["rayleigh_p"]) == (locking.n_spikes, locking.p_value)
            assert sum(point["histogram"]) == point["spikes"]
            assert point["spikes_per_period"] == pytest.approx(point["spikes"] / periods / 6)
            assert point["rate_hz"] == pytest.approx(1e3 * point["spikes_per_period"] / period)
    slow, fast = found["curves"][1]["points"], found["curves"][0]["points"]
    assert slow[1]["spikes_per_period"] == slow[1]["spikes_per_period_theory"] == 1.0
    assert slow[0]["spikes_per_period_theory"] == 0.5  # every other pulse
    assert slow[1]["vector_strength"] > 0.99 > fast[1]["vector_strength"]


def test_fast_pulses_leave_spikes_unlocked_where_the_deterministic_node_is_silent():
    fast = ["stimulus.0.interval=0.2 ms", "stimulus.0.amplitude=17 pA", "sweep={}"]
    fast += ['analysis.phase_locking={start="21 ms"}', LITTLE, "run.duration=101 ms"]
    result = stochhh.run(TRAIN, overrides=fast, seed=1, trials=6)
    ((point,),) = [curve["points"] for curve in numbers(result, "phase_locking")["curves"]]
    assert point["spikes_per_period_theory"] == 0.0
    assert point["rate_hz"] > 100.0
    assert point["vector_strength"] < 0.3


def test_spikes_follow_a_sine_without_any_sweep(sine):
    outcome = made(sine, "phase_locking")
    ((point,),) = [curve["points"] for curve in outcome.findings.numbers["curves"]]
    period = 1e3 / 60
    start = 5.0 + 2 * period  # the first whole period after 22 ms
    assert (point["x"], point["periods"]) == (None, 6)
    every = np.concatenate(sine.spike_trains())
    inside = every[(every >= start) & (every < start + 6 * period)]
    mean = np.mean(np.exp(2j * np.pi * (inside - 5.0) / period))
    assert point["vector_strength"] == pytest.approx(abs(mean))
    assert point["phase_cycles"] == pytest.approx(np.angle(mean) / (2 * np.pi) % 1)
    check_table(outcome)
    assert "keep to a phase" in find_study("phase_locking").says(outcome.findings.numbers)
    # a phase of the sine itself moves where periods begin
    shifted = setups_of(sine.scenario, ["stimulus.0.phase=0.25"])[0]
    settings = settings_across("phase_locking", [shifted], "x")
    assert drive_of(settings, shifted).start_ms == pytest.approx(5.0 + 1.75 * period)


def test_a_period_that_is_given_wins_and_counts_from_the_start():
    setups = setups_of("spontaneous_CW96", ['analysis.phase_locking={period="30 ms"}'])
    settings = settings_across("phase_locking", setups, "x")
    assert drive_of(settings, setups[0]) == (30.0, 0.0, 990.0)
    late = ['analysis.phase_locking={period="30 ms", start="7 ms", end="100 ms"}']
    setups = setups_of("spontaneous_CW96", late)
    settings = settings_across("phase_locking", setups, "x")
    assert drive_of(settings, setups[0]) == (30.0, 7.0, 97.0)
    few = ["stimulus.0.count=30", "sweep={}", 'analysis.phase_locking={start="20.5 ms"}']
    (setup,) = setups_of(TRAIN, few)  # 30 pulses from 1 ms on, one a millisecond
    assert drive_of(settings_across("phase_locking", [setup], "x"), setup) == (1.0, 21.0, 31.0)


def test_points_that_were_never_begun_are_left_blank(trains):
    cut = trains.dataset.copy(deep=True)
    cut["final_voltage"][1:] = np.nan
    outcome = made(Result(cut), "phase_locking")
    points = [point for curve in outcome.findings.numbers["curves"] for point in curve["points"]]
    assert [point["trials"] for point in points] == [6, 0, 0, 0]
    assert points[1]["spikes_per_period"] is None
    check_table(outcome)
    assert find_study("phase_locking").draw(outcome.findings, "x").axes


def test_silence_has_no_phase():
    quiet = [LITTLE, "stimulus.0.amplitude=1 pA", "run.duration=25 ms", "sweep={}"]
    quiet.append("analysis.phase_locking={}")
    result = stochhh.run(TRAIN, overrides=quiet, seed=1, trials=2)
    with pytest.raises(InputError, match=r"no trial made a spike; raise the stimulus's amplitude"):
        analyse(result)


def test_findings_of_a_saved_result_are_those_of_the_fresh_one(trains, tmp_path):
    outcome = made(trains, "phase_locking")
    check_table(outcome)
    assert find_study("phase_locking").says(outcome.findings.numbers).endswith(".")
    saved = trains.save(tmp_path / "result.nc")
    assert numbers(load(saved), "phase_locking") == outcome.findings.numbers


def test_files_hold_what_was_found(trains, tmp_path):
    outcome = made(trains, "phase_locking")
    written = write_outcomes([outcome], tmp_path)
    names = ["phase_locking.png", "phase_locking.csv", "phase_locking_histograms.csv"]
    assert [path.name for path in written] == names
    table = list(csv.DictReader(written[1].read_text().splitlines()))
    points = [point for curve in outcome.findings.numbers["curves"] for point in curve["points"]]
    assert len(table) == len(points)
    found = sorted(float(row["vector_strength"]) for row in table if row["vector_strength"])
    assert found == sorted(
        point["vector_strength"] for point in points if point["vector_strength"] is not None
    )
    assert len(written[2].read_text().splitlines()) > len(table) * (
        written[2].name[-10:] != "olds.csv"
    )


def test_picture_shows_what_was_found(trains):
    findings = made(trains, "phase_locking").findings
    drawn = find_study("phase_locking").draw(findings, "title")
    counts, strength, *histograms = drawn.axes
    assert (counts.get_ylabel(), strength.get_ylabel()) == ("spikes a period", "vector strength")
    assert counts.get_xlabel() == "amplitude (pA)"  # figure.axis is of the first swept key
    assert [axes.get_title() for axes in histograms] == ["interval 0.5 ms", "interval 2 ms"]


# fmt: off
REFUSED = [
    (TRAIN, PULSE % "22 pA" + "; sweep={}; analysis.phase_locking={}", r"phase_locking\.period: "
     r"no stimulus is a pulse-train or a sine; add one, or give the period of another, as in per"),
    (TRAIN, 'stimulus=[{kind="sine", amplitude="5 pA", frequency="50 Hz"}, {kind="sine", '
     'amplitude="5 pA", frequency="20 Hz"}]; sweep={}; analysis.phase_locking={}',
     r"phase_locking\.period: say which of several: 20 ms, 50 ms"),
    (TRAIN, "analysis.phase_locking.start=158 ms", r"phase_locking\.start: no whole period of 5 ms "
     r"from 158 to 161 ms; make run\.duration longer"),
    (TRAIN, "analysis.phase_locking.axis=stimulus.0.count", r"phase_locking\.axis: no swept key "
     r"'stimulus\.0\.count'"),
    (TRAIN, "analysis.phase_locking.bins=3", r"phase_locking\.bins: got 3, but"),
    (TRAIN, "run.method=deterministic", r"phase_locking: a deterministic run has no noise"),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "overrides", "message"), REFUSED)
def test_what_cannot_be_studied_is_refused_before_the_run(scenario, overrides, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, overrides.split("; "), seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_a_clamped_membrane_is_refused():
    with pytest.raises(InputError, match=r"phase_locking: a clamped membrane makes no spikes"):
        plan(resolve("noise-analysis_OS12", ["analysis={phase_locking={}}"], seed=1))
