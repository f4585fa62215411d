"""Quantities with units in, floats of the internal units out.

Inside stochhh a number is always in mV, ms, µm, µm², pF, nS, pA, 1/ms or mM;
these are consistent (nS·mV = pA, pA·ms/pF = mV). This is the only module that
converts. `parse` turns ``"100 um^2"`` into an `Amount`, a float that remembers
how it was written, so that a resolved scenario reads as its author wrote it.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from stochhh.errors import InputError
from stochhh.words import hidden_in, said_value

_NUMBER_THEN_UNIT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\D.*?)\s*")
#: Words with at most a one-digit power, so that no text makes pint work out a tower of powers.
_UNIT = re.compile(
    r"(?:\s*(?:(?:°?[^\W\d]++|\))(?:\s*(?:\^|\*\*)\s*-?[0-9](?!\d)|⁻?[¹²³⁴⁵⁶⁷⁸⁹])?"
    r"|[*/·(]|1(?=\s*/)))++\s*"
)
_LENGTH_POWER = re.compile(r"(?<![^\W\d])([cmunµμ]?m)([23])(?!\w)")  # um2, which shells leave alone
_MICRO = re.compile(r"(?<![\w.\-])u(?=(?:m|s|A|F|M|S|V)(?![A-Za-z.\-_]))")
_POWER = re.compile(r"(?<=[A-Za-z])(?:\^|\*\*)([23])(?!\d)")
_LONGEST_TEXT = 80
_TURNS = ("turn", "revolutions_per_minute", "revolutions_per_second")


@dataclass(frozen=True)
class Kind:
    """A physical kind a scenario key can ask for.

    Attributes
    ----------
    what : how messages name it, with its article ("an area").
    units : internal units it may be given in, the first the usual one. A kind
        with two units may be written per area or absolute.
    example : a well-formed value.
    minimum : smallest value allowed, or None.
    strict : whether the minimum itself is excluded.
    maximum : largest value allowed, or None.
    """

    what: str
    units: tuple[str, ...]
    example: str
    minimum: float | None = None
    strict: bool = False
    maximum: float | None = None


AREA = Kind("an area", ("um^2",), "100 um^2", 0.0, strict=True)
CAPACITANCE = Kind("a capacitance", ("pF/um^2", "pF"), "1 uF/cm^2", 0.0, strict=True)
CONCENTRATION = Kind("a concentration", ("mM",), "1 mM", 0.0)
CONDUCTANCE = Kind("a conductance", ("nS",), "20 pS", 0.0, strict=True)
CURRENT = Kind("a current", ("pA/um^2", "pA"), "10 uA/cm^2")
CURRENT_SD = Kind("a current", ("pA/um^2", "pA"), "2 uA/cm^2", 0.0)
DENSITY = Kind("a number per area", ("1/um^2",), "60 / um^2", 0.0)
DISTANCE = Kind("a distance", ("um",), "120 um", 0.0)
DURATION = Kind("a time above zero", ("ms",), "500 ms", 0.0, strict=True)
FREQUENCY = Kind("a frequency", ("1/ms",), "50 Hz", 0.0, strict=True)
LEAK = Kind("a conductance", ("nS/um^2", "nS"), "0.3 mS/cm^2", 0.0)
LENGTH = Kind("a length", ("um",), "20 um", 1e-6, maximum=1e9)
MAXIMAL_CONDUCTANCE = Kind("a conductance", ("nS/um^2", "nS"), "120 mS/cm^2", 0.0, strict=True)
RATE = Kind("a rate", ("1/ms",), "4 / ms", 0.0)
EVENT_RATE = Kind("a rate", ("1/ms", "1/ms/um", "1/ms/um^2"), "100 Hz", 0.0)
RESISTIVITY = Kind("a resistivity", ("ohm cm",), "35.4 ohm cm", 0.0, strict=True)
BINDING_RATE = Kind("a binding rate", ("1/(mM ms)",), "5 / (mM ms)", 0.0)
TEMPERATURE = Kind("a temperature", ("degC",), "6.3 degC", -273.15, strict=True, maximum=100.0)
SETTLE = Kind("a time", ("ms",), "20 ms", 0.0, maximum=1e6)
TIME = Kind("a time", ("ms",), "100 ms", 0.0)
VOLTAGE = Kind("a voltage", ("mV",), "-65 mV")
VOLTAGE_STEP = Kind("a voltage above zero", ("mV",), "0.25 mV", 0.0, strict=True)


class Amount(float):
    """A float in an internal unit that remembers its unit and its source text."""

    __slots__ = ("text", "unit")
    text: str
    unit: str

    def __new__(cls, value: float, unit: str, text: str) -> Amount:
        """Take a value in an internal unit and the text it was read from."""
        amount = super().__new__(cls, value)
        amount.unit = unit
        amount.text = text
        return amount

    def __reduce__(self) -> tuple[Any, ...]:
        return (Amount, (float(self), self.unit, self.text))

    @property
    def per_area(self) -> bool:
        """Whether the amount was written per area of membrane."""
        return self.unit.endswith("/um^2")

    def absolute(self, area_um2: float) -> float:
        """Value for a membrane of the given area (µm²), per-area amounts multiplied out."""
        return float(self) * area_um2 if self.per_area else float(self)


def parse(value: object, kind: Kind) -> Amount:
    """Read a quantity with its unit.

    Parameters
    ----------
    value : text such as ``"100 um^2"``, or an `Amount` already read.
    kind : the physical kind needed.

    Returns
    -------
    Amount
        The value in the internal unit of `kind` that fits what was written.

    Raises
    ------
    InputError
        Not text, no unit, a unit of another kind, not finite, or out of range.
        The message has no key in it; the caller knows which key it was.
    """
    if isinstance(value, Amount) and value.unit in kind.units:
        return _in_range(value, kind)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InputError(
            f"got {said_value(value)}, need {kind.what} such as {_quoted(kind.example)}"
        )
    if not isinstance(value, str):
        raise InputError(
            f"got the bare number {said_value(value)}, need {kind.what} with its unit, "
            f"such as {_quoted(kind.example)}"
        )
    match = _NUMBER_THEN_UNIT.fullmatch(value) if len(value) <= _LONGEST_TEXT else None
    if match is None:
        shown = value if len(value) <= _LONGEST_TEXT else value[:40] + "…"
        raise InputError(
            f"got {_quoted(shown)}, need {kind.what}: a number and its unit, "
            f"such as {_quoted(kind.example)}"
        )
    number, unit_text = float(match.group(1)), match.group(2)
    for unit in () if hidden_in(value, kept="\t") else kind.units:
        converted = _convert(number, unit_text, unit)
        if converted is not None:
            return _in_range(Amount(converted, unit, value.strip()), kind)
    raise InputError(
        f"got {_quoted(value)}, which is not {kind.what}; write it as in {_quoted(kind.example)}"
    )


def pretty(text: str) -> str:
    """Write the units in a text as papers do: "5 uA/cm^2" as "5 µA/cm²"."""
    text = _POWER.sub(lambda found: "²³"[int(found[1]) - 2], _LENGTH_POWER.sub(r"\1^\2", text))
    return _MICRO.sub("µ", text).replace("degC", "°C")


def _in_range(amount: Amount, kind: Kind) -> Amount:
    if abs(amount) > 1e300 or amount != amount:
        raise InputError(f"got {_quoted(amount.text)}, which is not a finite number")
    low, high = kind.minimum, kind.maximum
    if low is not None and (amount < low or (kind.strict and amount == low)):
        bound = f" {'above' if kind.strict else 'at least'} {low:g} {kind.units[0]}"
        if kind.what.endswith("above zero"):  # said already
            bound = ""
    elif high is not None and amount > high:
        bound = f" at most {high:g} {kind.units[0]}"
    else:
        return amount
    raise InputError(
        f"got {_quoted(amount.text)}, need {kind.what}{bound}, such as {_quoted(kind.example)}"
    )


@lru_cache(maxsize=10_000)  # a sweep writes the same amounts at every point
def _convert(number: float, unit_text: str, unit: str) -> float | None:
    """Convert to an internal unit; None where the unit is unknown or of another kind."""
    unit_text = _LENGTH_POWER.sub(r"\1^\2", unit_text)
    if not _UNIT.fullmatch(unit_text):
        return None
    registry = _registry()
    text = "1" + unit_text if unit_text.startswith("/") else unit_text
    try:
        written = registry.parse_units(text)
        converted = float(registry.Quantity(number, written).to(unit).magnitude)
        angle = registry.get_base_units(written)[1]._units["radian"]
    except Exception:  # pint lets through whatever Python's tokenizer and operators raise
        return None
    if angle == 0:
        return converted
    # a cycle, of 2 pi radian, is one event where something is counted; other angles are not
    turns = sum(power for name, power in written._units.items() if name in _TURNS)
    return converted / (2 * math.pi) if unit == "1/ms" and turns == angle == 1 else None


@cache
def _registry() -> Any:
    import pint

    try:  # pint keeps what it has read in the user's cache: a tenth of the time
        return pint.UnitRegistry(cache_folder=":auto:")
    except Exception:  # no place for one, or another process is just writing it
        return pint.UnitRegistry()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
