"""Channels followed one by one: each has a single channel's law, all make the whole.

At a held voltage a channel stays in a state for an exponential time and leaves it
for its neighbours in the proportion of the rates (Colquhoun & Hawkes 1981,
doi:10.1098/rspb.1981.0003).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import agrees, counts_follow, follows_exponential, held, mean_is, refuses, squid_patch

import stochhh
from stochhh import theory
from stochhh.kinetics.files import load_scheme
from stochhh.result import Result


def histories(result: Result, trial: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each tagged channel of a trial its transition times (ms) and its states from the start.

    The states are one more than the times.
    """
    mine = result["flip_trial"].values == trial
    channel = result["flip_channel"].values[mine]
    time, state = result["flip_time"].values[mine], result["flip_state"].values[mine]
    start = result["channel_start"].values[trial]
    return [
        (time[channel == k], np.append(start[k], state[channel == k])) for k in range(len(start))
    ]


# 40 of 160 K+ channels for 16 s: some 5e4 openings, so the mean dwell time is known to
# 0.5 %, and an error of 3 % in it is six standard errors.
def test_tagged_channel_has_law_of_single_channel() -> None:
    """Dwell times in every state, destinations, and the share of time in each state."""
    voltage_mV, n_tagged, duration_ms = -40.0, 40, 16_000.0
    record = {"interval": "100 ms", "channels": n_tagged, "variables": ["voltage", "occupancy"]}
    tables = held({"squid-k": 160}, voltage_mV, duration=f"{duration_ms} ms", record=record)
    scheme = load_scheme("squid-k")
    rates = scheme.generator(voltage_mV)
    law = theory.stationary_law(rates)
    opening, closing = scheme.rates_at(voltage_mV)
    np.testing.assert_allclose(-1.0 / rates[4, 4], 1.0 / (4.0 * closing))
    followed = histories(stochhh.run(tables))
    assert len(followed) == n_tagged
    for _, states in followed:  # transitions of other channels never show
        assert (np.abs(np.diff(states)) == 1).all()

    # the first and the last stay are cut off
    dwell = np.concatenate([np.diff(times) for times, _ in followed])
    stayed_in = np.concatenate([states[1:-1] for _, states in followed])
    left_for = np.concatenate([states[2:] for _, states in followed])
    for state, name in enumerate(scheme.states):
        inside = stayed_in == state
        mean = -1.0 / rates[state, state]
        agrees(follows_exponential(dwell[inside], mean), f"dwell time in {name}")
        agrees(mean_is(dwell[inside], mean, sd=mean), f"mean dwell time in {name}")
        if 0 < state < 4:
            counts = np.bincount(left_for[inside], minlength=len(law))
            odds = np.where(np.arange(len(law)) == state, 0.0, rates[state] * mean)
            agrees(counts_follow(counts, odds), f"destinations from {name}")
    openings = dwell[stayed_in == 4]
    assert len(openings) > 40_000
    wrong_mean = 1.03 / (4.0 * closing)
    refuses(mean_is(openings, wrong_mean, sd=wrong_mean), "a closing rate off by 3 %")
    refuses(follows_exponential(openings, 1.06 / (4.0 * closing)), "a closing rate off by 6 %")
    out_of_3 = np.bincount(left_for[stayed_in == 3], minlength=5)
    odds = np.array([0.0, 0.0, 3.0 * closing, 0.0, 1.03 * opening])
    refuses(counts_follow(out_of_3, odds / odds.sum()), "an opening rate off by 3 %")

    # states at times 10 relaxation times apart are independent
    apart = np.arange(0.0, duration_ms, 35.0)
    seen = [states[np.searchsorted(times, apart, side="right")] for times, states in followed]
    counts = np.bincount(np.concatenate(seen), minlength=len(law))
    agrees(counts_follow(counts, law), "share of time in each state")
    wrong = law + 0.05 * (np.roll(law, 1) - law)
    refuses(counts_follow(counts, wrong), "share of time off by 5 %")


# 2000 trials with 3 of 10 channels tagged
def test_tagged_channels_are_a_fair_sample() -> None:
    """States of the tagged at time zero: the stationary law, and a random choice among all."""
    scheme, voltage_mV, n = load_scheme("squid-k"), -55.0, 10
    record = {"interval": "0.01 ms", "channels": 3, "variables": ["occupancy"]}
    tables = held({"squid-k": n}, voltage_mV, duration="0.01 ms", trials=2000, record=record)
    result = stochhh.run(tables)
    start, occupancy = result["channel_start"].values, result["occupancy"].values[:, 0]
    law = theory.stationary_law(scheme.generator(voltage_mV))
    for place in range(3):
        agrees(
            counts_follow(np.bincount(start[:, place], minlength=5), law),
            f"tagged {place} at start",
        )
    refuses(counts_follow(np.bincount(start[:, 0], minlength=5), law[::-1]), "the law reversed")
    # given the occupancies, the first tagged channel is any of the ten
    chosen = occupancy[np.arange(len(start)), start[:, 0]]
    assert (chosen > 0).all()
    for state in range(1, 4):
        for k in range(1, 6):
            having = occupancy[:, state] == k
            if having.sum() * min(k, n - k) / n < 25:
                continue
            hits = np.count_nonzero(start[having, 0] == state)
            odds = np.array([k, n - k]) / n
            agrees(counts_follow([hits, having.sum() - hits], odds), f"{k} channels in {state}")


@pytest.mark.parametrize("stimulated", [False, True])
def test_all_tagged_histories_make_the_occupancies(stimulated: bool) -> None:
    """Occupancies and transition numbers rebuilt from every channel equal those recorded."""
    variables = ["voltage", "occupancy", "open"]
    record: dict[str, Any] = {"interval": "0.05 ms", "channels": "all", "variables": variables}
    tables = squid_patch(1.0, duration="20 ms", trials=2, record=record)
    if stimulated:
        tables["stimulus"] = [{"kind": "constant", "amplitude": "15 uA/cm^2"}]
    result = stochhh.run(tables)
    population = result["channel_population"].values
    assert (population == "squid-na").sum() == 60
    assert (population == "squid-k").sum() == 18
    first_state = np.where(population == "squid-na", 0, 8)
    for trial in (0, 1):
        followed = histories(result, trial)
        n_flips = sum(len(times) for times, _ in followed)
        assert n_flips == result["transitions"].values[trial] > 1000
        rebuilt = np.zeros((result.dataset.sizes["time"], 13), dtype=int)
        for k, (times, states) in enumerate(followed):
            assert (np.diff(times) > 0).all()
            # a record is taken before an event of the same time
            at_records = states[np.searchsorted(times, result["time"].values, side="left")]
            np.add.at(rebuilt, (np.arange(len(rebuilt)), first_state[k] + at_records), 1)
        np.testing.assert_array_equal(rebuilt, result["occupancy"].values[trial])


def test_each_tagged_channel_follows_the_arrows_of_its_scheme() -> None:
    result = stochhh.run(squid_patch(1.0, duration="20 ms", record={"channels": 5}))
    population = result["channel_population"].values
    assert list(population) == ["squid-na"] * 5 + ["squid-k"] * 5
    for k, (_, states) in enumerate(histories(result)):
        arrows = {(a.source, a.target) for a in load_scheme(str(population[k])).transitions}
        assert set(zip(states[:-1].tolist(), states[1:].tolist(), strict=True)) <= arrows
