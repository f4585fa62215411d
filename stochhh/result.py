"""The Result of a run: one labelled dataset with everything needed to know what it is."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh import netcdf, units
from stochhh.errors import InputError
from stochhh.input_files import parse_json
from stochhh.inputs import Input, Portable, inputs_of, unpack
from stochhh.netcdf_contents import DamagedError
from stochhh.result_check import check_attributes, check_result
from stochhh.result_contents import FLAT_DIMS
from stochhh.scenario import Experiment, Scenario, load_stored
from stochhh.words import printable, said_name
from stochhh.writing import recover, replacing

Floats = NDArray[np.float64]

FILE_FORMAT = 1
FILE_NAME = "result.nc"


class Seconds(NamedTuple):
    """Wall time of a run, and of its trials and its deterministic limit added up over threads."""

    wall: float
    trials: float
    deterministic: float


def seconds_since(begun: float, made: Mapping[int, tuple[Any, float]], n_beside: int) -> Seconds:
    """Wall times of a run that began at `begun` of `time.perf_counter`.

    Parameters
    ----------
    begun : then
    made : by its number each trial and the seconds it took
    n_beside : the first so many are deterministic limits
    """
    spent = {index: seconds for index, (_, seconds) in made.items()}
    beside = sum(seconds for index, seconds in spent.items() if index < n_beside)
    return Seconds(time.perf_counter() - begun, sum(spent.values()) - beside, beside)


class Result:
    """What a run left behind.

    Attributes
    ----------
    dataset : xarray.Dataset
        Dims ``trial``, ``time``, ``population`` and, if recorded, ``state`` and
        ``channel``; a sweep adds ``point`` in front. Spikes are listed flat along
        ``spike`` (``spike_time``, ``spike_trial``, ``spike_point``), transitions of
        tagged channels likewise along ``flip``. Variables named
        ``deterministic_…`` hold the deterministic limit. Each has ``units``.
    seconds : Seconds
        How long it took; None of one that was loaded, whose bytes depend on no clock.
    """

    def __init__(self, dataset: xr.Dataset, seconds: Seconds | None = None) -> None:
        self.dataset = dataset
        self.seconds = seconds
        self._unpacked: Path | None = None

    def __repr__(self) -> str:
        told = f"<stochhh.Result of '{self.name}', method {self.method}>\n{self.dataset!r}"
        return printable(told, kept="\n")

    def __getitem__(self, name: str) -> xr.DataArray:
        """Return a variable of the dataset."""
        return self.dataset[name]

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.dataset.attrs["scenario_name"])

    @property
    def title(self) -> str:
        """Title of the scenario."""
        return str(self.dataset.attrs["title"])

    @property
    def method(self) -> str:
        """Method that made the trials."""
        return str(self.dataset.attrs["method"])

    @property
    def seed(self) -> int:
        """Seed of the run; attributes hold it as text because HDF5 tools cut large integers."""
        return int(self.dataset.attrs["seed"])

    @property
    def duration_ms(self) -> float:
        """Simulated time of a trial."""
        return float(self.dataset.attrs["duration_ms"])

    @property
    def interrupted(self) -> bool:
        """Whether the run was stopped before all trials were done."""
        return bool(self.dataset.attrs["interrupted"])

    @property
    def scenario(self) -> Scenario:
        """The resolved scenario, of one membrane."""
        experiment = self.experiment
        if not isinstance(experiment, Scenario):
            raise InputError(f"{self.name}: has cells ([[cell]]), and this needs one membrane")
        return experiment

    @property
    def experiment(self) -> Experiment:
        """The resolved scenario, of one membrane or of a circuit of cells.

        What it names are the files that the result holds (`inputs`), in a temporary folder
        that goes with it.
        """
        try:
            tables = parse_json(self.dataset.attrs["scenario"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError(f"{self.name}: the result's scenario cannot be read") from None
        experiment = load_stored(tables, self._input_folder())
        experiment._name = self.name
        return experiment

    @property
    def portable(self) -> Portable:
        """The resolved scenario's tables, which name no place of this machine, with its files."""
        return Portable(json.loads(self.dataset.attrs["scenario"]), self.inputs)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Files of the user's that the run read: schemes, waveforms, morphologies."""
        return inputs_of(self.dataset.attrs)

    def _input_folder(self) -> Path | None:
        """Folder in which the files lie that the result holds."""
        held = self.inputs
        if not held:
            return None
        if self._unpacked is None:
            try:
                folder = Path(tempfile.mkdtemp(prefix="stochhh-"))
            except OSError as error:
                said = error.strerror or error
                raise InputError(f"{tempfile.gettempdir()}: cannot be written ({said})") from None
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            unpack(held, folder)
            self._unpacked = folder
        return self._unpacked

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_unpacked": None}

    @property
    def is_circuit(self) -> bool:
        """Whether it is of cells instead of one membrane."""
        return str(self.dataset.attrs.get("kind", "")) == "circuit"

    @property
    def n_points(self) -> int:
        """Number of points of the sweep, 1 without one."""
        return int(self.dataset.sizes.get("point", 1))

    @property
    def has_deterministic(self) -> bool:
        """Whether the deterministic limit was run beside the trials."""
        return "deterministic_voltage" in self.dataset

    def point(self, index: int) -> xr.Dataset:
        """Return the dataset of one point of a sweep, flat lists included."""
        if "point" not in self.dataset.dims:
            if index != 0:
                raise InputError(f"point {index}: this run has no sweep, so its only point is 0")
            return self.dataset
        selected = self.dataset.isel(point=index)
        for flat in FLAT_DIMS:
            if f"{flat}_point" in selected:
                selected = selected.isel({flat: selected[f"{flat}_point"].values == index})
        return selected.drop_vars([f"{flat}_point" for flat in FLAT_DIMS], errors="ignore")

    def spike_trains(
        self, point: int = 0, deterministic: bool = False, where: str | int | None = None
    ) -> list[Floats]:
        """Spike times (ms) of each trial in order; one train for the deterministic limit.

        Parameters
        ----------
        point : of the sweep
        deterministic : those of the deterministic limit
        where : on cells the place at which spikes are counted as they pass: its compartment's
            number, or its cell's name (if there are several) and "start", "end" (the
            farthest tip) or the way from the start, as in "axon end" or "axon 120 um"

        Raises
        ------
        InputError
            No such place, or none of cells with several compartments, each of which an
            impulse passes.
        """
        prefix = "deterministic_" if deterministic else ""
        data = self.point(point)
        times = data[f"{prefix}spike_time"].values
        here = np.ones(len(times), dtype=bool)
        if self.is_circuit:
            here = data[f"{prefix}spike_compartment"].values == _compartment(data, where)
        elif where is not None:
            raise InputError(f"where: got {where!r}, but one membrane has no places; leave it out")
        if deterministic:
            return [times[here]]
        trials = data["spike_trial"].values
        return [times[here & (trials == trial)] for trial in data["trial"].values]

    def save(self, path: str | Path) -> Path:
        """Write the dataset as NetCDF-4, all of it or nothing.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        path = Path(path)
        with replacing(path) as temporary:
            netcdf.write(self.dataset, temporary)
        return path


def _compartment(data: xr.Dataset, where: str | int | None) -> int:
    """Number of the compartment at a place of the circuit's cells.

    Raises
    ------
    InputError
        No such place, or none was said and there are several.
    """
    cells = [str(name) for name in data["cell"].values]
    names = list(dict.fromkeys(cells))
    example = f'"{names[0]} end"' if len(names) > 1 else '"end"'
    need = f'need a place, such as {example}, "{names[0]} 120 um" or a compartment from 0 to '
    need += str(len(cells) - 1)
    if where is None:
        if len(cells) > 1:
            raise InputError(f"where: each of {len(cells)} compartments has its spikes; {need}")
        return 0
    if isinstance(where, (int, np.integer)):
        if not 0 <= where < len(cells):
            raise InputError(f"where: got {where}; {need}")
        return int(where)
    cell = next((name for name in names if where.startswith(f"{name} ")), None)
    place = where.removeprefix(f"{cell} ").strip()
    if cell is None and len(names) > 1:
        raise InputError(f"where: got {where!r}, with no cell of {', '.join(names)}; {need}")
    own = np.array([name == (cell or names[0]) for name in cells])
    position, parent = data["position"].values, data["parent"].values
    way = [int(np.flatnonzero(own)[np.argmax(position[own])])]  # from the farthest tip back
    while parent[way[-1]] >= 0:
        way.append(int(parent[way[-1]]))
    if place in ("start", "end"):
        return way[-1] if place == "start" else way[0]
    try:
        wanted = float(units.parse(place, units.LENGTH))
    except InputError as error:
        raise InputError(f"where: {error}; {need}") from None
    if not 0.0 <= wanted <= position[way[0]] * (1.0 + 1e-9):
        raise InputError(f"where: got {where!r}, and it is {position[way[0]]:g} um long; {need}")
    return way[int(np.argmin(np.abs(position[way] - wanted)))]


def load(path: str | Path) -> Result:
    """Load a saved result from its file or its folder.

    What it holds is held against its own scenario, so that a file that was made up is found
    here. A large one (256 MB) stays in its file: records are read when they are asked for, so
    ask for slices (``result["voltage"][0, :1000]``), and are not looked at before.

    Raises
    ------
    InputError
        No such file, or not a result of stochhh.
    """
    path = Path(path)
    if os.path.isdir(path):
        recover(path, clear=False)
        path = path / FILE_NAME
    if not os.path.isfile(path):
        raise InputError(f"{said_name(path)}: no such result; stochhh run writes one")
    try:
        dataset = netcdf.read(path)
    except DamagedError as error:
        raise InputError(f"{path}: not a whole result of stochhh: {error}") from None
    except Exception as error:  # whatever readers of HDF5 make of a file that may be anything
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: not a readable NetCDF-4 file ({said})") from None
    result = Result(dataset)
    try:
        check(result)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return result


def check(result: Result) -> None:
    """Refuse a result that is not of the run that it says it is of.

    Parameters
    ----------
    result : from a file that may come from anyone

    Raises
    ------
    InputError
        Saying what does not fit, without the path, for a message that begins with it.
    """
    form = result.dataset.attrs.get("stochhh_format")
    if not isinstance(form, (int, np.integer)) or form != FILE_FORMAT:
        raise InputError(f"not a result of stochhh (format {FILE_FORMAT})")
    try:
        check_attributes(result.dataset.attrs)
        check_result(result.dataset, result.experiment)
    except (InputError, DamagedError) as error:
        raise InputError(f"not a whole result of stochhh: {error}") from None


def limit_label(said: Mapping[str, Any]) -> str:
    """What a deterministic limit is called, by the attributes of its dataset or a summary.

    Where each trial has an input of its own, it is the limit given that of one of them.
    """
    given = said.get("deterministic_given")
    return "deterministic" if given is None else f"deterministic, given the {given}"


def limit_given(random: bool) -> dict[str, str]:
    """Attribute that says whose input a deterministic limit had, where trials' differ."""
    return {"deterministic_given": "input of trial 0"} if random else {}


def limit_solved(solvers: Set[str]) -> dict[str, str]:
    """Attribute that says by which methods a deterministic limit was solved, if there is one."""
    return {"deterministic_solver": ", ".join(sorted(solvers))} if solvers else {}


def attributes(**values: Any) -> dict[str, Any]:
    """Attributes of a dataset, in the types that NetCDF keeps."""
    return {key: int(value) if isinstance(value, bool) else value for key, value in values.items()}
