"""Places on cells, as users write them: "start", "middle", "120 um", "node-3", "axon 20 um"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochhh import units
from stochhh.circuit.cell import Shape
from stochhh.circuit.geometry import Ints, main_path
from stochhh.errors import InputError, did_you_mean

_WORDS = ("start", "middle", "end", "everywhere")


def find_place(cell: Shape, text: str) -> Ints:
    """Compartments of a cell that a text means: one, or all of them for "everywhere".

    A distance alone is measured along the path from the cell's start to its farthest
    tip; after a section's name, from that section's start.

    Raises
    ------
    InputError
        There is no such place.
    """
    geometry = cell.geometry
    if text == "everywhere":
        return np.arange(len(geometry.parent))
    path = main_path(geometry)
    if text in ("start", "middle", "end"):
        part = {"start": 0.0, "middle": 0.5, "end": 1.0}[text]
        reach = geometry.position_um[path[-1]] + 0.5 * geometry.length_um[path[-1]]
        return _nearest(cell, path, part * reach)
    for name in sorted(cell.sections, key=len, reverse=True):
        if text == name or text.startswith(f"{name} "):
            own = np.nonzero(geometry.section == cell.sections.index(name))[0]
            begins = float(np.min(geometry.position_um[own] - 0.5 * geometry.length_um[own]))
            ends = float(np.max(geometry.position_um[own] + 0.5 * geometry.length_um[own]))
            rest = text[len(name) :].strip()
            words = {"": 0.5, "start": 0.0, "middle": 0.5, "end": 1.0}
            if rest in words:
                return _nearest(cell, own, begins + words[rest] * (ends - begins))
            distance = _distance_um(cell, rest, text)
            if distance > (ends - begins) * (1 + 1e-9):
                raise InputError(f"'{text}': section '{name}' is {ends - begins:g} µm long")
            return _nearest(cell, own, begins + distance)
    distance = _distance_um(cell, text, text)
    longest = float(geometry.position_um[path[-1]] + 0.5 * geometry.length_um[path[-1]])
    if distance > longest * (1 + 1e-9):
        raise InputError(f"'{text}': cell '{cell.name}' is {longest:g} µm long")
    return _nearest(cell, path, distance)


def find_recorded(cells: Sequence[Shape], text: str) -> Ints:
    """Compartments of a circuit that a text means, such as "axon end" or "axon"; all of a cell.

    Raises
    ------
    InputError
        There is no such cell or place.
    """
    first = 0
    found: tuple[int, Shape] | None = None
    for cell in cells:
        longer = found is None or len(cell.name) > len(found[1].name)
        if longer and (text == cell.name or text.startswith(f"{cell.name} ")):
            found = first, cell
        first += len(cell.geometry.parent)
    if found is None:
        names = [cell.name for cell in cells]
        raise InputError(f"'{text}' begins with no cell's name; {did_you_mean(text, names)}")
    first, cell = found
    return first + find_place(cell, text[len(cell.name) :].strip() or "everywhere")


def _distance_um(cell: Shape, text: str, whole: str) -> float:
    try:
        return float(units.parse(text, units.DISTANCE))
    except InputError:
        known = [*_WORDS, *cell.sections]
        raise InputError(
            f"'{whole}' is no place on cell '{cell.name}': need a distance such as "
            f'"{units.DISTANCE.example}", or {did_you_mean(text, known)}'
        ) from None


def _nearest(cell: Shape, among: Ints, position_um: float) -> Ints:
    """Return the compartment that holds a position, the nearer one at a border."""
    geometry = cell.geometry
    beyond = np.abs(geometry.position_um[among] - position_um) - 0.5 * geometry.length_um[among]
    inside = np.maximum(beyond, 0.0)
    best = np.lexsort((np.abs(geometry.position_um[among] - position_um), np.round(inside, 9)))[0]
    return among[[best]]
