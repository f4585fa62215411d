"""Morphologies of cells from SWC files, read by MorphIO."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

import morphio
import numpy as np

from stochhh.circuit.frusta import Shape
from stochhh.errors import InputError
from stochhh.input_files import check_encoding, check_plain, read_text
from stochhh.words import said_name

_MOST_BYTES = 50_000_000
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_DOMAINS = {
    morphio.SectionType.axon: "axon",
    morphio.SectionType.basal_dendrite: "dendrite",
    morphio.SectionType.apical_dendrite: "apical",
}


def read_swc(path: Path) -> list[Shape]:
    """Read the sections of a cell, the soma first and parents before their children.

    A soma of one point, a sphere, becomes the cylinder of its area; one of several
    points is the chain of frusta through them. What grows from the soma hangs on its
    middle. Sections are named after their kind and numbered, as in "axon-2".

    Raises
    ------
    InputError
        No such file, not an SWC file, no soma, or a section without length or width.
    """
    if not os.path.exists(path):
        raise InputError(f"{said_name(path)}: no such file; need a morphology in SWC format")
    if path.suffix.lower() != ".swc":
        raise InputError(f"{path}: need a morphology in SWC format, a file that ends in .swc")
    try:
        check_plain(path, _MOST_BYTES)
        with path.open("rb") as file:
            first = file.read(4)
        check_encoding(first)
        with morphio_is_silent():
            if first.startswith(codecs.BOM_UTF8):  # which MorphIO does not know
                cell = morphio.Morphology(read_text(path, _MOST_BYTES), "swc")
            else:
                cell = morphio.Morphology(str(path))
    except InputError as error:
        raise InputError(f"{said_name(path)}: {error}") from None
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise InputError(f"{said_name(path)}: {reason}") from None
    except (morphio.MorphioError, RuntimeError, ValueError) as error:
        said = " ".join(_COLORS.sub("", str(error)).split())
        raise InputError(f"{path}: not a readable SWC file ({said})") from None
    if len(cell.soma.points) == 0:
        raise InputError(f"{path}: has no soma; a line of type 1 makes one, as in 1 1 0 0 0 5 -1")
    shapes = [_soma(cell.soma, path)]
    index: dict[int, int] = {}
    counts: dict[str, int] = {}
    for section in cell.iter():
        domain = _DOMAINS.get(section.type)
        if domain is None:
            raise InputError(
                f"{path}: a section of type {section.type.name}; only soma (1), axon (2), "
                "basal (3) and apical dendrite (4) are known"
            )
        counts[domain] = counts.get(domain, 0) + 1
        name = f"{domain}-{counts[domain]}"
        index[section.id] = len(shapes)
        distance, diameter = _path(section.points, section.diameters, f"{path}: {name}")
        parent = 0 if section.is_root else index[section.parent.id]
        fraction = 0.5 if section.is_root else 1.0
        shapes.append(Shape(name, domain, parent, fraction, distance, diameter))
    return shapes


class morphio_is_silent:  # noqa: N801  # read as a phrase
    """Within it MorphIO prints no warnings."""

    def __enter__(self) -> None:
        morphio.set_maximum_warnings(0)

    def __exit__(self, *raised: object) -> None:
        morphio.set_maximum_warnings(100)


def _soma(soma: morphio.Soma, path: Path) -> Shape:
    if len(soma.points) == 1:
        diameter = float(soma.diameters[0])
        if not 0.0 < diameter < np.inf:
            raise InputError(f"{path}: the soma has no width")
        ends, width = np.array([0.0, diameter]), np.full(2, diameter)
        return Shape("soma", "soma", -1, 1.0, ends, width)
    distance, diameter_um = _path(soma.points, soma.diameters, f"{path}: soma")
    return Shape("soma", "soma", -1, 1.0, distance, diameter_um)


def _path(points: np.ndarray, diameters: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Path distances and diameters of points, those that repeat the one before left out."""
    steps = np.linalg.norm(np.diff(points.astype(np.float64), axis=0), axis=1)
    kept = np.concatenate([[True], steps > 0.0])
    distance = np.concatenate([[0.0], np.cumsum(steps)])[kept]
    diameter = diameters.astype(np.float64)[kept]
    if len(distance) < 2 or not np.isfinite(distance[-1]):
        raise InputError(f"{where}: has no length")
    if not np.all((diameter > 0.0) & np.isfinite(diameter)):
        raise InputError(f"{where}: a point has no width")
    return distance, diameter
