"""Places on cells, as users write them: "start", "middle", "120 um", "node-3", "axon 20 um"."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from stochhh import units
from stochhh.circuit.cell import Shape
from stochhh.circuit.geometry import Ints
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
    path = cell.main_path
    if text in ("start", "middle", "end"):
        part = {"start": 0.0, "middle": 0.5, "end": 1.0}[text]
        reach = geometry.position_um[path[-1]] + 0.5 * geometry.length_um[path[-1]]
        return _nearest(cell, path, part * reach)
    name = _beginning(text, cell.number_of_section)
    if name is not None:
        own = np.nonzero(geometry.section == cell.number_of_section[name])[0]
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


def find_recorded(cells: Sequence[Shape], texts: Sequence[str], where: str) -> Ints:
    """Compartments of a circuit that texts mean, such as "axon end" or "axon"; all of a cell.

    Parameters
    ----------
    cells : in order
    texts : of the places
    where : what messages begin with

    Raises
    ------
    InputError
        There is no such cell or place.
    """
    number = {cell.name: index for index, cell in enumerate(cells)}
    first = np.cumsum([0, *(len(cell.geometry.parent) for cell in cells)])
    found: dict[int, None] = {}
    for index, text in enumerate(texts):
        name = _beginning(text, number)
        if name is None:
            raise InputError(
                f"{where}[{index}]: '{text}' begins with no cell's name; "
                f"{did_you_mean(text, number)}"
            )
        try:
            place = text[len(name) :].strip() or "everywhere"
            own = find_place(cells[number[name]], place)
        except InputError as error:
            raise InputError(f"{where}[{index}]: {error}") from None
        found.update(dict.fromkeys((first[number[name]] + own).tolist()))
    return np.array(list(found), dtype=np.int64)


def _beginning(text: str, names: Container[str]) -> str | None:
    """Longest of the names that a text is, or begins with before a space."""
    while text and text not in names:
        text = text.rpartition(" ")[0]
    return text or None


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
