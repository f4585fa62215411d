"""What is kept of every trial of a circuit: impulses at the ends of its cells, and vesicles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stochhh.analysis.cells import (
    Passages,
    Path,
    branches,
    compartments_of,
    first_passages,
    main_paths,
    tip_of,
    velocity_m_per_s,
    vesicles,
)
from stochhh.analysis.trial_numbers import About, Cell, Numbers, Trials, made
from stochhh.result import Result

Floats = NDArray[np.float64]


class Ways(NamedTuple):
    """A cell, its main path, and the way to every tip by its name if it branches."""

    cell: Cell
    main: Path
    tips: dict[str, Path]


def ways_of(data: xr.Dataset) -> dict[str, Ways]:
    """Ways along the cells of a circuit, by cell; of a dataset that says where compartments are."""
    found = {}
    compartments = compartments_of(data)
    for name, main in main_paths(data).items():
        every = branches(data, main, compartments[name])
        tips = {tip_of(data, way): way for way in every} if len(every) > 1 else {}
        far = {tip: float(way.position_um[-1]) for tip, way in tips.items()}
        found[name] = Ways(Cell(len(compartments[name]), main.is_cable, far), main, tips)
    return found


def number_names(about: About) -> list[str]:
    """Names of the numbers that `circuit_trials` keeps of each trial, in its order."""
    names = []
    for name, cell in about.cells.items():
        names += [f"spikes_at_start.{name}"]
        for place in ("end", *(f"tip{k}" for k in range(len(cell.tips_um)))):
            names += [f"spikes_at_{place}.{name}", f"first_at_{place}.{name}"]
        if cell.is_cable:
            names.append(f"velocity.{name}")
    for name in about.synapses:
        names += [f"{what}.{name}" for what in ("evoked", "spontaneous", "most_open")]
    return [*names, *(f"ions.{name}" for name in about.populations), "transitions"]


def circuit_trials(result: Result, index: int = 0) -> Trials:
    """What is kept of the trials of one point of a circuit's result."""
    data = result.point(index)
    ways = ways_of(data)
    about = About(
        **made(result),
        duration_ms=result.duration_ms,
        populations=tuple(str(name) for name in data["population"].values),
        cells={name: one.cell for name, one in ways.items()},
        synapses=tuple(str(name) for name in data["synapse"].values),
    )

    def kept(deterministic: bool) -> Numbers:
        values = [*_impulses(data, ways, deterministic), *_synapses(data, deterministic)]
        if deterministic:  # nothing of these is known
            values += [np.full(1, np.nan)] * len(about.populations) + [np.zeros(1)]
        else:
            values += [*data["ions"].values.T, data["transitions"].values.astype(np.float64)]
        return dict(zip(number_names(about), values, strict=True))

    return Trials(about, kept(False), kept(True) if result.has_deterministic else {})


def _impulses(data: xr.Dataset, ways: dict[str, Ways], deterministic: bool) -> Iterable[Floats]:
    passed = Passages(data, deterministic)
    for one in ways.values():
        yield _counts(passed.at(int(one.main.compartment[0])))
        for way in (one.main, *one.tips.values()):
            at_end = passed.at(int(way.compartment[-1]))
            yield _counts(at_end)
            yield np.array([times[0] if len(times) else np.nan for times in at_end])
        if one.cell.is_cable:
            firsts = first_passages(data, one.main, deterministic)
            yield np.atleast_1d(velocity_m_per_s(one.main, firsts))


def _synapses(data: xr.Dataset, deterministic: bool) -> Iterable[Floats]:
    """Vesicles of both kinds and the most receptors open at once, of each synapse in turn."""
    prefix = "deterministic_" if deterministic else ""
    if not data.sizes["synapse"]:
        return
    opened = np.moveaxis(data[f"{prefix}receptor_open"].values, -2, 0)
    most = np.atleast_2d(np.nanmax(opened, axis=0))
    if f"{prefix}evoked_vesicles" in data:  # of a mean field, which draws none
        names = ("evoked_vesicles", "spontaneous_vesicles")
        evoked, spontaneous = (np.atleast_2d(data[f"{prefix}{name}"].values) for name in names)
    else:
        evoked, spontaneous = vesicles(data)
    for number in range(data.sizes["synapse"]):
        yield from (evoked[:, number], spontaneous[:, number], most[:, number])


def _counts(trains: list[Floats]) -> Floats:
    return np.array([len(train) for train in trains], dtype=np.float64)
