"""The variables of a dataset that have a value at each record time, as arrays or made when read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import xarray as xr

from stochhh.columns import Array
from stochhh.lazy import Rows, Scratch, lazy_variable
from stochhh.plan import Plan
from stochhh.recording import Columns
from stochhh.stimulus import Breakpoints, is_random
from stochhh.trial import Trial

Variables: TypeAlias = dict[str, xr.Variable]

_ALL = slice(None)
_PREFIX = "deterministic_"


class Quantity(NamedTuple):
    """One recorded variable: its dims besides the trial's, and how its rows follow from columns."""

    name: str
    dims: tuple[str, ...]
    units: str
    long_name: str
    rows: Callable[[Plan, Columns, slice], Array]

    @property
    def attrs(self) -> dict[str, str]:
        """Attributes of the variable."""
        return {"units": self.units, "long_name": self.long_name}


def recorded(plan: Plan) -> list[Quantity]:
    """Variables that a plan records."""
    by_population = ("time", "population")
    wanted = {
        "voltage": Quantity("voltage", ("time",), "mV", "membrane potential", _voltage),
        "open": Quantity("open", by_population, "1", "open channels", _open),
        "current": Quantity(
            "current", by_population, "pA", "outward current through the channels", _current
        ),
        "charge": Quantity(
            "charge", by_population, "fC", "charge moved outward since the start", _charge
        ),
        "occupancy": Quantity(
            "occupancy", ("time", "state"), "1", "channels in each state", _occupancy
        ),
    }
    quantities = [wanted[name] for name in wanted if name == "voltage" or name in plan.variables]
    if plan.clamp is not None:
        name, long_name = "total_current", "outward current the clamp amplifier measures"
        quantities.append(Quantity(name, ("time",), "pA", long_name, _total_current))
    return quantities


def _voltage(plan: Plan, columns: Columns, rows: slice) -> Array:
    return columns.voltage[rows]


def _open(plan: Plan, columns: Columns, rows: slice) -> Array:
    return columns.open[rows]


def _current(plan: Plan, columns: Columns, rows: slice) -> Array:
    reversal = np.array([p.reversal_mV for p in plan.membrane.populations])
    return np.asarray(columns.conductance[rows] * (columns.voltage[rows][:, None] - reversal))


def _charge(plan: Plan, columns: Columns, rows: slice) -> Array:
    return columns.charge[rows][:, :-1]


def _occupancy(plan: Plan, columns: Columns, rows: slice) -> Array:
    return columns.occupancy[rows]


def _total_current(plan: Plan, columns: Columns, rows: slice) -> Array:
    """Sum of all channel currents and, if the clamp counts them, of leak and capacitance."""
    clamp, membrane, command = plan.clamp, plan.membrane, plan.command
    assert clamp is not None
    current = _current(plan, columns, rows).sum(axis=1)
    if clamp.leak:
        current += membrane.leak_nS * (columns.voltage[rows] - membrane.leak_reversal_mV)
    if clamp.capacitance:
        piece = np.searchsorted(command.end, plan.record_ms[rows], side="left")
        current += membrane.capacitance_pF * command.slope[piece]
    return np.asarray(current)


def in_memory(plan: Plan, trials: Mapping[int, Trial], twin: Trial | None) -> Variables:
    """Recorded variables of one point as arrays, time and stimulus included."""
    time = plan.record_ms[_ALL]
    variables = {"time": xr.Variable(("time",), time, _TIME)}
    for one in recorded(plan):
        values = [one.rows(plan, trial.records, _ALL) for trial in trials.values()]
        stacked = np.stack(values) if values else np.zeros((0,) * (1 + len(one.dims)))
        variables[one.name] = xr.Variable(("trial", *one.dims), stacked, one.attrs)
        if twin is not None:
            limit = one.rows(plan, twin.records, _ALL)
            variables[_PREFIX + one.name] = xr.Variable(one.dims, limit, one.attrs)
    if is_random(plan.stimuli):
        current = np.stack([plan.stimulus(i).at(time) for i in trials])
        variables["stimulus"] = xr.Variable(("trial", "time"), current, _STIMULUS)
    else:
        variables["stimulus"] = xr.Variable(("time",), plan.stimulus(0).at(time), _STIMULUS)
    return variables


def in_files(
    plans: Sequence[Plan],
    trials: Mapping[tuple[int, int], Trial],
    twins: Mapping[int, Trial],
    places: Mapping[str, Sequence[int]],
    scratch: Scratch,
) -> Variables:
    """Recorded variables of a whole run, their rows read from files or worked out when read.

    Parameters
    ----------
    plans, trials, twins : as in `stochhh.assemble.assemble`.
    places : ``trial`` labels and, with a sweep, in front of them the ``point`` labels.
    scratch : the folder of the files.
    """
    plan, n = plans[0], len(plans[0].record_ms)
    points, numbers = places.get("point", (0,)), places["trial"]
    swept = "point" in places
    dims, shape = tuple(places), tuple(len(labels) for labels in places.values())
    outer = 1 if swept else 0
    sizes = {"time": n, "state": len(plan.patch.population)}
    sizes["population"] = len(plan.membrane.populations)
    times = Rows(lambda place, rows: plan.record_ms[rows], (n,), np.float64)
    variables = {"time": lazy_variable(("time",), times, _TIME)}

    def of_trial(place: tuple[int, ...]) -> tuple[Plan, Trial | None]:
        point = points[place[0]] if swept else 0
        return plans[point], trials.get((point, numbers[place[-1]]))

    def of_twin(place: tuple[int, ...]) -> tuple[Plan, Trial | None]:
        point = points[place[0]] if swept else 0
        return plans[point], twins[point]

    every = [of_trial(place)[1] for place in np.ndindex(*shape)]
    for one in recorded(plan):
        tail = tuple(sizes[dim] for dim in one.dims)
        dtype = np.result_type(
            *{
                np.dtype(float) if trial is None else one.rows(plan, trial.records, _NONE).dtype
                for trial in every
            }
        )
        rows = Rows(_reader(one, of_trial, tail), (*shape, *tail), dtype, len(dims), scratch)
        variables[one.name] = lazy_variable((*dims, *one.dims), rows, one.attrs)
        if all(point in twins for point in points):
            limit = Rows(
                _reader(one, of_twin, tail), (*shape[:outer], *tail), np.float64, outer, scratch
            )
            name, around = _PREFIX + one.name, dims[:outer]
            variables[name] = lazy_variable((*around, *one.dims), limit, one.attrs)
    n_leading = len(dims) if is_random(plan.stimuli) else outer
    read = _Stimuli(plans, points if swept else None, numbers)
    current = Rows(read, (*shape[:n_leading], n), np.float64, n_leading)
    variables["stimulus"] = lazy_variable((*dims[:n_leading], "time"), current, _STIMULUS)
    return variables


_TIME = {"units": "ms", "long_name": "time"}
_STIMULUS = {"units": "pA", "long_name": "injected current"}
_NONE = slice(0, 0)


def _reader(
    quantity: Quantity,
    whose: Callable[[tuple[int, ...]], tuple[Plan, Trial | None]],
    tail: tuple[int, ...],
) -> Callable[[tuple[int, ...], slice], Array]:
    """What reads rows of a quantity; those of a trial that was not finished are NaN."""

    def read(place: tuple[int, ...], rows: slice) -> Array:
        plan, trial = whose(place)
        if trial is None:
            return np.full((len(range(*rows.indices(tail[0]))), *tail[1:]), np.nan)
        return quantity.rows(plan, trial.records, rows)

    return read


class _Stimuli:
    """Injected current at record times; the breakpoints last used are kept, being much work."""

    def __init__(
        self, plans: Sequence[Plan], points: Sequence[int] | None, trials: Sequence[int]
    ) -> None:
        self._plans, self._points, self._trials = plans, points, trials
        self._last: tuple[tuple[int, int], Breakpoints] | None = None

    def __call__(self, place: tuple[int, ...], rows: slice) -> Any:
        """Rows of one point, and of one trial if they differ between trials."""
        point = 0 if self._points is None else self._points[place[0]]
        plan = self._plans[point]
        wanted = point, self._trials[place[-1]] if is_random(plan.stimuli) else 0
        if self._last is None or self._last[0] != wanted:
            self._last = wanted, plan.stimulus(wanted[1])
        return self._last[1].at(plan.record_ms[rows])
