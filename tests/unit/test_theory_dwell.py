"""Open and shut times, first latencies and log-binned histograms.

The five-state mechanism of the acetylcholine receptor of Colquhoun & Hawkes 1982
(doi:10.1098/rstb.1982.0156) is typed in with the values that their own group's
program gives for it (DC-PyPs, University College London, its unit tests).
"""

from __future__ import annotations

import itertools
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from stochhh import theory
from stochhh.theory import PhaseType, generator_of, stationary_law

#: AR*, A2R*, A2R, AR, R at 100 nM, in 1/s; the first two are open.
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
#: A cycle with a preferred direction; states 0 and 1 are open.
DRIVEN = generator_of([[0, 2.0, 0, 0.1], [0.1, 0, 2.0, 0], [0, 0.2, 0, 3.0], [1.5, 0, 0.1, 0]])
DRIVEN_OPEN = np.array([1, 1, 0, 0], dtype=bool)

CASES = {
    "open": (RECEPTOR, OPEN),
    "shut": (RECEPTOR, ~OPEN),
    "driven open": (DRIVEN, DRIVEN_OPEN),
    "driven shut": (DRIVEN, ~DRIVEN_OPEN),
}
every_case = pytest.mark.parametrize(("q", "selected"), CASES.values(), ids=CASES)


def test_two_states_stay_exponentially():
    open_time = theory.dwell_law([[-0.3, 0.3], [1.1, -1.1]], [False, True])
    times = np.array([0.0, 0.5, 4.0])
    np.testing.assert_allclose(theory.density(open_time, times), 1.1 * np.exp(-1.1 * times))
    np.testing.assert_allclose(theory.survivor(open_time, times), np.exp(-1.1 * times))
    assert theory.mean_ms(open_time) == pytest.approx(1 / 1.1)
    found = theory.components(open_time)
    np.testing.assert_allclose([found.time_constant_ms[0], found.area[0]], [1 / 1.1, 1.0])


def test_a_blocked_channel_has_two_shut_times():
    """C ⇌ O ⇌ B: areas as the rates of leaving the open state, by hand."""
    q = generator_of([[0, 0.2, 0], [1.0, 0, 3.0], [0, 8.0, 0]])
    found = theory.components(theory.dwell_law(q, [True, False, True]))
    np.testing.assert_allclose(found.time_constant_ms, [1 / 0.2, 1 / 8.0], rtol=1e-12)
    np.testing.assert_allclose(found.area, [0.25, 0.75], rtol=1e-12)
    assert theory.mean_ms(theory.dwell_law(q, [False, True, False])) == pytest.approx(0.25)


def test_the_shut_times_of_the_receptor_are_those_published():
    found = theory.components(theory.dwell_law(RECEPTOR, ~OPEN))
    rates = np.array([0.263895, 2062.93, 19011.8])  # 1/s
    np.testing.assert_allclose(found.time_constant_ms, 1e3 / rates, rtol=4e-6)
    amplitudes = np.array([0.0691263, 17.2607, 13872.7])  # 1/s
    np.testing.assert_allclose(found.area, amplitudes / rates, rtol=8e-6)


@every_case
def test_the_law_is_that_of_the_channel_with_the_way_back_cut(q, selected):
    """Whoever leaves stays away; enter where the stationary flux does."""
    law = theory.dwell_law(q, selected)
    entering = (stationary_law(q) * ~selected) @ q * selected
    cut = np.where(selected[:, None], q, 0.0)
    for t in (0.0, 0.01, 0.3, 2.0, 40.0):
        there = entering / entering.sum() @ expm(cut * t)
        assert theory.survivor(law, [t])[0] == pytest.approx(there[selected].sum(), rel=1e-9)
        flux = (there[selected] @ q[np.ix_(selected, ~selected)]).sum()
        assert theory.density(law, [t])[0] == pytest.approx(flux, rel=1e-9)


@every_case
def test_density_survivor_and_mean_are_integrals_of_one_another(q, selected):
    law = theory.dwell_law(q, selected)

    def integral(function, start, end):
        edges = np.concatenate([[start], np.geomspace(max(start, 1e-3), end, 25)])
        pieces = itertools.pairwise(edges)
        return sum(quad(lambda t: function(law, [t])[0], a, b)[0] for a, b in pieces if b > a)

    long = 60 * theory.components(law).time_constant_ms.real.max()
    assert integral(theory.density, 0.0, long) == pytest.approx(1.0, rel=1e-8)
    assert integral(theory.density, 0.4, long) == pytest.approx(
        theory.survivor(law, [0.4])[0], rel=1e-8
    )
    assert integral(theory.survivor, 0.0, long) == pytest.approx(theory.mean_ms(law), rel=1e-8)


@every_case
def test_components_add_up_to_the_density(q, selected):
    law = theory.dwell_law(q, selected)
    tau, area = theory.components(law)
    assert np.all(np.diff(tau.real) <= 0)
    assert area.sum() == pytest.approx(1.0, rel=1e-10)
    assert (area * tau).sum() == pytest.approx(theory.mean_ms(law), rel=1e-9)
    for t in (0.0, 0.02, 0.5, 3.0):
        value = (area / tau * np.exp(-t / tau)).sum()
        assert value == pytest.approx(theory.density(law, [t])[0], rel=1e-8)


def test_mean_open_and_shut_times_share_the_time_as_the_law_does():
    open_ms = theory.mean_ms(theory.dwell_law(RECEPTOR, OPEN))
    shut_ms = theory.mean_ms(theory.dwell_law(RECEPTOR, ~OPEN))
    p = stationary_law(RECEPTOR)[OPEN].sum()
    assert open_ms / (open_ms + shut_ms) == pytest.approx(p, rel=1e-12)


def test_a_slow_way_out_keeps_its_accuracy():
    """Two states that change fast, one way out at 1e-14: solving a linear system loses this."""
    law = PhaseType(
        np.array([1.0, 0.0]), np.array([[-1.0, 1.0], [1.0, -1.0 - 1e-14]]), np.array([0, 1e-14])
    )
    assert theory.mean_ms(law) == pytest.approx(2e14 + 1, rel=1e-12)


@pytest.mark.parametrize("up", [1e-1, 1e-3, 1e-5])
def test_time_constants_that_no_eigenvalue_can_give(up):
    """Four gates that open with rate `up` and shut with 5 per ms, as decimals of 60 digits.

    The characteristic polynomial of the four shut states by its three-term
    recursion; Newton's method from 0 gives the slowest rate.
    """
    rise, fall = [Decimal(k) * Decimal(up) for k in (4, 3, 2, 1)], [0, 5, 10, 15]
    with localcontext(prec=60):
        x = Decimal(0)
        for _ in range(50):
            before, value = (Decimal(0), Decimal(0)), (Decimal(1), Decimal(0))
            for k in range(4):
                edge = rise[k - 1] * fall[k]
                diagonal = rise[k] + fall[k] - x
                here = diagonal * value[0] - edge * before[0]
                slope = diagonal * value[1] - value[0] - edge * before[1]
                before, value = value, (here, slope)
            x -= value[0] / value[1]
    q = np.diag([float(r) for r in rise], 1) + np.diag([5.0, 10.0, 15.0, 20.0], -1)
    found = theory.components(theory.dwell_law(generator_of(q), np.arange(5) < 4))
    assert found.time_constant_ms[0] == pytest.approx(float(1 / x), rel=1e-11)
    assert np.all(found.area > 0)
    assert found.area.sum() == pytest.approx(1.0, rel=1e-12)


def test_several_such_time_constants_are_refused():
    chain = np.array([[-1e-12, 1e-12, 0], [0, -2e-13, 2e-13], [0, 0, -1.0]])
    law = PhaseType(np.array([1.0, 0, 0]), chain, np.array([0, 0, 1.0]))
    with pytest.raises(ValueError, match="the longest time constants cannot be told apart"):
        theory.components(law)
    assert theory.mean_ms(law) == pytest.approx(6e12)


def test_a_stay_that_may_never_end():
    """From 0 out with rate 1, to a trap with rate 3."""
    law = PhaseType(np.array([1.0, 0.0]), np.array([[-4.0, 3.0], [0, 0]]), np.array([1.0, 0]))
    np.testing.assert_allclose(theory.sojourns_ms(law), [0.25, np.inf])
    assert theory.mean_ms(law) == np.inf
    np.testing.assert_allclose(theory.survivor(law, [1e3]), [0.75])


@every_case
def test_bins_hold_what_the_survivor_function_loses(q, selected):
    law = theory.dwell_law(q, selected)
    edges = theory.log_bin_edges_ms(0.01, 1e5, 8)
    found = theory.bin_probabilities(law, edges)
    lost = -np.diff(theory.survivor(law, edges))
    np.testing.assert_allclose(found, lost, rtol=1e-7, atol=1e-12)
    assert np.all(found >= 0)


def test_bins_keep_their_relative_accuracy_in_the_tails():
    law = theory.dwell_law([[-0.3, 0.3], [1.1, -1.1]], [False, True])
    edges = np.array([0.0, 1e-18, 2e-18, 100.0, 100.0 + 1e-9])
    expected = np.exp(-1.1 * edges[:-1]) * -np.expm1(-1.1 * np.diff(edges))
    np.testing.assert_allclose(theory.bin_probabilities(law, edges), expected, rtol=1e-9)


def test_on_a_logarithmic_axis_the_peak_is_at_the_time_constant():
    """Sigworth & Sine 1987: an exponential peaks at τ, with e⁻¹ ln 10 a decade."""
    law = theory.dwell_law([[-0.3, 0.3], [1.1, -1.1]], [False, True])
    edges = theory.log_bin_edges_ms(1e-3, 100.0, 200)
    found = theory.bin_probabilities(law, edges)
    peak = found.argmax()
    assert edges[peak] <= 1 / 1.1 * 1.012
    assert edges[peak + 1] >= 1 / 1.1 / 1.012
    assert found[peak] * 200 == pytest.approx(np.log(10) / np.e, rel=1e-4)


def test_edges_are_equal_steps_on_a_logarithmic_axis():
    np.testing.assert_allclose(theory.log_bin_edges_ms(0.1, 10.0, 2), 10.0 ** np.linspace(-1, 1, 5))
    np.testing.assert_allclose(theory.log_bin_edges_ms(1.0, 11.0, 1), [1.0, 10.0, 100.0])
    end = 0.01 * 10.0 ** (29 / 7)  # whose logarithm is above 29 / 7 by rounding
    assert len(theory.log_bin_edges_ms(0.01, end, 7)) == 30
    for wrong in [(0.0, 1.0, 10), (1.0, 1.0, 10), (1.0, 2.0, 0)]:
        with pytest.raises(ValueError, match="need 0 < shortest_ms < longest_ms"):
            theory.log_bin_edges_ms(*wrong)
    law = theory.dwell_law(RECEPTOR, OPEN)
    for edges in ([1.0, 1.0], [2.0, 1.0], [-1.0, 1.0], [np.nan, 1.0], [[0.0, 1.0]]):
        with pytest.raises(ValueError, match="need a list of increasing times from 0 ms up"):
            theory.bin_probabilities(law, edges)


def test_states_that_are_never_entered_have_no_dwell_time():
    q = generator_of([[0, 1.0, 0], [1.0, 0, 0], [0, 1.0, 0]])  # nothing leads to the last
    with pytest.raises(ValueError, match="selected: at equilibrium these states are never entered"):
        theory.dwell_law(q, [False, False, True])
    with pytest.raises(ValueError, match="selected: must hold for some of the states"):
        theory.dwell_law(q, [True, True, True])
