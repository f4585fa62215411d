"""Analyses that a scenario names in `[analysis]`, or that are made of a saved result.

To add one: a table of settings in `stochhh.scenario.analyses` with its check in
`stochhh.analysis.applicable`, a file here that ends with a `STUDY`, and its line in
`registry`.
"""

from stochhh.studies.making import Outcome, analyse
from stochhh.studies.registry import STUDIES
from stochhh.studies.study import Findings, Occasion, Row, Study

__all__ = ["STUDIES", "Findings", "Occasion", "Outcome", "Row", "Study", "analyse"]
