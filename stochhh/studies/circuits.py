"""Make the studies of a circuit's result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import xarray as xr

from stochhh.result import Result
from stochhh.scenario import Circuit, expand_sweep


class CircuitOccasion(NamedTuple):
    """What a study of a circuit is made of.

    Attributes
    ----------
    result, point : the run, and the point of its sweep (0 without one).
    circuit : what was simulated at that point.
    settings : the study's table.
    """

    result: Result
    point: int
    circuit: Circuit
    settings: Any

    @property
    def data(self) -> xr.Dataset:
        """Dataset of the point."""
        return self.result.point(self.point)


def circuit_occasions(
    result: Result, circuit: Circuit, names: Sequence[str]
) -> list[tuple[str, int, CircuitOccasion, dict[str, Any]]]:
    """List the studies asked for at each point of a sweep, with the place of each point."""
    points = expand_sweep(circuit)
    labels = result.dataset["point"].values if "point" in result.dataset.dims else [0]
    return [
        (
            name,
            place,
            CircuitOccasion(
                result,
                place,
                points[int(label)].scenario,
                getattr(points[int(label)].scenario.analysis, name),
            ),
            points[int(label)].values,
        )
        for name in names
        for place, label in enumerate(labels)
    ]
