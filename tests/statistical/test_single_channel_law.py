"""Single channels and their noise, as the analysis sees them, against closed-form laws.

Squid K+ channels under clamp: dwell times, bursts and first latencies of tagged
channels (Colquhoun & Hawkes 1981, doi:10.1098/rspb.1981.0003), unitary current and
number of channels from the noise of sweeps (Sigworth 1980, J Physiol 307:97), and
the spectrum of the stationary current.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from harness import Comparison, agrees, counts_follow, mean_is, refuses, squid_patch
from scipy import stats

import stochhh
from stochhh import theory
from stochhh.analysis.noise import fit_parabola, mean_variance
from stochhh.analysis.records import recorded_trace
from stochhh.analysis.single_channel import (
    Idealised,
    bursts,
    dwell_times_ms,
    first_latencies_ms,
    idealise,
    open_probability,
)
from stochhh.analysis.spectra import Spectrum, stationary_spectrum
from stochhh.kinetics.files import load_scheme
from stochhh.result import Result

CONDUCTANCE_NS, REVERSAL_MV = 0.02, -77.0
SCHEME = load_scheme("squid-k")
IS_OPEN = np.array(SCHEME.is_open)


def clamped(n_channels: int, holding_mV: float, step_mV: float | None, **run: Any) -> Result:
    """K+ channels in equilibrium at the holding voltage, stepped at 1 ms for the rest."""
    segment = [{"kind": "step", "level": f"{step_mV} mV", "duration": "1000 s"}]
    channels = {
        "scheme": "squid-k",
        "count": n_channels,
        "conductance": "20 pS",
        "reversal": f"{REVERSAL_MV} mV",
    }
    return stochhh.run(
        {
            "format": 1,
            "title": "K+ channels under clamp",
            "membrane": {
                "area": "1 um^2",
                "temperature": "6.3 degC",
                "capacitance": "1 pF",
                "channels": [channels],
            },
            "clamp": {
                "holding": f"{holding_mV} mV",
                "start": "1 ms",
                "segment": [] if step_mV is None else segment,
            },
            "run": {"seed": 1, "deterministic": False, **run},
        }
    )


def times_follow(times_ms: np.ndarray, law: theory.PhaseType, end_ms: float) -> Comparison:
    """Chi-square test of times on logarithmic bins; those beyond the end or NaN make one cell."""
    edges = np.concatenate([[0.0], theory.log_bin_edges_ms(0.01, end_ms, 8)])
    edges = np.append(edges[edges < end_ms], end_ms)
    inside = theory.bin_probabilities(law, edges)
    counts = np.histogram(times_ms, edges)[0]
    return counts_follow(
        np.append(counts, len(times_ms) - counts.sum()), np.append(inside, 1.0 - inside.sum())
    )


# 40 channels for 10 s: some 55 000 sojourns of 3.5 ms each, so an error of 6 % in the
# time scale is 14 standard errors. Records are 3000 times as long as a sojourn.
@pytest.fixture(scope="module")
def stationary() -> list[Idealised]:
    record = {"interval": "1 s", "channels": "all", "variables": ["voltage"]}
    return idealise(clamped(40, -20.0, None, duration="10 s", record=record), "squid-k")


def test_open_and_shut_times_have_the_phase_type_law(stationary: list[Idealised]) -> None:
    rates = SCHEME.generator(-20.0)
    for name, selected in (("open", IS_OPEN), ("shut", ~IS_OPEN)):
        times = dwell_times_ms(stationary, name)
        assert len(times) > 50_000
        law = theory.dwell_law(rates, selected)
        agrees(times_follow(times, law, 40.0), f"{name} times")
        slower = theory.dwell_law(rates / 1.06, selected)
        refuses(times_follow(times, slower, 40.0), f"{name} times, rates off by 6 %")
    everywhere = np.concatenate([record.duration_ms for record in stationary])
    shut = theory.dwell_law(rates, ~IS_OPEN)
    refuses(times_follow(everywhere, shut, 40.0), "open and shut times taken together")


def test_share_of_time_open_is_the_open_probability(stationary: list[Idealised]) -> None:
    p = float(theory.stationary_law(SCHEME.generator(-20.0))[IS_OPEN].sum())
    shares = [r.duration_ms[r.level > 0].sum() / r.duration_ms.sum() for r in stationary]
    agrees(mean_is(shares, p), "open probability")
    refuses(mean_is(shares, 1.05 * p), "open probability off by 5 %")
    found = open_probability(stationary)
    assert found.interval is not None
    assert found.interval[0] < p < found.interval[1]


def test_bursts_have_the_number_of_openings_and_the_length_of_theory(
    stationary: list[Idealised],
) -> None:
    rates, gap_ms = SCHEME.generator(-20.0), 1.0
    law = theory.bursts_by_gap(rates, IS_OPEN, gap_ms)
    found = bursts(stationary, gap_ms)
    again = float(law.again[0, 0])
    counts = np.bincount(found.n_openings, minlength=30)
    geometric = (1.0 - again) * again ** np.arange(-1.0, 29.0)
    geometric[0] = 0.0
    agrees(counts_follow(counts, geometric / geometric.sum()), "openings in a burst")
    other = float(theory.bursts_by_gap(rates, IS_OPEN, 1.15 * gap_ms).again[0, 0])
    wrong = (1.0 - other) * other ** np.arange(-1.0, 29.0)
    wrong[0] = 0.0
    refuses(counts_follow(counts, wrong / wrong.sum()), "a critical gap off by 15 %")
    agrees(mean_is(found.duration_ms, law.mean_length_ms), "length of a burst")
    agrees(mean_is(found.open_ms, law.mean_open_ms), "time open in a burst")
    refuses(mean_is(found.duration_ms, 1.05 * law.mean_length_ms), "length off by 5 %")


# 200 trials of 100 channels; within 4 ms of the step a third of them do not open
def test_first_latencies_after_a_step() -> None:
    record = {"interval": "1 ms", "channels": "all", "variables": ["voltage"]}
    result = clamped(100, -90.0, 20.0, duration="5 ms", trials=200, record=record)
    found = first_latencies_ms(result, "squid-k", from_ms=1.0)
    assert found.shape == (200, 100)
    assert 0.1 < np.isnan(found).mean() < 0.6
    start, rates = theory.stationary_law(SCHEME.generator(-90.0)), SCHEME.generator(20.0)
    law = theory.first_latency(rates, IS_OPEN, start)
    agrees(times_follow(found.ravel(), law, 4.0), "first latencies")
    faster = theory.first_latency(1.05 * rates, IS_OPEN, start)
    refuses(times_follow(found.ravel(), faster, 4.0), "first latencies, rates off by 5 %")
    depolarised = theory.stationary_law(SCHEME.generator(-82.0))
    late = theory.first_latency(rates, IS_OPEN, depolarised)
    refuses(times_follow(found.ravel(), late, 4.0), "first latencies from -82 mV")


# One experiment of 200 sweeps knows i and N to 6 %, so 40 of them know both to 1 %.
def test_noise_of_sweeps_counts_the_channels() -> None:
    record = {"interval": "0.05 ms", "variables": ["voltage"]}
    result = clamped(300, -90.0, 70.0, duration="8 ms", trials=8000, record=record)
    sweeps = result["total_current"].values[:, result["time"].values > 1.0]
    true = CONDUCTANCE_NS * (70.0 - REVERSAL_MV)
    for differences in (False, True):
        moments = [mean_variance(part, differences) for part in np.split(sweeps, 40)]
        fits = [fit_parabola(*moment) for moment in moments]
        unitary = np.array([fit.unitary_current_pA for fit in fits])
        n_channels = np.array([fit.n_channels for fit in fits])
        assert unitary.mean() == pytest.approx(true, rel=0.02)
        assert n_channels.mean() == pytest.approx(300.0, rel=0.05)
        agrees(mean_is(unitary, true), "unitary current")
        agrees(mean_is(n_channels, 300.0), "number of channels")
        refuses(mean_is(unitary, 1.1 * true), "unitary current off by 10 %")
        refuses(mean_is(n_channels, 330.0), "number of channels off by 10 %")


def spectrum_is(found: Spectrum, expected: np.ndarray, used: np.ndarray) -> Comparison:
    """Chi-square test of a spectrum; every third frequency, as neighbours share their window."""
    used = np.nonzero(used)[0][::3]
    ratio = found.density_pA2_per_hz[used] / expected[used]
    error = found.standard_error_pA2_per_hz[used] / found.density_pA2_per_hz[used]
    statistic = float(np.square((ratio - 1.0) / error).sum())
    p = float(stats.chi2.sf(statistic, len(used)))
    return Comparison(p, "ratio 1", f"ratio {ratio.mean():.4g}, chi-square {statistic / len(used)}")


def test_stationary_spectrum_is_that_of_theory() -> None:
    n_channels, voltage_mV, interval_ms = 20, -20.0, 0.01
    record = {"interval": f"{interval_ms} ms", "variables": ["voltage"]}
    result = clamped(n_channels, voltage_mV, None, duration="5 s", trials=16, record=record)
    current = result["total_current"].values[:, :-1]
    found = stationary_spectrum(current, interval_ms, segment_ms=1000.0)
    frequency = found.frequency_hz
    unitary = CONDUCTANCE_NS * (voltage_mV - REVERSAL_MV)

    def expected(at_hz: np.ndarray, faster: float = 1.0) -> np.ndarray:
        rates = faster * SCHEME.generator(voltage_mV)
        return theory.power_spectrum(rates, IS_OPEN, n_channels, at_hz, unitary)

    def folded(faster: float = 1.0) -> np.ndarray:
        """With what sampling without a filter folds back from higher frequencies."""
        rate = 1e3 / interval_ms
        return sum(expected(np.abs(frequency + k * rate), faster) for k in range(-40, 41))

    used = (frequency >= 2.0) & (frequency <= 5000.0)
    agrees(spectrum_is(found, folded(), used), "spectrum")
    refuses(spectrum_is(found, folded(1.05), used), "spectrum, rates off by 5 %")
    refuses(spectrum_is(found, 0.95 * folded(), used), "spectrum off by 5 %")

    # within 5 % of the spectrum of the current itself, in bands of a third of a decade
    ratio = found.density_pA2_per_hz / expected(frequency)
    relative = found.standard_error_pA2_per_hz / found.density_pA2_per_hz
    edges = np.geomspace(2.0, 5000.0, 11)
    for low, high in pairwise(edges):
        band = (frequency >= low) & (frequency <= high)
        error = relative[0] * np.sqrt(1.94 / band.sum())  # 1.94: neighbours share their window
        assert abs(ratio[band].mean() - 1.0) < 0.05 + 3.0 * error, f"{low:.0f} to {high:.0f} Hz"


def test_pieces_of_all_channels_add_up_to_the_recorded_current() -> None:
    """Of every channel of a clamped and of a free membrane, just before each record."""
    record = {"interval": "0.02 ms", "channels": "all", "variables": ["voltage", "current"]}
    clamp = clamped(30, -90.0, 20.0, duration="10 ms", trials=2, record=record)
    free = stochhh.run(
        squid_patch(1.0, duration="20 ms", trials=2, record=record)
        | {"stimulus": [{"kind": "constant", "amplitude": "30 uA/cm^2"}]}
    )
    for result, population, tolerance in (
        (clamp, "squid-k", 1e-12),
        (free, "squid-na", 0.01),
        (free, "squid-k", 0.01),
    ):
        place = list(result["population"].values).index(population)
        n_channels = int(result["count"].values[place])
        recorded = result["current"].values[1, 1:-1, place]
        trace = recorded_trace(
            result,
            population,
            rng=np.random.default_rng(0),
            corner_khz=100.0,  # for the finest stairs
            channels=range(n_channels),
            trial=1,
        )
        before = np.searchsorted(trace.piece_start_ms, result["time"].values[1:-1], side="left") - 1
        largest = np.abs(recorded).max()
        assert largest > 5.0
        np.testing.assert_allclose(trace.piece_pA[before], recorded, atol=tolerance * largest)
