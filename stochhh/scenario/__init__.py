"""Scenario files: TOML in, validated tables with units out."""

from stochhh.scenario.load import (
    file_schema,
    library_scenarios,
    load_scenario,
    resolved_toml,
)
from stochhh.scenario.models import Scenario
from stochhh.scenario.sweeps import Point, SweepAxis, axes_of, expand_sweep

__all__ = [
    "Point",
    "Scenario",
    "SweepAxis",
    "axes_of",
    "expand_sweep",
    "file_schema",
    "library_scenarios",
    "load_scenario",
    "resolved_toml",
]
