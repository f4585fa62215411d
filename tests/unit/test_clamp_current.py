"""Peaks of a clamp current: inside the step, with their sign, and intervals that can be true."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import stochhh
from stochhh.analysis.clamp_current import clamp_peaks

TIME = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
COMMAND = np.array([-80.0, -80.0, 20.0, 20.0, 20.0, -80.0])


def of_currents(current, limit=None, command=COMMAND, time=TIME):
    data = xr.Dataset(
        {
            "voltage": (("trial", "time"), np.tile(command, (len(current), 1))),
            "total_current": (("trial", "time"), np.array(current)),
        },
        {"time": time},
    )
    return data if limit is None else data.assign(deterministic_total_current=("time", limit))


def test_the_tail_is_no_peak():
    data = of_currents([[0.0, 0.0, 3.0, 8.0, 9.0, -40.0]] * 3, [0.0, 0.0, 3.0, 8.0, 9.0, -40.0])
    peaks = clamp_peaks(data, -80.0)
    assert (peaks.inward_pA.value, peaks.inward_ms) == (None, None)
    assert (peaks.outward_pA.value, peaks.outward_ms) == (9.0, 4.0)
    assert peaks.peak_pA.value == 9.0


def test_the_limit_chooses_the_moment_and_the_trials_have_no_say():
    limit = [0.0, 0.0, -5.0, -9.0, -7.0, 0.0]
    current = [[0.0, 0.0, -20.0, -8.0, -7.0, 0.0], [0.0, 0.0, -30.0, -9.0, -8.0, 0.0]]
    peaks = clamp_peaks(of_currents(current, limit), -80.0)
    assert (peaks.inward_pA.value, peaks.inward_ms) == (-8.5, 3.0)
    assert peaks.inward_pA.interval is not None
    of_limit = clamp_peaks(of_currents(current, limit), -80.0, deterministic=True)
    assert of_limit.inward_pA.value == -9.0
    alone = clamp_peaks(of_currents(current), -80.0)  # chosen from the trials themselves
    assert (alone.inward_pA.value, alone.inward_ms) == (-25.0, 2.0)
    assert alone.inward_pA.interval is None


def test_a_command_that_stays_counts_throughout():
    data = of_currents([[1.0, 2.0, 5.0, 2.0, 1.0, 1.0]], command=np.full(6, -80.0))
    assert clamp_peaks(data, -80.0).outward_pA.value == 5.0


def test_a_swept_holding_is_that_of_the_point():
    data = of_currents([[0.0, 0.0, 3.0, 8.0, 9.0, -40.0]]).assign_coords(
        {"clamp.holding": "-80 mV"}
    )
    assert clamp_peaks(data, -65.0).inward_pA.value is None


def test_single_channels_have_the_current_that_is_expected():
    """`single-channel_K` told 3.65 pA where 2.77 is expected, and an interval without it.

    Expected of a channel under clamp is the current of the deterministic limit.
    """
    result = stochhh.run("single-channel_K", seed=1)
    current = stochhh.summarise(result)["current"]
    expected = stochhh.summarise(result)["deterministic"]["current"]["peak_pA"]
    assert expected == pytest.approx(2.77, abs=0.02)
    low, high = current["peak_pA_ci"]
    assert low < expected < high


def test_outside_the_range_of_sodium_there_is_no_inward_peak():
    """+60 mV is beyond the reversal potential: `clamp-family_HH52` told -44 pA, of the tail."""
    levels = 'sweep={"clamp.segment.0.level"=["0 mV", "60 mV"]}'
    result = stochhh.run("clamp-family_HH52", overrides=[levels], seed=1, trials=5)
    inside, beyond = (one["current"] for one in stochhh.summarise(result)["points"])
    assert inside["inward_pA"] < -200.0
    assert beyond["inward_pA"] is None
    assert beyond["outward_pA"] > 400.0
