"""Moving pictures of results, opened again frame by frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from circuits import SQUID, axon, pulse
from PIL import Image

import stochhh
from stochhh.plot.animation import animate


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
    assert "wrote 4 frames" in out
    assert (tmp_path / "run" / "animation.gif").stat().st_size > 5_000
    code, _, errors = call("animate", "run", "--start", "soon")
    assert code == 2
    assert errors.startswith("error: --start: ")
