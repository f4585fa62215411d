"""The folder a run leaves: result.nc, summary.json, spikes.csv, figure.png, scenario.toml.

Each study that the scenario names adds its picture and its data files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stochhh.analysis.summary import summarise
from stochhh.errors import InputError
from stochhh.folders import LOCK
from stochhh.plot.overview import overview, save_figure
from stochhh.result import FILE_NAME, Result, replacing
from stochhh.scenario import resolved_toml
from stochhh.studies import Outcome, analyse
from stochhh.studies.making import numbers_of, write_outcomes

FILES = ("scenario.toml", "spikes.csv", "figure.png", "summary.json", FILE_NAME)


def check_folder(folder: str | Path, name: str, title: str, force: bool = False) -> Path:
    """Make sure a folder may take the files of a scenario's run.

    Raises
    ------
    InputError
        It holds another scenario's run, or files that stochhh did not write.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder to --out")
    if force or not folder.is_dir() or all(entry.name == LOCK for entry in folder.iterdir()):
        return folder
    try:
        there = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        same = (there["scenario"], there["title"]) == (name, title)
        owner = f"the run of another scenario, '{there['scenario']}'"
    except (OSError, ValueError, KeyError, TypeError):
        same, owner = False, "files that are no run of stochhh"
    if not same:
        raise InputError(
            f"{folder}: holds {owner}; choose another folder with --out or overwrite with --force"
        )
    return folder


def save(result: Result, folder: str | Path, force: bool = False) -> dict[str, Any]:
    """Write all files of a run into a folder and return its summary.

    The studies that its scenario names are made first; see `save_with_studies`.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    return save_with_studies(result, folder, force).summary


class Saved(NamedTuple):
    """What was written: the summary, the outcome of each study, and their files' paths."""

    summary: dict[str, Any]
    outcomes: list[Outcome]
    study_files: list[Path]


def save_with_studies(result: Result, folder: str | Path, force: bool = False) -> Saved:
    """Write all files of a run into a folder, those of the studies its scenario names included.

    Findings stand in the summary under ``analysis``, with a sweep in that of each
    point unless they are of all points. A study that the data do not allow leaves its
    reason there and no picture.
    Each file is written whole or not at all, ``result.nc`` last.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    folder = check_folder(folder, result.name, result.title, force)
    outcomes = analyse(result, strict=False)
    summary = summarise(result)
    found, of_points = _found(outcomes)
    if of_points and "points" in summary:
        for point, numbers in zip(summary["points"], of_points, strict=True):
            point["analysis"] = numbers
    elif of_points:
        found = of_points[0] | found
    if found:
        summary["analysis"] = found
    header = f"# resolved scenario '{result.name}', as it was run\n"
    _write_text(folder / "scenario.toml", header + resolved_toml(result.experiment))
    _write_spikes(folder / "spikes.csv", result)
    with replacing(folder / "figure.png") as temporary:
        save_figure(overview(result), temporary)
    study_files = write_outcomes(outcomes, folder)
    _write_text(folder / "summary.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")
    result.save(folder / FILE_NAME)
    return Saved(summary, outcomes, study_files)


def save_studies(outcomes: Sequence[Outcome], folder: str | Path) -> list[Path]:
    """Write studies made of a saved result: pictures, data files, and ``analysis.json``.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    found, of_points = _found(outcomes)
    if len(of_points) > 1:
        found |= {"points": of_points}
    elif of_points:
        found = of_points[0] | found
    written = write_outcomes(outcomes, folder)
    path = Path(folder) / "analysis.json"
    _write_text(path, json.dumps(found, indent=2, allow_nan=False) + "\n")
    return [*written, path]


def _found(outcomes: Sequence[Outcome]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Numbers of studies of all points together, and of those of each point."""
    points = sorted({outcome.point for outcome in outcomes if outcome.point is not None})
    of_points: list[dict[str, Any]] = [dict(numbers_of(outcomes, point)) for point in points]
    return dict(numbers_of(outcomes, None)), of_points


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_spikes(path: Path, result: Result) -> None:
    """One row a spike: point (with a sweep), trial, time, and in a circuit the compartment."""
    swept = "point" in result.dataset.dims
    placed = ["compartment"] if result.is_circuit else []
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(["point"] if swept else []), "trial", "time_ms", *placed])
        for index in range(result.n_points):
            data = result.point(index)
            columns = [data["spike_trial"].values, data["spike_time"].values]
            columns.extend(data[f"spike_{name}"].values for name in placed)
            for trial, time, *where in zip(*columns, strict=True):
                writer.writerow([*([index] if swept else []), trial, repr(float(time)), *where])
