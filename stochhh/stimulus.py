"""Injected current: the stimuli of a scenario become one current held between breakpoints.

Waveforms that really are piecewise constant stay exact. Curved ones are cut
into pieces of their `resolution`, each holding the mean of the curve over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochhh import units
from stochhh.errors import InputError
from stochhh.scenario import stimuli as kinds
from stochhh.theory.held_noise import held_noise
from stochhh.units import Amount
from stochhh.waveform import read_waveform

Floats = NDArray[np.float64]

_MOST_PIECES = 50_000_000


class Breakpoints(NamedTuple):
    """What is done to the membrane from each breakpoint to the next; piece k ends at ``end[k]``.

    Under voltage clamp the voltage is given for every piece, straight within it.
    """

    end: Floats  # (n,) ms, increasing; the last is the end of the run
    current: Floats  # (n,) pA, depolarising positive
    command: Floats = np.zeros(0)  # (n,) mV at the beginning of each piece; empty: no clamp
    slope: Floats = np.zeros(0)  # (n,) mV/ms of the command; likewise

    def at(self, time_ms: Floats) -> Floats:
        """Current (pA) at each time, that of the piece beginning there at a breakpoint."""
        piece = np.searchsorted(self.end, time_ms, side="right")
        return np.asarray(self.current[np.minimum(piece, len(self.end) - 1)])


class Surroundings(NamedTuple):
    """What a waveform may depend on besides its own parameters."""

    area_um2: float
    duration_ms: float
    noise_rng: np.random.Generator
    frozen_seed: np.random.SeedSequence


def is_random(stimuli: Sequence[kinds.Stimulus]) -> bool:
    """Whether the stimulus differs from trial to trial."""
    return any(type(stimulus) is kinds.Noise for stimulus in stimuli)


def is_steady(stimuli: Sequence[kinds.Stimulus], start_ms: float, end_ms: float) -> bool:
    """Whether the stimulus, or its law, is the same at all times between two."""
    for stimulus in stimuli:
        if isinstance(stimulus, kinds.FrozenNoise) or not goes_on(stimulus, start_ms, end_ms):
            return False
    return True


def goes_on(stimulus: kinds.Stimulus, start_ms: float, end_ms: float) -> bool:
    """Whether a stimulus is constant, or noise of one law, from one time to another."""
    if isinstance(stimulus, kinds.Constant):
        return True
    if not isinstance(stimulus, kinds.Noise | kinds.Step | kinds.Pulse):
        return False
    begin, lasts = float(stimulus.start_ms), stimulus.duration_ms
    end = np.inf if lasts is None else begin + float(lasts)
    return bool(begin <= start_ms and end >= end_ms * (1 - 1e-12))


def finest_ms(stimuli: Sequence[kinds.Stimulus]) -> float:
    """A twentieth of the shortest period among stimuli, infinite without one.

    Steps that are longer meet an oscillation at few of its phases, or always at one.
    """
    periods = [one.shape_ms for one in stimuli if isinstance(one, kinds.Sine | kinds.Chirp)]
    return min(periods, default=np.inf) / kinds.PIECES


def compile_stimuli(
    stimuli: Sequence[kinds.Stimulus], surroundings: Surroundings, where: str
) -> Breakpoints:
    """Add stimuli up into one current held between breakpoints.

    Parameters
    ----------
    stimuli : those of the scenario, in order.
    surroundings : area, duration and random streams of the trial.
    where : the scenario's name, for messages.

    Raises
    ------
    InputError
        A waveform file that cannot be used, or far too many pieces.
    """
    duration = surroundings.duration_ms
    parts = []
    rng = surroundings.noise_rng
    n_noises = sum(is_random([stimulus]) for stimulus in stimuli)
    streams = iter([rng, *rng.spawn(max(n_noises - 1, 0))])  # each noise has its own
    for index, stimulus in enumerate(stimuli):
        own = surroundings._replace(
            frozen_seed=_child(surroundings, index),
            noise_rng=next(streams) if is_random([stimulus]) else rng,
        )
        try:
            part = pieces(stimulus, own)
        except InputError as error:
            raise InputError(f"{where}: stimulus[{index}]: {error}") from None
        parts.append(part)
    inside = [begin[(begin > 0.0) & (begin < duration)] for begin, _ in parts]
    start = np.unique(np.concatenate([np.zeros(1), *inside]))
    total = np.zeros(len(start))
    for begin, current in parts:
        piece = np.searchsorted(begin, start, side="right") - 1
        total += np.where(piece >= 0, current[np.maximum(piece, 0)], 0.0)
    return Breakpoints(np.append(start[1:], duration), total)


def _child(surroundings: Surroundings, index: int) -> np.random.SeedSequence:
    seed = surroundings.frozen_seed
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, index))


Pieces = tuple[Floats, Floats]  # begin (ms) and current (pA) of each, the last one unending


@singledispatch
def pieces(stimulus: Any, around: Surroundings) -> Pieces:
    """Pieces of one stimulus: their beginnings (ms) and the current (pA) from there on."""
    raise TypeError(f"not a stimulus: {stimulus!r}")


@pieces.register
def _(stimulus: kinds.Constant, around: Surroundings) -> Pieces:
    return np.zeros(1), np.array([stimulus.amplitude.absolute(around.area_um2)])


@pieces.register(kinds.Step)
@pieces.register(kinds.Pulse)
def _(stimulus: kinds.Step | kinds.Pulse, around: Surroundings) -> Pieces:
    amplitude = stimulus.amplitude.absolute(around.area_um2)
    begin, end = _window(stimulus.start_ms, stimulus.duration_ms, around)
    return np.array([begin, end]), np.array([amplitude, 0.0])


@pieces.register
def _(stimulus: kinds.PulseTrain, around: Surroundings) -> Pieces:
    amplitude = stimulus.amplitude.absolute(around.area_um2)
    begin = float(stimulus.start_ms) + float(stimulus.interval_ms) * np.arange(stimulus.count)
    begin = begin[: max(1, np.searchsorted(begin, around.duration_ms))]
    end, following = begin + float(stimulus.duration_ms), np.append(begin[1:], np.inf)
    end = np.where(end > following * (1 - 1e-12), following, end)  # touching, but for rounding
    both = np.stack([begin, end], axis=1).ravel()
    return both, np.tile([amplitude, 0.0], len(begin))


@pieces.register
def _(stimulus: kinds.Ramp, around: Surroundings) -> Pieces:
    initial = stimulus.initial.absolute(around.area_um2)
    final = stimulus.final.absolute(around.area_um2)
    edge = _grid(stimulus.start_ms, stimulus.duration_ms, stimulus.piece_ms, around)
    progress = (edge - float(stimulus.start_ms)) / float(stimulus.duration_ms)
    curve = initial + (final - initial) * progress
    return edge, np.append(0.5 * (curve[:-1] + curve[1:]), 0.0)


@pieces.register
def _(stimulus: kinds.Sine, around: Surroundings) -> Pieces:
    edge = _grid(stimulus.start_ms, stimulus.duration_ms, stimulus.piece_ms, around)
    since = edge - float(stimulus.start_ms)
    angle = 2 * np.pi * (float(stimulus.frequency_kHz) * since + stimulus.phase)
    return edge, _mean_sine(stimulus.amplitude.absolute(around.area_um2), angle)


@pieces.register
def _(stimulus: kinds.Chirp, around: Surroundings) -> Pieces:
    edge = _grid(stimulus.start_ms, stimulus.duration_ms, stimulus.piece_ms, around)
    since = edge - float(stimulus.start_ms)
    begin, end = _window(stimulus.start_ms, stimulus.duration_ms, around)
    sweep = float(stimulus.final_kHz) - float(stimulus.initial_kHz)
    rise = sweep / (end - begin) if end > begin else 0.0
    angle = 2 * np.pi * since * (float(stimulus.initial_kHz) + 0.5 * rise * since)
    return edge, _mean_sine(stimulus.amplitude.absolute(around.area_um2), angle)


@pieces.register
def _(stimulus: kinds.Noise, around: Surroundings) -> Pieces:
    return _ornstein_uhlenbeck(stimulus, around, around.noise_rng)


@pieces.register
def _(stimulus: kinds.FrozenNoise, around: Surroundings) -> Pieces:
    seed = stimulus.seed if stimulus.seed is not None else around.frozen_seed
    return _ornstein_uhlenbeck(stimulus, around, np.random.Generator(np.random.SFC64(seed)))


@pieces.register
def _(stimulus: kinds.Waveform, around: Surroundings) -> Pieces:
    time, values, unit = read_waveform(Path(stimulus.path), units.CURRENT)
    time = time + float(stimulus.start_ms)
    values = values * stimulus.scale * unit.absolute(around.area_um2)
    if stimulus.interpolation == "hold":
        return time, np.append(values[:-1], 0.0)
    length = Amount(time[-1] - time[0], "ms", "")
    grid = _grid(Amount(time[0], "ms", ""), length, stimulus.resolution_ms, around)
    edge = np.union1d(grid, time[time < grid[-1]])
    middle = 0.5 * (edge[:-1] + edge[1:])
    return edge, np.append(np.interp(middle, time, values), 0.0)


def _window(start: Amount, length: Amount | None, around: Surroundings) -> tuple[float, float]:
    begin = float(start)
    return begin, max(begin, around.duration_ms) if length is None else begin + float(length)


def _grid(start: Amount, length: Amount | None, resolution: Amount, around: Surroundings) -> Floats:
    """Edges of equal pieces over the part of a stimulus's window that lies in the run."""
    begin, end = _window(start, length, around)
    end = min(end, max(begin, around.duration_ms))
    n_pieces = max(np.ceil((end - begin) / float(resolution) - 1e-9), 1.0)
    if n_pieces > _MOST_PIECES:
        raise InputError(
            f'resolution = "{resolution.text}" makes {n_pieces:.3g} pieces; '
            f"at most {_MOST_PIECES} are allowed"
        )
    return np.linspace(begin, end, int(n_pieces) + 1)


def _mean_sine(amplitude: float, angle: Floats) -> Floats:
    """Mean of ``amplitude sin`` over each piece, between the angles at its ends; then zero.

    ``sin`` of the middle times ``sin(half)/half`` is the mean for a steady frequency.
    """
    middle, half = 0.5 * (angle[:-1] + angle[1:]), 0.5 * np.diff(angle)
    return np.append(amplitude * np.sin(middle) * np.sinc(half / np.pi), 0.0)


def _ornstein_uhlenbeck(
    stimulus: kinds.Noise, around: Surroundings, rng: np.random.Generator
) -> Pieces:
    """Means over the pieces of stationary Gaussian noise with exponential correlation."""
    edge = _grid(stimulus.start_ms, stimulus.duration_ms, stimulus.resolution_ms, around)
    length, correlation_time = float(edge[1] - edge[0]), float(stimulus.correlation_time_ms)
    normal = rng.standard_normal(len(edge))
    if not length > 0.0:  # begins with the end of the run, or after it
        return edge, np.zeros(len(edge))
    means = held_noise(length, correlation_time).means(normal)
    mean = stimulus.mean.absolute(around.area_um2)
    return edge, np.append(mean + stimulus.sd.absolute(around.area_um2) * means, 0.0)
