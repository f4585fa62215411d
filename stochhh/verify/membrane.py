"""Verify a whole scenario: its channels, what is conserved, and what must not change its law."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stochhh import simulate
from stochhh.plan import Plan
from stochhh.result import Result
from stochhh.scenario import Scenario, points_of
from stochhh.verify.claims import claim_of
from stochhh.verify.clamped import MOST_RAMPS, clamp_rows
from stochhh.verify.comparison import Comparison, variance_is
from stochhh.verify.design import Budget
from stochhh.verify.linear_noise import linear_noise_variance
from stochhh.verify.scheme import verify_scheme
from stochhh.verify.subject import Subject
from stochhh.verify.variations import MOST_TRIALS, RECORDS, Tables, Variations, same_firing
from stochhh.verify.verdict import Row

Progress = Callable[[float], None]

_EVERY_SCHEME = 0.5  # share of the work that verifying the channels is
_FINE_RECORDS = 4000  # to integrate the leak current over
_CHARGE_BALANCE = 1e-3  # relative; what is left of it is that integral's error
_MANY_CHANNELS = 30_000  # from which linear noise is right to some per cent
_QUIET_MS = 2.0
_OTHER_BANDS_MV = 1.3


def verify_membrane(
    scenario: Scenario,
    method: str,
    budget: Budget,
    at_mV: Sequence[float] = (),
    seed: int = 1,
    workers: int | None = None,
    on_progress: Progress | None = None,
) -> list[Row]:
    """Compare all that can be compared of a scenario, the first point of its sweep.

    Each population's scheme is verified by clamp experiments at the membrane's
    temperature. Channels and charge must be conserved. A clamped scenario must
    follow the law along its command. For a free-running one, the variance of the
    voltage at rest must be that of the linear noise theory with many channels; other
    voltage bands and a cut in two halves must not change the law, nor threads and
    record times a single bit; another method must fire like the exact one.

    Parameters are those of `scheme.verify_scheme`.
    """
    claim = claim_of(method)
    scenario = next(points_of(scenario)).scenario
    plan = simulate.plan(simulate.resolve(scenario, seed=seed))[0][0]
    report = on_progress if on_progress is not None else _ignore
    rows: list[Row] = []
    subjects = _subjects(scenario, plan)
    for subject in subjects:

        def advance(share: float) -> None:
            report(share * _EVERY_SCHEME / len(subjects))

        found = verify_scheme(subject, method, budget, at_mV, seed, None, workers, advance)
        rows += [row._replace(law=f"{subject.name}: {row.law}") for row in found]
    if not subjects:
        report(_EVERY_SCHEME)
    work = Variations(scenario, plan, method, budget, seed, workers)
    parts: list[Callable[[Variations], list[Row]]] = [_conservation]
    if scenario.clamp is not None:
        parts.append(_clamp)
    else:
        if method == "exact":
            parts += [_same_bits, _quiet, _bands, _halves]
        else:
            parts.append(_like_exact)
    for part in parts:
        rows += part(work)
        report((1.0 - _EVERY_SCHEME) / len(parts))
    if claim.slack:
        rows.append(Row("all", "", None, f"{method}: {claim.note}"))
    return rows


def _ignore(share: float) -> None:
    pass


def _subjects(scenario: Scenario, plan: Plan) -> list[Subject]:
    """Schemes of all populations, each once."""
    found: dict[Any, Subject] = {}
    ligands = {name: float(c) for name, c in scenario.membrane.ligands_mM.items()}
    temperature = scenario.membrane.temperature_degC
    for table, population in zip(
        scenario.membrane.channels, plan.membrane.populations, strict=True
    ):
        scheme = population.scheme
        bound = {name: c for name, c in ligands.items() if name in scheme.ligands}
        kelvin = None if temperature is None else float(temperature)
        subject = Subject(population.name, table.scheme, kelvin, bound, scheme)
        found.setdefault(scheme, subject)
    return list(found.values())


def _exactly(law: str, at: str, holds: bool, theory: str, simulation: str) -> Row:
    """Make the row of a law that chance plays no part in."""
    return Row(law, at, Comparison(float(holds), theory, simulation))


def _conservation(work: Variations) -> list[Row]:
    """Every channel is in one state at every record; charge goes nowhere but where it should."""
    duration = min(work.duration_ms, 20.0)
    variables = ["voltage", "occupancy", "charge"]
    record = {"interval": f"{duration / _FINE_RECORDS!r} ms", "variables": variables}
    run: Tables = {"trials": 2, "duration": f"{duration!r} ms", "record": record}
    scenario = work.scenario(**run, method=work.method)
    result = simulate.run(scenario, workers=work.workers)
    membrane = work.plan.membrane
    sizes = work.plan.patch.state_start
    rows = []
    for index, population in enumerate(membrane.populations):
        occupancy = result["occupancy"].values[..., sizes[index] : sizes[index + 1]]
        total = occupancy.sum(axis=-1)
        lost = float(np.abs(total - population.count).max())
        holds = lost <= 1e-9 * population.count and float(occupancy.min()) >= 0.0
        least = f"{population.count - lost:.10g}"
        rows.append(
            _exactly("channels", population.name, holds, f"{population.count} always", least)
        )
    if scenario.clamp is not None:
        return rows
    (plan,), _ = simulate.plan(scenario)
    worst = 0.0
    for trial in range(2):
        voltage = result["voltage"].values[trial]
        stimulus = plan.stimulus(trial)
        injected = stimulus.current * np.diff(stimulus.end, prepend=0.0)
        leak = membrane.leak_nS * np.trapezoid(
            voltage - membrane.leak_reversal_mV, result["time"].values
        )
        charge = result["total_charge"].values[trial]
        stored = membrane.capacitance_pF * (result["final_voltage"].values[trial] - voltage[0])
        moved = np.abs(injected).sum() + np.abs(charge).sum() + abs(leak) + abs(stored)
        away = abs(injected.sum() - leak - charge.sum() - stored)
        worst = max(worst, float(away / max(moved, membrane.capacitance_pF)))
    holds = worst <= _CHARGE_BALANCE
    rows.append(
        _exactly(
            "charge",
            f"{duration:g} ms",
            holds,
            "injected - moved - stored = 0",
            f"{worst:.1e} of it",
        )
    )
    return rows


def _clamp(work: Variations) -> list[Row]:
    """Rows of a clamped scenario along its command voltage."""
    if work.method != "exact":
        note = f"{work.method} is compared scheme by scheme, at held voltages"
        return [Row("along the command", "", None, note)]
    if np.count_nonzero(work.plan.command.slope) > MOST_RAMPS:
        note = f"more than {MOST_RAMPS} corners of a waveform take too long"
        return [Row("along the command", "", None, note)]
    record = {
        "interval": f"{work.plan.duration_ms / RECORDS!r} ms",
        "variables": ["open", "occupancy"],
    }
    result = work.run(duration=f"{work.plan.duration_ms!r} ms", record=record)
    return clamp_rows(work.plan, result)


def _same_bits(work: Variations) -> list[Row]:
    """Threads and record times must not change a bit."""
    few: Tables = {"trials": 3}
    one = simulate.run(work.scenario(**few), workers=1)
    two = simulate.run(work.scenario(**few), workers=2)
    record = {"interval": f"{work.duration_ms / 7!r} ms", "variables": ["voltage"]}
    sparse = simulate.run(work.scenario(**few, record=record), workers=1)
    return [
        _exactly(
            f"{what} change nothing",
            "3 trials",
            alike(one, other),
            "the same bits",
            "the same" if alike(one, other) else "other bits",
        )
        for what, other in (("two threads", two), ("other record times", sparse))
    ]


def alike(one: Result, other: Result) -> bool:
    """Whether two runs took the same course, bit for bit."""
    names = ("transitions", "final_voltage", "final_occupancy", "total_charge", "spike_time")
    return all(one[name].values.tobytes() == other[name].values.tobytes() for name in names)


def _quiet(work: Variations) -> list[Row]:
    """Compare the variance of the voltage at rest with linear noise, with many channels."""
    membrane = work.plan.membrane
    if work.plan.start is not None or membrane.n_channels == 0:
        return []
    factor = max(1.0, _MANY_CHANNELS / membrane.n_channels)
    tables = dict(work.scenario().model_dump(mode="json", by_alias=True, exclude_none=True))
    patch = {**tables["membrane"]}
    patch["count_factor"] = factor * patch.get("count_factor", 1.0)
    duration = min(_QUIET_MS, work.plan.duration_ms)
    result = work.run(
        {"membrane": patch, "stimulus": []},
        trials=MOST_TRIALS,
        duration=f"{duration!r} ms",
        initial={"settle": "0 ms"},  # from a sharp voltage, as the theory below
        record={"interval": f"{duration!r} ms", "variables": ["voltage"]},
    )
    (plan,), _ = simulate.plan(result.scenario)
    compared = variance_is(
        result["final_voltage"].values, linear_noise_variance(plan.membrane, duration)
    )
    n = plan.membrane.n_channels
    return [Row("voltage at rest, variance", f"{n} channels, {duration:g} ms", compared)]


def _bands(work: Variations) -> list[Row]:
    """Other voltage bands: other draws, the same law."""
    width = f"{_OTHER_BANDS_MV} mV"
    one, other = work.run(), work.run(seed=work.seed + 1, band_width=width)
    return same_firing(one, other, f"bands of {width}")


def _halves(work: Variations) -> list[Row]:
    """A run cut in two halves, the second taken up from the first."""
    if not work.repeatable:
        note = "its stimulus changes in time, so the second half of a run is another experiment"
        return [Row("two halves", "", None, note)]
    half = 0.5 * work.duration_ms
    record = {"interval": f"{half / RECORDS!r} ms"}
    whole = work.run(seed=work.seed + 2, record=record)
    with TemporaryDirectory(prefix="stochhh-") as folder:
        path = Path(folder) / "first.nc"
        first: Tables = {"duration": f"{half!r} ms", "record": record, "seed": work.seed + 3}
        work.run(**first).save(path)
        second = work.run(**{**first, "initial": {"result": str(path)}})
    return same_firing(_second_half(whole, half), second, "cut in two")


def _second_half(whole: Result, half_ms: float) -> Result:
    """Spikes and records of a run from its middle on; times count from there."""
    data = whole.dataset.isel(time=slice(whole.dataset.sizes["time"] // 2, None))
    late = data["spike_time"].values > half_ms
    data = data.isel(spike=late)
    return Result(data.assign(spike_time=data["spike_time"] - half_ms))


def _like_exact(work: Variations) -> list[Row]:
    """Compare another method with the exact one."""
    other = work.run(method=work.method)
    exact = work.run(method="exact", seed=work.seed + 1)
    return same_firing(other, exact, f"{work.method} and exact")
