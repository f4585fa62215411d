"""Rate laws against Hodgkin & Huxley's numbers, at and around their singular points."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numba import njit

from stochhh.kernels.mean_field import rates_at
from stochhh.kinetics.files import library_schemes, load_scheme
from stochhh.kinetics.rates import LAWS, SLOWEST_RATE, RateArrays, RateLaw, interpolated

LIBRARY = library_schemes()

# Hodgkin & Huxley 1952 (doi:10.1113/jphysiol.1952.sp004764), eqs 12, 13, 20, 21, 23, 24 in
# their own variable -(V + 65 mV), worked out in double precision: 1/ms at 6.3 degC.
HODGKIN_HUXLEY = {
    #        alpha_m       beta_m        alpha_h         beta_h         alpha_n        beta_n
    -65.0: (0.2235637246, 4.0, 0.07, 0.04742587318, 0.05819767069, 0.125),
    -55.0: (0.4308253752, 2.295013683, 0.04245714618, 0.119202922, 0.1, 0.1103121128),
    -40.0: (1.0, 0.9974088351, 0.02005533578, 0.3775406688, 0.1930825375, 0.09145195362),
    0.0: (4.074629441, 0.1080872238, 0.002714194548, 0.9706877692, 0.5522569479, 0.05546841376),
}
SINGULAR = [("squid-na", "alpha_m", -40.0, 1.0), ("squid-k", "alpha_n", -55.0, 0.1)]


@pytest.mark.parametrize("voltage", HODGKIN_HUXLEY)
def test_library_rates_are_those_of_hodgkin_and_huxley(voltage):
    sodium, potassium = load_scheme("squid-na"), load_scheme("squid-k")
    assert sodium.rate_names + potassium.rate_names == (
        "alpha_m",
        "beta_m",
        "alpha_h",
        "beta_h",
        "alpha_n",
        "beta_n",
    )
    rates = [*sodium.rates_at(voltage), *potassium.rates_at(voltage)]
    np.testing.assert_allclose(rates, HODGKIN_HUXLEY[voltage], rtol=1e-9)


@pytest.mark.parametrize(("scheme", "name", "voltage", "value"), SINGULAR)
def test_linoid_is_exactly_its_rate_at_the_singular_voltage(scheme, name, voltage, value):
    scheme = load_scheme(scheme)
    law = scheme.rates[scheme.rate_names.index(name)]
    assert float(law(voltage)) == value
    assert in_kernels([law], voltage)[0] == value


@pytest.mark.parametrize("offset", [1e-15, 1e-12, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("scheme", "name", "voltage", "value"), SINGULAR)
def test_linoid_is_smooth_around_the_singular_voltage(scheme, name, voltage, value, offset, sign):
    """x/(1 - exp(-x)) = 1 + x/2 + x²/12 + O(x⁴)."""
    scheme = load_scheme(scheme)
    law = scheme.rates[scheme.rate_names.index(name)]
    nearby = voltage + sign * offset
    x = (nearby - voltage) / 10.0  # as rounded
    assert float(law(nearby)) == pytest.approx(value * (1 + x / 2 + x * x / 12), rel=1e-15, abs=0)


def test_linoid_is_positive_and_rising_everywhere():
    voltage = np.linspace(-2000.0, 2000.0, 4001)
    rates = RateLaw("linoid", 1.0, -40.0, 10.0)(voltage)
    assert np.all(np.diff(rates) >= 0)
    assert rates[0] == pytest.approx(196 * np.exp(-196.0))
    assert rates[-1] == pytest.approx(204.0, rel=1e-15)  # becomes x itself
    falling = RateLaw("linoid", 1.0, -40.0, -10.0)(-80.0 - voltage)
    np.testing.assert_array_equal(falling, rates)


def test_laws_at_their_midpoints_and_one_scale_away():
    e = np.e
    for law, at_midpoint, one_up in [
        ("exponential", 1.0, e),
        ("sigmoid", 0.5, e / (1 + e)),
        ("linoid", 1.0, e / (e - 1)),
        ("constant", 1.0, 1.0),
    ]:
        rate = RateLaw(law, 2.0, -30.0, 5.0)
        np.testing.assert_allclose(rate([-30.0, -25.0]), [2 * at_midpoint, 2 * one_up], rtol=1e-15)


def test_far_voltages_overflow_to_the_limits_without_warnings(recwarn):
    far = np.array([-1e5, 1e5])
    np.testing.assert_array_equal(RateLaw("exponential", 1.0, 0.0, 10.0)(far), [0.0, np.inf])
    np.testing.assert_array_equal(RateLaw("sigmoid", 1.0, 0.0, 10.0)(far), [0.0, 1.0])
    np.testing.assert_array_equal(RateLaw("linoid", 1.0, 0.0, 10.0)(far), [0.0, 1e4])
    assert not recwarn.list


def test_rates_too_slow_ever_to_happen_are_zero():
    rate = RateLaw("exponential", 1.0, 0.0, 1.0)
    slowest = np.log(SLOWEST_RATE)
    np.testing.assert_allclose(rate(slowest + 0.01), SLOWEST_RATE * np.exp(0.01), rtol=1e-10)
    assert rate(slowest - 0.01) == 0.0


def test_the_shape_of_the_voltage_is_the_shape_of_the_rate():
    for law in LAWS:
        rate = RateLaw(law, 1.0, 0.0, 10.0)
        assert rate(-65.0).shape == ()
        assert rate(np.zeros((2, 3))).shape == (2, 3)


def test_the_factor_multiplies_every_law():
    points = ((-80.0, 0.1), (-40.0, 0.5), (0.0, 2.0))
    for law in (*LAWS, "table"):
        plain = RateLaw(law, 0.3, -40.0, 8.0, points)
        warm = RateLaw(law, 0.3, -40.0, 8.0, points, factor=3.0)
        np.testing.assert_allclose(warm([-60.0, -40.0]), 3 * plain([-60.0, -40.0]), rtol=1e-15)


def test_a_table_goes_through_its_points_and_is_flat_outside():
    points = ((-80.0, 0.1), (-40.0, 0.5), (-20.0, 0.5), (0.0, 2.0))
    rate = RateLaw("table", points=points)
    np.testing.assert_allclose(rate([-80, -40, -20, 0]), [0.1, 0.5, 0.5, 2.0], rtol=1e-15)
    np.testing.assert_array_equal(rate([-1e4, -80.0, 0.0, 1e4]), [0.1, 0.1, 2.0, 2.0])
    np.testing.assert_allclose(rate(np.linspace(-40, -20, 11)), 0.5, rtol=1e-15)
    assert rate.extremes == (-80.0, -40.0, -20.0, 0.0)


def test_a_table_is_monotone_between_its_points():
    points = ((-80.0, 1.0), (-60.0, 0.01), (-58.0, 0.0), (-30.0, 0.0), (0.0, 3.0), (40.0, 2.9))
    for low, high in itertools.pairwise(points):
        curve = interpolated(points, np.linspace(low[0], high[0], 201))
        steps = np.diff(curve) * np.sign(high[1] - low[1])
        assert np.all(steps >= -1e-15)
        assert np.all(curve >= 0.0)
        assert min(low[1], high[1]) - 1e-15 <= curve.min()
        assert curve.max() <= max(low[1], high[1]) + 1e-15


def test_two_points_of_a_table_are_a_straight_line():
    line = interpolated(((0.0, 1.0), (10.0, 3.0)), np.array([0.0, 2.5, 5.0, 10.0]))
    np.testing.assert_allclose(line, [1.0, 1.5, 2.0, 3.0], rtol=1e-15)


def in_kernels(rates: list[RateLaw], voltage: float) -> np.ndarray:
    """Rates as a kernel evaluates them."""
    value = np.full(len(rates), np.nan)
    evaluated(voltage, RateArrays.of(rates), value)
    return value


@njit
def evaluated(voltage, rates, value):
    rates_at(voltage, rates, value)


def test_kernels_evaluate_every_rate_in_its_own_place():
    rates = [
        RateLaw("table", points=((-80.0, 0.1), (0.0, 2.0)), factor=2.0),
        RateLaw("linoid", 1.0, -40.0, 10.0, factor=3.0),
        RateLaw("binding", 5.0, ligand="ACh", factor=0.5),
        RateLaw("exponential", 4.0, -65.0, -18.0),
        RateLaw("table", points=((-90.0, 3.0), (-60.0, 0.0), (-40.0, 0.0), (10.0, 1.5))),
        RateLaw("linoid", 0.1, -55.0, 10.0),
        RateLaw("constant", 7.0),
        RateLaw("sigmoid", 1.0, -35.0, 10.0),
    ]
    for voltage in (-100.0, -90.0, -80.0, -60.0, -55.0, -47.1, -40.0, 0.0, 3.3, 10.0, 13.7):
        expected = [float(rate(voltage)) for rate in rates]
        np.testing.assert_allclose(in_kernels(rates, voltage), expected, rtol=1e-14, atol=1e-17)
    assert in_kernels([], 0.0).shape == (0,)


@pytest.mark.parametrize("name", LIBRARY)
def test_kernels_evaluate_the_rates_of_the_library(name):
    scheme = load_scheme(name)
    rates = list(scheme.at(23.0, dict.fromkeys(scheme.ligands, 0.1)).rates)
    for voltage in np.linspace(-130.0, 90.0, 45):
        expected = [float(rate(voltage)) for rate in rates]
        np.testing.assert_allclose(in_kernels(rates, voltage), expected, rtol=1e-13)


def test_a_rate_of_zero_is_zero_at_any_voltage():
    """Where the curve alone would overflow, 0 times infinity must not become a NaN."""
    law = RateLaw("exponential", 0.0, 0.0, 1.0)
    assert law(5000.0) == 0.0
    assert in_kernels([law], 5000.0)[0] == 0.0
    slow = RateLaw("exponential", 1.0, 0.0, 1.0)
    assert in_kernels([slow], np.log(SLOWEST_RATE) - 0.01)[0] == 0.0
