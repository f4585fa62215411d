"""Analyses that a scenario names in `[analysis]`, or that are made of a saved result.

To add one, choose its name and write

1. its table of settings, in ``stochhh/scenario/studies/``, and its line in `Analysis`, in
   `stochhh.scenario.analyses`;
2. ``stochhh/analysis/applicable/<name>.py``, whose ``filled`` (or ``filled_across``, for a
   study of a whole sweep) refuses experiments that it cannot be made of and fills in what
   the settings leave open;
3. ``stochhh/studies/<name>.py``, which ends with its ``STUDY``.

Nothing else knows the names of studies. What is measured belongs in a pure function in
`stochhh.analysis`, what is expected in `stochhh.theory`, pictures in `stochhh.plot`.
"""

from stochhh.scenario.analyses import STUDY_NAMES
from stochhh.studies.making import Outcome, analyse
from stochhh.studies.registry import find_study
from stochhh.studies.study import Findings, Occasion, Row, Study

__all__ = [
    "STUDY_NAMES",
    "Findings",
    "Occasion",
    "Outcome",
    "Row",
    "Study",
    "analyse",
    "find_study",
]
