"""Paths in scenario files: anchored at the file's folder, and kept from leading out of it.

A scenario is data that may come from anyone. What it names is read, so it may name only
what came with it: files in its own folder and below, and those of the library. One that is
opened through a link has two folders, the link's and then that of the file it leads to; in a
store of files (git-annex, Nix) each file is somewhere else, and links stand for them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, StrictStr

from stochhh.errors import InputError

Tables = dict[str, Any]
#: Characters of a path as it is written.
LONGEST = 1000
#: Field that is a path, which may have got a folder in front.
PathText = Annotated[
    StrictStr, Field(min_length=1, max_length=5 * LONGEST, json_schema_extra={"maxLength": LONGEST})
]
#: File that a folder of a run is named for.
RESULT = "result.nc"
_STORES = "/nix/store", "/gnu/store"  # which hold no secrets: any user reads all of them
_ANNEX = ".git/annex/objects"
#: From the text of a path and its key to another text.
Change = Callable[[str, str], str]

_allowed: ContextVar[bool] = ContextVar("outside_allowed", default=False)


@contextmanager
def allowing_outside() -> Iterator[None]:
    """Let scenario files within the block name files anywhere."""
    token = _allowed.set(True)
    try:
        yield
    finally:
        _allowed.reset(token)


def allow_outside(allowed: bool) -> None:
    """Let scenario files name files anywhere, or no longer."""
    _allowed.set(allowed)


def resolved(path: Path) -> Path:
    """Absolute path that a path leads to, without links on the way.

    Raises
    ------
    OSError
        Links on the way lead back to themselves.
    """
    end = os.path.realpath(path)
    if os.path.realpath(end) != end or os.path.islink(end):  # it gave up on a loop
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return Path(end)


def folders_of(path: Path) -> tuple[Path, ...]:
    """Folders in which a file's relative paths begin: its own, then that of what it is a link to.

    Raises
    ------
    OSError
        It leads back to itself.
    """
    end = resolved(path).parent
    return (path.parent,) if resolved(path.parent) == end else (path.parent, end)


def stores(folder: Path) -> tuple[Path, ...]:
    """Stores of files that links in a folder stand for: its repository's annex, and Nix's."""
    found = [Path(store) for store in _STORES if os.path.isdir(store)]
    for above in (resolved(folder), *resolved(folder).parents):
        if os.path.isdir(above / _ANNEX):
            if resolved(above / _ANNEX).is_relative_to(above):
                found.append(resolved(above / _ANNEX))
            break
    return tuple(found)


class Reach(NamedTuple):
    """Where a file's paths begin, and where they may lead.

    Attributes
    ----------
    folders : in which they begin: of the file, and if it is a link of what it leads to.
    roots : folders, links resolved, that the file loaded first may name files of; None
        for tables that come from Python.
    where : what messages begin with.
    written : for each path that was made absolute its text in the file.
    """

    folders: tuple[Path, ...]
    roots: tuple[Path, ...] | None
    where: str
    written: dict[str, str]

    def find(self, text: str) -> Path:
        """The first path that a text means and that is there; else the first."""
        paths = [folder / text for folder in self.folders]
        return next((path for path in paths if os.path.lexists(path)), paths[0])

    def path(self, text: str, key: str) -> str:
        """Absolute path that a text means; it keeps its last part, which may be a link's name."""
        if len(text) > LONGEST:
            raise InputError(
                f"{self.where}: {key}: a path of {len(text)} characters; "
                f"at most {LONGEST} are allowed"
            )
        try:
            path = self.find(text)
            end = resolved(path)
            self.check(end / RESULT if end.is_dir() else end, key, text)
            named = path.name not in ("", "..")
            absolute = str(resolved(path.parent) / path.name if named else end)
        except OSError as error:
            raise InputError(
                f"{self.where}: {key}: '{text}' cannot be read ({error.strerror})"
            ) from None
        self.written[absolute] = text
        return absolute

    def check(self, path: Path, key: str, text: str) -> None:
        """Refuse a path that leads out.

        Raises
        ------
        InputError
            It does, and nothing allows that.
        """
        if self.roots is None or _allowed.get():
            return
        if not any(resolved(path).is_relative_to(root) for root in self.roots):
            raise InputError(
                f"{self.where}: {key}: '{text}' lies outside {self.roots[0]}; if you trust the "
                "file, allow it: stochhh --allow-outside run …"
            )


def with_absolute_paths(data: Tables, reach: Reach) -> Tables:
    """Anchor the relative paths in a file's tables at the file's folder.

    Raises
    ------
    InputError
        One leads out of what the file may name.
    """
    return map_paths(data, reach.path)


def map_paths(data: Tables, change: Change) -> Tables:
    """Change every path in tables of a scenario, those of its sweep included.

    Parameters
    ----------
    data : the tables
    change : from a path and its key to another path
    """

    def anchored(entry: Any, key: str, is_path: bool) -> Any:
        text = entry.get(key) if isinstance(entry, dict) else None
        if not is_path or not isinstance(text, str) or "\0" in text:
            return entry
        return {**entry, key: change(text, key)}

    def is_scheme_path(entry: Any) -> bool:
        return isinstance(entry, dict) and str(entry.get("scheme", "")).endswith(".toml")

    def with_schemes(membrane: Any) -> Any:
        if not isinstance(membrane, dict) or not isinstance(membrane.get("channels"), list):
            return membrane
        channels = [
            anchored(entry, "scheme", is_scheme_path(entry)) for entry in membrane["channels"]
        ]
        return {**membrane, "channels": channels}

    def within(entry: Any, table: str, key: str, paths_only: bool) -> Any:
        if not isinstance(entry, dict) or table not in entry:
            return entry
        below = entry[table]
        return {**entry, table: anchored(below, key, not paths_only or is_scheme_path(below))}

    data = dict(data)
    stimuli, run, clamp = data.get("stimulus"), data.get("run"), data.get("clamp")
    if "membrane" in data:
        data["membrane"] = with_schemes(data["membrane"])
    if isinstance(data.get("membranes"), dict):
        data["membranes"] = {key: with_schemes(m) for key, m in data["membranes"].items()}
    if isinstance(data.get("cell"), list):
        data["cell"] = [within(entry, "morphology", "file", False) for entry in data["cell"]]
    if isinstance(data.get("synapse"), list):
        data["synapse"] = [within(entry, "receptors", "scheme", True) for entry in data["synapse"]]
    if isinstance(stimuli, list):
        data["stimulus"] = [anchored(entry, "path", True) for entry in stimuli]
    if isinstance(clamp, dict) and isinstance(clamp.get("segment"), list):
        segments = [anchored(entry, "path", True) for entry in clamp["segment"]]
        data["clamp"] = {**clamp, "segment": segments}
    if isinstance(run, dict) and isinstance(run.get("initial"), dict):
        data["run"] = {**run, "initial": anchored(run["initial"], "result", True)}
    if isinstance(data.get("sweep"), dict):
        data["sweep"] = _changed_values(data["sweep"], change)
    figure = data.get("figure")
    if isinstance(figure, dict) and isinstance(figure.get("rows"), dict):
        data["figure"] = {**figure, "rows": _changed_values(figure["rows"], change)}
    return data


def _changed_values(table: dict[str, Any], change: Change) -> dict[str, Any]:
    """Change the paths among the values of swept keys, a list of them or one."""
    return {
        key: [_changed_value(key, value, change) for value in values]
        if isinstance(values, list)
        else _changed_value(key, values, change)
        for key, values in table.items()
    }


def _changed_value(key: str, value: Any, change: Change) -> Any:
    """Change a swept value that is a path; names of library schemes are none."""
    last = key.rpartition(".")[2]
    is_path = last in ("path", "result", "file") or (
        last == "scheme" and str(value).endswith(".toml")
    )
    if not is_path or not isinstance(value, str) or "\0" in value:
        return value
    return change(value, key)
