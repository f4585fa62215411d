"""Moving pictures for teaching: voltage and open channels along cells, or in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from stochhh.analysis.axes import place_label
from stochhh.analysis.cells import branches, cell_names, main_path, places_of
from stochhh.errors import InputError
from stochhh.plot import moving, style
from stochhh.plot.maps import mapped_places
from stochhh.result import Result
from stochhh.scenario import Circuit

_MOST_CELLS = 4
_MOST_SYNAPSES = 4
_DPI = 110
_ROW_INCHES = 1.35
_HELD_S = 1.5  # so long the last moment stays
_FIGURE_SPACE = "\u2007"  # as wide as a digit


def animate(
    result: Result,
    path: FilePath,
    trial: int | None = None,
    seconds: float = 8.0,
    frames_per_second: int = 15,
    start_ms: float = 0.0,
    end_ms: float | None = None,
    on_frame: Callable[[], None] | None = None,
    point: int = 0,
) -> int:
    """Write a GIF or MP4 of one trial over its deterministic limit.

    Of a cable it shows voltage and open channels along it, of a patch both in time; of
    synapses open receptors and vesicles, and the force of a muscle fibre.

    Parameters
    ----------
    result : of a membrane or a circuit.
    path : ends in .gif, or in .mp4 if ffmpeg is there.
    trial : which, from 0; by default that of `eventful_trial`.
    seconds, frames_per_second : length and smoothness; then the last frame stays a while.
    start_ms, end_ms : simulated time to show; all by default.
    on_frame : called after each frame.
    point : which of a sweep, from 0.

    Returns
    -------
    int
        Number of frames.

    Raises
    ------
    InputError
        Another ending, no ffmpeg, no such trial or point, or nothing recorded to show.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    check_target(path)
    data, trial = chosen(result, trial, point)
    time = data["time"].values
    end = float(time[-1]) if end_ms is None else end_ms
    shown = np.nonzero((time >= start_ms) & (time <= end))[0]
    if len(shown) < 2:
        raise InputError(f"between {start_ms:g} and {end:g} ms nothing was recorded")
    n_frames = min(max(int(seconds * frames_per_second), 2), len(shown))
    rows = shown[np.linspace(0, len(shown) - 1, n_frames).astype(int)]
    with style.style():
        figure, update = _scene(result, moving.Subject(data, trial, shown))
        update(int(rows[0]))
        style.read_literally(figure)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        figure.set_layout_engine("none")  # panels stay where they are
        film = _gif if path.suffix == ".gif" else _mp4
        with film(figure, path, frames_per_second) as take:
            for row in rows:
                update(int(row))
                take(1)
                if on_frame is not None:
                    on_frame()
            take(int(_HELD_S * frames_per_second))
    return n_frames


def chosen(result: Result, trial: int | None, point: int) -> tuple[xr.Dataset, int]:
    """Dataset of a point and row of a trial, by default that of `eventful_trial`.

    Raises
    ------
    InputError
        No such trial or point, or no voltage in it.
    """
    if not 0 <= point < result.n_points:
        raise InputError(f"point {point}: there are {result.n_points}, numbered from 0")
    data = result.point(point)
    if trial is not None and not 0 <= trial < data.sizes["trial"]:
        raise InputError(f"trial {trial}: there are {data.sizes['trial']}, numbered from 0")
    if "voltage" not in data:
        raise InputError("no voltage was recorded, so there is nothing to show")
    return data, eventful_trial(data) if trial is None else trial


def eventful_trial(data: xr.Dataset) -> int:
    """Row of the first trial in which spikes were in the most cells; of a membrane in it at all.

    Parameters
    ----------
    data : of one point
    """
    cells = np.zeros(data.sizes["spike"], dtype=np.int64)
    if "spike_compartment" in data:
        number = np.unique(data["cell"].values.astype(str), return_inverse=True)[1]
        cells = number[data["spike_compartment"].values]
    row = np.searchsorted(data["trial"].values, data["spike_trial"].values)
    fired = np.zeros((data.sizes["trial"], int(cells.max(initial=0)) + 1), dtype=bool)
    fired[row, cells] = True
    return int(np.argmax(fired.sum(axis=1)))


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


#: Takes up what a figure shows, as so many frames.
Take = Callable[[int], None]


@contextmanager
def _gif(figure: Figure, path: FilePath, frames_per_second: int) -> Iterator[Take]:
    """Collect frames of a GIF; what does not move in a figure is drawn once."""
    from PIL import Image

    canvas: Any = figure.canvas
    figure.set_dpi(_DPI)
    moved = figure.findobj(lambda artist: artist.get_animated())
    moved.sort(key=lambda artist: artist.get_zorder())
    canvas.draw()
    still = canvas.copy_from_bbox(figure.bbox)
    frames: list[Image.Image] = []
    lasts: list[int] = []

    def take(number: int) -> None:
        canvas.restore_region(still)
        for artist in moved:
            (artist.axes or figure).draw_artist(artist)
        size = canvas.get_width_height()
        frames.append(Image.frombytes("RGBA", size, bytes(canvas.buffer_rgba())).convert("RGB"))
        lasts.append(round(1000 * number / frames_per_second))

    yield take
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=lasts, loop=0)


@contextmanager
def _mp4(figure: Figure, path: FilePath, frames_per_second: int) -> Iterator[Take]:
    """Send frames to ffmpeg."""
    from matplotlib.animation import FFMpegWriter

    writer = FFMpegWriter(fps=frames_per_second)
    with writer.saving(figure, str(path), dpi=_DPI):

        def take(number: int) -> None:
            for _ in range(number):
                writer.grab_frame()

        yield take


def _scene(result: Result, subject: moving.Subject) -> tuple[Figure, moving.Update]:
    """Figure and what moves it."""
    rows = _of_circuit(result, subject) if result.is_circuit else _of_membrane(subject)
    size = (style.WIDTH, 0.9 + _ROW_INCHES * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(len(rows), 2)
    updates = []
    for k, draws in enumerate(rows):
        spans = [grid[k, :]] if len(draws) == 1 else [grid[k, 0], grid[k, 1]]
        updates += [draw(figure.add_subplot(span)) for draw, span in zip(draws, spans, strict=True)]
    title = figure.suptitle("", x=0.01, ha="left", fontsize=10, fontweight="bold")
    title.set_animated(True)
    time = subject.data["time"].values
    keys = getattr(result.experiment, "sweep", {})
    place = place_label({key: subject.data.coords[key].item() for key in keys})
    said = ", ".join(filter(None, (place, subject.trial_name)))
    width = len(f"{time[subject.shown[-1]]:.2f}")

    def update(row: int) -> None:
        now = f"{time[row]:.2f}".rjust(width, _FIGURE_SPACE)
        title.set_text(f"{result.title}\n{now} ms   ({said})")
        for one in updates:
            one(row)

    return figure, update


def _of_membrane(subject: moving.Subject) -> list[list[moving.Draw]]:
    rows = [[moving.voltage_in_time(subject, "voltage", None)]]
    return [*rows, [moving.open_in_time(subject)]] if "open" in subject.data else rows


def _of_circuit(result: Result, subject: moving.Subject) -> list[list[moving.Draw]]:
    """Rows of one or two panels: of cells, each followed by the synapses that it makes."""
    circuit = result.experiment
    assert isinstance(circuit, Circuit)
    data = subject.data
    rows: list[list[moving.Draw]] = []
    names = cell_names(data)[:_MOST_CELLS]
    left = _MOST_SYNAPSES
    for name in names:
        ways = branches(data, main_path(data, name))
        places = mapped_places(data, ways[0])
        if len(places) > 2:
            pair = [moving.voltage_along(subject, ways)]
            if "open" in data and data["count"].values[ways[0].compartment].sum():
                pair.append(moving.open_along(subject, ways))
            beside = len(names) > 1 or bool(circuit.synapse)
            rows += [pair] if beside else [[one] for one in pair]
        else:
            recorded = np.concatenate([places_of(data, way) for way in ways])
            rows += [[moving.voltage_in_time(subject, name, int(one))] for one in recorded[:1]]
        for number, synapse in enumerate(circuit.synapse):
            if synapse.source == name and left:
                rows.append([moving.receptors_in_time(subject, number)])
                left -= 1
    if circuit.analysis.twitch is not None:
        rows.append([moving.force_in_time(subject, circuit.analysis.twitch)])
    return rows
