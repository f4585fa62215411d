"""Run a scenario with several methods and compare what they gave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochhh import planning, simulate
from stochhh.analysis.compared_quantities import (
    CLAMPED,
    clamped_rows,
    interval_rows,
    spike_rows,
    spiking_quantities,
    subthreshold_row,
)
from stochhh.analysis.comparison import Compared, Quantity, Sample, compare_samples
from stochhh.compare.asked import REFERENCE, Asked, read_methods
from stochhh.errors import InputError
from stochhh.lazy import pieces
from stochhh.methods import METHODS
from stochhh.result import Result
from stochhh.scenario import Scenario, load_scenario

#: Given what runs and its simulated time (ms), yields what to call with covered time.
Watch = Callable[[str, float], AbstractContextManager[Callable[[float], None]]]

_MOST_TIMES = 500  # of the course of a clamp current


class MethodRun(NamedTuple):
    """How one method ran.

    Attributes
    ----------
    label : what it was asked for as.
    method, step_ms : what ran; they differ from what was asked for with `auto`.
    chosen : why `auto` chose it.
    trials : that finished.
    wall_s_per_s : wall time of a simulated second on one thread.
    """

    label: str
    method: str
    step_ms: float | None
    chosen: str
    trials: int
    wall_s_per_s: float


class Comparison(NamedTuple):
    """Methods beside the exact one.

    Attributes
    ----------
    scenario, title, seed, trials, duration_ms : what was run.
    quantities : that methods are compared by.
    runs : of each method, `exact` first.
    found : quantities of each method by its label.
    """

    scenario: str
    title: str
    seed: int
    trials: int
    duration_ms: float
    quantities: Sequence[Quantity]
    runs: Sequence[MethodRun]
    found: Mapping[str, Sequence[Compared]]


def compare_methods(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    methods: Sequence[str] = ("exact", "leap", "langevin"),
    *,
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
    workers: int | None = None,
) -> Comparison:
    """Run a scenario with several methods and compare each with the exact one.

    `stochhh.compare.conclusions` says which can be told from it, `stochhh.compare.numbers` gives
    all as tables, `stochhh.compare.save` writes them and their pictures.

    Parameters
    ----------
    scenario, overrides, seed, trials, workers : as for `stochhh.run`.
    methods : with a step if need be, as in ``"leap@0.1 ms"``; exact comes first in any case.

    Raises
    ------
    InputError
        Something in the scenario is wrong, it sweeps, or a method cannot run it.
    """
    asked = read_methods(methods)
    return compare(prepare(scenario, asked, overrides, seed, trials), asked, workers)


def prepare(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    asked: Sequence[Asked],
    overrides: Iterable[str] = (),
    seed: int | None = None,
    trials: int | None = None,
) -> list[Scenario]:
    """Make for each method the scenario that it will run, and see that it can.

    Only the voltage is recorded, all with one seed, so that stimuli are the same.

    Raises
    ------
    InputError
        Something in the scenario is wrong, it sweeps, or a method cannot run it.
    """
    resolved = planning.resolve(scenario, overrides, seed, trials)
    if resolved.sweep:
        keys = list(resolved.sweep)
        fixed = f'--set "sweep={{}}" --set {keys[0]}={json.dumps(resolved.sweep[keys[0]][0])}'
        raise InputError(
            f"{resolved.name}: sweep: methods are compared at one point, and this scenario varies "
            f"{', '.join(keys)}; choose one, as in {fixed}"
        )
    for index, channels in enumerate(resolved.membrane.channels):
        if not channels.noise:
            raise InputError(
                f"{resolved.name}: membrane.channels[{index}].noise: got false, need true; methods "
                "are compared with the exact one, where all channels flip at random"
            )
    spikes = resolved.analysis.spikes
    threshold, rearm = json.dumps(spikes.threshold_mV.text), json.dumps(spikes.rearm_mV.text)
    plain = load_scenario(
        resolved,
        [
            'run.record.variables=["voltage"]',
            "run.record.channels=0",
            "run.deterministic=false",
            f"analysis={{spikes={{threshold={threshold}, rearm={rearm}}}}}",
            "figure={}",
        ],
    )
    ready = []
    for one in asked:
        steps = [] if one.step is None else [f"run.step={json.dumps(one.step)}"]
        made = load_scenario(plain, [f'run.method="{one.method}"', *steps])
        if (
            one.method in METHODS and METHODS[one.method].step_ms is None
        ):  # the scenario's step is for the others
            made = made.model_copy(update={"run": made.run.model_copy(update={"step_ms": None})})
        ready.append(made)
        planning.plan(ready[-1])
    return ready


def compare(
    ready: Sequence[Scenario],
    asked: Sequence[Asked],
    workers: int | None = None,
    watch: Watch | None = None,
    scratch_folder: str | Path | None = None,
) -> Comparison:
    """Run what `prepare` made and compare each method with the exact one.

    Parameters
    ----------
    ready, asked : of each method its scenario, and how it was asked for; `exact` first.
    workers : threads, by default one a processor; only wall times depend on it.
    watch : shows how far each run is.
    scratch_folder : as in `stochhh.run`.

    Raises
    ------
    InputError, TrustError
        As `stochhh.run`.
    KeyboardInterrupt
        Interrupted: methods with fewer trials than others are not compared.
    """
    runs, gathered = [], []
    for one, scenario in zip(asked, ready, strict=True):
        n_trials, duration = planning.n_trials_of(scenario), float(scenario.run.duration_ms)
        _load_kernel(one.method)
        what = f"{one.label}, {n_trials} trial{'s' if n_trials != 1 else ''}"
        watching = nullcontext(None) if watch is None else watch(what, n_trials * duration)
        with watching as advance:
            result = simulate.run(
                scenario, workers=workers, on_advance=advance, scratch_folder=scratch_folder
            )
        if result.interrupted:
            raise KeyboardInterrupt
        runs.append(_ran(one, result))
        gathered.append(_gather(result))
    labels = [one.label for one in asked]
    clamped = ready[0].clamp is not None
    quantities, samples = _samples(labels, gathered, ready[0], clamped)
    return Comparison(
        scenario=ready[0].name,
        title=ready[0].title,
        seed=result.seed,
        trials=runs[0].trials,
        duration_ms=result.duration_ms,
        quantities=quantities,
        runs=runs,
        found=compare_samples(quantities, samples[0], samples[1:]),
    )


class _Gathered(NamedTuple):
    """What is kept of a run: spikes, and of its records a row a trial."""

    trains: list[Any]
    row: Any  # (trials, K) of the voltage below the rearm level, or of the clamp current


def _gather(result: Result) -> _Gathered:
    data = result.dataset
    if result.scenario.clamp is not None:
        stride = -(-data.sizes["time"] // _MOST_TIMES)
        return _Gathered([], data["total_current"].variable[:, ::stride].values)
    rearm = float(result.scenario.analysis.spikes.rearm_mV)
    rows = np.zeros((data.sizes["trial"], 3))
    for index, values in pieces(data["voltage"].variable):
        rows[index[0]] += subthreshold_row(values, rearm)
    return _Gathered(result.spike_trains(), rows)


def _samples(
    labels: Sequence[str], gathered: Sequence[_Gathered], scenario: Scenario, clamped: bool
) -> tuple[Sequence[Quantity], list[Sample]]:
    if clamped:
        samples = [
            Sample(label, clamped_rows(one.row))
            for label, one in zip(labels, gathered, strict=True)
        ]
        return CLAMPED, samples
    quantities, grid = spiking_quantities([one.trains for one in gathered])
    starts = [float(getattr(stimulus, "start_ms", 0.0)) for stimulus in scenario.stimulus]
    onset = min(starts, default=0.0)
    samples = []
    for label, one in zip(labels, gathered, strict=True):
        rows = spike_rows(one.trains, float(scenario.run.duration_ms), onset)
        rows["voltage_variance_mV2"] = one.row
        if grid is not None:
            rows["isi_distance_ms"] = interval_rows(one.trains, grid)
        samples.append(Sample(label, rows))
    return quantities, samples


def _ran(asked: Asked, result: Result) -> MethodRun:
    attrs = result.dataset.attrs
    assert result.seconds is not None  # it was run just now
    trials = int(attrs["trials_finished"])
    return MethodRun(
        label=asked.label,
        method=result.method,
        step_ms=float(attrs["step_ms"]) if "step_ms" in attrs else None,
        chosen=str(attrs.get("method_chosen", "")),
        trials=trials,
        wall_s_per_s=result.seconds.trials / (trials * result.duration_ms * 1e-3),
    )


def _load_kernel(method: str) -> None:
    """Have the kernels loaded, or compiled, so that no method's wall time holds that."""
    every = (method,) if method in METHODS else (REFERENCE, "leap")
    for name in every:
        simulate.run(
            "squid-patch",
            overrides=[
                "membrane.area=1 um^2",
                "run.duration=1 ms",
                "run.deterministic=false",
                "run.initial.voltage=-65 mV",
            ],
            seed=0,
            trials=1,
            method=name,
        )
