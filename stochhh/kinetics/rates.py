"""Voltage-dependent rate laws: data with a name, never text evaluated as code.

The first three are the forms NeuroML calls HHExpRate, HHSigmoidRate and
HHExpLinearRate (Cannon et al. 2014, doi:10.3389/fninf.2014.00079), written with
``x = (V - midpoint) / scale``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Slowest rate a channel can have (1/ms); anything below is zero. One event in
#: 10^190 years needs no draw, and subnormal numbers keep no relative accuracy.
SLOWEST_RATE = 1e-200


@dataclass(frozen=True)
class RateLaw:
    """One rate as a function of voltage.

    Attributes
    ----------
    law : a key of `LAWS`, or ``table``.
    rate : 1/ms (1/(mM ms) for ``binding``).
    midpoint, scale : mV; used by ``exponential``, ``sigmoid`` and ``linoid``.
    points : (V in mV, rate in 1/ms) pairs in order of V; used by ``table``.
    ligand : the ligand that binds; used by ``binding``.
    factor : temperature factor (and, for ``binding``, the concentration in mM)
        that multiplies the law.
    """

    law: str
    rate: float = 0.0
    midpoint: float = 0.0
    scale: float = 1.0
    points: tuple[tuple[float, float], ...] = ()
    ligand: str = ""
    factor: float = 1.0

    def __call__(self, voltage_mV: ArrayLike) -> Floats:
        """Rate in 1/ms at each voltage (mV), of the same shape."""
        voltage = np.asarray(voltage_mV, dtype=np.float64)
        if self.law == "table":
            return np.asarray(self.factor * interpolated(self.points, voltage))
        if self.rate == 0.0:
            return np.zeros_like(voltage)  # a law of its own: 0 times an infinite curve is none
        with np.errstate(over="ignore", under="ignore"):
            rate = LAWS[self.law](self.factor * self.rate, self.midpoint, self.scale, voltage)
        return np.where(rate < SLOWEST_RATE, 0.0, rate)

    @property
    def extremes(self) -> tuple[float, ...]:
        """Voltages (mV) between which the law is smooth and monotone."""
        return tuple(voltage for voltage, _ in self.points)


def exponential(rate: Any, midpoint: Any, scale: Any, voltage: Any) -> Any:
    """Rate ``rate exp(x)``."""
    return rate * np.exp((voltage - midpoint) / scale)


def sigmoid(rate: Any, midpoint: Any, scale: Any, voltage: Any) -> Any:
    """Rate ``rate / (1 + exp(-x))``."""
    return rate / (1.0 + np.exp(-(voltage - midpoint) / scale))


def linoid(rate: Any, midpoint: Any, scale: Any, voltage: Any) -> Any:
    """Rate ``rate x / (1 - exp(-x))``, which is `rate` at the singular point x = 0."""
    x = (voltage - midpoint) / scale
    safe = np.where(x == 0.0, 1.0, x)
    return rate * np.where(x == 0.0, 1.0, safe / -np.expm1(-safe))


def constant(rate: Any, midpoint: Any, scale: Any, voltage: Any) -> Any:
    """Rate that no voltage changes; ``binding`` is this times a concentration."""
    return rate + 0.0 * voltage


#: Laws with a closed form; numbers and arrays broadcast against each other.
LAWS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "exponential": exponential,
    "sigmoid": sigmoid,
    "linoid": linoid,
    "constant": constant,
    "binding": constant,
}


def interpolated(points: tuple[tuple[float, float], ...], voltage: Floats) -> Floats:
    """Law ``table``: monotone-cubic (PCHIP) interpolation, held flat outside the points.

    Between neighbouring points the curve is monotone, so it never leaves their
    values (Fritsch & Carlson 1980, doi:10.1137/0717021). Evaluated in Bernstein
    form, which keeps its relative accuracy where a rate falls to zero.
    """
    inside = np.clip(voltage, points[0][0], points[-1][0])
    return np.asarray(np.maximum(_curve(points)(inside), 0.0))


@lru_cache(maxsize=256)
def _curve(points: tuple[tuple[float, float], ...]) -> Callable[[Floats], Floats]:
    """Curve of a table; made once, as it takes longer than its evaluation."""
    from scipy.interpolate import BPoly

    known_voltages, coefficients = _bernstein(points)
    curve: Callable[[Floats], Floats] = BPoly(coefficients.T, known_voltages)
    return curve


def _bernstein(points: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    """Voltages of a table, (K,), and Bernstein coefficients between them, (K - 1, 4)."""
    from scipy.interpolate import PchipInterpolator

    voltages, rates = np.array(points).T
    slope = PchipInterpolator(voltages, rates).derivative()(voltages)
    third = np.diff(voltages) / 3.0
    low, high = rates[:-1], rates[1:]
    return voltages, np.transpose([low, low + third * slope[:-1], high - third * slope[1:], high])


class RateArrays(NamedTuple):
    """Rate laws as the numbers kernels need. R laws; tables have K knots in all."""

    kind: NDArray[np.int64]  # (R,) place in `KINDS`
    rate: Floats  # (R,) 1/ms, the factor included; of a table the factor alone
    midpoint: Floats  # (R,) mV
    scale: Floats  # (R,) mV
    knot_start: NDArray[np.int64]  # (R + 1,) knots of law r are knot_start[r]:knot_start[r+1]
    knot: Floats  # (K,) mV
    bernstein: Floats  # (K, 4) of the piece that begins at a knot

    @classmethod
    def of(cls, rates: Sequence[RateLaw]) -> RateArrays:
        """Flatten rate laws."""
        tables = [_bernstein(rate.points) if rate.law == "table" else _NO_TABLE for rate in rates]
        padded = [np.pad(rows, ((0, len(knot) - len(rows)), (0, 0))) for knot, rows in tables]
        return cls(
            kind=np.array([KINDS[rate.law] for rate in rates], dtype=np.int64),
            rate=np.array(
                [rate.factor * (1.0 if rate.law == "table" else rate.rate) for rate in rates],
                dtype=np.float64,
            ),
            midpoint=np.array([rate.midpoint for rate in rates], dtype=np.float64),
            scale=np.array([rate.scale for rate in rates], dtype=np.float64),
            knot_start=np.cumsum([0, *(len(knot) for knot, _ in tables)]).astype(np.int64),
            knot=np.concatenate([np.zeros(0), *(knot for knot, _ in tables)]),
            bernstein=np.concatenate([np.zeros((0, 4)), *padded]),
        )


_NO_TABLE = (np.zeros(0), np.zeros((0, 4)))
#: How kernels tell laws apart.
KINDS = {"constant": 0, "binding": 0, "exponential": 1, "sigmoid": 2, "linoid": 3, "table": 4}
