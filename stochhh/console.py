"""What the command line shows: progress, tables, the resolved membrane."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich import box
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from stochhh import units
from stochhh.console_circuits import circuit_table
from stochhh.methods import METHODS
from stochhh.result import Seconds, limit_label
from stochhh.scenario import Experiment
from stochhh.scenario.keys import keys_of
from stochhh.screen import Screen, say
from stochhh.words import printable, said_bytes, said_duration

Advance = Callable[[float], None]

_PLAIN_STEP = 0.1  # of the work, between lines where no bar can be drawn
_LEFT: dict[str, Any] = {"title_justify": "left", "title_style": "bold"}
_IN_WORDS = (
    "95 % interval: of 100 such runs 95 have the true mean in theirs\n"
    "deterministic: the limit of infinitely many channels, without noise"
)
_MOST_ROWS = 30  # points of a sweep
_MOST_KEYS = 80
_ABOUT = "format", "title", "about", "cite", "figure", "analysis", "sweep"
_PLAIN_PAUSE = 2.0  # s, at least, between such lines


@contextmanager
def progress(
    what: str, total_ms: float, quiet: bool = False, patience_s: float = 0.0
) -> Iterator[Advance]:
    """Show how far a run is and when it will be done; yields what to call with covered time.

    A terminal gets a bar; a file or pipe gets a line soon and every tenth of the way. Nothing is
    shown of what is done within `patience_s`.
    """
    console, what = Screen(stderr=True), printable(what)
    if quiet:
        yield lambda covered_ms: None
    elif console.is_terminal:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=console, transient=True)
        task, begun = bar.add_task(what, total=total_ms), time.monotonic()
        lock = threading.Lock()

        def advance(covered_ms: float) -> None:
            bar.advance(task, covered_ms)
            with lock:
                if not bar.live.is_started and time.monotonic() - begun >= patience_s:
                    bar.start()

        try:
            advance(0.0)
            yield advance
        finally:
            if bar.live.is_started:
                bar.stop()
    else:
        yield PlainProgress(what, total_ms, sys.stderr)


def say_compiling(quiet: bool) -> None:
    """Say why nothing is seen of a first run for a while, where its progress is shown."""
    if not quiet:
        say("Compiling the simulation kernels; this happens once and takes some seconds.", err=True)


class PlainProgress:
    """Progress as lines of text, from any thread."""

    def __init__(self, what: str, total_ms: float, stream: TextIO) -> None:
        self._what, self._total, self._stream = what, total_ms, stream
        self._said = time.monotonic()
        self._covered = self._next = 0.0
        self._first: tuple[float, float] | None = None  # share and time: compiled by then
        self._lock = threading.Lock()

    def __call__(self, covered_ms: float) -> None:
        """Take in newly covered time, and now and then say where the run is."""
        with self._lock:
            self._covered += covered_ms
            now, share = time.monotonic(), min(self._covered / self._total, 1.0)
            if not share or share < self._next or now - self._said < _PLAIN_PAUSE:
                return
            print(
                f"{self._what}: {100 * share:.0f} %{self._left(share, now)}",
                file=self._stream,
                flush=True,
            )
            self._said, self._next = now, share + _PLAIN_STEP

    def _left(self, share: float, now: float) -> str:
        """Time left, by the pace since the first of it was covered; kernels compile before."""
        if self._first is None:
            self._first = share, now
        before, then = self._first
        if share == 1.0 or share <= before:
            return ""
        return f", {(now - then) * (1.0 - share) / (share - before):.0f} s left"


def summary_table(summary: dict[str, Any], seconds: Seconds | None = None) -> Table:
    """Lay out the summary of a run beside its deterministic limit, and how long it took."""
    took = "" if seconds is None else f", {seconds.wall:.2f} s"
    if "cells" in summary or "cells" in summary.get("points", [{}])[0]:
        return circuit_table(summary, took)
    if "points" in summary:
        return _sweep_table(summary, took)
    limit = summary.get("deterministic") if summary["method"] != "deterministic" else None
    table = Table(title=summary["title"], title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column(f"{summary['method']}", justify="right")
    table.add_column("95 % interval", justify="right")
    if limit:
        table.add_column(limit_label(summary), justify="right")

    def row(name: str, path: str, form: str = "{:.4g}") -> None:
        value, interval = _at(summary, path), _at(summary, f"{path}_ci")
        place, _, last = path.rpartition(".")
        about = "≈ " if last in (_at(summary, f"{place}.approximate") or ()) else ""
        cells = [name, _form(value, form), about + _interval(interval, form)]
        table.add_row(*cells, *([_form(_at(limit, path), form)] if limit else []))

    trials = f"{summary['trials']:,d} trial{'s' if summary['trials'] != 1 else ''}"
    if "current" in summary:
        for side in ("inward", "outward"):
            moment = _at(summary, f"current.{side}_ms")
            if moment is not None:
                name = f"largest {side} current (pA), at {moment:g} ms, {trials}"
                row(name, f"current.{side}_pA")
    else:
        row(f"spikes in {trials} of {summary['duration_ms']:g} ms", "spikes.count", "{:,d}")
        if 0 < summary["spikes"]["trials_with_spikes"] < summary["trials"]:
            row("share of trials that fired", "spikes.share_with_spikes", "{:.2f}")
        row("firing rate (Hz)", "spikes.rate_hz")
        row("first spike (ms)", "spikes.first_ms")
        row("interspike interval, mean (ms)", "isi.mean_ms")
        row("interspike interval, CV", "isi.cv", "{:.3f}")
        row("resting voltage (mV)", "voltage.rest_mV", "{:.2f}")
        mixed = _at(summary, "voltage.silent_peak_mV") is not None
        whose = ", of trials that fired" if mixed else ""
        row(f"peak voltage (mV){whose}", "voltage.peak_mV", "{:.2f}")
        if mixed:
            row("peak voltage (mV), of the others", "voltage.silent_peak_mV", "{:.2f}")
    ions = summary["ions"]
    for name in [key for key in ions if key.removesuffix("_ci") not in ions.keys() - {key}]:
        row(f"ions out (-: in), {name}, a trial", f"ions.{name}", "{:.3g}")
    if summary["transitions"]:
        row("channel transitions simulated", "transitions", "{:,d}")
    if seconds is not None:
        beside = [f"{seconds.deterministic:.2f}"] if limit else []
        table.add_row("wall time (s)", f"{seconds.wall:.2f}", "", *beside)
    if summary["method"] in METHODS and summary["method"] != "deterministic":
        table.caption = f"{summary['method']}: {METHODS[summary['method']].title}\n{_IN_WORDS}"
    return table


def method_line(summary: dict[str, Any]) -> str:
    """Say with which method and step a run was made, and why where the program chose it."""
    step = f", step {summary['step_ms']:g} ms" if "step_ms" in summary else ""
    if "longest_step_ms" in summary:  # by the point of a sweep
        step = f", steps of {summary['step_ms']:g} to {summary['longest_step_ms']:g} ms"
    chosen = f", chosen because {summary['method_chosen']}" if "method_chosen" in summary else ""
    method = METHODS.get(summary["method"])  # none where a sweep took several
    wrong = f" (known to be wrong: {method.wrong})" if method and method.wrong else ""
    return f"method {summary['method']}{step}{chosen}{wrong}"


def _sweep_table(summary: dict[str, Any], took: str) -> Table:
    points = summary["points"]
    axes = list(points[0]["place"])
    limit = "deterministic" in points[0] and summary["method"] != "deterministic"
    table = Table(
        title=summary["title"],
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
    )
    for axis in axes:
        table.add_column(axis.rsplit(".", 1)[-1], no_wrap=True)
    clamped = "current" in points[0]
    headings = _CLAMP_HEADINGS if clamped else _SPIKE_HEADINGS
    for heading in (*headings, *(["det."] if limit else [])):
        table.add_column(heading, justify="right", no_wrap=heading != "rate (Hz)")
    left_out = range(_MOST_ROWS // 2, len(points) - _MOST_ROWS // 2)
    for index, point in enumerate(points):
        if index in left_out:
            continue
        place = [units.pretty(str(point["place"][axis])) for axis in axes]
        table.add_row(*place, *(_clamp_cells if clamped else _spike_cells)(point, limit))
        if index + 1 in left_out:
            table.add_row(f"… {len(left_out)} more", end_section=True)
    transitions = f"{summary['transitions']:,d} channel transitions, "
    table.caption = (
        f"{transitions if summary['transitions'] else ''}{summary['trials']:,d} trials of "
        f"{summary['duration_ms']:g} ms{took}"
        f"{'; det.: ' + limit_label(summary) if 'deterministic_given' in summary else ''}"
    )
    return table


_SPIKE_HEADINGS = ("spikes", "in trials", "rate (Hz)", "95 %", "ISI (ms)", "ISI CV")
_CLAMP_HEADINGS = ("inward (pA)", "95 %", "outward (pA)", "95 %")


def _spike_cells(point: dict[str, Any], limit: bool) -> list[str]:
    spikes, isi = point["spikes"], point["isi"]
    return [
        f"{spikes['count']:,d}",
        f"{spikes['trials_with_spikes']}/{point['trials']}",
        _form(spikes["rate_hz"], "{:.3g}"),
        _interval(spikes["rate_hz_ci"], "{:.3g}").replace(" to ", "–"),
        _form(isi["mean_ms"], "{:.3g}"),
        _form(isi["cv"], "{:.2f}"),
        *([f"{point['deterministic']['spikes']['count']}"] if limit else []),
    ]


def _clamp_cells(point: dict[str, Any], limit: bool) -> list[str]:
    current, other = point["current"], point.get("deterministic", {}).get("current")
    return [
        *(
            cell
            for side in ("inward_pA", "outward_pA")
            for cell in (
                _form(current[side], "{:.4g}"),
                _interval(current[f"{side}_ci"], "{:.4g}"),
            )
        ),
        *(
            [f"{_form(other['inward_pA'], '{:.4g}')}, {_form(other['outward_pA'], '{:.4g}')}"]
            if limit
            else []
        ),
    ]


def membrane_tables(description: dict[str, Any]) -> list[Table]:
    """Lay out a resolved membrane: populations, passive properties and rest, thresholds."""
    channels = Table(title="channels", title_justify="left", title_style="bold")
    channels.add_column("")
    entries = description["populations"]
    for entry in entries:
        channels.add_column(entry["name"], justify="right")
    for name, form in (
        ("scheme", "{scheme}, {states} states"),
        ("channels", "{count:,d}"),
        ("channels per µm²", "{density_per_um2:.4g}"),
        ("conductance of one (pS)", "{conductance_pS:.4g}"),
        ("conductance of all (mS/cm²)", "{maximal_mS_per_cm2:.4g}"),
        ("reversal potential (mV)", "{reversal_mV:g}"),
        ("open at rest, of all", "{open_fraction_at_rest:.3g}"),
        ("open at rest, number", "{open_at_rest:.3g}"),
    ):
        channels.add_row(name, *(form.format(**entry) for entry in entries))
    facts = Table(title="membrane", title_justify="left", title_style="bold", show_header=False)
    facts.add_column("")
    facts.add_column("", justify="right")
    for name, value in description["facts"].items():
        facts.add_row(name, value)
    return [channels, facts]


def keys_table(scenario: Experiment) -> Table:
    """Lay out what is given of membranes, stimuli and the run, by the keys that set it."""
    table = Table(title="keys, as --set KEY=VALUE and --over take them", **_LEFT, show_header=False)
    table.add_column("", overflow="fold")
    table.add_column("", overflow="fold")
    given = {key: value for key, value in keys_of(scenario.data) if not _is_about(key)}
    for key, value in scenario.sweep.items():
        values = list(map(scenario.as_written, value))
        ends = f"{values[0]} … {values[-1]}" if len(values) > 1 else str(values[0])
        given[key] = f"{units.pretty(ends)}, {len(values)} swept"
    for key, value in list(given.items())[:_MOST_KEYS]:
        texts = value if isinstance(value, list) else [value]
        said = [str(one).lower() if isinstance(one, bool) else str(one) for one in texts]
        table.add_row(key, units.pretty(", ".join(said)))
    if len(given) > _MOST_KEYS:
        table.add_row(f"… {len(given) - _MOST_KEYS} more", "in the scenario's file")
    return table


def _is_about(key: str) -> bool:
    """Whether a key names or draws, and does nothing to what is simulated."""
    first, _, rest = key.partition(".")
    return first in _ABOUT or rest.endswith(".name")


def scheme_tables(description: dict[str, Any], voltage_mV: float) -> list[Table]:
    """Lay out a channel scheme: its facts, states and transitions at one voltage."""
    facts = Table(title=f"at {voltage_mV:g} mV", **_LEFT, show_header=False)
    facts.add_column("")
    facts.add_column("", overflow="fold")
    for name, value in description["facts"].items():
        facts.add_row(name, value)
    states = Table(title="states", **_LEFT)
    for heading in ("state", "conductance", "occupancy"):
        states.add_column(heading, justify="left" if heading == "state" else "right")
    for entry in description["states"]:
        occupancy = _form(entry["occupancy"], "{:.4g}")
        states.add_row(entry["name"], f"{entry['conductance']:g}", occupancy)
    transitions = Table(title="transitions", **_LEFT)
    for heading in ("from", "to", "rate", "1/ms"):
        transitions.add_column(heading, justify="right" if heading == "1/ms" else "left")
    for entry in description["transitions"]:
        transitions.add_row(entry["from"], entry["to"], entry["rate"], f"{entry['value']:.4g}")
    return [facts, states, transitions]


def _at(tree: Any, path: str) -> Any:
    for key in path.split(".", 1) if path.startswith("ions.") else path.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _form(value: Any, form: str) -> str:
    return "–" if value is None else form.format(value)


def _interval(interval: Any, form: str) -> str:
    if interval is None:
        return ""
    return f"{form.format(interval[0])} to {form.format(interval[1])}"


def estimate_table(found: Any, free_bytes: int) -> Table:
    """Lay out what a run would cost, beside the free space of the disk."""
    table = Table(title=f"estimate: {found.scenario}", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("", justify="right")
    points = f"{found.n_points:,d} points of " if found.n_points > 1 else ""
    table.add_row("trials", f"{points}{found.n_trials:,d}")
    table.add_row("method", found.method)
    for what, said in (found.compartments or {}).items():
        label = "compartments" if what == "number" else f"  longest for the {what}"
        table.add_row(label, f"{said:,d}" if what == "number" else said)
    if found.transitions is not None:
        table.add_row("channel transitions", f"{found.transitions:.2g}")
    table.add_row("computing", said_duration(found.seconds))
    if found.limit_seconds:
        table.add_row("deterministic limit", said_duration(found.limit_seconds))
    threads = f"{found.workers} thread{'s' if found.workers > 1 else ''}"
    table.add_row(f"until it is done, on {threads}", said_duration(found.wall_s))
    table.add_row(
        "records, in files" if found.in_files else "records", said_bytes(found.record_bytes)
    )
    if found.memory_bytes is not None:
        table.add_row("memory, records in it", said_bytes(found.memory_bytes))
    table.add_row("free on this disk", said_bytes(free_bytes))
    return table
