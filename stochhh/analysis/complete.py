"""What short records show of a law of dwell times: the sojourns that fit into one whole.

A sojourn of length t fits into a record of length T with a probability in proportion
to T - t, so the complete ones are shorter than all. Times in ms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh import theory

Floats = NDArray[np.float64]

_GRID, _SHORTEST = 4000, 1e-8  # times of an integral, the first as a share of the last


class CompleteLaw(NamedTuple):
    """Law of the complete sojourns in records of one length, in equilibrium.

    Attributes
    ----------
    time_ms : (n,) from zero to the length of a record.
    survivor : (n,) probability that one lasts longer.
    mean_ms : their mean.
    """

    time_ms: Floats
    survivor: Floats
    mean_ms: float

    def lasts(self, times_ms: ArrayLike) -> Floats:
        """Probability that one lasts longer, at any times."""
        return np.interp(np.asarray(times_ms, dtype=np.float64), self.time_ms, self.survivor)


def complete_law(law: theory.PhaseType, record_ms: float) -> CompleteLaw:
    """Law of the sojourns that records of a length show whole.

    Their density is in proportion to that of the law times T - t; integrated by
    parts, so that only the survivor function of the law is needed.

    Parameters
    ----------
    law : of all sojourns
    record_ms : length of each record
    """
    grid = np.concatenate([[0.0], np.geomspace(_SHORTEST * record_ms, record_ms, _GRID)])
    lasting = theory.survivor(law, grid)
    steps = np.diff(grid) * (lasting[1:] + lasting[:-1]) / 2.0
    beyond = np.append(np.cumsum(steps[::-1])[::-1], 0.0)  # of the survivor, from t to T
    seen = np.maximum(lasting * (record_ms - grid) - beyond, 0.0)
    weighted = np.trapezoid(lasting * (record_ms - 2.0 * grid), grid)
    return CompleteLaw(grid, seen / seen[0], float(weighted / seen[0]))
