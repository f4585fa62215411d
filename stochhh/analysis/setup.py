"""What a study may ask about the experiment it is made on: populations, held voltages, laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh.clamp import compile_clamp
from stochhh.membrane import Membrane, Population
from stochhh.scenario import Scenario
from stochhh.theory import propagator, ramp_laws, stationary_law

Floats = NDArray[np.float64]

_SAME_MV = 1e-9


class Piece(NamedTuple):
    """A part of the command in which the voltage is straight, mV and ms."""

    start_ms: float
    end_ms: float
    first_mV: float
    last_mV: float


@dataclass(frozen=True)
class Setup:
    """One point of a scenario: what was, or will be, simulated.

    Attributes
    ----------
    scenario : at this point of its sweep, if it has one.
    membrane : built from it.
    place : value of each swept key here, as written; empty without a sweep.
    """

    scenario: Scenario
    membrane: Membrane
    place: Mapping[str, Any] = field(default_factory=dict)

    @property
    def duration_ms(self) -> float:
        """Length of a trial."""
        return float(self.scenario.run.duration_ms)

    @property
    def interval_ms(self) -> float:
        """Time between records."""
        return float(self.scenario.run.record.interval_ms)

    @property
    def recorded(self) -> tuple[str, ...]:
        """Variables that are written down."""
        return self.scenario.run.record.variables

    def carries_alone(self, population: Population) -> bool:
        """Whether the clamp current is that of one population and nothing else."""
        clamp = self.scenario.clamp
        others = any(p.count for p in self.membrane.populations if p.name != population.name)
        return clamp is not None and not (others or clamp.leak or clamp.capacitance)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The command voltage piece by piece, those at one voltage joined; none without a clamp."""
        if self.scenario.clamp is None:
            return ()
        command = compile_clamp(self.scenario.clamp, self.duration_ms, self.scenario.name)
        begin = np.concatenate([[0.0], command.end[:-1]])
        last = command.command + command.slope * (command.end - begin)
        pieces: list[Piece] = []
        for row in zip(begin, command.end, command.command, last, strict=True):
            piece = Piece(*(float(x) for x in row))
            if pieces and _held(piece) and pieces[-1][2:] == piece[2:]:
                piece = piece._replace(start_ms=pieces.pop().start_ms)
            pieces.append(piece)
        return tuple(pieces)

    @property
    def longest_held(self) -> Piece | None:
        """The longest stretch at one voltage, the earliest of several; None without a clamp."""
        held = [piece for piece in self.pieces if _held(piece)]
        return max(held, key=lambda piece: piece.end_ms - piece.start_ms, default=None)

    def held_mV(self, start_ms: float, end_ms: float) -> float | None:
        """Voltage that is held between two times; None where it moves, or is free."""
        inside = [p for p in self.pieces if p.start_ms < end_ms and p.end_ms > start_ms]
        levels = {level for piece in inside for level in (piece.first_mV, piece.last_mV)}
        return levels.pop() if len(levels) == 1 else None

    def first_step(self) -> Piece | None:
        """The first held stretch that begins with a jump of the voltage, at time 0 included."""
        if self.scenario.clamp is None:
            return None
        before = float(self.scenario.clamp.holding_mV)
        for piece in self.pieces:
            if _held(piece) and abs(piece.first_mV - before) > _SAME_MV:
                return piece
            before = piece.last_mV
        return None

    def law_at(self, population: Population, time_ms: float) -> Floats | None:
        """Law of the states of one channel under clamp at a time, (S,).

        None without a clamp, and where an earlier run's states were taken up.
        """
        clamp = self.scenario.clamp
        if clamp is None or self.scenario.run.initial.result is not None:
            return None
        generator = population.scheme.generator
        law = stationary_law(generator(float(clamp.holding_mV)))
        for piece in self.pieces:
            span = min(piece.end_ms, time_ms) - piece.start_ms
            if span <= 0.0:
                break
            if _held(piece):
                law = law @ propagator(generator(piece.first_mV), span)
            else:
                whole = piece.end_ms - piece.start_ms
                ramp = (piece.first_mV, piece.last_mV)
                law = ramp_laws(law, generator, ramp, whole, np.array([span]))[-1]
        return np.asarray(law)

    def unsettled(self, population: Population, time_ms: float, voltage_mV: float) -> float | None:
        """How far the mean open count is from equilibrium, in standard deviations of its noise.

        None where the law is not known.
        """
        law = self.law_at(population, time_ms)
        if law is None:
            return None
        share = np.array(population.scheme.relative_conductance)
        rest = stationary_law(population.scheme.generator(voltage_mV))
        variance = float(rest @ share**2 - (rest @ share) ** 2)
        away = float(abs((law - rest) @ share))
        return away * np.sqrt(population.count / variance) if variance > 0.0 else 0.0


def _held(piece: Piece) -> bool:
    return abs(piece.last_mV - piece.first_mV) <= _SAME_MV
