"""The numbers of a circuit's run: spikes and their velocity in each cell, vesicles of synapses."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from stochhh.analysis.cells import (
    cell_names,
    first_passages,
    main_path,
    passages,
    velocity_m_per_s,
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
    populations = [str(name) for name in data["population"].values]
    return {
        **({"place": place, "trials": data.sizes["trial"]} if place else {}),
        "cells": {
            name: _cell(data, name, result.duration_ms, result.has_deterministic)
            for name in cell_names(data)
        },
        "synapses": {
            str(name): _synapse(data, number) for number, name in enumerate(data["synapse"].values)
        },
        "ions": dict(zip(populations, data["ions"].values.mean(axis=0).tolist(), strict=True)),
        "transitions": int(np.nansum(data["transitions"].values)),
    }


def _cell(data: xr.Dataset, name: str, duration_ms: float, compared: bool) -> Summary:
    path = main_path(data, name)
    end = int(path.compartment[-1])
    at_end = passages(data, end)
    firsts = np.array([times[0] for times in at_end if len(times)])
    found: Summary = {
        "compartments": int(np.sum(data["cell"].values == name)),
        **named("spikes_at_start", _counts(passages(data, int(path.compartment[0])))),
        **named("spikes_at_end", _counts(at_end)),
        **named("first_at_end_ms", mean_estimate(firsts, 0.0, duration_ms)),
        "first_at_end_sd_ms": float(np.std(firsts, ddof=1)) if len(firsts) > 1 else None,
    }
    if path.is_cable:
        speeds = velocity_m_per_s(path, first_passages(data, path))
        found |= named("velocity_m_per_s", mean_estimate(speeds, lowest=0.0))
    if compared:
        times = passages(data, end, deterministic=True)[0]
        limit: Summary = {
            "spikes_at_end": len(times),
            "first_at_end_ms": float(times[0]) if len(times) else None,
        }
        if path.is_cable:
            speed = float(velocity_m_per_s(path, first_passages(data, path, deterministic=True)))
            limit["velocity_m_per_s"] = speed if np.isfinite(speed) else None
        found["deterministic"] = limit
    return found


def _synapse(data: xr.Dataset, number: int) -> Summary:
    mine = data["release_synapse"].values == number
    evoked = mine & np.isfinite(data["release_spike"].values)
    trials = data["trial"].values
    owner = data["release_trial"].values

    def per_trial(which: Any) -> Any:
        return np.array([np.sum(which & (owner == trial)) for trial in trials])

    return {
        **named("evoked_vesicles", count_estimate(per_trial(evoked))),
        **named("spontaneous_vesicles", count_estimate(per_trial(mine & ~evoked))),
        "trials_without_evoked": int(np.sum(per_trial(evoked) == 0)),
        "most_receptors_open": float(np.nanmax(data["receptor_open"].values[..., number])),
    }


def _counts(trains: list[Any]) -> Estimate:
    return count_estimate([len(train) for train in trains])
