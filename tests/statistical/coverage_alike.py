"""How alike trials are: events, distances, jitter, phases, information, methods compared."""

from __future__ import annotations

from functools import cache

import numpy as np
from covered import Drawn, Experiment, Rng, entry
from scipy import special

from stochhh.analysis.compared_quantities import spike_rows, spiking_quantities
from stochhh.analysis.comparison import Sample, compare_samples
from stochhh.analysis.information import information_rate
from stochhh.analysis.phase_locking import phase_locking
from stochhh.analysis.propagation import arrival_jitter
from stochhh.analysis.reliability import event_reliability, reliability
from stochhh.analysis.spike_jitter import spike_jitter
from stochhh.analysis.waves import Wave

WRITTEN = {
    "reliability": ("reliability.reliability",),
    "precision": ("reliability.precision_ms",),
    "participation": ("reliability.participation",),
    "Schreiber's correlation": ("reliability.schreiber",),
    "SPIKE synchronization": ("reliability.spike_synchronization",),
    "SPIKE distance": ("reliability.spike_distance",),
    "ISI distance": ("reliability.isi_distance",),
    "Victor-Purpura distance": ("reliability.victor_purpura_per_spike",),
    "van Rossum distance": ("reliability.van_rossum_per_spike",),
    "jitter of the 1st spike": ("reliability.first_jitter_ms", "SpikeJitter.low_ms"),
    "jitter of the 10th spike": ("reliability.last_jitter_ms",),
    "growth of jitter": ("reliability.jitter_growth_ms2",),
    "ratio of jitters": ("reliability.jitter_ratio",),
    "jitter of arrival": ("propagation.jitter_ms", "Jitter.low_ms"),
    "exponent of jitter": ("propagation.jitter_exponent",),
    "vector strength": ("phase_locking.vector_strength",),
    "information": ("information.bits_per_s", "information.bits_per_spike"),
    "a method's mean interval": ("words.value",),
    "a difference of mean intervals": ("words.difference",),
}

_MEASURES = {
    "Schreiber's correlation": "schreiber",
    "SPIKE synchronization": "spike_synchronization",
    "SPIKE distance": "spike_distance",
    "ISI distance": "isi_distance",
    "Victor-Purpura distance": "victor_purpura_per_spike",
    "van Rossum distance": "van_rossum_per_spike",
}
EVENTS = np.cumsum(np.random.default_rng(1).uniform(25.0, 60.0, 14))
LENGTH_MS = float(EVENTS[-1] + 30.0)


def _repeats(rng: Rng, trials: int, jitter_ms: float) -> list[np.ndarray]:
    """Spikes about 14 events with a chance of 0.8, and 2 a second at any time."""
    trains = []
    for _ in range(trials):
        kept = EVENTS[rng.random(len(EVENTS)) < 0.8]
        stray = rng.uniform(0.0, LENGTH_MS, rng.poisson(2e-3 * LENGTH_MS))
        times = np.concatenate([kept + rng.normal(0.0, jitter_ms, len(kept)), stray])
        trains.append(np.unique(times[(times > 0.0) & (times < LENGTH_MS)]))
    return trains


@cache
def _of_many(jitter_ms: float) -> dict[str, float]:
    """What 400 trials say of measures that have no closed form, and 16 groups of 25 of pairs."""
    rng = np.random.default_rng(9)
    events = event_reliability(_repeats(rng, 400, jitter_ms), LENGTH_MS)
    groups = [reliability(_repeats(rng, 25, jitter_ms), LENGTH_MS) for _ in range(16)]
    means = {
        name: float(np.mean([getattr(group, key).value for group in groups]))
        for name, key in _MEASURES.items()
    }
    assert events.reliability.value is not None
    assert events.participation.value is not None
    return means | {
        "reliability": events.reliability.value,
        "participation": events.participation.value,
    }


def _alike(rng: Rng, trials: int, jitter_ms: float) -> Drawn:
    found, truth = reliability(_repeats(rng, trials, jitter_ms), LENGTH_MS), _of_many(jitter_ms)
    drawn = [
        ("reliability", truth["reliability"], found.events.reliability),
        ("participation", truth["participation"], found.events.participation),
        ("precision", jitter_ms, found.events.precision_ms),
    ]
    return drawn + [(name, truth[name], getattr(found, key)) for name, key in _MEASURES.items()]


def _walk(rng: Rng, trials: int) -> Drawn:
    """Intervals of 20 ± 2 ms, each of its own: variances of 4 ms² for each spike."""
    found = spike_jitter(
        [np.cumsum(rng.normal(20.0, 2.0, 10)) for _ in range(trials)], duration_ms=400.0
    )
    return [
        ("jitter of the 1st spike", 2.0, entry(found.sd_ms[0], found.low_ms[0], found.high_ms[0])),
        (
            "jitter of the 10th spike",
            2.0 * 10.0**0.5,
            entry(found.sd_ms[-1], found.low_ms[-1], found.high_ms[-1]),
        ),
        ("growth of jitter", 4.0, found.growth_ms2),
        ("ratio of jitters", 10.0**0.5, found.ratio),
    ]


def _arrivals(rng: Rng, n: int) -> Drawn:
    """Delays of 8 stretches of 100 µm, 1 ± 0.1 ms each."""
    waves = [
        Wave(k, 0, 8, np.append(0.0, np.cumsum(rng.normal(1.0, 0.1, 8))), False, False)
        for k in range(n)
    ]
    found = arrival_jitter(waves, 100.0 * np.arange(9), 0, np.arange(1, 9))
    assert found is not None
    return [
        (
            "jitter of arrival",
            0.1 * 8.0**0.5,
            entry(found.sd_ms[-1], found.low_ms[-1], found.high_ms[-1]),
        ),
        ("exponent of jitter", 0.5, found.exponent),
    ]


def _phases(rng: Rng, trials: int, spikes: int) -> Drawn:
    """Phases of von Mises with a concentration of 1, a spike in each period of 10 ms."""
    trains = [
        10.0 * np.sort(np.arange(spikes) + (rng.vonmises(np.pi, 1.0, spikes) / 2 / np.pi) % 1.0)
        for _ in range(trials)
    ]
    truth = float(special.i1(1.0) / special.i0(1.0))
    return [
        ("vector strength", truth, phase_locking(trains, 10.0, 0.0, 10.0 * spikes).vector_strength)
    ]


def _bits(p: float) -> float:
    return float(-(p * np.log2(p) + (1.0 - p) * np.log2(1.0 - p))) if 0.0 < p < 1.0 else 0.0


def _information(rng: Rng, trials: int, chances: tuple[float, float]) -> Drawn:
    """Letters of 3 ms with chances that change at random from bin to bin."""
    each = rng.choice(chances, 1000)
    letters = (rng.random((trials, 1000)) < each).astype(np.int64)
    mean = (chances[0] + chances[1]) / 2.0
    truth = (_bits(mean) - (_bits(chances[0]) + _bits(chances[1])) / 2.0) / 3e-3
    return [("information", truth, information_rate(letters, 3.0, [1, 2, 3, 4]).bits_per_s)]


def _methods(rng: Rng, trials: int) -> Drawn:
    """Gamma intervals with means of 20 and 22 ms."""
    both = []
    for mean in (20.0, 22.0):
        trains = [np.cumsum(rng.gamma(4.0, mean / 4.0, 80)) for _ in range(trials)]
        both.append([train[train < 800.0] for train in trains])
    quantities = [q for q in spiking_quantities(both)[0] if q.name == "isi_mean_ms"]
    samples = [
        Sample(name, {"isi_mean_ms": spike_rows(trains, 800.0)["isi_mean_ms"]})
        for name, trains in zip(("exact", "other"), both, strict=True)
    ]
    found = compare_samples(quantities, samples[0], samples[1:])
    other = found["other"][0]
    assert other.difference is not None
    cut = _mean_within(20.0), _mean_within(22.0)
    return [
        ("a method's mean interval", cut[1], other.estimate),
        ("a difference of mean intervals", cut[1] - cut[0], other.difference),
    ]


@cache
def _mean_within(mean: float) -> float:
    """Mean of the intervals that end within 800 ms, over 40 000 trials."""
    rng = np.random.default_rng(3)
    intervals = rng.gamma(4.0, mean / 4.0, (40_000, 80))
    whole = np.cumsum(intervals, axis=1) < 800.0
    whole[:, 0] = False  # the first is the time of the first spike
    return float(intervals[whole].mean())


EXPERIMENTS = [
    *(
        Experiment(
            f"{n} trials, jitter {s:g} ms", lambda g, n=n, s=s: _alike(g, n, s), 0.75, slow=True
        )
        for n, s in ((10, 1.0), (25, 1.0), (25, 4.0))
    ),
    *(Experiment(f"{n} trials", lambda g, n=n: _walk(g, n), 0.88) for n in (8, 40)),
    *(Experiment(f"{n} waves", lambda g, n=n: _arrivals(g, n)) for n in (8, 60)),
    *(
        Experiment(f"{n} trials of {k} spikes", lambda g, n=n, k=k: _phases(g, n, k))
        for n, k in ((5, 30), (20, 30))
    ),
    *(
        Experiment(
            f"{n} trials of 1000 bins, chances {p[0]:g} and {p[1]:g}",
            lambda g, n=n, p=p: _information(g, n, p),
            0.85,
            slow=True,
        )
        for n, p in ((25, (0.1, 0.1)), (25, (0.05, 0.4)), (60, (0.05, 0.4)))
    ),
    *(Experiment(f"{n} trials", lambda g, n=n: _methods(g, n), slow=True) for n in (10, 40)),
]
