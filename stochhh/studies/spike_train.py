"""The study `spike_train`: rate, intervals and their hazard, order of intervals, counts.

Perkel, Gerstein & Moore 1967, doi:10.1016/S0006-3495(67)86596-2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.estimates import Estimate
from stochhh.analysis.exponential_tail import exponential_tail
from stochhh.analysis.files import write_csv
from stochhh.analysis.interspike_intervals import isi_statistics
from stochhh.analysis.interval_moments import hazard_landmarks, peak_bin_ms
from stochhh.analysis.spike_statistics import spike_statistics
from stochhh.analysis.spikes import interspike_intervals_ms
from stochhh.analysis.trains import cut_trains
from stochhh.errors import InputError
from stochhh.plot.spike_train import TrainsDrawn, shown_ms, spike_train_figure
from stochhh.stimulus import is_random, is_steady
from stochhh.studies.signals import finished_trains
from stochhh.studies.study import Findings, Numbers, Occasion, Row, Study, named

Floats = NDArray[np.float64]

_MOST_WINDOWS = 3  # that the table tells of, where none were asked for
_ALL = 0.95  # share of intervals in the tail from which they are said to be all
_EQUAL = 1e-3  # CV below which intervals are all alike
_SURE = 1.7  # times the half-width of a 95 % interval: one of 99.9 %
_BINS_SHOWN = 100
_FEWEST_BINS = 15
_SPIKES_IN_BIN = 10


def compute(occasion: Occasion) -> Findings:
    """Statistics of the spikes in a part of each trial, beside the deterministic membrane's."""
    settings, result = occasion.settings, occasion.result
    start, end = float(settings.start_ms), float(settings.end_ms)
    length = end - start
    trains = cut_trains(finished_trains(result, occasion.point), start, end)
    n_spikes = sum(len(train) for train in trains)
    if n_spikes == 0:
        raise InputError(f"no spike from {start:g} to {end:g} ms in any trial")
    steady = is_steady(occasion.setup.scenario.stimulus, start, end)
    mean_ms = isi_statistics(trains, length, steady).mean_ms.value
    every = interspike_intervals_ms(trains)
    quartiles = np.quantile(every, [0.25, 0.75]) if len(every) else None
    found = spike_statistics(
        trains,
        length,
        interval_bin_ms=_given(settings.interval_bin_ms) or peak_bin_ms(trains, length),
        most_lags=settings.lags,
        fano_windows_ms=[float(window) for window in settings.windows_ms] or None,
        psth_bin_ms=_given(settings.rate_bin_ms)
        or _rate_bin(shown_ms(length, mean_ms), n_spikes / length, length),
        steady=steady,
    )
    serial, fano, isi = found.serial, found.fano, found.isi
    tail = exponential_tail(trains, length)
    alone = _deterministic(occasion, start, end)
    rate, mean = (None, None) if alone is None else _rate_and_mean(alone, length)
    numbers: Numbers = {
        "start_ms": start,
        "end_ms": end,
        "trials": len(trains),
        "spikes": n_spikes,
        "intervals": int(found.intervals.count.sum()),
        **named("rate_hz", found.rate_hz, rate),
        "steady": steady,
        **named("isi_mean_ms", isi.mean_ms, mean),
        **named("isi_variance_ms2", isi.variance_ms2),
        "isi_middle_half_ms": None if quartiles is None else float(np.ptp(quartiles)),
        "isi_shortest_ms": float(every.min()) if len(every) else None,
        **named("cv", isi.cv),
        **named("cv2", found.cv2),
        **named("lv", found.lv),
        "serial": [
            {
                "lag": int(lag),
                **named("correlation", _entry(serial.coefficient, serial.low, serial.high, k)),
                "shuffled": [serial.shuffled_low[k], serial.shuffled_high[k]],
            }
            for k, lag in enumerate(serial.lag)
        ],
        "fano": [
            {
                "window_ms": float(fano.window_ms[k]),
                **named("fano", _entry(fano.fano, fano.low, fano.high, k)),
            }
            for k in _told_of(fano.window_ms, mean_ms, settings.windows_ms)
        ],
    }
    if tail is not None:
        numbers["tail"] = {
            "start_ms": tail.start_ms,
            "share": tail.share,
            "intervals": tail.n_intervals,
            **named("hazard_hz", tail.hazard_hz),
            "p": tail.p,
        }
        marks = hazard_landmarks(found.intervals, tail)
        if marks is not None:
            numbers["tail"] |= vars(marks)
    return Findings(numbers, TrainsDrawn(trains, alone, start, length, found, tail, mean_ms))


def draw(findings: Findings, title: str) -> Figure:
    """Draw spikes and their rate, the law of intervals, counts and the order of intervals."""
    return spike_train_figure(findings.data, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    trials = f"{numbers['trials']:,d} trial{'s' if numbers['trials'] != 1 else ''}"
    lines = [
        Row(f"{trials} of {time_label(numbers['end_ms'] - numbers['start_ms'])}; theory: no noise"),
        Row("firing rate (Hz)", "rate_hz"),
        Row("mean interval (ms)", "isi_mean_ms"),
        Row("variance of intervals (ms²)", "isi_variance_ms2"),
        Row("their middle half spans (ms)", "isi_middle_half_ms"),
        Row("the shortest (ms)", "isi_shortest_ms"),
        Row("CV", "cv"),
        Row("CV2", "cv2"),
        Row("LV", "lv"),
        Row("correlation of neighbours", "serial.0.correlation"),
    ]
    for k, entry in enumerate(numbers["fano"]):
        lines.append(Row(f"Fano factor in {time_label(entry['window_ms'])}", f"fano.{k}.fano"))
    if "tail" in numbers:
        lines.append(Row("exponential tail begins at (ms)", "tail.start_ms"))
        lines.append(Row("hazard in the tail (Hz)", "tail.hazard_hz"))
    return lines


def says(numbers: Numbers) -> str:
    """Say how often it fires, how intervals are spread, and whether their order matters."""
    alone = numbers["rate_hz_theory"]
    beside = "" if alone is None else f" (the deterministic one at {alone:.3g} Hz)"
    said = [f"The membrane fires at {numbers['rate_hz']:.3g} Hz{beside}."]
    if numbers["cv"] is None:
        return f"{said[0]} There are too few intervals to tell how they are spread."
    if numbers["cv"] < _EQUAL:
        said.append(f"All intervals are {numbers['isi_mean_ms']:.4g} ms long.")
        return " ".join(said)
    said.append(_law_says(numbers))
    first = numbers["serial"][0]
    value, (low, high) = first["correlation"], first["shuffled"]
    if value is not None and low is not None:
        if _SURE * low <= value <= _SURE * high:
            said.append("The order of the intervals does not matter.")
        else:
            longer = "longer" if value > 0 else "shorter"
            said.append(f"After a long interval comes a {longer} one (correlation {value:.2g}).")
    return " ".join(said)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write density and hazard of the intervals, rate in time, and Fano factors as CSV."""
    data: TrainsDrawn = findings.data
    law, rate = data.found.intervals, data.found.psth
    lows, highs = law.edges_ms[:-1], law.edges_ms[1:]
    fano, locked = data.found.fano, data.found.fano_locked
    tables: dict[str, dict[str, Any]] = {
        "intervals": {
            "from_ms": lows,
            "to_ms": highs,
            "intervals": law.count,
            "density_per_ms": law.density_per_ms,
            "density_low_per_ms": law.density_low,
            "density_high_per_ms": law.density_high,
            "hazard_per_ms": law.hazard_per_ms,
            "hazard_low_per_ms": law.hazard_low,
            "hazard_high_per_ms": law.hazard_high,
        },
        "rate": {
            "time_ms": rate.time_ms + data.start_ms,
            "rate_hz": rate.rate_hz,
            "low_hz": rate.low_hz,
            "high_hz": rate.high_hz,
        },
        "fano": {
            "window_ms": fano.window_ms,
            "fano": fano.fano,
            "low": fano.low,
            "high": fano.high,
            "over_trials": locked.fano,
            "over_trials_low": locked.low,
            "over_trials_high": locked.high,
        },
    }
    return [
        write_csv(
            path.with_name(f"{path.name}_{name}.csv"), list(table), _cells(list(table.values()))
        )
        for name, table in tables.items()
    ]


def _law_says(numbers: Numbers) -> str:
    cv, tail = numbers["cv"], numbers.get("tail")
    spread = f"{numbers['intervals']:,d} intervals have a mean of {numbers['isi_mean_ms']:.3g} ms"
    spread += f" and a CV of {cv:.2g}"
    if tail is None:
        like = "more regular than" if cv < 1 else "more variable than"
        return f"The {spread}, {like} a Poisson process, with no exponential tail to be told."
    hazard, start = tail["hazard_hz"], tail["start_ms"]
    if tail["share"] >= _ALL:
        return (
            f"The {spread}: as of a Poisson process of {hazard:.3g} Hz after a refractory part of "
            f"{start:.3g} ms."
        )
    text = f"The {spread}: the hazard peaks at {tail['peak_ms']:.3g} ms ({tail['peak_hz']:.3g} Hz)"
    if tail["dip_ms"] is not None:
        text += f", dips at {tail['dip_ms']:.3g} ms ({tail['dip_hz']:.3g} Hz)"
    if tail["bump_ms"] is not None:
        text += f", has a bump at {tail['bump_ms']:.3g} ms ({tail['bump_hz']:.3g} Hz)"
    return (
        f"{text} and is constant, {hazard:.3g} Hz, from {start:.3g} ms on: an exponential tail of "
        f"{100 * tail['share']:.0f} % of the intervals."
    )


def time_label(time_ms: float) -> str:
    """Write a time in ms, or in s where that is shorter."""
    return f"{time_ms:.3g} ms" if time_ms < 1e3 else f"{1e-3 * time_ms:.4g} s"


def _deterministic(occasion: Occasion, start: float, end: float) -> Floats | None:
    """Spikes of the deterministic membrane; None without it, or where each trial has its own."""
    result = occasion.result
    if not result.has_deterministic or is_random(occasion.setup.scenario.stimulus):
        return None
    alone: Floats = cut_trains(result.spike_trains(occasion.point, True), start, end)[0]
    return alone


def _rate_and_mean(train: Floats, length: float) -> tuple[float, float | None]:
    mean = float(np.diff(train).mean()) if len(train) > 1 else None
    return 1e3 * len(train) / length, mean


def _entry(values: Floats, low: Floats, high: Floats, k: int) -> Estimate:
    """One entry of a curve with its interval."""
    known = bool(np.isfinite(low[k]) and np.isfinite(high[k]))
    return Estimate(float(values[k]), (float(low[k]), float(high[k])) if known else None)


def _told_of(windows: Floats, interval: float | None, asked: Sequence[object]) -> list[int]:
    """Places of the windows that the table tells of: about one interval, about ten, the longest."""
    if asked or interval is None:
        return list(range(len(windows)))[: None if asked else _MOST_WINDOWS]
    near = [int(np.argmin(np.abs(np.log(windows / (m * interval))))) for m in (1, 10)]
    return sorted({*near, len(windows) - 1})


def _rate_bin(shown: float, spikes_per_ms: float, longest: float) -> float:
    """Width of bins that hold a few spikes, not too many or too few of which are shown.

    It is 1, 2 or 5 times a power of ten where that fits.
    """
    width = min(max(shown / _BINS_SHOWN, _SPIKES_IN_BIN / spikes_per_ms), shown / _FEWEST_BINS)
    power = 10.0 ** np.floor(np.log10(width))
    step = next(m for m in (5.0, 2.0, 1.0) if m * power <= width * (1 + 1e-9))
    return float(min(step * power, longest))


def _given(amount: float | None) -> float | None:
    return None if amount is None else float(amount)


def _cells(columns: Sequence[Floats]) -> list[list[object]]:
    return [["" if np.isnan(cell) else cell for cell in row] for row in zip(*columns, strict=True)]


STUDY = Study("Spike trains", compute, draw, rows, write, says)
