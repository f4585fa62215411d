"""Channels under clamp against the closed-form law of their counts, steps and ramps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

import stochhh
from stochhh.kinetics.files import load_scheme
from stochhh.theory import stationary_law

LEVEL = 1e-6
TRIALS = 3000  # a 3 % error of the mean is 10 standard errors, of the variance about 1


def run(segments, scheme="squid-k", count=300, **more):
    channels = {"scheme": scheme, "count": count, "conductance": "20 pS", "reversal": "-77 mV"}
    tables = {
        "format": 1,
        "title": "clamp",
        "membrane": {
            "area": "10 um^2",
            "temperature": "6.3 degC",
            "capacitance": "1 uF/cm^2",
            "channels": [channels],
        },
        "clamp": {"holding": "-90 mV", "segment": segments},
        "run": {
            "duration": "6 ms",
            "trials": TRIALS,
            "seed": 11,
            "deterministic": False,
            "record": {"interval": "1 ms"},
            **more,
        },
    }
    return stochhh.run(tables)


def open_probability(scheme, voltage_at, times, speed=1.0, hold=-90.0):
    """Open probability by integrating dp/dt = p Q(V(t)), independent of the package's solver."""
    solution = solve_ivp(
        lambda t, p: speed * p @ scheme.generator(voltage_at(t)),
        (0.0, times[-1]),
        stationary_law(scheme.generator(hold)),
        method="DOP853",
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
        max_step=0.1,  # so that no jump is stepped over
    )
    return np.array(scheme.is_open) @ solution.y


def p_values(counts, probability, n_channels):
    """p-values of mean and variance of binomial counts at each time, (trials, n) against (n,)."""
    mean, variance = n_channels * probability, n_channels * probability * (1 - probability)
    n_trials = len(counts)
    z_mean = (counts.mean(axis=0) - mean) / np.sqrt(variance / n_trials)
    fourth = stats.binom(n_channels, probability).stats("k") + 3.0  # kurtosis of the count
    z_variance = (counts.var(axis=0, ddof=1) / variance - 1) / np.sqrt((fourth - 1) / n_trials)
    return np.minimum(2 * stats.norm.sf(np.abs(z_mean)), 2 * stats.norm.sf(np.abs(z_variance)))


PROTOCOLS = {
    "step": ([{"kind": "step", "level": "70 mV", "duration": "6 ms"}], lambda t: 70.0),
    "small step": ([{"kind": "step", "level": "-30 mV", "duration": "6 ms"}], lambda t: -30.0),
    "rising ramp": (
        [{"kind": "ramp", "from": "-90 mV", "to": "60 mV", "duration": "6 ms"}],
        lambda t: -90.0 + 25.0 * t,
    ),
    "falling ramp": (
        [{"kind": "ramp", "from": "50 mV", "to": "-70 mV", "duration": "6 ms"}],
        lambda t: 50.0 - 20.0 * t,
    ),
    "jumps": (
        [
            {"kind": "step", "level": "-25 mV", "duration": "1.5 ms"},
            {"kind": "step", "level": "60 mV", "duration": "1.5 ms"},
            {"kind": "ramp", "from": "-60 mV", "to": "-10 mV", "duration": "3 ms"},
        ],
        lambda t: -25.0 if t < 1.5 else 60.0 if t < 3.0 else -60.0 + (t - 3.0) * 50 / 3,
    ),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("name", "count"), [("squid-k", 300), ("squid-na", 1000)])
def test_counts_follow_the_binomial_of_the_master_equation(protocol, name, count):
    segments, voltage_at = PROTOCOLS[protocol]
    result = run(segments, scheme=name, count=count)
    counts, times = result["open"].values[:, :, 0], result["time"].values
    scheme = load_scheme(name)
    shown = slice(1, None)
    law = open_probability(scheme, voltage_at, times)[shown]
    enough = count * law > 5  # below, the normal approximation of the tests fails
    assert enough.sum() >= 2
    assert p_values(counts[:, shown][:, enough], law[enough], count).min() > LEVEL
    # negative control: rates 3 % too fast must be caught
    wrong = open_probability(scheme, voltage_at, times, speed=1.03)[shown]
    assert p_values(counts[:, shown][:, enough], wrong[enough], count).min() < LEVEL


def test_orio_and_soudry_moments():
    """Mean and variance of the open count 1 and 2 ms after -90 → +70 mV (exact theory)."""
    step = {"kind": "step", "level": "70 mV", "duration": "6 ms"}
    counts = run([step])["open"].values[:, [1, 2], 0]
    p = np.array([82.32, 205.35]) / 300
    assert 300 * p * (1 - p) == pytest.approx([59.73, 64.79], abs=0.01)
    assert p_values(counts, p, 300).min() > LEVEL


@pytest.mark.parametrize("interval", ["0.013 ms", "6 ms"])
def test_recording_changes_nothing(interval):
    ramp = {"kind": "ramp", "from": "-90 mV", "to": "60 mV", "duration": "6 ms"}
    one = run([ramp], trials=3, record={"interval": "1 ms"})
    other = run([ramp], trials=3, record={"interval": interval})
    assert one["final_occupancy"].identical(other["final_occupancy"])
    assert np.array_equal(one["transitions"].values, other["transitions"].values)


def test_a_ramp_is_no_staircase():
    """Cutting a ramp into its own pieces changes nothing in law; late stairs do."""
    ramp = [{"kind": "ramp", "from": "-90 mV", "to": "60 mV", "duration": "6 ms"}]
    cut = [
        {
            "kind": "ramp",
            "from": f"{-90 + 25 * k} mV",
            "to": f"{-65 + 25 * k} mV",
            "duration": "1 ms",
        }
        for k in range(6)
    ]
    stairs = [
        {"kind": "step", "level": f"{-90 + 12.5 * k} mV", "duration": "0.5 ms"} for k in range(12)
    ]
    whole, parts, steps = (
        run(segments)["open"].values[:, 4, 0] for segments in (ramp, cut, stairs)
    )
    assert stats.ttest_ind(whole, parts).pvalue > LEVEL
    assert stats.ttest_ind(whole, steps).pvalue < LEVEL
