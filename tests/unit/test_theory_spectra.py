"""Noise of the current against closed forms and numerical Fourier transforms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from stochhh.kinetics.files import load_scheme
from stochhh.theory import (
    autocovariance,
    generator_of,
    lorentzians,
    mean_variance_parabola,
    power_spectrum,
    resolvent_spectrum,
    stationary_law,
)

TWO_STATES = np.array([[-0.3, 0.3], [1.1, -1.1]])
#: A cycle of three states with a preferred direction, and one whose relaxations fall together.
DRIVEN_RING = generator_of([[0, 2.0, 0.1], [0.1, 0, 2.0], [2.0, 0.1, 0]])
DEFECTIVE_RING = generator_of([[0, 1.0, 0], [0, 0, 1.0], [4.0, 0, 0]])
SUBLEVELS = [0.0, 0.4, 1.0]

CASES = {
    "two states": (TWO_STATES, [0.0, 1.0]),
    "squid K+": (load_scheme("squid-k").generator(-30.0), [0, 0, 0, 0, 1.0]),
    "squid Na+": (
        load_scheme("squid-na").generator(-40.0),
        load_scheme("squid-na").relative_conductance,
    ),
    "driven ring": (DRIVEN_RING, SUBLEVELS),
    "defective ring": (DEFECTIVE_RING, SUBLEVELS),
}
every_case = pytest.mark.parametrize(("q", "shares"), CASES.values(), ids=CASES)


def test_two_states_make_one_lorentzian():
    """S(f) = 4 N i² p (1 - p) τ / (1 + (2πfτ)²), τ = 1 / (α + β) in s."""
    p, tau_s = 0.3 / 1.4, 1e-3 / 1.4
    f = np.array([0.0, 1.0, 100.0, 222.8, 1e4])
    found = power_spectrum(TWO_STATES, [False, True], 100, f, unitary_current_pA=-0.5)
    variance = 100 * 0.25 * p * (1 - p)
    np.testing.assert_allclose(
        found, 4 * variance * tau_s / (1 + (2 * np.pi * f * tau_s) ** 2), rtol=1e-12
    )
    (part,) = zip(*lorentzians(TWO_STATES, [0, 1], 100, -0.5), strict=True)
    np.testing.assert_allclose(part[0], variance, rtol=1e-12)
    np.testing.assert_allclose(part[1], 1.4)
    np.testing.assert_allclose(part[2], 1 / (2 * np.pi * tau_s))
    assert part[3] == 0.0
    np.testing.assert_allclose(part[4], found[0], rtol=1e-12)
    corner = power_spectrum(TWO_STATES, [0, 1], 100, part[2:3], -0.5)
    np.testing.assert_allclose(corner, found[0] / 2, rtol=1e-12)


def test_four_gates_make_four_lorentzians_weighted_by_binomials():
    """Gates at equilibrium: cov = n⁴ ((n + (1 - n) e)⁴ - n⁴), expanded in powers of e."""
    a, b = load_scheme("squid-k").rates_at(-30.0)
    n = a / (a + b)
    found = lorentzians(load_scheme("squid-k").generator(-30.0), [0, 0, 0, 0, 1], 1)
    np.testing.assert_allclose(found.rate_per_ms, (a + b) * np.arange(1, 5), rtol=1e-11)
    binomial = np.array([4 * n**3 * (1 - n), 6 * n**2 * (1 - n) ** 2, 4 * n * (1 - n) ** 3])
    expected = n**4 * np.append(binomial, (1 - n) ** 4)
    np.testing.assert_allclose(found.variance_pA2, expected, rtol=1e-9)
    assert found.variance_pA2.dtype == np.float64


@every_case
def test_the_autocovariance_is_the_joint_law_less_the_product(q, shares):
    law, g = stationary_law(q), np.asarray(shares)
    lags = np.array([0.0, 0.05, 0.7, 3.0])
    found = autocovariance(q, shares, 20, lags, unitary_current_pA=2.0)
    for lag, value in zip(lags, found, strict=True):
        joint = law[:, None] * expm(q * lag)
        assert value == pytest.approx(80 * (g @ joint @ g - (law @ g) ** 2), abs=1e-11)
    np.testing.assert_array_equal(autocovariance(q, shares, 20, -lags, 2.0), found)


@every_case
def test_the_spectrum_is_the_fourier_transform_of_the_autocovariance(q, shares):
    """Four times the cosine transform, by Filon-type quadrature over a long stretch."""
    for f in (0.0, 30.0, 400.0):

        def covariance(lag_ms):
            return autocovariance(q, shares, 7, [lag_ms], 0.8)[0]

        slowest = -np.sort(np.linalg.eigvals(q).real)[-2]
        end, turning = 30.0 / slowest, 2 * np.pi * f / 1e3
        options = {"weight": "cos", "wvar": turning} if f else {}
        integral = quad(covariance, 0, end, epsabs=1e-11, limit=200, **options)[0]
        found = power_spectrum(q, shares, 7, [f], 0.8)[0]
        assert found == pytest.approx(4 * integral * 1e-3, rel=1e-6)


@every_case
def test_the_spectrum_adds_up_to_the_variance(q, shares):
    """Over all frequencies; substituted, so that the tail 1/f² ends at a finite place."""
    scale = np.abs(np.diag(q)).max() * 1e3

    def stretched(u):
        return power_spectrum(q, shares, 7, [scale * np.tan(u)], 0.8)[0] * scale / np.cos(u) ** 2

    found = quad(stretched, 0, np.pi / 2, epsabs=0, epsrel=1e-10, limit=200)[0]
    assert found == pytest.approx(autocovariance(q, shares, 7, [0.0], 0.8)[0], rel=1e-7)


@every_case
def test_both_ways_to_the_spectrum_agree(q, shares):
    f = np.logspace(-2, 6, 30)
    found = power_spectrum(q, shares, 30, f, 1.7)
    np.testing.assert_allclose(
        resolvent_spectrum(q, shares, 30, f, 1.7), found, rtol=1e-7, atol=1e-12 * found[0]
    )
    assert np.all(found > 0)


def test_a_driven_ring_has_a_pair_of_complex_components_and_a_peak():
    found = lorentzians(DRIVEN_RING, SUBLEVELS, 30)
    assert found.variance_pA2.sum() == pytest.approx(
        autocovariance(DRIVEN_RING, SUBLEVELS, 30, [0.0])[0]
    )
    np.testing.assert_allclose(found.variance_pA2[0], found.variance_pA2[1].conj())
    np.testing.assert_allclose(found.rate_per_ms[0], found.rate_per_ms[1].conj())
    # k clockwise and l back: (3 (k + l) ± i √3 (k - l)) / 2
    np.testing.assert_allclose(found.corner_hz, 1e3 * 3 * 2.1 / 2 / (2 * np.pi))
    np.testing.assert_allclose(
        sorted(found.centre_hz), np.sqrt(3) * 1.9 / 2 / 2 / np.pi * 1e3 * np.array([-1, 1])
    )
    lag = 0.3
    np.testing.assert_allclose(
        (found.variance_pA2 * np.exp(-found.rate_per_ms * lag)).sum(),
        autocovariance(DRIVEN_RING, SUBLEVELS, 30, [lag])[0],
    )
    one_way = generator_of(np.roll(np.eye(8), 1, axis=1))
    f = np.linspace(0, 300, 301)
    assert 100 < f[power_spectrum(one_way, np.eye(8)[0], 1, f).argmax()] < 150  # a turn in 8 ms


def test_relaxations_that_fall_together_are_no_sum_but_have_a_spectrum():
    with pytest.raises(ValueError, match="cannot be diagonalised to working accuracy"):
        lorentzians(DEFECTIVE_RING, SUBLEVELS, 1)
    near = DEFECTIVE_RING + 1e-3 * generator_of([[0, 1.0, 0], [0, 0, 1.0], [0, 0, 0]])
    f = [0.0, 100.0, 1000.0]
    np.testing.assert_allclose(
        power_spectrum(DEFECTIVE_RING, SUBLEVELS, 1, f),
        power_spectrum(near, SUBLEVELS, 1, f),
        rtol=5e-3,
    )


def test_rates_that_repeat_keep_their_components_real():
    """Two alike gates told apart; open if the first is: one Lorentzian at α + β."""
    a, b = 0.3, 0.5
    two = generator_of([[0, a, a, 0], [b, 0, 0, a], [b, 0, 0, a], [0, b, b, 0]])
    found = lorentzians(two, [0, 1, 0, 1], 10)
    p = a / (a + b)
    assert found.variance_pA2[:2].sum() == pytest.approx(10 * p * (1 - p))
    assert found.variance_pA2[2] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(found.rate_per_ms, [0.8, 0.8, 1.6])


@pytest.mark.parametrize("voltage", [-200.0, -120.0, -65.0, 60.0])
@pytest.mark.parametrize("name", ["squid-na", "squid-k"])
def test_rarely_open_channels_keep_their_accuracy(name, voltage):
    scheme = load_scheme(name)
    q = scheme.generator(voltage)
    p = stationary_law(q)[np.array(scheme.is_open)].sum()
    found = lorentzians(q, scheme.is_open, 1)
    assert np.all(found.variance_pA2 >= 0)
    assert found.variance_pA2.sum() == pytest.approx(p * (1 - p), rel=1e-9)


def test_the_parabola_is_that_of_the_binomial():
    p = np.array([0.0, 0.2, 0.5, 1.0])
    found = mean_variance_parabola(50 * -0.7 * p, -0.7, 50)
    np.testing.assert_allclose(found, 50 * 0.49 * p * (1 - p), atol=1e-12)
    assert mean_variance_parabola(50 * 0.7 * 0.5, 0.7, 50) == pytest.approx(50 * 0.49 / 4)


def test_shares_must_fit_the_states():
    with pytest.raises(ValueError, match=r"relative_conductance: shape \(3,\); need one share"):
        power_spectrum(TWO_STATES, [0, 0, 1], 1, [1.0])
    with pytest.raises(ValueError, match="no single equilibrium"):
        power_spectrum([[0.0, 0.0], [0.0, 0.0]], [0, 1], 1, [1.0])
