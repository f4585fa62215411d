"""The study `spike_shape`: how high, wide, steep and deep action potentials are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.files import write_csv
from stochhh.analysis.spike_shapes import SpikeShapes, spike_shapes
from stochhh.errors import InputError
from stochhh.plot.spike_shape import ShapesDrawn, spike_shape_figure
from stochhh.stimulus import is_random
from stochhh.studies.signals import finished_trials
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, named

Floats = NDArray[np.float64]

#: What is told of each measure, as a table says it.
MEASURES = {
    "peak_mV": "peak (mV)",
    "onset_mV": "onset, where it rises by 10 mV/ms (mV)",
    "amplitude_mV": "amplitude, from {base} to peak (mV)",
    "half_width_ms": "width at half the amplitude (ms)",
    "upstroke_mV_per_ms": "steepest rise (mV/ms)",
    "afterhyperpolarisation_mV": "afterhyperpolarisation (mV)",
    "afterhyperpolarisation_depth_mV": "its depth below {base} (mV)",
}
_BEFORE, _AFTER = 3.0, 9.0  # half-widths about the threshold crossing that are drawn


def compute(occasion: Occasion) -> Findings:
    """Shapes of the recorded spikes, beside those of the deterministic membrane."""
    settings, setup, result = occasion.settings, occasion.setup, occasion.result
    start, end = float(settings.start_ms), float(settings.end_ms)
    time = np.asarray(result.dataset["time"].values, dtype=np.float64)
    slack = 1e-9 * setup.interval_ms
    kept = slice(*(int(np.searchsorted(time, t)) for t in (start - slack, end + slack)))
    levels = setup.scenario.analysis.spikes
    base = None if settings.base_mV is None else float(settings.base_mV)
    detection = (float(levels.threshold_mV), float(levels.rearm_mV), base)
    found = _joined(list(_of_trials(occasion, time[kept], kept, detection)))
    if len(found.trial) == 0:
        raise InputError(f"no whole spike from {start:g} to {end:g} ms in any trial")
    alone, course = None, None
    if result.has_deterministic and not is_random(setup.scenario.stimulus):
        data = result.point(occasion.point)["deterministic_voltage"]
        course = np.asarray(data.isel(time=kept).values, dtype=np.float64)
        alone = spike_shapes(time[kept], course, *detection)
    numbers: Numbers = {
        "start_ms": start,
        "end_ms": end,
        "trials": len(finished_trials(result, occasion.point)),
        "spikes": len(found.trial),
        "deterministic_spikes": None if alone is None else len(alone.trial),
        "base_mV": base,
        "interval_ms": setup.interval_ms,
    }
    expected = {} if alone is None else alone.means()
    for name, estimate in found.means().items():
        theory = expected[name].value if name in expected else None
        numbers |= named(name, estimate, theory)
        values = getattr(found, name)
        values = values[np.isfinite(values)]
        numbers[f"{name}_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
    return Findings(numbers, _drawn(occasion, found, alone, time[kept], kept, course))


def draw(findings: Findings, title: str) -> Figure:
    """Draw spikes one over the other, and how their measures are spread."""
    return spike_shape_figure(findings.data, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    base = "onset" if numbers["base_mV"] is None else f"{numbers['base_mV']:g} mV"
    spikes = f"{numbers['spikes']:,d} spike{'s' if numbers['spikes'] != 1 else ''}"
    lines = [Row(f"means of {spikes}; theory: no noise")]
    lines += [Row(label.format(base=base), name) for name, label in MEASURES.items()]
    lines.append(Row("standard deviations between spikes"))
    lines += [Row(label.format(base=base), f"{name}_sd") for name, label in MEASURES.items()]
    return lines


def says(numbers: Numbers) -> str:
    """Say how much spikes differ, and whether their mean is the deterministic spike."""
    peak, width, upstroke = "peak_mV", "half_width_ms", "upstroke_mV_per_ms"
    text = f"Spikes peak at {numbers[peak]:.3g} mV"
    if numbers[f"{peak}_sd"] is not None:
        text += f" (SD {numbers[f'{peak}_sd']:.2g} mV)"
    if numbers[width] is not None:
        text += f" and are {numbers[width]:.3g} ms wide"
        if numbers[f"{width}_sd"] is not None:
            text += f" (SD {numbers[f'{width}_sd']:.2g} ms)"
    alone = numbers[f"{peak}_theory"]
    if alone is None:
        silent = numbers["deterministic_spikes"] == 0
        return f"{text}; the deterministic membrane makes none." if silent else f"{text}."
    text += f"; that of the deterministic membrane peaks at {alone:.3g} mV"
    if numbers[f"{width}_theory"] is not None:
        text += f" and is {numbers[f'{width}_theory']:.3g} ms wide"
    rise = numbers[f"{upstroke}_theory"]
    if numbers[upstroke] is not None and rise is not None:
        text += f". The steepest rise is {numbers[upstroke]:.3g} against {rise:.3g} mV/ms"
    return f"{text}."


def write(findings: Findings, path: Path) -> list[Path]:
    """Write the measures of every spike as CSV, a row each."""
    found: SpikeShapes = findings.data.shapes
    names = [field.name for field in fields(found)]
    columns = [getattr(found, name) for name in names]
    lines = [["" if np.isnan(cell) else cell for cell in row] for row in zip(*columns, strict=True)]
    return [write_csv(path.with_name(f"{path.name}.csv"), names, lines)]


def _of_trials(
    occasion: Occasion, time: Floats, kept: slice, detection: tuple[float, float, float | None]
) -> Iterator[SpikeShapes]:
    """Shapes of trial after trial, until there are enough."""
    left = occasion.settings.spikes
    for trial in finished_trials(occasion.result, occasion.point):
        found = spike_shapes(time, _voltage(occasion, int(trial), kept), *detection)
        taken = [getattr(found, field.name)[:left] for field in fields(found)]
        yield SpikeShapes(taken[0] + trial, *taken[1:])
        left -= len(taken[0])
        if left <= 0:
            return


def _joined(parts: Sequence[SpikeShapes]) -> SpikeShapes:
    return SpikeShapes(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(SpikeShapes)
        )
    )


def _voltage(occasion: Occasion, trial: int, kept: slice) -> Floats:
    data = occasion.result.point(occasion.point)["voltage"]
    return np.asarray(data.isel(trial=trial, time=kept).values, dtype=np.float64)


def _drawn(
    occasion: Occasion,
    found: SpikeShapes,
    alone: SpikeShapes | None,
    time: Floats,
    kept: slice,
    course: Floats | None,
) -> ShapesDrawn:
    """Pieces of the voltage about each spike, on one grid of times since the peak."""
    width = float(np.nanmedian(found.half_width_ms))
    if not np.isfinite(width):
        width = 1.0
    grid = np.arange(-_BEFORE * width, _AFTER * width, occasion.setup.interval_ms)
    pieces = []
    for trial in np.unique(found.trial):
        voltage = _voltage(occasion, int(trial), kept)
        peaks = found.time_ms[found.trial == trial]
        pieces += [np.interp(peak + grid, time, voltage, np.nan, np.nan) for peak in peaks]
    limit = []
    if course is not None and alone is not None:
        limit = [np.interp(peak + grid, time, course, np.nan, np.nan) for peak in alone.time_ms]
    return ShapesDrawn(
        found, alone, grid, np.array(pieces), np.array(limit).reshape(len(limit), len(grid))
    )


STUDY = Study("Shapes of spikes", compute, draw, rows, write, says)
