"""Settings of studies of firing against current and area."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from stochhh.fields import Area, Frequency, Time
from stochhh.scenario.studies.common import AlongSweep


class TuningStudy(AlongSweep):
    """Firing rate and first-spike latency against current, beside the deterministic ones."""

    start_ms: Time | None = Field(
        None, alias="start", description="of the current; by default that of the swept stimulus"
    )
    end_ms: Time | None = Field(
        None, alias="end", description="of the current; by default that of the swept stimulus"
    )
    settle_ms: Time | None = Field(
        None,
        alias="settle",
        description="spikes so soon after the start count for the latency only, not for rates and "
        "intervals; by default a tenth of the current's duration",
    )


class PatchSizeStudy(AlongSweep):
    """Spontaneous firing against area: rate, its exponential fall, regularity of intervals."""

    fit_from_um2: Area | None = Field(
        None,
        alias="fit_from",
        description="smallest area that the exponential is fitted to; by default the smallest from "
        "which on the rates do not refute one",
    )


class StochasticResonanceStudy(AlongSweep):
    """Signal-to-noise ratio under a weak sine, against area or another strength of noise."""

    start_ms: Time | None = Field(
        None, alias="start", description="by default that of the sine; cut down to whole cycles"
    )
    end_ms: Time | None = Field(None, alias="end", description="by default that of the sine")
    quantity: Literal["spikes", "voltage"] = Field(
        "spikes", description="whose power is measured: that of spike trains, or of the voltage"
    )
    frequency_kHz: Frequency | None = Field(
        None, alias="frequency", description="of the drive; by default that of the only sine"
    )
    neighbours: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(
        10, description="Fourier frequencies on either side of the drive's that measure the noise"
    )
