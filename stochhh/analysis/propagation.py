"""Impulses along an axon: crossings of neighbouring compartments linked to travelling waves.

Each crossing is linked to the one nearest in time in the next compartment, if each is
the other's nearest and they are not too far apart. Chains of links are waves. Where the
time of passage has a second minimum along a chain, two waves met and annihilated each
other. Several may be in flight.

What befalls spikes is named as by Faisal & Laughlin (2007,
doi:10.1371/journal.pcbi.0030079): one is *deleted* that starts and does not arrive,
*added* that starts by itself and arrives, *split* that starts by itself just behind
another.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import find_peaks
from scipy.stats import chi2

from stochhh.analysis.cells import Path

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SLOWEST = 10.0  # times the median delay between neighbours: longest gap within a wave
_SHORTEST_GAP_MS = 0.2  # of that gap: jitter must not break waves


class Wave(NamedTuple):
    """One travelling impulse.

    Attributes
    ----------
    trial : label of its trial.
    first, last : compartments of the path it passed, both included.
    passage_ms : (last - first + 1,) when it passed each.
    met_before, met_behind : whether it ended by meeting another wave, at its first or
        last compartment.
    """

    trial: int
    first: int
    last: int
    passage_ms: Floats
    met_before: bool
    met_behind: bool

    @property
    def origin(self) -> int:
        """Compartment of the path where it began."""
        return self.first + int(np.argmin(self.passage_ms))

    @property
    def begin_ms(self) -> float:
        """When it began."""
        return float(self.passage_ms.min())

    def at(self, compartment: int) -> float:
        """When it passed a compartment of the path (ms); NaN if it did not."""
        if not self.first <= compartment <= self.last:
            return np.nan
        return float(self.passage_ms[compartment - self.first])


def find_waves(data: xr.Dataset, path: Path, gap_ms: float | None = None) -> list[Wave]:
    """Find all waves that travelled along a path, in order of trials and beginnings.

    Parameters
    ----------
    data : of one point of a circuit's result
    path : of `main_path`
    gap_ms : longest delay between neighbouring compartments within a wave; by default
        ten times the median delay of nearest crossings, at least 0.2 ms
    """
    trial, place, time = _crossings(data, path)
    linked = _links(trial, place, time, gap_ms)
    following = np.full(len(time), -1)
    following[linked[:, 0]] = linked[:, 1]
    is_first = np.ones(len(time), dtype=bool)
    is_first[linked[:, 1]] = False
    gap = _gap(time, linked, gap_ms)
    waves: list[Wave] = []
    for start in np.nonzero(is_first)[0]:
        chain = [int(start)]
        while following[chain[-1]] >= 0:
            chain.append(int(following[chain[-1]]))
        waves.extend(_parted(int(trial[start]), int(place[start]), time[chain], gap))
    return sorted(waves, key=lambda wave: (wave.trial, wave.begin_ms))


def _crossings(data: xr.Dataset, path: Path) -> tuple[Ints, Ints, Floats]:
    """Trial, place along the path and time of each crossing on it."""
    index = np.full(data.sizes["compartment"], -1)
    index[path.compartment] = np.arange(len(path.compartment))
    place = index[data["spike_compartment"].values.astype(int)]
    mine = place >= 0
    trial = data["spike_trial"].values[mine].astype(np.int64)
    return trial, place[mine], data["spike_time"].values[mine]


def _links(trial: Ints, place: Ints, time: Floats, gap_ms: float | None) -> Ints:
    """Pairs of crossings of neighbouring places that are each other's nearest, (n, 2)."""
    span = (float(time.max()) + 1.0) * 2 if len(time) else 1.0
    key = trial * span + time  # trials one after the other, far apart
    pairs = []
    order = np.lexsort((key, place))
    bounds = np.searchsorted(place[order], np.arange(place.max() + 2)) if len(place) else [0]
    groups = [order[a:b] for a, b in pairwise(bounds)]
    for here, there in pairwise(groups):
        if not len(here) or not len(there):
            continue
        to, back = _nearest(key[here], key[there]), _nearest(key[there], key[here])
        mutual = back[to] == np.arange(len(here))
        pairs.append(np.stack([here[mutual], there[to[mutual]]], axis=1))
    found = np.concatenate([*pairs, np.zeros((0, 2), dtype=np.int64)])
    found = found[trial[found[:, 0]] == trial[found[:, 1]]]
    delay = np.abs(time[found[:, 1]] - time[found[:, 0]])
    return np.asarray(found[delay <= _gap(time, found, gap_ms)], dtype=np.int64)


def _gap(time: Floats, pairs: Ints, gap_ms: float | None) -> float:
    if gap_ms is not None:
        return gap_ms
    delay = np.abs(time[pairs[:, 1]] - time[pairs[:, 0]])
    return max(_SLOWEST * float(np.median(delay)) if len(delay) else 0.0, _SHORTEST_GAP_MS)


def _nearest(values: Floats, among: Floats) -> Ints:
    """Index of the nearest of some increasing values to each of others."""
    right = np.clip(np.searchsorted(among, values), 1, max(len(among) - 1, 1))
    right = np.minimum(right, len(among) - 1)
    left = np.maximum(right - 1, 0)
    closer = np.abs(among[left] - values) <= np.abs(among[right] - values)
    nearest: Ints = np.asarray(np.where(closer, left, right), dtype=np.int64)
    return nearest


def _parted(trial: int, first: int, passage_ms: Floats, gap_ms: float) -> list[Wave]:
    """Waves of a chain: it is cut where passages are latest between two beginnings."""
    padded = np.concatenate([[-np.inf], passage_ms, [-np.inf]])
    cuts = find_peaks(padded, prominence=gap_ms)[0] - 1
    inside = [int(c) for c in cuts if 0 < c < len(passage_ms) - 1]
    bounds = [0, *(c + 1 for c in inside), len(passage_ms)]
    return [
        Wave(trial, first + a, first + b - 1, passage_ms[a:b], a > 0, b < len(passage_ms))
        for a, b in pairwise(bounds)
    ]


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
    origin: int,
    reach: int,
    end: int,
    window_ms: float,
    split_ms: float,
) -> Fates:
    """Sort waves by how they began and what became of them.

    Parameters
    ----------
    waves : of `find_waves`
    trials : labels of all trials
    evoked_ms : when stimuli begin, the same in all trials
    origin, reach : an evoked wave begins within `reach` compartments of `origin`
    end : compartment that is the end of the way
    window_ms : an evoked wave begins within it after its stimulus
    split_ms : a wave that begins where another passed not longer ago is split off it
    """
    evoked: list[Wave | None] = []
    taken: set[int] = set()
    for trial in trials:
        mine = [(index, wave) for index, wave in enumerate(waves) if wave.trial == trial]
        for when in evoked_ms:
            match = next(
                (
                    index
                    for index, wave in mine
                    if index not in taken
                    and abs(wave.origin - origin) <= reach
                    and when <= wave.begin_ms <= when + window_ms
                ),
                None,
            )
            evoked.append(None if match is None else waves[match])
            if match is not None:
                taken.add(match)
    spontaneous = [wave for index, wave in enumerate(waves) if index not in taken]
    arrived = np.array([wave is not None and wave.first <= end <= wave.last for wave in evoked])
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
    exponent: float  # of the growth of the SD with distance; ½ if delays are independent
    exponent_error: float  # standard error, by the jackknife over waves


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
    distance = position_um[places] - position_um[reference]
    sd = np.sqrt(squares.sum(axis=0) / free)
    factor = np.sqrt(free / chi2.ppf([[0.975], [0.025]], free))
    left_out = np.array([_exponent(distance, np.delete(squares, k, axis=0)) for k in range(n)])
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    low, high = sd * factor
    return Jitter(distance, sd, low, high, _exponent(distance, squares), float(error))


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
