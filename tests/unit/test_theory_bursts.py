"""Bursts against published numbers, against one another and against cut-up random records."""

from __future__ import annotations

import numpy as np
import pytest
from harness import agrees, counts_follow, mean_is, refuses
from scipy.integrate import quad
from scipy.linalg import expm

from stochhh import theory
from stochhh.theory import generator_of, stationary_law

#: As in test_theory_dwell: AR*, A2R*, A2R, AR, R of Colquhoun & Hawkes 1982, 1/ms.
RECEPTOR = (
    generator_of(
        [
            [0, 50, 0, 3000, 0],
            [2 / 3, 0, 500, 0, 0],
            [0, 15000, 0, 4000, 0],
            [15, 0, 50, 0, 2000],
            [0, 0, 0, 10, 0],
        ]
    )
    / 1e3
)
OPEN = np.array([1, 1, 0, 0, 0], dtype=bool)
BETWEEN = np.array([0, 0, 0, 0, 1], dtype=bool)
#: Two open, one brief and two long shut states, with a cycle that has a preferred direction.
CYCLE = generator_of(
    [
        [0, 0.5, 2.0, 0, 0],
        [0.1, 0, 1.0, 0, 0.3],
        [3.0, 1.0, 0, 0.8, 0],
        [0, 0, 0.2, 0, 0.1],
        [0.05, 0.15, 0, 0.3, 0],
    ]
)
CYCLE_BETWEEN = np.array([0, 0, 0, 1, 1], dtype=bool)


def record(q, n_jumps, seed):
    """States and dwell times of one long record, from any start, in plain numpy."""
    rng = np.random.default_rng(seed)
    leaving = -np.diag(q)
    jumps = np.cumsum(np.where(np.eye(len(q)) > 0, 0, q) / leaving[:, None], axis=1).tolist()
    uniform, states = rng.random(n_jumps).tolist(), [0]
    for u in uniform:
        row, state = jumps[states[-1]], 0
        while u >= row[state] and state < len(row) - 1:
            state += 1
        states.append(state)
    states = np.array(states)
    return states, rng.exponential(size=n_jumps + 1) / leaving[states]


def cut(states, times, is_open, ends_burst):
    """Openings and length of each whole burst; `ends_burst` of a gap's states and length."""
    starts = np.flatnonzero(np.diff(is_open[states].astype(int), prepend=-1))
    spans = np.add.reduceat(times, starts)
    bursts, openings, length, gap = [], 0, 0.0, 0.0
    for k, start in enumerate(starts[:-1]):
        if is_open[states[start]]:
            openings, length = openings + 1, length + gap + spans[k]
        elif ends_burst(states[start : starts[k + 1]], spans[k]):
            bursts.append((openings, length))
            openings, length, gap = 0, 0.0, 0.0
        else:
            gap = spans[k]
    return np.array(bursts)[1:]  # the first may have begun before the record


def test_bursts_of_the_receptor_are_those_published():
    """DC-PyPs (University College London), unit tests of its burst module."""
    found = theory.bursts_by_states(RECEPTOR, OPEN, BETWEEN)
    np.testing.assert_allclose(found.first, [0.275362, 0.724638], atol=1e-6)
    assert found.mean_openings == pytest.approx(3.81864, abs=1e-5)
    assert found.mean_length_ms == pytest.approx(7.32810, abs=1e-5)
    assert found.mean_open_ms == pytest.approx(7.16585, abs=1e-5)


@pytest.mark.parametrize(
    ("q", "between"), [(RECEPTOR, BETWEEN), (CYCLE, CYCLE_BETWEEN)], ids=["receptor", "cycle"]
)
def test_bursts_by_states_agree_with_the_formulas_of_the_paper(q, between):
    """Colquhoun & Hawkes 1982: G matrices and density, with all blocks written out."""
    is_open = OPEN
    brief = ~is_open & ~between
    cut_q = {
        (x, y): q[np.ix_(i, j)]
        for x, i in (("A", is_open), ("B", brief), ("C", between))
        for y, j in (("A", is_open), ("B", brief), ("C", between))
    }
    g_ab = np.linalg.solve(-cut_q["A", "A"], cut_q["A", "B"])
    g_ac = np.linalg.solve(-cut_q["A", "A"], cut_q["A", "C"])
    g_ba = np.linalg.solve(-cut_q["B", "B"], cut_q["B", "A"])
    g_bc = np.linalg.solve(-cut_q["B", "B"], cut_q["B", "C"])
    first = stationary_law(q)[between] @ (cut_q["C", "B"] @ g_ba + cut_q["C", "A"])
    first = first / first.sum()
    last = (g_ab @ g_bc).sum(axis=1) + g_ac.sum(axis=1)
    found = theory.bursts_by_states(q, is_open, between)
    np.testing.assert_allclose(found.first, first, rtol=1e-11)
    np.testing.assert_allclose(found.again, g_ab @ g_ba, rtol=1e-11)
    np.testing.assert_allclose(found.last, last, rtol=1e-11)
    openings = first @ np.linalg.solve(np.eye(2) - g_ab @ g_ba, np.ones(2))
    assert found.mean_openings == pytest.approx(openings, rel=1e-11)
    length = theory.burst_length_by_states(q, is_open, between)
    inside = is_open | brief
    n_open = 2
    for t in (0.0, 0.3, 2.0, 20.0):
        within = expm(q[np.ix_(inside, inside)] * t)[:n_open, :n_open]
        expected = first @ within @ -cut_q["A", "A"] @ last
        assert theory.density(length, [t])[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("by", ["states", "gap"])
def test_openings_in_a_burst_add_up(by):
    if by == "states":
        found = theory.bursts_by_states(CYCLE, OPEN, CYCLE_BETWEEN)
    else:
        found = theory.bursts_by_gap(CYCLE, OPEN, 1.5)
    np.testing.assert_allclose(found.again.sum(axis=1) + found.last, 1.0, rtol=1e-12)
    law = theory.openings_per_burst(found, 400)
    assert law.sum() == pytest.approx(1.0, rel=1e-10)
    assert law @ np.arange(1, 401) == pytest.approx(found.mean_openings, rel=1e-10)
    assert law[0] == pytest.approx(found.first @ found.last)


def test_two_states_make_geometric_bursts():
    """Every gap is longer than t with e^(-bt); gaps within are cut exponentials."""
    a, b, critical = 2.0, 0.7, 1.1  # shutting, opening
    found = theory.bursts_by_gap([[-a, a], [b, -b]], [True, False], critical)
    longer = np.exp(-b * critical)
    assert found.mean_openings == pytest.approx(1 / longer)
    assert found.mean_open_ms == pytest.approx(1 / longer / a)
    gap = 1 / b - critical * longer / (1 - longer)
    assert found.mean_length_ms == pytest.approx(1 / longer / a + (1 / longer - 1) * gap)
    np.testing.assert_allclose(
        theory.openings_per_burst(found, 5), longer * (1 - longer) ** np.arange(5)
    )


def test_a_burst_of_one_opening_has_the_length_of_an_opening():
    """A critical time of nearly zero, and no brief shut state at all."""
    tiny = theory.bursts_by_gap(CYCLE, OPEN, 1e-9)
    open_ms = theory.mean_ms(theory.dwell_law(CYCLE, OPEN))
    assert tiny.mean_openings == pytest.approx(1.0, abs=1e-8)
    assert tiny.mean_length_ms == pytest.approx(open_ms, rel=1e-7)
    alone = theory.bursts_by_states(CYCLE, OPEN, ~OPEN)
    assert alone.mean_openings == pytest.approx(1.0, rel=1e-12)
    assert alone.mean_length_ms == pytest.approx(open_ms, rel=1e-12)
    np.testing.assert_allclose(alone.again, 0.0, atol=0)


def test_brief_states_without_a_way_back_end_the_burst():
    """O → B → C → O: B is no gap between bursts, but no opening follows it."""
    q = generator_of([[0, 2.0, 0], [0, 0, 5.0], [1.0, 0, 0]])
    found = theory.bursts_by_states(q, [1, 0, 0], [0, 0, 1])
    assert found.mean_openings == pytest.approx(1.0)
    assert found.mean_length_ms == pytest.approx(0.5)
    assert len(theory.burst_length_by_states(q, [1, 0, 0], [0, 0, 1]).start) == 1


def test_the_length_of_two_state_bursts_interval_by_interval():
    """Within the first critical time nothing is cut yet; then Duhamel's integral cuts."""
    a, b, critical = 2.0, 0.7, 1.1
    q = np.array([[-a, a], [b, -b]])
    ending = a * np.exp(-b * critical)

    def cut_once(t):
        return expm(q * t)[0, 0]

    def cut_twice(t):
        """Channels that shut at s and stayed shut until s + critical are gone."""
        gone = quad(
            lambda s: cut_once(s) * ending * expm(q * (t - s - critical))[1, 0], 0, t - critical
        )[0]
        return cut_once(t) - gone

    times = np.array([0.0, 0.4, 1.09, 1.11, 1.7, 2.19])
    density, _ = theory.burst_length_by_gap(q, [True, False], critical, times)
    expected = [ending * (cut_once(t) if t < critical else cut_twice(t)) for t in times]
    np.testing.assert_allclose(density, expected, rtol=1e-9)


@pytest.mark.parametrize(("q", "critical"), [(CYCLE, 1.5), (CYCLE, 0.1), (RECEPTOR, 4.0)])
def test_the_length_of_bursts_cut_by_a_gap_has_their_mean(q, critical):
    """Integrals of density and survivor over Gauss-Legendre nodes, kinks at multiples kept."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    mean = theory.bursts_by_gap(q, OPEN, critical).mean_length_ms
    starts = critical * np.arange(np.ceil(60 * mean / critical))
    times = (starts[:, None] + critical * (nodes + 1) / 2).ravel()
    density, survivor = theory.burst_length_by_gap(q, OPEN, critical, times)
    weights = np.tile(weights * critical / 2, len(starts))
    assert weights @ density == pytest.approx(1.0, rel=1e-7)
    assert weights @ survivor == pytest.approx(mean, rel=1e-7)
    later = times > starts[2]
    assert weights[later] @ density[later] == pytest.approx(
        theory.burst_length_by_gap(q, OPEN, critical, [starts[2]])[1][0], rel=1e-6
    )
    shuffled = np.random.default_rng(1).permutation(len(times))[:50]
    np.testing.assert_allclose(
        theory.burst_length_by_gap(q, OPEN, critical, times[shuffled])[0], density[shuffled]
    )


def test_bursts_of_a_random_record():
    """Both definitions at once; a critical time that is wrong by 6 % of the openings is refused.

    Every other burst counts, so that what one leaves behind is forgotten.
    """
    states, times = record(CYCLE, 400_000, seed=20)
    by_states = cut(states, times, OPEN, lambda gap, _: CYCLE_BETWEEN[gap].any())[::2]
    by_gap = cut(states, times, OPEN, lambda _, length: length > 1.5)[::2]
    edges = np.concatenate([np.linspace(0.0, 12.0, 21), [np.inf]])

    def openings_of(bursts, law):
        counts = np.bincount(np.minimum(bursts[:, 0].astype(int), 30), minlength=31)[1:]
        tail = theory.openings_per_burst(law, 29)
        return counts_follow(counts, np.append(tail, 1 - tail.sum()))

    def lengths_of(bursts, survivor):
        counts = np.histogram(bursts[:, 1], edges)[0]
        return counts_follow(counts, -np.diff(np.append(survivor, 0.0)))

    law = theory.bursts_by_states(CYCLE, OPEN, CYCLE_BETWEEN)
    length = theory.burst_length_by_states(CYCLE, OPEN, CYCLE_BETWEEN)
    agrees(openings_of(by_states, law), "openings by states")
    agrees(mean_is(by_states[:, 1], law.mean_length_ms), "mean length by states")
    agrees(lengths_of(by_states, theory.survivor(length, edges[:-1])), "length by states")

    for critical, verdict in ((1.5, agrees), (1.2, refuses)):
        law = theory.bursts_by_gap(CYCLE, OPEN, critical)
        _, survivor = theory.burst_length_by_gap(CYCLE, OPEN, critical, edges[:-1])
        verdict(openings_of(by_gap, law), f"openings by gap {critical}")
        verdict(mean_is(by_gap[:, 1], law.mean_length_ms), f"mean length by gap {critical}")
        verdict(lengths_of(by_gap, survivor), f"length by gap {critical}")
    refuses(openings_of(by_gap, theory.bursts_by_states(CYCLE, OPEN, CYCLE_BETWEEN)), "states")


def test_bursts_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="is_between: state 1 is open; need shut states only"):
        theory.bursts_by_states(RECEPTOR, OPEN, [0, 1, 0, 0, 1])
    with pytest.raises(ValueError, match="is_between: must hold for some of the states"):
        theory.bursts_by_states(RECEPTOR, OPEN, [0, 0, 0, 0, 0])
    q = generator_of([[0, 1.0, 0], [1.0, 0, 0], [0, 0, 0]])
    q[2] = [0.0, 2.0, -2.0]  # never visited, so nothing follows it
    with pytest.raises(ValueError, match="is_between: at equilibrium no opening follows"):
        theory.bursts_by_states(q, [1, 0, 0], [0, 0, 1])
    for wrong in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="need a time above 0 ms"):
            theory.bursts_by_gap(RECEPTOR, OPEN, wrong)
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="times_ms: every time must be 0 ms or more"):
            theory.burst_length_by_gap(RECEPTOR, OPEN, 1.0, [wrong])
    with pytest.raises(ValueError, match="critical_ms = 10000 ms is too long for a fastest rate"):
        theory.burst_length_by_gap(RECEPTOR, OPEN, 1e4, [1.0])
