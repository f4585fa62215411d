"""Schemes of one membrane as the flat arrays that kernels run on.

`build_graph` flattens the states and transitions of all schemes; `BandTable`
cuts the voltage axis into bands with, for every rate class, an upper bound, the
ratio of its lower to its upper bound, and a polynomial for the rate inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from stochhh.errors import InputError, TrustError
from stochhh.kinetics.rates import Floats, RateLaw
from stochhh.kinetics.scheme import ChannelScheme

Ints = NDArray[np.int64]
#: Unsigned, so that compiled kernels need not look for negative indices.
Indices = NDArray[np.uint64]

#: Largest relative error allowed between a rate and its polynomial in a band.
INTERPOLATION_ERROR = 1e-9
#: Bounds are widened by this much, so that the polynomial stays between them.
_MARGIN = 2 * INTERPOLATION_ERROR
_NEGLIGIBLE_RATE = 1e-100  # 1/ms; below it an absolute error is enough
_NEGLIGIBLE_SHARE = 1e-3  # of the largest rate in the band; the same (a measured rate may be 0)
_DEGREES = range(3, 11)
_WIDEST_TABLE_MV = 1e5
_MOST_BANDS = 1_000_000


class Graph(NamedTuple):
    """States and transitions of all schemes of a membrane, transitions sorted by rate class.

    Shapes: S states, T transitions, R rate classes, P schemes. All of them together take
    room that grows with the number of transitions: nothing is a table of states by classes.
    """

    source: Indices  # (T,) state
    target: Indices  # (T,) state
    multiplicity: Ints  # (T,)
    class_start: Indices  # (R + 1,) transitions of class r are class_start[r]:class_start[r+1]
    touched_start: Indices  # (T + 1,) into the two arrays below
    touched_class: Indices  # rate classes whose weight a transition changes
    touched_change: Floats  # by how much
    leaving_start: Ints  # (S + 1,) into the two arrays below
    leaving_class: Ints  # rate classes by which a channel leaves a state
    leaving_count: Floats  # multiplicity with which it counts in them
    state_start: Ints  # (P + 1,) states of scheme p are state_start[p]:state_start[p+1]

    def weights(self, occupancy: NDArray[Any]) -> Floats:
        """Multiplicity-weighted occupancy of each rate class, (…, R), of channels (…, S)."""
        leaving = sparse.csr_array(
            (self.leaving_count, self.leaving_class, self.leaving_start),
            shape=(len(self.leaving_start) - 1, len(self.class_start) - 1),
        )
        return np.ascontiguousarray(occupancy @ leaving)


class Bands(NamedTuple):
    """Bounds and polynomials of R rate classes in B voltage bands."""

    edge: Floats  # (B + 1,) mV, increasing
    upper: Floats  # (B, R) 1/ms, never below the rate in the closed band
    inverse: Floats  # (B, R) ms, one over the upper bound; 0 where that is 0
    ratio: Floats  # (B, R) lower bound over upper bound
    polynomial: Floats  # (B, R, D + 1) rate over upper bound, powers of (V - low)/(high - low)


def build_graph(schemes: Sequence[ChannelScheme]) -> Graph:
    """Flatten schemes into one graph; states and rate classes are numbered scheme by scheme."""
    state_start = _starts([len(scheme.states) for scheme in schemes])
    rate_start = _starts([len(scheme.rates) for scheme in schemes])
    parts = [_parts(scheme) for scheme in schemes]

    def joined(name: str, dtype: Any, first: Ints | None = None) -> NDArray[Any]:
        shift = np.zeros(len(parts), dtype=np.int64) if first is None else first
        arrays = [getattr(part, name) + by for part, by in zip(parts, shift, strict=False)]
        return np.concatenate([np.zeros(0, dtype), *arrays]).astype(dtype)

    return Graph(
        source=joined("source", np.uint64, state_start),
        target=joined("target", np.uint64, state_start),
        multiplicity=joined("multiplicity", np.int64),
        class_start=_starts(joined("in_class", np.int64)).astype(np.uint64),
        touched_start=_starts(joined("touched", np.int64)).astype(np.uint64),
        touched_class=joined("touched_class", np.uint64, rate_start),
        touched_change=joined("touched_change", np.float64),
        leaving_start=_starts(joined("leaving", np.int64)),
        leaving_class=joined("leaving_class", np.int64, rate_start),
        leaving_count=joined("leaving_count", np.float64),
        state_start=state_start,
    )


class _Parts(NamedTuple):
    """The graph of one scheme, numbered from 0, with lengths where `Graph` has starts."""

    source: Ints
    target: Ints
    multiplicity: Ints
    in_class: Ints  # (R,) transitions of each rate class
    touched: Ints  # (T,) classes that each transition touches
    touched_class: Ints
    touched_change: Floats
    leaving: Ints  # (S,) classes by which a channel leaves each state
    leaving_class: Ints
    leaving_count: Floats


def _parts(scheme: ChannelScheme) -> _Parts:
    arrows = sorted((a.rate, a.source, a.target, a.multiplicity) for a in scheme.transitions)
    rate_class, source, target, multiplicity = np.array(arrows, dtype=np.int64).reshape(-1, 4).T
    counts = np.zeros((len(scheme.states), len(scheme.rates)))
    np.add.at(counts, (source, rate_class), multiplicity)
    change = counts[target] - counts[source]
    return _Parts(
        source=source,
        target=target,
        multiplicity=multiplicity,
        in_class=np.bincount(rate_class, minlength=len(scheme.rates)),
        touched=np.count_nonzero(change, axis=1),
        touched_class=np.nonzero(change)[1],
        touched_change=change[np.nonzero(change)],
        leaving=np.count_nonzero(counts, axis=1),
        leaving_class=np.nonzero(counts)[1],
        leaving_count=counts[np.nonzero(counts)],
    )


def _starts(lengths: Any) -> Ints:
    return np.cumsum([0, *lengths]).astype(np.int64)


@dataclass(frozen=True)
class BandTable:
    """Voltage bands for some rate laws, extensible to any voltage.

    Edges lie at the multiples of `width_mV` and at every voltage of `marks_mV`
    (the spike threshold, the knots of measured rates), so a table that reaches
    further holds the same bands as one that does not.
    """

    rates: tuple[RateLaw, ...]
    width_mV: float
    marks_mV: tuple[float, ...] = ()

    @classmethod
    def of(
        cls, schemes: Iterable[ChannelScheme], width_mV: float, marks_mV: Iterable[float] = ()
    ) -> BandTable:
        """Table of all rate classes of some schemes, in the order of `build_graph`."""
        rates = tuple(rate for scheme in schemes for rate in scheme.rates)
        knots = [voltage for rate in rates for voltage in rate.extremes]
        return cls(rates, width_mV, tuple(sorted({*marks_mV, *knots})))

    def covering(self, low_mV: float, high_mV: float) -> Bands:
        """Tabulate every band that meets the range from `low_mV` to `high_mV`.

        Raises
        ------
        InputError
            The range is absurd, the bands too many, or a rate cannot be represented.
        TrustError
            No polynomial reaches `INTERPOLATION_ERROR` in bands this wide.
        """
        if not abs(low_mV) + abs(high_mV) < _WIDEST_TABLE_MV:
            raise InputError(
                f"the membrane was driven to {max(abs(low_mV), abs(high_mV)):.3g} mV; "
                "give it a leak or a weaker stimulus"
            )
        if (high_mV - low_mV) / self.width_mV > _MOST_BANDS:
            raise InputError(
                f"bands of {self.width_mV:g} mV between {low_mV:g} and {high_mV:g} mV are more "
                f"than {_MOST_BANDS}; set run.band_width to more"
            )
        edge = self._edges(low_mV, high_mV)
        at_edges = _each(self.rates, edge, axis=-1)
        if not np.isfinite(at_edges).all():
            bad = int(np.nonzero(~np.isfinite(at_edges))[1][0])
            raise InputError(
                f"a rate with law '{self.rates[bad].law}' is not finite between "
                f"{edge[0]:g} and {edge[-1]:g} mV, where the membrane was driven"
            )
        # every law is monotone between marks, so its extremes in a band are at the edges
        upper = np.maximum(at_edges[:-1], at_edges[1:]) * (1 + _MARGIN)
        lower = np.minimum(at_edges[:-1], at_edges[1:]) * (1 - _MARGIN)
        inverse = np.divide(1.0, upper, out=np.zeros_like(upper), where=upper > 0)
        for degree in _DEGREES:
            coefficients, error = _fit(self.rates, edge, degree)
            if error <= INTERPOLATION_ERROR:
                break
        else:
            raise TrustError(
                f"rates in bands of {self.width_mV:g} mV interpolate to {error:.1e} only, "
                f"{INTERPOLATION_ERROR:g} is needed; set run.band_width to less"
            )
        polynomial = np.ascontiguousarray(coefficients * inverse[..., None])
        return Bands(edge, upper, inverse, lower * inverse, polynomial)

    def _edges(self, low_mV: float, high_mV: float) -> Floats:
        first = int(np.floor(low_mV / self.width_mV))
        last = max(int(np.ceil(high_mV / self.width_mV)), first + 1)
        marks = np.array(self.marks_mV)

        def apart(grid: Floats) -> NDArray[np.bool_]:
            distance = np.abs(grid[:, None] - marks).min(axis=1, initial=np.inf)
            return np.asarray(distance > 1e-6 * self.width_mV)

        # a grid edge that all but coincides with a mark gives way to it
        while not apart(np.array([first * self.width_mV])):
            first -= 1
        while not apart(np.array([last * self.width_mV])):
            last += 1
        grid: Floats = np.arange(first, last + 1, dtype=np.float64) * self.width_mV
        inside = marks[(marks > grid[0]) & (marks < grid[-1])]
        return np.ascontiguousarray(np.union1d(grid[apart(grid)], inside))


def _fit(rates: Sequence[RateLaw], edge: Floats, degree: int) -> tuple[Floats, float]:
    """Interpolate each rate in each band at Chebyshev points.

    Returns the coefficients (B, R, degree + 1) in powers of the position in the
    band, and the largest relative error found between the nodes.
    """
    nodes = 0.5 - 0.5 * np.cos((np.arange(degree + 1) + 0.5) * np.pi / (degree + 1))
    between = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, degree + 2))  # where errors peak
    low, span = edge[:-1, None], np.diff(edge)[:, None]
    to_coefficients = np.linalg.inv(np.vander(nodes, increasing=True)).T
    powers = np.vander(between, degree + 1, increasing=True).T
    coefficients = _each(rates, low + span * nodes, axis=1) @ to_coefficients
    truth = _each(rates, low + span * between, axis=1)
    floor = np.maximum(_NEGLIGIBLE_SHARE * truth.max(axis=-1, keepdims=True), _NEGLIGIBLE_RATE)
    error = np.abs(coefficients @ powers - truth) / np.maximum(truth, floor)
    return coefficients, float(error.max(initial=0.0))


def _each(rates: Sequence[RateLaw], voltage: Floats, axis: int) -> Floats:
    """Evaluate every rate at every voltage, the classes along a new axis."""
    if not rates:
        return np.zeros(np.insert(voltage.shape, axis % (voltage.ndim + 1), 0))
    return np.stack([rate(voltage) for rate in rates], axis=axis)
