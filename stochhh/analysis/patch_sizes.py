"""Spontaneous firing against the area of a patch: rates, their fall, regularity of intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochhh.analysis.axes import place_label
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.resonance import CoherenceResonance, coherence_resonance
from stochhh.analysis.spikes import firing_rate_hz
from stochhh.analysis.tuning import RateByArea, fit_rate_by_area
from stochhh.errors import InputError

Floats = NDArray[np.float64]

_REFUTED = 0.01  # p-value below which rates are said not to fall exponentially
_FEWEST_AREAS = 3  # that are left to a fit


class SizePoint(NamedTuple):
    """Spontaneous firing of a patch.

    Attributes
    ----------
    n_channels : that have noise.
    spikes, seconds : counted, over all trials.
    rate_hz : mean firing rate.
    intervals : between spikes of one trial.
    isi_mean_ms, isi_cv : of these (`stochhh.analysis.interspike_intervals`).
    """

    n_channels: int
    spikes: int
    seconds: float
    rate_hz: Estimate
    intervals: int
    isi_mean_ms: Estimate
    isi_cv: Estimate


class Fall(NamedTuple):
    """An exponential fitted to the rates of the larger patches.

    Attributes
    ----------
    fit : the exponential.
    first : place of the smallest area that it was fitted to.
    p_value : of rates as far from an exponential, by their counts; None for two areas.
    """

    fit: RateByArea
    first: int
    p_value: float | None


@dataclass(frozen=True)
class SizeCurve:
    """Patches of K areas.

    Attributes
    ----------
    place : values of the other swept keys, as written; empty if there are none.
    area_um2 : (K,) rising.
    points : K.
    fit_from_um2 : smallest area that an exponential is fitted to, None to find out.
    """

    place: Mapping[str, Any]
    area_um2: Floats
    points: tuple[SizePoint, ...]
    fit_from_um2: float | None = None

    @property
    def label(self) -> str:
        """What tells it from others."""
        return place_label(self.place)

    @cached_property
    def _fallen(self) -> tuple[Fall | None, str]:
        spikes = [point.spikes for point in self.points]
        seconds = [point.seconds for point in self.points]
        try:
            return exponential_fall(self.area_um2, spikes, seconds, self.fit_from_um2), ""
        except InputError as problem:
            return None, str(problem)

    @property
    def fall(self) -> Fall | None:
        """The exponential fall of the rates; None where none can be fitted."""
        return self._fallen[0]

    @property
    def no_fall(self) -> str:
        """Why there is no fit; empty where there is one."""
        return self._fallen[1]

    @cached_property
    def _resonant(self) -> tuple[CoherenceResonance | None, str]:
        known = self.with_cv
        try:
            found = coherence_resonance(
                self.area_um2[known], [self.points[k].isi_cv for k in known]
            )
        except InputError as problem:
            return None, str(problem)
        return found, ""

    @property
    def with_cv(self) -> list[int]:
        """Places of the areas that have intervals enough for a CV with its interval."""
        return [k for k, point in enumerate(self.points) if point.isi_cv.interval is not None]

    @property
    def coherence(self) -> CoherenceResonance | None:
        """The most regular firing of areas in `with_cv`; None for fewer than three."""
        return self._resonant[0]

    @property
    def minimum(self) -> CoherenceResonance | None:
        """The same, None where the least CV is that of an end of these areas."""
        found, known = self.coherence, self.area_um2[self.with_cv]
        if found is None or found.area_um2.value in (known[0], known[-1]):
            return None
        return found

    @property
    def no_coherence(self) -> str:
        """Why there is none; empty where there is one."""
        return self._resonant[1]


def size_point(
    trains: Sequence[Floats], duration_ms: float, n_channels: int, steady: bool = True
) -> SizePoint:
    """Firing of a patch.

    Parameters
    ----------
    trains : spike times (ms) of each trial
    duration_ms : length of each trial
    n_channels : that have noise
    steady : what drives it is the same at all times of a trial
    """
    isi = isi_statistics(trains, duration_ms, steady)
    return SizePoint(
        n_channels=n_channels,
        spikes=sum(len(train) for train in trains),
        seconds=len(trains) * duration_ms / 1e3,
        rate_hz=firing_rate_hz(trains, duration_ms),
        intervals=isi.count,
        isi_mean_ms=isi.mean_ms,
        isi_cv=isi.cv,
    )


def exponential_fall(
    area_um2: ArrayLike,
    spikes: ArrayLike,
    seconds: ArrayLike,
    fit_from_um2: float | None = None,
) -> Fall:
    """Exponential fit of rate against area, over the areas where the rate falls like that.

    Small patches fire as fast as they recover, larger ones escape from rest now and
    then, at a rate in proportion to exp(-k A) (Chow & White 1996,
    doi:10.1016/S0006-3495(96)79494-8). So without `fit_from_um2` the smallest areas are
    left out, one after another, until the counts of the others are no farther from an
    exponential than those of Poisson processes would be (p of 1 %), or only three are
    left. The p-value says whether the last fit is refused.

    Parameters
    ----------
    area_um2 : (K,) rising
    spikes : (K,) spikes counted
    seconds : (K,) observed, over all trials
    fit_from_um2 : smallest area that is fitted to

    Raises
    ------
    InputError
        No areas that large, or those of `stochhh.analysis.tuning.fit_rate_by_area`.
    """
    area = np.asarray(area_um2, dtype=np.float64)
    count, time = np.asarray(spikes), np.asarray(seconds)
    if fit_from_um2 is not None:
        first = int(np.searchsorted(area, fit_from_um2 * (1.0 - 1e-9)))
        if len(area) - first < 2:
            raise InputError(
                f"fit_from: {len(area) - first} of {len(area)} areas are {fit_from_um2:g} um^2 or "
                "larger; need two or more"
            )
        return _fallen(area, count, time, first)
    last = max(0, len(area) - _FEWEST_AREAS)
    found = _fallen(area, count, time, 0)
    for first in range(1, last + 1):
        if found.p_value is None or found.p_value >= _REFUTED:
            break
        found = _fallen(area, count, time, first)
    return found


def _fallen(area: Floats, count: NDArray[Any], time: Floats, first: int) -> Fall:
    from scipy.special import gammaincc

    fit = fit_rate_by_area(area[first:], count[first:], time[first:])
    if fit.dispersion is None:
        return Fall(fit, first, None)
    p_value = float(gammaincc(fit.degrees / 2.0, fit.degrees * fit.dispersion / 2.0))
    return Fall(fit, first, p_value)
