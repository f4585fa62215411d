"""Signal-to-noise ratio against the strength of noise, and where it is largest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.axes import place_label
from stochhh.analysis.estimates import CONFIDENCE, Estimate
from stochhh.analysis.jackknife import FEWEST_TRIALS
from stochhh.analysis.resonance import SignalToNoise
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_DRAWS = 4000
_FEWEST_POINTS = 3  # for a maximum that is not at an end
_MOST_GROUPS = 20  # of trials, left out one after another


class RatioPoint(NamedTuple):
    """Signal and noise at one strength of noise.

    Attributes
    ----------
    n_channels : that have noise.
    rate_hz : mean firing rate.
    found : of all trials; None if they are silent.
    signal, noise_per_hz : of `found`, with intervals.
    left_out_hz : (groups,) the ratio without each group of trials; empty for few trials.
    """

    n_channels: int
    rate_hz: Estimate
    found: SignalToNoise | None
    signal: Estimate
    noise_per_hz: Estimate
    left_out_hz: Floats


class Peak(NamedTuple):
    """The largest signal-to-noise ratio along an axis.

    Attributes
    ----------
    at : where it is, and the values of the axis among which it may lie.
    ratio_hz : the ratio there, with its own interval.
    chance_at_end : how often, given the errors, an end of the axis has the largest ratio;
        small where the maximum is one. None with too few trials to know the errors.
    """

    at: Estimate
    ratio_hz: Estimate
    chance_at_end: float | None


@dataclass(frozen=True)
class RatioCurve:
    """Points along an axis of K values.

    Attributes
    ----------
    place : values of the other swept keys, as written; empty if there are none.
    x : (K,) rising, in the unit of the sweep.
    frequency_hz : of the drive.
    points : K.
    """

    place: Mapping[str, Any]
    x: Floats
    frequency_hz: float
    points: tuple[RatioPoint, ...]

    @property
    def label(self) -> str:
        """What tells it from others."""
        return place_label(self.place)

    @property
    def ratios(self) -> list[Estimate]:
        """Signal-to-noise ratio (Hz) at each value, None where there is none."""
        found = [point.found for point in self.points]
        return [Estimate(None) if one is None else one.ratio_hz for one in found]

    @cached_property
    def peak(self) -> Peak | None:
        """Where the ratio is largest; None for fewer than three points, or without any ratio."""
        try:
            return largest_ratio(self.x, self.ratios, [p.left_out_hz for p in self.points])
        except InputError:
            return None


def ratio_parts(found: SignalToNoise, trials: int, neighbours: int) -> tuple[Estimate, Estimate]:
    """Signal and density of noise with their intervals.

    The noise is a mean of exponential numbers, one for each trial and neighbour, so
    its interval is that of a gamma law; the signal's is that of the ratio times the
    noise, which is known much better.
    """
    from scipy.special import gammaincinv

    noise, shape = found.noise_per_hz, 2.0 * trials * neighbours
    tail = (1.0 - CONFIDENCE) / 2.0
    ends = [noise * shape / float(gammaincinv(shape, level)) for level in (1.0 - tail, tail)]
    ratio = found.ratio_hz.interval
    return (
        Estimate(found.signal, None if ratio is None else (ratio[0] * noise, ratio[1] * noise)),
        Estimate(noise, (ends[0], ends[1])),
    )


def left_out_ratios(trials: Sequence[Any], measure: Callable[[Any], SignalToNoise]) -> Floats:
    """Signal-to-noise ratios (Hz) without each of up to 20 groups of trials, (groups,).

    Parameters
    ----------
    trials : spike times, or samples of a voltage; empty comes out with fewer than 5
    measure : signal-to-noise ratio of such a list; its `InputError` says that the
        trials are silent, so the ratio is 0
    """
    n = len(trials)
    if n < FEWEST_TRIALS:
        return np.zeros(0)
    groups = np.array_split(np.arange(n), min(n, _MOST_GROUPS))
    ratios = np.zeros(len(groups))
    for k, group in enumerate(groups):
        kept = [trial for index, trial in enumerate(trials) if index not in group]
        try:
            ratios[k] = measure(kept).ratio_hz.value or 0.0
        except InputError:
            continue
    return ratios


def largest_ratio(
    x: ArrayLike, ratios: Sequence[Estimate], left_out_hz: Sequence[ArrayLike]
) -> Peak:
    """Where a signal-to-noise ratio is largest, and where it may be, given its errors.

    Stochastic resonance is a maximum in between (Gammaitoni, Hänggi, Jung & Marchesoni
    1998, doi:10.1103/RevModPhys.70.223). Errors are those of the jackknife; ratios are
    drawn again with them, from Student's law with a fixed seed, and the largest looked
    for among the values given.

    Parameters
    ----------
    x : (K,) rising, three or more
    ratios : K; a value without a ratio is no maximum
    left_out_hz : K arrays, the ratio without each group of trials

    Raises
    ------
    InputError
        Fewer than three values, values that do not rise, or no ratio at any.
    """
    values = np.atleast_1d(np.asarray(x, dtype=np.float64))
    if len(values) < _FEWEST_POINTS or not (np.diff(values) > 0.0).all():
        raise InputError(f"x: {len(values)} values; need 3 or more that rise")
    if len(ratios) != len(values) or len(left_out_hz) != len(values):
        raise InputError(
            f"ratios: {len(ratios)} of {len(values)} values and {len(left_out_hz)} left out; "
            "need one for each"
        )
    ratio = np.array([-np.inf if one.value is None else one.value for one in ratios])
    if not np.isfinite(ratio).any():
        raise InputError("ratios: none at any value; need some spikes, so run longer")
    best = int(ratio.argmax())
    parts = [np.asarray(one, dtype=np.float64) for one in left_out_hz]
    fewest = min(map(len, parts))
    if fewest < FEWEST_TRIALS:
        return Peak(Estimate(float(values[best])), ratios[best], None)
    errors = np.array([np.sqrt((len(one) - 1) * one.var()) for one in parts])
    noise = np.random.default_rng(0).standard_t(fewest - 1, (_DRAWS, len(values)))
    drawn = (ratio + errors * noise).argmax(axis=1)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(values[drawn], [tail, 1.0 - tail], method="nearest").tolist()
    return Peak(
        at=Estimate(float(values[best]), (low, high)),
        ratio_hz=ratios[best],
        chance_at_end=float(np.mean((drawn == 0) | (drawn == len(values) - 1))),
    )
