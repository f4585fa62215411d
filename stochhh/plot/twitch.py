"""The picture of a muscle fibre's force."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.plot import style
from stochhh.plot.estimates import headline
from stochhh.plot.panels import legend_above
from stochhh.plot.picture import Picture

_MOST_TRIALS = 50


@style.as_written
def draw_twitch(findings: Any, heading: str) -> Figure:
    """Draw the force of each trial over time, and that of the deterministic limit."""
    study = findings.data
    with style.style():
        figure = Picture(figsize=(style.WIDTH, 2.2), layout="constrained")
        axes = figure.subplots()
        force_panel(axes, study.time_ms, study.force, study.deterministic, study.limit_name)
        axes.set_xlabel("time (ms)")
        axes.set_xlim(0.0, float(study.time_ms[-1]))
        headline(figure, heading)
    return figure


def force_panel(
    axes: Axes, time_ms: Any, force: Any, deterministic: Any, limit: str = "deterministic"
) -> None:
    """Draw forces of trials, (trials, n), over the deterministic one, called `limit`."""
    shown = np.asarray(force)[:_MOST_TRIALS]
    said = f"{len(shown)} trial{'s' if len(shown) != 1 else ''}"
    if deterministic is not None:
        axes.plot(time_ms, deterministic, label=limit, zorder=1.9, **style.LIMIT)
    for k, one in enumerate(shown):
        label = said if k == 0 else None
        axes.plot(time_ms, one, color=style.VOLTAGE, alpha=0.8, label=label, **style.TRIAL)
    axes.set_ylabel("force\n(twitches)")
    axes.set_ylim(bottom=0.0)
    legend_above(axes)
