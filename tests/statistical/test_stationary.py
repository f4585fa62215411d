"""The law of the channels where the voltage is known: held, stepped, and driven to and fro.

The membrane's leak is so large, or its channels' conductance so tiny, that the
channels cannot move the voltage. So each channel is a Markov machine in a known
field, and `stochhh.theory` gives the law of all its states at every time.
"""

from __future__ import annotations

import numpy as np
import pytest
from harness import (
    Comparison,
    agrees,
    binomial_counts,
    binomial_variance,
    counts_follow,
    held,
    mean_is,
    refuses,
    variance_is,
)

import stochhh
from stochhh import theory
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.result import Result
from stochhh.verify.controls import with_multiplicity, with_rate

VOLTAGES_MV = (-90.0, -65.0, -40.0, 0.0, 40.0)
SLOWEST_MS = {"squid-na": 8.6, "squid-k": 5.6}  # relaxation of h and n at -65 mV, their slowest


def occupancy(result: Result, scheme: str) -> np.ndarray:
    """Channels in each state of one population, (trials, times, states)."""
    names = [str(name) for name in result["state"].values]
    mine = [index for index, name in enumerate(names) if name.startswith(f"{scheme}:")]
    return result["occupancy"].values[..., mine]


# Sample sizes: a rate off by 3 % moves the open probability x of each of k gates by
# 0.03 x(1-x), a noncentrality of 9e-4 k x(1-x) for each channel sampled. To be refused
# at the level of 1e-6 it takes some 120: 7e5 samples of K+ channels where k x(1-x) is
# 0.18 or more. Farther from the middle of the gates' range only the number of
# transitions can tell, and does.
N_TRIALS, N_SAMPLES, N_CHANNELS = 25, 100, {"squid-na": 200, "squid-k": 300}
TOLD = 120.0


def noncentrality(law: np.ndarray, wrong_law: np.ndarray, n_sampled: int) -> float:
    """How far a chi-square test of draws from `law` against `wrong_law` is off centre."""
    return float(n_sampled * ((law - wrong_law) ** 2 / wrong_law).sum())


@pytest.mark.parametrize("voltage_mV", VOLTAGES_MV)
@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
def test_held_channels_follow_stationary_law(name: str, voltage_mV: float) -> None:
    """States, their variances and the number of transitions at a held voltage."""
    scheme, n = load_scheme(name), N_CHANNELS[name]
    spacing = 8.0 * SLOWEST_MS[name]  # correlation of successive samples e^-8
    record = {"interval": f"{spacing} ms", "variables": ["voltage", "occupancy", "open"]}
    duration = N_SAMPLES * spacing
    tables = held({name: n}, voltage_mV, duration=f"{duration} ms", trials=N_TRIALS, record=record)
    result = stochhh.run(tables)
    assert np.abs(result["voltage"].values - voltage_mV).max() < 1e-6
    sample = occupancy(result, name)[:, 1:].reshape(-1, len(scheme.states))
    transitions = result["transitions"].values

    def states(supposed: ChannelScheme) -> Comparison:
        return counts_follow(
            sample.sum(axis=0), theory.stationary_law(supposed.generator(voltage_mV))
        )

    def flux(supposed: ChannelScheme) -> Comparison:
        law = theory.stationary_law(supposed.generator(voltage_mV))
        expected = theory.expected_transitions(supposed.generator, [voltage_mV], duration, law)
        return mean_is(transitions, n * expected)

    law = theory.stationary_law(scheme.generator(voltage_mV))
    agrees(states(scheme), f"states of {name} at {voltage_mV:g} mV")
    agrees(flux(scheme), f"transitions of {name} at {voltage_mV:g} mV")
    for state, p in enumerate(law):
        if 1e-4 < p < 1 - 1e-4:  # a rarer state makes a single cell
            what = f"{scheme.states[state]} of {name} at {voltage_mV:g} mV"
            agrees(binomial_counts(sample[:, state], n, p), what)
    mean, variance = theory.count_moments(law, scheme.is_open, n)
    n_open = result["open"].values[:, 1:].ravel()
    np.testing.assert_array_equal(n_open, sample[:, np.array(scheme.is_open)].sum(axis=1))
    agrees(mean_is(n_open, mean, variance**0.5), f"open {name} at {voltage_mV:g} mV")
    if variance > 1.0:
        agrees(binomial_variance(n_open, n, mean / n), f"open {name} at {voltage_mV:g} mV")
        refuses(variance_is(n_open, 1.25 * variance), "variance of the open count off by 25 %")

    off_by_one = [with_multiplicity(scheme, e, 1) for e in range(len(scheme.transitions))]
    off_by_3 = [with_rate(scheme, r, 1.03) for r in range(len(scheme.rates))]
    n_told = 0
    for wrong in off_by_one + off_by_3:
        wrong_law = theory.stationary_law(wrong.generator(voltage_mV))
        if noncentrality(law, wrong_law, sample[:, 0].size * n) > TOLD:
            refuses(states(wrong), f"states of {name} at {voltage_mV:g} mV")
            n_told += 1
        if flux_change(scheme, wrong, voltage_mV) > 0.005:
            refuses(flux(wrong), f"transitions of {name} at {voltage_mV:g} mV")
            n_told += 1
    assert n_told >= 4


def flux_change(scheme: ChannelScheme, wrong: ChannelScheme, voltage_mV: float) -> float:
    """By what fraction the number of transitions at equilibrium differs between two schemes."""
    flux = []
    for supposed in (scheme, wrong):
        generator = supposed.generator(voltage_mV)
        flux.append(theory.stationary_law(generator) @ -np.diag(generator))
    return float(abs(flux[1] / flux[0] - 1))


# 1500 trials of 300 channels are 4.5e5 channels at each time: as many as held ones above.
@pytest.mark.parametrize(
    ("name", "before_mV", "after_mV", "times_ms"),
    [
        ("squid-k", -90.0, 70.0, (0.5, 1.0, 2.0)),
        ("squid-k", 0.0, -90.0, (0.25, 1.0, 3.0)),
        ("squid-na", -100.0, 0.0, (0.25, 0.5, 1.5)),
        ("squid-na", -20.0, -80.0, (0.25, 1.0, 4.0)),
    ],
)
def test_displaced_channels_relax_with_propagator(
    name: str, before_mV: float, after_mV: float, times_ms: tuple[float, ...]
) -> None:
    """Law of every state, and transitions, after the voltage has jumped away from equilibrium."""
    scheme, n = load_scheme(name), 300
    tables = held(
        {name: n},
        after_mV,
        duration=f"{times_ms[-1]} ms",
        trials=1500,
        initial={"voltage": f"{before_mV} mV", "displacement": f"{after_mV - before_mV} mV"},
        record={"interval": "0.25 ms", "variables": ["occupancy"]},
    )
    result = stochhh.run(tables)
    start = theory.stationary_law(scheme.generator(before_mV))
    counts, times = occupancy(result, name), result["time"].values
    off_by_3 = [with_rate(scheme, r, 1.03) for r in range(len(scheme.rates))]
    n_told = 0
    for time_ms in (0.0, *times_ms):
        at_time = counts[:, np.argmin(np.abs(times - time_ms))]
        where = f"{name} {time_ms:g} ms after {before_mV:g} to {after_mV:g} mV"
        law = start @ theory.propagator(scheme.generator(after_mV), time_ms)
        agrees(counts_follow(at_time.sum(axis=0), law), f"states of {where}")
        for state, p in enumerate(law):
            if 1e-3 < p < 1 - 1e-3:
                agrees(binomial_counts(at_time[:, state], n, p), f"{scheme.states[state]}, {where}")
        n_open = at_time[:, np.array(scheme.is_open)].sum(axis=1)
        mean, variance = theory.count_moments(law, scheme.is_open, n)
        agrees(mean_is(n_open, mean, variance**0.5), f"open, {where}")
        if variance > 1.0:
            agrees(binomial_variance(n_open, n, mean / n), f"open, {where}")
        for wrong in off_by_3:
            wrong_law = start @ theory.propagator(wrong.generator(after_mV), time_ms)
            if noncentrality(law, wrong_law, len(at_time) * n) > TOLD:
                refuses(
                    counts_follow(at_time.sum(axis=0), wrong_law), f"a rate off by 3 %, {where}"
                )
                n_told += 1

    def expected_flux(supposed: ChannelScheme) -> float:
        """Transitions of all channels, in fine steps while the flux changes most."""
        fine_ms, coarse_ms, until_ms = 0.005, 0.02, 0.4
        early = np.full(round(until_ms / fine_ms), after_mV)
        late = np.full(round((times_ms[-1] - until_ms) / coarse_ms), after_mV)
        after = start @ theory.propagator(supposed.generator(after_mV), until_ms)
        return n * (
            theory.expected_transitions(supposed.generator, early, fine_ms, start)
            + theory.expected_transitions(supposed.generator, late, coarse_ms, after)
        )

    flux = expected_flux(scheme)
    transitions = result["transitions"].values
    agrees(mean_is(transitions, flux), f"transitions of {where}")
    for wrong in off_by_3:
        wrong_flux = expected_flux(wrong)
        if abs(wrong_flux - flux) > 8.0 * np.sqrt(flux / len(transitions)):
            refuses(mean_is(transitions, wrong_flux), f"a rate off by 3 %, transitions of {where}")
            n_told += 1
    assert n_told >= 2


# 1500 trials with some 1.5 transitions each know their mean number to 2 %; one candidate
# too many at the start, or one too few, would be seen as half a transition or more.
def test_first_transition_waits_like_any_other() -> None:
    """Transitions of few channels in a time too short for one of them to move twice."""
    scheme, voltage_mV, n, duration_ms = load_scheme("squid-k"), -40.0, 4, 0.4
    record = {"interval": "0.4 ms", "variables": ["voltage"]}
    tables = held(
        {"squid-k": n}, voltage_mV, duration=f"{duration_ms} ms", trials=1500, record=record
    )
    transitions = stochhh.run(tables)["transitions"].values
    law = theory.stationary_law(scheme.generator(voltage_mV))
    expected = theory.expected_transitions(scheme.generator, [voltage_mV], duration_ms, law)
    agrees(mean_is(transitions, n * expected), "transitions of 4 channels")
    refuses(mean_is(transitions, n * expected + 0.25), "a quarter of a transition too many")


def test_open_count_of_published_clamp() -> None:
    """300 K+ channels stepped from -90 to +70 mV: published mean and variance of the open count.

    Orio & Soudry 2012, doi:10.1371/journal.pone.0036670, code of their figures; the
    moments were computed from the matrix exponential, independently of this package.
    """
    moments = {1.0: (82.32, 59.73), 2.0: (205.35, 64.79)}
    n = 300
    tables = held(
        {"squid-k": n},
        70.0,
        duration="2 ms",
        trials=1500,  # the mean is known to 0.2, the variance to 4 %
        initial={"voltage": "-90 mV", "displacement": "160 mV"},
        record={"interval": "1 ms", "variables": ["open"]},
    )
    n_open = stochhh.run(tables)["open"].values[..., 0]
    for row, (mean, variance) in enumerate(moments.values(), start=1):
        agrees(mean_is(n_open[:, row], mean, variance**0.5), "mean open count")
        agrees(binomial_variance(n_open[:, row], n, mean / n), "variance of the open count")
        refuses(mean_is(n_open[:, row], 1.03 * mean, variance**0.5), "mean off by 3 %")
        refuses(variance_is(n_open[:, row], 1.3 * variance), "variance off by 30 %")


@pytest.mark.parametrize("band_width_mV", [0.25, 2.0])
def test_channels_follow_a_moving_voltage(band_width_mV: float) -> None:
    """Law of few channels in a membrane driven to and fro by pulses.

    The voltage crosses bands and breakpoints far more often than a channel moves,
    so every one of them must leave the hazard of the next transition as it should.
    The law of the states is periodic like the voltage: the fixed point of the
    product of the propagators of one cycle.
    """
    n, cycles, period_ms, pulse_ms = 20, 4000, 40.0, 4.0
    low_mV, high_mV, time_constant_ms = -90.0, 20.0, 2.0
    tables = held(
        {"squid-na": n, "squid-k": n},
        low_mV,
        duration=f"{cycles * period_ms} ms",
        record={"interval": "1 ms", "variables": ["voltage", "occupancy"]},
        band_width=f"{band_width_mV} mV",
    )
    tables["membrane"]["leak"]["conductance"] = "0.5 nS"  # 1 pF makes 2 ms
    train = {"kind": "pulse-train", "interval": "40 ms", "duration": "4 ms", "count": cycles}
    nothing = {"kind": "pulse-train", "interval": "0.4 ms", "duration": "0.2 ms"}
    tables["stimulus"] = [
        {**train, "amplitude": f"{0.5 * (high_mV - low_mV)} pA"},
        {**nothing, "amplitude": "0 pA", "count": round(100 * cycles)},  # breakpoints only
    ]
    result = stochhh.run(tables)
    records = round(period_ms)
    voltage = result["voltage"].values[0, :-1].reshape(cycles, records)[1:]
    expected_voltage = driven(np.arange(records), low_mV, high_mV, pulse_ms, time_constant_ms)
    np.testing.assert_allclose(voltage, np.tile(expected_voltage, (cycles - 1, 1)), atol=1e-5)

    step_ms = 0.02
    middle = (np.arange(round(period_ms / step_ms)) + 0.5) * step_ms
    course = driven(middle, low_mV, high_mV, pulse_ms, time_constant_ms)
    late_course = driven(middle - 0.1, low_mV, high_mV, pulse_ms, time_constant_ms)
    for name in ("squid-na", "squid-k"):
        scheme = load_scheme(name)
        sample = occupancy(result, name)[0, :-1].reshape(cycles, records, -1)[1:]
        laws = periodic_law(scheme, course, step_ms, records)
        late_laws = periodic_law(scheme, late_course, step_ms, records)
        for phase in (0, 1, 2, 4, 6, 10):
            counts = sample[:, phase].sum(axis=0)
            agrees(counts_follow(counts, laws[phase]), f"{name} {phase} ms into the cycle")
        refuses(counts_follow(sample[:, 2].sum(axis=0), late_laws[2]), "a voltage 0.1 ms late")


def driven(
    phase_ms: np.ndarray, low_mV: float, high_mV: float, pulse_ms: float, tau_ms: float
) -> np.ndarray:
    """Voltage of an RC membrane under pulses begun at phase 0, long after the one before."""
    peak = 1 - np.exp(-pulse_ms / tau_ms)
    rising = 1 - np.exp(-np.maximum(phase_ms, 0.0) / tau_ms)
    falling = peak * np.exp(-np.maximum(phase_ms - pulse_ms, 0.0) / tau_ms)
    return low_mV + (high_mV - low_mV) * np.where(phase_ms < pulse_ms, rising, falling)


def periodic_law(
    scheme: ChannelScheme, course_mV: np.ndarray, step_ms: float, records: int
) -> np.ndarray:
    """Law of the states at `records` even phases of a cycle of the voltage, once settled."""
    generators = [scheme.generator(V) * step_ms for V in course_mV]
    law = np.full(len(scheme.states), 1.0 / len(scheme.states))
    for _ in range(3):  # a cycle is seven relaxation times
        laws = []
        for index, generator in enumerate(generators):
            if index % (len(generators) // records) == 0:
                laws.append(law)
            term = law
            for power in range(1, 14):  # law exp(Q dt) by its series, |Q dt| < 1
                term = term @ generator / power
                law = law + term
    return np.array(laws)
