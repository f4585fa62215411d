"""First latencies of followed channels, from a moment such as a step, beside their law.

Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003. They begin with the law that the
command has left at that moment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh import theory
from stochhh.analysis.estimates import median_estimate, share_estimate
from stochhh.analysis.single_channel import first_latencies_ms
from stochhh.membrane import Population
from stochhh.studies.study import Numbers, Occasion, named

Floats = NDArray[np.float64]


class Latencies(NamedTuple):
    """First latencies, and what was expected.

    Attributes
    ----------
    latency_ms : (n,), NaN where no opening came.
    longest_ms : how long one was waited for.
    law : None where the voltage is not held.
    """

    latency_ms: Floats
    longest_ms: float
    law: theory.PhaseType | None


def first_latencies(occasion: Occasion, population: Population, since: float) -> Latencies:
    """First latencies from a time to the end of the voltage held there, or of the trial."""
    setup = occasion.setup
    until = next(
        (p.end_ms for p in setup.pieces if p.start_ms <= since < p.end_ms), setup.duration_ms
    )
    found = first_latencies_ms(occasion.result, population.name, since, until, occasion.point)
    voltage, law = setup.held_mV(since, until), setup.law_at(population, since)
    wait = None
    if voltage is not None and law is not None:
        generator = population.scheme.generator(voltage)
        wait = theory.first_latency(generator, np.array(population.scheme.is_open), law)
    return Latencies(found.ravel(), until - since, wait)


def latency_numbers(waits: Latencies, since: float) -> Numbers:
    """Share that opened and median latency, beside theory."""
    latency = np.where(np.isnan(waits.latency_ms), np.inf, waits.latency_ms)
    n_opened = int(np.isfinite(latency).sum())
    opened = median = None
    if waits.law is not None:
        law, longest = waits.law, waits.longest_ms
        opened = 1.0 - float(theory.survivor(law, np.array([longest]))[0])
        median = _median_ms(law, longest) if opened > 0.5 else None
    return {
        "from_ms": since,
        "longest_ms": waits.longest_ms,
        "channels": len(latency),
        **named("opened", share_estimate(n_opened, len(latency)), opened),
        **named("median_ms", median_estimate(latency), median),
    }


def _median_ms(law: theory.PhaseType, longest_ms: float) -> float:
    from scipy.optimize import brentq

    def beyond(time: float) -> float:
        return float(theory.survivor(law, np.array([time]))[0]) - 0.5

    return 0.0 if beyond(0.0) <= 0.0 else float(brentq(beyond, 0.0, longest_ms))
