"""What becomes of impulses along an axon: arrival and its scatter, failures, spontaneous ones.

What befalls spikes is named as by Faisal & Laughlin (2007,
doi:10.1371/journal.pcbi.0030079): one is *deleted* that starts and does not arrive,
*added* that starts by itself and arrives, *split* that starts by itself just behind
another.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.jackknife import jackknifed
from stochhh.analysis.waves import Floats, Ints, Wave


class Fates(NamedTuple):
    """What became of the impulses that should have come, and which came besides.

    Attributes
    ----------
    evoked : for each trial and time of a stimulus its wave, or None, row by row.
    arrived : which of them reached the end.
    deleted : evoked waves that began and did not arrive, without meeting another.
    spontaneous : all waves that no stimulus began.
    added : those of them that reached the end.
    split : those of them that began just behind another wave.
    collisions : number of meetings.
    """

    evoked: list[Wave | None]
    arrived: NDArray[np.bool_]
    deleted: list[Wave]
    spontaneous: list[Wave]
    added: list[Wave]
    split: list[Wave]
    collisions: int


def fates(
    waves: list[Wave],
    trials: Ints,
    evoked_ms: Floats,
    origin: int | Ints,
    reach: int,
    end: int,
    window_ms: float | Floats,
    split_ms: float,
) -> Fates:
    """Sort waves by how they began and what became of them.

    Parameters
    ----------
    waves : of `find_waves`
    trials : labels of all trials
    evoked_ms : when stimuli begin, the same in all trials
    origin, reach : an evoked wave begins within `reach` compartments of `origin`, one or that
        of each stimulus; -1: anywhere
    end : compartment that is the end of the way
    window_ms : an evoked wave begins within it after its stimulus, one or that of each
    split_ms : a wave that begins where another passed not longer ago is split off it
    """
    evoked: list[Wave | None] = []
    taken: set[int] = set()
    origins = np.broadcast_to(origin, np.shape(evoked_ms))
    windows = np.broadcast_to(window_ms, np.shape(evoked_ms))
    for trial in trials:
        mine = [(index, wave) for index, wave in enumerate(waves) if wave.trial == trial]
        for when, where, window in zip(evoked_ms, origins, windows, strict=True):
            match = next(
                (
                    index
                    for index, wave in mine
                    if index not in taken
                    and (where < 0 or abs(wave.origin - where) <= reach)
                    and when <= wave.begin_ms <= when + window
                ),
                None,
            )
            evoked.append(None if match is None else waves[match])
            if match is not None:
                taken.add(match)
    spontaneous = [wave for index, wave in enumerate(waves) if index not in taken]
    arrived = np.array(
        [wave is not None and wave.first <= end <= wave.last for wave in evoked], dtype=bool
    )
    deleted = [
        wave
        for wave, came in zip(evoked, arrived, strict=True)
        if wave is not None and not came and not (wave.met_before or wave.met_behind)
    ]
    return Fates(
        evoked=evoked,
        arrived=arrived,
        deleted=deleted,
        spontaneous=spontaneous,
        added=[wave for wave in spontaneous if wave.first <= end <= wave.last],
        split=[wave for wave in spontaneous if _follows(wave, waves, split_ms)],
        collisions=sum(wave.met_behind for wave in waves),
    )


def _follows(wave: Wave, waves: list[Wave], split_ms: float) -> bool:
    return any(
        other is not wave
        and other.trial == wave.trial
        and 0.0 < wave.begin_ms - other.at(wave.origin) <= split_ms
        for other in waves
    )


class Jitter(NamedTuple):
    """Scatter of arrival times over distance. D places, n waves."""

    distance_um: Floats  # (D,) from the reference place
    sd_ms: Floats  # (D,)
    low_ms: Floats  # (D,) 95 % interval by the chi-square law of a normal sample's variance
    high_ms: Floats  # (D,)
    exponent: Estimate  # of the growth of the SD with distance; ½ if delays are independent


def arrival_jitter(
    waves: list[Wave], position_um: Floats, reference: int, places: Ints, group: Ints | None = None
) -> Jitter | None:
    """SD of the time from a reference place to places further on; None with fewer than 5 waves.

    Waves of one `group`, such as those of one stimulus of a train, are compared with each
    other only: later ones travel in the wake of earlier ones.

    With independent delays of equal variance in all stretches it grows as the root of
    the distance (Horikawa 1991, Biological Cybernetics 66:19).
    """
    times = np.array([[wave.at(p) - wave.at(reference) for p in places] for wave in waves])
    kept = np.isfinite(times).all(axis=1) if len(times) else np.zeros(0, dtype=bool)
    times = times[kept]
    owner = np.zeros(len(kept), dtype=np.int64) if group is None else group
    owner = np.unique(owner[kept], return_inverse=True)[1]
    n, n_groups = len(times), len(np.unique(owner))
    if n < 5 or n - n_groups < 4:
        return None
    size = np.bincount(owner)[:, None]
    means = np.zeros((n_groups, times.shape[1]))
    np.add.at(means, owner, times)
    squares = (times - (means / size)[owner]) ** 2  # each is free of its group's mean
    free = n - n_groups
    distance = np.abs(position_um[places] - position_um[reference])
    sd = np.sqrt(squares.sum(axis=0) / free)
    factor = np.sqrt(free / chi2.ppf([[0.975], [0.025]], free))
    left_out = np.array([_exponent(distance, np.delete(squares, k, axis=0)) for k in range(n)])
    low, high = sd * factor
    exponent = jackknifed(_exponent(distance, squares), left_out)
    return Jitter(distance, sd, low, high, exponent)


def _exponent(distance: Floats, squares: Floats) -> float:
    sd = np.sqrt(squares.mean(axis=0))
    return float(np.polyfit(np.log(distance), np.log(sd), 1)[0]) if np.all(sd > 0) else np.nan


def poisson_rate(count: int, exposure: float) -> tuple[float, float, float]:
    """Rate of a Poisson process and its exact 95 % interval (Garwood 1936).

    doi:10.1093/biomet/28.3-4.437
    """
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    return count / exposure, float(low) / exposure, float(high) / exposure


def limit_diameter_um(diameter_um: Floats, rate_hz: Floats, limit_hz: float = 0.02) -> float | None:
    """Diameter at which the rate of spontaneous spikes falls below a limit; None if nowhere.

    Straight between the logarithms of rates at neighbouring diameters, those with none left
    out. The limit of 0.02 /s is that of Faisal, White & Laughlin (2005,
    doi:10.1016/j.cub.2005.05.056).
    """
    order = np.argsort(diameter_um)
    known = [i for i in order if rate_hz[i] > 0]
    for a, b in pairwise(known):
        if rate_hz[a] >= limit_hz > rate_hz[b]:
            x = np.log(rate_hz[a] / limit_hz) / np.log(rate_hz[a] / rate_hz[b])
            return float(diameter_um[a] + x * (diameter_um[b] - diameter_um[a]))
    return None
