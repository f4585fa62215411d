"""What all trials of a circuit have in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stochhh.circuit.build import Network
from stochhh.circuit.currents import Currents
from stochhh.circuit.network import Cable, Floats, Ints, Pools, Synapses, starts
from stochhh.circuit.rest import equilibrium_laws
from stochhh.kernels.receptors import RELAX
from stochhh.kernels.stepped import DIFFUSE, FLOW, GILLESPIE, LEAP
from stochhh.kinetics.tables import Graph, build_graph
from stochhh.methods import METHODS
from stochhh.plan import generator
from stochhh.scenario.synapses import Synapse
from stochhh.steps import Steps, StepTable

__all__ = ["CircuitPlan", "generator"]

_HOW = {"exact": GILLESPIE, "leap": LEAP, "langevin": DIFFUSE, "deterministic": FLOW}
_HOW_RECEPTORS = {"exact": GILLESPIE, "langevin": DIFFUSE, "deterministic": RELAX}
#: Transitions expected in a step up to which drawing them one by one is faster than
#: redistributing every state (``tests/benchmarks/bench_axon.py --switch``).
_FEW_TRANSITIONS = 12.0
_ROOM_MV = 30.0
_SETTLE_STREAM = 3
#: What is worked out once for a plan and for its settling.
_SAME = ("graph", "step_table", "steps", "share", "laws", "pools", "_methods")


@dataclass(frozen=True)
class CircuitPlan:
    """All that trials of one point have in common.

    Attributes
    ----------
    name : of the scenario, for messages.
    point, seed : trial i draws from ``SeedSequence(seed, spawn_key=(point, i))``.
    network : what is simulated.
    synapses : their tables.
    currents : what is injected, and conductances that open at given times.
    duration_ms, step_ms, n_steps : length, and the whole steps in it.
    every : steps between records.
    variables : what to record, of "voltage" and "open".
    where : recorded compartments.
    voltage_mV, space_mV : at the start, (C,) and (C or 0,).
    settle_ms : for which each trial is left alone first; as it then is it begins.
    settling : whether this is the plan of that time itself.
    mean_field : follow expected numbers of channels and vesicles instead of drawing them.
    doubts : what is asked for and will not be had, a line each.
    """

    name: str
    point: int
    seed: int
    network: Network
    synapses: tuple[Synapse, ...]
    currents: Currents
    duration_ms: float
    step_ms: float
    n_steps: int
    every: int
    variables: tuple[str, ...]
    where: Ints
    voltage_mV: Floats
    space_mV: Floats
    settle_ms: float = 0.0
    settling: bool = False
    mean_field: bool = False
    doubts: tuple[str, ...] = ()

    def twin(self) -> CircuitPlan:
        """The deterministic limit of the same circuit."""
        return replace(self, mean_field=True, settle_ms=0.0)

    @cached_property
    def before(self) -> CircuitPlan:
        """Plan of the time in which a trial settles: nothing is done, and nothing recorded.

        Nor does anything release: synapses begin a trial rested, and a membrane that felt
        vesicles which they have forgotten would begin between two states.
        """
        n_steps = max(int(np.ceil(self.settle_ms / self.step_ms * (1 - 1e-9))), 1)
        made = replace(
            self,
            currents=self.currents.none,
            duration_ms=self.settle_ms,
            n_steps=n_steps,
            every=n_steps,
            variables=(),
            where=np.zeros(0, dtype=np.int64),
            settle_ms=0.0,
            settling=True,
        )
        own = made.__dict__  # what is tabulated already is the same
        own.update({name: made_once for name, made_once in self.__dict__.items() if name in _SAME})
        never = np.zeros(len(self.synapses))
        own["synapse_arrays"] = self.synapse_arrays._replace(probability=never, spontaneous=never)
        return made

    @property
    def record_ms(self) -> Floats:
        """Times of the records."""
        n = self.n_steps // self.every + 1
        return np.arange(n, dtype=np.float64) * (self.every * self.step_ms)

    @property
    def rest_ms(self) -> float:
        """What whole steps leave of the duration for a shorter last one, 0 for nothing."""
        return rest_ms(self.duration_ms, self.step_ms, self.n_steps)

    def seed_sequence(self, trial: int, *stream: int) -> np.random.SeedSequence:
        """Seed sequence of one trial, or of one of its side streams."""
        key = (self.point, trial, *((_SETTLE_STREAM,) if self.settling else ()), *stream)
        return np.random.SeedSequence(self.seed, spawn_key=key)

    @cached_property
    def graph(self) -> Graph:
        """States and transitions of all kinds of channels."""
        return build_graph(self.network.schemes)

    @cached_property
    def step_table(self) -> StepTable:
        """Tables of the channels' moves, extensible to any voltage."""
        n = len(self.network.kinds)
        receptors = n - self.network.n_channel_kinds
        return StepTable(
            self.network.schemes, (True,) * n, METHODS["leap"], self.step_ms, receptors
        )

    @cached_property
    def steps(self) -> Steps:
        """Those tables for the voltages that membranes usually visit."""
        return self.step_table.covering(*self.usual_mV)

    @cached_property
    def last_table(self) -> StepTable:
        """Tables of the channels' moves in a shorter last step."""
        return replace(self.step_table, step_ms=self.rest_ms)

    @cached_property
    def last_steps(self) -> Steps:
        """Those tables for the voltages that membranes usually visit."""
        return self.last_table.covering(*self.usual_mV)

    @property
    def usual_mV(self) -> tuple[float, float]:
        """Lowest and highest voltage of the tables that a trial begins with."""
        voltages = [*self.network.reversals_mV, *self.voltage_mV]
        return min(voltages) - _ROOM_MV, max(voltages) + _ROOM_MV

    @cached_property
    def share(self) -> Floats:
        """Conductance of each state relative to its channel's, (S,)."""
        shares = [share for scheme in self.network.schemes for share in scheme.relative_conductance]
        return np.array(shares, dtype=np.float64)

    @cached_property
    def laws(self) -> list[Floats]:
        """Law of the states of each kind in each compartment at the start, each (C, S of kind).

        Receptors start without transmitter.
        """
        n = self.network.n_channel_kinds
        laws = [equilibrium_laws(scheme, self.voltage_mV) for scheme in self.network.schemes[:n]]
        for law, kind in zip(laws, self.network.kinds, strict=False):
            if kind.initial_state is not None:
                law[:] = np.array(kind.scheme.states) == kind.initial_state
        for scheme in self.network.schemes[n:]:
            free = scheme.at(None, dict.fromkeys(scheme.ligands, 0.0))
            laws.append(equilibrium_laws(free, self.voltage_mV))
        return laws

    @cached_property
    def pools(self) -> Pools:
        """Channels of each compartment, as kernels need them."""
        pools = self.network.pools
        per_compartment = np.bincount(
            [pool.compartment for pool in pools], minlength=self.network.n_compartments
        )
        return Pools(
            start=starts(per_compartment),
            kind=np.array([pool.kind for pool in pools], dtype=np.int64),
            how=np.array(
                [FLOW if self.mean_field else _HOW[method] for method in self._methods],
                dtype=np.int64,
            ),
            conductance=np.array([pool.conductance_nS for pool in pools], dtype=np.float64),
            reversal=np.array([pool.reversal_mV for pool in pools], dtype=np.float64),
        )

    @cached_property
    def _methods(self) -> list[str]:
        """Method of each pool; ``auto`` takes the cheaper of two that have the same law."""
        flips = self._transitions_per_ms()
        methods = []
        for pool in self.network.pools:
            method = pool.method
            if method == "auto":
                expected = pool.count * flips[pool.kind][pool.compartment] * self.step_ms
                method = "exact" if expected < _FEW_TRANSITIONS else "leap"
            methods.append(method)
        return methods

    @property
    def methods(self) -> dict[str, int]:
        """How many pools each method moves."""
        return dict(Counter(self._methods))

    def _transitions_per_ms(self) -> list[Floats]:
        """Expected transitions of one channel of each kind at the start, each (C,)."""
        values, index = np.unique(self.voltage_mV, return_inverse=True)
        found = []
        for k, scheme in enumerate(self.network.schemes[: self.network.n_channel_kinds]):
            leaving = np.array([-np.diag(scheme.generator(float(v))) for v in values])
            found.append(np.einsum("cs,cs->c", self.laws[k], leaving[index]))
        return found

    @property
    def cable(self) -> Cable:
        """Passive properties of all compartments."""
        return self.network.cable

    @cached_property
    def synapse_arrays(self) -> Synapses:
        """Terminals, sites and receptors, as kernels need them."""
        from stochhh.circuit.sites import build_synapses

        return build_synapses(self.network, self.synapses, self.mean_field, _HOW_RECEPTORS)


def whole_steps(duration_ms: float, step_ms: float) -> int:
    """Steps that a duration has room for; one that it all but ends with is whole."""
    n = duration_ms / step_ms
    return int(np.floor(n + _tolerance(n)))


def rest_ms(duration_ms: float, step_ms: float, n_steps: int) -> float:
    """What is left of a duration after so many steps, 0 if that is a matter of rounding."""
    rest = duration_ms - n_steps * step_ms
    return rest if rest > _tolerance(n_steps) * step_ms else 0.0


def _tolerance(n_steps: float) -> float:
    return 1e-9 + 1e-12 * n_steps
