"""Every interval is covered by an experiment, and holds the truth about as often as it says.

The experiments are those of ``coverage_of.py``.
"""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from coverage_of import EXPERIMENTS, WRITTEN, held
from scipy import stats

import stochhh
from stochhh.analysis.estimates import mean_estimate
from stochhh.analysis.spike_shapes import SpikeShapes
from stochhh.studies.reliability import MEASURES

REPEATS = 200
LEVEL = 1e-4  # that a right interval is refused
QUICK = [one for one in EXPERIMENTS if not one.slow]
PACKAGE = Path(stochhh.__file__).parent
#: Names that code makes out of others, by the module that writes them.
MADE = {
    "reliability": set(MEASURES),
    "spike_shape": {one.name for one in fields(SpikeShapes)} - {"trial", "time_ms"},
    "single_channel": {"open_times_hidden", "shut_times_hidden"},
    "dwell_times": {"openings", "length_ms", "open_ms"},
    "quantal": {f"content_by_{way}" for way in ("count", "failures", "amplitude", "variance")},
    "trial_numbers": {"ions"},
}
#: Ends of bands and of what shuffling gives, which are no intervals of an estimate.
NO_INTERVALS = {"Band.low_hz", "SerialCorrelation.shuffled_low"}


def written() -> set[str]:
    """Every interval that is written, as ``module.name``, and arrays of them, as ``Class.low``."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = path.stem
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "named":
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    found.add(f"{module}.{name.value}")
                else:
                    assert module in MADE, f"{path}, line {node.lineno}: which names are these?"
                    found |= {f"{module}.{made}" for made in MADE[module]}
            elif isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                ends = [str(key) for key in keys if str(key).endswith("_ci")]
                found |= {f"{module}.{key.removesuffix('_ci')}" for key in ends}
            elif isinstance(node, ast.ClassDef) and path.parent.name == "analysis":
                names = [one.target.id for one in node.body if isinstance(one, ast.AnnAssign)]
                low = [name for name in names if "low" in name.split("_")]
                found |= {f"{node.name}.{name}" for name in low}
    return found - NO_INTERVALS


def test_every_interval_that_is_written_is_covered():
    covered = {key for keys in WRITTEN.values() for key in keys}
    known = written()
    assert known - covered == set(), "give it an experiment in coverage_*.py, or a name in WRITTEN"
    assert covered - known == set(), "not written by anything"
    assert {"reliability.precision_ms", "information.bits_per_s", "summary.peak_mV"} <= known


@pytest.mark.parametrize("index", range(len(QUICK)))
def test_intervals_hold_the_truth(index):
    experiment = QUICK[index]
    for name, (share, _, n) in held(experiment, REPEATS, 1000 + index).items():
        assert name in WRITTEN
        assert n > 0.5 * REPEATS, name
        fewest = stats.binom.ppf(LEVEL, n, experiment.lowest)
        assert share * n >= fewest, f"{name}, {experiment.sample}: {share:.3f}"


def test_the_count_of_hits_refuses_students_interval_of_single_spikes():
    """The negative control: of five trials that fire with chance 0.95 it is mostly a point."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(REPEATS):
        low, high = mean_estimate(rng.binomial(1, 0.95, 5)).interval
        hits += low <= 0.95 <= high
    assert hits < stats.binom.ppf(LEVEL, REPEATS, 0.92)
