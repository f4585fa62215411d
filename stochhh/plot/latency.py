"""Panels beside dwell times: the length of bursts, and the wait for a first opening."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from stochhh.plot import style
from stochhh.plot.single_channel import draw_times, root_ordinate

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]

_BURST = "#CC79A7"
_POINTS = 300
_BEYOND = 1.5  # times the last of all latencies, drawn


def draw_burst_lengths(
    axes: Axes,
    lengths_ms: ArrayLike,
    survivor_of: Curve | None,
    mean_ms: float | None,
    bins_per_decade: int = 10,
) -> None:
    """Draw the lengths of bursts on logarithmic bins, with the counts theory expects."""
    most = draw_times(
        axes, "burst length", lengths_ms, survivor_of, mean_ms, _BURST, bins_per_decade
    )
    root_ordinate(axes, most)
    axes.set_ylabel("count per bin (square-root scale)")


def draw_latencies(
    axes: Axes, latencies_ms: ArrayLike, longest_ms: float, survivor_of: Curve | None
) -> None:
    """Draw the share of channels that have opened against the time since a step.

    Parameters
    ----------
    latencies_ms : (n,) first latencies, NaN where no opening came
    longest_ms : how long openings were waited for
    survivor_of : share not yet opened, of theory
    """
    latencies = np.asarray(latencies_ms, dtype=np.float64)
    opened = np.sort(latencies[np.isfinite(latencies)])
    share = np.arange(1, len(opened) + 1) / len(latencies)
    x, y = np.append(opened, longest_ms), np.append(share, share[-1] if len(share) else 0.0)
    x, y = np.insert(x, 0, 0.0), np.insert(y, 0, 0.0)
    label = f"{len(latencies)} channels, {len(opened)} opened"
    shown = longest_ms
    if 0 < len(opened) == len(latencies):
        shown = min(longest_ms, _BEYOND * max(float(opened[-1]), 1e-3 * longest_ms))
    axes.step(x, y, where="post", color=style.VOLTAGE, linewidth=1.0, label=label)
    if survivor_of is not None:
        grid = np.linspace(0.0, shown, _POINTS)
        axes.plot(grid, 1.0 - survivor_of(grid), label="theory", **style.LIMIT)
    axes.set_xlim(0.0, shown)
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("time since the step (ms)")
    axes.set_ylabel("share that has opened")
    axes.legend(loc="lower right")
