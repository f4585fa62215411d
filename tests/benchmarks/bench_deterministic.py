"""How fast the deterministic limit is solved, and how far its spikes are from those of a finer one.

Run ``python tests/benchmarks/bench_deterministic.py``; ``--quick`` is a short form. Beside it
stands scipy's LSODA on the same compiled equations. Numbers are those of one machine at one
moment: compare only what one run printed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from stochhh import deterministic
from stochhh.kernels.mean_field import derivative
from stochhh.kinetics.files import load_scheme
from stochhh.mean_field import MeanField
from stochhh.membrane import Membrane, Population
from stochhh.stimulus import Breakpoints

Floats = NDArray[np.float64]

REPEATS = 3
#: By name: sodium, potassium, temperature (degC), sodium's conductance (mS/cm²), current (µA/cm²).
MEMBRANES = {
    "squid": ("squid-na", "squid-k", 6.3, 120.0, 20.0),
    "squid, 18.5 °C": ("squid-na", "squid-k", 18.5, 120.0, 20.0),
    "squid, Markov Na⁺": ("squid-na-markov", "squid-k", 6.3, 120.0, 10.0),
    "pyramidal, 37 °C": ("pyramidal-na", "pyramidal-k", 37.0, 100.0, 5.0),
    "Purkinje": ("purkinje-na", "pyramidal-k", 22.0, 150.0, 10.0),
}


@njit
def slope(y, slopes, model, drive, value):
    derivative(y, slopes, 0, model, drive, False, value)


def membrane(sodium: str, potassium: str, temperature_degC: float, mS_cm2: float) -> Membrane:
    """100 µm² with two channel types of the library."""
    kinds = ((sodium, mS_cm2, 50.0), (potassium, 30.0, -77.0))
    populations = tuple(
        Population(name, load_scheme(name).at(temperature_degC), 1000, 1e-3 * maximal, reversal)
        for name, maximal, reversal in kinds
    )
    return Membrane(100.0, 1.0, 0.3, -60.0, populations)


def timed(work: Callable[[], Floats]) -> tuple[float, Floats]:
    """Best processor time (s) of a few runs, and what they found."""
    best, found = float("inf"), work()
    for _ in range(REPEATS):
        begun = time.thread_time()
        found = work()
        best = min(best, time.thread_time() - begun)
    return best, found


def by_lsoda(one: Membrane, stimulus: Breakpoints, rest: float) -> Floats:
    """Spike times by LSODA, a stretch between jumps at a time."""
    model = MeanField.of(one, 0.0, -30.0)
    value, made = np.zeros(len(model.rates.kind)), np.zeros((1, 1))

    def change(t: float, y: Floats, drive: float) -> Floats:
        slope(y, made, model, drive, value)
        return made[0].copy()

    def rises(t: float, y: Floats, drive: float) -> float:
        return float(y[0])

    rises.direction = 1.0  # type: ignore[attr-defined]
    y = np.concatenate([[rest], *one.stationary_laws(rest), np.zeros(len(model.maximal))])
    made = np.zeros((1, len(y)))
    begin, spikes = 0.0, [np.zeros(0)]
    for end, current in zip(stimulus.end, stimulus.current, strict=True):
        solved = solve_ivp(
            change, (begin, end), y, "LSODA", args=(current,), events=rises, rtol=1e-8, atol=1e-10
        )
        spikes.append(solved.t_events[0])
        y, begin = solved.y[:, -1], end
    return np.concatenate(spikes)


def row(name: str, one: Membrane, stimulus: Breakpoints) -> None:
    """Solve it three ways and print a line."""
    rest = one.resting_voltage_mV()
    laws, records = one.stationary_laws(rest), np.arange(0.0, stimulus.end[-1], 0.1)

    def ours(tolerance: float) -> deterministic.Course:
        return deterministic.simulate(one, stimulus, records, rest, laws, tolerance=tolerance)

    seconds, spikes = timed(lambda: ours(deterministic.TOLERANCE).spike_ms)
    exact = ours(1e-13).spike_ms
    theirs, other = timed(lambda: by_lsoda(one, stimulus, rest))
    scale = 1e3 / stimulus.end[-1]
    print(
        f"| {name} | {len(exact)} | {seconds * scale:.3f} | {away(spikes, exact)} "
        f"| {theirs * scale:.2f} | {away(other, exact)} | {theirs / seconds:.0f} |",
        flush=True,
    )


def away(spikes: Floats, exact: Floats) -> str:
    """Largest error of spike times, ms."""
    if len(spikes) != len(exact):
        return f"{len(spikes)} spikes"
    return f"{np.abs(spikes - exact).max(initial=0.0):.0e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    duration = 100.0 if parser.parse_args().quick else 1000.0
    print(f"load {os.getloadavg()[0]:.1f}; s for a simulated second, errors of spike times in ms")
    print("| membrane | spikes | s | error | LSODA, s | error | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, (*kinds, current) in MEMBRANES.items():
        row(name, membrane(*kinds), Breakpoints(np.array([duration]), np.array([current])))
    rng, n = np.random.default_rng(1), int(duration / 0.05)
    noise = Breakpoints(0.05 * np.arange(1, n + 1), rng.normal(10.0, 5.0, n))
    row("squid, noise of 0.05 ms", membrane(*MEMBRANES["squid"][:4]), noise)


if __name__ == "__main__":
    main()
