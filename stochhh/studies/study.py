"""What a study is: from a result to numbers, a picture, rows of a table and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.setup import Setup
from stochhh.result import Result

Numbers = dict[str, Any]


class Occasion(NamedTuple):
    """What a study is made of.

    Attributes
    ----------
    result, point : the run, and the point of its sweep (0 without one).
    setup : what was simulated at that point.
    settings : the study's table, with everything filled in by
        `stochhh.analysis.applicable.filled_settings`.
    """

    result: Result
    point: int
    setup: Setup
    settings: Any


class Survey(NamedTuple):
    """What a study of all points of a sweep is made of.

    Attributes
    ----------
    result : the run.
    setups : what was simulated at each point of the result, in its order.
    settings : the study's table, with everything filled in by
        `stochhh.analysis.applicable.settings_across`.
    """

    result: Result
    setups: tuple[Setup, ...]
    settings: Any


class Findings(NamedTuple):
    """What a study found.

    Attributes
    ----------
    numbers : text and numbers in tables that become JSON as they are; a statistic
        ``name`` has its 95 % interval beside it as ``name_ci`` and what theory
        expects as ``name_theory``, None where there is none.
    data : what its picture and its files are made of.
    """

    numbers: Numbers
    data: Any


class Row(NamedTuple):
    """A line of the printed table: a label, and the place of its number, dots between steps.

    A line without a place is a heading of those below it.
    """

    label: str
    path: str = ""


class Study(NamedTuple):
    """A kind of analysis that a scenario can name.

    Attributes
    ----------
    title : of its table and picture.
    compute : pure, from an `Occasion` or, where it spans a sweep, a `Survey`; an
        `InputError` says that the data do not allow it.
    draw : picture of the findings, under a title.
    rows : lines of its printed table, from the numbers.
    write : writes data files, whose names begin with the path's, and lists them.
    says : the finding in a sentence or two, from the numbers.
    """

    title: str
    compute: Callable[[Any], Findings]
    draw: Callable[[Findings, str], Figure]
    rows: Callable[[Numbers], Sequence[Row]]
    write: Callable[[Findings, Path], list[Path]]
    says: Callable[[Numbers], str] = lambda numbers: ""


def rows_of_known(
    heading: str, entries: Sequence[Numbers], name: str, label: Callable[[Numbers], str], place: str
) -> list[Row]:
    """Lines of one number of many entries, below a heading; none where it is nowhere known.

    Parameters
    ----------
    entries : tables of numbers, of a list at `place`
    name : of the number
    label : of an entry
    """
    known = [(k, one) for k, one in enumerate(entries) if one[name] is not None]
    lines = [Row(f"  {label(one)}", f"{place}.{k}.{name}") for k, one in known]
    return [Row(heading), *lines] if lines else []


def named(name: str, estimate: Estimate, theory: float | None = None) -> Numbers:
    """Entries of a statistic: its value, 95 % interval and theory; what is not finite is None."""
    interval = None if estimate.interval is None else [_finite(x) for x in estimate.interval]
    entries = {name: _finite(estimate.value), f"{name}_ci": interval}
    return entries | {f"{name}_theory": _finite(theory)}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
