"""Files of the user's that a run reads, kept with its result so that it stands by itself.

Channel schemes, waveforms, morphologies and earlier results lie somewhere on the machine
that made a run. A result holds what was in them, and its scenario names them as
``inputs/…``, so both can be moved, and a file that changes later makes no record false.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stochhh.errors import InputError
from stochhh.scenario import Experiment
from stochhh.scenario.paths import RESULT, map_paths

FOLDER = "inputs"
MOST_BYTES = 10_000_000  # of a file that is kept; of a larger one only its checksum is


class Input(NamedTuple):
    """A file that a run read.

    Attributes
    ----------
    name : as the portable scenario gives it, ``inputs/…``.
    sha256, n_bytes : of what is in it.
    content : that itself; None of more than 10 MB.
    """

    name: str
    sha256: str
    n_bytes: int
    content: bytes | None


class Portable(NamedTuple):
    """Tables of a scenario that names no place of this machine, and the files it names."""

    tables: dict[str, Any]
    inputs: tuple[Input, ...]

    @property
    def toml(self) -> str:
        """The tables as a scenario file."""
        import tomli_w

        return tomli_w.dumps(self.tables)


def portable(experiment: Experiment) -> Portable:
    """Make a resolved scenario stand by itself.

    Raises
    ------
    InputError
        A file that it names cannot be read.
    """
    found: dict[Path, Input] = {}

    def moved(text: str, key: str) -> str:
        path = Path(text)
        path = path / RESULT if path.is_dir() else path
        if path not in found:
            found[path] = _read(path, key, _free_name(path.name, found.values()))
        return found[path].name

    tables = experiment.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Portable(map_paths(tables, moved), tuple(found.values()))


def attributes_of(inputs: Iterable[Input]) -> dict[str, str]:
    """Attributes of a dataset that hold files; none without any."""
    told: dict[str, dict[str, Any]] = {}
    for one in inputs:
        told[one.name] = {"sha256": one.sha256, "bytes": one.n_bytes, **_as_text(one.content)}
    return {FOLDER: json.dumps(told)} if told else {}


def inputs_of(attributes: Mapping[str, Any]) -> tuple[Input, ...]:
    """Files that a dataset's attributes hold.

    Raises
    ------
    InputError
        They are none, or not what their checksums say.
    """
    if FOLDER not in attributes:
        return ()
    try:
        told = json.loads(attributes[FOLDER])
        return tuple(_from_text(name, entry) for name, entry in told.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError("the files that the result holds are not as they were written") from None


def unpack(inputs: Iterable[Input], folder: Path) -> None:
    """Write files into a folder, each below its name.

    Raises
    ------
    InputError
        One cannot be written.
    """
    for one in inputs:
        if one.content is not None:
            path = folder / one.name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(one.content)
            except (OSError, ValueError) as error:
                raise InputError(f"{one.name}: cannot be unpacked ({error})") from None


def _free_name(name: str, taken: Iterable[Input]) -> str:
    """Name that no other file has; what is told of a scheme or a cell follows from its last part.

    Two files of one name lie in folders of their own.
    """
    names = {one.name for one in taken}
    name = re.sub(r"[\\:\x00-\x1f\x7f]|^\.", "_", name)
    whole, number = f"{FOLDER}/{name}", 1
    while whole in names:
        number += 1
        whole = f"{FOLDER}/{number}/{name}"
    return whole


def _read(path: Path, key: str, name: str) -> Input:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        content = path.read_bytes() if size <= MOST_BYTES else None
    except OSError as error:
        raise InputError(f"{key}: {path}: cannot be read ({error.strerror or error})") from None
    return Input(name, sha256, size, content)


def _as_text(content: bytes | None) -> dict[str, str]:
    if content is None:
        return {}
    try:
        return {"text": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def _from_text(name: str, entry: Mapping[str, Any]) -> Input:
    """A file of a result; refuses names that lead elsewhere, and what its checksum does not fit."""
    content = None
    if "text" in entry:
        content = str(entry["text"]).encode("utf-8")
    elif "base64" in entry:
        content = base64.b64decode(entry["base64"], validate=True)
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") and not set(part) & set("\\\0:") for part in parts)
    if parts[0] != FOLDER or not 2 <= len(parts) <= 3 or not plain:
        raise ValueError(name)
    if content is not None and hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ValueError(name)
    return Input(name, str(entry["sha256"]), int(entry["bytes"]), content)
