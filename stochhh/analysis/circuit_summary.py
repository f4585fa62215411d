"""The numbers of a circuit's run: spikes and their velocity in each cell, vesicles of synapses."""

from __future__ import annotations

from typing import Any

import numpy as np

from stochhh.analysis.estimates import count_estimate, mean_estimate, named
from stochhh.analysis.trial_numbers import Cell, Numbers, Trials, means

Summary = dict[str, Any]


def summarise_circuit(trials: Trials) -> Summary:
    """Summarise trials of one point of a circuit.

    Returns
    -------
    dict
        Nested: ``cells``, each with spikes at its start and end, the first passage at
        the end and the velocity, and those of every tip of one that branches, by its
        section, under ``tips``; ``synapses``, each with vesicles and failures;
        ``ions``; ``transitions``. Means stand beside their 95 % intervals, and the
        deterministic limit's numbers under ``deterministic``.
    """
    about, numbers = trials.about, trials.numbers
    return {
        "cells": {name: _cell(trials, name, cell) for name, cell in about.cells.items()},
        "synapses": {name: _synapse(trials, name) for name in about.synapses},
        "ions": means("ions", numbers, about.populations),
        "transitions": int(np.nansum(numbers["transitions"])),
    }


def _cell(trials: Trials, name: str, cell: Cell) -> Summary:
    numbers = trials.numbers
    found: Summary = {
        "compartments": cell.compartments,
        **named("spikes_at_start", count_estimate(numbers[f"spikes_at_start.{name}"])),
        **_end(trials, name, "end"),
    }
    if cell.is_cable:
        speeds = numbers[f"velocity.{name}"]
        found |= named("velocity_m_per_s", mean_estimate(speeds, lowest=0.0))
    if trials.limit:
        found["deterministic"] = told = _limit_at_end(trials.limit, name, "end")
        if cell.is_cable:
            told["velocity_m_per_s"] = _known(trials.limit[f"velocity.{name}"])
    if cell.tips_um:
        tips = enumerate(cell.tips_um.items())
        found["tips"] = {tip: _tip(trials, name, k, far) for k, (tip, far) in tips}
    return found


def _tip(trials: Trials, name: str, number: int, position_um: float) -> Summary:
    found: Summary = {"position_um": position_um, **_end(trials, name, f"tip{number}")}
    if trials.limit:
        found["deterministic"] = _limit_at_end(trials.limit, name, f"tip{number}")
    return found


def _end(trials: Trials, name: str, place: str) -> Summary:
    """Spikes that came to an end of a cell, and when the first of them did."""
    first = trials.numbers[f"first_at_{place}.{name}"]
    came = first[np.isfinite(first)]
    return {
        **named("spikes_at_end", count_estimate(trials.numbers[f"spikes_at_{place}.{name}"])),
        **named("first_at_end_ms", mean_estimate(first, 0.0, trials.about.duration_ms)),
        "first_at_end_sd_ms": float(np.std(came, ddof=1)) if len(came) > 1 else None,
    }


def _limit_at_end(limit: Numbers, name: str, place: str) -> Summary:
    return {
        "spikes_at_end": int(limit[f"spikes_at_{place}.{name}"][0]),
        "first_at_end_ms": _known(limit[f"first_at_{place}.{name}"]),
    }


def _synapse(trials: Trials, name: str) -> Summary:
    numbers = trials.numbers
    evoked, spontaneous = numbers[f"evoked.{name}"], numbers[f"spontaneous.{name}"]
    if trials.about.method == "deterministic":
        found = _expected(numbers, name)
    else:
        found = {
            **named("evoked_vesicles", count_estimate(evoked)),
            **named("spontaneous_vesicles", count_estimate(spontaneous)),
            "trials_without_evoked": int(np.sum(evoked == 0)),
        }
    found["most_receptors_open"] = float(np.nanmax(numbers[f"most_open.{name}"]))
    if trials.limit:
        found["deterministic"] = _expected(trials.limit, name)
    return found


def _expected(numbers: Numbers, name: str) -> Summary:
    """Vesicles that a synapse's mean field releases."""
    names = ("evoked", "spontaneous")
    return {f"{what}_vesicles": float(numbers[f"{what}.{name}"][0]) for what in names}


def _known(values: Any) -> float | None:
    return float(values[0]) if np.isfinite(values[0]) else None
