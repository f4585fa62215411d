"""How fast the exact method is, how it scales with threads, and what memory it needs.

Run ``python tests/benchmarks/bench_exact.py``; ``--bands`` tries widths of the
voltage bands instead, ``--quick`` is a short form. Numbers are those of one
machine at one moment: compare only what one run printed.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import stochhh
from stochhh.exact import run_exact
from stochhh.plan import Plan, default_band_width_mV
from stochhh.simulate import plan, resolve
from stochhh.trial import Trial

AREAS_UM2 = (1, 10, 100, 1000)
WIDTHS_MV = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
REPEATS = 3


def patch(area_um2: float, duration_ms: float, current: float = 0.0, **more: str) -> Plan:
    """Plan of a squid patch under a steady current (µA/cm²)."""
    overrides = [
        f"membrane.area={area_um2} um^2",
        f"run.duration={duration_ms} ms",
        f'stimulus=[{{kind="constant", amplitude="{current} uA/cm^2"}}]',
        *(f"{key}={value}" for key, value in more.items()),
    ]
    scenario = resolve("squid-patch", overrides, seed=1)
    return plan(scenario)[0][0]


def timed(one: Plan) -> tuple[float, Trial]:
    """Best processor time (s) of a few identical runs, and the trial."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.process_time()
        trial = run_exact(one, 0)
        best = min(best, time.process_time() - begun)
    return best, trial


def duration_for(area_um2: float, transitions: float) -> float:
    """Simulated time (ms) that makes about so many transitions at rest."""
    return max(20.0, transitions / (85.0 * area_um2))


def speed(transitions: float) -> None:
    print("exact method, squid patch, one thread")
    print(
        "area µm²  I µA/cm²   bands mV   ns/transition   s per simulated s   rejected   crossings"
    )
    for current in (0.0, 10.0):
        for area in AREAS_UM2:
            one = patch(area, duration_for(area, transitions), current)
            run_exact(one, 1)
            seconds, trial = timed(one)
            width = default_band_width_mV(one.membrane.n_channels)
            print(
                f"{area:8d}  {current:8g}  {width:9g}   {1e9 * seconds / trial.transitions:13.1f}"
                f"   {1e3 * seconds / one.duration_ms:17.4f}"
                f"   {trial.rejected / trial.transitions:8.4f}"
                f"   {trial.crossings / trial.transitions:9.4f}"
            )


def bands(transitions: float) -> None:
    print("ns/transition for widths of the voltage bands")
    print("area µm²" + "".join(f"{width:9g} mV" for width in WIDTHS_MV))
    for area in (1, 3, 10, 30, 100, 300):
        cells = []
        for width in WIDTHS_MV:
            more = {"run.band_width": f"{width} mV"}
            seconds, trial = timed(patch(area, duration_for(area, transitions), **more))
            cells.append(f"{1e9 * seconds / trial.transitions:12.1f}")
        print(f"{area:8d}" + "".join(cells))


def threads(transitions: float) -> None:
    print("\nthroughput of 8 trials against one thread (100 µm²)")
    duration_ms = duration_for(100, max(transitions, 1e7) / 2)
    overrides = [f"run.duration={duration_ms} ms", "run.deterministic=false"]
    once = None
    for workers in (1, 2, 4):
        best = float("inf")
        for _ in range(REPEATS):
            begun = time.perf_counter()
            stochhh.run("squid-patch", overrides=overrides, seed=1, trials=8, workers=workers)
            best = min(best, time.perf_counter() - begun)
        once = once or best
        print(f"{workers} threads: {once / best:.2f} times")


def memory(transitions: float) -> None:
    """Peak memory of runs that differ only in their number of transitions."""
    print("\npeak memory, 1000 records, in a process of its own")
    for factor in (1, 10):
        duration = duration_for(100, transitions * factor / 4)
        command = [sys.executable, __file__, "--one", str(duration)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def one_for_memory(duration_ms: float) -> None:
    one = patch(100, duration_ms, **{"run.record.interval": f"{duration_ms / 1000} ms"})
    trial = run_exact(one, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{trial.transitions:12,d} transitions: {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--bands", action="store_true", help="try widths of the voltage bands")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    transitions = 1e6 if arguments.quick else 1e7
    if arguments.one:
        one_for_memory(arguments.one)
    elif arguments.bands:
        bands(transitions / 4)
    else:
        speed(transitions)
        threads(transitions)
        memory(transitions)


if __name__ == "__main__":
    main()
