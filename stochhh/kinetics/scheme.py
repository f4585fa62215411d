"""Channel schemes: a channel type as a table of states and transitions.

A scheme is either listed state by state or expanded from independent gates, as
m³h into its eight-state graph. Nothing downstream knows which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from stochhh.kinetics.rates import Floats, RateLaw


@dataclass(frozen=True)
class Transition:
    """One arrow of the state graph: `multiplicity` times rate class `rate`."""

    source: int
    target: int
    multiplicity: int
    rate: int


@dataclass(frozen=True)
class Gate:
    """`power` identical, independent gates; rate classes by index into the scheme's rates."""

    name: str
    power: int
    opening: int
    closing: int


@dataclass(frozen=True)
class ChannelScheme:
    """A channel type.

    Attributes
    ----------
    name, title, cite : identity and sources.
    ion, valence : the permeant ion, as in "Na+" and +1.
    states : names of the S states.
    relative_conductance : for each state its share of the full unitary
        conductance: 0 shut, 1 open, between for sublevels.
    rate_names, rates : the R rate classes.
    transitions : the arrows, each with a rate class.
    gates : the gates the scheme was expanded from, or () if listed by states.
    temperature_degC, q10 : temperature of the rates as given, and the factor by
        which they speed up for each 10 °C.
    """

    name: str
    title: str
    ion: str
    valence: int
    states: tuple[str, ...]
    relative_conductance: tuple[float, ...]
    rate_names: tuple[str, ...]
    rates: tuple[RateLaw, ...]
    transitions: tuple[Transition, ...]
    gates: tuple[Gate, ...] = ()
    temperature_degC: float = 6.3
    q10: float = 1.0
    cite: tuple[str, ...] = ()

    @property
    def is_open(self) -> tuple[bool, ...]:
        """For each state whether it conducts at all."""
        return tuple(share > 0 for share in self.relative_conductance)

    @property
    def ligands(self) -> frozenset[str]:
        """Names of the ligands its binding rates depend on."""
        return frozenset(rate.ligand for rate in self.rates if rate.law == "binding")

    def at(
        self, temperature_degC: float | None, concentrations_mM: dict[str, float] | None = None
    ) -> ChannelScheme:
        """The scheme with its rates scaled to a temperature and to ligand concentrations.

        Parameters
        ----------
        temperature_degC : None leaves the rates as published. Binding counts as
            a rate like the others.
        concentrations_mM : for each ligand of the scheme its concentration.
        """
        warmth = 1.0
        if temperature_degC is not None:
            warmth = float(self.q10 ** ((temperature_degC - self.temperature_degC) / 10.0))
        concentrations = concentrations_mM or {}
        rates = tuple(
            replace(
                rate,
                factor=rate.factor
                * warmth
                * (concentrations[rate.ligand] if rate.law == "binding" else 1.0),
            )
            for rate in self.rates
        )
        if temperature_degC is None:
            temperature_degC = self.temperature_degC
        return replace(self, rates=rates, temperature_degC=temperature_degC)

    def open_gates(self, law: Floats) -> Floats:
        """Open probability of each gate, (G,), under a law of the states, (S,)."""
        counts = np.array(list(product(*(range(gate.power + 1) for gate in self.gates))))
        return np.asarray(law @ counts / np.array([gate.power for gate in self.gates]))

    def rates_at(self, voltage_mV: ArrayLike) -> Floats:
        """All rate classes at one or more voltages (…), 1/ms, shape (…, R)."""
        shape = (*np.shape(voltage_mV), len(self.rates))
        rates = [rate(voltage_mV) for rate in self.rates]
        return np.stack(rates, axis=-1) if rates else np.zeros(shape)

    def generator(self, voltage_mV: ArrayLike) -> Floats:
        """Generator matrix Q at one or more voltages (…, mV), 1/ms, shape (…, S, S).

        ``Q[i, j]`` is the rate from state i to state j, rows sum to zero, so a
        row vector of probabilities p obeys dp/dt = p Q (Colquhoun & Hawkes 1981,
        doi:10.1098/rspb.1981.0003).
        """
        rates = self.rates_at(voltage_mV)
        matrix = np.zeros((*np.shape(voltage_mV), len(self.states), len(self.states)))
        for arrow in self.transitions:
            matrix[..., arrow.source, arrow.target] += arrow.multiplicity * rates[..., arrow.rate]
        state = np.arange(len(self.states))
        matrix[..., state, state] = -matrix.sum(axis=-1)
        return matrix


def expand_gates(
    gates: tuple[Gate, ...],
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[Transition, ...]]:
    """Expand independent gates into states, relative conductances and transitions.

    A state says how many gates of each kind are open: ``m2h1``. It opens one
    more with multiplicity (shut ones) and shuts one with multiplicity (open
    ones); only the state with every gate open conducts (Conti & Wanke 1975,
    doi:10.1017/S0033583500001967).
    """
    counts = list(product(*(range(gate.power + 1) for gate in gates)))
    index = {open_gates: state for state, open_gates in enumerate(counts)}
    names = tuple(
        "".join(f"{gate.name}{n}" for gate, n in zip(gates, open_gates, strict=True))
        for open_gates in counts
    )
    transitions = []
    for open_gates, state in index.items():
        for position, gate in enumerate(gates):
            n = open_gates[position]
            opened = index.get((*open_gates[:position], n + 1, *open_gates[position + 1 :]))
            shut = index.get((*open_gates[:position], n - 1, *open_gates[position + 1 :]))
            if opened is not None:
                transitions.append(Transition(state, opened, gate.power - n, gate.opening))
            if shut is not None:
                transitions.append(Transition(state, shut, n, gate.closing))
    conducting = tuple(
        float(all(n == gate.power for gate, n in zip(gates, open_gates, strict=True)))
        for open_gates in counts
    )
    assert len(names) == prod(gate.power + 1 for gate in gates)
    return names, conducting, tuple(transitions)
