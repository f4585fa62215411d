"""Every scenario that ships runs, and shows what it says it shows."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.scenario import library_scenarios, load_scenario, resolved_toml


#: How scenarios are made small, where not as all others are.
USUAL = ("membrane.area=3 um^2", "run.duration=30 ms", "run.record.interval=0.5 ms")
SMALL = {
    "patch-sizes": [*USUAL[1:]],
    "clamp-spectrum_G11": [*USUAL, "analysis.spectrum={}"],  # its segment is longer than a trial
    "noise-analysis_OS12": [*USUAL, "run.trials=2"],  # a variance over sweeps needs two
}


@pytest.mark.parametrize("name", sorted(library_scenarios()))
def test_every_scenario_runs_end_to_end(name, tmp_path):
    overrides = ["run.trials=1", *SMALL.get(name, USUAL)]
    summary = stochhh.save(stochhh.run(name, overrides=overrides, seed=1), tmp_path)
    assert summary["transitions"] > 10  # five channels make few in 30 ms
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", sorted(library_scenarios()))
def test_every_scenario_says_what_it_is_and_where_it_comes_from(name):
    scenario = load_scenario(name)
    assert scenario.about.strip()
    assert all(source.startswith("doi:10.") for source in scenario.cite)
    assert scenario.cite
    assert load_scenario_text(resolved_toml(scenario)).data == load_scenario(scenario).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


def load_scenario_text(text):
    import tomllib

    return load_scenario(tomllib.loads(text))


def test_all_or_none_rises_from_never_to_always():
    overrides = ['run.record.variables=["voltage"]', "run.deterministic=true"]
    result = stochhh.run("all-or-none", overrides=overrides, seed=2, trials=30)
    fired = np.array([[len(t) for t in result.spike_trains(j)] for j in range(result.n_points)]) > 0
    share = fired.mean(axis=1)
    assert share[0] < 0.2
    assert share[-1] > 0.9
    assert 0.05 < share[3] < 0.95  # just below the deterministic threshold
    limit = [len(result.spike_trains(j, deterministic=True)[0]) for j in range(result.n_points)]
    assert limit == sorted(limit)
    assert set(limit) == {0, 1}
    peaks = result["voltage"].max("time").values[fired]
    assert peaks.min() > 20.0  # whatever fires fires whole


def test_refractory_second_pulse_fails_early_and_succeeds_late():
    result = stochhh.run("refractory", seed=1, trials=10)
    starts = [float(str(value).split()[0]) for value in result["stimulus.1.start"].values]

    def answered(j):
        return np.mean(
            [np.any((t > starts[j]) & (t < starts[j] + 6.0)) for t in result.spike_trains(j)]
        )

    assert answered(0) < 0.3
    assert answered(-1 + result.n_points) > 0.8
