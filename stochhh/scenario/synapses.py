"""The tables of synapses: release of vesicles, their transmitter, the receptors; and inputs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from stochhh.errors import InputError
from stochhh.fields import (
    Concentration,
    Conductance,
    Duration,
    EventRate,
    Name,
    Rate,
    Table,
    Temperature,
    Time,
    Voltage,
)
from stochhh.scenario.paths import PathText
from stochhh.units import DURATION, RATE, TIME, VOLTAGE, parse


class Release(Table):
    """Vesicles at the sites of a terminal, each released or not by an action potential.

    A spike releases from each full site with the same probability, so the number is
    binomial (del Castillo & Katz 1954, doi:10.1113/jphysiol.1954.sp005129). Each
    vesicle is out after `delay` and a random time besides, gamma-distributed with
    shape 2 and mean `delay_spread` (shape after Katz & Miledi 1965,
    doi:10.1098/rspb.1965.0016).
    """

    sites: Annotated[StrictInt, Field(ge=1, le=100_000)]
    probability: Annotated[StrictFloat, Field(ge=0, le=1)] = Field(
        description="that a full site releases when a spike arrives"
    )
    delay_ms: Time = Field(parse("0.5 ms", TIME), alias="delay", description="least delay")
    delay_spread_ms: Time = Field(
        parse("0.3 ms", TIME), alias="delay_spread", description="mean of what comes on top"
    )
    refill_ms: Duration = Field(
        parse("100 ms", DURATION), alias="refill", description="mean time until a site is full"
    )
    spontaneous: Rate = Field(
        parse("0 / s", RATE), description="rate of spontaneous release of the whole synapse"
    )
    threshold_mV: Voltage = Field(
        parse("0 mV", VOLTAGE), alias="threshold", description="of the terminal's voltage"
    )


class Transmitter(Table):
    """Concentration in the cleft of a site after a vesicle: up at once, or with `rise`."""

    peak_mM: Concentration = Field(alias="peak")
    decay_ms: Duration = Field(alias="decay")
    rise_ms: Duration | None = Field(None, alias="rise")

    @model_validator(mode="after")
    def _rises_faster(self) -> Self:
        if self.rise_ms is not None and self.rise_ms >= self.decay_ms:
            raise InputError(
                f'rise = "{self.rise_ms.text}" must be shorter than decay = "{self.decay_ms.text}"'
            )
        return self


class Receptors(Table):
    """Ligand-gated channels that face one release site."""

    scheme: PathText = Field(description="a name in the library, or the path of a scheme file")
    count: Annotated[StrictInt, Field(ge=1, le=10**7)] = Field(description="at each site")
    conductance_nS: Conductance = Field(alias="conductance", description="of one open channel")
    reversal_mV: Voltage = Field(alias="reversal")
    temperature_degC: Temperature | None = Field(None, alias="temperature")
    method: Literal["exact", "langevin", "deterministic"] = "exact"


class Synapse(Table):
    """A terminal of one cell on a place of another (or the same) cell."""

    name: Name
    source: Name = Field(alias="from", description="the cell whose spikes release")
    source_at: Name = Field("end", alias="from_at")
    target: Name = Field(alias="to", description="the cell that bears the receptors")
    target_at: Name = Field("start", alias="to_at")
    release: Release
    transmitter: Transmitter
    receptors: Receptors


class ConductanceInput(Table):
    """A synapse without a presynaptic cell: a conductance that opens at random or given times.

    Each event adds ``peak`` times a difference of two exponentials that is 1 at its
    largest, or one exponential without `rise`. Everywhere on a cell, events of a rate open
    one place each, anywhere on the membrane alike; at given times the peak is that of all
    the membrane together. So both mean the same however the cell is cut.
    """

    name: Name = "input"
    cell: Name | None = None
    at: Name | None = None
    peak_nS: Conductance = Field(alias="peak")
    decay_ms: Duration = Field(alias="decay")
    rise_ms: Duration | None = Field(None, alias="rise")
    reversal_mV: Voltage = Field(alias="reversal")
    rate: EventRate | None = Field(
        None,
        description="of a Poisson process, new in every trial: of the whole place, or, "
        'everywhere, per length ("5 / (s um)") or area ("0.1 / (s um^2)")',
    )
    times_ms: tuple[Time, ...] | None = Field(None, alias="times", max_length=1_000_000)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rate is None) == (self.times_ms is None):
            raise InputError(
                'an input needs the rate of its events or their times, as in rate = "100 Hz" '
                'or times = ["10 ms"]'
            )
        if self.rise_ms is not None and self.rise_ms >= self.decay_ms:
            raise InputError(
                f'rise = "{self.rise_ms.text}" must be shorter than decay = "{self.decay_ms.text}"'
            )
        return self
