"""Moving pictures for teaching: voltage and open channels along cells, or in time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stochhh.analysis.cells import Path, cell_names, main_path, places_of
from stochhh.errors import InputError
from stochhh.plot import style
from stochhh.result import Result, limit_label

_MOST_CELLS = 4
_DPI = 110

#: Draws one moment, given its row along dim `time`.
Update = Callable[[int], None]


def animate(
    result: Result,
    path: FilePath,
    trial: int = 0,
    seconds: float = 8.0,
    frames_per_second: int = 15,
    start_ms: float = 0.0,
    end_ms: float | None = None,
    on_frame: Callable[[], None] | None = None,
) -> int:
    """Write a GIF or MP4 of one trial over its deterministic limit.

    Of a cable it shows voltage and open channels along it, of a patch both in time.

    Parameters
    ----------
    result : of a membrane or a circuit; of a sweep the first point is shown.
    path : ends in .gif, or in .mp4 if ffmpeg is there.
    trial : which, from 0.
    seconds, frames_per_second : length and smoothness.
    start_ms, end_ms : simulated time to show; all by default.
    on_frame : called after each frame.

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    InputError
        Another ending, no ffmpeg, no such trial, or nothing recorded to show.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    writer = _writer(path, frames_per_second)
    data = result.point(0)
    if not 0 <= trial < data.sizes["trial"]:
        raise InputError(f"trial {trial}: there are {data.sizes['trial']}, numbered from 0")
    if "voltage" not in data:
        raise InputError("no voltage was recorded, so there is nothing to show")
    time = data["time"].values
    end = float(time[-1]) if end_ms is None else end_ms
    shown = np.nonzero((time >= start_ms) & (time <= end))[0]
    if len(shown) < 2:
        raise InputError(f"between {start_ms:g} and {end:g} ms nothing was recorded")
    n_frames = min(max(int(seconds * frames_per_second), 2), len(shown))
    rows = shown[np.linspace(0, len(shown) - 1, n_frames).astype(int)]
    with style.style():
        figure, update = _scene(result, data, trial, shown)
        update(int(rows[0]))
        style.read_literally(figure)
        FigureCanvasAgg(figure)
        with writer.saving(figure, str(path), dpi=_DPI):
            for row in rows:
                update(int(row))
                writer.grab_frame()
                if on_frame is not None:
                    on_frame()
    return n_frames


def check_target(path: FilePath) -> None:
    """Refuse a file that cannot be written as a moving picture.

    Raises
    ------
    InputError
        An ending that is neither .gif nor .mp4, or .mp4 without ffmpeg.
    """
    from matplotlib.animation import FFMpegWriter

    if path.suffix not in (".gif", ".mp4"):
        raise InputError(f"{path}: need a name that ends in .gif or .mp4")
    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise InputError(f"{path}: for MP4 the program ffmpeg is needed; or write a .gif")


def _writer(path: FilePath, frames_per_second: int) -> Any:
    from matplotlib.animation import FFMpegWriter, PillowWriter

    check_target(path)
    kind = PillowWriter if path.suffix == ".gif" else FFMpegWriter
    return kind(fps=frames_per_second)


def _scene(result: Result, data: xr.Dataset, trial: int, shown: Any) -> tuple[Figure, Update]:
    """Figure and what moves it."""
    draws: list[Callable[[Axes], Update]] = []
    if result.is_circuit:
        for name in cell_names(data)[:_MOST_CELLS]:
            path = main_path(data, name)
            places = places_of(data, path)
            if len(places) > 2:
                draws.append(_along(data, trial, path, places))
                if "open" in data and data["count"].values[path.compartment].sum():
                    draws.append(_open_along(data, trial, path, places))
            elif len(places):
                draws.append(_in_time(data, trial, shown, name, int(places[0])))
    else:
        draws.append(_in_time(data, trial, shown, "voltage", None))
        if "open" in data:
            draws.append(_open_in_time(data, trial, shown))
    figure = Figure(figsize=(style.WIDTH, 0.9 + 1.5 * len(draws)), layout="constrained")
    axes = figure.subplots(len(draws), 1, squeeze=False)[:, 0]
    updates = [draw(one) for draw, one in zip(draws, axes, strict=True)]
    title = figure.suptitle("", x=0.01, ha="left", fontsize=10, fontweight="bold")
    time = data["time"].values

    def update(row: int) -> None:
        title.set_text(f"{result.title}    {time[row]:7.2f} ms")
        for one in updates:
            one(row)

    return figure, update


def _along(data: xr.Dataset, trial: int, path: Path, places: Any) -> Callable[[Axes], Update]:
    def draw(axes: Axes) -> Update:
        x, label = _positions(data, places)
        voltage = data["voltage"].values[trial][:, places]
        limit = _limit(data, "voltage", places)
        (line,) = axes.plot(x, voltage[0], color=style.VOLTAGE, linewidth=1.6, label="one trial")
        beside = None
        if limit is not None:
            (beside,) = axes.plot(x, limit[0], label=limit_label(data.attrs), **style.LIMIT)
        axes.set_ylim(voltage.min() - 5, voltage.max() + 5)
        axes.set_xlim(x[0], x[-1])
        axes.set_ylabel(f"{path.cell}\n(mV)")
        axes.set_xlabel(label)
        axes.legend(loc="upper right")

        def update(row: int) -> None:
            line.set_ydata(voltage[row])
            if beside is not None and limit is not None:
                beside.set_ydata(limit[row])

        return update

    return draw


def _open_along(data: xr.Dataset, trial: int, path: Path, places: Any) -> Callable[[Axes], Update]:
    def draw(axes: Axes) -> Update:
        x, label = _positions(data, places)
        count = data["count"].values[data["place_compartment"].values[places]]
        there = np.nonzero(count.sum(axis=0) > 0)[0]
        ions = [str(ion) for ion in data["ion"].values]
        colors = dict(zip(there, style.population_colors([ions[k] for k in there]), strict=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 100.0 * data["open"].values[trial][:, places] / count[None]
        lines = []
        for k in there:
            name = style.ion_label(ions[k])
            (line,) = axes.plot(x, share[0, :, k], color=colors[k], linewidth=1.4, label=name)
            lines.append((line, k))
        axes.set_ylim(0, 1.1 * float(np.nanmax(share[:, :, there])) + 1e-9)
        axes.set_xlim(x[0], x[-1])
        axes.set_ylabel(f"{path.cell}\nchannels open (%)")
        axes.set_xlabel(label)
        axes.legend(loc="upper right")

        def update(row: int) -> None:
            for line, k in lines:
                line.set_ydata(share[row, :, k])

        return update

    return draw


def _in_time(
    data: xr.Dataset, trial: int, shown: Any, name: str, place: int | None
) -> Callable[[Axes], Update]:
    def draw(axes: Axes) -> Update:
        time = data["time"].values
        voltage = np.asarray(data["voltage"].values[trial])
        limit = None
        if "deterministic_voltage" in data:
            limit = np.asarray(data["deterministic_voltage"].values)
        if place is not None:
            voltage = voltage[:, place]
            limit = None if limit is None else limit[:, place]
        (line,) = axes.plot([], [], color=style.VOLTAGE, linewidth=1.2, label="one trial")
        (dot,) = axes.plot([], [], color=style.VOLTAGE, marker="o", markersize=5)
        if limit is not None:
            named = limit_label(data.attrs)
            axes.plot(time[shown], limit[shown], alpha=0.5, label=named, **style.LIMIT)
        axes.set_xlim(time[shown[0]], time[shown[-1]])
        axes.set_ylim(voltage.min() - 5, voltage.max() + 5)
        axes.set_ylabel("voltage (mV)" if place is None else f"{name}\n(mV)")
        axes.set_xlabel("time (ms)")
        axes.legend(loc="upper right")

        def update(row: int) -> None:
            part = slice(shown[0], row + 1)
            line.set_data(time[part], voltage[part])
            dot.set_data([time[row]], [voltage[row]])

        return update

    return draw


def _open_in_time(data: xr.Dataset, trial: int, shown: Any) -> Callable[[Axes], Update]:
    def draw(axes: Axes) -> Update:
        time = data["time"].values
        opened = np.asarray(data["open"].values[trial])
        ions = [str(ion) for ion in data["ion"].values]
        colors = style.population_colors(ions)
        lines = []
        for k, ion in enumerate(ions):
            (line,) = axes.plot([], [], color=colors[k], label=style.ion_label(ion))
            lines.append(line)
        axes.set_xlim(time[shown[0]], time[shown[-1]])
        axes.set_ylim(0, 1.1 * float(opened.max()) + 1e-9)
        axes.set_ylabel("open channels")
        axes.set_xlabel("time (ms)")
        axes.legend(loc="upper right")

        def update(row: int) -> None:
            part = slice(shown[0], row + 1)
            for k, line in enumerate(lines):
                line.set_data(time[part], opened[part, k])

        return update

    return draw


def _positions(data: xr.Dataset, places: Any) -> tuple[Any, str]:
    position = data["position"].values[data["place_compartment"].values[places]]
    if position[-1] >= 1000.0:
        return position / 1000.0, "place (mm)"
    return position, "place (µm)"


def _limit(data: xr.Dataset, name: str, places: Any) -> Any:
    full = f"deterministic_{name}"
    return data[full].values[:, places] if full in data else None
