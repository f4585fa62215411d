"""Curves of firing efficiency: shares, latencies, their fit, and the deterministic threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.axes import place_label
from stochhh.analysis.estimates import CONFIDENCE, Estimate, share_estimate
from stochhh.analysis.firing_efficiency import (
    UNPROVOKED,
    FiringEfficiency,
    LatencyPoint,
    fit_firing_efficiency,
    latency_point,
)
from stochhh.analysis.power_law import PowerLaw, fit_power_law
from stochhh.errors import InputError

Floats = NDArray[np.float64]


class Bracket(NamedTuple):
    """Amplitudes between which the deterministic membrane begins to fire.

    Attributes
    ----------
    silent_at : the highest below `fires_at` at which it stays silent, None if none does.
    fires_at : the lowest at which it fires, None if none does.
    """

    silent_at: float | None
    fires_at: float | None


@dataclass(frozen=True)
class EfficiencyCurve:
    """One membrane under pulses of K amplitudes.

    Attributes
    ----------
    place : values of the other swept keys, as written; empty if there are none.
    n_channels : that have noise.
    amplitude : (K,) rising.
    latencies_ms : of each amplitude the time from the pulse to the first spike in each
        trial, NaN where none came in time.
    deterministic_ms : (K,) likewise of the deterministic membrane; None if it was not run.
    bracket : where the deterministic membrane begins to fire, None if that is not known.
    """

    place: Mapping[str, Any]
    n_channels: int
    amplitude: Floats
    latencies_ms: tuple[Floats, ...]
    deterministic_ms: Floats | None = None
    bracket: Bracket | None = None

    @property
    def label(self) -> str:
        """What tells it from others: the number of channels, or the swept values."""
        if [key.rsplit(".", 1)[-1] for key in self.place] == ["count_factor"]:
            return f"{self.n_channels:,d} channels"
        return place_label(self.place)

    @cached_property
    def points(self) -> tuple[LatencyPoint, ...]:
        """Share of trials that fire, mean latency and jitter at each amplitude."""
        return tuple(latency_point(latencies) for latencies in self.latencies_ms)

    @property
    def trials(self) -> NDArray[np.int64]:
        """Trials at each amplitude, (K,)."""
        return np.array([len(latencies) for latencies in self.latencies_ms], dtype=np.int64)

    @property
    def fired(self) -> NDArray[np.int64]:
        """Trials that fired at each amplitude, (K,)."""
        fired = [int(np.isfinite(latencies).sum()) for latencies in self.latencies_ms]
        return np.array(fired, dtype=np.int64)

    @cached_property
    def _fitted(self) -> tuple[FiringEfficiency | None, str]:
        above = self.amplitude > 0.0
        fired, trials = (int(one[~above].sum()) for one in (self.fired, self.trials))
        alone = share_estimate(fired, trials).interval if trials else None
        if alone is not None and alone[0] > UNPROVOKED:
            return None, (
                f"{fired} of {trials} trials without a pulse fired in the window in which spikes "
                "count, so there is no threshold; choose a shorter one with within"
            )
        try:
            fit = fit_firing_efficiency(
                self.amplitude[above], self.fired[above], self.trials[above]
            )
        except InputError as problem:
            return None, str(problem).partition(": ")[2]
        return fit, ""

    @property
    def fit(self) -> FiringEfficiency | None:
        """An integrated Gaussian, fitted to the amplitudes above zero; None if none can be."""
        return self._fitted[0]

    @property
    def problem(self) -> str:
        """Why there is no fit; empty where there is one."""
        return self._fitted[1]


def first_firing(amplitude: ArrayLike, fires: ArrayLike) -> Bracket:
    """Amplitudes between which a deterministic membrane begins to fire.

    Parameters
    ----------
    amplitude : (K,) rising
    fires : (K,) whether it fires at each
    """
    x, firing = np.asarray(amplitude, dtype=np.float64), np.flatnonzero(fires)
    if not len(firing):
        return Bracket(float(x[-1]) if len(x) else None, None)
    first = int(firing[0])
    return Bracket(float(x[first - 1]) if first else None, float(x[first]))


def spread_by_channels(curves: Sequence[EfficiencyCurve]) -> PowerLaw | None:
    """Power law of relative spread against number of channels; None where there is none to fit.

    Curves without a fit, or whose relative spread is open to one side, are left out;
    the others must differ in nothing but one swept key, and each in its number of
    channels. A relative spread in proportion to N^-1/2 is what independent channels
    have (Rubinstein 1995, doi:10.1016/S0006-3495(95)80252-3).
    """
    from scipy.special import ndtri

    if any(len(curve.place) != 1 for curve in curves):
        return None
    if len({curve.n_channels for curve in curves}) < len(curves):
        return None
    known = [curve for curve in curves if curve.n_channels and _closed(curve.fit)]
    if len(known) < 2:
        return None
    quantile = 2.0 * float(ndtri(0.5 + CONFIDENCE / 2))
    spreads = [curve.fit.relative_spread for curve in known if curve.fit is not None]
    width = [np.diff(np.log(spread.interval))[0] for spread in spreads if spread.interval]
    return fit_power_law(
        [curve.n_channels for curve in known],
        [float(spread.value or 0.0) for spread in spreads],
        np.array(width) / quantile,
    )


def nearest_to_threshold(curve: EfficiencyCurve) -> int | None:
    """Place of the amplitude closest to the fitted threshold; None without a fit.

    Of those with enough spikes for an interval of the jitter, if there are any.
    """
    if curve.fit is None or curve.fit.threshold.value is None:
        return None
    away = np.abs(curve.amplitude - curve.fit.threshold.value)
    many = np.array([point.jitter_ms.interval is not None for point in curve.points])
    return int(np.argmin(np.where(many, away, np.inf) if many.any() else away))


def _closed(fit: FiringEfficiency | None) -> bool:
    return fit is not None and _has_ends(fit.relative_spread)


def _has_ends(estimate: Estimate) -> bool:
    interval = estimate.interval
    return interval is not None and interval[0] > 0.0 and bool(np.isfinite(interval[1]))
