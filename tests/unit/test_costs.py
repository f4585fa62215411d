"""What a run would cost, against what it does cost."""

from __future__ import annotations

import json

import pytest

import stochhh

SHORT = ("run.duration=200 ms", "membrane.area=10 um^2", "run.record.channels=0")


@pytest.mark.parametrize("method", ["exact", "leap"])
def test_transitions_and_records_are_those_of_the_run(method):
    found = stochhh.estimate("spontaneous_CW96", overrides=SHORT, trials=6, method=method)
    result = stochhh.run("spontaneous_CW96", overrides=SHORT, trials=6, method=method, seed=1)
    assert (found.n_points, found.n_trials, found.method) == (1, 6, method)
    if method == "exact":
        assert found.transitions == pytest.approx(int(result["transitions"].sum()), rel=0.3)
    else:
        assert found.transitions is None
    recorded = sum(result[name].nbytes for name in ("voltage", "open", "current", "conductance")
                   if name in result.dataset)  # fmt: skip
    assert 0.5 < found.record_bytes / recorded < 2.0
    assert not found.in_files


def test_all_points_of_a_sweep_count():
    sweep = 'sweep={"membrane.area"=["1 um^2", "10 um^2", "19 um^2"]}'
    found = stochhh.estimate("spontaneous_CW96", overrides=[*SHORT, sweep], trials=2)
    middle = stochhh.estimate("spontaneous_CW96", overrides=SHORT, trials=2)
    assert found.n_points == 3
    assert found.transitions == pytest.approx(3 * middle.transitions, rel=0.3)


def test_points_that_are_not_tried_count_as_what_they_are():
    """Four of five points are small; the mean of first, middle and last is far off."""
    areas = 'sweep={"membrane.area"=["1 um^2", "1 um^2", "1 um^2", "1 um^2", "40 um^2"]}'
    found = stochhh.estimate("spontaneous_CW96", overrides=[*SHORT, areas], trials=2)
    result = stochhh.run("spontaneous_CW96", overrides=[*SHORT, areas], trials=2, seed=1)
    assert found.transitions == pytest.approx(int(result["transitions"].sum()), rel=0.15)


def test_a_circuit_is_run_to_its_end_where_that_is_short():
    certain = ["run.duration=30 ms", "synapse.0.release.probability=1.0"]
    found = stochhh.estimate("two-neurons", overrides=certain, trials=4)
    result = stochhh.run("two-neurons", overrides=certain, trials=4, seed=1)
    assert found.transitions == pytest.approx(int(result["transitions"].sum()), rel=0.3)
    assert found.limit_seconds > 0


def test_the_command_says_it_in_a_table_and_as_json(call):
    code, out, _ = call("estimate", "squid-patch", "--trials", "3", "--workers", "2")
    assert code == 0
    for word in ("trials", "channel transitions", "on 2 threads", "records", "free on this disk"):
        assert word in out
    swept = ("--over", "membrane.area=1 um2, 2 um2", "--trials", "3")
    code, out, _ = call("estimate", "squid-patch", *swept)
    assert code == 0
    assert "2 points of 3" in out
    code, out, _ = call("estimate", "squid-patch", "--trials", "3", "--json")
    told = json.loads(out)
    assert told["n_trials"] == 3
    assert told["wall_s"] > 0
    code, _, errors = call("estimate", "squid-patch", "--set", "run.duration=-1 ms")
    assert code == 2
    assert errors.startswith("error: ")
