"""One cylinder of NEURON with the leak and current of the squid patch, shared by both its rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from peers import squid
from peers.work import Floats, Held, Ints, Patch, PatchSimulator

DISTRIBUTION = "neuron"


def start() -> Any:
    """Load NEURON without its windows and return its interpreter."""
    os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")
    from neuron import h

    h.load_file("stdrun.hoc")
    return h


def cylinder(h: Any, area_um2: float, step_ms: float) -> Any:
    """Return a section of one compartment with the area asked for, without leak."""
    section = h.Section(name="patch")
    section.nseg = 1
    section.L = section.diam = np.sqrt(area_um2 / np.pi)
    section.cm = squid.CAPACITANCE_UF_CM2
    h.celsius = 6.3
    h.secondorder = 0
    h.dt = step_ms
    h.steps_per_ms = 1.0 / step_ms
    return section


def patch_simulator(
    h: Any, section: Any, patch: Patch, step_ms: float, reseed: Callable[[int], object]
) -> PatchSimulator:
    """Put leak and current on a section with channels, and run it from rest."""
    section.insert("pas")
    section(0.5).pas.g = 1e-3 * squid.LEAK_MS_CM2
    section(0.5).pas.e = squid.LEAK_REVERSAL_MV
    current = h.IClamp(section(0.5))
    current.delay, current.dur = 0.0, 1e9
    current.amp = 1e-5 * patch.current_uA_cm2 * patch.area_um2  # nA
    voltage = h.Vector().record(section(0.5)._ref_v)
    context = h.ParallelContext()
    context.set_maxstep(10.0)

    def run(seed: int, duration_ms: float) -> Floats:
        reseed(seed)
        h.finitialize(squid.REST_MV)
        context.psolve(duration_ms)
        return squid.spikes_of(np.array(voltage), step_ms)

    run.kept = (section, current, voltage)  # type: ignore[attr-defined]
    return PatchSimulator(run)


def clamp_runs(
    h: Any, section: Any, held: Held, reseed: Callable[[int], object], opened: Callable[[], float]
) -> tuple[Callable[[int, int, Floats], Ints], Callable[[int, float], object]]:
    """Clamp a section with `SEClamp`; return the two functions of a `ClampSimulator`."""
    clamp = h.SEClamp(section(0.5))
    clamp.rs, clamp.dur1, clamp.amp1 = 1e-3, 1e9, held.voltage_mV
    context = h.ParallelContext()
    context.set_maxstep(10.0)

    def sweeps(seed: int, n_sweeps: int, times_ms: Floats) -> Ints:
        counts = np.zeros((n_sweeps, len(times_ms)), dtype=np.int64)
        reseed(seed)
        for sweep in range(n_sweeps):
            h.finitialize(held.before_mV)
            for index, time_ms in enumerate(times_ms):
                context.psolve(time_ms)
                counts[sweep, index] = round(opened())
        return counts

    def hold(seed: int, duration_ms: float) -> None:
        reseed(seed)
        h.finitialize(held.before_mV)
        context.psolve(duration_ms)

    hold.kept = (section, clamp)  # type: ignore[attr-defined]
    return sweeps, hold
