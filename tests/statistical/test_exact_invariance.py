"""What must not change a run: bands, records, tags, workers, pauses, buffers; and what must.

Everything that draws no random numbers leaves a run the same bit for bit. The
width of the voltage bands and a split in two change the draws, so there the law
is compared.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from harness import agrees, refuses, same_law, same_mean, squid_patch

import stochhh
from stochhh.plan import Plan, Start
from stochhh.result import Result
from stochhh.scenario import load_scenario
from stochhh.simulate import plan as work_out


def spiking_patch(**run: Any) -> dict[str, Any]:
    """Tables of a small patch that fires a spike or two in 40 ms."""
    tables = squid_patch(3.0, duration="40 ms", trials=3, seed=5, **run)
    tables["stimulus"] = [{"kind": "constant", "amplitude": "10 uA/cm^2"}]
    return tables


def assert_same_bytes(one: Result, other: Result) -> None:
    """Assert that everything two runs both recorded is equal bit for bit."""
    for name in ("transitions", "candidates_rejected", "band_crossings", "final_voltage"):
        assert one[name].values.tobytes() == other[name].values.tobytes(), name
    for name in ("spike_time", "spike_trial", "final_occupancy", "total_charge"):
        assert one[name].values.tobytes() == other[name].values.tobytes(), name
    times = np.intersect1d(one["time"].values, other["time"].values)
    assert len(times) > 10
    for name in ("voltage", "open", "current"):
        if name in one.dataset and name in other.dataset:
            ours, theirs = one[name].sel(time=times).values, other[name].sel(time=times).values
            np.testing.assert_array_equal(ours, theirs)


# 38 spikes a second: 80 s give 3000 intervals, so the mean interval is known to 1 % and
# its CV to 2.5 %. A difference of 7 % in the mean would be seen.
@pytest.fixture(scope="module")
def reference() -> Result:
    """A 10 µm² patch left alone, in bands of 0.25 mV."""
    return stochhh.run(left_alone(10.0, 0.25, seed=11))


def left_alone(
    area_um2: float, band_width_mV: float, seed: int, seconds: int = 80
) -> dict[str, Any]:
    """Tables of a patch that fires by itself, in 40 trials."""
    return squid_patch(
        area_um2,
        duration=f"{25 * seconds} ms",
        trials=40,
        seed=seed,
        band_width=f"{band_width_mV} mV",
        record={"interval": "25 ms", "variables": ["voltage"]},
    )


def intervals_ms(result: Result) -> np.ndarray:
    """All intervals between spikes."""
    return np.concatenate([np.diff(train) for train in result.spike_trains()])


def assert_fire_alike(one: Result, other: Result, what: str) -> None:
    """Compare firing rates, interval laws and CVs, and the voltage, of two runs."""
    rates = [[len(train) for train in result.spike_trains()] for result in (one, other)]
    agrees(same_mean(*rates), f"firing rate, {what}")
    agrees(same_law(intervals_ms(one), intervals_ms(other)), f"interspike intervals, {what}")
    variations = []
    for result in (one, other):
        intervals = [np.diff(train) for train in result.spike_trains()]
        variations.append([np.std(x, ddof=1) / np.mean(x) for x in intervals if len(x) > 2])
    agrees(same_mean(*variations), f"CV of the intervals, {what}")
    voltages = [result["voltage"].values[:, 1:].ravel() for result in (one, other)]
    agrees(same_law(*voltages), f"voltage, {what}")


@pytest.mark.parametrize("band_width_mV", [0.1, 1.0, 2.0])
def test_band_width_keeps_law(reference: Result, band_width_mV: float) -> None:
    other = stochhh.run(left_alone(10.0, band_width_mV, seed=12))
    assert_fire_alike(reference, other, f"bands of 0.25 and {band_width_mV:g} mV")


def test_band_width_keeps_law_of_larger_patch(reference: Result) -> None:
    """The 100 µm² patch; and the comparison itself, which must tell it from 10 µm² or from 9."""
    large = [stochhh.run(left_alone(100.0, width, 13, seconds=10)) for width in (0.1, 2.0)]
    assert_fire_alike(*large, "bands of 0.1 and 2 mV, 100 µm²")
    refuses(same_law(intervals_ms(reference), intervals_ms(large[0])), "another area")
    refuses(same_law(intervals_ms(reference), 1.1 * intervals_ms(reference)), "intervals off 10 %")


def test_record_interval_changes_nothing() -> None:
    dense = stochhh.run(spiking_patch(record={"interval": "0.125 ms"}))
    sparse = stochhh.run(spiking_patch(record={"interval": "2 ms", "variables": ["voltage"]}))
    assert dense["spike_time"].size > 0
    assert_same_bytes(dense, sparse)


@pytest.mark.parametrize("channels", [3, "all"])
def test_tagging_changes_nothing(channels: int | str) -> None:
    tagged = stochhh.run(spiking_patch(record={"channels": channels}))
    assert tagged["flip_time"].size > 0
    assert_same_bytes(stochhh.run(spiking_patch()), tagged)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_nothing(workers: int) -> None:
    assert_same_bytes(
        stochhh.run(spiking_patch(), workers=1), stochhh.run(spiking_patch(), workers=workers)
    )


@pytest.mark.parametrize("budget", [1, 7, 1000])
def test_pauses_change_nothing(monkeypatch: pytest.MonkeyPatch, budget: int) -> None:
    overrides = [f'run.duration="{2 if budget == 1 else 10} ms"']
    whole = stochhh.run(spiking_patch(), overrides=overrides)
    monkeypatch.setattr("stochhh.exact._SLICE", budget)
    assert_same_bytes(whole, stochhh.run(spiking_patch(), overrides=overrides))


def test_full_buffers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = spiking_patch(record={"channels": "all"})
    tables["run"]["duration"] = "100 ms"
    roomy = stochhh.run(tables)
    monkeypatch.setattr("stochhh.recording._SPIKE_BUFFER", 1)
    monkeypatch.setattr("stochhh.recording._FLIP_BUFFER", 100)
    tight = stochhh.run(tables)
    assert max(len(train) for train in roomy.spike_trains()) > 2
    assert_same_bytes(roomy, tight)
    for name in ("flip_time", "flip_trial", "flip_channel", "flip_state", "channel_start"):
        np.testing.assert_array_equal(roomy[name].values, tight[name].values)


def test_extended_bands_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands that reach too short at first are extended when the voltage leaves them.

    The extended table may use polynomials of another degree, which agree to 1e-9;
    one of some 1e5 candidates compared with them would have to fall between.
    """
    wide = stochhh.run(spiking_patch())
    asked = []

    def short(plan: Plan) -> Any:
        asked.append(plan.voltage_mV)
        return plan.band_table.covering(plan.voltage_mV - 0.5, plan.voltage_mV + 0.5)

    monkeypatch.setattr(Plan, "bands", property(short))
    assert_same_bytes(wide, stochhh.run(spiking_patch()))
    assert asked


def test_start_outside_bands_is_reached() -> None:
    """A displaced start far outside the usual bands runs, and comes back."""
    start = {"displacement": "-200 mV", "settle": "0 ms"}
    displaced = stochhh.run(spiking_patch(initial=start))
    assert displaced["voltage"].values[:, 0] == pytest.approx(-265.0, abs=0.01)
    assert displaced["final_voltage"].values.min() > -80.0


def test_trial_alone_equals_trial_among_many() -> None:
    three = stochhh.run(spiking_patch())
    five = stochhh.run(spiking_patch(), trials=5)
    for trial in range(3):
        np.testing.assert_array_equal(three["voltage"].values[trial], five["voltage"].values[trial])
        np.testing.assert_array_equal(three.spike_trains()[trial], five.spike_trains()[trial])


def test_seed_decides_everything() -> None:
    one, again = stochhh.run(spiking_patch()), stochhh.run(spiking_patch())
    assert_same_bytes(one, again)
    other = stochhh.run(spiking_patch(), seed=6)
    assert not np.array_equal(one["voltage"].values, other["voltage"].values)
    trials = one["final_voltage"].values
    assert len(set(trials.tolist())) == len(trials)


def test_run_without_seed_reports_one_that_reproduces_it() -> None:
    tables = spiking_patch()
    del tables["run"]["seed"]
    one, other = stochhh.run(tables), stochhh.run(tables)
    assert one.seed != other.seed
    assert_same_bytes(one, stochhh.run(tables, seed=one.seed))
    assert_same_bytes(one, stochhh.run(one.scenario))


def test_equal_points_of_a_sweep_draw_different_numbers() -> None:
    tables = spiking_patch()
    tables["sweep"] = {"membrane.area": ["3 um^2", "3 um^2"]}
    swept = stochhh.run(tables)
    first, second = (swept.point(index)["voltage"].values for index in (0, 1))
    assert not (first[:, -1] == second[:, -1]).any()
    np.testing.assert_array_equal(first, stochhh.run(spiking_patch())["voltage"].values)


def test_no_two_streams_are_alike() -> None:
    """Points, trials, runs taken up from others, and side streams all draw their own numbers."""
    (base,), _ = work_out(load_scenario(spiking_patch()))
    seen = set()
    for point, generation, trial in product(range(3), repeat=3):
        start = Start(np.zeros(1), np.zeros((1, 13)), generation) if generation else None
        plan = replace(base, point=point, start=start)
        for stream in ((), (1,), (2,)):
            seen.add(tuple(plan.seed_sequence(trial, *stream).generate_state(4).tolist()))
    assert len(seen) == 3**4


# 600 trials tell voltage laws apart that differ by 0.16 in distribution.
def test_run_split_in_two_equals_one_run_in_law(tmp_path: Any) -> None:
    """8 ms and 8 ms more taken up from them make the law of 16 ms at once."""

    def driven(duration_ms: float, seed: int, **run: Any) -> Result:
        tables = squid_patch(
            3.0,
            duration=f"{duration_ms} ms",
            trials=600,
            seed=seed,
            record={"interval": "4 ms", "variables": ["voltage", "open"]},
            **run,
        )
        tables["stimulus"] = [{"kind": "constant", "amplitude": "10 uA/cm^2"}]
        return stochhh.run(tables)

    whole = driven(16.0, 21)
    saved = driven(8.0, 22).save(tmp_path / "first.nc")
    second = driven(8.0, 22, initial={"result": str(saved)})
    first = stochhh.load(saved)
    np.testing.assert_array_equal(second["voltage"].values[:, 0], first["final_voltage"].values)
    for later, row in ((8.0, 0), (12.0, 1), (16.0, 2)):
        for index, name in ((slice(None), "voltage"), ((..., 1), "open")):
            one = whole[name].sel(time=later).values[index]
            agrees(same_law(one, second[name].values[:, row][index]), f"{name} at {later:g} ms")
    n_spikes = [
        [np.count_nonzero(train > 8.0) for train in whole.spike_trains()],
        [len(train) for train in second.spike_trains()],
    ]
    agrees(same_mean(*n_spikes), "spikes after the split")
    # a second half that started afresh, from rest, would be told
    refuses(
        same_law(whole["final_voltage"].values, first["final_voltage"].values), "started afresh"
    )
    # nor may the second half draw the numbers of the first
    assert not np.intersect1d(first["spike_time"].values, second["spike_time"].values).size
    taken_up_again = stochhh.load(second.save(tmp_path / "second.nc"))
    third = driven(8.0, 22, initial={"result": str(tmp_path / "second.nc")})
    assert int(third.dataset.attrs["generation"]) == 2
    np.testing.assert_array_equal(
        third["voltage"].values[:, 0], taken_up_again["final_voltage"].values
    )
