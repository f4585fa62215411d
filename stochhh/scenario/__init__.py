"""Scenario files: TOML in, validated tables with units out."""

from stochhh.scenario.circuits import Circuit
from stochhh.scenario.load import (
    Experiment,
    Point,
    expand_sweep,
    file_schema,
    library_scenarios,
    load_experiment,
    load_scenario,
    resolved_toml,
)
from stochhh.scenario.models import Scenario

__all__ = [
    "Circuit",
    "Experiment",
    "Point",
    "Scenario",
    "expand_sweep",
    "file_schema",
    "library_scenarios",
    "load_experiment",
    "load_scenario",
    "resolved_toml",
]
