"""Give the pulses batch by batch, each chosen by those before, and fit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochhh import simulate, units
from stochhh.analysis.adaptive import D_OPTIMAL, NextAmplitudes, next_amplitudes
from stochhh.analysis.axes import place_label
from stochhh.analysis.efficiency_curves import Bracket, EfficiencyCurve
from stochhh.analysis.estimates import share_estimate
from stochhh.analysis.firing_efficiency import UNPROVOKED, response_latencies_ms
from stochhh.errors import InputError
from stochhh.execute import Monitor, run_tasks
from stochhh.plan import Plan
from stochhh.plot.threshold_search import Course
from stochhh.scenario import Scenario
from stochhh.studies import Findings, Outcome, find_study
from stochhh.studies.firing_efficiency import SHARP, about, found
from stochhh.studies.pulse_limit import firing_at, narrowed
from stochhh.studies.signals import n_noisy_channels
from stochhh.threshold_search.asked import (
    ALONE,
    ERROR,
    FEWEST,
    SPREAD_ERROR,
    STUDY,
    TRIALS,
    Goal,
    Ready,
    check_goal,
    plan_at,
    prepare,
)
from stochhh.trial import Progress
from stochhh.words import printable

Floats = NDArray[np.float64]

_GROWTH = 0.1  # trials at an amplitude of a batch, as a share of all before
_ALONE_POINT = 10**6  # of the streams of trials without a pulse, in place of an amplitude's
_FINE = 0.25  # of the standard deviation: amplitudes are rounded to less


@dataclass(frozen=True)
class ThresholdSearch:
    """What a search found. C membranes, one a place on the other swept keys.

    Attributes
    ----------
    ready, goal : what was searched, and until when.
    curves : (C,) shares of pulses that made a spike, and their fits.
    courses : (C,) pulses in the order in which they were given.
    known : (C,) what is known of each at the end, errors included.
    alone : (C,) of `ALONE` trials without a pulse those that fired; None where no pulse
        or displacement is searched.
    findings : as those of the study `firing_efficiency`.
    """

    ready: Ready
    goal: Goal
    curves: tuple[EfficiencyCurve, ...]
    courses: tuple[Course, ...]
    known: tuple[NextAmplitudes, ...]
    alone: tuple[int | None, ...]
    findings: Findings

    def __repr__(self) -> str:
        said = find_study(STUDY).says(self.numbers)
        return printable(f"<stochhh.ThresholdSearch of '{self.ready.scenario.name}'>\n{said}", "\n")

    @property
    def numbers(self) -> dict[str, Any]:
        """Everything found, as tables that become JSON."""
        return self.findings.numbers

    @property
    def outcome(self) -> Outcome:
        """The search as a study, to print it."""
        title = f"Threshold: {self.ready.scenario.title}"
        return Outcome(STUDY, None, title, self.findings)

    def notes(self) -> list[str]:
        """What to do better, a sentence each; none where the goal was reached."""
        said = []
        for curve, known, alone in zip(self.curves, self.known, self.alone, strict=True):
            of = f"{curve.label}: " if curve.label else ""
            if alone:
                said.append(
                    f"{of}{_alone_says(self.ready, alone)}, which makes the relative spread "
                    "somewhat too large; choose a shorter window, as in "
                    f"{_shorter(self.ready)}"
                )
            reach = known.threshold * D_OPTIMAL * known.relative_spread
            low, high = self.ready.span
            if known.threshold - reach < low or known.threshold + reach > high:
                said.append(
                    f"{of}the pulses that would tell most lie outside of {low:g} to {high:g} "
                    f"{units.pretty(self.ready.unit)}; widen --between"
                )
            elif not self.goal.reached(known):
                said.append(
                    f"{of}trials used up with standard errors of {100 * known.threshold_error:.2g} "
                    f"% of the threshold and {100 * known.spread_error:.2g} % of the relative "
                    f"spread, asked for {100 * self.goal.error:.2g} % and "
                    f"{100 * self.goal.spread_error:.2g} %; give more with --trials"
                )
        return said


def find_threshold(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    key: str | None = None,
    between: tuple[str, str] | None = None,
    *,
    trials: int = TRIALS,
    error: float = ERROR,
    spread_error: float = SPREAD_ERROR,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    method: str | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    on_advance: Callable[[float], None] | None = None,
) -> ThresholdSearch:
    """Find threshold and relative spread of pulses with few trials.

    Trials come in batches, half of each at one amplitude and half at another, which
    `stochhh.analysis.adaptive.next_amplitudes` chooses by all trials so far. They are
    fitted like a sweep at the end. Trial i at the k-th amplitude (counted from 0 through
    all batches) of membrane c of C draws from ``SeedSequence(seed, spawn_key=(k C + c,
    i))``: the same seed gives the same numbers, however many workers there are.
    First come 40 trials without a pulse (k is a million there): a membrane that fires by
    itself in the window in which spikes count has no threshold that they could tell.

    Parameters
    ----------
    scenario : as for `stochhh.run`. Other swept keys make a search of each place.
    key : what is searched; by default the swept amplitude, or the only stimulus'.
    between : lowest and highest value, as in ``("18 pA", "25 pA")``; by default those swept.
    trials : at most, for each membrane.
    error, spread_error : relative standard errors of threshold and of relative spread at
        which the search ends.
    overrides, seed, method, workers, executor, on_advance : as for `stochhh.run`.

    Raises
    ------
    InputError
        Something in the scenario or the arguments is wrong, the membrane fires by itself
        too often, or no threshold was found.
    TrustError
        A simulation broke an invariant.
    KeyboardInterrupt
        Interrupted: nothing was found.
    """
    goal = check_goal(Goal(trials, error, spread_error))
    ready = prepare(scenario, key, between, overrides, seed, method)
    return search(ready, goal, workers, executor, on_advance)


def search(
    ready: Ready,
    goal: Goal,
    workers: int | None = None,
    executor: Executor | None = None,
    on_advance: Callable[[float], None] | None = None,
) -> ThresholdSearch:
    """Give the pulses, and fit the shares; see `find_threshold`."""

    def run(place: int, amplitudes: Sequence[float], first: int, each: int) -> list[Floats]:
        texts = [f"{amplitude!r} {ready.unit}" for amplitude in amplitudes]
        plans = [
            plan_at(ready.setups[place], ready.key, text, (first + k) * len(ready.setups) + place)
            for k, text in enumerate(texts)
        ]
        window = (float(ready.settings.onset_ms), float(ready.settings.within_ms))
        tasks = [(plan, trial, window) for plan in plans for trial in range(each)]
        outcome = run_tasks(_latency_ms, tasks, Monitor(on_advance), workers, executor)
        if outcome.interrupted:
            raise KeyboardInterrupt
        latencies = np.array([outcome.values[k] for k in range(len(tasks))])
        return list(latencies.reshape(len(plans), each))

    made, alone = [], []
    for place in range(len(ready.setups)):
        alone.append(_fired_alone(ready, place, run))
        made.append(_searched(ready, place, goal, run))
        if on_advance is not None:  # of trials that were not needed
            left = goal.trials - len(made[-1][1].amplitude)
            on_advance(left * ready.plans[place].duration_ms)
    curves, courses, every = zip(*made, strict=True)
    if all(curve.fit is None for curve in curves):
        raise InputError(
            f"{ready.scenario.name}: {curves[0].problem}; choose another "
            "--between, or give more --trials"
        )
    said = about(ready.settings, ready.unit) | {
        "scenario": ready.scenario.name,
        "seed": ready.scenario.run.seed,
        "method": ready.scenario.run.method,
        "between": list(ready.span),
        "trials_at_most": goal.trials,
    }
    findings = found(curves, ready.label, said)
    for numbers, known, by_itself in zip(findings.numbers["curves"], every, alone, strict=True):
        if by_itself is not None:
            numbers["without_pulse"] = {"trials": ALONE, "fired": by_itself}
        numbers["threshold_error"] = known.threshold_error
        numbers["spread_error"] = known.spread_error
        numbers["reached"] = goal.reached(known)
        numbers.pop("near_threshold", None)  # of few trials; most are away from it
    return ThresholdSearch(ready, goal, curves, courses, every, tuple(alone), findings)


def _fired_alone(ready: Ready, place: int, run: Callable[..., list[Floats]]) -> int | None:
    """How many of the trials without a pulse fired in the window; refused where it is many."""
    if not ready.key.startswith(("stimulus.", "run.initial.")):
        return None
    (latencies,) = run(place, [0.0], _ALONE_POINT, ALONE)
    fired = int(np.isfinite(latencies).sum())
    interval = share_estimate(fired, ALONE).interval
    if interval is not None and interval[0] > UNPROVOKED:
        of = place_label(ready.places[place])
        raise InputError(
            f"{ready.scenario.name}: {f'{of}: ' if of else ''}{_alone_says(ready, fired)}: spikes "
            "that no pulse made would count, and there is no threshold to find; choose a shorter "
            f"window, as in {_shorter(ready)}, or a membrane that is silent at rest"
        )
    return fired


def _alone_says(ready: Ready, fired: int) -> str:
    low, high = share_estimate(fired, ALONE).interval or (0.0, 1.0)
    return (
        f"without a pulse {fired} of {ALONE} trials ({100 * low:.0f} to {100 * high:.0f} %) fire "
        f"within {float(ready.settings.within_ms):g} ms of its onset by themselves"
    )


def _shorter(ready: Ready) -> str:
    within = float(f"{float(ready.settings.within_ms) / 5.0:.1g}")
    return f"""--set 'analysis.{STUDY}.within="{within:g} ms"'"""


def _searched(
    ready: Ready, place: int, goal: Goal, run: Callable[..., list[Floats]]
) -> tuple[EfficiencyCurve, Course, NextAmplitudes]:
    """Pulses of one membrane, batch by batch, and what is known of it at the end."""
    amplitudes: list[float] = []
    latencies: list[Floats] = []
    done = 0
    while True:
        fired = [int(np.isfinite(one).sum()) for one in latencies]
        known = next_amplitudes(amplitudes, fired, [len(one) for one in latencies], ready.span)
        if done + 2 > goal.trials or (done and goal.reached(known)):
            break
        each = min(max(FEWEST, int(_GROWTH * done)), (goal.trials - done) // 2)
        batch = _rounded(known, ready.span)
        latencies += run(place, batch, len(amplitudes), each)
        amplitudes += batch
        done += each * len(batch)
    values = np.unique(amplitudes)
    pooled = [
        np.concatenate([one for x, one in zip(amplitudes, latencies, strict=True) if x == value])
        for value in values
    ]
    curve = EfficiencyCurve(
        place=ready.places[place],
        n_channels=n_noisy_channels(ready.setups[place]),
        amplitude=values,
        latencies_ms=tuple(pooled),
        bracket=_deterministic(ready, place),
    )
    given = np.repeat(amplitudes, [len(one) for one in latencies])
    return curve, Course(given, np.isfinite(np.concatenate(latencies))), known


def _deterministic(ready: Ready, place: int) -> Bracket | None:
    """Bracket of the deterministic threshold; open where it lies outside of the span."""
    onset, within = float(ready.settings.onset_ms), float(ready.settings.within_ms)
    fires_at = firing_at(ready.setups[place], ready.key, ready.unit, onset, onset + within)
    if fires_at is None:
        return None
    low, high = ready.span
    if fires_at(low):
        return Bracket(None, low)
    return narrowed(Bracket(low, high if fires_at(high) else None), fires_at, SHARP)


def _latency_ms(
    plan: Plan, trial: int, window: tuple[float, float], progress: Progress | None
) -> float:
    """First spike of one trial after its pulse, NaN without one; any executor can carry it."""
    spikes = simulate.METHODS[plan.method.name](plan, trial, progress).spike_ms
    return float(response_latencies_ms([spikes], *window)[0])


def _rounded(known: NextAmplitudes, span: tuple[float, float]) -> list[float]:
    """Amplitudes in round numbers, so that those of later batches are the same."""
    fine = _FINE * known.threshold * known.relative_spread
    power = 10.0 ** np.floor(np.log10(fine))
    step = max(power * factor for factor in (1.0, 2.0, 5.0) if power * factor <= fine)
    near = [float(f"{round(x / step) * step:.12g}") for x in known.amplitudes]
    return list(dict.fromkeys(min(max(x, span[0]), span[1]) for x in near))
