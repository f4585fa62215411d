"""Every tip of a cell that branches: its number in the summary, its row, its place in pictures."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import PASSIVE, SQUID, pulse
from overlaps import overlaps
from rich.console import Console

import stochhh
from stochhh.analysis.cells import branches, main_path, tip_of
from stochhh.analysis.summary import summarise
from stochhh.console import summary_table

#: A stem with two branches of which the longer has no channels, so that no impulse gets there.
FORK = {
    "format": 1,
    "title": "a fork",
    "membranes": {"live": {**SQUID, "temperature": "18.5 degC"}, "dead": PASSIVE},
    "cell": [
        {
            "name": "cell",
            "axial_resistivity": "100 ohm cm",
            "section": [
                {"name": "stem", "membrane": "live", "length": "200 um", "diameter": "1 um"},
                {
                    "name": "long",
                    "membrane": "dead",
                    "length": "1 mm",
                    "diameter": "0.2 um",
                },
                {
                    "name": "short",
                    "membrane": "live",
                    "parent": "stem",
                    "length": "200 um",
                    "diameter": "0.8 um",
                },
            ],
        }
    ],
    "stimulus": pulse("1 nA"),
    "run": {"duration": "4 ms", "trials": 3, "seed": 1},
}


@pytest.fixture(scope="module")
def fork():
    return stochhh.run(FORK)


def test_the_ways_to_all_tips_cover_a_cell_once(fork):
    data = fork.dataset
    ways = branches(data, main_path(data, "cell"))
    assert [tip_of(data, way) for way in ways] == ["long", "short"]
    passed = np.concatenate([ways[0].compartment, ways[1].compartment[1:]])
    assert sorted(passed.tolist()) == list(range(data.sizes["compartment"]))
    assert ways[1].compartment[0] in ways[0].compartment
    assert (np.diff(ways[1].position_um) > 0.0).all()


def test_a_tip_that_an_impulse_reaches_and_one_that_it_does_not(fork):
    cell = summarise(fork)["cells"]["cell"]
    assert (cell["spikes_at_start"], cell["spikes_at_end"]) == (1.0, 0.0)
    tips = cell["tips"]
    assert list(tips) == ["long", "short"]
    assert [tip["spikes_at_end"] for tip in tips.values()] == [0.0, 1.0]
    assert [tip["deterministic"]["spikes_at_end"] for tip in tips.values()] == [0, 1]
    assert tips["short"]["first_at_end_ms"] > 0.5
    assert tips["short"]["position_um"] == pytest.approx(400.0, rel=0.05)


def test_every_tip_has_its_row(fork):
    console = Console(width=120, record=True)
    console.print(summary_table(summarise(fork)))
    told = console.export_text()
    assert "3 tips" not in told
    assert "2 tips; its end is that of long" in told
    row = next(line for line in told.splitlines() if "spikes at the tip of short" in line)
    assert row.split("│")[2].strip() == "1"


def test_every_tip_has_its_curve_and_a_branch_with_channels_its_map(fork):
    maps, curves = panels(stochhh.overview(fork))
    assert [title.split(":")[0] for title in maps] == ["cell to long"] * 2 + ["cell to short"]
    assert [text for text in curves["cell: 3 trials"] if text != "deterministic"] == [
        "start", "long", "short"]  # fmt: skip


def test_a_curve_is_named_after_the_section_where_it_was_recorded():
    """The start of the cell was called by the name of its farthest tip."""
    run = {**FORK["run"], "duration": "1 ms", "record": {"where": ["cell start", "cell short"]}}
    _, curves = panels(stochhh.overview(stochhh.run({**FORK, "run": run})))
    labels = curves["cell: 3 trials"]
    assert [one for one in labels if one != "deterministic"] == ["stem", "short"]


def test_the_tips_of_a_tree_are_a_map():
    stem, *twigs = [
        {"name": f"twig-{k}", "membrane": "dead", "length": "50 um", "diameter": "1 um"}
        for k in range(9)
    ]
    cell = {"name": "tree", "axial_resistivity": "100 ohm cm",
            "section": [stem, *({**one, "parent": "twig-0"} for one in twigs)]}  # fmt: skip
    run = {"duration": "1 ms", "seed": 1}
    figure = stochhh.overview(stochhh.run({**FORK, "cell": [cell], "run": run}))
    maps, _ = panels(figure)
    assert "tree: voltage of its 8 tips, trial 0" in maps
    assert not overlaps(figure)


def panels(figure):
    """Titles of maps, and labels in the legends of the other panels by their titles."""
    drawn = [axes for axes in figure.axes if axes.get_title("left")]
    maps = [axes.get_title("left") for axes in drawn if axes.collections]
    return maps, {
        axes.get_title("left"): axes.get_legend_handles_labels()[1]
        for axes in drawn
        if not axes.collections
    }


def test_a_patch_is_one_compartment_without_a_length(call):
    code, out, _ = call("show", "two-neurons")
    assert code == 0
    of = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in out.splitlines()
          if line.count("│") > 3}  # fmt: skip
    assert of["compartments"] == "1"
    assert of["longest compartment (µm)"] == of["from start to farthest tip (µm)"] == "–"
    assert of["membrane area (µm²)"] == "1000"


def test_one_compartment_is_singular():
    patch = {"compartments": 1, "spikes_at_start": 2.0, "spikes_at_end": 2.0}
    summary = {"title": "t", "method": "leap", "transitions": 0, "trials": 1, "duration_ms": 1.0,
               "cells": {"one": patch, "two": {**patch, "compartments": 1200}},
               "synapses": {}}  # fmt: skip
    console = Console(width=120, record=True)
    console.print(summary_table(summary))
    told = console.export_text()
    assert "one (1 compartment)" in told
    assert "two (1,200 compartments)" in told
    assert told.count("spikes a trial") == told.count("spikes at the start") == 1


def test_show_counts_the_tips(call):
    code, out, _ = call("show", "fork")
    assert code == 0
    row = next(line for line in out.splitlines() if line.startswith("│ tips "))
    assert row.split("│")[2].strip() == "3"
