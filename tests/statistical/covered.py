"""What an experiment of coverage is: data drawn from a law, and the estimates made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stochhh.analysis.estimates import Estimate

Rng = np.random.Generator
Drawn = list[tuple[str, float, Estimate]]


@dataclass(frozen=True)
class Experiment:
    """Data drawn from a law, and the estimates made of them.

    Attributes
    ----------
    sample : how much of it, for the table
    draw : makes data and gives, for each estimate, its name, the truth and what was found
    lowest : share of cases below which something is wrong
    slow : left out of the tests; the table has it
    """

    sample: str
    draw: Callable[[Rng], Drawn]
    lowest: float = 0.92
    slow: bool = False


def entry(value: object, low: object, high: object) -> Estimate:
    """An estimate of one place of arrays, without an interval where that is NaN."""
    ends = (float(low), float(high))  # type: ignore[arg-type]
    told = float(value)  # type: ignore[arg-type]
    return Estimate(told, None if np.isnan(ends).any() else ends)
