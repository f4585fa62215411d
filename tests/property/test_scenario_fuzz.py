"""Whatever a user writes either is valid or gets an InputError that names the file or key."""

from __future__ import annotations

import copy
import datetime
import string
import tomllib

import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from stochhh import units
from stochhh.circuit.planning import plan_circuit
from stochhh.errors import InputError
from stochhh.fields import validate
from stochhh.kinetics.files import SchemeFile, load_scheme
from stochhh.membrane import build_membrane
from stochhh.scenario import (
    Circuit,
    expand_sweep,
    library_scenarios,
    load_experiment,
    load_scenario,
    resolved_toml,
)
from stochhh.stimulus import Surroundings, compile_stimuli
from stochhh.units import CURRENT
from stochhh.waveform import read_waveform

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a doubt that is said is no fault

# ---- what users write ----------------------------------------------------------------------

UNITS = "um^2 uF/cm^2 pF mM pS nS mS/cm^2 uA/cm^2 pA /um^2 ms s Hz degC K mV V /ms 1/(mM\u00a0ms)"
quantities = st.one_of(
    st.tuples(
        st.one_of(st.floats(), st.integers(), st.sampled_from(["0", "-1", "1e-300", "1e299"])),
        st.sampled_from(UNITS.split(" ")),
    ).map(lambda pair: f"{pair[0]} {pair[1]}"),
    st.text(string.digits + "+-.eE^*/() umVAsF²°°Cµ", max_size=30),
)
scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    quantities,
    st.dates(),
    st.just(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)),
)
words = st.sampled_from(
    [
        "format",
        "title",
        "about",
        "cite",
        "base",
        "membrane",
        "area",
        "temperature",
        "capacitance",
        "leak",
        "conductance",
        "reversal",
        "channels",
        "scheme",
        "name",
        "density",
        "count",
        "maximal_conductance",
        "count_factor",
        "ligands",
        "stimulus",
        "kind",
        "amplitude",
        "start",
        "duration",
        "interval",
        "resolution",
        "from",
        "to",
        "frequency",
        "phase",
        "mean",
        "sd",
        "seed",
        "path",
        "scale",
        "run",
        "trials",
        "method",
        "initial",
        "voltage",
        "displacement",
        "record",
        "variables",
        "band_width",
        "analysis",
        "spikes",
        "threshold",
        "rearm",
        "figure",
        "panels",
        "traces",
        "sweep",
        "membrane.area",
        "stimulus.0.amplitude",
        "gate",
        "power",
        "opening",
        "closing",
        "state",
        "rates",
        "transition",
        "rate",
        "law",
        "midpoint",
        "points",
        "ligand",
        "multiplicity",
    ]
)
keys = st.one_of(words, st.text(max_size=10))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
top_keys = ["title", "cite", "base", "membrane", "stimulus", "run", "analysis", "figure", "sweep"]
tables = st.one_of(
    st.dictionaries(keys, values, max_size=8),
    st.fixed_dictionaries({"format": st.just(1)}, optional=dict.fromkeys(top_keys, values)),
)
numbers = st.one_of(
    st.sampled_from(["0", "-1", "1e-300", "1e-9", "0.1", "3", "100", "1e6", "1e12", "1e299"]),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
)

GOOD = {name: load_experiment(path).data for name, path in library_scenarios().items()}
FULL = {
    **GOOD["squid-patch"],
    "stimulus": [
        {"kind": "step", "amplitude": "1 uA/cm^2", "start": "1 ms"},
        {
            "kind": "pulse-train",
            "amplitude": "1 pA",
            "duration": "1 ms",
            "interval": "2 ms",
            "count": 3,
        },
        {"kind": "ramp", "from": "1 pA", "to": "2 pA", "duration": "9 ms", "resolution": "1 ms"},
        {"kind": "sine", "amplitude": "1 pA", "frequency": "50 Hz", "resolution": "1 ms"},
        {
            "kind": "chirp",
            "amplitude": "1 pA",
            "from": "1 Hz",
            "to": "50 Hz",
            "resolution": "1 ms",
        },
        {"kind": "noise", "sd": "1 pA", "correlation_time": "1 ms", "resolution": "1 ms"},
        {"kind": "frozen-noise", "sd": "1 pA", "correlation_time": "1 ms", "resolution": "1 ms"},
    ],
    "run": {
        "duration": "20 ms",
        "initial": {"voltage": "-65 mV"},
        "record": {"interval": "1 ms", "channels": 3},
    },
    "analysis": {"spikes": {"threshold": "0 mV"}},
    "figure": {"panels": ["voltage"]},
    "sweep": {"membrane.area": ["1 um^2", "2 um^2"], "stimulus.0.amplitude": ["1 pA"]},
}
SCHEME = {
    "format": 1,
    "title": "a receptor",
    "ion": "cations",
    "temperature": "20 degC",
    "q10": 2.5,
    "state": [{"name": "R"}, {"name": "half", "conductance": 0.5}, {"name": "A", "conductance": 1}],
    "rates": {
        "on": {"law": "binding", "rate": "5 / (mM ms)", "ligand": "ACh"},
        "off": {"law": "constant", "rate": "8 / ms"},
        "up": {"law": "table", "points": [["-80 mV", "1 / ms"], ["0 V", "2000 / s"]]},
        "down": {"law": "sigmoid", "rate": "1 / ms", "midpoint": "0 mV", "scale": "5 mV"},
    },
    "transition": [
        {"from": "R", "to": "half", "rate": "on", "multiplicity": 2},
        {"from": "half", "to": "R", "rate": "off"},
        {"from": "half", "to": "A", "rate": "up"},
        {"from": "A", "to": "half", "rate": "down"},
    ],
}
GATED = {
    "format": 1,
    "title": "gates",
    "ion": "K+",
    "gate": [
        {
            "name": "n",
            "power": 4,
            "opening": {
                "law": "linoid",
                "rate": "1 / ms",
                "midpoint": "-55 mV",
                "scale": "10 mV",
            },
            "closing": {"law": "constant", "rate": "1 / ms"},
        }
    ],
}


def places(entry, here=()):
    """Path of every entry inside nested tables and arrays."""
    if here:
        yield here
    if isinstance(entry, dict | list):
        inside = entry.items() if isinstance(entry, dict) else enumerate(entry)
        for step, value in inside:
            yield from places(value, (*here, step))


@st.composite
def mutants(draw, originals):
    """A valid set of tables with one to three entries replaced, dropped, copied or added."""
    mutant = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(list(places(mutant))))
        inner = mutant
        for step in above:
            inner = inner[step]
        actions = ["replace", "number", "drop", "add", "swap", "copy"]
        text = inner[last]
        if isinstance(text, str) and text[:1].isdecimal():
            actions = ["size"] * 12 + actions  # the most likely to stay valid
        action = draw(st.sampled_from(actions))
        if action == "size":
            inner[last] = draw(numbers) + " " + text.partition(" ")[2]
        elif action == "replace":
            inner[last] = draw(values)
        elif action == "number":
            inner[last] = draw(quantities)
        elif action == "drop":
            del inner[last]
        elif action == "copy" and isinstance(inner, list):
            inner.append(copy.deepcopy(inner[last]))
        elif action == "swap":
            other = draw(st.sampled_from(list(places(mutant))))
            taken = mutant
            for step in other:
                taken = taken[step]
            inner[last] = copy.deepcopy(taken)
        elif isinstance(inner, dict):
            inner[draw(keys)] = draw(values)
    return mutant


def valid_or_refused(action, *named):
    """Run an action: its value, or None after an InputError whose lines all name something."""
    try:
        return action()
    except InputError as error:
        message = str(error)
        assert message.strip()
        if named:
            assert all(line.startswith(named) for line in message.split("\n")), message
        return None


# ---- scenarios -----------------------------------------------------------------------------


def use(scenario):
    """All that happens to a scenario before its first trial; a refusal names the scenario."""
    if isinstance(scenario, Circuit):
        with np.errstate(all="ignore"):
            valid_or_refused(
                lambda: plan_circuit(load_experiment(scenario, ["run.seed=1"])), scenario.name
            )
        return

    def names():
        return (scenario.name, "sweep")

    valid_or_refused(lambda: expand_sweep(scenario), *names())
    membrane = valid_or_refused(
        lambda: build_membrane(scenario.membrane, scenario.name), scenario.name
    )
    if membrane is not None:
        for population in membrane.populations:
            assert 0 <= population.count <= 10**12
            assert population.conductance_nS >= 0
        with np.errstate(all="ignore"):  # rates beyond 1e308 1/ms
            rest = valid_or_refused(membrane.resting_voltage_mV)
        assert rest is None or min(membrane.reversals_mV) - 1 <= rest
        assert rest is None or rest <= max(membrane.reversals_mV) + 1
    duration = float(scenario.run.duration_ms)
    pieces = sum(
        duration / float(getattr(stimulus, "resolution_ms", duration))
        for stimulus in scenario.stimulus
    )
    if pieces > 1e5:  # allowed, but not worth the time here
        return
    around = Surroundings(
        float(scenario.membrane.area_um2),
        duration,
        np.random.default_rng(1),
        np.random.SeedSequence(1),
    )
    with np.errstate(all="ignore"):  # currents beyond 1e308 pA
        current = valid_or_refused(
            lambda: compile_stimuli(scenario.stimulus, around, scenario.name), scenario.name
        )
    if current is not None:
        assert current.end[-1] == duration
        assert np.all(np.diff(current.end) > 0)
        assert current.end[0] > 0


@given(tables)
def test_arbitrary_tables(data):
    scenario = valid_or_refused(lambda: load_scenario(data), "scenario: ")
    if scenario is not None:
        use(scenario)


@given(mutants([FULL, *GOOD.values()]))
def test_mutated_scenarios(data):
    scenario = valid_or_refused(lambda: load_experiment(data), "scenario: ")
    if scenario is not None:
        use(scenario)
        text = resolved_toml(scenario)
        again = load_experiment(tomllib.loads(text))
        assert resolved_toml(again) == text
        assert type(again) is type(scenario)


def test_what_is_mutated_is_valid():
    for data in (FULL, *GOOD.values()):
        use(load_experiment(data))
        assert expand_sweep(load_experiment(data))
    for data in (SCHEME, GATED):
        validate(SchemeFile, data, "file").scheme("file")


override_keys = st.lists(
    st.one_of(words, st.sampled_from(["0", "1", "squid-na", "7", "-1", ""]), st.text(max_size=5)),
    max_size=5,
).map(".".join)
override_values = st.one_of(
    st.text(max_size=30),
    quantities,
    st.integers().map(str),
    values.map(lambda value: tomli_w.dumps({"v": value})[4:].strip()),
    st.sampled_from(["[", "{", '"', "'''", "[[[", "1\nx=2", "{a=1,a=2}", "0x", "1979-02-99"]),
)


@given(
    st.lists(
        st.one_of(st.text(max_size=20), st.builds("{}={}".format, override_keys, override_values)),
        max_size=3,
    )
)
def test_arbitrary_overrides(overrides):
    scenario = valid_or_refused(lambda: load_scenario(FULL, overrides))
    if scenario is not None:
        use(scenario)


@given(st.one_of(st.text(max_size=200).map(str.encode), st.binary(max_size=200)))
def test_arbitrary_files(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "arbitrary.toml"
    path.write_bytes(content)
    assert valid_or_refused(lambda: load_scenario(path), f"{path}: ") is None


@given(st.one_of(st.text(max_size=50), keys))
def test_arbitrary_names(source):
    valid_or_refused(lambda: load_scenario(source))
    valid_or_refused(lambda: load_scenario({**FULL, "base": source}))
    valid_or_refused(lambda: load_scheme(source))
    valid_or_refused(lambda: load_scheme(source + ".toml"))


# ---- schemes -------------------------------------------------------------------------------


@given(st.one_of(tables, mutants([SCHEME, GATED])))
def test_arbitrary_schemes(data):
    read = valid_or_refused(lambda: validate(SchemeFile, data, "file"), "file: ")
    if read is None:
        return
    scheme = read.scheme("file")
    n_states = len(scheme.states)
    assert n_states == len(scheme.relative_conductance) == len(set(scheme.states))
    assert len(scheme.rates) == len(scheme.rate_names)
    for arrow in scheme.transitions:
        assert 0 <= arrow.source < n_states
        assert 0 <= arrow.target < n_states
        assert arrow.source != arrow.target
        assert 0 <= arrow.rate < len(scheme.rates)
    assert any(scheme.is_open)


# ---- quantities and waveforms --------------------------------------------------------------

kinds = st.sampled_from([kind for kind in vars(units).values() if isinstance(kind, units.Kind)])
unit_texts = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "um",
                "cm",
                "m",
                "A",
                "F",
                "S",
                "V",
                "s",
                "M",
                "degC",
                "K",
                "u",
                "µ",
                "1",
                "9",
                "^",
                "**",
                "*",
                "/",
                "(",
                ")",
                "-",
                " ",
                "²",
                "·",
                "2",
                "e",
                ".",
                "per",
                "and",
                "@",
            ]
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=10,
).map("".join)


@given(st.one_of(unit_texts.map("5 {}".format), quantities, scalars), kinds)
def test_arbitrary_quantities(value, kind):
    amount = valid_or_refused(lambda: units.parse(value, kind))
    if amount is not None:
        assert np.isfinite(amount)
        assert amount.unit in kind.units
        assert kind.minimum is None or amount >= kind.minimum
        again = units.parse(amount.text, kind)
        assert (again, again.unit) == (amount, amount.unit)


rows = st.lists(st.lists(st.one_of(st.floats().map(str), st.text(max_size=5)), max_size=3))
csv_texts = st.one_of(
    st.text(max_size=100),
    st.builds(
        lambda header, lines, end: header + end + end.join(",".join(line) for line in lines),
        st.sampled_from(["t (ms),i (pA)", "t (s),i (uA/cm^2)", "t (mV),i (pA)", "t,i", ""]),
        rows,
        st.sampled_from(["\n", "\r\n", "\r"]),
    ),
    st.lists(
        st.tuples(st.floats(-5, 50), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=2,
        max_size=8,
        unique_by=lambda row: row[0],
    ).map(lambda lines: "t (ms),i (pA)\n" + "\n".join(f"{t},{i}" for t, i in sorted(lines))),
)


@given(
    st.one_of(csv_texts.map(str.encode), st.binary(max_size=60)),
    st.sampled_from(["hold", "linear"]),
)
def test_arbitrary_waveforms(tmp_path_factory, content, interpolation):
    path = tmp_path_factory.getbasetemp() / "arbitrary.csv"
    path.write_bytes(content)
    read = valid_or_refused(lambda: read_waveform(path, CURRENT), f"path: {path}: ")
    if read is None:
        return
    time, value, _ = read
    assert len(time) == len(value) >= 2
    shape = {"kind": "file", "path": str(path), "interpolation": interpolation}
    scenario = load_scenario({**FULL, "stimulus": [shape]})
    use(scenario)


@pytest.mark.parametrize("name", library_scenarios())
def test_library_scenarios_are_usable(name):
    use(load_experiment(name))
