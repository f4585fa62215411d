"""Moving pictures of results, opened again frame by frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from circuits import SQUID, axon, pulse
from overlaps import overlaps
from PIL import Image

import stochhh
from stochhh.plot.animation import _scene, animate, eventful_trial
from stochhh.plot.moving import Subject


@pytest.fixture(scope="module")
def cable():
    tables = {**axon(SQUID, "1 mm", n=30), "stimulus": pulse("300 pA")}
    return stochhh.run({**tables, "run": {"duration": "5 ms", "seed": 1}})


def frames(path):
    with Image.open(path) as picture:
        for index in range(picture.n_frames):
            picture.seek(index)
            yield np.asarray(picture.convert("L"), dtype=float)


def test_an_impulse_moves_along_the_axon(cable, tmp_path):
    path = tmp_path / "axon.gif"
    assert animate(cable, path, seconds=1.0, frames_per_second=10) == 10
    pictures = list(frames(path))
    assert len(pictures) == 10
    changed = [np.abs(a - b).mean() for a, b in pairwise(pictures)]
    assert max(changed) > 0.2
    assert all(picture.shape == pictures[0].shape for picture in pictures)


def test_a_patch_is_drawn_in_time(tmp_path):
    result = stochhh.run("action-potential_HH52", overrides=["run.trials=1"], seed=1)
    path = tmp_path / "patch.gif"
    assert animate(result, path, seconds=0.5, frames_per_second=10, end_ms=10.0) == 5
    assert len(list(frames(path))) == 5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "x.avi"}, "ends in .gif or .mp4"),
        ({"trial": 7}, "there are 1, numbered from 0"),
        ({"point": 3}, "point 3: there are 1, numbered from 0"),
        ({"start_ms": 90.0}, "nothing was recorded"),
    ],
)
def test_what_cannot_be_shown_is_refused(cable, tmp_path, settings, said):
    path = tmp_path / settings.pop("path", "x.gif")
    with pytest.raises(stochhh.InputError, match=said):
        animate(cable, path, **settings)


def test_the_command_writes_a_gif_beside_the_result(cable, call, tmp_path):
    stochhh.save(cable, tmp_path / "run")
    code, out, _ = call("animate", "run", "--seconds", "0.5", "--fps", "8")
    assert code == 0
    assert "wrote 4 frames of trial 0 to" in out
    assert (tmp_path / "run" / "animation.gif").stat().st_size > 5_000
    code, _, errors = call("animate", "run", "--start", "soon")
    assert code == 2
    assert errors.startswith("error: --start: ")


def test_the_last_moment_stays_a_while(cable, tmp_path):
    animate(cable, tmp_path / "x.gif", seconds=0.5, frames_per_second=10)
    with Image.open(tmp_path / "x.gif") as picture:
        lasts = []
        for index in range(picture.n_frames):
            picture.seek(index)
            lasts.append(picture.info["duration"])
    assert lasts[0] == 100
    assert lasts[-1] >= 1500


def test_the_trial_shown_is_one_in_which_the_next_neuron_fires():
    overrides = ["run.duration=20 ms", "analysis={}"]
    result = stochhh.run("two-neurons", overrides=overrides, seed=4, trials=5)
    fired = [len(train) > 0 for train in result.spike_trains(where=1)]
    assert not fired[0]  # else this would show nothing
    assert eventful_trial(result.dataset) == fired.index(True)


def test_of_a_membrane_that_seldom_fires_a_trial_is_shown_in_which_it_does():
    overrides = ["sweep={}", "analysis={}", "stimulus.0.amplitude=6.5 uA/cm^2"]
    result = stochhh.run("all-or-none", overrides=overrides, seed=1, trials=10)
    fired = [len(train) > 0 for train in result.spike_trains()]
    assert any(fired)
    assert not all(fired)
    assert eventful_trial(result.dataset) == fired.index(True)


@pytest.fixture(scope="module")
def dominoes():
    overrides = ["run.duration=6 ms", "run.trials=1", 'run.initial.settle="0 ms"']
    return stochhh.run("dominoes", overrides=overrides, seed=1)


def scene(result):
    data = result.point(0)
    return data, *_scene(result, Subject(data, 0, np.arange(data.sizes["time"])))


def test_vesicles_receptors_and_force_move_with_the_impulse(dominoes):
    data, figure, update = scene(dominoes)
    update(data.sizes["time"] - 1)
    panels = {axes.get_title("left"): axes for axes in figure.axes}
    assert {"axon", "end plate", "fibre"} <= set(panels)
    ticks = next(one for one in panels["end plate"].get_lines() if one.get_label() == "vesicles")
    assert sorted(ticks.get_xdata()) == sorted(data["release_time"].values)
    assert len(ticks.get_xdata()) > 10
    update(0)
    assert len(ticks.get_xdata()) == 0
    assert any(axes.get_ylabel().startswith("force") for axes in figure.axes)
    assert not overlaps(figure)


def test_the_title_keeps_its_width_while_time_goes_by(dominoes):
    data, figure, update = scene(dominoes)
    widths = set()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for row in range(0, data.sizes["time"], 30):
        update(row)
        widths.add(round(figure._suptitle.get_window_extent().width, 3))
    assert len(widths) == 1


def test_every_branch_has_its_line():
    overrides = ["run.duration=2 ms", "run.trials=1", 'run.initial.settle="0 ms"']
    _, figure, update = scene(stochhh.run("fork", overrides=overrides, seed=1))
    update(10)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert {"to axon-3", "to axon-2", "to dendrite-1"} <= set(labels)
    assert not overlaps(figure)


def test_a_point_of_a_sweep_is_chosen_and_said(call, tmp_path):
    tables = {**axon(SQUID, "0.5 mm", n=10), "stimulus": pulse("300 pA")}
    run = {"duration": "3 ms", "seed": 1}
    sweep = {"stimulus.0.amplitude": ["10 pA", "300 pA"]}
    stochhh.save(stochhh.run({**tables, "run": run, "sweep": sweep}), tmp_path / "run")
    given = ("--seconds", "0.3", "--fps", "5")
    code, out, _ = call("animate", "run", *given, "--point", "1")
    assert code == 0
    assert "of trial 0, point 1 of 2 (--point) to" in " ".join(out.split())
    code, _, errors = call("animate", "run", *given, "--point", "2")
    assert code == 2
    assert errors.startswith("error: point 2: there are 2, numbered from 0")
