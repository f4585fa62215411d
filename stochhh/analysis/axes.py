"""Axes of a sweep as numbers, and the curves that its points make along one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh import units
from stochhh.analysis.setup import Setup

Floats = NDArray[np.float64]

_FILE = re.compile(r"\.(toml|csv|swc|nc)$")
_NUMBER_UNIT = re.compile(
    r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*((?![0-9.]).*)"
)
_MOST_DIGITS = 4  # of a number in a label


class Curve(NamedTuple):
    """Points of a sweep that differ on one axis only. K points.

    Attributes
    ----------
    place : value of every other swept key, as written.
    points : (K,) their places along the points of the sweep, in the order of `x`.
    x : (K,) rising values on the axis.
    """

    place: dict[str, Any]
    points: tuple[int, ...]
    x: Floats

    @property
    def label(self) -> str:
        """What tells this curve from the others, for a legend; empty if it is the only one."""
        return place_label(self.place)


class Axis(NamedTuple):
    """One axis of a sweep, and the curves along it.

    Attributes
    ----------
    key : that is swept.
    label : with its unit, for a picture.
    unit : as written in the scenario; empty for plain numbers.
    curves : one for each combination of the values of the other axes.
    """

    key: str
    label: str
    unit: str
    curves: tuple[Curve, ...]


def curves_along(setups: Sequence[Setup], key: str) -> Axis:
    """Curves that the points of a sweep make along one of its axes.

    Parameters
    ----------
    setups : of the points, each with its place
    key : a swept key whose values are numbers of one unit

    Raises
    ------
    ValueError
        Values that are no numbers of one unit.
    """
    x, unit = numbers_of_one_unit([setup.place[key] for setup in setups])
    members: dict[str, list[int]] = {}
    for index, setup in enumerate(setups):
        members.setdefault(repr(_others(setup.place, key)), []).append(index)
    curves = []
    for points in members.values():
        points.sort(key=lambda index: x[index])
        place = _others(setups[points[0]].place, key)
        curves.append(Curve(place, tuple(points), x[points]))
    return Axis(key, axis_label(key, unit), unit, tuple(curves))


def curves_if_any(setups: Sequence[Setup], key: str | None) -> Axis:
    """Curves along one axis as `curves_along`; without one every point is a curve of its own."""
    if key is not None:
        return curves_along(setups, key)
    alone = [
        Curve(dict(setup.place), (index,), np.array([np.nan])) for index, setup in enumerate(setups)
    ]
    return Axis("", "", "", tuple(alone))


def numbers_of_one_unit(values: Sequence[Any]) -> tuple[Floats, str]:
    """Values of a swept key as numbers, (n,), and the unit they all are written in.

    Raises
    ------
    ValueError
        Some are no numbers, or units differ.
    """
    split = [None if isinstance(v, bool) else _NUMBER_UNIT.fullmatch(str(v)) for v in values]
    written = {match.group(2).strip() for match in split if match}
    if not all(split) or len(written) != 1:
        raise ValueError("need numbers, all of one unit")
    return np.array([float(match.group(1)) for match in split if match]), written.pop()


def axis_label(key: str, unit: str) -> str:
    """Words of a key with its unit, as an axis of a picture says it."""
    name = key_words(key)
    return f"{name} ({units.pretty(unit_alone(unit))})" if unit else name


def unit_alone(unit: str) -> str:
    """Unit as it is written without a number before it: ``1/um^2`` of 3 / um^2."""
    return re.sub(r"^/\s*", "1/", unit)


def axis_numbers(values: Sequence[Any], key: str) -> tuple[Floats | None, str]:
    """Turn the values of a swept key into numbers, None if they are texts, and an axis label."""
    try:
        numbers, unit = numbers_of_one_unit(values)
    except ValueError:
        return None, axis_label(key, "")
    return numbers, axis_label(key, unit)


def swept_label(values: Sequence[Any], key: str, given: str) -> str:
    """Label of a swept axis: what its scenario calls it, unless that is of another unit.

    As where a base names the axis of a sweep that this scenario has replaced.
    """
    try:
        unit = numbers_of_one_unit(values)[1]
    except ValueError:
        unit = ""
    fits = units.pretty(unit) in given if unit else "(" not in given
    return given if given and fits else axis_label(key, unit)


def value_label(value: Any) -> str:
    """Write a swept value with pretty units and four digits of many.

    True and false are on and off; a file is called by its name.
    """
    text = {"True": "on", "False": "off"}.get(str(value), str(value))
    if _FILE.search(text):
        return re.split(r"[/\\]", text)[-1].removesuffix(".toml")
    number = _NUMBER_UNIT.fullmatch(text)
    if number and len(number[1].lstrip("+-0.")) > _MOST_DIGITS + 1 and "." in number[1]:
        text = f"{_rounded(float(number[1]))} {number[2]}".rstrip()
    return units.pretty(text)


def _rounded(number: float) -> str:
    """A number with four digits, or all before its point."""
    return f"{number:.0f}" if abs(number) >= 10**_MOST_DIGITS else f"{number:.{_MOST_DIGITS}g}"


def place_label(place: Mapping[str, Any]) -> str:
    """Write the values of swept keys, as in ``area 100 µm², squid-k noise off``."""
    words = {key: key_words(key) for key in place}
    for key, name in words.items():
        if list(words.values()).count(name) > 1:  # of two stimuli, for one
            words[key] = " ".join(key.split(".")[:-1]) + f" {name}"
    return ", ".join(f"{words[key]} {value_label(value)}" for key, value in place.items())


def key_words(key: str) -> str:
    """Last part of a key in words; of channels with the population they are of."""
    *above, last = key.split(".")
    words = last.replace("_", " ")
    return f"{above[-1]} {words}" if "channels" in above else words


def _others(place: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {other: value for other, value in place.items() if other != key}
