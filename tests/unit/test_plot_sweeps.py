"""Pictures of sweeps compare points that differ in one thing, and say what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from overlaps import overlaps

import stochhh
from stochhh.errors import InputError
from stochhh.plot.sweep_metrics import draw_metrics
from stochhh.plot.sweep_points import choose_points
from stochhh.scenario import load_scenario
from stochhh.scenario.sweeps import places_of

AREAS = '"membrane.area"=["1 um^2","2 um^2","3 um^2"]'
CURRENTS = '"stimulus.0.amplitude"=["0 uA/cm^2","3 uA/cm^2","6 uA/cm^2","9 uA/cm^2"]'
SHORT = ["run.duration=10 ms", "run.method=leap", 'run.initial.settle="0 ms"', "figure={}"]
LONGER = ["run.duration=60 ms"]


def chosen(*overrides, most=8):
    scenario = load_scenario("step-train", ["figure={}", *overrides])
    places = list(places_of(scenario))
    return choose_points(scenario, places, most), places


def texts(figure):
    found = [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]
    return [text for text in found if text.strip()]


def test_few_points_are_all_drawn_and_named():
    found, _ = chosen(f"sweep={{{AREAS}}}")
    assert found.points == (0, 1, 2)
    assert (found.heading, found.labels) == ("area", ("1 µm²", "2 µm²", "3 µm²"))
    assert found.said == ""
    both, _ = chosen(
        'sweep={"membrane.area"=["1 um^2","2 um^2"],"membrane.count_factor"=[1.0,2.0]}'
    )
    assert both.points == (0, 1, 2, 3)
    assert both.heading == ""
    assert both.labels[1].replace("\n", " ") == "area 1 µm², count factor 2.0"


def test_points_of_a_grid_differ_on_one_axis_alone():
    found, places = chosen(f"sweep={{{CURRENTS},{AREAS}}}")
    shown = [places[k] for k in found.points]
    assert {place["membrane.area"] for place in shown} == {"2 um^2"}  # the middle
    assert [place["stimulus.0.amplitude"].split()[0] for place in shown] == ["0", "3", "6", "9"]
    assert found.said == "4 of 12 points, at area 2 µm²"


@pytest.mark.parametrize(
    ("rows", "points", "said"),
    [
        ('{"membrane.area"="3 um^2"}', (2, 5, 8, 11), "4 of 12 points, at area 3 µm²"),
        ('{"membrane.area"="3.0 um^2"}', (2, 5, 8, 11), "4 of 12 points, at area 3 µm²"),
        (
            '{"stimulus.0.amplitude"="6 uA/cm^2"}',
            (6, 7, 8),
            "3 of 12 points, at amplitude 6 µA/cm²",
        ),
        (
            '{"stimulus.0.amplitude"="6 uA/cm^2","membrane.area"=["1 um^2","3 um^2"]}',
            (6, 8),
            "2 of 12 points, at amplitude 6 µA/cm²",
        ),
    ],
)  # fmt: skip
def test_a_scenario_says_which_points_are_rows(rows, points, said):
    found, _ = chosen(f"sweep={{{CURRENTS},{AREAS}}}", f"figure.rows={rows}")
    assert found.points == points
    assert found.said == said


def test_keys_that_advance_together_are_one_axis():
    zipped = 'zip=[["membrane.area","membrane.count_factor"]]'
    sweep = f'sweep={{{CURRENTS},{AREAS},"membrane.count_factor"=[1.0,2.0,3.0],{zipped}}}'
    found, places = chosen(sweep)
    assert {places[k]["membrane.count_factor"] for k in found.points} == {2.0}
    assert found.said == "4 of 12 points, at area 2 µm², count factor 2.0"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('{"membrane.aera"="3 um^2"}', r'figure\.rows: "membrane\.aera" is not swept.*area'),
        (
            '{"membrane.area"="4 um^2"}',
            r'figure\.rows.*got "4 um\^2".*need one of .*: 1 um\^2, 2 um\^2, 3 um\^2',
        ),
        ('{"membrane.area"=[]}', r"need a value of the sweep"),
    ],
)
def test_rows_that_are_no_points_are_refused(rows, message):
    with pytest.raises(InputError, match=message):
        chosen(f"sweep={{{AREAS}}}", f"figure.rows={rows}")


def test_rows_survive_in_a_result(tmp_path):
    rows = 'figure.rows={"membrane.area"="3 um^2"}'
    sweep = f"sweep={{{CURRENTS},{AREAS}}}"
    result = stochhh.run("step-train", overrides=[*SHORT, rows, sweep], seed=1, trials=1)
    again = stochhh.load(result.save(tmp_path / "result.nc"))
    drawn = texts(stochhh.overview(again))
    assert "time (ms)\nrows: 4 of 12 points, at area 3 µm²" in drawn


def test_curves_and_rows_carry_names_and_units():
    result = stochhh.run(
        "step-train", overrides=[*SHORT, f"sweep={{{CURRENTS},{AREAS}}}"], seed=1, trials=2
    )
    figure = stochhh.overview(result)
    counts = next(axes for axes in figure.axes if axes.get_ylabel() == "spikes a trial")
    legend = counts.get_legend()
    assert legend.get_title().get_text() == "area"
    assert [one.get_text() for one in legend.get_texts()] == [
        "1 µm²", "2 µm²", "3 µm²", "deterministic",
    ]  # fmt: skip
    assert counts.get_xlabel() == "amplitude (µA/cm²)"
    assert {"amplitude", "0 µA/cm²"} <= set(texts(figure))
    assert overlaps(figure) == []


def test_more_curves_than_can_be_told_apart_are_a_heat_map():
    areas = '"membrane.area"={from="1 um^2",to="6 um^2",points=6}'
    sweep = f"sweep={{{CURRENTS},{areas}}}"
    result = stochhh.run("step-train", overrides=[*SHORT, sweep], seed=1, trials=2)
    figure = stochhh.overview(result)
    (mesh,) = figure.findobj(QuadMesh)[:1]
    expected = [
        [np.mean([len(train) for train in result.spike_trains(6 * k + j)]) for k in range(4)]
        for j in range(6)
    ]
    np.testing.assert_allclose(mesh.get_array(), expected)
    labels = {axes.get_xlabel() for axes in figure.axes} | {a.get_ylabel() for a in figure.axes}
    assert {"amplitude (µA/cm²)", "area (µm²)", "spikes a trial, mean"} <= labels
    assert overlaps(figure) == []


def test_without_a_spike_there_are_voltages_alone():
    quiet = ['sweep={"membrane.count_factor"=[1e4,1e5]}', "stimulus=[]", *SHORT]
    figure = stochhh.overview(stochhh.run("step-train", overrides=quiet, seed=1, trials=2))
    assert len(figure.axes) == 2


def test_a_logarithmic_axis_has_plain_numbers():
    factors = 'sweep={"membrane.count_factor"=[0.2,1.0,5.0]}'
    result = stochhh.run("step-train", overrides=[*SHORT, factors, *LONGER], seed=1, trials=2)
    figure = stochhh.overview(result)
    assert overlaps(figure) == []
    counts = next(axes for axes in figure.axes if axes.get_ylabel() == "spikes a trial")
    ticks = [text.get_text() for text in counts.get_xticklabels()]
    assert {"0.2", "0.5", "1", "2", "5"} <= set(ticks)
    assert counts.get_xlabel() == "count factor"


def test_the_label_of_another_axis_is_not_taken():
    factors = 'sweep={"membrane.count_factor"=[1.0,5.0]}'
    short = [text for text in SHORT if text != "figure={}"]  # it calls its axis a current
    result = stochhh.run("step-train", overrides=[*short, factors, *LONGER], seed=1, trials=2)
    counts = next(
        one for one in stochhh.overview(result).axes if one.get_ylabel() == "spikes a trial"
    )
    assert counts.get_xlabel() == "count factor"


SCHEMES = '"membrane.channels.squid-na.scheme"=["squid-na","squid-na-markov"]'


def test_axes_of_texts_show_their_texts_and_join_nothing():
    swept = stochhh.sweep("step-train", overrides=[*SHORT, f"sweep={{{SCHEMES}}}", "run.trials=2"])
    figure = draw_metrics(swept.dataset, swept.scenario)
    axes = figure.axes[0]
    ticks = [text.get_text().replace("\n", "") for text in axes.get_xticklabels()]
    assert ticks == ["squid-na", "squid-na-markov"]
    assert axes.get_xlabel() == "squid-na scheme"
    assert all(line.get_linestyle() == "None" for line in axes.lines)
    assert overlaps(figure) == []


def test_a_number_that_was_nowhere_found_has_no_panel():
    silent = ["stimulus=[]", "run.deterministic=false", 'sweep={"membrane.count_factor"=[1e4]}']
    swept = stochhh.sweep("step-train", overrides=[*SHORT, *silent, "run.trials=2"])
    assert swept.dataset["isi_cv"].isnull().all()
    labels = [axes.get_ylabel() for axes in draw_metrics(swept.dataset, swept.scenario).axes]
    assert "SD of voltage (mV)" in labels
    assert "CV of intervals" not in labels


def test_a_sweep_over_three_axes_says_what_is_fixed():
    noise = '"membrane.channels.squid-k.noise"=[true,false]'
    sweep = f"sweep={{{CURRENTS},{AREAS},{noise},repeats=2}}"
    short = [*SHORT, "run.duration=5 ms", "run.trials=1"]
    swept = stochhh.sweep("step-train", overrides=[*short, sweep])
    figure = draw_metrics(swept.dataset, swept.scenario)
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "area; all at squid-k noise off"
    assert overlaps(figure) == []


@pytest.mark.parametrize(
    ("rows", "number", "said"), [("", 4, ""), ("0.2 um", 2, ", at diameter 0.2 µm")]
)
def test_a_sweep_of_cells_has_rows_of_the_same_kind(rows, number, said):
    diameter = '"cell.axon.section.shaft.diameter"'
    sweep = f'sweep={{{diameter}=["0.1 um","0.2 um"],"membranes.squid.count_factor"=[0.5,1.0]}}'
    more = [f'figure.rows={{{diameter}="{rows}"}}'] if rows else []
    short = ["run.duration=1 ms", "run.trials=1", 'run.initial.settle="0 ms"', "analysis={}"]
    coarse = ["cell.axon.section.shaft.compartments=40", "figure={}"]
    result = stochhh.run("diameter-limit_FWL05", overrides=[*short, *coarse, sweep, *more], seed=1)
    labels = [axes.get_xlabel() for axes in stochhh.overview(result).axes]
    expected = f"time (ms)\nrows: {number} of 4 points{said}" if rows else "time (ms)"
    assert expected in labels
