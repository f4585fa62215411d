"""What is kept of every trial of a point: its spikes and a few numbers.

Summaries of runs and sweeps are made of these, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.analysis.clamp_current import clamp_values
from stochhh.analysis.estimates import mean_estimate, named
from stochhh.lazy import pieces
from stochhh.result import Result
from stochhh.scenario import Experiment, Scenario, points_of
from stochhh.stimulus import is_steady

Floats = NDArray[np.float64]
#: By name, or ``name.part`` of what each population, cell or synapse has one: a value of each
#: trial, (trials,), NaN where there is none; ``spikes`` are times (ms), an array a trial.
Numbers = dict[str, Any]

SPIKES = "spikes"
CLAMPED = ("inward", "inward_at", "outward", "outward_at")
_MOST_IN_MEDIAN = 1_000_000


class Cell(NamedTuple):
    """What a cell of a circuit is: its compartments and, if it branches, how far its tips are."""

    compartments: int
    is_cable: bool
    tips_um: dict[str, float]


class About(NamedTuple):
    """How trials of a point were made, as far as their numbers need it.

    Attributes
    ----------
    method, step_ms : of the trials; None of a method without steps.
    given : whose input the deterministic limit had, where trials have each their own; else empty.
    duration_ms : of a trial.
    populations : names, in order.
    reversal_mV : of each population of a membrane.
    clamped : the voltage is held.
    steady : what drives a membrane is the same, or has the same law, at all times of a trial.
    cells, synapses : of a circuit; of one membrane there are none.
    """

    method: str
    step_ms: float | None
    given: str
    duration_ms: float
    populations: tuple[str, ...]
    reversal_mV: tuple[float, ...] = ()
    clamped: bool = False
    steady: bool = False
    cells: Mapping[str, Cell] = {}
    synapses: tuple[str, ...] = ()


class Trials(NamedTuple):
    """Trials of one point.

    Attributes
    ----------
    about : how they were made.
    numbers : of each.
    limit : of the deterministic limit, as of one trial; empty without it.
    """

    about: About
    numbers: Numbers
    limit: Numbers

    @property
    def n(self) -> int:
        """How many there are."""
        return len(next(iter(self.numbers.values())))


def joined(parts: Sequence[Trials]) -> Trials:
    """Put trials of a point together; its deterministic limit is that of the first with one."""
    numbers: Numbers = {}
    for name in parts[0].numbers:
        columns = [part.numbers[name] for part in parts]
        if name == SPIKES:
            numbers[name] = tuple(train for column in columns for train in column)
        else:
            numbers[name] = np.concatenate(columns)
    limit = next((part.limit for part in parts if part.limit), {})
    return Trials(parts[0].about, numbers, limit)


def number_names(about: About) -> list[str]:
    """Names of the numbers that `patch_trials` keeps of each trial, in its order."""
    clamped = CLAMPED if about.clamped else ()
    ions = (f"ions.{name}" for name in about.populations)
    return [SPIKES, "rest", "highest", *clamped, *ions, "transitions"]


def patch_trials(result: Result, index: int = 0) -> Trials:
    """What is kept of the trials of one point of a membrane's result.

    Resting voltages are medians before the stimulus, those of very long records of every k-th
    value. Currents of a clamp are those at the moments of `clamp_values`.
    """
    data, scenario = result.point(index), result.experiment
    assert isinstance(scenario, Scenario)
    about = About(
        **made(result),
        duration_ms=result.duration_ms,
        populations=tuple(str(name) for name in data["population"].values),
        reversal_mV=tuple(float(value) for value in data["reversal"].values),
        clamped="total_current" in data,
        steady=_is_steady(scenario, data),
    )

    def kept(trains: Sequence[Floats], prefix: str) -> Numbers:
        clamped: tuple[Floats, ...] = ()
        if about.clamped:
            assert scenario.clamp is not None
            clamped = clamp_values(data, float(scenario.clamp.holding_mV), bool(prefix))
        ions = np.atleast_2d(data[f"{prefix}ions"].values)
        counted = np.zeros(1) if prefix else data["transitions"].values
        values = [
            tuple(trains),
            _rest_mV(data, prefix),
            np.atleast_1d(data[f"{prefix}highest_voltage"].values),
            *clamped,
            *ions.T,
            counted.astype(np.float64),
        ]
        return dict(zip(number_names(about), values, strict=True))

    limit = {}
    if result.has_deterministic:
        limit = kept(result.spike_trains(index, deterministic=True), "deterministic_")
    return Trials(about, kept(result.spike_trains(index), ""), limit)


def made(result: Result) -> dict[str, Any]:
    """How a result was made, as `About` has it."""
    attrs = result.dataset.attrs
    step = attrs.get("step_ms")
    return {
        "method": result.method,
        "step_ms": None if step is None else float(step),
        "given": str(attrs.get("deterministic_given", "")),
    }


def means(name: str, numbers: Numbers, parts: Iterable[str]) -> dict[str, Any]:
    """Means over trials, with their intervals, of a number that each part has, by its part."""
    found: dict[str, Any] = {}
    for part in parts:
        found |= named(part, mean_estimate(numbers[f"{name}.{part}"]))
    return found


def drives_steadily(scenario: Scenario) -> bool:
    """Whether what drives a membrane is the same, or has the same law, at all times of a trial."""
    return is_steady(scenario.stimulus, 0.0, float(scenario.run.duration_ms))


def _is_steady(scenario: Scenario, data: xr.Dataset) -> bool:
    here: Experiment = scenario
    if any(key.startswith("stimulus") for key in scenario.sweep):
        wanted = int(data["point"].item()) if "point" in data.coords else 0
        here = next(p.scenario for k, p in enumerate(points_of(scenario)) if k == wanted)
    assert isinstance(here, Scenario)
    return drives_steadily(here)


def _rest_mV(data: xr.Dataset, prefix: str) -> Floats:
    """Median voltage of each trial before any current flows, (trials,).

    Of a trial in which it flows at once or never the median is that of all of it.
    """
    voltage = data[f"{prefix}voltage"].variable
    trials = [voltage] if voltage.ndim == 1 else list(voltage)
    ends = _before_stimulus(data["stimulus"].variable)
    ends = ends[: len(trials)] if len(ends) >= len(trials) else ends * len(trials)
    rest = []
    for trial, end in zip(trials, ends, strict=True):
        sampled = slice(0, end, -(-end // _MOST_IN_MEDIAN))
        rest.append(np.median(trial[sampled].values))
    return np.array(rest)


def _before_stimulus(stimulus: xr.Variable) -> list[int]:
    """Number of records before any current flows, of each trial or of all alike."""
    n = stimulus.shape[-1]
    first = [n] * (stimulus.size // n)
    for index, values in pieces(stimulus):
        trial, start = index[0] if len(index) > 1 else 0, index[-1].start
        if start < first[trial] and np.any(values):
            first[trial] = min(first[trial], start + int(np.nonzero(values)[0][0]))
    return [one or n for one in first]
