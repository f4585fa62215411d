"""The deterministic limit: infinitely many channels in the same membrane.

Either form of its equations (`stochhh.equations`) is solved by LSODA, which
switches between stiff and non-stiff methods (Petzold 1983, doi:10.1137/0904010).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from stochhh.columns import ROWS
from stochhh.equations import Equations, state_equations
from stochhh.errors import Stopped, TrustError
from stochhh.kinetics.rates import together
from stochhh.membrane import Membrane
from stochhh.plan import EvenTimes
from stochhh.stimulus import Breakpoints

Floats = NDArray[np.float64]

TOLERANCE = 1e-8  # relative error allowed to a step
#: The same where the slope of the command changes within a stretch.
_COARSE_TOLERANCE = 1e-5
_SHORT_PIECE_MS = 0.25
_LONGEST_MS = 500.0  # solved in one go
_NO_JUMP_MV = 1e-9
_POINTS = 65  # of the two steps about an extreme


class Block(NamedTuple):
    """Successive rows of a course, as the Course has them."""

    voltage_mV: Floats  # (k,)
    law: Floats  # (k, S)
    charge_fC: Floats  # (k, P + 1)


@dataclass(frozen=True)
class Course:
    """How the deterministic membrane went.

    Attributes
    ----------
    voltage_mV : (n,) at the times asked for.
    law : (n, S) probability of every state of all populations.
    charge_fC : (n, P + 1) outward charge moved by each population and the leak.
    spike_ms : upward crossings of the threshold, re-armed like the stochastic ones.
    highest_mV, lowest_mV : voltages on the way, those between the times asked for included.
    final_charge_fC, final_voltage_mV : at the end of the stimulus.
    final_laws : for each population its law at the end.
    """

    voltage_mV: Floats
    law: Floats
    charge_fC: Floats
    spike_ms: Floats
    highest_mV: float
    lowest_mV: float
    final_charge_fC: Floats
    final_voltage_mV: float
    final_laws: list[Floats]


def simulate(
    membrane: Membrane,
    stimulus: Breakpoints,
    time_ms: Floats | EvenTimes,
    voltage_mV: float,
    laws: Sequence[Floats],
    threshold_mV: float = 0.0,
    rearm_mV: float = -30.0,
    equations: Equations | None = None,
    most_spikes: int | None = None,
    tolerance: float = TOLERANCE,
    stopped: Callable[[], bool] | None = None,
    take: Callable[[Block], None] | None = None,
) -> Course:
    """Solve the deterministic membrane under a stimulus.

    Pieces of current are solved one by one: for many short ones (noise, curved
    waveforms) see `stochhh.limit`. Short pieces of a command that does not jump are
    solved in one go, with steps no longer than a piece. Every half second the solver
    starts anew, so that the memory it needs does not grow with the time.

    Parameters
    ----------
    membrane, stimulus : as for the stochastic methods.
    time_ms : (n,) increasing times to report, within the stimulus.
    voltage_mV, laws : the start; laws of the states of each population.
    threshold_mV, rearm_mV : spike detection.
    equations : `state_equations` by default.
    most_spikes : stop after that many upward crossings; times beyond are then NaN.
    tolerance : relative error allowed to a step of the solver.
    stopped : asked now and then; True abandons the run.
    take : given the course block after block as it is found; the Course then keeps
        none of it but the end.

    Raises
    ------
    TrustError
        The solver gave up.
    Stopped
        `stopped` said so.
    """
    equations = equations or state_equations(membrane)
    rates = together([rate for scheme in membrane.schemes for rate in scheme.rates])
    maximal = np.array([p.maximal_conductance_nS for p in membrane.populations])
    clamped = len(stimulus.command) > 0
    start = equations.start(laws)
    channels = slice(1, 1 + len(start))
    conductance = np.append(maximal, membrane.leak_nS)
    reversal = np.append([p.reversal_mV for p in membrane.populations], membrane.leak_reversal_mV)

    def derivative(t: float, y: Floats, end: Floats, drive: Floats) -> Floats:
        if stopped is not None and stopped():
            raise Stopped
        piece = min(int(np.searchsorted(end, t, side="right")), len(end) - 1)
        V, x = y[0], y[channels]
        outward = conductance * (V - reversal)
        outward[:-1] *= equations.open_fractions(x)
        free = (drive[piece] - outward.sum()) / membrane.capacitance_pF
        slope = drive[piece] if clamped else free
        return np.concatenate([[slope], equations.derivative(rates(V), x), outward])

    y = np.concatenate([[voltage_mV], start, np.zeros(len(conductance))])
    values = np.full((len(time_ms) if take is None else 0, len(y)), np.nan)
    spikes = _SpikeTimes(voltage_mV, threshold_mV)
    n_upward = 0
    highest, lowest = -np.inf, np.inf
    for begin, end, drive, command in _stretches(stimulus):
        if clamped:
            y[0] = command
        solution = solve_ivp(
            derivative,
            (begin, end[-1]),
            y,
            method="LSODA",
            dense_output=True,
            events=_crossings(threshold_mV, rearm_mV, most_spikes and most_spikes - n_upward),
            args=(end, drive),
            rtol=tolerance if len(end) == 1 else max(tolerance, _COARSE_TOLERANCE),
            atol=0.01 * tolerance,
            first_step=min(1e-4, end[-1] - begin),
            max_step=np.inf if len(end) == 1 else float(np.diff(end, prepend=begin).max()),
        )
        if not solution.success:
            raise TrustError(f"the deterministic limit could not be solved: {solution.message}")
        top, bottom = _extremes(solution)
        highest, lowest = max(highest, top), min(lowest, bottom)
        y = solution.y[:, -1]
        # at a breakpoint the record shows what came before it
        first = _rows_until(time_ms, begin) if begin > 0.0 else 0
        last = _rows_until(time_ms, solution.t[-1])
        for row in range(first, last, ROWS):
            rows = slice(row, min(row + ROWS, last))
            found = solution.sol(time_ms[rows]).T
            if take is None:
                values[rows] = found
            else:
                law = equations.laws(found[:, channels])
                take(Block(found[:, 0], law, found[:, channels.stop :]))
        if not clamped:
            spikes.note(*solution.t_events)
        n_upward += len(solution.t_events[0])
        if solution.status == 1:
            break
    sizes = np.cumsum([len(scheme.states) for scheme in membrane.schemes])
    return Course(
        voltage_mV=values[:, 0],
        law=equations.laws(values[:, channels]),
        charge_fC=values[:, 1 + len(start) :],
        spike_ms=np.array(spikes.times),
        highest_mV=highest,
        lowest_mV=lowest,
        final_charge_fC=y[1 + len(start) :],
        final_voltage_mV=float(y[0]),
        final_laws=np.split(equations.laws(y[None, channels])[0], sizes)[:-1],
    )


class _SpikeTimes:
    """Crossing times of the threshold, each counted once the voltage has been below `rearm`."""

    def __init__(self, voltage_mV: float, threshold_mV: float) -> None:
        self.times: list[float] = []
        self._armed = voltage_mV < threshold_mV

    def note(self, upward_ms: Floats, downward_ms: Floats) -> None:
        """Take in crossings of the threshold (upward) and of the re-arming level (downward)."""
        crossings = [(time, True) for time in upward_ms] + [(time, False) for time in downward_ms]
        for time, upward in sorted(crossings):
            if upward and self._armed:
                self.times.append(float(time))
            self._armed = not upward


def _stretches(stimulus: Breakpoints) -> Iterator[tuple[float, Floats, Floats, float]]:
    """Cut a stimulus into stretches that are solved in one go.

    Yields the beginning of each, the ends of its pieces, what drives each piece (a
    current in pA or, under clamp, a slope in mV/ms), and the command at its beginning.
    """
    begin = np.append(0.0, stimulus.end[:-1])
    length = stimulus.end - begin
    clamped = len(stimulus.command) > 0
    drive = stimulus.slope if clamped else stimulus.current
    joined = clamped & (length < _SHORT_PIECE_MS)
    if clamped:  # a jump of the command begins a stretch
        arrived = stimulus.command + stimulus.slope * length
        joined[1:] &= np.abs(arrived[:-1] - stimulus.command[1:]) < _NO_JUMP_MV
    first = 0
    while first < len(begin):
        start, last = begin[first], first + 1
        latest = start + _LONGEST_MS
        while (
            last < len(begin)
            and joined[last]
            and length[first] < _SHORT_PIECE_MS
            and stimulus.end[last] <= latest
        ):
            last += 1
        command = float(stimulus.command[first]) if clamped else 0.0
        while stimulus.end[last - 1] > latest:  # a single piece
            yield start, np.array([latest]), drive[first:last], command
            command += float(drive[first]) * _LONGEST_MS if clamped else 0.0
            start, latest = latest, latest + _LONGEST_MS
        yield start, stimulus.end[first:last], drive[first:last], command
        first = last


def _extremes(solution: Any) -> tuple[float, float]:
    """Highest and lowest voltage of a stretch, those within the solver's steps included."""
    voltage = solution.y[0]
    ends = []
    for sign in (1.0, -1.0):
        at = int(np.argmax(sign * voltage))
        before, after = max(at - 1, 0), min(at + 1, len(voltage) - 1)
        fine = solution.sol(np.linspace(solution.t[before], solution.t[after], _POINTS))[0]
        ends.append(sign * max(float((sign * fine).max()), float(sign * voltage[at])))
    return ends[0], ends[1]


def _rows_until(time_ms: Floats | EvenTimes, end_ms: float) -> int:
    """How many of the record times are not later."""
    return bisect_right(range(len(time_ms)), end_ms, key=lambda row: time_ms[row : row + 1][0])


def _crossings(
    threshold_mV: float, rearm_mV: float, most_upward: int | None
) -> list[Callable[..., float]]:
    def upward(t: float, y: Floats, *args: object) -> float:
        return float(y[0] - threshold_mV)

    def downward(t: float, y: Floats, *args: object) -> float:
        return float(y[0] - rearm_mV)

    upward.direction, downward.direction = 1.0, -1.0  # type: ignore[attr-defined]
    upward.terminal = most_upward or False  # type: ignore[attr-defined]
    return [upward, downward]
