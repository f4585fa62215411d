"""Whether a study can be made of an experiment, found out before anything is simulated.

Each study has a module here, of its name. One that is made of each point of a sweep by
itself has a function ``filled(settings, setup)``, one that is made of all points
together ``filled_across(settings, setups)``. Both check the settings against protocol
and membrane and fill in what they leave open, so that what is checked is what is done
later.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from stochhh.analysis.applicable.needs import NotApplicable
from stochhh.analysis.setup import Setup
from stochhh.errors import InputError


def check_studies(setups: Sequence[Setup], where: str) -> None:
    """Check every study that a scenario asks for, at every point of its sweep.

    Raises
    ------
    InputError
        One line that begins with `where` and ``analysis.<study>.<key>``.
    """
    for name in setups[0].scenario.analysis.studies:
        if spans_sweep(name):
            settings_across(name, setups, where)
        else:
            for setup in setups:
                filled_settings(name, setup, where)


def spans_sweep(name: str) -> bool:
    """Whether a study is made of all points of a sweep together."""
    return hasattr(_rules(name), "filled_across")


def filled_settings(name: str, setup: Setup, where: str) -> Any:
    """Settings of one study with everything filled in that the scenario left open.

    Raises
    ------
    InputError
        It cannot be made of this experiment.
    """
    try:
        return _rules(name).filled(setup.scenario.analysis.studies[name], setup)
    except NotApplicable as problem:
        raise InputError(f"{where}: analysis.{name}{problem}") from None


def settings_across(name: str, setups: Sequence[Setup], where: str) -> Any:
    """Filled in settings of a study of all points of a sweep; `InputError` as above."""
    try:
        return _rules(name).filled_across(setups[0].scenario.analysis.studies[name], setups)
    except NotApplicable as problem:
        raise InputError(f"{where}: analysis.{name}{problem}") from None


def _rules(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
