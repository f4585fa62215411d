"""What a transition costs under voltage clamp, beside a free voltage and for any scheme.

Run ``python tests/benchmarks/bench_clamp.py [--quick]``. A scheme of ten states
from a file is measured beside the library's: nothing is compiled for it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench_exact import duration_for, patch, timed

from stochhh.exact import run_exact
from stochhh.plan import Plan
from stochhh.simulate import plan, resolve

#: A chain of ten states whose middle arrows cost about what a K+ channel's do.
TEN_STATES = "\n".join(
    [
        'format = 1\ntitle = "ten states"\nion = "K+"',
        *(
            f'rates.{name} = {{ law = "exponential", rate = "0.3 / ms", midpoint = "-40 mV", '
            f'scale = "{scale} mV" }}'
            for name, scale in (("up", 20), ("down", -20))
        ),
        *(f'[[state]]\nname = "S{k}"\nconductance = {float(k == 9)}' for k in range(10)),
        *(
            f'[[transition]]\nfrom = "S{a}"\nto = "S{b}"\nrate = "{rate}"'
            for k in range(9)
            for a, b, rate in ((k, k + 1, "up"), (k + 1, k, "down"))
        ),
    ]
)


def clamped(scheme: str, count: int, duration_ms: float) -> Plan:
    """Plan of channels of one kind held at -40 mV."""
    tables = {
        "format": 1,
        "title": "clamp",
        "membrane": {
            "area": "100 um^2",
            "capacitance": "1 uF/cm^2",
            "channels": [
                {"scheme": scheme, "count": count, "conductance": "20 pS", "reversal": "-77 mV"}
            ],
        },
        "clamp": {"holding": "-40 mV"},
        "run": {"duration": f"{duration_ms} ms"},
    }
    return plan(resolve(tables, seed=1))[0][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    transitions = 1e6 if parser.parse_args().quick else 1e7
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ten-states.toml"
        path.write_text(TEN_STATES)
        free = patch(100, duration_for(100, transitions))
        plans = {"squid patch, voltage free": free}
        for name in ("squid-k", "squid-na", "squid-na-markov", "purkinje-na", str(path)):
            short = run_exact(clamped(name, 6000, 20.0), 0).transitions
            plan_of_it = clamped(name, 6000, 20.0 * transitions / short)
            plans[f"{Path(name).stem}, clamped at -40 mV"] = plan_of_it
        print("                                     ns/transition   million transitions/s   ratio")
        reference = None
        for name, one in plans.items():
            seconds, trial = timed(one)
            cost = 1e9 * seconds / trial.transitions
            reference = reference or cost
            print(f"{name:36s} {cost:13.1f}   {1e3 / cost:21.1f}   {cost / reference:5.2f}")


if __name__ == "__main__":
    main()
