"""The numbers of a circuit's run: spikes and their velocity in each cell, vesicles of synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.cells import (
    Passages,
    Path,
    compartments_of,
    first_passages,
    main_paths,
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
        the end and the velocity; ``synapses``, each with vesicles and failures;
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
    n_compartments = {name: len(own) for name, own in compartments_of(data).items()}
    passed = Passages(data)
    limit = Passages(data, deterministic=True) if result.has_deterministic else None
    populations = [str(name) for name in data["population"].values]
    return {
        **({"place": place, "trials": data.sizes["trial"]} if place else {}),
        "cells": {
            name: {
                "compartments": n_compartments[name],
                **_cell(data, path, result.duration_ms, passed, limit),
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
    end = int(path.compartment[-1])
    at_end = passed.at(end)
    firsts = np.array([times[0] for times in at_end if len(times)])
    found: Summary = {
        **named("spikes_at_start", _counts(passed.at(int(path.compartment[0])))),
        **named("spikes_at_end", _counts(at_end)),
        **named("first_at_end_ms", mean_estimate(firsts, 0.0, duration_ms)),
        "first_at_end_sd_ms": float(np.std(firsts, ddof=1)) if len(firsts) > 1 else None,
    }
    if path.is_cable:
        speeds = velocity_m_per_s(path, first_passages(data, path))
        found |= named("velocity_m_per_s", mean_estimate(speeds, lowest=0.0))
    if limit is not None:
        times = limit.at(end)[0]
        told: Summary = {
            "spikes_at_end": len(times),
            "first_at_end_ms": float(times[0]) if len(times) else None,
        }
        if path.is_cable:
            speed = float(velocity_m_per_s(path, first_passages(data, path, deterministic=True)))
            told["velocity_m_per_s"] = speed if np.isfinite(speed) else None
        found["deterministic"] = told
    return found


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
