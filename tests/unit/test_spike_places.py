"""Spikes of a circuit's result are those at a place; all compartments' are never merged."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.analysis.cells import main_path, passages
from stochhh.errors import InputError


@pytest.fixture(scope="module")
def axon():
    return stochhh.run("fork", trials=2, overrides=["run.duration=12 ms"])


@pytest.fixture(scope="module")
def pair():
    return stochhh.run("two-neurons", trials=1, overrides=["run.duration=8 ms"])


def test_without_a_place_several_compartments_are_refused(axon):
    with pytest.raises(InputError, match=r'each of \d+ compartments .* such as "end"'):
        axon.spike_trains()


@pytest.mark.parametrize("deterministic", [False, True])
def test_places_are_those_of_the_way_to_the_farthest_tip(deterministic, axon):
    data = axon.dataset
    path = main_path(data, str(data["cell"].values[0]))
    half = float(path.position_um[len(path.compartment) // 2])
    for where, compartment in (
        ("end", path.compartment[-1]),
        ("start", path.compartment[0]),
        (f"{half} um", path.compartment[len(path.compartment) // 2]),
        (3, 3),
    ):
        found = axon.spike_trains(deterministic=deterministic, where=where)
        expected = passages(data, int(compartment), deterministic)
        assert len(found) == len(expected) == (1 if deterministic else 2)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    assert sum(len(train) for train in axon.spike_trains(where="start")) > 0


def test_several_cells_are_told_by_name(pair):
    first, second = dict.fromkeys(str(name) for name in pair["cell"].values)
    assert len(pair.spike_trains(where=f"{first} end")) == 1
    merged = pair["spike_time"].sizes["spike"]
    apart = [len(pair.spike_trains(where=k)[0]) for k in range(pair["cell"].size)]
    assert sum(apart) == merged
    with pytest.raises(InputError, match=f"no cell of {first}, {second}"):
        pair.spike_trains(where="end")


@pytest.mark.parametrize("where", ["nowhere", "1e9 um", "-1 um", "5 mV", 10**6, -1, ""])
def test_places_that_are_none_are_refused(where, axon):
    with pytest.raises(InputError, match=r"where: .*need a place"):
        axon.spike_trains(where=where)


def test_a_patch_has_no_places():
    result = stochhh.run("squid-patch", seed=1, overrides=["run.duration=1 ms"])
    with pytest.raises(InputError, match="one membrane has no places"):
        result.spike_trains(where="end")
