"""The deterministic membrane as a system of equations, in two forms that agree.

The mean field of the channel schemes (the law of every state), and, where all
schemes are gate products, the gate equations of Hodgkin & Huxley 1952
(doi:10.1113/jphysiol.1952.sp004764). Started from equilibrium both describe the
same course.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.kinetics.tables import build_graph
from stochhh.membrane import Membrane

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Equations:
    """A first-order system for the voltage and whatever describes the channels.

    Attributes
    ----------
    start : from laws of the states of each population to the channel variables (K,).
    derivative : from rates (1/ms) and channel variables to their derivatives.
    laws : from channel variables (n, K) to the laws of all states (n, S).
    open_fractions : from channel variables to the conducting share of each population.
    """

    start: Callable[[Sequence[Floats]], Floats]
    derivative: Callable[[Floats, Floats], Floats]
    laws: Callable[[Floats], Floats]
    open_fractions: Callable[[Floats], Floats]


def state_equations(membrane: Membrane) -> Equations:
    """Mean field of the schemes: the law p of the states obeys dp/dt = p Q(V)."""
    graph = build_graph(membrane.schemes)
    n_states, n_transitions = int(graph.state_start[-1]), len(graph.source)
    in_class = np.diff(graph.class_start.astype(int))
    rate_class = np.repeat(np.arange(len(in_class)), in_class)
    incidence = np.zeros((n_states, n_transitions))
    incidence[graph.source, np.arange(n_transitions)] -= 1.0
    incidence[graph.target, np.arange(n_transitions)] += 1.0
    shares = np.zeros((len(membrane.populations), n_states))
    for p, scheme in enumerate(membrane.schemes):
        shares[p, graph.state_start[p] : graph.state_start[p + 1]] = scheme.relative_conductance

    return Equations(
        start=lambda laws: np.concatenate([*laws, np.zeros(0)]),
        derivative=lambda rates, law: (
            incidence @ (graph.multiplicity * rates[rate_class] * law[graph.source])
        ),
        laws=lambda law: law,
        open_fractions=lambda law: shares @ law,
    )


def gate_equations(membrane: Membrane) -> Equations:
    """Gate equations: each gate's open probability x obeys dx/dt = α (1 - x) - β x.

    Raises
    ------
    InputError
        A population's scheme is not a product of gates.
    """
    schemes = membrane.schemes
    for scheme in schemes:
        if not scheme.gates:
            raise InputError(f"'{scheme.name}' is not a product of gates; use its state equations")
    first_rate = np.cumsum([0] + [len(scheme.rates) for scheme in schemes])
    pairs = [(first_rate[p], gate) for p, scheme in enumerate(schemes) for gate in scheme.gates]
    opening = np.array([first + gate.opening for first, gate in pairs], dtype=int)
    closing = np.array([first + gate.closing for first, gate in pairs], dtype=int)
    power = np.array([gate.power for _, gate in pairs])
    first_gate = np.cumsum([0] + [len(scheme.gates) for scheme in schemes])

    def start(laws: Sequence[Floats]) -> Floats:
        return np.concatenate(
            [open_gates(scheme, law) for scheme, law in zip(schemes, laws, strict=True)]
            or [np.zeros(0)]
        )

    def open_fractions(gates: Floats) -> Floats:
        powers = gates**power
        return np.array([powers[a:b].prod() for a, b in pairwise(first_gate)])

    def laws(gates: Floats) -> Floats:
        parts = [
            _law_of_gates(scheme, gates[:, first_gate[p] : first_gate[p + 1]])
            for p, scheme in enumerate(schemes)
        ]
        return np.concatenate([*parts, np.zeros((len(gates), 0))], axis=1)

    return Equations(
        start=start,
        derivative=lambda rates, x: rates[opening] * (1.0 - x) - rates[closing] * x,
        laws=laws,
        open_fractions=open_fractions,
    )


def open_gates(scheme: ChannelScheme, law: Floats) -> Floats:
    """Open probability of each gate, (G,), under a law of the scheme's states, (S,)."""
    counts = np.array(list(product(*(range(gate.power + 1) for gate in scheme.gates))))
    return np.asarray(law @ counts / np.array([gate.power for gate in scheme.gates]))


def _law_of_gates(scheme: ChannelScheme, gates: Floats) -> Floats:
    """Law of the states, (n, S), when gates with open probabilities (n, K) are independent."""
    law = np.ones((len(gates), 1))
    for k, gate in enumerate(scheme.gates):
        n_open = np.arange(gate.power + 1)
        x = gates[:, k, None]
        binomial = comb(gate.power, n_open) * x**n_open * (1.0 - x) ** (gate.power - n_open)
        law = law[:, :, None] * binomial[:, None, :]
        law = law.reshape(len(gates), law.shape[1] * law.shape[2])
    return law
