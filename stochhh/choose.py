"""Choosing a method by the number of channels and the error a user can bear."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochhh.membrane import Membrane
from stochhh.methods import METHODS, Method

#: What a transition costs the exact method on one core of a usual machine
#: (``tests/benchmarks/bench_exact.py``).
SECONDS_A_TRANSITION = 45e-9
#: Computing time for a simulated second up to which the exact method is worth it.
_AFFORDABLE_S = 0.5
#: Error in firing statistics below which only the exact method will do.
_FINEST = 0.005
#: Error in firing rate of leap at its default step, with a margin of two; it grows as
#: the square of the step. Measured where it is largest, a squid patch of 100 µm² at
#: rest: 9.66 ± 0.05 Hz by exact, 9.70 ± 0.04, 9.96 ± 0.07 and 10.41 ± 0.10 by leap
#: with steps of 0.05, 0.1 and 0.2 ms.
_LEAP_ERROR = 0.01
_SHORTEST_STEP = 0.2  # of the default
#: Fastest relaxation of the channels that default steps are for, 1/ms: of squid axon at
#: rest and 6.3 °C. A node of Ranvier's are 22 times as fast; with a step of 0.05 ms its
#: threshold for a pulse of 0.1 ms is 7.5 % too high, with 0.0023 ms right (21.57 pA).
_FASTEST_PER_MS = 12.8


class Choice(NamedTuple):
    """A method, its step (ms; None without one) and the reason in a sentence.

    `usual_ms` is the step it would take if none were given, infinite where any is as good.
    """

    method: Method
    step_ms: float | None
    why: str
    usual_ms: float = np.inf


def usual_step_ms(method: Method, membrane: Membrane, voltage_mV: float) -> float:
    """Step of a method by default, shorter where channels are faster than squid axon's.

    Parameters
    ----------
    method : one with a step
    membrane : with its populations
    voltage_mV : at which the rates are looked at, such as rest
    """
    assert method.step_ms is not None
    fastest = _FASTEST_PER_MS
    for population in membrane.populations:
        generator = population.scheme.generator(voltage_mV)
        if population.count and len(generator) > 1:
            fastest = max(fastest, float(np.abs(np.linalg.eigvals(generator)).max()))
    return float(f"{method.step_ms * _FASTEST_PER_MS / fastest:.2g}")


def choose(membrane: Membrane, voltage_mV: float, accuracy: float, follows: bool) -> Choice:
    """Choose the method for a membrane.

    Parameters
    ----------
    membrane : with its populations
    voltage_mV : at which channels start
    accuracy : relative error allowed in firing statistics
    follows : whether single channels are to be followed, which only `exact` does

    Returns
    -------
    Choice
        `exact` as long as it is affordable or nothing else will do, else `leap`
        with the step its error of second order asks for.
    """
    exact, leap = METHODS["exact"], METHODS["leap"]
    share = max(min((accuracy / _LEAP_ERROR) ** 0.5, 1.0), _SHORTEST_STEP)
    step = float(f"{share * usual_step_ms(leap, membrane, voltage_mV):.2g}")
    if any(not population.noise for population in membrane.populations):
        return Choice(leap, step, "some channels follow their mean field, which needs a step")
    if follows:
        return Choice(exact, None, "single channels are followed")
    if accuracy < _FINEST:
        return Choice(exact, None, f"an accuracy of {accuracy:g} leaves no room for a step")
    cost = 1e3 * SECONDS_A_TRANSITION * transitions_per_ms(membrane, voltage_mV)
    said = f"{membrane.n_channels:,d} channels cost it about {cost:.2g} s a simulated second"
    if cost <= _AFFORDABLE_S:
        return Choice(exact, None, said)
    return Choice(leap, step, f"exact is slow here: {said}")


def transitions_per_ms(membrane: Membrane, voltage_mV: float) -> float:
    """Expected number of transitions of all channels at equilibrium."""
    total = 0.0
    laws = membrane.stationary_laws(voltage_mV)
    for population, law in zip(membrane.populations, laws, strict=True):
        leaving = -np.diag(population.scheme.generator(voltage_mV))
        total += population.count * float(law @ leaving)
    return total
