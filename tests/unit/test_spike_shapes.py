"""Shapes of action potentials: drawn ones, the squid's, and noisy ones that mislead eFEL."""

from __future__ import annotations

import efel
import numpy as np
import pytest

import stochhh
from stochhh.analysis.spike_shapes import spike_shapes
from stochhh.errors import InputError

CORNERS = [(0, -65), (5, -65), (7, -50), (7.5, 40), (9, -75), (10, -76), (16, -65.5), (30, -65)]
MEASURES = (
    "peak_mV",
    "onset_mV",
    "amplitude_mV",
    "half_width_ms",
    "afterhyperpolarisation_mV",
    "afterhyperpolarisation_depth_mV",
    "upstroke_mV_per_ms",
)


def drawn(step=0.01):
    """Straight lines: slow foot at 7.5 mV/ms, upstroke at 180, fall at 76.7 mV/ms."""
    time = np.arange(0, 30, step)
    return time, np.interp(time, *np.array(CORNERS, dtype=float).T)


def width(level):
    """Time the drawn spike spends above a level."""
    return 7.5 + (40 - level) / (115 / 1.5) - (7 + (level + 50) / 180)


def test_a_drawn_spike_by_hand():
    found = spike_shapes(*drawn())
    assert list(found.trial) == [0]
    assert found.time_ms == pytest.approx([7.5])
    assert found.peak_mV == pytest.approx([40.0])
    assert found.onset_mV == pytest.approx([-50.0], abs=0.2)
    assert found.amplitude_mV == pytest.approx([90.0], abs=0.2)
    assert found.half_width_ms == pytest.approx([width(-5.0)], abs=2e-3)
    assert found.afterhyperpolarisation_mV == pytest.approx([-76.0])
    assert found.afterhyperpolarisation_depth_mV == pytest.approx([26.0], abs=0.2)
    assert found.upstroke_mV_per_ms == pytest.approx([180.0])


def test_a_base_moves_amplitude_half_width_and_depth_alone():
    onset, rest = spike_shapes(*drawn()), spike_shapes(*drawn(), base_mV=-65.0)
    assert rest.amplitude_mV == pytest.approx([105.0])
    assert rest.half_width_ms == pytest.approx([width(-12.5)], abs=1e-3)
    assert rest.half_width_ms[0] > onset.half_width_ms[0] + 0.1
    assert rest.afterhyperpolarisation_depth_mV == pytest.approx([11.0])
    for name in ("peak_mV", "onset_mV", "afterhyperpolarisation_mV", "upstroke_mV_per_ms"):
        assert getattr(rest, name) == getattr(onset, name)


def test_widths_are_told_between_samples():
    """Samples 0.1 ms apart: eFEL's own half-width is a multiple of that."""
    time, voltage = drawn(0.1)
    found = spike_shapes(time, voltage, base_mV=-65.0)
    assert found.half_width_ms == pytest.approx([width(-12.5)], abs=0.01)
    assert abs(found.half_width_ms[0] - found.half_width_ms[0].round(1)) > 0.015


@pytest.mark.parametrize("step_ms", [0.02, 0.005])
def test_the_squid_after_a_shock_of_15_mV(step_ms):
    """Known from theory: peak 40.414, trough -76.182 mV, width 1.476 ms, rise 310.9 mV/ms."""
    tables = [
        "stimulus=[]",
        'run.initial={voltage="rest", displacement="15 mV"}',
        f'run.record.interval="{step_ms} ms"',
    ]
    result = stochhh.run("action-potential_HH52", method="deterministic", overrides=tables)
    time, voltage = result["time"].values, np.ravel(result["voltage"].values)
    rest = float(result["resting_voltage"])
    found = spike_shapes(time, voltage, base_mV=rest)
    assert len(found.time_ms) == 1
    assert found.peak_mV == pytest.approx([40.414], abs=2e-3)
    assert found.afterhyperpolarisation_mV == pytest.approx([-76.182], abs=2e-3)
    assert found.half_width_ms == pytest.approx([1.476], abs=2e-3)
    assert found.upstroke_mV_per_ms == pytest.approx([310.9], rel=0.011 if step_ms > 0.01 else 1e-3)
    # eFEL's own half-width, from the onset and to the nearest sample
    own = spike_shapes(time, voltage)
    settings = {"interp_step": step_ms, "Threshold": 0.0}
    theirs = with_efel(time, voltage, settings, ["AP_duration_half_width", "AP_amplitude"])
    assert own.half_width_ms == pytest.approx(theirs["AP_duration_half_width"], abs=1.01 * step_ms)
    assert own.amplitude_mV == pytest.approx(theirs["AP_amplitude"], rel=1e-12)
    # and with its threshold at half height above rest, its voltage filled in between samples
    settings = {"interp_step": step_ms / 50, "Threshold": 0.5 * (rest + found.peak_mV[0])}
    theirs = with_efel(time, voltage, settings, ["AP_width_between_threshold"])
    assert found.half_width_ms == pytest.approx(
        theirs["AP_width_between_threshold"], abs=1.01 * step_ms / 50
    )


def with_efel(time, voltage, settings, names):
    try:
        for name, value in settings.items():
            efel.set_setting(name, value)
        trace = {"T": time, "V": voltage, "stim_start": [time[0]], "stim_end": [time[-1]]}
        return efel.get_feature_values([trace], names, raise_warnings=False)[0]
    finally:
        efel.reset()


def test_spikes_of_all_trials_come_in_order():
    """Two spikes in the first trial, none in the second, one lower in the third."""
    voltage = drawn()[1]
    twice = np.concatenate([voltage, voltage])
    flat = np.full(len(twice), -65.0)
    lower = np.concatenate([voltage.clip(max=20.0), np.full(len(voltage), -65.0)])
    found = spike_shapes(0.01 * np.arange(len(twice)), [twice, flat, lower])
    assert list(found.trial) == [0, 0, 2]
    assert found.time_ms[:2] == pytest.approx([7.5, 37.5])
    assert found.peak_mV == pytest.approx([40.0, 40.0, 20.0])
    assert found.afterhyperpolarisation_mV == pytest.approx([-76.0] * 3)
    for name in MEASURES:
        first, second = getattr(found, name)[:2]
        assert first == pytest.approx(second, abs=1e-2)


def test_means_with_intervals():
    time, voltage = drawn()
    heights = np.array([20.0, 26.0, 31.0, 35.0])
    found = spike_shapes(time, [voltage.clip(max=h) for h in heights])
    means = found.means()
    assert set(means) == set(MEASURES)
    assert means["peak_mV"].value == pytest.approx(heights.mean())
    reach = 3.1824 * heights.std(ddof=1) / 2  # Student's t of 3 degrees of freedom
    assert means["peak_mV"].interval == pytest.approx(
        (heights.mean() - reach, heights.mean() + reach), rel=1e-4
    )


@pytest.mark.parametrize("seed", range(5))
def test_noise_does_not_lead_astray(seed):
    """With 0.5 mV of white noise eFEL alone takes a dip in the fall for the trough."""
    rng = np.random.default_rng(seed)
    time, voltage = drawn(0.005)
    noisy = voltage + 0.5 * rng.standard_normal((8, len(time)))
    found = spike_shapes(time, noisy, base_mV=-65.0)
    assert list(found.trial) == list(range(8))
    assert found.afterhyperpolarisation_mV == pytest.approx(-77.2, abs=0.8)
    assert found.half_width_ms == pytest.approx(width(-12.5), abs=0.05)
    assert found.peak_mV == pytest.approx(40.5, abs=1.2)
    settings = {"interp_step": 0.005, "Threshold": 0.0}
    names = ["min_AHP_values", "spike_half_width"]
    alone = [with_efel(time, v, settings, names) for v in noisy]
    assert max(a["min_AHP_values"][0] for a in alone) > -60.0
    assert min(a["spike_half_width"][0] for a in alone) < 0.5


def test_a_small_noisy_patch():
    """10 µm² of squid axon, where eFEL alone gives widths below zero."""
    tables = [
        'membrane.area="10 um^2"',
        'stimulus=[{kind="step", amplitude="10 uA/cm^2", start="0 ms"}]',
        "run.trials=2",
        'run.duration="300 ms"',
        'run.record.interval="0.02 ms"',
    ]
    result = stochhh.run("squid-patch", method="exact", overrides=tables, seed=3)
    time, voltage = result["time"].values, result["voltage"].values
    found = spike_shapes(time, voltage, base_mV=-65.0)
    expected = np.concatenate(result.spike_trains())
    assert 0 <= len(expected) - len(found.time_ms) <= 2  # at the ends of the two trials
    assert len(expected) > 30
    within = {
        "peak_mV": (0.0, 50.0),
        "half_width_ms": (0.9, 2.2),
        "afterhyperpolarisation_mV": (-77.0, -70.0),
        "upstroke_mV_per_ms": (100.0, 450.0),
        "onset_mV": (-70.0, -25.0),
    }
    for name, (low, high) in within.items():
        values = getattr(found, name)
        values = values[np.isfinite(values)]
        assert len(values) >= len(found.time_ms) - 2, name
        assert low < values.min() <= values.max() < high, name
    for trial in (0, 1):
        peaks = found.time_ms[found.trial == trial]
        crossings = result.spike_trains()[trial][: len(peaks)]
        assert (peaks > crossings - 0.02).all()
        assert (peaks < crossings + 2.0).all()


# --- ends and what is no spike --------------------------------------------------------


@pytest.mark.parametrize(("end_ms", "n"), [(7.6, 0), (8.2, 0), (8.5, 1), (9.5, 1), (12.0, 1)])
def test_a_record_that_ends_early(end_ms, n):
    time, voltage = drawn()
    kept = time < end_ms
    found = spike_shapes(time[kept], voltage[kept])
    assert len(found.time_ms) == n
    if n:
        assert found.half_width_ms == pytest.approx([width(-5.0)], abs=2e-3)
        assert np.isnan(found.afterhyperpolarisation_mV[0]) == (end_ms < 10.0)


def test_what_does_not_rearm_is_no_second_spike():
    """A dip to -20 mV in the fall: two crossings of 0 mV, one spike."""
    corners = [(0, -65), (7, -50), (7.5, 40), (8.3, -20), (8.6, 15), (10, -76), (20, -65)]
    time = np.arange(0, 20, 0.01)
    voltage = np.interp(time, *np.array(corners, dtype=float).T)
    found = spike_shapes(time, voltage)
    assert found.peak_mV == pytest.approx([40.0])
    assert found.onset_mV == pytest.approx([-50.0], abs=1.0)
    assert found.afterhyperpolarisation_mV == pytest.approx([-76.0])
    both = spike_shapes(time, voltage, rearm_mV=-10.0)
    assert both.peak_mV == pytest.approx([40.0, 15.0])


def test_a_record_that_begins_above_threshold_has_no_first_spike():
    time, voltage = drawn()
    late = time >= 7.4
    assert len(spike_shapes(time[late], voltage[late]).time_ms) == 0


def test_a_sample_at_the_very_threshold_counts_as_above():
    """On its way up and down; eFEL alone sees no crossing there."""
    time = np.arange(0, 12, 0.125)  # no rounding
    corners = [(0, -65), (5, -65), (6, 0), (6.5, 30), (8, 0), (9, -70), (12, -65)]
    voltage = np.interp(time, *np.array(corners, dtype=float).T)
    assert (voltage == 0.0).sum() == 2
    assert spike_shapes(time, voltage).peak_mV == pytest.approx([30.0])


def test_no_spike_no_shape():
    found = spike_shapes([0.0, 0.1, 0.2], [-65.0, -64.0, -65.0])
    assert len(found.trial) == 0
    assert all(estimate.value is None for estimate in found.means().values())


def test_settings_of_efel_stay_the_callers():
    try:
        efel.set_setting("Threshold", -13.0)
        before = vars(efel.get_settings()).copy()
        spike_shapes(*drawn())
        assert vars(efel.get_settings()) == before
    finally:
        efel.reset()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"time_ms": [0.0, 0.1]}, r"shapes \(2,\) and \(3,\); need \(n,\) and"),
        ({"time_ms": [0.0, 0.1, 0.3]}, "steps differ; need times evenly spaced"),
        ({"time_ms": [0.2, 0.1, 0.0]}, "time_ms: step: -0.1; need a number above zero"),
        ({"voltage_mV": [0.0, np.nan, 0.0]}, "voltage_mV: holds a number that is not finite"),
        ({"rearm_mV": 5.0}, "rearm_mV: 5; need less than threshold_mV, 0, as in -30"),
    ],
)
def test_what_cannot_be_measured(given, message):
    whole = {"time_ms": [0.0, 0.1, 0.2], "voltage_mV": [-65.0, -65.0, -65.0], **given}
    with pytest.raises(InputError, match=message):
        spike_shapes(**whole)
