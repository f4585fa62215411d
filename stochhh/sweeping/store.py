"""A folder of finished points: each whole or absent, and known by checksums.

A point's key is a checksum of all that its numbers follow from; a file with another
key, or whose content does not fit its own checksum, counts as missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stochhh import folders
from stochhh.analysis.trial_numbers import About, Trials
from stochhh.assemble import provenance
from stochhh.errors import InputError
from stochhh.inputs import Input, portable
from stochhh.result import FILE_NAME, Result
from stochhh.scenario import Experiment
from stochhh.sweeping.contents import longest, read_numbers, written
from stochhh.sweeping.metrics import number_names
from stochhh.writing import is_plain_file, replacing, together

FORMAT = 4
SCENARIO = "scenario.toml"
_POINTS, _TRACES, _LOCK = "points", "traces", "sweep.lock"
_POINT = r"[0-9]{6}\.json"
_RESULTS = ("sweep.csv", "sweep.nc", "summary.json", "figure.png")
_LONGEST_SCENARIO = 100_000_000
_SEED = re.compile(r"^\[run\]\n(?:[a-z_]+ = .*\n)*?seed = ([0-9]{1,19})$", re.MULTILINE)


def point_key(scenario: Experiment, index: int, traces: bool) -> str:
    """Checksum of all that the numbers of a point follow from, files that it reads included."""
    told = portable(scenario)
    files = [(one.name, one.sha256) for one in told.inputs]
    made_by = [FORMAT, provenance(), index, traces, told.tables, files]
    return hashlib.sha256(_canonical(made_by)).hexdigest()


@contextmanager
def held(folder: Path, scenario: Experiment, force: bool = False) -> Iterator[Store]:
    """Hold a folder for a sweep as long as the block lasts, as `stochhh.folders.held` does.

    Nothing in it changes before the first point is kept, so that a sweep that comes to
    nothing costs nothing, even with `force`.

    Raises
    ------
    InputError
        It cannot be written, holds something else, or another sweep is at work there.
    """
    folders.is_folder(folder)
    header = _header(scenario)
    _check_owner(folder, header, force)
    with folders.held(folder, "sweep", _LOCK):
        folders.refuse_links(folder, (_POINTS, _TRACES))
        for name in (_POINTS, _TRACES):
            if (folder / name).exists() and not (folder / name).is_dir():
                raise InputError(
                    f"{folder / name}: is no folder; remove it, or choose another folder with --out"
                )
        told = portable(scenario)
        yield Store(folder, header + told.toml, told.inputs, force)


def earlier_seed(folder: Path, scenario: Experiment) -> int | None:
    """Seed of an earlier sweep of this scenario in a folder, so that it can be gone on with.

    It is looked for in the text, which may come from anyone and hold 100 000 points: reading
    all of it takes long.
    """
    if not _begins_with(folder / SCENARIO, _header(scenario)):
        return None
    with suppress(OSError, ValueError):
        found = _SEED.search((folder / SCENARIO).read_text(encoding="utf-8"))
        return int(found[1]) if found else None
    return None


class Store:
    """Finished points of a folder that is held."""

    def __init__(self, folder: Path, scenario: str, inputs: Sequence[Input], force: bool) -> None:
        self.folder = folder
        self._scenario, self._inputs = scenario, inputs
        self._force, self._begun = force, False

    def begin(self) -> None:
        """Say whose folder it is; results of another sweep of the scenario go.

        Raises
        ------
        InputError
            It cannot be written.
        """
        if self._begun:
            return
        self._begun = True
        path = self.folder / SCENARIO
        if self._force:
            _clear(self.folder, 0, traces=False)
        if self._force or not _is_text(path, self._scenario):
            folders.remove_made(self.folder, "|".join(map(re.escape, _RESULTS)))
            with together(self.folder):
                for one in self._inputs:
                    if one.content is not None:
                        with replacing(self.folder / one.name) as temporary:
                            temporary.write_bytes(one.content)
                with replacing(path) as temporary:
                    temporary.write_text(self._scenario, encoding="utf-8")

    def read(
        self, index: int, key: str, n: int, about: About, with_limit: bool, with_traces: bool
    ) -> Trials | None:
        """Numbers of a point; None if missing or damaged, or not those of its scenario.

        Parameters
        ----------
        index, key : of the point
        n : trials that it has
        about : how they are made
        with_limit : whether numbers of the deterministic limit must be there
        with_traces : whether its whole result must be there
        """
        path, kept = self._path(index), self.traces_path(index)
        names = number_names(about)
        try:
            if self._force or not is_plain_file(path) or path.stat().st_size > longest(about, n):
                return None
            tables = json.loads(path.read_text(encoding="utf-8"))
            content = tables["content"]
            if tables["key"] != key or tables["checksum"] != _checksum(content):
                return None
            if (content["traces"] is not None) != with_traces or (
                with_traces
                and (not is_plain_file(kept) or _file_checksum(kept) != content["traces"])
            ):
                return None
            limit = read_numbers(content["limit"], names if with_limit else [], 1, about)
            return Trials(about, read_numbers(content["trials"], names, n, about), limit)
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def write(self, index: int, key: str, trials: Trials, result: Result | None) -> None:
        """Keep a finished point, its result before its numbers.

        Raises
        ------
        InputError
            It cannot be written.
        """
        self.begin()
        traces = None
        if result is not None:
            folders.refuse_links(self.folder / _TRACES, [f"{index:06d}"])
            result.save(self.traces_path(index))
            traces = _file_checksum(self.traces_path(index))
        content = {
            "trials": written(trials.numbers),
            "limit": written(trials.limit),
            "traces": traces,
        }
        tables = {"key": key, "checksum": _checksum(content), "content": content}
        with replacing(self._path(index)) as temporary:
            temporary.write_bytes(_canonical(tables) + b"\n")

    def there(self) -> int:
        """How many points have a file, whole or not, that may be gone on with."""
        if self._force:
            return 0
        with suppress(OSError):
            return sum(
                re.fullmatch(_POINT, path.name) is not None
                for path in (self.folder / _POINTS).iterdir()
            )
        return 0

    def keep_only(self, n: int, traces: bool) -> None:
        """Remove points beyond the first n, and leftovers of killed writes; traces if unwanted.

        Whatever else a user put there stays.
        """
        _clear(self.folder, n, traces)

    def traces_path(self, index: int) -> Path:
        """Where the whole result of a point stands."""
        return self.folder / _TRACES / f"{index:06d}" / FILE_NAME

    def _path(self, index: int) -> Path:
        return self.folder / _POINTS / f"{index:06d}.json"


def _header(scenario: Experiment) -> str:
    return f"# resolved scenario '{scenario.name}', as it is swept\n"


def _check_owner(folder: Path, header: str, force: bool) -> None:
    if force or not folder.is_dir():
        return
    try:
        if all(entry.name in (_LOCK,) or entry.name[0] == "." for entry in folder.iterdir()):
            return
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from None
    if not _begins_with(folder / SCENARIO, header):
        raise InputError(
            f"{folder}: holds files that are no sweep of this scenario; choose another folder with "
            "--out or overwrite with --force"
        )


def _clear(folder: Path, n: int, traces: bool) -> None:
    """Remove what sweeps made in a folder, but for the first n points, with traces or without."""
    for name in (SCENARIO, *_RESULTS):
        folders.remove_made(folder, folders.temporary_of(re.escape(name)))
    points = folder / _POINTS
    folders.remove_made(points, folders.temporary_of(_POINT))
    folders.remove_made(points, _POINT, lambda name: int(name[:6]) >= n)
    for index in _numbers(folder / _TRACES):
        one = folder / _TRACES / f"{index:06d}"
        result = re.escape(FILE_NAME)
        folders.remove_made(one, folders.temporary_of(result))
        if index >= n or not traces:
            folders.remove_made(one, result)
            with suppress(OSError):  # a user's file is there, or it is no folder
                one.rmdir()
    for emptied in (points, folder / _TRACES):
        with suppress(OSError):  # still in use
            emptied.rmdir()


def _begins_with(path: Path, header: str) -> bool:
    """Whether a path is a file that begins with a text, and no longer than scenarios are."""
    with suppress(OSError, ValueError):
        if is_plain_file(path) and path.stat().st_size <= _LONGEST_SCENARIO:
            begins = header.rstrip().encode()
            with path.open("rb") as file:
                return file.read(len(begins)) == begins
    return False


def _is_text(path: Path, text: str) -> bool:
    """Whether a path is a file of that text."""
    with suppress(OSError, ValueError):
        return (
            _begins_with(path, text.partition("\n")[0]) and path.read_text(encoding="utf-8") == text
        )
    return False


def _numbers(folder: Path) -> list[int]:
    """Numbers of the points that have something in a folder of traces; none behind a link."""
    if folder.is_symlink():
        return []
    with suppress(OSError):
        return sorted(int(p.name) for p in folder.iterdir() if re.fullmatch(r"[0-9]{6}", p.name))
    return []


def _canonical(tables: Any) -> bytes:
    text = json.dumps(tables, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _checksum(tables: Any) -> str:
    return hashlib.sha256(_canonical(tables)).hexdigest()


def _file_checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
