"""Settings of studies of channels: their noise, its spectrum, single channels, dwell times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from stochhh.fields import Duration, Frequency, Quantity, Time
from stochhh.scenario.studies.common import PopulationName, StretchOfTime
from stochhh.units import DURATION, FREQUENCY, Amount, Kind, parse

_CURRENT_RMS = Kind("a current", ("pA",), "0.2 pA", 0.0)

CurrentRMS = Annotated[Amount, Quantity(_CURRENT_RMS)]


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
