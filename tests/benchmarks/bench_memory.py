"""Peak memory of whole runs, files and picture included, against the length of what is recorded.

Run ``python tests/benchmarks/bench_memory.py``. A patch of 1 µm² at rest is recorded
every 0.1 ms for 10, 60 and 600 s, each in a process of its own: up to 6 million rows.
From 256 MB of records on (about 400 s) they are kept in files; ``--files`` does so for
all lengths, ``--quick`` leaves the longest out. Exits 1 if the longest run in files
needs over 100 MB more than one of 1 s.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import stochhh
from stochhh import simulate

DURATIONS_S = (1, 10, 60, 600)
MOST_GROWTH_MB = 100


def one(duration_s: float, files: bool) -> None:
    """Run, save and print what it took: MB at the peak, wall s, MB of result.nc."""
    if files:
        simulate.MOST_IN_MEMORY = 0
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        overrides = [
            "membrane.area=1 um^2",
            f"run.duration={duration_s} s",
            "run.record.interval=0.1 ms",
        ]
        result = stochhh.run("squid-patch", overrides=overrides, seed=1, trials=1)
        ran = time.perf_counter() - begun
        stochhh.save(result, Path(folder) / "run")
        saved = time.perf_counter() - begun - ran
        size = (Path(folder) / "run" / "result.nc").stat().st_size / 1e6
        rows = result.dataset.sizes["time"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{duration_s:g} {rows} {peak:.0f} {ran:.1f} {saved:.1f} {size:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="no run of 600 s")
    parser.add_argument("--files", action="store_true", help="keep records of all runs in files")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.files)
        return
    print("simulated s       rows   peak MB   run s   save s   result.nc MB")
    peaks = []
    for duration in DURATIONS_S[: -1 if arguments.quick else None]:
        command = [sys.executable, __file__, "--one", str(duration)]
        command += ["--files"] if arguments.files else []
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, rows, peak, ran, saved, size = done.stdout.split()
        print(f"{seconds:>11}  {rows:>9}  {peak:>8}  {ran:>6}  {saved:>7}  {size:>13}", flush=True)
        peaks.append(float(peak))
    if arguments.files and peaks[-1] > peaks[0] + MOST_GROWTH_MB:
        sys.exit(f"memory grew by {peaks[-1] - peaks[0]:.0f} MB")


if __name__ == "__main__":
    main()
