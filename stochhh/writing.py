"""Files that are whole or absent, and sets of files that change together or not at all.

Each file is written beside its place and renamed. A set is written into a folder of its
own, `STAGE`; when all are on the disk a list of them is, and from then on they take
their places, if need be at the next start. So a kill, a power cut or a full disk leaves
the old set or the new one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stochhh.errors import InputError

STAGE = ".stochhh-new"
_LIST = ".whole.json"
#: What a set may hold: files of the folder itself, and in ``inputs`` those of the user's.
_NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_. +-]{0,150}\.(nc|json|csv|png|toml|dwt|gif|mp4)"
    r"|inputs/(\d{1,6}/)?[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,250}"
)


@dataclass
class _Set:
    """Files of a folder that are being written together."""

    folder: Path
    names: list[str] = field(default_factory=list)


_set: ContextVar[_Set | None] = ContextVar("set_of_files", default=None)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that takes the place of `path` when the block succeeds.

    The file is on the disk before it gets its name, and the name before this returns, so
    that a power cut leaves the old file or the new one, whole. Within `together` it gets
    its name when the whole set does.

    Raises
    ------
    InputError
        The folder or file cannot be written; the old file, if any, is untouched.
    """
    check_signals()
    whole = _set.get()
    place = path
    if whole is not None and path.is_relative_to(whole.folder):
        place = whole.folder / STAGE / path.relative_to(whole.folder)
    folder = place.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        to_disk(temporary)
        os.replace(temporary, place)
        if whole is not None and place != path:
            whole.names.append(path.relative_to(whole.folder).as_posix())
        else:
            to_disk(folder)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def together(folder: Path, earlier: Iterable[str] = ()) -> Iterator[list[str]]:
    """Let the files that the block writes into a folder take their places at once.

    Signals wait meanwhile (`signals_wait`). Yields the names written so far.

    Parameters
    ----------
    folder : that `replacing` writes to
    earlier : names of files of an earlier set; those that this one lacks go with it

    Raises
    ------
    InputError
        The folder cannot be written; then it is as it was.
    """
    stage = folder / STAGE
    whole = _Set(folder)
    with signals_wait():
        if stage.is_symlink():
            raise InputError(f"{stage}: is a link, and nothing is written through one; remove it")
        recover(folder)
        token = _set.set(whole)
        try:
            yield whole.names
        except BaseException:
            _clear(stage)
            raise
        finally:
            _set.reset(token)
        gone = [name for name in earlier if _NAME.fullmatch(name) and name not in whole.names]
        try:
            with replacing(stage / _LIST) as temporary:
                text = json.dumps({"here": whole.names, "gone": gone})
                temporary.write_text(text, encoding="utf-8")
        except BaseException:
            _clear(stage)
            raise
        try:
            _take_places(folder, whole.names, gone)
        except OSError as error:
            raise InputError(
                f"{folder}: files cannot take their places ({error.strerror or error}); they are "
                f"whole in {STAGE}, and the next command there goes on with it"
            ) from None


def recover(folder: Path, clear: bool = True) -> bool:
    """Finish, or clear away, a set of files whose writing was cut off; true if it was finished.

    Parameters
    ----------
    folder : of the set
    clear : away what is not whole; not where another process may be writing it

    Raises
    ------
    InputError
        It is whole, and cannot take its place.
    """
    stage = folder / STAGE
    if stage.is_symlink() or not stage.is_dir():
        return False
    names = _listed(stage)
    if names is None:
        if clear:
            _clear(stage)
        return False
    try:
        _take_places(folder, *names)
    except OSError as error:
        raise InputError(
            f"{folder}: the files of the last run are whole in {STAGE} and cannot take their "
            f"places ({error.strerror or error})"
        ) from None
    return True


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file itself: no link, folder, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def to_disk(path: Path) -> None:
    """Wait until what was written to a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name != "posix":  # elsewhere folders cannot be opened
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _listed(stage: Path) -> tuple[list[str], list[str]] | None:
    """Names of a set that is whole; None of one that is not, or whose list is none of ours."""
    if not is_plain_file(stage / _LIST):
        return None
    try:
        tables = json.loads((stage / _LIST).read_text(encoding="utf-8"))
        here, gone = list(tables["here"]), list(tables["gone"])
        named = all(isinstance(name, str) and _NAME.fullmatch(name) for name in [*here, *gone])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return (here, gone) if named else None


def _take_places(folder: Path, here: list[str], gone: list[str]) -> None:
    """Move a whole set into its folder; done again after any interruption it comes to the same."""
    stage = folder / STAGE
    for parent in {(folder / name).parent for name in here} - {folder}:
        for one in (parent, *parent.parents[: len(parent.relative_to(folder).parts) - 1]):
            if one.is_symlink():
                raise OSError(f"{one} is a link")
        parent.mkdir(parents=True, exist_ok=True)
    for name in here:
        with suppress(FileNotFoundError):  # it has its place already
            os.replace(stage / name, folder / name)
    for name in gone:
        path = folder / name
        if is_plain_file(path) and not path.parent.is_symlink():
            path.unlink(missing_ok=True)
            with suppress(OSError):  # other files are there
                for parent in path.parents[: name.count("/")]:
                    parent.rmdir()
    to_disk(folder)
    (stage / _LIST).unlink(missing_ok=True)
    _clear(stage)


def _clear(stage: Path) -> None:
    """Remove a stage and the files in it; what is no file of ours keeps it there."""
    if stage.is_symlink():
        return
    for place, _, names in os.walk(stage, topdown=False):  # which follows no link
        with suppress(OSError):
            for name in names:
                if is_plain_file(Path(place) / name):
                    (Path(place) / name).unlink(missing_ok=True)
            Path(place).rmdir()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---- signals -------------------------------------------------------------------------------

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_came: list[int] = []


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let the first Ctrl-C, SIGTERM or SIGHUP within the block wait for `check_signals`.

    An exception that a signal's handler raises is lost where it falls into a callback, as
    into those that HDF5's objects have when they are deleted. A second signal ends the
    process at once; what it was writing is cleared away at the next start.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, frame: Any) -> None:
        if _came:
            os._exit(128 + number)
        _came.append(number)

    waiting = [number for number, handler in before.items() if callable(handler)]
    for number in waiting:
        signal.signal(number, note)
    try:
        yield
        check_signals()
    finally:
        for number in waiting:
            signal.signal(number, before[number])
        came = list(_came)
        _came.clear()
    if came:  # in the last moment
        os.kill(os.getpid(), came[0])


def check_signals() -> None:
    """Act on a signal that waits: raise what its handler would have raised.

    Raises
    ------
    KeyboardInterrupt, SystemExit
        Of Ctrl-C, and of the others.
    """
    if not _came or threading.current_thread() is not threading.main_thread():
        return
    number = _came.pop()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
