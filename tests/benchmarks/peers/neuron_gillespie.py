"""NEURON with Gillespie's method written by its user in NMODL.

Many published models add channel noise to NEURON this way (for example ModelDB
https://modeldb.science/64195). The files in `mod/` count gates instead of summing
transitions, so a transition costs two random numbers and a short search. They are
compiled by `nrnivmodl`, which NEURON brings along; it needs a C++ compiler.

Within a step all transitions happen at the rates of the voltage at its end; then
the voltage takes an implicit Euler step. The setting is the time step in ms.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from peers import squid
from peers.neuron_section import DISTRIBUTION, clamp_runs, cylinder, patch_simulator, start
from peers.work import ClampSimulator, Held, Patch, PatchSimulator, build_folder

__all__ = ["DISTRIBUTION", "prepare_clamp", "prepare_patch"]

_loaded = False


def prepare_patch(patch: Patch, setting: str) -> PatchSimulator:
    """Make a patch with a time step of `setting` ms."""
    h = _start()
    step_ms = float(setting)
    section = cylinder(h, patch.area_um2, step_ms)
    sodium, potassium = h.GillespieNa(section(0.5)), h.GillespieK(section(0.5))
    sodium.count = squid.sodium_count(patch.area_um2)
    potassium.count = squid.potassium_count(patch.area_um2)
    for channels in (sodium, potassium):
        channels.conductance = 1e-6 * squid.CONDUCTANCE_PS
    return patch_simulator(h, section, patch, step_ms, _seeder(sodium, potassium))


def prepare_clamp(held: Held, setting: str) -> ClampSimulator:
    """Make K+ channels under clamp with a time step of `setting` ms."""
    h = _start()
    section = cylinder(h, 10.0, float(setting))
    channels = h.GillespieK(section(0.5))
    channels.count, channels.conductance = held.count, 1e-15
    seeder = _seeder(channels)
    return ClampSimulator(*clamp_runs(h, section, held, seeder, lambda: channels.opened))


def _seeder(*processes: Any) -> Any:
    def reseed(seed: int) -> None:
        for index, process in enumerate(processes):
            process.rng.set_ids(seed, index, 1)
            process.rng.set_seq(0)

    return reseed


def _start() -> Any:
    global _loaded
    h = start()
    if not _loaded:
        folder = build_folder("neuron-gillespie")
        library = next(folder.glob("*/libnrnmech.so"), None) or _compile(folder)
        h.nrn_load_dll(str(library))
        _loaded = True
    return h


def _compile(folder: Path) -> Path:
    for source in (Path(__file__).parent / "mod").glob("*.mod"):
        shutil.copy(source, folder)
    compiler = Path(sys.executable).parent / "nrnivmodl"
    subprocess.run([compiler], cwd=folder, check=True, capture_output=True)
    return next(folder.glob("*/libnrnmech.so"))
