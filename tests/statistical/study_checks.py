"""What the findings of every study must be like."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stochhh.analysis.setup import Setup
from stochhh.membrane import build_membrane
from stochhh.result import Result
from stochhh.scenario import expand_sweep, load_scenario
from stochhh.studies import Outcome, analyse, find_study
from stochhh.studies.table import study_table


def setups_of(name: str, overrides: Sequence[str] = ()) -> list[Setup]:
    """Points of a scenario's sweep, as studies see them."""
    scenario = load_scenario(name, overrides)
    return [
        Setup(point.scenario, build_membrane(point.scenario.membrane, name), point.values)
        for point in expand_sweep(scenario)
    ]


def outcome_of(result: Result, study: str, *overrides: str) -> Outcome:
    """Outcome of a study, the only one of its result, with ``"key=value"`` settings."""
    (outcome,) = analyse(result, [study], [f"{study}.{text}" for text in overrides])
    return outcome


def check_table(outcome: Outcome) -> None:
    """Numbers are JSON, each row of the table has some, and the finding is said below it."""
    assert outcome.findings is not None, outcome.problem
    numbers = outcome.findings.numbers
    assert json.loads(json.dumps(numbers, allow_nan=False))
    table, study = study_table(outcome), find_study(outcome.name)
    cells = [list(column.cells) for column in table.columns]
    assert table.row_count == len(study.rows(numbers)) > 0
    for row, (_, *shown) in zip(table.rows, zip(*cells, strict=True), strict=True):
        assert any(shown) or row.style == "bold"
    assert table.title == outcome.heading
