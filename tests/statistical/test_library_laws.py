"""Every channel of the library against the laws of its scheme, with every method that claims them.

The experiments and comparisons are those of `stochhh verify`: channels held at four
voltages of their own and stepped between two of them twice. What each row can see
stands in `stochhh.verify.laws` and `stochhh.verify.single_channel`; here each
experiment has 200 trials, 3e5 transitions, and 1.5e5 of channels that are followed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import agrees, refuses, same_law, same_mean

from stochhh import simulate
from stochhh.errors import TrustError
from stochhh.kernels import exact
from stochhh.kinetics.files import library_schemes, load_scheme
from stochhh.verify import Row, verdict
from stochhh.verify.claims import CLAIMS
from stochhh.verify.controls import with_multiplicity, with_rate, wrong_multiplicities
from stochhh.verify.design import Budget, protocols, setting_of
from stochhh.verify.experiment import Observed, Setting
from stochhh.verify.scheme import compared, experiments, verify_scheme
from stochhh.verify.subject import Subject, observe, subject_of

SMALL = Budget(n_trials=200, transitions=3e5, followed=1.5e5, n_held=3, n_steps=2)
FEW = SMALL._replace(transitions=1e5)
#: For kernels in Python.
TINY = Budget(n_trials=20, transitions=4e4, followed=4e4, n_held=1, n_steps=1)
#: Methods that hold a voltage exactly, whatever their step; the others need steps so short that
#: only schemes without very fast rates can be looked at.
METHODS = [
    *[("frozen", name) for name in ("squid-na", "squid-k", "squid-na-markov", "nachr")],
    *[("leap", name) for name in ("squid-na", "squid-k", "squid-na-markov", "nachr")],
    *[("leap-first-order", name) for name in ("squid-na", "squid-k", "neocortical-kv")],
    *[("langevin", name) for name in ("squid-na", "squid-k", "neocortical-kv")],
    *[("shielded", name) for name in ("squid-na", "squid-k", "neocortical-kv")],
]
#: Rates that are seen if off by 3 %, of all: those of slow gates make too few transitions.
TOLD = {
    "ampa": 2,
    "hippocampal-ka": 2,
    "muscle-k": 2,
    "muscle-na": 3,
    "nachr": 4,
    "neocortical-ca": 2,
    "neocortical-hcn": 2,
    "neocortical-km": 2,
    "neocortical-kv": 2,
    "node-na": 3,
    "purkinje-na": 4,
    "pyramidal-k": 2,
    "pyramidal-na": 3,
    "squid-k": 2,
    "squid-na": 3,
    "squid-na-markov": 4,
}


#: Names of the rows of those laws that need no records of single channels.
LAW_NAMES = {
    "states": "states",
    "spread": "spread of the states",
    "open mean": "open, mean",
    "open variance": "open, variance",
    "open law": "open, binomial",
    "transitions": "transitions",
    "covariance": "open, covariance in time",
    "spectrum": "open, spectrum",
}


def failing(rows: list[Row]) -> str:
    """The refused rows in words."""
    return "\n".join(f"{row.law} at {row.at}: {row.comparison}" for row in verdict(rows).refused)


@pytest.fixture
def mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a copy of the exact kernel with one line changed in its place, compiled or in Python."""

    def changed(old: str, new: str, compiled: bool) -> None:
        source = Path(exact.__file__).read_text(encoding="utf-8")
        assert source.count(old) == 1, "the line to change is no longer there"
        path = tmp_path / "mutant.py"
        path.write_text(source.replace(old, new), encoding="utf-8")
        spec = importlib.util.spec_from_file_location("mutant", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(
            exact, "simulate", module.simulate if compiled else module.simulate.py_func
        )

    return changed


@pytest.mark.parametrize("name", library_schemes())
def test_exact_channels_have_the_laws_of_their_scheme(name: str) -> None:
    assert set(TOLD) == set(library_schemes())
    with subject_of(name) as subject:
        pairs = protocols(subject.scheme, SMALL)
        assert len({after for before, after in pairs if before == after}) >= 3
        assert sum(before != after for before, after in pairs) >= 2
        rows = verify_scheme(subject, budget=SMALL, seed=101)
    found = verdict(rows)
    assert found.agrees, failing(rows)
    assert found.n_laws >= 35
    laws = {row.law for row in rows}
    assert {"states", "transitions", "rates, all classes", "stays in one state"} <= laws
    assert {"first latency", "spread of the states"} <= laws
    if name != "muscle-na":  # it opens too rarely at any held voltage
        assert {"open times", "shut times"} <= laws
    assert len(found.told) >= TOLD[name], [row.law for row in found.untold]


@pytest.mark.parametrize(("method", "name"), METHODS)
def test_other_methods_have_the_laws_they_claim(method: str, name: str) -> None:
    with subject_of(name) as subject:
        rows = verify_scheme(subject, method, FEW, seed=201)
    found = verdict(rows)
    assert found.agrees, failing(rows)
    if name == "squid-k":  # others have too few open channels for some laws
        assert {LAW_NAMES[law] for law in CLAIMS[method].laws} <= {row.law for row in rows}


def test_every_method_is_verified_or_known_to_be_wrong() -> None:
    tested = {"exact", *(method for method, _ in METHODS)}
    assert tested == {method for method, claim in CLAIMS.items() if claim.right}
    assert {name for name, claim in CLAIMS.items() if not claim.right} == {"subunit"}
    assert set(CLAIMS) == set(simulate.METHODS) - {"deterministic", "auto"}


@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
def test_subunit_noise_is_refused(name: str) -> None:
    """Gates with one noise for all channels have the wrong variance (Goldwyn et al. 2011)."""
    with subject_of(name) as subject:
        rows = verify_scheme(subject, "subunit", FEW, seed=201)
    assert {row.law for row in verdict(rows).refused} >= {"open, variance"}


def test_subunit_noise_is_right_for_a_single_gate() -> None:
    with subject_of("neocortical-kv") as subject:
        rows = verify_scheme(subject, "subunit", FEW, seed=201)
    assert verdict(rows).agrees, failing(rows)


# The rows that tell are those of records and of transitions; both see each control alone.
@pytest.fixture(scope="module")
def squid() -> list[tuple[Setting, Observed]]:
    """Experiments on squid Na+ channels, which many wrong schemes are compared with."""
    with subject_of("squid-na") as subject:
        made = list(experiments(subject, budget=SMALL, seed=301))
    return [one for one in made if not isinstance(one, Row)]


def test_every_wrong_multiplicity_is_refused(squid: list[tuple[Setting, Observed]]) -> None:
    wrong_schemes = wrong_multiplicities(load_scheme("squid-na"))
    assert len(wrong_schemes) == 20
    for what, scheme in wrong_schemes.items():
        rows = [row for one in squid for row in compared(*one, scheme, ("transitions by kind",))]
        assert not verdict(rows).agrees, what


@pytest.mark.parametrize("name", ["squid-k", "neocortical-kv"])
def test_simulated_wrong_rates_are_refused(name: str) -> None:
    right = load_scheme(name)
    for rate_class in range(len(right.rates)):
        with subject_of(with_rate(right, rate_class, 1.03)) as wrong:
            rows = verify_scheme(wrong, budget=SMALL, at_mV=[-20.0, 10.0], against=right)
        assert not verdict(rows).agrees, right.rate_names[rate_class]


def test_simulated_wrong_multiplicity_is_refused_by_every_kind_of_law() -> None:
    right = load_scheme("squid-k")
    with subject_of(with_multiplicity(right, 3, 1)) as wrong:
        rows = verify_scheme(wrong, budget=SMALL, at_mV=[-40.0, 0.0], against=right)
        same = verify_scheme(wrong, budget=SMALL, at_mV=[-40.0, 0.0])
    assert verdict(same).agrees, failing(same)
    refused = {row.law for row in verdict(rows).refused}
    assert {"states", "transitions", "rates, all classes", "transitions by kind"} <= refused
    assert {"stays in one state", "open, mean", "open, binomial", "first latency"} <= refused
    assert {"open times", "shut times"} & refused


def test_candidates_on_the_wrong_side_of_the_rate_are_refused(mutant: Any) -> None:
    """The kernel accepts the few candidates it should reject, and rejects their like."""
    mutant("            if fraction >= exact:", "            if fraction < exact:", compiled=True)
    with subject_of("squid-k") as subject:
        rows = verify_scheme(subject, budget=SMALL._replace(transitions=1.5e5))
    assert "rates, all classes" in {row.law for row in verdict(rows).refused}


def test_uniforms_on_the_wrong_side_of_a_class_are_refused(mutant: Any) -> None:
    """A fiftieth of all uniforms falls to the wrong one of two classes of rates."""
    old = "        while u >= propensity[r] and r < n_classes - 1:\n"
    mutant(old, old.replace("u >=", "u + 0.02 * A >="), compiled=False)
    with subject_of("squid-k") as subject:
        rows = verify_scheme(subject, budget=TINY, at_mV=[-40.0])
    assert "rates, all classes" in {row.law for row in verdict(rows).refused}


def test_kernel_that_loses_channels_is_found_out(mutant: Any) -> None:
    mutant("        occupancy[j] += 1\n", "        occupancy[j] += 2\n", compiled=False)
    with subject_of("squid-k") as subject, pytest.raises(TrustError, match="conserved"):
        verify_scheme(subject, budget=TINY, at_mV=[-40.0])


def cut(setting: Setting, n_pieces: int) -> list[dict[str, str]]:
    """Segments that hold one level, the whole cut into pieces."""
    piece = f"{setting.duration_ms / n_pieces!r} ms"
    return [{"kind": "step", "level": f"{setting.voltage_mV!r} mV", "duration": piece}] * n_pieces


def clamped(subject: Subject, setting: Setting, seed: int, pieces: int, **record: Any) -> Any:
    """A run of an experiment with its segment cut into pieces, and other records."""
    channels = {"scheme": subject.reference, "count": setting.n_channels, "reversal": "0 mV"}
    tables = {
        "format": 1,
        "title": "cut",
        "membrane": {
            "area": "1 um^2",
            "capacitance": "1 pF",
            "channels": [{**channels, "conductance": "1 pS"}],
        },
        "clamp": {"holding": f"{setting.before_mV!r} mV", "segment": cut(setting, pieces)},
        "run": {
            "duration": f"{setting.duration_ms!r} ms",
            "trials": setting.n_trials,
            "seed": seed,
            "deterministic": False,
            "record": {"interval": f"{setting.duration_ms / 4!r} ms", **record},
        },
    }
    return simulate.run(tables, workers=record.pop("workers", None))


@pytest.mark.parametrize("name", ["squid-na", "purkinje-na"])
def test_cuts_of_a_held_segment_keep_the_law(name: str) -> None:
    """A step cut into 50 segments of one level: the law of the scheme, as uncut."""
    with subject_of(name) as subject:
        _, (before, after) = [p for p in protocols(subject.scheme, SMALL) if p[0] != p[1]]
        setting = setting_of(subject.scheme, before, after, SMALL)
        assert setting is not None
        whole = clamped(subject, setting, 401, 1)
        parts = clamped(subject, setting, 402, 50)
        variables = ["open", "occupancy"]
        recorded = {"interval": f"{setting.interval_ms!r} ms", "variables": variables}
        seen = Observed(clamped(subject, setting, 403, 50, **recorded))
    rows = compared(setting, seen, subject.scheme, ("states", "spread", "open mean", "transitions"))
    assert len(rows) >= 5
    assert verdict(rows).agrees, failing(rows)
    agrees(same_mean(whole["transitions"], parts["transitions"]), "transitions, cut in 50")
    state = int(np.argmax(whole["final_occupancy"].values.var(axis=0)))
    ends = [run["final_occupancy"].values[:, state] for run in (whole, parts)]
    agrees(same_law(*ends), "a state at the end, cut in 50")
    moved = 1.07 * parts["transitions"].values
    refuses(same_mean(whole["transitions"], moved), "7 % more transitions")


def test_records_and_workers_change_nothing() -> None:
    with subject_of("squid-na") as subject:
        setting = setting_of(subject.scheme, -100.0, -40.0, SMALL)
        assert setting is not None
        one = observe(subject, setting, 501, workers=1).result
        two = observe(subject, setting, 501, workers=2).result
        sparse = clamped(subject, setting, 501, 2, variables=["voltage"])
        uncut = clamped(subject, setting, 501, 2)
    for name in ("transitions", "final_occupancy", "flip_time", "flip_channel", "flip_state"):
        np.testing.assert_array_equal(one[name].values, two[name].values)
    for name in ("transitions", "final_occupancy"):
        np.testing.assert_array_equal(sparse[name].values, uncut[name].values)
