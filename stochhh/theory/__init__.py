"""What must come out: laws of channels in closed form, from their generator matrices.

Arrays in, arrays out; nothing here knows how anything is simulated. A generator
Q has ``Q[i, j]`` the rate (1/ms) from state i to j and rows that sum to zero;
laws are row vectors (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003).

===============  ===================================================================
generators       making and checking generator matrices
equilibrium      stationary law, propagator, moments, relaxation
reversibility    detailed balance, loop by loop
modes            sums of exponentials
protocols        laws along steps and ramps of the voltage
counts           moments of open counts and currents in time, numbers of transitions
spectra          autocovariance and spectrum of the stationary current
dwell            open and shut times, histograms with log bins
latency          first latency after a step and along a protocol
bursts           bursts of openings
burst_length     length of bursts ended by a critical shut time
importance       the share of each transition in the variance
===============  ===================================================================
"""

from stochhh.theory.burst_length import burst_length_by_gap
from stochhh.theory.bursts import (
    Bursts,
    burst_length_by_states,
    bursts_by_gap,
    bursts_by_states,
    openings_per_burst,
)
from stochhh.theory.counts import (
    current_covariance,
    current_moments,
    occupied_times_ms,
    transition_counts,
)
from stochhh.theory.dwell import (
    Components,
    PhaseType,
    bin_probabilities,
    components,
    density,
    dwell_law,
    log_bin_edges_ms,
    mean_ms,
    sojourns_ms,
    survivor,
)
from stochhh.theory.equilibrium import (
    count_moments,
    expected_transitions,
    propagator,
    relaxation_rates_per_ms,
    relaxation_times_ms,
    stationary_law,
)
from stochhh.theory.generators import Floats, generator_of
from stochhh.theory.importance import EdgeImportance, edge_importance
from stochhh.theory.latency import first_latency, unopened_probability
from stochhh.theory.modes import Modes, exponential_modes
from stochhh.theory.protocols import (
    clamp_propagators,
    laws_along,
    ramp_laws,
    ramp_propagators,
)
from stochhh.theory.reversibility import Loop, fundamental_loops, is_reversible, violating_loops
from stochhh.theory.spectra import (
    Lorentzians,
    autocovariance,
    lorentzians,
    mean_variance_parabola,
    power_spectrum,
    resolvent_spectrum,
)

__all__ = [
    "Bursts",
    "Components",
    "EdgeImportance",
    "Floats",
    "Loop",
    "Lorentzians",
    "Modes",
    "PhaseType",
    "autocovariance",
    "bin_probabilities",
    "burst_length_by_gap",
    "burst_length_by_states",
    "bursts_by_gap",
    "bursts_by_states",
    "clamp_propagators",
    "components",
    "count_moments",
    "current_covariance",
    "current_moments",
    "density",
    "dwell_law",
    "edge_importance",
    "expected_transitions",
    "exponential_modes",
    "first_latency",
    "fundamental_loops",
    "generator_of",
    "is_reversible",
    "laws_along",
    "log_bin_edges_ms",
    "lorentzians",
    "mean_ms",
    "mean_variance_parabola",
    "occupied_times_ms",
    "openings_per_burst",
    "power_spectrum",
    "propagator",
    "ramp_laws",
    "ramp_propagators",
    "relaxation_rates_per_ms",
    "relaxation_times_ms",
    "resolvent_spectrum",
    "sojourns_ms",
    "stationary_law",
    "survivor",
    "transition_counts",
    "unopened_probability",
    "violating_loops",
]
