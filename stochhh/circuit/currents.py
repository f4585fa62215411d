"""What drives a circuit from outside: injected currents, and conductances that open at times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stochhh import units
from stochhh.circuit.build import Network, locate
from stochhh.circuit.network import Floats, Injection, Inputs, Ints, starts
from stochhh.circuit.sites import peak_of_difference
from stochhh.errors import InputError
from stochhh.plan import generator
from stochhh.scenario.circuits import Circuit
from stochhh.scenario.stimuli import Stimulus, Waveform
from stochhh.scenario.synapses import ConductanceInput
from stochhh.stimulus import Surroundings, compile_stimuli, is_random
from stochhh.waveform import read_waveform

_NOISE_STREAM, _EVENT_STREAM = 1, 2
_FROZEN_STREAM = 3  # below the number of a stimulus, where no trial's own stream lies
_MOST_EVENTS = 10_000_000


@dataclass(frozen=True)
class Currents:
    """Stimuli and inputs of a circuit, and the compartments they act on.

    Attributes
    ----------
    stimuli, stimulated : tables, and the compartments of each.
    inputs, opened : likewise.
    area_um2, length_um : of all compartments, (C,).
    duration_ms : of a trial.
    name : of the scenario.
    """

    stimuli: tuple[Stimulus, ...]
    stimulated: tuple[Ints, ...]
    inputs: tuple[ConductanceInput, ...]
    opened: tuple[Ints, ...]
    area_um2: Floats
    length_um: Floats
    duration_ms: float
    name: str

    @property
    def none(self) -> Currents:
        """The same circuit without any."""
        return replace(self, stimuli=(), stimulated=(), inputs=(), opened=())

    @property
    def random(self) -> bool:
        """Whether they differ from trial to trial."""
        return is_random(self.stimuli) or any(one.rate is not None for one in self.inputs)

    def injection(self, seed: np.random.SeedSequence, frozen: np.random.SeedSequence) -> Injection:
        """Currents of one trial; `frozen` is the seed of noise that is the same in all."""
        ends, currents, shares = [], [], []
        for index, (stimulus, where) in enumerate(zip(self.stimuli, self.stimulated, strict=True)):
            area = self.area_um2[where]
            around = Surroundings(
                area_um2=float(area.sum()),
                duration_ms=self.duration_ms,
                noise_rng=generator(_child(seed, _NOISE_STREAM, index)),
                frozen_seed=_child(frozen, index, _FROZEN_STREAM),
            )
            pieces = compile_stimuli([stimulus], around, self.name)
            ends.append(pieces.end)
            currents.append(pieces.current)
            none_has = area.sum() == 0.0  # a branching point: the current goes into the node
            shares.append(np.full(len(area), 1.0 / len(area)) if none_has else area / area.sum())
        none = np.zeros(0)
        return Injection(
            piece_start=starts([len(end) for end in ends]),
            end=np.concatenate([*ends, none]),
            current=np.concatenate([*currents, none]),
            share_start=starts([len(where) for where in self.stimulated]),
            compartment=np.concatenate([*self.stimulated, none]).astype(np.int64),
            share=np.concatenate([*shares, none]),
        )

    def open_inputs(self, seed: np.random.SeedSequence) -> Inputs:
        """Conductances of one trial, with the times of their events."""
        rows = []
        events = []
        for index, (table, where) in enumerate(zip(self.inputs, self.opened, strict=True)):
            rise = 0.0 if table.rise_ms is None else float(table.rise_ms)
            decay, peak = float(table.decay_ms), float(table.peak_nS)
            amplitude = peak / peak_of_difference(decay, rise) if rise else peak
            rng = generator(_child(seed, _EVENT_STREAM, index))
            share = self.area_um2[where] / self.area_um2[where].sum() if len(where) > 1 else [1.0]
            rates = event_rates(table, self.area_um2[where], self.length_um[where])
            for compartment, part, rate in zip(where, share, rates, strict=True):
                opens = amplitude if table.times_ms is None else amplitude * part
                rows.append((compartment, opens, decay, rise, float(table.reversal_mV)))
                events.append(self._events(table, rate, rng))
        columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T.copy()
        return Inputs(
            compartment=columns[0].astype(np.int64),
            amplitude=columns[1],
            decay=columns[2],
            rise=columns[3],
            reversal=columns[4],
            event_start=starts([len(times) for times in events]),
            event=np.concatenate([*events, np.zeros(0)]),
        )

    def _events(self, table: ConductanceInput, rate: float, rng: np.random.Generator) -> Floats:
        if table.times_ms is not None:
            return np.sort(np.array([float(time) for time in table.times_ms]))
        n = rng.poisson(rate * self.duration_ms)
        return np.sort(rng.uniform(0.0, self.duration_ms, n))


def compile_currents(circuit: Circuit, network: Network) -> Currents:
    """Find the compartments that stimuli and inputs act on.

    Raises
    ------
    InputError
        A place that is not there, a waveform that cannot be used, or far too many events.
    """
    duration = float(circuit.run.duration_ms)
    number = {None: 0} | {one.name: index for index, one in enumerate(network.shapes)}

    def where(what: str, index: int, cell: str | None, at: str | None) -> Ints:
        key = f"{circuit.name}: {what}[{index}].at"
        return locate(network.shapes, network.first, number[cell], at or "start", key)

    area_um2, length_um = (
        np.concatenate([getattr(one.geometry, name) for one in network.shapes])
        for name in ("area_um2", "length_um")
    )
    opened = tuple(
        where("input", index, one.cell, one.at) for index, one in enumerate(circuit.input)
    )
    for index, (one, there) in enumerate(zip(circuit.input, opened, strict=True)):
        if one.rate is not None and one.rate.unit != "1/ms" and one.at != "everywhere":
            raise InputError(
                f'{circuit.name}: input[{index}].rate: "{one.rate.text}" is a rate per length or '
                'area, of a whole cell; give at = "everywhere", or a rate such as "100 Hz"'
            )
        rates = event_rates(one, area_um2[there], length_um[there])
        expected = float(np.sum(rates)) * duration
        if expected > _MOST_EVENTS:
            raise InputError(
                f"{circuit.name}: input[{index}].rate: {expected:.3g} events a trial; "
                f"at most {_MOST_EVENTS:.0e} are allowed"
            )
    stimulated = tuple(
        where("stimulus", index, one.cell, one.at) for index, one in enumerate(circuit.stimulus)
    )
    for index, (stimulus, there) in enumerate(zip(circuit.stimulus, stimulated, strict=True)):
        if not area_um2[there].any() and _is_per_area(stimulus):
            raise InputError(
                f'{circuit.name}: stimulus[{index}]: a current per area at "{stimulus.at}", a '
                "branching point, which has no membrane; give it in pA, or place it beside"
            )
    currents = Currents(
        stimuli=circuit.stimulus,
        stimulated=stimulated,
        inputs=circuit.input,
        opened=opened,
        area_um2=area_um2,
        length_um=length_um,
        duration_ms=duration,
        name=circuit.name,
    )
    currents.injection(np.random.SeedSequence(0), np.random.SeedSequence(0))
    return currents


def event_rates(table: ConductanceInput, area_um2: Floats, length_um: Floats) -> Floats:
    """Rate of the events of an input in each of its compartments (1/ms); 0 of given times.

    A rate of the whole is shared among compartments by their area, so that it does not
    depend on how many they are.
    """
    if table.rate is None:
        return np.zeros(len(area_um2))
    rate = float(table.rate)
    if table.rate.unit == "1/ms":
        return rate * area_um2 / area_um2.sum() if len(area_um2) > 1 else np.array([rate])
    return rate * (area_um2 if table.rate.per_area else length_um)


def _is_per_area(stimulus: Stimulus) -> bool:
    if isinstance(stimulus, Waveform):
        return read_waveform(Path(stimulus.path), units.CURRENT)[2].per_area
    amounts = (getattr(stimulus, name) for name in type(stimulus).model_fields)
    return any(isinstance(one, units.Amount) and one.per_area and one != 0.0 for one in amounts)


def _child(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))
