"""How often 95 % intervals hold the truth, on data with known answers.

``OMP_NUM_THREADS=1 python tests/statistical/coverage_of.py`` repeats each experiment 200 or 400
times (minutes; so small matrices are slower on many threads) and prints the table that is kept in
``coverage.md``; ``test_coverage.py`` repeats the quick ones 200 times, and asserts that every
interval that the library writes is an estimate of some experiment. Sweeps write what summaries do.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import coverage_alike
import coverage_firing
import coverage_pulses
import coverage_signals
import numpy as np
from covered import Experiment

MODULES = (coverage_firing, coverage_pulses, coverage_alike, coverage_signals)
EXPERIMENTS: list[Experiment] = [one for module in MODULES for one in module.EXPERIMENTS]
#: Names under which each estimate is written, by study or module.
WRITTEN: dict[str, tuple[str, ...]] = {k: v for m in MODULES for k, v in m.WRITTEN.items()}
LEAST, MOST = 0.92, 0.98


def held(experiment: Experiment, repeats: int, seed: int) -> dict[str, tuple[float, float, int]]:
    """For each estimate: share of intervals that hold the truth, mean value, how many had one.

    The value is over the truth, where that is not zero.
    """
    rng = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {}
    values: dict[str, list[float]] = {}
    for _ in range(repeats):
        for name, truth, found in experiment.draw(rng):
            if found.value is not None:
                values.setdefault(name, []).append(found.value / truth if truth else found.value)
            if found.interval is not None:
                low, high = found.interval
                slack = 1e-9 * abs(truth)
                hits.setdefault(name, []).append(low - slack <= truth <= high + slack)
    return {
        name: (
            float(np.mean(hits.get(name, [False]))),
            float(np.mean(all_)),
            len(hits.get(name, [])),
        )
        for name, all_ in values.items()
    }


def table(repeats: int = 400, of_slow: int = 200) -> str:
    """The table as Markdown."""
    lines = [
        f"Of {repeats} repeats, {of_slow} of slow ones; the value is the mean over the truth. An",
        f"interval of 95 % holds the truth in {100 * LEAST:.0f} to {100 * MOST:.0f} %. Those that "
        "hold it less often, by more",
        "than two standard errors of so many repeats, are *approximate*; those that hold it more",
        "often *wide*: counts and shares that scatter little, places among few values.",
        "",
        "| estimate | sample | value | intervals | hold the truth | |",
        "|---|---|---:|---:|---:|---|",
    ]
    seen = set()
    for k, experiment in enumerate(EXPERIMENTS):
        many = of_slow if experiment.slow else repeats
        error = 2.0 * np.sqrt(LEAST * (1.0 - LEAST) / many)
        for name, (share, value, n) in held(experiment, many, k).items():
            seen.add(name)
            if not n:
                note = "none"
            elif share < LEAST - error:
                note = "approximate"
            else:
                note = "wide" if share > MOST + error / 2 else ""
            numbers = f"{value:.3f} | {n} | {100 * share:.1f} %"
            lines.append(f"| {name} | {experiment.sample} | {numbers} | {note} |")
            print(lines[-1], file=sys.stderr, flush=True)
    assert seen == set(WRITTEN), seen ^ set(WRITTEN)
    lines += ["", "Where they are written:", "", "| estimate | as |", "|---|---|"]
    lines += [f"| {name} | {', '.join(keys)} |" for name, keys in WRITTEN.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    text = table()
    print(text, end="")
    (Path(__file__).parent / "coverage.md").write_text(text, encoding="utf-8")
