"""Linear noise of a membrane against closed forms, quadrature and other equations for the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from stochhh.kinetics.files import load_scheme
from stochhh.theory import generator_of, power_spectrum, stationary_law
from stochhh.theory.linear import (
    LinearMembrane,
    LinearPopulation,
    conductance_spectrum,
    impedance_GOhm,
    input_coherence,
    linear_membrane,
    stationary_variance,
    variance_after,
    voltage_spectrum,
)

FREQUENCIES = np.array([0.0, 3.0, 61.0, 200.0, 1500.0])
TWO_STATES = generator_of([[0, 0.3], [1.1, 0]])


def population(
    scheme: str, voltage: float, reversal: float, n_channels: int, **changes: object
) -> LinearPopulation:
    """Channels of the library at a voltage; slopes by differences."""
    channel = load_scheme(scheme)
    slope = (channel.generator(voltage + 1e-4) - channel.generator(voltage - 1e-4)) / 2e-4
    made = LinearPopulation(
        generator=channel.generator(voltage),
        slope=slope,
        relative_conductance=np.array(channel.relative_conductance),
        n_channels=n_channels,
        conductance_nS=0.02,
        driving_mV=voltage - reversal,
    )
    return made._replace(**changes)


def squid(voltage: float = -64.99972, **changes: object) -> LinearMembrane:
    """100 µm² of squid axon at rest."""
    kinds = [("squid-na", 50.0, 6000), ("squid-k", -77.0, 1800)]
    populations = [population(name, voltage, e, n, **changes) for name, e, n in kinds]
    return linear_membrane(1.0, 0.3, populations)


def clamped_current(one: LinearPopulation, frequencies: np.ndarray) -> np.ndarray:
    """Spectrum of a population's current noise at a clamped voltage, pA²/Hz."""
    return power_spectrum(
        one.generator,
        one.relative_conductance,
        one.n_channels,
        frequencies,
        one.conductance_nS * one.driving_mV,
    )


def passive(noise: bool = True) -> LinearMembrane:
    """Two-state channels that do not feel the voltage, and a leak."""
    one = LinearPopulation(
        TWO_STATES, np.zeros((2, 2)), np.array([0.0, 1.0]), 100, 0.02, -30.0, noise
    )
    return linear_membrane(5.0, 0.4, [one])


def test_channels_that_do_not_feel_the_voltage_make_a_filtered_lorentzian() -> None:
    """Var V = (σ R)² τ/(τ + RC): a current of SD σ and time constant τ through R and C."""
    membrane = passive()
    p, tau = 0.3 / 1.4, 1.0 / 1.4
    resistance = 1.0 / (0.4 + 100 * 0.02 * p)
    current = 100 * (0.02 * 30.0) ** 2 * p * (1.0 - p)
    slow = resistance * 5.0
    expected = current * resistance**2 * tau / (tau + slow)
    np.testing.assert_allclose(stationary_variance(membrane), [expected], rtol=1e-12)
    turning = 2.0 * np.pi * FREQUENCIES / 1e3
    lorentzian = 4.0 * current * tau / (1.0 + (turning * tau) ** 2) / 1e3
    squared = resistance**2 / (1.0 + (turning * slow) ** 2)
    np.testing.assert_allclose(voltage_spectrum(membrane, FREQUENCIES), [lorentzian * squared])
    np.testing.assert_allclose(
        impedance_GOhm(membrane, FREQUENCIES), resistance / (1.0 + 1j * turning * slow)
    )
    # the conductance does not feel the voltage either
    np.testing.assert_allclose(
        conductance_spectrum(membrane, FREQUENCIES, 0), [lorentzian / 30.0**2], rtol=1e-10
    )


def test_variance_after_a_start_is_that_of_the_filtered_lorentzian() -> None:
    """Var V(t) of dV/dt = -V/T + I/C from V = 0 and I in equilibrium, by its double integral."""
    membrane = passive()
    p, tau = 0.3 / 1.4, 1.0 / 1.4
    slow = 5.0 / (0.4 + 100 * 0.02 * p)
    current = 100 * (0.02 * 30.0) ** 2 * p * (1.0 - p)
    for time in (0.0, 0.01, 0.7, 4.0, 60.0):

        def inner(s: float, time: float = time) -> float:
            together = 1.0 / slow + 1.0 / tau
            return np.exp(-2.0 * (time - s) / slow) * (1.0 - np.exp(-together * s)) / together

        double = 2.0 * quad(inner, 0.0, time, epsabs=1e-14)[0]
        expected = current / 5.0**2 * double
        assert variance_after(membrane, time) == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert variance_after(membrane, 200.0) == pytest.approx(stationary_variance(membrane)[0])


def test_squid_membrane_at_rest_is_as_known() -> None:
    """Eigenvalues of the Hodgkin-Huxley equations, variance and peak as computed elsewhere.

    The eigenvalues known are those for a leak reversal of -54.387 mV.
    """
    membrane = squid()
    modes = np.linalg.eigvals(membrane.jacobian)
    for known in (-4.675, -0.2026 + 0.3832j, -0.2026 - 0.3832j, -0.1207):
        assert np.abs(modes - known).min() < 5e-4
    slowest = np.sort(modes.real)[::-1]
    assert slowest[0] == pytest.approx(-0.1207, abs=5e-5)
    variance = 100.0 * stationary_variance(membrane)
    assert variance.sum() == pytest.approx(266.0, abs=0.5)
    assert variance[1] / variance.sum() == pytest.approx(0.8, abs=0.015)
    frequencies = np.arange(30.0, 100.0, 0.5)
    peak = frequencies[voltage_spectrum(membrane, frequencies).sum(axis=0).argmax()]
    assert peak == pytest.approx(61.0, abs=0.5)


def test_modes_are_those_of_the_hodgkin_huxley_equations() -> None:
    """All four, to working accuracy, by the complex step from the equations in m, h and n."""
    voltage = -64.9997224

    def slopes(x: np.ndarray) -> np.ndarray:
        v, m, h, n = x
        rates = (
            ((v + 40) / 10 / (1 - np.exp(-(v + 40) / 10)), 4 * np.exp(-(v + 65) / 18), m),
            (0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10)), h),
            ((v + 55) / 100 / (1 - np.exp(-(v + 55) / 10)), np.exp(-(v + 65) / 80) / 8, n),
        )
        current = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.4)
        return np.array([-current, *(a * (1 - y) - b * y for a, b, y in rates)])

    # gates at rest from two values of their slopes, which are straight lines in the gate
    closed, opened = (slopes(np.array([voltage, y, y, y]))[1:] for y in (0.0, 1.0))
    rest = np.array([voltage, *(closed / (closed - opened))]).astype(complex)
    jacobian = np.array([slopes(rest + 1e-30j * unit).imag / 1e-30 for unit in np.eye(4)]).T
    found = np.linalg.eigvals(squid(voltage).jacobian)
    for mode in np.linalg.eigvals(jacobian):
        assert np.abs(found - mode).min() < 1e-6


@pytest.mark.parametrize("voltage", [-64.99972, -90.0])
def test_voltage_noise_is_current_noise_through_the_impedance(voltage: float) -> None:
    membrane = squid(voltage)
    squared = np.abs(impedance_GOhm(membrane, FREQUENCIES)) ** 2
    found = voltage_spectrum(membrane, FREQUENCIES)
    kinds = [("squid-na", 50.0, 6000), ("squid-k", -77.0, 1800)]
    for row, (name, reversal, n) in zip(found, kinds, strict=True):
        current = clamped_current(population(name, voltage, reversal, n), FREQUENCIES)
        np.testing.assert_allclose(row, current * squared, rtol=1e-7)


def test_conductance_noise_is_the_channels_own_and_what_the_voltage_carries() -> None:
    """δG = own noise + H δV, and δV = -Z Σ (E - V) noise: both from the generator alone."""
    voltage, membrane = -64.99972, squid()
    kinds = [("squid-na", 50.0, 6000), ("squid-k", -77.0, 1800)]
    populations = [population(name, voltage, e, n) for name, e, n in kinds]
    impedance = impedance_GOhm(membrane, FREQUENCIES)
    for k, one in enumerate(populations):
        law = stationary_law(one.generator)
        opened = one.n_channels * one.conductance_nS * one.relative_conductance
        follows = []  # conductance over voltage, nS/mV
        for f in FREQUENCIES:
            resolvent = 2j * np.pi * f / 1e3 * np.eye(len(law)) - one.generator
            resolvent += 3.0 * law[None, :]  # sees no deviation; makes it regular at f = 0
            follows.append((law @ one.slope) @ np.linalg.solve(resolvent, opened))
        found = conductance_spectrum(membrane, FREQUENCIES, k)
        for j, other in enumerate(populations):
            own = clamped_current(other, FREQUENCIES) / other.driving_mV**2
            factor = (j == k) - np.array(follows) * impedance * other.driving_mV
            np.testing.assert_allclose(found[j], own * np.abs(factor) ** 2, rtol=1e-6)
    # at a clamped voltage there is only the own noise
    held = squid()._replace(capacitance_pF=1e9)
    held.jacobian[0] *= 1e-9
    na = conductance_spectrum(held, FREQUENCIES[1:], 0)
    own = clamped_current(populations[0], FREQUENCIES[1:]) / populations[0].driving_mV ** 2
    np.testing.assert_allclose(na[0], own, rtol=1e-5)
    assert (na[1] < 1e-6 * own).all()


def test_spectrum_adds_up_to_the_variance() -> None:
    """Over all frequencies, stretched so that the tail ends at a finite place."""
    membrane = squid()

    def stretched(u: float, k: int) -> float:
        density = voltage_spectrum(membrane, [100.0 * np.tan(u)])[k, 0]
        return density * 100.0 / np.cos(u) ** 2

    for k, variance in enumerate(stationary_variance(membrane)):
        total = quad(stretched, 0.0, np.pi / 2, args=(k,), epsabs=0, epsrel=1e-9, limit=200)[0]
        assert total == pytest.approx(variance, rel=1e-7)


def test_low_and_high_frequencies_see_the_steady_slope_and_the_capacitance() -> None:
    def steady(v: float) -> float:
        current = 0.3 * (v + 54.4)
        for name, reversal, n in [("squid-na", 50.0, 6000), ("squid-k", -77.0, 1800)]:
            channel = load_scheme(name)
            law = stationary_law(channel.generator(v))
            current += n * 0.02 * law @ np.array(channel.relative_conductance) * (v - reversal)
        return float(current)

    slope = (steady(-64.99972 + 1e-3) - steady(-64.99972 - 1e-3)) / 2e-3
    found = impedance_GOhm(squid(), [0.0, 1e8])
    assert found[0] == pytest.approx(1.0 / slope, rel=1e-6)
    assert found[0].imag == 0.0
    assert found[1] == pytest.approx(1e3 / (2j * np.pi * 1e8 * 1.0), rel=1e-4)


def test_covariance_obeys_its_differential_equation() -> None:
    """Of the squid membrane, and of one a thousand times as fast, against another integrator."""
    for capacitance, times in ((1.0, [0.3, 3.0, 30.0]), (1e-3, [0.01, 0.3])):
        membrane = squid()._replace(capacitance_pF=capacitance)
        membrane.jacobian[0] /= capacitance
        jacobian, noise = membrane.jacobian, membrane.noise.sum(axis=0)

        def slope(
            t: float, y: np.ndarray, j: np.ndarray = jacobian, d: np.ndarray = noise
        ) -> np.ndarray:
            covariance = y.reshape(j.shape)
            return (j @ covariance + covariance @ j.T + d).ravel()

        solved = solve_ivp(
            slope,
            (0.0, times[-1]),
            membrane.equilibrium.ravel(),
            method="LSODA",
            t_eval=times,
            rtol=1e-9,
            atol=1e-14,
        )
        for time, expected in zip(times, solved.y[0], strict=True):
            assert variance_after(membrane, time) == pytest.approx(expected, rel=1e-5)
        assert variance_after(membrane, 0.0) == 0.0
        assert variance_after(membrane, 500.0) == pytest.approx(
            stationary_variance(membrane).sum(), rel=1e-6
        )


def test_channels_in_equilibrium_stay_so_at_a_sharp_voltage() -> None:
    """What the noise adds to the occupancies' covariance is what relaxation takes from it."""
    membrane = squid()
    channels = membrane.jacobian[1:, 1:]
    covariance = membrane.equilibrium[1:, 1:]
    change = channels @ covariance + covariance @ channels.T + membrane.noise.sum(axis=0)[1:, 1:]
    np.testing.assert_allclose(change, 0.0, atol=1e-15)


def test_variance_is_one_over_the_number_of_channels() -> None:
    one = stationary_variance(squid())
    kinds = [("squid-na", 50.0, 24000), ("squid-k", -77.0, 7200)]
    finer = [population(name, -64.99972, e, n, conductance_nS=0.005) for name, e, n in kinds]
    np.testing.assert_allclose(stationary_variance(linear_membrane(1.0, 0.3, finer)), one / 4.0)


def test_channels_without_noise_only_carry_that_of_others() -> None:
    kinds = [("squid-na", 50.0, 6000), ("squid-k", -77.0, 1800)]
    populations = [
        population(name, -64.99972, e, n, noise=name == "squid-k") for name, e, n in kinds
    ]
    absent = population("squid-na", -64.99972, 50.0, 0)
    membrane = linear_membrane(1.0, 0.3, [*populations, absent])
    both = squid()
    np.testing.assert_allclose(
        stationary_variance(membrane), [0.0, stationary_variance(both)[1], 0.0], atol=1e-12
    )
    np.testing.assert_array_equal(voltage_spectrum(membrane, FREQUENCIES)[[0, 2]], 0.0)
    np.testing.assert_allclose(
        impedance_GOhm(membrane, FREQUENCIES), impedance_GOhm(both, FREQUENCIES)
    )
    assert (conductance_spectrum(membrane, FREQUENCIES, 0)[1] > 0.0).all()


def test_coherence_is_the_share_of_the_current_in_the_voltage() -> None:
    membrane, density = squid(), np.linspace(0.5, 2.0, len(FREQUENCIES))
    kinds = [("squid-na", 50.0, 6000), ("squid-k", -77.0, 1800)]
    noise = sum(
        clamped_current(population(name, -64.99972, e, n), FREQUENCIES) for name, e, n in kinds
    )
    found = input_coherence(membrane, FREQUENCIES, density)
    np.testing.assert_allclose(found, density / (density + noise), rtol=1e-7)
    assert (input_coherence(membrane, FREQUENCIES, 0.0 * density) == 0.0).all()
    quiet = passive(noise=False)
    assert (input_coherence(quiet, FREQUENCIES, density) == 1.0).all()


def test_unstable_steady_states_have_no_stationary_noise() -> None:
    """At -55 mV the steady state is one of repetitive firing; noise grows from a sharp start."""
    membrane = squid(-55.0)
    for ask in (
        lambda: impedance_GOhm(membrane, FREQUENCIES),
        lambda: voltage_spectrum(membrane, FREQUENCIES),
        lambda: conductance_spectrum(membrane, FREQUENCIES, 0),
        lambda: input_coherence(membrane, FREQUENCIES, np.ones(5)),
        lambda: stationary_variance(membrane),
    ):
        with pytest.raises(ValueError, match=r"the steady state is not stable: deviations grow at"):
            ask()
    growth = np.linalg.eigvals(membrane.jacobian).real.max()
    assert growth > 0.0
    later, now = variance_after(membrane, 80.0), variance_after(membrane, 40.0)
    assert later > now > 0.0
