"""The table of a verification on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from stochhh.verify.verdict import Row, Verdict, p_of

COLUMNS = "law", "at", "theory", "simulated", "p", "verdict"


def verification_table(
    title: str, rows: Sequence[Row], verdict: Verdict, every_row: bool = False
) -> Table:
    """Lay out the rows of a verification, negative controls and what was skipped at the end.

    A law that was compared more than once has one line unless every row is asked for: that of
    the smallest p-value, and of how many.
    """
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1)
    )
    for heading in ("law", "at", "theory", "simulated"):
        table.add_column(heading)
    for heading in ("p", "of"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    compared = [row for row in rows if row.comparison is not None and not row.control]
    laws: dict[str, list[Row]] = {}
    for index, row in enumerate(compared):
        laws.setdefault(f"{index}" if every_row else row.law, []).append(row)
    for same in laws.values():
        row = min(same, key=p_of)
        n_refused = sum(one in verdict.refused for one in same)
        outcome = f"REFUSED, {n_refused} of {len(same)}" if n_refused else "agrees"
        cells = (*_cells(row), str(len(same)), outcome)
        table.add_row(*cells, style="red" if n_refused else "")
    controls = [row for row in rows if row.control and row.comparison is not None]
    if controls:
        table.add_section()
        table.add_row("must be refused", style="bold")
    for row in controls:
        table.add_row(*_cells(row), "", "refused" if row in verdict.told else "not seen")
    skipped = [row for row in rows if row.comparison is None]
    if skipped:
        table.add_section()
    for row in skipped:
        table.add_row(*_cells(row), "", f"not compared: {row.note}")
    return table


def table_rows(rows: Sequence[Row], verdict: Verdict) -> list[tuple[str, ...]]:
    """Every comparison for a file, in the columns of `COLUMNS`."""
    lines = []
    for row in rows:
        if row.comparison is None:
            outcome = f"not compared: {row.note}"
        elif row.control:
            outcome = (
                "refused, as it must be" if row in verdict.told else "must be refused, not seen"
            )
        else:
            outcome = "refused" if row in verdict.refused else "agrees"
        p = "" if row.comparison is None else repr(float(row.comparison.p_value))
        lines.append((*_cells(row)[:4], p, outcome))
    return lines


def _cells(row: Row) -> tuple[str, ...]:
    """What stands in the first columns: law, place, theory, simulation, p-value."""
    if row.comparison is None:
        return (row.law, row.at, "", "", "–")
    p = f"{row.comparison.p_value:.2g}"
    return (row.law, row.at, row.comparison.theory, row.comparison.simulation, p)
