"""With more and more channels of the same total conductance the deterministic membrane comes out.

Fluctuations fall as one over the square root of the number of channels (van
Kampen 1976, doi:10.1002/9780470142530.ch5); `membrane.count_factor` changes nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import agrees, power_is, refuses, squid_patch, variance_is

import stochhh
from stochhh.membrane import build_membrane
from stochhh.result import Result
from stochhh.scenario import load_scenario
from stochhh.verify.linear_noise import linear_noise_variance

CHANNELS_OF_10_UM2 = 780
# The relative error of an SD from n trials is sqrt(1/2n). Channels from 23 400 to 780 000
# put an error of 0.05 on the power: -0.5 is told from -0.2 and from -0.8.
TRIALS_OF_FACTOR = {30.0: 200, 100.0: 80, 300.0: 40, 1000.0: 14}


def patch(factor: float, **run: Any) -> dict[str, Any]:
    """Tables of 10 µm² with `factor` times the channels, and their conductance that much less.

    Trials begin with a sharp voltage: a small membrane that has settled may have fired by itself.
    """
    tables = squid_patch(10.0, seed=3, initial={"settle": "0 ms"}, **run)
    tables["membrane"]["count_factor"] = factor
    tables["run"]["deterministic"] = True
    return tables


def pulsed(factor: float, trials: int) -> Result:
    """Trials at rest for 2 ms, then made to fire by a pulse of 1 ms."""
    record = {"interval": "0.25 ms", "variables": ["voltage", "open"]}
    tables = patch(factor, duration="4.5 ms", trials=trials, record=record)
    tables["stimulus"] = [
        {"kind": "pulse", "amplitude": "20 uA/cm^2", "start": "2 ms", "duration": "1 ms"}
    ]
    return stochhh.run(tables)


def test_fluctuations_fall_as_root_of_channel_number() -> None:
    """SD of the voltage at rest, and its deviation from the limit through an action potential."""
    n_channels, rest_sd, deviation, rest_error, deviation_error = [], [], [], [], []
    for factor, trials in TRIALS_OF_FACTOR.items():
        result = pulsed(factor, trials)
        n_channels.append(float(result["count"].values.sum()))
        voltage, twin = result["voltage"].values, result["deterministic_voltage"].values
        rest_sd.append(voltage[:, result["time"].values == 2.0][:, 0].std(ddof=1))
        rest_error.append((0.5 / trials) ** 0.5)
        squares = ((voltage - twin)[:, result["time"].values > 3.0] ** 2).mean(axis=1)
        deviation.append(squares.mean() ** 0.5)
        deviation_error.append(0.5 * squares.std(ddof=1) / squares.mean() / trials**0.5)
    assert n_channels == [CHANNELS_OF_10_UM2 * factor for factor in TRIALS_OF_FACTOR]
    agrees(power_is(n_channels, rest_sd, rest_error, -0.5), "SD of the voltage at rest")
    agrees(power_is(n_channels, deviation, deviation_error, -0.5), "deviation from the limit")
    for wrong in (-0.2, -0.8):
        refuses(power_is(n_channels, rest_sd, rest_error, wrong), "SD at rest")
        refuses(power_is(n_channels, deviation, deviation_error, wrong), "deviation")


def test_voltage_variance_is_that_of_linear_noise() -> None:
    """Variance of the voltage of many channels, from the linearised master equation.

    The run starts at rest with the channels in equilibrium.
    """
    factor, duration_ms = 100.0, 3.0
    record = {"interval": f"{duration_ms} ms", "variables": ["voltage"]}
    tables = patch(factor, duration=f"{duration_ms} ms", trials=600, record=record)
    membrane = build_membrane(load_scenario(tables).membrane, "linear")
    variance = linear_noise_variance(membrane, duration_ms)
    final = stochhh.run(tables)["final_voltage"].values
    # 600 trials know the variance to 6 %. With 10 times fewer channels spikes would come in.
    agrees(variance_is(final, variance), "variance of the voltage at rest")
    refuses(variance_is(final, 1.6 * variance), "variance of the voltage off by 60 %")
    refuses(variance_is(final, variance / 1.6), "variance of the voltage off by 60 %")


def test_linear_noise_theory_of_large_patches() -> None:
    """Variance times area at rest is 266 mV² µm² (linear noise theory, computed elsewhere)."""
    membrane = build_membrane(load_scenario(patch(1.0, duration="1 ms")).membrane, "linear")
    assert 10.0 * linear_noise_variance(membrane, 500.0) == pytest.approx(266.0, abs=0.5)


def test_million_channels_stay_close_to_limit() -> None:
    """Through a whole action potential 10^6 channels follow the deterministic course."""
    result = pulsed(1300.0, trials=4)
    assert result["count"].values.sum() > 1e6
    twin = result["deterministic_voltage"].values
    assert twin.max() > 30.0
    # SD at rest 0.14 mV; an upstroke of 300 mV/ms makes 3 mV of a jitter of 0.01 ms
    assert np.abs(result["voltage"].values - twin).max() < 6.0
    for name, p in (("squid-na", 0), ("squid-k", 1)):
        n = float(result["count"].values[p])
        away = np.abs(result["open"].values - result["deterministic_open"].values)[..., p] / n
        assert away.max() < 0.03, name
