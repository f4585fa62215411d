"""The study `firing_efficiency`: what share of pulses makes a spike, and how soon, by amplitude.

Verveen 1962, Acta Morphologica Neerlando-Scandinavica 5:79; Rubinstein 1995,
doi:10.1016/S0006-3495(95)80252-3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stochhh.analysis.axes import Axis, Curve, curves_along, value_label
from stochhh.analysis.efficiency_curves import (
    EfficiencyCurve,
    nearest_to_threshold,
    spread_by_channels,
)
from stochhh.analysis.estimates import Estimate
from stochhh.analysis.files import write_csv
from stochhh.analysis.firing_efficiency import UNPROVOKED
from stochhh.analysis.power_law import PowerLaw
from stochhh.plot.firing_efficiency import efficiency_figure
from stochhh.studies.pulse_limit import firing_at, narrowed
from stochhh.studies.pulses import pulse_responses
from stochhh.studies.signals import begun_curves, n_noisy_channels
from stochhh.studies.study import Findings, Numbers, Row, Study, Survey, named

Floats = NDArray[np.float64]

INDEPENDENT = -0.5  # exponent of relative spread by number of channels, of independent ones
_MISFIT = 1e-3  # p-value below which the integrated Gaussian is said not to fit
SHARP = 1e-5  # width of the bracket of a deterministic threshold that was bisected, over its end


class Efficiencies(NamedTuple):
    """What the picture and the files are made of.

    Attributes
    ----------
    curves : one for each place on the other axes.
    scaling : of relative spread by number of channels, None where that is no question.
    label : of the amplitude, with its unit.
    """

    curves: tuple[EfficiencyCurve, ...]
    scaling: PowerLaw | None
    label: str


def compute(survey: Survey) -> Findings:
    """Shares, latencies and fits along each curve, beside the deterministic membrane."""
    settings = survey.settings
    window = (float(settings.onset_ms), float(settings.within_ms))
    axis = curves_along(survey.setups, settings.axis)
    curves = [
        _measured(survey, curve, axis, window) for curve in begun_curves(survey.result, axis.curves)
    ]
    label = survey.setups[0].scenario.figure.axis or axis.label
    return found(curves, label, about(settings, axis.unit))


def about(settings: Any, unit: str) -> Numbers:
    """Entries that say what was done, from the filled in settings of the study."""
    return {
        "axis": settings.axis,
        "unit": unit,
        "onset_ms": float(settings.onset_ms),
        "within_ms": float(settings.within_ms),
    }


def found(curves: Sequence[EfficiencyCurve], label: str, said: Numbers) -> Findings:
    """Findings of curves that were measured.

    Parameters
    ----------
    curves : one for each place on the other axes
    label : of the amplitude, with its unit
    said : entries that `about` made, and more if there are
    """
    scaling = spread_by_channels(curves)
    numbers: Numbers = {**said, "curves": [_curve_numbers(curve) for curve in curves]}
    if scaling is not None:
        numbers |= named("spread_exponent", scaling.exponent, INDEPENDENT)
        numbers["spread_deviance"] = scaling.deviance
        numbers["spread_degrees"] = scaling.degrees
    return Findings(numbers, Efficiencies(tuple(curves), scaling, label))


def draw(findings: Findings, title: str) -> Figure:
    """Draw shares with their fits, latencies and jitter, and the spread by channels."""
    data: Efficiencies = findings.data
    return efficiency_figure(data.curves, data.scaling, data.label, title)


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    curves, unit = numbers["curves"], value_label(numbers["unit"])
    in_unit = f" ({unit})" if unit else ""
    several = len(curves) > 1
    shared = several and len({_bracket_of(curve) for curve in curves}) == 1
    lines: list[Row] = []
    for index, curve in enumerate(curves):
        place = f"curves.{index}."
        given = f"{curve['trials']:,d} trials"
        if several:
            lines.append(Row(f"{curve['label']}, {given}"))
        lines.append(
            Row(f"threshold{in_unit}{'' if several else f', {given}'}", f"{place}threshold")
        )
        lines.append(Row("relative spread", f"{place}relative_spread"))
        near = curve.get("near_threshold")
        if near is not None:
            at = f"at {near['amplitude']:g} {unit}".rstrip()
            lines.append(Row(f"latency {at} (ms)", f"{place}near_threshold.latency_ms"))
            lines.append(Row(f"jitter {at} (ms)", f"{place}near_threshold.jitter_ms"))
        if not shared:
            lines += _deterministic_rows(curve, place, in_unit)
    if shared or "spread_exponent" in numbers:
        lines.append(Row("all curves"))
    if shared:
        lines += _deterministic_rows(curves[0], "curves.0.", in_unit)
    if "spread_exponent" in numbers:
        lines.append(Row("exponent of relative spread by channels", "spread_exponent"))
    return lines


def says(numbers: Numbers) -> str:
    """Say threshold and relative spread, and how that depends on the number of channels."""
    from scipy.special import ndtr

    curves, unit = numbers["curves"], value_label(numbers["unit"])
    fitted = [curve for curve in curves if curve["threshold"] is not None]
    said = [_curve_says(curve, unit, len(curves) > 1) for curve in fitted]
    brackets = {_bracket_of(curve) for curve in curves}
    if len(brackets) == 1:
        said.append(_bracket_says(*brackets.pop(), unit))
    if "spread_exponent" in numbers:
        low, high = numbers["spread_exponent_ci"]
        said.append(
            f"The relative spread goes with the number of channels to the power "
            f"{numbers['spread_exponent']:.3f} ({low:.3f} to {high:.3f}); that of independent "
            f"channels is {INDEPENDENT:g}."
        )
    for curve in curves:
        of = f" of {curve['label']}" if curve["label"] else ""
        if curve["threshold"] is None:
            said.append(f"No fit{of}: {curve['problem']}.")
            continue
        if curve["fit_p"] is not None and curve["fit_p"] < _MISFIT:
            said.append(f"The integrated Gaussian misses the shares{of} (p {curve['fit_p']:.1g}).")
        alone = float(ndtr(-1.0 / curve["relative_spread"]))
        if alone > UNPROVOKED:
            said.append(
                f"By the fit{of} {100 * alone:.2g} % of trials fire without a pulse: so wide a "
                "spread may be of spikes that no pulse made; choose a shorter within."
            )
    return " ".join(text for text in said if text)


def write(findings: Findings, path: Path) -> list[Path]:
    """Write every point of every curve as CSV, a row each."""
    data: Efficiencies = findings.data
    keys = list(data.curves[0].place)
    names = (
        *keys, "channels", "amplitude", "trials", "fired", "efficiency", "efficiency_low",
        "efficiency_high", "fitted", "latency_ms", "latency_low_ms", "latency_high_ms",
        "jitter_ms", "jitter_low_ms", "jitter_high_ms", "deterministic_latency_ms",
    )  # fmt: skip
    lines: list[list[Any]] = []
    for curve in data.curves:
        fitted = [""] * len(curve.amplitude) if curve.fit is None else curve.fit.at(curve.amplitude)
        for k, point in enumerate(curve.points):
            line: list[Any] = [*curve.place.values(), curve.n_channels, curve.amplitude[k]]
            line += [curve.trials[k], curve.fired[k]]
            line += [*_with_ends(point.responding), fitted[k]]
            line += [*_with_ends(point.mean_ms), *_with_ends(point.jitter_ms)]
            known = curve.deterministic_ms
            line.append(None if known is None or np.isnan(known[k]) else known[k])
            lines.append(["" if cell is None else cell for cell in line])
    return [write_csv(path.with_name(f"{path.name}.csv"), names, lines)]


def _with_ends(estimate: Estimate) -> list[float | None]:
    return [estimate.value, *(estimate.interval or (None, None))]


def _measured(
    survey: Survey, curve: Curve, axis: Axis, window: tuple[float, float]
) -> EfficiencyCurve:
    setup = survey.setups[curve.points[0]]
    windows = [window] * len(curve.points)
    made = pulse_responses(
        survey.result, curve.points, curve.x, windows, curve.place, n_noisy_channels(setup)
    )
    if made.bracket is None:
        return made
    fires_at = firing_at(setup, axis.key, axis.unit, window[0], window[0] + window[1])
    if fires_at is None:
        return made
    return replace(made, bracket=narrowed(made.bracket, fires_at, SHARP))


def _curve_numbers(curve: EfficiencyCurve) -> Numbers:
    fit = curve.fit
    numbers: Numbers = {
        "label": curve.label,
        "place": dict(curve.place),
        "n_channels": curve.n_channels,
        "trials": int(curve.trials.sum()),
        **named("threshold", Estimate(None) if fit is None else fit.threshold),
        **named("relative_spread", Estimate(None) if fit is None else fit.relative_spread),
        "deviance": None if fit is None else fit.deviance,
        "degrees": None if fit is None else fit.degrees,
        "fit_p": None if fit is None else _chance(fit.deviance, fit.degrees),
    }
    if fit is None:
        numbers["problem"] = curve.problem
    if curve.bracket is not None:
        numbers["deterministic_silent_at"] = curve.bracket.silent_at
        numbers["deterministic_fires_at"] = curve.bracket.fires_at
    points = [_point_numbers(curve, k) for k in range(len(curve.amplitude))]
    nearest = nearest_to_threshold(curve)
    if nearest is not None:
        numbers["near_threshold"] = points[nearest]
    return numbers | {"points": points}


def _point_numbers(curve: EfficiencyCurve, k: int) -> Numbers:
    point, alone = curve.points[k], curve.deterministic_ms
    return {
        "amplitude": float(curve.amplitude[k]),
        "trials": int(curve.trials[k]),
        "fired": int(curve.fired[k]),
        **named("efficiency", point.responding),
        **named("latency_ms", point.mean_ms),
        **named("jitter_ms", point.jitter_ms),
        "deterministic_latency_ms": None if alone is None else float(alone[k]),
    }


def _chance(deviance: float, degrees: int) -> float | None:
    """Probability that a curve of the right shape is off by as much; None with nothing to tell."""
    from scipy.special import gammaincc

    return float(gammaincc(degrees / 2.0, deviance / 2.0)) if degrees > 0 else None


def _deterministic_rows(curve: Numbers, place: str, in_unit: str) -> list[Row]:
    """One line where the bracket is narrow, two where the sweep only gives its ends."""
    if "deterministic_fires_at" not in curve:
        return []
    low, high = curve["deterministic_silent_at"], curve["deterministic_fires_at"]
    if None not in (low, high) and high - low <= SHARP * high:
        return [Row(f"deterministic threshold{in_unit}", f"{place}deterministic_fires_at")]
    return [
        Row(f"deterministic, still silent at{in_unit}", f"{place}deterministic_silent_at"),
        Row(f"deterministic, fires at{in_unit}", f"{place}deterministic_fires_at"),
    ]


def _bracket_of(curve: Numbers) -> tuple[float | None, float | None]:
    return curve.get("deterministic_silent_at"), curve.get("deterministic_fires_at")


def _bracket_says(low: float | None, high: float | None, unit: str) -> str:
    if low is None and high is None:
        return ""
    begins = "The deterministic membrane begins to fire"
    if high is None:
        return f"{begins} above {low:g} {unit}".rstrip() + "."
    if low is None:
        return f"{begins} below {high:g} {unit}".rstrip() + "."
    if high - low <= SHARP * high:
        return f"{begins} at {high:.5g} {unit}".rstrip() + "."
    return f"{begins} between {low:g} and {high:g} {unit}".rstrip() + "."


def _curve_says(curve: Numbers, unit: str, several: bool) -> str:
    low, high = curve["relative_spread_ci"]
    text = f"Half of the pulses fire at {curve['threshold']:.4g} {unit}".rstrip()
    text += f", with a relative spread of {100 * curve['relative_spread']:.3g} %"
    if high is not None:
        text += f" ({100 * (low or 0.0):.3g} to {100 * high:.3g} %)"
    return f"{curve['label']}: {text[0].lower()}{text[1:]}." if several else f"{text}."


STUDY = Study("Firing efficiency", compute, draw, rows, write, says)
