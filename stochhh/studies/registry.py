"""Where each study is found: in the module of its name, imported when it is first needed."""

from __future__ import annotations

from importlib import import_module

from stochhh.errors import InputError, did_you_mean
from stochhh.scenario.analyses import STUDY_NAMES
from stochhh.scenario.circuits import CIRCUIT_STUDY_NAMES
from stochhh.studies.study import Study


def find_study(name: str) -> Study:
    """Study of a name, which is that of its table under `[analysis]`.

    Raises
    ------
    InputError
        There is none.
    """
    known = (*STUDY_NAMES, *CIRCUIT_STUDY_NAMES)
    if name not in known:
        raise InputError(f"no study '{name}'; {did_you_mean(name, known)}")
    study: Study = import_module(f"stochhh.studies.{name}").STUDY
    return study
