"""Waves along an axon, found in made-up crossings whose story is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from circuits import SQUID, axon, pulse

import stochhh
from stochhh.analysis.cells import Path, first_passages, main_path, velocity_m_per_s
from stochhh.analysis.propagation import (
    arrival_jitter,
    fates,
    limit_diameter_um,
    poisson_rate,
)
from stochhh.analysis.waves import find_waves, silent_places
from stochhh.studies import analyse, find_study
from stochhh.studies.propagation import says

N, STEP_UM, DELAY_MS = 50, 20.0, 0.04  # 0.5 m/s


def crossings(*waves, n_trials=1, shuffle=True):
    """Dataset of waves, each (trial, begin ms, origin, first, last): it spreads from its origin."""
    rows = []
    for trial, begin, origin, first, last in waves:
        rows += [(trial, begin + DELAY_MS * abs(c - origin), c) for c in range(first, last + 1)]
    rng = np.random.default_rng(1)
    if shuffle:
        rng.shuffle(rows)
    trial, time, compartment = np.array(rows).T if rows else np.zeros((3, 0))
    return xr.Dataset(
        {
            "cell": ("compartment", ["axon"] * N),
            "parent": ("compartment", np.arange(N) - 1),
            "position": ("compartment", STEP_UM * (np.arange(N) + 0.5)),
            "spike_trial": ("spike", trial.astype(int)),
            "spike_time": ("spike", time),
            "spike_compartment": ("spike", compartment.astype(int)),
        },
        coords={"trial": np.arange(n_trials)},
    )


def found(*waves, **more):
    data = crossings(*waves, **more)
    return find_waves(data, main_path(data, "axon"))


def spans(waves):
    return [(w.trial, w.first, w.last, w.origin) for w in waves]


def test_one_wave_runs_from_end_to_end():
    assert spans(found((0, 1.0, 0, 0, 49))) == [(0, 0, 49, 0)]


def test_several_waves_in_flight_stay_apart():
    waves = found((0, 1.0, 0, 0, 49), (0, 2.2, 0, 0, 49), (0, 3.4, 0, 0, 30))
    assert spans(waves) == [(0, 0, 49, 0), (0, 0, 49, 0), (0, 0, 30, 0)]


def test_trials_are_not_mixed():
    waves = found((0, 1.0, 0, 0, 49), (1, 1.01, 0, 0, 49), n_trials=2)
    assert spans(waves) == [(0, 0, 49, 0), (1, 0, 49, 0)]


def test_a_wave_that_starts_in_the_middle_travels_both_ways():
    (wave,) = found((0, 1.0, 20, 0, 49))
    assert wave.origin == 20
    assert wave.at(0) == pytest.approx(1.0 + 20 * DELAY_MS)
    assert wave.at(49) == pytest.approx(1.0 + 29 * DELAY_MS)
    assert not wave.met_behind


def test_waves_that_meet_are_two_and_know_it():
    waves = found((0, 1.0, 0, 0, 24), (0, 1.0, 49, 25, 49))
    assert spans(waves) == [(0, 0, 24, 0), (0, 25, 49, 49)] or spans(waves) == [
        (0, 0, 25, 0),
        (0, 26, 49, 49),
    ]
    assert waves[0].met_behind
    assert waves[1].met_before


def test_jitter_breaks_no_wave():
    rng = np.random.default_rng(3)
    data = crossings((0, 1.0, 0, 0, 49), (0, 10.0, 0, 0, 49))
    data["spike_time"] = data["spike_time"] + rng.normal(0, 0.02, data.sizes["spike"])
    assert [w[:3] for w in spans(find_waves(data, main_path(data, "axon")))] == [(0, 0, 49)] * 2


@pytest.mark.parametrize("backwards", [False, True])
def test_a_stretch_passed_below_the_threshold_parts_no_wave(backwards):
    """It goes on where and when it would have come out, or a little beyond and back."""
    rows = [(0, 1.0 + DELAY_MS * c, c) for c in range(50) if not 20 <= c < 28]
    rows[20:23] = [(0, 1.0 + DELAY_MS * (30 + 2 - k), 28 + k) for k in range(3)]
    trial, time, compartment = np.array(rows).T
    compartment = 49 - compartment if backwards else compartment
    data = crossings(n_trials=1).drop_dims("spike")
    data["spike_trial"] = ("spike", trial.astype(int))
    data["spike_time"] = ("spike", time)
    data["spike_compartment"] = ("spike", compartment.astype(int))
    path = main_path(data, "axon")
    (wave,) = find_waves(data, path)
    assert (wave.first, wave.last, wave.origin) == (0, 49, 49 if backwards else 0)
    assert np.isnan(wave.passage_ms).sum() == 8
    assert silent_places(data, path).tolist() == [*range(22, 30)] if backwards else [*range(20, 28)]


def test_another_impulse_beyond_is_not_the_same():
    """One dies; later, or before it could have come, one begins beyond."""
    for begin in (1.0 + DELAY_MS * 25, 1.0 + DELAY_MS * 100):
        waves = found((0, 1.0, 0, 0, 19), (0, begin, 28, 28, 49))
        assert len(waves) == 1 + (begin > 3)
    assert len(found((0, 1.0, 0, 0, 9), (0, 1.0 + DELAY_MS * 40, 40, 40, 49))) == 2


def test_where_impulses_die_is_not_passed_in_silence():
    waves = [(trial, 1.0, 0, 0, 49 if trial < 3 else 10 + trial) for trial in range(20)]
    data = crossings(*waves, n_trials=20)
    assert not len(silent_places(data, main_path(data, "axon")))


def test_a_dying_impulse_has_no_velocity():
    data = crossings((0, 1.0, 0, 0, 38), (1, 1.0, 0, 0, 49), n_trials=2)
    path = main_path(data, "axon")
    speeds = velocity_m_per_s(path, first_passages(data, path))
    assert np.isnan(speeds[0])
    assert speeds[1] == pytest.approx(1e-3 * STEP_UM / DELAY_MS)


def test_velocity_of_an_impulse_from_the_middle_is_taken_from_the_rest_of_the_way():
    """Fast for 8 compartments about the middle, as a stimulus makes it, then as it is."""
    time = np.array([1.0 + DELAY_MS * max(abs(c - 24) - 8, 0.1 * abs(c - 24)) for c in range(N)])
    data = crossings((0, 1.0, 0, 0, 49), shuffle=False)
    data["spike_time"] = ("spike", time)
    path = main_path(data, "axon")
    found = velocity_m_per_s(path, first_passages(data, path))[0]
    assert found == pytest.approx(1e-3 * STEP_UM / DELAY_MS)


def study_of(sections, **stimulus):
    """Numbers and data of the study of an axon's deterministic impulse."""
    tables = {
        "format": 1, "title": "t",
        "membranes": {str(n): SQUID | {"channels": [
            SQUID["channels"][0] | {"density": f"{n} / um^2"}, SQUID["channels"][1]
        ]} for n in (60, 10)},
        "cell": [{"name": "axon", "axial_resistivity": "100 ohm cm", "section": sections}],
        "stimulus": pulse("300 pA", "1 ms", "0.5 ms", **stimulus),
        "run": {"duration": "12 ms", "seed": 1, "method": "deterministic",
                "record": {"interval": "0.1 ms", "where": ["axon end"]}},
        "analysis": {"propagation": {}},
    }  # fmt: skip
    (outcome,) = analyse(stochhh.run(tables))
    return outcome.findings.numbers, outcome.findings.data


def stretch(name, membrane, length, **more):
    return {"name": name, "membrane": membrane, "length": length, "diameter": "1 um", **more}


@pytest.mark.parametrize("at", ["shaft 0.5 mm", "0.5 mm", "start", "end", "middle"])
def test_a_stimulus_begins_its_impulse_wherever_it_is(at):
    numbers, _ = study_of([stretch("shaft", "60", "1 mm")], at=at)
    told = {key: numbers[key] for key in ("stimuli", "began", "arrived", "spontaneous")}
    assert told == {"stimuli": 1, "began": 1, "arrived": 1, "spontaneous": 0}


def test_a_stretch_below_the_threshold_makes_no_spontaneous_impulses():
    """All was said to be deleted, and begun anew, where 10 channels a µm² stay below 0 mV."""
    sections = [
        stretch("first", "60", "700 um"),
        stretch("weak", "10", "250 um"),
        stretch("last", "60", "600 um"),
    ]
    numbers, study = study_of(sections)
    told = {key: numbers[key] for key in ("began", "arrived", "deleted", "spontaneous")}
    assert told == {"began": 1, "arrived": 1, "deleted": 0, "spontaneous": 0}
    low, high = numbers["bridged_um"]
    assert 700 < low < high < 950
    assert "µm impulses pass below the threshold" in says(numbers)
    assert not study.is_uniform


@pytest.mark.parametrize("study", ["propagation", "twitch"])
def test_a_limit_under_noise_is_called_what_it_is(study):
    """Trials have a current each; the limit is that of the current of trial 0."""
    noise = {"kind": "noise", "sd": "1 pA", "correlation_time": "1 ms"}
    run = {"duration": "3 ms", "seed": 1, "trials": 1, "method": "leap"}
    tables = axon(SQUID, "0.2 mm", "1 um", n=8) | {
        "stimulus": [*pulse("300 pA", "0.5 ms", "0.5 ms"), noise],
        "run": run | {"initial": {"settle": "0 ms"}},
        "analysis": {study: {"contraction": "5 ms"} if study == "twitch" else {}},
    }
    (outcome,) = analyse(stochhh.run({"format": 1, "title": "t", **tables}))
    given = "deterministic, given the input of trial 0"
    figure = find_study(study).draw(outcome.findings, "t")
    assert given in figure.axes[0].get_legend_handles_labels()[1]
    if study == "propagation":
        labels = [row.label for row in find_study(study).rows(outcome.findings.numbers)]
        assert f"{given}: its velocity (m/s)" in labels


def sorted_out(*waves, evoked=(1.0,), n_trials=1):
    data = crossings(*waves, n_trials=n_trials)
    path = main_path(data, "axon")
    return fates(find_waves(data, path), np.arange(n_trials), np.array(evoked), 0, 5, 45, 3.0, 5.0)


def test_the_fates_of_spikes_are_told():
    story = sorted_out(
        (0, 1.2, 0, 0, 49),  # arrives
        (1, 1.3, 0, 0, 20),  # is deleted on the way
        (2, 30.0, 25, 0, 49),  # nothing evoked; one starts by itself and arrives
        (3, 1.2, 0, 0, 49),
        (3, 2.2, 10, 0, 49),  # splits off it, 0.6 ms behind
        n_trials=5,
    )
    assert [wave is not None for wave in story.evoked] == [True, True, False, True, False]
    assert story.arrived.tolist() == [True, False, False, True, False]
    assert [wave.last for wave in story.deleted] == [20]
    assert [wave.trial for wave in story.spontaneous] == [2, 3]
    assert [wave.trial for wave in story.added] == [2, 3]
    assert [wave.trial for wave in story.split] == [3]
    assert story.collisions == 0


def test_a_collision_is_no_failure():
    story = sorted_out((0, 1.0, 0, 0, 24), (0, 1.0, 49, 25, 49))
    assert story.collisions == 1
    assert not story.deleted
    assert not story.arrived.any()


def test_each_stimulus_has_its_own_impulse():
    story = sorted_out((0, 1.2, 0, 0, 49), (0, 11.5, 0, 0, 49), evoked=(1.0, 11.0, 21.0))
    assert story.arrived.tolist() == [True, True, False]
    assert not story.spontaneous


def test_velocity_is_that_of_the_wave():
    data = crossings((0, 1.0, 0, 0, 49))
    path = main_path(data, "axon")
    assert velocity_m_per_s(path, first_passages(data, path))[0] == pytest.approx(
        1e-3 * STEP_UM / DELAY_MS
    )


def test_a_few_long_compartments_have_a_velocity():
    """A start in the first is at the end, though its middle is beyond a tenth of the way."""
    path = Path("axon", np.arange(5), 80.0 * (np.arange(5) + 0.5), np.arange(5))
    assert velocity_m_per_s(path, 1.0 + 0.2 * np.arange(5)) == pytest.approx(0.4)
    assert velocity_m_per_s(path, 1.0 - 0.2 * np.arange(5)) == pytest.approx(-0.4)


def test_independent_delays_scatter_as_the_root_of_the_distance():
    rng = np.random.default_rng(5)
    n_trials = 300
    delays = DELAY_MS + rng.normal(0, 0.004, (n_trials, N))
    rows = [
        (trial, time, c)
        for trial in range(n_trials)
        for c, time in enumerate(1.0 + np.cumsum(delays[trial]))
    ]
    data = crossings(n_trials=n_trials).drop_dims("spike")
    trial, time, compartment = np.array(rows).T
    data["spike_trial"] = ("spike", trial.astype(int))
    data["spike_time"] = ("spike", time)
    data["spike_compartment"] = ("spike", compartment.astype(int))
    path = main_path(data, "axon")
    waves = find_waves(data, path)
    assert len(waves) == n_trials
    jitter = arrival_jitter(waves, path.position_um, 5, np.arange(10, 46, 5))
    low, high = jitter.exponent.interval
    assert low < 0.5 < high < low + 0.2
    expected = 0.004 * np.sqrt(np.arange(5, 41, 5))
    assert np.all((jitter.low_ms < expected * 1.05) & (expected * 0.95 < jitter.high_ms))
    assert arrival_jitter(waves[:4], path.position_um, 5, np.arange(10, 46, 5)) is None


def test_rates_have_exact_poisson_intervals():
    """Garwood's limits of a count of 10: 4.795 and 18.39; of none: 0 and 3.689."""
    assert poisson_rate(10, 2.0) == pytest.approx((5.0, 4.795 / 2, 18.39 / 2), rel=1e-3)
    assert poisson_rate(0, 1.0) == pytest.approx((0.0, 0.0, 3.689), rel=1e-3)


def test_the_limit_diameter_lies_between_the_rates():
    diameter = np.array([0.1, 0.2, 0.3])
    rate = np.array([2.0, 0.2, 0.002])
    assert limit_diameter_um(diameter, rate) == pytest.approx(0.25)
    assert limit_diameter_um(diameter, np.array([2.0, 0.2, 0.0])) is None


def test_a_thousand_waves_of_many_compartments_are_found():
    waves = [(trial, 1.0 + 10 * k, 0, 0, 49) for trial in range(100) for k in range(10)]
    assert len(found(*waves, n_trials=100)) == 1000
