"""Settings that many studies have."""

from __future__ import annotations

from pydantic import Field

from stochhh.fields import Name, Table, Time

PopulationName = Name
SweptKey = Name


class StretchOfTime(Table):
    """The part of each trial that a study looks at."""

    start_ms: Time | None = Field(
        None, alias="start", description="by default that of the longest stretch at one voltage"
    )
    end_ms: Time | None = Field(
        None, alias="end", description="by default that of the longest stretch at one voltage"
    )


class PartOfTrial(StretchOfTime):
    """The part of each trial whose spikes, or voltage, a study looks at."""

    start_ms: Time | None = Field(None, alias="start", description="by default that of the trial")
    end_ms: Time | None = Field(None, alias="end", description="by default that of the trial")


class AlongAxis(Table):
    """A study of all points of a sweep together, as curves along one of its axes."""

    axis: SweptKey | None = Field(
        None, description="swept key that curves run along; by default the one the study is about"
    )


class AlongSweep(PartOfTrial, AlongAxis):
    """Such a study of a part of each trial."""
