"""Memory that a circuit needs, worked out before it is taken."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from stochhh.circuit.plan import CircuitPlan
from stochhh.circuit.sites import COHORTS
from stochhh.errors import InputError
from stochhh.execute import default_workers
from stochhh.words import said_bytes

_NUMBER = 8  # bytes
_PROGRAM_BYTES = 300e6  # of the program itself, as Linux counts them
#: Of Python's objects, measured: tables of a cell or a synapse, a pool of channels.
_ENTRY_BYTES, _POOL_BYTES = 3500, 600
_SPACING_MV = 0.125  # of tables of rates and moves
_WIDENED = 2  # room for cohorts, which grows while a spike's vesicles are on their way
_COPIES = 2  # of records: those of the trials, and the dataset that is made of them

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")  # "max" for none


class Memory(NamedTuple):
    """Bytes that a run of a circuit needs.

    Attributes
    ----------
    records : of all trials and deterministic limits, which stay in memory to the end.
    states : of the trials that run at once.
    tables : of all points of the sweep.
    """

    records: float
    states: float
    tables: float

    @property
    def total(self) -> float:
        """All of them, and the program."""
        return self.records + self.states + self.tables + _PROGRAM_BYTES


def memory_of(plan: CircuitPlan, n_points: int, n_trials: int, workers: int | None) -> Memory:
    """Memory of a run of all trials of all points, of which one is given.

    Parameters
    ----------
    plan : of any point
    n_points, n_trials : of the sweep, and of each point
    workers : threads; by default one a processor
    """
    at_once = min(workers or default_workers(), n_points * n_trials)
    limits = 0 if plan.mean_field else n_points
    state = max(_state_bytes(plan, mean_field) for mean_field in {plan.mean_field, True})
    records = (n_points * n_trials + limits) * record_numbers(plan)
    return Memory(
        records=_COPIES * _NUMBER * records,
        states=at_once * state,
        tables=n_points * _tables_bytes(plan),
    )


def check_memory(plan: CircuitPlan, n_points: int, n_trials: int) -> None:
    """Refuse a run that this machine has not the memory for; arguments as of `memory_of`.

    Raises
    ------
    InputError
        Saying what is needed, what there is, and what to do.
    """
    there = machine_memory_bytes()
    need = memory_of(plan, n_points, n_trials, None)
    if there is None or need.total <= there:
        return
    network = plan.network
    kinds = len(network.kinds) - network.n_channel_kinds
    raise InputError(
        f"{plan.name}: about {said_bytes(need.total)} of memory are needed, and this machine has "
        f"{said_bytes(there)}: {said_bytes(need.records)} for records (circuits keep them in "
        f"memory), {said_bytes(need.states)} for states of {network.n_compartments:,d} "
        f"compartments and {_n_sites(plan):,d} release sites, {said_bytes(need.tables)} for tables "
        f"of {len(plan.synapses):,d} synapses with {kinds:,d} kinds of receptors; "
        + _what_helps(need, kinds)
    )


def machine_memory_bytes() -> int | None:
    """Memory that this process may have at most, None where that is not told (Windows).

    The machine's, or less in a container or under ``ulimit -v``.
    """
    try:
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):
        return None
    with suppress(OSError, ValueError):
        found.append(int(_CONTAINER_LIMIT.read_text(encoding="ascii")))
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        found.append(limit)
    return min(found)


def record_numbers(plan: CircuitPlan) -> int:
    """Numbers that a trial's records hold."""
    width = 1 + plan.network.n_channel_kinds * ("open" in plan.variables)
    return len(plan.record_ms) * (len(plan.where) * width + 2 * len(plan.synapses))


def _what_helps(need: Memory, n_kinds: int) -> str:
    if need.records == max(need):
        return (
            "make run.record.interval longer, name fewer places (run.record.where) or run fewer "
            "trials"
        )
    if n_kinds > 1:
        return (
            "give synapses one receptors.scheme and temperature, whose states and tables they "
            "share, or make it of fewer cells and release sites"
        )
    return "make it of fewer compartments, release sites or points"


def _n_sites(plan: CircuitPlan) -> int:
    return sum(synapse.release.sites for synapse in plan.synapses)


def _state_bytes(plan: CircuitPlan, mean_field: bool) -> float:
    """Channels by states and rate classes of every compartment and site; see `State`.

    The mean field has cohorts instead of sites, see `Cohorts`.
    """
    n_states = sum(len(scheme.states) for scheme in plan.network.schemes)
    n_rates = sum(len(scheme.rates) for scheme in plan.network.schemes)
    places = plan.network.n_compartments + (0 if mean_field else _n_sites(plan))
    numbers = places * (2 * n_states + n_rates + 20)
    if mean_field and plan.synapses:
        most = max(len(plan.network.schemes[k].states) for k in plan.network.receptor_kind)
        numbers += len(plan.synapses) * _WIDENED * COHORTS * (most + 8)
    return float(_NUMBER * numbers)


def _tables_bytes(plan: CircuitPlan) -> float:
    """Rates and chances of moves at every voltage, laws at the start, and Python's objects."""
    network = plan.network
    low, high = plan.usual_mV
    a_voltage = sum(len(scheme.rates) for scheme in network.schemes)
    a_voltage += sum(len(s.states) ** 2 for s in network.schemes[: network.n_channel_kinds])
    n_states = sum(len(scheme.states) for scheme in network.schemes)
    tables = (high - low) / _SPACING_MV * a_voltage + network.n_compartments * (n_states + 20)
    entries = len(network.shapes) + len(plan.synapses)
    return float(_NUMBER * tables + _ENTRY_BYTES * entries + _POOL_BYTES * len(network.pools))
