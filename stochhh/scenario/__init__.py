"""Scenario files: TOML in, validated tables with units out."""

from stochhh.scenario.load import (
    Point,
    expand_sweep,
    file_schema,
    library_scenarios,
    load_scenario,
    resolved_toml,
)
from stochhh.scenario.models import Scenario

__all__ = [
    "Point",
    "Scenario",
    "expand_sweep",
    "file_schema",
    "library_scenarios",
    "load_scenario",
    "resolved_toml",
]
