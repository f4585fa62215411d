"""The summary says what the dataset holds."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.analysis.estimates import approximate_names

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
    for name in ("count", "trials_with_spikes"):
        total = sum(point["spikes"][name] for point in summary["points"])
        assert summary["spikes"][name] == total
    assert "isi" not in summary  # a mean over different conditions is of none of them
    assert "deterministic" not in summary["points"][0]


PULSED = ["membrane.area=20 um^2", "run.duration=20 ms", "run.record.channels=0", "figure={}"]


@pytest.mark.parametrize("method", ["exact", "leap", "langevin", "leap-first-order"])
def test_peaks_are_of_the_run_and_not_of_its_records(method):
    """Records draw nothing, so those every 10 µs and every 5 ms are of the same trials."""
    fine, coarse = (
        stochhh.run(
            "action-potential_HH52",
            overrides=[*PULSED, f"run.record.interval={interval}", f"run.method={method}"],
            seed=4,
            trials=2,
        )
        for interval in ("0.01 ms", "5 ms")
    )
    for limit in ("", "deterministic_"):
        for name, extreme in (("highest", np.max), ("lowest", np.min)):
            peak = coarse[f"{limit}{name}_voltage"].values
            np.testing.assert_array_equal(peak, fine[f"{limit}{name}_voltage"].values)
            recorded = extreme(fine[f"{limit}voltage"].values, axis=-1)
            assert np.all(peak >= recorded if name == "highest" else peak <= recorded)
            np.testing.assert_allclose(peak, recorded, atol=0.5 if limit == "" else 0.005)
    told = stochhh.summarise(coarse)["voltage"]["peak_mV"]
    assert told > coarse["voltage"].values.max() + 5.0  # what the records would have said


def test_peaks_of_trials_that_fired_are_told_from_those_that_did_not():
    overrides = ["membrane.area=100 um^2", "run.deterministic=false"]
    result = stochhh.run("action-potential_HH52", overrides=overrides, seed=1, trials=5)
    summary = stochhh.summarise(result)
    fired = np.array([len(train) > 0 for train in result.spike_trains()])
    assert fired.sum() == 4
    peak = result["highest_voltage"].values
    assert summary["voltage"]["peak_mV"] == pytest.approx(peak[fired].mean())
    assert summary["voltage"]["silent_peak_mV"] == pytest.approx(peak[~fired].mean())
    assert summary["voltage"]["peak_mV_ci"][1] < 50.0  # the reversal potential of sodium
    # Wilson's limits of 4 of 5
    assert summary["spikes"]["share_with_spikes_ci"] == pytest.approx([0.376, 0.964], abs=1e-3)


def test_a_clamp_has_the_extremes_of_its_command():
    overrides = ["sweep={}", "run.record.interval=1 ms"]
    result = stochhh.run("clamp-family_HH52", overrides=overrides, seed=1, trials=1)
    clamp = result.scenario.clamp
    levels = [float(clamp.holding_mV), *(float(one.level_mV) for one in clamp.segment)]
    for name, level in (("highest", max(levels)), ("lowest", min(levels))):
        assert result[f"{name}_voltage"].values == level
        assert result[f"{name}_voltage"].values == result[f"deterministic_{name}_voltage"].values


def test_approximate_intervals_are_named():
    """Wherever they stand in numbers; not where there is no interval."""
    numbers = {
        "cv": 0.9,
        "cv_ci": [0.7, 1.1],
        "isi_cv_ci": None,
        "points": [{"precision_ms_ci": [0.1, 0.2]}, {"rate_hz_ci": [1.0, 2.0]}],
    }
    assert approximate_names(numbers) == ["cv", "precision_ms"]
    assert approximate_names({"rate_hz_ci": [1.0, 2.0]}) == []
