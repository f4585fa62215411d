"""The picture of a circuit: down the page from cell to cell, all over the same time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.cells import (
    Path,
    branches,
    cell_names,
    first_passages,
    main_path,
    passages,
    places_of,
    tip_of,
)
from stochhh.analysis.twitch import fibre_force
from stochhh.plot import style
from stochhh.plot.circuit_sweep import draw_circuit_sweep
from stochhh.plot.estimates import headline
from stochhh.plot.maps import (
    TITLE,
    View,
    channel_map,
    color_bar,
    has_channels,
    mapped_places,
    reach_of,
    said_place,
    voltage_map,
)
from stochhh.plot.panels import legend_above
from stochhh.plot.picture import Picture
from stochhh.plot.twitch import force_panel
from stochhh.result import Result, limit_label
from stochhh.scenario import Circuit
from stochhh.scenario.studies.circuits import TwitchStudy

_MAP_INCHES, _CURVE_INCHES, _REST_INCHES = 1.3, 1.05, 0.7
_PAGE_INCHES = 7.6  # so high that a caption has room below
_LEAST = 0.65  # of the heights, to which they are reduced for a page
_MOST_CELLS = 8
_MOST_SYNAPSES = 16
_MOST_MAPS = 3  # of the branches of a cell
_MOST_TIPS = 6  # whose voltages are drawn as curves; those of more are a map
_LONGEST = 3.0  # contraction times beyond the run, in which a force is shown
COLORS = (style.VOLTAGE, "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#E69F00", "#999999")


class Panel(NamedTuple):
    """One panel: its height, what draws it, and whether it has a time of its own."""

    inches: float
    draw: Callable[[Axes], None]
    own_time: bool = False


@style.as_written
def circuit_overview(result: Result) -> Figure:
    """Draw a circuit's run: maps of voltage and open channels of cables, curves, vesicles.

    A run with a sweep is drawn point by point.
    """
    circuit = result.experiment
    assert isinstance(circuit, Circuit)
    layout = circuit.figure
    data = result.point(0)
    start = 0.0 if layout.start_ms is None else float(layout.start_ms)
    end = result.duration_ms if layout.end_ms is None else float(layout.end_ms)
    end = min(end, result.duration_ms)
    with style.style():
        if "point" in result.dataset.dims:
            figure = draw_circuit_sweep(result, circuit, (start, end))
        else:
            view = View(data, min(layout.trial, data.sizes["trial"] - 1), layout.traces)
            figure = _draw(_panels(circuit, view), (start, end), _left_out(circuit))
        headline(figure, result.title)
    return figure


def _draw(panels: list[Panel], window: tuple[float, float], left_out: str) -> Figure:
    whole = sum(panel.inches for panel in panels)
    shrunk = min(max((_PAGE_INCHES - _REST_INCHES) / whole, _LEAST), 1.0)
    figure = Picture(figsize=(style.WIDTH, _REST_INCHES + shrunk * whole), layout="constrained")
    grid = figure.add_gridspec(len(panels), 1, height_ratios=[panel.inches for panel in panels])
    shared: list[Axes] = []
    for row, panel in enumerate(panels):
        beside = shared[0] if shared and not panel.own_time else None
        axes = figure.add_subplot(grid[row], sharex=beside)
        panel.draw(axes)
        if not panel.own_time:
            shared.append(axes)
    for axes in shared[:-1]:
        axes.tick_params(axis="x", bottom=False, labelbottom=False)
    if shared:
        shared[-1].set_xlim(*window)
        shared[-1].set_xlabel(f"time (ms){left_out}")
    figure.align_ylabels()
    return figure


def _panels(circuit: Circuit, view: View) -> list[Panel]:
    panels: list[Panel] = []
    data = view.data
    leaving: dict[str, list[int]] = {}
    for number, synapse in enumerate(circuit.synapse):
        leaving.setdefault(synapse.source, []).append(number)
    n_synapses = 0
    for name in cell_names(data)[:_MOST_CELLS]:
        panels += _of_cell(view, branches(data, main_path(data, name)))
        for number in leaving.get(name, [])[: _MOST_SYNAPSES - n_synapses]:
            panels.append(Panel(_CURVE_INCHES, partial(_synapse, view, number)))
            n_synapses += 1
    if circuit.analysis.twitch is not None:
        panels.append(_force(circuit.analysis.twitch, view, float(circuit.run.duration_ms)))
    return panels


def _of_cell(view: View, ways: list[Path]) -> list[Panel]:
    """Panels of one cell: maps of its branches, and curves at its tips."""
    data, panels = view.data, []
    mapped = [way for way in ways if len(mapped_places(data, way)) > 2]
    live = [way for way in mapped if way is ways[0] or has_channels(data, way)]
    for way in live[:_MOST_MAPS]:
        name = way.cell if len(ways) == 1 else f"{way.cell} to {tip_of(data, way)}"
        if "voltage" in data:
            panels.append(Panel(_MAP_INCHES, partial(voltage_map, view, way, name)))
        if "open" in data and way is ways[0] and has_channels(data, way):
            panels.append(Panel(_MAP_INCHES, partial(channel_map, view, way, name)))
    if "voltage" in data and any(len(places_of(data, way)) for way in ways):
        tips = [way.compartment[-1] for way in ways]
        many = np.isin(tips, data["place_compartment"].values).sum() > _MOST_TIPS
        if many:
            panels.append(Panel(_MAP_INCHES, partial(_tips, view, ways)))
        panels.append(Panel(_CURVE_INCHES, partial(_curves, view, ways[:1] if many else ways)))
    return panels


def _left_out(circuit: Circuit) -> str:
    """What the picture of a large circuit does not show."""
    if len(circuit.cell) <= _MOST_CELLS and len(circuit.synapse) <= _MOST_SYNAPSES:
        return ""
    parts = [
        f"{min(n, most)} of {n:,d} {what}"
        for n, most, what in (
            (len(circuit.cell), _MOST_CELLS, "cells"),
            (len(circuit.synapse), _MOST_SYNAPSES, "synapses"),
        )
        if n
    ]
    return f"; at most {' and '.join(parts)} are drawn"


def _force(settings: TwitchStudy, view: View, duration_ms: float) -> Panel:
    """Force that the impulses of a muscle fibre make; it outlasts the run by far."""
    given = float(settings.contraction_ms), float(settings.delay_ms or 0.0)
    end = duration_ms + _LONGEST * given[0]
    outlasts = end > 2.0 * duration_ms

    def draw(axes: Axes) -> None:
        data = view.data
        path = main_path(data, settings.cell or cell_names(data)[-1])
        middle = int(path.compartment[len(path.compartment) // 2])
        time = np.linspace(0.0, end, 400) if outlasts else data["time"].values
        trains = passages(data, middle)[: view.n_traces]
        limit = None
        if "deterministic_spike_time" in data:
            limit = fibre_force(time, passages(data, middle, deterministic=True)[0], *given)
        forces = [fibre_force(time, train, *given) for train in trains]
        if outlasts:
            axes.axvspan(0.0, duration_ms, color="0.9", linewidth=0.0, label="the run")
            axes.set_xlabel("time (ms); what the impulses of the run do after it")
            axes.set_xlim(0.0, end)
        axes.set_title(path.cell, **TITLE)
        force_panel(axes, time, forces, limit, limit_label(data.attrs))

    return Panel(_CURVE_INCHES, draw, outlasts)


def _curves(view: View, ways: list[Path], axes: Axes) -> None:
    """Voltages at some places, of several trials over the deterministic ones."""
    data, main = view.data, ways[0]
    time = data["time"].values
    n = min(view.n_traces, data.sizes["trial"])
    chosen = _chosen(view, ways)
    for (place, label), color in zip(chosen.items(), COLORS, strict=False):
        if "deterministic_voltage" in data:
            limit = data["deterministic_voltage"].values[:, place]
            axes.plot(time, limit, zorder=1.9, **style.LIMIT)  # below trials, which else are hid
        for trial in range(n):
            values = data["voltage"].values[trial, :, place]
            axes.plot(time, values, color=color, alpha=0.7, **style.TRIAL)
        axes.plot([], [], color=color, label=label, **style.TRIAL)
    if "deterministic_voltage" in data:
        axes.plot([], [], label=limit_label(data.attrs), **style.LIMIT)
    trials = f"{n} trial{'s' if n != 1 else ''}"
    axes.set_title(f"{main.cell}: {trials}", **TITLE)
    axes.set_ylabel("voltage\n(mV)")
    legend_above(axes)


def _chosen(view: View, ways: list[Path]) -> dict[int, str]:
    """Places whose voltages are drawn, and what they are called.

    Of a cell that branches its start and all tips; else where the impulse begins, where it
    gets, and halfway.
    """
    data, main = view.data, ways[0]
    places = mapped_places(data, main)
    if len(places) == 0:
        places = places_of(data, main)
    position = data["position"].values[data["place_compartment"].values]
    reach = reach_of(data, main)[1]
    if len(ways) > 1:
        ends = [int(places_of(data, way)[-1]) for way in ways if len(places_of(data, way))]
        where = data["place_compartment"].values
        names = {one: str(data["section"].values[where[one]]) for one in ends}
        start = [int(one) for one in places[:1] if where[one] == main.compartment[0]]
        return dict.fromkeys(start, "start") | names
    if len(places) < 3:
        return {int(one): f"at {said_place(position[one], reach)}" if len(places) > 1 else ""
                for one in places}  # fmt: skip
    begin = _origin(view, main, data["place_compartment"].values[places])
    end = len(places) - 1 if begin < len(places) / 2 else 0
    shown = dict.fromkeys([begin, (begin + end) // 2, end])
    return {int(places[k]): f"at {said_place(position[places[k]], reach)}" for k in sorted(shown)}


def _origin(view: View, path: Path, compartments: Any) -> int:
    """Which of some compartments of a path an impulse passes first; the first if none does."""
    first = first_passages(view.data, path)[view.trial]
    along = np.nonzero(np.isin(path.compartment, compartments))[0]
    times = first[along]
    return 0 if np.isnan(times).all() else int(np.nanargmin(times))


def _tips(view: View, ways: list[Path], axes: Axes) -> None:
    """Voltage at every tip of a cell with many, in one trial, the farthest tip at the top."""
    data = view.data
    recorded = {int(c): place for place, c in enumerate(data["place_compartment"].values)}
    known = [way for way in ways if int(way.compartment[-1]) in recorded]
    places = [recorded[int(way.compartment[-1])] for way in known]
    values = data["voltage"].values[view.trial][:, places].T
    image = axes.pcolormesh(
        data["time"].values, np.arange(len(places)), values, shading="nearest", rasterized=True
    )
    color_bar(image, axes, "mV", aspect=12)
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.set_yticks([0, len(places) - 1], [tip_of(data, known[0]), tip_of(data, known[-1])])
    axes.set_ylabel("tip")
    said = f"{ways[0].cell}: voltage of its {len(places):,d} tips, {view.trial_name}"
    axes.set_title(said, **TITLE)


def _synapse(view: View, number: int, axes: Axes) -> None:
    """Open receptors of a synapse, and the vesicles that opened them."""
    data = view.data
    time = data["time"].values
    others = [k for k in range(min(view.n_traces, data.sizes["trial"])) if k != view.trial]
    labels = {view.trial: view.trial_name}
    if others:
        labels[others[0]] = f"{len(others)} other{'s' if len(others) > 1 else ''}"
    for trial in [view.trial, *others]:
        axes.plot(
            time,
            data["receptor_open"].values[trial, :, number],
            color=style.MEAN,
            alpha=1.0 if trial == view.trial else 0.35,
            zorder=2.1 if trial == view.trial else 2.0,
            label=labels.get(trial),
            **style.TRIAL,
        )
    if "deterministic_receptor_open" in data:
        values = data["deterministic_receptor_open"].values[:, number]
        axes.plot(time, values, label=limit_label(data.attrs), **style.LIMIT)
    out = data["release_synapse"].values == number
    out &= data["release_trial"].values == data["trial"].values[view.trial]
    when = data["release_time"].values[out]
    bottom, top = axes.get_ylim()
    axes.set_ylim(min(0.0, bottom), top + 0.25 * (top - bottom))
    axes.plot(
        when,
        np.full(len(when), top + 0.12 * (top - bottom)),
        linestyle="none",
        marker="|",
        color="black",
        label=f"{len(when)} vesicle{'s' if len(when) != 1 else ''} of {view.trial_name}",
    )
    axes.set_title(f"{data['synapse'].values[number]}", **TITLE)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_ylabel("open\nreceptors")
    legend_above(axes)
