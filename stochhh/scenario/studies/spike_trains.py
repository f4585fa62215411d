"""Settings of studies of spike trains: their statistics, their reliability, shapes of spikes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from stochhh.fields import Duration, Frequency, Voltage
from stochhh.scenario.studies.common import AlongSweep, PartOfTrial
from stochhh.units import DURATION, FREQUENCY, parse


class SpikeTrainStudy(PartOfTrial):
    """Statistics of spike trains: rate, intervals and their hazard, counts, correlations."""

    interval_bin_ms: Duration | None = Field(
        None, alias="interval_bin", description="of the interval density; by default from the data"
    )
    rate_bin_ms: Duration | None = Field(
        None, alias="rate_bin", description="of the rate in time; by default from the data"
    )
    windows_ms: tuple[Duration, ...] = Field(
        (),
        alias="windows",
        max_length=100,
        description='that spikes are counted in, as in ["10 ms", "1 s"]; by default 13',
    )
    lags: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        5, description="how far apart intervals are correlated"
    )


class ReliabilityStudy(AlongSweep):
    """Whether trials repeat their spikes, and how precisely, along a sweep or without one."""

    event_sigma_ms: Duration | None = Field(
        None,
        alias="event_sigma",
        description="smoothing of the rate that events are found in; by default from the rate",
    )
    sigma_ms: Duration = Field(
        parse("3 ms", DURATION), alias="sigma", description="of the Gaussian of the correlation"
    )
    cost_per_ms: Frequency = Field(
        parse("200 Hz", FREQUENCY),
        alias="cost",
        description="of moving a spike, Victor & Purpura; times are alike within 2/cost",
    )
    tau_ms: Duration = Field(
        parse("5 ms", DURATION), alias="tau", description="of the exponential of van Rossum"
    )


class SpikeShapeStudy(PartOfTrial):
    """Shapes of action potentials: peak, width, slope, afterhyperpolarisation."""

    base_mV: Voltage | None = Field(
        None,
        alias="base",
        description="that amplitude and half-width are told from; by default the onset of each",
    )
    spikes: Annotated[StrictInt, Field(ge=1, le=100_000)] = Field(
        500, description="how many are measured at most, from the first trial on"
    )
