"""The linear noise of a membrane at rest: its voltage's variance with many channels."""

from __future__ import annotations

import numpy as np

from stochhh.membrane import Membrane

_STEPS_PER_MS = 20
_DIFFERENCE_MV = 1e-4


def linear_noise_variance(membrane: Membrane, duration_ms: float) -> float:
    """Variance of the voltage (mV²) some time after a start at rest.

    The covariance S of voltage and open fractions obeys dS/dt = J S + S Jᵀ + D, J the
    Jacobian of the mean field and D the flux of the channels' transitions (van Kampen
    1976, doi:10.1002/9780470142530.ch5); at the start the channels are in equilibrium
    and the voltage is sharp. Right to first order in one over the number of channels.
    The integral comes from one matrix exponential (Van Loan 1978,
    doi:10.1109/TAC.1978.1101743), over a step so short that exp(-J step) stays small.

    Parameters
    ----------
    membrane : with a resting voltage
    duration_ms : time since the start

    Raises
    ------
    InputError
        The membrane has no resting potential.
    """
    from scipy.linalg import expm

    rest = membrane.resting_voltage_mV()
    laws = membrane.stationary_laws(rest)
    total = 1 + sum(len(law) for law in laws)
    jacobian, noise = np.zeros((total, total)), np.zeros((total, total))
    start = np.zeros((total, total))
    conductance = membrane.leak_nS
    first, step = 1, _DIFFERENCE_MV
    for population, law in zip(membrane.populations, laws, strict=True):
        scheme, states = population.scheme, slice(first, first + len(law))
        first += len(law)
        generator, n = scheme.generator(rest), population.count
        slope = (scheme.generator(rest + step) - scheme.generator(rest - step)) / (2 * step)
        relative = np.array(scheme.relative_conductance)
        jacobian[states, states] = generator.T
        jacobian[states, 0] = law @ slope
        driving = population.maximal_conductance_nS * (rest - population.reversal_mV)
        jacobian[0, states] = -driving * relative / membrane.capacitance_pF
        conductance += population.maximal_conductance_nS * float(law @ relative)
        if n == 0:
            continue
        flux = law[:, None] * generator
        np.fill_diagonal(flux, 0.0)
        noise[states, states] = np.diag(flux.sum(axis=0) + flux.sum(axis=1)) - flux - flux.T
        noise[states, states] /= n
        start[states, states] = (np.diag(law) - np.outer(law, law)) / n
    jacobian[0, 0] = -conductance / membrane.capacitance_pF
    n_steps = max(1, round(_STEPS_PER_MS * duration_ms))
    block = np.block([[-jacobian, noise], [np.zeros_like(noise), jacobian.T]])
    exponential = expm(block * duration_ms / n_steps)
    transition = exponential[total:, total:].T
    gained = transition @ exponential[:total, total:]
    covariance = start
    for _ in range(n_steps):
        covariance = transition @ covariance @ transition.T + gained
    return float(covariance[0, 0])
