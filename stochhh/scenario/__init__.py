"""Scenario files: TOML in, validated tables with units out."""

from stochhh.scenario.circuits import Circuit
from stochhh.scenario.load import (
    Experiment,
    file_schema,
    library_scenarios,
    load_experiment,
    load_scenario,
    load_stored,
    resolved_toml,
)
from stochhh.scenario.models import Scenario
from stochhh.scenario.sweeps import (
    Point,
    SweepAxis,
    axes_of,
    expand_sweep,
    n_points_of,
    places_of,
    points_of,
)

__all__ = [
    "Circuit",
    "Experiment",
    "Point",
    "Scenario",
    "SweepAxis",
    "axes_of",
    "expand_sweep",
    "file_schema",
    "library_scenarios",
    "load_experiment",
    "load_scenario",
    "load_stored",
    "n_points_of",
    "places_of",
    "points_of",
    "resolved_toml",
]
