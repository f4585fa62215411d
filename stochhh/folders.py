"""Whether a folder may take the files of a command."""

from __future__ import annotations

import json
from pathlib import Path

from stochhh.errors import InputError


def free_folder(
    folder: str | Path, file_name: str, scenario: str, whose: str, force: bool = False
) -> Path:
    """Make sure a folder holds no files of the same command about another scenario.

    Parameters
    ----------
    folder : that is to be written
    file_name : of the JSON file in which the command names its scenario
    scenario : name of the one it is about now
    whose : what the file is of a scenario, as in "a comparison of"
    force : take the folder whatever it holds

    Raises
    ------
    InputError
        It is a file, or holds the files of another scenario.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder to --out")
    there = folder / file_name
    if force or not there.exists():
        return folder
    try:
        owner = json.loads(there.read_text(encoding="utf-8"))["scenario"]
    except (OSError, ValueError, KeyError, TypeError):
        owner = None
    if owner != scenario:
        what = f"{whose} '{owner}'" if owner else f"a {file_name} that is none of ours"
        raise InputError(
            f"{folder}: holds {what}; choose another folder with --out or overwrite with --force"
        )
    return folder
