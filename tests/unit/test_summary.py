"""The summary says what the dataset holds."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh

#: Elementary charge in fC, exact in the SI since 2019.
ELEMENTARY_CHARGE_FC = 1.602176634e-4


@pytest.fixture(scope="module")
def result():
    step = 'stimulus=[{kind="step", amplitude="15 uA/cm^2", start="5 ms"}]'
    overrides = ["membrane.area=20 um^2", "run.duration=100 ms", step]
    return stochhh.run("squid-patch", overrides=overrides, seed=2, trials=4)


def test_counts_and_rates(result):
    summary = stochhh.summarise(result)
    trains = result.spike_trains()
    assert summary["spikes"]["count"] == sum(map(len, trains)) > 8
    assert summary["spikes"]["rate_hz"] == pytest.approx(np.mean([len(t) for t in trains]) * 10)
    intervals = np.concatenate([np.diff(train) for train in trains])
    assert summary["isi"]["mean_ms"] == pytest.approx(intervals.mean())
    assert summary["isi"]["cv"] == pytest.approx(intervals.std(ddof=1) / intervals.mean())
    assert summary["transitions"] == int(result["transitions"].sum())
    assert (
        summary["deterministic"]["spikes"]["count"] == result.dataset.sizes["deterministic_spike"]
    )


def test_rest_is_read_before_the_stimulus(result):
    summary = stochhh.summarise(result)
    before = result["voltage"].values[:, result["time"].values < 5.0]
    assert summary["voltage"]["rest_mV"] == pytest.approx(np.median(before, axis=1).mean())
    # resting potential of the squid membrane with EL = -54.4 mV
    assert summary["deterministic"]["voltage"]["rest_mV"] == pytest.approx(-64.99972, abs=1e-4)


def test_ions_are_charge_over_elementary_charge(result):
    summary = stochhh.summarise(result)
    charge = result["total_charge"].sel(population="squid-na").values
    assert summary["ions"]["squid-na"] == pytest.approx(charge.mean() / ELEMENTARY_CHARGE_FC)
    assert summary["ions"]["squid-na"] < 0 < summary["ions"]["squid-k"]  # Na+ in, K+ out


def test_charge_over_time_is_the_integral_of_the_current():
    overrides = [
        "membrane.area=5 um^2",
        "run.duration=20 ms",
        "run.record.interval=0.001 ms",
        'run.record.variables=["voltage", "current", "charge"]',
    ]
    fine = stochhh.run("squid-patch", overrides=overrides, seed=3, trials=1)
    current = fine["current"].values[0]
    integral = np.cumsum(0.5 * (current[1:] + current[:-1]), axis=0) * 0.001  # pA ms = fC
    charge = fine["charge"].values[0][1:]
    assert np.abs(charge - integral).max() < 0.01 * np.abs(charge).max()
    assert fine["total_charge"].values[0] == pytest.approx(fine["charge"].values[0, -1])


def test_a_sweep_has_its_points_and_pools_them():
    overrides = [
        "run.duration=30 ms",
        "run.deterministic=false",
        'sweep={"membrane.area"=["2 um^2", "4 um^2"]}',
    ]
    summary = stochhh.summarise(stochhh.run("squid-patch", overrides=overrides, seed=1, trials=3))
    assert [point["place"]["membrane.area"] for point in summary["points"]] == ["2 um^2", "4 um^2"]
    for key in ("spikes", "isi"):
        total = sum(point[key]["count"] for point in summary["points"])
        assert summary[key]["count"] == total
    assert "deterministic" not in summary["points"][0]
