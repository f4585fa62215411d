"""Whoever follows the tutorial by copying its commands gets every picture."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

import stochhh

DOCS = Path(__file__).parents[2] / "docs"


def _script():
    spec = importlib.util.spec_from_file_location("tutorial", DOCS / "tutorial.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["tutorial"] = module
    spec.loader.exec_module(module)
    return module


tutorial = _script()
STEPS = tutorial.steps(tutorial.PAGE.read_text("utf-8"))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: Path(step.picture).stem)
def test_a_step_draws_what_it_says_to_open(step, tmp_path, monkeypatch):
    here = Path(sys.executable).parent  # the stochhh that is tested
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
    tutorial.follow(step, tmp_path)
    for name in step.opened:
        with Image.open(tmp_path / name) as picture:
            picture.load()
            assert min(picture.size) > 300
    with Image.open(tmp_path / step.opened[0]) as drawn, Image.open(DOCS / step.picture) as shown:
        ratio = drawn.width / drawn.height
        assert shown.width / shown.height == pytest.approx(ratio, rel=0.01)  # no older picture


def test_the_page_has_no_picture_of_elsewhere_and_none_is_left_over():
    shown = set(re.findall(r"\]\((tutorial/\S+)\)", tutorial.PAGE.read_text("utf-8")))
    assert shown == {step.picture for step in STEPS}
    assert {f"tutorial/{path.name}" for path in (DOCS / "tutorial").iterdir()} == shown


def test_a_block_without_a_picture_is_refused():
    with pytest.raises(ValueError, match="opens nothing, or has no picture"):
        tutorial.steps("```sh\nstochhh list\n```\n\nText.\n")
    with pytest.raises(ValueError, match="opens nothing, or has no picture"):
        tutorial.steps("```sh\nstochhh list\n```\n\n![a](tutorial/a.png)\n")


def test_a_command_that_fails_stops_the_reader(tmp_path):
    step = tutorial.Step("false\ntrue\n", ["x"], "y")
    with pytest.raises(tutorial.subprocess.CalledProcessError):
        tutorial.follow(step, tmp_path)


def test_without_potassium_channels_the_leak_alone_makes_the_spike():
    """As the page says: it comes before the stimulus at 5 ms, and would without it."""
    alone = ["stimulus=[]", "figure={}", "run.record={}", "run.initial.voltage=-65 mV"]
    none = [*alone, "membrane.channels.squid-k.density=0 / um^2"]
    first, rest = (
        stochhh.run("action-potential_HH52", trials=1, method="deterministic", overrides=one)
        for one in (none, alone)
    )
    ((spike_ms,),) = first.spike_trains()
    assert spike_ms == pytest.approx(2.44, abs=0.05)
    assert [len(train) for train in rest.spike_trains()] == [0]
