"""Settings of studies of excitability: firing efficiency, strength-duration, refractoriness."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt

from stochhh.fields import Current, Duration, Time
from stochhh.scenario.studies.common import AlongAxis, AlongSweep


class FiringEfficiencyStudy(AlongAxis):
    """Share of pulses that make a spike against their amplitude: threshold, relative spread."""

    onset_ms: Time | None = Field(
        None, alias="onset", description="of the pulse; by default that of the swept stimulus"
    )
    within_ms: Duration | None = Field(
        None,
        alias="within",
        description="spikes so soon after the onset count; by default to the end of the trial",
    )


class StrengthDurationStudy(AlongAxis):
    """Threshold against the duration of a pulse: rheobase, chronaxie."""

    within_ms: Duration | None = Field(
        None,
        alias="within",
        description="spikes so soon after the pulse begins count; by default to the trial's end",
    )
    law: Literal["lapicque", "weiss"] = Field(
        "lapicque", description="of a leaky capacitor, or of a charge linear in duration"
    )


class RefractorinessStudy(AlongAxis):
    """Probability of a second spike against the time since the first pulse."""

    first_ms: Time | None = Field(
        None, alias="first", description="start of the first pulse; by default of the earliest"
    )
    within_ms: Duration | None = Field(
        None,
        alias="within",
        description="spikes so soon after the second pulse begins count; by default as soon as "
        "every trial allows",
    )
    threshold: Current | None = Field(
        None, description="of a single pulse; by default that of the longest interval"
    )
    relative_spread: Annotated[StrictFloat, Field(gt=0, lt=10)] | None = Field(
        None, description="of that threshold; by default that of the longest interval"
    )
    longest_ms: Duration | None = Field(
        None,
        alias="longest",
        description="the law of recovery is fitted up to this interval; by default to all, which "
        "is wrong for a membrane with a supernormal phase",
    )


class PhaseLockingStudy(AlongSweep):
    """Vector strength of spikes under a pulse train or a sine."""

    start_ms: Time | None = Field(
        None, alias="start", description="whole periods from here on count; by default all"
    )
    period_ms: Duration | None = Field(
        None, alias="period", description="by default that of the only pulse train or sine"
    )
    bins: Annotated[StrictInt, Field(ge=4, le=360)] = Field(
        20, description="of the period histogram"
    )
