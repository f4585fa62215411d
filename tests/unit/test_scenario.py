"""Scenario files: finding, inheriting, overriding, refusing, sweeping, writing resolved."""

from __future__ import annotations

import copy
import os
import tomllib

import pytest
import tomli_w

from stochhh.circuit.build import build_network
from stochhh.errors import InputError
from stochhh.membrane import build_membrane
from stochhh.planning import resolve_experiment
from stochhh.scenario import (
    Circuit,
    expand_sweep,
    file_schema,
    library_scenarios,
    load_experiment,
    load_scenario,
    resolved_toml,
)
from stochhh.scenario.keys import keys_of, retitled, set_key

SMALL = {
    "format": 1,
    "title": "small",
    "membrane": {
        "area": "100 um^2",
        "capacitance": "1 uF/cm^2",
        "channels": [
            {
                "scheme": "squid-na",
                "density": "60 / um^2",
                "conductance": "20 pS",
                "reversal": "50 mV",
            },
            {
                "scheme": "squid-k",
                "name": "potassium",
                "density": "18 / um^2",
                "conductance": "20 pS",
                "reversal": "-77 mV",
            },
        ],
    },
    "stimulus": [{"kind": "step", "amplitude": "5 pA"}],
    "run": {"duration": "100 ms"},
}


def changed(path, value):
    """The small scenario with one entry set, or deleted where `value` is None."""
    tables = copy.deepcopy(SMALL)
    *above, last = path
    inner = tables
    for step in above:
        inner = inner[step] if isinstance(step, int) else inner.setdefault(step, {})
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return tables


def written(folder, name, tables):
    path = folder / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(tables), encoding="utf-8")
    return path


def refused(source, message, overrides=()):
    with pytest.raises(InputError) as caught:
        load_scenario(source, overrides)
    assert message in str(caught.value)
    return str(caught.value)


# ---- finding -------------------------------------------------------------------------------


def test_library_scenarios_load_by_name_and_by_path():
    assert "squid-patch" in library_scenarios()
    for name, path in library_scenarios().items():
        by_name, by_path = load_experiment(name), load_experiment(path)
        assert by_name.name == by_path.name == name
        assert by_name == by_path == load_experiment(str(path))
        if isinstance(by_name, Circuit):
            build_network(by_name)
        else:
            build_membrane(by_name.membrane, name)
        expand_sweep(by_name)


def test_a_mapping_a_file_and_a_scenario_are_one(tmp_path):
    path = written(tmp_path, "small", SMALL)
    from_file, from_tables = load_scenario(path), load_scenario(SMALL)
    assert (from_file.name, from_tables.name) == ("small", "scenario")
    assert from_file.data == from_tables.data == SMALL
    assert load_scenario(from_file) is from_file
    assert load_scenario(from_file, ["run.trials=7"]).run.trials == 7
    assert load_scenario(from_file, ["run.trials=7"]).name == "small"
    assert from_file.run.trials == 1


def test_the_tables_given_are_not_changed():
    tables = copy.deepcopy(SMALL)
    load_scenario(tables, ["membrane.channels.0.count=5", "stimulus=[]", "run.record.channels=3"])
    assert tables == SMALL


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "squid-path",
            "squid-path: neither a file nor a scenario that comes with stochhh; did you",
        ),
        ("squid-path", "did you mean 'squid-patch'"),
        ("qqqq", "known: "),
        ("none.toml", "none.toml: no such file"),
        ("no/such/folder.toml", "no/such/folder.toml: no such file"),
        ("squid-patch.toml", "neither a file nor a scenario"),
        ("", "neither a file nor a scenario"),
        ("a\0b", "neither a file nor a scenario"),
        ("a" * 5000, "neither a file nor a scenario"),
    ],
)
def test_what_cannot_be_found_is_refused(source, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(source, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"format = ", "not valid TOML"),
        (b'title = "\xff"', "not UTF-8 text"),
        (b"#" * 8_000_001, "larger than 8 MB"),
        (b"", "format: missing"),
    ],
)
def test_an_unusable_file_names_itself(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    assert refused(path, message).startswith(f"{path}: ")


def test_an_unreadable_base_names_itself(tmp_path):
    (tmp_path / "below.toml").write_bytes(b"format = ")
    path = written(tmp_path, "above", {**SMALL, "base": "below.toml"})
    assert refused(path, "not valid TOML").startswith(str(tmp_path / "below.toml"))


# ---- values --------------------------------------------------------------------------------


def test_defaults():
    scenario = load_scenario(changed(("stimulus",), None))
    run = scenario.run
    assert (scenario.about, scenario.cite, scenario.stimulus, scenario.sweep) == ("", (), (), {})
    assert (run.trials, run.seed, run.method, run.deterministic) == (1, None, "exact", True)
    assert run.initial.voltage == "rest"
    assert run.initial.voltage_mV is None
    assert (run.initial.displacement_mV, run.initial.result) == (0.0, None)
    assert (run.record.interval_ms, run.record.channels) == (0.1, 0)
    assert run.record.variables == ("voltage", "open", "current")
    assert (run.band_width_mV, scenario.membrane.temperature_degC) == (None, None)
    assert scenario.membrane.count_factor == 1.0
    assert scenario.membrane.leak is None
    spikes = scenario.analysis.spikes
    assert (spikes.threshold_mV, spikes.rearm_mV) == (0.0, -30.0)


def test_values_arrive_in_internal_units():
    scenario = load_scenario(
        SMALL,
        [
            'run.initial={voltage = "-0.07 V", displacement = "15 mV"}',
            "run.record={interval = '50 us', channels = 'all', variables = ['charge']}",
            "run.duration=2 s",
            "run.band_width=500 uV",
            "membrane.temperature=279.45 K",
        ],
    )
    run = scenario.run
    assert run.initial.voltage_mV == pytest.approx(-70.0)
    assert run.initial.displacement_mV == 15.0
    assert run.record.interval_ms == pytest.approx(0.05)
    assert (run.record.channels, run.record.variables) == ("all", ("charge",))
    assert run.duration_ms == 2000.0
    assert run.band_width_mV == pytest.approx(0.5)
    assert scenario.membrane.temperature_degC == pytest.approx(6.3)


CHANNEL, SHAPE = ("membrane", "channels", 0), ("stimulus", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), None, "format: missing"),
        (("format",), 2, "format: got 2; it must be the number 1"),
        (("title",), None, "title: missing"),
        (("title",), "", "title: got '', but string should have at least 1 character"),
        (("about",), "x" * 4001, "…, but string should have at most 4000 characters"),
        (("cite",), "doi", 'cite: got "doi" (a text), but it should be a list'),
        (("stimuli",), [], "unknown key 'stimuli'; did you mean 'stimulus'?"),
        (("stimulus",), {}, "stimulus: got {}, but it should be a list"),
        (("membrane",), None, "membrane: missing"),
        (("membrane",), "squid", 'membrane: got "squid" (a text), but it should be a table'),
        (("membrane", "area"), None, 'membrane.area: missing, write for example "100 um^2"'),
        (
            ("membrane", "area"),
            100,
            "membrane.area: got the bare number 100, need an area with its",
        ),
        (("membrane", "area"), "100 um", 'membrane.area: got "100 um", which is not an area'),
        (
            ("membrane", "area"),
            "-1 um^2",
            'membrane.area: got "-1 um^2", need an area above 0 um^2',
        ),
        (("membrane", "aera"), "1 um^2", "membrane: unknown key 'aera'; did you mean 'area'?"),
        (("membrane", "leak"), {"reversal": "0 mV"}, "membrane.leak.conductance: missing, write"),
        (("membrane", "temperature"), "6.3 mV", 'which is not a temperature; write it as in "6.3'),
        (("membrane", "ligands"), {"ACh": 1}, "membrane.ligands.ACh: got the bare number 1"),
        (("membrane", "count_factor"), 0, "membrane.count_factor: got 0, but it should be greater"),
        (("membrane", "count_factor"), 2e6, "count_factor: got 2000000.0, but it should be less"),
        (
            ("membrane", "count_factor"),
            "2",
            'count_factor: got "2" (a text), but it should be a number',
        ),
        (("membrane", "count_factor"), True, "count_factor: got true, but it should be a number"),
        (
            ("membrane", "channels"),
            [SMALL["membrane"]["channels"][0]] * 101,
            "entries; at most 100 are allowed",
        ),
        ((*CHANNEL, "scheme"), None, "membrane.channels[0].scheme: missing"),
        ((*CHANNEL, "reversal"), None, 'channels[0].reversal: missing, write for example "-65 mV"'),
        (
            (*CHANNEL, "density"),
            "60 um^2",
            'channels[0].density: got "60 um^2", which is not a num',
        ),
        ((*CHANNEL, "count"), 1.5, "channels[0].count: got 1.5, but it should be a whole number"),
        ((*CHANNEL, "count"), -1, "channels[0].count: got -1, but it should be greater than or eq"),
        (
            (*CHANNEL, "conductance"),
            "0 pS",
            'conductance: got "0 pS", need a conductance above 0 nS',
        ),
        (
            (*CHANNEL, "conductanse"),
            "1 pS",
            "channels[0]: unknown key 'conductanse'; did you mean 'c",
        ),
        ((*SHAPE, "kind"), None, "stimulus[0]: kind is missing"),
        ((*SHAPE, "kind"), "stepp", "stimulus[0]: unknown 'kind' 'stepp'; did you mean 'step'?"),
        (
            (*SHAPE, "amplitude"),
            None,
            'stimulus[0].amplitude: missing, write for example "10 uA/cm^2"',
        ),
        (
            (*SHAPE, "amplitude"),
            "5 mV",
            'stimulus[0].amplitude: got "5 mV", which is not a current',
        ),
        ((*SHAPE, "stop"), "5 ms", "stimulus[0]: unknown key 'stop'; "),
        ((*SHAPE, "start"), "-5 ms", 'stimulus[0].start: got "-5 ms", need a time at least 0 ms'),
        (("run", "duration"), "0 ms", 'run.duration: got "0 ms", need a time above zero, such as'),
        (("run", "trials"), 0, "run.trials: got 0, but it should be greater than or equal to 1"),
        (("run", "trials"), "5", 'run.trials: got "5" (a text), but it should be a whole number'),
        (("run", "seed"), -1, "run.seed: got -1, but it should be greater than or equal to 0"),
        (("run", "seed"), 2**63, "run.seed: got 9223372036854775808, but it should be less than"),
        (("run", "method"), "exakt", "run.method: got 'exakt'; did you mean 'exact'?"),
        (
            ("run", "deterministic"),
            "yes",
            'deterministic: got "yes" (a text), but it should be true or false',
        ),
        (("run", "band_width"), "0 mV", 'run.band_width: got "0 mV", need a voltage above zero'),
        (
            ("run", "initial"),
            {"voltage": "rset"},
            'run.initial.voltage: got "rset", need a voltage',
        ),
        (("run", "initial"), {"voltage": -65}, 'such as "-65 mV", or "rest"'),
        (
            ("run", "record"),
            {"variables": ["opne"]},
            "record.variables[0]: got 'opne'; did you mean",
        ),
        (
            ("run", "record"),
            {"channels": "al"},
            "run.record.channels: got 'al'; did you mean 'all'?",
        ),
        (
            ("run", "record"),
            {"channels": -1},
            "run.record.channels: got -1, but it should be greater",
        ),
        (
            ("analysis",),
            {"spikes": {"threshold": "-40 mV"}},
            'analysis.spikes: rearm = "-30 mV" must lie below threshold = "-40 mV"',
        ),
        (
            ("figure",),
            {"panels": ["volts"]},
            "figure.panels[0]: got 'volts'; did you mean 'voltage'?",
        ),
        (
            ("figure",),
            {"traces": -1},
            "figure.traces: got -1, but it should be greater than or equal",
        ),
        (
            ("sweep",),
            {"membrane.area": "1 um^2"},
            'sweep.membrane.area: got "1 um^2" (a text), but it should be',
        ),
        (("sweep",), [], "sweep: got [], but it should be a table"),
    ],
)
def test_a_refused_value_names_file_key_and_need(path, value, message):
    text = refused(changed(path, value), message)
    assert all(line.startswith("scenario: ") for line in text.splitlines())


@pytest.mark.parametrize("kind", ["sine", "chirp"])
def test_numbers_of_stimuli_are_numbers(kind):
    frequency = {"frequency": "1 Hz"} if kind == "sine" else {"from": "1 Hz", "to": "2 Hz"}
    shape = {"kind": kind, "amplitude": "1 pA", **frequency}
    load_scenario(changed(("stimulus",), [shape]))
    refused(changed(("stimulus",), [{**shape, "from": 5}]), "stimulus[0]")
    if kind == "sine":
        for phase in ("0.5", True, float("nan")):
            refused(changed(("stimulus",), [{**shape, "phase": phase}]), "stimulus[0].phase: got ")


# ---- inheritance ---------------------------------------------------------------------------


def test_tables_merge_and_arrays_are_replaced(tmp_path):
    written(tmp_path, "below", SMALL)
    above = {
        "base": "below.toml",
        "title": "above",
        "membrane": {"area": "1 um^2"},
        "run": {"trials": 3},
        "stimulus": [],
    }
    scenario = load_scenario(written(tmp_path, "above", above))
    assert (scenario.name, scenario.title, scenario.membrane.area_um2) == ("above", "above", 1.0)
    assert (scenario.run.trials, scenario.run.duration_ms) == (3, 100.0)
    assert len(scenario.membrane.channels) == 2
    assert scenario.stimulus == ()
    assert "base" not in scenario.data


def test_a_base_may_have_a_base_and_lie_beside_or_in_the_library(tmp_path):
    written(tmp_path / "deep", "a", {"base": "squid-patch", "title": "a", "run": {"trials": 9}})
    written(tmp_path, "b", {"base": "deep/a.toml", "title": "b"})
    scenario = load_scenario(written(tmp_path, "c", {"base": "b.toml", "run": {"seed": 1}}))
    assert (scenario.title, scenario.run.trials, scenario.run.seed) == ("b", 9, 1)
    assert len(scenario.membrane.channels) == 2


def test_a_mapping_may_have_a_base(tmp_path, monkeypatch):
    assert load_scenario({"base": "squid-patch", "title": "x"}).membrane.area_um2 == 100.0
    written(tmp_path, "here", SMALL)
    monkeypatch.chdir(tmp_path)
    assert load_scenario({"base": "here.toml", "title": "x"}).title == "x"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_bases_in_a_circle_are_refused(tmp_path, length):
    for n in range(length):
        written(tmp_path, f"s{n}", {**SMALL, "base": f"s{(n + 1) % length}.toml"})
    refused(tmp_path / "s0.toml", "base: 's0.toml' leads back to itself")


def test_a_very_long_chain_of_bases_is_refused(tmp_path):
    for n in range(30):
        written(tmp_path, f"s{n}", {**SMALL, "base": f"s{n + 1}.toml"})
    written(tmp_path, "s30", SMALL)
    load_scenario(tmp_path / "s20.toml")
    refused(tmp_path / "s0.toml", "leads back to itself")


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("none.toml", "scenario: base: none.toml: no such file"),
        ("squid-path", "scenario: base: squid-path: neither a file nor a scenario that comes with"),
        (5, "scenario: base: got 5, need the name or path of a scenario"),
        ([], "scenario: base: got [], need the name or path of a scenario"),
        ("a" * 5000, "neither a file nor a scenario"),
        ("a\0b", "neither a file nor a scenario"),
    ],
)
def test_a_missing_base_is_refused(base, message):
    refused({**SMALL, "base": base}, message)


def test_paths_are_relative_to_the_file_that_holds_them(tmp_path, monkeypatch):
    folder = tmp_path / "below"
    below = copy.deepcopy(SMALL)
    below["membrane"]["channels"][0]["scheme"] = "mine.toml"
    below["stimulus"] = [{"kind": "file", "path": "wave.csv"}]
    below["run"]["initial"] = {"result": "earlier"}
    written(folder, "below", below)
    path = written(tmp_path, "above", {"base": "below/below.toml"})
    monkeypatch.chdir(os.sep)
    scenario = load_scenario(path)
    assert scenario.membrane.channels[0].scheme == str(folder.resolve() / "mine.toml")
    assert scenario.membrane.channels[1].scheme == "squid-k"
    assert scenario.stimulus[0].path == str(folder.resolve() / "wave.csv")
    assert scenario.run.initial.result == str(folder.resolve() / "earlier")


# ---- overrides -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "read", "value"),
    [
        ('membrane.area="50 um^2"', lambda s: s.membrane.area_um2, 50.0),
        ("membrane.area=50 um^2", lambda s: s.membrane.area_um2, 50.0),  # a shell ate the quotes
        (" membrane.area = '50 um^2' ", lambda s: s.membrane.area_um2, 50.0),
        ("run.trials=7", lambda s: s.run.trials, 7),
        ("run.deterministic=false", lambda s: s.run.deterministic, False),
        ("run.method=deterministic", lambda s: s.run.method, "deterministic"),
        ("run.record.interval=1 ms", lambda s: s.run.record.interval_ms, 1.0),
        ("run.record={channels = 3}", lambda s: s.run.record.channels, 3),
        ('run.record.variables=["voltage"]', lambda s: s.run.record.variables, ("voltage",)),
        ("membrane.channels.0.count=5", lambda s: s.membrane.channels[0].count, 5),
        ("membrane.channels.1.count=5", lambda s: s.membrane.channels[1].count, 5),
        ("membrane.channels.squid-na.count=5", lambda s: s.membrane.channels[0].count, 5),
        ("membrane.channels.potassium.count=5", lambda s: s.membrane.channels[1].count, 5),
        ("stimulus.0.amplitude=9 pA", lambda s: s.stimulus[0].amplitude, 9.0),
        ("stimulus=[]", lambda s: s.stimulus, ()),
        (
            'stimulus.0={kind = "constant", amplitude = "1 pA"}',
            lambda s: s.stimulus[0].kind,
            "constant",
        ),
        ("membrane.leak.conductance=1 nS", None, "membrane.leak.reversal: missing"),
        ("title=a=b", lambda s: s.title, "a=b"),
        ('sweep={"membrane.area" = ["1 um^2"]}', lambda s: len(s.sweep["membrane.area"]), 1),
    ],
)
def test_an_override_wins_over_the_file(override, read, value):
    if read is None:
        refused(SMALL, value, [override])
    else:
        assert read(load_scenario(SMALL, [override])) == value


def test_later_overrides_win_over_earlier_ones():
    assert load_scenario(SMALL, ["run.trials=7", "run.trials=8"]).run.trials == 8


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.trials", '--set run.trials: need KEY=VALUE, such as membrane.area="50 um^2"'),
        ("=5", "--set =5: need KEY=VALUE"),
        ("", "--set : need KEY=VALUE"),
        ("run.trails=5", "run: unknown key 'trails'; did you mean 'trials'?"),
        ("run.trials=many", 'run.trials: got "many" (a text), but it should be a whole number'),
        ("run.trials=", 'run.trials: got "" (a text), but it should be a whole number'),
        ("title.x=5", "--set title.x=5: 'x' is not a table, so nothing below it can be set"),
        ("membrane.channels.2.count=5", "no entry '2'; known: potassium, squid-na"),
        ("membrane.channels.squid-nb.count=5", "no entry 'squid-nb'; did you mean 'squid-na'"),
        ("membrane.channels.squid-k.count=5", "no entry 'squid-k'"),  # its name is potassium
        ("membrane.channels.-1.count=5", "no entry '-1'"),
        ("membrane.channels." + "9" * 5000 + ".count=5", "no entry '999"),
        ("stimulus.1.amplitude=1 pA", "--set stimulus.1.amplitude=1 pA: no entry '1'; known: 0"),
        (
            "stimulus.amplitude=1 pA",
            "no entry 'amplitude'; say of which, as in stimulus.0.amplitude",
        ),
        (
            "membrane.channels.reversal=5 mV",
            "say of which, as in membrane.channels.squid-na.reversal",
        ),
        ("clamp.segment.level=0 mV", "no entry 'level'; there is no segment in the scenario"),
        ("clamp.segment.0.level=0 mV", "no entry '0'; there is no segment in the scenario"),
        ("run.trials=" + "9" * 5000, 'run.trials: got "999'),
        ("run.trials=" + "[" * 5000, 'run.trials: got "[[['),
        ("a." * 5000 + "b=5", "no key has that many dots"),
        ("base=squid-patch", "unknown key 'base'"),
        ("membrane=5", "membrane: got 5, but it should be a table"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(override, message):
    refused(SMALL, message, [override])


@pytest.mark.parametrize("name", library_scenarios())
def test_keys_that_are_listed_are_those_that_set(name):
    data = {k: v for k, v in load_experiment(name).data.items() if k != "sweep"}
    listed = dict(keys_of(data))
    assert {"title", "run.duration"} <= listed.keys()
    for key, value in listed.items():
        assert set_key(data, key, value, "") == data
        assert set_key(data, key, "another", "") != data


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], ""),
        (["run.trials=9", "run.duration=9 ms", "figure.traces=1"], ""),
        (["membrane.area=100 um^2"], ""),  # what it is
        (["membrane.area=50 um2"], "; area 50 µm²"),
        (["membrane.channels.1.density=0 / um^2"], "; squid-k density 0 /µm²"),
        (["membrane.channels.squid-na.noise=false"], "; squid-na noise off"),
        (["stimulus=[]"], "; stimulus changed"),
        (
            ["stimulus.0.amplitude=1 pA", "run.initial.voltage=-60 mV"],
            "; stimulus amplitude 1 pA; initial voltage -60 mV",
        ),
    ],
)
def test_a_title_says_what_was_changed(overrides, said):
    """So that no picture claims what the file's author did not see."""
    whole = "Anatomy of an action potential, made by 7800 channels"
    scenario = load_scenario("action-potential_HH52", overrides)
    assert scenario.title == whole + said
    assert load_scenario(scenario, ["membrane.area=7 um^2"]).title == whole + said  # of a sweep
    assert load_scenario("action-potential_HH52", [*overrides, "title=mine"]).title == "mine"


def test_a_change_of_a_cell_is_said_and_a_long_title_stays(tmp_path):
    changed = ["cell.axon.axial_resistivity=50 ohm cm"]
    assert load_experiment("myelinated", changed).title.endswith(
        "; axon axial resistivity 50 ohm cm"
    )
    one, other = ({"title": "t", "membrane": {"area": text}} for text in ("a\x07", "b"))
    assert retitled(one, other)["title"] == "t; area a\\x07"  # a title may hold nothing unseen
    swapped = load_scenario("squid-patch", ["membrane.channels.0.scheme=squid-na-markov"])
    assert swapped.title.endswith("left alone; membrane changed")
    long = {"format": 1, "title": "x" * 195, "base": "squid-patch"}
    assert load_scenario(long, ["membrane.area=50 um^2"]).title == "x" * 195


def test_what_is_said_of_a_base_is_not_said_of_what_is_built_on_it():
    assert load_scenario("squid-patch").about
    assert load_scenario({"format": 1, "title": "mine", "base": "squid-patch"}).about == ""


def test_a_message_begins_with_what_made_the_mistake(tmp_path):
    """An override that spoils a right file, or a file that was wrong before."""
    path = tmp_path / "mine.toml"
    path.write_text('format = 1\ntitle = "x"\nbase = "squid-patch"\n')
    for overrides in (["run.trials=2", "membrane.area=abc"], ["membrane.area=abc", "run.trials=2"]):
        said = refused(path, "membrane.area: got", overrides)
        assert said.startswith("--set membrane.area=abc: membrane.area: got")
    two = ["run.trials=x", "membrane.area=y"]
    assert refused(path, "run.trials: got", two).startswith("--set run.trials=x: ")
    path.write_text('format = 1\ntitle = "x"\nbase = "squid-patch"\nrun = { trials = 0 }\n')
    said = refused(path, "run.trials: got 0", ["membrane.area=abc"])
    assert said.startswith(f"{path}: run.trials")
    assert load_scenario(path, ["run.trials=2"]).run.trials == 2
    with pytest.raises(InputError, match=r"^--method: got 'exat'; did you mean 'exact'\?$"):
        resolve_experiment("squid-patch", method="exat")


# ---- sweeps --------------------------------------------------------------------------------


def swept(**axes):
    return load_scenario({**SMALL, "sweep": {key.replace("__", "."): v for key, v in axes.items()}})


def test_no_sweep_is_one_point():
    scenario = load_scenario(SMALL)
    (point,) = expand_sweep(scenario)
    assert point.values == {}
    assert point.scenario is scenario


def test_a_sweep_is_a_nested_loop_with_the_last_axis_fastest():
    areas, voltages = ["10 um^2", "30 um^2"], ["-65 mV", "-60 mV", "rest"]
    points = expand_sweep(swept(membrane__area=areas, run__initial__voltage=voltages))
    expected = [(area, voltage) for area in areas for voltage in voltages]
    assert [tuple(point.values.values()) for point in points] == expected
    assert [p.scenario.membrane.area_um2 for p in points] == [10.0] * 3 + [30.0] * 3
    assert [p.scenario.run.initial.voltage_mV for p in points] == [-65.0, -60.0, None] * 2
    assert all(point.scenario.sweep == {} for point in points)
    assert {point.scenario.name for point in points} == {"scenario"}


def test_a_sweep_reaches_entries_of_arrays():
    points = expand_sweep(
        swept(membrane__channels__potassium__count=[1, 2], stimulus__0__amplitude=["1 pA"])
    )
    assert [p.scenario.membrane.channels[1].count for p in points] == [1, 2]
    assert [p.scenario.stimulus[0].amplitude for p in points] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (
            {"run.trials": [1]},
            'sweep."run.trials": only keys of membrane, stimulus, clamp, run.initial can',
        ),
        ({"title": ["a"]}, 'scenario: sweep."title": only keys of membrane'),
        ({"membrane": [{}]}, 'sweep."membrane": only keys of membrane'),
        ({"run.initialx": [1]}, 'such as "membrane.area"'),
        ({"membrane.area": []}, 'scenario: sweep."membrane.area": the list is empty'),
        (
            {"membrane.area": ["1 mV"]},
            "scenario at membrane.area = '1 mV': membrane.area: got \"1 mV\"",
        ),
        ({"membrane.area": ["1 um^2", 5]}, "scenario at membrane.area = 5: membrane.area: got the"),
        ({"membrane.aera": ["1 um^2"]}, "membrane: unknown key 'aera'; did you mean 'area'?"),
        (
            {"membrane.channels.x.count": [1]},
            "sweep.\"membrane.channels.x.count\": no entry 'x'; known: potassium, squid-na",
        ),
        (
            {"membrane.area.x": [1]},
            "scenario: sweep.\"membrane.area.x\": 'x' is not a table, so nothing below",
        ),
        ({"stimulus." + "a." * 5000: [1]}, 'scenario: sweep."[...]": no key has that many dots'),
        (
            {"membrane.area": ["1 um^2"] * 400, "membrane.count_factor": [1] * 300},
            "scenario: sweep: 120000 points; at most 100000 allowed",
        ),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(sweep, message):
    scenario = load_scenario({**SMALL, "sweep": sweep})
    with pytest.raises(InputError) as caught:
        expand_sweep(scenario)
    assert message in str(caught.value)


# ---- writing resolved ----------------------------------------------------------------------

EVERYTHING = [
    'about="µm² and \\"quotes\\""',
    'cite=["doi:10.1016/S0006-3495(96)79494-8"]',
    "membrane.temperature=20 degC",
    'membrane.leak={conductance = "0.3 mS/cm^2", reversal = "-54.4 mV"}',
    'membrane.ligands={ACh = "1 mM"}',
    "membrane.count_factor=2",
    'run.initial={voltage = "-60 mV", displacement = "5 mV"}',
    'run.record={interval = "1 ms", channels = "all", variables = ["voltage", "charge"]}',
    "run.seed=5",
    "run.band_width=0.5 mV",
    'analysis.spikes={threshold = "-10 mV", rearm = "-40 mV"}',
    'figure={panels = ["voltage"], start = "1 ms", annotate = true}',
    'sweep={"membrane.area" = ["1 um^2", "2 um^2"], "membrane.count_factor" = [1, 2.5]}',
]
KINDS = [
    {"kind": "constant", "amplitude": "1 pA"},
    {"kind": "step", "amplitude": "1 uA/cm^2", "start": "1 ms"},
    {"kind": "pulse", "amplitude": "1 pA", "duration": "1 ms"},
    {
        "kind": "pulse-train",
        "amplitude": "1 pA",
        "duration": "1 ms",
        "interval": "2 ms",
        "count": 3,
    },
    {"kind": "ramp", "from": "1 pA", "to": "2 pA", "duration": "1 s"},
    {"kind": "sine", "amplitude": "1 pA", "frequency": "50 Hz", "phase": 0.25},
    {"kind": "chirp", "amplitude": "1 pA", "from": "1 Hz", "to": "50 Hz"},
    {"kind": "noise", "sd": "1 pA", "correlation_time": "1 ms"},
    {"kind": "frozen-noise", "sd": "1 pA", "correlation_time": "1 ms", "seed": 3},
    {"kind": "file", "path": "/wave.csv", "interpolation": "linear", "scale": 2},
]


def same(one, other):
    names = type(one).model_fields
    return [name for name in names if getattr(one, name) != getattr(other, name)] == []


@pytest.mark.parametrize("source", [SMALL, *library_scenarios()])
def test_a_resolved_scenario_reads_as_itself(source, tmp_path):
    scenario = load_experiment(source)
    text = resolved_toml(scenario)
    again = load_experiment(tomllib.loads(text))
    assert same(again, scenario)
    assert resolved_toml(again) == text
    path = tmp_path / f"{scenario.name}.toml"
    path.write_text(text, encoding="utf-8")
    assert load_experiment(path) == load_experiment(path)
    assert same(load_experiment(path), scenario)


def test_every_key_survives_being_written_and_read():
    scenario = load_scenario({**SMALL, "stimulus": KINDS}, EVERYTHING)
    again = load_scenario(tomllib.loads(resolved_toml(scenario)))
    assert same(again, scenario)
    assert again.model_dump() == scenario.model_dump()
    assert resolved_toml(again) == resolved_toml(scenario)


def test_a_resolved_scenario_has_its_defaults_its_texts_and_no_base():
    tables = tomllib.loads(resolved_toml(load_scenario({"base": "squid-patch", "title": "x"})))
    assert "base" not in tables
    assert tables["title"] == "x"
    assert tables["membrane"]["area"] == "100 um^2"
    assert tables["membrane"]["channels"][0]["density"] == "60 / um^2"
    assert tables["run"]["record"]["interval"] == "0.1 ms"
    assert tables["run"]["initial"]["voltage"] == "rest"


# ---- schema for editors --------------------------------------------------------------------


def test_the_schema_of_scenario_files_has_keys_examples_and_defaults_as_written():
    schema = file_schema()
    assert set(schema["properties"]) >= {"base", "membrane", "stimulus", "run", "sweep"}
    assert schema["required"] == ["format"]
    patch, run = schema["$defs"]["MembranePatch"], schema["$defs"]["Run"]
    assert patch["properties"]["area"]["examples"] == ["100 um^2"]
    assert patch["additionalProperties"] is False
    assert run["properties"]["method"]["default"] == "exact"
    record = schema["$defs"]["Record"]["properties"]["interval"]
    assert record["default"] == "0.1 ms"
    assert record["type"] == "string"
    kinds = {name for name, table in schema["$defs"].items() if "kind" in table["properties"]}
    assert kinds >= {"Step", "PulseTrain", "FrozenNoise", "Waveform"}


def test_swept_paths_are_taken_from_the_scenarios_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    for name in ("a", "b"):
        (tmp_path / "here" / f"{name}.csv").write_text("time (ms),current (pA)\n0,1\n1,2\n")
    (tmp_path / "here" / "s.toml").write_text(
        'format=1\ntitle="t"\nbase="squid-patch"\n[[stimulus]]\nkind="file"\npath="a.csv"\n'
        '[sweep]\n"stimulus.0.path"=["a.csv","b.csv"]\n'
    )
    monkeypatch.chdir(tmp_path)
    points = expand_sweep(load_scenario("here/s.toml"))
    paths = [point.scenario.stimulus[0].path for point in points]
    assert paths == [str(tmp_path / "here" / f"{name}.csv") for name in ("a", "b")]


@pytest.mark.parametrize("override", ["membrane.=3", ".run=3", "run..trials=3"])
def test_a_key_with_an_empty_step_is_refused(override):
    with pytest.raises(InputError, match="need KEY=VALUE"):
        load_scenario("squid-patch", [override])


def test_an_override_sets_one_key_even_if_its_value_has_lines():
    with pytest.raises(InputError, match=r"run\.trials: got .3.ntitle"):
        load_scenario("squid-patch", ["run.trials=3\ntitle='x'"])


def test_a_name_that_would_break_the_line_is_quoted():
    tables = {"format": 1, "base": "a\nb"}
    with pytest.raises(InputError) as caught:
        load_scenario(tables)
    assert str(caught.value).startswith("scenario: base: 'a\\nb': neither a file nor a scenario")
    assert "\n" not in str(caught.value)


def test_the_rest_of_a_key_is_said_with_the_entry_that_it_lacks():
    with pytest.raises(InputError, match=r"as in synapse\.synapse\.release\.sites$"):
        load_experiment("two-neurons", ["synapse.release.sites=3"])
