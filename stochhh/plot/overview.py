"""The picture that every run comes with."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from stochhh.lazy import pieces
from stochhh.plot import style
from stochhh.plot.annotate import annotate
from stochhh.plot.estimates import headline
from stochhh.plot.family import draw_family
from stochhh.plot.panels import PANELS, View, height_of
from stochhh.plot.picture import Picture
from stochhh.plot.sweep import draw_sweep
from stochhh.result import Result
from stochhh.scenario import Scenario

_PANEL_INCHES = 1.15


@style.as_written
def overview(result: Result) -> Figure:
    """Draw a run: voltages over the deterministic one, channels, currents, spikes, single channels.

    A run with a sweep is drawn as voltages for each point beside the number of
    spikes along the axis. A circuit is drawn cell by cell, as maps of time and place.
    """
    if result.is_circuit:
        from stochhh.plot.circuit import circuit_overview

        return circuit_overview(result)
    scenario = result.scenario
    with style.style():
        if "point" in result.dataset.dims:
            clamped = scenario.clamp is not None
            figure = draw_family(result) if clamped else draw_sweep(result)
        else:
            figure = _draw_point(result, scenario)
        headline(figure, result.title)
    return figure


def _draw_point(result: Result, scenario: Scenario) -> Figure:
    data, layout = result.point(0), scenario.figure
    names = layout.panels or _default_panels(data)
    heights = [height_of(name, data) for name in names]
    size = (style.WIDTH, 0.7 + _PANEL_INCHES * sum(heights))
    figure = Picture(figsize=size, layout="constrained")
    start = 0.0 if layout.start_ms is None else float(layout.start_ms)
    end = result.duration_ms if layout.end_ms is None else float(layout.end_ms)
    view = View(data, layout.traces, start, end, layout.voltage)
    axes = figure.subplots(
        len(names), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for one, name in zip(axes, names, strict=True):
        PANELS[name](one, view)
        if one is not axes[-1]:
            one.tick_params(axis="x", bottom=False)
            one.spines["bottom"].set_visible(False)
    _drop_repeated_legends(axes)
    axes[-1].set_xlim(start, end)
    axes[-1].set_xlabel("time (ms)")
    figure.align_ylabels(axes)
    if layout.annotate and "voltage" in names:
        initial = scenario.run.initial
        is_rest = initial.voltage_mV is None and initial.result is None
        annotate(axes[list(names).index("voltage")], view, is_rest)
    return figure


def _drop_repeated_legends(axes: Any) -> None:
    """Keep of equal legends only the topmost."""
    seen = []
    for one in axes:
        legend = one.get_legend()
        if legend is None:
            continue
        texts = [text.get_text() for text in legend.get_texts()]
        if texts in seen:
            legend.remove()
        seen.append(texts)


def _default_panels(data: xr.Dataset) -> tuple[str, ...]:
    several = data.sizes["trial"] > 1 and data.sizes["spike"] > 0
    shown = {
        "stimulus": any(np.any(values) for _, values in pieces(data["stimulus"].variable)),
        "voltage": True,
        "open": "open" in data,
        "total_current": "total_current" in data,
        "current": "current" in data and "total_current" not in data,
        "spikes": several,
        "channels": "flip_time" in data,
    }
    return tuple(name for name, wanted in shown.items() if wanted)


def save_figure(figure: Any, path: Any) -> None:
    """Write a figure to a file; the ending names the format."""
    with style.style():
        figure.savefig(path)
