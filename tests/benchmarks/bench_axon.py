"""What an axon costs: seconds of computing for a simulated second and compartment.

Run ``python tests/benchmarks/bench_axon.py``; with NEURON installed (``pip install -e
".[peers]"``) it stands beside: its deterministic cable and its stochastic one, whose
channels are single ones (KSChan, see `peers/neuron_kschan.py`). ``--switch`` measures
instead where drawing transitions one by one stops being cheaper than redistributing
every state, which is the number that `auto` goes by.

The work: a squid axon of 1 µm at 6.3 degC in compartments of 20 µm, each with 3770 Na+
and 1131 K+ channels, stimulated every 25 ms; one thread. Rows take turns, round after
round, so that whatever else the machine does falls on all. Compiling and a first run are
not counted. Compare only what one run printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import stochhh

DIAMETER_UM, COMPARTMENT_UM = 1.0, 20.0
PERIOD_MS = 25.0

#: Runs an axon for so many ms with a seed; returns the times of spikes at 1/4 and 3/4, and
#: the seconds it took.
Run = Callable[[int, float], tuple[Any, Any, float]]


def tables(n: int, method: str, step_ms: float, duration_ms: float) -> dict[str, Any]:
    """Scenario of the axon."""
    channels = [
        {"scheme": "squid-na", "density": "60 / um^2", "conductance": "20 pS",
         "reversal": "50 mV"},
        {"scheme": "squid-k", "density": "18 / um^2", "conductance": "20 pS",
         "reversal": "-77 mV"},
    ]  # fmt: skip
    membrane = {
        "capacitance": "1 uF/cm^2",
        "temperature": "6.3 degC",
        "leak": {"conductance": "0.3 mS/cm^2", "reversal": "-54.387 mV"},
        "channels": channels,
    }
    section = {
        "name": "shaft", "membrane": "squid", "length": f"{n * COMPARTMENT_UM} um",
        "diameter": f"{DIAMETER_UM} um", "compartments": n,
    }  # fmt: skip
    return {
        "format": 1,
        "title": "an axon",
        "membranes": {"squid": membrane},
        "cell": [{"name": "axon", "axial_resistivity": "35.4 ohm cm", "section": [section]}],
        "stimulus": [
            {"kind": "pulse-train", "amplitude": "300 pA", "start": "1 ms", "duration": "0.5 ms",
             "interval": f"{PERIOD_MS} ms", "count": 100_000}
        ],
        "run": {
            "duration": f"{duration_ms} ms", "method": method, "step": f"{step_ms} ms",
            "deterministic": False, "seed": 1,
            "record": {"interval": f"{duration_ms} ms", "where": ["axon end"]},
        },
    }  # fmt: skip


def ours(n: int, method: str, step_ms: float) -> Run:
    """Our axon with a method and step."""

    def run(seed: int, duration_ms: float) -> tuple[Any, Any, float]:
        scenario = tables(n, method, step_ms, duration_ms)
        begun = time.perf_counter()
        data = stochhh.run(scenario, seed=seed, workers=1).dataset
        spent = time.perf_counter() - begun
        time_ms, where = data["spike_time"].values, data["spike_compartment"].values
        return time_ms[where == n // 4], time_ms[where == (3 * n) // 4], spent

    return run


def neuron(n: int, stochastic: bool, step_ms: float) -> Run:
    """NEURON's axon, its channels as equations or one by one, in a process of its own.

    All sections of a process are simulated together, so two rows must not share one.
    """
    process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def run(seed: int, duration_ms: float) -> tuple[Any, Any, float]:
        return process.submit(_run_neuron, n, stochastic, step_ms, duration_ms).result()

    return run


@cache
def _neuron_axon(n: int, stochastic: bool, step_ms: float) -> Any:
    from peers import squid
    from peers.neuron_kschan import add_channels
    from peers.neuron_section import start

    h = start()
    section = h.Section(name="axon")
    section.nseg, section.L, section.diam = n, n * COMPARTMENT_UM, DIAMETER_UM
    section.Ra, section.cm = 35.4, 1.0
    kept: list[Any] = []
    if stochastic:
        section.insert("pas")
        area = np.pi * DIAMETER_UM * COMPARTMENT_UM
        counts = {"na": squid.sodium_count(area), "k": squid.potassium_count(area)}
        for segment in section:
            segment.pas.g, segment.pas.e = 1e-3 * squid.LEAK_MS_CM2, squid.LEAK_REVERSAL_MV
            for ion, count in counts.items():
                conductance = 1e-6 * squid.CONDUCTANCE_PS
                kept.append(add_channels(h, section, ion, count, conductance, segment.x))
    else:
        section.insert("hh")
    section.ena, section.ek = squid.SODIUM_REVERSAL_MV, squid.POTASSIUM_REVERSAL_MV
    h.celsius, h.dt, h.steps_per_ms = 6.3, step_ms, 1.0 / step_ms
    pulses = h.IClamp(section(0.5 / n))
    pulses.delay, pulses.dur, pulses.amp = 0.0, 1e9, 0.0
    voltages = [h.Vector().record(section(x)._ref_v) for x in (0.25, 0.75)]
    edges = np.arange(1.0, 1e4, PERIOD_MS)
    when = np.sort(np.concatenate([[0.0], edges, edges, edges + 0.5, edges + 0.5]))
    level = np.concatenate([[0.0], np.tile([0.0, 0.3, 0.3, 0.0], len(edges))])
    times, amplitudes = h.Vector(when), h.Vector(level)
    amplitudes.play(pulses._ref_amp, times, 1)
    context = h.ParallelContext()
    context.set_maxstep(10.0)
    kept += [section, pulses, times, amplitudes]
    return h, context, voltages, kept


def _run_neuron(n: int, stochastic: bool, step_ms: float, duration_ms: float) -> Any:
    from peers import squid

    h, context, voltages, _ = _neuron_axon(n, stochastic, step_ms)
    begun = time.perf_counter()
    h.finitialize(squid.REST_MV)
    context.psolve(duration_ms)
    spent = time.perf_counter() - begun
    first, second = (squid.spikes_of(np.array(v), step_ms) for v in voltages)
    return first, second, spent


def measure(rows: dict[str, Run], n: int, duration_ms: float, rounds: int) -> Table:
    """Let rows take turns, and lay out their costs and velocities."""
    for run in rows.values():
        run(0, 30.0)
    spent: dict[str, list[float]] = {name: [] for name in rows}
    speeds: dict[str, list[float]] = {name: [] for name in rows}
    for turn in range(rounds):
        for name, run in rows.items():
            first, second, seconds = run(turn + 1, duration_ms)
            spent[name].append(seconds)
            pairs = min(len(first), len(second))
            distance_mm = 1e-3 * COMPARTMENT_UM * ((3 * n) // 4 - n // 4)
            speeds[name].extend(distance_mm / (second[:pairs] - first[:pairs]))
    table = Table(title=f"{n} compartments, {rounds} rounds of {duration_ms:g} ms")
    for heading in ("row", "s / (s compartment)", "ratio", "m/s", "spikes"):
        table.add_column(heading, justify="left" if heading == "row" else "right")
    base = None
    for name in rows:
        cost = float(np.median(spent[name])) / (1e-3 * duration_ms) / n
        base = base or cost
        speed = np.array(speeds[name])
        table.add_row(
            name, f"{cost:.4f}", f"{cost / base:.2f}", f"{np.median(speed):.4f}", f"{len(speed)}"
        )
    return table


def switch() -> Table:
    """Cost of both ways to draw, against the transitions expected in a step."""
    table = Table(title="a step of one compartment's channels: ns by either way")
    for heading in ("channels", "transitions a step", "one by one", "redistributed", "ratio"):
        table.add_column(heading, justify="right")
    n, duration_ms = 40, 1000.0
    for factor in (0.003, 0.01, 0.03, 0.1):
        costs, flips = [], 0.0
        for method in ("exact", "leap"):
            scenario = tables(n, method, 0.05, duration_ms)
            scenario["membranes"]["squid"]["count_factor"] = factor
            scenario["stimulus"] = []
            stochhh.run(scenario, workers=1)
            result = stochhh.run(scenario, workers=1)
            seconds = result.seconds.trials
            costs.append(seconds / (n * duration_ms / 0.05) * 1e9)
            flips = max(flips, float(result["transitions"][0]) / (n * duration_ms / 0.05))
        channels = int(result["count"].values[0].sum())
        table.add_row(
            f"{channels}", f"{flips:.1f}", f"{costs[0]:.0f}", f"{costs[1]:.0f}",
            f"{costs[0] / costs[1]:.2f}",
        )  # fmt: skip
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compartments", type=int, default=50)
    parser.add_argument("--duration", type=float, default=250.0, help="ms of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--switch", action="store_true", help="where auto should switch")
    given = parser.parse_args()
    screen = Console(width=110)
    if given.switch:
        screen.print(switch())
        return
    n = given.compartments
    rows = {
        f"ours, {method}, {step} ms": ours(n, method, step)
        for method, step in (
            ("deterministic", 0.05),
            ("deterministic", 0.025),
            ("auto", 0.05),
            ("leap", 0.05),
            ("leap", 0.025),
            ("exact", 0.05),
            ("langevin", 0.01),
        )
    }
    if find_spec("neuron") is None:
        screen.print("NEURON is not installed, so its rows are left out")
    else:
        rows["NEURON, deterministic, 0.025 ms"] = neuron(n, False, 0.025)
        rows["NEURON, single channels, 0.025 ms"] = neuron(n, True, 0.025)
    screen.print(measure(rows, n, given.duration, given.rounds))


if __name__ == "__main__":
    main()
