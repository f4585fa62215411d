"""What is searched: checked, and made ready, before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochhh import planning
from stochhh.analysis.adaptive import NextAmplitudes
from stochhh.analysis.applicable import settings_across
from stochhh.analysis.axes import axis_label, curves_along, numbers_of_one_unit
from stochhh.analysis.setup import Setup
from stochhh.errors import InputError
from stochhh.membrane import build_membrane
from stochhh.plan import Plan
from stochhh.scenario import Scenario, expand_sweep, load_scenario
from stochhh.scenario.sweep_tables import ZIP

STUDY = "firing_efficiency"
FEWEST = 4  # trials at an amplitude of a batch
TRIALS, ERROR, SPREAD_ERROR = 400, 0.01, 0.1
ALONE = 40  # trials without a pulse, of each membrane
_ENDINGS = ("amplitude", "displacement")


class Ready(NamedTuple):
    """A search that was checked and can begin. C membranes.

    Attributes
    ----------
    scenario : resolved, at none of its points.
    key, unit, span : what is searched, and the lowest and highest value allowed.
    label : of it, with its unit.
    settings : of the study `firing_efficiency`, filled in.
    setups : (C,) each with a value of the key.
    places : (C,) values of the other swept keys.
    plans : (C,) of any value of the key.
    """

    scenario: Scenario
    key: str
    unit: str
    span: tuple[float, float]
    label: str
    settings: Any
    setups: tuple[Setup, ...]
    places: tuple[dict[str, Any], ...]
    plans: tuple[Plan, ...]


class Goal(NamedTuple):
    """When a search ends: errors small enough, or trials used up."""

    trials: int = TRIALS
    error: float = ERROR
    spread_error: float = SPREAD_ERROR

    def reached(self, known: NextAmplitudes) -> bool:
        """Whether what is known is enough."""
        return known.threshold_error <= self.error and known.spread_error <= self.spread_error


def prepare(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    key: str | None = None,
    between: tuple[str, str] | None = None,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    method: str | None = None,
) -> Ready:
    """Check what `find_threshold` is given, before anything runs.

    Raises
    ------
    InputError
        Something in it is wrong.
    """
    resolved = planning.resolve(scenario, overrides, seed, None, method)
    if resolved.run.method == "deterministic":
        raise InputError(
            "method: a deterministic membrane has no relative spread; choose another, as in exact "
            "(the deterministic threshold is found beside it)"
        )
    key = _key_of(resolved) if key is None else key
    texts = _span_of(resolved, key) if between is None else between
    low, high, unit = _read_span(texts)
    swept = {name: values for name, values in resolved.sweep.items() if name != key}
    if any(key in group for group in resolved.zipped):
        raise InputError(
            f'sweep.zip: "{key}" advances together with other keys, so no threshold is defined '
            "along it; leave it out of zip"
        )
    if resolved.zipped:
        swept |= {ZIP: [list(group) for group in resolved.zipped]}
    spikes = resolved.analysis.spikes
    asked = resolved.analysis.firing_efficiency
    study = {} if asked is None else asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    tables = {
        "spikes": {"threshold": spikes.threshold_mV.text, "rearm": spikes.rearm_mV.text},
        STUDY: {**study, "axis": key},
    }
    record = {"interval": resolved.run.duration_ms.text, "variables": [], "channels": 0}
    plain = load_scenario(
        resolved,
        [
            f"sweep={_toml({**swept, key: list(texts)})}",
            f"analysis={_toml(tables)}",
            f"run.record={_toml(record)}",
            "run.deterministic=false",
            "figure={}",
        ],
    )
    setups = [
        Setup(point.scenario, build_membrane(point.scenario.membrane, plain.name), point.values)
        for point in expand_sweep(plain)
    ]
    settings = settings_across(STUDY, setups, plain.name)
    curves = curves_along(setups, key).curves
    firsts = tuple(setups[curve.points[0]] for curve in curves)
    named = resolved.figure.axis if key in resolved.sweep else ""
    return Ready(
        scenario=resolved,
        key=key,
        unit=unit,
        span=(low, high),
        label=named or axis_label(key, unit),
        settings=settings,
        setups=firsts,
        places=tuple(curve.place for curve in curves),
        plans=tuple(plan_at(setup, key, texts[0], 0) for setup in firsts),
    )


def plan_at(setup: Setup, key: str, text: str, number: int) -> Plan:
    """Plan of trials with one value of the key, whose streams go by a number."""
    given = [f"{key}={json.dumps(text)}", f"analysis.{STUDY}=false"]
    plans, _ = planning.plan(load_scenario(setup.scenario, given))
    return replace(plans[0], point=number)


def check_goal(goal: Goal) -> Goal:
    """Goal that a search can be ended by.

    Raises
    ------
    InputError
        Too few trials, or errors that are none.
    """
    if goal.trials < 2 * FEWEST:
        raise InputError(f"--trials: got {goal.trials}, need {2 * FEWEST} or more, as in {TRIALS}")
    for name, value, example in (
        ("--error", goal.error, ERROR),
        ("--spread-error", goal.spread_error, SPREAD_ERROR),
    ):
        if not 0.0 < value < np.inf:
            raise InputError(f"{name}: got {value:g}, need a number above zero, as in {example:g}")
    return goal


def _key_of(scenario: Scenario) -> str:
    keys = [key for key in scenario.sweep if key.rsplit(".", 1)[-1] in _ENDINGS]
    if not keys:
        stimuli = enumerate(scenario.stimulus)
        keys = [f"stimulus.{k}.amplitude" for k, one in stimuli if hasattr(one, "amplitude")]
    if len(keys) != 1:
        free = "as in stimulus.0.amplitude, of a [[stimulus]] there, or run.initial.displacement"
        listed = f"one of {', '.join(keys)}" if keys else free
        raise InputError(f"{scenario.name}: --key: name what is searched, {listed}")
    return keys[0]


def _span_of(scenario: Scenario, key: str) -> tuple[str, str]:
    values = scenario.sweep.get(key, [])
    try:
        numbers, _ = numbers_of_one_unit(values)
    except ValueError:
        raise InputError(
            f'{scenario.name}: --between: need the lowest and the highest {key}, as in "18 pA" '
            '"25 pA"'
        ) from None
    return str(values[int(numbers.argmin())]), str(values[int(numbers.argmax())])


def _read_span(texts: tuple[str, str]) -> tuple[float, float, str]:
    try:
        (low, high), unit = numbers_of_one_unit(texts)
    except ValueError:
        low, high, unit = 0.0, 0.0, ""
    if not (unit and 0.0 < low < high):
        raise InputError(
            f'--between: got "{texts[0]}" and "{texts[1]}", need two rising amplitudes above zero '
            'in one unit, as in "18 pA" "25 pA"'
        )
    return float(low), float(high), unit


def _toml(value: Any) -> str:
    """Write plain tables, lists, texts and numbers in one line of TOML."""
    if isinstance(value, Mapping):
        entries = [f"{json.dumps(key)}={_toml(entry)}" for key, entry in value.items()]
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return json.dumps(value, ensure_ascii=False)
