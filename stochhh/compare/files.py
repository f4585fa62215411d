"""The folder a comparison leaves: comparison.json, comparison.csv, comparison.png."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from stochhh.compare.running import Comparison
from stochhh.compare.words import numbers
from stochhh.folders import free_folder
from stochhh.plot.compare import MethodPoint, draw_comparison
from stochhh.plot.overview import save_figure
from stochhh.writing import replacing, together

FILES = ("comparison.csv", "comparison.png", "comparison.json")
_COLUMNS = (
    "method", "step_ms", "quantity", "unit", "value", "low", "high",
    "difference", "difference_low", "difference_high", "by_chance", "p", "p_corrected",
    "wall_s_per_simulated_s",
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
    table, picture, tree = (folder / name for name in FILES)
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
        with replacing(tree) as temporary:
            text = json.dumps(numbers(comparison), indent=2, allow_nan=False, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")
    return [table, picture, tree]


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
            row += [one.chance, one.p, one.p_corrected, run.wall_s_per_s]
            rows.append(["" if cell is None else cell for cell in row])
    return rows
