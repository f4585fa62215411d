"""What a comparison says: numbers for files, and sentences for readers."""

from __future__ import annotations

from typing import Any

from stochhh.analysis.comparison import LEVEL, Compared, fewest_trials, smallest_p
from stochhh.analysis.estimates import named
from stochhh.compare.running import Comparison, MethodRun
from stochhh.methods import METHODS

TEST = (
    "permutation of what each trial gave with the method and with exact, two-sided, "
    f"p-values of all quantities and methods corrected together (Holm), level {LEVEL:g}; "
    "intervals: 95 %, bootstrap of trials"
)


def numbers(comparison: Comparison) -> dict[str, Any]:
    """Everything a comparison found, as tables that become JSON."""
    methods: dict[str, Any] = {}
    for run in comparison.runs:
        row = comparison.found[run.label]
        known = METHODS[run.method].wrong
        methods[run.label] = {
            "method": run.method,
            "step_ms": run.step_ms,
            **({"chosen": run.chosen} if run.chosen else {}),
            **({"known_to_be_wrong": known} if known else {}),
            "trials": run.trials,
            "quantities": {one.quantity: _quantity(one) for one in row},
        }
        tested = [one for one in row if one.p is not None]
        if tested:
            different = [one.quantity for one in tested if one.distinguishable]
            methods[run.label]["distinguishable"] = bool(different)
            methods[run.label]["distinguishable_by"] = different
    return {
        "scenario": comparison.scenario,
        "title": comparison.title,
        "seed": comparison.seed,
        "trials": comparison.trials,
        "duration_ms": comparison.duration_ms,
        "test": TEST,
        "level": LEVEL,
        "units": {quantity.name: quantity.unit for quantity in comparison.quantities},
        "methods": methods,
        "conclusions": conclusions(comparison),
    }


def _quantity(one: Compared) -> dict[str, Any]:
    entry = named("value", one.estimate)
    if one.difference is not None:
        entry |= named("difference", one.difference)
    if one.chance is not None:
        entry["by_chance"] = one.chance
    if one.p is not None:
        entry |= {"p": one.p, "p_corrected": one.p_corrected}
    return entry


def conclusions(comparison: Comparison) -> list[str]:
    """Say of each method, in a sentence, whether this sample tells it from exact."""
    size = f"{comparison.trials} trials of {comparison.duration_ms:g} ms"
    said = [_conclusion(run, comparison, size) for run in comparison.runs[1:]]
    n_tests = sum(one.p is not None for row in comparison.found.values() for one in row)
    if n_tests == 0 or n_tests * smallest_p(comparison.trials) > LEVEL:
        fewest = fewest_trials(max(n_tests, 1))
        said.append(
            f"{comparison.trials} trial{'s' if comparison.trials != 1 else ''} cannot tell any "
            f"difference, however large: need at least {fewest}, as in --trials {fewest}"
        )
    return said


def _conclusion(run: MethodRun, comparison: Comparison, size: str) -> str:
    row, exact = comparison.found[run.label], _by_name(comparison, comparison.runs[0].label)
    known = METHODS[run.method].wrong
    if run.method == comparison.runs[0].method:
        return f"{run.label}: is the exact method here ({run.chosen})"
    note = f" (known to be wrong: {known})" if known else ""
    tested = [one for one in row if one.p_corrected is not None]
    if not tested:
        why = "one course without noise" if run.method == "deterministic" else "too few data"
        return f"{run.label}: not tested, {why}{note}"
    different = [one for one in tested if one.distinguishable]
    if different:
        titles = {quantity.name: quantity for quantity in comparison.quantities}
        parts = [
            _difference(titles[one.quantity], one, exact.get(one.quantity))
            for one in sorted(different, key=lambda one: (one.p_corrected, one.p))
        ]
        return f"{run.label}: distinguishable from exact in {size}{note}: {'; '.join(parts)}"
    least = min(one.p_corrected for one in tested if one.p_corrected is not None)
    return (
        f"{run.label}: not distinguishable from exact in {size}, by any of {len(tested)} "
        f"quantities (least corrected p {least:.2g}){_resolved(row, exact)}{note}"
    )


def _by_name(comparison: Comparison, label: str) -> dict[str, Compared]:
    return {one.quantity: one for one in comparison.found[label]}


def _difference(quantity: Any, one: Compared, exact: Compared | None) -> str:
    unit = f" {quantity.unit}" if quantity.unit else ""
    p = f"corrected p {one.p_corrected:.2g}"
    if exact is None:
        return f"{quantity.title} {one.estimate.value:.3g}{unit} ({one.chance:.2g} by chance, {p})"
    return (
        f"{quantity.title} {one.estimate.value:.4g} against {exact.estimate.value:.4g}{unit} ({p})"
    )


def _resolved(row: Any, exact: dict[str, Compared]) -> str:
    """Add how small a difference of the first quantity this sample could have shown."""
    first = row[0]
    value = exact[first.quantity].estimate.value if first.quantity in exact else None
    if not value or first.difference is None or first.difference.interval is None:
        return ""
    low, high = (100.0 * end / abs(value) for end in first.difference.interval)
    what = "firing rate" if first.quantity == "rate_hz" else "mean current"
    return f"; its {what} is off by {low:+.1f} % to {high:+.1f} % (95 %)"
