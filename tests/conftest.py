"""What all tests share: how hypothesis runs, and the squid membrane."""

from __future__ import annotations

import os

# many small matrix exponentials: threads of BLAS only get in each other's way
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from stochhh.membrane import Membrane, build_membrane
from stochhh.scenario import load_scenario

settings.register_profile(
    "stochhh", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("stochhh"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "stochhh")


@pytest.fixture(scope="session")
def squid() -> Membrane:
    """The 100 µm² patch of squid axon that most scenarios are built on."""
    scenario = load_scenario("squid-patch")
    return build_membrane(scenario.membrane, scenario.name)
