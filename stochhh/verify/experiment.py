"""Clamp experiments: what is done, what was seen, and what theory says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stochhh import theory as closed_form
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.result import Result
from stochhh.verify.tagged import Stays, moves, stays, times_in_states_ms

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """A clamp experiment on one channel population.

    Attributes
    ----------
    before_mV : held for ever before; the channels start in equilibrium there.
    voltage_mV : held from time zero on.
    duration_ms, n_intervals : length, and into how many equal parts records cut it.
    n_channels, n_trials, n_tagged : N, R, and how many channels are followed.
    method, step_ms : how it is simulated, and with which step if it has one.
    slack : relative error of means and variances that the method admits.
    fewest : channels expected to be open, and shut, for it to claim anything of them.
    """

    before_mV: float
    voltage_mV: float
    duration_ms: float
    n_intervals: int
    n_channels: int
    n_trials: int
    n_tagged: int = 0
    method: str = "exact"
    step_ms: float | None = None
    slack: float = 0.0
    fewest: float = 0.0

    @property
    def held(self) -> bool:
        """Whether the channels stay in equilibrium."""
        return self.before_mV == self.voltage_mV

    @property
    def interval_ms(self) -> float:
        """Time between records."""
        return self.duration_ms / self.n_intervals

    @property
    def looked_at(self) -> tuple[int, ...]:
        """Records whose counts are compared: the end; after a step also earlier ones."""
        n = self.n_intervals
        return (n,) if self.held else (n // 16, n // 4, n)

    @property
    def where(self) -> str:
        """The voltages, for a table."""
        after = f"{self.voltage_mV:g} mV"
        return after if self.held else f"{self.before_mV:g} → {after}"

    def when(self, record: int) -> str:
        """The voltages and the time of a record, for a table."""
        return f"{self.where}, {record * self.interval_ms:.3g} ms"


@dataclass(frozen=True)
class Observed:
    """What a run of one population showed: R trials, n + 1 records, S states."""

    result: Result

    @cached_property
    def occupancy(self) -> Floats:
        """Channels in each state, (R, n + 1, S)."""
        return np.asarray(self.result["occupancy"].values, dtype=np.float64)

    @cached_property
    def n_open(self) -> Floats:
        """Channels that conduct, (R, n + 1)."""
        return np.asarray(self.result["open"].values[..., 0], dtype=np.float64)

    @cached_property
    def transitions(self) -> Floats:
        """Transitions in each trial, (R,)."""
        return np.asarray(self.result["transitions"].values, dtype=np.float64)

    @cached_property
    def stays(self) -> Stays:
        """Stays of the tagged channels."""
        return stays(self.result)

    @cached_property
    def moves(self) -> Floats:
        """Transitions of tagged channels from each state to each other one, (S, S)."""
        return moves(self.stays, self.occupancy.shape[-1]).astype(np.float64)

    @cached_property
    def times_in_states_ms(self) -> Floats:
        """Time tagged channels spent in each state, (S,)."""
        return times_in_states_ms(self.stays, self.occupancy.shape[-1])


@dataclass(frozen=True)
class Theory:
    """The law of one channel in a clamp experiment.

    Attributes
    ----------
    scheme : at the temperature and ligand concentrations of the experiment.
    generator : (S, S), 1/ms, at the voltage held.
    start : (S,) law at time zero.
    """

    scheme: ChannelScheme
    generator: Floats
    start: Floats

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Mask of the conducting states, (S,)."""
        return np.array(self.scheme.is_open)

    @cached_property
    def _propagators(self) -> dict[float, Floats]:
        return {}

    def propagator(self, duration_ms: float) -> Floats:
        """Probabilities to go from each state to each other one in a time, (S, S)."""
        if duration_ms not in self._propagators:
            found = closed_form.propagator(self.generator, duration_ms)
            self._propagators[duration_ms] = found
        return self._propagators[duration_ms]

    def law(self, time_ms: float) -> Floats:
        """Law of the states at a time, (S,)."""
        found = self.start @ self.propagator(time_ms)
        return np.asarray(np.clip(found, 0.0, 1.0) / found.sum())


def theory_of(scheme: ChannelScheme, setting: Setting) -> Theory:
    """Work out the law of one channel in an experiment.

    Raises
    ------
    ValueError
        The scheme has no single equilibrium at the voltage held before.
    """
    start = closed_form.stationary_law(scheme.generator(setting.before_mV))
    return Theory(scheme, scheme.generator(setting.voltage_mV), start)
