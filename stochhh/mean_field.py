"""The mean field of a membrane as arrays, and where a solution of it stands."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.kinetics.rates import Floats, RateArrays
from stochhh.kinetics.tables import Graph, Indices, Ints, build_graph
from stochhh.membrane import Membrane

_FIRST_STEP_MS = 1e-3


class MeanField(NamedTuple):
    """A membrane as the numbers its limit needs. S states, P populations and then the leak."""

    rates: RateArrays
    here: Indices  # (E,) component of the state at one end of each pair of opposite transitions
    there: Indices  # (E,) and at the other
    forth: Floats  # (E,) multiplicity of the transition from here to there
    back: Floats  # (E,) and of that back; 0 without one
    forth_rate: Indices  # (E,) their rate classes
    back_rate: Indices  # (E,)
    starts: Ints  # (P + 1,) first state of each population
    share: Floats  # (S,) of the full conductance
    maximal: Floats  # (P + 1,) nS
    reversal: Floats  # (P + 1,) mV
    capacitance: float  # pF
    threshold: float  # mV
    rearm: float  # mV

    @classmethod
    def of(cls, membrane: Membrane, threshold_mV: float, rearm_mV: float) -> MeanField:
        """Flatten a membrane."""
        schemes, populations = membrane.schemes, membrane.populations
        shares = [np.array(scheme.relative_conductance, dtype=np.float64) for scheme in schemes]
        maximal = [p.maximal_conductance_nS for p in populations] + [membrane.leak_nS]
        reversal = [p.reversal_mV for p in populations] + [membrane.leak_reversal_mV]
        return cls(
            rates=RateArrays.of([rate for scheme in schemes for rate in scheme.rates]),
            **_pairs(build_graph(schemes)),
            share=np.concatenate([np.zeros(0), *shares]),
            maximal=np.array(maximal, dtype=np.float64),
            reversal=np.array(reversal, dtype=np.float64),
            capacitance=float(membrane.capacitance_pF),
            threshold=float(threshold_mV),
            rearm=float(rearm_mV),
        )


def _pairs(graph: Graph) -> dict[str, Any]:
    """Opposite transitions of a graph side by side, as the fields of a MeanField."""
    rate = np.repeat(np.arange(len(graph.class_start) - 1), np.diff(graph.class_start.astype(int)))
    waiting: dict[tuple[int, int], list[int]] = {}  # pairs that still lack their way back
    pairs: list[list[float]] = []
    for e, (i, j) in enumerate(zip(graph.source.tolist(), graph.target.tolist(), strict=True)):
        if waiting.get((j, i)):
            pair = pairs[waiting[j, i].pop()]
            pair[3], pair[5] = float(graph.multiplicity[e]), rate[e]
        else:
            waiting.setdefault((i, j), []).append(len(pairs))
            pairs.append([1 + i, 1 + j, float(graph.multiplicity[e]), 0.0, rate[e], 0])
    names = ("here", "there", "forth", "back", "forth_rate", "back_rate")
    columns = np.array(pairs, dtype=np.float64).reshape(-1, 6).T
    types = {"forth": np.float64, "back": np.float64}
    made = {n: c.astype(types.get(n, np.uint64)) for n, c in zip(names, columns, strict=True)}
    return made | {"starts": graph.state_start}


#: Scalars of a running solution.
_CLOCK = np.dtype(
    [
        ("time", "f8"),  # ms
        ("begun", "f8"),  # ms, when the last step began
        ("step", "f8"),  # ms, to try next
        ("highest", "f8"),  # mV, so far
        ("lowest", "f8"),
        ("segment", "i8"),  # of the stimulus
        ("armed", "i8"),  # 1 if the next upward crossing of the threshold is a spike
        ("spikes", "i8"),  # numbers of entries in buffers
        ("recorded", "i8"),
        ("tried", "i8"),  # steps
    ]
)


class SolverState(NamedTuple):
    """Where a solution stands. n components: voltage, S laws, P + 1 charges."""

    y: Floats  # (n,)
    old: Floats  # (n,) when the last step began
    reached: Floats  # (n,) room
    room: Floats  # (n,) room
    slopes: Floats  # (16, n) of the stages
    dense: Floats  # (7, n) of the last step
    value: Floats  # (R,) room for rates
    clock: NDArray[np.void]  # (1,)

    @classmethod
    def at(cls, y: Floats, n_rates: int, threshold_mV: float) -> SolverState:
        """Begin at time zero."""
        clock = np.zeros(1, _CLOCK)
        clock["highest"] = clock["lowest"] = y[0]
        clock["step"], clock["armed"] = _FIRST_STEP_MS, y[0] < threshold_mV
        n = len(y)
        rooms = (y.copy(), y.copy(), y.copy(), np.zeros((16, n)), np.zeros((7, n)))
        return cls(y.copy(), *rooms, np.zeros(n_rates), clock)
