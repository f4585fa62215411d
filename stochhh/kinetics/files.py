"""Scheme files: one TOML file a channel, from the library or from the user.

A scheme is written either as gates (``[[gate]]``) or state by state
(``[[state]]``, ``[rates.<name>]``, ``[[transition]]``).
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, StrictStr, model_validator

from stochhh.errors import InputError, did_you_mean
from stochhh.fields import (
    ONE_LINE,
    BindingRate,
    Format,
    KeyName,
    Name,
    Rate,
    Table,
    Temperature,
    Voltage,
    read_toml,
    validate,
)
from stochhh.kinetics.rates import RateLaw
from stochhh.kinetics.scheme import ChannelScheme, Gate, Transition, expand_gates
from stochhh.units import TEMPERATURE, parse
from stochhh.words import printable

_Name = Annotated[StrictStr, Field(min_length=1, max_length=60), ONE_LINE]
_Power = Annotated[StrictInt, Field(ge=1, le=12)]
_MOST_STATES = 2000


class _Curve(Table):
    rate_per_ms: Rate = Field(alias="rate")
    midpoint_mV: Voltage = Field(alias="midpoint")
    scale_mV: Voltage = Field(alias="scale")

    @model_validator(mode="after")
    def _has_slope(self) -> Self:
        if abs(self.scale_mV) < 0.01:
            raise InputError(f'scale = "{self.scale_mV.text}" is too steep; need 0.01 mV or more')
        return self

    def law_data(self) -> RateLaw:
        """Build the rate law."""
        law: str = self.law  # type: ignore[attr-defined]
        return RateLaw(law, float(self.rate_per_ms), float(self.midpoint_mV), float(self.scale_mV))


class ExponentialRate(_Curve):
    """``rate exp(x)``, x = (V - midpoint) / scale."""

    law: Literal["exponential"] = "exponential"


class SigmoidRate(_Curve):
    """``rate / (1 + exp(-x))``."""

    law: Literal["sigmoid"] = "sigmoid"


class LinoidRate(_Curve):
    """``rate x / (1 - exp(-x))``."""

    law: Literal["linoid"] = "linoid"


class ConstantRate(Table):
    """The same at every voltage."""

    law: Literal["constant"] = "constant"
    rate_per_ms: Rate = Field(alias="rate")

    def law_data(self) -> RateLaw:
        """Build the rate law."""
        return RateLaw(self.law, float(self.rate_per_ms))


class TableRate(Table):
    """Monotone-cubic interpolation of measured ``[V, rate]`` points."""

    law: Literal["table"] = "table"
    points: tuple[tuple[Voltage, Rate], ...] = Field(min_length=2, max_length=10_000)

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        voltages = [voltage for voltage, _ in self.points]
        for before, after in pairwise(voltages):
            if after <= before:
                raise InputError(
                    f'points: voltages must increase, but "{after.text}" follows "{before.text}"'
                )
        return self

    def law_data(self) -> RateLaw:
        """Build the rate law."""
        return RateLaw(self.law, points=tuple((float(v), float(rate)) for v, rate in self.points))


class LigandRate(Table):
    """``rate`` times the concentration of `ligand`."""

    law: Literal["binding"] = "binding"
    rate_per_mM_ms: BindingRate = Field(alias="rate")
    ligand: _Name

    def law_data(self) -> RateLaw:
        """Build the rate law."""
        return RateLaw(self.law, float(self.rate_per_mM_ms), ligand=self.ligand)


AnyRate = Annotated[
    ExponentialRate | SigmoidRate | LinoidRate | ConstantRate | TableRate | LigandRate,
    Field(discriminator="law"),
]


class GateTable(Table):
    """Identical, independent gates of one kind."""

    name: Annotated[StrictStr, Field(pattern="^[A-Za-z]+$", max_length=20)]
    power: _Power
    opening: AnyRate
    closing: AnyRate


class StateTable(Table):
    """A state; `conductance` is its share of the open channel's."""

    name: _Name
    conductance: Annotated[StrictFloat, Field(ge=0, le=1)] = 0.0


class TransitionTable(Table):
    """An arrow from one state to another."""

    source: _Name = Field(alias="from")
    target: _Name = Field(alias="to")
    rate: _Name
    multiplicity: Annotated[StrictInt, Field(ge=1, le=1000)] = 1


class SchemeFile(Table):
    """A channel type as a file (format 1)."""

    format: Format
    title: Name
    ion: _Name
    valence: Annotated[StrictInt, Field(ge=-4, le=4)] = 1
    temperature_degC: Temperature = Field(parse("6.3 degC", TEMPERATURE), alias="temperature")
    q10: Annotated[StrictFloat, Field(ge=0.01, le=100)] = 1.0
    cite: tuple[Annotated[StrictStr, ONE_LINE], ...] = ()
    gate: tuple[GateTable, ...] = Field((), max_length=10)
    state: tuple[StateTable, ...] = Field((), max_length=_MOST_STATES)
    rates: dict[KeyName, AnyRate] = Field({})
    transition: tuple[TransitionTable, ...] = Field((), max_length=20_000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.valence == 0:
            raise InputError("valence: got 0, need the charge number of the ion, such as 1")
        if bool(self.gate) == bool(self.state):
            raise InputError("need either [[gate]] tables or [[state]] tables, one of the two")
        if self.gate:
            if self.rates or self.transition:
                raise InputError("[rates] and [[transition]] go with [[state]], not with [[gate]]")
            _refuse_twice("gate", [gate.name for gate in self.gate])
            size = 1
            for gate in self.gate:
                size *= gate.power + 1
            if size > _MOST_STATES:
                raise InputError(
                    f"the gates make {size} states; at most {_MOST_STATES} are allowed"
                )
            return self
        states = [state.name for state in self.state]
        _refuse_twice("state", states)
        if not any(state.conductance > 0 for state in self.state):
            raise InputError("no state conducts; give the open one conductance = 1")
        for index, arrow in enumerate(self.transition):
            where = f"transition[{index}]"
            for end, name in (("from", arrow.source), ("to", arrow.target)):
                if name not in states:
                    raise InputError(
                        f"{where}.{end}: unknown state '{name}'; {did_you_mean(name, states)}"
                    )
            if arrow.source == arrow.target:
                raise InputError(f"{where}: goes from '{arrow.source}' to itself")
            if arrow.rate not in self.rates:
                raise InputError(
                    f"{where}.rate: unknown rate '{arrow.rate}'; "
                    f"{did_you_mean(arrow.rate, self.rates)}"
                )
        unused = set(self.rates) - {arrow.rate for arrow in self.transition}
        if unused:
            raise InputError(f"rates.{min(unused)}: used by no transition")
        return self

    def scheme(self, name: str) -> ChannelScheme:
        """Build the scheme."""
        if self.gate:
            gates = tuple(
                Gate(gate.name, gate.power, 2 * index, 2 * index + 1)
                for index, gate in enumerate(self.gate)
            )
            rate_names = tuple(
                f"{kind}_{gate.name}" for gate in self.gate for kind in ("alpha", "beta")
            )
            rates = tuple(
                rate.law_data() for gate in self.gate for rate in (gate.opening, gate.closing)
            )
            states, conducting, transitions = expand_gates(gates)
        else:
            gates = ()
            rate_names = tuple(self.rates)
            rates = tuple(rate.law_data() for rate in self.rates.values())
            states = tuple(state.name for state in self.state)
            conducting = tuple(state.conductance for state in self.state)
            transitions = tuple(
                Transition(
                    states.index(arrow.source),
                    states.index(arrow.target),
                    arrow.multiplicity,
                    rate_names.index(arrow.rate),
                )
                for arrow in self.transition
            )
        return ChannelScheme(
            name=name,
            title=self.title,
            ion=self.ion,
            valence=self.valence,
            states=states,
            relative_conductance=conducting,
            rate_names=rate_names,
            rates=rates,
            transitions=transitions,
            gates=gates,
            temperature_degC=float(self.temperature_degC),
            q10=self.q10,
            cite=self.cite,
        )


def library_schemes() -> list[str]:
    """Names of the schemes that come with the package."""
    folder = files("stochhh") / "kinetics" / "library"
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def load_scheme(name: str) -> ChannelScheme:
    """Load a scheme by its name in the library, or from a file by its path.

    Raises
    ------
    InputError
        No such scheme, or a file that is not a valid one.
    """
    if name.endswith(".toml"):
        return _read_scheme(Path(name))
    if name in library_schemes():
        return _from_library(name)
    raise InputError(
        f"unknown scheme '{printable(name)}'; {did_you_mean(name, library_schemes())}, "
        "or give the path of a .toml file"
    )


def is_scheme(name: str) -> bool:
    """Whether a name or path is that of a scheme: in the library, or a file with its tables."""
    if not name.endswith(".toml"):
        return name in library_schemes()
    return os.path.isfile(name) and bool({"gate", "state"} & set(read_toml(Path(name))))


@cache
def _from_library(name: str) -> ChannelScheme:
    return _read_scheme(Path(str(files("stochhh") / "kinetics" / "library" / f"{name}.toml")))


def _read_scheme(path: Path) -> ChannelScheme:
    return validate(SchemeFile, read_toml(path), str(path)).scheme(printable(path.stem))


def _refuse_twice(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{what} '{name}' is listed twice")
