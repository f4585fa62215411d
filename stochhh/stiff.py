"""The deterministic limit of a stiff membrane, by scipy's Radau method.

Where rates are a million times faster than the voltage, an explicit method must take steps
as short as their inverse. Radau IIA of order 5 is L-stable and need not (Hairer & Wanner
1996, doi:10.1007/978-3-642-05221-7, IV.8).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import Radau
from scipy.optimize import brentq

from stochhh.kernels import status
from stochhh.kernels.dop853 import within
from stochhh.kernels.mean_field import derivative
from stochhh.mean_field import MeanField, SolverState
from stochhh.stimulus import Breakpoints

Floats = NDArray[np.float64]

_SAMPLES = 33  # of a step, among which its extremes and crossings are looked for
_DIFFERENCE_MV = 1e-4
_BUDGET = 100  # steps in a call: one takes a millisecond of computing


class Implicit:
    """Takes over a solution from the explicit kernel, and goes on as that does.

    Parameters
    ----------
    model, stimulus, state, tolerance, floor : those of `stochhh.kernels.deterministic.simulate`.
    """

    def __init__(
        self,
        model: MeanField,
        stimulus: Breakpoints,
        state: SolverState,
        tolerance: float,
        floor: Floats,
    ) -> None:
        self._model, self._stimulus, self._state = model, stimulus, state
        self._tolerance, self._floor = tolerance, floor
        self._clamped = len(stimulus.command) > 0
        self._within: Callable[[Floats], Floats] = self._in_last_step
        self._solver = self._begin()

    def __call__(self, budget: int, record_ms: Floats, rows: Floats, spikes: Floats) -> int:
        """Advance; parameters and status are those of the kernel."""
        clock, state, stimulus = self._state.clock[0], self._state, self._stimulus
        for _ in range(min(budget, _BUDGET)):
            passed = int(np.searchsorted(record_ms, clock["time"], side="right"))
            first = int(clock["recorded"])
            if passed > first:
                rows[first:passed] = self._within(record_ms[first:passed]).T
                clock["recorded"] = passed
            if len(record_ms) and clock["recorded"] == len(record_ms):
                return status.RECORDS_FULL
            if clock["spikes"] == len(spikes):
                return status.SPIKES_FULL
            if clock["time"] >= stimulus.end[clock["segment"]]:
                if clock["segment"] == len(stimulus.end) - 1:
                    return status.FINISHED
                clock["segment"] += 1
                if self._clamped:
                    state.y[0] = stimulus.command[clock["segment"]]
                self._solver = self._begin()
            self._solver.step()
            clock["tried"] += 1
            if self._solver.status == "failed":
                return status.STUCK
            self._within = self._solver.dense_output()
            self._look(spikes)
            clock["begun"], clock["time"] = clock["time"], self._solver.t
            clock["step"] = self._solver.step_size
            state.y[:] = self._solver.y
        return status.PAUSED

    def _in_last_step(self, times: Floats) -> Floats:
        """Evaluate the dense output of the kernel's last step, (n, k)."""
        clock, state = self._state.clock[0], self._state
        rows = np.tile(state.y, (len(times), 1))
        shares = (times - clock["begun"]) / (clock["time"] - clock["begun"])
        for row, x in zip(rows, shares, strict=True):
            if x < 1.0:
                within(state.old, state.dense, x, row)
        return rows.T

    def _begin(self) -> Radau:
        """Start anew at the beginning of a piece, where the drive jumps."""
        clock, model, clamped = self._state.clock[0], self._model, self._clamped
        drive = (self._stimulus.slope if clamped else self._stimulus.current)[clock["segment"]]
        value = np.zeros_like(self._state.value)

        def change(t: float, y: Floats) -> Floats:
            made: Floats = np.empty((1, len(y)))
            derivative(np.ascontiguousarray(y), made, 0, model, drive, clamped, value)
            slope: Floats = made[0]
            return slope

        def jacobian(t: float, y: Floats) -> Floats:
            """Exact but for the voltage: linear in the laws, and charges act on none."""
            n, n_laws = len(y), len(model.share)
            made = np.zeros((n, n))
            none = y.copy()
            none[1 : 1 + n_laws] = 0.0
            for i in range(1, 1 + n_laws):
                one = none.copy()
                one[i] = 1.0
                made[:, i] = change(t, one) - change(t, none)
            step = np.zeros(n)
            step[0] = _DIFFERENCE_MV
            made[:, 0] = (change(t, y + step) - change(t, y - step)) / (2.0 * _DIFFERENCE_MV)
            return made

        end = self._stimulus.end[clock["segment"]]
        return Radau(
            change,
            float(clock["time"]),
            self._state.y.copy(),
            float(end),
            rtol=self._tolerance,
            atol=self._floor,
            jac=jacobian,
            first_step=min(float(clock["step"]), float(end - clock["time"])),
        )

    def _look(self, spikes: Floats) -> None:
        """Find extremes and crossings of the voltage in the last step."""
        clock, model = self._state.clock[0], self._model
        times = np.linspace(clock["time"], self._solver.t, _SAMPLES)
        voltage = self._within(times)[0]
        clock["highest"] = max(clock["highest"], voltage.max())
        clock["lowest"] = min(clock["lowest"], voltage.min())
        if self._clamped:
            return
        for k in range(_SAMPLES - 1):
            before, after = voltage[k], voltage[k + 1]
            if clock["armed"] and before < model.threshold <= after:
                above = lambda t: self._within(t)[0] - model.threshold  # noqa: E731
                spikes[clock["spikes"]] = brentq(above, times[k], times[k + 1], xtol=1e-12)
                clock["spikes"] += 1
                clock["armed"] = 0
                break  # no step holds two spikes
            if not clock["armed"] and after <= model.rearm < before:
                clock["armed"] = 1
