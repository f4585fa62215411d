"""The folder a search leaves: threshold.json, threshold.csv, threshold.png."""

from __future__ import annotations

import json
from pathlib import Path

from stochhh.folders import free_folder
from stochhh.plot.overview import save_figure
from stochhh.plot.threshold_search import search_figure
from stochhh.studies import find_study
from stochhh.threshold_search.asked import STUDY
from stochhh.threshold_search.running import ThresholdSearch
from stochhh.writing import replacing, together

_NAME = "threshold"


def check_folder(folder: str | Path, scenario: str, force: bool = False) -> Path:
    """Make sure a folder may take the files of a search.

    Raises
    ------
    InputError
        It is a file, or holds a search of another scenario.
    """
    return free_folder(folder, f"{_NAME}.json", scenario, "the threshold of", force)


def save(found: ThresholdSearch, folder: str | Path) -> list[Path]:
    """Write the numbers as JSON, every amplitude as CSV, and the picture, and list them.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    stem, study = Path(folder) / _NAME, find_study(STUDY)
    picture, tree = stem.with_suffix(".png"), stem.with_suffix(".json")
    data = found.findings.data
    with together(stem.parent):
        with replacing(picture) as temporary:
            heading = found.outcome.heading
            drawn = search_figure(data.curves, found.courses, data.scaling, data.label, heading)
            save_figure(drawn, temporary)
        tables = study.write(found.findings, stem)
        with replacing(tree) as temporary:
            text = json.dumps(found.numbers, indent=2, allow_nan=False, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")
    return [picture, *tables, tree]
