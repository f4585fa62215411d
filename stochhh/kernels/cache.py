"""Where compiled kernels are kept, found out before the first of them is made.

Numba keeps them beside their source or below the user's home, and refuses to make a
function whose form it cannot keep. Where both are out of reach, as in containers and in
services without a home, they go to a folder of this user's below the temporary one.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import warnings
from pathlib import Path

import numba

_ROOM = 64_000_000  # bytes: all kernels take a fifth of it


def prepare() -> bool:
    """Make sure that kernels can be kept; False if they cannot, and are compiled each time."""
    if _has_room(_numbas_choice()):
        return True
    folder = _private_folder()
    if folder is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(folder)
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # not read again
        if _has_room(_numbas_choice()):
            _say(f"compiled kernels are kept in {folder}, as their own place cannot be written")
            return True
    _say("compiled kernels cannot be kept anywhere, so every command compiles them again")
    return False


def _say(what: str) -> None:
    warnings.warn(f"{what}; NUMBA_CACHE_DIR names another folder", RuntimeWarning, stacklevel=4)


def _probe() -> None:
    """Stand for a kernel."""


def _numbas_choice() -> str | None:
    """Folder that Numba would keep a kernel in; None without one."""
    try:
        kept: str | None = numba.njit(cache=True)(_probe).stats.cache_path
    except (RuntimeError, OSError):
        return None
    except AttributeError:  # its compiler is switched off
        return tempfile.gettempdir()
    return kept


def _has_room(folder: str | None) -> bool:
    """Whether a folder, or the one it will be made in, can be written and has room."""
    if folder is None:
        return False
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return os.access(place, os.W_OK) and shutil.disk_usage(place).free > _ROOM
    except OSError:
        return False


def _private_folder() -> Path | None:
    """Folder of this user alone below the temporary one; None where there cannot be one."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    try:
        folder = Path(tempfile.gettempdir()) / f"stochhh-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    others = stat.S_IMODE(found.st_mode) & 0o077
    if os.name == "posix" and (not stat.S_ISDIR(found.st_mode) or found.st_uid != user or others):
        return None  # what somebody else may write is not loaded
    return folder
