"""From a scenario to the plan of each point of its sweep, before anything runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stochhh import doubts, methods
from stochhh.analysis.applicable import check_studies
from stochhh.analysis.linear_membrane import settling_ms
from stochhh.analysis.setup import Setup
from stochhh.choose import (
    Choice,
    choose,
    usual_step_ms,
)
from stochhh.errors import InputError, did_you_mean
from stochhh.kinetics.files import is_scheme, library_schemes
from stochhh.membrane import Membrane, build_membrane
from stochhh.needs import expected_total_seconds
from stochhh.plan import EvenTimes, Plan, Start
from stochhh.result import load
from stochhh.scenario import (
    Experiment,
    Scenario,
    expand_sweep,
    library_scenarios,
    load_experiment,
    load_scenario,
)
from stochhh.scenario.models import Run
from stochhh.stimulus import finest_ms, is_random
from stochhh.words import said_bytes, said_duration, said_name

_IONS = {"sodium": "na", "potassium": "k", "calcium": "ca"}
_MOST_VALUES = 2_000_000_000  # numbers in a dataset: 16 GB
_MOST_RECORDS = 100_000_000  # in a trial


def resolve(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
) -> Scenario:
    """Load a scenario of one membrane, as `resolve_experiment` does."""
    resolved = resolve_experiment(scenario, overrides, seed, trials, method)
    return load_scenario(resolved)  # type: ignore[arg-type]  # refuses a circuit


def resolve_experiment(
    scenario: str | Path | Mapping[str, Any] | Experiment,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    method: str | None = None,
) -> Experiment:
    """Load a scenario with overrides, and a seed drawn for it if it has none."""
    shorthands = {"seed": seed, "trials": trials, "method": method}
    given = {f"run.{key}={json.dumps(v)}": key for key, v in shorthands.items() if v is not None}
    try:
        resolved = load_experiment(scenario, [*overrides, *given])
    except InputError as error:
        if isinstance(scenario, (str, Path)) and _is_whole_scheme(str(scenario)):
            raise InputError(
                f"{said_name(scenario)}: a channel scheme, which show, verify and validate take; "
                f'need a scenario, whose membrane may have it: scheme = "{scenario}"'
            ) from None
        said = str(error)
        for override, key in given.items():  # in the words of the command
            said = said.replace(f"--set {override}: run.{key}", f"--{key}")
        raise InputError(said) from None
    if resolved.run.seed is None:
        drawn = int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
        resolved = load_experiment(resolved, [f"run.seed={drawn}"])
    return resolved


def names_scheme(name: str) -> bool:
    """Whether a name or path is a channel scheme's; else it is a scenario's.

    Raises
    ------
    InputError
        It is neither.
    """
    if is_scheme(name):
        return True
    if not name.endswith(".toml") and name not in library_scenarios() and not os.path.isfile(name):
        known = [*library_schemes(), *library_scenarios()]
        ion = _IONS.get(name.lower())
        channels = ", ".join(one for one in known if ion and one.endswith(f"-{ion}"))
        raise InputError(
            f"{said_name(name)}: neither a file nor a channel scheme or scenario that comes with "
            f"stochhh; {f'channels of it: {channels}' if channels else did_you_mean(name, known)}"
        )
    return False


def _is_whole_scheme(name: str) -> bool:
    try:
        return is_scheme(name)
    except InputError:
        return False


def n_trials_of(scenario: Scenario) -> int:
    """Trials at each point; a deterministic run of one and the same stimulus needs only one."""
    if scenario.run.method == "deterministic" and not is_random(scenario.stimulus):
        return 1
    return scenario.run.trials


def plan(scenario: Scenario) -> tuple[list[Plan], list[dict[str, Any]]]:
    """Work out the plan and the place on the axes of every point of a scenario's sweep.

    Raises
    ------
    InputError
        Anything about the scenario that only shows when it is worked out.
    """
    points = expand_sweep(scenario)
    plans = [
        _plan(point.scenario, scenario.run, index, scenario.name)
        for index, point in enumerate(points)
    ]
    places = [point.values for point in points]
    check_studies(
        [
            Setup(point.scenario, plan.membrane, point.values)
            for point, plan in zip(points, plans, strict=True)
        ],
        scenario.name,
    )
    states = [[scheme.states for scheme in plan.membrane.schemes] for plan in plans]
    if any(other != states[0] for other in states):
        raise InputError(f"{scenario.name}: sweep: all points must have the same channel schemes")
    tagged = [_n_tagged(plan) for plan in plans]
    if any(other != tagged[0] for other in tagged):
        raise InputError(
            f"{scenario.name}: run.record.channels: the points of the sweep do not have equally "
            "many channels to follow; give a number that all of them have"
        )
    n_values = len(plans) * n_trials_of(scenario) * len(plans[0].record_ms)
    n_values *= 1 + 3 * len(states[0])
    if n_values > _MOST_VALUES:
        seconds = expected_total_seconds(plans, n_trials_of(scenario))
        raise InputError(
            f"{scenario.name}: run.record.interval: {said_bytes(8 * n_values)} would be recorded; "
            "make the interval longer or the run shorter "
            f"(computing takes about {said_duration(seconds)})"
        )
    for plan in plans:
        plan.stimulus(0)  # a waveform that cannot be used is found before the run, not in it
    doubts.say(doubt for plan in plans for doubt in plan.doubts)
    return plans, places


def plan_point(scenario: Scenario, index: int) -> Plan:
    """Work out the plan of one point of a sweep that stands alone, in whatever it differs.

    Parameters
    ----------
    scenario : of that point, without a sweep and with a seed
    index : its number, from which its random streams follow

    Raises
    ------
    InputError
        Anything about it that only shows when it is worked out.
    """
    made = _plan(scenario, scenario.run, index, scenario.name)
    made.stimulus(0)
    return made


def _n_tagged(plan: Plan) -> list[int]:
    """How many channels of each population are followed."""
    counts = [population.count for population in plan.membrane.populations]
    return counts if plan.tagged is None else [min(plan.tagged, count) for count in counts]


def _plan(scenario: Scenario, protocol: Run, index: int, name: str) -> Plan:
    membrane = build_membrane(scenario.membrane, name)
    initial = scenario.run.initial
    start = None
    if initial.result is not None:
        start = _take_up(initial.result, membrane, index, name)
    voltage = initial.voltage_mV
    if scenario.clamp is not None:
        voltage = float(scenario.clamp.holding_mV)
    if voltage is None:
        try:
            voltage = membrane.resting_voltage_mV()
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    duration, interval = float(protocol.duration_ms), float(protocol.record.interval_ms)
    n_records = int(np.floor(duration / interval * (1 + 1e-12))) + 1
    if n_records > _MOST_RECORDS:
        raise InputError(
            f'{name}: run.record.interval: "{protocol.record.interval_ms.text}" is too short for '
            f'run.duration = "{protocol.duration_ms.text}"'
        )
    tagged = protocol.record.channels
    finest = finest_ms(scenario.stimulus)
    choice = _chosen(protocol, membrane, voltage, name, scenario.clamp is not None, finest)
    if start is not None:
        _check_whole(start, membrane, choice.method, f"{name}: run.initial.result")
    detection = scenario.analysis.spikes
    settling = settle_ms(scenario, membrane, voltage)
    assert protocol.seed is not None
    return Plan(
        name=name,
        point=index,
        seed=protocol.seed,
        membrane=membrane,
        stimuli=scenario.stimulus,
        clamp=scenario.clamp,
        duration_ms=duration,
        record_ms=EvenTimes(n_records, interval, duration),
        variables=protocol.record.variables,
        tagged=None if tagged == "all" else tagged,
        voltage_mV=voltage,
        displacement_mV=float(initial.displacement_mV),
        threshold_mV=float(detection.threshold_mV),
        rearm_mV=float(detection.rearm_mV),
        start=start,
        band_width_mV=(None if protocol.band_width_mV is None else float(protocol.band_width_mV)),
        method=choice.method,
        step_ms=choice.step_ms,
        chosen_because=choice.why,
        settle_ms=settling,
        doubts=(
            *([] if start is not None else _of_channels(scenario, membrane)),
            *doubts.of_stimuli(scenario.stimulus, name),
            *doubts.of_run(protocol, choice.method, choice.usual_ms, name),
            *doubts.of_settling(settling, duration, initial.settle_ms is not None, name),
        ),
    )


def settle_ms(scenario: Scenario, membrane: Membrane, voltage_mV: float) -> float:
    """For how long trials are left alone first: as asked for, or as long as it makes a difference.

    That is at rest, in equilibrium and with noise, and in a steady state that is stable.
    """
    initial = scenario.run.initial
    held = scenario.clamp is not None
    if scenario.run.method == "deterministic" or held or initial.result is not None:
        return 0.0
    if initial.settle_ms is not None:
        return initial.settle_ms
    random = any(one.noise and one.count for one in membrane.populations)
    told = any(one.initial_state is not None for one in membrane.populations)
    if initial.voltage_mV is not None or told or not random:
        return 0.0
    return settling_ms(membrane, voltage_mV)


def _of_channels(scenario: Scenario, membrane: Membrane) -> list[str]:
    channels = scenario.membrane.channels
    return doubts.of_channels(channels, membrane.populations, f"{scenario.name}: membrane")


def _chosen(
    protocol: Run,
    membrane: Membrane,
    voltage_mV: float,
    name: str,
    clamped: bool,
    finest_ms: float,
) -> Choice:
    """The method and step a run asks for, or what `auto` makes of it.

    The usual step is shorter where channels are fast, unless the voltage is held, and no
    longer than `finest_ms`, which the stimulus asks for.

    Raises
    ------
    InputError
        The method cannot do what is asked.
    """
    follows = protocol.record.channels != 0
    averaged = [index for index, p in enumerate(membrane.populations) if not p.noise]
    if follows and averaged and protocol.method != "deterministic":
        raise InputError(
            f"{name}: run.record.channels: single channels are followed only where all flip at "
            f"random; drop it, or membrane.channels[{averaged[0]}].noise = false"
        )
    if protocol.method == "auto":
        choice = choose(membrane, voltage_mV, protocol.accuracy, follows)
    else:
        method = methods.METHODS[protocol.method]
        step = method.step_ms
        if step is not None and not clamped:
            step = usual_step_ms(method, membrane, voltage_mV)
        choice = Choice(method, step, "")
    method = choice.method
    if choice.step_ms is not None:
        usual = min(choice.step_ms, finest_ms)
        choice = choice._replace(step_ms=usual, usual_ms=np.inf if clamped else usual)
    if follows and method.step_ms is not None:
        raise InputError(
            f"{name}: run.record.channels: method '{method.name}' cannot follow single channels; "
            'use "exact"'
        )
    if averaged and method.name == "exact":
        raise InputError(
            f"{name}: membrane.channels[{averaged[0]}].noise: a mean field needs a method with "
            'a step; set run.method = "leap" (or "auto")'
        )
    if method.step_ms is not None and protocol.step_ms is not None:
        choice = choice._replace(step_ms=float(protocol.step_ms))
    if choice.step_ms is not None and choice.step_ms > float(protocol.duration_ms):
        raise InputError(
            f"{name}: run.step: {choice.step_ms:g} ms is longer than run.duration = "
            f'"{protocol.duration_ms.text}"; make it shorter, as in '
            f'step = "{float(protocol.duration_ms) / 10:g} ms"'
        )
    return choice


def _check_whole(start: Start, membrane: Membrane, method: methods.Method, where: str) -> None:
    """Refuse fractions of channels where the method counts channels in whole numbers."""
    sizes = [len(scheme.states) for scheme in membrane.schemes]
    parts = np.split(start.occupancy, np.cumsum(sizes)[:-1], axis=1) if sizes else []
    for population, part in zip(membrane.populations, parts, strict=True):
        if method.whole and population.noise and not np.array_equal(part, np.rint(part)):
            able = [f'"{other.name}"' for other in methods.METHODS.values() if not other.whole]
            raise InputError(
                f"{where}: it holds fractions of channels of '{population.name}', which method "
                f"'{method.name}' cannot take up; use {', '.join(able[:-1])} or {able[-1]}"
            )


def _take_up(path: str, membrane: Membrane, index: int, name: str) -> Start:
    """Final states of an earlier run, to go on from."""
    where = f"{name}: run.initial.result"
    try:
        earlier = load(path)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if earlier.method == "deterministic":
        raise InputError(f"{where}: {path} is a deterministic run; it has no channels to take up")
    data = earlier.point(min(index, earlier.n_points - 1))
    names = [f"{p.name}:{s}" for p in membrane.populations for s in p.scheme.states]
    if list(data["state"].values) != names or list(data["count"].values) != [
        p.count for p in membrane.populations
    ]:
        raise InputError(f"{where}: {path} has other channels than this membrane")
    occupancy = data["final_occupancy"].values
    if not (np.isfinite(occupancy).all() and np.isfinite(data["final_voltage"].values).all()):
        raise InputError(f"{where}: {path} was interrupted, and trials of it are missing")
    whole = np.array_equal(occupancy, np.rint(occupancy))
    return Start(
        voltage_mV=data["final_voltage"].values,
        occupancy=occupancy.astype(np.int64 if whole else np.float64),
        generation=int(earlier.dataset.attrs["generation"]) + 1,
    )
