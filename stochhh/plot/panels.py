"""Panels of the overview: each draws one view of one point of a run into given axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from stochhh.plot import style
from stochhh.plot.curves import Span, curve, span, times
from stochhh.result import limit_label

_MOST_ROWS = 200  # of a raster
_LINE, _HANDLE = 85, 8  # letters of a legend's line, and of an entry besides its label


@dataclass(frozen=True)
class View:
    """What a panel needs besides its axes.

    Attributes
    ----------
    data : of one point.
    n_traces : trials to draw.
    start_ms, end_ms : what will be shown, None for all.
    voltage_label : of the axis of voltages.
    """

    data: xr.Dataset
    n_traces: int
    start_ms: float | None = None
    end_ms: float | None = None
    voltage_label: str = "voltage (mV)"

    @cached_property
    def span(self) -> Span:
        """Rows that are drawn."""
        return span(self.data, self.start_ms, self.end_ms)

    @cached_property
    def time(self) -> Any:
        """Times of the points of curves, ms."""
        return times(self.data, self.span)

    def curve(self, name: str) -> Any:
        """Points of a recorded variable, of the first trials if it has any."""
        variable = self.data[name].variable
        if "trial" in variable.dims:
            variable = variable[: max(self.n_traces, 1)]
        return curve(variable, self.span)

    @cached_property
    def mean_curve(self) -> Any:
        """Mean of the clamp current over all sweeps."""
        return curve(self.data["total_current"].variable, self.span, _mean)

    @property
    def colors(self) -> list[str]:
        """Colour of each population."""
        return style.population_colors([str(ion) for ion in self.data["ion"].values])

    @property
    def labels(self) -> list[str]:
        """Label of each population: its ion, or its name where two share an ion."""
        ions = [str(ion) for ion in self.data["ion"].values]
        names = [str(name) for name in self.data["population"].values]
        return [
            style.ion_label(ion) if ions.count(ion) == 1 else name
            for ion, name in zip(ions, names, strict=True)
        ]

    def conducts(self, population: str) -> Any:
        """Which states of a population conduct, in their order."""
        owners = [str(state).partition(":")[0] for state in self.data["state"].values]
        mine = np.array([owner == population for owner in owners])
        return self.data["relative_conductance"].values[mine] > 0

    @property
    def per_area(self) -> float:
        """Factor from pA to µA/cm²."""
        return 100.0 / float(self.data["area"])


def stimulus(axes: Axes, view: View) -> None:
    """Injected current; of a few trials, if it differs between them."""
    for row in np.atleast_2d(view.curve("stimulus")) * view.per_area:
        axes.plot(view.time, row, color=style.STIMULUS, linewidth=0.9, drawstyle="steps-post")
    axes.set_ylabel("injected\n(µA/cm²)")
    axes.margins(y=0.15)


def height_of(name: str, data: xr.Dataset) -> float:
    """Height of a panel, relative to that of most; a command is but a step or two."""
    if name == "voltage" and "total_current" in data:
        return 0.6
    return HEIGHTS.get(name, 1.0)


def voltage(axes: Axes, view: View, legend: bool = True) -> None:
    """Membrane potential of several trials over the deterministic one; under clamp the command."""
    if "total_current" in view.data:
        axes.plot(view.time, view.curve("voltage")[0], color=style.STIMULUS, linewidth=1.2)
        axes.set_ylabel("command\n(mV)")
        return
    traces = view.curve("voltage")[: view.n_traces]
    strengths = np.linspace(1.0, 0.35, max(len(traces), 1))
    for number, (trace, strength) in reversed(
        list(enumerate(zip(traces, strengths, strict=False)))
    ):
        label = None
        if number == 0:
            label = _counted(len(traces), view.data.sizes["trial"], "trial")
        axes.plot(view.time, trace, color=style.VOLTAGE, alpha=strength, label=label, **style.TRIAL)
    if "deterministic_voltage" in view.data:
        limit = view.curve("deterministic_voltage")
        axes.plot(view.time, limit, label=limit_label(view.data.attrs), **style.LIMIT)
    axes.set_ylabel(view.voltage_label)
    if legend:
        legend_above(axes)


def open_channels(axes: Axes, view: View) -> None:
    """Open channels of each population in the first trial, and their deterministic number."""
    _by_population(axes, view, "open", 1.0)
    axes.set_ylabel(f"open channels{_of_trial(view, chr(10))}")
    axes.set_ylim(bottom=0)


def current(axes: Axes, view: View) -> None:
    """Current through each population in the first trial; outward is positive."""
    _by_population(axes, view, "current", view.per_area)
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axes.set_ylabel(f"current (µA/cm²)\noutward up{_of_trial(view)}")


def ions(axes: Axes, view: View) -> None:
    """Net number of ions that left the cell since the start, in the first trial."""
    data = view.data
    with np.errstate(divide="ignore", invalid="ignore"):
        per_charge = np.nan_to_num(data["ions"].values[0] / data["total_charge"].values[0])
    largest = np.abs(view.curve("charge") * per_charge).max(initial=0.0)
    power = 6 if largest > 1e6 else 3
    _by_population(axes, view, "charge", per_charge / 10**power)
    axes.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    what = "millions" if power == 6 else "thousands"
    axes.set_ylabel(f"ions that left\n({what}{_of_trial(view)})")


def spikes(axes: Axes, view: View) -> None:
    """Raster of spikes, a row a trial, the deterministic one below."""
    data = view.data
    trials = data["trial"].values[:_MOST_ROWS]
    times, of_trial = data["spike_time"].values, data["spike_trial"].values
    rows = [times[of_trial == trial] for trial in trials]
    raster(axes, rows, 1, style.VOLTAGE)
    if "deterministic_spike_time" in data:
        raster(axes, [data["deterministic_spike_time"].values], -0.5, style.DETERMINISTIC)
    axes.set_ylim(-1.2, len(rows) + 0.7)
    axes.set_yticks([-0.5, len(rows)], ["determ.", str(len(rows))])
    axes.set_ylabel("trial")


def channels(axes: Axes, view: View) -> None:
    """Raster of individual tagged channels in the first trial: a bar while one conducts."""
    data = view.data
    owner = [str(name) for name in data["channel_population"].values]
    trial = data["trial"].values[0]
    mine = data["flip_trial"].values == trial
    time, channel = data["flip_time"].values[mine], data["flip_channel"].values[mine]
    entered = data["flip_state"].values[mine]
    names, end = [str(name) for name in data["population"].values], float(data["time"][-1])
    shown = [k for name in names for k in _first(owner, name, _MOST_ROWS // len(names))]
    for row, k in enumerate(shown):
        at = np.concatenate([[0.0], time[channel == k], [end]])
        states = np.concatenate([[data["channel_start"].values[0, k]], entered[channel == k]])
        is_open = view.conducts(owner[k])[states.astype(int)]
        bars = list(zip(at[:-1][is_open], np.diff(at)[is_open], strict=True))
        color = view.colors[names.index(owner[k])]
        axes.hlines(row, 0.0, end, color="0.9", linewidth=0.4, zorder=0)
        axes.broken_barh(bars, (row - 0.35, 0.7), facecolor=color, edgecolor=color, linewidth=0.3)
    axes.set_ylim(len(shown) - 0.3, -0.7)
    rows = {name: [row for row, k in enumerate(shown) if owner[k] == name] for name in names}
    labels = [label for name, label in zip(names, view.labels, strict=True) if rows[name]]
    axes.set_yticks([np.mean(of_name) for of_name in rows.values() if of_name], labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel(f"single channels\n({_of_trial(view, '') or 'bar'}: open)")


def raster(axes: Axes, rows: list[Any], first: float, color: str, width: float = 0.9) -> None:
    """Draw spike trains as rows of ticks, upward from `first`."""
    offsets = [first + row for row in range(len(rows))]
    axes.eventplot(rows, lineoffsets=offsets, linelengths=0.85, linewidths=width, colors=color)


def legend_above(axes: Axes) -> None:
    """Put the legend above the axes, where it covers no data; none where nothing has a label."""
    labels = axes.get_legend_handles_labels()[1]
    if not labels:
        return
    in_a_row = sum(len(label) + _HANDLE for label in labels) <= _LINE
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 0.98),
        ncols=len(labels) if in_a_row else 4,
        borderaxespad=0.0,
        handlelength=2.2,
    )


def total_current(axes: Axes, view: View) -> None:
    """Current of a few clamped sweeps, their mean, and the deterministic one."""
    n_sweeps = view.data.sizes["trial"]
    sweeps = view.curve("total_current")[: view.n_traces]
    for number, row in enumerate(sweeps):
        label = None if number else _counted(len(sweeps), n_sweeps, "sweep")
        axes.plot(view.time, row, color=style.VOLTAGE, alpha=0.45, linewidth=0.6, label=label)
    if n_sweeps > 1:
        label = f"mean of {n_sweeps} sweeps"
        axes.plot(view.time, view.mean_curve, color=style.MEAN, linewidth=1.3, label=label)
    if "deterministic_total_current" in view.data:
        limit = view.curve("deterministic_total_current")
        axes.plot(view.time, limit, label="deterministic", **style.LIMIT)
    axes.set_ylabel("clamp current\n(pA, outward up)")
    legend_above(axes)


PANELS: dict[str, Callable[[Axes, View], None]] = {
    "stimulus": stimulus,
    "voltage": voltage,
    "open": open_channels,
    "current": current,
    "total_current": total_current,
    "ions": ions,
    "spikes": spikes,
    "channels": channels,
}

#: Relative heights.
HEIGHTS = {"stimulus": 0.5, "voltage": 1.9, "spikes": 0.8}


def _by_population(axes: Axes, view: View, name: str, factor: Any) -> None:
    """Draw a variable of each population, times a factor, or one factor a population."""
    first = factor * replace(view, n_traces=1).curve(name)
    limit = f"deterministic_{name}"
    course = factor * view.curve(limit) if limit in view.data else None
    for p, (label, color) in enumerate(zip(view.labels, view.colors, strict=True)):
        if len(first):
            axes.plot(view.time, first[0, :, p], color=color, label=label, **style.TRIAL)
        if course is not None:
            axes.plot(view.time, course[:, p], **{**style.LIMIT, "linewidth": 0.9})
    legend_above(axes)


def _counted(shown: int, there: int, what: str) -> str:
    """How many of what are drawn, as in ``3 of 5 trials``."""
    if there == 1:
        return f"one {what}"
    return f"{there} {what}s" if shown == there else f"{shown} of {there} {what}s"


def _of_trial(view: View, before: str = ", ") -> str:
    """Which trial a panel shows, where there are several."""
    trials = view.data["trial"].values
    return f"{before}trial {trials[0]}" if len(trials) > 1 else ""


def _mean(sweeps: Any) -> Any:
    return sweeps.mean(axis=0)


def _first(owner: list[str], name: str, most: int) -> list[int]:
    return [k for k, population in enumerate(owner) if population == name][:most]
