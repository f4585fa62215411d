"""Exponentially correlated noise held between breakpoints, each piece at the noise's mean over it.

Means of an Ornstein-Uhlenbeck process over successive pieces of equal length are themselves
a stationary Gaussian sequence, in which each number depends on the one before and on two
independent kicks (Gillespie 1996, doi:10.1103/PhysRevE.54.2084, for the process and its
integral). So they can be drawn exactly, however short the correlation time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SMALL = 0.03  # pieces to a correlation time below which differences are summed as series


class HeldNoise(NamedTuple):
    """How means m over pieces follow from standard normal kicks z, for a process of SD 1.

    ``m[k] = memory m[k-1] + kick (z[k] + echo z[k-1])``; before the first piece stands
    ``memory m[-1] + kick echo z[-1]``, of SD `past`.
    """

    memory: float
    kick: float
    echo: float
    past: float

    def means(self, normal: Floats) -> Floats:
        """Successive means, (n,), from independent standard normal numbers, (n + 1,)."""
        from scipy.signal import lfilter

        weights = [self.kick, self.kick * self.echo], [1.0, -self.memory]
        found, _ = lfilter(*weights, normal[1:], zi=[self.past * normal[0]])
        return np.asarray(found)


def held_noise(piece_ms: float, correlation_time_ms: float) -> HeldNoise:
    """Work out the sequence of means over pieces of a process of mean 0 and SD 1.

    With a the length of a piece in correlation times, the autocovariance of
    ``m[k] - exp(-a) m[k-1]`` is ``4 exp(-a) (a cosh a - sinh a)/a²`` at lag 0,
    ``2 exp(-a) (sinh a - a)/a²`` at lag 1, and 0 beyond.

    Parameters
    ----------
    piece_ms, correlation_time_ms : both above 0
    """
    a = piece_ms / correlation_time_ms
    memory = float(np.exp(-a))
    if a < _SMALL:
        square = a * a
        at_once = 4.0 * memory * a * (1.0 / 3.0 + square / 30.0 + square * square / 840.0)
        next_one = 2.0 * memory * a * (1.0 / 6.0 + square / 120.0 + square * square / 5040.0)
    else:
        at_once = 2.0 * (a * (1.0 + memory**2) - (1.0 - memory**2)) / a**2
        next_one = (1.0 - memory**2 - 2.0 * a * memory) / a**2
    ratio = next_one / at_once
    echo = 2.0 * ratio / (1.0 + np.sqrt(1.0 - 4.0 * ratio * ratio))
    kick = np.sqrt(at_once / (1.0 + echo * echo))
    past = kick * (memory + echo) / np.sqrt(-np.expm1(-2.0 * a))
    return HeldNoise(memory, float(kick), float(echo), float(past))


def held_spectrum(frequencies_hz: ArrayLike, piece_ms: float, correlation_time_ms: float) -> Floats:
    """One-sided power spectral density of such a held process of SD 1, shape (F,), 1/Hz.

    At low frequencies that of the process itself, ``4 τ / (1 + (2 π f τ)²)``.

    Parameters
    ----------
    frequencies_hz : (F,)
    piece_ms, correlation_time_ms : both above 0
    """
    noise = held_noise(piece_ms, correlation_time_ms)
    cycles = np.asarray(frequencies_hz, dtype=np.float64) * (piece_ms / 1e3)
    turned = np.exp(-2j * np.pi * cycles)
    gain = noise.kick * (1.0 + noise.echo * turned) / (1.0 - noise.memory * turned)
    return np.asarray(2e-3 * piece_ms * (np.abs(gain) * np.sinc(cycles)) ** 2)
