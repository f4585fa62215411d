"""Where a drawing of a channel scheme puts its states, and the labels of its arrows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.kinetics.scheme import ChannelScheme

Floats = NDArray[np.float64]
Cell = tuple[int, int]
Line = tuple[Cell, Cell]

_BEAM = 60  # layouts that are followed at a time
_FRACTIONS = (0.5, 0.38, 0.62, 0.3, 0.7, 0.24, 0.76)  # of an arrow, where its label may stand


class Box(NamedTuple):
    """Rectangle by its middle and half of its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float

    def meets(self, other: Box) -> bool:
        """Whether two rectangles overlap."""
        return (
            abs(self.x - other.x) < self.half_width + other.half_width
            and abs(self.y - other.y) < self.half_height + other.half_height
        )

    def is_crossed(self, start: Floats, end: Floats) -> bool:
        """Whether a straight line passes through the rectangle."""
        low, high = 0.0, 1.0
        for begin, along, middle, half in (
            (start[0], end[0] - start[0], self.x, self.half_width),
            (start[1], end[1] - start[1], self.y, self.half_height),
        ):
            if abs(along) < 1e-12:
                if abs(begin - middle) > half:
                    return False
                continue
            at = sorted(((middle - half - begin) / along, (middle + half - begin) / along))
            low, high = max(low, at[0]), min(high, at[1])
        return low < high


def state_places(scheme: ChannelScheme) -> Floats:
    """Places of the states, shape (S, 2), whole numbers that neighbours differ by one in.

    Gates go along a direction each. Other schemes are laid out state by state, each beside
    those that it is joined to; of all ways to do so the best sixty are followed, by the
    length of arrows and by what they cross.
    """
    if scheme.gates:
        return _gate_places(scheme)
    joined = {frozenset((one.source, one.target)) for one in scheme.transitions}
    pairs = sorted((min(pair), max(pair)) for pair in joined)
    neighbours: list[list[int]] = [[] for _ in scheme.states]
    for one, other in pairs:
        neighbours[one].append(other)
        neighbours[other].append(one)
    beam: list[tuple[float, dict[int, Cell]]] = [(0.0, {})]
    for state in _order(neighbours):
        followed: list[tuple[float, dict[int, Cell]]] = []
        for cost, placed in beam:
            near = [other for other in neighbours[state] if other in placed]
            lines = [(placed[a], placed[b]) for a, b in pairs if a in placed and b in placed]
            for cell in _candidates(placed, near):
                more = _cost(cell, placed, state, near, lines)
                followed.append((cost + more, {**placed, state: cell}))
        followed.sort(key=lambda entry: entry[0] + 0.01 * _sprawl(entry[1].values()))
        beam = followed[:_BEAM]
    best = beam[0][1]
    places: Floats = np.array([best[state] for state in range(len(scheme.states))], dtype=float)
    return np.asarray(places - places.min(axis=0))


def label_place(
    start: Floats,
    end: Floats,
    aside: Floats,
    size: tuple[float, float],
    boxes: Sequence[Box],
    arrows: Sequence[tuple[Floats, Floats]],
) -> Box:
    """Place of the label of an arrow: beside it, where least lies in the way.

    Parameters
    ----------
    start, end : (2,) of the arrow
    aside : (2,) direction of length 1 in which the arrow back does not lie
    size : half of the label's width and height
    boxes : that are taken, of states and of labels placed earlier
    arrows : all, by start and end
    """
    best, least = None, np.inf
    for side, fraction, more in product((1.0, -1.0), _FRACTIONS, (0.0, 0.06)):
        away = np.abs(aside) @ np.array(size) + 0.025 + more
        at = start + fraction * (end - start) + side * away * aside
        box = Box(float(at[0]), float(at[1]), *size)
        cost = 3.0 * sum(box.meets(other) for other in boxes)
        cost += 2.0 * sum(box.is_crossed(*arrow) for arrow in arrows)
        cost += abs(fraction - 0.5) + (0.6 if side < 0 else 0.0) + more
        if cost < least:
            best, least = box, cost
    assert best is not None
    return best


def _gate_places(scheme: ChannelScheme) -> Floats:
    counts = np.array(list(product(*(range(gate.power + 1) for gate in scheme.gates))), float)
    rows = [gate.power + 1 for gate in scheme.gates[1:]]
    stride = np.cumprod([1, *rows])[: len(rows)]  # further gates stack their rows
    aside = counts[:, 2:].sum(axis=1) * 0.5  # so that their arrows pass the rows between
    return np.stack([counts[:, 0] + aside, counts[:, 1:] @ stride], axis=1)


def _order(neighbours: Sequence[Sequence[int]]) -> list[int]:
    """States, each after one that it is joined to, those in a chain after each other."""
    order: list[int] = []
    waiting = list(range(len(neighbours)))
    while waiting:
        joined = [state for state in waiting if set(neighbours[state]) & set(order)]
        ends = [state for state in waiting if len(neighbours[state]) <= 1] or waiting
        state = max(
            joined or ends[:1], key=lambda one: (len(set(neighbours[one]) & set(order)), -one)
        )
        order.append(state)
        waiting.remove(state)
    return order


def _candidates(placed: dict[int, Cell], near: Sequence[int]) -> Iterable[Cell]:
    """Free cells about the states that a new one is joined to."""
    if not placed:
        return [(0, 0)]
    taken = set(placed.values())
    if not near:  # joined to none: a column of its own
        return [(max(x for x, _ in taken) + 1, 0)]
    reach = range(-2, 3)
    cells = {
        (placed[one][0] + dx, placed[one][1] + dy) for one in near for dx in reach for dy in reach
    }
    return sorted(cells - taken)


def _cost(
    cell: Cell, placed: dict[int, Cell], state: int, near: Sequence[int], lines: Sequence[Line]
) -> float:
    """What is bad about a state at a cell: long and slanting arrows, and what they cross."""
    cost = sum(4.0 for start, end in lines if _passes(cell, start, end))
    for one in near:
        end = placed[one]
        across, up = abs(end[0] - cell[0]), abs(end[1] - cell[1])
        cost += across + up - 1.0 + (0.4 if across and up else 0.0)
        cost += 0.05 * up  # chains go along the page, and on in the order of the states
        cost += 0.02 * ((cell[0] - end[0]) * (state - one) < 0)
        cost += 0.01 * ((cell[1] - end[1]) * (state - one) > 0)
        cost += sum(4.0 for other in placed.values() if _passes(other, cell, end))
        cost += sum(3.0 for start, stop in lines if _cross(cell, end, start, stop))
    return cost


def _turn(p: Cell, q: Cell, r: Cell) -> int:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _passes(cell: Cell, start: Cell, end: Cell) -> bool:
    """Whether a line passes a cell between its ends, through it or so near that it is hit."""
    if cell in (start, end):
        return False
    inside = all(min(start[k], end[k]) <= cell[k] <= max(start[k], end[k]) for k in (0, 1))
    long = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    return inside and abs(_turn(start, end, cell)) < 0.5 * long


def _cross(a: Cell, b: Cell, c: Cell, d: Cell) -> bool:
    """Whether two lines cross between their ends."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _sprawl(cells: Iterable[Cell]) -> float:
    """Area of a layout, so that of equal ones the compact is followed."""
    xs, ys = zip(*cells, strict=True)
    return float((max(xs) - min(xs) + 1) * (max(ys) - min(ys) + 1))
