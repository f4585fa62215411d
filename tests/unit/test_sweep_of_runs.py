"""A sweep says of every point what a run of it says: numbers, intervals, limits."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import stochhh
from stochhh.analysis.summary import summarise_trials
from stochhh.analysis.trial_numbers import About, Trials, joined
from stochhh.plot.sweep_metrics import draw_metrics
from stochhh.sweeping.table import sweep_table

NOISE = 'stimulus=[{kind="noise", mean="7 uA/cm^2", sd="1 uA/cm^2", correlation_time="1 ms"}]'
STEP = 'stimulus=[{kind="step", amplitude="10 uA/cm^2", start="5 ms"}]'
AT_ONCE = "run.initial.settle='0 ms'"
SCENARIOS = {
    "fires by itself": ("spontaneous_CW96", ["run.duration=100 ms", "membrane.area=5 um^2"]),
    "by steps": ("squid-patch", ["run.method='leap'", "run.duration=40 ms", STEP]),
    "noise": ("squid-patch", ["membrane.area=10 um^2", "run.duration=20 ms", NOISE, AT_ONCE]),
    "some fire": ("action-potential_HH52", ["membrane.area=100 um^2", "run.record.channels=0",
                                            "figure={}"]),
    "clamp": ("clamp-family_HH52", ["sweep={}", "membrane.area=10 um^2"]),
    "clamp alone": ("clamp-family_HH52", ["sweep={}", "run.deterministic=false"]),
    "limit alone": ("squid-patch", ["run.method='deterministic'", "run.duration=40 ms", STEP]),
    "axon": ("thin-axon_FL07", ["run.duration=6 ms"]),
    "synapse": ("two-neurons", ["run.duration=12 ms"]),
    "branches": ("fork", ["run.duration=2 ms", AT_ONCE]),
}  # fmt: skip
#: Where a summary has what the variables of the dataset are.
PATHS = {
    "spike_count": "spikes.count",
    "share_with_spikes": "spikes.share_with_spikes",
    "firing_rate": "spikes.rate_hz",
    "first_spike": "spikes.first_ms",
    "isi_mean": "isi.mean_ms",
    "isi_cv": "isi.cv",
    "voltage_rest": "voltage.rest_mV",
    "voltage_peak": "voltage.peak_mV",
    "voltage_silent_peak": "voltage.silent_peak_mV",
    "current_peak": "current.peak_pA",
    "current_inward": "current.inward_pA",
    "current_outward": "current.outward_pA",
    "current_outward_at": "current.outward_ms",
}
PARTS = {
    "cell": {
        "spikes_at_start": "spikes_at_start",
        "spikes_at_end": "spikes_at_end",
        "first_at_end": "first_at_end_ms",
        "first_at_end_sd": "first_at_end_sd_ms",
        "velocity": "velocity_m_per_s",
    },
    "synapse": {
        "evoked_vesicles": "evoked_vesicles",
        "spontaneous_vesicles": "spontaneous_vesicles",
        "trials_without_evoked": "trials_without_evoked",
        "most_receptors_open": "most_receptors_open",
    },
}


def holds(whole, part):
    """Whether all of a summary stands in another that has more."""
    if isinstance(part, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items())
    return whole == part


def number(data, name):
    """Value, ends of the interval and limit of a variable without dims; None for nothing."""
    forms = (name, f"{name}_low", f"{name}_high", f"deterministic_{name}")
    found = [float(data[one]) if one in data else np.nan for one in forms]
    return [None if np.isnan(value) else value for value in found]


def said(numbers, key, limit):
    """The same of a summary."""
    low, high = numbers.get(f"{key}_ci") or (None, None)
    return [numbers.get(key), low, high, limit.get(key)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_point_is_told_as_its_run_is(name):
    scenario, overrides = SCENARIOS[name]
    told = stochhh.summarise(stochhh.run(scenario, overrides=overrides, trials=4, seed=3))
    made = stochhh.sweep(scenario, overrides=overrides, trials=4, seed=3)
    (point,) = made.summary["points"]
    kept = ("spikes", "isi", "voltage", "current", "cells", "synapses", "ions", "transitions",
            "deterministic", "trials", "method", "step_ms")  # fmt: skip
    assert holds(point, {key: told[key] for key in kept if key in told})
    assert made.summary.get("deterministic_given") == told.get("deterministic_given")

    def same(data, variable, numbers, key, limit):
        if variable.startswith(("share", "isi_count", "trials_")):
            limit = {}
        assert number(data, variable) == said(numbers, key, limit), variable

    limit = {} if told["method"] == "deterministic" else told.get("deterministic", {})
    compared = 0
    for variable, path in PATHS.items():
        group, key = path.split(".")
        if group in told:
            same(made.dataset, variable, told[group], key, limit.get(group, {}))
            compared += 1
    for of, variables in PARTS.items():
        for label, numbers in told.get(f"{of}s", {}).items():
            for variable, key in variables.items():
                if key in numbers:
                    data = made.dataset.sel({of: label})
                    same(data, variable, numbers, key, numbers.get("deterministic", {}))
                    compared += 1
    for label in made.dataset["population"].values:
        same(made.dataset.sel(population=label), "ions", told["ions"], label, limit.get("ions", {}))
    assert compared >= 5


def test_repeats_are_more_trials_of_a_point(tmp_path):
    """Their trials are pooled as those of a run are: its intervals and its end of trials."""
    scenario, overrides = SCENARIOS["fires by itself"]
    overrides = [*overrides, "run.deterministic=false"]
    sweep = 'sweep={repeats=3, "membrane.area"=["5 um^2", "10 um^2"]}'
    result = stochhh.run(scenario, overrides=[*overrides, sweep], trials=3, seed=3)
    made = stochhh.sweep(scenario, overrides=[*overrides, sweep], trials=3, seed=3, out=tmp_path)
    assert [row["trials"] for row in made.summary["points"]] == [9, 9]
    for index, row in enumerate(made.summary["points"]):
        trains = [t for k in range(3) for t in result.spike_trains(2 * k + index)]
        isi = stochhh.analysis.interspike_intervals.isi_statistics(trains, 100.0, steady=True)
        assert row["isi"]["cv"] == isi.cv.value
        assert tuple(row["isi"]["cv_ci"]) == isi.cv.interval
        assert row["spikes"]["count"] == sum(map(len, trains))
    again = stochhh.sweep(scenario, overrides=[*overrides, sweep], trials=3, seed=3, out=tmp_path)
    assert again.computed == 0
    assert again.dataset.identical(made.dataset)
    assert json.loads((tmp_path / "summary.json").read_text()) == made.summary


def renewal(rng, shape, mean, duration):
    """Spikes of a gamma process that has run for long; CV is one over the root of the shape."""
    times = np.cumsum(rng.gamma(shape, mean / shape, 200)) - mean * (20.0 + 5.0 * rng.random())
    return times[(times > 0.0) & (times < duration)]


@pytest.mark.parametrize(("shape", "cv"), [(0.5, 2.0**0.5), (16.0, 0.25)])
def test_the_cv_of_short_trials_is_that_of_the_law(shape, cv):
    """Bursty and regular trains of known CV in trials of five mean intervals.

    The mean of the trials' own CVs, which was told before, is far off.
    """
    rng = np.random.default_rng(5)
    mean, duration, n_trials = 20.0, 100.0, 400
    about = About("exact", None, "", duration, (), steady=True)
    parts = []
    for _ in range(4):  # as repeats, or jobs
        trains = tuple(renewal(rng, shape, mean, duration) for _ in range(n_trials // 4))
        nothing = np.zeros(n_trials // 4)
        numbers = {"spikes": trains, "rest": nothing, "highest": nothing, "transitions": nothing}
        parts.append(Trials(about, numbers, {}))
    whole = joined(parts)
    isi = summarise_trials(whole)["isi"]
    own = [
        np.diff(t).std(ddof=1) / np.diff(t).mean() for t in whole.numbers["spikes"] if len(t) > 2
    ]
    assert isi["cv"] == pytest.approx(cv, rel=0.05)
    assert isi["cv_ci"][0] < cv < isi["cv_ci"][1]
    assert isi["mean_ms"] == pytest.approx(mean, rel=0.05)
    assert np.mean(own) < 0.95 * cv


def test_the_limit_says_whose_input_it_was_given(tmp_path):
    """Trials with noise have an input each, and the limit that of one of them."""
    scenario, overrides = SCENARIOS["noise"]
    over = {"membrane.area": ["5 um^2", "10 um^2"]}
    made = stochhh.sweep(scenario, over=over, overrides=overrides, trials=2, seed=1, out=tmp_path)
    given = "deterministic, given the input of trial 0"
    assert made.dataset.attrs["deterministic_given"] == "input of trial 0"
    assert made.dataset["deterministic_firing_rate"].attrs["long_name"].endswith(given)
    assert given in str(sweep_table(made).caption)
    figure = draw_metrics(made.dataset, made.scenario)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert given in texts
    assert json.loads((tmp_path / "summary.json").read_text())["deterministic_given"]
    plain = stochhh.sweep("squid-patch", overrides=["run.duration=2 ms"], trials=1, seed=1)
    assert "deterministic_given" not in plain.dataset.attrs
    assert sweep_table(plain).caption is None


def test_kept_traces_say_whose_input_the_limit_was_given(tmp_path):
    scenario, overrides = SCENARIOS["noise"]
    stochhh.sweep(scenario, overrides=overrides, trials=1, seed=1, out=tmp_path, keep_traces=True)
    kept = stochhh.load(tmp_path / "traces" / "000000")
    assert kept.dataset.attrs["deterministic_given"] == "input of trial 0"


def test_the_table_has_numbers_with_their_units_in_its_head(tmp_path):
    over = {
        "membrane.area": ["1 um^2", "2.5 um^2"],
        "run.method": ["exact", "leap"],
        "membrane.count_factor": [1, 2],
    }
    short = ["run.duration=2 ms", "run.deterministic=false", "run.initial.settle='0 ms'"]
    stochhh.sweep("squid-patch", over=over, overrides=short, trials=2, seed=1, out=tmp_path)
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == [
        "membrane.area (um^2)", "run.method", "membrane.count_factor", "method", "trials",
    ]  # fmt: skip
    assert [row["membrane.area (um^2)"] for row in rows] == ["1"] * 4 + ["2.5"] * 4
    drawn = {row["run.method"]: row["transitions"] for row in rows}
    assert drawn["leap"] == ""  # which draws no transitions one by one
    assert int(drawn["exact"]) > 0


def test_values_of_a_third_axis_are_not_pooled_however_few_points_there_are():
    over = {"membrane.area": ["1 um^2", "2 um^2"], "run.method": ["exact", "leap"]}
    over["membrane.count_factor"] = [1, 2]
    short = ["run.duration=2 ms", "run.deterministic=false", AT_ONCE]
    made = stochhh.sweep("squid-patch", over=over, overrides=short, trials=1, seed=1)
    figure = draw_metrics(made.dataset, made.scenario)
    (legend,) = figure.legends
    assert "all at count factor" in legend.get_title().get_text()
    here = made.dataset["voltage_sd"].values[:, :, int(legend.get_title().get_text()[-1]) - 1]
    axes = next(one for one in figure.axes if one.get_ylabel() == "SD of voltage (mV)")
    drawn = [bars.lines[0].get_ydata() for bars in axes.containers]
    np.testing.assert_array_equal(np.sort(drawn, axis=0), np.sort(here.T, axis=0))
