"""What all trials of one membrane under one protocol have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh.clamp import compile_clamp
from stochhh.columns import ROWS
from stochhh.kinetics.tables import Bands, BandTable, Graph, build_graph
from stochhh.membrane import Membrane, Patch, build_patch
from stochhh.methods import METHODS, Method
from stochhh.scenario.clamp import VoltageClamp
from stochhh.scenario.stimuli import Stimulus
from stochhh.steps import Steps, StepTable
from stochhh.stimulus import Breakpoints, Surroundings, compile_stimuli

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NOISE_STREAM, _SETTLE_STREAM = 1, 3


#: What is worked out once for a plan and for its settling.
_SAME = ("patch", "graph", "laws", "band_table", "bands", "step_table", "steps")


@dataclass(frozen=True)
class Start:
    """Voltages and occupancies to take up from an earlier run, one row a trial."""

    voltage_mV: Floats  # (trials,)
    occupancy: NDArray[Any]  # (trials, S); float64 where channels come in fractions
    generation: int  # how many runs went before


@dataclass(frozen=True)
class EvenTimes:
    """Times 0, interval, 2 interval, … (ms), none beyond the end; made when asked for.

    Like an array it has a length, gives slices, and becomes one by `numpy.asarray`.
    """

    n: int
    interval_ms: float
    end_ms: float

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: slice) -> Floats:
        """Times of a slice."""
        times = np.arange(*rows.indices(self.n)) * self.interval_ms
        return np.asarray(np.minimum(times, self.end_ms))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)


@dataclass(frozen=True)
class Plan:
    """All that trials of one point have in common.

    Attributes
    ----------
    name : of the scenario, for messages.
    point, seed : trial i draws from ``SeedSequence(seed, spawn_key=(point, i))``.
    membrane, stimuli, clamp : what is simulated; a clamp excludes stimuli.
    duration_ms : length.
    record_ms : the times to record at, shape (n,).
    variables : what to record besides the voltage.
    tagged : channels of each population to follow, None for all.
    voltage_mV, displacement_mV : channels start in equilibrium at the first; the
        voltage then starts displaced by the second.
    start : states to take up instead.
    settle_ms : for which each trial is left alone first; what it then is it begins as.
    settling : whether this is the plan of that time itself.
    threshold_mV, rearm_mV : spike detection.
    band_width_mV : None chooses by the number of channels.
    method, step_ms : how it is simulated; the step None for methods without one.
    chosen_because : why this method, where the program chose it.
    doubts : what is asked for and will not be had, a line each.
    records_folder : where trials keep what they record in files; None keeps it in memory.
    buffer_rows : records that wait in memory to be written to such a file.
    """

    name: str
    point: int
    seed: int
    membrane: Membrane
    stimuli: tuple[Stimulus, ...]
    duration_ms: float
    record_ms: Floats | EvenTimes
    variables: tuple[str, ...]
    tagged: int | None
    voltage_mV: float
    displacement_mV: float
    threshold_mV: float
    rearm_mV: float
    start: Start | None = None
    settle_ms: float = 0.0
    settling: bool = False
    band_width_mV: float | None = None
    clamp: VoltageClamp | None = None
    method: Method = METHODS["exact"]
    step_ms: float | None = None
    chosen_because: str = ""
    doubts: tuple[str, ...] = ()
    records_folder: str | None = None
    buffer_rows: int = ROWS

    def seed_sequence(self, trial: int, *stream: int) -> np.random.SeedSequence:
        """Seed sequence of one trial, or of one of its side streams."""
        key: tuple[int, ...] = (self.point, trial)
        if self.start is not None and self.start.generation:
            key = (*key, 0, self.start.generation)  # never the numbers of the run taken up
        if self.settling:
            key = (*key, _SETTLE_STREAM)
        return np.random.SeedSequence(self.seed, spawn_key=(*key, *stream))

    def stimulus(self, trial: int) -> Breakpoints:
        """Injected current of one trial, or the command voltage of all."""
        if self.clamp is not None:
            return self.command
        surroundings = Surroundings(
            area_um2=self.membrane.area_um2,
            duration_ms=self.duration_ms,
            noise_rng=generator(self.seed_sequence(trial, _NOISE_STREAM)),
            frozen_seed=np.random.SeedSequence(self.seed),
        )
        return compile_stimuli(self.stimuli, surroundings, self.name)

    @cached_property
    def before(self) -> Plan:
        """Plan of the time in which a trial settles: nothing is done, and nothing recorded."""
        made = replace(
            self,
            stimuli=(),
            duration_ms=self.settle_ms,
            record_ms=EvenTimes(0, self.settle_ms, self.settle_ms),
            variables=(),
            tagged=0,
            displacement_mV=0.0,
            settle_ms=0.0,
            settling=True,
            records_folder=None,
        )
        own = made.__dict__  # what is tabulated already is the same
        own.update({name: made_once for name, made_once in self.__dict__.items() if name in _SAME})
        return made

    @cached_property
    def command(self) -> Breakpoints:
        """The command voltage of a clamped membrane."""
        assert self.clamp is not None
        return compile_clamp(self.clamp, self.duration_ms, self.name)

    @cached_property
    def patch(self) -> Patch:
        """The membrane flattened for kernels."""
        return build_patch(self.membrane, self.threshold_mV, self.rearm_mV)

    @cached_property
    def graph(self) -> Graph:
        """States and transitions of all populations."""
        return build_graph(self.membrane.schemes)

    @cached_property
    def laws(self) -> list[Floats]:
        """Law of the states of each population at the start."""
        return self.membrane.initial_laws(self.voltage_mV)

    @cached_property
    def band_table(self) -> BandTable:
        """Voltage bands of the exact method."""
        width = self.band_width_mV or default_band_width_mV(self.membrane.n_channels)
        return BandTable.of(self.membrane.schemes, width, (self.threshold_mV, self.rearm_mV))

    @cached_property
    def bands(self) -> Bands:
        """Bands for the voltages a membrane usually visits."""
        return self.band_table.covering(*self._usual_range_mV)

    @cached_property
    def step_table(self) -> StepTable:
        """Tables of a stepped method."""
        assert self.step_ms is not None
        noisy = tuple(population.noise for population in self.membrane.populations)
        return StepTable(self.membrane.schemes, noisy, self.method, self.step_ms)

    @cached_property
    def steps(self) -> Steps:
        """Those tables for the voltages a membrane usually visits."""
        return self.step_table.covering(*self._usual_range_mV)

    @property
    def _usual_range_mV(self) -> tuple[float, float]:
        voltages = [*self.membrane.reversals_mV, self.voltage_mV, self.threshold_mV, self.rearm_mV]
        if self.clamp is not None:
            voltages.extend(self.command.command)
        return min(voltages) - 20.0, max(voltages) + 20.0


def generator(seed: np.random.SeedSequence) -> np.random.Generator:
    """Random generator of a stream. SFC64 is the fastest of numpy's that pass all batteries."""
    return np.random.Generator(np.random.SFC64(seed))


def default_band_width_mV(n_channels: int) -> float:
    """Width of voltage bands that makes the exact method fastest.

    Wide bands are crossed less often, narrow ones reject fewer candidates; the
    fewer channels, the further the voltage moves between two transitions.
    Measured with ``tests/benchmarks/bench_exact.py --bands``; any width gives the
    same law.
    """
    if n_channels < 300:
        return 2.0
    return 0.5 if n_channels < 3000 else 0.25
