"""The phases of one action potential, read off a voltage course."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Slope (mV/ms) at which the upstroke counts as begun; a customary criterion
#: (Naundorf, Wolf & Volgushev 2006, doi:10.1038/nature04610, use 10 mV/ms).
UPSTROKE_SLOPE = 10.0
_BACK_AT_REST = 1.0  # mV
_SMOOTHING_MS = 0.1  # channel noise makes any finer slope meaningless


@dataclass(frozen=True)
class Anatomy:
    """Times (ms) and voltages (mV) of the landmarks of an action potential.

    `recovered_ms` is when the voltage is back within 1 mV of rest after the
    afterhyperpolarisation, None if that lies beyond the record; likewise
    `repolarised_ms`, when the falling phase passes the resting level.
    """

    rest_mV: float
    threshold_ms: float
    threshold_mV: float
    peak_ms: float
    peak_mV: float
    repolarised_ms: float | None
    undershoot_ms: float | None
    undershoot_mV: float | None
    recovered_ms: float | None


def anatomy(time_ms: Floats, voltage_mV: Floats, rest_mV: float, spike_ms: float) -> Anatomy:
    """Find the landmarks of the action potential that crosses the detection level at `spike_ms`.

    Parameters
    ----------
    time_ms, voltage_mV : (n,) the course
    rest_mV : resting potential
    spike_ms : when the spike was detected

    Raises
    ------
    ValueError
        No sample lies before and after the spike.
    """
    crossing = int(np.searchsorted(time_ms, spike_ms))
    if not 0 < crossing < len(time_ms) - 1:
        raise ValueError(f"the spike at {spike_ms:g} ms lies at the end of the record")
    step = time_ms[1] - time_ms[0]
    reach = max(1, round(_SMOOTHING_MS / step))
    ahead = np.minimum(np.arange(len(time_ms)) + reach, len(time_ms) - 1)
    behind = np.maximum(np.arange(len(time_ms)) - reach, 0)
    slope = (voltage_mV[ahead] - voltage_mV[behind]) / (time_ms[ahead] - time_ms[behind])
    slow = np.nonzero(slope[:crossing] < UPSTROKE_SLOPE)[0]
    onset = int(slow[-1]) + 1 if len(slow) else 0

    falling = np.nonzero(voltage_mV[crossing:] <= rest_mV)[0]
    back = crossing + int(falling[0]) if len(falling) else None
    peak = crossing + int(np.argmax(voltage_mV[crossing : back or len(voltage_mV)]))
    undershoot = recovered = None
    if back is not None:
        again = np.nonzero(voltage_mV[back:] > rest_mV + _BACK_AT_REST)[0]
        end = back + int(again[0]) if len(again) else len(voltage_mV)
        undershoot = back + int(np.argmin(voltage_mV[back:end]))
        near = np.nonzero(voltage_mV[undershoot:] > rest_mV - _BACK_AT_REST)[0]
        recovered = undershoot + int(near[0]) if len(near) else None

    def when(index: int | None) -> float | None:
        return None if index is None else float(time_ms[index])

    return Anatomy(
        rest_mV=rest_mV,
        threshold_ms=float(time_ms[onset]),
        threshold_mV=float(voltage_mV[onset]),
        peak_ms=float(time_ms[peak]),
        peak_mV=float(voltage_mV[peak]),
        repolarised_ms=when(back),
        undershoot_ms=when(undershoot),
        undershoot_mV=None if undershoot is None else float(voltage_mV[undershoot]),
        recovered_ms=when(recovered),
    )
