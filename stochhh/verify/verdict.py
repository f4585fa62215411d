"""Rows of a verification, and the one statement that many of them make together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.verify.comparison import Comparison

#: Chance that a right simulation is refused, all its rows together.
LEVEL = 1e-6


class Row(NamedTuple):
    """One law of one experiment.

    Attributes
    ----------
    law : what was compared.
    at : where, such as a voltage.
    comparison : p-value, theory and simulation; None if it was not compared.
    note : why not; of a control, which law told it best.
    control : whether this is a negative control: a wrong law, that must be refused.
    """

    law: str
    at: str
    comparison: Comparison | None
    note: str = ""
    control: bool = False


class Verdict(NamedTuple):
    """What many comparisons say together.

    Attributes
    ----------
    n_laws : how many were compared.
    smallest_p : smallest p-value, adjusted for their number; 1 if there are none.
    level : chance at which a right simulation would be refused.
    refused : rows whose law is refused at that level.
    told : negative controls that are refused at that level, as they must be.
    untold : negative controls that are not: errors that these comparisons cannot see.
    """

    n_laws: int
    smallest_p: float
    level: float
    refused: tuple[Row, ...]
    told: tuple[Row, ...]
    untold: tuple[Row, ...]

    @property
    def agrees(self) -> bool:
        """Whether no law is refused; nothing compared is no agreement."""
        return self.n_laws > 0 and not self.refused

    def __str__(self) -> str:
        """One line for the end of a table."""
        outcome = "agrees" if self.agrees else "disagrees"
        return (
            f"{self.n_laws} laws compared, smallest adjusted p {self.smallest_p:.2g}: {outcome} "
            f"(a right simulation would be refused with a chance of {self.level:g})"
        )


def adjusted(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted for their number, shape (n,), in the order given.

    Refusing those below a level refuses any right law at all with at most the chance
    of that level, however the comparisons depend on each other (Holm 1979, Scand J
    Statist 6:65).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(steps, 1.0)
    return found


def p_of(row: Row) -> float:
    """p-value of a row; 1 if nothing was compared."""
    return 1.0 if row.comparison is None else row.comparison.p_value


def verdict(rows: Sequence[Row], level: float = LEVEL) -> Verdict:
    """Combine the rows of a verification.

    A negative control counts as told if it would have been refused among as many rows.
    """
    compared = [row for row in rows if row.comparison is not None and not row.control]
    controls = [row for row in rows if row.comparison is not None and row.control]
    p = adjusted([p_of(row) for row in compared])
    return Verdict(
        n_laws=len(compared),
        smallest_p=float(p.min(initial=1.0)),
        level=level,
        refused=tuple(row for row, q in zip(compared, p, strict=True) if not q > level),
        told=tuple(row for row in controls if not p_of(row) * (len(compared) + 1) > level),
        untold=tuple(row for row in controls if p_of(row) * (len(compared) + 1) > level),
    )
