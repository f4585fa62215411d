"""How often 95 % intervals hold the truth, on data with known answers.

``python tests/statistical/coverage_of.py`` repeats each experiment 1000 times and prints the
table that is kept in ``coverage.md``; ``test_coverage.py`` repeats each 200 times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stochhh.analysis.clamp_current import clamp_peaks
from stochhh.analysis.count_statistics import fano_curve, psth
from stochhh.analysis.estimates import (
    Estimate,
    mean_estimate,
    median_estimate,
    share_estimate,
)
from stochhh.analysis.firing_efficiency import spread_estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.interval_statistics import interval_cv2, interval_lv
from stochhh.analysis.jackknife import pooled_sd
from stochhh.analysis.quantal import by_amplitude, by_count, by_failures, by_variance
from stochhh.analysis.spikes import firing_rate_hz

Rng = np.random.Generator
Drawn = list[tuple[str, float, Estimate]]


@dataclass(frozen=True)
class Experiment:
    """Data drawn from a law, and the estimates made of them.

    Attributes
    ----------
    what, sample : of the table's first two columns
    draw : makes data and gives, for each estimate, its name, the truth and what was found
    lowest : share of cases below which something is wrong
    """

    what: str
    sample: str
    draw: Callable[[Rng], Drawn]
    lowest: float = 0.92


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
        return [("mean of intervals", mean, found.mean_ms), ("CV of intervals", cv, found.cv)]

    law = f"refractory {shape:g} ms" if kind == "refractory" else f"gamma of shape {shape:g}"
    text = f"{trials} trials of {duration / mean:g} mean intervals, {law}"
    return Experiment("intervals", text, draw, lowest=0.87)


def _counts(text: str, trials: int, draw: Callable[[Rng], np.ndarray], truth: float) -> Experiment:
    def drawn(rng: Rng) -> Drawn:
        trains = [np.arange(k) + 0.5 for k in draw(rng)]
        rate = firing_rate_hz(trains, 1000.0)
        return [("count a trial, rate", truth, rate)]

    return Experiment("counts", f"{trials} trials, {text}", drawn)


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

    return Experiment("means", f"{n} values", drawn, lowest)


def _poisson_statistics(rng: Rng) -> Drawn:
    trains = [np.sort(rng.uniform(0.0, 1000.0, rng.poisson(20.0))) for _ in range(20)]
    fano = fano_curve(trains, 1000.0, [50.0])
    rate = psth(trains, 1000.0, 50.0)
    return [
        ("CV2", 1.0, interval_cv2(trains, 1000.0)),
        ("LV", 1.0, interval_lv(trains, 1000.0)),
        ("Fano factor", 1.0, _entry(fano.fano[0], fano.low[0], fano.high[0])),
        ("PSTH, a bin", 20.0, _entry(rate.rate_hz[3], rate.low_hz[3], rate.high_hz[3])),
    ]


def _entry(value: float, low: float, high: float) -> Estimate:
    return Estimate(float(value), (float(low), float(high)))


def _clamp(rng: Rng) -> Drawn:
    """Twelve trials of 60 channels that open with e^-t of 1 ms to 0.5 and shut to 0.2."""
    import xarray as xr

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

    return Experiment("shares", f"{count} trials, chance {chance:g}", draw)


def _medians(rng: Rng) -> Drawn:
    return [("median", float(np.log(2.0)), median_estimate(rng.exponential(1.0, 25)))]


def _spread(n: int) -> Experiment:
    def draw(rng: Rng) -> Drawn:
        return [("SD of latencies", 0.5, spread_estimate(rng.normal(4.0, 0.5, n)))]

    return Experiment("spreads", f"{n} Gaussian values", draw)


def _voltage(n: int) -> Experiment:
    """Records of a voltage of SD 1 that forgets within a twentieth of a trial."""

    def draw(rng: Rng) -> Drawn:
        kept, records = np.exp(-1.0 / 20.0), np.empty((n, 400))
        records[:, 0] = rng.normal(size=n)
        noise = np.sqrt(1.0 - kept**2) * rng.normal(size=(n, 400))
        for k in range(1, 400):
            records[:, k] = kept * records[:, k - 1] + noise[:, k]
        found = pooled_sd(records.mean(axis=1), records.std(axis=1))
        return [("SD of records", 1.0, found)]

    return Experiment("records", f"{n} trials of 20 correlation times", draw)


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

    return Experiment("quanta", f"{n} spikes of {mean:g} quanta", draw)


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
    Experiment("medians", "25 exponential values", _medians),
    _spread(10),
    _spread(40),
    *(
        _intervals(kind, shape, 100.0, duration, trials)
        for kind, shape in (("refractory", 5.0), ("gamma", 4.0), ("gamma", 25.0))
        for duration, trials in ((500.0, 40), (1000.0, 10), (2000.0, 5), (10_000.0, 1))
    ),
    Experiment("Poisson trains", "20 trials of 20 spikes", _poisson_statistics, lowest=0.9),
    Experiment("clamp", "12 trials of 60 channels", _clamp),
    *(_quanta(mean, n) for mean, n in ((0.5, 30), (2.0, 60), (2.0, 300))),
    *(_voltage(n) for n in (5, 20)),
]


def held(experiment: Experiment, repeats: int, seed: int) -> dict[str, tuple[float, float, int]]:
    """For each estimate: share of intervals that hold the truth, mean value, how many had one."""
    rng = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {}
    values: dict[str, list[float]] = {}
    for _ in range(repeats):
        for name, truth, found in experiment.draw(rng):
            values.setdefault(name, []).append((found.value or 0.0) / truth)
            if found.interval is not None:
                low, high = found.interval
                slack = 1e-9 * abs(truth)
                hits.setdefault(name, []).append(low - slack <= truth <= high + slack)
    return {
        name: (
            float(np.mean(hits.get(name, [False]))),
            float(np.mean(all_)),
            len(hits.get(name, [])),
        )
        for name, all_ in values.items()
    }


def table(repeats: int = 1000) -> str:
    """The table as Markdown."""
    lines = [
        f"Of {repeats} repeats; the value is the mean over the truth. An interval of 95 % holds",
        "the truth in 92 to 98 %, but for those marked *approximate*.",
        "",
        "| estimate | sample | value | intervals | hold the truth | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for k, experiment in enumerate(EXPERIMENTS):
        for name, (share, value, n) in held(experiment, repeats, k).items():
            note = "" if share >= 0.92 else "approximate"
            numbers = f"{value:.3f} | {n} | {100 * share:.1f} %"
            lines.append(f"| {name} | {experiment.sample} | {numbers} | {note} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = table()
    print(text, end="")
    (Path(__file__).parent / "coverage.md").write_text(text, encoding="utf-8")
