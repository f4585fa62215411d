"""The `[analysis]` tables of a scenario: how spikes are found, and which studies to make.

A study is made of a run when its table stands in the scenario, empty or not; `false`
in its place leaves out one that the base asks for. What a table leaves out is worked
out from the protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, StrictBool, StrictInt, StrictStr, model_validator
from pydantic_core import CoreSchema, core_schema

from stochhh.errors import InputError
from stochhh.fields import Duration, Frequency, Quantity, Table, Time, Voltage
from stochhh.units import DURATION, FREQUENCY, VOLTAGE, Amount, Kind, parse

_CURRENT_RMS = Kind("a current", ("pA",), "0.2 pA", 0.0)

PopulationName = Annotated[StrictStr, Field(min_length=1, max_length=200)]
CurrentRMS = Annotated[Amount, Quantity(_CURRENT_RMS)]


class SpikeDetection(Table):
    """A spike is an upward crossing of `threshold` after the voltage was below `rearm`."""

    threshold_mV: Voltage = Field(parse("0 mV", VOLTAGE), alias="threshold")
    rearm_mV: Voltage = Field(parse("-30 mV", VOLTAGE), alias="rearm")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.rearm_mV >= self.threshold_mV:
            raise InputError(
                f'rearm = "{self.rearm_mV.text}" must lie below '
                f'threshold = "{self.threshold_mV.text}"'
            )
        return self


class StretchOfTime(Table):
    """The part of each trial that a study looks at."""

    start_ms: Time | None = Field(
        None, alias="start", description="by default that of the longest stretch at one voltage"
    )
    end_ms: Time | None = Field(
        None, alias="end", description="by default that of the longest stretch at one voltage"
    )


class NoiseStudy(StretchOfTime):
    """Variance of the current over sweeps against its mean: channels counted by their noise."""

    population: PopulationName | None = Field(
        None, description="whose current; by default the only one's"
    )
    differences: StrictBool = Field(
        False, description="variance from differences of successive sweeps, against slow drift"
    )
    offset: StrictBool = Field(False, description="fit a constant background variance too")
    bins: Annotated[StrictInt, Field(ge=3, le=1000)] = Field(
        40, description="bins of the mean current that the parabola is fitted to"
    )


class SpectrumStudy(StretchOfTime):
    """Power spectrum of a stationary current or open count, beside that of theory."""

    populations: tuple[PopulationName, ...] = Field(
        (), max_length=20, description="one by one; by default the clamp current, all in one"
    )
    quantity: Literal["current", "open"] = "current"
    segment_ms: Duration | None = Field(
        None,
        alias="segment",
        description="of Welch's method; its inverse is the resolution; by default 1/8 of a trial",
    )
    lowest_per_ms: Frequency | None = Field(
        None, alias="lowest", description="first octave band begins here; 1/segment by default"
    )
    highest_per_ms: Frequency | None = Field(
        None, alias="highest", description="by default half the sampling frequency"
    )


class DwellTimeStudy(StretchOfTime):
    """Open and shut times of single channels, beside their laws; bursts and first latencies."""

    population: PopulationName | None = Field(
        None, description="whose channels; by default the only one followed"
    )
    critical_gap_ms: Duration | None = Field(
        None, alias="critical_gap", description="longer shut times end a burst; without it none"
    )
    latency_from_ms: Time | None = Field(
        None,
        alias="latency_from",
        description="first latencies count from here; by default from the first step if any",
    )
    bins_per_decade: Annotated[StrictInt, Field(ge=2, le=50)] = 10


class SingleChannelStudy(StretchOfTime):
    """Tagged channels as an amplifier records them, over what they did; and files of it."""

    start_ms: Time | None = Field(None, alias="start", description="by default that of the trial")
    end_ms: Time | None = Field(None, alias="end", description="by default that of the trial")
    population: PopulationName | None = Field(
        None, description="whose channels; by default the only one followed"
    )
    channels: Annotated[StrictInt, Field(ge=1, le=10**6)] | Literal["all"] = Field(
        1, description="how many followed channels are under the electrode together"
    )
    sweeps: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(
        3, description="how many trials are recorded, from the first on"
    )
    corner_per_ms: Frequency = Field(
        parse("5 kHz", FREQUENCY), alias="corner", description="-3 dB of the Bessel filter"
    )
    poles: Literal[4, 8] = 8
    interval_ms: Duration = Field(
        parse("0.02 ms", DURATION), alias="interval", description="between samples"
    )
    noise_rms_pA: CurrentRMS = Field(
        parse("0 pA", _CURRENT_RMS), alias="noise", description="root mean square after the filter"
    )


@dataclass(frozen=True)
class OrFalse:
    """Pydantic annotation: `false` stands for a table that is not there."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: None if value is False else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"const": False}]}


class Analysis(Table):
    """What to compute from a run: spikes always, and every study whose table is there."""

    spikes: SpikeDetection = SpikeDetection()
    noise: Annotated[NoiseStudy | None, OrFalse()] = None
    spectrum: Annotated[SpectrumStudy | None, OrFalse()] = None
    dwell_times: Annotated[DwellTimeStudy | None, OrFalse()] = None
    single_channel: Annotated[SingleChannelStudy | None, OrFalse()] = None

    @property
    def studies(self) -> dict[str, Table]:
        """Settings of each study asked for, by its name."""
        named = {name: getattr(self, name) for name in STUDY_NAMES}
        return {name: table for name, table in named.items() if table is not None}


#: Every study there is, in the order in which they are made.
STUDY_NAMES = tuple(name for name in Analysis.model_fields if name != "spikes")
