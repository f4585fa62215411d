"""Voltage bands bound and reproduce any rate law, wherever they begin and end."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stochhh.kinetics.files import load_scheme
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Transition
from stochhh.kinetics.tables import INTERPOLATION_ERROR, BandTable, build_graph
from stochhh.theory import stationary_law

sizes = st.floats(1e-3, 1e3)
voltages = st.floats(-100.0, 60.0)
widths = st.sampled_from([0.1, 0.25, 0.3, 0.5, 1.0, 2.0])
# a law may change by a factor e within 2 mV, the widest band tried
scales = st.builds(lambda size, sign: size * sign, st.floats(2.0, 100.0), st.sampled_from([-1, 1]))
curves = st.builds(
    RateLaw,
    st.sampled_from(["exponential", "sigmoid", "linoid"]),
    sizes,
    voltages,
    scales,
    factor=st.floats(0.1, 10.0),
)
constants = st.builds(RateLaw, st.sampled_from(["constant", "binding"]), st.floats(0.0, 10.0))
measured = st.lists(
    st.tuples(st.integers(-1000, 600).map(lambda v: v / 10), st.just(0.0) | sizes),
    min_size=2,
    max_size=8,
    unique_by=lambda point: point[0],
).map(lambda points: RateLaw("table", points=tuple(sorted(points))))
laws = st.one_of(curves, constants, measured)


def table_of(rates, width, marks=()):
    knots = [voltage for rate in rates for voltage in rate.extremes]
    return BandTable(tuple(rates), width, tuple(sorted({*marks, *knots})))


@given(st.lists(laws, min_size=1, max_size=3), widths, voltages, st.floats(0.0, 20.0), st.data())
def test_bands_bound_and_reproduce_any_rate_at_any_voltage(rates, width, low, reach, data):
    bands = table_of(rates, width).covering(low, low + reach)
    assert bands.edge[0] <= low
    assert bands.edge[-1] >= low + reach
    assert np.all(np.diff(bands.edge) > 0)
    assert np.all(np.diff(bands.edge) < 2.01 * width)
    share = data.draw(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5))
    position = np.concatenate([share, np.linspace(0.0, 1.0, 23)])
    voltage = bands.edge[:-1, None] + np.diff(bands.edge)[:, None] * position
    powers = position[:, None] ** np.arange(bands.polynomial.shape[2])
    for r, rate in enumerate(rates):
        truth, upper = rate(voltage), bands.upper[:, r, None]
        assert np.all(truth <= upper)
        assert np.all(truth >= bands.ratio[:, r, None] * upper)
        fitted = bands.polynomial[:, r] @ powers.T * upper
        error = INTERPOLATION_ERROR * np.maximum(truth, 1e-3 * upper)
        assert np.all(np.abs(fitted - truth) <= 1.5 * error)  # measured between other nodes
        np.testing.assert_allclose(
            bands.inverse[:, r] * bands.upper[:, r], bands.upper[:, r] > 0, rtol=1e-15
        )


@given(
    st.lists(laws, min_size=1, max_size=2),
    widths,
    st.lists(voltages, max_size=3),
    voltages,
    st.floats(0.0, 20.0),
    st.floats(0.0, 30.0),
    st.floats(0.0, 30.0),
)
def test_a_table_that_reaches_further_holds_the_same_bands(
    rates, width, marks, low, reach, below, above
):
    table = table_of(rates, width, marks)
    small = table.covering(low, low + reach)
    large = table.covering(small.edge[0] - below, small.edge[-1] + above)
    first = int(np.searchsorted(large.edge, small.edge[0]))
    rows = slice(first, first + len(small.edge))
    np.testing.assert_array_equal(large.edge[rows], small.edge)
    bands = slice(first, first + len(small.edge) - 1)
    np.testing.assert_array_equal(large.upper[bands], small.upper)
    np.testing.assert_array_equal(large.ratio[bands], small.ratio)
    position = np.linspace(0.0, 1.0, 7)[:, None]
    here, there = (
        polynomial @ (position ** np.arange(polynomial.shape[2])).T  # of whatever degree
        for polynomial in (small.polynomial, large.polynomial[bands])
    )
    np.testing.assert_allclose(there, here, atol=3 * INTERPOLATION_ERROR)


@given(st.lists(voltages, max_size=4), widths, voltages, st.floats(0.0, 20.0))
def test_every_mark_within_reach_is_an_edge(marks, width, low, reach):
    edge = table_of([RateLaw("constant", 1.0)], width, marks).covering(low, low + reach).edge
    inside = [mark for mark in marks if low <= mark <= low + reach]
    assert set(inside) <= set(edge.tolist())


@st.composite
def schemes(draw):
    """Any connected scheme of two to six states."""
    n = draw(st.integers(2, 6))
    rates = tuple(draw(st.lists(curves, min_size=1, max_size=4)))
    classes = st.integers(0, len(rates) - 1)
    arrows = [
        Transition(a, b, draw(st.integers(1, 4)), draw(classes))
        for low in range(n - 1)
        for a, b in ((low, low + 1), (low + 1, low))
    ]
    extra = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] != e[1])
    for a, b in draw(st.lists(extra, max_size=4)):
        arrows.append(Transition(a, b, draw(st.integers(1, 4)), draw(classes)))
    return ChannelScheme(
        name="any",
        title="",
        ion="K+",
        valence=1,
        states=tuple(f"s{k}" for k in range(n)),
        relative_conductance=(0.0,) * (n - 1) + (1.0,),
        rate_names=tuple(f"r{k}" for k in range(len(rates))),
        rates=rates,
        transitions=tuple(arrows),
    )


@given(schemes(), st.randoms(use_true_random=False), voltages)
def test_relabelling_states_changes_nothing_in_law(scheme, random, voltage):
    n = len(scheme.states)
    new = list(range(n))
    random.shuffle(new)  # state k is now called new[k]
    old = np.argsort(new)
    arrows = [
        Transition(new[arrow.source], new[arrow.target], arrow.multiplicity, arrow.rate)
        for arrow in scheme.transitions
    ]
    random.shuffle(arrows)
    relabelled = ChannelScheme(
        **{
            **vars(scheme),
            "states": tuple(scheme.states[k] for k in old),
            "relative_conductance": tuple(scheme.relative_conductance[k] for k in old),
            "transitions": tuple(arrows),
        }
    )
    q, q_new = scheme.generator(voltage), relabelled.generator(voltage)
    np.testing.assert_allclose(q_new[np.ix_(new, new)], q, rtol=1e-12, atol=1e-300)
    law, law_new = stationary_law(q), stationary_law(q_new)
    np.testing.assert_allclose(law_new[new], law, rtol=1e-9)
    assert law_new @ np.array(relabelled.relative_conductance) == np.float64(law_new[new[n - 1]])
    graph, graph_new = build_graph([scheme]), build_graph([relabelled])
    each = np.eye(n)
    np.testing.assert_array_equal(graph_new.weights(each)[new], graph.weights(each))
    np.testing.assert_array_equal(graph_new.class_start, graph.class_start)


@given(st.lists(schemes(), max_size=3), st.integers(0, 2**32 - 1))
def test_the_graph_of_several_schemes_leaves_at_the_rates_of_each(several, seed):
    """Weights by class times rates = occupancies times total rates of leaving."""
    several = [*several, load_scheme("squid-na")]
    graph = build_graph(several)
    occupancy = np.random.default_rng(seed).integers(0, 9, graph.state_start[-1])
    rates = np.concatenate([scheme.rates_at(-50.0) for scheme in several])
    total = sum(
        occupancy[start : start + len(scheme.states)] @ -np.diag(scheme.generator(-50.0))
        for scheme, start in zip(several, graph.state_start, strict=False)
    )
    np.testing.assert_allclose(rates @ graph.weights(occupancy), total, rtol=1e-10)
    for t in range(len(graph.source)):  # every arrow stays within its scheme
        here, there = np.searchsorted(
            graph.state_start, [int(graph.source[t]), int(graph.target[t])], side="right"
        )
        assert here == there
