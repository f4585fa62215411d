"""Channels, vesicles and receptors of circuits follow their laws."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import SQUID, axon, patch, pulse
from harness import (
    Comparison,
    agrees,
    binomial_counts,
    follows_exponential,
    mean_is,
    refuses,
    same_law,
    same_mean,
)

import stochhh

DRIVE = pulse("7 pA", "0 ms", "600 ms")


def circuit_times(method: str, step: str = "0.02 ms", factor: float = 1.0) -> np.ndarray:
    """Interspike intervals of one compartment of 100 µm² under 7 µA/cm²."""
    membrane = {**SQUID, "count_factor": factor}
    tables = {
        **patch(membrane, "100 um^2"),
        "stimulus": DRIVE,
        "run": {
            "duration": "600 ms", "trials": 20, "seed": 11, "method": method, "step": step,
            "deterministic": False, "record": {"interval": "100 ms"},
        },
    }  # fmt: skip
    data = stochhh.run(tables).dataset
    owner, times = data["spike_trial"].values, data["spike_time"].values
    return np.concatenate([np.diff(times[owner == trial]) for trial in range(20)])


@pytest.fixture(scope="module")
def patch_times() -> np.ndarray:
    """The same of the patch by the exact method."""
    result = stochhh.run(
        {
            "format": 1,
            "title": "t",
            "membrane": {**SQUID, "area": "100 um^2"},
            "stimulus": DRIVE,
            "run": {"duration": "600 ms", "trials": 20, "seed": 12, "deterministic": False,
                    "record": {"interval": "100 ms"}},
        }
    )  # fmt: skip
    return np.concatenate([np.diff(train) for train in result.spike_trains()])


@pytest.mark.parametrize("method", ["exact", "leap"])
def test_one_compartment_has_the_law_of_the_patch(method, patch_times):
    agrees(same_law(circuit_times(method), patch_times), f"intervals by {method}")


def test_one_compartment_with_other_channels_has_not(patch_times):
    refuses(same_law(circuit_times("leap", factor=0.2), patch_times), "a fifth of the channels")


def arrivals(method: str, seed: int, diameter: str = "0.3 um") -> tuple[np.ndarray, np.ndarray]:
    """Arrival of an impulse at the end of 300 µm, and the voltage there before it."""
    tables = axon(SQUID, "300 um", diameter, n=20)
    tables["stimulus"] = pulse("40 pA", "3 ms", "1 ms")
    tables["run"] = {
        "duration": "10 ms", "trials": 150, "seed": seed, "method": method, "step": "0.02 ms",
        "deterministic": False,
        "initial": {"settle": "0 ms"},  # an axon that fired by itself before would let none by
        "record": {"interval": "1 ms", "where": ["axon end"], "variables": ["voltage"]},
    }  # fmt: skip
    data = stochhh.run(tables).dataset
    first = np.full(150, np.nan)
    here = data["spike_compartment"].values == 19
    when, owner = data["spike_time"].values[here], data["spike_trial"].values[here]
    for time, trial in zip(when[::-1], owner[::-1], strict=True):
        first[trial] = time
    return first, data["voltage"].values[:, 3, 0]


def test_impulses_arrive_alike_by_exact_leap_and_langevin():
    exact, before = arrivals("exact", 21)
    assert np.isfinite(exact).all()
    for method in ("leap", "auto", "langevin"):
        times, resting = arrivals(method, 22)
        agrees(same_law(times, exact), f"arrivals by {method}")
        agrees(same_law(resting, before), f"voltage at rest by {method}")
    times, _ = arrivals("leap", 23, "0.5 um")
    refuses(same_law(times, exact), "arrivals in a thicker axon")
    _, resting = arrivals("leap", 23, "3 um")
    refuses(same_law(resting, before), "voltage at rest in a thicker axon")


RELEASE = {"sites": 12, "probability": 0.3, "delay": "0.5 ms", "delay_spread": "0.4 ms",
           "refill": "20 ms"}  # fmt: skip


def junction(trials: int, seed: int, receptors: dict, duration: str = "6 ms", **release):
    """A spike of one patch and what its synapse releases onto another without channels."""
    tables = patch(SQUID, "1000 um^2")
    passive = {"capacitance": "1 uF/cm^2", "leak": {"conductance": "1 mS/cm^2",
               "reversal": "-65 mV"}}  # fmt: skip
    tables["membranes"]["other"] = passive
    section = {"name": "all", "membrane": "other", "area": "1000 um^2"}
    tables["cell"].append({"name": "target", "section": [section]})
    tables["stimulus"] = release.pop("stimulus", pulse("400 pA", "0.5 ms", "1 ms"))
    tables["synapse"] = [
        {
            "name": "synapse", "from": "patch", "to": "target",
            "release": RELEASE | release,
            "transmitter": {"peak": "1 mM", "decay": "1 ms"},
            "receptors": {"scheme": "ampa", "count": 20, "conductance": "10 pS",
                          "reversal": "0 mV"} | receptors,
        }
    ]  # fmt: skip
    tables["run"] = {"duration": duration, "trials": trials, "seed": seed, "step": "0.02 ms",
                     "method": "deterministic" if release.pop("still", False) else "leap",
                     "record": {"interval": "0.1 ms"}}  # fmt: skip
    return stochhh.run(tables).dataset


def per_trial(data) -> np.ndarray:
    return np.bincount(data["release_trial"].values, minlength=data.sizes["trial"])


def test_vesicles_of_a_spike_are_binomial_and_their_delays_a_gamma_law():
    from scipy import stats

    data = junction(1500, 31, {"count": 1})
    assert data["spike_time"].size == 1500
    agrees(binomial_counts(per_trial(data), 12, 0.3), "vesicles")
    refuses(binomial_counts(per_trial(data), 12, 0.33), "one tenth more likely")
    delay = data["release_time"].values - data["release_spike"].values - 0.5

    def law(spread: float) -> Comparison:
        found = stats.kstest(delay, stats.gamma(2, scale=spread / 2).cdf)
        return Comparison(float(found.pvalue), f"mean {spread}", f"mean {delay.mean():.3g}")

    agrees(law(0.4), "delays")
    refuses(law(0.44), "longer delays")


def test_sites_are_refilled_exponentially():
    """After a first spike at 1.5 ms that empties all sites a second one finds some full."""
    twice = [*pulse("400 pA", "0.5 ms", "1 ms"), *pulse("600 pA", "20 ms", "1 ms")]
    data = junction(
        300, 41, {"count": 1}, "30 ms", stimulus=twice, probability=1.0, delay_spread="0 ms"
    )
    trains = data["spike_time"].values.reshape(300, 2)
    second = np.isclose(
        data["release_spike"].values, trains[data["release_trial"].values, 1], atol=1e-9
    )
    found = np.bincount(data["release_trial"].values[second], minlength=300)
    waited = float(np.mean(trains[:, 1] - trains[:, 0])) - 0.5
    expected = 1 - np.exp(-waited / 20.0)
    agrees(binomial_counts(found, 12, expected), "sites full again")
    refuses(binomial_counts(found, 12, 1 - np.exp(-waited / 30.0)), "slower refill")


def test_spontaneous_release_is_a_poisson_process():
    data = junction(
        200, 51, {"count": 1}, "100 ms", stimulus=[], spontaneous="0.2 / ms", sites=1000,
        refill="0.1 ms",
    )  # fmt: skip
    times, owner = data["release_time"].values, data["release_trial"].values
    gaps = np.concatenate([np.diff(times[owner == trial]) for trial in range(200)])
    assert np.isnan(data["release_spike"].values).all()
    agrees(follows_exponential(gaps, 1 / 0.2), "gaps")
    refuses(follows_exponential(gaps, 1 / 0.24), "gaps of a faster one")


@pytest.mark.parametrize(("method", "count"), [("exact", 50), ("langevin", 5000)])
def test_receptors_follow_the_transmitter_as_their_scheme_says(method, count):
    """The mean over trials of what one vesicle opens is the solution of its linear equations."""
    from scipy.integrate import solve_ivp

    from stochhh.kinetics.files import load_scheme

    certain = {"sites": 1, "probability": 1.0, "delay": "0.5 ms", "delay_spread": "0 ms"}
    data = junction(400, 61, {"count": count, "method": method}, "8 ms", **certain)
    scheme = load_scheme("ampa")
    free, bound = (scheme.at(None, {"glutamate": c}).generator(-65.0) for c in (0.0, 1.0))
    opened = np.array(scheme.relative_conductance)
    released = data["release_time"].values
    assert released.size == 400
    since = 2.0
    rows = np.rint((released + since) / 0.1).astype(int)
    times = data["time"].values[rows] - released

    def course(t, law):
        return law @ (free + np.exp(-t) * (bound - free))

    start = np.eye(len(opened))[0]
    solved = solve_ivp(course, (0, 5), start, dense_output=True, rtol=1e-8, atol=1e-10)
    share = opened @ solved.sol(times)
    expected = count * float(np.mean(share))
    found = data["receptor_open"].values[np.arange(400), rows, 0]
    agrees(mean_is(found, expected), f"open receptors by {method}")
    refuses(mean_is(found, 1.1 * expected), f"a tenth more by {method}")


def test_inputs_open_as_often_as_they_say():
    passive = {"capacitance": "1 uF/cm^2", "leak": {"conductance": "0.01 mS/cm^2",
               "reversal": "-65 mV"}}  # fmt: skip
    tables = patch(passive, "1000 um^2")
    rate = {"peak": "0.001 nS", "decay": "2 ms", "reversal": "0 mV", "rate": "300 / s"}
    tables["input"] = [rate]
    tables["run"] = {"duration": "20 ms", "trials": 400, "seed": 81, "deterministic": False,
                     "record": {"interval": "20 ms"}}  # fmt: skip
    final = stochhh.run(tables)["voltage"].values[:, -1, 0] + 65.0
    # weak events add up: each brings g tau (1 - exp) of charge by the end; mean by Campbell
    t = np.linspace(0, 20, 4001)
    charged = 0.001 * 2.0 * (1 - np.exp(-(20 - t) / 2.0)) * 65.0 / 10.0
    leaked = np.exp(-(20 - t) / 100.0)
    expected = 0.3 * np.trapezoid(charged * leaked, t)
    agrees(mean_is(final, expected), "depolarisation")
    refuses(mean_is(final, 1.2 * expected), "a fifth more")


def test_trials_are_different_and_independent_of_each_other():
    one, two = arrivals("leap", 91)[0], arrivals("leap", 92)[0]
    assert len(set(one)) == len(one)
    agrees(same_mean(one, two), "arrivals with two seeds")
