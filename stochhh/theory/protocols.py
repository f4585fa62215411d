"""The law of one channel along a voltage-clamp protocol of steps and ramps.

Everything is built from propagators, one from each recorded time to the next: a
law is carried along by them, and so are covariances in time (`counts`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.generators import Floats

_RELATIVE_ERROR = 1e-11  # asked of the equation solver in each step
_ABSOLUTE_ERROR = 1e-14


def clamp_propagators(
    durations_ms: ArrayLike, generators: ArrayLike, times_ms: ArrayLike
) -> Floats:
    """Propagators between recorded times of a protocol of held voltages, shape (T, S, S).

    Entry ``[k, i, j]`` is the probability to be in state j at time k after having
    been in state i at the time before it; the first one starts at 0. Exact: a
    product of ``exp(Q t)``, one for each segment passed. Rows of a generator may
    sum to less than zero, as those of a block of one do; what is missing has left.

    Parameters
    ----------
    durations_ms : (K,) length of each segment
    generators : (K, S, S), 1/ms, of each segment
    times_ms : (T,) from 0 to the end of the protocol, in order

    Raises
    ------
    ValueError
        Segments and generators that do not match, or times out of order or beyond the end.
    """
    from scipy.linalg import expm

    lengths = np.asarray(durations_ms, dtype=np.float64)
    matrices = np.asarray(generators, dtype=np.float64)
    if lengths.ndim != 1 or matrices.ndim != 3 or len(matrices) != len(lengths):
        raise ValueError(
            f"durations_ms of shape {lengths.shape} and generators of shape {matrices.shape}; "
            "need (segments,) and (segments, states, states)"
        )
    if not np.all(lengths >= 0.0):
        raise ValueError("durations_ms: every segment must last 0 ms or more")
    ends = np.cumsum(lengths)
    times = _recorded(times_ms, float(ends[-1]) if len(ends) else 0.0)
    found = np.tile(np.eye(matrices.shape[1]), (len(times), 1, 1))
    since = 0.0
    pieces: list[tuple[int, int, float]] = []
    for index, time in enumerate(times):
        while since < time:
            segment = int(np.searchsorted(ends, since, side="right"))
            until = min(time, ends[segment])
            pieces.append((index, segment, until - since))
            since = until
    if pieces:
        spans = np.array([span for _, _, span in pieces])
        steps = expm(matrices[[segment for _, segment, _ in pieces]] * spans[:, None, None])
        for (index, _, _), step in zip(pieces, steps, strict=True):
            found[index] = found[index] @ step
    return found


def ramp_propagators(
    generator_at: Callable[[float], Floats],
    voltages_mV: tuple[float, float],
    duration_ms: float,
    times_ms: ArrayLike,
) -> Floats:
    """Propagators between recorded times of a linear voltage ramp, shape (T, S, S).

    Solves dP/dt = P Q(V(t)) from one time to the next by LSODA, which changes to
    an implicit method where the equation is stiff, with a relative error of 1e-11
    in each step. For laws alone `ramp_laws` is cheaper.

    Parameters
    ----------
    generator_at : from a voltage (mV) to the (S, S) generator, 1/ms
    voltages_mV : at the start and at the end of the ramp
    duration_ms : length of the ramp
    times_ms : (T,) from 0 to `duration_ms`, in order
    """
    times = _recorded(times_ms, duration_ms)
    unit = np.eye(len(generator_at(voltages_mV[0])))
    found = np.empty((len(times), *unit.shape))
    since = 0.0
    for index, time in enumerate(times):
        span = np.array([since, time])
        found[index] = _carried(unit, generator_at, voltages_mV, duration_ms, span)[-1]
        since = float(time)
    return found


def ramp_laws(
    law: ArrayLike,
    generator_at: Callable[[float], Floats],
    voltages_mV: tuple[float, float],
    duration_ms: float,
    times_ms: ArrayLike,
) -> Floats:
    """Law of one channel at each recorded time of a linear voltage ramp, shape (T, S).

    Solves dp/dt = p Q(V(t)) by LSODA, which changes to an implicit method where
    the equation is stiff, with a relative error of 1e-11 in each step.

    Parameters
    ----------
    law : (S,) probabilities at the start of the ramp
    generator_at : from a voltage (mV) to the (S, S) generator, 1/ms
    voltages_mV : at the start and at the end of the ramp
    duration_ms : length of the ramp
    times_ms : (T,) from 0 to `duration_ms`, in order
    """
    times = _recorded(times_ms, duration_ms)
    row = np.asarray(law, dtype=np.float64)[None, :]
    span = np.concatenate([[0.0], times])
    return _carried(row, generator_at, voltages_mV, duration_ms, span)[1:, 0]


def laws_along(law: ArrayLike, propagators: ArrayLike) -> Floats:
    """Law of one channel at each recorded time of a protocol, shape (T, S).

    Parameters
    ----------
    law : (S,) probabilities at the start
    propagators : (T, S, S) from each recorded time to the next
    """
    steps = np.asarray(propagators, dtype=np.float64)
    found = np.empty(steps.shape[:2])
    current = np.asarray(law, dtype=np.float64)
    for index, step in enumerate(steps):
        current = current @ step
        found[index] = current
    return found


def _recorded(times_ms: ArrayLike, end_ms: float) -> Floats:
    times = np.asarray(times_ms, dtype=np.float64)
    if times.ndim != 1 or np.any(np.diff(times) < 0.0):
        raise ValueError("times_ms: need a list of times in order")
    slack = 1e-12 * end_ms
    if len(times) and not (times[0] >= 0.0 and times[-1] <= end_ms + slack):
        raise ValueError(
            f"times_ms: run from {times[0]:g} to {times[-1]:g} ms; "
            f"the protocol from 0 to {end_ms:g} ms"
        )
    return np.minimum(times, end_ms)


def _carried(
    rows: Floats,
    generator_at: Callable[[float], Floats],
    voltages_mV: tuple[float, float],
    duration_ms: float,
    times: Floats,
) -> Floats:
    """Rows (R, S), each a law, at each of the times of a ramp, shape (T, R, S)."""
    from scipy.integrate import solve_ivp

    start, end = voltages_mV
    shape, unit = rows.shape, np.eye(len(rows))

    def generator(time: float) -> Floats:
        return generator_at(start + (end - start) * time / duration_ms)

    distinct, back = np.unique(times, return_inverse=True)
    if len(distinct) == 1:
        return np.tile(rows, (len(times), 1, 1))
    solution = solve_ivp(
        lambda time, flat: (flat.reshape(shape) @ generator(time)).ravel(),
        (distinct[0], distinct[-1]),
        rows.ravel(),
        method="LSODA",
        t_eval=distinct,
        jac=lambda time, _: np.kron(unit, generator(time).T),
        rtol=_RELATIVE_ERROR,
        atol=_ABSOLUTE_ERROR,
    )
    if not solution.success:
        raise ValueError(f"the ramp cannot be solved: {solution.message}")
    return np.asarray(solution.y.T.reshape(-1, *shape)[back])
