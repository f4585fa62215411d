"""Names for the phases of an action potential, placed by its own landmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from stochhh.analysis.action_potential import UPSTROKE_SLOPE, Anatomy, anatomy
from stochhh.plot.curves import curve
from stochhh.plot.panels import View

_INK = "0.25"
_ROOM = 0.15  # of the width, for words left of the spike
_LEAST_MV = 30.0  # from rest to peak; the names would cover each other on less


def annotate(axes: Axes, view: View, is_rest: bool = True) -> None:
    """Annotate the voltage panel from the first spike of the deterministic course.

    All that is named is read off that course: no threshold, which is the weakest stimulus
    that fires (`stochhh show`), and no refractoriness, which takes a second stimulus.

    Without a deterministic course the first trial that spikes is used; without
    any spike, or with one too small to carry the names, nothing is drawn.

    Parameters
    ----------
    is_rest : whether trials start at rest, not at a voltage that was given
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
    axes.set_ylim(min(-90.0, rest - 22.0), marks.peak_mV + 38.0)
    _levels(axes, marks, is_rest)
    _phases(axes, view, marks)
    _durations(axes, marks)


def _levels(axes: Axes, marks: Anatomy, is_rest: bool) -> None:
    """Level at which the voltage rests, told beside the axes, and that of the upstroke."""
    for level in (marks.rest_mV, marks.threshold_mV):
        axes.axhline(level, color="0.75", linewidth=0.6, linestyle=":", zorder=0)
    axes.text(
        1.01,
        marks.rest_mV,
        f"{'rest' if is_rest else 'start'}\n{_mV(marks.rest_mV)}",
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=7,
        color=_INK,
    )
    axes.text(
        axes.get_xlim()[1],
        marks.threshold_mV + 1.5,
        f"upstroke begins ({UPSTROKE_SLOPE:g} mV/ms) at {_mV(marks.threshold_mV)}",
        ha="right",
        va="bottom",
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
        f"peak {_mV(marks.peak_mV)}",
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
            f"hyperpolarisation, {_mV(marks.undershoot_mV)}",
            (marks.undershoot_ms, marks.undershoot_mV),
            (marks.undershoot_ms + 1.0, marks.undershoot_mV - 9.0),
            ha="left",
            va="center",
            **text,
        )


def _durations(axes: Axes, marks: Anatomy) -> None:
    """Bars for how long the spike lasts, and how long the voltage is below rest after it.

    How refractory the membrane is then, a second stimulus has to show.
    """
    if marks.repolarised_ms is None:
        return
    level = marks.peak_mV + 20.0
    left, right = axes.get_xlim()
    recovered, gap = marks.recovered_ms or right, 0.004 * (right - left)
    more = "" if marks.recovered_ms else "more than "
    bars = (
        ("spike", marks.threshold_ms, marks.repolarised_ms, "0.2", "right", -gap),
        (f"below rest, {more}", marks.repolarised_ms, recovered, "0.7", "left", gap),
    )
    for name, begin, end, color, side, aside in bars:
        axes.plot([begin, end], [level, level], color=color, linewidth=4.0, solid_capstyle="butt")
        axes.text(
            marks.repolarised_ms + aside,
            level + 5.0,
            f"{name} {end - begin:.1f} ms".replace("  ", " "),
            ha=side,
            va="bottom",
            fontsize=7,
            color=_INK,
        )


def _mV(level: float) -> str:
    return f"{level:.0f} mV".replace("-", "\N{MINUS SIGN}")
