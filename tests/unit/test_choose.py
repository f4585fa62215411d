"""What `auto` picks, and the reason it gives."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import stochhh
from stochhh.choose import choose
from stochhh.console import method_line
from stochhh.errors import InputError
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.membrane import Membrane, Population
from stochhh.simulate import plan, prepare, resolve, resolve_experiment

SINE = '{kind="sine", amplitude="1 pA", frequency="5 kHz"}'
SCHEME = ChannelScheme(
    "two", "", "K+", 1, ("C", "O"), (0.0, 1.0), ("opening", "closing"),
    (RateLaw("constant", 1.0), RateLaw("constant", 3.0)),
    (Transition(0, 1, 1, 0), Transition(1, 0, 1, 1)),
)  # fmt: skip


def membrane(*counts: int, noise: bool = True) -> Membrane:
    """Channels that make 1.5 transitions a ms each: 3/4 of them leave at 1/ms, 1/4 at 3/ms."""
    populations = [Population(f"p{i}", SCHEME, n, 0.0, 0.0, noise) for i, n in enumerate(counts)]
    return Membrane(1.0, 1.0, 0.1, -65.0, tuple(populations))


@pytest.mark.parametrize(
    ("counts", "accuracy", "follows", "method", "step_ms"),
    [
        ((), 0.02, False, "exact", None),
        ((100,), 0.02, False, "exact", None),
        ((7_400,), 0.02, False, "exact", None),  # 0.4995 s
        ((7_410,), 0.02, False, "leap", 0.05),  # 0.5002 s
        ((3_700, 3_700), 0.02, False, "exact", None),  # populations add up
        ((3_710, 3_710), 0.02, False, "leap", 0.05),
        ((10**9,), 0.02, False, "leap", 0.05),
        ((10**9,), 0.5, False, "leap", 0.05),  # no longer step for less accuracy
        ((10**9,), 0.01, False, "leap", 0.05),  # 0.05 / sqrt(2)
        ((10**9,), 0.005, False, "leap", 0.035),  # half the error
        ((10**9,), 0.0049, False, "exact", None),
        ((10**9,), 0.02, True, "exact", None),
    ],
)
def test_method_and_step(
    counts: tuple[int, ...], accuracy: float, follows: bool, method: str, step_ms: float | None
) -> None:
    choice = choose(membrane(*counts), -65.0, accuracy, follows)
    assert choice.method.name == method
    assert choice.step_ms == step_ms


@pytest.mark.parametrize(
    ("accuracy", "step_ms"), [(0.02, 0.05), (0.0025, 0.025), (0.001, 0.016), (1e-5, 0.01)]
)
def test_a_mean_field_needs_a_step_whatever_the_accuracy(accuracy: float, step_ms: float) -> None:
    choice = choose(membrane(100, noise=False), -65.0, accuracy, False)
    assert choice.method.name == "leap"
    assert choice.step_ms == step_ms
    assert choice.why == "some channels follow their mean field, which needs a step"


def test_one_mean_field_is_enough() -> None:
    mixed = membrane(100, 100)
    first, second = mixed.populations
    mixed = replace(mixed, populations=(first, replace(second, noise=False)))
    assert choose(mixed, -65.0, 0.02, False).method.name == "leap"


@pytest.mark.parametrize(
    ("n", "accuracy", "follows", "why"),
    [
        (100, 0.02, True, "single channels are followed"),
        (10**6, 0.001, False, "an accuracy of 0.001 leaves no room for a step"),
        (4000, 0.02, False, "4,000 channels cost it about 0.27 s a simulated second"),
        (
            10**6,
            0.02,
            False,
            "exact is slow here: 1,000,000 channels cost it about 68 s a simulated second",
        ),
    ],
)
def test_reason_is_told(n: int, accuracy: float, follows: bool, why: str) -> None:
    assert choose(membrane(n), -65.0, accuracy, follows).why == why


def test_cost_is_that_at_the_starting_voltage(squid: Membrane) -> None:
    """Sodium gates flip faster where the membrane is depolarised."""
    assert choose(squid, -65.0, 0.02, False).method.name == "exact"
    assert choose(squid, 40.0, 0.02, False).method.name == "exact"
    costs = [float(choose(squid, v, 0.02, False).why.split()[5]) for v in (-65.0, 40.0)]
    rates = []
    for voltage in (-65.0, 40.0):
        laws = squid.stationary_laws(voltage)
        rates.append(
            sum(
                p.count * float(law @ -np.diag(p.scheme.generator(voltage)))
                for p, law in zip(squid.populations, laws, strict=True)
            )
        )
    np.testing.assert_allclose(costs, [45e-6 * rate for rate in rates], rtol=0.02)
    assert costs[0] != costs[1]


def tables(area: str, **run: object) -> dict[str, object]:
    return {
        "format": 1,
        "title": "auto",
        "base": "squid-patch",
        "membrane": {"area": area},
        "run": {"method": "auto", "duration": "1 ms", "trials": 1, "seed": 1,
                "deterministic": False, **run},
    }  # fmt: skip


def test_result_says_what_was_chosen_and_why() -> None:
    small = stochhh.run(tables("1 um^2"))
    assert small.method == "exact"
    assert "step_ms" not in small.dataset.attrs
    assert small.dataset.attrs["method_chosen"].startswith("78 channels cost it about")
    large = stochhh.run(tables("1e5 um^2"))
    assert large.method == "leap"
    assert large.dataset.attrs["step_ms"] == 0.05
    assert "exact is slow here: 7,800,000 channels" in large.dataset.attrs["method_chosen"]
    asked = stochhh.run(tables("1e5 um^2", step="0.02 ms"))
    assert asked.dataset.attrs["step_ms"] == 0.02


def test_what_no_method_can_do_is_refused() -> None:
    followed = tables("1 um^2", record={"channels": 2})
    sodium = {"scheme": "squid-na", "count": 5, "conductance": "20 pS", "reversal": "50 mV"}
    followed["membrane"] = {"area": "1 um^2", "channels": [{**sodium, "noise": False}]}
    with pytest.raises(InputError, match=r"run\.record\.channels: .*channels\[0\]\.noise = false"):
        stochhh.run(followed)
    with pytest.raises(InputError, match=r"run\.record\.channels: method 'leap' cannot follow"):
        stochhh.run(tables("1 um^2", method="leap", record={"channels": 2}))
    with pytest.raises(InputError, match=r'noise: a mean field needs .*run\.method = "leap"'):
        stochhh.run({**followed, "run": {"method": "exact", "duration": "1 ms", "seed": 1}})
    with pytest.raises(InputError, match=r"run\.step: 2 ms is longer than run\.duration"):
        stochhh.run(tables("1 um^2", method="leap", step="2 ms"))
    with pytest.raises(InputError, match=r"run\.accuracy"):
        stochhh.run(tables("1 um^2", accuracy=0.0))


@pytest.mark.parametrize(
    ("scenario", "overrides", "step_ms"),
    [
        ("squid-patch", [], 0.05),
        ("squid-patch", ['membrane.temperature="18.5 degC"'], 0.013),  # 3^1.22 times as fast
        ("node-of-ranvier", [], 0.0023),
        ("node-of-ranvier", ["run.step=0.01 ms"], 0.01),
        ("noise-analysis_OS12", [], 0.05),  # exact in steps of any length while held
    ],
)
def test_fast_channels_get_short_steps(scenario: str, overrides: list[str], step_ms: float) -> None:
    plans, _ = plan(resolve(scenario, overrides, seed=1, method="leap"))
    assert [one.step_ms for one in plans] == [step_ms]


@pytest.mark.parametrize(
    ("scenario", "given", "message"),
    [
        ("squid-patch", ["run.step=0.2 ms"], None),
        (
            "squid-patch",
            ["run.step=0.5 ms"],
            'squid-patch: run.step: "0.5 ms" is 10 times what the fastest channels or stimuli ask '
            'for; drop it, or give "0.05 ms"',
        ),
        ("squid-patch", ["run.step=0.5 ms", 'run.method="langevin"'], 'is 50 times .*"0.01 ms"'),
        ("node-of-ranvier", ["run.step=0.05 ms"], 'is 21.7 times .*"0.0023 ms"'),
        ("noise-analysis_OS12", ["run.step=0.1 ms"], None),  # held
        ("squid-patch", ["run.step=0.1 ms", f"stimulus=[{SINE}]"], 'is 10 times .*"0.01 ms"'),
        (
            "squid-patch",
            ["run.step=0.01 ms", 'run.method="exact"'],
            "run.step: method 'exact' has no step, so that \"0.01 ms\" does nothing; drop it, or",
        ),
        (
            "squid-patch",
            ["run.step=1 ms", 'run.method="auto"'],
            "'exact', which auto chose, has no",
        ),
        ("squid-patch", ["run.step=1 ms", 'run.method="deterministic"'], "'deterministic' has no"),
        ("two-neurons", ["run.step=0.5 ms"], 'two-neurons: run.step: "0.5 ms" is 10 times'),
        ("two-neurons", ["run.step=0.1 ms"], None),
    ],
)
def test_steps_that_do_nothing_or_too_much_are_said(
    scenario: str, given: list[str], message: str | None
) -> None:
    method = "leap" if scenario != "two-neurons" and not any("method" in g for g in given) else None
    resolved = resolve_experiment(scenario, given, seed=1, method=method)
    with warnings.catch_warnings() if message is None else pytest.warns(UserWarning, match=message):
        prepare(resolved)


def test_auto_shortens_the_step_of_fast_channels_further() -> None:
    hot = ['membrane.temperature="18.5 degC"', "run.method=auto", "run.accuracy=0.005"]
    plans, _ = plan(resolve("squid-patch", ["membrane.area=1e6 um^2", *hot], seed=1))
    assert plans[0].method.name == "leap"
    assert plans[0].step_ms == pytest.approx(0.05 * 3**-1.22 / 2**0.5, rel=0.05)


def test_a_sweep_of_temperatures_has_the_step_of_each() -> None:
    sweep = 'sweep={"membrane.temperature"=["6.3 degC", "18.5 degC"]}'
    small = ["membrane.area=10 um^2", "run.duration=2 ms", "run.deterministic=false"]
    result = stochhh.run("squid-patch", overrides=[sweep, *small], method="leap", trials=1)
    assert result.method == "leap"
    assert result.dataset.attrs["step_ms"] == 0.013
    assert method_line(stochhh.summarise(result)) == "method leap, steps of 0.013 to 0.05 ms"
    assert "method_chosen" not in result.dataset.attrs
