"""Voltage clamp: the command in pieces, and channels that follow it exactly."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.clamp import compile_clamp
from stochhh.errors import InputError
from stochhh.scenario import load_scenario

#: 300 K+ channels of 20 pS, -90 to +70 mV: the set-up of Orio & Soudry 2012,
#: doi:10.1371/journal.pone.0036670.
ORIO = {
    "format": 1,
    "title": "300 K+ channels",
    "membrane": {
        "area": "10 um^2",
        "temperature": "6.3 degC",
        "capacitance": "1 uF/cm^2",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.4 mV"},
        "channels": [
            {"scheme": "squid-k", "count": 300, "conductance": "20 pS", "reversal": "-77 mV"}
        ],
    },
    "clamp": {
        "holding": "-90 mV",
        "segment": [{"kind": "step", "level": "70 mV", "duration": "6 ms"}],
    },
    "run": {"duration": "7 ms", "seed": 1, "record": {"interval": "0.5 ms"}},
}


def clamped(segments, start="0 ms", holding="-80 mV", **more):
    clamp = {"holding": holding, "start": start, "segment": segments, **more}
    return load_scenario({**ORIO, "clamp": clamp})


def pieces(segments, duration=10.0, **more):
    command = compile_clamp(clamped(segments, **more).clamp, duration, "here")
    begin = np.append(0.0, command.end[:-1])
    rows = zip(begin, command.end, command.command, command.slope, strict=True)
    return [tuple(float(value) for value in row) for row in rows]


def test_steps_and_ramps_follow_each_other_and_return_to_holding():
    segments = [
        {"kind": "step", "level": "0 mV", "duration": "2 ms"},
        {"kind": "ramp", "from": "-100 mV", "to": "60 mV", "duration": "4 ms"},
    ]
    assert pieces(segments, start="1 ms") == [
        (0.0, 1.0, -80.0, 0.0),
        (1.0, 3.0, 0.0, 0.0),
        (3.0, 7.0, -100.0, 40.0),
        (7.0, 10.0, -80.0, 0.0),
    ]


def test_what_lies_beyond_the_run_is_cut_off():
    segments = [{"kind": "ramp", "from": "0 mV", "to": "100 mV", "duration": "20 ms"}]
    assert pieces(segments) == [(0.0, 10.0, 0.0, 5.0)]


def test_holding_alone_is_a_command():
    assert pieces([]) == [(0.0, 10.0, -80.0, 0.0)]


def test_a_waveform_is_straight_between_its_samples(tmp_path):
    path = tmp_path / "wave.csv"
    path.write_text("time (ms),voltage (mV)\n5,-80\n6,-60\n8,20\n")
    segments = [{"kind": "waveform", "path": str(path)}]
    assert pieces(segments, start="1 ms") == [
        (0.0, 1.0, -80.0, 0.0),
        (1.0, 2.0, -80.0, 20.0),
        (2.0, 4.0, -60.0, 40.0),
        (4.0, 10.0, -80.0, 0.0),
    ]


def test_a_waveform_may_come_from_a_result(tmp_path):
    overrides = ["run.duration=5 ms", "membrane.area=1 um^2"]
    spike = stochhh.run("squid-patch", overrides=overrides, seed=1, trials=2)
    spike.save(tmp_path / "result.nc")
    for trial, name in ((1, "voltage"), ("deterministic", "deterministic_voltage")):
        segment = {"kind": "waveform", "path": str(tmp_path), "trial": trial}
        replayed = stochhh.run(
            {**ORIO, "clamp": {"holding": "-65 mV", "segment": [segment]}},
            overrides=["run.duration=5 ms", "run.record.interval=0.1 ms"],
            trials=1,
        )
        truth = spike[name].values if name != "voltage" else spike[name].values[1]
        assert replayed["voltage"].values[0] == pytest.approx(truth, abs=1e-9)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (
            {"kind": "waveform", "path": "missing.csv"},
            r"clamp\.segment\[0\]: path: .*cannot be read",
        ),
        (
            {"kind": "waveform", "path": "missing.nc"},
            r"clamp\.segment\[0\]: path: .*no such result",
        ),
    ],
)
def test_a_waveform_that_cannot_be_used_is_named(segment, message):
    with pytest.raises(InputError, match=message):
        stochhh.run({**ORIO, "clamp": {"holding": "-65 mV", "segment": [segment]}})


def test_a_trial_that_a_result_does_not_have_is_named(tmp_path):
    overrides = ["run.duration=1 ms", "run.deterministic=false", "membrane.area=1 um^2"]
    stochhh.run("squid-patch", overrides=overrides, seed=1, trials=2).save(tmp_path / "result.nc")
    for trial, message in ((2, "got 2, but .* holds 2 trials"), ("deterministic", "no determin")):
        segment = {"kind": "waveform", "path": str(tmp_path), "trial": trial}
        with pytest.raises(InputError, match=message):
            stochhh.run({**ORIO, "clamp": {"holding": "-65 mV", "segment": [segment]}})


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"stimulus": [{"kind": "constant", "amplitude": "1 pA"}]},
            "takes no \\[\\[stimulus\\]\\]",
        ),
        ({"run": {**ORIO["run"], "initial": {"voltage": "-65 mV"}}}, "starts at clamp.holding"),
        ({"run": {**ORIO["run"], "initial": {"displacement": "5 mV"}}}, "starts at clamp.holding"),
        ({"clamp": {"holding": "-80"}}, r"clamp\.holding: got \"-80\", need a voltage"),
        ({"clamp": {"holding": "-80 mV", "segment": [{"kind": "stpe"}]}}, "did you mean 'step'"),
    ],
)
def test_a_contradictory_clamp_is_refused(tables, message):
    with pytest.raises(InputError, match=message):
        load_scenario({**ORIO, **tables})


def test_total_current_needs_a_clamp():
    with pytest.raises(InputError, match=r"'total_current' is that of a \[clamp\]"):
        load_scenario("squid-patch", ['figure.panels=["total_current"]'])


def test_the_recorded_voltage_is_the_command_and_nothing_spikes():
    segments = [
        {"kind": "step", "level": "70 mV", "duration": "2 ms"},
        {"kind": "ramp", "from": "-100 mV", "to": "60 mV", "duration": "4 ms"},
    ]
    run = {"duration": "7.5 ms", "record": {"interval": "0.5 ms"}, "seed": 1}
    tables = {**ORIO, "clamp": {"holding": "-90 mV", "segment": segments}, "run": run}
    result = stochhh.run(tables, trials=3)
    ramp = -100.0 + 40.0 * np.arange(0.5, 4.01, 0.5)  # a record shows what came before a jump
    expected = [70.0] * 5 + list(ramp) + [-90.0] * 3
    for trial in result["voltage"].values:
        assert trial == pytest.approx(expected, abs=1e-9)
    assert result["deterministic_voltage"].values == pytest.approx(expected, abs=1e-9)
    assert result.dataset.sizes["spike"] == result.dataset.sizes["deterministic_spike"] == 0


def test_deterministic_counts_are_those_of_the_closed_form():
    """n relaxes as n(t) = n∞ + (n₀ - n∞) exp(-t/τ) after the step; open = 300 n⁴."""

    def alpha(v):
        return 0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10))

    def beta(v):
        return 0.125 * np.exp(-(v + 65) / 80)

    result = stochhh.run(ORIO, trials=1)
    rest, total = alpha(-90.0) / (alpha(-90.0) + beta(-90.0)), alpha(70.0) + beta(70.0)
    time = result["time"].values[:13]
    n = alpha(70.0) / total + (rest - alpha(70.0) / total) * np.exp(-total * time)
    assert result["deterministic_open"].values[:13, 0] == pytest.approx(300 * n**4, abs=1e-3)
    assert result["deterministic_open"].values[[2, 4], 0] == pytest.approx(
        [82.32, 205.35], abs=5e-3
    )


def test_leak_and_capacitance_are_counted_on_request():
    segments = [{"kind": "ramp", "from": "-80 mV", "to": "0 mV", "duration": "6 ms"}]
    tables = {**ORIO, "clamp": {"holding": "-80 mV", "segment": segments}}
    plain = stochhh.run(tables, trials=2)
    clamp = {**tables["clamp"], "leak": True, "capacitance": True}
    counted = stochhh.run({**tables, "clamp": clamp}, trials=2)
    voltage = plain["voltage"].values[0]
    leak = 0.03 * (voltage + 54.4)  # 0.3 mS/cm² of 10 µm², in nS
    slope = np.where((plain["time"].values > 0) & (plain["time"].values <= 6), 80.0 / 6, 0.0)
    slope[0] = 80.0 / 6  # the ramp begins at once
    expected = leak + 0.1 * slope  # 1 µF/cm² of 10 µm², in pF
    difference = counted["total_current"].values - plain["total_current"].values
    assert difference == pytest.approx(np.stack([expected, expected]), abs=1e-9)
    current = plain["current"].values.sum(axis=2)
    assert np.array_equal(plain["total_current"].values, current)


def test_a_command_beyond_the_usual_voltages_extends_the_tables():
    segments = [
        {"kind": "step", "level": "-250 mV", "duration": "0.5 ms"},
        {"kind": "ramp", "from": "-250 mV", "to": "250 mV", "duration": "5 ms"},
    ]
    tables = {**ORIO, "clamp": {"holding": "-90 mV", "segment": segments}}
    result = stochhh.run(tables, trials=2)
    assert result["voltage"].values.min() == -250.0
    assert result["deterministic_open"].values[-1, 0] > 100


def test_a_family_is_a_sweep_over_the_level(tmp_path):
    levels = ["-40 mV", "0 mV", "40 mV"]
    result = stochhh.run({**ORIO, "sweep": {"clamp.segment.0.level": levels}}, trials=3)
    assert list(result["clamp.segment.0.level"].values) == levels
    summary = stochhh.save(result, tmp_path)
    peaks = [point["current"]["peak_pA"] for point in summary["points"]]
    assert peaks == sorted(peaks)
    figure = stochhh.overview(result)
    assert "peak of the mean current (pA)" in [axes.get_ylabel() for axes in figure.axes]


def test_the_voltage_panel_shows_the_command_once():
    result = stochhh.run({**ORIO, "figure": {"panels": ["voltage", "total_current"]}}, trials=3)
    panel = stochhh.overview(result).axes[0]
    assert panel.get_ylabel().split() == ["command", "(mV)"]
    (line,) = panel.get_lines()
    assert np.array_equal(line.get_ydata(), result["voltage"].values[0])
