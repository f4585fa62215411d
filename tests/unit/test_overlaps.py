"""Texts that overprint each other are found, and those that do not are not."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from overlaps import overlaps, struck


@pytest.fixture
def axes():
    axes = Figure(figsize=(4, 3), layout="constrained").subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return axes


def test_a_plain_figure_has_nothing_wrong(axes):
    axes.set(xlabel="time (ms)", ylabel="voltage (mV)", title="of a membrane")
    axes.plot([0, 1], [0, 1], label="trials")
    axes.legend()
    axes.text(0.5, 0.5, "above")
    axes.text(0.5, 0.43, "below")
    assert overlaps(axes.figure) == []


def test_texts_on_each_other_are_found(axes):
    axes.text(0.5, 0.5, "absolute")
    axes.text(0.52, 0.5, "relative")
    assert overlaps(axes.figure) == ["'absolute' overprints 'relative'"]


def test_labels_of_ticks_are_texts(axes):
    axes.set_xticks([0.5, 0.51], ["0.5000", "0.5100"])
    assert overlaps(axes.figure) == ["'0.5000' overprints '0.5100'"]
    axes.set_xticks([0.5, 2.0], ["0.5000", "0.5100"])  # the second lies outside, undrawn
    axes.set_xlim(0, 1)
    assert overlaps(axes.figure) == []


def test_hidden_and_empty_texts_are_not_there(axes):
    axes.text(0.5, 0.5, "seen")
    axes.text(0.5, 0.5, "unseen", visible=False)
    axes.text(0.5, 0.5, " ")
    assert overlaps(axes.figure) == []


def test_what_leaves_the_figure_or_is_cut_off_is_found(axes):
    text = axes.text(0.9, 0.5, "far too long for what is left of the room", in_layout=False)
    (wrong,) = overlaps(axes.figure)
    assert "leaves the figure by" in wrong
    text.set_clip_on(True)
    assert "'far too long for what is left of the room' is cut off" in overlaps(axes.figure)


def test_arrows_through_texts_are_found(axes):
    axes.text(0.5, 0.5, "struck", ha="center", va="center")
    axes.text(0.5, 0.8, "free", ha="center", va="center")
    axes.annotate("", (0.9, 0.5), (0.1, 0.5), arrowprops={"arrowstyle": "->"})
    assert struck(axes.figure) == ["an arrow crosses 'struck'"]
    axes.annotate("its own", (0.9, 0.1), (0.1, 0.3), arrowprops={"arrowstyle": "->"})
    assert struck(axes.figure) == ["an arrow crosses 'struck'"]
