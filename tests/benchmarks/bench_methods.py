"""What each method with a step costs by the number of channels, beside the exact one.

Run ``python tests/benchmarks/bench_methods.py``; ``--quick`` is a short form. Each
method runs at its default step, on one thread, voltages recorded every 0.1 ms.
Processor time, the least of a few alternating repeats: compare only what one run
printed.
"""

from __future__ import annotations

import argparse
import time

from bench_exact import patch

from stochhh.exact import run_exact
from stochhh.methods import METHODS
from stochhh.plan import Plan
from stochhh.stepping import run_stepped

N_CHANNELS = (100, 1_000, 10_000, 100_000, 10_000_000)
NAMES = ("leap", "langevin", "shielded", "subunit", "leap-first-order", "frozen", "exact")
CHANNELS_PER_UM2 = 78
MOST_DRAWN_ONE_BY_ONE = 100_000  # channels; beyond, minutes a simulated second
CURRENT = 10.0  # µA/cm²


def plan_of(name: str, n_channels: int, duration_ms: float) -> Plan:
    """Plan of a squid patch of so many channels."""
    area = n_channels / CHANNELS_PER_UM2
    return patch(area, duration_ms, CURRENT, **{"run.method": name})


def seconds(one: Plan) -> float:
    """Processor time of one trial."""
    run = run_stepped if one.method.step_ms is not None else run_exact
    begun = time.thread_time()
    run(one, 0)
    return time.thread_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    quick = parser.parse_args().quick
    duration_ms, repeats = (100.0, 2) if quick else (1000.0, 5)
    print(f"s of processor time a simulated second, squid patch under {CURRENT:g} µA/cm²")
    print(f"{'channels':>18} {'step ms':>8} " + " ".join(f"{n:>10,}" for n in N_CHANNELS))
    found: dict[tuple[str, int], float] = {}
    for name in NAMES:
        for n in N_CHANNELS:
            one_by_one = name in ("exact", "frozen")
            if one_by_one and n > MOST_DRAWN_ONE_BY_ONE:
                continue
            length = duration_ms / 10 if one_by_one and n == MOST_DRAWN_ONE_BY_ONE else duration_ms
            one = plan_of(name, n, length)
            seconds(one)
            found[name, n] = min(seconds(one) for _ in range(repeats)) * 1e3 / length
        cells = (f"{found[name, n]:10.4f}" if (name, n) in found else " " * 10 for n in N_CHANNELS)
        step = METHODS[name].step_ms
        print(
            f"{name:>18} {'–' if step is None else f'{step:g}':>8} " + " ".join(cells), flush=True
        )
    leap = found["leap", 10_000_000] / found["leap", 10_000]
    print(f"leap, 10⁷ channels over 10⁴: {leap:.2f} times the time")
    print(f"langevin, 10⁵ channels: {1.0 / found['langevin', 100_000]:.0f} times real time")


if __name__ == "__main__":
    main()
