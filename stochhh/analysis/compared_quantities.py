"""The quantities that methods are compared by, and what each trial adds to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from stochhh.analysis.comparison import Quantity

Floats = NDArray[np.float64]

_MOST_KNOTS = 500  # of a law of intervals


def _plain(name: str, title: str, unit: str, value: Callable[[Floats], Floats]) -> Quantity:
    """Quantity whose distance is the size of the difference."""
    return Quantity(name, title, unit, value, lambda a, b: np.abs(value(a) - value(b)))


def _ratio(totals: Floats) -> Floats:
    """First total over the second."""
    return np.asarray(totals[..., 0] / np.where(totals[..., 1] > 0, totals[..., 1], np.nan))


def _moments(totals: Floats) -> tuple[Floats, Floats]:
    """Mean and unbiased variance from number, sum and sum of squares."""
    n = np.where(totals[..., 0] > 1, totals[..., 0], np.nan)
    mean = totals[..., 1] / n
    variance = np.maximum(totals[..., 2] / n - mean**2, 0.0) * n / (n - 1.0)
    return np.asarray(mean), np.asarray(variance)


def _variance(totals: Floats) -> Floats:
    return _moments(totals)[1]


def _sd(totals: Floats) -> Floats:
    return np.asarray(np.sqrt(_moments(totals)[1]))


def _cv(totals: Floats) -> Floats:
    mean, variance = _moments(totals)
    return np.asarray(np.sqrt(variance) / np.where(mean > 0, mean, np.nan))


def _three(values: Floats, about: float = 0.0) -> list[float]:
    """Number, sum and sum of squares of values, from a number near their mean."""
    away = values - about
    return [float(len(away)), float(away.sum()), float((away**2).sum())]


#: Of spikes and voltage; the law of intervals, which needs a grid, comes beside them.
_SPIKING = (
    _plain("rate_hz", "firing rate", "Hz", _ratio),
    _plain("isi_mean_ms", "ISI mean", "ms", _ratio),
    _plain("isi_cv", "ISI CV", "", _cv),
    _plain("voltage_variance_mV2", "subthreshold variance", "mV²", _variance),
    _plain("latency_ms", "first-spike latency", "ms", _ratio),
    _plain("jitter_ms", "first-spike jitter", "ms", _sd),
)


def spike_rows(
    trains: Sequence[Floats], duration_ms: float, onset_ms: float = 0.0
) -> dict[str, Floats]:
    """What each spike train adds to the quantities of firing, (trials, K) each.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : of a trial
    onset_ms : latencies are those of the first spike from here on
    """
    intervals = [np.diff(train) for train in trains]
    late = [train[train >= onset_ms] - onset_ms for train in trains]
    first = [train[:1] for train in late]
    return {
        "rate_hz": np.array([[len(train), 1e-3 * duration_ms] for train in trains], dtype=float),
        "isi_mean_ms": np.array([[each.sum(), len(each)] for each in intervals], dtype=float),
        "isi_cv": np.array([_three(each) for each in intervals]),
        "latency_ms": np.array([[each.sum(), len(each)] for each in first], dtype=float),
        "jitter_ms": np.array([_three(each) for each in first]),
    }


def subthreshold_row(voltage_mV: Floats, rearm_mV: float) -> list[float]:
    """What a stretch of voltage (n,) adds to the variance below the level spikes rearm at."""
    return _three(voltage_mV[voltage_mV < rearm_mV], rearm_mV)


def spiking_quantities(trains: Sequence[Sequence[Floats]]) -> tuple[list[Quantity], Floats | None]:
    """Quantities that spiking methods are compared by, and the grid (G,) of the law of intervals.

    The distance between laws is Wasserstein's, the area between their distribution
    functions. `scipy.stats.wasserstein_distance` gives it for two samples; here it is
    taken on a grid that all resamples share: the pooled intervals, or 500 of very many.

    Parameters
    ----------
    trains : of each method the spike times of each trial
    """
    pooled = np.concatenate([np.diff(train) for each in trains for train in each] or [np.zeros(0)])
    if len(pooled) < 2:
        return list(_SPIKING), None
    places = np.linspace(0, len(pooled) - 1, min(len(pooled), _MOST_KNOTS)).round().astype(int)
    grid = np.unique(np.sort(pooled)[places])
    width = np.diff(grid, append=grid[-1])

    def wasserstein(a: Floats, b: Floats) -> Floats:
        below = _shares(a) - _shares(b)
        return np.asarray((np.abs(below) * width).sum(axis=-1))

    law = Quantity("isi_distance_ms", "ISI distance", "ms", None, wasserstein)
    return [*_SPIKING[:3], law, *_SPIKING[3:]], grid


def interval_rows(trains: Sequence[Floats], grid_ms: Floats) -> Floats:
    """How many intervals of each trial are at most each time of a grid, (trials, G)."""
    return np.array(
        [np.searchsorted(np.sort(np.diff(train)), grid_ms, side="right") for train in trains],
        dtype=np.float64,
    )


def _shares(totals: Floats) -> Floats:
    n = totals[..., -1:]  # the grid ends at the longest interval
    return np.asarray(totals / np.where(n > 0, n, np.nan))


def _course_mean(totals: Floats) -> Floats:
    n, n_times = totals[..., :1], totals.shape[-1] // 2
    return np.asarray(totals[..., 1 : 1 + n_times] / n)


def _current_mean(totals: Floats) -> Floats:
    return np.asarray(_course_mean(totals).mean(axis=-1))


def _current_variance(totals: Floats) -> Floats:
    n_times = totals.shape[-1] // 2
    n = np.where(totals[..., :1] > 1, totals[..., :1], np.nan)
    mean = totals[..., 1 : 1 + n_times] / n
    variance = np.maximum(totals[..., 1 + n_times :] / n - mean**2, 0.0) * n / (n - 1.0)
    return np.asarray(variance.mean(axis=-1))


def _course_distance(a: Floats, b: Floats) -> Floats:
    away = _course_mean(a) - _course_mean(b)
    return np.asarray(np.sqrt((away**2).mean(axis=-1)))


#: Of a clamped membrane.
CLAMPED = (
    _plain("current_mean_pA", "mean current", "pA", _current_mean),
    _plain("current_variance_pA2", "current variance", "pA²", _current_variance),
    Quantity("current_distance_pA", "current distance", "pA", None,
             _course_distance),
)  # fmt: skip


def clamped_rows(current_pA: Floats) -> dict[str, Floats]:
    """What each trial adds to the quantities of a clamp current.

    Parameters
    ----------
    current_pA : (trials, times)
    """
    every = np.concatenate([np.ones((len(current_pA), 1)), current_pA, current_pA**2], axis=1)
    return {quantity.name: every for quantity in CLAMPED}
