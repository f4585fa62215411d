"""One number of each trial, and those of a point."""

from __future__ import annotations

import math
from typing import NamedTuple


class Metric(NamedTuple):
    """One number of each trial.

    Attributes
    ----------
    name, units, long_name : as a variable of a dataset has them.
    values : one a trial, NaN where it does not exist, such as the first spike of a silent trial.
    limit : the same of the deterministic limit; NaN if that was not run or has none.
    of : what it is of: "population", "cell" or "synapse"; empty if of the whole.
    label : of which of these.
    """

    name: str
    units: str
    long_name: str
    values: tuple[float, ...]
    limit: float
    of: str = ""
    label: str = ""


class Kind(NamedTuple):
    """What a metric is; the fields are those of `Metric`."""

    name: str
    units: str
    long_name: str
    of: str = ""
    label: str = ""

    def metric(self, values: tuple[float, ...], limit: float = math.nan, label: str = "") -> Metric:
        """Make the metric of its numbers."""
        return Metric(self.name, self.units, self.long_name, values, limit, self.of, label)

    def without_numbers(self) -> Metric:
        """Make a metric that equals another of its kind."""
        return self.metric((), 0.0, self.label)


class Measured(NamedTuple):
    """Metrics of some trials of a point, and with which method and step they were made."""

    method: str
    step_ms: float | None
    metrics: tuple[Metric, ...]
