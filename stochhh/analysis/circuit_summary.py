"""The numbers of a circuit's run: spikes and their velocity in each cell, vesicles of synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

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
from stochhh.analysis.estimates import Estimate, count_estimate, mean_estimate, named
from stochhh.result import Result

Summary = dict[str, Any]


def summarise_points(result: Result) -> list[Summary]:
    """Summaries of the points of a circuit's sweep, one without a sweep.

    Returns
    -------
    list of dict
        Nested: ``cells``, each with spikes at its start and end, the first passage at
        the end and the velocity, and those of every tip of one that branches, by its
        section, under ``tips``; ``synapses``, each with vesicles and failures;
        ``ions``; ``transitions``. Means stand beside their 95 % intervals, and the
        deterministic limit's numbers under ``deterministic``.
    """
    return [_point(result, index) for index in range(result.n_points)]


def _point(result: Result, index: int) -> Summary:
    data = result.point(index)
    place = {
        str(name): coordinate.item()
        for name, coordinate in data.coords.items()
        if coordinate.ndim == 0 and name != "point"
    }
    compartments = compartments_of(data)
    passed = Passages(data)
    limit = Passages(data, deterministic=True) if result.has_deterministic else None
    populations = [str(name) for name in data["population"].values]
    return {
        **({"place": place, "trials": data.sizes["trial"]} if place else {}),
        "cells": {
            name: {
                "compartments": len(compartments[name]),
                **_cell(data, path, result.duration_ms, passed, limit),
                **_tips(data, path, compartments[name], result.duration_ms, passed, limit),
            }
            for name, path in main_paths(data).items()
        },
        "synapses": _synapses(data),
        "ions": dict(zip(populations, data["ions"].values.mean(axis=0).tolist(), strict=True)),
        "transitions": int(np.nansum(data["transitions"].values)),
    }


def _cell(
    data: xr.Dataset,
    path: Path,
    duration_ms: float,
    passed: Passages,
    limit: Passages | None,
) -> Summary:
    found: Summary = {
        **named("spikes_at_start", _counts(passed.at(int(path.compartment[0])))),
        **_end(path, duration_ms, passed),
    }
    if path.is_cable:
        speeds = velocity_m_per_s(path, first_passages(data, path))
        found |= named("velocity_m_per_s", mean_estimate(speeds, lowest=0.0))
    if limit is not None:
        told = _limit_at_end(path, limit)
        if path.is_cable:
            speed = float(velocity_m_per_s(path, first_passages(data, path, deterministic=True)))
            told["velocity_m_per_s"] = speed if np.isfinite(speed) else None
        found["deterministic"] = told
    return found


def _end(path: Path, duration_ms: float, passed: Passages) -> Summary:
    """Spikes that came to the end of a path, and when the first of them did."""
    at_end = passed.at(int(path.compartment[-1]))
    firsts = np.array([times[0] for times in at_end if len(times)])
    return {
        **named("spikes_at_end", _counts(at_end)),
        **named("first_at_end_ms", mean_estimate(firsts, 0.0, duration_ms)),
        "first_at_end_sd_ms": float(np.std(firsts, ddof=1)) if len(firsts) > 1 else None,
    }


def _limit_at_end(path: Path, limit: Passages) -> Summary:
    times = limit.at(int(path.compartment[-1]))[0]
    first = float(times[0]) if len(times) else None
    return {"spikes_at_end": len(times), "first_at_end_ms": first}


def _tips(
    data: xr.Dataset,
    main: Path,
    own: Any,
    duration_ms: float,
    passed: Passages,
    limit: Passages | None,
) -> Summary:
    """What came to every tip of a cell that branches, the farthest first; else nothing."""
    ways = branches(data, main, own)
    if len(ways) < 2:
        return {}
    tips = {}
    for way in ways:
        tips[tip_of(data, way)] = found = {
            "position_um": float(way.position_um[-1]),
            **_end(way, duration_ms, passed),
        }
        if limit is not None:
            found["deterministic"] = _limit_at_end(way, limit)
    return {"tips": tips}


def _synapses(data: xr.Dataset) -> Summary:
    if not data.sizes["synapse"]:
        return {}
    evoked, spontaneous = vesicles(data)
    opened = data["receptor_open"].values
    most = np.nanmax(opened, axis=tuple(range(opened.ndim - 1)))
    compared = "deterministic_evoked_vesicles" in data
    found: Summary = {}
    for number, name in enumerate(data["synapse"].values):
        if "evoked_vesicles" in data:  # of a mean field, which draws none
            numbers = _expected(data.isel(trial=0), number)
        else:
            numbers = {
                **named("evoked_vesicles", count_estimate(evoked[:, number])),
                **named("spontaneous_vesicles", count_estimate(spontaneous[:, number])),
                "trials_without_evoked": int(np.sum(evoked[:, number] == 0)),
            }
        numbers["most_receptors_open"] = float(most[number])
        if compared:
            numbers["deterministic"] = _expected(data, number, "deterministic_")
        found[str(name)] = numbers
    return found


def _expected(data: xr.Dataset, number: int, prefix: str = "") -> Summary:
    """Vesicles that a synapse's mean field releases."""
    return {
        name: float(data[f"{prefix}{name}"].values[number])
        for name in ("evoked_vesicles", "spontaneous_vesicles")
    }


def _counts(trains: list[Any]) -> Estimate:
    return count_estimate([len(train) for train in trains])
