"""Every scenario that ships runs, and shows what it says it shows."""

from __future__ import annotations

import numpy as np
import pytest

import stochhh
from stochhh.scenario import library_scenarios, load_experiment, resolved_toml

#: How scenarios are made small, where not as all others are.
USUAL = ("membrane.area=3 um^2", "run.duration=30 ms", "run.record.interval=0.5 ms")
SMALL = {
    "patch-sizes": [*USUAL[1:]],
    "reliability_MS95": [*USUAL, "run.trials=2"],  # it compares trials
    "reliability_SFS98": [*USUAL, "run.trials=2"],
    "intervals_PT20": [*USUAL, "analysis.spike_train={}"],  # it starts after a trial's end
    "intervals_RG14": [*USUAL, "analysis.spike_train={}"],
    "spike-shapes_HH52": USUAL[:1],  # they need its records
    "clamp-spectrum_G11": [*USUAL, "analysis.spectrum={}"],  # its segment is longer than a trial
    "noise-analysis_OS12": [*USUAL, "run.trials=2"],  # a variance over sweeps needs two
    "f-I_SW79": [*USUAL, "analysis.tuning={}"],  # it settles for longer than a trial
    "dc-current_G11": [*USUAL, "analysis.tuning={}"],
    "stochastic-resonance_SGH01": [  # two cycles of its sine
        *USUAL,
        "run.duration=50 ms",
        "analysis.stochastic_resonance={neighbours=1}",
    ],
    "pulse-train_R99": [
        *USUAL,
        "figure={}",
        'sweep={"stimulus.0.amplitude"=["22 pA", "30 pA"], "stimulus.0.interval"=["0.5 ms"]}',
    ],
    "strength-duration_R95": [
        *USUAL[1:],
        'sweep={"stimulus.0.duration"=["0.1 ms", "0.3 ms", "1 ms"], '
        '"stimulus.0.amplitude"=["7 pA", "12 pA", "30 pA"]}',
    ],
    "refractory-node_MAR01": [
        *USUAL[1:],
        'sweep={"stimulus.1.start"=["1.5 ms", "2 ms"], "stimulus.1.amplitude"=["20 pA", "30 pA"]}',
    ],
    "supernormal-squid": [
        *USUAL,
        'sweep={"stimulus.1.start"=["11 ms", "21 ms"], "stimulus.1.amplitude"=["30 uA/cm^2"]}',
    ],
    "subthreshold-noise_SMK00": [*USUAL[1:], "analysis.voltage_spectrum={}", "figure={}"],
    "whose-noise": [*USUAL[1:], "analysis.voltage_spectrum={}", "figure={}"],
    "diameter-limit_FWL05": [
        "run.duration=20 ms",
        'sweep={"cell.axon.section.shaft.diameter"=["0.1 um", "0.2 um"]}',
    ],
    "dominoes": ["run.record.interval=0.1 ms"],
    "fork": [],
    "myelinated": [],
    "neuromuscular_DCK54": [],
    "node-chain_OM09": ["run.duration=30 ms", 'sweep={"membranes.node.count_factor"=[0.3, 1.0]}'],
    "squid-axon_HH52": ["run.step=0.02 ms", "cell.axon.compartment=0.1"],
    "thin-axon_FL07": ["run.duration=10 ms"],
    "two-neurons": ["run.duration=30 ms"],
    "information_SST99": [*USUAL, "run.trials=2", "run.duration=400 ms"],  # 20 words of 18 ms
}


@pytest.mark.parametrize("name", sorted(library_scenarios()))
def test_every_scenario_runs_end_to_end(name, tmp_path):
    overrides = ["run.trials=1", *SMALL.get(name, USUAL)]
    result = stochhh.run(name, overrides=overrides, seed=1)
    summary = stochhh.save(result, tmp_path)
    if result.method == "exact":  # others count none
        assert summary["transitions"] > 10  # five channels make few in 30 ms
    else:
        assert result["voltage"].std("time").max() > 0.1
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", sorted(library_scenarios()))
def test_every_scenario_says_what_it_is_and_where_it_comes_from(name):
    scenario = load_experiment(name)
    assert scenario.about.strip()
    assert all(source.startswith("doi:10.") for source in scenario.cite)
    assert scenario.cite
    assert load_scenario_text(resolved_toml(scenario)).data == load_experiment(scenario).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


def load_scenario_text(text):
    import tomllib

    return load_experiment(tomllib.loads(text))


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
