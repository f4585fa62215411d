"""The folder a run leaves: result.nc, summary.json, spikes.csv, figure.png and two more.

These are ``scenario.toml`` and ``run.json``. Each study that the scenario names adds its
picture and its data files. The same run gives the same bytes in all of them but
``run.json``, which says when and how it was made.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from stochhh.analysis.summary import summarise
from stochhh.assemble import provenance
from stochhh.errors import InputError
from stochhh.folders import held, is_folder, is_free
from stochhh.input_files import MOST_TOML, parse_toml, read_text
from stochhh.inputs import Input, Portable
from stochhh.plot.overview import overview, save_figure
from stochhh.result import FILE_NAME, Result
from stochhh.studies import Outcome, analyse
from stochhh.studies.making import numbers_of, write_outcomes
from stochhh.writing import is_plain_file, recover, replacing, together

RECORD = "run.json"
FILES = ("scenario.toml", "spikes.csv", "figure.png", "summary.json", FILE_NAME, RECORD)
QUOTES = "\"'"


def check_folder(folder: str | Path, name: str, told: Portable, force: bool = False) -> Path:
    """Make sure a folder may take the files of a scenario's run.

    It may if it is free or holds the same run: the same settings and seed, which give the
    same files.

    Parameters
    ----------
    folder : that is to be written
    name : of the scenario
    told : it, resolved and with its seed, and the files that it reads
    force : take the folder whatever it holds

    Raises
    ------
    InputError
        It holds another run, saying what differs, or files that stochhh did not write.
    """
    folder = Path(folder)
    if not is_folder(folder) or force:
        return folder
    recover(folder, clear=False)
    if is_free(folder):
        return folder
    kept = folder / "scenario.toml"
    try:
        text = read_text(kept, _LONGEST_SCENARIO) if is_plain_file(kept) else ""
        header, _, rest = text.partition("\n")
        tables = parse_toml(rest) if _HEADER.fullmatch(header) else None
    except (InputError, OSError, ValueError):
        tables = None
    if tables is None:
        holds = "files that are no run of stochhh"
    elif header != _header(name):
        found = _HEADER.fullmatch(header)
        holds = f"the run of another scenario, {found[1] if found else ''}"
    else:
        differing = first_difference(tables, tomllib.loads(told.toml)) or _other_input(
            folder, told.inputs
        )
        if differing is None:
            return folder
        key, there, here = differing
        holds = f"a run with {key} = {_shown(there)}, and this one has {_shown(here)}"
    raise InputError(
        f"{folder}: holds {holds}; choose another folder, as in --out {folder}-2, or overwrite "
        "with --force"
    )


def _other_input(folder: Path, inputs: Iterable[Input]) -> tuple[str, str, str] | None:
    """The first file that a run read and that is not what the folder's run has read."""
    read = _record_of(folder).get("inputs")
    for one in inputs:
        before = read.get(one.name) if isinstance(read, dict) else None
        if before != one.sha256:
            return one.name, f"sha256 {str(before)[:12]} …", f"sha256 {one.sha256[:12]} …"
    return None


def first_difference(there: Any, here: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """Dotted key, and both values, of the first place where tables differ; None if nowhere."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = dict.fromkeys([*there, *here])
        for name in sorted(names, key=lambda one: one == "title"):  # which tells of the others
            whole = f"{key}.{name}" if key else name
            found = first_difference(there.get(name), here.get(name), whole)
            if found is not None:
                return found
        return None
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for index, (one, other) in enumerate(zip(there, here, strict=True)):
            found = first_difference(one, other, f"{key}.{index}")
            if found is not None:
                return found
        return None
    return None if there == here else (key, there, here)


_HEADER = re.compile("# resolved scenario ('.*'), as it was run")
_MOST_SHOWN = 60
_LONGEST_SCENARIO = 4 * MOST_TOML  # resolved, it is longer than its file


def _header(name: str) -> str:
    return f"# resolved scenario {name!r}, as it was run"


def _shown(value: Any) -> str:
    """A value in a message, which has one line."""
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + " …"


def save(result: Result, folder: str | Path, force: bool = False) -> dict[str, Any]:
    """Write all files of a run into a folder and return its summary.

    The studies that its scenario names are made first; see `save_with_studies`.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    folder = check_folder(folder, result.name, result.portable, force)
    with held(folder, "run"):
        return save_with_studies(result, folder, force).summary


class Saved(NamedTuple):
    """What was written: the summary, the outcome of each study, and their files' paths."""

    summary: dict[str, Any]
    outcomes: list[Outcome]
    study_files: list[Path]


def save_with_studies(result: Result, folder: str | Path, force: bool = False) -> Saved:
    """Write all files of a run into a folder, those of the studies its scenario names included.

    The caller holds the folder (`stochhh.folders.held`). They change together: until all
    are on the disk the folder holds what it held. Files that an earlier run wrote there and
    this one does not go.

    Findings stand in the summary under ``analysis``, with a sweep in that of each
    point unless they are of all points. A study that the data do not allow leaves its
    reason there and no picture.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """
    told = result.portable
    folder = check_folder(folder, result.name, told, force)
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
    with together(folder, _made_earlier(folder)) as names:
        for one in told.inputs:
            if one.content is not None:
                with replacing(folder / one.name) as temporary:
                    temporary.write_bytes(one.content)
        _write_text(folder / "scenario.toml", f"{_header(result.name)}\n{told.toml}")
        _write_spikes(folder / "spikes.csv", result)
        with replacing(folder / "figure.png") as temporary:
            save_figure(overview(result), temporary)
        study_files = write_outcomes(outcomes, folder)
        _write_json(folder / "summary.json", summary)
        result.save(folder / FILE_NAME)
        _write_json(folder / RECORD, _record(result, told, [*names, RECORD]))
    return Saved(summary, outcomes, study_files)


def _record(result: Result, told: Portable, names: list[str]) -> dict[str, Any]:
    """What depends on when and how a run was made, and the files that belong to it."""
    seconds = result.seconds
    return {
        "command": said_command(sys.argv),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **provenance(),
        "wall_s": None if seconds is None else seconds._asdict(),
        "files": sorted(names),
        "inputs": {one.name: one.sha256 for one in told.inputs},
    }


def said_command(arguments: Sequence[str]) -> str:
    """A command line without the machine's folders: of absolute paths only the last name."""
    words = []
    program, *rest = arguments or [""]
    program = "stochhh" if Path(program).stem in ("__main__", "stochhh") else program
    for word in (program, *rest):
        before, equals, path = word.rpartition("=")
        absolute = os.path.isabs(path.strip(QUOTES))
        words.append(f"{before}{equals}{Path(path.strip(QUOTES)).name}" if absolute else word)
    return shlex.join(words)


def _made_earlier(folder: Path) -> list[str]:
    """Names of the files that an earlier run in a folder wrote; none where that is not known."""
    names = _record_of(folder).get("files")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _record_of(folder: Path) -> dict[str, Any]:
    """What an earlier run in a folder says of itself; nothing where that cannot be read."""
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if is_plain_file(path) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


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
    folder = Path(folder)
    with held(folder, "analysis"), together(folder) as names:
        written = write_outcomes(outcomes, folder)
        path = folder / "analysis.json"
        _write_json(path, found)
        earlier = _made_earlier(folder)
        if earlier:  # they go with that run's files
            files = sorted({*earlier, *names})
            _write_json(folder / RECORD, _record_of(folder) | {"files": files})
    return [*written, path]


def _found(outcomes: Sequence[Outcome]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Numbers of studies of all points together, and of those of each point."""
    points = sorted({outcome.point for outcome in outcomes if outcome.point is not None})
    of_points: list[dict[str, Any]] = [dict(numbers_of(outcomes, point)) for point in points]
    return dict(numbers_of(outcomes, None)), of_points


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_json(path: Path, tables: dict[str, Any]) -> None:
    _write_text(path, json.dumps(tables, indent=2, allow_nan=False) + "\n")


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
