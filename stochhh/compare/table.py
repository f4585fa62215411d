"""The table of a comparison on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from stochhh.analysis.comparison import Compared
from stochhh.compare.running import Comparison, MethodRun

_LABEL, _COLUMN = 24, 14  # characters
_NOTHING = 1e-9  # rounding


def comparison_tables(comparison: Comparison, width: int) -> list[Table]:
    """Lay out quantities as rows and methods as columns; what tells a method apart is marked.

    Tables of many methods are cut, so that each is at most so many characters wide.
    """
    exact, *others = comparison.runs
    each = max((width - _LABEL) // _COLUMN - 1, 1)
    blocks = [[exact, *others[i : i + each]] for i in range(0, len(others), each)]
    tables = [_table(comparison, block) for block in blocks]
    tables[0].title = comparison.title
    tables[-1].caption = Text.assemble(
        f"{comparison.trials} trials of {comparison.duration_ms:g} ms each; below a "
        "number its 95 % interval; distances are from exact; ",
        ("*", "red"),
        " distinguishable from it",
    )
    return tables


def _table(comparison: Comparison, runs: Sequence[MethodRun]) -> Table:
    table = Table(
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("", max_width=_LABEL - 2)
    for run in runs:
        step = "" if run.step_ms is None or "@" in run.label else f"\n{run.step_ms:g} ms"
        actual = f"\n({run.method})" if run.label.partition("@")[0] != run.method else ""
        table.add_column(f"{run.label}{actual}{step}", justify="right")
    by_name = {
        run.label: {one.quantity: one for one in comparison.found[run.label]} for run in runs
    }
    for quantity in comparison.quantities:
        title = f"{quantity.title} ({quantity.unit})" if quantity.unit else quantity.title
        table.add_row(title, *(_cell(by_name[run.label].get(quantity.name)) for run in runs))
    table.add_row(
        "wall time (s a simulated s), one thread", *(f"{run.wall_s_per_s:.2g}" for run in runs)
    )
    return table


def _cell(one: Compared | None) -> str | Text:
    if one is None or one.estimate.value is None:
        return "–"
    value = one.estimate.value
    number = f"{value:.4g}" if abs(value) > _NOTHING else "0"
    cell = Text(f"{number} *", "red") if one.distinguishable else Text(number)
    if one.estimate.interval is not None:
        low, high = one.estimate.interval
        cell = Text.assemble(cell, "\n", (f"{low:.3g}–{high:.3g}", "dim"))
    return cell
