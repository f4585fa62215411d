"""Variations of a scenario: the same membrane run again in other ways, and two runs compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh import simulate
from stochhh.plan import Plan
from stochhh.result import Result
from stochhh.scenario import Scenario, load_scenario
from stochhh.scenario.stimuli import Constant
from stochhh.verify.comparison import Comparison, same_law, same_mean
from stochhh.verify.design import Budget
from stochhh.verify.verdict import Row

Floats = NDArray[np.float64]
Tables = dict[str, Any]

RECORDS = 20  #: in a trial
MOST_TRIALS = 400
_FEWEST_TRIALS = 40
_FEWEST = 20  # values in each sample of a two-sample test
_SHORTEST_TRAIN = 4  # intervals of a trial whose CV is looked at


class Variations:
    """Other runs of one scenario, sized by a budget of transitions.

    Attributes
    ----------
    plan, method, seed, workers : of the scenario as it is.
    duration_ms, trials : of a variation, unless it says otherwise.
    """

    def __init__(
        self,
        scenario: Scenario,
        plan: Plan,
        method: str,
        budget: Budget,
        seed: int,
        workers: int | None,
    ) -> None:
        self.plan, self.method, self.seed, self.workers = plan, method, seed, workers
        self._constant = all(isinstance(one, Constant) for one in scenario.stimulus)
        tables = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
        kept = ("format", "title", "membrane", "stimulus", "clamp")
        self._tables: Tables = {key: tables[key] for key in kept if key in tables}
        self._tables["analysis"] = {"spikes": tables["analysis"]["spikes"]}
        self._initial = tables["run"]["initial"]
        self._step = tables["run"].get("step")
        flux = self.transitions_per_ms()
        affordable = 10.0 * budget.transitions / max(flux, 1e-9)  # ms in all
        duration = min(plan.duration_ms, max(affordable / _FEWEST_TRIALS, 1.0))
        self.duration_ms = RECORDS * float(f"{duration / RECORDS:.3g}")
        trials = np.clip(affordable / self.duration_ms, _FEWEST_TRIALS, MOST_TRIALS)
        self.trials = int(trials)

    @property
    def repeatable(self) -> bool:
        """Whether the second half of a run is driven like the first."""
        return self._constant and self._initial.get("result") is None

    def transitions_per_ms(self) -> float:
        """Transitions of all channels in equilibrium where they start."""
        total = 0.0
        for population, law in zip(self.plan.membrane.populations, self.plan.laws, strict=True):
            leaving = -np.diag(population.scheme.generator(self.plan.voltage_mV))
            total += population.count * float(law @ leaving)
        return total

    def scenario(self, changes: Tables | None = None, **run: Any) -> Scenario:
        """Vary the scenario: other tables, and other keys of ``[run]``."""
        settings = {
            "duration": f"{self.duration_ms!r} ms",
            "trials": self.trials,
            "seed": self.seed,
            "deterministic": False,
            "initial": self._initial,
            "record": {"interval": f"{self.duration_ms / RECORDS!r} ms"},
            **run,
        }
        if settings.get("method", "exact") != "exact" and self._step is not None:
            settings["step"] = self._step
        return load_scenario({**self._tables, **(changes or {}), "run": settings})

    def run(self, changes: Tables | None = None, **run: Any) -> Result:
        """Run a variation."""
        result = simulate.run(self.scenario(changes, **run), workers=self.workers)
        if result.interrupted:
            raise KeyboardInterrupt
        return result


def same_firing(one: Result, other: Result, at: str) -> list[Row]:
    """Compare two runs of one membrane, one row a statistic; trials are independent.

    With R trials of each, means are told apart that differ by 9 SDs of a trial over the root
    of R, and laws that differ by 3.8 over the root of R anywhere.
    """
    trains = [run.spike_trains() for run in (one, other)]
    spikes = [np.array([len(train) for train in part], dtype=float) for part in trains]
    rows: list[Row] = []

    def add(law: str, comparison: Comparison) -> None:
        rows.append(Row(law, at, comparison))

    if all(len(counts) >= _FEWEST for counts in spikes):
        if any(counts.any() for counts in spikes):
            if all(counts.std() > 0.0 for counts in spikes):
                add("spikes in a trial, mean", same_mean(*spikes))
            add("spikes in a trial, law", same_law(*spikes))
        first = [np.array([train[0] for train in part if len(train)]) for part in trains]
        if min(map(len, first)) >= _FEWEST:
            add("first spike", same_law(*first))
        for name, found in (("voltage, mean of a trial", np.mean), ("voltage, SD", np.std)):
            values = [np.asarray(found(run["voltage"].values, axis=1)) for run in (one, other)]
            add(name, same_law(*values))
        add("voltage at the end", same_law(*(run["final_voltage"].values for run in (one, other))))
        for index, name in enumerate(one["population"].values):
            last = [run["open"].values[:, -1, index] for run in (one, other)]
            add(f"open at the end, {name}", same_law(*last))
    intervals = [[np.diff(train) for train in part] for part in trains]
    pooled = [np.concatenate([*part, np.zeros(0)]) for part in intervals]
    if min(map(len, pooled)) >= _FEWEST:
        add("interspike intervals", same_law(*pooled))
    variations = [_variations(part) for part in intervals]
    if min(map(len, variations)) >= _FEWEST:
        add("CV of the intervals", same_mean(*variations))
    return rows


def _variations(intervals: list[Floats]) -> Floats:
    """CV of the intervals of each trial that has enough of them."""
    trains = [train for train in intervals if len(train) >= _SHORTEST_TRAIN]
    return np.array([np.std(train, ddof=1) / np.mean(train) for train in trains])
