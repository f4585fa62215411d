"""Stimuli add up at every moment, and curves inject the charge of the curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from stochhh.scenario import load_scenario
from stochhh.stimulus import Surroundings, compile_stimuli

DURATION, AREA = 20.0, 50.0

currents = st.one_of(
    st.floats(-100, 100).map("{} pA".format), st.floats(-50, 50).map("{} uA/cm^2".format)
)
times = st.floats(0, 25).map("{} ms".format)
durations = st.floats(0.01, 25).map("{} ms".format)
frequencies = st.floats(1, 400).map("{} Hz".format)
resolutions = st.floats(0.2, 5).map("{} ms".format)
window = {"start": times, "duration": durations, "resolution": resolutions}

ramps = st.fixed_dictionaries({"kind": st.just("ramp"), "from": currents, "to": currents, **window})
sines = st.fixed_dictionaries(
    {
        "kind": st.just("sine"),
        "amplitude": currents,
        "frequency": frequencies,
        "phase": st.floats(-2, 2),
        **window,
    }
)
chirps = st.fixed_dictionaries(
    {
        "kind": st.just("chirp"),
        "amplitude": currents,
        "from": frequencies,
        "to": frequencies,
        **window,
    }
)
pulses = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["step", "pulse"]),
        "amplitude": currents,
        "start": times,
        "duration": durations,
    }
)
trains = st.builds(
    lambda amplitude, start, interval, share, count: {
        "kind": "pulse-train",
        "amplitude": amplitude,
        "start": start,
        "interval": f"{interval!r} ms",
        "duration": f"{interval * share!r} ms",
        "count": count,
    },
    currents,
    times,
    st.floats(0.05, 10),
    st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    st.integers(1, 40),
)
noises = st.fixed_dictionaries(
    {
        "kind": st.just("frozen-noise"),
        "sd": st.just("5 pA"),
        "correlation_time": durations,
        "seed": st.integers(0, 99),
        **window,
    }
)
constants = st.fixed_dictionaries({"kind": st.just("constant"), "amplitude": currents})
stimuli = st.one_of(constants, pulses, trains, ramps, sines, chirps, noises)


def read(tables):
    shapes = {"stimulus": tables}
    run = {"duration": "20 ms"}
    return load_scenario({"base": "squid-patch", "title": "x", "run": run, **shapes}).stimulus


def compiled(shapes):
    around = Surroundings(AREA, DURATION, np.random.default_rng(1), np.random.SeedSequence(1))
    return compile_stimuli(shapes, around, "file")


def charge(found):
    return float(np.diff(np.append(0.0, found.end)) @ found.current)


@given(st.lists(stimuli, min_size=1, max_size=4))
def test_stimuli_add_up_at_every_moment(tables):
    shapes = read(tables)
    together, alone = compiled(shapes), [compiled([shape]) for shape in shapes]
    assert together.end[-1] == DURATION
    assert together.end[0] > 0
    assert np.all(np.diff(together.end) > 0)
    start = np.append(0.0, together.end[:-1])
    for moment in (start, 0.5 * (start + together.end), np.linspace(0, DURATION, 97)):
        expected = sum(part.at(moment) for part in alone)
        np.testing.assert_allclose(together.at(moment), expected, rtol=1e-12, atol=1e-10)
    assert charge(together) == pytest.approx(sum(map(charge, alone)), rel=1e-9, abs=1e-9)


@given(st.lists(stimuli, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_stimuli_does_not_matter(tables, random):
    shapes = list(read(tables))
    first = compiled(shapes)
    random.shuffle(shapes)
    second = compiled(shapes)
    np.testing.assert_array_equal(first.end, second.end)
    np.testing.assert_allclose(first.current, second.current, rtol=1e-12, atol=1e-10)


def injected(curve, shape, points=()):
    """Integral of a curve over the part of a stimulus's window that lies in the run."""
    begin = float(shape.start_ms)
    end = min(begin + float(shape.duration_ms), DURATION)
    if end <= begin:
        return 0.0
    return sum(
        quad(lambda t: curve(t - begin), low, high, epsabs=1e-10)[0]
        for low, high in zip(
            np.linspace(begin, end, 41), np.linspace(begin, end, 41)[1:], strict=False
        )
    )


@given(ramps)
def test_a_ramp_injects_the_charge_of_its_line(table):
    (shape,) = read([table])
    low, high = shape.initial.absolute(AREA), shape.final.absolute(AREA)
    length = float(shape.duration_ms)
    expected = injected(lambda t: low + (high - low) * t / length, shape)
    assert charge(compiled([shape])) == pytest.approx(expected, rel=1e-8, abs=1e-8)


@given(sines)
def test_a_sine_injects_the_charge_of_its_curve(table):
    (shape,) = read([table])
    amplitude, frequency = shape.amplitude.absolute(AREA), float(shape.frequency_kHz)
    expected = injected(
        lambda t: amplitude * np.sin(2 * np.pi * (frequency * t + shape.phase)), shape
    )
    assert charge(compiled([shape])) == pytest.approx(expected, rel=1e-8, abs=1e-7)


@given(chirps)
def test_a_chirp_injects_the_charge_of_its_curve(table):
    """Within a piece of length h the frequency counts as steady: the phase is off by π h² f'/4."""
    (shape,) = read([table])
    amplitude, length = shape.amplitude.absolute(AREA), float(shape.duration_ms)
    first, rise = float(shape.initial_kHz), float(shape.final_kHz) - float(shape.initial_kHz)
    expected = injected(
        lambda t: amplitude * np.sin(2 * np.pi * (first * t + 0.5 * rise / length * t * t)), shape
    )
    off = abs(amplitude) * np.pi / 4 * float(shape.resolution_ms) ** 2 * abs(rise / length)
    tolerance = min(length, DURATION) * off + 1e-7
    assert charge(compiled([shape])) == pytest.approx(expected, rel=1e-8, abs=tolerance)


@given(trains)
def test_a_pulse_train_injects_its_pulses(table):
    (shape,) = read([table])
    amplitude, length = shape.amplitude.absolute(AREA), float(shape.duration_ms)
    begin = float(shape.start_ms) + float(shape.interval_ms) * np.arange(shape.count)
    within = np.clip(np.minimum(begin + length, DURATION) - begin, 0.0, None)
    found = compiled([shape])
    assert charge(found) == pytest.approx(amplitude * within.sum(), rel=1e-9, abs=1e-9)
    assert set(found.current.tolist()) <= {0.0, amplitude}
