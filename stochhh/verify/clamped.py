"""A clamped scenario against the law of its channels along the command voltage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochhh import theory
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.plan import Plan
from stochhh.result import Result
from stochhh.verify.comparison import (
    binomial_counts,
    binomial_variance,
    comparable,
    mean_is,
    states_follow,
)
from stochhh.verify.verdict import Row

Floats = NDArray[np.float64]

MOST_RAMPS = 300  # each takes an equation solver some ms
_LOOKED_AT = 6  # records
_ENOUGH = 400.0


def looked_at(record_ms: Floats) -> NDArray[np.int64]:
    """Records whose counts are compared: evenly spread, the last one included."""
    last = len(record_ms) - 1
    places = np.linspace(0, last, min(_LOOKED_AT, last) + 1)[1:]
    return np.unique(np.round(places).astype(np.int64))


def laws_along_command(scheme: ChannelScheme, plan: Plan, times_ms: Floats) -> Floats:
    """Law of one channel at times along the plan's command, (T, S); times in order."""
    command = plan.command
    law = theory.stationary_law(scheme.generator(plan.voltage_mV))
    begun = np.concatenate([[0.0], command.end[:-1]])
    found: list[Floats] = []
    for start, end, voltage, slope in zip(
        begun, command.end, command.command, command.slope, strict=True
    ):
        inside = [time - start for time in times_ms if start < time <= end]
        until = np.array([*inside, end - start])
        if slope == 0.0:
            generator = scheme.generator(float(voltage))
            laws = np.array([law @ theory.propagator(generator, float(t)) for t in until])
        else:
            reached = (float(voltage), float(voltage + slope * (end - start)))
            laws = theory.ramp_laws(law, scheme.generator, reached, float(end - start), until)
        found.extend(laws[:-1])
        law = laws[-1]
    return np.array(found)


def clamp_rows(plan: Plan, result: Result) -> list[Row]:
    """Rows for each population of a clamped scenario: states, and open counts, at some records."""
    rows: list[Row] = []
    records = looked_at(result["time"].values)
    times = result["time"].values[records]
    for index, population in enumerate(plan.membrane.populations):
        scheme, n = population.scheme, population.count
        laws = laws_along_command(scheme, plan, times)
        first, last = plan.patch.state_start[index], plan.patch.state_start[index + 1]
        for record, time, law in zip(records, times, laws, strict=True):
            at = f"{population.name}, {time:.4g} ms of the clamp"
            law = np.clip(law, 0.0, 1.0) / law.sum()
            n_open = np.asarray(result["open"].values[:, record, index], dtype=np.float64)
            p = float(law[np.array(scheme.is_open)].sum())
            variance = n * p * (1.0 - p)
            if len(n_open) * n * min(p, 1.0 - p) >= _ENOUGH:
                compared = mean_is(n_open, n * p, variance**0.5)
                rows.append(Row("open, mean", at, compared))
                if variance >= 1.0:
                    compared = binomial_variance(n_open, n, p)
                    rows.append(Row("open, variance", at, compared))
            occupancy = result["occupancy"].values[:, record, first:last]
            if comparable(n * len(n_open), law):
                counts = occupancy.sum(axis=0)
                rows.append(Row("states", at, states_follow(counts, law, scheme.states)))
            if variance >= 1.0:
                rows.append(Row("open, binomial", at, binomial_counts(n_open, n, p)))
    return rows
