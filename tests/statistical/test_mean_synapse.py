"""The deterministic limit of a synapse is what infinitely many sites converge to.

Spikes are those of a patch without channel noise, so that they come at the same times in
every trial and in the limit; receptors conduct next to nothing. What trials do at each
site is held against closed forms in `test_circuit_law`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from circuits import SQUID, SQUID_CHANNELS, patch
from harness import agrees, mean_is, refuses

import stochhh

pytestmark = pytest.mark.filterwarnings("ignore:.*run.step")  # spikes need no shape here

#: NMDA receptors, five states (Destexhe, Mainen & Sejnowski 1994, doi:10.1007/BF00961734).
NMDA = """
format = 1
title = "NMDA receptor"
ion = "cations"
state = [{ name = "C0" }, { name = "C1" }, { name = "C2" }, { name = "D" },
         { name = "O", conductance = 1 }]
transition = [
    { from = "C0", to = "C1", rate = "bind" }, { from = "C1", to = "C0", rate = "unbind" },
    { from = "C1", to = "C2", rate = "bind" }, { from = "C2", to = "C1", rate = "unbind" },
    { from = "C2", to = "D", rate = "tire" }, { from = "D", to = "C2", rate = "rest" },
    { from = "C2", to = "O", rate = "open" }, { from = "O", to = "C2", rate = "close" },
]
[rates]
bind = { law = "binding", rate = "5 / (mM ms)", ligand = "glutamate" }
unbind = { law = "constant", rate = "0.0129 / ms" }
tire = { law = "constant", rate = "0.0084 / ms" }
rest = { law = "constant", rate = "0.0068 / ms" }
open = { law = "constant", rate = "0.0465 / ms" }
close = { law = "constant", rate = "0.0738 / ms" }
"""


@pytest.fixture(scope="module")
def nmda(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("schemes") / "nmda.toml"
    path.write_text(NMDA)
    return str(path)


def synapse(trials: int, scheme: str = "ampa", **settings: Any) -> Any:
    """Run six forced spikes into a synapse of many sites."""
    still = SQUID | {
        "temperature": "18.5 degC",
        "channels": [one | {"noise": False} for one in SQUID_CHANNELS],
    }
    tables = patch(still, "100 um^2")
    tables["membranes"]["other"] = {"capacitance": "1 uF/cm^2", "leak": {
        "conductance": "1 mS/cm^2", "reversal": "-65 mV"}}  # fmt: skip
    section = {"name": "all", "membrane": "other", "area": "100 um^2"}
    tables["cell"].append({"name": "target", "section": [section]})
    tables["stimulus"] = [
        {"kind": "pulse-train", "cell": "patch", "amplitude": "1 nA", "start": "0.5 ms",
         "duration": "0.3 ms", "interval": settings.pop("interval", "6 ms"),
         "count": settings.pop("count", 6)}
    ]  # fmt: skip
    transmitter = settings.pop("transmitter", {"peak": "1 mM", "decay": "1 ms"})
    release = {"sites": 100, "probability": 0.4, "delay": "0.5 ms", "delay_spread": "0.4 ms",
               "refill": "20 ms"} | settings.pop("release", {})  # fmt: skip
    receptors = {"scheme": scheme, "count": 5, "conductance": "1e-9 pS", "reversal": "0 mV"}
    tables["synapse"] = [{"name": "synapse", "from": "patch", "to": "target",
                          "release": release, "transmitter": transmitter,
                          "receptors": receptors}]  # fmt: skip
    method = "leap" if trials else "deterministic"
    tables["run"] = {"duration": "36 ms", "trials": max(trials, 1), "seed": 5, "step": "0.1 ms",
                     "method": method, "record": {"interval": "0.1 ms"}} | settings  # fmt: skip
    return stochhh.run(tables, workers=1).dataset


def after(data: Any, name: str, since: list[float], until: float) -> np.ndarray:
    """Open receptors times ms after each spike, (..., spikes)."""
    values, time = data[name].values[..., 0], data["time"].values
    edges = [*since, until]
    return np.stack(
        [0.1 * values[..., (time >= a) & (time < b)].sum(axis=-1) for a, b in pairwise(edges)],
        axis=-1,
    )


SIX = [6.0 * k for k in range(6)]
BRIEF = {"transmitter": {"peak": "1 mM", "decay": "0.2 ms"}}
#: What the limit was while each release scaled all open receptors of a site by its share.
OLD = {
    "ampa": [54.4, 23.6, 15.3, 12.7, 11.8],
    "nachr": [718.2, 563.1, 494.1, 463.5, 449.9],
    "nmda": [180.9, 201.6, 198.3, 192.7, 187.7],
}


@pytest.mark.parametrize("scheme", ["ampa", "nachr", "nmda"])
def test_receptors_after_each_spike_are_the_mean_of_many_sites(scheme, nmda):
    """Ten thousand sites: 100 in each of 100 trials."""
    of = {"scheme": nmda if scheme == "nmda" else scheme} | (BRIEF if scheme == "nachr" else {})
    data = synapse(100, **of)
    expected = data["deterministic_spike_time"].values
    assert np.array_equal(data["spike_time"].values.reshape(100, 6), np.tile(expected, (100, 1)))
    found = after(data, "receptor_open", SIX, 36.0)
    limit = after(data, "deterministic_receptor_open", SIX, 36.0)
    for k in range(6):
        agrees(mean_is(found[:, k], limit[k]), f"open receptors after spike {k + 1}")
    for k, old in enumerate(OLD[scheme], 1):
        refuses(mean_is(found[:, k], old), f"the rule of before, spike {k + 1}")
    rarer = after(synapse(0, **of, release={"probability": 0.34}), "receptor_open", SIX, 36.0)[0]
    refuses(mean_is(found[:, 0], rarer[0]), "release a sixth less likely")
    if scheme == "nachr":  # others are too tired after their first vesicle to tell
        slow = after(synapse(0, **of, release={"refill": "30 ms"}), "receptor_open", SIX, 36.0)
        refuses(mean_is(found[:, 2:].sum(axis=1), slow[0, 2:].sum()), "slower refilling")


@pytest.mark.parametrize(("delay", "spread"), [("15 ms", "0 ms"), ("4 ms", "8 ms")])
def test_vesicles_on_their_way_stay_so_when_another_spike_comes(delay, spread, nmda):
    of = {"delay": delay, "delay_spread": spread, "probability": 0.2}
    data = synapse(40, nmda, release=of)
    found = after(data, "receptor_open", [12.0, 18.0, 24.0, 30.0], 36.0)
    limit = after(data, "deterministic_receptor_open", [12.0, 18.0, 24.0, 30.0], 36.0)
    for k in range(4):
        agrees(mean_is(found[:, k], limit[k]), f"open receptors, {k}")
    sooner = synapse(0, nmda, release=of | {"delay": f"{float(delay.split()[0]) - 2.0} ms"})
    wrong = after(sooner, "receptor_open", [12.0, 18.0, 24.0, 30.0], 36.0)[0]
    refuses(mean_is(found.sum(axis=1), wrong.sum()), "a delay shorter by 2 ms")


def test_spontaneous_release_is_in_the_limit():
    """Sites in turn full and empty: each releases at the rate r = 0.05 / ms while full."""
    of = {"spontaneous": "5 / ms", "refill": "10 ms"}
    data = synapse(40, "nachr", release=of, count=1, interval="1 ms", **BRIEF)
    still = synapse(0, "nachr", release=of | {"probability": 0.0}, **BRIEF)
    both, t = 0.05 + 0.1, 36.0
    full_ms = (0.1 * t + 0.05 * (1 - np.exp(-both * t)) / both) / both
    assert float(still["spontaneous_vesicles"].item()) == pytest.approx(5.0 * full_ms, rel=2e-3)
    assert float(still["evoked_vesicles"].item()) == 0.0
    alone = np.isnan(data["release_spike"].values)
    counts = np.bincount(data["release_trial"].values[alone], minlength=40)
    agrees(mean_is(counts, float(data["deterministic_spontaneous_vesicles"].item())), "vesicles")
    found = after(data, "receptor_open", [0.0, 10.0, 20.0], 36.0)
    limit = after(data, "deterministic_receptor_open", [0.0, 10.0, 20.0], 36.0)
    for k in range(3):
        agrees(mean_is(found[:, k], limit[k]), f"open receptors, {k}")
        refuses(mean_is(found[:, k], 0.8 * limit[k]), f"a fifth fewer open receptors, {k}")


LEAKY = """
format = 1
title = "a receptor that opens by itself"
ion = "cations"
state = [{ name = "C" }, { name = "A" }, { name = "O", conductance = 1 }]
transition = [
    { from = "C", to = "A", rate = "bind" }, { from = "A", to = "C", rate = "slow" },
    { from = "C", to = "O", rate = "slow" }, { from = "O", to = "C", rate = "fast" },
]
[rates]
bind = { law = "binding", rate = "5 / (mM ms)", ligand = "glutamate" }
slow = { law = "constant", rate = "0.25 / ms" }
fast = { law = "constant", rate = "1 / ms" }
"""


def test_receptors_that_need_no_transmitter_move_without_it(tmp_path):
    """A fifth of them are open from the start: 0.25 / (0.25 + 1)."""
    path = tmp_path / "leaky.toml"
    path.write_text(LEAKY)
    data = synapse(10, str(path), release={"probability": 0.0}, duration="10 ms", count=1)
    for k in (0, 1, 50, 100):
        agrees(mean_is(data["receptor_open"].values[:, k, 0], 100.0), f"open at {k / 10} ms")
    assert data["receptor_open"].values.std() > 2.0
    np.testing.assert_allclose(data["deterministic_receptor_open"].values, 100.0, rtol=1e-9)


def vesicle(scheme: str, when: list[float], times: np.ndarray) -> np.ndarray:
    """Share of receptors open at some times after pulses of 1 mM that decay with 1 ms."""
    from scipy.integrate import solve_ivp

    from stochhh.kinetics.files import load_scheme

    found = load_scheme(scheme)
    free, bound = (found.at(None, {"glutamate": c}).generator(-65.0) for c in (0.0, 1.0))

    def course(t: float, law: np.ndarray) -> np.ndarray:
        seen = sum(np.exp(-(t - start)) for start in when if start <= t)
        return law @ (free + seen * (bound - free))

    law, opened = np.eye(len(free))[0], np.zeros(len(times))
    for start, end in zip(when, [*when[1:], times[-1]], strict=True):
        part = solve_ivp(course, (start, end), law, dense_output=True, rtol=1e-9, atol=1e-12,
                         max_step=0.5)  # fmt: skip
        here = (times >= start) & (times <= end)
        opened[here] = np.array(found.relative_conductance) @ part.sol(times[here])
        law = part.y[:, -1]
    return opened


def test_two_spikes_are_the_sum_over_what_a_site_may_have_done():
    """With one delay there are four histories; receptors of each solved for by themselves."""
    of = {"probability": 0.6, "delay": "0.5 ms", "delay_spread": "0 ms", "refill": "15 ms"}
    data = synapse(0, release=of, count=2, interval="12 ms", step="0.02 ms")
    first, second = data["spike_time"].values + 0.5
    refilled = 1 - np.exp(-(second - 0.5 - first) / 15.0)
    times = data["time"].values[:350]
    one, other = (vesicle("ampa", [start], times) for start in (first, second))
    twice = vesicle("ampa", [first, second], times)
    again = 0.6 * refilled
    expected = 500 * (0.6 * ((1 - again) * one + again * twice) + 0.4 * 0.6 * other)
    found = data["receptor_open"].values[0, :350, 0]
    np.testing.assert_allclose(found, expected, atol=4e-3 * expected.max())
    assert data["evoked_vesicles"].item() == pytest.approx(100 * (0.6 + 0.6 * (0.4 + again)), 1e-4)
