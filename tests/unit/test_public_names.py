"""What `import stochhh` offers, and what its objects say of themselves in a notebook."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import stochhh
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.reliability import reliability
from stochhh.compare import conclusions
from stochhh.studies import Outcome, analyse

SHORT = ["run.duration=40 ms", "sweep={}", "analysis={}", "run.record={}"]


@pytest.fixture(scope="module")
def result():
    return stochhh.run("reliability_MS95", overrides=SHORT, trials=3, seed=1)


def test_every_public_name_is_there_and_listed():
    assert set(stochhh.__all__) <= set(dir(stochhh))
    assert stochhh.__all__ == sorted(stochhh.__all__)
    for name in stochhh.__all__:
        assert getattr(stochhh, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nonesuch'"):
        stochhh.nonesuch  # noqa: B018


def test_a_study_is_one_call_with_its_settings_numbers_and_picture(result):
    (study,) = stochhh.analyse(result, "reliability", sigma="2 ms", cost="500 / s")
    (same,) = analyse(
        result, ["reliability"], ["reliability.sigma=2 ms", "reliability.cost=500 / s"]
    )
    assert study.numbers == same.numbers
    assert study.numbers["sigma_ms"] == 2.0
    assert isinstance(study.figure(), Figure)
    assert repr(study).startswith("<Reliability: ")
    assert len(repr(study)) < 500
    for names in (None, ["reliability", "spike_train"]):
        with pytest.raises(stochhh.InputError, match="sigma: settings go with the name of one"):
            stochhh.analyse(result, names, sigma="2 ms")
    with pytest.raises(stochhh.InputError, match="unknown key 'sgma'; did you mean 'sigma'"):
        stochhh.analyse(result, "reliability", sgma="2 ms")


def test_a_study_that_found_nothing_says_why(result):
    nothing = Outcome("reliability", 0, "Reliability: x", None, "no spikes")
    assert nothing.numbers == {}
    assert repr(nothing) == "<Reliability: x>\nno spikes"
    with pytest.raises(stochhh.InputError, match="no spikes"):
        nothing.figure()


def test_methods_are_compared_in_one_call():
    overrides = ["membrane.area=1 um^2", "run.duration=30 ms"]
    found = stochhh.compare_methods("squid-patch", ["leap"], overrides=overrides, trials=2, seed=1)
    assert [run.label for run in found.runs] == ["exact", "leap"]
    assert conclusions(found)


def test_papers_are_one_text():
    text = stochhh.cite("squid-patch")
    assert text.startswith("@software{stochhh,")
    assert "@article{Hodgkin1952," in text


def test_estimates_become_numbers_in_arrays():
    some, none = Estimate(2.0, (1.0, 3.0)), Estimate(None)
    assert np.array([[float(e), e.low, e.high] for e in (some, none)]) == pytest.approx(
        np.array([[2.0, 1.0, 3.0], [np.nan] * 3]), nan_ok=True
    )


def test_objects_print_as_a_few_lines(result):
    said = repr(reliability([[1.0, 5.0], [1.1, 5.2], [0.9]], 10.0))
    assert "n_trials=3" in said
    assert "array" not in said
    swept = stochhh.sweep(
        "squid-patch",
        over={"membrane.area": ["1 um2", "2 um2"]},
        overrides=["run.duration=5 ms"],
        trials=2,
        seed=1,
    )
    assert repr(swept).splitlines()[0] == (
        "<stochhh.Sweep of 'squid-patch', membrane.area 2, trial 2, population 2>"
    )
    assert "firing_rate" in repr(swept)
    assert len(repr(swept)) < 600
