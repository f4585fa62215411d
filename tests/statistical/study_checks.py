"""What the findings of every study must be like."""

from __future__ import annotations

import json

from stochhh.studies import Outcome, find_study
from stochhh.studies.table import study_table


def check_table(outcome: Outcome) -> None:
    """Numbers are JSON, each row of the table has some, and the finding is said below it."""
    assert outcome.findings is not None, outcome.problem
    numbers = outcome.findings.numbers
    assert json.loads(json.dumps(numbers, allow_nan=False))
    table, study = study_table(outcome), find_study(outcome.name)
    cells = [list(column.cells) for column in table.columns]
    assert table.row_count == len(study.rows(numbers)) > 0
    for label, *shown in zip(*cells, strict=True):
        assert any(shown) or label.startswith("[bold]")
    assert table.title == outcome.heading
