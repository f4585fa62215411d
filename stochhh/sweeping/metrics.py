"""What is kept of every trial of a point: what runs are summarised by, and means of courses.

Of a run a user has the courses themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis import circuit_trials as of_circuits
from stochhh.analysis import trial_numbers as of_membranes
from stochhh.analysis.trial_numbers import About, Numbers, Trials
from stochhh.result import Result

_VOLTAGE = ("voltage_mean", "voltage_sd", "lowest")
_CURRENT = ("current_mean",)


def measure(result: Result) -> Trials:
    """Measure every trial of a result without a sweep."""
    if result.is_circuit:
        return of_circuits.circuit_trials(result)
    trials, data = of_membranes.patch_trials(result), result.dataset
    limit = trials.limit and trials.limit | _courses(data, "deterministic_")
    return trials._replace(numbers=trials.numbers | _courses(data, ""), limit=limit)


def number_names(about: About) -> list[str]:
    """Names of the numbers that `measure` keeps of each trial, in its order."""
    if about.cells:
        return of_circuits.number_names(about)
    return [*of_membranes.number_names(about), *_VOLTAGE, *(_CURRENT if about.clamped else ())]


def _courses(data: xr.Dataset, prefix: str) -> Numbers:
    """Each trial by itself, so that it matters not which run with it."""

    def each(course: str, number: Any) -> Any:
        rows = np.atleast_2d(data[f"{prefix}{course}"].values)
        return np.array([float(number(np.ascontiguousarray(row))) for row in rows])

    lowest = np.atleast_1d(data[f"{prefix}lowest_voltage"].values)
    found = [each("voltage", np.mean), each("voltage", np.std), lowest]
    if f"{prefix}total_current" in data:
        found.append(each("total_current", np.mean))
    return dict(zip((*_VOLTAGE, *_CURRENT), found, strict=False))
