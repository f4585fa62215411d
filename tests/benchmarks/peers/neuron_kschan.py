"""NEURON's own single channels: `KSChan` point processes in single-channel mode.

The Channel Builder's class (Carnevale & Hines 2006, doi:10.1017/CBO9780511541612;
https://nrn.readthedocs.io/en/9.0.1/progref/modelspec/programmatic/kschan.html) takes
the 8-state Na+ and the 5-state K+ channel state by state, with the very rate laws of
the membrane. `single(1)` makes `gmax` the conductance of one channel and `Nsingle`
their number; `finitialize` draws their states from equilibrium.

Within a step all transitions are followed one by one by Gillespie's method, at the
rates of the voltage at its end; then the voltage takes an implicit Euler step with
the conductance so found. A pending transition keeps its time while the voltage moves
by less than `vres`, 0.1 mV unless set. The setting is the time step in ms; 0.025 ms
is NEURON's default. Every call of the generator takes the next number of one
sequence, so only the first trial of a process is seeded: neighbouring seeds overlap.
"""

from __future__ import annotations

from typing import Any

from peers import squid
from peers.neuron_section import DISTRIBUTION, clamp_runs, cylinder, patch_simulator, start
from peers.work import ClampSimulator, Held, Patch, PatchSimulator

__all__ = ["DISTRIBUTION", "prepare_clamp", "prepare_patch"]

_KINDS = {"exponential": 2, "linoid": 3, "sigmoid": 4}
_FAR_APART = 10_007  # of seeds that follow each other
_made: dict[str, Any] = {}


def prepare_patch(patch: Patch, setting: str) -> PatchSimulator:
    """Make a patch with a time step of `setting` ms."""
    h = start()
    step_ms = float(setting)
    section = cylinder(h, patch.area_um2, step_ms)
    conductance = 1e-6 * squid.CONDUCTANCE_PS  # µS
    sodium = add_channels(h, section, "na", squid.sodium_count(patch.area_um2), conductance)
    potassium = add_channels(h, section, "k", squid.potassium_count(patch.area_um2), conductance)
    section.ena, section.ek = squid.SODIUM_REVERSAL_MV, squid.POTASSIUM_REVERSAL_MV
    simulator = patch_simulator(h, section, patch, step_ms, _seed_once)
    simulator.run.channels = (sodium, potassium)  # type: ignore[attr-defined]
    return simulator


def prepare_clamp(held: Held, setting: str) -> ClampSimulator:
    """Make K+ channels under clamp with a time step of `setting` ms."""
    h = start()
    section = cylinder(h, 10.0, float(setting))
    channels = add_channels(h, section, "k", held.count, 1e-15)
    section.ek = squid.POTASSIUM_REVERSAL_MV
    return ClampSimulator(*clamp_runs(h, section, held, _seed_once, lambda: channels.n4))


def _seed_once(seed: int) -> None:
    if "seeded" not in _made:
        _made["squid_k"].rseed(seed * _FAR_APART)
        _made["seeded"] = True


def add_channels(
    h: Any, section: Any, ion: str, count: int, conductance_uS: float, place: float = 0.5
) -> Any:
    """Put single channels of one ion at a place (0 to 1) of a section."""
    name = f"squid_{ion}"
    if name not in _made:
        _made[name] = _channel_type(h, name, ion)
    channels = getattr(h, name)(section(place))
    channels.Nsingle, channels.gmax = count, conductance_uS
    return channels


def _channel_type(h: Any, name: str, ion: str) -> Any:
    states, pairs = (
        (squid.SODIUM_STATES, squid.SODIUM_PAIRS)
        if ion == "na"
        else (squid.POTASSIUM_STATES, squid.POTASSIUM_PAIRS)
    )
    h.ion_register(ion, 1)
    scheme = h.KSChan(True)
    scheme.name(name)
    scheme.ion(ion)
    scheme.iv_type(0)
    scheme.gmax(1e-6 * squid.CONDUCTANCE_PS)
    made: list[Any] = []
    for state in states:
        made.append(scheme.add_ksstate(made[0].gate() if made else None, state))
        made[-1].frac(float(state == states[-1]))
    for pair in pairs:
        transition = scheme.add_transition(made[pair.source], made[pair.target])
        transition.type(0)
        for direction, (multiplicity, rate) in enumerate((pair.forward, pair.backward)):
            law = squid.LAWS[rate]
            slope = (-1.0 if law.kind == "sigmoid" else 1.0) / law.scale
            numbers = h.Vector([multiplicity * law.rate, slope, law.midpoint])
            transition.set_f(direction, _KINDS[law.kind], numbers)
    scheme.single(1)
    return scheme
