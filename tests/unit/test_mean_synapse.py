"""The mean field of synapses as Python runs it, and its room for cohorts."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

import stochhh
from stochhh.circuit import sites
from stochhh.console import summary_table
from stochhh.kernels import circuit, mean_synapse

SHORT = [
    "run.duration=14 ms", "stimulus.0.interval=6 ms", "synapse.0.release.delay_spread=4 ms",
    "synapse.0.release.spontaneous=100 / s", "run.trials=1",
]  # fmt: skip


def limit():
    data = stochhh.run("two-neurons", method="deterministic", seed=1, overrides=SHORT).dataset
    return data["receptor_open"].values, data["transmitter"].values


def test_the_kernel_is_its_python_twin():
    compiled = limit()
    parts = [(circuit, "move_mean"), (circuit, "release_mean"), (mean_synapse, "arrive"),
             (mean_synapse, "join"), (mean_synapse, "move_cohort"), (mean_synapse, "add_up"),
             (mean_synapse, "empty"), (mean_synapse, "take")]  # fmt: skip
    patches = [mock.patch.object(m, name, getattr(m, name).py_func) for m, name in parts]
    for patch in [*patches, mock.patch.object(circuit, "simulate", circuit.simulate.py_func)]:
        patch.start()
    try:
        plain = limit()
    finally:
        mock.patch.stopall()
    for one, other in zip(compiled, plain, strict=True):
        assert one.max() > 0.0
        np.testing.assert_array_equal(one, other)


def test_room_for_cohorts_is_made_when_it_is_used_up(monkeypatch):
    ample = limit()
    monkeypatch.setattr(sites, "_SETTLED", 3)
    monkeypatch.setattr(sites, "_WAITING", 1)
    for one, other in zip(ample, limit(), strict=True):
        np.testing.assert_array_equal(one, other)


GIVEN = "deterministic, given the input of trial 0"
NOISE = 'stimulus=[{kind="noise", sd="1 uA/cm^2", correlation_time="1 ms"}]'


@pytest.mark.parametrize(
    ("scenario", "settings", "label"),
    [
        ("two-neurons", [], GIVEN),
        ("two-neurons", ["input=[]"], "deterministic"),
        ("squid-patch", [NOISE], GIVEN),
        ("squid-patch", [], "deterministic"),
    ],
)  # fmt: skip
def test_a_limit_that_has_the_input_of_one_trial_is_called_so(scenario, settings, label):
    result = stochhh.run(scenario, trials=2, seed=1, overrides=["run.duration=5 ms", *settings])
    table = summary_table(stochhh.summarise(result))
    assert label in [column.header for column in table.columns]
    figure = stochhh.overview(result)
    shown = {
        text.get_text() for axes in figure.axes if axes.get_legend()
        for text in axes.get_legend().get_texts()
    }  # fmt: skip
    assert {text for text in shown if text.startswith("deterministic")} == {label}
