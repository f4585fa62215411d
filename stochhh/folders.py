"""Whether a folder may take the files of a command, and keeping it for one process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stochhh.errors import InputError

LOCK = ".lock"


@contextmanager
def held(folder: Path, what: str, name: str = LOCK) -> Iterator[None]:
    """Keep a folder, made if it is not there, for as long as the block lasts.

    The lock goes with its process, however that ends. Folders that were not
    there before and in which nothing came to stand are removed.

    Parameters
    ----------
    folder : to be kept
    what : is at work there, for the message
    name : of the file that is locked

    Raises
    ------
    InputError
        It cannot be written, or another process keeps it.
    """
    from filelock import FileLock, Timeout

    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / name, timeout=0)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{folder}: another {what} is at work there; wait for it, or choose another folder "
            "with --out"
        ) from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps a file that is open
            (folder / name).unlink()
        lock.release()
        with suppress(OSError):  # from where on it holds something
            for one in new:
                one.rmdir()


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
