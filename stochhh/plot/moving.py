"""Panels of moving pictures: each is drawn once, and then moved from moment to moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from stochhh.analysis.cells import Path, cell_names, main_path, passages, tip_of
from stochhh.analysis.twitch import fibre_force
from stochhh.plot import style
from stochhh.plot.circuit import COLORS
from stochhh.plot.maps import TITLE, length_unit, map_name, mapped_places, reach_of
from stochhh.plot.panels import legend_above
from stochhh.result import limit_label
from stochhh.scenario.studies.circuits import TwitchStudy

_SNAPSHOTS = 8  # earlier moments that stay as pale lines
_CALM_MV = 30.0  # between voltages along a cell: a moment with less leaves none
_LONGEST = 3.0  # contraction times beyond what is shown, in which a force is drawn

#: Of lines that move, which are drawn anew for each moment.
_MOVES: dict[str, Any] = {"animated": True, "markersize": 4}
_EARLIER: dict[str, Any] = {"animated": True, "color": "0.8", "linewidth": 0.8, "zorder": 1}

#: Draws one moment, given its row along dim `time`.
Update = Callable[[int], None]
#: Draws a panel, and gives what moves it.
Draw = Callable[[Axes], Update]


class Subject(NamedTuple):
    """What is shown.

    Attributes
    ----------
    data : of one point.
    trial : row of the trial.
    shown : rows along dim `time`.
    """

    data: xr.Dataset
    trial: int
    shown: Any

    @property
    def trial_name(self) -> str:
        """What the trial is called."""
        return f"trial {self.data['trial'].values[self.trial]}"

    def of_trial(self, name: str) -> Any:
        """A recorded variable in this trial."""
        return np.asarray(self.data[name].values[self.trial])

    def limit(self, name: str) -> Any:
        """The same in the deterministic limit, or None."""
        full = f"deterministic_{name}"
        return np.asarray(self.data[full].values) if full in self.data else None


def voltage_along(subject: Subject, ways: list[Path]) -> Draw:
    """Voltage along the way to every tip of a cell, over pale ones of earlier moments."""

    def draw(axes: Axes) -> Update:
        data, shown = subject.data, subject.shown
        voltage, limit = subject.of_trial("voltage"), subject.limit("voltage")
        places = [mapped_places(data, way) for way in ways]
        x = [_x(axes, data, ways[0], one) for one in places]
        values = voltage[shown][:, np.concatenate(places)]
        axes.set_ylim(values.min() - 5, values.max() + 5)
        axes.set_ylabel("voltage\n(mV)")
        moved = shown[np.ptp(voltage[shown][:, places[0]], axis=1) > _CALM_MV]
        moments = (
            moved[np.linspace(0, len(moved) - 1, _SNAPSHOTS).astype(int)] if len(moved) else []
        )
        earlier = [
            (k, axes.plot(x[0], voltage[k, places[0]], **_EARLIER)[0])
            for k in dict.fromkeys(moments)
        ]
        if earlier:
            earlier[0][1].set_label("earlier")
        lines = []
        for way, here, there, color in zip(ways, places, x, _colors(ways), strict=True):
            marker = "o" if len(way.nodes) < len(way.compartment) else None
            (line,) = axes.plot(
                there, voltage[0, here], color=color, linewidth=1.6, marker=marker, **_MOVES
            )
            lines.append((line, voltage, here))
            if len(ways) > 1 and len(ways) <= len(COLORS):
                line.set_label(f"to {tip_of(data, way)}")
            if limit is not None:
                (dashed,) = axes.plot(there, limit[0, here], zorder=1.9, **_MOVES, **style.LIMIT)
                lines.append((dashed, limit, here))
        if limit is not None:
            axes.plot([], [], label=limit_label(data.attrs), **style.LIMIT)
        axes.set_title(map_name(ways[0].cell, ways[0]), **TITLE)
        legend_above(axes)

        def update(row: int) -> None:
            for line, of_all, here in lines:
                line.set_ydata(of_all[row, here])
            for moment, line in earlier:
                line.set_visible(moment < row)

        return update

    return draw


def open_along(subject: Subject, ways: list[Path]) -> Draw:
    """Share of the channels of each kind that are open, along the way to every tip."""

    def draw(axes: Axes) -> Update:
        data = subject.data
        opened = subject.of_trial("open")
        count = data["count"].values[data["place_compartment"].values]
        here = data["count"].values[np.concatenate([way.compartment for way in ways])]
        kinds = np.nonzero(here.sum(axis=0) > 0)[0]
        ions = [str(data["ion"].values[k]) for k in kinds]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 100.0 * opened / count[None]
        lines = []
        for k, ion, color in zip(kinds, ions, style.population_colors(ions), strict=True):
            for number, way in enumerate(ways):
                at = mapped_places(data, way)
                (line,) = axes.plot(
                    _x(axes, data, ways[0], at),
                    share[0, at, k],
                    color=color,
                    linewidth=1.4 if number == 0 else 0.8,
                    label=style.ion_label(ion) if number == 0 else None,
                    **_MOVES,
                )
                lines.append((line, at, k))
        top = max(float(np.nanmax(share[subject.shown][:, at, k], initial=0.0))
                  for _, at, k in lines)  # fmt: skip
        axes.set_ylim(0, 1.1 * top + 1e-9)
        axes.set_ylabel("channels\nopen (%)")
        legend_above(axes)

        def update(row: int) -> None:
            for line, at, k in lines:
                line.set_ydata(share[row, at, k])

        return update

    return draw


def voltage_in_time(subject: Subject, name: str, place: int | None) -> Draw:
    """Voltage of a patch, or at a place of a circuit, up to the moment."""

    def draw(axes: Axes) -> Update:
        voltage, limit = subject.of_trial("voltage"), subject.limit("voltage")
        if place is not None:
            voltage = voltage[:, place]
            limit = None if limit is None else limit[:, place]
        axes.set_ylabel("voltage\n(mV)")
        if place is not None:
            axes.set_title(name, **TITLE)
        low, high = voltage[subject.shown].min(), voltage[subject.shown].max()
        axes.set_ylim(low - 5, high + 5)
        return _growing(axes, subject, voltage, limit, style.VOLTAGE)

    return draw


def open_in_time(subject: Subject) -> Draw:
    """Open channels of each kind of a patch, up to the moment."""

    def draw(axes: Axes) -> Update:
        data, shown = subject.data, subject.shown
        time, opened = data["time"].values, subject.of_trial("open")
        ions = [str(ion) for ion in data["ion"].values]
        colors = style.population_colors(ions)
        lines = [
            axes.plot([], [], color=color, label=style.ion_label(ion), **_MOVES)[0]
            for ion, color in zip(ions, colors, strict=True)
        ]
        axes.set_xlim(time[shown[0]], time[shown[-1]])
        axes.set_ylim(0, 1.1 * float(opened[shown].max()) + 1e-9)
        axes.set_ylabel("open\nchannels")
        axes.set_xlabel("time (ms)")
        legend_above(axes)

        def update(row: int) -> None:
            part = slice(shown[0], row + 1)
            for k, line in enumerate(lines):
                line.set_data(time[part], opened[part, k])

        return update

    return draw


def receptors_in_time(subject: Subject, number: int) -> Draw:
    """Open receptors of a synapse up to the moment, and the vesicles that came by then."""

    def draw(axes: Axes) -> Update:
        data = subject.data
        opened = subject.of_trial("receptor_open")[:, number]
        limit = subject.limit("receptor_open")
        limit = None if limit is None else limit[:, number]
        mine = data["release_synapse"].values == number
        mine &= data["release_trial"].values == data["trial"].values[subject.trial]
        when = np.sort(data["release_time"].values[mine])
        both = [opened, limit] if limit is not None else [opened]
        top = max(max(float(one[subject.shown].max()) for one in both), 1.0)
        axes.set_ylim(-0.03 * top, 1.35 * top)
        axes.yaxis.set_major_formatter("{x:,g}")
        (ticks,) = axes.plot(
            [], [], linestyle="none", marker="|", color="black", label="vesicles", animated=True
        )
        axes.set_ylabel("open\nreceptors")
        axes.set_title(str(data["synapse"].values[number]), **TITLE)
        grow = _growing(axes, subject, opened, limit, style.MEAN)
        time = data["time"].values

        def update(row: int) -> None:
            out = when[when <= time[row]]
            ticks.set_data(out, np.full(len(out), 1.2 * top))
            grow(row)

        return update

    return draw


def force_in_time(subject: Subject, settings: TwitchStudy) -> Draw:
    """Force of a muscle fibre: all of it pale, for it outlasts what is shown, and up to now."""

    def draw(axes: Axes) -> Update:
        data = subject.data
        times = data["time"].values
        path = main_path(data, settings.cell or cell_names(data)[-1])
        middle = int(path.compartment[len(path.compartment) // 2])
        given = float(settings.contraction_ms), float(settings.delay_ms or 0.0)
        train = passages(data, middle)[subject.trial]
        end = float(times[subject.shown[-1]]) + _LONGEST * given[0]
        whole = np.linspace(float(times[subject.shown[0]]), end, 400)
        force = fibre_force(whole, train, *given)
        axes.plot(whole, force, color=style.VOLTAGE, alpha=0.35, linewidth=1.2, label="to come")
        (line,) = axes.plot([], [], color=style.VOLTAGE, linewidth=2.0, label="so far", **_MOVES)
        (dot,) = axes.plot([], [], color=style.VOLTAGE, marker="o", **_MOVES)
        axes.set_xlim(whole[0], end)
        axes.set_ylim(-0.05, 1.15 * max(float(force.max()), 1.0))
        axes.set_ylabel("force\n(twitches)")
        axes.set_xlabel("time (ms)")
        axes.set_title(path.cell, **TITLE)
        legend_above(axes)

        def update(row: int) -> None:
            past = np.append(whole[whole < times[row]], times[row])
            so_far = fibre_force(past, train, *given)
            line.set_data(past, so_far)
            dot.set_data([past[-1]], [so_far[-1]])

        return update

    return draw


def _growing(axes: Axes, subject: Subject, values: Any, limit: Any, color: str) -> Update:
    """A curve in time that grows to the moment, over the whole deterministic one."""
    time, shown = subject.data["time"].values, subject.shown
    (line,) = axes.plot([], [], color=color, linewidth=1.2, label=subject.trial_name, **_MOVES)
    (dot,) = axes.plot([], [], color=color, marker="o", **_MOVES)
    if limit is not None:
        named = limit_label(subject.data.attrs)
        axes.plot(time[shown], limit[shown], alpha=0.5, label=named, zorder=1.9, **style.LIMIT)
    axes.set_xlim(time[shown[0]], time[shown[-1]])
    axes.set_xlabel("time (ms)")
    legend_above(axes)

    def update(row: int) -> None:
        part = slice(shown[0], row + 1)
        line.set_data(time[part], values[part])
        dot.set_data([time[row]], [values[row]])

    return update


def _x(axes: Axes, data: xr.Dataset, main: Path, places: Any) -> Any:
    """Positions of places in the unit of the cell, which the axis is made to show."""
    high = reach_of(data, main)[1]
    scale, unit = length_unit(high)
    axes.set_xlim(0.0, high / scale)
    axes.set_xlabel(f"place ({unit})")
    return data["position"].values[data["place_compartment"].values[places]] / scale


def _colors(ways: list[Path]) -> list[str]:
    """Of the way to every tip; of many all but the first alike."""
    if len(ways) <= len(COLORS):
        return list(COLORS[: len(ways)])
    return [COLORS[0], *["0.6"] * (len(ways) - 1)]
