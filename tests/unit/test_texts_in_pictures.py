"""Texts in pictures are shown as they were written: no formulas, no programs."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Locator

import stochhh.plot
from stochhh.kinetics.files import load_scheme
from stochhh.plot import style
from stochhh.plot.scheme import state_graph

FORMULA = "rate $x_{$ [/s]"  # of which matplotlib can make nothing


@style.as_written
def picture_with_texts():
    figure = Figure(layout="constrained")
    axes, other = figure.subplots(1, 2)
    axes.plot([1.0, 100.0], [0.0, 1.0], label=FORMULA)
    axes.set(xscale="log", title=FORMULA, xlabel=FORMULA, ylabel=FORMULA)
    axes.set_yticks([0.0, 1.0], [FORMULA, "b"])
    axes.legend()
    axes.annotate(FORMULA, (1.0, 0.0))
    figure.suptitle(FORMULA)
    figure.colorbar(other.imshow(np.eye(2)), label=FORMULA)
    return figure


def save(figure):
    """Texts with a dollar sign, once a figure is drawn."""
    figure.savefig(io.BytesIO(), format="svg")
    return [text for text in figure.findobj(Text) if "$" in text.get_text()]


def test_texts_are_no_formulas():
    texts = save(picture_with_texts())
    literal = [text.get_text() for text in texts if not text.get_parse_math()]
    assert set(literal) == {FORMULA}
    assert len(literal) >= 8
    formulas = [text.get_text() for text in texts if text.get_parse_math()]
    assert formulas  # powers of ten, along the axis
    assert all("mathdefault" in text for text in formulas)
    with pytest.raises(ValueError, match=r"ParseException|Expected"):
        save(picture_with_texts.__wrapped__())


class Unready(Locator):
    """Of an axis with a logarithmic scale on which nothing positive lies."""

    def __call__(self):
        raise ValueError("Data cannot be log-scaled")


def test_where_ticks_will_be_is_not_asked():
    @style.as_written
    def nothing():
        figure = Figure()
        figure.subplots().yaxis.set(major_locator=Unready(), minor_locator=Unready())
        return figure

    assert nothing().axes


def test_a_formula_that_its_user_adds_is_one():
    figure = picture_with_texts()
    figure.axes[1].set_title("$x^2$")
    assert figure.axes[1].title.get_parse_math()


def test_names_in_a_state_graph_are_shown_as_written():
    scheme = load_scheme("squid-k")
    states = tuple(f"{FORMULA} {state}" for state in scheme.states)
    figure = state_graph(replace(scheme, title=FORMULA, states=states), -65.0)
    assert len(save(figure)) == 1 + len(states)


def test_every_picture_shows_texts_as_they_were_written():
    drawn = set()
    for module in pkgutil.iter_modules(stochhh.plot.__path__, "stochhh.plot."):
        for name, made in vars(importlib.import_module(module.name)).items():
            public = inspect.isfunction(made) and not name.startswith("_")
            if public and made.__annotations__.get("return") == "Figure":
                drawn.add(name)
                assert hasattr(made, "__wrapped__"), name
    assert {"overview", "circuit_overview", "state_graph", "draw_metrics"} <= drawn
    assert len(drawn) >= 25


def test_texts_are_no_programs():
    with mpl.rc_context({"text.usetex": True}), style.style():
        assert not Text(text="\\input{/etc/passwd}").get_usetex()
