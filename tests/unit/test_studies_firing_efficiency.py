"""The study of firing efficiency finds what its pure functions find, and refuses what it must."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from pulse_checks import LITTLE, curve_of, fired_after, numbers, place_of
from scipy import stats
from study_checks import check_table, setups_of

import stochhh
from stochhh.analysis.applicable import settings_across
from stochhh.analysis.efficiency_curves import (
    Bracket,
    EfficiencyCurve,
    first_firing,
    nearest_to_threshold,
    spread_by_channels,
)
from stochhh.analysis.firing_efficiency import (
    fit_firing_efficiency,
    latency_point,
    response_latencies_ms,
)
from stochhh.analysis.power_law import fit_power_law
from stochhh.errors import InputError
from stochhh.plot.firing_efficiency import efficiency_figure
from stochhh.simulate import plan, resolve
from stochhh.studies import analyse, find_study
from stochhh.studies.making import write_outcomes
from stochhh.studies.pulse_limit import firing_at, narrowed

STUDY, NODE, SQUID = "firing_efficiency", "node_R95", "all-or-none"
AMPLITUDES = (19.5, 20.7, 21.5, 22.3, 24.0)
KEY = "stimulus.0.amplitude"


def sweep_of(amplitudes, factors=(), unit="pA"):
    texts = ", ".join(f'"{a:g} {unit}"' for a in amplitudes)
    grid = f', "membrane.count_factor"={list(factors)}' if factors else ""
    return f'sweep={{"{KEY}"=[{texts}]{grid}}}'


@pytest.fixture(scope="module")
def node():
    """Two nodes, of 250 and 1000 channels, under five amplitudes."""
    return stochhh.run(
        NODE, overrides=[LITTLE, sweep_of(AMPLITUDES, (0.25, 1.0))], seed=1, trials=120
    )


@pytest.fixture(scope="module")
def squid():
    """One membrane, without its deterministic limit."""
    small = ["run.deterministic=false", "membrane.area=50 um^2", LITTLE]
    amplitudes = sweep_of((2, 6, 9, 14), unit="uA/cm^2")
    return stochhh.run(SQUID, overrides=[*small, amplitudes], seed=1, trials=30)


@pytest.fixture(scope="module")
def outcome(node):
    return analyse(node, [STUDY])[0]


# Numbers


def test_counts_and_fits_are_those_of_the_spikes(node):
    found = numbers(node, STUDY)
    assert [curve["label"] for curve in found["curves"]] == ["250 channels", "1,000 channels"]
    for curve, factor in zip(found["curves"], ("0.25", "1.0"), strict=True):
        points = [
            place_of(node, **{"stimulus__0__amplitude": f"{a:g} pA"}, membrane__count_factor=factor)
            for a in AMPLITUDES
        ]
        fired = [fired_after(node, point, 0.5, 1.5) for point in points]
        assert [point["fired"] for point in curve["points"]] == fired
        assert [point["amplitude"] for point in curve["points"]] == list(AMPLITUDES)
        assert {point["trials"] for point in curve["points"]} == {120}
        fit = fit_firing_efficiency(AMPLITUDES, fired, [120] * 5)
        assert curve["threshold"] == fit.threshold.value
        assert curve["threshold_ci"] == list(fit.threshold.interval)
        assert curve["relative_spread"] == fit.relative_spread.value
        assert curve["relative_spread_ci"] == list(fit.relative_spread.interval)
        assert curve["fit_p"] == pytest.approx(stats.chi2.sf(fit.deviance, fit.degrees))
        for k, point in enumerate(points):
            expected = latency_point(response_latencies_ms(node.spike_trains(point), 0.5, 1.0))
            there = curve["points"][k]
            assert there["efficiency"] == expected.responding.value == fired[k] / 120
            assert there["latency_ms"] == expected.mean_ms.value
            assert there["jitter_ms"] == expected.jitter_ms.value
            (train,) = node.spike_trains(point, deterministic=True)
            alone = there["deterministic_latency_ms"]
            assert alone == (pytest.approx(train[0] - 0.5) if len(train) else None)
        assert curve["near_threshold"] == curve["points"][2]
        assert (curve["trials"], curve["n_channels"]) == (600, int(1000 * float(factor)))


def test_the_spread_goes_with_the_number_of_channels(node):
    found = numbers(node, STUDY)
    spreads = [curve["relative_spread"] for curve in found["curves"]]
    reach = 2 * stats.norm.ppf(0.975)
    errors = [
        np.log(curve["relative_spread_ci"][1] / curve["relative_spread_ci"][0]) / reach
        for curve in found["curves"]
    ]
    law = fit_power_law([250, 1000], spreads, errors)
    assert found["spread_exponent"] == pytest.approx(law.exponent.value)
    assert found["spread_exponent_ci"] == pytest.approx(list(law.exponent.interval))
    assert found["spread_exponent_theory"] == -0.5
    error = np.diff(law.exponent.interval)[0] / reach
    assert abs(law.exponent.value + 0.5) < 5.0 * error
    assert law.exponent.value + 0.0 < -5.0 * error  # not independent of their number


def test_a_narrower_window_leaves_out_late_spikes(node):
    found = numbers(node, STUDY, "within=0.2 ms")
    every = numbers(node, STUDY)
    for curve, other in zip(found["curves"], every["curves"], strict=True):
        fired = [point["fired"] for point in curve["points"]]
        assert all(
            a <= b for a, b in zip(fired, [p["fired"] for p in other["points"]], strict=True)
        )
        assert curve["threshold"] > other["threshold"]
        assert curve["deterministic_fires_at"] > 21.5
    late = numbers(node, STUDY, "onset=0.6 ms", "within=0.9 ms")
    for curve, other in zip(late["curves"], every["curves"], strict=True):
        near, there = curve["near_threshold"], other["near_threshold"]
        assert near["latency_ms"] == pytest.approx(there["latency_ms"] - 0.1)


# The deterministic threshold


def test_the_deterministic_threshold_is_the_published_one(node):
    """21.475 pA (Rubinstein's node): from 0 mV exactly; rest is 2.5 µV above, and 1 fA lower."""
    for curve in numbers(node, STUDY)["curves"]:
        low, high = curve["deterministic_silent_at"], curve["deterministic_fires_at"]
        assert 0.0 < high - low < 1e-5 * high
        assert high == pytest.approx(21.475, abs=1e-3)
        assert high == pytest.approx(21.47404, abs=2e-4)
    at_once = ["sweep={}", "analysis.firing_efficiency=false", "stimulus.0.start=0 ms"]
    (setup,) = setups_of(NODE, [*at_once, "run.initial.voltage=0 mV"])
    bracket = narrowed(Bracket(21.0, 22.0), firing_at(setup, KEY, "pA", 0.0, 1.0), 1e-6)
    assert bracket.fires_at == pytest.approx(21.4751, abs=1e-4)


def test_runs_of_the_deterministic_method_agree_with_the_bisection():
    amplitudes = sweep_of((21.473, 21.475))
    result = stochhh.run(
        NODE,
        overrides=[amplitudes, "analysis.firing_efficiency=false", LITTLE],
        seed=1,
        method="deterministic",
    )
    assert [len(result.spike_trains(k)[0]) for k in range(2)] == [0, 1]


def test_without_the_deterministic_twin_nothing_is_said_of_it(squid):
    (curve,) = numbers(squid, STUDY)["curves"]
    assert "deterministic_fires_at" not in curve
    rows = find_study(STUDY).rows(numbers(squid, STUDY))
    assert not [row for row in rows if "deterministic" in row.label]
    assert "deterministic" not in find_study(STUDY).says(numbers(squid, STUDY))


def test_a_stimulus_of_many_pieces_leaves_the_bracket_of_the_sweep():
    noisy = 'stimulus=[{kind="pulse", amplitude="7 uA/cm^2", start="5 ms", duration="1 ms"}, '
    noisy += '{kind="frozen-noise", sd="0.01 uA/cm^2", correlation_time="1 ms", resolution="3 us"}]'
    amplitudes = sweep_of((3, 6, 8, 12), unit="uA/cm^2")
    result = stochhh.run(
        SQUID, overrides=["membrane.area=20 um^2", LITTLE, noisy, amplitudes], seed=1, trials=8
    )
    found = numbers(result, STUDY)
    (curve,) = found["curves"]
    assert (curve["deterministic_silent_at"], curve["deterministic_fires_at"]) == (6.0, 8.0)
    assert "between 6 and 8 µA/cm²." in find_study(STUDY).says(found)
    labels = [row.label for row in find_study(STUDY).rows(found)]
    assert "deterministic, still silent at (µA/cm²)" in labels
    assert "deterministic, fires at (µA/cm²)" in labels


def test_first_firing_brackets_the_threshold():
    assert first_firing([1.0, 2.0, 3.0], [False, False, True]) == (2.0, 3.0)
    assert first_firing([1.0, 2.0, 3.0], [False, True, False]) == (1.0, 2.0)
    assert first_firing([1.0, 2.0], [True, True]) == (None, 1.0)
    assert first_firing([1.0, 2.0], [False, False]) == (2.0, None)
    assert first_firing([], []) == (None, None)


# Curves


def curve_with(n_channels, place, fired=(2, 10, 18)):
    curve = curve_of((20.0, 21.5, 23.0), fired, (20, 20, 20))
    return EfficiencyCurve(place, n_channels, curve.amplitude, curve.latencies_ms)


def test_spreads_are_set_against_channels_only_where_nothing_else_differs():
    one, other = curve_with(100, {"a": 1}), curve_with(400, {"a": 2})
    assert spread_by_channels([one, other]).exponent.value == pytest.approx(0.0, abs=1e-9)
    assert spread_by_channels([one]) is None
    assert spread_by_channels([one, curve_with(100, {"a": 2})]) is None
    two = [curve_with(100, {"a": 1, "b": 1}), curve_with(400, {"a": 1, "b": 2})]
    assert spread_by_channels(two) is None
    assert spread_by_channels([curve_with(100, {}), curve_with(400, {})]) is None
    silent = curve_with(1600, {"a": 3}, (0, 0, 0))
    assert spread_by_channels([one, silent]) is None
    assert spread_by_channels([one, other, silent]).degrees == 0
    sharp = curve_with(1600, {"a": 4}, (0, 10, 20))  # its spread has no lower end
    assert spread_by_channels([one, other, sharp]).degrees == 0


def test_a_curve_is_named_by_what_tells_it_from_others():
    assert curve_with(250, {"membrane.count_factor": 0.25}).label == "250 channels"
    assert curve_with(25_000, {"membrane.count_factor": 0.25}).label == "25,000 channels"
    assert curve_with(250, {"membrane.area": "10 um^2"}).label == "area 10 µm²"
    assert curve_with(250, {}).label == ""


def test_latency_is_told_at_the_amplitude_next_to_threshold_that_has_one():
    rng = np.random.default_rng(1)
    latencies = [
        np.where(np.arange(n) < k, rng.uniform(0.2, 0.4, n), np.nan)
        for k, n in ((12, 60), (3, 6), (58, 60))
    ]
    curve = EfficiencyCurve({}, 100, np.array([20.0, 21.2, 23.0]), tuple(latencies))
    assert curve.fit.threshold.value == pytest.approx(21.2, abs=0.3)
    assert nearest_to_threshold(curve) == 0  # 21.2 has three spikes
    few = curve_of((20.0, 21.5, 23.0), (1, 2, 4), (5, 4, 5))
    assert nearest_to_threshold(few) == 1  # none has enough
    assert nearest_to_threshold(curve_of((20.0, 23.0), (0, 0), (5, 5))) is None


def test_amplitudes_of_zero_are_no_part_of_the_fit():
    plain = curve_of((20.0, 21.5, 23.0), (2, 10, 18), (20, 20, 20))
    more = curve_of((-5.0, 0.0, 20.0, 21.5, 23.0), (1, 0, 2, 10, 18), (20, 20, 20, 20, 20))
    assert more.fit.threshold == plain.fit.threshold


# What it is made of


def settings_of(name, *overrides):
    return settings_across(STUDY, setups_of(name, overrides), "x")


def test_what_settings_leave_open_is_filled_in_from_the_pulse():
    node = settings_of(NODE, "analysis.firing_efficiency={}", "run.duration=2 ms")
    assert (node.axis, node.onset_ms, node.within_ms) == (KEY, 0.5, 1.5)
    squid = settings_of(SQUID)  # which says so
    assert (squid.onset_ms, squid.within_ms) == (5.0, 8.0)
    second = 'stimulus=[{kind="constant", amplitude="1 uA/cm^2"}, {kind="pulse", start="7 ms", '
    second += 'amplitude="7 uA/cm^2", duration="1 ms"}]'
    key = 'sweep={"stimulus.1.amplitude"=["6 uA/cm^2", "8 uA/cm^2"]}'
    assert settings_of(SQUID, second, key).onset_ms == 7.0
    shock = 'sweep={"run.initial.displacement"=["5 mV", "8 mV"]}'
    shocked = settings_of(SQUID, "stimulus=[]", shock)
    assert (shocked.axis, shocked.onset_ms) == ("run.initial.displacement", 0.0)
    constant = ['stimulus=[{kind="constant", amplitude="1 uA/cm^2"}]']
    assert settings_of(SQUID, *constant).onset_ms == 0.0


def test_a_shock_has_its_threshold_too():
    """Instantaneous threshold from rest: 6.50736 mV."""
    shock = 'sweep={"run.initial.displacement"=["4 mV", "6 mV", "7 mV", "9 mV"]}'
    small = ["stimulus=[]", "membrane.area=100 um^2", "figure={}", LITTLE]
    result = stochhh.run(SQUID, overrides=[*small, shock], seed=1, trials=12)
    (curve,) = numbers(result, STUDY)["curves"]
    assert curve["deterministic_fires_at"] == pytest.approx(6.50736, abs=2e-4)
    assert curve["threshold"] == pytest.approx(6.5, abs=2.0)


# fmt: off
REFUSED = [
    (SQUID, "sweep={}", r"analysis\.firing_efficiency: needs a sweep; give the scenario one, as in "
     r'\[sweep\] "stimulus\.0\.amplitude" = \["6 uA'),
    (SQUID, "run.method=deterministic", r"firing_efficiency: a deterministic run has no noise; "
     r"choose another run\.method, or leave .* --set analysis\.firing_efficiency=false"),
    (SQUID, "analysis.firing_efficiency.axis=stimulus.0.start", r"firing_efficiency\.axis: no "
     r"swept key 'stimulus\.0\.start'"),
    (SQUID, 'sweep={"stimulus.0.amplitude"=["7 uA/cm^2", "30 pA"]}', r"efficiency\.axis: values of "
     r"'stimulus\.0\.amplitude': need numbers, all of one unit"),
    (SQUID, "analysis.firing_efficiency.onset=20 ms", r"firing_efficiency\.onset: 20 ms is not "
     r"before the end of a trial, 20 ms"),
    (SQUID, "analysis.firing_efficiency.within=16 ms", r"firing_efficiency\.within: 16 ms after "
     r"the onset at 5 ms is beyond the end of a trial, 20 ms; make run\.duration longer"),
    (SQUID, "analysis.firing_efficiency.within=0 ms", r"firing_efficiency\.within: .*above zero"),
    (SQUID, "analysis.firing_efficiency.window=1 ms", r"firing_efficiency: unknown key 'window'"),
    (SQUID, 'sweep={"stimulus.0.amplitude"=["7 uA/cm^2"], "stimulus.0.start"=["1 ms", "2 ms"]}',
     r"efficiency\.onset: the swept pulses start at different times; sweep no start"),
    ("clamp-family_HH52", "analysis.firing_efficiency={}", r"firing_efficiency: a clamped membrane "
     r"makes no spikes"),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "override", "message"), REFUSED)
def test_what_it_cannot_be_made_of_is_refused_before_the_run(scenario, override, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, [override], seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_a_swept_start_needs_no_onset_of_its_own_if_one_is_given():
    grid = 'sweep={"stimulus.0.amplitude"=["7 uA/cm^2"], "stimulus.0.start"=["1 ms", "2 ms"]}'
    assert settings_of(SQUID, grid, "analysis.firing_efficiency.onset=1 ms").onset_ms == 1.0


def test_where_nothing_fires_no_fit_is_said_and_the_rest_is_kept(tmp_path):
    overrides = [LITTLE, sweep_of((1.0, 2.0)), "run.deterministic=true"]
    result = stochhh.run(NODE, overrides=overrides, seed=1, trials=3)
    (outcome,) = analyse(result, [STUDY])
    found = outcome.findings.numbers
    (curve,) = found["curves"]
    assert (curve["threshold"], curve["relative_spread_ci"]) == (None, None)
    assert curve["problem"] == "no trial fired; need amplitudes on both sides of threshold"
    assert "near_threshold" not in curve
    said = find_study(STUDY).says(found)
    assert "No fit: no trial fired" in said
    assert "begins to fire above 2 pA." in said
    assert "spread_exponent" not in found
    check_table(outcome)
    written = write_outcomes([outcome], tmp_path)
    assert {path.name for path in written} == {"firing_efficiency.csv", "firing_efficiency.png"}


# What it leaves


def test_every_row_of_its_table_has_its_number(outcome, squid):
    check_table(outcome)
    check_table(analyse(squid, [STUDY])[0])
    labels = [row.label for row in find_study(STUDY).rows(outcome.findings.numbers)]
    assert labels.count("deterministic threshold (pA)") == 1  # the same for both
    assert labels[0] == "250 channels, 600 trials"


def test_the_finding_is_said(outcome):
    found = outcome.findings.numbers
    said = find_study(STUDY).says(found)
    first = found["curves"][0]
    assert f"250 channels: half of the pulses fire at {first['threshold']:.4g} pA" in said
    assert f"relative spread of {100 * first['relative_spread']:.3g} %" in said
    assert "The deterministic membrane begins to fire at 21.474 pA." in said
    assert f"to the power {found['spread_exponent']:.3f}" in said
    misfit = json.loads(json.dumps(found))
    misfit["curves"][1]["fit_p"] = 1e-5
    assert "misses the shares of 1,000 channels (p 1e-05)" in find_study(STUDY).says(misfit)


def test_files_hold_every_point(outcome, tmp_path):
    written = write_outcomes([outcome], tmp_path)
    assert {path.name for path in written} == {"firing_efficiency.csv", "firing_efficiency.png"}
    with (tmp_path / "firing_efficiency.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    points = [point for curve in outcome.findings.numbers["curves"] for point in curve["points"]]
    for row, point in zip(rows, points, strict=True):
        assert float(row["amplitude"]) == point["amplitude"]
        assert (int(row["fired"]), int(row["trials"])) == (point["fired"], 120)
        assert float(row["efficiency_low"]) == point["efficiency_ci"][0]
        for name in ("latency_ms", "jitter_ms", "deterministic_latency_ms"):
            assert (float(row[name]) if row[name] else None) == point[name]
    assert {row["membrane.count_factor"] for row in rows} == {"0.25", "1.0"}
    fits = [curve.fit for curve in outcome.findings.data.curves]
    np.testing.assert_allclose(float(rows[7]["fitted"]), fits[1].at(21.5))


def test_the_picture_shows_curves_fits_limit_and_scaling(outcome, squid):
    data = outcome.findings.data
    figure = efficiency_figure(data.curves, data.scaling, "pulse amplitude (pA)", "title")
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels.count("pulse amplitude (pA)") == 3
    assert "number of channels" in labels
    share = next(axes for axes in figure.axes if axes.get_ylabel() == "firing efficiency")
    named = [text.get_text() for text in share.get_legend().get_texts()]
    assert named == ["250 channels", "1,000 channels", "deterministic"]
    step = next(line for line in share.lines if line.get_label() == "deterministic")
    x, y = step.get_data()
    assert (x[1], x[2]) == data.curves[0].bracket
    assert list(y) == [0.0, 0.0, 1.0, 1.0]
    spread = next(axes for axes in figure.axes if axes.get_xlabel() == "number of channels")
    assert (spread.get_xscale(), spread.get_yscale()) == ("log", "log")
    assert spread.get_legend().get_texts()[0].get_text().startswith("fit, slope −0.")
    alone = analyse(squid, [STUDY])[0].findings.data
    plain = efficiency_figure(alone.curves, alone.scaling, "x")
    assert len(plain.axes) == 3
    legend = [text.get_text() for text in plain.axes[0].get_legend().get_texts()]
    assert set(legend) == {"integrated Gaussian", "trials (95 %)"}


def test_deterministic_steps_that_differ_have_the_colours_of_their_curves(outcome):
    one, other = outcome.findings.data.curves
    other = replace(other, bracket=(22.0, 22.01))
    axes = efficiency_figure([one, other], None, "x").axes[0]
    dashed = [line for line in axes.lines if line.is_dashed() and len(line.get_xdata()) == 4]
    fits = [line for line in axes.lines if not line.is_dashed() and len(line.get_xdata()) > 50]
    assert len(dashed) == 2
    assert [to_rgba(line.get_color()) for line in dashed] == [
        to_rgba(line.get_color()) for line in fits
    ]


def test_a_saved_result_gives_the_same_study(node, outcome, tmp_path):
    path = node.save(tmp_path / "result.nc")
    (again,) = analyse(stochhh.load(path), [STUDY])
    assert again.findings.numbers == outcome.findings.numbers


def test_spikes_without_a_pulse_leave_no_threshold():
    """A fifth of trials fires at amplitude zero: no fit, and within is named."""
    fires, silent = np.array([1.0]), np.array([np.nan])
    alone, above = np.r_[np.repeat(fires, 4), np.repeat(silent, 16)], np.r_[fires, silent]
    x, few = np.array([0.0, 20.0, 21.2, 23.0]), np.r_[fires, np.repeat(silent, 9)]
    latencies = (alone, few, np.tile(above, 5), np.r_[np.repeat(fires, 9), silent])
    curve = EfficiencyCurve({}, 100, x, latencies)
    assert curve.fit is None
    assert "4 of 20 trials without a pulse fired" in curve.problem
    assert "within" in curve.problem
    quiet = EfficiencyCurve({}, 100, x, (np.repeat(silent, 20), *latencies[1:]))
    assert quiet.fit is not None


def test_a_fit_that_fires_without_a_pulse_is_doubted(outcome):
    (curve, *_) = outcome.findings.numbers["curves"]
    wide = {**outcome.findings.numbers, "curves": [{**curve, "relative_spread": 1.0}]}
    assert "16 % of trials fire without a pulse" in find_study(STUDY).says(wide)  # Φ(-1)
    assert "without a pulse" not in find_study(STUDY).says(outcome.findings.numbers)
