"""The table of a study that the command line prints."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from stochhh.studies.making import Outcome
from stochhh.studies.registry import find_study


def study_table(outcome: Outcome) -> Table:
    """Lay out what a study found: value, 95 % interval and theory of each number.

    An interval that is approximate (`stochhh.analysis.estimates.APPROXIMATE`) has ≈ before it.
    """
    assert outcome.findings is not None
    numbers = outcome.findings.numbers
    study = find_study(outcome.name)
    table = Table(title=outcome.heading, title_justify="left", title_style="bold")
    table.caption = study.says(numbers) or None
    table.caption_justify, table.caption_style = "left", "italic"
    table.add_column("")
    for heading in ("found", "95 % interval", "theory"):
        table.add_column(heading, justify="right")
    for label, path in study.rows(numbers):
        if not path:
            table.add_row(label, style="bold")
            continue
        place, _, name = path.rpartition(".")
        entries = _at(numbers, place)
        table.add_row(
            label,
            _form(entries.get(name), "–" if name in entries else ""),
            _interval(entries.get(f"{name}_ci"), name in numbers.get("approximate", ())),
            _form(entries.get(f"{name}_theory"), ""),
        )
    return table


def _at(tree: Any, path: str) -> Any:
    """Entry at a path; a key may itself hold dots, such as a population's name."""
    if not path:
        return tree
    if isinstance(tree, list):
        step, _, rest = path.partition(".")
        return _at(tree[int(step)], rest)
    for key in sorted(tree, key=len, reverse=True):
        if path == key or path.startswith(f"{key}."):
            return _at(tree[key], path[len(key) + 1 :])
    raise KeyError(path)


def _form(value: Any, missing: str = "–") -> str:
    if value is None:
        return missing
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1e4 else f"{value:,.0f}"


def _interval(interval: Any, approximate: bool = False) -> str:
    if interval is None:
        return ""
    low, high = interval
    return f"{'≈ ' if approximate else ''}{_form(low, '−∞')} to {_form(high, '∞')}"
