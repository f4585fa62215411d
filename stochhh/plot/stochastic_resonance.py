"""Picture of stochastic resonance: signal-to-noise ratio, signal and noise along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.signal_peak import RatioCurve
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, plain_log_axis, shades, spread_axis
from stochhh.plot.picture import Picture

_HEIGHT = 3.5  # inches
_POINT: dict[str, Any] = {"markersize": 3.5, "capsize": 0, "elinewidth": 0.9}


@style.as_written
def resonance_figure(
    curves: Sequence[RatioCurve], label: str, units: tuple[str, str], title: str = ""
) -> Figure:
    """Draw signal-to-noise ratio, the line's power and the noise beside it.

    Parameters
    ----------
    curves : one for each place on the other axes of a sweep
    label : of the axis, with its unit
    units : of the signal's power and of the noise's density
    """
    colors = shades(len(curves))
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        panels: Any = figure.subplot_mosaic(
            [["ratio", "signal"], ["ratio", "noise"]], width_ratios=(1.6, 1.0)
        )
        _ratios(panels["ratio"], curves, colors)
        _parts(panels["signal"], curves, colors, "signal")
        _parts(panels["noise"], curves, colors, "noise_per_hz")
        panels["signal"].set_ylabel(f"signal ({units[0]})")
        panels["noise"].set_ylabel(f"noise ({units[1]})")
        panels["signal"].tick_params(labelbottom=False)
        x = np.concatenate([curve.x for curve in curves])
        for name, panel in panels.items():
            spread_axis(panel, x)
            if panel.get_xscale() == "log":
                plain_log_axis(panel.xaxis, (1.0,))
            panel.set_ylim(bottom=0.0)
            if name != "signal":
                panel.set_xlabel(label)
        panels["signal"].set_xlim(panels["noise"].get_xlim())
        figure.align_ylabels([panels["signal"], panels["noise"]])
        headline(figure, title)
        handles, names = panels["ratio"].get_legend_handles_labels()
        if len(curves) > 1:
            figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4))
        else:
            panels["ratio"].legend(loc="upper left", borderaxespad=0.4)
    return figure


def _ratios(axes: Axes, curves: Sequence[RatioCurve], colors: Sequence[Any]) -> None:
    for curve, color in zip(curves, colors, strict=True):
        name = curve.label or f"sine of {curve.frequency_hz:.4g} Hz (95 %)"
        draw_estimates(axes, curve.x, curve.ratios, color, name, **_POINT)
        peak = curve.peak
        if peak is None or peak.at.interval is None or len(curves) > 1:
            continue
        low, high = peak.at.interval
        axes.axvspan(low, high, color="0.9", linewidth=0, zorder=0, label="largest (95 %)")
    axes.set_ylabel("signal / noise (Hz)")


def _parts(axes: Axes, curves: Sequence[RatioCurve], colors: Sequence[Any], name: str) -> None:
    """Draw the signal's power, or the noise's density, of every curve."""
    for curve, color in zip(curves, colors, strict=True):
        values = [getattr(point, name) for point in curve.points]
        draw_estimates(axes, curve.x, values, color, **_POINT)
