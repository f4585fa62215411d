"""Studies find what the pure functions find, and refuse what they cannot be made of."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from harness import LEVEL
from scipy import stats
from study_checks import check_table

import stochhh
from stochhh import theory
from stochhh.analysis.applicable import filled_settings, spans_sweep
from stochhh.analysis.complete import complete_law
from stochhh.analysis.estimates import Estimate, median_estimate
from stochhh.analysis.noise import count_channels, mean_variance
from stochhh.analysis.records import recorded_trace
from stochhh.analysis.setup import Setup
from stochhh.analysis.single_channel import (
    bursts,
    dwell_times_ms,
    first_latencies_ms,
    idealise,
    open_probability,
)
from stochhh.analysis.spectra import (
    band_ratios,
    expected_spectrum,
    octave_bands,
    sampled_autocovariance,
    trial_spectra,
)
from stochhh.errors import InputError
from stochhh.kinetics.files import load_scheme
from stochhh.membrane import build_membrane
from stochhh.result import Result
from stochhh.scenario import (
    file_schema,
    library_scenarios,
    load_experiment,
    load_scenario,
)
from stochhh.simulate import plan, resolve
from stochhh.studies import STUDY_NAMES, analyse, find_study
from stochhh.studies.making import numbers_of, write_outcomes

BARE = ["run.deterministic=false"]
NOISE, SPECTRUM = "noise-analysis_OS12", "clamp-spectrum_G11"
DWELL, SINGLE = "dwell-times_CH81", "single-channel_K"
SCENARIO_OF = dict(zip(("noise", "spectrum", "dwell_times", "single_channel"),
                       (NOISE, SPECTRUM, DWELL, SINGLE), strict=True))  # fmt: skip
REACH = stats.norm.isf(LEVEL / 2)  # standard errors


@pytest.fixture(scope="module")
def swept_noise():
    """Two points of 60 sweeps each: 300 channels and 600."""
    sweep = 'sweep={"membrane.channels.0.count"=[300, 600]}'
    return stochhh.run(NOISE, overrides=[*BARE, sweep], seed=1, trials=60)


@pytest.fixture(scope="module")
def noisy():
    return stochhh.run(NOISE, overrides=BARE, seed=1, trials=60)


@pytest.fixture(scope="module")
def stationary():
    small = ["membrane.area=1 um^2", "run.duration=400 ms", "analysis.spectrum.segment=50 ms"]
    small.append("analysis.spectrum.lowest=20 Hz")
    return stochhh.run(SPECTRUM, overrides=[*BARE, *small], seed=1, trials=6)


@pytest.fixture(scope="module")
def stepped():
    return stochhh.run(SINGLE, overrides=BARE, seed=1, trials=12)


def setup_of(name, overrides=()):
    scenario = load_scenario(name, overrides)
    return Setup(scenario, build_membrane(scenario.membrane, name))


def numbers(result, study, *overrides):
    (outcome,) = analyse(result, [study], [f"{study}.{text}" for text in overrides])
    return outcome.findings.numbers


# What a study is asked for


@pytest.mark.parametrize("name", STUDY_NAMES)
def test_every_study_has_its_module_and_a_scenario_that_names_it(name):
    assert find_study(name).title
    assert isinstance(spans_sweep(name), bool)
    named = [load_experiment(path) for path in library_scenarios().values()]
    assert any(name in scenario.analysis.studies for scenario in named)


def test_every_study_has_its_table_and_its_check():
    for name, scenario in SCENARIO_OF.items():
        assert filled_settings(name, setup_of(scenario), "x").start_ms is not None
    with pytest.raises(InputError, match=r"no study 'noize'; did you mean 'noise'\?"):
        find_study("noize")


def test_false_leaves_out_a_study_of_the_base():
    (key,) = load_scenario(NOISE).analysis.studies
    assert key == "noise"
    off = load_scenario(NOISE, ["analysis.noise=false", "analysis.spikes.threshold=-10 mV"])
    assert off.analysis.studies == {}
    assert off.analysis.spikes.threshold_mV == -10.0  # the rest of the table stays
    assert load_scenario({"base": NOISE, "analysis": {"noise": False}}).analysis.noise is None
    with pytest.raises(InputError, match=r"analysis\.noise: got true, but"):
        load_scenario(NOISE, ["analysis.noise=true"])
    import jsonschema

    table = file_schema()
    analysis = {"$ref": "#/$defs/Analysis", "$defs": table["$defs"]}
    jsonschema.validate({"noise": False, "spectrum": {"segment": "1 s"}}, analysis)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"noise": True}, analysis)


# fmt: off
REFUSED = [
    # noise
    (NOISE, "run.trials=1", r"analysis\.noise: needs sweeps to compare, run\.trials of 2 or more, "
     r"not 1; or leave it out with --set analysis\.noise=false"),
    (NOISE, "run.method=deterministic", r"analysis\.noise: a deterministic run has no noise; .*"
     r"--set analysis\.noise=false"),
    (NOISE, "analysis.noise.population=squid-na", r"analysis\.noise\.population: no population "
     r"'squid-na'; did you mean 'squid-k'\?"),
    (NOISE, "analysis.noise.start=6 ms", r"analysis\.noise\.start: from 6 to 6 ms is no stretch"),
    (NOISE, "analysis.noise.end=7 ms", r"analysis\.noise\.end: from 0 to 7 ms is no stretch"),
    (NOISE, "analysis.noise.bins=2", r"analysis\.noise\.bins: got 2, but"),
    (NOISE, "analysis.noise.offset=1", r"analysis\.noise\.offset: got 1, but"),
    (NOISE, "analysis.noise.differences=yes", r'noise\.differences: got "yes" \(a text\), but'),
    (NOISE, "analysis.noise.bin=20", r"analysis\.noise: unknown key 'bin'; did you mean 'bins'"),
    (NOISE, "clamp.holding=70 mV", r"analysis\.noise\.start: 'squid-k' is at equilibrium at 0 ms "
     r"already; the mean current must rise or fall"),
    (NOISE, "membrane.channels.0.noise=false; run.method=leap", r"analysis\.noise\.population: "
     r"'squid-k' has no noise; it was given noise = false"),
    (NOISE, "membrane.channels.0.count=0", r"analysis\.noise\.population: 'squid-k' has no ch"),
    (NOISE, 'clamp.segment=[{kind="ramp", from="-90 mV", to="70 mV", duration="6 ms"}]',
     r"analysis\.noise\.start: the voltage moves from 0 to 6 ms; need it held"),
    (SPECTRUM, "analysis={noise={population=\"squid-k\"}}", r"analysis\.noise\.population: the "
     r"current of 'squid-k' is not recorded; add \"current\" to run\.record\.variables"),
    (SPECTRUM, "analysis={noise={}}", r"analysis\.noise\.population: name one of several: "
     r'"squid-na", "squid-k"'),
    ("spontaneous_CW96", "analysis.spectrum={}", r"analysis\.spectrum: needs a held voltage; give "
     r"the scenario a \[clamp\]"),
    # spectrum
    (SPECTRUM, "run.method=deterministic", r"analysis\.spectrum: a deterministic run has no noise"),
    (SPECTRUM, 'analysis.spectrum.populations=["squid"]', r"analysis\.spectrum\.populations: no "
     r"population 'squid'"),
    (SPECTRUM, "analysis.spectrum.quantity=closed", r"analysis\.spectrum\.quantity: got 'closed'"),
    (SPECTRUM, "analysis.spectrum.quantity=current", r'analysis\.spectrum\.quantity: "current" is '
     r"not recorded; add it to run\.record\.variables"),
    (SPECTRUM, "analysis.spectrum.segment=0.3 ms", r"analysis\.spectrum\.segment: 0\.3 ms; need 8 "
     r"records of 0\.05 ms or more in it"),
    (SPECTRUM, "analysis.spectrum.segment=3 s", r"analysis\.spectrum\.segment: 3000 ms; need .* no "
     r"more than the stretch from 0 to 2000 ms"),
    (SPECTRUM, "analysis.spectrum.lowest=1 Hz", r"analysis\.spectrum\.lowest: 1 Hz is below the "
     r"resolution of a segment of 500 ms, 2 Hz"),
    (SPECTRUM, "analysis.spectrum.highest=11 kHz", r"analysis\.spectrum\.highest: 11000 Hz; need "
     r"more than 2 Hz and at most half the sampling frequency, 10000 Hz"),
    (SPECTRUM, "analysis.spectrum.highest=1 Hz", r"analysis\.spectrum\.highest: 1 Hz; need more"),
    (SPECTRUM, "analysis.spectrum.highest=5", r"analysis\.spectrum\.highest: .*unit"),
    (SPECTRUM, "membrane.channels.0.noise=false; membrane.channels.1.noise=false; "
     "run.method=leap", r"analysis\.spectrum: no population has noise"),
    (SPECTRUM, 'clamp.segment=[{kind="step", level="20 mV", duration="2 s"}]',
     r"analysis\.spectrum\.start: the mean of 'squid-na' has not settled at 0 ms; it has at \"100"),
    # dwell_times
    (DWELL, "run.record.channels=0; figure={}", r"analysis\.dwell_times\.population: no "
     r"channel is followed; set run\.record\.channels, as in 20"),
    (DWELL, "analysis.dwell_times.population=squid", r"analysis\.dwell_times\.population: no pop"),
    (DWELL, "analysis.dwell_times.critical_gap=3", r"analysis\.dwell_times\.critical_gap: .*unit"),
    (DWELL, "analysis.dwell_times.latency_from=2 s", r"analysis\.dwell_times\.latency_from: 2000 ms"
     r" is not before the end of a trial, 2000 ms"),
    (DWELL, "analysis.dwell_times.bins_per_decade=1", r"dwell_times\.bins_per_decade: got 1, but"),
    (DWELL, "analysis.dwell_times.start=3 s", r"analysis\.dwell_times\.start: from 3000 to 2000"),
    # single_channel
    (SINGLE, "analysis.single_channel.channels=6", r"analysis\.single_channel\.channels: 6 of "
     r"'squid-k', but 5 are followed; raise run\.record\.channels"),
    (SINGLE, "analysis.single_channel.sweeps=0", r"analysis\.single_channel\.sweeps: got 0, but"),
    (SINGLE, "analysis.single_channel.corner=0 Hz", r"analysis\.single_channel\.corner: "),
    (SINGLE, "analysis.single_channel.poles=6", r"analysis\.single_channel\.poles: got 6"),
    (SINGLE, "analysis.single_channel.interval=50 ms", r"analysis\.single_channel\.interval: "
     r'"50 ms" gives 1\.8 samples from 0 to 90 ms; need 2 to 10 million'),
    (SINGLE, "analysis.single_channel.noise=0.1 mV", r"analysis\.single_channel\.noise: .*pA"),
    (SINGLE, "analysis.single_channel.end=91 ms", r"analysis\.single_channel\.end: from 0 to 91"),
]
# fmt: on


@pytest.mark.parametrize(("scenario", "override", "message"), REFUSED)
def test_what_a_study_cannot_be_made_of_is_refused_before_the_run(scenario, override, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(resolve(scenario, override.split("; "), seed=1))
    assert len(str(refused.value).splitlines()) == 1


def test_what_settings_leave_open_is_filled_in_from_the_protocol():
    noise = filled_settings("noise", setup_of(NOISE, ["analysis.noise={}"]), "x")
    assert (noise.population, noise.start_ms, noise.end_ms) == ("squid-k", 0.0, 6.0)
    dwell = filled_settings("dwell_times", setup_of(SINGLE), "x")
    assert (dwell.start_ms, dwell.end_ms, dwell.latency_from_ms) == (10.0, 80.0, 10.0)
    late = setup_of(SINGLE, ["analysis.dwell_times.start=85 ms"])
    assert filled_settings("dwell_times", late, "x").end_ms == 90.0
    early = setup_of(SINGLE, ["analysis.dwell_times.end=5 ms"])
    assert filled_settings("dwell_times", early, "x").start_ms == 0.0
    assert filled_settings("dwell_times", setup_of(DWELL), "x").latency_from_ms is None
    record = filled_settings("single_channel", setup_of(SINGLE), "x")
    assert (record.start_ms, record.end_ms, record.channels) == (0.0, 90.0, 5)
    spectrum = filled_settings("spectrum", setup_of(SPECTRUM, ["analysis.spectrum={}"]), "x")
    assert (spectrum.segment_ms, spectrum.populations) == (250.0, ())
    assert (spectrum.lowest_per_ms, spectrum.highest_per_ms) == (pytest.approx(0.004), 10.0)
    short = ["analysis.spectrum={}", "run.duration=30 ms", "run.record.interval=0.5 ms"]
    assert (
        filled_settings("spectrum", setup_of(SPECTRUM, short), "x").segment_ms == 4.0
    )  # 8 records
    opened = setup_of(SPECTRUM, ['analysis.spectrum={quantity="open", segment="10.03 ms"}'])
    spectrum = filled_settings("spectrum", opened, "x")
    assert spectrum.populations == ("squid-na", "squid-k")
    assert spectrum.segment_ms == pytest.approx(10.05)  # whole records


def test_settings_of_analyse_win_over_the_scenario(noisy):
    assert numbers(noisy, "noise", "start=1 ms", "offset=true")["start_ms"] == 1.0
    with pytest.raises(InputError, match=r"--set bins=3: need STUDY\.KEY=VALUE of a study that is"):
        analyse(noisy, ["noise"], ["bins=3"])
    with pytest.raises(InputError, match=r"--set spectrum\.bins=3: .*known: noise"):
        analyse(noisy, None, ["spectrum.bins=3"])
    with pytest.raises(InputError, match=r"analysis\.dwell_times\.population: no channel is foll"):
        analyse(noisy, ["dwell_times"])
    with pytest.raises(InputError, match=r"no study 'reliable'"):
        analyse(noisy, ["reliable"])
    assert [one.name for one in analyse(noisy, ["noise", "noise"])] == ["noise"]


# What the command says about channels


def test_setup_knows_the_command_and_the_law_it_leaves():
    setup = setup_of(SINGLE)
    assert [tuple(piece) for piece in setup.pieces] == [
        (0.0, 10.0, -90.0, -90.0),
        (10.0, 80.0, -20.0, -20.0),
        (80.0, 90.0, -90.0, -90.0),
    ]
    assert setup.longest_held.start_ms == 10.0
    assert setup.first_step().start_ms == 10.0
    assert (setup.held_mV(20.0, 80.0), setup.held_mV(5.0, 15.0)) == (-20.0, None)
    (population,) = setup.membrane.populations
    assert setup.carries_alone(population)
    scheme = load_scheme("squid-k")
    rest = theory.stationary_law(scheme.generator(-90.0))
    np.testing.assert_allclose(setup.law_at(population, 10.0), rest, atol=1e-12)
    after = rest @ theory.propagator(scheme.generator(-20.0), 3.0)
    np.testing.assert_allclose(setup.law_at(population, 13.0), after, atol=1e-12)
    assert setup.unsettled(population, 10.0, -90.0) == pytest.approx(0.0, abs=1e-6)
    assert setup.unsettled(population, 10.0, -20.0) > 1.0
    free = setup_of("spontaneous_CW96")
    assert (free.pieces, free.longest_held, free.first_step()) == ((), None, None)
    assert free.law_at(free.membrane.populations[0], 1.0) is None


def test_law_after_a_ramp_is_that_of_the_propagated_ramp():
    ramp = 'clamp.segment=[{kind="ramp", from="-90 mV", to="70 mV", duration="6 ms"}]'
    setup = setup_of(NOISE, ["analysis.noise=false", ramp])
    (population,) = setup.membrane.populations
    scheme, (piece,) = load_scheme("squid-k"), setup.pieces
    assert (piece.first_mV, piece.last_mV, setup.held_mV(0.0, 6.0)) == (-90.0, 70.0, None)
    law = theory.stationary_law(scheme.generator(-90.0))
    for k in range(3000):  # thin slices of constant voltage
        law = law @ theory.propagator(scheme.generator(-90.0 + 80.0 * (k + 0.5) / 3000), 1e-3)
    np.testing.assert_allclose(setup.law_at(population, 3.0), law, atol=1e-6)


# A study's numbers are those of the pure functions


def test_noise_counts_the_channels_of_the_sweeps(noisy, tmp_path):
    sweeps, time = noisy["total_current"].values, noisy["time"].values
    found, expected = numbers(noisy, "noise"), count_channels(sweeps)
    for name in ("unitary_current_pA", "n_channels", "open_probability"):
        estimate = getattr(expected, name)
        assert found[name] == estimate.value
        assert tuple(found[f"{name}_ci"]) == estimate.interval
    assert found["unitary_current_pA_theory"] == pytest.approx(0.02 * 147.0)
    assert found["n_channels_theory"] == 300
    assert found["open_probability_theory"] == pytest.approx(0.9276, abs=1e-4)
    assert (found["sweeps"], found["voltage_mV"]) == (60, 70.0)
    late = numbers(noisy, "noise", "start=1 ms", "differences=true", "offset=true", "bins=20")
    kept = sweeps[:, time > 1.0 + 1e-9]  # a record at the start is of what was before
    again = count_channels(kept, offset=True, differences=True, n_bins=20)
    assert late["offset_pA2"] == pytest.approx(again.offset_pA2.value, rel=1e-6)
    assert late["unitary_current_pA"] == pytest.approx(again.unitary_current_pA.value, rel=1e-6)
    outcomes = analyse(noisy)
    picture, table = write_outcomes(outcomes, tmp_path)
    assert (picture.name, table.name) == ("noise.png", "noise.csv")
    rows = np.genfromtxt(table, delimiter=",", names=True)
    np.testing.assert_allclose(rows["time_ms"], time)
    np.testing.assert_allclose(rows["variance_pA2"], mean_variance(sweeps).variance)


def test_trials_that_an_interrupted_run_never_made_are_left_out(noisy):
    cut = noisy.dataset.copy(deep=True)
    cut["final_voltage"][40:] = np.nan
    cut["total_current"][40:] = np.nan
    found = numbers(Result(cut), "noise")
    assert found["sweeps"] == 40
    assert (
        found["n_channels"] == count_channels(noisy["total_current"].values[:40]).n_channels.value
    )


def test_spectrum_compares_each_population_with_its_own_theory(stationary, tmp_path):
    found = numbers(stationary, "spectrum")
    assert (found["quantity"], list(found["signals"])) == ("open", ["squid-na", "squid-k"])
    counts = stationary["open"].sel(population="squid-k").values
    measured = trial_spectra(counts, 0.05, 50.0)
    scheme = load_scheme("squid-k")
    is_open = np.array(scheme.is_open, dtype=float)
    law = scheme.generator(-45.0), is_open, 18
    expected = expected_spectrum(sampled_autocovariance(*law, 0.05, 1000), 0.05)
    signal = found["signals"]["squid-k"]
    ratios = band_ratios(measured, expected, octave_bands(20.0, 5000.0))
    assert [band["ratio"] for band in signal["bands"]] == [one.ratio.value for one in ratios]
    assert [tuple(one["ratio_ci"]) for one in signal["bands"]] == [r.ratio.interval for r in ratios]
    assert signal["variance"] == pytest.approx(counts.var())
    p = theory.stationary_law(scheme.generator(-45.0)) @ is_open
    assert signal["variance_theory"] == pytest.approx(18 * p * (1 - p))
    shares = [one["share_theory"] for one in signal["components"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0, abs=0.01)
    rates = np.sort(-np.linalg.eigvals(scheme.generator(-45.0)).real)[1:]
    corners = sorted(one["corner_hz_theory"] for one in signal["components"])
    np.testing.assert_allclose(corners, 1e3 * rates / (2 * np.pi), rtol=1e-6)
    _, table = write_outcomes(analyse(stationary), tmp_path)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    mine = [float(row["measured_per_hz"]) for row in rows if row["signal"] == "squid-k"]
    np.testing.assert_allclose(mine, measured.density.mean(axis=0))


def test_clamp_current_has_the_noise_of_all_populations(stationary):
    settings = ["populations=[]", "quantity=current"]
    (name, signal), *others = numbers(stationary, "spectrum", *settings)["signals"].items()
    assert (name, others) == ("clamp current", [])
    variance = 0.0
    for scheme, count, reversal in (("squid-na", 60, 50.0), ("squid-k", 18, -77.0)):
        of = load_scheme(scheme)
        p = theory.stationary_law(of.generator(-45.0)) @ np.array(of.is_open)
        variance += count * p * (1 - p) * (0.02 * (-45.0 - reversal)) ** 2
    assert signal["variance_theory"] == pytest.approx(variance)
    assert {one["population"] for one in signal["components"]} == {"squid-na", "squid-k"}


def test_dwell_times_are_those_of_the_idealised_records(stepped, tmp_path):
    found = numbers(stepped, "dwell_times", "critical_gap=2 ms")
    records = idealise(stepped, "squid-k", 0, 10.0, 80.0)
    scheme = load_scheme("squid-k")
    generator, is_open = scheme.generator(-20.0), np.array(scheme.is_open)
    for name, mask in (("open", is_open), ("shut", ~is_open)):
        times, law = dwell_times_ms(records, name), theory.dwell_law(generator, mask)
        assert (found[name]["count"], found[name]["mean_ms"]) == (len(times), times.mean())
        assert found[name]["law_mean_ms_theory"] == pytest.approx(theory.mean_ms(law))
        assert found[name]["mean_ms_theory"] == complete_law(law, 70.0).mean_ms
        constants = [one["time_constant_ms_theory"] for one in found[name]["components"]]
        np.testing.assert_allclose(constants, theory.components(law).time_constant_ms)
    assert found["open_probability"] == open_probability(records).value
    groups = bursts(records, 2.0)
    assert found["bursts"]["count"] == len(groups.duration_ms)
    assert found["bursts"]["length_ms"] == groups.duration_ms.mean()
    by_gap = theory.bursts_by_gap(generator, is_open, 2.0)
    assert found["bursts"]["openings_theory"] == pytest.approx(by_gap.mean_openings)
    latencies = first_latencies_ms(stepped, "squid-k", 10.0, 80.0).ravel()
    assert found["first_latency"]["channels"] == 60
    opened = latencies[np.isfinite(latencies)]
    assert found["first_latency"]["opened"] == len(opened) / 60
    late = np.where(np.isnan(latencies), np.inf, latencies)
    assert found["first_latency"]["median_ms"] == np.median(late)
    rest = theory.stationary_law(scheme.generator(-90.0))
    wait, median = theory.first_latency(generator, is_open, rest), found["first_latency"]
    assert theory.survivor(wait, [median["median_ms_theory"]]) == pytest.approx(0.5, abs=1e-9)
    _, table = write_outcomes(analyse(stepped, ["dwell_times"]), tmp_path)
    rows = list(csv.reader(table.read_text().splitlines()))[1:]
    written = [float(time) for what, time in rows if what == "open time"]
    np.testing.assert_array_equal(written, dwell_times_ms(records, "open"))
    assert [what for what, _ in rows].count("first latency") == 60


def test_single_channel_records_what_an_amplifier_would(stepped, tmp_path):
    (outcome,) = analyse(stepped, ["single_channel"])
    found = outcome.findings.numbers
    assert found["unitary_current_pA_theory"] == pytest.approx(0.02 * 57.0)
    assert found["unitary_over_noise_theory"] == pytest.approx(1.14 / 0.15)
    assert found["dead_time_ms"] == pytest.approx(0.179 / 2.0)
    records = idealise(stepped, "squid-k")
    times = dwell_times_ms(records, "open")
    assert found["open_times"] == len(times)
    assert found["open_times_hidden"] == np.mean(times < 0.0895)
    assert found["open_probability"] == open_probability(records).value
    files = {path.name: path for path in write_outcomes([outcome], tmp_path)}
    assert sorted(files) == [
        "single_channel.dwt",
        "single_channel.png",
        "single_channel_events.csv",
        "single_channel_traces.csv",
    ]
    rows = np.genfromtxt(files["single_channel_traces.csv"], delimiter=",", names=True)
    clean = [
        recorded_trace(stepped, "squid-k", rng=np.random.default_rng(0), corner_khz=2.0,
                       interval_ms=0.05, channels=range(5), trial=trial)
        for trial in range(3)
    ]  # fmt: skip
    noise = np.array([rows[f"trial_{k}_pA"] - clean[k].current_pA for k in range(3)])
    assert noise.std() == pytest.approx(0.15, rel=0.1)
    assert np.abs(np.corrcoef(noise)[np.triu_indices(3, 1)]).max() < 0.15  # a stream a sweep
    again = write_outcomes(analyse(stepped, ["single_channel"]), tmp_path / "again")
    for path in again[1:]:
        assert path.read_bytes() == files[path.name].read_bytes()


# Truths are found


def test_mean_dwell_times_of_long_and_of_short_records_are_those_of_theory():
    """45 000 openings tell 3 % apart; short records show shorter ones, as expected."""
    small = ["run.duration=60 ms", "analysis.dwell_times.critical_gap=3 ms"]
    result = stochhh.run(DWELL, overrides=[*BARE, *small], seed=1, trials=330)
    found = numbers(result, "dwell_times")
    for name in ("open", "shut"):
        mine = found[name]
        low, high = mine["mean_ms_ci"]
        error = (high - low) / (2 * 1.96)
        assert abs(mine["mean_ms"] - mine["mean_ms_theory"]) < REACH * error
        # negative control: the law that forgets that long times do not fit in
        assert abs(mine["mean_ms"] - mine["law_mean_ms_theory"]) > REACH * error
        assert abs(mine["mean_ms"] - 1.03 * mine["mean_ms_theory"]) > REACH * error


def test_complete_law_of_an_exponential_is_known():
    """Density exp(-t)(T - t)/(T - 1 + exp(-T)), integrated by hand."""
    law = theory.PhaseType(np.array([1.0]), np.array([[-1.0]]), np.array([1.0]))
    for record in (0.5, 3.0, 1e6):
        whole = record - 1 + np.exp(-record)
        mean = record - 2 + np.exp(-record) * (record + 2)
        found = complete_law(law, record)
        assert found.mean_ms == pytest.approx(mean / whole, rel=1e-4)
        times = np.array([0.0, 0.1, 0.3]) * min(record, 3.0)
        left = (record - times - 1) * np.exp(-times) + np.exp(-record)
        np.testing.assert_allclose(found.lasts(times), left / whole, rtol=1e-4)


def test_median_interval_is_exact_and_a_median_may_not_have_come():
    assert median_estimate(np.arange(5.0)).interval is None
    assert median_estimate(np.arange(6.0)) == Estimate(2.5, (0.0, 5.0))
    assert median_estimate(np.array([])).value is None
    never = median_estimate(np.array([1.0, 2.0, *[np.inf] * 8]))
    assert (never.value, never.interval) == (np.inf, (2.0, np.inf))
    for n in (6, 11, 50, 101):
        low, high = median_estimate(np.arange(float(n))).interval
        missed = stats.binom.cdf(low, n, 0.5) + stats.binom.sf(high, n, 0.5)
        one_in = stats.binom.cdf(low + 1, n, 0.5) + stats.binom.sf(high - 1, n, 0.5)
        assert missed <= 0.05 < one_in


# Points, problems, tables


def test_each_point_of_a_sweep_is_studied_and_written(swept_noise, tmp_path):
    outcomes = analyse(swept_noise)
    assert [one.point for one in outcomes] == [0, 1]
    assert "0 count 600" in outcomes[1].heading
    expected = count_channels(swept_noise.point(1)["total_current"].values).n_channels
    assert numbers_of(outcomes, 1)["noise"]["n_channels"] == expected.value
    assert numbers_of(outcomes, 1)["noise"]["n_channels_theory"] == 600
    summary = stochhh.save(swept_noise, tmp_path)
    assert summary["points"][1]["analysis"] == json.loads(json.dumps(numbers_of(outcomes, 1)))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"noise_0.png", "noise_1.png", "noise_0.csv", "noise_1.csv"} <= names


def test_what_the_data_do_not_allow_is_said_and_the_rest_is_kept(tmp_path):
    short = [
        "run.duration=0.1 ms",
        "clamp.start=0 ms",
        "clamp.segment=[]",
        "run.record.interval=0.05 ms",
    ]
    short.append("analysis.single_channel=false")
    result = stochhh.run(SINGLE, overrides=[*BARE, *short], seed=1, trials=2)
    with pytest.raises(InputError, match=r"analysis\.dwell_times: no complete opening or shutting"):
        analyse(result)
    (outcome,) = analyse(result, strict=False)
    assert outcome.findings is None
    assert numbers_of([outcome]) == {"dwell_times": {"problem": outcome.problem}}
    summary = stochhh.save(result, tmp_path)
    assert "no complete opening" in summary["analysis"]["dwell_times"]["problem"]
    names = {path.name for path in tmp_path.iterdir()}
    assert "result.nc" in names
    assert "dwell_times.png" not in names


@pytest.mark.parametrize("study", SCENARIO_OF)
def test_every_row_of_a_table_has_its_number(study, noisy, stationary, stepped):
    result = {"noise": noisy, "spectrum": stationary}.get(study, stepped)
    (outcome,) = analyse(result, [study])
    check_table(outcome)
