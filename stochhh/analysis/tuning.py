"""Firing against the strength of a current, and without one against the area of a patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.firing_efficiency import LatencyPoint, latency_point, response_latencies_ms
from stochhh.analysis.fits import counts, positive
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TuningPoint:
    """Firing under one current: a point of an f-I curve.

    Attributes
    ----------
    rate_hz : mean firing rate.
    latency : time from the step to its first spike, its jitter, and the share of
        trials with one.
    """

    rate_hz: Estimate
    latency: LatencyPoint


def tuning_point(
    trains: Sequence[Floats], start_ms: float, stop_ms: float, settle_ms: float = 0.0
) -> TuningPoint:
    """Firing rate and first-spike latency under a step of current, with intervals.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    start_ms, stop_ms : of the step
    settle_ms : spikes so soon after its start do not count for the rate

    Raises
    ------
    InputError
        A step that ends before it has settled.
    """
    begin = start_ms + settle_ms
    if not (settle_ms >= 0.0 and begin < stop_ms < np.inf):
        raise InputError(
            f"start_ms, stop_ms, settle_ms: {start_ms:g}, {stop_ms:g}, {settle_ms:g}; "
            "need a step that lasts longer than it settles"
        )
    given = [np.asarray(train, dtype=np.float64) for train in trains]
    inside = [train[(train >= begin) & (train < stop_ms)] for train in given]
    latencies = response_latencies_ms(given, start_ms, stop_ms - start_ms)
    return TuningPoint(firing_rate_hz(inside, stop_ms - begin), latency_point(latencies))


@dataclass(frozen=True)
class RateByArea:
    """An exponential fall of the spontaneous firing rate with the area of a patch.

    Attributes
    ----------
    rate_at_zero_hz : prefactor, the rate to which the fit leads at no area.
    decay_per_um2 : k in ``exp(-k A)``.
    dispersion : mean square of the counts' deviations from the fit, in Poisson's
        standard deviations; far above 1 where the law is not exponential. None for
        two areas.
    degrees : number of areas less 2.
    """

    rate_at_zero_hz: Estimate
    decay_per_um2: Estimate
    dispersion: float | None
    degrees: int

    def at(self, area_um2: ArrayLike) -> Floats:
        """Fitted rate (Hz) at areas of any shape."""
        assert self.rate_at_zero_hz.value is not None
        assert self.decay_per_um2.value is not None
        fall = np.exp(-self.decay_per_um2.value * np.asarray(area_um2, dtype=np.float64))
        return np.asarray(self.rate_at_zero_hz.value * fall)


def fit_rate_by_area(area_um2: ArrayLike, spikes: ArrayLike, seconds: ArrayLike) -> RateByArea:
    """Exponential fit of the spontaneous firing rate against area.

    ``rate ∝ exp(-k A)`` is the law of escape from rest over a barrier that grows with
    the number of channels (Chow & White 1996, doi:10.1016/S0006-3495(96)79494-8);
    small patches, which fire all the time, do not follow it. A Poisson regression of
    counts, so areas that fired little or not at all count as they should. Where
    counts scatter more than Poisson's, intervals are widened by that (quasi-likelihood,
    McCullagh & Nelder 1989, section 9.2); spike trains more regular than that get
    intervals on the safe side.

    Parameters
    ----------
    area_um2 : (K,)
    spikes : (K,) spikes counted
    seconds : (K,) observed, over all trials

    Raises
    ------
    InputError
        Spikes at fewer than two areas, arrays that do not match, counts that are not
        whole, or areas or times not above zero.
    """
    from scipy.optimize import minimize
    from scipy.special import ndtri, stdtrit

    area = positive(area_um2, "area_um2")
    count = counts(spikes, "spikes", len(area))
    time = positive(seconds, "seconds", len(area))
    if len(np.unique(area[count > 0])) < 2:
        raise InputError(
            f"spikes: at {len(np.unique(area[count > 0]))} area(s) only; need spikes at two or "
            "more, so observe longer or choose smaller areas"
        )
    design = np.stack([np.ones(len(area)), (area - area.mean()) / area.std()])
    start = np.array([np.log(count.sum() / time.sum()), 0.0])

    def loss(beta: Floats) -> float:
        eta = beta @ design
        return float((np.exp(eta) * time - count * eta).sum())

    def slope(beta: Floats) -> Floats:
        return np.asarray(design @ (np.exp(beta @ design) * time - count))

    def curvature(beta: Floats) -> Floats:
        return np.asarray((design * np.exp(beta @ design) * time) @ design.T)

    found = minimize(loss, start, jac=slope, hess=curvature, method="trust-exact").x
    expected = np.exp(found @ design) * time
    degrees = len(area) - 2
    dispersion = float(((count - expected) ** 2 / expected).sum() / degrees) if degrees else None
    widened = dispersion is not None and dispersion > 1.0
    tail = 0.5 + CONFIDENCE / 2
    quantile = float(stdtrit(degrees, tail) if widened else ndtri(tail))
    to_law = np.array([[1.0, -area.mean() / area.std()], [0.0, -1.0 / area.std()]])
    covariance = to_law @ np.linalg.inv(curvature(found)) @ to_law.T
    reach = quantile * np.sqrt(np.diag(covariance) * (dispersion if widened else 1.0))
    log_rate, decay = to_law @ found
    low, value, high = np.exp(log_rate + reach[0] * np.array([-1.0, 0.0, 1.0])).tolist()
    return RateByArea(
        rate_at_zero_hz=Estimate(value, (low, high)),
        decay_per_um2=Estimate(float(decay), (float(decay - reach[1]), float(decay + reach[1]))),
        dispersion=dispersion,
        degrees=degrees,
    )
