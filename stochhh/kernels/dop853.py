"""One step of the Runge-Kutta method of order 8 by Dormand and Prince, with dense output.

Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I
(doi:10.1007/978-3-540-78862-1), II.5 and II.10.
"""

from __future__ import annotations

import numpy as np

from stochhh.kernels.dop853_numbers import ARGUMENT, DENSE, ERROR, SLOPES
from stochhh.kernels.mean_field import derivative
from stochhh.kernels.patch import inlined, jit

STAGES = 12
_ORDER = 7  # of the dense output


@inlined
def _slopes(first, last, y, h, slopes, reached, model, drive, clamped, value):
    """Fill rows of `slopes` one after the other; the argument of the last is `reached`."""
    for row in range(first, last):
        for i in range(y.shape[0]):
            reached[i] = y[i]
        for q in range(row):
            by = h * ARGUMENT[row, q]
            if by != 0.0:
                for i in range(y.shape[0]):
                    reached[i] += by * slopes[q, i]
        derivative(reached, slopes, row, model, drive, clamped, value)


@jit
def attempt(y, h, slopes, reached, model, drive, clamped, value, floor, tolerance):
    """Try a step from `y`, whose slope is ``slopes[0]``, to `reached`; return its error.

    The error is in units of what is allowed, ``floor + tolerance |y|`` of each component;
    up to 1 the step is good. Then ``slopes[12]`` is the slope at `reached`.
    """
    _slopes(1, STAGES + 1, y, h, slopes, reached, model, drive, clamped, value)
    fifth_sum, third_sum = 0.0, 0.0
    for i in range(y.shape[0]):
        fifth, third = 0.0, 0.0
        for q in range(STAGES + 1):
            fifth += ERROR[0, q] * slopes[q, i]
            third += ERROR[1, q] * slopes[q, i]
        allowed = floor[i] + tolerance * max(abs(y[i]), abs(reached[i]))
        fifth_sum += (fifth / allowed) ** 2
        third_sum += (third / allowed) ** 2
    if fifth_sum == 0.0 and third_sum == 0.0:
        return 0.0
    return h * fifth_sum / np.sqrt((fifth_sum + 0.01 * third_sum) * y.shape[0])


@jit
def interpolate(y, h, slopes, reached, room, model, drive, clamped, value, dense):
    """Fill the coefficients of the dense output, (7, n), of the step from `y` to `reached`."""
    _slopes(STAGES + 1, SLOPES, y, h, slopes, room, model, drive, clamped, value)
    for i in range(y.shape[0]):
        delta = reached[i] - y[i]
        dense[0, i] = delta
        dense[1, i] = h * slopes[0, i] - delta
        dense[2, i] = 2.0 * delta - h * (slopes[STAGES, i] + slopes[0, i])
    for k in range(4):
        for i in range(y.shape[0]):
            dense[3 + k, i] = 0.0
        for q in range(SLOPES):
            by = h * DENSE[k, q]
            if by != 0.0:
                for i in range(y.shape[0]):
                    dense[3 + k, i] += by * slopes[q, i]


@jit
def within(y, dense, x, row):
    """Write all components at the share x, from 0 to 1, of a step that began at `y`."""
    for i in range(y.shape[0]):
        row[i] = 0.0
    for k in range(_ORDER - 1, -1, -1):
        factor = x if k % 2 == 0 else 1.0 - x
        for i in range(y.shape[0]):
            row[i] = (row[i] + dense[k, i]) * factor
    for i in range(y.shape[0]):
        row[i] += y[i]


@jit
def voltage_within(y, dense, x):
    """Evaluate the voltage, component 0, as `within` does."""
    value = 0.0
    for k in range(_ORDER - 1, -1, -1):
        value = (value + dense[k, 0]) * (x if k % 2 == 0 else 1.0 - x)
    return y[0] + value


@jit
def slope_within(dense, x):
    """Evaluate the derivative of `voltage_within` by x."""
    value, rising = 0.0, 0.0
    for k in range(_ORDER - 1, -1, -1):
        factor, change = (x, 1.0) if k % 2 == 0 else (1.0 - x, -1.0)
        rising = rising * factor + (value + dense[k, 0]) * change
        value = (value + dense[k, 0]) * factor
    return rising
