"""The deterministic limit of a membrane patch under pieces of current or of command voltage."""

from __future__ import annotations

from math import inf

from stochhh.kernels.dop853 import (
    STAGES,
    attempt,
    interpolate,
    slope_within,
    voltage_within,
    within,
)
from stochhh.kernels.mean_field import derivative
from stochhh.kernels.patch import jit
from stochhh.kernels.status import FINISHED, PAUSED, RECORDS_FULL, SPIKES_FULL, STUCK

_HALVINGS = 60
_SHORTEST = 1e-15  # relative to the time reached


@jit
def crossing(y, dense, low, high, level, rising):
    """Bisect for the share of a step, between two, at which its voltage passes a level."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if (voltage_within(y, dense, middle) >= level) == rising:
            high = middle
        else:
            low = middle
    return high


@jit
def turning(dense, rising_first):
    """Bisect for the share of a step at which its voltage turns."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if (slope_within(dense, middle) > 0.0) == rising_first:
            low = middle
        else:
            high = middle
    return high


@jit
def simulate(model, stimulus, state, tolerance, floor, budget, record_ms, rows, spikes):
    """Solve the mean field, until its stimulus ends or something needs the caller.

    Parameters
    ----------
    model : `stochhh.mean_field.MeanField`
    stimulus : `stochhh.stimulus.Breakpoints`
    state : `stochhh.mean_field.SolverState`, updated in place
    tolerance : relative error allowed to a step
    floor : float64 (n,), absolute error allowed besides
    budget : int, steps to try before returning PAUSED
    record_ms : float64 (k,), times to report; at a breakpoint what came before it
    rows : float64 (k, n), written in place
    spikes : float64, crossing times in ms, written in place

    Returns
    -------
    status : int, of `stochhh.kernels.status`
    """
    y, old, reached, room = state.y, state.old, state.reached, state.room
    slopes, dense, value, clock = state.slopes, state.dense, state.value, state.clock[0]
    n = y.shape[0]
    clamped = stimulus.command.shape[0] > 0
    t, begun, h = clock["time"], clock["begun"], clock["step"]
    segment, armed = clock["segment"], clock["armed"]
    n_spikes, row, tried = clock["spikes"], clock["recorded"], clock["tried"]
    highest, lowest = clock["highest"], clock["lowest"]
    drive = stimulus.slope[segment] if clamped else stimulus.current[segment]
    end = stimulus.end[segment]
    if tried == 0:
        derivative(y, slopes, 0, model, drive, clamped, value)
    status = PAUSED
    for _ in range(budget):
        while row < record_ms.shape[0] and record_ms[row] <= t:
            x = (record_ms[row] - begun) / (t - begun) if t > begun else 1.0
            if x < 1.0:
                within(old, dense, x, rows[row])
            else:
                rows[row] = y
            row += 1
        if row == record_ms.shape[0] and row > 0:
            status = RECORDS_FULL
            break
        if n_spikes == spikes.shape[0]:
            status = SPIKES_FULL
            break
        if t >= end:
            if segment == stimulus.end.shape[0] - 1:
                status = FINISHED
                break
            segment += 1
            end = stimulus.end[segment]
            if clamped:
                y[0], drive = stimulus.command[segment], stimulus.slope[segment]
                highest, lowest = max(highest, y[0]), min(lowest, y[0])
            else:
                drive = stimulus.current[segment]
            derivative(y, slopes, 0, model, drive, clamped, value)

        last = h >= end - t
        tried += 1
        length = end - t if last else h
        error = attempt(y, length, slopes, reached, model, drive, clamped, value, floor, tolerance)
        if not error <= 1.0:
            h = length * (max(0.2, 0.9 * error**-0.125) if error < inf else 0.2)
            if h <= _SHORTEST * t:
                status = STUCK
                break
            continue

        rising, rises = slopes[0, 0] > 0.0, slopes[STAGES, 0] > 0.0
        low, high = min(y[0], reached[0]), max(y[0], reached[0])
        arrival = end if last else t + length
        turned = rising != rises
        recorded = row < record_ms.shape[0] and record_ms[row] < arrival
        passes = not clamped and (
            (armed == 1 and y[0] < model.threshold <= reached[0])
            or (armed == 0 and reached[0] <= model.rearm < y[0])
        )
        if turned or recorded or passes:
            interpolate(y, length, slopes, reached, room, model, drive, clamped, value, dense)
        turn = 1.0
        if turned:
            turn = turning(dense, rising)
            extreme = voltage_within(y, dense, turn)
            low, high = min(low, extreme), max(high, extreme)
        highest, lowest = max(highest, high), min(lowest, low)
        if not clamped:
            first, since, until = y[0], 0.0, turn
            for part in range(2 if turned else 1):
                final = voltage_within(y, dense, turn) if turned and part == 0 else reached[0]
                if armed == 1 and first < model.threshold <= final:
                    x = crossing(y, dense, since, until, model.threshold, True)
                    spikes[n_spikes] = t + x * length
                    n_spikes += 1
                    armed = 0
                elif armed == 0 and final <= model.rearm < first:
                    armed = 1
                first, since, until = final, turn, 1.0
        begun, t = t, arrival
        for i in range(n):
            old[i], y[i] = y[i], reached[i]
            slopes[0, i] = slopes[STAGES, i]
        longer = min(5.0, 0.9 * error**-0.125) if error > 0.0 else 5.0
        h = max(h, length * longer) if last else length * longer

    clock["time"], clock["begun"], clock["step"] = t, begun, h
    clock["segment"], clock["armed"] = segment, armed
    clock["spikes"], clock["recorded"], clock["tried"] = n_spikes, row, tried
    clock["highest"], clock["lowest"] = highest, lowest
    return status
