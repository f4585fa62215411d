"""Pictures take up the settings of matplotlib that a user has changed, and are ready for print."""

from __future__ import annotations

import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import style as styles
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from overlaps import drawn_texts, overlaps
from PIL import Image

import stochhh
from stochhh.plot import style
from stochhh.plot.estimates import shades


@pytest.fixture(scope="module")
def result():
    overrides = ["membrane.area=20 um^2", "run.duration=15 ms"]
    return stochhh.run("action-potential_HH52", overrides=overrides, seed=1, trials=2)


@pytest.fixture(scope="module")
def swept():
    sweep = 'sweep={"membrane.area"=["2 um^2","20 um^2"],"membrane.count_factor"=[1.0,2.0]}'
    short = ["run.duration=40 ms", "run.method=leap", "figure={}", sweep]
    return stochhh.run("step-train", overrides=short, seed=1, trials=2)


def brightness(color):
    return sum(to_rgb(color)) / 3


def test_a_dark_style_is_taken_up(result, swept):
    for one in (result, swept):
        with styles.context("dark_background"):
            figure = stochhh.overview(one)
        assert brightness(figure.get_facecolor()) == 0.0
        for text in drawn_texts(figure):
            assert brightness(text.get_color()) > 0.5, text.get_text()
        limit = next(
            line for axes in figure.axes for line in axes.lines if "determ" in str(line.get_label())
        )
        assert brightness(limit.get_color()) > 0.5
        assert overlaps(figure) == []


def test_a_style_with_two_papers_keeps_both(result):
    with styles.context("ggplot"):
        figure = stochhh.overview(result)
    assert to_rgb(figure.get_facecolor()) == (1.0, 1.0, 1.0)
    assert to_rgb(figure.axes[0].get_facecolor()) == pytest.approx(to_rgb("#E5E5E5"))


def test_lines_of_a_dark_picture_leave_out_the_dark_end_of_their_colours():
    @style.as_written
    def colours():
        found.extend(shades(4))
        return stochhh.overview.__wrapped__ and mpl.figure.Figure()

    found: list = []
    with styles.context("dark_background"):
        colours()
    assert min(max(to_rgb(color)) for color in found) > 0.5
    light = shades(4)
    assert max(brightness(color) for color in light) < 0.6


def test_larger_letters_make_a_larger_page_and_overprint_nothing(result, swept):
    for one in (result, swept):
        plain = stochhh.overview(one)
        with mpl.rc_context({"font.size": 16}):
            large = stochhh.overview(one)
        np.testing.assert_allclose(large.get_size_inches(), 1.6 * plain.get_size_inches())
        sizes = [
            sorted(text.get_fontsize() for text in drawn_texts(figure)) for figure in (plain, large)
        ]
        np.testing.assert_allclose(sizes[1], 1.6 * np.array(sizes[0]))
        assert overlaps(large) == []


def test_the_font_and_the_grid_of_the_user_are_taken(result):
    with mpl.rc_context({"font.family": "serif", "axes.grid": True}):
        figure = stochhh.overview(result)
        assert figure.axes[0].xaxis.get_gridlines()[0].get_visible()
        assert "Serif" in figure.findobj(Text)[-1].get_fontproperties().get_name()


def test_unchanged_settings_change_nothing(result):
    one, other = (np.asarray(Image.open(io.BytesIO(stochhh.overview(result)._repr_png_())))
                  for _ in range(2))  # fmt: skip
    assert np.array_equal(one, other)
    assert style.VOLTAGE == "#0072B2"
    assert not style.on_dark()


def test_a_notebook_shows_the_picture(result):
    """What Jupyter asks an object for, before it falls back on its text."""
    with Image.open(io.BytesIO(stochhh.overview(result)._repr_png_())) as picture:
        assert picture.format == "PNG"
        assert picture.width == 1400  # 7 inches of 200 dots


def test_letters_of_a_pdf_are_letters(result):
    stream = io.BytesIO()
    stochhh.overview(result).savefig(stream, format="pdf")
    kinds = set(re.findall(rb"/Subtype /(Type3|Type0|CIDFontType2)", stream.getvalue()))
    assert b"Type3" not in kinds
    assert b"CIDFontType2" in kinds  # TrueType, Type 42


def test_the_resolution_asked_for_wins(result):
    figure = stochhh.overview(result)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    assert Image.open(stream).width == 350
    stream = io.BytesIO()
    with mpl.rc_context({"savefig.dpi": 100}):
        figure.savefig(stream, format="png")
    assert Image.open(stream).width == 700


def test_this_style_is_not_taken_for_the_users(result):
    plain = stochhh.overview(result)
    with style.style():
        within = stochhh.overview(result)
    assert tuple(within.get_size_inches()) == tuple(plain.get_size_inches())
    with styles.context("dark_background"), style.style():
        dark = stochhh.overview(result)
    assert brightness(dark.get_facecolor()) == 0.0
