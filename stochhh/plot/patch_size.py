"""Picture of spontaneous firing against area: rate with its exponential, regularity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.patch_sizes import SizeCurve
from stochhh.plot import style
from stochhh.plot.estimates import draw_estimates, headline, plain_log_axis, shades
from stochhh.plot.picture import Picture

_HEIGHT = 3.3  # inches
_POINTS = 200  # of a fitted curve
_LINEAR_UP_TO = 100.0  # ratio of areas on a linear axis, on which an exponential is straight
_LINEAR_CV_UP_TO = 10.0  # the same for their regularity
_MARGIN = 1.25  # factor beyond the outermost areas on a logarithmic axis
_POINT: dict[str, Any] = {"markersize": 3.5, "capsize": 0, "elinewidth": 0.9}


@style.as_written
def patch_size_figure(curves: Sequence[SizeCurve], label: str, title: str = "") -> Figure:
    """Draw rate on a logarithmic axis, and CV of intervals, against area.

    Parameters
    ----------
    curves : one for each place on the other axes of a sweep
    label : of the area, with its unit
    """
    colors = shades(len(curves))
    with style.style():
        figure = Picture(figsize=(style.WIDTH, _HEIGHT), layout="constrained")
        rates, regular = figure.subplots(1, 2)
        _rates(rates, curves, colors)
        _regularity(regular, curves, colors)
        for axes in (rates, regular):
            axes.set_xlabel(label)
        handles, names = regular.get_legend_handles_labels()
        if curves[0].label:
            figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 4))
        headline(figure, title)
    return figure


def _rates(axes: Axes, curves: Sequence[SizeCurve], colors: Sequence[Any]) -> None:
    for curve, color in zip(curves, colors, strict=True):
        fired = [k for k, point in enumerate(curve.points) if point.spikes]
        rates = [curve.points[k].rate_hz for k in fired]
        name = "simulated (95 %)" if curve is curves[0] else None
        draw_estimates(axes, curve.area_um2[fired], rates, color, name, **(_POINT | {"fmt": "o"}))
        if curve.fall is None:
            continue
        fit, area = curve.fall.fit, curve.area_um2
        decay = fit.decay_per_um2
        assert decay.value is not None
        assert decay.interval is not None
        grid = np.linspace(area[curve.fall.first], area[-1], _POINTS)
        reach = (decay.interval[1] - decay.interval[0]) / 2.0
        name = f"exp(−k A), k = {decay.value:.3g} ± {reach:.2g} /µm²"
        axes.plot(
            grid,
            fit.at(grid),
            color=style.MEAN if len(curves) == 1 else color,
            linewidth=1.1,
            zorder=1.5,
            label=name if len(curves) == 1 else None,
        )
    _areas(axes, curves, _LINEAR_UP_TO)
    if any(point.spikes for curve in curves for point in curve.points):
        axes.set_yscale("log")
        plain_log_axis(axes.yaxis)
    axes.set_ylabel("firing rate (Hz)")
    if len(curves) == 1:
        where: Any = "lower left" if axes.get_xscale() == "log" else "upper right"
        axes.legend(loc=where, borderaxespad=0.2)


def _regularity(axes: Axes, curves: Sequence[SizeCurve], colors: Sequence[Any]) -> None:
    for curve, color in zip(curves, colors, strict=True):
        cvs = [point.isi_cv for point in curve.points]
        draw_estimates(axes, curve.area_um2, cvs, color, curve.label or None, **_POINT)
        found = curve.minimum
        if found is None:
            continue
        if found.area_um2.interval is not None and len(curves) == 1:
            low, high = found.area_um2.interval
            axes.axvspan(low, high, color="0.9", linewidth=0, zorder=0, label="least (95 %)")
        best, least = found.area_um2.value, found.least_cv.value
        assert best is not None
        assert least is not None
        axes.plot([best], [least], "o", markersize=7.5, mfc="none", color=style.MEAN)
    axes.axhline(1.0, color="0.75", linewidth=0.8, zorder=0)
    axes.text(
        0.015, 1.0, "Poisson", transform=axes.get_yaxis_transform(), fontsize=7, color="0.45",
        ha="left", va="bottom",
    )  # fmt: skip
    axes.set_ylim(bottom=0.0)
    _areas(axes, curves, _LINEAR_CV_UP_TO)
    axes.set_ylabel("CV of intervals")
    if len(curves) == 1 and curves[0].minimum is not None:
        axes.legend(loc="lower right", borderaxespad=0.4)


def _areas(axes: Axes, curves: Sequence[SizeCurve], linear_up_to: float) -> None:
    """Show all areas, on a logarithmic axis where they spread more than that."""
    areas = np.concatenate([curve.area_um2 for curve in curves])
    low, high = float(areas.min()), float(areas.max())
    if high > linear_up_to * low:
        axes.set(xscale="log", xlim=(low / _MARGIN, high * _MARGIN))
        plain_log_axis(axes.xaxis, (1.0,))
    else:
        axes.set_xlim(0.0, high * (1.0 + 0.2 * (_MARGIN - 1.0)))
