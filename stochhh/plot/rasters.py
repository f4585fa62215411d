"""Rasters of trials with the deterministic membrane's spikes below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from stochhh.plot import style
from stochhh.plot.panels import raster

Floats = NDArray[np.float64]

_MOST_ROWS = 30


def trials_raster(
    axes: Axes,
    trains: Sequence[Floats],
    alone: Floats | None,
    start_ms: float = 0.0,
    color: Any = style.VOLTAGE,
) -> None:
    """Draw the spikes of up to 30 trials and, below, those of the deterministic membrane.

    Parameters
    ----------
    axes : to draw into
    trains : spike times (ms) of each trial, told from the start
    alone : those of the deterministic membrane in black; None without it
    start_ms : of the part of the trial that is shown
    color : of the trials
    """
    rows = [train + start_ms for train in trains[:_MOST_ROWS]]
    raster(axes, rows, 1, color, width=0.8)
    ticks, labels, bottom = [1.0, float(len(rows))], ["1", str(len(rows))], 0.2
    if alone is not None:
        lowest, height = -0.06 * len(rows) - 0.3, 0.08 * len(rows) + 0.8
        axes.vlines(
            alone + start_ms,
            lowest - height / 2,
            lowest + height / 2,
            color=style.DETERMINISTIC,
            linewidth=1.0,
        )
        ticks, labels, bottom = [lowest, *ticks[1:]], ["determ.", labels[1]], lowest - height
    axes.set_ylim(bottom, len(rows) + 0.8)
    axes.set_yticks(ticks, labels)
    axes.set_ylabel("trial")
