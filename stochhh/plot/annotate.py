"""Names for the phases of an action potential, placed by its own landmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from stochhh.analysis.action_potential import Anatomy, anatomy
from stochhh.plot.curves import curve
from stochhh.plot.panels import View

_INK = "0.25"
_ROOM = 0.15  # of the width, for words left of the spike
_LEAST_MV = 30.0  # from rest to peak; the names would cover each other on less


def annotate(axes: Axes, view: View) -> None:
    """Annotate the voltage panel from the first spike of the deterministic course.

    Without a deterministic course the first trial that spikes is used; without
    any spike, or with one too small to carry the names, nothing is drawn.
    """
    data = view.data
    if data.sizes.get("deterministic_spike", 0):
        voltage, spike = view.curve("deterministic_voltage"), data["deterministic_spike_time"][0]
    elif data.sizes["spike"]:
        trial = int(np.searchsorted(data["trial"].values, int(data["spike_trial"][0])))
        voltage, spike = curve(data["voltage"].variable[trial], view.span), data["spike_time"][0]
    else:
        return
    rest = float(data["resting_voltage"])
    try:
        marks = anatomy(view.time, voltage, rest, float(spike))
    except ValueError:
        return
    if marks.peak_mV - marks.rest_mV < _LEAST_MV:
        return
    axes.set_ylim(min(-90.0, rest - 22.0), marks.peak_mV + 30.0)
    _levels(axes, marks)
    _phases(axes, view, marks)
    _refractory(axes, marks)


def _levels(axes: Axes, marks: Anatomy) -> None:
    end = axes.get_xlim()[1]
    for level, name in ((marks.rest_mV, "rest"), (marks.threshold_mV, "threshold")):
        axes.axhline(level, color="0.75", linewidth=0.6, linestyle=":", zorder=0)
        above = name == "threshold"
        axes.text(
            end,
            level + (1.5 if above else -1.5),
            f"{name} {level:.0f} mV",
            ha="right",
            va="bottom" if above else "top",
            fontsize=7,
            color=_INK,
        )


def _phases(axes: Axes, view: View, marks: Anatomy) -> None:
    middle = 0.5 * (marks.threshold_mV + marks.peak_mV)
    arrow = {"arrowstyle": "-", "color": "0.5", "linewidth": 0.6}
    text: dict[str, Any] = {
        "fontsize": 7,
        "color": _INK,
        "arrowprops": arrow,
        "annotation_clip": True,
    }
    stimulus = np.atleast_2d(view.curve("stimulus"))[0]
    flowing = np.nonzero(stimulus)[0]
    if len(flowing):
        begin, end = view.time[flowing[0]], view.time[min(flowing[-1] + 1, len(view.time) - 1)]
        level = axes.get_ylim()[0] + 5.0
        axes.plot([begin, end], [level, level], color="0.4", linewidth=2.5, solid_capstyle="butt")
        axes.text(begin, level + 3.0, "stimulus", fontsize=7, color=_INK, ha="right")
    left, right = axes.get_xlim()
    if marks.threshold_ms - left > _ROOM * (right - left):
        axes.annotate(
            "depolarisation\n(Na⁺ flows in)",
            (0.5 * (marks.threshold_ms + marks.peak_ms), middle),
            (marks.threshold_ms - 0.6, middle + 18.0),
            ha="right",
            va="center",
            **text,
        )
    axes.annotate(
        f"peak {marks.peak_mV:.0f} mV",
        (marks.peak_ms, marks.peak_mV),
        (marks.peak_ms + 0.8, marks.peak_mV + 8.0),
        ha="left",
        va="center",
        **text,
    )
    if marks.repolarised_ms is not None:
        axes.annotate(
            "repolarisation\n(K⁺ flows out)",
            (0.5 * (marks.peak_ms + marks.repolarised_ms), 0.5 * (marks.peak_mV + marks.rest_mV)),
            (marks.repolarised_ms + 1.0, middle),
            ha="left",
            va="center",
            **text,
        )
    if marks.undershoot_ms is not None and marks.undershoot_mV is not None:
        axes.annotate(
            f"hyperpolarisation, {marks.undershoot_mV:.0f} mV",
            (marks.undershoot_ms, marks.undershoot_mV),
            (marks.undershoot_ms + 1.0, marks.undershoot_mV - 9.0),
            ha="left",
            va="center",
            **text,
        )


def _refractory(axes: Axes, marks: Anatomy) -> None:
    """Bars for the refractory period: absolute during the spike, relative during its undershoot."""
    if marks.repolarised_ms is None:
        return
    level = marks.peak_mV + 20.0
    recovered = marks.recovered_ms or axes.get_xlim()[1]
    bars = (
        ("absolute", marks.threshold_ms, marks.repolarised_ms, "0.2"),
        ("relative refractory period", marks.repolarised_ms, recovered, "0.7"),
    )
    for name, begin, end, color in bars:
        axes.plot([begin, end], [level, level], color=color, linewidth=4.0, solid_capstyle="butt")
        axes.text(
            0.5 * (begin + end), level + 5.0, name, ha="center", va="bottom", fontsize=7, color=_INK
        )
