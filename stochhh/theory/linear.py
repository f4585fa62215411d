"""Linear noise of a membrane about a steady state: spectra and variances of its voltage.

With many channels the deviations x of voltage and state occupancies from a stable
steady state obey ``dx/dt = J x`` and white noise of intensity D, J the Jacobian of
the mean field and D the flux of the channels' transitions (van Kampen 1976,
doi:10.1002/9780470142530.ch5). That is a quasi-active membrane (Mauro et al. 1970,
doi:10.1085/jgp.55.4.497; Koch 1984, doi:10.1007/BF00317936) driven by the current
noise of its channels (Steinmetz et al. 2000, doi:10.1023/A:1008967807741). Right to
first order in one over the number of channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stochhh.theory.equilibrium import stationary_law
from stochhh.theory.generators import Floats

_MS_PER_S = 1e3


class LinearPopulation(NamedTuple):
    """Channels of one kind, about a steady voltage.

    Attributes
    ----------
    generator : (S, S), 1/ms
    slope : (S, S) derivative of the generator by voltage, 1/(ms mV)
    relative_conductance : (S,) share of the full conductance
    n_channels : N
    conductance_nS : of one fully open channel
    driving_mV : voltage less reversal potential
    noise : false for channels that follow their mean field
    """

    generator: Floats
    slope: Floats
    relative_conductance: Floats
    n_channels: int
    conductance_nS: float
    driving_mV: float
    noise: bool = True


class LinearMembrane(NamedTuple):
    """Linear equations of the voltage (mV), first, and all occupancies, M numbers in all.

    Attributes
    ----------
    jacobian : (M, M), 1/ms. Every set of occupancies adds up to 1; deviations from
        that, which do not occur, decay.
    noise : (P, M, M) intensity of the noise of each population, 1/ms
    equilibrium : (M, M) covariance of channels in equilibrium and a sharp voltage
    conductance_nS : (P, M) what each deviation adds to the conductance of a population
    capacitance_pF : of the membrane
    """

    jacobian: Floats
    noise: Floats
    equilibrium: Floats
    conductance_nS: Floats
    capacitance_pF: float


def linear_membrane(
    capacitance_pF: float, leak_nS: float, populations: Sequence[LinearPopulation]
) -> LinearMembrane:
    """Linear equations of a membrane about a steady voltage.

    Parameters
    ----------
    capacitance_pF, leak_nS : of the membrane
    populations : of channels, at the steady voltage
    """
    total = 1 + sum(len(one.generator) for one in populations)
    jacobian, equilibrium = np.zeros((total, total)), np.zeros((total, total))
    noise = np.zeros((len(populations), total, total))
    weights = np.zeros((len(populations), total))
    conductance, first = leak_nS, 1
    for k, one in enumerate(populations):
        law = stationary_law(one.generator)
        states = slice(first, first + len(law))
        first += len(law)
        fastest = np.abs(np.diag(one.generator)).max()
        jacobian[states, states] = one.generator.T - fastest * law[:, None]
        jacobian[states, 0] = law @ one.slope
        weights[k, states] = one.n_channels * one.conductance_nS * one.relative_conductance
        jacobian[0, states] = -one.driving_mV * weights[k, states] / capacitance_pF
        conductance += float(weights[k, states] @ law)
        if one.n_channels == 0 or not one.noise:
            continue
        flux = law[:, None] * one.generator
        np.fill_diagonal(flux, 0.0)
        both = np.diag(flux.sum(axis=0) + flux.sum(axis=1)) - flux - flux.T
        noise[k, states, states] = both / one.n_channels
        equilibrium[states, states] = (np.diag(law) - np.outer(law, law)) / one.n_channels
    jacobian[0, 0] = -conductance / capacitance_pF
    return LinearMembrane(jacobian, noise, equilibrium, weights, capacitance_pF)


def impedance_GOhm(membrane: LinearMembrane, frequencies_hz: ArrayLike) -> np.ndarray:
    """Complex impedance, voltage over current injected, shape (F,), GΩ (mV/pA).

    Parameters
    ----------
    membrane : linear equations
    frequencies_hz : (F,)

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    response = _response(membrane, frequencies_hz, _voltage(membrane))
    return np.asarray(response[:, 0] / membrane.capacitance_pF)


def voltage_spectrum(membrane: LinearMembrane, frequencies_hz: ArrayLike) -> Floats:
    """One-sided power spectral density of the voltage, shape (P, F), mV²/Hz.

    The part of each population's noise; together they are the voltage's. Each is the
    population's current noise at a clamped voltage times the squared impedance.

    Parameters
    ----------
    membrane : linear equations
    frequencies_hz : (F,)

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    return _spectrum(membrane, frequencies_hz, _voltage(membrane))


def conductance_spectrum(
    membrane: LinearMembrane, frequencies_hz: ArrayLike, population: int
) -> Floats:
    """One-sided density of a population's conductance in the free membrane, (P, F), nS²/Hz.

    By whose noise it is: the voltage carries that of one population to the other.

    Parameters
    ----------
    membrane : linear equations
    frequencies_hz : (F,)
    population : index of the population whose conductance is meant

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    return _spectrum(membrane, frequencies_hz, membrane.conductance_nS[population])


def input_coherence(
    membrane: LinearMembrane, frequencies_hz: ArrayLike, input_pA2_per_hz: ArrayLike
) -> Floats:
    """Coherence of the voltage with a weak current of a given spectrum, shape (F,).

    Parameters
    ----------
    membrane : linear equations
    frequencies_hz : (F,)
    input_pA2_per_hz : (F,) one-sided density of the current

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    signal = np.abs(impedance_GOhm(membrane, frequencies_hz)) ** 2 * np.asarray(input_pA2_per_hz)
    noise = voltage_spectrum(membrane, frequencies_hz).sum(axis=0)
    return np.asarray(signal / (signal + noise))


def stationary_variance(membrane: LinearMembrane) -> Floats:
    """Variance of the voltage from each population's noise, shape (P,), mV².

    Raises
    ------
    ValueError
        The steady state is not stable.
    """
    from scipy.linalg import solve_continuous_lyapunov

    _check_stable(membrane)
    found = [solve_continuous_lyapunov(membrane.jacobian, -one)[0, 0] for one in membrane.noise]
    return np.array(found, dtype=np.float64)


def variance_after(membrane: LinearMembrane, duration_ms: float) -> float:
    """Variance of the voltage (mV²) some time after a start with a sharp voltage.

    The covariance S obeys dS/dt = J S + S Jᵀ + D from `equilibrium` on. What a time
    adds to it comes from one matrix exponential (Van Loan 1978,
    doi:10.1109/TAC.1978.1101743), over a time in which no mode changes by more than
    a factor of e and which is then doubled. The steady state may be unstable.

    Parameters
    ----------
    membrane : linear equations
    duration_ms : time since the start, 0 or more
    """
    from scipy.linalg import expm

    jacobian, noise = membrane.jacobian, membrane.noise.sum(axis=0)
    total = len(jacobian)
    fastest = np.abs(np.linalg.eigvals(jacobian)).max()
    n_doublings = int(np.ceil(np.log2(max(fastest * duration_ms, 1.0))))
    block = np.block([[-jacobian, noise], [np.zeros_like(noise), jacobian.T]])
    exponential = expm(block * duration_ms / 2**n_doublings)
    transition = exponential[total:, total:].T
    gained = transition @ exponential[:total, total:]
    for _ in range(n_doublings):
        gained = gained + transition @ gained @ transition.T
        transition = transition @ transition
    covariance = transition @ membrane.equilibrium @ transition.T + gained
    return float(covariance[0, 0])


def _voltage(membrane: LinearMembrane) -> Floats:
    return np.asarray(np.eye(len(membrane.jacobian))[0])


def _response(membrane: LinearMembrane, frequencies_hz: ArrayLike, weights: Floats) -> np.ndarray:
    """``w (2πif - J)⁻¹``, shape (F, M), ms times the unit of w."""
    _check_stable(membrane)
    turning = 2j * np.pi * np.atleast_1d(np.asarray(frequencies_hz, dtype=np.float64)) / _MS_PER_S
    unit = np.eye(len(weights))
    matrices = turning[:, None, None] * unit - membrane.jacobian.T
    return np.asarray(np.linalg.solve(matrices, weights.astype(complex)[:, None])[..., 0])


def _spectrum(membrane: LinearMembrane, frequencies_hz: ArrayLike, weights: Floats) -> Floats:
    row = _response(membrane, frequencies_hz, weights)
    two_sided = np.einsum("fi,pij,fj->pf", row, membrane.noise, row.conj()).real
    return np.asarray(2.0 * two_sided / _MS_PER_S)


def _check_stable(membrane: LinearMembrane) -> None:
    fastest_growth = np.linalg.eigvals(membrane.jacobian).real.max()
    if not fastest_growth < 0.0:
        raise ValueError(
            f"the steady state is not stable: deviations grow at {fastest_growth:g} /ms; "
            "linear noise needs one that is, as a membrane at rest"
        )
