"""Whether a folder may take the files of a command, keeping it for one process, clearing it.

A folder may have come from someone else, with links in it that lead anywhere. So nothing
is written through a link, and nothing is removed but files that the program itself made, known
by their names.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stochhh.errors import InputError
from stochhh.writing import STAGE, is_plain_file, recover

LOCK = ".lock"
_SCRATCH = r"\.stochhh-[a-z0-9_]{8}"  # of long records, as `stochhh.lazy.Scratch` names it
_SCRATCH_FILES = r"tmp[a-z0-9_]{8}\.records"


@contextmanager
def held(folder: Path, what: str, name: str = LOCK) -> Iterator[None]:
    """Keep a folder, made if it is not there, for as long as the block lasts.

    The lock goes with its process, however that ends. What a killed process left is
    finished or cleared away first. Folders that were not there before and in which
    nothing came to stand are removed.

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

    is_folder(folder)
    refuse_links(folder, [name])
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
        recover(folder)
        _drop_scratch(folder)
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
    there = folder / file_name
    if not is_folder(folder) or force or not there.exists():
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


def is_folder(folder: Path) -> bool:
    """Whether a folder is there.

    Raises
    ------
    InputError
        It is a file, or cannot be at all.
    """
    try:
        there = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{folder}: cannot be written ({said})") from None
    if not there:
        raise InputError(f"{folder}: is a file; give a folder to --out")
    return True


def is_free(folder: Path) -> bool:
    """Whether a folder is not there or holds nothing, but for what commands leave while at work."""
    if not folder.is_dir():
        return True
    ours = re.compile(rf"{re.escape(LOCK)}|{_SCRATCH}|{re.escape(STAGE)}")
    return all(ours.fullmatch(entry.name) for entry in folder.iterdir())


def _drop_scratch(folder: Path) -> None:
    """Remove the long records of a run that was killed."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if re.fullmatch(_SCRATCH, path.name) and not path.is_symlink():
                remove_made(path, _SCRATCH_FILES)
                with suppress(OSError):  # something else is in it
                    path.rmdir()


def refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Refuse entries of a folder that lead out of it.

    Parameters
    ----------
    folder : of the output; it may be a link itself
    names : of what is written or removed in it

    Raises
    ------
    InputError
        One of them is a link.
    """
    for name in names:
        if (folder / name).is_symlink():
            raise InputError(
                f"{folder / name}: is a link, and nothing is written through one; remove it, or "
                "give a folder on the other disk to --out"
            )


def remove_made(folder: Path, names: str, which: Callable[[str], bool] = lambda name: True) -> None:
    """Remove files of a folder whose whole name fits a pattern; links and all else stay.

    Parameters
    ----------
    folder : not looked into if it is a link
    names : regular expression of names that only the program gives
    which : of those names
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    with suppress(OSError):  # what cannot be removed does no harm
        for path in list(folder.iterdir()):
            if re.fullmatch(names, path.name) and which(path.name) and is_plain_file(path):
                path.unlink(missing_ok=True)


def temporary_of(name: str) -> str:
    """Regular expression of the temporary names of a file, as `stochhh.writing.replacing` gives.

    Parameters
    ----------
    name : regular expression of the file's name, its suffix written out
    """
    suffix = re.escape("." + name.rpartition(".")[2]) if "." in name else ""
    return rf"\.{name}\.[a-z0-9_]{{8}}{suffix}"
