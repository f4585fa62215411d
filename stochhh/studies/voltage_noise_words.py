"""What the study `voltage_spectrum` says of its numbers: rows of its table, and the finding."""

from __future__ import annotations

from collections.abc import Sequence

from stochhh.analysis.axes import value_label
from stochhh.studies.study import Numbers, Row

_CLOSE = 0.1  # relative deviation of the SD that is called agreement


def rows(numbers: Numbers) -> Sequence[Row]:
    """Lines of its table."""
    curves, unit = numbers["curves"], numbers["unit"]
    if sum(len(curve["points"]) for curve in curves) == 1:
        return _rows_of_one(numbers, "curves.0.points.0.")
    lines = []
    for c, curve in enumerate(curves):
        if curve["label"]:
            lines.append(Row(curve["label"]))
        peaks: dict[float, Row] = {}
        for p, point in enumerate(curve["points"]):
            place, at = f"curves.{c}.points.{p}.", _at(point, numbers)
            lines.append(Row(f"SD{at} ({unit})", f"{place}sd"))
            if not numbers["axis"]:
                lines.append(Row(f"variance ({unit}²)", f"{place}variance"))
            if point["peak_hz"] is not None:
                peaks[point["x"]] = Row(f"peak of its power{at} (Hz)", f"{place}peak_hz")
        ends = [*peaks][:1] + [*peaks][-1:]
        lines += [row for x, row in peaks.items() if x in ends or x == 0.0]  # 0: at rest
    return lines


def says(numbers: Numbers) -> str:
    """Say how large the noise is, whose, where it peaks, and how it changes along the axis."""
    curves = [
        (curve, [point for point in curve["points"] if point["sd"]]) for curve in numbers["curves"]
    ]
    known = [point for _, points in curves for point in points]
    texts = []
    if known and not numbers["axis"]:
        alone = [(curve, points[0]) for curve, points in curves if points]
        texts += [_one_says(curve, point, alone[0][1], numbers) for curve, point in alone]
    elif known:
        texts += [_curve_says(curve, points, numbers) for curve, points in curves if points]
    texts.append(_theory_says(known))
    every = [point for curve in numbers["curves"] for point in curve["points"]]
    lost = [point["trials_with_spikes"] for point in every if point["trials_with_spikes"]]
    if lost:
        where = f" at {len(lost)} of {len(every)} points" if len(every) > 1 else ""
        texts.append(
            f"Trials with spikes were left out{where}, {max(lost)} of {numbers['trials']} at most."
        )
    return " ".join(text for text in texts if text)


def _rows_of_one(numbers: Numbers, place: str) -> Sequence[Row]:
    unit, point = numbers["unit"], numbers["curves"][0]["points"][0]
    trials = f"{point['trials'] - point['trials_with_spikes']} trials"
    lines = [
        Row(f"mean of the {numbers['quantity']} ({unit}), {trials}", f"{place}mean"),
        Row(f"SD ({unit})", f"{place}sd"),
        Row(f"variance ({unit}²)", f"{place}variance"),
    ]
    for k, part in enumerate(point["parts"]):
        lines.append(Row(f"… from the noise of {part['population']}", f"{place}parts.{k}.variance"))
    return [*lines, Row("its power peaks at (Hz)", f"{place}peak_hz")]


def _at(point: Numbers, numbers: Numbers) -> str:
    if not numbers["axis"]:
        return ""
    value = f"{point['x']:g} {numbers['axis_unit']}".replace("-", "−").strip()
    return f" at {value_label(value)}"


def _one_says(curve: Numbers, point: Numbers, first: Numbers, numbers: Numbers) -> str:
    if point is not first:
        ratio = 100 * point["variance"] / first["variance"]
        return f"With {curve['label']} its variance is {ratio:.0f} % of that{_peak_says(point)}."
    text = f"the {numbers['quantity']} fluctuates with an SD of {point['sd']:.3g} {numbers['unit']}"
    text += _share_says(point) + _peak_says(point)
    return f"With {curve['label']}, {text}." if curve["label"] else f"{text[0].upper()}{text[1:]}."


def _curve_says(curve: Numbers, points: Sequence[Numbers], numbers: Numbers) -> str:
    first, last = points[0], points[-1]
    unit = numbers["unit"]
    if numbers["curves"][0] is not curve:
        sizes = f"{first['sd']:.3g}" + (f" and {last['sd']:.3g}" if last is not first else "")
        return f"With {curve['label']} it is {sizes} {unit}{_peak_says(last)}."
    place = f" with {curve['label']}" if curve["label"] else ""
    text = f"The {numbers['quantity']} fluctuates with an SD of {first['sd']:.3g} {unit}"
    text += f"{_at(first, numbers)}{place}"
    if last is first:
        return f"{text}{_share_says(first)}{_peak_says(last)}."
    text += f"{_share_says(first)}, and of {last['sd']:.3g} {unit}{_at(last, numbers)}"
    return f"{text}{_peak_says(last)}."


def _share_says(point: Numbers) -> str:
    parts = [part for part in point["parts"] if part["share_theory"]]
    if len(parts) < 2:
        return ""
    largest = max(parts, key=lambda part: float(part["share_theory"]))
    share = 100 * largest["share_theory"]
    return f", {share:.0f} % of its variance from {largest['population']} by linear theory"


def _peak_says(point: Numbers) -> str:
    if point["peak_hz"] is None:
        return ""
    expected = point["peak_hz_theory"]
    theory = "" if expected is None else f" (theory {expected:.3g} Hz)"
    return f"; its power peaks at {point['peak_hz']:.3g} Hz{theory}"


def _theory_says(points: Sequence[Numbers]) -> str:
    """Where linear theory holds, and where not."""
    away = [abs(point["sd"] / point["sd_theory"] - 1.0) for point in points if point["sd_theory"]]
    unstable = sum(point["sd_theory"] is None for point in points)
    texts = []
    if away:
        worst = 100 * max(away)
        held = sum(one <= _CLOSE for one in away)
        texts.append(
            f"Linear theory is within {worst:.2g} %{' everywhere' if len(away) > 1 else ''}."
            if held == len(away)
            else f"Linear theory is within 10 % at {held} of {len(away)} points, off by "
            f"{worst:.2g} % at worst: there the noise is too large for it."
        )
    if unstable:
        texts.append(f"At {unstable} points the steady voltage is unstable and has no such noise.")
    return " ".join(texts)
