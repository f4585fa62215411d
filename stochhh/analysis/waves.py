"""Impulses along an axon: crossings of neighbouring compartments linked to travelling waves.

Each crossing is linked to the one nearest in time in the next compartment, if each is
the other's nearest and they are not too far apart. Chains of links are waves. Where the
time of passage has a second minimum along a chain, two waves met and annihilated each
other. Several may be in flight. One that ends and goes on a little farther about when it
would have got there passed in between without crossing the threshold: it is one wave.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import find_peaks

from stochhh.analysis.cells import Path

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SLOWEST = 10.0  # times the median delay between neighbours: longest gap within a wave
_FEWER = 0.5  # of the impulses that pass
_BRIDGE = 0.25  # of the way: longest stretch that is passed below the threshold
_SLOWED = 4.0  # times the usual delay per distance, in such a stretch
_SHORTEST_GAP_MS = 0.2  # of that gap: jitter must not break waves


class Wave(NamedTuple):
    """One travelling impulse.

    Attributes
    ----------
    trial : label of its trial.
    first, last : compartments of the path it passed, both included.
    passage_ms : (last - first + 1,) when it passed each; NaN where it stayed below the
        threshold.
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
        return self.first + int(np.nanargmin(self.passage_ms))

    @property
    def begin_ms(self) -> float:
        """When it began."""
        return float(np.nanmin(self.passage_ms))

    def at(self, compartment: int) -> float:
        """When it passed a compartment of the path (ms); NaN if it did not."""
        if not self.first <= compartment <= self.last:
            return np.nan
        return float(self.passage_ms[compartment - self.first])


def find_waves(
    data: xr.Dataset, path: Path, gap_ms: float | None = None, deterministic: bool = False
) -> list[Wave]:
    """Find all waves that travelled along a path, in order of trials and beginnings.

    Parameters
    ----------
    data : of one point of a circuit's result
    path : of `main_path`
    gap_ms : longest delay between neighbouring compartments within a wave; by default
        ten times the median delay of nearest crossings, at least 0.2 ms
    deterministic : those of the deterministic limit, as trial 0
    """
    trial, place, time = _crossings(data, path, deterministic)
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
    distance = np.diff(path.position_um)[place[linked[:, 0]]]
    pace = (
        float(np.median(np.abs(np.diff(time[linked], axis=1)[:, 0]) / distance))
        if len(linked)
        else 0.0
    )
    whole = _bridged(sorted(waves, key=_order), path.position_um, pace)
    return sorted(whole, key=_order)


def _order(wave: Wave) -> tuple[int, float]:
    return wave.trial, wave.begin_ms


def _bridged(waves: list[Wave], position_um: Floats, pace_ms_per_um: float) -> list[Wave]:
    """Join waves that go on beyond places that they passed below the threshold."""
    whole: list[Wave] = []
    for _, group in groupby(waves, key=lambda wave: wave.trial):
        open_ones = list(group)
        while open_ones:
            wave = open_ones.pop(0)
            following = True
            while following:
                following = False
                for k, other in enumerate(open_ones):
                    joined = _joined(wave, other, position_um, pace_ms_per_um)
                    if joined is not None:
                        wave, following = joined, True
                        del open_ones[k]
                        break
            whole.append(wave)
    return whole


def _joined(wave: Wave, other: Wave, position_um: Floats, pace: float) -> Wave | None:
    """Join a wave with one that begins where and when it would have come out; or None."""
    onwards = other.first > wave.last
    if not onwards and other.last >= wave.first:
        return None
    if onwards:
        end, met = wave.last, wave.met_behind or other.met_before
    else:
        end, met = wave.first, wave.met_before or other.met_behind
    away = wave.origin != end or wave.first == wave.last
    apart = abs(position_um[other.origin] - position_um[end])
    near = apart <= _BRIDGE * (position_um[-1] - position_um[0])
    delay = other.begin_ms - wave.at(end)
    soon = 0.0 <= delay <= _SLOWED * apart * pace + _SHORTEST_GAP_MS
    if met or not (away and near and soon):
        return None
    low, high = (wave, other) if onwards else (other, wave)
    between = np.full(high.first - low.last - 1, np.nan)
    passage = np.concatenate([low.passage_ms, between, high.passage_ms])
    return Wave(wave.trial, low.first, high.last, passage, low.met_before, high.met_behind)


def silent_places(data: xr.Dataset, path: Path) -> Ints:
    """Indices of places whose threshold fewer than half of the impulses cross that pass.

    Those that come to it, or those that are seen beyond it, if these are fewer: where
    impulses fail, none are seen beyond.
    """
    number = np.bincount(_crossings(data, path, False)[1], minlength=len(path.compartment))
    before = np.maximum.accumulate(number)
    beyond = np.maximum.accumulate(number[::-1])[::-1]
    return np.nonzero(number < _FEWER * np.minimum(before, beyond))[0]


def _crossings(data: xr.Dataset, path: Path, deterministic: bool) -> tuple[Ints, Ints, Floats]:
    """Trial, place along the path and time of each crossing on it."""
    prefix = "deterministic_" if deterministic else ""
    index = np.full(data.sizes["compartment"], -1)
    index[path.compartment] = np.arange(len(path.compartment))
    place = index[data[f"{prefix}spike_compartment"].values.astype(int)]
    mine = place >= 0
    time = data[f"{prefix}spike_time"].values[mine]
    if deterministic:
        return np.zeros(len(time), dtype=np.int64), place[mine], time
    return data["spike_trial"].values[mine].astype(np.int64), place[mine], time


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
