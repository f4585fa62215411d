"""Whether a study can be made of an experiment, found out before anything is simulated.

Each study has a module here, of its name, with a function ``filled(settings, setup)``
that checks its settings against the protocol and the membrane and fills in what they
leave open, so that what is checked is what is done later.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stochhh.analysis.applicable.needs import NotApplicable
from stochhh.analysis.setup import Setup
from stochhh.errors import InputError
from stochhh.membrane import Membrane
from stochhh.scenario import Scenario


def check_studies(scenario: Scenario, membrane: Membrane, where: str) -> None:
    """Check every study that a scenario asks for.

    Raises
    ------
    InputError
        One line that begins with `where` and ``analysis.<study>.<key>``.
    """
    for name in scenario.analysis.studies:
        filled_settings(name, Setup(scenario, membrane), where)


def filled_settings(name: str, setup: Setup, where: str) -> Any:
    """Settings of one study with everything filled in that the scenario left open.

    Raises
    ------
    InputError
        It cannot be made of this experiment.
    """
    filled = import_module(f"{__name__}.{name}").filled
    try:
        return filled(setup.scenario.analysis.studies[name], setup)
    except NotApplicable as problem:
        raise InputError(f"{where}: analysis.{name}{problem}") from None
