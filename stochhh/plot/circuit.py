"""The picture of a circuit: down the page from cell to cell, all over the same time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import matplotlib.patheffects as effects
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.cells import (
    Path,
    cell_names,
    first_passages,
    main_path,
    passages,
    places_of,
)
from stochhh.analysis.twitch import fibre_force
from stochhh.plot import style
from stochhh.plot.panels import legend_above
from stochhh.plot.twitch import force_panel
from stochhh.result import Result, limit_label
from stochhh.scenario import Circuit
from stochhh.scenario.studies.circuits import TwitchStudy

_MAP_INCHES, _CURVE_INCHES = 1.25, 0.95
_MOST_CELLS = 8
_MOST_SYNAPSES = 16
_MOST_COLUMNS = 2000  # of a map
_NODES_SHARE = 0.2  # of a cell's length
_CURVES = (0.0, 0.5, 1.0)  # places along a cable whose voltages are drawn


class Panel(NamedTuple):
    """One panel: its height, and what draws it."""

    inches: float
    draw: Callable[[Axes], None]


class View(NamedTuple):
    """What panels need besides their axes."""

    data: xr.Dataset
    trial: int  # of which maps and single curves are drawn
    n_traces: int


@style.as_written
def circuit_overview(result: Result) -> Figure:
    """Draw a circuit's run: maps of voltage and open channels of cables, curves, vesicles.

    Of a sweep the first point is drawn.
    """
    circuit = result.experiment
    assert isinstance(circuit, Circuit)
    layout = circuit.figure
    data = result.point(0)
    trial = min(layout.trial, data.sizes["trial"] - 1)
    view = View(data, trial, layout.traces)
    panels = _panels(circuit, view)
    with style.style():
        size = (style.WIDTH, 0.7 + sum(panel.inches for panel in panels))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(
            len(panels),
            1,
            sharex=True,
            squeeze=False,
            gridspec_kw={"height_ratios": [panel.inches for panel in panels]},
        )[:, 0]
        for one, panel in zip(axes, panels, strict=True):
            panel.draw(one)
            if one is not axes[-1]:
                one.tick_params(axis="x", bottom=False)
        start = 0.0 if layout.start_ms is None else float(layout.start_ms)
        end = result.duration_ms if layout.end_ms is None else float(layout.end_ms)
        axes[-1].set_xlim(start, end)
        axes[-1].set_xlabel(f"time (ms){_left_out(circuit)}")
        figure.align_ylabels(axes)
        figure.suptitle(result.title, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def _panels(circuit: Circuit, view: View) -> list[Panel]:
    panels: list[Panel] = []
    data = view.data
    leaving: dict[str, list[int]] = {}
    for number, synapse in enumerate(circuit.synapse):
        leaving.setdefault(synapse.source, []).append(number)
    n_synapses = 0
    for name in cell_names(data)[:_MOST_CELLS]:
        path = main_path(data, name)
        places = places_of(data, path)
        mapped = _mapped(data, places)
        if len(mapped) > 2:
            where = f"{name}, nodes" if len(mapped) < len(places) else name
            if "voltage" in data:
                panels.append(Panel(_MAP_INCHES, partial(_voltage_map, view, path, mapped, where)))
            if "open" in data and data.sizes["population"]:
                panels.append(Panel(_MAP_INCHES, partial(_channel_map, view, path, mapped, where)))
        if len(places) and "voltage" in data:
            panels.append(Panel(_CURVE_INCHES, partial(_curves, view, path, places)))
        for number in leaving.get(name, [])[: _MOST_SYNAPSES - n_synapses]:
            panels.append(Panel(_CURVE_INCHES, partial(_synapse, view, number)))
            n_synapses += 1
    if circuit.analysis.twitch is not None:
        panels.append(Panel(_CURVE_INCHES, partial(_force, view, circuit.analysis.twitch)))
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


def _mapped(data: xr.Dataset, places: Any) -> Any:
    """Places that maps show: all, or the nodes alone of a cell that has channels there only.

    Nodes are so much shorter than what lies between them that they would not be seen.
    """
    compartments = data["place_compartment"].values[places]
    length = data["length"].values[compartments]
    bears = data["count"].values[compartments].sum(axis=1) > 0
    few = 0.0 < length[bears].sum() < _NODES_SHARE * length.sum()
    return places[bears] if few else places


def _force(view: View, settings: TwitchStudy, axes: Axes) -> None:
    """Force that the impulses of a muscle fibre make."""
    data = view.data
    path = main_path(data, settings.cell or cell_names(data)[-1])
    middle = int(path.compartment[len(path.compartment) // 2])
    time = data["time"].values
    given = float(settings.contraction_ms), float(settings.delay_ms or 0.0)
    trains = passages(data, middle)[: view.n_traces]
    limit = None
    if "deterministic_spike_time" in data:
        limit = fibre_force(time, passages(data, middle, deterministic=True)[0], *given)
    forces = [fibre_force(time, train, *given) for train in trains]
    force_panel(axes, time, forces, limit, limit_label(data.attrs))


def _voltage_map(view: View, path: Path, places: Any, where: str, axes: Axes) -> None:
    """Voltage of one trial over time and place, with the way of the deterministic spike."""
    voltage = view.data["voltage"].values[view.trial][:, places]
    _map(view, path, places, voltage, axes, "viridis", "mV")
    _label(axes, f"{where}: voltage")
    _deterministic_way(view, path, axes)


def _channel_map(view: View, path: Path, places: Any, where: str, axes: Axes) -> None:
    """Share of the channels of one kind that are open, in one trial."""
    ions = [str(ion) for ion in view.data["ion"].values]
    here = view.data["count"].values[path.compartment].sum(axis=0) > 0
    first = next((k for k, ion in enumerate(ions) if ion == "Na+" and here[k]), None)
    kind = int(np.argmax(here)) if first is None else first
    count = view.data["count"].values[view.data["place_compartment"].values[places], kind]
    opened = view.data["open"].values[view.trial][:, places, kind]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(count > 0, 100.0 * opened / count, np.nan)
    _map(view, path, places, share, axes, "magma", "% open")
    ion = style.ion_label(ions[kind])
    _label(axes, f"{where}: {ion} channels")
    axes.set_facecolor("0.85")
    _deterministic_way(view, path, axes)


def _map(
    view: View, path: Path, places: Any, values: Any, axes: Axes, colors: str, unit: str
) -> None:
    time = view.data["time"].values
    stride = max(len(time) // _MOST_COLUMNS, 1)
    compartments = view.data["place_compartment"].values[places]
    position = view.data["position"].values[compartments]
    scale, unit_of_length = _scale(path)
    image = axes.pcolormesh(
        time[::stride],
        position / scale,
        values[::stride].T,
        cmap=colors,
        shading="nearest",
        rasterized=True,
    )
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axes, label=unit, pad=0.01, aspect=12)
    axes.set_ylabel(f"place ({unit_of_length})")
    axes.set_ylim(position[-1] / scale, position[0] / scale)


def _label(axes: Axes, text: str) -> None:
    axes.text(
        0.995,
        0.95,
        text,
        transform=axes.transAxes,
        ha="right",
        va="top",
        color="white",
        fontsize=8,
        path_effects=[effects.withStroke(linewidth=2, foreground="0.2")],
    )


def _deterministic_way(view: View, path: Path, axes: Axes) -> None:
    """Where and when the deterministic spike crosses the threshold; under myelin nowhere."""
    if "deterministic_spike_time" not in view.data:
        return
    first = first_passages(view.data, path, deterministic=True)
    came = path.nodes[np.isfinite(first[path.nodes])]
    if not len(came):
        return
    scale, _ = _scale(path)
    axes.plot(
        first[came],
        path.position_um[came] / scale,
        color="white",
        linestyle=style.DASHES,
        linewidth=1.1,
        path_effects=[effects.withStroke(linewidth=2.2, foreground="black")],
    )


def _curves(view: View, path: Path, places: Any, axes: Axes) -> None:
    """Voltages at some places, of several trials over the deterministic ones."""
    data = view.data
    time = data["time"].values
    chosen = places if len(places) < 3 else [places[int(f * (len(places) - 1))] for f in _CURVES]
    colors = [style.VOLTAGE, "#009E73", "#CC79A7"]
    scale, unit = _scale(path)
    n = min(view.n_traces, data.sizes["trial"])
    for place, color in zip(chosen, colors, strict=False):
        for trial in range(n):
            axes.plot(
                time, data["voltage"].values[trial, :, place], color=color, alpha=0.7, **style.TRIAL
            )
        where = float(data["position"].values[data["place_compartment"].values[place]])
        label = f"at {_said(where / scale)} {unit}" if len(chosen) > 1 else f"{n} trials"
        axes.plot([], [], color=color, label=label, **style.TRIAL)
        if "deterministic_voltage" in data:
            axes.plot(time, data["deterministic_voltage"].values[:, place], **style.LIMIT)
    if "deterministic_voltage" in data:
        axes.plot([], [], label=limit_label(data.attrs), **style.LIMIT)
    axes.set_ylabel(f"{path.cell}\nvoltage (mV)")
    legend_above(axes)


def _synapse(view: View, number: int, axes: Axes) -> None:
    """Open receptors of a synapse, and the vesicles that opened them."""
    data = view.data
    time = data["time"].values
    others = [k for k in range(min(view.n_traces, data.sizes["trial"])) if k != view.trial]
    mine = f"trial {data['trial'].values[view.trial]}"
    labels = {view.trial: mine}
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
        label=f"{len(when)} vesicle{'s' if len(when) != 1 else ''} of {mine}",
    )
    axes.set_ylabel(f"{data['synapse'].values[number]}\nopen receptors")
    legend_above(axes)


def _said(place: float) -> str:
    """Two figures of a place, and no powers of ten."""
    return f"{float(f'{place:.2g}'):g}"


def _scale(path: Path) -> tuple[float, str]:
    return (1000.0, "mm") if path.position_um[-1] >= 1000.0 else (1.0, "µm")
