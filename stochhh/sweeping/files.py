"""The folder a sweep leaves: sweep.nc, sweep.csv, summary.json, figure.png, scenario.toml.

Nothing in them depends on the clock or on who did the work, so the same sweep gives
the same bytes, interrupted or not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stochhh import netcdf
from stochhh.analysis.axes import numbers_of_one_unit, unit_alone
from stochhh.analysis.files import write_csv
from stochhh.plot.overview import save_figure
from stochhh.plot.sweep_metrics import draw_metrics
from stochhh.scenario import Experiment
from stochhh.sweeping.dataset import TRIAL
from stochhh.writing import replacing

FILES = ("scenario.toml", "sweep.csv", "summary.json", "figure.png", "sweep.nc")
_PARTS = ("population", "cell", "synapse")


def write_files(
    scenario: Experiment, dataset: xr.Dataset, summary: dict[str, Any], folder: Path
) -> None:
    """Write the files of a finished sweep, each whole or not at all, the dataset last.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    columns = sweep_columns(dataset, summary)
    write_csv(folder / "sweep.csv", list(columns), zip(*columns.values(), strict=True))
    text = json.dumps(summary, indent=2, allow_nan=False)
    with replacing(folder / "summary.json") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    with replacing(folder / "figure.png") as temporary:
        save_figure(draw_metrics(dataset, scenario), temporary)
    with replacing(folder / "sweep.nc") as temporary:
        netcdf.write(dataset, temporary)


def sweep_columns(data: xr.Dataset, summary: dict[str, Any]) -> dict[str, list[str]]:
    """Columns of the table of a sweep: places on the axes, trials, then every number.

    A row is a point that was finished. Units stand in the names of columns, and cells are
    numbers wherever they can be; of a number that there is not the cell is empty.
    """
    rows = summary["points"]
    kept = [index for index, row in enumerate(rows) if "failed" not in row]
    columns: dict[str, list[str]] = {}
    for key in rows[0]["place"]:
        values = [row["place"][key] for row in rows]
        try:
            numbers, unit = numbers_of_one_unit(values)
            columns[_heading(key, unit_alone(unit))] = [_cell(numbers[index]) for index in kept]
        except ValueError:
            columns[key] = [str(values[index]) for index in kept]
    for made in ("method", "trials"):
        columns[made] = [str(rows[index][made]) for index in kept]
    for name in (str(name) for name in data.data_vars if not str(name).startswith(TRIAL)):
        variable = data[name]
        of = next((str(dim) for dim in variable.dims if dim in _PARTS), None)
        labels = [""] if of is None else [f".{label}" for label in data[of].values]
        table = variable.values.reshape(len(rows), len(labels))[kept]
        for label, numbers in zip(labels, table.T, strict=True):
            heading = _heading(f"{name}{label}", variable.attrs["units"])
            columns[heading] = [_cell(number) for number in numbers]
    return columns


def _heading(name: str, units: str) -> str:
    return name if units in ("", "1") else f"{name} ({units})"


def _cell(number: float) -> str:
    if np.isnan(number):
        return ""
    return str(int(number)) if float(number).is_integer() else repr(float(number))
