"""Trials begin in the joint stationary law of voltage and channels, unless told otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from circuits import SQUID, patch
from scipy import stats

import stochhh
from stochhh.analysis.linear_membrane import linearised, settling_ms
from stochhh.circuit.planning import plan_circuit
from stochhh.errors import InputError
from stochhh.membrane import Membrane
from stochhh.planning import plan, resolve, resolve_experiment
from stochhh.simulate import METHODS
from stochhh.theory.linear import stationary_variance

LEVEL = 1e-6
TRIALS = 300


def settled(given: list[str], scenario: str = "squid-patch", **how: Any) -> float:
    """How long a scenario settles."""
    (made,), _ = plan(resolve(scenario, given, seed=1, **how))
    return made.settle_ms


def test_a_membrane_settles_as_long_as_its_slowest_time_needs() -> None:
    """Squid axon's is 8.29 ms at rest (inactivation at a held voltage: 8.52), a node's 1.00 ms."""
    assert settled([]) == 25.0
    assert settled([], "node-of-ranvier") == 3.0
    assert settled(['run.initial.settle="0 ms"']) == 0.0
    assert settled(['run.initial.settle="7 ms"']) == 7.0
    assert settled(['run.initial.voltage="-65 mV"']) == 0.0
    assert settled(['run.initial.voltage="-65 mV"', 'run.initial.settle="7 ms"']) == 7.0
    assert settled([], method="deterministic") == 0.0
    assert settled([], "noise-analysis_OS12") == 0.0  # held
    quiet = [f"membrane.channels.{i}.noise=false" for i in (0, 1)]
    assert settled(quiet, method="leap") == 0.0
    assert settled(quiet[:1], method="leap") == 25.0
    assert settled(['membrane.channels.1.initial_state="n0"']) == 0.0
    slow = Membrane(1.0, 1.0, 0.01, -65.0, ())  # 100 ms
    assert settling_ms(slow, -65.0) == 100.0
    assert settling_ms(Membrane(1.0, 1.0, 0.0, 0.0, ()), -65.0) == 0.0  # nowhere at rest
    axon, _ = plan_circuit(resolve_experiment("squid-axon_HH52", seed=1))
    assert axon[0].settle_ms == 6.5  # 24.86 ms / 3^1.22, being at 18.5 °C
    assert axon[0].twin().settle_ms == 0.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["run.initial.settle=7"], r'run\.initial\.settle: .*"auto"'),
        (['run.initial.settle="-7 ms"'], r"run\.initial\.settle"),
        (
            ['run.initial={settle="7 ms", result="x.nc"}'],
            "result and settle: what goes on from a result has no time to settle",
        ),
        (
            ['run.initial.settle="7 ms"', 'clamp={holding="-65 mV"}', "stimulus=[]"],
            "drop voltage, displacement and settle",
        ),
    ],
)
def test_settling_that_cannot_be_is_refused(given: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resolve("squid-patch", given)


def variance_is(found: np.ndarray, expected: float) -> bool:
    """Whether the sample variance is one of normal numbers of that variance, at 1e-6."""
    n = len(found)
    square = (n - 1) * found.var(ddof=1) / expected
    return bool(LEVEL < stats.chi2.cdf(square, n - 1) < 1 - LEVEL)


def first_voltages(settle: str, **how: Any) -> np.ndarray:
    """Voltage at time zero of 300 trials of 1000 µm² of squid axon."""
    run = {
        "duration": "0.05 ms",
        "trials": TRIALS,
        "seed": 5,
        "deterministic": False,
        "initial": {"settle": settle},
        "record": {"interval": "0.05 ms", "variables": ["voltage"]},
    }
    if "method" in how:
        made = {"base": "squid-patch", "membrane": {"area": "1000 um^2"}, "stimulus": []}
        tables = {"format": 1, "title": "at rest", **made, "run": {**run, **how}}
    else:
        tables = {**patch(SQUID, "1000 um^2"), "run": run}
    return np.asarray(stochhh.run(tables)["voltage"].values.reshape(TRIALS, -1)[:, 0])


def expected_variance() -> float:
    """By linear theory, which 78 000 channels are near: 0.27² mV²."""
    (made,), _ = plan(resolve("squid-patch", ['membrane.area="1000 um^2"'], seed=1))
    return float(stationary_variance(linearised(made.membrane)).sum())


@pytest.mark.parametrize("how", [{"method": "leap"}, {"method": "langevin"}, {}])
def test_the_voltage_at_time_zero_has_its_stationary_variance(how: dict[str, str]) -> None:
    expected = expected_variance()
    found = first_voltages("auto", **how)
    assert variance_is(found, expected)
    assert not variance_is(first_voltages("1 ms", **how), expected)  # has not settled
    assert np.ptp(first_voltages("0 ms", **how)) == 0.0


@pytest.mark.parametrize("method", ["exact", "leap", "subunit"])
def test_a_trial_goes_on_from_where_it_has_settled(method: str) -> None:
    given = ["membrane.area=5 um^2", "run.duration=1 ms", 'run.initial.displacement="3 mV"',
             "run.record.variables=['occupancy']", "run.deterministic=false"]  # fmt: skip
    scenario = resolve("squid-patch", given, seed=4, method=method, trials=2)
    (made,), _ = plan(scenario)
    result = stochhh.run(scenario)
    for trial in range(2):
        before = METHODS[method](made.before, trial)
        assert result["voltage"].values[trial, 0] == before.final_voltage_mV + 3.0
        found = result["occupancy"].values[trial, 0]
        np.testing.assert_array_equal(found, before.final_occupancy)
        assert before.records.voltage.size == 0
    ends = [METHODS[method](made.before, trial).final_voltage_mV for trial in range(2)]
    assert ends[0] != ends[1]
    used = {made.before.seed_sequence(0).spawn_key, made.seed_sequence(0).spawn_key}
    assert used == {(0, 0, 3), (0, 0)}


def test_a_membrane_feels_no_vesicles_that_its_synapses_have_forgotten() -> None:
    """Synapses begin a trial rested; the fibre began up to 2.5 mV above rest, of none of them."""
    result = stochhh.run(
        "neuromuscular_DCK54",
        overrides=[
            "run.duration=3 ms", "run.trials=8", 'stimulus=[]', "analysis={}",
            'synapse.0.release.spontaneous="200 / s"', 'run.initial.settle="30 ms"',
        ],
        seed=1,
    )  # fmt: skip
    data = result.dataset
    rest = data["resting_voltage"].values[data["place_compartment"].values]
    fibre = data["cell"].values[data["place_compartment"].values] == "fibre"
    begun = data["voltage"].values[:, 0]
    np.testing.assert_allclose(begun[:, fibre], np.tile(rest[fibre], (8, 1)), atol=1e-6)
    assert np.ptp(begun[:, ~fibre]) > 0.1  # the nerve's channels are random, and it did settle
    assert (data["receptor_open"].values[:, 0] == 0.0).all()
    assert data.sizes["release"] > 0  # and then vesicles come
