"""The folder a run leaves: result.nc, summary.json, spikes.csv, figure.png, scenario.toml."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from stochhh.analysis.summary import summarise
from stochhh.errors import InputError
from stochhh.plot.overview import overview, save_figure
from stochhh.result import FILE_NAME, Result, replacing
from stochhh.scenario import resolved_toml

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
    if force or not folder.is_dir() or not any(folder.iterdir()):
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

    Each file is written whole or not at all, ``result.nc`` last.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    folder = check_folder(folder, result.name, result.title, force)
    summary = summarise(result)
    header = f"# resolved scenario '{result.name}', as it was run\n"
    _write_text(folder / "scenario.toml", header + resolved_toml(result.scenario))
    _write_spikes(folder / "spikes.csv", result)
    with replacing(folder / "figure.png") as temporary:
        save_figure(overview(result), temporary)
    _write_text(folder / "summary.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")
    result.save(folder / FILE_NAME)
    return summary


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_spikes(path: Path, result: Result) -> None:
    """One row a spike: point (with a sweep), trial, time."""
    swept = "point" in result.dataset.dims
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(["point"] if swept else []), "trial", "time_ms"])
        for index in range(result.n_points):
            data = result.point(index)
            pairs = zip(data["spike_trial"].values, data["spike_time"].values, strict=True)
            for trial, time in pairs:
                writer.writerow([*([index] if swept else []), trial, repr(float(time))])
