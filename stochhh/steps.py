"""A membrane's schemes as the tables that stepped methods run on.

Rates, and the chances of every move within a step, are tabulated over the voltage
and interpolated linearly: rows of a propagator stay probabilities that way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

from stochhh.errors import InputError
from stochhh.kernels import stepped
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.methods import Method
from stochhh.propagators import chances_of_moves, in_turn, nearest_first

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Indices = NDArray[np.uint64]

_SPACING_MV = 0.125
_WIDEST_TABLE_MV = 1e4

_CODES = {
    "flow": stepped.FLOW,
    "leap": stepped.LEAP,
    "gillespie": stepped.GILLESPIE,
    "diffuse": stepped.DIFFUSE,
    "diffuse-gates": stepped.DIFFUSE_GATES,
}


#: A pair of opposite transitions: states, and multiplicity and rate class each way.
PAIR = np.dtype(
    [
        ("source", "u8"),
        ("target", "u8"),
        ("forward", "f8"),
        ("forward_class", "u8"),
        ("backward", "f8"),
        ("backward_class", "u8"),
        ("noisy", "?"),
    ]
)
#: A kind of gate: its rate classes, and how many a channel has.
GATE = np.dtype([("opening", "i8"), ("closing", "i8"), ("power", "i8")])


class Steps(NamedTuple):
    """Everything a stepped method needs to move channels.

    P populations, S states, R rate classes, E moves, G gates, K tabulated voltages.
    Entries of population p (moves: of state s) are ``start[p]:start[p + 1]``.
    """

    duration: float  # ms, of a step
    staggered: bool
    first: float  # mV, lowest voltage tabulated
    spacing: float  # mV
    how: Ints  # (P,) codes of `stochhh.kernels.stepped`
    state_start: Indices  # (P + 1,)
    rate_start: Ints  # (P + 1,)
    rates: Floats  # (K, R) 1/ms
    row_start: Indices  # (S + 1,)
    move_target: Indices  # (E,) state a channel gets to within a step, nearest first
    chances: Floats  # (K, E) for a channel in the state it leaves, in turn
    pair_start: Indices  # (P + 1,)
    pairs: NDArray[np.void]  # of PAIR
    gate_start: Indices  # (P + 1,)
    gates: NDArray[np.void]  # (G,) of GATE
    n_open: Ints  # (S, G) open gates in each state
    ways: Floats  # (S,) number of ways to have them open


@dataclass(frozen=True)
class StepTable:
    """Tables of a stepped method for some schemes, extensible to any voltage.

    Attributes
    ----------
    schemes : of the populations
    noisy : for each population whether it is random or follows its mean field
    method : a stepped one
    step_ms : its step
    receptors : how many of the last schemes are moved at rates of their own, which takes no
        chances of moves
    """

    schemes: tuple[ChannelScheme, ...]
    noisy: tuple[bool, ...]
    method: Method
    step_ms: float
    receptors: int = 0

    def covering(self, low_mV: float, high_mV: float) -> Steps:
        """Tabulate a range of voltages.

        Raises
        ------
        InputError
            The range is absurd, a rate is not finite in it, or the method cannot
            move the channels of a scheme.
        """
        if not abs(low_mV) + abs(high_mV) < _WIDEST_TABLE_MV:
            raise InputError(
                f"the membrane was driven to {max(abs(low_mV), abs(high_mV)):.3g} mV; "
                "give it a leak, a weaker stimulus or a shorter run.step"
            )
        first = int(np.floor(low_mV / _SPACING_MV))
        last = int(np.ceil(high_mV / _SPACING_MV)) + 1
        voltage = np.arange(first, last + 1) * _SPACING_MV
        laws = [rate for scheme in self.schemes for rate in scheme.rates]
        rates = np.zeros((len(voltage), len(laws)))
        for column, law in enumerate(laws):
            rates[:, column] = law(voltage)
        if not np.isfinite(rates).all():
            raise InputError(
                f"a rate is not finite between {voltage[0]:g} and {voltage[-1]:g} mV, "
                "where the membrane was driven"
            )
        moves = ["flow" if not noisy else self.method.move or "" for noisy in self.noisy]
        moves[len(moves) - self.receptors :] = ["gillespie"] * self.receptors
        rate_start = _starts([len(scheme.rates) for scheme in self.schemes]).astype(np.int64)
        tabulated = [move in ("flow", "leap") for move in moves]
        row_start, move_target, chances = self._moves(tabulated, rates, rate_start)
        pair_start, pairs = build_pairs(self.schemes, self.method.shielded)
        gate_start, gates = build_gates(self.schemes, [move == "diffuse-gates" for move in moves])
        n_open, ways = _gates_of_states(self.schemes, gate_start)
        return Steps(
            duration=self.step_ms,
            staggered=self.method.staggered,
            first=float(voltage[0]),
            spacing=_SPACING_MV,
            how=np.array([_CODES[move] for move in moves], dtype=np.int64),
            state_start=_starts([len(scheme.states) for scheme in self.schemes]),
            rate_start=rate_start,
            rates=rates,
            row_start=row_start,
            move_target=move_target,
            chances=chances,
            pair_start=pair_start,
            pairs=pairs,
            gate_start=gate_start,
            gates=gates,
            n_open=n_open,
            ways=ways,
        )

    def _moves(
        self, tabulated: Sequence[bool], rates: Floats, rate_start: Ints
    ) -> tuple[Indices, Indices, Floats]:
        lengths: list[int] = []
        targets: list[int] = []
        chances = [np.zeros((len(rates), 0))]
        first_state = 0
        any_number = self.method.staggered
        for p, scheme in enumerate(self.schemes):
            if tabulated[p]:
                own = rates[:, rate_start[p] : rate_start[p + 1]]
                chance = chances_of_moves(scheme, own, self.step_ms, any_number)
                for state, reached in enumerate(nearest_first(scheme, any_number)):
                    lengths.append(len(reached))
                    targets.extend(first_state + target for target in reached)
                    chances.append(in_turn(chance[:, state, reached]))
            else:
                lengths.extend([0] * len(scheme.states))
            first_state += len(scheme.states)
        together = np.ascontiguousarray(np.concatenate(chances, axis=1))
        return _starts(lengths), np.array(targets, dtype=np.uint64), together


def build_pairs(
    schemes: Sequence[ChannelScheme], shielded: bool
) -> tuple[Indices, NDArray[np.void]]:
    """Join each transition with its opposite; one without stays alone.

    Parameters
    ----------
    schemes : of the populations
    shielded : noise only where a pair touches a conducting state

    Returns
    -------
    start : (P + 1,) pairs of population p are start[p]:start[p+1]
    pairs : of PAIR
    """
    rows: list[tuple[int, int, float, int, float, int, bool]] = []
    counts = []
    first_state = first_rate = 0
    for scheme in schemes:
        waiting = list(scheme.transitions)
        before, share = len(rows), scheme.relative_conductance
        while waiting:
            arrow = waiting.pop(0)
            opposite = next(
                (a for a in waiting if (a.source, a.target) == (arrow.target, arrow.source)), None
            )
            multiplicity, rate = 0, arrow.rate
            if opposite is not None:
                waiting.remove(opposite)
                multiplicity, rate = opposite.multiplicity, opposite.rate
            rows.append(
                (
                    first_state + arrow.source,
                    first_state + arrow.target,
                    arrow.multiplicity,
                    first_rate + arrow.rate,
                    multiplicity,
                    first_rate + rate,
                    not shielded or share[arrow.source] > 0 or share[arrow.target] > 0,
                )
            )
        counts.append(len(rows) - before)
        first_state += len(scheme.states)
        first_rate += len(scheme.rates)
    return _starts(counts), np.array(rows, dtype=PAIR)


def build_gates(
    schemes: Sequence[ChannelScheme], wanted: Sequence[bool]
) -> tuple[Indices, NDArray[np.void]]:
    """Gates of the schemes whose gates are moved one by one.

    Returns
    -------
    start : (P + 1,) gates of population p are start[p]:start[p+1]; none if not wanted
    gates : (G,) of GATE

    Raises
    ------
    InputError
        Such a scheme is not a product of gates.
    """
    rows: list[tuple[int, int, int]] = []
    counts = []
    first_rate = 0
    for scheme, needed in zip(schemes, wanted, strict=True):
        if needed and not scheme.gates:
            raise InputError(
                f"run.method: subunit noise needs channels made of gates, and '{scheme.name}' "
                'is listed by states; use "langevin"'
            )
        own = scheme.gates if needed else ()
        rows.extend((first_rate + g.opening, first_rate + g.closing, g.power) for g in own)
        counts.append(len(own))
        first_rate += len(scheme.rates)
    return _starts(counts), np.array(rows, dtype=GATE)


def _gates_of_states(schemes: Sequence[ChannelScheme], gate_start: Indices) -> tuple[Ints, Floats]:
    """Open gates in each state, (S, G), and the number of ways to have them open, (S,)."""
    n_states = sum(len(scheme.states) for scheme in schemes)
    n_open = np.zeros((n_states, gate_start[-1]), dtype=np.int64)
    ways = np.ones(n_states)
    first_state = 0
    for p, scheme in enumerate(schemes):
        states = slice(first_state, first_state + len(scheme.states))
        first_state += len(scheme.states)
        if gate_start[p + 1] > gate_start[p]:
            powers = [gate.power for gate in scheme.gates]
            counts = np.indices([power + 1 for power in powers]).reshape(len(powers), -1).T
            n_open[states, gate_start[p] : gate_start[p + 1]] = counts
            ways[states] = comb(powers, counts).prod(axis=1)
    return n_open, ways


def _starts(lengths: Sequence[int]) -> Indices:
    return np.cumsum([0, *lengths]).astype(np.uint64)
