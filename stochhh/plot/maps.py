"""Maps of a cell: voltage or open channels over time and along the way to one of its tips."""

from __future__ import annotations

from typing import Any, NamedTuple

import matplotlib.patheffects as effects
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from stochhh.analysis.cells import Path, places_of
from stochhh.analysis.waves import find_waves
from stochhh.plot import style
from stochhh.plot.panels import legend_above
from stochhh.result import limit_label

_MOST_COLUMNS = 2000  # of a map
_MOST_STRIPS = 40  # nodes that are drawn as strips, with what lies between them
_STRIP = 0.35  # of the distance to the next node, to each side of a node
TITLE: dict[str, Any] = {"loc": "left", "fontsize": 8, "pad": 2.5}  # of a panel
_MM = 1000.0  # from so many µm on places are told in mm


class View(NamedTuple):
    """What panels need besides their axes.

    Attributes
    ----------
    data : of one point of a circuit's result.
    trial : row of the trial of which maps and single curves are drawn.
    n_traces : trials to draw as curves.
    """

    data: xr.Dataset
    trial: int
    n_traces: int

    @property
    def trial_name(self) -> str:
        """What the trial of maps is called."""
        return f"trial {self.data['trial'].values[self.trial]}"


def mapped_places(data: xr.Dataset, path: Path) -> Any:
    """Indices along dim ``place`` of what maps of a path show, in order.

    Of an axon with nodes these, which are short and alone have channels; and no branching
    points, which have no membrane.
    """
    shown = path.nodes[data["length"].values[path.compartment[path.nodes]] > 0.0]
    return places_of(data, path.only(shown))


def voltage_map(view: View, path: Path, name: str, axes: Axes) -> None:
    """Voltage in one trial, with the ways of all deterministic impulses."""
    places = mapped_places(view.data, path)
    voltage = view.data["voltage"].values[view.trial][:, places]
    color_bar(draw_map(view, path, voltage, axes, "viridis"), axes, "mV", aspect=12)
    axes.set_title(f"{map_name(name, path)}: voltage, {view.trial_name}", **TITLE)
    deterministic_ways(view, path, axes)
    legend_above(axes)


def channel_map(view: View, path: Path, name: str, axes: Axes) -> None:
    """Share of the channels of one kind that are open, in one trial."""
    places = mapped_places(view.data, path)
    ions = [str(ion) for ion in view.data["ion"].values]
    here = view.data["count"].values[path.compartment].sum(axis=0) > 0
    first = next((k for k, ion in enumerate(ions) if ion == "Na+" and here[k]), None)
    kind = int(np.argmax(here)) if first is None else first
    count = view.data["count"].values[view.data["place_compartment"].values[places], kind]
    opened = view.data["open"].values[view.trial][:, places, kind]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(count > 0, 100.0 * opened / count, np.nan)
    color_bar(draw_map(view, path, share, axes, "magma"), axes, "% open", aspect=12)
    none = "" if (count > 0).all() else " (grey: none)"
    ion = style.ion_label(ions[kind])
    axes.set_title(f"{map_name(name, path)}: {ion} channels{none}, {view.trial_name}", **TITLE)
    deterministic_ways(view, path, axes)
    legend_above(axes)


def has_channels(data: xr.Dataset, path: Path) -> bool:
    """Whether there are channels along a path beyond where it begins."""
    return bool(data["count"].values[path.compartment[1:]].sum())


def length_unit(reach_um: float) -> tuple[float, str]:
    """Unit in which places along a cell of such a reach are told, in µm, and its name."""
    return (_MM, "mm") if reach_um >= _MM else (1.0, "µm")


def said_place(position_um: float, reach_um: float) -> str:
    """Write a place with its unit, as finely as two figures tell the whole way."""
    scale, unit = length_unit(reach_um)
    whole = reach_um / scale
    fine = 10.0 ** (np.floor(np.log10(whole)) - 1) if whole > 0 else 1.0
    return f"{round(position_um / scale / fine) * fine:.6g} {unit}"


def map_name(name: str, path: Path) -> str:
    """What the map of a path is called: of an axon with nodes it shows these."""
    has_nodes = len(path.nodes) < len(path.compartment)
    return f"{name}, at its {len(path.nodes):,d} nodes" if has_nodes else name


def draw_map(
    view: View, path: Path, values: Any, axes: Axes, colors: str, limits: Any = (None, None)
) -> Any:
    """Draw values over time and place, (n, `mapped_places`), between limits; returns the image."""
    places = mapped_places(view.data, path)
    time = view.data["time"].values
    stride = max(len(time) // _MOST_COLUMNS, 1)
    compartments = view.data["place_compartment"].values[places]
    position = view.data["position"].values[compartments]
    low, high = reach_of(view.data, path)
    scale, unit_of_length = length_unit(high)
    edges, rows = _strips(path, position, low, high)
    shown = np.full((len(edges) - 1, len(time[::stride])), np.nan)
    shown[rows] = values[::stride].T
    image = axes.pcolormesh(
        _edges(time[::stride]),
        edges / scale,
        shown,
        cmap=colors,
        vmin=limits[0],
        vmax=limits[1],
        shading="flat",
        rasterized=True,
    )
    axes.set_facecolor("0.85")
    axes.set_ylabel(f"place ({unit_of_length})")
    axes.set_ylim(high / scale, low / scale)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    return image


def color_bar(image: Any, axes: Any, unit: str, **settings: Any) -> None:
    """Say beside axes what the colours of an image mean."""
    bar = image.axes.get_figure().colorbar(image, ax=axes, label=unit, pad=0.01, **settings)
    bar.locator = MaxNLocator(4)
    bar.update_ticks()


def reach_of(data: xr.Dataset, path: Path) -> tuple[float, float]:
    """Where a path begins and ends, µm."""
    ends = path.compartment[[0, -1]]
    half = 0.5 * data["length"].values[ends]
    return max(float(path.position_um[0] - half[0]), 0.0), float(path.position_um[-1] + half[1])


def _edges(middle: Any) -> Any:
    """Edges of cells around their middles; (n + 1,)."""
    between = 0.5 * (middle[1:] + middle[:-1])
    first, last = middle[0] - (between[0] - middle[0]), middle[-1] + (middle[-1] - between[-1])
    return np.concatenate([[first], between, [last]])


def _strips(path: Path, position_um: Any, low: float, high: float) -> tuple[Any, Any]:
    """Edges of the rows of a map, and which rows are places; the others lie between nodes."""
    n = len(position_um)
    if len(path.nodes) == len(path.compartment) or n > _MOST_STRIPS:
        edges = _edges(position_um)
        edges[0], edges[-1] = min(low, edges[1]), max(high, edges[-2])
        return edges, np.arange(n)
    room = _STRIP * np.diff(position_um)
    before, after = np.append(room[0], room), np.append(room, room[-1])
    edges = np.stack([position_um - before, position_um + after], axis=1).ravel()
    return edges, 2 * np.arange(n)


def deterministic_ways(view: View, path: Path, axes: Axes) -> None:
    """Draw the way of each impulse of the deterministic limit over a map."""
    if "deterministic_spike_time" not in view.data:
        return
    way = path.only(path.nodes)
    scale, _ = length_unit(reach_of(view.data, path)[1])
    line = {
        "color": "white",
        "linestyle": style.DASHES,
        "linewidth": 1.1,
        "path_effects": [effects.withStroke(linewidth=2.2, foreground="black")],
    }
    leaps = len(path.nodes) < len(path.compartment)
    for wave in find_waves(view.data, way, deterministic=True):
        passed = np.nonzero(np.isfinite(wave.passage_ms))[0]
        axes.plot(
            wave.passage_ms[passed],
            way.position_um[wave.first + passed] / scale,
            marker="o" if leaps or len(passed) == 1 else None,
            markersize=2.0,
            **line,
        )
    axes.plot([], [], label=f"impulse, {limit_label(view.data.attrs)}", **line)
