"""Laws of single-channel records: rates, stays, open and shut times, first latencies.

Smallest deviations that are refused, at 6.5 standard errors, with n events:

=====================  ==============================================================
rates                  one rate class off by 6.5 / sqrt(n): 3 % with 5e4 of its
                       transitions, in all experiments together
transitions by kind    the same for one arrow, such as one with a wrong multiplicity
stays in one state     a share of a twentieth of all stays that is off by 30 / sqrt(n)
open and shut times    a seventh of them off by about 16 / sqrt(n): 5 % with 1e5
first latency          a share p of the channels that is off by 8 sqrt((1 - p) / (p n))
=====================  ==============================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh import theory as closed_form
from stochhh.verify.comparison import (
    Comparison,
    comparable,
    counts_are,
    counts_follow,
    means_are,
)
from stochhh.verify.experiment import Observed, Setting, Theory
from stochhh.verify.tagged import first_entries_ms, in_classes
from stochhh.verify.verdict import Row

Floats = NDArray[np.float64]

_ENOUGH = 200.0  # events expected in a bin of dwell times
_BINS = 20  # of the shares of a stay's law


class ClassCounts(NamedTuple):
    """Transitions of tagged channels by rate class: how many there were, and are expected, (R,).

    Classes that share an arrow with another cannot be told apart and are left out (NaN).
    """

    found: Floats
    expected: Floats


def class_counts(setting: Setting, seen: Observed, theory: Theory) -> ClassCounts:
    """Count the transitions of every rate class in an experiment.

    As many are expected as their rate times the time spent in their sources, whatever
    came before, and with as much variance; those of different classes are
    uncorrelated (the counts less what is expected are orthogonal martingales: Andersen,
    Borgan, Gill & Keiding 1993, doi:10.1007/978-1-4612-4348-9). So both may be added up
    over experiments.
    """
    scheme = theory.scheme
    pairs = Counter((arrow.source, arrow.target) for arrow in scheme.transitions)
    found, expected = np.zeros(len(scheme.rates)), np.zeros(len(scheme.rates))
    value = scheme.rates_at(setting.voltage_mV)
    for arrow in scheme.transitions:
        together = pairs[arrow.source, arrow.target] > 1
        found[arrow.rate] += np.nan if together else seen.moves[arrow.source, arrow.target]
        time = arrow.multiplicity * seen.times_in_states_ms[arrow.source]
        expected[arrow.rate] += np.nan if together else value[arrow.rate] * time
    return ClassCounts(found, expected)


def rates(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Rates of all classes of transitions together."""
    counts = class_counts(setting, seen, theory)
    known = ~np.isnan(counts.found)
    found, mean = counts.found[known], counts.expected[known]
    if mean.sum() < _ENOUGH:
        return []
    error = np.sqrt(np.maximum(mean, 1.0))
    most = int(np.argmax(np.abs(found - mean) / error))
    name = np.array(theory.scheme.rate_names)[known][most]
    compared = counts_are(found, mean)._replace(
        theory=f"{name} {mean[most]:.6g}",
        simulation=f"{name} {found[most]:.6g} ± {error[most]:.2g}",
    )
    return [Row("rates, all classes", setting.where, compared)]


def rate_rows(names: Sequence[str], counts: ClassCounts) -> dict[str, Row]:
    """For each class with enough transitions a row about its rate."""
    rows = {}
    for name, found, expected in zip(names, *counts, strict=True):
        if expected >= _ENOUGH:
            ratio, error = found / expected, expected**-0.5
            compared = counts_are([found], [expected])._replace(
                theory="ratio 1", simulation=f"ratio {ratio:.5g} ± {error:.2g}"
            )
            rows[name] = Row(f"rate {name}", "all experiments", compared)
    return rows


def transitions_by_kind(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Number of transitions from each state to each other one, given the time spent there."""
    counts, expected = _by_arrow(seen, theory)
    drawn = expected > 0.0
    if expected.sum() < _ENOUGH:
        return []
    compared = counts_are(counts[drawn], expected[drawn])
    if counts[~drawn].any():
        compared = compared._replace(p_value=0.0, simulation="one that the scheme does not have")
    return [Row("transitions by kind", setting.where, compared)]


def _by_arrow(seen: Observed, theory: Theory) -> tuple[Floats, Floats]:
    """Transitions from each state to each other one, and how many are expected, (S, S)."""
    expected = seen.times_in_states_ms[:, None] * theory.generator
    np.fill_diagonal(expected, 0.0)
    return seen.moves, expected


def stays_in_states(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Stays in single states are exponential: the channel has no memory.

    A stay that was begun a time d before the end of the record, and is over by then,
    has the share ``(1 - exp(-q t)) / (1 - exp(-q d))`` of its law behind it, which
    is uniform whatever came before.
    """
    leaving = -np.diag(theory.generator)
    over = ~seen.stays.last
    q = leaving[seen.stays.state[over]]
    start, end = seen.stays.start_ms[over], seen.stays.end_ms[over]
    if not (q > 0.0).all():
        compared = Comparison(0.0, "states without a way out", "were left")
        return [Row("stays in one state", setting.where, compared)]
    share = np.expm1(-q * (end - start)) / np.expm1(-q * (setting.duration_ms - start))
    even = np.full(_BINS, 1.0 / _BINS)
    if not comparable(len(share), even):
        return []
    counts = np.histogram(share, np.linspace(0.0, 1.0, _BINS + 1))[0]
    compared = counts_follow(counts, even)._replace(
        theory="uniform shares", simulation=f"{len(share)} stays, mean share {share.mean():.5g}"
    )
    return [Row("stays in one state", setting.where, compared)]


def dwell_times(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Open and shut times in equilibrium, by how many of each length begin in a trial.

    Those that begin before the last quarter of the record are counted, and are
    followed for at most that quarter, so none is lost for being long. Successive
    times of a channel may depend on each other: the scatter is that between trials.
    """
    if not setting.held:
        return []
    found = []
    is_open = theory.is_open
    law = theory.start
    joined = in_classes(seen.stays, is_open.astype(np.int64))
    for name, kind in (("open times", 1), ("shut times", 0)):
        inside = is_open == bool(kind)
        flux = float((law[~inside] @ theory.generator[np.ix_(~inside, inside)]).sum())
        if not flux > 0.0:
            continue
        dwell = closed_form.dwell_law(theory.generator, inside)
        seen_for = setting.duration_ms / 4.0
        longest = min(seen_for, 3.0 * closed_form.mean_ms(dwell))
        edges = longest / 2.0 ** np.arange(6, -1, -1)
        edges[0] = 0.0
        shares = closed_form.bin_probabilities(dwell, edges)
        shares = np.append(shares, max(1.0 - shares.sum(), 0.0))
        begun_by = setting.duration_ms - seen_for
        expected = shares * flux * begun_by * seen.stays.n_channels
        bins = _pooled(expected * setting.n_trials)
        if bins.max() == 0 and expected.sum() * setting.n_trials < _ENOUGH:
            continue
        mine = (joined.state == kind) & ~joined.first & (joined.start_ms < begun_by)
        length = joined.end_ms[mine] - joined.start_ms[mine]
        place = bins[np.searchsorted(edges, length, side="right") - 1]
        n_bins = int(bins.max()) + 1
        counts = np.bincount(
            joined.trial[mine] * n_bins + place, minlength=setting.n_trials * n_bins
        ).reshape(setting.n_trials, n_bins)
        compared = means_are(counts, np.bincount(bins, expected))
        compared = compared._replace(
            theory=f"{expected.sum() * setting.n_trials:.6g}, mean "
            f"{closed_form.mean_ms(dwell):.5g} ms",
            simulation=f"{mine.sum()}, in {n_bins} bins of length",
        )
        found.append(Row(name, setting.where, compared))
    return found


def first_latency(setting: Setting, seen: Observed, theory: Theory) -> list[Row]:
    """Time from a step to each channel's first opening."""
    if setting.held:
        return []
    joined = in_classes(seen.stays, theory.is_open.astype(np.int64))
    found = first_entries_ms(joined, 1)
    law = closed_form.first_latency(theory.generator, theory.is_open, theory.start)
    at_once = 1.0 - law.start.sum()
    edges = np.concatenate(
        [[0.0], closed_form.log_bin_edges_ms(setting.duration_ms / 100, setting.duration_ms, 6)]
    )
    edges[-1] = setting.duration_ms
    shares = closed_form.bin_probabilities(law, edges)
    probabilities = np.concatenate([[at_once], shares, [max(1.0 - at_once - shares.sum(), 0.0)]])
    if not comparable(len(found), probabilities):
        return []
    opened = found[found > 0.0]
    counts = [
        np.count_nonzero(found == 0.0),
        *np.histogram(opened, edges)[0],
        np.count_nonzero(np.isnan(found)),
    ]
    compared = counts_follow(counts, np.clip(probabilities, 0.0, 1.0))._replace(
        theory=f"at once {at_once:.4g}, never {probabilities[-1]:.5g}",
        simulation=f"at once {counts[0] / len(found):.4g}, never {counts[-1] / len(found):.5g}",
    )
    return [Row("first latency", setting.where, compared)]


def _pooled(expected: ArrayLike) -> NDArray[np.int64]:
    """Number of the bin each small bin goes to, so that each expects enough, (B,)."""
    bins: list[int] = []
    filled = 0.0
    for value in np.asarray(expected, dtype=np.float64):
        if filled >= _ENOUGH:
            filled = 0.0
            bins.append(bins[-1] + 1)
        else:
            bins.append(bins[-1] if bins else 0)
        filled += value
    if filled < _ENOUGH and bins[-1] > 0:
        bins = [min(one, bins[-1] - 1) for one in bins]
    return np.array(bins, dtype=np.int64)
