"""Verify one channel scheme: clamp experiments at voltages it chooses itself.

Experiments hold a voltage, or step from one to another, with as many channels and
as long as a budget of transitions allows. With a `FULL` budget each experiment draws
600 trials and about 1.5e6 transitions, 5e5 of them of channels that are followed. Rate
classes of which all experiments together make too few transitions to show an error of
3 % get one more each, at the voltage where they are the largest part of all. What each
law can see stands in `laws` and `single_channel`; the negative controls at the end of a
table say what these very experiments can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from stochhh.errors import InputError
from stochhh.kinetics.scheme import ChannelScheme
from stochhh.verify.claims import LAWS, claim_of
from stochhh.verify.controls import RATE_ERROR, wrong_rates
from stochhh.verify.design import (
    ENOUGH_OF_CLASS,
    FULL,
    Budget,
    protocols,
    setting_for_rate,
    setting_of,
)
from stochhh.verify.experiment import Observed, Setting, theory_of
from stochhh.verify.single_channel import ClassCounts, class_counts, rate_rows
from stochhh.verify.subject import Subject, observe
from stochhh.verify.verdict import Row, p_of

Progress = Callable[[float], None]

_TELLING = ("transitions", "states")  # laws that see a wrong rate best, if no records do


def experiments(
    subject: Subject,
    method: str = "exact",
    budget: Budget = FULL,
    at_mV: Sequence[float] = (),
    seed: int = 1,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> Iterator[tuple[Setting, Observed] | Row]:
    """Make all clamp experiments of a verification, one after the other.

    Parameters are those of `verify_scheme`. A row comes in the place of an experiment
    that the method cannot make.
    """
    claim_of(method)
    pairs = protocols(subject.scheme, budget, at_mV)
    share = 1.0 / len(pairs)
    for index, (before, after) in enumerate(pairs):
        setting = setting_of(subject.scheme, before, after, budget, method)
        if setting is None:
            where = f"{after:g} mV" if before == after else f"{before:g} → {after:g} mV"
            yield Row("all", where, None, "a step short enough would take too long")
            if on_progress is not None:
                on_progress(share)
            continue
        factor = share / (setting.n_trials * setting.duration_ms)
        advance = None if on_progress is None else partial(_pass_on, on_progress, factor)
        yield setting, observe(subject, setting, seed + index, workers, advance)


def _pass_on(on_progress: Progress, factor: float, covered_ms: float) -> None:
    on_progress(factor * covered_ms)


def verify_scheme(
    subject: Subject,
    method: str = "exact",
    budget: Budget = FULL,
    at_mV: Sequence[float] = (),
    seed: int = 1,
    against: ChannelScheme | None = None,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> list[Row]:
    """Compare clamp experiments on a scheme with theory, one row a law and experiment.

    At the end stand the negative controls: what the most telling of these comparisons
    would have said, had one rate been off by 3 %.

    Parameters
    ----------
    subject : what is simulated
    method, budget : how, and how much
    at_mV : voltages to hold, instead of those the scheme suggests
    seed : experiment k draws from seed + k
    against : the scheme whose laws are expected, by default that of the subject
    workers : threads
    on_progress : called with each share of the work that is done

    Raises
    ------
    InputError
        No equilibrium to start from, a method that claims nothing, one that cannot
        simulate this scheme, or nothing that can be compared.
    """
    claim = claim_of(method)
    expected = subject.scheme if against is None else against
    telling = [name for name in _TELLING if name in claim.laws] if not claim.slack else []
    wrong = wrong_rates(expected) if telling else {}
    controls: dict[str, Row] = {}
    rows: list[Row] = []
    n_rates = len(expected.rates)
    moved = ClassCounts(np.zeros(n_rates), np.zeros(n_rates))
    for made in experiments(subject, method, budget, at_mV, seed, workers, on_progress):
        if isinstance(made, Row):
            rows.append(made)
            continue
        rows += compared(*made, expected, claim.laws)
        for name, scheme in wrong.items():
            for row in compared(*made, scheme, telling):
                _keep(controls, name, row)
        if "rates" in claim.laws:
            moved = _together(moved, class_counts(*made, theory_of(expected, made[0])))
    if "rates" in claim.laws and not at_mV:
        moved = _with_rare_classes(subject, expected, moved, budget, seed, workers)
    rows += rate_rows(expected.rate_names, moved).values()
    faster = ClassCounts(moved.found, (1.0 + RATE_ERROR) * moved.expected)
    for name, row in rate_rows(expected.rate_names, faster).items():
        _keep(controls, name, row)
    if not any(row.comparison for row in rows):
        why = "its channels hardly move, or all end in one state for good"
        if claim.fewest or np.isfinite(claim.finest):
            why = f"{method} needs a step too short to be worth it, or too few channels are open"
        raise InputError(
            f"{subject.name}: nothing could be compared: at the voltages looked at {why}; "
            "give others with --at"
        )
    skipped = [name for name in LAWS if name not in claim.laws]
    if skipped:
        rows.append(Row(", ".join(skipped), "", None, claim.note))
    return [*rows, *controls.values()]


def _with_rare_classes(
    subject: Subject,
    expected: ChannelScheme,
    moved: ClassCounts,
    budget: Budget,
    seed: int,
    workers: int | None,
) -> ClassCounts:
    """Add experiments for rate classes of which too few transitions were expected so far."""
    seed += budget.n_held + budget.n_steps
    for index in np.argsort(moved.expected):
        missing = ENOUGH_OF_CLASS - moved.expected[index]
        if not missing > 0.0:  # nor for classes that cannot be told apart
            continue
        setting = setting_for_rate(subject.scheme, int(index), missing, budget)
        if setting is None:
            continue
        seen = observe(subject, setting, seed + int(index), workers)
        moved = _together(moved, class_counts(setting, seen, theory_of(expected, setting)))
    return moved


def _together(one: ClassCounts, more: ClassCounts) -> ClassCounts:
    return ClassCounts(one.found + more.found, one.expected + more.expected)


def _keep(controls: dict[str, Row], rate: str, row: Row) -> None:
    """Keep the row that tells best that a rate is wrong."""
    if rate not in controls or p_of(row) < p_of(controls[rate]):
        name = f"{rate} {100 * RATE_ERROR:g} % off"
        controls[rate] = row._replace(law=name, note=row.law, control=True)


def compared(
    setting: Setting, seen: Observed, scheme: ChannelScheme, names: Iterable[str]
) -> list[Row]:
    """Compare one experiment with the laws of a scheme, keys of `claims.LAWS`."""
    known = theory_of(scheme, setting)
    return [row for name in names for row in LAWS[name](setting, seen, known)]
