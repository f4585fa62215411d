"""The folder a sweep leaves: sweep.nc, sweep.csv, summary.json, figure.png, scenario.toml.

Nothing in them depends on the clock or on who did the work, so the same sweep gives
the same bytes, interrupted or not.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stochhh import netcdf
from stochhh.analysis.estimates import mean_estimate
from stochhh.plot.overview import save_figure
from stochhh.plot.sweep_metrics import draw_metrics
from stochhh.scenario import Experiment, places_of
from stochhh.sweeping.dataset import metrics_in_order
from stochhh.sweeping.metric import Measured
from stochhh.writing import replacing

FILES = ("scenario.toml", "sweep.csv", "summary.json", "figure.png", "sweep.nc")


def write_files(
    scenario: Experiment,
    dataset: xr.Dataset,
    points: Mapping[int, Measured],
    failed: Mapping[int, str],
    folder: Path,
) -> None:
    """Write the files of a finished sweep, each whole or not at all, the dataset last.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    places = list(places_of(scenario))
    _write_table(folder / "sweep.csv", places, points)
    text = json.dumps(summarise_sweep(scenario, places, points, failed), indent=2, allow_nan=False)
    with replacing(folder / "summary.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    with replacing(folder / "figure.png") as temporary:
        save_figure(draw_metrics(dataset, scenario), temporary)
    with replacing(folder / "sweep.nc") as temporary:
        netcdf.write(dataset, temporary)


def summarise_sweep(
    scenario: Experiment,
    places: list[dict[str, Any]],
    points: Mapping[int, Measured],
    failed: Mapping[int, str],
) -> dict[str, Any]:
    """Summarise a sweep: of each point the mean of every number with its 95 % interval."""
    rows = []
    for index, place in enumerate(places):
        row: dict[str, Any] = {"place": {key: _plain(value) for key, value in place.items()}}
        if index in points:
            measured = points[index]
            row |= {"method": measured.method, "trials": len(measured.metrics[0].values)}
            if measured.step_ms is not None:
                row["step_ms"] = measured.step_ms
            for one in metrics_in_order(measured):
                name = f"{one.name}.{one.label}" if one.of else one.name
                estimate = mean_estimate(np.array(one.values))
                row[name] = {"mean": estimate.value, "units": one.units}
                row[name]["ci"] = None if estimate.interval is None else list(estimate.interval)
                if np.isfinite(one.limit):
                    row[name]["deterministic"] = one.limit
        else:
            row["failed"] = failed.get(index, "")
        rows.append(row)
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "seed": scenario.run.seed,
        "points_failed": len(failed),
        "points": rows,
    }


def _write_table(path: Path, places: list[dict[str, Any]], points: Mapping[int, Measured]) -> None:
    """One row a trial: its place on the axes, its number, then every metric."""
    names = list(
        dict.fromkeys(
            (one.name, one.units, one.label)
            for measured in points.values()
            for one in metrics_in_order(measured)
        )
    )
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        headings = [_heading(*name) for name in names]
        writer.writerow([*(places[0] if places else []), "trial", *headings])
        for index, measured in points.items():
            columns = {(one.name, one.units, one.label): one for one in measured.metrics}
            for trial in range(len(measured.metrics[0].values)):
                numbers = [columns[name].values[trial] if name in columns else np.nan
                           for name in names]  # fmt: skip
                cells = ["" if np.isnan(number) else repr(float(number)) for number in numbers]
                writer.writerow([*places[index].values(), trial, *cells])


def _heading(name: str, units: str, label: str) -> str:
    whole = f"{name}.{label}" if label else name
    return whole if units == "1" else f"{whole} ({units})"


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
