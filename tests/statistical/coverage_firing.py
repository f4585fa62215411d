"""Counts, means, shares, intervals between spikes, clamp currents and quanta."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from covered import Drawn, Experiment, Rng, entry

from stochhh.analysis.clamp_current import clamp_peaks
from stochhh.analysis.count_statistics import fano_curve, kernel_rate, psth
from stochhh.analysis.estimates import mean_estimate, median_estimate, share_estimate
from stochhh.analysis.exponential_tail import exponential_tail
from stochhh.analysis.firing_efficiency import spread_estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.interval_statistics import (
    interval_cv2,
    interval_density,
    interval_lv,
    serial_correlation,
)
from stochhh.analysis.propagation import poisson_rate
from stochhh.analysis.quantal import by_amplitude, by_count, by_failures, by_variance
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.analysis.tuning import fit_rate_by_area

#: Where each estimate is written: study or module, and name.
WRITTEN = {
    "count a trial, rate": (
        "summary.rate_hz", "spike_train.rate_hz", "tuning.rate_hz", "patch_size.rate_hz",
        "reliability.rate_hz", "stochastic_resonance.rate_hz", "phase_locking.spikes_per_period",
        "circuit_summary.spikes_at_start", "circuit_summary.spikes_at_end",
        "circuit_summary.evoked_vesicles", "circuit_summary.spontaneous_vesicles",
        "twitch.impulses",
    ),
    "mean, positive, exponential": (
        "summary.first_ms", "circuit_summary.first_at_end_ms", "tuning.latency_ms",
        "firing_efficiency.latency_ms", "quantal.delay_ms", "dwell_times.mean_ms",
        "dwell_times.length_ms", "dwell_times.open_ms", "twitch.peak_force", "twitch.peak_ms",
        "circuit_summary.velocity_m_per_s", "propagation.velocity_m_per_s",
    ),
    "mean of a geometric number": ("dwell_times.openings",),
    "mean, bounded, uniform": ("single_channel.open_probability", "summary.rest_mV"),
    "mean, Gaussian": (
        "summary.peak_mV", "summary.silent_peak_mV", "trial_numbers.ions", "summary.lowest_mV",
        "summary.mean_mV", "summary.mean_pA", "spike_shape.peak_mV",
        "spike_shape.onset_mV", "spike_shape.amplitude_mV", "spike_shape.half_width_ms",
        "spike_shape.afterhyperpolarisation_mV", "spike_shape.afterhyperpolarisation_depth_mV",
        "spike_shape.upstroke_mV_per_ms", "quantal.quantum_mV", "quantal.response_mV",
    ),
    "share of trials": (
        "summary.share_with_spikes", "tuning.responding", "firing_efficiency.efficiency",
        "refractoriness.share", "latencies.opened", "single_channel.open_times_hidden",
        "single_channel.shut_times_hidden",
    ),
    "median": ("latencies.median_ms",),
    "SD of latencies": ("firing_efficiency.jitter_ms", "tuning.jitter_ms"),
    "mean of intervals": (
        "summary.mean_ms", "spike_train.isi_mean_ms", "tuning.isi_mean_ms",
        "patch_size.isi_mean_ms",
    ),
    "CV of intervals": ("summary.cv", "spike_train.cv", "tuning.isi_cv", "patch_size.isi_cv"),
    "variance of intervals": ("spike_train.isi_variance_ms2",),
    "CV2": ("spike_train.cv2",),
    "LV": ("spike_train.lv",),
    "Fano factor": ("spike_train.fano", "FanoCurve.low"),
    "PSTH, a bin": ("RateCourse.low_hz",),
    "smoothed rate": ("RateCourse.low_hz",),
    "density of intervals, a bin": ("IntervalDensity.density_low",),
    "hazard, a bin": ("IntervalDensity.hazard_low",),
    "serial correlation": ("spike_train.correlation", "SerialCorrelation.low"),
    "hazard of the tail, after a ringing": ("spike_train.hazard_hz",),
    "hazard of the tail": ("spike_train.hazard_hz",),
    "spontaneous rate": ("propagation.spontaneous_rate_hz",),
    "decay of the rate with area": ("patch_size.decay_per_um2",),
    "rate at no area": ("patch_size.rate_at_zero_hz",),
    "largest inward current": ("summary.inward_pA", "summary.outward_pA", "summary.peak_pA"),
    "quantal content by counting": ("quantal.content_by_count",),
    "quantal content by failures": ("quantal.content_by_failures",),
    "quantal content by amplitude": ("quantal.content_by_amplitude",),
    "quantal content by variance": ("quantal.content_by_variance",),
}  # fmt: skip


def _train(rng: Rng, draw: Callable[[int], np.ndarray], mean: float, duration: float) -> np.ndarray:
    """Spikes of a renewal process that has run for long."""
    n = int(1.5 * duration / mean + 50 + 5 * np.sqrt(duration / mean))
    times = np.cumsum(draw(n)) - (10.0 + 2.0 * rng.random()) * mean
    return times[(times > 0.0) & (times < duration)]


def _gamma(rng: Rng, shape: float, mean: float) -> Callable[[int], np.ndarray]:
    return lambda n: rng.gamma(shape, mean / shape, n)


def _refractory(rng: Rng, dead: float, mean: float) -> Callable[[int], np.ndarray]:
    return lambda n: dead + rng.exponential(mean - dead, n)


def _intervals(kind: str, shape: float, mean: float, duration: float, trials: int) -> Experiment:
    def draw(rng: Rng) -> Drawn:
        law = _refractory(rng, shape, mean) if kind == "refractory" else _gamma(rng, shape, mean)
        cv = 1.0 - shape / mean if kind == "refractory" else shape**-0.5
        trains = [_train(rng, law, mean, duration) for _ in range(trials)]
        found = isi_statistics(trains, duration, steady=True)
        return [
            ("mean of intervals", mean, found.mean_ms),
            ("CV of intervals", cv, found.cv),
            ("variance of intervals", (cv * mean) ** 2, found.variance_ms2),
        ]

    law = f"refractory {shape:g} ms" if kind == "refractory" else f"gamma of shape {shape:g}"
    text = f"{trials} trials of {duration / mean:g} mean intervals, {law}"
    return Experiment(text, draw, lowest=0.87)


def _counts(text: str, trials: int, draw: Callable[[Rng], np.ndarray], truth: float) -> Experiment:
    def drawn(rng: Rng) -> Drawn:
        trains = [np.arange(k) + 0.5 for k in draw(rng)]
        rate = firing_rate_hz(trains, 1000.0)
        return [("count a trial, rate", truth, rate)]

    return Experiment(f"{trials} trials, {text}", drawn)


def _mean(
    text: str,
    n: int,
    draw: Callable[[Rng], np.ndarray],
    truth: float,
    bounds: tuple[float, float],
    lowest: float = 0.92,
) -> Experiment:
    def drawn(rng: Rng) -> Drawn:
        return [(f"mean, {text}", truth, mean_estimate(draw(rng), *bounds))]

    return Experiment(f"{n} values", drawn, lowest)


def _poisson_statistics(rng: Rng, trials: int) -> Drawn:
    trains = [np.sort(rng.uniform(0.0, 1000.0, rng.poisson(20.0))) for _ in range(trials)]
    fano = fano_curve(trains, 1000.0, [50.0])
    rate = psth(trains, 1000.0, 50.0)
    return [
        ("CV2", 1.0, interval_cv2(trains, 1000.0)),
        ("LV", 1.0, interval_lv(trains, 1000.0)),
        ("Fano factor", 1.0, entry(fano.fano[0], fano.low[0], fano.high[0])),
        ("PSTH, a bin", 20.0, entry(rate.rate_hz[3], rate.low_hz[3], rate.high_hz[3])),
    ]


def _long_trains(rng: Rng, trials: int) -> Drawn:
    """Poisson trains of 100 Hz for 3 s; the order of intervals, with that of a noise of order 1."""
    trains = [np.sort(rng.uniform(0.0, 3000.0, rng.poisson(300.0))) for _ in range(trials)]
    density = interval_density(trains, 3000.0, 5.0)
    smooth = kernel_rate(trains, 3000.0, 20.0)
    k = len(smooth.rate_hz) // 2
    within = float(np.exp(-0.5) - np.exp(-1.0)) / 5.0
    tail = exponential_tail(trains, 3000.0)
    told = [] if tail is None else [("hazard of the tail", 100.0, tail.hazard_hz)]
    return [
        (
            "density of intervals, a bin",
            within,
            entry(density.density_per_ms[1], density.density_low[1], density.density_high[1]),
        ),
        (
            "hazard, a bin",
            0.1,
            entry(density.hazard_per_ms[1], density.hazard_low[1], density.hazard_high[1]),
        ),
        ("smoothed rate", 100.0, entry(smooth.rate_hz[k], smooth.low_hz[k], smooth.high_hz[k])),
        *told,
    ]


def _ringing(rng: Rng, intervals: int) -> Drawn:
    """Eight trials of intervals that end with 50 Hz, after 15 ms without and a long ringing."""
    time = np.arange(0.0, 400.0, 0.1)
    wave = np.exp(-(time - 15.0) / 12.0) * np.cos(2.0 * np.pi * (time - 18.0) / 17.0)
    law = -np.expm1(-0.1 * np.cumsum(np.where(time < 15.0, 0.0, 0.05 * (1.0 + 2.0 * wave))))
    duration, n = 36.0 * intervals, int(1.5 * intervals) + 40
    times = [np.cumsum(np.interp(rng.random(n), law, time)) for _ in range(8)]
    tail = exponential_tail([one[one < duration] for one in times], duration)
    return [] if tail is None else [("hazard of the tail, after a ringing", 50.0, tail.hazard_hz)]


def _serial(rng: Rng, trials: int, n: int) -> Drawn:
    """Intervals 10 + x, x an autoregression of coefficient -0.4."""
    trains = []
    for _ in range(trials):
        noise, x = rng.normal(0.0, 1.0, n + 20), np.zeros(n + 20)
        for k in range(1, n + 20):
            x[k] = -0.4 * x[k - 1] + noise[k]
        trains.append(np.cumsum(10.0 + x[20:]))
    found = serial_correlation(trains, float(max(train[-1] for train in trains)) + 1.0, 1)
    one = entry(found.coefficient[0], found.low[0], found.high[0])
    return [("serial correlation", -0.4, one)]


def _rate_by_area(rng: Rng, seconds: float) -> Drawn:
    area = np.array([10.0, 20.0, 30.0, 40.0, 60.0])
    count = rng.poisson(30.0 * np.exp(-0.05 * area) * seconds)
    found = fit_rate_by_area(area, count, np.full(5, seconds))
    return [
        ("decay of the rate with area", 0.05, found.decay_per_um2),
        ("rate at no area", 30.0, found.rate_at_zero_hz),
    ]


def _spontaneous(rng: Rng, mean: float) -> Drawn:
    return [("spontaneous rate", mean, entry(*poisson_rate(int(rng.poisson(mean)), 1.0)))]


def _geometric(rng: Rng, n: int) -> Drawn:
    return [("mean of a geometric number", 3.0, mean_estimate(rng.geometric(1 / 3, n), lowest=1.0))]


def _clamp(rng: Rng) -> Drawn:
    """Twelve trials of 60 channels that open with e^-t of 1 ms to 0.5 and shut to 0.2."""
    time = np.linspace(0.0, 10.0, 51)
    chance = 0.6 * (np.exp(-time / 4.0) - np.exp(-time / 0.5))
    current = -0.5 * rng.binomial(60, chance, (12, 51))
    command = np.tile(np.where(time > 0.0, 0.0, -80.0), (12, 1))
    data = xr.Dataset(
        {
            "voltage": (("trial", "time"), command),
            "total_current": (("trial", "time"), current),
            "deterministic_total_current": ("time", -30.0 * chance),
        },
        {"time": time},
    )
    peaks = clamp_peaks(data, -80.0)
    return [("largest inward current", -30.0 * float(chance.max()), peaks.inward_pA)]


def _shares(count: int, chance: float) -> Experiment:
    def draw(rng: Rng) -> Drawn:
        return [("share of trials", chance, share_estimate(rng.binomial(count, chance), count))]

    return Experiment(f"{count} trials, chance {chance:g}", draw)


def _medians(rng: Rng) -> Drawn:
    return [("median", float(np.log(2.0)), median_estimate(rng.exponential(1.0, 25)))]


def _spread(n: int) -> Experiment:
    def draw(rng: Rng) -> Drawn:
        return [("SD of latencies", 0.5, spread_estimate(rng.normal(4.0, 0.5, n)))]

    return Experiment(f"{n} Gaussian values", draw)


def _quanta(mean: float, n: int) -> Experiment:
    """Poisson numbers of quanta of 0.5 ± 0.15 mV, and 30 single ones."""

    def draw(rng: Rng) -> Drawn:
        released = rng.poisson(mean, n)
        responses = rng.normal(0.5 * released, 0.15 * np.sqrt(released))
        ways = {
            "counting": by_count(released.astype(float), np.arange(n)),
            "failures": by_failures(n, int(np.sum(released == 0))),
            "amplitude": by_amplitude(responses, rng.normal(0.5, 0.15, 30)),
            "variance": by_variance(responses, 0.3),
        }
        found = {way: one for way, one in ways.items() if one is not None}
        return [(f"quantal content by {way}", mean, one) for way, one in found.items()]

    return Experiment(f"{n} spikes of {mean:g} quanta", draw)


EXPERIMENTS = [
    *(
        _counts(f"Poisson of mean {mean:g}", n, lambda g, m=mean, n=n: g.poisson(m, n), mean)
        for n in (2, 3, 5, 20)
        for mean in (0.2, 1.0, 10.0)
    ),
    *(
        _counts(f"one spike, chance {p:g}", n, lambda g, p=p, n=n: g.binomial(1, p, n), p)
        for n in (3, 5, 20)
        for p in (0.5, 0.95)
    ),
    *(
        _mean("positive, exponential", n, lambda g, n=n: g.exponential(1.0, n), 1.0, (0, np.inf))
        for n in (2, 3, 5, 20)
    ),
    *(
        _mean("bounded, uniform", n, lambda g, n=n: g.uniform(0, 2, n), 1.0, (0.0, 3.0))
        for n in (3, 5, 20)
    ),
    *(
        _mean("Gaussian", n, lambda g, n=n: g.normal(5.0, 1.0, n), 5.0, (-np.inf, np.inf))
        for n in (2, 5, 20)
    ),
    *(_shares(n, p) for n in (5, 20, 100) for p in (0.1, 0.5, 0.96)),
    Experiment("25 exponential values", _medians),
    _spread(10),
    _spread(40),
    *(
        _intervals(kind, shape, 100.0, duration, trials)
        for kind, shape in (("refractory", 5.0), ("gamma", 4.0), ("gamma", 25.0))
        for duration, trials in ((500.0, 40), (1000.0, 10), (2000.0, 5), (10_000.0, 1))
    ),
    *(
        Experiment(f"{n} trials of 20 spikes", lambda g, n=n: _poisson_statistics(g, n), 0.9)
        for n in (5, 20)
    ),
    *(
        Experiment(f"{n} trials of 300 spikes", lambda g, n=n: _long_trains(g, n), slow=True)
        for n in (2, 10)
    ),
    *(
        Experiment(f"8 trials of {n} intervals", lambda g, n=n: _ringing(g, n), 0.75, slow=True)
        for n in (60, 400)
    ),
    *(
        Experiment(f"{n} trials of {k} intervals", lambda g, n=n, k=k: _serial(g, n, k), slow=True)
        for n, k in ((2, 60), (10, 30), (10, 200))
    ),
    *(Experiment(f"5 areas, {s:g} s", lambda g, s=s: _rate_by_area(g, s)) for s in (3.0, 60.0)),
    *(Experiment(f"{m:g} expected", lambda g, m=m: _spontaneous(g, m)) for m in (2.0, 30.0)),
    *(Experiment(f"{n} bursts", lambda g, n=n: _geometric(g, n)) for n in (5, 40)),
    Experiment("12 trials of 60 channels", _clamp),
    *(_quanta(mean, n) for mean, n in ((0.5, 30), (2.0, 60), (2.0, 300))),
]
