"""The folder a comparison leaves: comparison.json, comparison.csv, comparison.png, costs.json.

The same comparison gives the same bytes in the first two. What the methods cost differs from
one run to the next; it stands in costs.json and in the picture.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from stochhh.assemble import provenance
from stochhh.compare.running import Comparison
from stochhh.compare.words import numbers
from stochhh.folders import free_folder
from stochhh.plot.compare import MethodPoint, draw_comparison
from stochhh.plot.overview import save_figure
from stochhh.writing import replacing, together

FILES = ("comparison.csv", "comparison.png", "costs.json", "comparison.json")
_COLUMNS = (
    "method", "step_ms", "quantity", "unit", "value", "low", "high",
    "difference", "difference_low", "difference_high", "by_chance", "p", "p_corrected",
)  # fmt: skip


def check_folder(folder: str | Path, scenario: str, force: bool = False) -> Path:
    """Make sure a folder may take the files of a comparison.

    Raises
    ------
    InputError
        It is a file, or holds a comparison of another scenario.
    """
    return free_folder(folder, FILES[-1], scenario, "a comparison of", force)


def save(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write the table as JSON and CSV, and the picture, and list them.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    folder = Path(folder)
    table, picture, costs, tree = (folder / name for name in FILES)
    with together(folder):
        with (
            replacing(table) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows(_rows(comparison))
        points = [MethodPoint(run.label, run.wall_s_per_s) for run in comparison.runs]
        with replacing(picture) as temporary:
            title = f"{comparison.title}: methods beside the exact one"
            save_figure(
                draw_comparison(comparison.quantities, points, comparison.found, title), temporary
            )
        wall = {run.label: run.wall_s_per_s for run in comparison.runs}
        _write_json(costs, {**provenance(), "wall_s_per_simulated_s": wall})
        _write_json(tree, numbers(comparison))
    return [table, picture, costs, tree]


def _write_json(path: Path, tables: dict[str, Any]) -> None:
    text = json.dumps(tables, indent=2, allow_nan=False, ensure_ascii=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _rows(comparison: Comparison) -> list[list[object]]:
    units = {quantity.name: quantity.unit for quantity in comparison.quantities}
    rows: list[list[object]] = []
    for run in comparison.runs:
        for one in comparison.found[run.label]:
            difference = one.difference
            row: list[object] = [run.label, run.step_ms, one.quantity, units[one.quantity]]
            row += [one.estimate.value, *(one.estimate.interval or (None, None))]
            row += [difference.value if difference else None]
            row += [*((difference.interval if difference else None) or (None, None))]
            row += [one.chance, one.p, one.p_corrected]
            rows.append(["" if cell is None else cell for cell in row])
    return rows
