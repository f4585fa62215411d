"""Morphologies of cells from SWC files, read by MorphIO."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import morphio
import numpy as np

from stochhh.circuit.frusta import Shape
from stochhh.errors import InputError
from stochhh.input_files import check_encoding, check_plain, read_text
from stochhh.words import said_name

_MOST_BYTES = 50_000_000
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_MAY_CHANGE_KIND = morphio.Option.allow_unifurcated_section_change
_SOMA = 1
_FEWEST_OUTLINE = 5  # points
_COMES_BACK = 0.4  # of the way along an outline, that its last point may be from its first
_WORDS = {2: "an axon", 3: "a dendrite", 4: "an apical dendrite"}
_DOMAINS = {
    morphio.SectionType.axon: "axon",
    morphio.SectionType.basal_dendrite: "dendrite",
    morphio.SectionType.apical_dendrite: "apical",
}


def read_swc(path: Path) -> list[Shape]:
    """Read the sections of a cell, the soma first and parents before their children.

    A soma of one point, a sphere, becomes the cylinder of its area; one of three
    points, a centre and two on it, runs from side to side through the centre, so that a
    standard one has the area of its sphere (NeuroMorpho.Org, "What is the soma format?");
    others are the chain of frusta through their points, also where these go round as an
    outline does (`doubt_of_soma`). What grows from the soma hangs on
    its middle. A point repeated with another radius is a step of the radius. Sections are
    named after their kind and numbered, as in "axon-2"; one begins where the kind changes.

    Raises
    ------
    InputError
        No such file, not an SWC file, no soma, a neurite that hangs on nothing, or a
        section without length or width.
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
        warned = morphio.WarningHandlerCollector()  # and not printed
        how = {"options": _MAY_CHANGE_KIND, "warning_handler": warned}
        if first.startswith(codecs.BOM_UTF8):  # which MorphIO does not know
            cell = morphio.Morphology(read_text(path, _MOST_BYTES), "swc", **how)
        else:
            cell = morphio.Morphology(str(path), **how)
        lines = _points(path)
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
    _check_rooted(lines, path)
    shapes = [_soma(cell.soma, lines, path)]
    index: dict[int, int] = {}
    counts: dict[str, int] = {}
    for section in cell.iter():
        domain = _DOMAINS.get(section.type)
        if domain is None:
            raise InputError(
                f"{path}: a section of type {section.type.name}; only soma (1), axon (2), "
                "basal (3) and apical dendrite (4) are known"
            )
        parent = 0 if section.is_root else index[section.parent.id]
        if len(section.points) == 1 and section.children:
            index[section.id] = parent  # a fork on the soma itself
            continue
        counts[domain] = counts.get(domain, 0) + 1
        name = f"{domain}-{counts[domain]}"
        index[section.id] = len(shapes)
        at = _line_of(section.points[-1], lines)
        distance, diameter = _path(section.points, section.diameters, f"{path}: {at}{name}")
        shapes.append(Shape(name, domain, parent, 1.0 if parent else 0.5, distance, diameter))
    return shapes


def doubt_of_soma(path: Path) -> str | None:
    """Say so if a soma of many points looks like an outline, which is no chain of frusta."""
    soma = [point for point in _points(path) if point.kind == _SOMA]
    places = np.array([point.place for point in soma])
    if len(soma) < _FEWEST_OUTLINE:
        return None
    around = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    if np.linalg.norm(places[-1] - places[0]) > _COMES_BACK * around:
        return None
    x, y, z = places.mean(axis=0)
    radius = float(np.linalg.norm(places - places.mean(axis=0), axis=1).mean())
    return (
        f"the {len(soma)} points of the soma (from line {soma[0].line}) lead back to where they "
        "began, as an outline does, and are taken for a chain of frusta; for a sphere of its size "
        f"write one point, {soma[0].number} 1 {x:.4g} {y:.4g} {z:.4g} {radius:.4g} -1"
    )


class _Point(NamedTuple):
    """A line of the file."""

    line: int
    number: int
    kind: int
    place: tuple[float, float, float]
    parent: int


def _points(path: Path) -> list[_Point]:
    """Points of a file that MorphIO could read, with the lines they are on."""
    found = []
    for number, line in enumerate(path.read_bytes().decode("utf-8-sig", "replace").splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) >= 7:
            x, y, z = (float(word) for word in words[2:5])
            found.append(_Point(number, int(words[0]), int(words[1]), (x, y, z), int(words[6])))
    return found


def _check_rooted(points: Sequence[_Point], path: Path) -> None:
    """Every neurite must hang on something, and a soma must not branch."""
    for point in points:
        if point.parent == -1 and point.kind != _SOMA:
            kind = _WORDS.get(point.kind, "a neurite")
            raise InputError(
                f"{path}: line {point.line}: {kind} that hangs on nothing (its parent is -1); "
                "give it the number of the point that it grows from, or take its lines out"
            )
    soma = [point for point in points if point.kind == _SOMA]
    parents = [point.parent for point in soma[1:]]
    if len(soma) == 3 and parents == [soma[0].number] * 2:
        return
    for before, point in pairwise(soma):
        if point.parent != before.number:
            raise InputError(
                f"{path}: line {point.line}: a soma that branches; give it as one point, as a "
                "centre and two points one radius away, or as a chain of points"
            )


def _line_of(place: np.ndarray, points: Sequence[_Point]) -> str:
    """Say on which line a place is, or nothing."""
    for point in points:
        if np.allclose(place, point.place, rtol=1e-5):
            return f"line {point.line}: "
    return ""


def _soma(soma: morphio.Soma, points: Sequence[_Point], path: Path) -> Shape:
    if len(soma.points) == 1:
        diameter = float(soma.diameters[0])
        if not 0.0 < diameter < np.inf:
            raise InputError(f"{path}: the soma has no width")
        ends, width = np.array([0.0, diameter]), np.full(2, diameter)
        return Shape("soma", "soma", -1, 1.0, ends, width)
    numbers = [point.parent for point in points if point.kind == _SOMA]
    order = list(range(len(soma.points)))
    if len(order) == 3 and numbers[1] == numbers[2]:
        order = [1, 0, 2]  # from side to side through the centre
    distance, diameter_um = _path(soma.points[order], soma.diameters[order], f"{path}: soma")
    return Shape("soma", "soma", -1, 1.0, distance, diameter_um)


def _path(points: np.ndarray, diameters: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Path distances and diameters of points; of those at one place the first and the last."""
    steps = np.linalg.norm(np.diff(points.astype(np.float64), axis=0), axis=1)
    moved = steps > 0.0
    first, last = np.concatenate([[True], moved]), np.concatenate([moved, [True]])
    diameter = diameters.astype(np.float64)
    before = diameter[first][np.cumsum(first) - 1]  # of the first at the same place
    kept = first | (last & (diameter != before))
    distance, diameter = np.concatenate([[0.0], np.cumsum(steps)])[kept], diameter[kept]
    if len(points) == 1:
        raise InputError(
            f"{where}: a single point on the soma has no length; add the point where it ends, "
            "or take the line out"
        )
    if not 0.0 < distance[-1] < np.inf:
        raise InputError(f"{where}: has no length: all its points are at one place")
    if not np.all((diameter > 0.0) & np.isfinite(diameter)):
        raise InputError(f"{where}: a point has no width; its radius must be above 0")
    return distance, diameter
