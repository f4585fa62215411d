"""Flat tables for kernels: the state graph of several schemes, and voltage bands."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.errors import InputError, TrustError
from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.kinetics.tables import INTERPOLATION_ERROR, BandTable, build_graph

SQUID = (load_scheme("squid-na"), load_scheme("squid-k"))
CONSTANT = RateLaw("constant", 1.0)


def two_states(*rates: RateLaw) -> ChannelScheme:
    """C <-> O with the first two rates."""
    return ChannelScheme(
        name="two",
        title="",
        ion="K+",
        valence=1,
        states=("C", "O"),
        relative_conductance=(0.0, 1.0),
        rate_names=("alpha", "beta"),
        rates=rates,
        transitions=(Transition(0, 1, 1, 0), Transition(1, 0, 1, 1)),
    )


def evaluated(bands, voltage):
    """Rates by the polynomials, shape (n, R)."""
    band = np.searchsorted(bands.edge, voltage, side="right") - 1
    span = bands.edge[band + 1] - bands.edge[band]
    position = (voltage - bands.edge[band]) / span
    powers = position[:, None, None] ** np.arange(bands.polynomial.shape[2])
    return (bands.polynomial[band] * powers).sum(axis=2) * bands.upper[band]


# ---- graph ---------------------------------------------------------------------------------


def test_the_graph_of_the_squid_membrane_typed_out():
    """Na+ states 0..7 (m0h0, m0h1, m1h0, …), K+ states 8..12; classes a_m b_m a_h b_h a_n b_n."""
    graph = build_graph(SQUID)
    arrows = [
        [(0, 2, 3), (1, 3, 3), (2, 4, 2), (3, 5, 2), (4, 6, 1), (5, 7, 1)],
        [(2, 0, 1), (3, 1, 1), (4, 2, 2), (5, 3, 2), (6, 4, 3), (7, 5, 3)],
        [(0, 1, 1), (2, 3, 1), (4, 5, 1), (6, 7, 1)],
        [(1, 0, 1), (3, 2, 1), (5, 4, 1), (7, 6, 1)],
        [(8, 9, 4), (9, 10, 3), (10, 11, 2), (11, 12, 1)],
        [(9, 8, 1), (10, 9, 2), (11, 10, 3), (12, 11, 4)],
    ]
    start = graph.class_start.astype(int)
    assert start.tolist() == [0, 6, 12, 16, 20, 24, 28]
    for r, expected in enumerate(arrows):
        rows = slice(start[r], start[r + 1])
        found = zip(graph.source[rows], graph.target[rows], graph.multiplicity[rows], strict=True)
        assert sorted(tuple(map(int, arrow)) for arrow in found) == expected
    assert graph.state_start.tolist() == [0, 8, 13]
    leaving = graph.weights(np.eye(13))
    assert leaving.shape == (13, 6)
    assert leaving[0].tolist() == [3, 0, 1, 0, 0, 0]  # m0h0
    assert leaving[7].tolist() == [0, 3, 0, 1, 0, 0]  # m3h1
    assert leaving[10].tolist() == [0, 0, 0, 0, 2, 2]  # n2


@pytest.mark.parametrize("schemes", [SQUID, SQUID[::-1], SQUID[:1], SQUID * 2])
def test_what_a_transition_touches_is_what_it_changes(schemes):
    graph = build_graph(schemes)
    leaving = graph.weights(np.eye(graph.state_start[-1]))
    for t in range(len(graph.source)):
        rows = slice(int(graph.touched_start[t]), int(graph.touched_start[t + 1]))
        change = np.zeros(leaving.shape[1])
        change[graph.touched_class[rows].astype(int)] = graph.touched_change[rows]
        expected = leaving[int(graph.target[t])] - leaving[int(graph.source[t])]
        np.testing.assert_array_equal(change, expected)
        assert np.all(graph.touched_change[rows] != 0)
    assert int(graph.touched_start[-1]) == len(graph.touched_class)


def test_a_graph_grows_with_its_schemes_and_not_with_their_square():
    few, many = (sum(a.nbytes for a in build_graph(SQUID * n)) for n in (10, 1000))
    assert many / few < 101


def test_weights_of_the_classes_give_the_total_rate_of_leaving():
    """Σ_r rate_r W_r must be Σ_states occupancy · (-Q_ss)."""
    graph = build_graph(SQUID)
    occupancy = np.random.default_rng(1).integers(0, 50, 13)
    for voltage in (-65.0, -40.0, 10.0):
        rates = np.concatenate([scheme.rates_at(voltage) for scheme in SQUID])
        leaving = np.concatenate([-np.diag(scheme.generator(voltage)) for scheme in SQUID])
        assert rates @ graph.weights(occupancy) == pytest.approx(occupancy @ leaving, rel=1e-13)


def test_arrays_have_the_types_kernels_need():
    graph = build_graph(SQUID)
    for name in ("source", "target", "class_start", "touched_start", "touched_class"):
        assert getattr(graph, name).dtype == np.uint64
    for name in ("multiplicity", "state_start", "leaving_start", "leaving_class"):
        assert getattr(graph, name).dtype == np.int64
    bands = BandTable.of(SQUID, 0.5).covering(-80.0, 60.0)
    for array in (graph.touched_change, graph.leaving_count, graph.weights(np.eye(13)), *bands):
        assert array.dtype == np.float64
    assert all(array.flags.c_contiguous for array in (*graph, *bands))


def test_no_schemes_make_an_empty_graph():
    graph = build_graph([])
    assert len(graph.source) == 0
    assert graph.weights(np.zeros((2, 0))).shape == (2, 0)
    assert graph.class_start.tolist() == [0]
    assert graph.state_start.tolist() == [0]


def test_a_scheme_without_transitions_has_states_but_no_arrows():
    frozen = ChannelScheme("open", "", "K+", 1, ("O",), (1.0,), (), (), ())
    graph = build_graph([frozen, SQUID[1]])
    assert graph.state_start.tolist() == [0, 1, 6]
    assert len(graph.source) == 8
    assert graph.source.min() == 1


# ---- bands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.1, 0.25, 0.5, 2.0, 5.0])
def test_bands_bound_and_reproduce_the_squid_rates(width):
    bands = BandTable.of(SQUID, width).covering(-97.0, 70.0)
    low, high = bands.edge[:-1], bands.edge[1:]
    assert bands.edge[0] <= -97.0
    assert bands.edge[-1] >= 70.0
    assert np.all(high > low)
    assert high - low == pytest.approx(width, rel=1e-9)
    rates = [rate for scheme in SQUID for rate in scheme.rates]
    for share in (0.0, 1e-9, 0.1, 0.37, 0.5, 0.83, 1.0 - 1e-9):
        voltage = low + share * (high - low)
        truth = np.stack([rate(voltage) for rate in rates], axis=1)
        assert np.all(truth <= bands.upper)
        assert np.all(truth >= bands.ratio * bands.upper)
        np.testing.assert_allclose(evaluated(bands, voltage), truth, rtol=INTERPOLATION_ERROR)
        polynomial = evaluated(bands, voltage) / bands.upper
        assert np.all(polynomial <= 1.0)
        assert np.all(polynomial >= bands.ratio)
    np.testing.assert_allclose(bands.inverse * bands.upper, 1.0, rtol=1e-15)


def test_narrow_bands_need_only_a_cubic():
    assert BandTable.of(SQUID, 0.1).covering(-97.0, 70.0).polynomial.shape[2] == 4
    assert BandTable.of(SQUID, 5.0).covering(-97.0, 70.0).polynomial.shape[2] > 4


def test_the_singular_voltages_of_linoid_may_be_edges_or_inside():
    for width in (1.0, 0.3, 0.7):
        bands = BandTable.of(SQUID, width).covering(-60.0, -35.0)
        at = np.array([-55.0 - 1e-12, -55.0, -55.0 + 1e-12, -40.0 - 1e-12, -40.0, -40.0 + 1e-12])
        found = evaluated(bands, at)
        np.testing.assert_allclose(found[:3, 4], 0.1, rtol=2e-9)
        np.testing.assert_allclose(found[3:, 0], 1.0, rtol=2e-9)


@pytest.mark.parametrize("width", [60.0, 200.0])
def test_bands_too_wide_to_interpolate_are_not_trusted(width):
    with pytest.raises(TrustError, match=rf"bands of {width:g} mV .*set run\.band_width to less"):
        BandTable.of(SQUID, width).covering(-97.0, 70.0)


def test_a_rate_too_steep_for_its_bands_is_not_trusted():
    steep = two_states(RateLaw("exponential", 1.0, 0.0, 0.02), CONSTANT)
    with pytest.raises(TrustError, match=r"interpolate to .* only, 1e-09 is needed"):
        BandTable.of([steep], 0.5).covering(-5.0, 5.0)
    BandTable.of([steep], 0.02).covering(-5.0, 5.0)


@pytest.mark.parametrize(("low", "high"), [(-1e5, 0.0), (0.0, 2e5), (float("nan"), 0.0)])
def test_a_membrane_driven_beyond_reason_is_refused(low, high):
    with pytest.raises(InputError, match="give it a leak or a weaker stimulus"):
        BandTable.of(SQUID, 1.0).covering(low, high)


def test_a_rate_that_overflows_is_refused_by_its_law():
    table = BandTable.of([two_states(CONSTANT, RateLaw("exponential", 1.0, 0.0, 10.0))], 50.0)
    with pytest.raises(InputError, match="a rate with law 'exponential' is not finite between"):
        table.covering(0.0, 8000.0)


def test_bands_too_many_for_any_memory_are_refused():
    with pytest.raises(InputError, match=r"more than 1000000; set run\.band_width to more"):
        BandTable.of(SQUID, 1e-6).covering(-100.0, 50.0)
    with pytest.raises(InputError, match=r"set run\.band_width to more"):
        BandTable.of(SQUID, 1e-300).covering(-100.0, 50.0)


def test_edges_are_the_multiples_of_the_width_and_the_marks():
    bands = BandTable.of([two_states(CONSTANT, CONSTANT)], 1.0, (-30.25, 0.0)).covering(-31.5, 1.0)
    assert bands.edge.tolist() == [-32, -31, -30.25, *range(-30, 2)]


def test_knots_of_measured_rates_become_edges():
    measured = RateLaw("table", points=((-70.3, 0.1), (-41.7, 2.0), (-20.0, 0.3)))
    table = BandTable.of([two_states(measured, CONSTANT)], 1.0, (-30.5,))
    assert table.marks_mV == (-70.3, -41.7, -30.5, -20.0)
    bands = table.covering(-80.0, 0.0)
    assert {-70.3, -41.7, -30.5, -20.0} <= set(bands.edge.tolist())
    # -41.7 is a peak within a multiple of the width: without the edge it would be missed
    voltage = np.linspace(-42.0, -41.0, 2001)[:-1]
    band = np.searchsorted(bands.edge, voltage, side="right") - 1
    assert np.all(measured(voltage) <= bands.upper[band, 0])
    assert bands.upper.max() == pytest.approx(2.0, rel=1e-8)


@pytest.mark.parametrize("shift", [1e-9, -1e-9, 1e-7, 0.0])
def test_an_edge_next_to_a_mark_gives_way_to_it(shift):
    table = BandTable((CONSTANT,), 1.0, (-30.0 + shift,))
    edges = table.covering(-32.0, -28.0).edge
    assert edges.tolist() == [-32.0, -31.0, -30.0 + shift, -29.0, -28.0]


@pytest.mark.parametrize("shift", [1e-9, -1e-9])
def test_a_mark_next_to_the_end_is_well_inside(shift):
    table = BandTable((CONSTANT,), 1.0, (-30.0 + shift,))
    assert table.covering(-30.0, -28.0).edge.tolist() == [-31.0, -30.0 + shift, -29.0, -28.0]
    assert table.covering(-31.0, -30.0).edge.tolist() == [-31.0, -30.0 + shift, -29.0]


def test_a_single_voltage_has_a_band():
    assert BandTable((CONSTANT,), 0.5).covering(-65.0, -65.0).edge.tolist() == [-65.0, -64.5]


def test_a_rate_of_zero_has_bounds_of_zero():
    off = RateLaw("binding", 5.0, ligand="ACh", factor=0.0)
    bands = BandTable.of([two_states(off, CONSTANT)], 1.0).covering(-70.0, -60.0)
    assert not bands.upper[:, 0].any()
    assert not bands.inverse[:, 0].any()
    assert not bands.ratio[:, 0].any()
    assert not bands.polynomial[:, 0].any()
    assert np.isfinite(bands.polynomial).all()


def test_a_measured_rate_may_rise_from_zero():
    measured = RateLaw("table", points=((-80.0, 0.0), (-60.0, 0.0), (-20.0, 1.0), (0.0, 0.0)))
    bands = BandTable.of([two_states(measured, CONSTANT)], 0.5).covering(-90.0, 10.0)
    voltage = np.linspace(-89.9, 9.9, 1001)
    np.testing.assert_allclose(evaluated(bands, voltage)[:, 0], measured(voltage), atol=1e-12)


def test_a_membrane_without_channels_has_empty_bands():
    bands = BandTable.of([], 1.0).covering(-70.0, -60.0)
    assert bands.upper.shape == (10, 0)
    assert bands.polynomial.shape[:2] == (10, 0)
