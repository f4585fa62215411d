"""Settings of the studies of circuits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictFloat

from stochhh.fields import Duration, Name, Table, Time
from stochhh.units import DURATION, parse


class PropagationStudy(Table):
    """Impulses along a cell: velocity, scatter of arrival times, and what went wrong."""

    cell: Name | None = Field(None, description="the first by default")
    evoked_ms: tuple[Time, ...] | None = Field(
        None,
        alias="evoked",
        max_length=10_000,
        description="when impulses are started; the stimuli's times by default",
    )
    window_ms: Duration = Field(
        parse("5 ms", DURATION),
        alias="window",
        description="an evoked one begins within it after its stimulus",
    )
    split_ms: Duration = Field(
        parse("5 ms", DURATION),
        alias="split",
        description="one that begins where another passed not longer ago is split off it",
    )
    reach: Annotated[StrictFloat, Field(gt=0, le=1)] = Field(
        0.15, description="an evoked one begins within this part of the way from the stimulus"
    )


class QuantalStudy(Table):
    """Vesicles released by spikes, counted in the ways of del Castillo & Katz."""

    synapse: Name | None = Field(None, description="the first by default")
    window_ms: Duration = Field(
        parse("5 ms", DURATION), alias="window", description="a response peaks within it"
    )


class TwitchStudy(Table):
    """Force of a muscle fibre: each of its impulses adds a twitch."""

    cell: Name | None = Field(None, description="the last by default")
    contraction_ms: Duration = Field(
        parse("40 ms", DURATION), alias="contraction", description="until a twitch peaks"
    )
    delay_ms: Time | None = Field(None, alias="delay", description="from impulse to force")
