"""What a peer is asked for, and what it hands back."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Names the folder in which all children of one benchmark keep what they compiled.
BUILD_FOLDER = "STOCHHH_PEERS_BUILD"


@dataclass(frozen=True)
class Patch:
    """A squid patch under a steady current.

    Attributes
    ----------
    area_um2, current_uA_cm2 : of the membrane, and injected.
    """

    area_um2: float
    current_uA_cm2: float


@dataclass(frozen=True)
class Held:
    """K+ channels that settled at one voltage and are stepped to another at time 0.

    Attributes
    ----------
    count : channels.
    before_mV, voltage_mV : in whose equilibrium they start, and at which they are held.
    """

    count: int
    before_mV: float
    voltage_mV: float


@dataclass(frozen=True)
class PatchSimulator:
    """A compiled patch.

    Attributes
    ----------
    run : seed, duration (ms) -> spike times (ms) of one fresh trial from rest.
    trial_ms : the only duration it can run, None for any.
    """

    run: Callable[[int, float], Floats]
    trial_ms: float | None = None


@dataclass(frozen=True)
class ClampSimulator:
    """Compiled channels under clamp.

    Attributes
    ----------
    sweeps : seed, number of sweeps, times (ms) -> open counts (sweeps, times).
    hold : seed, duration (ms) -> nothing; one sweep for timing.
    """

    sweeps: Callable[[int, int, Floats], Ints]
    hold: Callable[[int, float], object]


def build_folder(name: str) -> Path:
    """Return a folder for compiled code, kept for one benchmark or one process."""
    parent = os.environ.get(BUILD_FOLDER)
    if parent is None:
        parent = tempfile.mkdtemp(prefix="stochhh-peers-")
        os.environ[BUILD_FOLDER] = parent
        atexit.register(shutil.rmtree, parent, ignore_errors=True)
    folder = Path(parent) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
