"""Pictures hold what they claim to show; looks are judged by eye."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from overlaps import overlaps

import stochhh
from stochhh.plot import style

QUICK = ["membrane.area=20 um^2", "run.deterministic=true"]


@pytest.fixture(scope="module")
def result():
    return stochhh.run("action-potential_HH52", overrides=QUICK, seed=1, trials=3)


@pytest.fixture(scope="module")
def swept():
    overrides = [*QUICK, "run.duration=20 ms"]
    return stochhh.run("all-or-none", overrides=overrides, seed=1, trials=4)


def test_an_overview_has_the_panels_asked_for_with_units(result):
    figure = stochhh.overview(result)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels[0] == "voltage (mV)"
    assert "open channels\ntrial 0" in labels
    assert any("µA/cm²" in label for label in labels)
    assert any("ions" in label for label in labels)
    assert any("single channels" in label for label in labels)
    assert figure.axes[-1].get_xlabel() == "time (ms)"


def test_trials_and_limit_are_drawn_from_the_data_and_differ_in_colour_and_dash(result):
    lines = stochhh.overview(result).axes[0].get_lines()
    limit = [line for line in lines if line.get_label() == "deterministic"]
    trials = [line for line in lines if to_rgba(line.get_color()) == to_rgba(style.VOLTAGE)]
    assert len(limit) == 1
    assert len(trials) == 3
    assert limit[0].is_dashed()
    assert not any(line.is_dashed() for line in trials)
    assert np.array_equal(limit[0].get_ydata(), result["deterministic_voltage"].values)
    drawn = {tuple(line.get_ydata()) for line in trials}
    assert drawn == {tuple(trace) for trace in result["voltage"].values}


def test_annotations_name_every_phase(result):
    texts = {text.get_text() for text in stochhh.overview(result).axes[0].texts}
    for phase in (
        "stimulus",
        "upstroke begins (10 mV/ms) at −5",
        "depolarisation",
        "repolarisation",
        "hyperpolarisation",
        "spike",
        "below rest",
        "rest\n−65 mV",
    ):
        assert any(phase in text for text in texts), phase


def test_annotations_claim_nothing_that_was_not_measured(result):
    """`stochhh show` finds the threshold 6.5 mV above rest; the upstroke begins at -53 mV."""
    said = " ".join(text.get_text() for text in stochhh.overview(result).axes[0].texts)
    assert "threshold" not in said
    assert "refractory" not in said
    started = stochhh.run(
        "action-potential_HH52",
        overrides=[*QUICK, 'run.initial.voltage="-64 mV"'],
        seed=1,
        trials=1,
    )
    texts = [text.get_text() for text in stochhh.overview(started).axes[0].texts]
    assert "start\n−64 mV" in texts
    assert not any(text.startswith("rest") for text in texts)


def test_annotations_of_a_warm_membrane_do_not_overprint():
    warm = ['membrane.temperature="16 degC"', "membrane.area=20 um^2"]
    figure = stochhh.overview(stochhh.run("action-potential_HH52", overrides=warm, seed=1))
    assert any(text.get_text().startswith("spike 1.") for text in figure.axes[0].texts)
    assert overlaps(figure) == []


def test_panels_of_one_trial_say_which():
    several = stochhh.run("action-potential_HH52", overrides=QUICK, seed=1, trials=2)
    labels = [axes.get_ylabel() for axes in stochhh.overview(several).axes]
    assert "open channels\ntrial 0" in labels
    assert sum("trial 0" in label for label in labels) == 4
    texts = [one.get_text() for one in stochhh.overview(several).axes[0].get_legend().get_texts()]
    assert texts == ["2 trials", "deterministic"]


def test_a_membrane_without_one_of_its_channels_is_drawn():
    def texts(channel, *more):
        overrides = [*QUICK, f'membrane.channels.{channel}.density="0 / um^2"', *more]
        axes = stochhh.overview(
            stochhh.run("action-potential_HH52", overrides=overrides, seed=1, trials=3)
        ).axes
        panel = next(one for one in axes if "single channels" in one.get_ylabel())
        named = [text.get_text() for text in axes[0].texts]
        return [label.get_text() for label in panel.get_yticklabels()], named

    labels, named = texts("squid-k")
    assert labels == ["Na⁺"]
    assert named == []  # what rests at 0 mV and rises by 10 has no phases to name
    labels, named = texts("squid-k", 'run.initial.voltage="-65 mV"')
    assert any("peak" in text for text in named)
    assert not any("depolarisation" in text for text in named)  # no room left of the spike


def test_channel_bars_are_the_open_times(result):
    """The bars of the first channel that ever opens span its open times."""
    data = result.dataset
    figure = stochhh.overview(result)
    panel = next(axes for axes in figure.axes if "single channels" in axes.get_ylabel())
    drawn = sum(
        float(path.get_extents().width)
        for collection in panel.collections
        for path in collection.get_paths()
        if to_rgba(collection.get_facecolor()[0] if len(collection.get_facecolor()) else "w")
        in (to_rgba("#D55E00"), to_rgba("#009E73"))
    )
    open_state = {"squid-na": 7, "squid-k": 4}  # m3h1 and n4
    total = 0.0
    for k, owner in enumerate(data["channel_population"].values):
        mine = (data["flip_trial"].values == 0) & (data["flip_channel"].values == k)
        at = np.concatenate([[0.0], data["flip_time"].values[mine], [30.0]])
        states = np.append(data["channel_start"].values[0, k], data["flip_state"].values[mine])
        total += np.diff(at)[states == open_state[str(owner)]].sum()
    assert total > 0
    assert drawn == pytest.approx(total)


def test_a_sweep_shows_each_point_and_the_spike_counts(swept):
    figure = stochhh.overview(swept)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "12 µA/cm²" in texts
    counts = next(axes for axes in figure.axes if axes.get_ylabel() == "spikes a trial")
    assert counts.get_xlabel() == "pulse amplitude (µA/cm²)"
    means = counts.containers[0].lines[0]
    assert list(means.get_xdata()) == [3, 5, 6, 6.5, 7, 8, 9, 12]
    expected = [np.mean([len(t) for t in swept.spike_trains(j)]) for j in range(swept.n_points)]
    assert list(means.get_ydata()) == pytest.approx(expected)


def test_drawing_leaves_matplotlib_alone(result):
    before = dict(plt.rcParams)
    stochhh.overview(result)
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


def test_populations_get_distinct_colours():
    ions = ["Na+", "K+", "K+", "Cl-", "Ca2+", "H+", "Na+"]
    assert len(set(style.population_colors(ions))) == len(ions)
    assert style.ion_label("Ca2+") == "Ca²⁺"


def test_a_silent_run_can_be_drawn():
    quiet = stochhh.run("squid-patch", overrides=["run.duration=2 ms"], seed=1, trials=1)
    figure = stochhh.overview(quiet)
    assert figure.axes[0].get_ylabel() == "voltage (mV)"


def test_maps_of_a_myelinated_axon_show_its_nodes_alone():
    result = stochhh.run("myelinated", overrides=["cell.axon.repeat=4"], seed=1, trials=1)
    figure = stochhh.overview(result)
    said = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert said == [
        "axon, at its 5 nodes: voltage, trial 0",
        "axon, at its 5 nodes: Na⁺ channels, trial 0",
        "axon: 1 trial",
    ]
    nodes = int((result["count"].values.sum(axis=1) > 0).sum())
    assert nodes == 5
    rows = np.ma.filled(figure.axes[0].collections[0].get_array(), np.nan)
    assert np.isfinite(rows).all(axis=1).tolist() == [True, False] * 4 + [True]
    curves = next(axes for axes in figure.axes if axes.get_title("left") == said[-1])
    assert "at 0 µm" in [text.get_text() for text in curves.get_legend().get_texts()]


def test_panels_of_a_synapse_say_what_they_show_and_of_which_trial() -> None:
    for trial, trials, others in ((0, 1, None), (2, 3, "2 others")):
        overrides = ["run.duration=10 ms", f"figure.trial={trial}", "analysis={}"]
        result = stochhh.run("two-neurons", trials=trials, seed=1, overrides=overrides)
        axes = stochhh.overview(result).axes
        trials_drawn = f"{trials} trial{'s' if trials > 1 else ''}"
        assert [(one.get_title("left"), one.get_ylabel()) for one in axes] == [
            (f"first: {trials_drawn}", "voltage\n(mV)"),
            ("synapse", "open\nreceptors"),
            (f"second: {trials_drawn}", "voltage\n(mV)"),
        ]
        legend = axes[1].get_legend()
        assert legend is not None
        texts = [text.get_text() for text in legend.get_texts()]
        n = int((result["release_trial"] == trial).sum())
        assert texts[0] == f"trial {trial}"
        assert texts[-1] == f"{n} vesicle{'s' if n != 1 else ''} of trial {trial}"
        assert (others in texts) == (others is not None)


def test_a_clamped_run_names_its_sweeps_and_gives_the_command_little_room():
    clamped = stochhh.run("ramp", seed=1, trials=2, overrides=["figure.traces=1"])
    figure = stochhh.overview(clamped)
    command, current, *_ = figure.axes
    assert command.get_ylabel() == "command\n(mV)"
    texts = [text.get_text() for text in current.get_legend().get_texts()]
    assert texts == ["1 of 2 sweeps", "mean of 2 sweeps", "deterministic"]
    assert overlaps(figure) == []
    heights = [axes.get_position().height for axes in (command, current)]
    assert heights[0] < 0.7 * heights[1]
