"""Voltage clamp: the command a scenario gives instead of letting the membrane move freely."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from stochhh.fields import Duration, Table, Time, Voltage
from stochhh.scenario.paths import PathText
from stochhh.units import TIME, parse


class HoldStep(Table):
    """A voltage held for a while."""

    kind: Literal["step"] = "step"
    level_mV: Voltage = Field(alias="level")
    duration_ms: Duration = Field(alias="duration")


class VoltageRamp(Table):
    """A voltage that changes linearly; followed exactly, not in stairs."""

    kind: Literal["ramp"] = "ramp"
    initial_mV: Voltage = Field(alias="from")
    final_mV: Voltage = Field(alias="to")
    duration_ms: Duration = Field(alias="duration")


class VoltageWaveform(Table):
    """A recorded voltage, straight between its samples.

    `path` is a CSV file whose header names a time and a voltage with their units,
    as in ``time (ms),voltage (mV)``, or a result of stochhh (``result.nc`` or its
    folder), of which one `trial` is taken, or the deterministic course if `trial`
    is ``"deterministic"``. It begins where the segment before it ends, at its first
    sample, whatever time that has; a stimulus from a file keeps the times of its file.
    """

    kind: Literal["waveform"] = "waveform"
    path: PathText
    trial: Annotated[StrictInt, Field(ge=0)] | Literal["deterministic"] = 0


Segment = Annotated[HoldStep | VoltageRamp | VoltageWaveform, Field(discriminator="kind")]


class VoltageClamp(Table):
    """A command voltage: `holding`, then the segments one after another, then `holding` again."""

    holding_mV: Voltage = Field(alias="holding", description="channels start in equilibrium here")
    start_ms: Time = Field(
        parse("0 ms", TIME), alias="start", description="when the first segment begins"
    )
    segment: tuple[Segment, ...] = Field((), max_length=10_000)
    leak: StrictBool = Field(False, description="count the leak in the total current")
    capacitance: StrictBool = Field(
        False, description="count the capacitive current of ramps in the total current"
    )
