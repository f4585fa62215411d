"""Variables of a sweep's dataset: what each is called, and where summaries have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from stochhh.analysis.trial_numbers import About
from stochhh.sweeping.pooled import Point


class Variable(NamedTuple):
    """A number of each point.

    Attributes
    ----------
    name, units, long_name : as a variable of a dataset has them.
    path : where a summary has it; ``{}`` stands for the population, cell or synapse it is of.
    of : what it is of: "population", "cell" or "synapse"; empty if of the whole.
    """

    name: str
    path: str
    units: str
    long_name: str
    of: str = ""


class TrialVariable(NamedTuple):
    """A number of each trial: as `Variable`, with the name that the number is kept by."""

    name: str
    kept: str
    units: str
    long_name: str
    of: str = ""


VARIABLES = (
    Variable("spike_count", "spikes.count", "1", "spikes in all trials"),
    Variable("trials_with_spikes", "spikes.trials_with_spikes", "1", "trials with spikes"),
    Variable("share_with_spikes", "spikes.share_with_spikes", "1", "share of trials with spikes"),
    Variable("firing_rate", "spikes.rate_hz", "Hz", "firing rate"),
    Variable("first_spike", "spikes.first_ms", "ms", "time of first spike"),
    Variable("isi_count", "isi.count", "1", "interspike intervals"),
    Variable("isi_mean", "isi.mean_ms", "ms", "mean interspike interval"),
    Variable("isi_cv", "isi.cv", "1", "CV of interspike intervals (its interval is approximate)"),
    Variable("voltage_rest", "voltage.rest_mV", "mV", "resting voltage"),
    Variable("voltage_peak", "voltage.peak_mV", "mV", "peak voltage of trials that fired, if any"),
    Variable("voltage_silent_peak", "voltage.silent_peak_mV", "mV", "peak voltage of the others"),
    Variable("voltage_min", "voltage.lowest_mV", "mV", "lowest voltage"),
    Variable("voltage_mean", "voltage.mean_mV", "mV", "mean voltage"),
    Variable("voltage_sd", "voltage.sd_mV", "mV", "SD of voltage, of all trials together"),
    Variable("current_peak", "current.peak_pA", "pA", "larger of the two peaks"),
    Variable("current_inward", "current.inward_pA", "pA", "largest inward current"),
    Variable("current_inward_at", "current.inward_ms", "ms", "time of largest inward current"),
    Variable("current_outward", "current.outward_pA", "pA", "largest outward current"),
    Variable("current_outward_at", "current.outward_ms", "ms", "time of largest outward current"),
    Variable("current_mean", "current.mean_pA", "pA", "mean current of the clamp"),
    Variable("spikes_at_start", "cells.{}.spikes_at_start", "1",
             "spikes at the start of the cell, a trial", "cell"),
    Variable("spikes_at_end", "cells.{}.spikes_at_end", "1",
             "spikes at the end of the cell, a trial", "cell"),
    Variable("first_at_end", "cells.{}.first_at_end_ms", "ms",
             "first spike at the end of the cell", "cell"),
    Variable("first_at_end_sd", "cells.{}.first_at_end_sd_ms", "ms", "its SD over trials", "cell"),
    Variable("velocity", "cells.{}.velocity_m_per_s", "m/s",
             "velocity of the first impulse", "cell"),
    Variable("evoked_vesicles", "synapses.{}.evoked_vesicles", "1",
             "vesicles released by spikes, a trial", "synapse"),
    Variable("spontaneous_vesicles", "synapses.{}.spontaneous_vesicles", "1",
             "vesicles released without a spike, a trial", "synapse"),
    Variable("trials_without_evoked", "synapses.{}.trials_without_evoked", "1",
             "trials without a vesicle released by a spike", "synapse"),
    Variable("most_receptors_open", "synapses.{}.most_receptors_open", "1",
             "most receptors open at once", "synapse"),
    Variable("ions", "ions.{}", "1", "ions that left the cells, net, a trial", "population"),
    Variable("transitions", "transitions", "1", "channel transitions drawn one by one"),
)  # fmt: skip

TRIAL_VARIABLES = (
    TrialVariable("spike_count", "spike_count", "1", "spikes"),
    TrialVariable("first_spike", "first_spike", "ms", "time of first spike"),
    TrialVariable("resting_voltage", "rest", "mV", "resting voltage"),
    TrialVariable("voltage_max", "highest", "mV", "highest voltage"),
    TrialVariable("voltage_min", "lowest", "mV", "lowest voltage"),
    TrialVariable("voltage_mean", "voltage_mean", "mV", "mean voltage"),
    TrialVariable("voltage_sd", "voltage_sd", "mV", "SD of voltage"),
    TrialVariable("current_inward", "inward", "pA", "current when most is expected inward"),
    TrialVariable("current_outward", "outward", "pA", "current when most is expected outward"),
    TrialVariable("current_mean", "current_mean", "pA", "mean current of the clamp"),
    TrialVariable("spikes_at_start", "spikes_at_start", "1", "spikes at the start", "cell"),
    TrialVariable("spikes_at_end", "spikes_at_end", "1", "spikes at the end", "cell"),
    TrialVariable("first_at_end", "first_at_end", "ms", "first spike at the end", "cell"),
    TrialVariable("velocity", "velocity", "m/s", "velocity of the first impulse", "cell"),
    TrialVariable("evoked_vesicles", "evoked", "1", "vesicles released by spikes", "synapse"),
    TrialVariable("spontaneous_vesicles", "spontaneous", "1", "others released", "synapse"),
    TrialVariable("ions", "ions", "1", "ions that left the cells, net", "population"),
    TrialVariable("transitions", "transitions", "1", "channel transitions drawn one by one"),
)

#: What makes no sense of the deterministic limit.
_OF_TRIALS_ALONE = ("trials_with_spikes", "share_with_spikes", "isi_count", "transitions")


def parts(about: About, of: str) -> Iterable[str]:
    """Names of all parts of a kind, "population", "cell" or "synapse"; the whole has none."""
    if not of:
        return ("",)
    return {"population": about.populations, "cell": about.cells, "synapse": about.synapses}[of]


def read(point: Point, variable: Variable, part: str) -> dict[str, float | None]:
    """Read a variable of one part from the summary of a point.

    Returns
    -------
    dict
        By what is made of the variable's name (``{}``, ``{}_low``, ``{}_high``,
        ``deterministic_{}``) the value, the ends of its interval, and that of the deterministic
        limit; empty where the summary has none, and of transitions that were not drawn.
    """
    *above, last = (part if key == "{}" else key for key in variable.path.split("."))
    summary = point.summary
    where = _at(summary, above)
    if last not in where or (last == "transitions" and not where[last]):
        return {}
    found = {"{}": where[last]}
    if f"{last}_ci" in where:
        found["{}_low"], found["{}_high"] = where[f"{last}_ci"] or (None, None)
    limit = where.get("deterministic") or _at(summary.get("deterministic", {}), above)
    alone = point.about is None or point.about.method == "deterministic"  # of itself
    if last in limit and not alone and variable.name not in _OF_TRIALS_ALONE:
        found["deterministic_{}"] = limit[last]
    return found


def _at(tables: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        tables = tables.get(key, {})
    return tables
