"""Pictures of circuits: what they show, and that their texts can be read."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import SQUID, axon, pulse
from matplotlib.collections import QuadMesh
from overlaps import overlaps

import stochhh
from stochhh.analysis.cells import main_path
from stochhh.plot.animation import animate
from stochhh.plot.maps import mapped_places, said_place
from stochhh.scenario import library_scenarios, load_experiment
from stochhh.studies import analyse, find_study

#: Every scenario with cells, and what makes it short.
SHORT = {
    "diameter-limit_FWL05": ("5 ms", "cell.axon.section.shaft.compartments=40"),
    "dominoes": ("5 ms",),
    "fork": ("2 ms",),
    "myelinated": ("1 ms",),
    "neuromuscular_DCK54": ("5 ms", 'stimulus.0.start="1 ms"'),
    "node-chain_OM09": ("10 ms",),
    "squid-axon_HH52": ("1 ms", "cell.axon.compartment=0.2", 'run.step="0.01 ms"'),
    "thin-axon_FL07": ("8 ms",),
    "two-neurons": ("20 ms",),
}


def shortened(name, duration, *overrides):
    return stochhh.run(
        name,
        overrides=[
            f'run.duration="{duration}"',
            "run.trials=2",
            'run.initial.settle="0 ms"',
            "analysis.propagation=false",
            "analysis.quantal=false",
            *overrides,
        ],
        seed=1,
    )


@pytest.mark.filterwarnings("ignore:.*compartments do not resolve")
@pytest.mark.parametrize("name", SHORT)
def test_no_text_of_a_shipped_circuit_overprints_another(name):
    figure = stochhh.overview(shortened(name, *SHORT[name]))
    assert not overlaps(figure)
    assert figure.get_figheight() <= 7.7  # a page, with a caption below


def test_all_scenarios_with_cells_are_among_them():
    circuits = {name for name in library_scenarios() if hasattr(load_experiment(name), "cell")}
    assert circuits == set(SHORT)


@pytest.fixture(scope="module")
def twice():
    """An axon that two stimuli excite, 8 ms apart."""
    tables = axon({**SQUID, "temperature": "18.5 degC"}, "1 mm", n=30)
    train = {"kind": "pulse-train", "amplitude": "300 pA", "start": "0.5 ms",
             "duration": "0.5 ms", "interval": "8 ms", "count": 2}  # fmt: skip
    run = {"duration": "14 ms", "seed": 1}
    analysis = {"propagation": {}}
    return stochhh.run({**tables, "stimulus": [train], "run": run, "analysis": analysis})


def white(axes):
    return [line for line in axes.get_lines() if line.get_color() == "white"]


def test_every_deterministic_impulse_has_its_white_line_and_the_legend_says_what_it_is(twice):
    maps = [axes for axes in stochhh.overview(twice).axes if "trial 0" in axes.get_title("left")]
    assert len(maps) == 2
    start = twice.spike_trains(deterministic=True, where="start")[0]
    assert len(start) == 2
    for axes in maps:
        lines = [line for line in white(axes) if len(line.get_xdata())]
        assert [line.get_xdata()[0] for line in lines] == pytest.approx(list(start))
        assert axes.get_legend_handles_labels()[1] == ["impulse, deterministic"]


def test_the_picture_of_propagation_has_every_deterministic_impulse(twice):
    (occasion,) = analyse(twice)
    figure = find_study(occasion.name).draw(occasion.findings, "Propagation")
    dashed = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert len(dashed) == 2
    assert not overlaps(figure)


def test_a_map_begins_at_place_0_and_has_no_hole_at_a_fork():
    figure = stochhh.overview(shortened("fork", "1 ms"))
    maps = [axes for axes in figure.axes if "axon-3" in axes.get_title("left")]
    for axes in maps:
        assert axes.get_ylim()[1] == 0.0
        assert 0.0 in axes.get_yticks()
        (mesh,) = (one for one in axes.collections if isinstance(one, QuadMesh))
        assert np.isfinite(np.ma.filled(mesh.get_array(), np.nan)).all()


def test_a_chain_of_nodes_is_mapped_at_its_nodes():
    data = shortened("node-chain_OM09", "1 ms").point(0)
    path = main_path(data, "chain")
    where = data["place_compartment"].values[mapped_places(data, path)]
    assert [str(name) for name in data["section"].values[where]] == [
        f"node-{k}" for k in range(1, 11)
    ]


def test_places_are_told_as_finely_as_two_figures_tell_the_whole_way():
    assert said_place(0.5, 1800.0) == "0 mm"  # not "0.0005 mm"
    assert said_place(912.0, 1800.0) == "0.9 mm"
    assert said_place(34.0, 8000.0) == "0 mm"
    assert said_place(372.0, 700.0) == "370 µm"


def test_a_curve_is_drawn_where_the_impulse_begins_and_where_it_ends(twice):
    tables = axon({**SQUID, "temperature": "18.5 degC"}, "1 mm", n=30)
    middle = stochhh.run(
        {**tables, "stimulus": pulse("600 pA", at="middle"), "run": {"duration": "4 ms", "seed": 1}}
    )
    for result, first in ((twice, "at 0 mm"), (middle, "at 0.5 mm")):
        axes = stochhh.overview(result).axes
        curves = next(one for one in axes if one.get_title("left") == "axon: 1 trial")
        labels = curves.get_legend_handles_labels()[1]
        assert first in labels
        assert "at 1 mm" in labels


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    tables = axon({**SQUID, "temperature": "18.5 degC"}, "1 mm", n=30)
    result = stochhh.run(
        {
            **tables,
            "stimulus": pulse("300 pA"),
            "run": {"duration": "4 ms", "seed": 1, "trials": 2},
            "sweep": {"stimulus.0.amplitude": ["10 pA", "300 pA", "400 pA"]},
        }
    )
    folder = tmp_path_factory.mktemp("swept")
    stochhh.save(result, folder)
    return stochhh.load(folder)  # its cells are named at every point


def test_every_point_of_a_sweep_is_drawn_and_named(swept):
    figure = stochhh.overview(swept)
    places = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert places == ["amplitude 10 pA", "amplitude 300 pA", "amplitude 400 pA"]
    counts = next(a for a in figure.axes if a.get_ylabel().startswith("spikes at the end"))
    drawn = next(line for line in counts.get_lines() if line.get_marker() == "o")
    assert list(drawn.get_xdata()) == [10.0, 300.0, 400.0]
    assert list(drawn.get_ydata()) == [0.0, 1.0, 1.0]
    assert not overlaps(figure)


def test_a_sweep_whose_values_are_texts_names_them():
    tables = axon({**SQUID, "temperature": "18.5 degC"}, "0.2 mm", n=5)
    figure = stochhh.overview(
        stochhh.run(
            {
                **tables,
                "stimulus": pulse("300 pA"),
                "run": {"duration": "2 ms", "seed": 1},
                "sweep": {"stimulus.0.at": ["start", "middle"]},
            }
        )
    )
    assert not overlaps(figure)
    texts = [[label.get_text() for label in axes.get_xticklabels()] for axes in figure.axes]
    assert ["start", "middle"] in texts


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("dominoes", "run.method=deterministic"),
        ("fork", 'run.record.variables=["open"]'),
        ("fork", 'run.record.where=["cell axon-2"]'),
        ("fork", 'sweep={"stimulus.0.amplitude"=["1 nA", "2 nA"]}'),
        (
            "node-chain_OM09",
            'sweep={"membranes.node.count_factor"=[0.3, 1], '
            '"cell.chain.axial_resistivity"=["100 ohm cm", "50 ohm cm"]}',
        ),
    ],
)
def test_whatever_is_recorded_and_swept_can_be_drawn(name, override, tmp_path):
    result = shortened(name, "2 ms", override)
    assert not overlaps(stochhh.overview(result))
    if "voltage" in result.dataset:
        assert animate(result, tmp_path / "x.gif", seconds=0.2, frames_per_second=10) == 2
