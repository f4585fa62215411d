"""Sweeps of circuits: the numbers of a run, in any order, by any executor, and gone on with."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import SQUID, axon, pulse

import stochhh
from stochhh.analysis.cells import passages
from stochhh.sweeping.table import sweep_table

DIAMETER = "cell.axon.section.shaft.diameter"
AXON = {
    **axon(SQUID, "0.4 mm", "1 um", n=10),
    "format": 1,
    "title": "an axon and its diameter",
    "stimulus": pulse("150 pA", "1 ms", "0.5 ms"),
    "run": {"duration": "10 ms", "trials": 3, "seed": 1, "record": {"interval": "0.5 ms"}},
    "sweep": {DIAMETER: ["0.5 um", "1 um"]},
}


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "sweep.lock"
    }


def test_numbers_are_those_of_the_run_of_the_same_circuit():
    data, result = stochhh.sweep(AXON).dataset, stochhh.run(AXON)
    assert data["spikes_at_end"].dims == (DIAMETER, "cell")
    assert data["trial_spikes_at_end"].dims == (DIAMETER, "trial", "cell")
    assert list(data["cell"].values) == ["axon"]
    assert data[DIAMETER].attrs["units"] == "um"
    for index, summary in enumerate(stochhh.summarise(result)["points"]):
        at, point = data.isel({DIAMETER: index, "cell": 0}), result.point(index)
        said = summary["cells"]["axon"]
        trains, begun = passages(point, 9), passages(point, 0)
        assert sum(map(len, trains)) > 0
        assert list(at["trial_spikes_at_end"].values) == [len(train) for train in trains]
        assert list(at["trial_spikes_at_start"].values) == [len(train) for train in begun]
        assert at["first_at_end"] == said["first_at_end_ms"]
        assert at["velocity"] == said["velocity_m_per_s"]
        np.testing.assert_allclose(at["trial_velocity"].mean(), said["velocity_m_per_s"])
        limit = said["deterministic"]
        np.testing.assert_allclose(at["deterministic_velocity"], limit["velocity_m_per_s"])
        np.testing.assert_array_equal(at["trial_ions"], point["ions"])
        np.testing.assert_array_equal(at["trial_transitions"], point["transitions"])


def test_vesicles_are_counted_by_synapse_and_patches_have_no_velocity():
    over = {"synapse.synapse.release.probability": [0.2, 0.9]}
    data = stochhh.sweep("two-neurons", over=over, trials=5, seed=1).dataset
    for name in ("evoked_vesicles", "spontaneous_vesicles"):
        counted = data[f"trial_{name}"].mean("trial").values
        np.testing.assert_allclose(data[name].values, counted)
    few, many = data["evoked_vesicles"].values[:, 0]
    assert many > 1.5 * few > 0
    assert list(data["synapse"].values) == ["synapse"]
    assert list(data["cell"].values) == ["first", "second"]
    assert "velocity" not in data


def test_any_key_varies_even_the_number_of_compartments():
    over = {"cell.axon.section.shaft.compartments": [8, 20], "run.method": ["leap", "exact"]}
    data = stochhh.sweep(AXON, over=over, overrides=["sweep={}"]).dataset
    assert np.isfinite(data["spikes_at_end"]).all()
    speeds = data["velocity"].mean(["run.method", "cell"]).values
    assert speeds[0] == pytest.approx(speeds[1], rel=0.3)
    assert speeds[0] != speeds[1]


def test_impulses_are_counted_and_where_none_arrives_there_is_no_velocity():
    """One impulse in 9 ms was told as 111 Hz, and one that died on the way had a velocity."""
    from stochhh.plot.sweep_metrics import draw_metrics

    over = {DIAMETER: ["1 um"], "stimulus.0.amplitude": ["0 pA", "150 pA"]}
    made = stochhh.sweep(AXON, over=over, overrides=["run.duration='5 ms'", "run.trials=2"])
    none, one = (made.dataset.isel({DIAMETER: 0, "stimulus.0.amplitude": k}) for k in (0, 1))
    assert (none["spikes_at_end"], one["spikes_at_end"]) == (0.0, 1.0)
    assert none["velocity"].isnull().all()
    assert none["deterministic_velocity"].isnull().all()
    assert one["velocity"] > 0.0
    assert not [name for name in made.dataset.data_vars if "rate" in name]
    labels = [axes.get_ylabel() for axes in draw_metrics(made.dataset, made.scenario).axes]
    assert "impulses at the end, a trial\naxon" in labels
    table = sweep_table(made)
    assert not [column.header for column in table.columns if "Hz" in column.header]
    velocity = next(c for c in table.columns if c.header.endswith("velocity (m/s)"))
    assert next(iter(velocity.cells)) == "–"


def test_a_sweep_notes_compartments_that_are_too_long():
    coarse = ["cell.axon.section.shaft.compartments=3", "run.duration='1 ms'", "run.trials=1"]
    with pytest.warns(UserWarning, match="do not resolve the axoplasm") as noted:
        stochhh.sweep(AXON, overrides=coarse)
    assert len(noted) == 2  # one a diameter


def test_workers_change_no_byte_and_what_is_there_is_not_run_again(tmp_path):
    stochhh.sweep(AXON, out=tmp_path / "threads", keep_traces=True)
    stochhh.sweep(AXON, out=tmp_path / "others", keep_traces=True, scheduler="processes")
    whole = contents(tmp_path / "threads")
    assert "traces/000001/result.nc" in whole
    assert contents(tmp_path / "others") == whole
    (tmp_path / "others" / "points" / "000001.json").unlink()
    again = stochhh.sweep(AXON, out=tmp_path / "others", keep_traces=True)
    assert again.computed == 1
    assert contents(tmp_path / "others") == whole
    kept = stochhh.load(tmp_path / "others" / "traces" / "000001")
    assert kept.is_circuit
    run = stochhh.run(AXON).point(1)
    np.testing.assert_array_equal(kept["voltage"].values, run["voltage"].values)


def test_a_morphology_that_changes_is_another_point(tmp_path):
    line = "{} {} {} 0 0 0.5 {}\n"
    swc = tmp_path / "cell.swc"

    def write(step_um):
        swc.write_text("".join(line.format(k, 1 if k == 1 else 2, step_um * k, k - 1 or -1)
                               for k in range(1, 9)))  # fmt: skip

    cell = {
        "name": "axon",
        "axial_resistivity": "100 ohm cm",
        "morphology": {"file": str(swc), "membranes": {"axon": "squid", "soma": "squid"}},
    }
    tables = {
        "format": 1, "title": "from a file", "membranes": {"squid": SQUID}, "cell": [cell],
        "run": {"duration": "1 ms", "trials": 1, "seed": 1, "deterministic": False},
        "sweep": {"repeats": 2},
    }  # fmt: skip
    write(10)
    assert stochhh.sweep(tables, out=tmp_path / "out").computed == 2
    assert stochhh.sweep(tables, out=tmp_path / "out").computed == 0
    write(12)
    assert stochhh.sweep(tables, out=tmp_path / "out").computed == 2
