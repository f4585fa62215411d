"""The exact kernel beside the same algorithm in plain C, for the squid membrane.

Run ``python tests/benchmarks/bench_yardstick.py`` where a C compiler is at hand
(``cc``, or what ``CC`` names); ``--quick`` is a short form. The C program
(``yardstick/squid.c``) is written by hand for this one membrane; the kernel runs
any scheme, books charges, follows tagged channels and checks its bounds.

Repeats of all programs alternate, processor time of the thread is what counts, and
the least of the repeats is shown: compare only what one run printed. Then both are
set side by side in law; the exit code is 1 if they differ.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench_exact import duration_for, patch

from stochhh.exact import run_exact
from stochhh.plan import Plan, default_band_width_mV, generator
from stochhh.trial import initial_occupancy

AREAS_UM2 = (1, 10, 100, 1000)
CURRENTS = (0.0, 10.0)  # µA/cm²
OPTIONS = ("-O3", "-O3 -march=native")
INTERVAL_MS = 0.1
LIMITS_NS = {1: 100.0, 100: 60.0, 1000: 60.0}
SIGMAS = 5.0  # beyond which two means are called different

Squid = Callable[..., int]


class Once(NamedTuple):
    """What one run cost and did. n samples."""

    seconds: float
    transitions: int
    spikes: int
    samples: Any  # (n, 3) voltage (mV), open Na+ and open K+ channels


def build(options: str, folder: Path) -> Squid:
    """Compile the yardstick and load it."""
    compiler = os.environ.get("CC", "cc")
    library = folder / f"squid{options.replace(' ', '')}.so"
    source = Path(__file__).parent / "yardstick" / "squid.c"
    command = [compiler, *options.split(), "-fPIC", "-shared", str(source), "-lm", "-o"]
    subprocess.run([*command, str(library)], check=True)
    simulate: Any = ctypes.CDLL(str(library)).simulate
    number, pointer, count = ctypes.c_double, ctypes.c_void_p, ctypes.c_int64
    simulate.argtypes = [
        ctypes.c_uint64, number, number, number, number, pointer, number, count, pointer, pointer
    ]  # fmt: skip
    simulate.restype = count
    return simulate


def run_c(simulate: Squid, one: Plan, current: float, trial: int) -> Once:
    """One trial by the yardstick, from channels drawn as ours are."""
    occupancy = initial_occupancy(one, trial, generator(one.seed_sequence(trial)))
    samples = np.zeros((round(one.duration_ms / INTERVAL_MS), 3))
    counts = np.zeros(3, dtype=np.int64)
    width = default_band_width_mV(one.membrane.n_channels)
    begun = time.thread_time()
    spikes = simulate(
        trial, one.membrane.area_um2, current, one.duration_ms, width,
        occupancy.ctypes.data, INTERVAL_MS, len(samples), samples.ctypes.data, counts.ctypes.data,
    )  # fmt: skip
    return Once(time.thread_time() - begun, int(counts[0]), spikes, samples)


def run_ours(one: Plan, trial: int) -> Once:
    """One trial by the exact kernel."""
    begun = time.thread_time()
    outcome = run_exact(one, trial)
    seconds = time.thread_time() - begun
    records = outcome.records
    samples = np.column_stack([np.asarray(records.voltage), np.asarray(records.open)])
    return Once(seconds, outcome.transitions, len(outcome.spike_ms), samples)


def recorded(area_um2: float, duration_ms: float, current: float) -> Plan:
    """Plan of a squid patch that records voltage and open channels."""
    more = {"run.record.interval": f"{INTERVAL_MS} ms", "run.record.variables": '["open"]'}
    return patch(area_um2, duration_ms, current, **more)


def speeds(programs: dict[str, Squid], transitions: float, repeats: int) -> None:
    """Print ns a transition of ours, set-up and checks included, of C programs, and the ratio."""
    names = "".join(f"{f'C {options}':>20} {'ours/C':>8}" for options in programs)
    print("ns a transition, one thread, records every 0.1 ms")
    print(f"{'µm²':>6} {'µA/cm²':>7} {'ours':>7} {names}")
    kept = True
    for current in CURRENTS:
        for area in AREAS_UM2:
            one = recorded(area, duration_for(area, transitions), current)
            run_ours(one, 0)
            ours, others = [], {options: [] for options in programs}
            for trial in range(repeats):
                ours.append(_nanoseconds(run_ours(one, trial)))
                for options, simulate in programs.items():
                    others[options].append(_nanoseconds(run_c(simulate, one, current, trial)))
            best = min(ours)
            kept = kept and best <= LIMITS_NS.get(area, np.inf)
            cells = "".join(f"{min(c):20.1f} {best / min(c):8.2f}" for c in others.values())
            print(f"{area:6d} {current:7g} {best:7.1f} {cells}", flush=True)
    limits = ", ".join(f"{limit:g} ns at {area} µm²" for area, limit in LIMITS_NS.items())
    print(f"limits ({limits}): {'kept' if kept else 'NOT kept'}")


def _nanoseconds(once: Once) -> float:
    return 1e9 * once.seconds / once.transitions


def agree(simulate: Squid, trials: int, duration_ms: float) -> bool:
    """Print means of ours and of C over trials, and how many standard errors lie between."""
    print(f"\nin law: {trials} trials of {duration_ms:g} ms each")
    print(f"{'µm²':>6} {'µA/cm²':>7}  {'mean of':12} {'ours':>10} {'C':>10} {'apart, SE':>10}")
    same = True
    for area, current in ((1, 0.0), (10, 0.0), (10, 10.0), (100, 10.0)):
        one = recorded(area, duration_ms, current)
        ours = np.array([_means(run_ours(one, trial), one) for trial in range(trials)])
        fresh = range(trials, 2 * trials)
        theirs = np.array([_means(run_c(simulate, one, current, trial), one) for trial in fresh])
        spread = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / trials)
        apart = (ours.mean(axis=0) - theirs.mean(axis=0)) / spread
        same = same and bool((np.abs(apart) < SIGMAS).all())
        for row, name in enumerate(("spikes/s", "flips/ms", "V, mV", "open Na+", "open K+")):
            us, them = ours[:, row].mean(), theirs[:, row].mean()
            print(f"{area:6d} {current:7g}  {name:12} {us:10.4g} {them:10.4g} {apart[row]:10.2f}")
    return same


def _means(once: Once, one: Plan) -> list[float]:
    per_s = 1e3 * once.spikes / one.duration_ms
    return [per_s, once.transitions / one.duration_ms, *once.samples.mean(axis=0)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    arguments = parser.parse_args()
    if shutil.which(os.environ.get("CC", "cc")) is None:
        print("no C compiler here (cc, or set CC): nothing to compare with")
        return 0
    share = 0.1 if arguments.quick else 1.0
    with tempfile.TemporaryDirectory() as folder:
        programs = {options: build(options, Path(folder)) for options in OPTIONS}
        speeds(programs, 3e5 if arguments.quick else 3e6, repeats=5 if arguments.quick else 12)
        same = agree(programs[OPTIONS[0]], trials=24, duration_ms=2000.0 * share)
    print("the same in law" if same else "NOT the same in law")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
